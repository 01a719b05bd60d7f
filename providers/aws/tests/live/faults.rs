//! Servers that refuse, throttle, cut off, say nothing and talk nonsense; and what must hold whatever they do.

use super::company::{Company, MARKED_SECRET, outcome, questions, read, runtime, served};
use super::relay::{Seen, Treatment};
use iam_why_aws::Aws;
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, CollectError, Collected, Options, Quiet};
use iam_why_contract::{Decision, Outcome, Provider, Question, Snapshot};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn object(company: &Company) -> Question {
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    company.question(company.name("in_home/app"), "s3:GetObject", &object)
}

fn refused(snapshot: &Snapshot) -> Vec<(String, String)> {
    let refused = snapshot.searches().iter().filter_map(|search| match &search.outcome {
        Outcome::Refused { needs, .. } => Some((search.kind.to_string(), needs.clone())),
        _ => None,
    });
    refused.collect()
}

/// Treats one operation so, and everything else as usual.
fn only(operation: &str, treatment: Treatment) -> impl Fn(&Seen) -> Treatment + Send + Sync + 'static {
    let operation = operation.to_owned();
    move |seen| if seen.operation == operation { treatment.clone() } else { served(seen) }
}

#[test]
fn each_refused_call_is_a_search_that_names_the_missing_permission() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let question = object(company);
    let whole = read(&question, &company.options(&relay)).unwrap().snapshot;
    let operations: BTreeSet<String> = relay.operations().into_iter().collect();
    // Who one is can be known without any permission; the region and account of a bucket are found in two ways.
    let spared = ["GetCallerIdentity", "HeadBucket", "ListBuckets", "DescribeAccount"];
    for operation in operations.iter().filter(|operation| !spared.contains(&operation.as_str())) {
        relay.treat(only(operation, Treatment::Refuse));
        let snapshot = read(&question, &company.options(&relay)).unwrap_or_else(|error| panic!("{operation}: {error}")).snapshot;
        let refused = refused(&snapshot);
        assert!(!refused.is_empty(), "{operation} was refused, and nothing says so");
        let names_it = |needs: &String| needs.contains(':') && !needs.contains("answer");
        assert!(refused.iter().all(|(_, needs)| names_it(needs)), "{operation}: {refused:?}");
        // What was read in spite of it is what is read without it: a refusal opens gaps and changes nothing.
        // Access control lists are read only where object ownership does not switch them off.
        for document in snapshot.documents().iter().filter(|document| !document.kind.ends_with("-acl")) {
            assert!(whole.documents().contains(document), "{operation}: {} of {}", document.kind, document.subject);
        }
    }
    for operation in spared {
        relay.treat(only(operation, Treatment::Refuse));
        let snapshot = read(&question, &company.options(&relay)).unwrap_or_else(|error| panic!("{operation}: {error}")).snapshot;
        assert!(snapshot.documents().len() > 5, "{operation}: there is another way");
    }
}

fn decided(read: &Collected) -> Decision {
    Aws.simulate(&read.question, &read.snapshot).unwrap().decision
}

#[test]
fn whatever_one_call_answers_the_decision_is_the_same_or_undetermined() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let options = company.options(&relay).with("reader-role", "iam-why-reader");
    let html = Treatment::Answer(200, "text/html", "<html><body>Sign in to the hotel's network".into());
    let other_xml = Treatment::Answer(200, "text/xml", "<Other><Thing>1</Thing></Other>".into());
    let other_json = Treatment::Answer(200, "application/json", r#"{"Other": [1]}"#.into());
    let half_json = Treatment::Answer(200, "application/json", r#"{"Policies": [{"Id": "p-"#.into());
    let (mut wrong, mut same, mut open) = (Vec::new(), 0, 0);
    for (question, right) in questions(company) {
        relay.treat(served);
        assert_eq!(decided(&read(&question, &options).unwrap()), right, "{question:?}");
        let operations: BTreeSet<String> = relay.operations().into_iter().collect();
        for operation in operations {
            for treatment in [&Treatment::Refuse, &html, &other_xml, &other_json, &half_json] {
                relay.treat(only(&operation, treatment.clone()));
                // Where nothing at all could be read there is no decision to be wrong about.
                let Ok(read) = read(&question, &options) else { continue };
                match decided(&read) {
                    got if got == right => same += 1,
                    Decision::Undetermined => open += 1,
                    got => wrong.push(format!("{}: {operation} with {treatment:?} makes {right:?} {got:?}", question.action)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{same} decisions stayed, {open} became undetermined");
    assert!(same > 100 && open > 100, "both happen: {same} stayed, {open} became undetermined");
}

#[test]
fn a_bad_credential_is_told_apart_from_a_missing_permission() {
    let company = Company::get();
    let relay = company.relay();
    for code in ["InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch"] {
        relay.treat(move |_| Treatment::Fail(403, code));
        let error = read(&object(company), &company.options(&relay)).unwrap_err();
        assert!(matches!(error, CollectError::BadCredentials { ref said, .. } if said.contains(code)), "{code}: {error}");
    }
}

#[test]
fn without_credentials_it_is_said_where_they_were_looked_for() {
    let company = Company::get();
    let relay = company.relay();
    let error = read(&object(company), &company.options(&relay).with("profile", "nobody")).unwrap_err();
    assert!(
        matches!(error, CollectError::NoCredentials { ref hint, .. } if hint.contains("profile `nobody`") && hint.contains("aws sso login")),
        "{error}"
    );
    assert_eq!(relay.operations(), Vec::<String>::new());
}

#[test]
fn an_endpoint_that_nobody_listens_at_gives_nothing_to_answer_from() {
    let company = Company::get();
    let relay = company.relay();
    let options = Options { timeout: Duration::from_secs(10), ..company.options(&relay).with("endpoint-url", "http://127.0.0.1:9") };
    let error = read(&object(company), &options).unwrap_err();
    assert!(matches!(error, CollectError::NothingRead { .. }), "{error}");
}

#[test]
fn throttling_past_the_retries_is_a_gap_and_not_an_answer() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("ListRolePolicies", Treatment::Fail(400, "Throttling")));
    let snapshot = read(&object(company), &company.options(&relay)).unwrap().snapshot;
    assert_eq!(
        refused(&snapshot),
        [("aws:inline-policy-names".to_owned(), "another attempt: AWS throttled iam:ListRolePolicies".to_owned())]
    );
    assert!(relay.operations().iter().filter(|operation| *operation == "ListRolePolicies").count() > 1, "it was tried again");
}

#[test]
fn an_answer_that_is_cut_off_or_nonsense_is_a_gap_with_its_text() {
    let company = Company::get();
    let relay = company.relay();
    let nonsense = Treatment::Answer(200, "text/html", "<html><body>Sign in to the hotel's network".into());
    let json = Treatment::Answer(200, "application/json", "[1, 2".into());
    for treatment in [nonsense, json, Treatment::Cut] {
        for (operation, kind, subject) in [
            ("GetRole", "aws:role", company.name("in_home/app").to_owned()),
            ("GetBucketPolicyStatus", "aws:policy-status", company.name("in_home/bucket").to_owned()),
            ("ListGrants", "aws:kms-grants", company.name("in_home/key").to_owned()),
            ("GetAccountPublicAccessBlock", "aws:public-access-block", company.name("home").to_owned()),
        ] {
            relay.treat(only(operation, treatment.clone()));
            let snapshot = read(&object(company), &company.options(&relay)).unwrap().snapshot;
            let noted = outcome(&snapshot, kind, &subject);
            assert!(matches!(noted, Outcome::Refused { .. }), "{operation} with {treatment:?}: {noted:?}");
        }
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time_and_what_it_kept_back_is_noted() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("GetRolePolicy", Treatment::Silence));
    let begun = Instant::now();
    let options = Options { timeout: Duration::from_secs(3), ..company.options(&relay) };
    let snapshot = read(&object(company), &options).unwrap().snapshot;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let Outcome::Refused { needs, said } = outcome(&snapshot, "aws:inline-policy", company.name("in_home/app")) else { panic!("a gap") };
    assert_eq!((needs.as_str(), said.as_str()), ("an answer to iam:GetRolePolicy within 3 s (--timeout)", "timed out"));
    assert_eq!(*outcome(&snapshot, "aws:role", company.name("in_home/app")), Outcome::Found);
}

#[test]
fn pages_that_never_end_are_not_followed_for_ever() {
    let company = Company::get();
    let relay = company.relay();
    let count = std::sync::atomic::AtomicUsize::new(0);
    relay.treat(move |seen| {
        if seen.operation != "ListRolePolicies" {
            return served(seen);
        }
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let result = format!(
            "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames/><IsTruncated>true</IsTruncated><Marker>m{number}</Marker></ListRolePoliciesResult></ListRolePoliciesResponse>"
        );
        Treatment::Answer(200, "text/xml", result)
    });
    let snapshot = read(&object(company), &company.options(&relay)).unwrap().snapshot;
    let Outcome::Refused { needs, .. } = outcome(&snapshot, "aws:inline-policy-names", company.name("in_home/app")) else {
        panic!("a gap")
    };
    assert_eq!(needs, "an answer to iam:ListRolePolicies that ends");
}

#[test]
fn nothing_is_ever_sent_that_writes() {
    let company = Company::get();
    let relay = company.relay();
    let options = company.options(&relay).with("reader-role", "iam-why-reader");
    for account in ["in_home", "in_member"] {
        for (resource, action) in [
            ("bucket", "s3:PutObject"),
            ("queue", "sqs:DeleteQueue"),
            ("topic", "sns:Publish"),
            ("secret", "secretsmanager:PutSecretValue"),
            ("table", "dynamodb:PutItem"),
            ("repository", "ecr:PutImage"),
            ("key", "kms:ScheduleKeyDeletion"),
            ("app", "sts:AssumeRole"),
        ] {
            let question = company.question("me", action, company.name(&format!("{account}/{resource}")));
            read(&question, &options.clone().with("profile", "ana")).unwrap();
        }
        read(
            &company.question(
                company.name(&format!("{account}/app")),
                "s3:DeleteObject",
                &format!("{}/2026/a.csv", company.name(&format!("{account}/bucket"))),
            ),
            &options,
        )
        .unwrap();
    }
    runtime().block_on(AwsReader.doctor(&options, &Quiet)).unwrap();
    relay.assert_only_reads();
}

#[test]
fn secrets_are_in_no_output_and_no_error() {
    let company = Company::get();
    let relay = company.relay();
    // AWS repeats the signed request in its complaint about a signature.
    let complaint = move |seen: &Seen| {
        if seen.operation != "GetRole" {
            return served(seen);
        }
        let token = seen.headers.get("x-amz-security-token").cloned().unwrap_or_default();
        let body = format!(
            "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>{MARKED_SECRET} {token} The Canonical String for this request should have been 'GET / x-amz-security-token:{token}'</Message></Error></ErrorResponse>"
        );
        Treatment::Answer(403, "text/xml", body)
    };
    relay.treat(complaint);
    for account in ["in_home", "in_member"] {
        let options = company.options(&relay).with("reader-role", "iam-why-reader");
        let read = read(
            &company.question(company.name(&format!("{account}/app")), "sqs:SendMessage", company.name(&format!("{account}/queue"))),
            &options,
        )
        .unwrap();
        let mut file = Vec::new();
        read.snapshot.write(&mut file).unwrap();
        let everything = format!("{}{:?}{:?}{:?}", String::from_utf8(file).unwrap(), read.question, read.notes, read.snapshot);
        let tokens =
            relay.seen().into_iter().filter_map(|seen| seen.headers.get("x-amz-security-token").cloned()).filter(|token| !token.is_empty());
        for secret in tokens.chain([MARKED_SECRET.to_owned()]) {
            assert!(!everything.contains(&secret), "{secret} is in what was read");
        }
        assert!(everything.contains("SignatureDoesNotMatch"), "the complaint itself is told");
    }
    relay.treat(|_| {
        Treatment::Answer(
            403,
            "text/xml",
            format!("<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>{MARKED_SECRET}</Message></Error></ErrorResponse>"),
        )
    });
    let error = read(&object(company), &company.options(&relay)).unwrap_err();
    assert!(!format!("{error}{error:?}").contains(MARKED_SECRET), "{error}");
}
