//! Whether what is open can change the answer, and which of it.

use crate::decide::{Answer, Recorded, suppose};
use crate::language::open::{Flag, LEANING, Suppositions, Unread, bit};
use crate::language::witness::{self, Candidates};
use crate::language::{Fact, Flags, View};
use crate::request::Request;
use crate::world::World;
use iam_why_contract::settle::{FACTS, Open, Settled, settle};
use iam_why_contract::{Decision, Doubt, Lookup, Truth};
use std::collections::BTreeSet;

static NOTHING: &Suppositions = &Suppositions::NONE;

/// An answer and what would settle it.
#[derive(Debug)]
pub struct Conclusion {
    /// The answer.
    pub answer: Answer,
    /// The smallest set of facts that would settle it; empty where it is settled.
    pub doubts: Vec<Doubt>,
}

/// One thing that is open, and the ways in which it could turn out.
struct Question {
    doubts: Vec<Doubt>,
    ways: Ways,
}

enum Ways {
    Key(Box<str>, Vec<Fact>),
    Flag(Flag),
    Text(usize, Vec<Unread>),
}

impl Ways {
    fn count(&self) -> usize {
        match self {
            Self::Key(_, facts) => facts.len(),
            Self::Flag(_) => 2,
            Self::Text(_, ways) => ways.len(),
        }
    }
}

/// Concludes from a recorded decision. Where Kleene's logic left it open, every way in which what is open could turn out is tried.
#[must_use]
pub fn conclude(request: &Request, world: &World, recorded: &Recorded<'_>) -> Conclusion {
    if recorded.answer.decision != Decision::Undetermined {
        return Conclusion { answer: recorded.answer, doubts: Vec::new() };
    }
    let (questions, complete) = questions(request, world, recorded);
    let mut decided_by = BTreeSet::new();
    let opens: Vec<Open> = questions.iter().map(|question| Open { doubt: first(&question.doubts), ways: question.ways.count() }).collect();
    let settled = settle(&opens, |ways| {
        let answer = suppose(request, world, &supposing(world, &questions, ways));
        decided_by.insert(answer.decided_by);
        (answer.decision, answer.kind)
    });
    let one = if decided_by.len() == 1 { decided_by.first().copied().flatten() } else { None };
    judge(&questions, settled, one, complete)
}

fn judge(questions: &[Question], settled: Settled, decided_by: Option<&'static str>, complete: bool) -> Conclusion {
    if settled.decision != Decision::Undetermined && complete {
        return Conclusion { answer: Answer { decision: settled.decision, kind: settled.kind, decided_by }, doubts: Vec::new() };
    }
    // Ways that could not all be listed settle nothing: then every open fact is a doubt.
    let all = settled.matters.is_empty() || !settled.exact;
    let matters = |at: &usize| all || settled.matters.contains(at);
    let doubts: BTreeSet<Doubt> =
        (0..questions.len()).filter(matters).filter_map(|at| questions.get(at)).flat_map(|one| one.doubts.clone()).collect();
    let answer = Answer { decision: Decision::Undetermined, kind: None, decided_by: None };
    Conclusion { answer, doubts: doubts.into_iter().collect() }
}

fn first(doubts: &[Doubt]) -> Doubt {
    doubts.first().cloned().unwrap_or(Doubt { about: String::new(), needs: String::new() })
}

/// The points on which the documentation contradicts itself and on whose reading the answer rests.
#[must_use]
pub fn rests_on(request: &Request, world: &World, recorded: &Recorded<'_>, answer: Answer) -> Vec<Flag> {
    let consulted = LEANING.iter().filter(|(flag, _)| recorded.flags & bit(*flag) != 0);
    let turns = consulted.filter(|(flag, holds)| {
        let mut flags = world.flags;
        flags.set(*flag, !*holds);
        let supposed = Suppositions { flags: Some(flags), unread: vec![Unread::Open; world.gaps.len()], ..Suppositions::default() };
        let other = suppose(request, world, &supposed).decision;
        other != answer.decision && other != Decision::Undetermined
    });
    turns.map(|(flag, _)| *flag).collect()
}

/// What is open, and whether the ways in which it could turn out are all listed.
fn questions(request: &Request, world: &World, recorded: &Recorded<'_>) -> (Vec<Question>, bool) {
    let mut questions = Vec::new();
    let mut complete = true;
    for (number, gap) in world.gaps.iter().enumerate() {
        questions.push(Question { doubts: gap.doubts.clone(), ways: Ways::Text(number, gap.ways.clone()) });
    }
    for flag in Flag::ALL.iter().filter(|flag| recorded.flags & bit(**flag) != 0 && world.flags.get(**flag).is_unknown()) {
        questions.push(Question { doubts: vec![flag.doubt()], ways: Ways::Flag(*flag) });
    }
    let keys: BTreeSet<&str> =
        recorded.log.open.iter().flat_map(|statement| statement.keys()).filter(|key| world.facts.get(key) == Lookup::NotKnown).collect();
    let few = keys.len() + questions.len() <= FACTS;
    let view = View::new(&request.action, &world.caller_names, &world.caller, &world.facts, (world.flags, NOTHING));
    let candidates = if few { witness::candidates(&keys, &recorded.log.open, &view) } else { Vec::new() };
    for (at, key) in keys.into_iter().enumerate() {
        let Candidates { facts, complete: all } = candidates.get(at).cloned().unwrap_or_else(Candidates::none);
        complete &= all;
        questions.push(Question { doubts: vec![witness::doubt(key, &recorded.log.open)], ways: Ways::Key(key.into(), facts) });
    }
    (questions, complete)
}

fn supposing(world: &World, questions: &[Question], ways: &[usize]) -> Suppositions {
    let mut supposed = Suppositions { unread: vec![Unread::Open; world.gaps.len()], ..Suppositions::default() };
    let mut flags: Flags = world.flags;
    for (question, &way) in questions.iter().zip(ways) {
        match &question.ways {
            Ways::Key(key, facts) => supposed.keys.push((key.clone(), facts.get(way).cloned().unwrap_or(Fact::NotKnown))),
            Ways::Flag(flag) => flags.set(*flag, Truth::from(way == 1)),
            Ways::Text(number, texts) => {
                if let (Some(slot), Some(text)) = (supposed.unread.get_mut(*number), texts.get(way)) {
                    *slot = *text;
                }
            }
        }
    }
    supposed.flags = Some(flags);
    supposed
}
