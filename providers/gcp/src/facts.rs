//! Facts that nobody stated: which were asked for, and, when a decision is settled, how each is taken to turn out.

use crate::language::claims::{Claim, possible};
use iam_why_contract::settle::Open;
use iam_why_contract::{Doubt, Truth};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The open facts of one question.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    about: String,
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    taken: BTreeMap<String, usize>,
    asked: RefCell<Vec<Asked>>,
}

/// A fact that was asked for and is open.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its name.
    pub key: String,
    /// What to say of it, and in how many ways it could turn out.
    pub open: Open,
    /// What it says of something that other facts speak of too.
    claim: Option<Claim>,
}

/// Can these facts turn out in these ways together?
pub(crate) fn agree(asked: &[Asked], ways: &[usize]) -> bool {
    let claims = asked.iter().zip(ways).filter_map(|(fact, way)| Some((fact.claim.as_ref()?, *way == 1)));
    possible(&claims.collect::<Vec<_>>())
}

/// Facts about the caller are the same for every authorization of a call.
const OF_THE_CALLER: [&str; 5] = ["group", "customer", "domain", "token", "home"];

impl Facts {
    /// The same question with some of the facts taken to turn out one way or another.
    pub(crate) fn taking(taken: impl IntoIterator<Item = (String, usize)>) -> Self {
        let shared = Shared { taken: taken.into_iter().collect(), asked: RefCell::default() };
        Self { about: String::new(), shared: Rc::new(shared) }
    }

    /// The facts of another authorization that the same call needs: what is open there is another fact.
    pub(crate) fn of(&self, authorization: &str) -> Self {
        Self { about: format!("{authorization}: "), shared: Rc::clone(&self.shared) }
    }

    /// A fact that is so or is not so.
    pub(crate) fn truth(&self, key: &str, about: impl FnOnce() -> Doubt) -> Truth {
        match self.way(key, 2, about) {
            None => Truth::Unknown,
            Some(0) => Truth::No,
            Some(_) => Truth::Yes,
        }
    }

    /// A fact that can turn out in `ways` ways; `None` where it is left open.
    pub(crate) fn way(&self, key: &str, ways: usize, about: impl FnOnce() -> Doubt) -> Option<usize> {
        let shared = OF_THE_CALLER.iter().any(|start| key.starts_with(start));
        self.turn(if shared { key.to_owned() } else { format!("{}{key}", self.about) }, ways, None, about)
    }

    /// A fact that says something of what other facts speak of too: false in its first way, true in its second.
    pub(crate) fn claim(&self, claim: Claim, ways: usize, about: impl FnOnce() -> Doubt) -> Option<usize> {
        // The time is the same for every authorization of a call; what is said of a resource is not.
        let claim = if claim.is_of_the_call() { claim } else { claim.about(&self.about) };
        self.turn(claim.to_string(), ways, Some(claim), about)
    }

    fn turn(&self, key: String, ways: usize, claim: Option<Claim>, about: impl FnOnce() -> Doubt) -> Option<usize> {
        if let Some(&way) = self.shared.taken.get(&key) {
            return Some(way);
        }
        let mut asked = self.shared.asked.borrow_mut();
        if !asked.iter().any(|fact| fact.key == key) {
            asked.push(Asked { key, open: Open { doubt: about(), ways }, claim });
        }
        None
    }

    /// What was asked for and is open, in the order it was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }
}
