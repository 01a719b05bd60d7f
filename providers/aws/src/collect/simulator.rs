//! IAM's own simulator as a second opinion: what it says, whether that agrees, and what it does not look at.

use super::accounts::Accounts;
use super::arn::Arn;
use super::connection::{Clients, connect};
use super::doctor::PROBE;
use super::principal::{Who, resolve};
use super::reader::Reader;
use super::step::steps;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use iam_why_contract::Gathered;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Quiet, SecondOpinion};
use iam_why_contract::{CollectError, Decision, Outcome, Question, Verdict};
use std::sync::Arc;

steps! {
    SIMULATE = "", "iam:SimulatePrincipalPolicy", ["iam:SimulatePrincipalPolicy"], absent [];
}

/// The layers that the simulator looks at when it is given a principal and nothing else (Testing IAM policies with the policy
/// simulator): it evaluates neither resource policies that it is not handed, nor resource control policies, nor what came with a session.
const LOOKS_AT: &[&str] = &["identity", "boundary", "scp"];

/// Asks the simulator the same question.
pub(super) async fn ask(question: &Question, verdict: &Verdict, options: &Options) -> Result<Option<SecondOpinion>, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(options.concurrency, &sink, &Quiet, Arc::clone(&secrets));
    let asked = async {
        let accounts = Accounts::new(&reader, connect(options, &secrets).await?, options.get("reader-role").map(str::to_owned));
        let resolved = resolve(&reader, &accounts, &question.principal).await?;
        let Some((source, account)) = source(&resolved.who) else { return Ok(None) };
        Ok(Some(simulated(&reader, &accounts, &source, &account, question).await))
    };
    match tokio::time::timeout(options.timeout, asked).await {
        Ok(asked) => Ok(asked?.map(|result| opinion(result, verdict))),
        Err(_) => Ok(Some(unanswered(format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64())))),
    }
}

/// Asks about a role that is not there: what comes back is either a refusal or that there is none.
pub(super) async fn probe(reader: &Reader<'_>, clients: &Clients, partition: &str, account: &str) {
    let nobody = format!("arn:{partition}:iam::{account}:role/{PROBE}");
    let call = clients.iam.simulate_principal_policy().policy_source_arn(&nobody).action_names("sts:GetCallerIdentity").send();
    // What became of it is in the reader's tally.
    let _ = reader.ask(&SIMULATE, &nobody, call).await;
}

/// What the simulator takes as the source of policies: sessions have none of their own.
fn source(who: &Who) -> Option<(String, String)> {
    match who {
        Who::Role { arn, account, .. } | Who::User { arn, account, .. } => Some((arn.clone(), account.clone())),
        Who::Other { .. } => None,
    }
}

async fn simulated(
    reader: &Reader<'_>,
    accounts: &Accounts<'_>,
    source: &str,
    account: &str,
    question: &Question,
) -> Result<EvaluationResult, Outcome> {
    let clients = accounts.clients(account).await?;
    let mut call = clients.iam.simulate_principal_policy().policy_source_arn(source).action_names(&question.action);
    if let Some(resource) = question.resource.as_deref().filter(|resource| Arn::parse(resource).is_some()) {
        call = call.resource_arns(resource);
    }
    for (key, values) in &question.context.entries {
        let Some(values) = values else { continue };
        let kind = if values.len() > 1 { ContextKeyTypeEnum::StringList } else { ContextKeyTypeEnum::String };
        call = call.context_entries(
            ContextEntry::builder().context_key_name(key).set_context_key_values(Some(values.clone())).context_key_type(kind).build(),
        );
    }
    let answer = reader.ask(&SIMULATE, source, call.send()).await?;
    answer.evaluation_results.unwrap_or_default().into_iter().next().ok_or_else(|| super::reader::lacks(&SIMULATE, "EvaluationResults"))
}

fn opinion(result: Result<EvaluationResult, Outcome>, verdict: &Verdict) -> SecondOpinion {
    let result = match result {
        Ok(result) => result,
        Err(Outcome::Refused { needs, said }) => return unanswered(format!("{said}; it takes {needs}")),
        Err(Outcome::NotTried { why }) => return unanswered(why),
        Err(Outcome::Found | Outcome::Absent) => return unanswered("it gave no result".into()),
    };
    let allowed = result.eval_decision == PolicyEvaluationDecisionType::Allowed;
    let decision = if allowed { Decision::Allow } else { Decision::Deny };
    let leaves_out = leaves_out(verdict);
    let missing = result.missing_context_values.as_deref().unwrap_or_default();
    let agrees = agreement(decision, verdict, !leaves_out.is_empty() || !missing.is_empty());
    let mut says = format!("IAM's policy simulator says {}", result.eval_decision.as_str());
    if result.organizations_decision_detail.is_some_and(|detail| !detail.allowed_by_organizations) {
        says.push_str(", refused by the organization");
    }
    if result.permissions_boundary_decision_detail.is_some_and(|detail| !detail.allowed_by_permissions_boundary) {
        says.push_str(", refused by the permissions boundary");
    }
    let sources: Vec<_> = result.matched_statements.iter().flatten().filter_map(|statement| statement.source_policy_id()).collect();
    if !sources.is_empty() {
        says.push_str(&format!(" because of {}", sources.join(", ")));
    }
    says.push_str(match agrees {
        Some(true) => ", which agrees",
        Some(false) => ", which contradicts this answer: a policy changed meanwhile, was not read, or one of the two is wrong",
        None => ", which says nothing about this answer",
    });
    if agrees.is_none() && !leaves_out.is_empty() {
        says.push_str(&format!(": it does not look at {}", leaves_out.join(", ")));
    }
    if !missing.is_empty() {
        says.push_str(&format!("; it lacked the values of {}", missing.join(", ")));
    }
    SecondOpinion { by: SIMULATE.call.into(), decision: Some(decision), agrees, leaves_out, says }
}

/// Two decisions that agree, agree. Where they differ the verdict is contradicted only if it rests on nothing that the simulator leaves
/// out.
fn agreement(simulated: Decision, verdict: &Verdict, incomplete: bool) -> Option<bool> {
    match (verdict.decision, simulated) {
        (Decision::Undetermined, _) => None,
        (ours, theirs) if ours == theirs => Some(true),
        _ if incomplete => None,
        _ => Some(false),
    }
}

/// The layers on which the verdict rests and which the simulator does not evaluate.
fn leaves_out(verdict: &Verdict) -> Vec<String> {
    let blockers = verdict.findings.iter().map(|finding| finding.layer);
    let rests_on: std::collections::BTreeSet<_> =
        verdict.decided_by.into_iter().chain(blockers).filter(|layer| !LOOKS_AT.contains(layer)).collect();
    rests_on.into_iter().map(str::to_owned).collect()
}

fn unanswered(why: String) -> SecondOpinion {
    SecondOpinion {
        by: SIMULATE.call.into(),
        decision: None,
        agrees: None,
        leaves_out: Vec::new(),
        says: format!("IAM's policy simulator could not be asked: {why}"),
    }
}
