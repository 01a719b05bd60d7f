//! What the program promises to who asks about AWS.

use super::company::{Company, questions, served};
use super::program::{SECRET, TOKEN, bare, file, json, program, run, said, start};
use super::relay::{Relay, Seen, Treatment};
use iam_why::Question;
use std::path::Path;
use std::time::{Duration, Instant};

/// The words of a question.
fn words(question: &Question) -> Vec<String> {
    let mut words = vec![question.principal.clone(), question.action.clone()];
    words.extend(question.resource.clone());
    for (key, values) in &question.context.entries {
        words.extend(values.iter().flatten().flat_map(|value| ["--context".to_owned(), format!("{key}={value}")]));
    }
    words
}

fn asked(question: &Question, more: &[&str]) -> Vec<String> {
    words(question).into_iter().chain(more.iter().map(|&word| word.to_owned())).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_saved_question_gives_the_same_answer_offline_byte_for_byte() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json");
    let path = saved.to_str().unwrap();
    for (question, _) in questions(company) {
        let online =
            run(program(&relay, &strs(&asked(&question, &["--reader-role", "iam-why-reader", "--save", path, "--format", "json"]))));
        assert!(online.status.code().is_some_and(|code| [0, 10, 11, 12].contains(&code)), "{}", said(&online));
        let sent = relay.seen().len();
        let offline = run(bare(&strs(&asked(&question, &["--snapshot", path, "--format", "json"]))));
        assert_eq!(relay.seen().len(), sent, "nothing is asked");
        assert_eq!(String::from_utf8_lossy(&online.stdout), String::from_utf8_lossy(&offline.stdout));
        assert_eq!(online.status.code(), offline.status.code());
    }
}

#[cfg(unix)]
#[test]
fn a_saved_question_is_for_its_owners_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.json");
    let question = company.question(company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"));
    let output = run(program(&relay, &strs(&asked(&question, &["--save", saved.to_str().unwrap()]))));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn nothing_is_ever_sent_that_writes() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("account.json");
    for (question, _) in questions(company) {
        run(program(&relay, &strs(&asked(&question, &["--reader-role", "iam-why-reader", "--verify"]))));
    }
    run(program(&relay, &["me", "s3:ListAllMyBuckets"]));
    let collected = run(program(&relay, &["collect", "aws", "-o", target.to_str().unwrap(), "--regions", "eu-west-1,us-east-1"]));
    assert_eq!(collected.status.code(), Some(0), "{}", said(&collected));
    let doctor = run(program(&relay, &["doctor", "aws"]));
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));
    relay.assert_only_reads();
    let operations = relay.operations();
    for expected in ["AssumeRole", "SimulatePrincipalPolicy", "GetAccountAuthorizationDetails", "GetCallerIdentity"] {
        assert!(operations.iter().any(|operation| operation == expected), "{expected} is among what was recorded");
    }
}

/// Repeats in every complaint what must not be repeated, as AWS does of a signed request.
fn gossip(seen: &Seen) -> Treatment {
    let token = seen.headers.get("x-amz-security-token").cloned().unwrap_or_default();
    let encoded = token.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let text = format!("denied {SECRET} {token} {encoded} x-amz-security-token:{token}");
    match seen.operation.as_str() {
        "GetRole" | "ListRolePolicies" | "SimulatePrincipalPolicy" => Treatment::Answer(
            403,
            "text/xml",
            format!("<ErrorResponse><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"),
        ),
        "GetBucketPolicy" => {
            Treatment::Answer(403, "application/xml", format!("<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>"))
        }
        "ListQueues" | "GetQueueAttributes" | "DescribeKey" => {
            Treatment::Answer(400, "application/x-amz-json-1.1", format!(r#"{{"__type":"AccessDeniedException","message":"{text}"}}"#))
        }
        _ => served(seen),
    }
}

/// Every file below `folder`, as text.
fn files(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| format!("{}\n{}\n", path.display(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()))).collect()
}

#[test]
fn secrets_are_in_no_output_no_file_and_no_error() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    relay.treat(gossip);
    let mut everything = String::new();
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let foreign = company.name("in_member/queue");
    for format in ["text", "json", "markdown"] {
        for (action, resource) in
            [("s3:GetObject", object.as_str()), ("sqs:SendMessage", foreign), ("kms:Decrypt", company.name("in_home/key"))]
        {
            let saved = path(&format!("{format}-{}.json", action.len()));
            let more = ["--reader-role", "iam-why-reader", "--verify", "--save", &saved, "--format", format];
            let words = [&[company.name("in_home/app"), action, resource], more.as_slice()].concat();
            everything += &said(&run(program(&relay, &words)));
        }
    }
    everything += &said(&run(program(&relay, &["collect", "aws", "-o", &path("account.json")])));
    everything += &said(&run(program(&relay, &["doctor", "aws"])));
    everything += &said(&run(program(&relay, &["doctor", "aws", "--format", "json"])));
    assert!(everything.contains("AccessDenied"), "the complaints themselves are told: {everything}");
    // An interruption leaves the journal.
    relay.treat(|seen| if seen.operation == "GetAccountAuthorizationDetails" { Treatment::Silence } else { gossip(seen) });
    let mut child = start(program(&relay, &["collect", "aws", "-o", &path("interrupted.json")]));
    let journal = folder.path().join("interrupted.json.part");
    wait_until("the journal holds what was refused", || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("AccessDenied")));
    child.kill().unwrap();
    child.wait().unwrap();
    // Credentials that are not accepted.
    relay.treat(|seen| {
        let token = seen.headers.get("x-amz-security-token").cloned().unwrap_or_default();
        let body =
            format!("<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>{token} {SECRET}</Message></Error></ErrorResponse>");
        Treatment::Answer(403, "text/xml", body)
    });
    let refused = run(program(&relay, &["me", "s3:ListAllMyBuckets"]));
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    everything += &said(&refused);
    everything += &files(folder.path());
    for secret in [SECRET, TOKEN, "MARKEDsecret", "MARKEDtoken"] {
        assert!(!everything.contains(secret), "{secret} came out: …{}…", around(&everything, secret));
    }
}

fn around<'t>(text: &'t str, part: &str) -> &'t str {
    text.lines().find(|line| line.contains(part)).unwrap_or_default()
}

/// Waits for something that another process does; fails where it never comes.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_interrupted_collection_goes_on_where_it_was() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let (whole, resumed) = (folder.path().join("whole.json"), folder.path().join("resumed.json"));
    let uninterrupted = run(program(&relay, &["collect", "aws", "-o", whole.to_str().unwrap()]));
    assert_eq!(uninterrupted.status.code(), Some(0), "{}", said(&uninterrupted));
    let all = relay.operations();
    // The last bucket's policy is never answered: everything else is done when the program is ended.
    relay.treat(|seen| if seen.operation == "GetBucketPolicy" { Treatment::Silence } else { served(seen) });
    let mut child = start(program(&relay, &["collect", "aws", "-o", resumed.to_str().unwrap()]));
    let journal = folder.path().join("resumed.json.part");
    let steps = ["iam", "organization", "kms eu-west-1", "sqs eu-west-1", "vpc endpoints eu-west-1"];
    let ended = |text: &str| steps.iter().all(|step| text.contains(&format!("{{\"end\":\"{step} ")));
    wait_until("everything but the buckets is done", || std::fs::read_to_string(&journal).is_ok_and(|text| ended(&text)));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!resumed.exists(), "nothing stands there before everything was read");
    relay.treat(served);
    let output = run(program(&relay, &["collect", "aws", "-o", resumed.to_str().unwrap()]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("going on where the last run was interrupted"), "{}", said(&output));
    let again = relay.operations();
    for read_before in ["GetAccountAuthorizationDetails", "ListKeys", "ListQueues", "DescribeVpcEndpoints", "DescribeOrganization"] {
        assert!(all.iter().any(|operation| operation == read_before), "{read_before}");
        assert!(!again.iter().any(|operation| operation == read_before), "{read_before} is asked again: {again:?}");
    }
    assert_eq!(contents(&whole), contents(&resumed));
}

/// The documents and searches of a snapshot, in no order.
fn contents(snapshot: &Path) -> Vec<String> {
    let snapshot: serde_json::Value = serde_json::from_str(&file(snapshot)).unwrap();
    let lists = ["documents", "searches"].into_iter().flat_map(|list| snapshot[list].as_array().unwrap());
    let mut lines: Vec<String> = lines(lists);
    lines.sort();
    lines
}

fn lines<'v>(values: impl Iterator<Item = &'v serde_json::Value>) -> Vec<String> {
    values.map(ToString::to_string).collect()
}

#[test]
fn the_doctor_says_what_cannot_be_read_and_what_it_takes() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "ListRolePolicies" | "SimulatePrincipalPolicy" => Treatment::Refuse,
        "DecodeAuthorizationMessage" => Treatment::Fail(400, "InvalidAuthorizationMessageException"),
        _ => served(seen),
    });
    let output = run(program(&relay, &["doctor", "aws", "--format", "json"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = json(&output);
    assert_eq!(report["schema"], "iam-why/doctor/1");
    assert!(report["who"].as_str().unwrap().starts_with("arn:aws:"), "{report}");
    let of =
        |call: &str| report["checks"].as_array().unwrap().iter().find(|check| check["call"] == call).unwrap_or_else(|| panic!("no {call}"));
    assert_eq!(of("iam:ListRolePolicies")["result"], "refused");
    assert_eq!(of("iam:ListRolePolicies")["needs"], "iam:ListRolePolicies");
    assert_eq!(of("iam:GetRole")["result"], "readable");
    assert_eq!(of("s3:GetBucketPolicy")["result"], "readable");
    assert_eq!(of("organizations:ListAccountsForParent")["result"], "readable");
    assert_eq!(of("sts:DecodeAuthorizationMessage")["result"], "readable", "AWS looked at the message and found it to be none");
    assert_eq!(of("iam:SimulatePrincipalPolicy")["result"], "refused");
    assert_eq!(of("sts:AssumeRole")["result"], "not_tried");
    let least: serde_json::Value = serde_json::from_str(report["least"]["text"].as_str().unwrap()).unwrap();
    assert!(least["Statement"][0]["Action"].as_array().unwrap().iter().any(|action| action == "iam:ListRolePolicies"), "{least}");
    let text = said(&run(program(&relay, &["doctor", "aws"])));
    assert!(text.contains("Cannot be read") && text.contains("needs iam:ListRolePolicies"), "{text}");
}

/// SimulatePrincipalPolicy as the IAM API Reference shows it.
fn simulated(decision: &'static str) -> impl Fn(&Seen) -> Treatment + Send + Sync {
    move |seen| match seen.operation.as_str() {
        "SimulatePrincipalPolicy" => Treatment::Answer(
            200,
            "text/xml",
            format!(
                "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member>\
                 <EvalActionName>sqs:SendMessage</EvalActionName><EvalDecision>{decision}</EvalDecision></member></EvaluationResults>\
                 </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
            ),
        ),
        _ => served(seen),
    }
}

#[test]
fn a_contradiction_of_the_simulator_comes_first() {
    let company = Company::get();
    let relay = company.relay();
    let bare_words = [company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"), "--verify"];
    let words = [bare_words.as_slice(), &["--format", "json"]].concat();
    relay.treat(simulated("explicitDeny"));
    let output = run(program(&relay, &words));
    let notes = json(&output)["notes"].clone();
    assert!(notes[0].as_str().unwrap().starts_with("contradicted by iam:SimulatePrincipalPolicy"), "{notes}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("contradicts this answer"), "{}", said(&output));
    let text = run(program(&relay, &bare_words));
    let stdout = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(stdout.starts_with("BEWARE: contradicted by iam:SimulatePrincipalPolicy"), "{stdout}");
    assert_eq!(stdout.matches("contradicted by").count(), 1, "{stdout}");
    let markdown = run(program(&relay, &[bare_words.as_slice(), &["--format", "markdown"]].concat()));
    assert!(markdown.stdout.starts_with(b"> **Beware**: contradicted by "), "{}", said(&markdown));
    relay.treat(simulated("allowed"));
    let output = run(program(&relay, &words));
    assert!(json(&output)["notes"].to_string().contains("which agrees"), "{}", said(&output));
    assert!(!said(&output).contains("contradict"), "{}", said(&output));
}

#[test]
fn the_program_asks_no_more_and_no_later_than_it_must() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let words = [company.name("in_home/app"), "s3:GetObject", object.as_str(), "--format", "json"];
    run(program(&relay, &words));
    relay.treat(served);
    relay.delay(Duration::from_millis(50));
    let begun = Instant::now();
    let output = run(program(&relay, &words));
    println!("the program with 50 ms added to each answer: {:?}", begun.elapsed());
    assert_eq!(relay.operations().len(), 31, "{:#?}", relay.operations());
    assert_eq!(json(&output)["decision"], "deny");
    relay.treat(served);
    relay.delay(Duration::ZERO);
    relay.lockstep();
    run(program(&relay, &words));
    let rounds = relay.rounds();
    assert!(rounds.len() <= 5, "{} rounds of calls one after the other: {rounds:?}", rounds.len());
}

#[test]
fn a_collection_that_could_not_begin_leaves_nothing_behind() {
    let company = Company::get();
    let relay = company.relay();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("account.json");
    let output = run(program(&relay, &["collect", "aws", "nonsense", "-o", target.to_str().unwrap()]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_endpoint_and_the_proxy_of_the_environment_are_used() {
    let company = Company::get();
    let relay = company.relay();
    let words = ["me", "s3:ListAllMyBuckets"];
    let mut by_environment = bare(&words);
    by_environment.env("AWS_ENDPOINT_URL", relay.url());
    let output = run(by_environment);
    assert!(said(&output).contains("`me` is arn:aws:"), "{}", said(&output));
    let nowhere = "http://127.0.0.1:9";
    let mut past_the_proxy = program(&relay, &words);
    past_the_proxy.env("HTTP_PROXY", nowhere).env("http_proxy", nowhere).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = run(past_the_proxy);
    assert!(said(&output).contains("`me` is arn:aws:"), "{}", said(&output));
    let proxy = Relay::new(None);
    proxy.treat(|_| Treatment::Fail(403, "InvalidClientTokenId"));
    let mut through_a_proxy = bare(&words);
    through_a_proxy.args(["--endpoint-url", "http://aws.example"]).env("HTTP_PROXY", proxy.url()).env("http_proxy", proxy.url());
    let output = run(through_a_proxy);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("does not accept the credentials"), "{}", said(&output));
    assert!(proxy.seen().iter().all(|seen| seen.target.starts_with("http://aws.example")), "{:?}", proxy.seen());
}

#[test]
fn aws_itself_is_reached_through_the_proxy_for_https() {
    let proxy = Relay::new(None);
    proxy.treat(|_| Treatment::Fail(407, "ProxyAuthenticationRequired"));
    let mut command = bare(&["me", "s3:ListAllMyBuckets"]);
    command.env("HTTPS_PROXY", proxy.url()).env("https_proxy", proxy.url());
    let output = run(command);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("check the network, HTTPS_PROXY and NO_PROXY"), "{}", said(&output));
    let asked: Vec<String> = proxy.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    assert!(asked.iter().any(|asked| asked == "CONNECT sts.eu-west-1.amazonaws.com:443"), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.starts_with("CONNECT ") && asked.ends_with(".amazonaws.com:443")), "{asked:?}");
}
