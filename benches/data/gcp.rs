//! A Google Cloud project under folders, as a case in its short form.

use super::Seeded;
use serde_json::{Map, Value, json};

/// `levels` folders, each with an allow policy of `bindings` bindings; the project's bucket holds the one that grants.
pub(crate) fn case(levels: usize, bindings: usize) -> Value {
    let mut seeded = Seeded::new(11);
    let resources = "//cloudresourcemanager.googleapis.com";
    let bucket = "//storage.googleapis.com/projects/_/buckets/reports";
    let mut hierarchy = vec![format!("{resources}/organizations/1")];
    hierarchy.extend((0..levels).map(|at| format!("{resources}/folders/{}", 20 + at)));
    hierarchy.extend([format!("{resources}/projects/acme-prod"), bucket.to_owned(), format!("{bucket}/objects/2026/q1.csv")]);
    let mut policies = Map::new();
    for node in hierarchy.iter().take(levels + 2) {
        let bindings: Vec<Value> = (0..bindings).map(|_| binding(&mut seeded)).collect();
        policies.insert(node.clone(), json!({"version": 3, "bindings": bindings}));
    }
    let grant = json!({"role": "roles/storage.objectViewer", "members": ["user:ana@example.com"]});
    policies.insert(bucket.to_owned(), json!({"version": 3, "bindings": [grant]}));
    json!({
        "id": "bench", "expect": "allow", "hierarchy": hierarchy, "allow_policies": policies, "deny_policies": {}, "pab": [], "groups": {},
        "roles": {
            "roles/storage.objectViewer": {"permissions": ["storage.objects.get", "storage.objects.list"], "stage": "GA", "deleted": false},
            "roles/storage.admin": {"permissions": ["storage.buckets.get", "storage.objects.get"], "stage": "GA", "deleted": false},
        },
        "principal": "user:ana@example.com", "permission": "storage.objects.get", "resource": format!("{bucket}/objects/2026/q1.csv"),
        "context": {
            "project": {"id": "acme-prod", "number": "300"}, "principal": {"customer_id": "C0acme", "primary_domain": "example.com"},
            "resource_service": "storage.googleapis.com", "resource_type": "storage.googleapis.com/Object",
            "resource_name": "projects/_/buckets/reports/objects/2026/q1.csv", "request_time": "2026-03-01T12:00:00Z",
            "bucket": {"ubla": true, "pap": "inherited"},
        },
    })
}

fn binding(seeded: &mut Seeded) -> Value {
    let members: Vec<String> = (0..3).map(|_| format!("user:{}@example.com", seeded.hex(6))).collect();
    let role = seeded.pick(&["roles/storage.objectViewer", "roles/storage.admin"]);
    if seeded.below(4) == 0 {
        let expression = "request.time < timestamp('2026-01-01T00:00:00Z')";
        return json!({"role": role, "members": ["user:ana@example.com"], "condition": {"title": "lapsed", "expression": expression}});
    }
    json!({"role": role, "members": members})
}
