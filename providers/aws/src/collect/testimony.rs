//! What AWS itself says about a refusal that happened: the best evidence there is.

use super::accounts::Accounts;
use super::connection::{Clients, connect};
use super::doctor::PROBE;
use super::reader::Reader;
use super::step::steps;
use aws_sdk_iamtoolbox::operation::get_request_authorization_details::GetRequestAuthorizationDetailsOutput as Details;
use aws_sdk_iamtoolbox::types::{EvaluatedEffect, Evaluation};
use aws_smithy_types::Document;
use futures_util::future::join;
use iam_why_contract::Gathered;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Quiet, Testimony};
use iam_why_contract::refusal::Refusal;
use iam_why_contract::{CollectError, Decision, Outcome, Question, Snapshot};
use serde_json::Value;
use std::sync::Arc;

steps! {
    DECODE = "", "sts:DecodeAuthorizationMessage", ["sts:DecodeAuthorizationMessage"], absent ["InvalidAuthorizationMessageException"];
    GET_DETAILS = "", "iam:GetRequestAuthorizationDetails", ["iam:GetRequestAuthorizationDetails"], absent ["ResourceNotFoundException", "ValidationException"];
}

/// Under which key of [`Refusal::context`] the reference stands; an encoded message is sealed.
pub(super) const AUTHORIZATION_ID: &str = "authorization_id";

/// DecodeAuthorizationMessage takes no longer ones.
const LONGEST_MESSAGE: usize = 10_240;

/// An id of the right form that belongs to no request.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The pages of one explanation.
const MOST_PAGES: usize = 20;

/// Asks AWS about a refusal that carries an authorization id or an encoded message.
pub(super) async fn ask(refusal: &Refusal, options: &Options) -> Result<Option<Testimony>, CollectError> {
    let id = refusal.context.get(AUTHORIZATION_ID);
    let message = refusal.sealed.open().filter(|message| message.len() <= LONGEST_MESSAGE);
    if id.is_none() && message.is_none() {
        return Ok(None);
    }
    let secrets = Arc::new(Secrets::default());
    // AWS may repeat it in a complaint.
    message.into_iter().for_each(|message| secrets.know(message));
    let sink = Gathered::default();
    let reader = Reader::new(options.concurrency, &sink, &Quiet, Arc::clone(&secrets));
    let asked = async {
        let accounts = Accounts::new(&reader, connect(options, &secrets).await?, None);
        let region = refusal.context.get("region").cloned().unwrap_or_else(|| accounts.home().region().to_owned());
        match (id, message) {
            (Some(id), _) => details(&reader, &accounts, id, &region, refusal).await,
            (None, Some(message)) => decoded(&reader, &accounts, message, &region, refusal).await,
            (None, None) => Err(Outcome::Absent),
        }
        .map_err(|outcome| CollectError::NothingRead { cloud: "AWS", said: said(outcome) })
    };
    match tokio::time::timeout(options.timeout, asked).await {
        Ok(asked) => asked.map(Some),
        Err(_) => Err(CollectError::NothingRead {
            cloud: "AWS",
            said: format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64()),
        }),
    }
}

/// Asks about references that AWS never gave: what comes back is either a refusal or that there is none.
pub(super) async fn probe(reader: &Reader<'_>, clients: &Clients) {
    let message = clients.sts.decode_authorization_message().encoded_message(PROBE).send();
    let details = clients.toolbox(clients.region()).get_request_authorization_details().authorization_id(NO_ID).send();
    // What became of them is in the reader's tally.
    let _ = join(reader.ask(&DECODE, "", message), reader.ask(&GET_DETAILS, "", details)).await;
}

async fn decoded(
    reader: &Reader<'_>,
    accounts: &Accounts<'_>,
    message: &str,
    region: &str,
    refusal: &Refusal,
) -> Result<Testimony, Outcome> {
    let call = accounts.home().sts_in(region).decode_authorization_message().encoded_message(message).send();
    let text = reader.ask(&DECODE, "", call).await?.decoded_message.unwrap_or_default();
    let unreadable = |_| super::reader::lacks(&DECODE, "DecodedMessage in JSON");
    let message: Value = serde_json::from_str(&text).map_err(unreadable)?;
    Ok(of_message(&message, refusal))
}

/// Reads the decoded message (DecodeAuthorizationMessage: `{allowed, explicitDeny, matchedStatements, failures, context}`).
fn of_message(message: &Value, refusal: &Refusal) -> Testimony {
    let context = message.get("context").unwrap_or(&Value::Null);
    let text = |path: &[&str]| path.iter().try_fold(context, |value, name| value.get(name))?.as_str().map(str::to_owned);
    let mut question = known(refusal);
    question.principal = text(&["principal", "arn"]).unwrap_or(question.principal);
    // The action comes with its service's prefix or without.
    if let Some(action) = text(&["action"]).filter(|action| action.contains(':')) {
        question.action = action;
    }
    question.resource = text(&["resource"]).or(question.resource);
    for condition in items(context.get("conditions")) {
        let Some(key) = condition.get("key").and_then(Value::as_str).filter(|key| !PSEUDO_KEYS.contains(key)) else { continue };
        let values: Vec<String> =
            items(condition.get("values")).filter_map(|value| value.get("value")?.as_str()).map(str::to_owned).collect();
        question.context = question.context.with(key, values);
    }
    let explicit = message.get("explicitDeny").and_then(Value::as_bool);
    let allowed = message.get("allowed").and_then(Value::as_bool);
    let mut says: Vec<String> = items(message.get("matchedStatements"))
        .map(|statement| {
            let id = statement.get("statementId").and_then(Value::as_str).filter(|id| !id.is_empty()).unwrap_or("without a Sid");
            let effect = statement.get("effect").and_then(Value::as_str).unwrap_or("DENY");
            format!("AWS matched statement {id}, effect {effect}")
        })
        .collect();
    if says.is_empty() {
        says.push(match explicit {
            Some(true) => "AWS says: an explicit deny, without naming the statement".to_owned(),
            Some(false) => "AWS says: no statement allows it".to_owned(),
            None => "the decoded message names no reason".to_owned(),
        });
    }
    let decision = allowed.map(|allowed| if allowed { Decision::Allow } else { Decision::Deny });
    Testimony { by: DECODE.call.into(), question, decision, says, snapshot: Snapshot::default() }
}

/// What the message repeats of itself under keys that no policy can use.
const PSEUDO_KEYS: &[&str] = &["aws:Resource", "aws:Account", "aws:Service", "aws:Type", "aws:Region", "aws:ARN", "aws:ID"];

async fn details(reader: &Reader<'_>, accounts: &Accounts<'_>, id: &str, region: &str, refusal: &Refusal) -> Result<Testimony, Outcome> {
    let client = accounts.home().toolbox(region);
    let mut pages = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let call = client.get_request_authorization_details().authorization_id(id).set_next_token(token.clone()).send();
        let page = reader.ask(&GET_DETAILS, id, call).await?;
        let next = page.next_token.clone();
        pages.push(page);
        if next.is_none() || next == token {
            break;
        }
        token = next;
    }
    Ok(of_details(&pages, refusal))
}

fn of_details(pages: &[Details], refusal: &Refusal) -> Testimony {
    let mut question = known(refusal);
    let evaluations: Vec<_> = pages.iter().flat_map(|page| page.evaluations()).collect();
    let contexts = pages.iter().map(|page| page.request_context()).chain(evaluations.iter().filter_map(|evaluation| evaluation.context()));
    for (key, value) in contexts.flatten() {
        let values = values(value);
        if !values.is_empty() {
            question.context = question.context.with(key, values);
        }
    }
    let effect = |evaluation: &Evaluation| evaluation.evaluated_effect().cloned();
    let refusing = evaluations
        .iter()
        .find(|evaluation| matches!(effect(evaluation), Some(EvaluatedEffect::ExplicitDeny | EvaluatedEffect::ImplicitDeny)));
    if let Some(evaluation) = refusing.or(evaluations.first()) {
        question.action = evaluation.action().to_owned();
        question.resource = Some(evaluation.resource().to_owned());
    }
    let mut says = Vec::new();
    for evaluation in &evaluations {
        let decided = evaluation.evaluated_effect().map_or("an effect it does not name".to_owned(), |effect| words(effect.as_str()));
        says.push(format!("AWS decided {decided} for {} on {}", evaluation.action(), evaluation.resource()));
        for policy in evaluation.matched_policies() {
            let kind =
                pages.iter().flat_map(|page| page.policies()).find(|info| info.uri() == Some(policy.uri())).and_then(|info| info.r#type());
            let kind = kind.map_or_else(|| "policy".to_owned(), |kind| words(kind.as_str()));
            let statements = policy.matched_statements().iter().map(|statement| {
                let effect = statement.evaluated_effect().map_or("matched".to_owned(), |effect| words(effect.as_str()));
                format!("{} ({effect})", statement.sid().unwrap_or("without a Sid"))
            });
            let statements: Vec<_> = statements.collect();
            says.push(format!(
                "{kind} {}: statement {}",
                policy.uri(),
                if statements.is_empty() { "not named".to_owned() } else { statements.join(", ") }
            ));
        }
    }
    // An effect that this version does not know decides nothing.
    let allowed = !evaluations.is_empty() && evaluations.iter().all(|evaluation| effect(evaluation) == Some(EvaluatedEffect::Allow));
    let decision = refusing.map(|_| Decision::Deny).or(allowed.then_some(Decision::Allow));
    Testimony { by: GET_DETAILS.call.into(), question, decision, says, snapshot: Snapshot::default() }
}

/// `EXPLICIT_DENY` as people write it.
fn words(constant: &str) -> String {
    constant.to_ascii_lowercase().replace('_', " ")
}

/// The question as far as the refusal itself states it.
fn known(refusal: &Refusal) -> Question {
    Question {
        provider: "aws".into(),
        principal: refusal.principal.clone().unwrap_or_default(),
        action: refusal.action.clone().unwrap_or_default(),
        resource: refusal.resource.clone(),
        ..Question::default()
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(|list| list.get("items")).and_then(Value::as_array).into_iter().flatten()
}

fn values(value: &Document) -> Vec<String> {
    match value {
        Document::String(text) => vec![text.clone()],
        Document::Bool(truth) => vec![truth.to_string()],
        Document::Number(number) => vec![number.to_f64_lossy().to_string()],
        Document::Array(list) => list.iter().flat_map(values).collect(),
        Document::Object(_) | Document::Null => Vec::new(),
    }
}

fn said(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { needs, said } => format!("{said}; it takes {needs}"),
        Outcome::NotTried { why } => why,
        Outcome::Found | Outcome::Absent => "AWS does not know this reference (any more)".into(),
    }
}
