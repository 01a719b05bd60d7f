//! A server that refuses: every case of `worlds/refusals.json` is made in MiniStack and called with the principal's own keys. What the
//! server really answered is then asked of iam-why, which reads that same server: the decision must be the server's, or open where what
//! refuses cannot be read, and the statement that is behind it must be named.
//!
//! The cases stay off what MiniStack does otherwise than AWS: it has no policy variables and no service control policies, compares
//! `aws:PrincipalArn` with the session's ARN, and wants an identity policy where a trust policy names a user.

use super::company::{read, runtime, without_s3_control};
use super::relay::Relay;
use super::servers::{Server, world};
use iam_why_aws::Aws;
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, Options, Quiet};
use iam_why_contract::{Context, Decision, Evidence, Outcome, Place, Provider, Question, Snapshot, Verdict};
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
    /// `explicit_deny`, `missing_grant`, `allow`; `undetermined` where what refuses cannot be read back.
    kind: String,
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
    // MiniStack leaves permissions boundaries out of its account details, which AWS has there; and a whole account is read without its
    // objects, so that whether a key stands behind one stays open.
    let answerable =
        |(case, told): &(Case, Told)| case.layer.as_deref() != Some("boundary") && !(case.kind == "allow" && told.action == "s3:GetObject");
    let (cases, told): (Vec<_>, Vec<_>) = cases.into_iter().zip(told).filter(answerable).unzip();
    assert_all(&cases, &told, "asked of the account that was read once", |question| (question.clone(), account.clone()));
}

/// The policy that `doctor` prints, in the hands of somebody who has nothing else.
#[test]
fn the_least_policy_of_the_doctor_is_enough_to_read_everything() {
    let server = Server::ministack();
    let cases = include_str!("worlds/refusals.json");
    let mut told: Vec<Told> = serde_json::from_value(world(include_str!("worlds/refusals.py"), &server, cases)).unwrap();
    // A resource that keeps everybody out keeps the reader out too.
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    let mut denied = cases.iter().map(|case| case.layer.as_deref() == Some("resource"));
    told.retain(|_| !denied.next().unwrap());
    let relay = Relay::new(Some(server.address));
    relay.treat(without_s3_control);
    let doctor = runtime().block_on(AwsReader.doctor(&options(&relay), &Quiet)).unwrap();
    let keys = world(include_str!("worlds/reader.py"), &server, &doctor.least);
    let reader = with_keys(&relay, "reader", keys["key"].as_str().unwrap(), keys["secret"].as_str().unwrap());
    let nobody = world(&include_str!("worlds/reader.py").replace("\"reader\"", "\"nobody\""), &server, NOTHING);
    let nobody = with_keys(&relay, "nobody", nobody["key"].as_str().unwrap(), nobody["secret"].as_str().unwrap());
    let mut kept_back = 0;
    for told in &told {
        let question = asked(told, Context::default());
        assert_eq!(permissions_missed(&read(&question, &reader).unwrap().snapshot), Vec::<String>::new(), "{question:?}");
        kept_back += permissions_missed(&read(&question, &nobody).unwrap().snapshot).len();
    }
    assert!(kept_back > 100, "without the policy much is kept back, and not {kept_back} answers only");
}

const NOTHING: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}"#;

/// What was refused for want of a permission.
fn permissions_missed(snapshot: &Snapshot) -> Vec<String> {
    let missed = snapshot.searches().iter().filter_map(|search| match &search.outcome {
        Outcome::Refused { needs, said } if said.contains("AccessDenied") || said.contains("status 403") => {
            Some(format!("{needs} for {} of {}: {said}", search.kind, search.subject))
        }
        _ => None,
    });
    missed.collect()
}

fn options(relay: &Relay) -> Options {
    with_keys(relay, "root", "test", "test")
}

fn with_keys(relay: &Relay, who: &str, key: &str, secret: &str) -> Options {
    let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("aws-config-{who}-{}", relay.url().rsplit(':').next().unwrap()));
    let profile = format!("[profile {who}]\nregion = eu-west-1\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(&config, profile).unwrap();
    Options { timeout: Duration::from_secs(60), ..Options::default() }
        .with("config-file", config.display().to_string())
        .with("profile", who)
        .with("endpoint-url", relay.url())
}

fn assert_all(cases: &[Case], told: &[Told], how: &str, ask: impl Fn(&Question) -> (Question, Snapshot)) {
    let wrong: Vec<String> = cases.iter().zip(told).filter_map(|(case, told)| judge(case, told, &ask).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases, {how}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Compares what the case says, what the server did and what iam-why answers.
fn judge(case: &Case, told: &Told, ask: &impl Fn(&Question) -> (Question, Snapshot)) -> Result<(), String> {
    let about = format!("{}: {} {} {}", case.about, told.principal, told.action, told.resource);
    let wanted = if case.kind == "allow" { 200 } else { 403 };
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
    let named = named(&verdict, &snapshot);
    if case.names.is_some() && named != case.names {
        return complaint(format!("names {named:?} and not {:?}", case.names));
    }
    Ok(())
}

fn question(case: &Case, told: &Told) -> Question {
    let entries = case.context.iter().map(|(key, value)| (key.clone(), value.clone().map(|value| vec![value]))).collect();
    asked(told, Context { entries, ..Context::default() })
}

fn asked(told: &Told, context: Context) -> Question {
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
