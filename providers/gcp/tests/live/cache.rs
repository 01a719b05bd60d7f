//! Deny policies that an earlier run read: taken while they are what the list says they are, and never else.

use crate::company::company;
use crate::server::{Answer, Seen, Server};
use crate::whole::{Kept, Listening};
use crate::{ANA, decide, options, question, saved};
use iam_why_contract::collect::{Cache, Collect, Collected, Options, Quiet};
use iam_why_contract::{Decision, Snapshot};
use iam_why_gcp::collect::GcpReader;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<String, String>>);

impl Cache for Memory {
    fn get(&self, key: &str) -> Option<String> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, text: &str) {
        self.0.lock().unwrap().insert(key.into(), text.into());
    }
}

const NAME: &str = "policies/cloudresourcemanager.googleapis.com%2Ffolders%2F8/denypolicies/guard";
const FIRST: &str = r#""uid": "u-1", "kind": "DenyPolicy", "createTime": "2026-01-01T00:00:00.1Z", "updateTime": "2026-01-01T00:00:00.1Z""#;

/// A deny policy on the folder: what a list says of it, and whom it denies to read objects.
#[derive(Clone)]
struct Guard {
    metadata: Arc<Mutex<(String, &'static str)>>,
}

impl Guard {
    fn new() -> Self {
        let guard = Self { metadata: Arc::default() };
        guard.is(FIRST, "eve");
        guard
    }

    fn is(&self, metadata: &str, denies: &'static str) {
        *self.metadata.lock().unwrap() = (metadata.into(), denies);
    }

    fn answer(&self, seen: &Seen) -> Answer {
        let (metadata, denies) = self.metadata.lock().unwrap().clone();
        let listed = format!(r#""name": "{NAME}", {metadata}"#);
        match seen.path.as_str() {
            path if path.ends_with("folders%2F8/denypolicies") => Answer::json(&format!(r#"{{"policies": [{{{listed}}}]}}"#)),
            path if path.ends_with("/denypolicies/guard") => Answer::json(&format!(
                r#"{{{listed}, "rules": [{{"denyRule": {{"deniedPrincipals": ["principal://goog/subject/{denies}@example.com"],
                    "deniedPermissions": ["storage.googleapis.com/objects.get"]}}}}]}}"#
            )),
            _ => company(seen),
        }
    }

    fn server(&self) -> Server {
        let guard = self.clone();
        Server::new(move |seen| guard.answer(seen))
    }
}

fn keeping(server: &Server, cache: &Arc<Memory>) -> Options {
    Options { cache: Some(Arc::clone(cache) as Arc<dyn Cache>), ..options(server) }
}

async fn read(server: &Server, cache: &Arc<Memory>) -> Collected {
    GcpReader.question(&question(ANA), &keeping(server, cache), &Quiet).await.unwrap()
}

/// How often the policy itself was asked for.
fn gets(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path.ends_with("/denypolicies/guard")).count()
}

fn without_time(snapshot: &Snapshot) -> String {
    saved(snapshot).replace(snapshot.taken_at.as_deref().unwrap(), "")
}

#[tokio::test]
async fn a_policy_that_is_unchanged_is_not_asked_for_again_and_that_is_said() {
    let (guard, cache) = (Guard::new(), Arc::default());
    let server = guard.server();
    let first = read(&server, &cache).await;
    let second = read(&server, &cache).await;
    assert_eq!(gets(&server), 1);
    assert_eq!(first.notes, [""; 0]);
    let [note] = &second.notes[..] else { panic!("{:?}", second.notes) };
    assert!(note.starts_with("1 deny policy is unchanged since it was read at 20") && note.contains("--no-cache"), "{note}");
    assert_eq!(without_time(&first.snapshot), without_time(&second.snapshot));
    assert_eq!(decide(&second).decision, Decision::Allow);
    // Without a cache nothing is taken from one.
    GcpReader.question(&question(ANA), &options(&server), &Quiet).await.unwrap();
    assert_eq!(gets(&server), 2);
}

#[tokio::test]
async fn a_policy_that_changed_in_any_way_is_read_anew() {
    for changed in [
        FIRST.replace(r#""updateTime": "2026-01-01T00:00:00.1Z""#, r#""updateTime": "2026-01-01T00:00:00.2Z""#),
        // Deleted and made anew under the same name.
        FIRST.replace("u-1", "u-2"),
        format!(r#"{FIRST}, "etag": "MTc""#),
        format!(r#"{FIRST}, "displayName": "Guard""#),
    ] {
        let (guard, cache) = (Guard::new(), Arc::default());
        let server = guard.server();
        assert_eq!(decide(&read(&server, &cache).await).decision, Decision::Allow);
        guard.is(&changed, "ana");
        let collected = read(&server, &cache).await;
        assert_eq!((decide(&collected).decision, gets(&server)), (Decision::Deny, 2), "{changed}");
        assert_eq!(decide(&read(&server, &cache).await).decision, Decision::Deny);
        assert_eq!(gets(&server), 2, "the later one is kept");
    }
}

#[tokio::test]
async fn what_does_not_tell_its_versions_apart_is_never_kept() {
    for metadata in [r#""kind": "DenyPolicy""#, r#""uid": "u-1""#, r#""uid": "u-1", "etag": """#, r#""updateTime": "2026-01-01T00:00:00Z""#]
    {
        let (guard, cache) = (Guard::new(), Arc::<Memory>::default());
        guard.is(metadata, "eve");
        let server = guard.server();
        read(&server, &cache).await;
        guard.is(metadata, "ana");
        assert_eq!(decide(&read(&server, &cache).await).decision, Decision::Deny, "{metadata}");
        assert_eq!(cache.0.lock().unwrap().len(), 0, "{metadata}");
    }
}

#[tokio::test]
async fn what_somebody_wrote_into_the_cache_is_no_policy() {
    let (guard, cache) = (Guard::new(), Arc::<Memory>::default());
    let server = guard.server();
    read(&server, &cache).await;
    let (key, kept) = cache.0.lock().unwrap().first_key_value().map(|(key, kept)| (key.clone(), kept.clone())).unwrap();
    let without_rules = kept.replace("\"rules\"", "\"ruler\"");
    let later = kept.replacen(r#""read_at":"20"#, r#""read_at":"99"#, 1);
    let escape = kept.replacen(r#""read_at":""#, r#""read_at":"\u001b[2J"#, 1);
    let cut: String = kept.chars().skip(1).collect();
    assert!(kept != later && kept != escape && kept != without_rules);
    for spoilt in ["", "{", "[]", "{\"read_at\": 1}", "\u{0}", &cut, &without_rules, &later, &escape] {
        cache.put(&key, spoilt);
        let before = gets(&server);
        let collected = read(&server, &cache).await;
        assert_eq!((decide(&collected).decision, gets(&server) - before, collected.notes.len()), (Decision::Allow, 1, 0), "{spoilt}");
    }
    assert!(key.contains(server.url()), "what a server that stands in for Google Cloud says is kept apart: {key}");
}

#[tokio::test]
async fn a_whole_account_takes_what_is_unchanged_and_a_doctor_does_not() {
    let (guard, cache) = (Guard::new(), Arc::default());
    let server = guard.server();
    read(&server, &cache).await;
    let listening = Listening::default();
    GcpReader.whole(Some("acme"), &keeping(&server, &cache), &Kept::default(), &listening).await.unwrap();
    assert_eq!(gets(&server), 1);
    let told = listening.0.into_inner().unwrap();
    assert!(told.iter().any(|note| note.contains("unchanged since it was read")), "{told:?}");
    GcpReader.doctor(&keeping(&server, &cache).with("project", "acme"), &Quiet).await.unwrap();
    assert_eq!(gets(&server), 2, "whether it may be read is what a doctor finds out");
}

#[tokio::test]
async fn a_list_that_is_refused_is_not_made_up_for_by_what_was_kept() {
    let (guard, cache) = (Guard::new(), Arc::default());
    let open = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let (policy, may) = (guard.clone(), Arc::clone(&open));
    let server = Server::new(move |seen| {
        let closed = seen.path.ends_with("/denypolicies") && !may.load(std::sync::atomic::Ordering::Relaxed);
        if closed { crate::server::refused() } else { policy.answer(seen) }
    });
    assert_eq!(decide(&read(&server, &cache).await).decision, Decision::Allow);
    open.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(decide(&read(&server, &cache).await).decision, Decision::Undetermined);
}
