//! Whether open facts can change a decision, and which of them.
//!
//! Kleene logic alone gives up too early: *allow if k = v, allow if k ≠ v* does not depend on k. So where few facts are open the
//! decision is taken under every way they could turn out. A fact that can never flip the decision is no doubt.

use crate::verdict::{Decision, Doubt, Kind};

/// How many facts are split on at most; beyond that the answer is *undetermined* and names what is open.
pub const FACTS: usize = 8;

/// How many completions are tried at most.
pub const COMPLETIONS: usize = 1 << 17;

/// One open fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What to say of it.
    pub doubt: Doubt,
    /// In how many ways that matter it could turn out; at least 1.
    pub ways: usize,
}

/// What a decision comes to once open facts are taken into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The decision that every completion leads to, or `Undetermined`.
    pub decision: Decision,
    /// How it is refused, where every completion refuses in the same way.
    pub kind: Option<Kind>,
    /// Indices of the facts that can flip the decision: together they are the smallest set that settles it.
    pub matters: Vec<usize>,
    /// Whether every completion was tried. If not, `matters` lists all facts.
    pub exact: bool,
}

/// Decides under every completion of `facts`. `decide` is given the way each fact turns out.
pub fn settle(facts: &[Open], mut decide: impl FnMut(&[usize]) -> (Decision, Option<Kind>)) -> Settled {
    settle_possible(facts, |ways| Some(decide(ways)))
}

/// Decides under every completion of `facts` that can come about: `decide` gives `None` where the facts contradict each other.
pub fn settle_possible(facts: &[Open], mut decide: impl FnMut(&[usize]) -> Option<(Decision, Option<Kind>)>) -> Settled {
    let completions = facts.iter().try_fold(1_usize, |all, fact| all.checked_mul(fact.ways.max(1)));
    let Some(count) = completions.filter(|&count| count <= COMPLETIONS && facts.len() <= FACTS) else {
        let matters = (0..facts.len()).collect();
        return Settled { decision: Decision::Undetermined, kind: None, matters, exact: false };
    };
    let mut ways = vec![0; facts.len()];
    let mut outcomes = Vec::with_capacity(count);
    for number in 0..count {
        spell(number, facts, &mut ways);
        outcomes.push(decide(&ways));
    }
    conclude(facts, &outcomes)
}

/// Writes `number` in the mixed base of the facts' ways, the first fact varying fastest.
fn spell(mut number: usize, facts: &[Open], ways: &mut [usize]) {
    for (way, fact) in ways.iter_mut().zip(facts) {
        let base = fact.ways.max(1);
        *way = number % base;
        number /= base;
    }
}

/// `None` stands for a completion that cannot come about.
type Outcome = Option<(Decision, Option<Kind>)>;

fn conclude(facts: &[Open], outcomes: &[Outcome]) -> Settled {
    let mut matters = Vec::new();
    let mut stride = 1;
    for (index, fact) in facts.iter().enumerate() {
        let base = fact.ways.max(1);
        if (0..outcomes.len()).any(|number| flips(outcomes, number, stride, base)) {
            matters.push(index);
        }
        stride *= base;
    }
    let mut possible = outcomes.iter().flatten();
    let Some(&(decision, kind)) = possible.next() else {
        return Settled { decision: Decision::Undetermined, kind: None, matters: (0..facts.len()).collect(), exact: true };
    };
    let rest: Vec<_> = possible.collect();
    if rest.iter().any(|other| other.0 != decision) {
        // Facts that only turn together flip nothing one by one.
        let matters = if matters.is_empty() { (0..facts.len()).collect() } else { matters };
        return Settled { decision: Decision::Undetermined, kind: None, matters, exact: true };
    }
    let kind = kind.filter(|_| rest.iter().all(|other| other.1 == kind));
    Settled { decision, kind, matters, exact: true }
}

/// Does this completion differ from one in which only the fact with this stride turns out in another way?
fn flips(outcomes: &[Outcome], number: usize, stride: usize, base: usize) -> bool {
    let Some((decision, _)) = outcomes.get(number).copied().flatten() else { return false };
    let first = number - (number / stride % base) * stride;
    let others = (0..base).filter_map(|way| outcomes.get(first + way * stride).copied().flatten());
    others.into_iter().any(|(other, _)| other != decision)
}

#[cfg(test)]
mod tests {
    use super::{Open, settle};
    use crate::verdict::{Decision, Doubt, Kind};

    fn fact(about: &str, ways: usize) -> Open {
        Open { doubt: Doubt { about: about.into(), needs: String::new() }, ways }
    }

    fn yes_or_no(allowed: bool) -> (Decision, Option<Kind>) {
        if allowed { (Decision::Allow, None) } else { (Decision::Deny, Some(Kind::MissingGrant)) }
    }

    #[test]
    fn a_fact_that_cannot_flip_the_decision_is_no_doubt() {
        let settled = settle(&[fact("k", 3), fact("mfa", 2)], |ways| yes_or_no(ways[1] == 1));
        assert_eq!(settled.decision, Decision::Undetermined);
        assert_eq!(settled.matters, [1]);
        let settled = settle(&[fact("k", 3)], |_| yes_or_no(true));
        assert_eq!((settled.decision, settled.matters), (Decision::Allow, vec![]));
    }

    #[test]
    fn what_cannot_come_about_does_not_count() {
        // A key has one value: both tests hold of no resource.
        let both = |ways: &[usize]| ways.iter().all(|&way| way == 1);
        let facts = [fact("env is prod", 2), fact("env is dev", 2)];
        let settled = super::settle_possible(&facts, |ways| (!both(ways)).then(|| yes_or_no(both(ways))));
        assert_eq!((settled.decision, settled.matters), (Decision::Deny, vec![]));
        let settled = super::settle_possible(&facts, |ways| (ways[0] != ways[1]).then(|| yes_or_no(ways[0] == 1)));
        assert_eq!((settled.decision, settled.matters), (Decision::Undetermined, vec![0, 1]));
    }

    #[test]
    fn too_many_open_facts_stay_undetermined() {
        let facts: Vec<Open> = (0..9).map(|n| fact(&n.to_string(), 2)).collect();
        let settled = settle(&facts, |_| yes_or_no(true));
        assert_eq!((settled.decision, settled.exact), (Decision::Undetermined, false));
    }
}
