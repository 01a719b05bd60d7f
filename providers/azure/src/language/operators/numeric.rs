//! `NumericEquals` and its kin: integers only.

use std::cmp::Ordering;

/// The order of two integers.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(number(left)?.cmp(&number(right)?))
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// The integers next to one.
pub(super) fn neighbours(text: &str) -> Vec<String> {
    let around = number(text).map(|n| [n.saturating_sub(1), n.saturating_add(1)]);
    around.into_iter().flatten().map(|n| n.to_string()).collect()
}
