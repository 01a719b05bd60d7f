//! What holds in every world, however it came about.

use crate::answer;
use crate::cases;
use crate::decide::decide;
use crate::facts::Facts;
use crate::request::Request;
use crate::world::World;
use iam_why_contract::trace::{Off, Tests};
use iam_why_contract::{Case, Decision, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

const HIERARCHY: [&str; 3] = [
    "//cloudresourcemanager.googleapis.com/organizations/77",
    "//cloudresourcemanager.googleapis.com/projects/shop",
    "//storage.googleapis.com/projects/_/buckets/b",
];
const MEMBERS: [&str; 5] =
    ["user:kim@shop.example", "group:ops@shop.example", "group:dark@shop.example", "allUsers", "user:lee@shop.example"];
const ROLES: [&str; 4] = ["roles/reader", "roles/lister", "projects/shop/roles/off", "roles/dark"];
/// Each asks for other facts: what two texts ask of the same tag or time counts as two facts, so that an answer may stay open longer.
const CONDITIONS: [&str; 8] = [
    "",
    "resource.name.startsWith('projects/_/buckets/b/objects/a')",
    "request.time < timestamp('2026-01-01T00:00:00Z')",
    "resource.matchTag('77/env', 'prod')",
    "destination.port == 22 || resource.hasTagKey('77/env')",
    "!resource.matchTag('77/env', 'prod')",
    "request.time >= timestamp('2026-01-01T00:00:00Z') && resource.service == 'storage.googleapis.com'",
    "resource.type == 'storage.googleapis.com/Object' && resource.name.extract('/objects/{first}1') == 'a'",
];
const DENIED: [&str; 4] = [
    "principalSet://goog/public:all",
    "principal://goog/subject/kim@shop.example",
    "principalSet://goog/group/dark@shop.example",
    "user:kim@shop.example",
];

/// A world in the short form.
#[derive(Debug, Clone)]
struct Plan {
    bindings: Vec<(usize, usize, usize, usize)>,
    denials: Vec<(usize, usize, usize)>,
    unread: Vec<usize>,
    tags: Option<bool>,
    time: Option<bool>,
    bounded: Option<(bool, bool)>,
    /// The boundary's policy was not read.
    boundary_dark: bool,
    /// The deny policies of the organization were not read.
    denials_dark: bool,
    /// Lists count, and this is the object's; `None`: it was not read.
    listed: Option<Option<bool>>,
    /// Which of [`gates`] are not known.
    dark: Vec<usize>,
}

/// What stands in the way besides policies: where a case says it, and how it can turn out.
fn gates() -> Vec<(&'static str, Vec<Value>)> {
    let from = |project: &str| json!({"kind": "project", "project": project});
    vec![
        ("/context/bucket/ubla", vec![json!(true), json!(false)]),
        ("/context/bucket/pap", vec![json!("inherited"), json!("enforced")]),
        ("/context/bucket/requester_pays", vec![json!(false), json!(true)]),
        (
            "/context/bucket/ip_filter",
            vec![json!({"mode": "Disabled"}), json!({"mode": "Enabled", "publicNetworkSource": {"allowedIpCidrRanges": ["192.0.2.0/24"]}})],
        ),
        ("/context/vpcsc/source", vec![from("projects/55"), from("projects/66"), json!({"kind": "internet", "ip": "203.0.113.9"})]),
        ("/context/token", vec![json!({"kind": "oauth"}), json!({"kind": "downscoped", "cab": []})]),
        ("/context/org_policies/storage.publicAccessPrevention", vec![json!(false), json!(true)]),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let binding = (0..3_usize, 0..MEMBERS.len(), 0..ROLES.len(), 0..CONDITIONS.len());
    let denial = (0..2_usize, 0..DENIED.len(), 0..CONDITIONS.len());
    (
        proptest::collection::vec(binding, 0..4),
        proptest::collection::vec(denial, 0..2),
        proptest::collection::vec(0..3_usize, 0..2),
        proptest::option::weighted(0.8, any::<bool>()),
        proptest::option::weighted(0.8, any::<bool>()),
        proptest::option::weighted(0.3, (any::<bool>(), any::<bool>())),
        (proptest::bool::weighted(0.2), proptest::bool::weighted(0.1)),
        proptest::option::weighted(0.3, proptest::option::of(any::<bool>())),
        proptest::collection::vec(0..gates().len(), 0..3),
    )
        .prop_map(|(bindings, denials, unread, tags, time, bounded, (boundary_dark, denials_dark), listed, dark)| Plan {
            bindings,
            denials,
            unread,
            tags,
            time,
            bounded,
            boundary_dark,
            denials_dark,
            listed,
            dark,
        })
}

impl Plan {
    fn value(&self) -> Value {
        let mut context = json!({
            "project": {"id": "shop", "number": "55"},
            "principal": {"customer_id": "C0shop", "primary_domain": "shop.example"},
            "resource_service": "storage.googleapis.com",
            "resource_type": "storage.googleapis.com/Object",
            "resource_name": "projects/_/buckets/b/objects/a1",
            "bucket": {"ubla": self.listed.is_none(), "pap": "inherited", "requester_pays": false, "ip_filter": {"mode": "Disabled"}},
            "vpcsc": {
                "perimeters": [{"name": "p", "status": {"resources": ["projects/55"], "restrictedServices": ["storage.googleapis.com"]}}],
                "source": {"kind": "project", "project": "projects/55"},
            },
            "token": {"kind": "oauth"},
            "org_policies": {"storage.publicAccessPrevention": false},
            "source_ip": "203.0.113.9",
            "tags": self.tags.map(|has| if has { json!([{"namespacedTagKey": "77/env", "namespacedTagValue": "77/env/prod"}]) } else { json!([]) }),
        });
        if let Some(early) = self.time {
            context["request_time"] = json!(if early { "2025-06-01T00:00:00Z" } else { "2026-06-01T00:00:00Z" });
        }
        if let Some(list) = self.listed {
            context["bucket"]["object_acl"] = json!(list.map(object_list));
        }
        let mut pab: Vec<Value> = self.bounded.iter().map(|(includes, mine)| boundary(*includes, *mine)).collect();
        for pair in pab.iter_mut().filter(|_| self.boundary_dark) {
            pair["policy"] = Value::Null;
        }
        let mut value = json!({
            "id": "random", "expect": "unknown", "hierarchy": HIERARCHY, "principal": "user:kim@shop.example",
            "permission": "storage.objects.get", "resource": "//storage.googleapis.com/projects/_/buckets/b/objects/a1",
            "allow_policies": self.allow_policies(), "deny_policies": self.deny_policies(), "pab": pab, "context": context,
            "groups": {"ops@shop.example": ["user:kim@shop.example"], "dark@shop.example": null},
            "roles": {
                "roles/reader": {"permissions": ["storage.objects.get"]},
                "roles/lister": {"permissions": ["storage.objects.list"]},
                "projects/shop/roles/off": {"permissions": ["storage.objects.get"], "stage": "DISABLED"},
                "roles/dark": null,
            },
        });
        for (pointer, _) in self.dark.iter().filter_map(|at| gates().into_iter().nth(*at)) {
            value = set(&value, pointer, &Value::Null);
        }
        value
    }

    fn allow_policies(&self) -> Value {
        let mut policies = json!({});
        for (at, node) in HIERARCHY.iter().enumerate() {
            let bindings = self.bindings.iter().filter(|binding| binding.0 == at).map(|(_, member, role, condition)| {
                let mut binding = json!({"role": ROLES[*role], "members": [MEMBERS[*member]]});
                if *condition > 0 {
                    binding["condition"] = json!({"title": "c", "expression": CONDITIONS[*condition]});
                }
                binding
            });
            policies[*node] = if self.unread.contains(&at) { Value::Null } else { json!({"bindings": bindings.collect::<Vec<_>>()}) };
        }
        policies
    }

    fn deny_policies(&self) -> Value {
        let mut policies = json!({});
        for (at, point) in
            ["cloudresourcemanager.googleapis.com/organizations/77", "cloudresourcemanager.googleapis.com/projects/55"].iter().enumerate()
        {
            let rules = self.denials.iter().filter(|denial| denial.0 == at).map(|(_, principal, condition)| {
                let mut rule =
                    json!({"deniedPrincipals": [DENIED[*principal]], "deniedPermissions": ["storage.googleapis.com/objects.get"]});
                if *condition > 0 {
                    rule["denialCondition"] = json!({"title": "c", "expression": CONDITIONS[*condition]});
                }
                json!({ "denyRule": rule })
            });
            let read = json!([{"name": "d", "rules": rules.collect::<Vec<_>>()}]);
            policies[*point] = if at == 0 && self.denials_dark { Value::Null } else { read };
        }
        policies
    }
}

/// The list of the object, with the caller in it or without.
fn object_list(mine: bool) -> Value {
    if mine { json!([{"entity": "user-kim@shop.example", "role": "READER"}]) } else { json!([]) }
}

fn boundary(includes: bool, mine: bool) -> Value {
    let organization = if includes { "organizations/77" } else { "organizations/78" };
    let customer = if mine { "C0shop" } else { "C0other" };
    json!({
        "policy": {"name": "p", "details": {"rules": [{"resources": [format!("//cloudresourcemanager.googleapis.com/{organization}")]}], "enforcementVersion": "3"}},
        "binding": {"target": {"principalSet": format!("//iam.googleapis.com/locations/global/workspace/{customer}")}},
    })
}

fn case(value: &Value) -> Case {
    cases::read(value).unwrap().unwrap()
}

fn decision(value: &Value) -> Decision {
    let case = case(value);
    answer::decision(&Request::parse(&case.question).unwrap(), &case.snapshot)
}

/// Deny before undetermined before allow.
fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Deny => 0,
        Decision::Undetermined => 1,
        Decision::Allow => 2,
    }
}

fn set(value: &Value, pointer: &str, to: &Value) -> Value {
    let mut value = value.clone();
    if let Some(place) = value.pointer_mut(pointer) {
        *place = to.clone();
    }
    value
}

/// Every way in which what `value` leaves open can turn out, as a world of its own.
fn completions(value: &Value) -> Vec<Value> {
    let mut worlds = vec![value.clone()];
    let mut split = |ways: &dyn Fn(&Value) -> Vec<Value>| worlds = worlds.iter().flat_map(ways).collect();
    split(&|value| [json!([]), json!(["user:kim@shop.example"])].iter().map(|to| set(value, "/groups/dark@shop.example", to)).collect());
    split(&|value| {
        [json!([]), json!(["storage.objects.get"])]
            .iter()
            .map(|to| set(value, "/roles/roles~1dark", &json!({ "permissions": to })))
            .collect()
    });
    split(&|value| {
        if value["context"]["tags"].is_null() {
            [
                json!([]),
                json!([{"namespacedTagKey": "77/env", "namespacedTagValue": "77/env/prod"}]),
                json!([{"namespacedTagKey": "77/env", "namespacedTagValue": "77/env/dev"}]),
            ]
            .iter()
            .map(|to| set(value, "/context/tags", to))
            .collect()
        } else {
            vec![value.clone()]
        }
    });
    split(&|value| {
        if value["context"].get("request_time").is_none() {
            ["2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z"]
                .iter()
                .map(|time| {
                    let mut value = value.clone();
                    value["context"]["request_time"] = json!(time);
                    value
                })
                .collect()
        } else {
            vec![value.clone()]
        }
    });
    let dark = |pointer: &'static str, ways: Vec<Value>| {
        move |value: &Value| match value.pointer(pointer) {
            Some(Value::Null) => ways.iter().map(|to| set(value, pointer, to)).collect(),
            _ => vec![value.clone()],
        }
    };
    for (pointer, ways) in gates() {
        split(&dark(pointer, ways));
    }
    split(&dark("/context/bucket/object_acl", vec![object_list(true), object_list(false)]));
    split(&dark(
        "/pab/0/policy",
        vec![json!({"details": {}}), boundary(true, true)["policy"].clone(), boundary(false, true)["policy"].clone()],
    ));
    let denies = json!([{"name": "d", "rules": [{"denyRule": {"deniedPrincipals": [DENIED[0]], "deniedPermissions": ["storage.googleapis.com/objects.get"]}}]}]);
    split(&dark("/deny_policies/cloudresourcemanager.googleapis.com~1organizations~177", vec![json!([]), denies]));
    for node in HIERARCHY {
        let pointer = format!("/allow_policies/{}", node.replace('/', "~1"));
        split(&|value| {
            if value.pointer(&pointer).is_some_and(Value::is_null) {
                let grants = json!({"bindings": [{"role": "roles/reader", "members": ["user:kim@shop.example"]}]});
                [json!({}), grants].iter().map(|to| set(value, &pointer, to)).collect()
            } else {
                vec![value.clone()]
            }
        });
    }
    worlds
}

proptest! {
    // 256 worlds each; PROPTEST_CASES says how many more.
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn deciding_and_tracing_agree(plan in plan()) {
        let case = case(&plan.value());
        let request = Request::parse(&case.question).unwrap();
        let world = World::new(&case.snapshot, &request);
        let (off, tests) = (decide::<Off>(&world, &Facts::default()), decide::<Tests>(&world, &Facts::default()));
        prop_assert_eq!((off.decision, off.kind, off.decided_by), (tests.decision, tests.kind, tests.decided_by));
    }

    #[test]
    fn the_order_of_bindings_and_documents_never_matters(plan in plan()) {
        let forwards = decision(&plan.value());
        let mut turned = plan.clone();
        turned.bindings.reverse();
        turned.denials.reverse();
        prop_assert_eq!(forwards, decision(&turned.value()));
        let case = case(&plan.value());
        let documents = case.snapshot.documents().iter().rev().cloned();
        let backwards = Snapshot::new(documents, case.snapshot.searches().iter().rev().cloned());
        prop_assert_eq!(forwards, answer::decision(&Request::parse(&case.question).unwrap(), &backwards));
    }

    #[test]
    fn another_denial_never_lets_more_through(plan in plan(), more in (0..2_usize, 0..DENIED.len(), 0..CONDITIONS.len())) {
        let before = decision(&plan.value());
        let mut with = plan.clone();
        with.denials.push(more);
        prop_assert!(rank(decision(&with.value())) <= rank(before));
    }

    #[test]
    fn another_grant_never_lets_less_through(plan in plan(), more in (0..3_usize, 0..MEMBERS.len(), 0..ROLES.len(), 0..CONDITIONS.len())) {
        let before = decision(&plan.value());
        let mut with = plan.clone();
        with.bindings.push(more);
        prop_assert!(rank(decision(&with.value())) >= rank(before));
    }

    #[test]
    fn undetermined_is_exactly_where_completions_differ(plan in plan()) {
        let value = plan.value();
        let answered = decision(&value);
        let completed: Vec<Decision> = completions(&value).iter().map(decision).collect();
        prop_assert!(completed.iter().all(|decision| *decision != Decision::Undetermined));
        let same = completed.iter().all(|decision| Some(decision) == completed.first());
        if answered == Decision::Undetermined {
            prop_assert!(!same, "every completion says {:?}", completed.first());
        } else {
            prop_assert!(completed.iter().all(|decision| *decision == answered), "{answered:?}, but completions differ");
        }
    }

    #[test]
    fn every_fix_flips_the_answer_and_a_saved_snapshot_gives_the_same(plan in plan()) {
        let case = case(&plan.value());
        let request = Request::parse(&case.question).unwrap();
        let verdict = answer::answer(&request, &case.snapshot);
        for fix in crate::fixes::fixes(&request, &case.snapshot, &verdict) {
            let edited = case.snapshot.with(fix.edits()).unwrap();
            prop_assert_eq!(answer::decision(&request, &edited), Decision::Allow, "{}", fix.says());
        }
        let mut file = Vec::new();
        case.snapshot.write(&mut file).unwrap();
        let again = Snapshot::parse(&String::from_utf8(file).unwrap()).unwrap();
        prop_assert_eq!(answer::answer(&request, &again), verdict);
    }
}
