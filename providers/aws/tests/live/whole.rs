//! A whole account, read once, and what can be answered from it.

use super::company::{Company, documents, outcome, runtime, served};
use super::relay::Treatment;
use iam_why_aws::Aws;
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, CollectError, Options, Point, Quiet, Sink};
use iam_why_contract::{Decision, Document, Outcome, Provider, Question, Search, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Error;
use std::sync::Mutex;

/// An account in memory.
#[derive(Default)]
struct Memory {
    documents: Mutex<BTreeMap<String, Document>>,
    searches: Mutex<BTreeMap<(String, String), Search>>,
    reached: Mutex<BTreeMap<String, Point>>,
}

impl Sink for Memory {
    fn document(&self, document: Document) -> Result<(), Error> {
        self.documents.lock().unwrap().insert(document.id.to_string(), document);
        Ok(())
    }

    fn search(&self, search: Search) -> Result<(), Error> {
        self.searches.lock().unwrap().insert((search.kind.to_string(), search.subject.to_string()), search);
        Ok(())
    }

    fn reached(&self, step: &str, point: Point) -> Result<(), Error> {
        self.reached.lock().unwrap().insert(step.to_owned(), point);
        Ok(())
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.reached.lock().unwrap().get(step).cloned()
    }
}

impl Memory {
    fn read(&self, options: &Options) -> Result<String, CollectError> {
        runtime().block_on(AwsReader.whole(None, options, self, &Quiet))
    }

    fn snapshot(&self) -> Snapshot {
        let documents: Vec<Document> = self.documents.lock().unwrap().values().cloned().collect();
        let searches: Vec<Search> = self.searches.lock().unwrap().values().cloned().collect();
        Snapshot::new(documents, searches)
    }
}

/// The account of these credentials.
pub(crate) fn account(options: &Options) -> Snapshot {
    let memory = Memory::default();
    memory.read(options).unwrap();
    memory.snapshot()
}

#[test]
fn a_whole_account_brings_everything_that_a_question_could_need() {
    let company = Company::get();
    let relay = company.relay();
    let snapshot = account(&company.options(&relay));
    for (kind, subject) in [
        ("aws:role", company.name("in_home/app")),
        ("aws:user", company.name("ana")),
        ("aws:resource-policy", company.name("in_home/bucket")),
        ("aws:resource-policy", company.name("in_home/queue")),
        ("aws:resource-policy", company.name("in_home/topic")),
        ("aws:resource-policy", company.name("in_home/secret")),
        ("aws:resource-policy", company.name("in_home/repository")),
        ("aws:resource-policy", company.name("in_home/key")),
        ("aws:managed-policy", company.name("in_home/queues")),
        ("aws:managed-policy", company.name("in_home/boundary")),
        ("aws:vpc-endpoint", company.name("endpoint")),
        ("aws:scp", company.name("scp")),
        ("aws:parents", company.name("member")),
    ] {
        assert_eq!(snapshot.of(kind, subject).count(), 1, "{kind} of {subject}: {:#?}", documents(&snapshot));
    }
    for (question, decision) in at_home(company) {
        let verdict = Aws.simulate(&question, &snapshot).unwrap();
        assert_eq!(verdict.decision, decision, "{question:?}: {:?}", verdict.doubts);
    }
}

/// The questions about the account itself. There is a VPC endpoint with a policy in it: whether a request goes through it is for the
/// question to say.
fn at_home(company: &Company) -> Vec<(Question, Decision)> {
    let mut questions = super::company::questions(company);
    questions.retain(|(question, _)| !question.principal.contains(company.name("member")));
    for (question, _) in &mut questions {
        question.context.entries.insert("aws:SourceVpce".into(), None);
    }
    questions
}

#[test]
fn whatever_one_call_of_a_collection_answers_the_decision_is_the_same_or_undetermined() {
    let company = Company::get();
    let relay = company.relay();
    relay.remember();
    let options = company.options(&relay);
    account(&options);
    let operations: BTreeSet<String> = relay.operations().into_iter().filter(|operation| operation != "GetCallerIdentity").collect();
    let other_xml = Treatment::Answer(200, "text/xml", "<Other><Thing>1</Thing></Other>".into());
    let other_json = Treatment::Answer(200, "application/json", r#"{"Other": [1]}"#.into());
    let (mut wrong, mut same, mut open) = (Vec::new(), 0, 0);
    for operation in operations {
        for treatment in [&Treatment::Refuse, &other_xml, &other_json] {
            let (only, disturbed) = (operation.clone(), treatment.clone());
            relay.treat(move |seen| if seen.operation == only { disturbed.clone() } else { served(seen) });
            let snapshot = account(&options);
            for (question, right) in at_home(company) {
                match Aws.simulate(&question, &snapshot).unwrap().decision {
                    got if got == right => same += 1,
                    Decision::Undetermined => open += 1,
                    got => wrong.push(format!("{}: {operation} with {treatment:?} makes {right:?} {got:?}", question.action)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{same} decisions stayed, {open} became undetermined");
    assert!(same > 100 && open > 20, "both happen: {same} stayed, {open} became undetermined");
}

/// A page of GetAccountAuthorizationDetails whose role has an inline policy without a name.
const NAMELESS: &str = "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountAuthorizationDetailsResult>\
    <IsTruncated>false</IsTruncated><RoleDetailList><member><Path>/</Path><RoleName>odd</RoleName><RoleId>AROAODD</RoleId>\
    <Arn>arn:aws:iam::123456789012:role/odd</Arn><RolePolicyList><member><PolicyDocument>{}</PolicyDocument></member></RolePolicyList></member>\
    <member><Path>/</Path><RoleName>even</RoleName><RoleId>AROAEVEN</RoleId><Arn>arn:aws:iam::123456789012:role/even</Arn></member></RoleDetailList>\
    </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>";

#[test]
fn a_malformed_entity_is_a_gap_with_its_text_and_the_rest_is_read() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "GetAccountAuthorizationDetails" => Treatment::Answer(200, "text/xml", NAMELESS.into()),
        _ => served(seen),
    });
    let snapshot = account(&company.options(&relay));
    let Outcome::Refused { said, .. } = outcome(&snapshot, "aws:role", "arn:aws:iam::123456789012:role/odd") else { panic!("a gap") };
    assert_eq!(said, "an inline policy without `PolicyName`");
    assert_eq!(snapshot.of("aws:role", "arn:aws:iam::123456789012:role/odd").count(), 0);
    assert_eq!(snapshot.of("aws:role", "arn:aws:iam::123456789012:role/even").count(), 1);
    assert_eq!(snapshot.of("aws:resource-policy", company.name("in_home/queue")).count(), 1);
}

#[test]
fn what_was_read_to_its_end_is_not_asked_for_again() {
    let company = Company::get();
    let relay = company.relay();
    let memory = Memory::default();
    memory.read(&company.options(&relay)).unwrap();
    let first = relay.operations().len();
    relay.treat(served);
    memory.read(&company.options(&relay)).unwrap();
    // Who one is, and what is not worth a step of its own.
    let again = relay.operations();
    assert!(first > 40 && again.len() <= 3, "{first}, then {again:?}");
}

#[test]
fn an_account_that_may_not_be_read_is_all_gaps_and_no_absences() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "GetCallerIdentity" => Treatment::Pass,
        _ => Treatment::Refuse,
    });
    let snapshot = account(&company.options(&relay));
    assert_eq!(snapshot.documents(), []);
    let certain: Vec<_> = snapshot.searches().iter().filter(|search| !matches!(search.outcome, Outcome::Refused { .. })).collect();
    assert!(certain.is_empty(), "{certain:#?}");
}

#[test]
fn lists_that_never_end_are_not_followed_for_ever() {
    let company = Company::get();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let relay = company.relay();
    relay.treat(move |seen| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match seen.operation.as_str() {
            "ListAccessPoints" => Treatment::Answer(
                200,
                "text/xml",
                format!("<ListAccessPointsResult><AccessPointList/><NextToken>t{number}</NextToken></ListAccessPointsResult>"),
            ),
            _ => served(seen),
        }
    });
    let snapshot = account(&company.options(&relay));
    let every = format!("arn:aws:s3:eu-west-1:{}:accesspoint/*", company.name("home"));
    let Outcome::Refused { needs, .. } = outcome(&snapshot, "aws:access-point", &every) else { panic!("a gap") };
    assert_eq!(needs, "an answer to s3control:ListAccessPoints that ends");
}
