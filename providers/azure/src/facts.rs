//! The facts that nobody told us, and how they might turn out.
//!
//! Wherever the rules meet something that was not read or not said they ask here. In the first pass every answer is *unknown*, and
//! the question is remembered. Where the decision then hangs on them, it is taken again under every way they could turn out.

use crate::language::action::ActionPattern;
use crate::language::condition::Comparison;
use crate::language::operators;
use iam_why_contract::settle::Open;
use iam_why_contract::{Doubt, Truth};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The open facts of one question, and the completion under which it is being answered.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    supposed: BTreeMap<String, Truth>,
    met: RefCell<BTreeMap<String, Met>>,
}

/// One open fact that was met.
#[derive(Debug, Clone)]
pub(crate) struct Met {
    doubt: Doubt,
    probe: Option<(String, Probe)>,
}

/// What is asked of something that has one value, or none: an attribute, or the suboperation.
#[derive(Debug, Clone)]
pub(crate) enum Probe {
    /// Is it there?
    Exists,
    /// Does it compare?
    Compare(Box<Comparison>),
    /// Does one of the patterns cover it?
    Matches(Vec<ActionPattern>),
}

/// Open facts that depend on each other: what is asked of one attribute. They turn out in one of `ways`.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    doubt: Doubt,
    keys: Vec<String>,
    ways: Vec<Vec<Truth>>,
}

impl Facts {
    /// Whether `key` holds: as supposed, else unknown.
    pub(crate) fn ask(&self, key: &str, doubt: impl FnOnce() -> Doubt) -> Truth {
        self.answer(key, || Met { doubt: doubt(), probe: None })
    }

    /// Whether what is asked of something that is not known holds: an attribute, or the suboperation.
    pub(crate) fn ask_of(&self, name: &str, probe: Probe, doubt: impl FnOnce() -> Doubt) -> Truth {
        let key = match &probe {
            Probe::Exists => format!("exists {name}"),
            Probe::Compare(comparison) => format!("attribute {name} {comparison}"),
            Probe::Matches(patterns) => {
                let texts: Vec<&str> = patterns.iter().map(ActionPattern::text).collect();
                format!("matches {name} {}", texts.join(", "))
            }
        };
        self.answer(&key, || Met { doubt: doubt(), probe: Some((name.to_owned(), probe)) })
    }

    fn answer(&self, key: &str, met: impl FnOnce() -> Met) -> Truth {
        if let Some(truth) = self.supposed.get(key) {
            return *truth;
        }
        self.met.borrow_mut().entry(key.to_owned()).or_insert_with(met);
        Truth::Unknown
    }

    /// Answers from `look`; what it asked is remembered only if its answer depends on it.
    pub(crate) fn unless_certain(&self, look: impl FnOnce() -> Truth) -> Truth {
        let before = self.met.take();
        let truth = look();
        let asked = self.met.take();
        let mut met = self.met.borrow_mut();
        *met = before;
        if truth.is_unknown() {
            met.extend(asked);
        }
        truth
    }

    /// What was met, as questions that can turn out independently of each other.
    pub(crate) fn questions(&self) -> Vec<Question> {
        let met = self.met.borrow();
        let mut attributes: BTreeMap<&str, Vec<(&String, &Met, &Probe)>> = BTreeMap::new();
        let mut questions = Vec::new();
        for (key, fact) in met.iter() {
            match &fact.probe {
                Some((attribute, probe)) => attributes.entry(attribute).or_default().push((key, fact, probe)),
                None => questions.push(yes_or_no(key, fact)),
            }
        }
        for (attribute, facts) in attributes {
            let probes: Vec<&Probe> = facts.iter().map(|(_, _, probe)| *probe).collect();
            match operators::feasible(attribute, &probes) {
                Some(ways) => questions.extend(facts.first().map(|(_, first, _)| Question {
                    doubt: first.doubt.clone(),
                    keys: facts.iter().map(|(key, _, _)| (*key).clone()).collect(),
                    ways,
                })),
                None => questions.extend(facts.iter().map(|(key, fact, _)| yes_or_no(key, fact))),
            }
        }
        questions
    }

    /// The completion in which each of `questions` turns out its way.
    pub(crate) fn completed(questions: &[Question], ways: &[usize]) -> Self {
        let mut supposed = BTreeMap::new();
        for (question, way) in questions.iter().zip(ways) {
            let truths = question.ways.get(*way).map(Vec::as_slice).unwrap_or_default();
            supposed.extend(question.keys.iter().cloned().zip(truths.iter().copied()));
        }
        Self { supposed, met: RefCell::default() }
    }
}

fn yes_or_no(key: &str, fact: &Met) -> Question {
    Question { doubt: fact.doubt.clone(), keys: vec![key.to_owned()], ways: vec![vec![Truth::No], vec![Truth::Yes]] }
}

impl Question {
    /// The question as the contract's `settle` takes it.
    pub(crate) fn open(&self) -> Open {
        Open { doubt: self.doubt.clone(), ways: self.ways.len() }
    }

    /// What to say of it.
    pub(crate) fn doubt(&self) -> &Doubt {
        &self.doubt
    }
}

/// A doubt in words.
pub(crate) fn doubt(about: impl Into<String>, needs: impl Into<String>) -> Doubt {
    Doubt { about: about.into(), needs: needs.into() }
}
