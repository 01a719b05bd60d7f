//! Which roles are proposed for a denied request, where, and in which order.

use crate::cases;
use crate::{Gcp, documents};
use iam_why_contract::{Decision, Document, Fix, Provider, Snapshot, Verdict};
use serde_json::{Value, json};

const KIM: &str = "user:kim@shop.example";
const PROJECT: &str = "//cloudresourcemanager.googleapis.com/projects/shop";
const OBJECT: &str = "//storage.googleapis.com/projects/_/buckets/b/objects/a/1.csv";
const BUCKET: &str = "//storage.googleapis.com/projects/_/buckets/b";
const TOPIC: &str = "//pubsub.googleapis.com/projects/shop/topics/t";
const ACCOUNT: &str = "//iam.googleapis.com/projects/shop/serviceAccounts/job@shop.iam.gserviceaccount.com";
const VIEW: &str = "//logging.googleapis.com/projects/shop/locations/eu/buckets/b/views/v";

/// A question in a company that grants nothing, with what else a test says.
fn ask(permission: &str, resource: &str, more: &Value) -> (Verdict, Snapshot) {
    asked(permission, resource, more, |_| ())
}

fn asked(permission: &str, resource: &str, more: &Value, change: impl FnOnce(&mut Snapshot)) -> (Verdict, Snapshot) {
    let mut case = json!({
        "id": "fix", "expect": "unknown", "hierarchy": ["//cloudresourcemanager.googleapis.com/organizations/77", PROJECT],
        "principal": KIM, "permission": permission, "resource": resource,
        "allow_policies": {}, "deny_policies": {}, "pab": [], "groups": {}, "roles": {},
        "context": {"project": {"id": "shop", "number": "55"}, "principal": {"customer_id": "C0shop"}, "bucket": {"ubla": true},
            "resource_name": "projects/_/buckets/b/objects/a/1.csv"},
    });
    for (name, value) in more.as_object().unwrap() {
        case[name] = value.clone();
    }
    let case = cases::read(&case).unwrap().unwrap();
    let mut snapshot = case.snapshot;
    change(&mut snapshot);
    let verdict = Gcp.simulate(&case.question, &snapshot).unwrap();
    for fix in &verdict.fixes {
        let edited = snapshot.with(fix.edits()).unwrap();
        assert_eq!(Gcp.simulate(&case.question, &edited).unwrap().decision, Decision::Allow, "{}", fix.says());
    }
    (verdict, snapshot)
}

fn says(verdict: &Verdict) -> Vec<&str> {
    verdict.fixes.iter().map(Fix::says).collect()
}

fn denied(permission: &str, resource: &str, more: &Value) -> Verdict {
    let (verdict, _) = ask(permission, resource, more);
    assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
    verdict
}

#[test]
fn a_role_that_nobody_read_is_proposed_on_the_lowest_resource_and_where_it_is_known_from_is_said() {
    let verdict = denied("storage.objects.get", OBJECT, &json!({}));
    let hedge =
        "(roles/storage.objectViewer as listed by November 2026: `gcloud iam roles describe roles/storage.objectViewer` shows today's)";
    assert_eq!(
        says(&verdict),
        [
            format!("grant roles/storage.objectViewer to {KIM} on gs://b, for gs://b/a/1.csv only {hedge}"),
            format!("grant roles/storage.objectViewer to {KIM} on gs://b {hedge}"),
        ]
    );
    let [first, second] = &*verdict.fixes else { panic!("{:#?}", verdict.fixes) };
    assert_eq!(first.widens(), Some("roles/storage.objectViewer has 7 other permissions in that list"));
    assert_eq!(
        second.widens(),
        Some("roles/storage.objectViewer has 7 other permissions in that list, and all of them hold on everything in gs://b")
    );
    assert_eq!(
        second.commands(),
        ["gcloud storage buckets add-iam-policy-binding gs://b --member='user:kim@shop.example' --role='roles/storage.objectViewer'"]
    );
    // The definition comes along, so that the change can be simulated again; it creates nothing in the cloud.
    assert_eq!(second.edits()[0].creates.as_ref().unwrap().title, "role roles/storage.objectViewer as listed by November 2026");
}

#[test]
fn a_role_of_the_list_decides_nothing() {
    let bound = json!({BUCKET: {"bindings": [{"role": "roles/storage.objectViewer", "members": [KIM]}]}});
    let (verdict, _) = ask("storage.objects.get", OBJECT, &json!({"allow_policies": bound, "roles": {"roles/storage.objectViewer": null}}));
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert_eq!(says(&verdict), [""; 0]);
}

#[test]
fn what_was_read_of_a_role_counts_before_the_list() {
    let read = |permissions: &Value| json!({"roles": {"roles/pubsub.publisher": {"permissions": permissions}}});
    let today = denied("pubsub.topics.publish", TOPIC, &read(&json!(["pubsub.topics.publish", "pubsub.topics.get"])));
    assert_eq!(says(&today), [format!("grant roles/pubsub.publisher to {KIM} on {TOPIC}")]);
    assert_eq!(today.fixes[0].widens(), Some("roles/pubsub.publisher has one other permission"));
    let lacks = denied("pubsub.topics.publish", TOPIC, &read(&json!(["pubsub.topics.get"])));
    let roles: Vec<&str> = says(&lacks).into_iter().map(|says| says.split(' ').nth(1).unwrap()).collect();
    assert_eq!(roles, ["roles/pubsub.editor", "the"], "the next role is wide, so a custom one is offered too: {:?}", says(&lacks));
}

#[test]
fn a_role_is_proposed_no_lower_than_iam_takes_it() {
    let verdict = denied("logging.logEntries.list", VIEW, &json!({}));
    assert_eq!(
        says(&verdict),
        [
            format!(
                "create the custom role projects/shop/roles/logging.logEntries.list with logging.logEntries.list alone (IAM refuses where custom \
                 roles do not support it); and grant projects/shop/roles/logging.logEntries.list to {KIM} on {VIEW}"
            ),
            format!(
                "grant roles/logging.viewer to {KIM} on projects/shop (roles/logging.viewer as listed by November 2026: `gcloud iam roles \
                 describe roles/logging.viewer` shows today's)"
            ),
        ]
    );
    let foreign = json!({"roles": {"roles/composer.worker": {"permissions": ["pubsub.topics.publish"], "stage": "GA"}}});
    let verdict = denied("pubsub.topics.publish", TOPIC, &foreign);
    assert!(says(&verdict)[0].starts_with("grant roles/pubsub.publisher to "), "no topic takes a role of Composer: {:?}", says(&verdict));
}

#[test]
fn a_custom_role_is_offered_beside_a_role_that_is_much_wider() {
    let verdict = denied("cloudsql.instances.list", PROJECT, &json!({}));
    let starts: Vec<&str> = says(&verdict).into_iter().map(|says| says.split(" to ").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "grant roles/cloudsql.viewer",
            "create the custom role projects/shop/roles/cloudsql.instances.list with cloudsql.instances.list alone (IAM refuses where custom \
             roles do not support it); and grant projects/shop/roles/cloudsql.instances.list",
        ]
    );
}

#[test]
fn roles_of_service_agents_and_roles_that_are_on_their_way_out_or_in_are_not_proposed_first() {
    let roles = json!({"roles": {
        "roles/pubsub.serviceAgent": {"permissions": ["pubsub.topics.publish"], "stage": "GA"},
        "roles/pubsub.old": {"permissions": ["pubsub.topics.publish"], "stage": "DEPRECATED"},
        "roles/pubsub.new": {"permissions": ["pubsub.topics.publish"], "stage": "ALPHA"},
        "roles/pubsub.publisher": {"permissions": ["pubsub.topics.publish", "pubsub.topics.get"], "stage": "GA"},
    }});
    let verdict = denied("pubsub.topics.publish", TOPIC, &roles);
    assert_eq!(
        says(&verdict),
        [format!("grant roles/pubsub.publisher to {KIM} on {TOPIC}"), format!("grant roles/pubsub.new to {KIM} on {TOPIC}")]
    );
}

#[test]
fn what_google_cloud_takes_on_the_resource_counts_before_the_list_and_decides_nothing() {
    let offer = |roles: Value| {
        move |snapshot: &mut Snapshot| {
            snapshot.add(Document::new(documents::GRANTABLE, TOPIC, "offer", json!({ "roles": roles }).to_string()));
        }
    };
    let poster =
        json!({"name": "roles/pubsub.poster", "stage": "GA", "includedPermissions": ["pubsub.topics.get", "pubsub.topics.publish"]});
    let (verdict, _) = asked("pubsub.topics.publish", TOPIC, &json!({}), offer(json!([poster])));
    assert_eq!(verdict.decision, Decision::Deny);
    // The publisher is not taken here any more.
    assert_eq!(says(&verdict), [format!("grant roles/pubsub.poster to {KIM} on {TOPIC}")]);
    let bound = json!({
        "allow_policies": {TOPIC: {"bindings": [{"role": "roles/pubsub.poster", "members": [KIM]}]}},
        "roles": {"roles/pubsub.poster": null},
    });
    let (verdict, _) = asked("pubsub.topics.publish", TOPIC, &bound, offer(json!([poster])));
    assert_eq!(verdict.decision, Decision::Undetermined);
}

#[test]
fn a_role_made_for_workloads_comes_first_for_these_alone() {
    let token = "iam.serviceAccounts.getAccessToken";
    let first = |verdict: &Verdict| says(verdict)[0].split(' ').nth(1).unwrap().to_owned();
    assert_eq!(first(&denied(token, ACCOUNT, &json!({}))), "roles/iam.serviceAccountTokenCreator");
    let workload = "principal://iam.googleapis.com/projects/55/locations/global/workloadIdentityPools/github/subject/repo";
    assert_eq!(first(&denied(token, ACCOUNT, &json!({"principal": workload}))), "roles/iam.workloadIdentityUser");
}

#[test]
fn who_asks_to_look_is_not_let_in_to_do_more() {
    // The list has nothing but the role for logging in, with eleven other permissions: what is made for the question comes first.
    let machine = "//compute.googleapis.com/projects/shop/zones/z/instances/vm";
    let verdict = denied("compute.instances.get", machine, &json!({}));
    let starts: Vec<&str> = says(&verdict).into_iter().map(|says| says.split(' ').next().unwrap()).collect();
    assert_eq!(starts, ["create", "grant"], "{:?}", says(&verdict));
    for (permission, role) in [
        ("logging.logEntries.list", "roles/logging.viewer"),
        ("resourcemanager.projects.get", "roles/browser"),
        ("bigtable.tables.get", "roles/bigtable.viewer"),
        ("cloudsql.instances.get", "roles/cloudsql.viewer"),
    ] {
        let verdict = denied(permission, PROJECT, &json!({}));
        assert_eq!(says(&verdict)[0].split(' ').nth(1), Some(role), "{:?}", says(&verdict));
    }
}

#[test]
fn a_role_may_list_its_permissions_in_the_spelling_of_deny_policies() {
    let permission = "iam.workloadIdentityPools.get";
    let more = json!({
        "allow_policies": {PROJECT: {"bindings": [{"role": "roles/iam.workloadIdentityPoolViewer", "members": [KIM]}]}},
        "roles": {"roles/iam.workloadIdentityPoolViewer": {"permissions": ["iam.googleapis.com/workloadIdentityPools.get"], "stage": "GA"}},
    });
    assert_eq!(ask(permission, PROJECT, &more).0.decision, Decision::Allow);
}
