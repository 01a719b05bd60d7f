//! A whole account, read once, and what can be answered from it.

use super::company::{Company, documents, outcome, runtime, served};
use super::journal::Kept;
use super::relay::{Seen, Treatment};
use iam_why_aws::Aws;
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet};
use iam_why_contract::{Decision, Outcome, Provider, Question, Snapshot};
use std::collections::BTreeSet;
use std::time::Duration;

fn read(options: &Options, memory: &Kept) -> Result<String, CollectError> {
    runtime().block_on(AwsReader.whole(None, options, memory, &Quiet))
}

/// The account of these credentials.
pub(crate) fn account(options: &Options) -> Snapshot {
    let memory = Kept::default();
    read(options, &memory).unwrap();
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
pub(crate) fn at_home(company: &Company) -> Vec<(Question, Decision)> {
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
    let memory = Kept::default();
    read(&company.options(&relay), &memory).unwrap();
    let first = relay.operations().len();
    relay.treat(served);
    read(&company.options(&relay), &memory).unwrap();
    // Who one is, and what is not worth a step of its own.
    let again = relay.operations();
    assert!(first > 40 && again.len() <= 3, "{first}, then {again:?}");
}

#[test]
fn however_one_call_of_a_collection_fails_it_comes_to_an_end_and_no_decision_turns() {
    let company = Company::get();
    let relay = company.relay();
    account(&company.options(&relay));
    let operations: BTreeSet<String> = relay.operations().into_iter().filter(|operation| operation != "GetCallerIdentity").collect();
    let failures = [Treatment::Silence, Treatment::Dribble, Treatment::Hangup, Treatment::Fail(400, "Throttling")];
    let tried: Vec<_> = operations.iter().flat_map(|operation| failures.iter().map(move |failure| (operation, failure))).collect();
    let (mut wrong, mut gaps) = (Vec::new(), 0);
    // Patience and retries take their time: many at once.
    for some in tried.chunks(40) {
        let snapshots: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|(operation, failure)| {
                    scope.spawn(move || {
                        let relay = company.relay();
                        let (operation, failure) = ((*operation).clone(), (*failure).clone());
                        let told = format!("{operation} {failure:?}");
                        relay.treat(move |seen| if seen.operation == operation { failure.clone() } else { served(seen) });
                        (told, account(&Options { timeout: Duration::from_secs(3), ..company.options(&relay) }))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (told, snapshot) in snapshots {
            gaps += usize::from(snapshot.searches().iter().any(|search| matches!(search.outcome, Outcome::Refused { .. })));
            for (question, right) in at_home(company) {
                let got = Aws.simulate(&question, &snapshot).unwrap().decision;
                if got != right && got != Decision::Undetermined {
                    wrong.push(format!("{told}: {} {right:?} {got:?}", question.action));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried.len() > 100 && gaps > 100, "{} failures, {gaps} of them leave gaps", tried.len());
}

/// Which of the buckets could be read.
fn read_policies(memory: &Kept) -> BTreeSet<String> {
    let searches = memory.searches.lock().unwrap();
    let read = searches.values().filter(|search| matches!(search.outcome, Outcome::Found | Outcome::Absent));
    read.filter(|search| &*search.kind == "aws:resource-policy").map(|search| search.subject.to_string()).collect()
}

#[test]
fn what_was_refused_is_asked_again_by_who_comes_back_with_more_rights_and_nothing_else() {
    let company = Company::get();
    let relay = company.relay();
    let (memory, undisturbed) = (Kept::default(), Kept::default());
    let reports = company.name("in_home/bucket").rsplit(':').next().unwrap().to_owned();
    let refused = reports.clone();
    relay.treat(move |seen| match seen.operation.as_str() {
        "GetBucketPolicy" if seen.target.contains(&refused) => Treatment::Refuse,
        "ListQueues" | "GetAccountAuthorizationDetails" | "DescribePolicy" => Treatment::Refuse,
        _ => usable(seen),
    });
    read(&company.options(&relay), &memory).unwrap();
    assert!(!read_policies(&memory).contains(company.name("in_home/bucket")));
    relay.treat(usable);
    read(&company.options(&relay), &memory).unwrap();
    let again = relay.seen();
    read(&company.options(&relay), &undisturbed).unwrap();
    assert_eq!(memory.snapshot().searches(), undisturbed.snapshot().searches());
    assert_eq!(documents(&memory.snapshot()), documents(&undisturbed.snapshot()));
    let operations: BTreeSet<&str> = again.iter().map(|seen| seen.operation.as_str()).collect();
    for again in ["ListQueues", "GetAccountAuthorizationDetails", "DescribePolicy", "GetBucketPolicy"] {
        assert!(operations.contains(again), "{again}: {operations:?}");
    }
    for done in ["ListTopics", "ListKeys", "ListAccessPoints", "DescribeVpcEndpoints"] {
        assert!(!operations.contains(done), "{done} was read before: {operations:?}");
    }
    let policies = again.iter().filter(|seen| seen.operation == "GetBucketPolicy");
    assert!(policies.clone().count() == 1 && policies.clone().all(|seen| seen.target.contains(&reports)), "one bucket was refused");
}

/// What moto cannot do for a whole account is answered, so that nothing is refused.
fn usable(seen: &Seen) -> Treatment {
    match seen.operation.as_str() {
        "ListAccessPoints" => {
            Treatment::Answer(200, "text/xml", "<ListAccessPointsResult><AccessPointList/></ListAccessPointsResult>".into())
        }
        _ => served(seen),
    }
}

#[test]
fn a_collection_is_not_finished_with_the_credentials_of_another_account() {
    let company = Company::get();
    let relay = company.relay();
    let memory = Kept::default();
    read(&company.options(&relay), &memory).unwrap();
    let error = read(&company.options(&relay).with("profile", "member"), &memory).unwrap_err();
    let (home, member) = (company.name("home"), company.name("member"));
    assert!(matches!(error, CollectError::Question(ref said) if said.contains(home) && said.contains(member)), "{error}");
}

/// A page that says that there are more, and not where.
const CUT_SHORT: &str = "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><IsTruncated>true</IsTruncated>\
    </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>";

#[test]
fn a_page_that_does_not_lead_to_the_next_one_leaves_the_list_open() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(|seen| match seen.operation.as_str() {
        "GetAccountAuthorizationDetails" => Treatment::Answer(200, "text/xml", CUT_SHORT.into()),
        _ => served(seen),
    });
    let snapshot = account(&company.options(&relay));
    let every = format!("arn:aws:iam::{}:role/*", company.name("home"));
    assert!(matches!(outcome(&snapshot, "aws:role", &every), Outcome::Refused { said, .. } if said.contains("`Marker`")));
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
