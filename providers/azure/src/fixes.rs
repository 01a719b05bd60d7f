//! What could be changed, proposed from the findings. Shown only where simulating the change lets the request through.
//!
//! Every blocker needs a change of its own; what is shown lets the request through as a whole.

mod condition;
mod gates;
mod grants;

use crate::decide::Matter;
use crate::facts::Facts;
use crate::findings;
use crate::layers::Asked;
use crate::request::{Access, Request};
use crate::world::World;
use iam_why_contract::fix::NewDocument;
use iam_why_contract::{Decision, Edit, Finding, Fix, Proposal, Snapshot};
use serde_json::{Value, json};

/// How many changes are shown.
const SHOWN: usize = 3;

/// A change that is yet to be proven: edits of documents, or something that the request must carry.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    proposal: Proposal,
    /// What the request must carry: a key of the context, and its value.
    carries: Vec<(String, String)>,
}

impl Change {
    /// A change of documents.
    fn new(says: String, who: String, edits: Vec<Edit>) -> Self {
        Self { proposal: Proposal { says, edits, who, widens: None, commands: Vec::new() }, carries: Vec::new() }
    }

    fn widens(mut self, widens: impl Into<String>) -> Self {
        self.proposal.widens = Some(widens.into());
        self
    }

    fn command(mut self, command: impl Into<String>) -> Self {
        self.proposal.commands.push(command.into());
        self
    }

    fn and(mut self, other: Self) -> Self {
        self.proposal = self.proposal.and(other.proposal);
        self.carries.extend(other.carries);
        self
    }
}

/// The changes that let the request through.
pub(crate) fn of(matter: &Matter<'_>, findings: &[Finding], snapshot: &Snapshot) -> Vec<Fix> {
    let facts = Facts::default();
    let changes = |finding: &Finding| -> Vec<Change> {
        let access = matter.request.needs.get(finding.part).and_then(|need| need.first());
        access.map(|access| for_finding(&matter.asked(access, &facts), finding, snapshot)).unwrap_or_default()
    };
    let each: Vec<Vec<Change>> = findings.iter().map(changes).collect();
    let mut fixes: Vec<Fix> = Vec::new();
    for change in combined(&each) {
        let carries = change.carries;
        let fix = change.proposal.prove(snapshot, |edited| simulate(matter.request, &carries, edited));
        fixes.extend(fix.filter(|fix| !fixes.iter().any(|other| other.says() == fix.says())));
        if fixes.len() == SHOWN {
            break;
        }
    }
    fixes
}

/// One change for each blocker: the first ones together, then each other change of the first blocker with the first ones of the rest.
fn combined(each: &[Vec<Change>]) -> Vec<Change> {
    let Some((first, rest)) = each.split_first() else { return Vec::new() };
    let rest: Option<Vec<Change>> = rest.iter().map(|changes| changes.first().cloned()).collect();
    let Some(rest) = rest else { return Vec::new() };
    let join = |change: &Change| rest.iter().cloned().fold(change.clone(), Change::and);
    first.iter().map(join).collect()
}

fn simulate(request: &Request, carries: &[(String, String)], snapshot: &Snapshot) -> Decision {
    let request = carries.iter().fold(request.clone(), |request, (key, value)| request.carrying(key, value));
    let world = World::new(snapshot);
    let caller = world.caller(&request.principal);
    Matter { request: &request, world: &world, caller: &caller }.settled().0.decision
}

fn for_finding(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Vec<Change> {
    use findings as code;
    match finding.code {
        code::DENY_ASSIGNMENT => gates::exclusion(asked, finding).into_iter().collect(),
        code::CONDITION => {
            let (sent, wider) = (condition::sent(asked, finding, snapshot), condition::wider(asked, finding, snapshot));
            // What a new assignment gives to whom is the point of the request, and no detail of it.
            let delegates = asked.access.action.to_ascii_lowercase().starts_with("microsoft.authorization/");
            if delegates { wider.into_iter().chain(sent).collect() } else { sent.into_iter().chain(wider).collect() }
        }
        code::PRINCIPAL_TYPE => condition::principal_types(),
        code::NOT_ACTIVATED => grants::activation(asked, finding).into_iter().chain(grants::new_assignment(asked)).collect(),
        code::ACCESS_POLICY => gates::access_policy(asked).into_iter().collect(),
        code::COSMOS_ROLE => gates::cosmos_role(asked).into_iter().collect(),
        code::LOCK => gates::unlock(asked, finding, snapshot).into_iter().collect(),
        code::NETWORK => gates::address(asked, finding, snapshot).into_iter().collect(),
        code::POLICY => gates::other_value(asked, finding).into_iter().chain(gates::policy_exemption(asked, finding, snapshot)).collect(),
        code::REGISTRATION => gates::registration(asked, finding).into_iter().collect(),
        code::NO_ROLE | code::NOT_ACTIONS | code::WRONG_PLANE | code::OTHER_SCOPE | code::WRONG_ID | code::EXPIRED | code::LINKED => {
            grants::new_assignment(asked)
        }
        _ => Vec::new(),
    }
}

/// An edit that creates a document.
fn create(kind: &str, subject: &str, title: &str, value: &Value) -> Edit {
    Edit {
        document: format!("{kind} {subject} {title}"),
        creates: Some(NewDocument { kind: kind.to_owned(), subject: subject.to_owned(), title: title.to_owned() }),
        patch: vec![json!({"op": "add", "path": "", "value": value})],
    }
}

/// An edit of a document.
fn edit(document: &str, operation: Value) -> Edit {
    Edit { document: document.to_owned(), creates: None, patch: vec![operation] }
}

/// The last part of an action that says what is done, for names: `virtualMachines-write`.
fn short(access: &Access) -> String {
    let segments: Vec<&str> = access.action.split('/').skip(1).collect();
    segments.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join("-")
}

/// `text` as one argument of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ':' | '=' | ',' | '@');
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn an_argument_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("Reader"), "Reader");
        assert_eq!(quoted("a'; rm -rf /"), "'a'\\''; rm -rf /'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
    }
}
