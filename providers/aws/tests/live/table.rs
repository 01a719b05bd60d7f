//! Every call of the collector's table is tried: that it is sent somewhere, and what becomes of an answer when it is refused.

use super::company::{Company, read, runtime, served};
use super::fakes::{access_point, refusal, testimony};
use super::relay::{Relay, Seen, Treatment};
use super::whole::account;
use iam_why_aws::Aws;
use iam_why_aws::collect::{AwsReader, step};
use iam_why_contract::collect::{Check, Collect, Options, Quiet};
use iam_why_contract::{Context, Decision, Outcome, Provider, Question};
use std::collections::{BTreeMap, BTreeSet};

/// The name of a call as it is seen on the wire.
fn operation(call: &str) -> &str {
    match call {
        // Two services have one of this name.
        "s3control:GetPublicAccessBlock" => "GetAccountPublicAccessBlock",
        _ => call.rsplit(':').next().unwrap(),
    }
}

fn table() -> BTreeSet<&'static str> {
    step::all().map(|step| operation(step.call)).collect()
}

/// moto, with an access point and a function.
fn equipped(company: &Company) -> impl Fn(&Seen) -> Treatment + Send + Sync + Clone + use<> {
    let point = std::sync::Arc::new(access_point(company.name("home"), company.name("in_home/bucket")));
    let account = company.name("home").to_owned();
    move |seen| match seen.operation.as_str() {
        "ListAccessPoints" => Treatment::Answer(
            200,
            "text/xml",
            format!(
                "<ListAccessPointsResult><AccessPointList><AccessPoint><AccessPointArn>arn:aws:s3:eu-west-1:{account}:accesspoint/reports-ap</AccessPointArn></AccessPoint></AccessPointList></ListAccessPointsResult>"
            ),
        ),
        "ListFunctions" => json(format!(r#"{{"Functions": [{{"FunctionArn": "arn:aws:lambda:eu-west-1:{account}:function:f"}}]}}"#)),
        "GetPolicy" if seen.target.contains("/functions/") => {
            let policy = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"All","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:user/ana"}},"Action":["lambda:InvokeFunctionUrl","lambda:InvokeFunction"],"Resource":"arn:aws:lambda:eu-west-1:{account}:function:f"}}]}}"#
            );
            json(serde_json::json!({"Policy": policy}).to_string())
        }
        "GetFunctionUrlConfig" => json(r#"{"AuthType": "AWS_IAM"}"#.into()),
        _ => point(seen),
    }
}

fn json(body: String) -> Treatment {
    Treatment::Answer(200, "application/json", body)
}

/// A question of each kind that leads to other calls.
fn questions(company: &Company) -> Vec<Question> {
    let (app, ana, home) = (company.name("in_home/app"), company.name("ana"), company.name("home"));
    let object = |bucket: &str, key: &str| format!("{}/{key}", company.name(&format!("in_home/{bucket}")));
    let through = Context::default().with("aws:SourceVpce", [company.name("endpoint")]);
    let abroad = Context::default().with("aws:RequestedRegion", ["us-east-1"]);
    let asked = |principal: &str, action: &str, resource: &str| company.question(principal, action, resource);
    vec![
        asked(app, "s3:GetObject", &object("bucket", "2026/a.csv")),
        asked(app, "s3:GetObject", &object("bucket", "2026/secret/a.csv")),
        asked(app, "s3:GetObject", &format!("arn:aws:s3:eu-west-1:{home}:accesspoint/reports-ap/object/2026/a.csv")),
        asked(ana, "s3:GetObject", &object("plain", "a.csv")),
        Question { context: through, ..asked(ana, "s3:ListBucket", company.name("in_home/plain")) },
        asked(ana, "s3:ListBucket", company.name("in_home/plain")),
        asked(app, "sqs:SendMessage", company.name("in_home/queue")),
        asked(app, "sns:Publish", company.name("in_home/topic")),
        asked(ana, "lambda:InvokeFunctionUrl", &format!("arn:aws:lambda:eu-west-1:{home}:function:f")),
        asked(app, "secretsmanager:GetSecretValue", company.name("in_home/secret")),
        asked(app, "dynamodb:GetItem", company.name("in_home/table")),
        asked(app, "ecr:BatchGetImage", company.name("in_home/repository")),
        asked(ana, "kms:Decrypt", company.name("in_home/key")),
        asked(company.name("ana_key"), "s3:ListBucket", company.name("in_home/plain")),
        asked(ana, "sts:AssumeRole", app),
        Question { context: abroad, ..asked(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue")) },
    ]
}

fn decided(question: &Question, options: &Options) -> Option<Decision> {
    let read = read(question, options).ok()?;
    Some(Aws.simulate(&read.question, &read.snapshot).unwrap().decision)
}

fn only(operation: &str, rule: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) -> impl Fn(&Seen) -> Treatment + Send + Sync + 'static {
    let operation = operation.to_owned();
    move |seen| if seen.operation == operation { Treatment::Refuse } else { rule(seen) }
}

fn options(company: &Company, relay: &Relay) -> Options {
    company.options(relay).with("reader-role", "iam-why-reader")
}

/// What each question is decided to be, and which calls it takes.
fn undisturbed(company: &Company, relay: &Relay) -> Vec<(Question, Decision, BTreeSet<String>)> {
    let each = questions(company).into_iter().map(|question| {
        relay.treat(equipped(company));
        let decision = decided(&question, &options(company, relay)).unwrap();
        (question, decision, relay.operations().into_iter().collect())
    });
    each.collect()
}

#[test]
fn whichever_call_of_the_table_is_refused_a_question_is_decided_the_same_or_left_open() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let undisturbed = undisturbed(company, &relay);
    let decisions: BTreeMap<String, usize> = undisturbed.iter().fold(BTreeMap::new(), |mut counts, (_, decision, _)| {
        *counts.entry(format!("{decision:?}")).or_default() += 1;
        counts
    });
    assert!(decisions["Allow"] > 2 && decisions["Deny"] > 4, "{decisions:?}");
    let (mut wrong, mut same, mut open) = (Vec::new(), 0, 0);
    for operation in table() {
        relay.treat(only(operation, equipped(company)));
        for (question, right, operations) in undisturbed.iter().filter(|(.., operations)| operations.contains(operation)) {
            assert!(!operations.is_empty());
            match decided(question, &options(company, &relay)) {
                None | Some(Decision::Undetermined) => open += 1,
                Some(got) if got == *right => same += 1,
                Some(got) => {
                    wrong.push(format!("{} on {:?}: {operation} refused makes {right:?} {got:?}", question.action, question.resource))
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{same} decisions stayed, {open} became undetermined");
    assert!(same > 50 && open > 50, "both happen: {same} stayed, {open} became undetermined");
}

#[test]
fn every_call_of_the_table_is_sent_by_something_and_nothing_else_is() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let mut sent: BTreeSet<String> = undisturbed(company, &relay).into_iter().flat_map(|(.., operations)| operations).collect();
    relay.treat(equipped(company));
    let options = options(company, &relay);
    account(&options);
    runtime().block_on(AwsReader.doctor(&options, &Quiet)).unwrap();
    let of_key = company.question(company.name("ana_key"), "s3:ListBucket", "");
    read(&of_key, &options).unwrap();
    // What moto does not know is sent all the same.
    for reference in ["encoded_message", "authorization_id"] {
        let _ = testimony(&refusal(reference, "x"), &options);
    }
    sent.extend(relay.operations());
    let table: BTreeSet<String> = table().into_iter().map(str::to_owned).collect();
    assert_eq!(sent, table);
    relay.assert_only_reads();
}

fn checks(relay: &Relay, options: &Options) -> Vec<Check> {
    assert!(relay.url().starts_with("http"));
    runtime().block_on(AwsReader.doctor(options, &Quiet)).unwrap().checks
}

#[test]
fn the_doctor_names_the_permission_of_whichever_call_is_refused() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    relay.treat(equipped(company));
    let options = options(company, &relay);
    let healthy = checks(&relay, &options);
    let readable = |check: &&Check| matches!(check.outcome, Outcome::Found | Outcome::Absent);
    let calls: BTreeSet<String> = healthy.iter().filter(readable).map(|check| check.about.clone()).collect();
    assert!(calls.len() > 50, "{calls:?}");
    for call in calls {
        relay.treat(only(operation(&call), equipped(company)));
        let needs: BTreeSet<&str> = step::all().filter(|step| step.call == call).flat_map(|step| step.needs.iter().copied()).collect();
        let refused = checks(&relay, &options).into_iter().filter(|check| check.about == call);
        for check in refused {
            let Outcome::Refused { needs: said, .. } = &check.outcome else { panic!("{call} was refused: {:?}", check.outcome) };
            assert!(needs.iter().any(|permission| said.contains(permission)), "{call}: {said}");
        }
    }
    relay.treat(served);
}
