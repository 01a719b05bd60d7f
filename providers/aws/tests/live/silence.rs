//! What an answer does not say is not known: silence is no "there is none".

use super::company::{Company, outcome, read, served, text};
use super::relay::{Relay, Seen, Treatment};
use iam_why_aws::Aws;
use iam_why_contract::collect::Collected;
use iam_why_contract::{Context, Decision, Outcome, Provider, Question};

fn decided(read: &Collected) -> Decision {
    Aws.simulate(&read.question, &read.snapshot).unwrap().decision
}

fn json(body: &str) -> Treatment {
    Treatment::Answer(200, "application/x-amz-json-1.1", body.to_owned())
}

/// Treats one operation so, and everything else as usual.
fn only(operation: &str, treatment: Treatment) -> impl Fn(&Seen) -> Treatment + Send + Sync + 'static {
    let operation = operation.to_owned();
    move |seen| if seen.operation == operation { treatment.clone() } else { served(seen) }
}

/// No service control policy is listed anywhere; the root says this of the types of policies.
fn without_scps(root: &str, types: Treatment) -> impl Fn(&Seen) -> Treatment + Send + Sync + use<> {
    let root = root.to_owned();
    move |seen| match seen.operation.as_str() {
        "ListPoliciesForTarget" if seen.body.contains("SERVICE_CONTROL_POLICY") => json(r#"{"Policies": []}"#),
        "ListRoots" => match &types {
            Treatment::Answer(_, _, types) => json(&format!(r#"{{"Roots": [{{"Id": "{root}", "PolicyTypes": {types}}}]}}"#)),
            other => other.clone(),
        },
        _ => served(seen),
    }
}

#[test]
fn no_service_control_policies_anywhere_means_that_they_are_not_in_force_and_not_that_they_refuse_everything() {
    let company = Company::get();
    let relay = company.relay();
    let member = company.name("member");
    let question = company.question(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue"));
    let options = company.options(&relay).with("reader-role", "iam-why-reader");
    let on = json(r#"[{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]"#);
    let pending = json(r#"[{"Type": "SERVICE_CONTROL_POLICY", "Status": "PENDING_DISABLE"}]"#);
    for (types, noted, decision) in [
        (json("[]"), Some(Outcome::Absent), Decision::Allow),
        (pending, Some(Outcome::Absent), Decision::Allow),
        (on, Some(Outcome::Found), Decision::Deny),
        (Treatment::Refuse, None, Decision::Undetermined),
    ] {
        relay.treat(without_scps(company.name("root"), types.clone()));
        let read = read(&question, &options).unwrap();
        let got = outcome(&read.snapshot, "aws:attached-scps", member);
        match noted {
            Some(noted) => assert_eq!(*got, noted, "{types:?}"),
            None => assert!(matches!(got, Outcome::Refused { needs, .. } if needs == "organizations:ListRoots"), "{got:?}"),
        }
        assert_eq!(decided(&read), decision, "{types:?}");
    }
}

/// An answer of the right form that lacks what it was asked for.
struct Silent {
    operation: &'static str,
    answer: &'static str,
    kind: &'static str,
    resource: &'static str,
    action: &'static str,
}

const fn silent(
    operation: &'static str,
    answer: &'static str,
    kind: &'static str,
    (action, resource): (&'static str, &'static str),
) -> Silent {
    Silent { operation, answer, kind, resource, action }
}

const SILENCES: &[Silent] = &[
    silent("ListGrants", "{}", "aws:kms-grants", ("kms:Decrypt", "key")),
    silent("ListGrants", r#"{"Grants": [], "Truncated": true}"#, "aws:kms-grants", ("kms:Decrypt", "key")),
    silent("GetKeyPolicy", "{}", "aws:resource-policy", ("kms:Decrypt", "key")),
    silent("GetQueueAttributes", "{}", "aws:resource-policy", ("sqs:SendMessage", "queue")),
    silent("GetQueueAttributes", r#"{"Attributes": {}}"#, "aws:resource-policy", ("sqs:SendMessage", "queue")),
    silent("GetTopicAttributes", "<GetTopicAttributesResponse/>", "aws:resource-policy", ("sns:Publish", "topic")),
    silent("GetResourcePolicy", "{}", "aws:resource-policy", ("secretsmanager:GetSecretValue", "secret")),
    silent("GetResourcePolicy", "{}", "aws:resource-policy", ("dynamodb:GetItem", "table")),
    silent("GetRepositoryPolicy", "{}", "aws:resource-policy", ("ecr:BatchGetImage", "repository")),
    silent("GetPublicAccessBlock", "<PublicAccessBlockConfiguration/>", "aws:public-access-block", ("s3:ListBucket", "bucket")),
    silent("GetBucketPolicyStatus", "<PolicyStatus/>", "aws:policy-status", ("s3:ListBucket", "bucket")),
    silent("GetBucketAcl", "<AccessControlPolicy/>", "aws:bucket-acl", ("s3:ListBucket", "plain")),
];

#[test]
fn an_answer_that_lacks_what_was_asked_for_is_a_gap() {
    let company = Company::get();
    let relay = company.relay();
    for case in SILENCES {
        let kind = if case.answer.starts_with('<') { "text/xml" } else { "application/x-amz-json-1.1" };
        relay.treat(only(case.operation, Treatment::Answer(200, kind, case.answer.to_owned())));
        let resource = company.name(&format!("in_home/{}", case.resource));
        let read = read(&company.question(company.name("in_home/app"), case.action, resource), &company.options(&relay)).unwrap();
        let noted = outcome(&read.snapshot, case.kind, resource);
        assert!(
            matches!(noted, Outcome::Refused { needs, .. } if needs.starts_with("a readable answer to ")),
            "{}: {noted:?}",
            case.operation
        );
    }
    relay.treat(only("ListPoliciesForTarget", json("{}")));
    let question = company.question(company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"));
    let read = read(&question, &company.options(&relay)).unwrap();
    for kind in ["aws:attached-scps", "aws:attached-rcps"] {
        assert!(matches!(outcome(&read.snapshot, kind, company.name("home")), Outcome::Refused { .. }), "{kind}");
    }
}

#[test]
fn a_queue_or_secret_without_a_policy_is_known_to_have_none_where_the_answer_is_about_it() {
    let company = Company::get();
    let relay = company.relay();
    for (operation, action, name, member) in [
        ("GetQueueAttributes", "sqs:SendMessage", "queue", "QueueArn"),
        ("GetResourcePolicy", "secretsmanager:GetSecretValue", "secret", "ARN"),
    ] {
        let arn = company.name(&format!("in_home/{name}"));
        for (about, absent) in [(arn, true), ("arn:aws:sqs:eu-west-1:999988887777:other", false)] {
            let attributes = format!(r#"{{"{member}": "{about}"}}"#);
            let body = if name == "queue" { format!(r#"{{"Attributes": {attributes}}}"#) } else { attributes };
            relay.treat(only(operation, json(&body)));
            let read = read(&company.question(company.name("in_home/app"), action, arn), &company.options(&relay)).unwrap();
            assert_eq!(*outcome(&read.snapshot, "aws:resource-policy", arn) == Outcome::Absent, absent, "{name} about {about}");
        }
    }
}

#[test]
fn an_endpoint_that_is_not_in_this_account_and_region_may_be_in_another() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "DescribeVpcEndpoints" => Treatment::Answer(
            400,
            "text/xml",
            "<Response><Errors><Error><Code>InvalidVpcEndpointId.NotFound</Code><Message>The Vpc Endpoint Id does not exist</Message></Error></Errors></Response>".into(),
        ),
        _ => served(seen),
    });
    let mut question = company.question(company.name("ana"), "s3:ListBucket", company.name("in_home/plain"));
    question.context = Context::default().with("aws:SourceVpce", ["vpce-0123456789abcdef0"]);
    let read = read(&question, &company.options(&relay)).unwrap();
    let noted = outcome(&read.snapshot, "aws:vpc-endpoint", "vpce-0123456789abcdef0");
    assert!(
        matches!(noted, Outcome::Refused { needs, .. } if needs.starts_with("ec2:DescribeVpcEndpoints in the account and region in which vpce-0")),
        "{noted:?}"
    );
    assert_eq!(decided(&read), Decision::Undetermined);
}

#[test]
fn a_version_that_is_not_named_is_not_taken_to_be_the_current_one() {
    let company = Company::get();
    let relay = company.relay();
    let object = format!("{}/2026/a.csv", company.name("in_home/bucket"));
    let unnamed = company.question(company.name("in_home/app"), "s3:GetObjectVersion", &object);
    let read_it = |question: &Question| read(question, &company.options(&relay)).unwrap();
    let read = read_it(&unnamed);
    let noted = outcome(&read.snapshot, "aws:object", &object);
    assert!(matches!(noted, Outcome::NotTried { why } if why.contains("--context s3:VersionId=ID")), "{noted:?}");
    assert!(!relay.operations().contains(&"HeadObject".to_owned()));
    relay.treat(only("HeadObject", Treatment::Answer(200, "application/xml", String::new())));
    let named = Question { context: Context::default().with("s3:VersionId", ["3HL4kqtJvjVBH40N"]), ..unnamed };
    read_it(&named);
    let head = relay.seen().into_iter().find(|seen| seen.operation == "HeadObject").unwrap();
    assert!(head.target.contains("versionId=3HL4kqtJvjVBH40N"), "{}", head.target);
}

#[test]
fn the_key_that_a_request_names_is_read_in_place_of_the_default_one() {
    let company = Company::get();
    let relay = company.relay();
    let key = company.name("in_home/key");
    let object = format!("{}/b.csv", company.name("in_home/plain"));
    let context = Context::default().with("s3:x-amz-server-side-encryption-aws-kms-key-id", [key]);
    let question = Question { context, ..company.question(company.name("in_home/app"), "s3:PutObject", &object) };
    let read = read(&question, &company.options(&relay)).unwrap();
    assert_eq!(text(&read.snapshot, "aws:resource-policy", key)["Statement"][0]["Sid"], "Root");
}

#[test]
fn an_alias_stands_for_its_key() {
    let company = Company::get();
    let relay = company.relay();
    let alias = format!("arn:aws:kms:eu-west-1:{}:alias/reports", company.name("home"));
    let read_it = |action: &str| read(&company.question(company.name("in_home/app"), action, &alias), &company.options(&relay)).unwrap();
    let decrypt = read_it("kms:Decrypt");
    assert_eq!(decrypt.question.resource.as_deref(), Some(company.name("in_home/key")));
    assert_eq!(decrypt.question.context.entries.get("kms:RequestAlias").cloned().flatten(), Some(vec!["alias/reports".to_owned()]));
    assert!(decrypt.notes.iter().any(|note| note.starts_with(&format!("`{alias}` is arn:aws:kms:"))), "{:?}", decrypt.notes);
    assert_eq!(read_it("kms:DeleteAlias").question.resource.as_deref(), Some(&*alias), "that one is about the alias itself");
}

#[test]
fn access_control_lists_know_the_account_of_the_credentials_by_its_canonical_id() {
    let company = Company::get();
    let relay = company.relay();
    let read =
        read(&company.question(company.name("ana"), "s3:ListBucket", company.name("in_home/plain")), &company.options(&relay)).unwrap();
    let ids: Vec<_> = read.snapshot.all_of("aws:canonical-user").map(|document| document.text.to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(ids[0].contains(company.name("home")), "{ids:?}");
}

/// A user with this permissions boundary (IAM API Reference, GetUser): moto has none for users.
fn bounded(company: &Company, relay: &Relay, boundary: &str) {
    let (ana, boundary) = (company.name("ana").to_owned(), boundary.to_owned());
    relay.treat(move |seen| match seen.operation.as_str() {
        "GetUser" => Treatment::Answer(
            200,
            "text/xml",
            format!(
                "<GetUserResponse><GetUserResult><User><Path>/</Path><UserName>ana</UserName><UserId>AIDAANA</UserId><Arn>{ana}</Arn>\
                 <CreateDate>2026-01-01T00:00:00Z</CreateDate><PermissionsBoundary><PermissionsBoundaryType>PermissionsBoundaryPolicy\
                 </PermissionsBoundaryType><PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary></User>\
                 </GetUserResult></GetUserResponse>"
            ),
        ),
        _ => served(seen),
    });
}

#[test]
fn the_permissions_boundary_of_a_user_is_read_and_bounds() {
    let company = Company::get();
    let relay = company.relay();
    let question = company.question(company.name("ana"), "s3:ListBucket", company.name("in_home/plain"));
    for (boundary, decision) in [("boundary", Decision::Allow), ("queues", Decision::Deny)] {
        let boundary = company.name(&format!("in_home/{boundary}"));
        bounded(company, &relay, boundary);
        let read = read(&question, &company.options(&relay)).unwrap();
        assert_eq!(*outcome(&read.snapshot, "aws:managed-policy", boundary), Outcome::Found);
        let verdict = Aws.simulate(&read.question, &read.snapshot).unwrap();
        assert_eq!(verdict.decision, decision, "{boundary}: {:?}", verdict.doubts);
        assert_eq!(verdict.decided_by == Some("boundary"), decision == Decision::Deny, "{:?}", verdict.decided_by);
    }
    // One that is not there is not taken to be none.
    bounded(company, &relay, &format!("arn:aws:iam::{}:policy/gone", company.name("home")));
    assert_eq!(decided(&read(&question, &company.options(&relay)).unwrap()), Decision::Undetermined);
}
