//! What a statement is held against: one request, as far as it is known.

use crate::language::action::ActionName;
use crate::language::facts::Facts;
use crate::language::open::{Flag, Flags, LEANING, Suppositions, bit};
use crate::language::principal::Caller;
use iam_why_contract::{Lookup, Truth};
use std::cell::Cell;

/// One request as statements see it.
#[derive(Debug)]
pub struct View<'r> {
    /// The action.
    pub action: &'r ActionName,
    /// The resource: its ARN, or `*` for an action that has none. An identity policy may name an access point or the bucket behind it,
    /// so there may be two (S3-16).
    pub resources: &'r [Box<str>],
    /// The caller, for the `Principal` element.
    pub caller: &'r Caller,
    /// The condition keys.
    pub facts: &'r Facts,
    /// What is known of each flag.
    pub flags: Flags,
    /// What is supposed of open facts.
    pub supposed: &'r Suppositions,
    /// The open and contradicted flags that were asked for.
    consulted: Cell<u32>,
}

impl<'r> View<'r> {
    /// The view of a request.
    #[must_use]
    pub fn new(
        action: &'r ActionName,
        resources: &'r [Box<str>],
        caller: &'r Caller,
        facts: &'r Facts,
        open: (Flags, &'r Suppositions),
    ) -> Self {
        let (known, supposed) = open;
        Self { action, resources, caller, facts, flags: supposed.flags.unwrap_or(known), supposed, consulted: Cell::new(0) }
    }

    /// The same request, by other names of its resource.
    #[must_use]
    pub fn naming(&self, resources: &'r [Box<str>]) -> Self {
        Self { resources, consulted: Cell::new(0), ..*self }
    }

    /// What is known of the condition key `key`, given in lower case.
    #[must_use]
    pub fn fact(&self, key: &str) -> Lookup<'r> {
        if !self.supposed.keys.is_empty()
            && let Some(supposed) = self.supposed.key(key)
        {
            return supposed;
        }
        self.facts.get(key)
    }

    /// Whether `flag` holds. That it was asked for while open, or where the documentation contradicts itself, is remembered.
    #[must_use]
    pub fn flag(&self, flag: Flag) -> Truth {
        let holds = self.flags.get(flag);
        if holds.is_unknown() || LEANING.iter().any(|(leaning, _)| *leaning == flag) {
            self.consulted.set(self.consulted.get() | bit(flag));
        }
        holds
    }

    /// The open and contradicted flags that were asked for so far.
    #[must_use]
    pub fn consulted(&self) -> u32 {
        self.consulted.get()
    }

    /// Takes back what was remembered of open flags.
    pub fn forget_to(&self, consulted: u32) {
        self.consulted.set(consulted);
    }
}
