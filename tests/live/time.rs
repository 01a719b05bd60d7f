//! How long things may take, and that nothing hangs. The servers here keep silent for a minute.

use super::company::{Company, served};
use super::program::{file, json, program, run, said};
use super::relay::{Seen, Treatment};
use std::time::{Duration, Instant};

/// Long before the server's minute is over, on however busy a machine.
const SOON: Duration = Duration::from_secs(40);

fn only(operation: &'static str, treatment: Treatment) -> impl Fn(&Seen) -> Treatment + Send + Sync + 'static {
    move |seen| if seen.operation == operation { treatment.clone() } else { served(seen) }
}

#[test]
fn a_question_ends_in_time_whether_an_answer_never_begins_or_never_ends() {
    let company = Company::get();
    let relay = company.relay();
    let words = [company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"), "--format", "json", "--timeout", "3"];
    for treatment in [Treatment::Silence, Treatment::Dribble] {
        relay.treat(only("GetQueueAttributes", treatment.clone()));
        let begun = Instant::now();
        let output = run(program(&relay, &words));
        assert!(begun.elapsed() < SOON, "{treatment:?}: {:?}", begun.elapsed());
        assert_eq!(output.status.code(), Some(12), "{}", said(&output));
        let refused = json(&output)["snapshot"]["refused"].to_string();
        assert!(refused.contains("an answer to sqs:GetQueueAttributes within 3 s (--timeout)"), "{refused}");
    }
}

#[test]
fn the_second_opinion_has_what_is_left_of_the_time() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("SimulatePrincipalPolicy", Treatment::Silence));
    let words = [company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"), "--verify", "--timeout", "6"];
    let begun = Instant::now();
    let output = run(program(&relay, &words));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("IAM's policy simulator could not be asked"), "{}", said(&output));
}

#[test]
fn the_doctor_says_what_was_not_answered_in_time() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("ListQueues", Treatment::Silence));
    let begun = Instant::now();
    let output = run(program(&relay, &["doctor", "aws", "--format", "json", "--timeout", "8"]));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = json(&output);
    let of = |call: &str| report["checks"].as_array().unwrap().iter().find(|check| check["call"] == call).unwrap().clone();
    assert_eq!(of("sqs:ListQueues")["said"], "no answer within 8 s (--timeout)");
    assert_eq!(of("iam:GetRole")["result"], "readable");
}

#[test]
fn a_collection_that_is_out_of_time_goes_on_the_next_time() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("account.json");
    let words = ["collect", "aws", "-o", target.to_str().unwrap()];
    relay.treat(only("GetAccountAuthorizationDetails", Treatment::Silence));
    let begun = Instant::now();
    let output = run(program(&relay, &[words.as_slice(), &["--timeout", "5"]].concat()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("not everything was read within 5 s (--timeout): the same command goes on"), "{}", said(&output));
    assert!(!target.exists(), "half an account is none");
    relay.treat(served);
    let output = run(program(&relay, &words));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("going on where the last run was interrupted"), "{}", said(&output));
    assert!(!relay.operations().contains(&"ListQueues".to_owned()), "{:?}", relay.operations());
    assert!(file(&target).contains(company.name("in_home/queue")));
}
