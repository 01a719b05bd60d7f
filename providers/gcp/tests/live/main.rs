//! The live reader against a server on loopback that answers in the documented REST shapes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these tests run a server and write files for the reader; what fails here is a test"
)]

mod cache;
mod company;
mod credentials;
mod doctor;
mod faults;
mod groups;
#[path = "../../../contract/tests/kit/journal.rs"]
mod journal;
mod offers;
mod policies;
mod question;
mod server;
mod verify;
mod whole;

use iam_why_contract::collect::{Collect, Collected, Options, Quiet};
use iam_why_contract::{Outcome, Provider, Question, Snapshot, Verdict};
use iam_why_gcp::Gcp;
use iam_why_gcp::collect::GcpReader;
use server::{Answer, Server};
use std::time::Duration;

const ANA: &str = "user:ana@example.com";
const BOB: &str = "user:bob@example.com";
const APP: &str = "serviceAccount:app@acme.iam.gserviceaccount.com";

fn ask(principal: &str, action: &str, resource: &str) -> Question {
    Question {
        provider: "gcp".into(),
        principal: principal.into(),
        action: action.into(),
        resource: Some(resource.into()),
        ..Question::default()
    }
}

fn question(principal: &str) -> Question {
    ask(principal, "storage.objects.get", "gs://reports/2026/q1.csv")
}

fn options(server: &Server) -> Options {
    Options { timeout: Duration::from_secs(20), ..Options::default() }.with("endpoint-url", server.url())
}

async fn collect(server: &Server, question: &Question) -> Collected {
    GcpReader.question(question, &options(server), &Quiet).await.unwrap()
}

async fn read(server: &Server, principal: &str) -> Collected {
    collect(server, &question(principal)).await
}

fn decide(collected: &Collected) -> Verdict {
    Gcp.simulate(&collected.question, &collected.snapshot).unwrap()
}

/// What was refused: what it takes, and what was said.
fn refusals(snapshot: &Snapshot) -> Vec<(String, String)> {
    let searches = snapshot.searches().iter();
    let texts = searches.filter_map(|search| match &search.outcome {
        Outcome::Refused { needs, said } => Some((needs.clone(), said.clone())),
        _ => None,
    });
    texts.collect()
}

/// A snapshot as it is saved.
fn saved(snapshot: &Snapshot) -> String {
    let mut text = Vec::new();
    snapshot.write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn the_token_says_whose_it_is() {
    let server = Server::new(company::company);
    let holder = GcpReader.holder(&options(&server)).await.unwrap().unwrap();
    assert_eq!(holder.who, "user:ana@example.com");
    assert_eq!((holder.is("ana@example.com"), holder.is("serviceAccount:app@acme.iam.gserviceaccount.com")), (Some(true), Some(false)));
    let nameless = Server::new(|seen| if seen.path == "/tokeninfo" { Answer::json(r#"{"scope": "x"}"#) } else { company::company(seen) });
    assert!(GcpReader.holder(&options(&nameless)).await.unwrap().is_none());
}
