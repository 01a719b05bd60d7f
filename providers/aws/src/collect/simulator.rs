//! IAM's own simulator as a second opinion: what it says, whether that agrees, and what it does not look at.

use super::accounts::Accounts;
use super::arn::Arn;
use super::connection::{Clients, connect};
use super::doctor::PROBE;
use super::iam::GET_ROLE;
use super::principal::{Who, resolve};
use super::reader::Reader;
use super::step::steps;
use crate::catalog::format::BaseType;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use iam_why_contract::Gathered;
use iam_why_contract::collect::{Options, Quiet, SecondOpinion, Secrets, agreement};
use iam_why_contract::{CollectError, Decision, Outcome, Question, Verdict};
use std::collections::BTreeSet;
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
        let Some(account) = resolved.who.account().filter(|_| has_policies(&resolved.who)) else { return Ok(None) };
        Ok(Some(simulated(&reader, &accounts, &resolved.who, account, question).await))
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

/// The simulator takes users and roles.
fn has_policies(who: &Who) -> bool {
    !matches!(who, Who::Other { .. })
}

/// What the simulator takes as the source of policies: the user, the role behind a session, which does not show its role's path.
async fn source(reader: &Reader<'_>, clients: &Clients, who: &Who) -> Result<String, Outcome> {
    match who {
        Who::Role { arn, path_known: true, .. } | Who::User { arn, .. } => Ok(arn.clone()),
        Who::Role { arn, name, .. } => {
            let answer = reader.ask(&GET_ROLE, arn, clients.iam.get_role().role_name(name).send()).await?;
            answer.role.map(|role| role.arn).ok_or_else(|| super::reader::lacks(&GET_ROLE, "Role"))
        }
        Who::Other { .. } => Err(Outcome::NotTried { why: "the simulator takes users and roles only".into() }),
    }
}

async fn simulated(
    reader: &Reader<'_>,
    accounts: &Accounts<'_>,
    who: &Who,
    account: &str,
    question: &Question,
) -> Result<EvaluationResult, Outcome> {
    let clients = accounts.clients(account).await?;
    let source = source(reader, &clients, who).await?;
    let mut call = clients.iam.simulate_principal_policy().policy_source_arn(&source).action_names(&question.action);
    if let Some(resource) = question.resource.as_deref().filter(|resource| Arn::parse(resource).is_some()) {
        call = call.resource_arns(resource);
    }
    for (key, values) in &question.context.entries {
        let Some(values) = values else { continue };
        let kind = kind(key, values.len());
        call = call.context_entries(
            ContextEntry::builder().context_key_name(key).set_context_key_values(Some(values.clone())).context_key_type(kind).build(),
        );
    }
    let answer = reader.ask(&SIMULATE, &source, call.send()).await?;
    answer.evaluation_results.unwrap_or_default().into_iter().next().ok_or_else(|| super::reader::lacks(&SIMULATE, "EvaluationResults"))
}

/// The type of a condition key as the simulator names it.
fn kind(key: &str, values: usize) -> ContextKeyTypeEnum {
    use ContextKeyTypeEnum as Kind;
    let known = crate::catalog::key_type(key);
    let list = values > 1 || known.is_some_and(|known| known.multivalued);
    match (known.map_or(BaseType::String, |known| known.base), list) {
        (BaseType::String | BaseType::Arn, false) => Kind::String,
        (BaseType::String | BaseType::Arn, true) => Kind::StringList,
        (BaseType::Bool, false) => Kind::Boolean,
        (BaseType::Bool, true) => Kind::BooleanList,
        (BaseType::Numeric, false) => Kind::Numeric,
        (BaseType::Numeric, true) => Kind::NumericList,
        (BaseType::Date, false) => Kind::Date,
        (BaseType::Date, true) => Kind::DateList,
        (BaseType::IpAddress, false) => Kind::Ip,
        (BaseType::IpAddress, true) => Kind::IpList,
    }
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
    let asked = Asked::of(verdict);
    let leaves_out = asked.leaves_out;
    let missing = result.missing_context_values.as_deref().unwrap_or_default();
    let agrees = match agreement(asked.decision, decision, !leaves_out.is_empty() || !missing.is_empty()) {
        // That the question itself is let through says nothing of what the call needs besides.
        Some(true) if asked.decision != verdict.decision => None,
        agrees => agrees,
    };
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
    if agrees.is_none() && asked.decision != verdict.decision {
        let others = verdict.parts.iter().skip(1).filter(|part| part.decision != Decision::Allow).map(|part| part.action.as_str());
        says.push_str(&format!(": it was not asked about {}, which the call needs as well", others.collect::<Vec<_>>().join(", ")));
    } else if agrees.is_none() && !leaves_out.is_empty() {
        says.push_str(&format!(": it does not look at {}", leaves_out.join(", ")));
    }
    if !missing.is_empty() {
        says.push_str(&format!("; it lacked the values of {}", missing.join(", ")));
    }
    SecondOpinion { by: SIMULATE.call.into(), decision: Some(decision), agrees, leaves_out, says }
}

/// What the simulator is asked: the question itself, and not what the call needs besides.
struct Asked {
    decision: Decision,
    /// The layers on which that rests and which the simulator does not evaluate.
    leaves_out: Vec<String>,
}

impl Asked {
    fn of(verdict: &Verdict) -> Self {
        let (decision, decided_by) =
            verdict.parts.first().map_or((verdict.decision, verdict.decided_by), |part| (part.decision, part.decided_by));
        let blockers = verdict.findings.iter().filter(|finding| finding.part == 0).map(|finding| finding.layer);
        let rests_on: BTreeSet<_> = decided_by.into_iter().chain(blockers).filter(|layer| !LOOKS_AT.contains(layer)).collect();
        Self { decision, leaves_out: rests_on.into_iter().map(str::to_owned).collect() }
    }
}

fn unanswered(why: String) -> SecondOpinion {
    SecondOpinion::none(SIMULATE.call, format!("IAM's policy simulator could not be asked: {why}"))
}
