//! Facts that nobody stated: which were asked for, and, when a decision is settled, how each is taken to turn out.

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
    asked: RefCell<Vec<(String, Open)>>,
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
        let key = if shared { key.to_owned() } else { format!("{}{key}", self.about) };
        if let Some(&way) = self.shared.taken.get(&key) {
            return Some(way);
        }
        let mut asked = self.shared.asked.borrow_mut();
        if !asked.iter().any(|(name, _)| *name == key) {
            asked.push((key, Open { doubt: about(), ways }));
        }
        None
    }

    /// What was asked for and is open, in the order it was asked.
    pub(crate) fn asked(&self) -> Vec<(String, Open)> {
        self.shared.asked.borrow().clone()
    }
}
