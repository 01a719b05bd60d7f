//! Questions put to snapshots as people make them.

use iam_why_contract::{Context, Decision, Document, Outcome, Provider, Question, Search, Snapshot, Verdict};
use iam_why_gcp::{Gcp, documents};
use serde_json::json;

const PROJECT: &str = "//cloudresourcemanager.googleapis.com/projects/shop";
const TOPIC: &str = "//pubsub.googleapis.com/projects/shop/topics/t";

fn question(context: Context) -> Question {
    Question {
        provider: "gcp".into(),
        principal: "user:kim@gmail.com".into(),
        action: "pubsub.topics.publish".into(),
        resource: Some(TOPIC.into()),
        context,
    }
}

fn document(kind: &str, subject: &str, text: &serde_json::Value) -> Document {
    Document::new(kind, subject, &format!("{kind} of {subject}"), text.to_string())
}

fn absent(kind: &str, subject: &str) -> Search {
    Search { kind: kind.into(), subject: subject.into(), outcome: Outcome::Absent }
}

/// A project without an organization, all of whose IAM policies were read.
fn lone_project() -> Snapshot {
    let policy = json!({"bindings": [{"role": "roles/pubsub.publisher", "members": ["user:kim@gmail.com"]}]});
    let role = json!({"name": "roles/pubsub.publisher", "includedPermissions": ["pubsub.topics.publish"], "stage": "GA"});
    Snapshot::new(
        [
            document(documents::ANCESTRY, PROJECT, &json!([{"id": "shop", "type": "project"}])),
            document(documents::ALLOW_POLICY, PROJECT, &policy),
            document(documents::ROLE, "roles/pubsub.publisher", &role),
        ],
        [absent(documents::DENY_POLICY, PROJECT), absent(documents::ALLOW_POLICY, TOPIC)],
    )
}

fn ask(snapshot: &Snapshot) -> Verdict {
    Gcp.simulate(&question(Context::default()), snapshot).unwrap()
}

#[test]
fn allowed_where_every_policy_was_read_and_says_what_was_not_looked_at() {
    let verdict = ask(&lone_project());
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    assert!(verdict.notes.iter().any(|note| note.contains("whether the API is enabled")), "{:?}", verdict.notes);
}

#[test]
fn without_deny_policies_it_is_undetermined_and_says_which_command_prints_them() {
    let whole = lone_project();
    let snapshot = Snapshot::new(whole.documents().iter().cloned(), [absent(documents::ALLOW_POLICY, TOPIC)]);
    let verdict = ask(&snapshot);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(verdict.doubts.iter().any(|doubt| doubt.needs.contains("gcloud iam policies")), "{:?}", verdict.doubts);
}

#[test]
fn an_empty_snapshot_decides_nothing() {
    let verdict = ask(&Snapshot::default());
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(!verdict.doubts.is_empty());
}

#[test]
fn what_stands_above_an_unknown_path_is_open() {
    let whole = lone_project();
    let documents = whole.documents().iter().filter(|document| &*document.kind != documents::ANCESTRY).cloned();
    let snapshot = Snapshot::new(documents, whole.searches().iter().cloned());
    let verdict = ask(&snapshot);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(verdict.doubts.iter().any(|doubt| doubt.needs.contains("get-ancestors")), "{:?}", verdict.doubts);
}

#[test]
fn a_project_in_an_organization_may_be_in_a_perimeter() {
    let mut snapshot = lone_project();
    let path = json!([{"id": "shop", "type": "project"}, {"id": "77", "type": "organization"}]);
    let organization = "//cloudresourcemanager.googleapis.com/organizations/77";
    let whole: Vec<Document> = snapshot.documents().iter().filter(|document| &*document.kind != documents::ANCESTRY).cloned().collect();
    snapshot = Snapshot::new(whole, snapshot.searches().iter().cloned());
    snapshot.add(document(documents::ANCESTRY, PROJECT, &path));
    snapshot.note(absent(documents::DENY_POLICY, organization));
    snapshot.note(absent(documents::ALLOW_POLICY, organization));
    let verdict = ask(&snapshot);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert_eq!(verdict.doubts.len(), 1, "{:?}", verdict.doubts);
    assert!(verdict.doubts[0].about.contains("service perimeters"));
    snapshot.note(absent(documents::PERIMETERS, organization));
    assert_eq!(ask(&snapshot).decision, Decision::Allow);
}

#[test]
fn a_list_of_deny_policies_without_their_rules_says_nothing() {
    let mut snapshot = lone_project();
    snapshot.note(Search { kind: documents::DENY_POLICY.into(), subject: PROJECT.into(), outcome: Outcome::Found });
    snapshot.add(document(documents::DENY_POLICY, PROJECT, &json!({"name": "policies/x/denypolicies/one", "kind": "DenyPolicy"})));
    assert_eq!(ask(&snapshot).decision, Decision::Undetermined);
}

#[test]
fn names_of_a_condition_are_those_the_service_supplies() {
    let secret = "//secretmanager.googleapis.com/projects/shop/secrets/db";
    let policy = json!({"version": 3, "bindings": [{"role": "r", "members": ["user:kim@gmail.com"], "condition": {
        "title": "one secret", "expression": "resource.name == 'projects/55/secrets/db/versions/1' && resource.type == 'secretmanager.googleapis.com/SecretVersion'"}}]});
    let mut snapshot = Snapshot::new(
        [
            document(documents::ANCESTRY, PROJECT, &json!([{"id": "shop", "type": "project"}])),
            document(documents::ALLOW_POLICY, secret, &policy),
            document(documents::ROLE, "r", &json!({"name": "r", "includedPermissions": ["secretmanager.versions.access"]})),
        ],
        [absent(documents::DENY_POLICY, PROJECT), absent(documents::ALLOW_POLICY, PROJECT)],
    );
    let mut question = question(Context::default());
    question.action = "secretmanager.versions.access".into();
    question.resource = Some(format!("{secret}/versions/1"));
    let ask = |snapshot: &Snapshot| Gcp.simulate(&question, snapshot).unwrap();
    let verdict = ask(&snapshot);
    assert_eq!(verdict.decision, Decision::Undetermined, "the number of the project is not known");
    snapshot.add(document(documents::PROJECT, PROJECT, &json!({"projectId": "shop", "projectNumber": "55"})));
    assert_eq!(ask(&snapshot).decision, Decision::Allow, "{:?}", ask(&snapshot).doubts);
}

#[test]
fn every_fix_lets_the_request_through_when_it_is_applied() {
    let whole = lone_project();
    let documents = whole.documents().iter().filter(|document| &*document.kind != documents::ALLOW_POLICY).cloned();
    let mut snapshot = Snapshot::new(documents, whole.searches().iter().cloned());
    snapshot.note(absent(documents::ALLOW_POLICY, PROJECT));
    let verdict = ask(&snapshot);
    assert_eq!(verdict.decision, Decision::Deny);
    assert!(!verdict.fixes.is_empty());
    for fix in &verdict.fixes {
        assert_eq!(ask(&snapshot.with(fix.edits()).unwrap()).decision, Decision::Allow, "{}", fix.says());
    }
    assert!(
        verdict.fixes[0].commands()[0].starts_with("gcloud pubsub topics add-iam-policy-binding t"),
        "{:?}",
        verdict.fixes[0].commands()
    );
}

const BUCKET: &str = "//storage.googleapis.com/projects/_/buckets/b";

/// A bucket of the lone project, from which everybody reads by the policy or by the list of the object.
fn lone_bucket(settings: &serde_json::Value, policy: &serde_json::Value, list: &serde_json::Value) -> Verdict {
    let mut snapshot = lone_project();
    let object = format!("{BUCKET}/objects/o");
    snapshot.add(document(documents::BUCKET, BUCKET, settings));
    snapshot.add(document(documents::ALLOW_POLICY, BUCKET, policy));
    snapshot.add(document(documents::ACL, &object, list));
    snapshot.add(document(documents::ROLE, "r", &json!({"name": "r", "includedPermissions": ["storage.objects.get"]})));
    let question = Question { action: "storage.objects.get".into(), resource: Some(object), ..question(Context::default()) };
    Gcp.simulate(&question, &snapshot).unwrap()
}

#[test]
fn a_bucket_that_shows_no_ip_filter_may_have_one() {
    let settings = json!({"name": "b", "projectNumber": "shop", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}});
    let granted = json!({"bindings": [{"role": "r", "members": ["user:kim@gmail.com"]}]});
    let verdict = lone_bucket(&settings, &granted, &json!([]));
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
    assert!(verdict.notes.iter().any(|note| note.contains("IP filter")), "{:?}", verdict.notes);
    let mut mode_only = settings;
    mode_only["ipFilter"] = json!({"mode": "Enabled"});
    let verdict = lone_bucket(&mode_only, &granted, &json!([]));
    assert_eq!(verdict.decision, Decision::Undetermined, "a list of buckets shows the mode only");
    assert!(verdict.doubts.iter().any(|doubt| doubt.needs.contains("storage.buckets.getIpFilter")), "{:?}", verdict.doubts);
}

#[test]
fn settings_that_were_cut_down_do_not_say_that_lists_count() {
    let list = json!([{"entity": "user-kim@gmail.com", "role": "READER"}]);
    let cut = lone_bucket(&json!({"name": "b", "projectNumber": "shop"}), &json!({"bindings": []}), &list);
    assert_eq!(cut.decision, Decision::Undetermined);
    assert!(cut.doubts.iter().any(|doubt| doubt.about.contains("uniformBucketLevelAccess")), "{:?}", cut.doubts);
    let settings = json!({"name": "b", "projectNumber": "shop", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}});
    assert_eq!(lone_bucket(&settings, &json!({"bindings": []}), &list).decision, Decision::Allow);
}

const CLUSTER: &str = "//container.googleapis.com/projects/shop/locations/l/clusters/c";

/// What RBAC says of a pod in the namespace `front`, given one review of the cluster.
fn in_front(reviewed: &str, allowed: bool) -> Decision {
    let asked = json!({"verb": "list", "resource": "pods", "namespace": reviewed});
    let review = json!({"spec": {"user": "kim@gmail.com", "resourceAttributes": asked}, "status": {"allowed": allowed}});
    let snapshot = Snapshot::new(
        [
            document(documents::ANCESTRY, PROJECT, &json!([{"id": "shop", "type": "project"}])),
            document(documents::ACCESS_REVIEW, CLUSTER, &review),
        ],
        [absent(documents::DENY_POLICY, PROJECT), absent(documents::ALLOW_POLICY, PROJECT)],
    );
    let pods = Question {
        action: "container.pods.list".into(),
        resource: Some(format!("{CLUSTER}/k8s/namespaces/front")),
        ..question(Context::default())
    };
    Gcp.simulate(&pods, &snapshot).unwrap().decision
}

#[test]
fn a_review_of_rbac_counts_for_its_namespace_and_one_of_all_namespaces_where_it_allows() {
    assert_eq!(in_front("front", true), Decision::Allow);
    assert_eq!(in_front("", true), Decision::Allow);
    assert_eq!(in_front("front", false), Decision::Deny);
    assert_eq!(in_front("back", true), Decision::Undetermined);
    assert_eq!(in_front("", false), Decision::Undetermined);
}

/// A topic, its tags as far as they were read, and a binding for what is not tagged `env/prod`.
fn untagged(tagged: &str) -> Decision {
    let condition = json!({"title": "t", "expression": "!resource.matchTag('77/env', 'prod')"});
    let policy = json!({"bindings": [{"role": "roles/pubsub.publisher", "members": ["user:kim@gmail.com"], "condition": condition}]});
    let whole = lone_project();
    let kept = whole.documents().iter().filter(|document| &*document.kind != documents::ALLOW_POLICY).cloned();
    let added = [document(documents::ALLOW_POLICY, PROJECT, &policy), document(documents::TAGS, tagged, &json!([]))];
    let snapshot = Snapshot::new(kept.chain(added), whole.searches().iter().cloned());
    Gcp.simulate(&question(Context::default()), &snapshot).unwrap().decision
}

#[test]
fn the_tags_of_a_project_are_not_all_that_a_topic_in_it_may_have() {
    assert_eq!(untagged(TOPIC), Decision::Allow);
    assert_eq!(untagged(PROJECT), Decision::Undetermined);
}

/// Whether somebody at `caller` is in `domain:DOMAIN`, where two organizations were read.
fn in_domain(caller: &str, domain: &str) -> Decision {
    let policy = json!({"bindings": [{"role": "roles/pubsub.publisher", "members": [format!("domain:{domain}")]}]});
    let whole = lone_project();
    let kept = whole.documents().iter().filter(|document| &*document.kind != documents::ALLOW_POLICY).cloned();
    let organization = |id: &str, name: &str| {
        let text = json!({"name": format!("organizations/{id}"), "displayName": name, "directoryCustomerId": format!("C0{id}")});
        document(documents::ORGANIZATION, &format!("//cloudresourcemanager.googleapis.com/organizations/{id}"), &text)
    };
    let added = [document(documents::ALLOW_POLICY, PROJECT, &policy), organization("1", "shop.example"), organization("2", "mall.example")];
    let bindings = Search { kind: documents::BOUNDARY_BINDING.into(), subject: "*".into(), outcome: Outcome::Found };
    let snapshot = Snapshot::new(kept.chain(added), whole.searches().iter().cloned().chain([bindings]));
    let asked = Question { principal: format!("user:{caller}"), ..question(Context::default()) };
    Gcp.simulate(&asked, &snapshot).unwrap().decision
}

#[test]
fn the_primary_domain_of_another_customer_is_not_the_callers_and_a_second_domain_may_be() {
    assert_eq!(in_domain("kim@shop.example", "shop.example"), Decision::Allow);
    assert_eq!(in_domain("kim@shop.example", "mall.example"), Decision::Deny);
    assert_eq!(in_domain("kim@shop.example", "shop2.example"), Decision::Undetermined);
    assert_eq!(in_domain("kim@shop2.example", "shop.example"), Decision::Undetermined);
}
