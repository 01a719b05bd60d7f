//! A whole subscription, and what the credentials can read.

use crate::server::{APP_OBJECT, GROUP, SUBSCRIPTION, Server, Treatment, question, reader, runtime};
use iam_why_azure::Azure;
use iam_why_contract::collect::{Collect, Point, Quiet, Sink};
use iam_why_contract::{Decision, Document, Provider, Search, Snapshot};
use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Default)]
struct Kept {
    documents: Mutex<Vec<Document>>,
    searches: Mutex<Vec<Search>>,
    reached: Mutex<BTreeMap<String, Point>>,
}

impl Sink for Kept {
    fn document(&self, document: Document) -> std::io::Result<()> {
        self.documents.lock().unwrap().push(document);
        Ok(())
    }

    fn search(&self, search: Search) -> std::io::Result<()> {
        self.searches.lock().unwrap().push(search);
        Ok(())
    }

    fn reached(&self, step: &str, point: Point) -> std::io::Result<()> {
        self.reached.lock().unwrap().insert(step.into(), point);
        Ok(())
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.reached.lock().unwrap().get(step).cloned()
    }
}

#[test]
fn a_subscription_read_whole_answers_and_what_was_read_is_not_read_again() {
    let server = Server::new(|seen| {
        if seen.path.ends_with("/providers/Microsoft.Authorization/roleDefinitions") {
            let role = r#"{"value": [{"id": "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555555",
                "properties": {"roleName": "Machine reader", "permissions": [{"actions": ["*/read"], "notActions": []}]}}]}"#;
            return Treatment::Answer(200, role.into());
        }
        Treatment::Pass
    });
    let kept = Kept::default();
    let whole = || runtime().block_on(reader().whole(Some(SUBSCRIPTION), &server.options(), &kept, &Quiet)).unwrap();
    assert_eq!(whole(), format!("/subscriptions/{SUBSCRIPTION}"));
    let snapshot = Snapshot::new(kept.documents.lock().unwrap().clone(), kept.searches.lock().unwrap().clone());
    assert!(snapshot.of("azure:group-members", GROUP).next().is_some());
    let verdict = Azure.simulate(&question(APP_OBJECT), &snapshot).unwrap();
    assert!(matches!(verdict.decision, Decision::Allow | Decision::Undetermined), "{verdict:#?}");
    let before = server.seen().len();
    whole();
    assert_eq!(server.seen().len(), before + 1, "only the credentials are tried again");
}
