//! From the error to the cloud: whose credentials these are, what the cloud itself knows of the refusal, what its policies say.

use super::company::{Company, served};
use super::program::{json, program, run, said};
use super::relay::{Relay, Seen, Treatment};
use serde_json::Value;
use std::process::Output;

/// Explains `text` with what stands behind `relay`.
fn explain(relay: &Relay, text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("error.txt");
    std::fs::write(&file, text).unwrap();
    run(program(relay, &[&["explain", file.to_str().unwrap(), "--live"], more].concat()))
}

fn first(output: &Output) -> Value {
    json(output)["refusals"][0].clone()
}

fn sentence(principal: &str, because: &str) -> String {
    format!(
        "An error occurred (AccessDenied) when calling the SendMessage operation: User: {principal} is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111122223333:orders {because}"
    )
}

/// Knows who asks, and lets nothing be read.
fn only_identity(seen: &Seen) -> Treatment {
    if seen.operation != "GetCallerIdentity" {
        return Treatment::Refuse;
    }
    let body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
        <Arn>arn:aws:sts::111122223333:assumed-role/deploy/nadia</Arn><UserId>AROAEXAMPLEEXAMPLE12:nadia</UserId>\
        <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    Treatment::Answer(200, "text/xml", body.into())
}

fn alone(rule: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) -> Relay {
    let relay = Relay::new(None);
    relay.treat(rule);
    relay
}

#[test]
fn the_refused_identity_is_compared_with_the_one_at_hand() {
    let relay = alone(only_identity);
    let because = "because no identity-based policy allows the sqs:SendMessage action";
    for (principal, same) in [
        ("arn:aws:sts::111122223333:assumed-role/deploy/pipeline", Value::Bool(true)),
        ("arn:aws:sts::111122223333:assumed-role/node/i-0abc", Value::Bool(false)),
        ("arn:aws:sts::111122223333:assumed-role/dep", Value::Null),
    ] {
        let output = explain(&relay, &sentence(principal, because), &["--format", "json"]);
        assert_eq!(output.status.code(), Some(11), "{}", said(&output));
        let refusal = first(&output);
        assert_eq!(refusal["identity"]["same"], same, "{principal}: {refusal}");
        assert_eq!(refusal["identity"]["refused"], principal);
        assert_eq!(refusal["identity"]["held"], "arn:aws:sts::111122223333:assumed-role/deploy/nadia");
        // What was looked up replaces the advice to look it up.
        let steps: Vec<&str> = refusal["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(!steps.iter().any(|step| step.contains("get-caller-identity")), "{steps:#?}");
        assert!(steps.iter().any(|step| step.starts_with(&format!("refused: `{principal}`; you hold: `"))), "{steps:#?}");
    }
}

#[test]
fn who_asks_is_shown_in_words_and_under_a_pseudonym() {
    let relay = alone(only_identity);
    let text = sentence(
        "arn:aws:sts::111122223333:assumed-role/node/i-0abc",
        "because no identity-based policy allows the sqs:SendMessage action",
    );
    let shown = said(&explain(&relay, &text, &["--color", "never"]));
    let words: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("you hold arn:aws:sts::111122223333:assumed-role/deploy/nadia (not the same identity)"), "{shown}");
    let redacted = String::from_utf8(explain(&relay, &text, &["--redact", "--format", "json"]).stdout).unwrap();
    assert!(!redacted.contains("nadia") && !redacted.contains("111122223333"), "{redacted}");
}

#[test]
fn credentials_that_lead_nowhere_leave_what_the_text_says() {
    let relay = alone(|_| Treatment::Fail(403, "InvalidClientTokenId"));
    let text = sentence("arn:aws:iam::111122223333:user/ana", "with an explicit deny in a service control policy");
    let output = explain(&relay, &text, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let refusal = first(&output);
    assert_eq!(refusal["policy_kind"], "scp");
    assert_eq!(
        (&refusal["verdict"], &refusal["identity"]["same"], &refusal["identity"]["held"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not accept the credentials"), "{}", said(&output));
}

/// What `sts:DecodeAuthorizationMessage` returns, with invented names.
const DECODED: &str = r#"{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[{"statementId":"NoBigMachines","effect":"DENY"}]},
 "failures":{"items":[]},"context":{"principal":{"id":"AROAEXAMPLEEXAMPLE12:nadia","arn":"arn:aws:sts::111122223333:assumed-role/deploy/nadia"},
 "action":"ec2:RunInstances","resource":"arn:aws:ec2:eu-west-1:111122223333:instance/*","conditions":{"items":[
  {"key":"ec2:InstanceType","values":{"items":[{"value":"x1.32xlarge"}]}},{"key":"aws:Region","values":{"items":[{"value":"eu-west-1"}]}}]}}}"#;

#[test]
fn an_encoded_message_is_decoded_and_never_shown() {
    let message = "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcd".repeat(12);
    let relay = alone(|seen| match seen.operation.as_str() {
        "DecodeAuthorizationMessage" => Treatment::Answer(
            200,
            "text/xml",
            format!(
                "<DecodeAuthorizationMessageResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><DecodeAuthorizationMessageResult>\
                 <DecodedMessage>{}</DecodedMessage></DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>",
                DECODED.replace('"', "&quot;")
            ),
        ),
        _ => only_identity(seen),
    });
    let (one, two) = message.split_at(100);
    for written in [message.clone(), format!("{one}\n│ {two}")] {
        let text = format!(
            "│ Error: UnauthorizedOperation: You are not authorized to perform this operation. Encoded authorization failure message: {written}\n│ \tstatus code: 403, request id: 1"
        );
        let output = explain(&relay, &text, &["--format", "json"]);
        let sent = relay.seen().into_iter().filter(|seen| seen.operation == "DecodeAuthorizationMessage");
        assert!(sent.last().unwrap().body.contains(&format!("EncodedMessage={message}&")), "the message is handed on whole");
        let refusal = first(&output);
        assert_eq!(refusal["next"][0], "AWS matched statement NoBigMachines, effect DENY");
        assert_eq!(refusal["question"]["action"], "ec2:RunInstances");
        assert_eq!(refusal["question"]["principal"], "arn:aws:sts::111122223333:assumed-role/deploy/nadia");
        assert_eq!(refusal["question"]["context"]["ec2:InstanceType"][0], "x1.32xlarge");
        assert_eq!(refusal["identity"]["same"], true);
        assert!(!said(&output).contains(&message[..40]), "{}", said(&output));
    }
    let lost = alone(|seen| match seen.operation.as_str() {
        "DecodeAuthorizationMessage" => Treatment::Answer(
            400,
            "text/xml",
            format!(
                "<ErrorResponse><Error><Code>InvalidAuthorizationMessageException</Code><Message>{}</Message></Error></ErrorResponse>",
                seen.body
            ),
        ),
        _ => only_identity(seen),
    });
    let output = explain(&lost, &format!("(UnauthorizedOperation) Encoded authorization failure message: {message}"), &[]);
    assert!(!said(&output).contains(&message[..40]), "{}", said(&output));
}

#[test]
fn policies_that_let_through_what_was_refused_are_said_to_and_how_old_they_are() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(served);
    let (app, queue) = (company.name("in_home/app"), company.name("in_home/queue"));
    let text = format!(
        "User: {app} is not authorized to perform: sqs:SendMessage on resource: {queue} with an explicit deny in a service control policy"
    );
    let output = explain(&relay, &text, &["--format", "json"]);
    let refusal = first(&output);
    assert_eq!(refusal["verdict"]["decision"], "allow", "{refusal:#}");
    let contradiction = refusal["contradiction"].as_str().unwrap_or_default();
    assert!(contradiction.starts_with("the message contradicts the policies: it says that a deny of the layer"), "{contradiction}");
    println!("{}", refusal["freshness"]);
}
