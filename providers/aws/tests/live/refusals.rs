//! A server that refuses: every case of `worlds/refusals.json` is made in MiniStack and called with the principal's own keys. What the
//! server really answered is then asked of iam-why, which reads that same server: the decision must be the server's, and the statement
//! that is behind it must be named.
//!
//! The cases stay off what MiniStack does otherwise than AWS: it has no policy variables and no service control policies, compares
//! `aws:PrincipalArn` with the session's ARN, and wants an identity policy where a trust policy names a user.

use super::company::{read, without_s3_control};
use super::relay::Relay;
use super::servers::{Server, world};
use iam_why_aws::Aws;
use iam_why_contract::collect::Options;
use iam_why_contract::{Context, Decision, Evidence, Place, Provider, Question, Snapshot, Verdict};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What a case says of itself; what it is made of is for the script.
#[derive(Deserialize)]
struct Case {
    about: String,
    /// `null` for a key that is known to be absent.
    #[serde(default)]
    context: BTreeMap<String, Option<String>>,
    /// `explicit_deny`, `missing_grant`, `allow`
    kind: String,
    /// Does the server refuse what can only be allowed under an assumption?
    #[serde(default)]
    refused: bool,
    /// How that assumption is put into words.
    notes: Option<String>,
    layer: Option<String>,
    /// The `Sid` of the statement that refuses, or that came nearest to allowing.
    names: Option<String>,
}

/// What was asked of the server, and how it answered.
#[derive(Deserialize)]
struct Told {
    principal: String,
    action: String,
    resource: String,
    status: u16,
    said: String,
}

#[test]
fn the_statement_behind_each_real_refusal_is_named() {
    let server = Server::ministack();
    let cases = include_str!("worlds/refusals.json");
    let told: Vec<Told> = serde_json::from_value(world(include_str!("worlds/refusals.py"), &server, cases)).unwrap();
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    assert_eq!(told.len(), cases.len());
    let relay = Relay::new(Some(server.address));
    relay.treat(without_s3_control);
    let options = options(&relay);
    let live = |question: &Question| read(question, &options).map(|read| (read.question, read.snapshot)).unwrap();
    assert_all(&cases, &told, "asked live", live);
    let refused = told.iter().filter(|told| told.status == 403).count();
    let named = cases.iter().filter(|case| case.names.is_some()).count();
    assert!(refused >= 30 && named >= 30, "{refused} real refusals, {named} of them with a statement to name");
    println!("{refused} real refusals, {named} statements named, {} calls let through", told.len() - refused);
    let account = super::whole::account(&options);
    // MiniStack leaves permissions boundaries out of its account details, which AWS has there.
    let (cases, told): (Vec<_>, Vec<_>) = cases.into_iter().zip(told).filter(|(case, _)| case.layer.as_deref() != Some("boundary")).unzip();
    assert_all(&cases, &told, "asked of the account that was read once", |question| (question.clone(), account.clone()));
}

fn options(relay: &Relay) -> Options {
    let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("aws-config-refusals");
    std::fs::write(&config, "[profile root]\nregion = eu-west-1\naws_access_key_id = test\naws_secret_access_key = test\n").unwrap();
    Options { timeout: Duration::from_secs(60), ..Options::default() }
        .with("config-file", config.display().to_string())
        .with("profile", "root")
        .with("endpoint-url", relay.url())
}

fn assert_all(cases: &[Case], told: &[Told], how: &str, ask: impl Fn(&Question) -> (Question, Snapshot)) {
    let wrong: Vec<String> = cases.iter().zip(told).filter_map(|(case, told)| judge(case, told, &ask).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases, {how}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Compares what the case says, what the server did and what iam-why answers.
fn judge(case: &Case, told: &Told, ask: &impl Fn(&Question) -> (Question, Snapshot)) -> Result<(), String> {
    let about = format!("{}: {} {} {}", case.about, told.principal, told.action, told.resource);
    let wanted = if case.kind == "allow" && !case.refused { 200 } else { 403 };
    if told.status != wanted {
        return Err(format!("{about}: the server answered {}: {}", told.status, told.said));
    }
    let (question, snapshot) = ask(&question(case, told));
    let verdict = Aws.simulate(&question, &snapshot).map_err(|error| format!("{about}: {error}"))?;
    let complaint = |what: String| Err(format!("{about}: {what}; {:?}", verdict.doubts));
    let got = kind(&verdict);
    if got != case.kind {
        return complaint(format!("{got} by {:?}", verdict.decided_by));
    }
    if case.layer.is_some() && verdict.decided_by != case.layer.as_deref() {
        return complaint(format!("decided by {:?} and not by {:?}", verdict.decided_by, case.layer));
    }
    if let Some(said) = case.notes.as_deref().filter(|said| !verdict.notes.iter().any(|note| note.contains(said))) {
        return complaint(format!("nothing says that the session {said}: {:?}", verdict.notes));
    }
    let named = named(&verdict, &snapshot);
    if case.names.is_some() && named != case.names {
        return complaint(format!("names {named:?} and not {:?}", case.names));
    }
    Ok(())
}

fn question(case: &Case, told: &Told) -> Question {
    let context = Context {
        entries: case.context.iter().map(|(key, value)| (key.clone(), value.clone().map(|value| vec![value]))).collect(),
        ..Context::default()
    };
    let (principal, action, resource) = (told.principal.clone(), told.action.clone(), Some(told.resource.clone()));
    Question { provider: "aws".into(), principal, action, resource, context }
}

fn kind(verdict: &Verdict) -> &'static str {
    match (verdict.decision, verdict.kind) {
        (Decision::Allow, _) => "allow",
        (Decision::Undetermined, _) => "undetermined",
        (Decision::Deny, Some(iam_why_contract::Kind::ExplicitDeny)) => "explicit_deny",
        (Decision::Deny, _) => "missing_grant",
    }
}

/// The `Sid` of the statement that refuses; where none does, of the one that came nearest in the layer that is silent.
fn named(verdict: &Verdict, snapshot: &Snapshot) -> Option<String> {
    match verdict.findings.first().map(|finding| &finding.evidence) {
        Some(Evidence::Place(place)) => sid(place, snapshot),
        _ => verdict
            .nearest
            .iter()
            .find(|nearest| Some(nearest.layer) == verdict.decided_by)
            .and_then(|nearest| sid(&nearest.place, snapshot)),
    }
}

/// The `Sid` of the statement in which a place is.
fn sid(place: &Place, snapshot: &Snapshot) -> Option<String> {
    let document = snapshot.documents().iter().find(|document| *document.id == *place.document)?;
    let text: Value = serde_json::from_str(&document.text).ok()?;
    let mut pointer = place.pointer.as_str();
    loop {
        if let Some(sid) = text.pointer(pointer).and_then(|value| value.get("Sid")).and_then(Value::as_str) {
            return Some(sid.to_owned());
        }
        pointer = pointer.rsplit_once('/')?.0;
    }
}
