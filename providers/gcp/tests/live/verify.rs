//! The second opinion: each state that Policy Troubleshooter may be in, and what it does not look at.

use crate::company::{company, with};
use crate::server::{Answer, Server, refused};
use crate::{ANA, BOB, ask, decide, options, question, read};
use iam_why_contract::collect::{Collect, SecondOpinion};
use iam_why_contract::{Decision, Verdict};
use iam_why_gcp::collect::GcpReader;

async fn opinion(body: String, verdict: &Verdict) -> SecondOpinion {
    let server = Server::new(move |seen| if seen.path == "/v3/iam:troubleshoot" { Answer::json(&body) } else { company(seen) });
    GcpReader.verify(&question(BOB), verdict, &options(&server)).await.unwrap().unwrap()
}

fn state(overall: &str) -> String {
    format!(
        r#"{{"overallAccessState": "{overall}", "allowPolicyExplanation": {{"allowAccessState": "ALLOW_ACCESS_STATE_UNKNOWN_INFO"}},
            "denyPolicyExplanation": {{"denyAccessState": "DENY_ACCESS_STATE_NOT_DENIED"}}}}"#
    )
}

async fn denied() -> Verdict {
    decide(&read(&Server::new(company), BOB).await)
}

#[tokio::test]
async fn each_state_is_what_the_documentation_says_it_is() {
    let verdict = denied().await;
    for (state_of, decision, agrees) in [
        ("CANNOT_ACCESS", Decision::Deny, Some(true)),
        ("CAN_ACCESS", Decision::Allow, Some(false)),
        ("UNKNOWN_INFO", Decision::Undetermined, None),
        ("UNKNOWN_CONDITIONAL", Decision::Undetermined, None),
        ("OVERALL_ACCESS_STATE_UNSPECIFIED", Decision::Undetermined, None),
        ("SOMETHING_NEW", Decision::Undetermined, None),
    ] {
        let opinion = opinion(state(state_of), &verdict).await;
        assert_eq!((opinion.decision, opinion.agrees), (Some(decision), agrees), "{}", opinion.says);
        let says = format!("Policy Troubleshooter says {state_of}, ALLOW_ACCESS_STATE_UNKNOWN_INFO, DENY_ACCESS_STATE_NOT_DENIED");
        assert!(opinion.says.starts_with(&says), "{}", opinion.says);
    }
}

#[tokio::test]
async fn an_answer_that_rests_on_what_it_does_not_look_at_is_not_contradicted() {
    for layer in ["pab", "storage_acl", "vpc_service_controls", "org_policy", "billing"] {
        let verdict = Verdict { decided_by: Some(layer), findings: Vec::new(), ..denied().await };
        let opinion = opinion(state("CAN_ACCESS"), &verdict).await;
        assert_eq!((opinion.agrees, opinion.leaves_out), (None, vec![layer.to_owned()]));
        assert!(opinion.says.contains(&format!("it does not look at {layer}")), "{}", opinion.says);
    }
}

#[tokio::test]
async fn what_an_access_control_list_grants_is_none_of_its_business() {
    let server = Server::new(with(&[
        (
            "/storage/v1/b/reports",
            r#"{"name": "reports", "projectNumber": "300", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}}"#,
        ),
        ("/storage/v1/b/reports/acl", r#"{"kind": "storage#bucketAccessControls"}"#),
        (
            "/storage/v1/b/reports/o/2026%2Fq1.csv/acl",
            r#"{"kind": "storage#objectAccessControls", "items": [{"entity": "user-bob@example.com", "role": "READER"}]}"#,
        ),
    ]));
    let verdict = decide(&read(&server, BOB).await);
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    let opinion = opinion(state("CANNOT_ACCESS"), &verdict).await;
    assert_eq!((opinion.agrees, opinion.leaves_out), (None, vec!["storage_acl".to_owned()]), "{}", opinion.says);
}

#[tokio::test]
async fn policies_of_pub_sub_are_named_as_what_it_does_not_see() {
    let topic = "//pubsub.googleapis.com/projects/acme/topics/t";
    let server = Server::new(|seen| if seen.path == "/v3/iam:troubleshoot" { Answer::json(&state("CAN_ACCESS")) } else { company(seen) });
    let opinion = GcpReader.verify(&ask(BOB, "pubsub.topics.publish", topic), &denied().await, &options(&server)).await.unwrap().unwrap();
    assert_eq!((opinion.agrees, opinion.leaves_out), (None, vec!["allow policies of Pub/Sub resources".to_owned()]), "{}", opinion.says);
}

#[tokio::test]
async fn a_context_that_is_not_sent_along_leaves_the_two_incomparable() {
    let server = Server::new(|seen| if seen.path == "/v3/iam:troubleshoot" { Answer::json(&state("CAN_ACCESS")) } else { company(seen) });
    let mut asked = question(BOB);
    asked.context = asked.context.with("request.time", ["2026-01-01T00:00:00Z"]);
    let opinion = GcpReader.verify(&asked, &denied().await, &options(&server)).await.unwrap().unwrap();
    assert_eq!(opinion.agrees, None, "{}", opinion.says);
}

#[tokio::test]
async fn principals_that_it_does_not_know_are_not_asked_about() {
    let server = Server::new(company);
    for principal in ["anonymous", "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ana"] {
        assert_eq!(GcpReader.verify(&question(principal), &denied().await, &options(&server)).await.unwrap(), None);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn one_that_gives_no_opinion_is_told_and_is_no_agreement() {
    let verdict = denied().await;
    for answer in [refused as fn() -> Answer, || Answer::json("{}"), || Answer::json("["), || Answer::Cut] {
        let server = Server::new(move |seen| if seen.path == "/v3/iam:troubleshoot" { answer() } else { company(seen) });
        let opinion = GcpReader.verify(&question(ANA), &verdict, &options(&server)).await.unwrap().unwrap();
        assert_eq!((opinion.decision, opinion.agrees), (None, None));
        assert!(opinion.says.starts_with("Policy Troubleshooter could not be asked: "), "{}", opinion.says);
    }
}
