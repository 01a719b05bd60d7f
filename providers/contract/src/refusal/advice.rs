//! What to say of a refusal and what to do next, as tables.

use super::{Reason, Refusal};

/// One row: what a refusal of this layer means and what to do about it.
///
/// `{principal}`, `{action}`, `{resource}`, `{policy}` and any key of the context stand for what the text holds, in backticks; a step that names
/// something the text does not hold is left out.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// The layer; empty for any.
    pub layer: &'static str,
    /// The type of policy, where the row is for one only.
    pub policy_kind: Option<&'static str>,
    /// The reason, where the row is for one only.
    pub reason: Option<Reason>,
    /// Why, as a clause: `no identity-based policy allows it`.
    pub because: &'static str,
    /// What to do, the most likely first.
    pub next: &'static [&'static str],
}

impl Advice {
    fn fits(&self, refusal: &Refusal) -> bool {
        (self.layer.is_empty() || self.layer == refusal.refused_by)
            && self.policy_kind.is_none_or(|kind| refusal.policy_kind.as_deref() == Some(kind))
            && self.reason.is_none_or(|reason| reason == refusal.reason)
    }
}

/// Fills in what to say and what to do next from the first row that fits. `who` is the name of the provider.
pub fn advise(refusal: &mut Refusal, who: &str, table: &[Advice]) {
    let Some(row) = table.iter().find(|row| row.fits(refusal)) else { return };
    let because = fill(row.because, refusal).unwrap_or_default();
    refusal.says = format!("{}: {because}", opening(refusal, who));
    let steps = row.next.iter().filter_map(|step| fill(step, refusal)).collect::<Vec<_>>();
    refusal.next.extend(steps);
}

/// `AWS refused `principal` `action` on `resource``.
fn opening(refusal: &Refusal, who: &str) -> String {
    let mut opening = match (&refusal.principal, &refusal.action) {
        (Some(principal), Some(action)) => format!("{who} refused `{principal}` the action `{action}`"),
        (Some(principal), None) => format!("{who} refused `{principal}`"),
        (None, Some(action)) => format!("{who} refused `{action}`"),
        (None, None) => format!("{who} refused the request"),
    };
    if let Some(resource) = &refusal.resource {
        opening.push_str(&format!(" on `{resource}`"));
    }
    opening
}

/// `text` with its holes filled; `None` where the refusal does not hold one of them.
fn fill(text: &str, refusal: &Refusal) -> Option<String> {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(&format!("`{}`", value(name, refusal)?));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn value<'r>(name: &str, refusal: &'r Refusal) -> Option<&'r str> {
    match name {
        "principal" => refusal.principal.as_deref(),
        "action" => refusal.action.as_deref(),
        "resource" => refusal.resource.as_deref(),
        "policy" => refusal.policy.as_deref(),
        key => refusal.context.get(key).map(String::as_str),
    }
}
