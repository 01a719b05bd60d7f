//! The operators of conditions, one file for each family of values.

mod boolean;
pub(crate) mod date;
mod guid;
mod numeric;
mod string;

use crate::facts::Probe;
use crate::language::action::ActionPattern;
use crate::language::condition::{Base, Comparison, Family, Operand, Quantifier, Relation};
use iam_why_contract::Truth;
use std::cmp::Ordering;

/// Does `left` relate to `right`? `None` where a value is not of the operator's family: what Azure does then is not documented.
pub(crate) fn holds(base: Base, left: &str, right: &str) -> Option<bool> {
    let related = match base.family {
        Family::String => Some(string::related(base, left, right)),
        Family::Numeric => numeric::compare(left, right).map(|order| ordered(base.relation, order)),
        Family::DateTime => date::compare(left, right).map(|order| ordered(base.relation, order)),
        Family::Bool => boolean::same(left, right),
        Family::Guid => guid::same(left, right),
    }?;
    Some(related != base.negated)
}

fn ordered(relation: Relation, order: Ordering) -> bool {
    match relation {
        Relation::GreaterThan => order.is_gt(),
        Relation::GreaterThanEquals => order.is_ge(),
        Relation::LessThan => order.is_lt(),
        Relation::LessThanEquals => order.is_le(),
        Relation::Equals | Relation::StartsWith | Relation::Like => order.is_eq(),
    }
}

/// Compares the values of both sides. `None` where the documentation gives no meaning: several values without a quantifier (C-11), a
/// *for all* over no values, a negated operator over none (C-16), or values of another family. *For any* over no values is false.
pub(crate) fn compare(quantifier: Option<Quantifier>, base: Base, left: &[String], right: &[String]) -> Option<bool> {
    let pair = |l: &String, r: &String| holds(base, l, r).map(Truth::from).unwrap_or(Truth::Unknown);
    if left.is_empty() || right.is_empty() {
        return over_nothing(quantifier, left).filter(|_| !base.negated);
    }
    let some = |l: &String| Truth::any(right.iter().map(|r| pair(l, r)));
    let every = |l: &String| Truth::all(right.iter().map(|r| pair(l, r)));
    let truth = match quantifier {
        None => match (left, right) {
            ([l], [r]) => pair(l, r),
            _ => Truth::Unknown,
        },
        Some(Quantifier::AnyOfAny) => Truth::any(left.iter().map(some)),
        Some(Quantifier::AllOfAny) => Truth::all(left.iter().map(some)),
        Some(Quantifier::AnyOfAll) => Truth::any(left.iter().map(every)),
        Some(Quantifier::AllOfAll) => Truth::all(left.iter().map(every)),
    };
    match truth {
        Truth::Yes => Some(true),
        Truth::No => Some(false),
        Truth::Unknown => None,
    }
}

/// A side without values: what asks for some value of it finds none. Whether every one of none holds is not documented.
fn over_nothing(quantifier: Option<Quantifier>, left: &[String]) -> Option<bool> {
    let some_of_none = match quantifier? {
        Quantifier::AnyOfAny => true,
        Quantifier::AnyOfAll => left.is_empty(),
        Quantifier::AllOfAny => !left.is_empty(),
        Quantifier::AllOfAll => false,
    };
    some_of_none.then_some(false)
}

/// How many comparisons of one attribute are looked at together.
const TOGETHER: usize = 6;

/// The ways in which what is asked of one attribute, or of the suboperation, can turn out together; `None` where that is not worked out,
/// and each must be taken to turn out by itself.
///
/// For single values compared with literals it is enough to try each literal, what lies next to it, something else, and nothing.
pub(crate) fn feasible(attribute: &str, probes: &[&Probe]) -> Option<Vec<Vec<Truth>>> {
    let single = !attribute.starts_with("@Principal[") && !attribute.contains("$keys$");
    if !single || probes.len() > TOGETHER {
        return None;
    }
    let candidates: Option<Vec<Vec<String>>> = probes.iter().map(|probe| candidates(probe)).collect();
    let mut ways: Vec<Vec<Truth>> = Vec::new();
    for candidate in candidates?.into_iter().flatten().chain(fresh()) {
        let row: Option<Vec<Truth>> = probes.iter().map(|probe| outcome(probe, &candidate)).collect();
        ways.extend(row);
    }
    ways.extend(absent(probes));
    ways.sort();
    ways.dedup();
    (ways.len() > 1).then_some(ways)
}

/// The values that could make a difference to a probe; `None` where they cannot be listed.
fn candidates(probe: &Probe) -> Option<Vec<String>> {
    match probe {
        Probe::Exists => Some(Vec::new()),
        Probe::Matches(patterns) => Some(patterns.iter().map(|pattern| pattern.text().replace('*', "~")).collect()),
        Probe::Compare(comparison) => {
            literals_of(comparison).map(|literals| literals.iter().flat_map(|literal| neighbours(literal)).collect())
        }
    }
}

/// The literals that an attribute on the left is compared with, if the operator is one for which candidates can be listed.
fn literals_of(comparison: &Comparison) -> Option<&[String]> {
    let listable = comparison.operator.base.relation != Relation::Like;
    match (&comparison.left, &comparison.right) {
        (Operand::Attribute(_), Operand::Literals(values)) if listable => Some(values),
        _ => None,
    }
}

/// What a probe comes to where the value is `candidate`.
fn outcome(probe: &Probe, candidate: &str) -> Option<Truth> {
    match probe {
        Probe::Exists => Some(Truth::Yes),
        Probe::Matches(patterns) => Some(Truth::from(matches(patterns, candidate))),
        Probe::Compare(comparison) => {
            let base = comparison.operator.base;
            compare(comparison.operator.quantifier, base, &[candidate.to_owned()], literals_of(comparison)?).map(Truth::from)
        }
    }
}

fn matches(patterns: &[ActionPattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// An absent attribute makes positive comparisons false (C-14); of negated ones nobody knows (C-16).
fn absent(probes: &[&Probe]) -> Vec<Vec<Truth>> {
    let is_negated = |probe: &&Probe| matches!(probe, Probe::Compare(comparison) if comparison.operator.base.negated);
    let negated: Vec<usize> = (0..probes.len()).filter(|&index| probes.get(index).is_some_and(is_negated)).collect();
    let row = |bits: usize| {
        let truth = |index: usize| negated.iter().position(|&at| at == index).is_some_and(|bit| bits >> bit & 1 == 1);
        (0..probes.len()).map(|index| Truth::from(truth(index))).collect()
    };
    (0..1_usize << negated.len()).map(row).collect()
}

/// The literal itself, and what lies next to it for any family.
fn neighbours(literal: &str) -> Vec<String> {
    let swapped = literal.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    let mut all = vec![literal.to_owned(), swapped, format!("{literal}~")];
    all.extend(numeric::neighbours(literal));
    all.extend(date::neighbours(literal));
    all
}

/// Values that no condition mentions, one for each family.
fn fresh() -> Vec<String> {
    ["~", "deadbeef-dead-4ead-8ead-deadbeefdead", "true", "false"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::language::condition::{Base, Quantifier};

    fn values(list: &str) -> Vec<String> {
        list.split_whitespace().map(str::to_owned).collect()
    }

    /// `left operator right` for each operator, as the format page states it.
    #[test]
    fn each_operator_does_what_the_page_says() {
        let guid = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
        let bare = "ACDD72A7338548EFBD42F606FBA81AE7";
        for (left, operator, right, wanted) in [
            ("a", "StringEquals", "a", Some(true)),
            ("A", "StringEquals", "a", Some(false)),
            ("A", "StringEqualsIgnoreCase", "a", Some(true)),
            ("a", "StringNotEquals", "b", Some(true)),
            ("logs/x", "StringStartsWith", "logs/", Some(true)),
            ("Logs/x", "StringStartsWithIgnoreCase", "logs/", Some(true)),
            ("logs/x", "StringNotStartsWith", "logs/", Some(false)),
            ("q1/total.csv", "StringLike", "q?/*.csv", Some(true)),
            ("q10/total.csv", "StringLike", "q?/*.csv", Some(false)),
            ("a*b", "StringLike", "a\\*b", Some(true)),
            ("axb", "StringLike", "a\\*b", Some(false)),
            ("AxB", "StringNotLikeIgnoreCase", "a?b", Some(false)),
            ("10", "NumericLessThan", "25", Some(true)),
            ("25", "NumericLessThanEquals", "25", Some(true)),
            ("25", "NumericGreaterThan", "25", Some(false)),
            ("x", "NumericEquals", "25", None),
            ("2026-03-29T22:03:00Z", "DateTimeGreaterThan", "2026-03-29T22:03:00.0Z", Some(false)),
            ("2026-03-29T22:03:00.0000001Z", "DateTimeGreaterThan", "2026-03-29T22:03:00.0Z", Some(true)),
            ("2026-03-29T22:03:00Z", "DateTimeEquals", "2026-03-29T22:03:00.0000000Z", Some(true)),
            ("True", "BoolEquals", "true", Some(true)),
            ("true", "BoolNotEquals", "true", Some(false)),
            (guid, "GuidEquals", bare, Some(true)),
            (guid, "GuidNotEquals", bare, Some(false)),
            ("Reader", "GuidEquals", guid, None),
        ] {
            let base = Base::read(operator).unwrap();
            assert_eq!(compare(None, base, &values(left), &values(right)), wanted, "{left} {operator} {right}");
        }
    }

    #[test]
    fn quantifiers_count_both_sides() {
        use Quantifier::{AllOfAll, AllOfAny, AnyOfAll, AnyOfAny};
        for (left, quantifier, operator, right, wanted) in [
            ("red blue", AnyOfAny, "StringEquals", "blue green", true),
            ("red blue", AllOfAny, "StringEquals", "blue green", false),
            ("10 20", AnyOfAll, "NumericLessThan", "15 18", true),
            ("10 20", AllOfAll, "NumericLessThan", "25 30", true),
            ("10 20", AllOfAll, "NumericLessThan", "15 25", false),
            // C-10: not-equals with any/any excludes nothing, with any/all it is the exclusion list.
            ("a", AnyOfAny, "StringNotEquals", "a b", true),
            ("a", AnyOfAll, "StringNotEquals", "a b", false),
        ] {
            let base = Base::read(operator).unwrap();
            assert_eq!(compare(Some(quantifier), base, &values(left), &values(right)), Some(wanted), "{left} {quantifier:?} {right}");
        }
    }

    #[test]
    fn no_value_is_some_value_of_none() {
        use Quantifier::{AllOfAll, AllOfAny, AnyOfAll, AnyOfAny};
        let equals = Base::read("StringEquals").unwrap();
        for (left, quantifier, right, wanted) in [
            ("", AnyOfAny, "a", Some(false)),
            ("a", AnyOfAny, "", Some(false)),
            ("", AnyOfAll, "a", Some(false)),
            ("a", AnyOfAll, "", None),
            ("a", AllOfAny, "", Some(false)),
            ("", AllOfAll, "a", None),
        ] {
            assert_eq!(compare(Some(quantifier), equals, &values(left), &values(right)), wanted, "{left:?} {quantifier:?} {right:?}");
        }
    }

    #[test]
    fn what_the_page_leaves_open_stays_open() {
        let equals = Base::read("StringEquals").unwrap();
        assert_eq!(compare(None, equals, &values("a"), &values("a b")), None);
        assert_eq!(compare(Some(Quantifier::AllOfAny), equals, &[], &values("a")), None);
        let differs = Base::read("StringNotEquals").unwrap();
        assert_eq!(compare(Some(Quantifier::AnyOfAny), differs, &[], &values("a")), None);
    }
}
