//! Policy Troubleshooter as a second opinion: what it says, whether that agrees, and what it does not look at.
//!
//! docs.cloud.google.com/policy-intelligence/docs/troubleshoot-access (T1-T6).

use super::connection::connect;
use super::outcome::Failure;
use super::principal::resolve;
use super::reader::Reader;
use super::step::TROUBLESHOOT;
use super::wire::Call;
use crate::request::Request;
use iam_why_contract::collect::{Gathered, Options, Quiet, SecondOpinion, Secrets, agreement};
use iam_why_contract::{CollectError, Decision, Question, Ruling, Step, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The layers that version 3 evaluates. It looks at no principal access boundary, access control list, perimeter, organization policy,
/// scope, disabled API or quota project (T6).
const LOOKS_AT: &[&str] = &["deny_policy", "allow_policy", "condition"];

/// Asks the troubleshooter the same question; `None` for principals that it does not know: it takes users and service accounts (T6).
pub(super) async fn ask(question: &Question, verdict: &Verdict, options: &Options) -> Result<Option<SecondOpinion>, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(connect(options, &secrets, true).await?, options.concurrency, &sink, &Quiet);
    let asked = async {
        let principal = resolve(&reader, &question.principal).await?;
        let question = Question { principal, ..question.clone() };
        let request = Request::parse(&question).map_err(|error| CollectError::Question(error.to_string()))?;
        let Some(email) = request.principal.email() else { return Ok(None) };
        let blind = blind_to(&request);
        let tuple = json!({"accessTuple": {
            "principal": email,
            "fullResourceName": request.resource.to_string(),
            "permission": request.permission.v1(),
        }});
        Ok(Some((reader.ask(&TROUBLESHOOT, email, &Call::post("/v3/iam:troubleshoot".into(), tuple)).await, blind)))
    };
    match tokio::time::timeout(options.timeout, asked).await {
        Ok(Ok(Some((answer, blind)))) => {
            let leaves_out: Vec<String> = leaves_out(verdict).into_iter().chain(blind).collect();
            Ok(Some(opinion(answer, verdict, (leaves_out, !question.context.entries.is_empty()), &secrets)))
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Some(unanswered(&format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64())))),
    }
}

/// What it does not look at for this resource (T6): allow policies of Pub/Sub.
fn blind_to(request: &Request) -> Option<String> {
    (request.resource.service == "pubsub.googleapis.com").then(|| "allow policies of Pub/Sub resources".to_owned())
}

fn opinion(
    answer: Result<(String, Value), Failure>,
    verdict: &Verdict,
    (leaves_out, has_context): (Vec<String>, bool),
    secrets: &Secrets,
) -> SecondOpinion {
    let value = match answer {
        Ok((_, value)) => value,
        Err(failure) => return unanswered(&failure.said(secrets)),
    };
    let Some(state) = value.get("overallAccessState").and_then(Value::as_str) else {
        return unanswered("the answer has no `overallAccessState`");
    };
    let decision = match state {
        "CAN_ACCESS" => Decision::Allow,
        "CANNOT_ACCESS" => Decision::Deny,
        // UNKNOWN_INFO, UNKNOWN_CONDITIONAL, and whatever is added later.
        _ => Decision::Undetermined,
    };
    // Its context is not sent along.
    let agrees = agreement(verdict.decision, decision, has_context || !leaves_out.is_empty());
    let part = |name: &str| value.pointer(name).and_then(Value::as_str).map(|state| format!(", {state}")).unwrap_or_default();
    let allow = part("/allowPolicyExplanation/allowAccessState");
    let deny = part("/denyPolicyExplanation/denyAccessState");
    let says = secrets.scrub(&format!("Policy Troubleshooter says {state}{allow}{deny}"));
    SecondOpinion { by: TROUBLESHOOT.call.into(), decision: Some(decision), agrees, leaves_out, says }.beside("a policy")
}

/// The layers on which the verdict rests and which the troubleshooter does not evaluate.
fn leaves_out(verdict: &Verdict) -> Vec<String> {
    let blockers = verdict.findings.iter().map(|finding| finding.layer);
    // What is let through rests on what grants it: a list of Cloud Storage or BigQuery, say.
    let granting = |step: &&Step| verdict.decision == Decision::Allow && step.ruling == Ruling::Allow;
    let grants = verdict.parts.iter().flat_map(|part| &part.trace.steps).filter(granting).map(|step| step.layer);
    let rests_on: BTreeSet<_> =
        verdict.decided_by.into_iter().chain(blockers).chain(grants).filter(|layer| !LOOKS_AT.contains(layer)).collect();
    rests_on.into_iter().map(str::to_owned).collect()
}

fn unanswered(why: &str) -> SecondOpinion {
    SecondOpinion::none(TROUBLESHOOT.call, format!("Policy Troubleshooter could not be asked: {why}"))
}
