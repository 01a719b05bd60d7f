//! What one question reads, and how fast.

use super::company::{Company, documents, outcome, read, text};
use iam_why_contract::collect::Options;
use iam_why_contract::{CollectError, Context, Outcome};
use std::time::{Duration, Instant};

#[test]
fn a_role_asking_for_an_object_in_an_organization() {
    let company = Company::get();
    let relay = company.relay();
    let (app, bucket, key) = (company.name("in_home/app"), company.name("in_home/bucket"), company.name("in_home/key"));
    let object = format!("{bucket}/2026/a.csv");
    let read = read(&company.question(app, "s3:GetObject", &object), &company.options(&relay)).unwrap();
    let snapshot = &read.snapshot;
    assert_eq!(text(snapshot, "aws:role", app)["PermissionsBoundary"]["PermissionsBoundaryArn"], company.name("in_home/boundary"));
    assert_eq!(text(snapshot, "aws:inline-policy", app)["Statement"][0]["Sid"], "ReadReports");
    assert_eq!(text(snapshot, "aws:managed-policy", company.name("in_home/queues"))["Statement"][0]["Sid"], "Queues");
    assert_eq!(text(snapshot, "aws:managed-policy", company.name("in_home/boundary"))["Statement"][0]["Sid"], "Bounded");
    assert_eq!(text(snapshot, "aws:organization", company.name("home"))["MasterAccountId"], company.name("home"));
    assert_eq!(text(snapshot, "aws:parents", company.name("home"))["Parents"][0]["Id"], company.name("root"));
    assert_eq!(text(snapshot, "aws:resource-policy", bucket)["Statement"][0]["Sid"], "DenySecret");
    assert_eq!(text(snapshot, "aws:resource-policy", key)["Statement"][0]["Sid"], "Root");
    assert_eq!(text(snapshot, "aws:object", &object)["SSEKMSKeyId"], key);
    assert_eq!(text(snapshot, "aws:resource", bucket)["Account"], company.name("home"));
    assert_eq!(*outcome(snapshot, "aws:public-access-block", company.name("home")), Outcome::Absent);
    assert_eq!(*outcome(snapshot, "aws:kms-grants", key), Outcome::Found);
    let refused: Vec<_> =
        snapshot.searches().iter().filter(|search| matches!(search.outcome, Outcome::Refused { .. } | Outcome::NotTried { .. })).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn calls_that_do_not_depend_on_each_other_run_together() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let question = company.question(company.name("in_home/app"), "s3:GetObject", &object);
    read(&question, &company.options(&relay)).unwrap();
    relay.treat(super::company::served);
    relay.delay(Duration::from_millis(50));
    let begun = Instant::now();
    read(&question, &company.options(&relay)).unwrap();
    println!("with 50 ms added to each answer: {:?}", begun.elapsed());
    relay.treat(super::company::served);
    relay.delay(Duration::ZERO);
    relay.lockstep();
    read(&question, &company.options(&relay)).unwrap();
    let rounds = relay.rounds();
    println!("calls in each round: {rounds:?}");
    // 50 ms a round: a quarter of a second, with the other quarter to spare.
    assert!(rounds.len() <= 5, "{} rounds of calls one after the other: {rounds:?}", rounds.len());
    assert_eq!(relay.operations().len(), 31, "{:#?}", relay.operations());
    assert!(rounds.iter().all(|calls| *calls <= 16), "no more than 16 calls at once: {rounds:?}");
}

#[test]
fn no_more_calls_are_under_way_at_once_than_was_said() {
    let company = Company::get();
    let relay = company.relay();
    relay.lockstep();
    let question = company.question(company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"));
    read(&question, &Options { concurrency: 3, ..company.options(&relay) }).unwrap();
    let rounds = relay.rounds();
    assert!(rounds.contains(&3) && rounds.iter().all(|calls| *calls <= 3), "{rounds:?}");
}

#[test]
fn ids_that_lead_to_nobody_are_said_to_and_what_to_say_instead() {
    let company = Company::get();
    let relay = company.relay();
    for (words, reason) in [
        ("ASIAQWERTYUIOPASDFGH", "is a temporary access key"),
        ("AROAQWERTYUIOPASDFGH", "is the unique id of a principal"),
        ("AKIAQWERTYUIOPASDFGH", "the key may be deleted or of another account"),
    ] {
        let error = read(&company.question(words, "s3:ListBucket", ""), &company.options(&relay)).unwrap_err();
        assert!(matches!(error, CollectError::Question(ref said) if said.contains(reason) && said.contains("say the")), "{words}: {error}");
    }
}

#[test]
fn a_user_brings_its_groups() {
    let company = Company::get();
    let relay = company.relay();
    let ana = company.name("ana");
    let read = read(&company.question(ana, "sqs:SendMessage", company.name("in_home/queue")), &company.options(&relay)).unwrap();
    let group = text(&read.snapshot, "aws:user-groups", ana)["Groups"][0]["Arn"].as_str().unwrap().to_owned();
    assert_eq!(text(&read.snapshot, "aws:inline-policy", &group)["Statement"][0]["Sid"], "List");
    assert_eq!(text(&read.snapshot, "aws:inline-policy", ana)["Statement"][0]["Sid"], "Own");
    assert_eq!(text(&read.snapshot, "aws:resource-policy", company.name("in_home/queue"))["Statement"][0]["Sid"], "Send");
}

#[test]
fn each_service_yields_its_resource_policy() {
    let company = Company::get();
    let relay = company.relay();
    for (name, action, sid) in [
        ("queue", "sqs:SendMessage", Some("Send")),
        ("topic", "sns:Publish", Some("__default_statement_ID")),
        ("secret", "secretsmanager:GetSecretValue", Some("Read")),
        ("repository", "ecr:BatchGetImage", Some("Pull")),
        ("key", "kms:Decrypt", Some("Root")),
    ] {
        let resource = company.name(&format!("in_home/{name}"));
        let read = read(&company.question(company.name("in_home/app"), action, resource), &company.options(&relay)).unwrap();
        let sids = text(&read.snapshot, "aws:resource-policy", resource)["Statement"][0]["Sid"].as_str().map(str::to_owned);
        assert_eq!(sids.as_deref(), sid, "{name}");
    }
}

#[test]
fn the_principal_may_be_me_a_bare_name_or_an_access_key() {
    let company = Company::get();
    let relay = company.relay();
    let as_ana = company.options(&relay).with("profile", "ana");
    for words in ["me", "ana", "user/ana", company.name("ana_key")] {
        let read = read(&company.question(words, "s3:ListBucket", ""), &as_ana).unwrap();
        assert_eq!(read.question.principal, company.name("ana"), "{words}");
        assert_eq!(*outcome(&read.snapshot, "aws:user", company.name("ana")), Outcome::Found, "{words}");
        assert!(!read.notes.is_empty(), "{words}: it should be said what the word stands for");
    }
    let app = read(&company.question("app", "s3:ListBucket", ""), &as_ana).unwrap();
    assert_eq!(app.question.principal, company.name("in_home/app"));
    let nobody = read(&company.question("nobody", "s3:ListBucket", ""), &as_ana).unwrap_err();
    assert!(
        matches!(nobody, CollectError::Question(ref said) if said.contains("there is no role or user `nobody` in account 123456789012")),
        "{nobody}"
    );
}

#[test]
fn a_session_leads_to_its_role_with_the_path_that_it_does_not_show() {
    let company = Company::get();
    let relay = company.relay();
    let session = format!("arn:aws:sts::{}:assumed-role/app/i-1", company.name("home"));
    let read = read(&company.question(&session, "sqs:SendMessage", company.name("in_home/queue")), &company.options(&relay)).unwrap();
    assert_eq!(read.question.principal, session);
    assert_eq!(text(&read.snapshot, "aws:inline-policy", company.name("in_home/app"))["Statement"][0]["Sid"], "ReadReports");
    assert!(matches!(outcome(&read.snapshot, "aws:session", &session), Outcome::NotTried { .. }));
}

#[test]
fn a_role_that_is_to_be_assumed_is_found_under_whichever_path_it_is_named() {
    let company = Company::get();
    let relay = company.relay();
    let pathless = format!("arn:aws:iam::{}:role/app", company.name("home"));
    let read = read(&company.question(company.name("ana"), "sts:AssumeRole", &pathless), &company.options(&relay)).unwrap();
    assert_eq!(read.question.resource.as_deref(), Some(company.name("in_home/app")));
    assert_eq!(read.notes, [format!("`{pathless}` is {}", company.name("in_home/app"))]);
}

#[test]
fn a_principal_that_was_deleted_is_said_to_be_absent() {
    let company = Company::get();
    let relay = company.relay();
    let gone = format!("arn:aws:iam::{}:role/gone", company.name("home"));
    let read = read(&company.question(&gone, "sqs:SendMessage", company.name("in_home/queue")), &company.options(&relay)).unwrap();
    assert_eq!(*outcome(&read.snapshot, "aws:role", &gone), Outcome::Absent);
    assert_eq!(read.notes, [format!("there is no role gone in account {}: it was deleted, or is spelled otherwise", company.name("home"))]);
}

#[test]
fn another_account_is_read_as_the_reader_role() {
    let company = Company::get();
    let relay = company.relay();
    let (app, object) = (company.name("in_member/app"), format!("{}/2026/a.csv", company.name("in_member/bucket")));
    let options = company.options(&relay).with("reader-role", "iam-why-reader");
    let read = read(&company.question(app, "s3:GetObject", &object), &options).unwrap();
    let snapshot = &read.snapshot;
    assert_eq!(text(snapshot, "aws:inline-policy", app)["Statement"][0]["Sid"], "ReadReports");
    // The bucket's name does not say whose it is.
    assert_eq!(text(snapshot, "aws:resource", company.name("in_member/bucket"))["Account"], company.name("member"));
    assert_eq!(text(snapshot, "aws:parents", company.name("member"))["Parents"][0]["Id"], company.name("unit"));
    assert_eq!(text(snapshot, "aws:parents", company.name("unit"))["Parents"][0]["Id"], company.name("root"));
    assert_eq!(text(snapshot, "aws:scp", company.name("scp"))["Statement"][0]["Sid"], "DenyOutsideEurope");
    assert_eq!(text(snapshot, "aws:organization", company.name("member"))["MasterAccountId"], company.name("home"));
    assert!(relay.operations().contains(&"AssumeRole".to_owned()));
}

#[test]
fn without_a_reader_role_another_account_stays_open_and_it_is_said_what_would_open_it() {
    let company = Company::get();
    let relay = company.relay();
    let app = company.name("in_member/app");
    let read = read(&company.question(app, "sqs:SendMessage", company.name("in_member/queue")), &company.options(&relay)).unwrap();
    for kind in ["aws:role", "aws:inline-policy-names", "aws:attached-policies"] {
        let Outcome::NotTried { why } = outcome(&read.snapshot, kind, app) else { panic!("{kind}") };
        assert!(why.contains("--reader-role") && why.contains(company.name("member")), "{why}");
    }
    assert!(matches!(read.notes.as_slice(), [said] if said.starts_with("the policies of role app were not read: ")), "{:?}", read.notes);
    // The management account sees the tree of every account.
    assert_eq!(text(&read.snapshot, "aws:scp", company.name("scp"))["Statement"][0]["Sid"], "DenyOutsideEurope");
}

#[test]
fn a_vpc_endpoint_is_read_where_the_request_comes_through_one() {
    let company = Company::get();
    let relay = company.relay();
    let mut question = company.question(company.name("in_home/app"), "s3:ListBucket", company.name("in_home/bucket"));
    question.context = Context::default().with("aws:SourceVpce", [company.name("endpoint")]);
    let read = read(&question, &company.options(&relay)).unwrap();
    assert_eq!(text(&read.snapshot, "aws:vpc-endpoint", company.name("endpoint"))["PolicyDocument"]["Statement"][0]["Sid"], "Through");
}

#[test]
fn a_bucket_that_is_not_there_is_said_not_to_be_there() {
    let company = Company::get();
    let relay = company.relay();
    let bucket = "arn:aws:s3:::no-such-bucket-anywhere";
    let read =
        read(&company.question(company.name("in_home/app"), "s3:GetObject", &format!("{bucket}/a")), &company.options(&relay)).unwrap();
    assert_eq!(text(&read.snapshot, "aws:resource", bucket)["Exists"], false);
    assert_eq!(*outcome(&read.snapshot, "aws:resource-policy", bucket), Outcome::Absent);
}

#[test]
fn what_was_read_comes_in_one_order_whichever_answer_was_first() {
    let company = Company::get();
    let relay = company.relay();
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let question = company.question(company.name("in_home/app"), "s3:GetObject", &object);
    let one = read(&question, &company.options(&relay)).unwrap().snapshot;
    let two = read(&question, &Options { concurrency: 1, ..company.options(&relay) }).unwrap().snapshot;
    assert_eq!(documents(&one), documents(&two));
    assert_eq!(one.searches(), two.searches());
}
