//! `GuidEquals`: case and dashes do not count. A role may be named by its id or by the whole path that ends in it.

use crate::world::guid;

/// Are they the same?
pub(super) fn same(left: &str, right: &str) -> Option<bool> {
    Some(guid(last(left))? == guid(last(right))?)
}

fn last(text: &str) -> &str {
    text.trim().rsplit('/').next().unwrap_or(text)
}
