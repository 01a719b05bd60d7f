//! Layers that must allow whatever grants, and are silent: service control policies, boundaries, session policies, endpoint policies.

use super::{Case, statement};
use crate::documents::{MANAGED_POLICY, SCP, SESSION, VPC_ENDPOINT};
use iam_why_contract::{Document, Edit, Part, Proposal, Step};
use serde_json::{Map, Value, json};

/// An Allow in a layer that is silent; `None` for layers that are no such gate, and for policies that nobody but AWS can change.
pub(super) fn open(case: &Case<'_>, part: &Part, step: &Step) -> Option<Proposal> {
    match step.layer {
        "scp" => organization(case, part, step),
        "boundary" => boundary(case, part, step),
        "session" => session(case, part, step),
        "vpce" => endpoint(case, part, step),
        _ => None,
    }
}

/// The documents of a step that are of this kind, read.
fn documents<'c>(case: &Case<'c>, step: &Step, kind: &str) -> Option<(&'c Document, Value)> {
    step.documents.iter().filter_map(|id| case.read(id)).find(|(document, _)| *document.kind == *kind)
}

/// Since 2025 an Allow in a service control policy may have conditions and name resources (AWS Security Blog, *AWS Organizations service
/// control policy now supports full IAM language*), so it need not open the action for the whole unit.
fn organization(case: &Case<'_>, part: &Part, step: &Step) -> Option<Proposal> {
    let statement = statement::allow_caller(case, part)?;
    let policies = step.documents.iter().filter_map(|id| case.read(id)).filter(|(document, _)| *document.kind == *SCP);
    let (document, value) = policies.into_iter().find(|(document, _)| &*document.subject != "p-FullAWSAccess")?;
    let says = format!(
        "let service control policy {} on {} allow {} for {}",
        name(document),
        step.subject,
        statement::action(part),
        case.caller()
    );
    let who = case.owner("scp", "the administrators of the organization");
    added(says, who, document, &value, "", statement)
}

fn boundary(case: &Case<'_>, part: &Part, step: &Step) -> Option<Proposal> {
    let statement = statement::allow_caller(case, part)?;
    let (document, value) = documents(case, step, MANAGED_POLICY)?;
    // AWS's own policies cannot be changed.
    if document.subject.contains(":iam::aws:") {
        return None;
    }
    let says = format!("let the permissions boundary {} allow {} for {}", name(document), statement::action(part), case.caller());
    let who = case.owner("boundary", "whoever administers IAM in the account");
    added(says, who, document, &value, "", statement)
}

fn session(case: &Case<'_>, part: &Part, step: &Step) -> Option<Proposal> {
    let statement = statement::allow(case, part)?;
    let (document, value) = documents(case, step, SESSION)?;
    let says = format!("start the session with a session policy that also allows {}", statement::action(part));
    let who = case.owner("session", "whoever starts the session");
    added(says, who, document, &value, "/PolicyDocument", statement)
}

/// E-25: gateway endpoints know the principal `*` only, so the caller stands in a condition.
fn endpoint(case: &Case<'_>, part: &Part, step: &Step) -> Option<Proposal> {
    let mut statement = statement::allow_caller(case, part)?;
    statement.insert("Principal".to_owned(), json!("*"));
    let (document, value) = documents(case, step, VPC_ENDPOINT)?;
    let says = format!("let the policy of VPC endpoint {} allow {} for {}", document.subject, statement::action(part), case.caller());
    let who = case.owner("vpce", &format!("the owner of VPC endpoint {}", document.subject));
    added(says, who, document, &value, "/PolicyDocument", statement)
}

fn name(document: &Document) -> &str {
    if document.title.is_empty() { &document.subject } else { &document.title }
}

fn added(says: String, who: String, document: &Document, value: &Value, pointer: &str, statement: Map<String, Value>) -> Option<Proposal> {
    let edit = Edit { document: document.id.to_string(), creates: None, patch: statement::add(value, pointer, statement)? };
    Some(Proposal { says, edits: vec![edit], who, widens: None, commands: Vec::new() })
}
