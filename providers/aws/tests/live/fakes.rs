//! What moto lacks, answered by a fake in the wire format that AWS documents: S3 Control, IAM's simulator, decoded messages, the
//! details of a refusal.

use super::company::{Company, documents, outcome, read, runtime, served, text};
use super::relay::{Relay, Seen, Treatment};
use iam_why_aws::Aws;
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, CollectError, Options, SecondOpinion, Testimony};
use iam_why_contract::refusal::{Reason, Refusal, Sealed};
use iam_why_contract::{Decision, Outcome, Provider, Question, Verdict};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

fn xml(body: String) -> Treatment {
    Treatment::Answer(200, "text/xml", body)
}

/// Treats one operation so, and everything else as usual.
fn only(operation: &'static str, answer: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) -> impl Fn(&Seen) -> Treatment + Send + Sync {
    move |seen| if seen.operation == operation { answer(seen) } else { served(seen) }
}

/// An access point that blocks public access and denies one prefix (API Reference: GetAccessPoint, GetAccessPointPolicy).
pub(crate) fn access_point(home: &str, bucket: &str) -> impl Fn(&Seen) -> Treatment + Send + Sync + use<> {
    let (home, bucket) = (home.to_owned(), bucket.rsplit(':').next().unwrap().to_owned());
    move |seen| {
        match seen.operation.as_str() {
        "GetAccessPoint" => xml(format!(
            "<GetAccessPointResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Name>reports-ap</Name><Bucket>{bucket}</Bucket>\
             <NetworkOrigin>Internet</NetworkOrigin><PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
             <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration><CreationDate>2026-01-01T00:00:00Z</CreationDate><BucketAccountId>{home}</BucketAccountId>\
             </GetAccessPointResult>"
        )),
        "GetAccessPointPolicy" => xml(format!(
            "<GetAccessPointPolicyResult xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Policy>{}</Policy></GetAccessPointPolicyResult>",
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"PointDeny","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:eu-west-1:{home}:accesspoint/reports-ap/object/2026/*"}}]}}"#
            )
            .replace('"', "&quot;")
        )),
        "GetAccountPublicAccessBlock" => xml(
            "<PublicAccessBlockConfiguration xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><BlockPublicAcls>true</BlockPublicAcls>\
             <IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration>"
                .into(),
        ),
        _ => served(seen),
    }
    }
}

#[test]
fn an_access_point_brings_its_policy_and_the_bucket_behind_it() {
    let company = Company::get();
    let relay = company.relay();
    let (home, bucket) = (company.name("home"), company.name("in_home/bucket"));
    relay.treat(access_point(home, bucket));
    let point = format!("arn:aws:s3:eu-west-1:{home}:accesspoint/reports-ap");
    let question = company.question(company.name("in_home/app"), "s3:GetObject", &format!("{point}/object/2026/a.csv"));
    let read = read(&question, &company.options(&relay)).unwrap();
    let snapshot = &read.snapshot;
    assert_eq!(text(snapshot, "aws:access-point", &point)["BucketAccountId"], home);
    assert_eq!(text(snapshot, "aws:resource-policy", &point)["Statement"][0]["Sid"], "PointDeny");
    assert_eq!(text(snapshot, "aws:public-access-block", &point)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"], true);
    assert_eq!(text(snapshot, "aws:public-access-block", home)["PublicAccessBlockConfiguration"]["IgnorePublicAcls"], false);
    assert_eq!(text(snapshot, "aws:resource-policy", bucket)["Statement"][0]["Sid"], "DenySecret", "{:#?}", documents(snapshot));
    let verdict = Aws.simulate(&read.question, snapshot).unwrap();
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("resource")));
    assert!(verdict.findings[0].says.contains("PointDeny"), "{}", verdict.findings[0].says);
}

#[test]
fn an_access_point_that_is_not_there_is_said_not_to_be_there() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "GetAccessPoint" => Treatment::Fail(404, "NoSuchAccessPoint"),
        "GetAccessPointPolicy" => Treatment::Fail(404, "NoSuchAccessPointPolicy"),
        _ => served(seen),
    });
    let point = format!("arn:aws:s3:eu-west-1:{}:accesspoint/gone", company.name("home"));
    let question = company.question(company.name("in_home/app"), "s3:GetObject", &format!("{point}/object/a"));
    let snapshot = read(&question, &company.options(&relay)).unwrap().snapshot;
    assert_eq!(*outcome(&snapshot, "aws:access-point", &point), Outcome::Absent);
    assert_eq!(*outcome(&snapshot, "aws:resource-policy", &point), Outcome::Absent);
}

pub(crate) fn refusal(reference: &str, value: &str) -> Refusal {
    Refusal {
        provider: "aws".into(),
        refused_by: "aws".into(),
        status: Some(403),
        principal: None,
        action: Some("ec2:RunInstances".into()),
        resource: None,
        reason: Reason::Unknown,
        policy_kind: None,
        policy: None,
        line: 1,
        says: String::new(),
        next: Vec::new(),
        derived: Vec::new(),
        context: BTreeMap::from([(reference.to_owned(), value.to_owned())]),
        sealed: if reference == "encoded_message" { Sealed::new(value) } else { Sealed::default() },
    }
}

pub(crate) fn testimony(refusal: &Refusal, options: &Options) -> Result<Option<Testimony>, CollectError> {
    runtime().block_on(AwsReader.testimony(refusal, options))
}

/// The example of the STS API Reference, with invented names.
const DECODED: &str = r#"{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[{"statementId":"NoBigMachines","effect":"DENY"}]},
 "failures":{"items":[]},"context":{"principal":{"id":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ana"},"action":"ec2:RunInstances",
 "resource":"arn:aws:ec2:eu-west-1:111122223333:instance/*","conditions":{"items":[
  {"key":"ec2:InstanceType","values":{"items":[{"value":"x1.32xlarge"}]}},{"key":"aws:Region","values":{"items":[{"value":"eu-west-1"}]}}]}}}"#;

#[test]
fn an_encoded_message_is_decoded_into_the_request_and_the_statement() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("DecodeAuthorizationMessage", |_| {
        let message = DECODED.replace('"', "&quot;");
        xml(format!(
            "<DecodeAuthorizationMessageResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><DecodeAuthorizationMessageResult>\
             <DecodedMessage>{message}</DecodedMessage></DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>"
        ))
    }));
    let told = testimony(&refusal("encoded_message", "ENCODED"), &company.options(&relay)).unwrap().unwrap();
    assert!(relay.seen().iter().any(|seen| seen.body.contains("EncodedMessage=ENCODED")));
    assert_eq!((told.decision, told.by.as_str()), (Some(Decision::Deny), "sts:DecodeAuthorizationMessage"));
    assert_eq!(told.question.principal, "arn:aws:iam::111122223333:user/ana");
    assert_eq!(told.question.resource.as_deref(), Some("arn:aws:ec2:eu-west-1:111122223333:instance/*"));
    assert_eq!(told.question.context.entries.keys().collect::<Vec<_>>(), ["ec2:InstanceType"], "what no policy can use is left out");
    assert_eq!(told.says, ["AWS matched statement NoBigMachines, effect DENY"]);
}

#[test]
fn a_message_that_may_not_be_decoded_names_the_permission() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("DecodeAuthorizationMessage", |_| Treatment::Refuse));
    let error = testimony(&refusal("encoded_message", "ENCODED"), &company.options(&relay)).unwrap_err();
    assert!(matches!(error, CollectError::NothingRead { ref said, .. } if said.contains("sts:DecodeAuthorizationMessage")), "{error}");
}

/// One page of GetRequestAuthorizationDetails (IAM Toolbox API Reference).
fn details(effect: &str, next: &str) -> Treatment {
    let body = format!(
        r#"{{"evaluations":[{{"action":"s3:GetObject","resource":"arn:aws:s3:::acme/a","context":{{"aws:SourceIp":"192.0.2.7","aws:TagKeys":["a","b"],"aws:SecureTransport":true}},
        "evaluatedEffect":"{effect}","matchedPolicies":[{{"uri":"arn:aws:organizations::111122223333:policy/o-a/service_control_policy/p-1","matchedStatements":[{{"sid":"DenyOutside","evaluatedEffect":"DENY"}}]}}]}}],
        "policies":[{{"type":"SERVICE_CONTROL_POLICY","uri":"arn:aws:organizations::111122223333:policy/o-a/service_control_policy/p-1"}}],
        "requestContext":{{"aws:PrincipalAccount":"111122223333"}}{next}}}"#
    );
    Treatment::Answer(200, "application/json", body)
}

#[test]
fn an_authorization_id_leads_to_the_evaluations_and_the_real_context() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(only("GetRequestAuthorizationDetails", |_| details("EXPLICIT_DENY", "")));
    let told = testimony(&refusal("authorization_id", "11112222"), &company.options(&relay)).unwrap().unwrap();
    assert_eq!(told.decision, Some(Decision::Deny));
    assert_eq!(told.question.action, "s3:GetObject");
    let known = |key: &str| told.question.context.entries.get(key).cloned().flatten();
    assert_eq!(known("aws:SourceIp"), Some(vec!["192.0.2.7".to_owned()]));
    assert_eq!(known("aws:TagKeys"), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(known("aws:PrincipalAccount"), Some(vec!["111122223333".to_owned()]));
    assert_eq!(told.says[0], "AWS decided explicit deny for s3:GetObject on arn:aws:s3:::acme/a");
    assert!(
        told.says[1].starts_with("service control policy ") && told.says[1].ends_with("statement DenyOutside (deny)"),
        "{}",
        told.says[1]
    );
}

#[test]
fn only_an_effect_that_is_known_decides() {
    let company = Company::get();
    let relay = company.relay();
    for (effect, decision) in [("ALLOW", Some(Decision::Allow)), ("IMPLICIT_DENY", Some(Decision::Deny)), ("SOMETHING_NEW", None)] {
        relay.treat(only("GetRequestAuthorizationDetails", move |_| details(effect, "")));
        let told = testimony(&refusal("authorization_id", "11112222"), &company.options(&relay)).unwrap().unwrap();
        assert_eq!(told.decision, decision, "{effect}");
    }
}

#[test]
fn an_explanation_whose_pages_never_end_is_not_followed_for_ever() {
    let company = Company::get();
    let relay = company.relay();
    let page = AtomicUsize::new(0);
    relay.treat(only("GetRequestAuthorizationDetails", move |_| {
        details("EXPLICIT_DENY", &format!(r#","nextToken":"t{}""#, page.fetch_add(1, Ordering::Relaxed)))
    }));
    let told = testimony(&refusal("authorization_id", "11112222"), &company.options(&relay)).unwrap().unwrap();
    assert_eq!(told.decision, Some(Decision::Deny));
    assert!(relay.operations().len() < 50, "{}", relay.operations().len());
}

#[test]
fn a_refusal_without_a_reference_is_nothing_to_ask_about() {
    let company = Company::get();
    let relay = company.relay();
    assert!(testimony(&refusal("request_id", "1"), &company.options(&relay)).unwrap().is_none());
    assert_eq!(relay.operations(), Vec::<String>::new());
}

/// SimulatePrincipalPolicy as the IAM API Reference shows it.
fn simulated(decision: &'static str, more: &'static str) -> impl Fn(&Seen) -> Treatment + Send + Sync {
    only("SimulatePrincipalPolicy", move |_| {
        xml(format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
             <IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>sqs:SendMessage</EvalActionName>\
             <EvalResourceName>*</EvalResourceName><EvalDecision>{decision}</EvalDecision>{more}</member></EvaluationResults>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        ))
    })
}

fn verified(company: &Company, relay: &Relay, question: &Question) -> (Verdict, SecondOpinion) {
    let options = company.options(relay);
    let read = read(question, &options).unwrap();
    let verdict = Aws.simulate(&read.question, &read.snapshot).unwrap();
    let opinion = runtime().block_on(AwsReader.verify(&read.question, &verdict, &options)).unwrap().unwrap();
    (verdict, opinion)
}

#[test]
fn the_simulator_agrees_or_contradicts() {
    let company = Company::get();
    let relay = company.relay();
    let question = company.question(company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"));
    relay.treat(simulated("allowed", ""));
    let (verdict, opinion) = verified(company, &relay, &question);
    assert_eq!((verdict.decision, opinion.agrees), (Decision::Allow, Some(true)), "{}", opinion.says);
    relay.treat(simulated("explicitDeny", ""));
    let (_, opinion) = verified(company, &relay, &question);
    assert_eq!((opinion.decision, opinion.agrees), (Some(Decision::Deny), Some(false)), "{}", opinion.says);
    assert!(opinion.says.contains("contradicts"), "{}", opinion.says);
}

#[test]
fn the_simulator_says_nothing_about_layers_that_it_leaves_out() {
    let company = Company::get();
    let relay = company.relay();
    let secret = format!("{}/2026/secret/a.csv", company.name("in_home/bucket"));
    let question = company.question(company.name("in_home/app"), "s3:GetObject", &secret);
    relay.treat(simulated("allowed", ""));
    let (verdict, opinion) = verified(company, &relay, &question);
    assert_eq!((verdict.decision, verdict.decided_by), (Decision::Deny, Some("resource")));
    assert_eq!((opinion.agrees, opinion.leaves_out), (None, vec!["resource".to_owned()]), "{}", opinion.says);
}

#[test]
fn a_simulator_that_may_not_be_asked_names_the_permission() {
    let company = Company::get();
    let relay = company.relay();
    let question = company.question(company.name("in_home/app"), "sqs:SendMessage", company.name("in_home/queue"));
    relay.treat(only("SimulatePrincipalPolicy", |_| Treatment::Refuse));
    let (_, opinion) = verified(company, &relay, &question);
    assert_eq!((opinion.decision, opinion.agrees), (None, None));
    assert!(opinion.says.contains("iam:SimulatePrincipalPolicy"), "{}", opinion.says);
}
