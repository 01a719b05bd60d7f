//! `DateTimeEquals` and its kin: RFC 3339, up to seven digits of a second.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta};
use std::cmp::Ordering;

/// The order of two moments.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(moment(left)?.cmp(&moment(right)?))
}

/// Reads a moment.
pub(crate) fn moment(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text.trim()).ok()
}

/// The moments next to one.
pub(super) fn neighbours(text: &str) -> Vec<String> {
    let step = TimeDelta::nanoseconds(100);
    let around = moment(text).map(|at| [at.checked_sub_signed(step), at.checked_add_signed(step)]);
    around.into_iter().flatten().flatten().map(|at| at.to_rfc3339_opts(SecondsFormat::Nanos, true)).collect()
}
