//! Other accounts, other regions, other partitions: whose credentials ask, and what their answer is worth.

use super::company::{Company, outcome, read, served, text};
use super::relay::{Seen, Treatment};
use iam_why_aws::Aws;
use iam_why_contract::{CollectError, Context, Decision, Outcome, Provider, Question};

fn organization(management: &str) -> Treatment {
    let body = format!(r#"{{"Organization":{{"Id":"o-exampleorg","FeatureSet":"ALL","MasterAccountId":"{management}"}}}}"#);
    Treatment::Answer(200, "application/x-amz-json-1.1", body)
}

fn of_organizations(seen: &Seen) -> bool {
    seen.headers.get("x-amz-target").is_some_and(|target| target.starts_with("AWSOrganizations"))
}

#[test]
fn a_member_account_reads_its_organization_as_the_reader_role_of_the_management_account() {
    let company = Company::get();
    let relay = company.relay();
    let (home, member) = (company.name("home").to_owned(), company.name("member"));
    let own_key = company.told["member_keys"][0].as_str().unwrap().to_owned();
    // To a member account its organization shows nothing but that it is in one.
    relay.treat(move |seen| match (seen.operation.as_str(), seen.signed().0 == own_key) {
        ("DescribeOrganization", true) => organization(&home),
        (_, true) if of_organizations(seen) => Treatment::Refuse,
        _ => served(seen),
    });
    let context = Context::default().with("aws:RequestedRegion", ["us-east-1"]);
    let question = company.question(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue"));
    let question = Question { context, ..question };
    let options = company.options(&relay).with("profile", "member");
    let without = read(&question, &options).unwrap();
    assert_eq!(Aws.simulate(&without.question, &without.snapshot).unwrap().decision, Decision::Undetermined);
    let with = read(&question, &options.with("reader-role", "iam-why-reader")).unwrap();
    assert_eq!(text(&with.snapshot, "aws:parents", member)["Parents"][0]["Id"], company.name("unit"));
    assert_eq!(text(&with.snapshot, "aws:scp", company.name("scp"))["Statement"][0]["Sid"], "DenyOutsideEurope");
    let verdict = Aws.simulate(&with.question, &with.snapshot).unwrap();
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("scp")));
    let assumed = relay.seen().into_iter().filter(|seen| seen.operation == "AssumeRole").map(|seen| seen.body).collect::<Vec<_>>();
    assert_eq!(assumed.len(), 1, "{assumed:?}");
    assert!(assumed[0].contains(&format!("{}%3Arole%2Fiam-why-reader", company.name("home"))), "{assumed:?}");
}

#[test]
fn what_an_administrator_may_see_of_the_tree_is_completed_by_the_management_account() {
    let company = Company::get();
    let relay = company.relay();
    let home = company.name("home").to_owned();
    let own_key = company.told["member_keys"][0].as_str().unwrap().to_owned();
    // A delegated administrator of resource control policies alone.
    relay.treat(move |seen| match (seen.operation.as_str(), seen.signed().0 == own_key) {
        ("DescribeOrganization", true) => organization(&home),
        ("ListPoliciesForTarget", true) if seen.body.contains("SERVICE_CONTROL_POLICY") => Treatment::Refuse,
        _ => served(seen),
    });
    let question = company.question(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue"));
    let options = company.options(&relay).with("profile", "member");
    let alone = read(&question, &options).unwrap().snapshot;
    let noted = outcome(&alone, "aws:attached-scps", company.name("member"));
    assert!(matches!(noted, Outcome::Refused { needs, .. } if needs.contains("organizations:ListPoliciesForTarget")), "{noted:?}");
    let both = read(&question, &options.with("reader-role", "iam-why-reader")).unwrap().snapshot;
    assert_eq!(*outcome(&both, "aws:attached-scps", company.name("member")), Outcome::Found);
}

#[test]
fn who_is_in_no_organization_learns_nothing_about_the_organization_of_another_account() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match (of_organizations(seen), seen.operation.as_str()) {
        (true, _) if !seen.signed().0.starts_with("ASIA") => Treatment::Fail(400, "AWSOrganizationsNotInUseException"),
        (true, "DescribeOrganization") => organization("999988887777"),
        (true, _) => Treatment::Refuse,
        _ => served(seen),
    });
    let member = company.name("member");
    let question = company.question(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue"));
    let alone = read(&question, &company.options(&relay)).unwrap();
    for kind in ["aws:organization", "aws:parents", "aws:attached-scps", "aws:attached-rcps"] {
        assert!(matches!(outcome(&alone.snapshot, kind, member), Outcome::NotTried { .. }), "{kind}");
    }
    let with = read(&question, &company.options(&relay).with("reader-role", "iam-why-reader")).unwrap();
    assert_eq!(text(&with.snapshot, "aws:organization", member)["MasterAccountId"], "999988887777");
    for kind in ["aws:parents", "aws:attached-scps", "aws:attached-rcps"] {
        assert!(matches!(outcome(&with.snapshot, kind, member), Outcome::Refused { .. }), "{kind}");
    }
    assert_eq!(Aws.simulate(&with.question, &with.snapshot).unwrap().decision, Decision::Undetermined);
    assert!(
        relay.seen().iter().any(|seen| seen.operation == "AssumeRole" && seen.body.contains("999988887777")),
        "the management account is asked"
    );
}

#[test]
fn a_reader_role_that_is_named_by_its_arn_reads_its_own_account_and_no_other() {
    let company = Company::get();
    let relay = company.relay();
    let elsewhere = "arn:aws:iam::999988887777:role/iam-why-reader";
    let app = company.name("in_member/app");
    let question = company.question(app, "sqs:SendMessage", company.name("in_member/queue"));
    let read_as = |role: &str| read(&question, &company.options(&relay).with("reader-role", role)).unwrap().snapshot;
    let Outcome::NotTried { why } = outcome(&read_as(elsewhere), "aws:role", app).clone() else { panic!("it was read") };
    assert!(why.contains("999988887777") && why.contains(company.name("member")), "{why}");
    let there = format!("arn:aws:iam::{}:role/iam-why-reader", company.name("member"));
    assert_eq!(*outcome(&read_as(&there), "aws:role", app), Outcome::Found);
}

#[test]
fn whose_bucket_it_is_is_asked_where_the_bucket_is() {
    let company = Company::get();
    let relay = company.relay();
    // S3 redirects who asks in another region, and tells the right one.
    relay.treat(|seen| match (seen.operation.as_str(), seen.signed().1) {
        ("HeadBucket", "us-east-1") => Treatment::Redirect("eu-west-1"),
        ("ListBuckets", _) => Treatment::Refuse,
        _ => served(seen),
    });
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let options = company.options(&relay).with("region", "us-east-1");
    let read = read(&company.question(company.name("in_home/app"), "s3:GetObject", &object), &options).unwrap();
    let facts = text(&read.snapshot, "aws:resource", company.name("in_home/bucket"));
    assert_eq!((&facts["Region"], &facts["Account"]), (&"eu-west-1".into(), &company.name("home").into()));
    let asked = relay.seen().into_iter().find(|seen| seen.headers.contains_key("x-amz-expected-bucket-owner")).unwrap();
    assert_eq!(asked.signed().1, "eu-west-1");
}

#[test]
fn what_another_account_must_give_is_said_to_be_for_that_account_to_give() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "GetQueueAttributes" | "GetBucketPolicyStatus" => Treatment::Refuse,
        "GetBucketPolicy" => Treatment::Fail(405, "MethodNotAllowed"),
        _ => served(seen),
    });
    let (member, app) = (company.name("member"), company.name("in_home/app"));
    let read_it = |action: &str, resource: &str| {
        let question = company.question(app, action, resource);
        let context = Context::default().with("aws:ResourceAccount", [member]);
        read(&Question { context, ..question }, &company.options(&relay)).unwrap().snapshot
    };
    let needs = |snapshot: &iam_why_contract::Snapshot, kind: &str, subject: &str| match outcome(snapshot, kind, subject) {
        Outcome::Refused { needs, .. } => needs.clone(),
        other => panic!("{kind} of {subject}: {other:?}"),
    };
    let (queue, bucket) = (company.name("in_member/queue"), company.name("in_member/bucket"));
    let there = format!("in account {member} (--reader-role NAME, a role there that may be assumed)");
    assert_eq!(needs(&read_it("sqs:SendMessage", queue), "aws:resource-policy", queue), format!("sqs:GetQueueAttributes {there}"));
    let snapshot = read_it("s3:ListBucket", bucket);
    assert_eq!(needs(&snapshot, "aws:policy-status", bucket), format!("s3:GetBucketPolicyStatus {there}"));
    let policy = needs(&snapshot, "aws:resource-policy", bucket);
    assert!(policy.starts_with("s3:GetBucketPolicy for a principal of the account that owns it"), "{policy}");
}

#[test]
fn a_region_without_the_service_or_that_is_not_enabled_is_a_gap_and_the_answer_goes_on() {
    let company = Company::get();
    let relay = company.relay();
    let queue = format!("arn:aws:sqs:me-south-1:{}:jobs", company.name("home"));
    for (treatment, needed) in [
        (Treatment::Fail(403, "UnrecognizedClientException"), "a region that the account has enabled"),
        (Treatment::Fail(403, "InvalidClientTokenId"), "a region that the account has enabled"),
        (Treatment::Hangup, "a region that has the service"),
    ] {
        let treated = treatment.clone();
        relay.treat(move |seen| if seen.signed().1 == "me-south-1" { treated.clone() } else { served(seen) });
        let allowed = company.question(company.name("in_home/app"), "sqs:SendMessage", &queue);
        let read = read(&allowed, &company.options(&relay)).unwrap();
        let noted = outcome(&read.snapshot, "aws:resource-policy", &queue);
        assert!(matches!(noted, Outcome::Refused { needs, .. } if needs.contains(needed)), "{treatment:?}: {noted:?}");
        assert_eq!(*outcome(&read.snapshot, "aws:role", company.name("in_home/app")), Outcome::Found);
        assert_eq!(Aws.simulate(&read.question, &read.snapshot).unwrap().decision, Decision::Undetermined);
    }
}

#[test]
fn a_resource_of_another_partition_is_not_looked_for_in_this_one() {
    let company = Company::get();
    let relay = company.relay();
    let bucket = company.name("in_home/bucket").replace("arn:aws:", "arn:aws-cn:");
    let read = read(&company.question(company.name("in_home/app"), "s3:ListBucket", &bucket), &company.options(&relay)).unwrap();
    let noted = outcome(&read.snapshot, "aws:resource-policy", &bucket);
    assert!(matches!(noted, Outcome::NotTried { why } if why.contains("aws-cn")), "{noted:?}");
    assert!(read.notes.iter().any(|note| note.contains("aws-cn")), "{:?}", read.notes);
    assert!(!relay.operations().contains(&"HeadBucket".to_owned()));
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let company = Company::get();
    let relay = company.relay();
    let app = company.name("in_home/app");
    let home = company.name("home");
    let key = format!("arn:aws:kms:eu-west-1:{home}:key/00000000-0000-0000-0000-000000000000");
    for (action, resource, gone) in [
        ("s3:GetObject", "arn:aws:s3:::no-such-bucket-anywhere/a".to_owned(), "there is no bucket arn:aws:s3:::no-such-bucket-anywhere:"),
        ("s3:GetObject", format!("{}/no-such-key", company.name("in_home/plain")), "/no-such-key: it was deleted"),
        ("kms:Decrypt", key, "key/00000000-0000-0000-0000-000000000000: it was deleted"),
    ] {
        let read = read(&company.question(app, action, &resource), &company.options(&relay)).unwrap();
        assert!(read.notes.iter().any(|note| note.contains(gone)), "{resource}: {:?}", read.notes);
    }
}

#[test]
fn an_endpoint_that_is_no_address_is_a_mistake_of_whoever_typed_it() {
    let company = Company::get();
    let relay = company.relay();
    let question = company.question("me", "s3:ListAllMyBuckets", "");
    let error = read(&question, &company.options(&relay).with("endpoint-url", "localhost:4566")).unwrap_err();
    assert!(
        matches!(error, CollectError::Question(ref said) if said.contains("`localhost:4566`") && said.contains("http://HOST:PORT")),
        "{error}"
    );
}
