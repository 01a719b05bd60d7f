//! Azure's own verdict as a second opinion: what `checkAccess` says, whether that agrees, and what it does not look at.
//!
//! Azure documents no public interface that checks the access of another principal. `checkAccess` is what the portal's "Check access" and
//! Microsoft's agents for Kubernetes call; a built-in role ("Connected Cluster Managed Identity CheckAccess Reader") is documented as there
//! for it, its request and answer are not. They are written here as those agents send and read them (F-12), and an answer of another
//! shape is no answer.

use super::connection::connect;
use super::principal::resolve;
use super::question::locate;
use super::reader::{Reader, version};
use super::step::CHECK_ACCESS;
use crate::language::permission::Plane;
use crate::operations;
use crate::request::{Access, Request};
use crate::world::{Body, dashed, guid};
use azure_core::credentials::TokenCredential;
use iam_why_contract::Gathered;
use iam_why_contract::collect::{Options, Quiet, SecondOpinion, agreement};
use iam_why_contract::{CollectError, Decision, Question, Truth, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The layers that it looks at: roles and deny assignments, on every scope that it is asked about. It is sent no attributes, so that it
/// cannot judge conditions, and knows nothing of what refuses or grants beside roles.
const LOOKS_AT: &[&str] = &["role_assignment", "deny_assignment", "linked_scope", "eligibility"];

/// Asks the same question; `None` for a request without a credential, and where the scope is not known.
pub(super) async fn ask(
    given: Option<Arc<dyn TokenCredential>>,
    question: &Question,
    verdict: &Verdict,
    options: &Options,
) -> Result<Option<SecondOpinion>, CollectError> {
    let sink = Gathered::default();
    let reader = Reader::new(connect(given, options)?, options.concurrency, &sink, &Quiet);
    match tokio::time::timeout(options.timeout, Box::pin(asked(&reader, question, verdict))).await {
        Ok(opinion) => opinion,
        Err(_) => Ok(Some(unanswered(&format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64())))),
    }
}

async fn asked(reader: &Reader<'_>, question: &Question, verdict: &Verdict) -> Result<Option<SecondOpinion>, CollectError> {
    let request = Request::new(question).map_err(|error| CollectError::Question(error.to_string()))?;
    let principal = match guid(&question.principal) {
        Some(digits) => dashed(&digits),
        None => resolve(reader, &question.principal).await?.id,
    };
    if guid(&principal).is_none() {
        return Ok(None);
    }
    let mut words = Vec::new();
    let mut needs = Vec::new();
    for need in &request.needs {
        let mut any = Vec::new();
        for access in &need.any_of {
            match one(reader, &principal, access).await {
                Ok(Some(word)) => {
                    any.push(word.truth());
                    words.push(word);
                }
                Ok(None) => return Ok(None),
                Err(why) => return Ok(Some(unanswered(&why))),
            }
        }
        needs.push(Truth::any(any));
    }
    let said = Said { decision: Truth::all(needs), words };
    // Who asks is sent along; anything else that was said is not.
    let more = question.context.entries.keys().any(|key| !["objectId", "tenant"].iter().any(|sent| key.eq_ignore_ascii_case(sent)));
    Ok(Some(opinion(reader, &said, verdict, more)))
}

/// What it says of one action on one scope.
struct Word {
    action: String,
    access: String,
    by: Option<String>,
    conditional: bool,
}

struct Said {
    decision: Truth,
    words: Vec<Word>,
}

impl Word {
    fn truth(&self) -> Truth {
        match self.access.as_str() {
            // A role under a condition comes back as allowed with the condition beside it.
            "allowed" if self.conditional => Truth::Unknown,
            "allowed" => Truth::Yes,
            "notallowed" | "denied" => Truth::No,
            _ => Truth::Unknown,
        }
    }

    fn text(&self) -> String {
        let by = self.by.as_ref().map(|by| format!(" through {by}")).unwrap_or_default();
        let condition = if self.conditional { ", under a condition that it was not given the attributes for" } else { "" };
        format!("{} for {}{by}{condition}", self.access, self.action)
    }
}

async fn one(reader: &Reader<'_>, principal: &str, access: &Access) -> Result<Option<Word>, String> {
    let Some(scope) = locate(reader, &access.target).await else { return Ok(None) };
    let plane = access.plane.or_else(|| operations::plane(&access.action));
    let plane =
        plane.ok_or_else(|| format!("it takes whether {} is a data action (--context isDataAction=true or false)", access.action))?;
    let path = format!("{}/{}", if scope.is_root() { "" } else { scope.text() }, "providers/Microsoft.Authorization/checkAccess");
    let body = json!({
        "Subject": {"Attributes": {"ObjectId": principal, "xms-pasrp-retrievegroupmemberships": true}},
        "Actions": [{"Id": access.action, "IsDataAction": plane == Plane::Data}],
        "Resource": {"Id": scope.text()},
    });
    let answer = reader.post(&CHECK_ACCESS, super::connection::Service::Manager, (&path, &version(&CHECK_ACCESS)), &body).await;
    let answer = answer.map_err(|failure| {
        let needs = failure.outcome_of_list(&CHECK_ACCESS, &reader.secrets);
        match needs {
            iam_why_contract::Outcome::Refused { needs, said } => format!("{said}; it takes {needs}"),
            _ => failure.said(&reader.secrets),
        }
    })?;
    read(&answer, &access.action).map(Some)
}

/// The decision about an action: in a bare list, or in one under a name.
fn read(answer: &Value, action: &str) -> Result<Word, String> {
    let list = answer.as_array().or_else(|| ["value", "accessDecisions"].iter().find_map(|name| answer.get(name)?.as_array()));
    let same = |one: &&Value| one.get("actionId").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(action));
    let found = list.into_iter().flatten().find(same).ok_or("the answer does not speak of the action")?;
    let access = found.get("accessDecision").and_then(Value::as_str).ok_or("the answer has no `accessDecision`")?;
    let assignment = ["denyAssignment", "roleAssignment"].iter().find_map(|name| found.get(name).filter(|one| one.is_object()));
    let condition = assignment.and_then(|one| Body::new(one).text("condition"));
    Ok(Word {
        action: action.to_owned(),
        access: access.to_ascii_lowercase(),
        by: assignment.and_then(|one| Body::new(one).text("id")).map(str::to_owned),
        conditional: condition.is_some(),
    })
}

fn opinion(reader: &Reader<'_>, said: &Said, verdict: &Verdict, has_context: bool) -> SecondOpinion {
    let decision = match said.decision {
        Truth::Yes => Decision::Allow,
        Truth::No => Decision::Deny,
        Truth::Unknown => Decision::Undetermined,
    };
    let leaves_out = leaves_out(verdict);
    // Its context is not sent along.
    let agrees = agreement(verdict.decision, decision, has_context || !leaves_out.is_empty());
    let words: Vec<String> = said.words.iter().map(Word::text).collect();
    let says = reader.secrets.scrub(&format!("Azure's own check, which it does not document for everybody, says {}", words.join("; ")));
    SecondOpinion { by: CHECK_ACCESS.call.into(), decision: Some(decision), agrees, leaves_out, says }.beside("an assignment")
}

/// The layers on which the verdict rests and which it does not evaluate.
fn leaves_out(verdict: &Verdict) -> Vec<String> {
    let blockers = verdict.findings.iter().map(|finding| finding.layer);
    let rests_on: BTreeSet<_> = verdict.decided_by.into_iter().chain(blockers).filter(|layer| !LOOKS_AT.contains(layer)).collect();
    rests_on.into_iter().map(str::to_owned).collect()
}

fn unanswered(why: &str) -> SecondOpinion {
    let says = format!("Azure's own check, which it does not document for everybody, could not be asked: {why}");
    SecondOpinion::none(CHECK_ACCESS.call, says)
}
