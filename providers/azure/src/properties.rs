//! What holds in every world, however it came about.

use crate::answer;
use crate::cases;
use crate::decide::{Matter, NeedLooks};
use crate::facts::Facts;
use crate::request::Request;
use crate::world::World;
use iam_why_contract::trace::{Off, Tests};
use iam_why_contract::{Case, Decision, Snapshot, Truth, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

const ME: &str = "aaaa0000-0000-4000-8000-000000000001";
const DARK: &str = "99990000-0000-4000-8000-0000000000dd";
const PRINCIPALS: [&str; 5] =
    [ME, "99990000-0000-4000-8000-000000000001", DARK, "99990000-0000-4000-8000-000000000002", "aaaa0000-0000-4000-8000-00000000000f"];
const SUBSCRIPTION: &str = "/subscriptions/5ab00000-0000-4000-8000-000000000001";
const SCOPES: [&str; 4] =
    ["/", "/providers/Microsoft.Management/managementGroups/corp", SUBSCRIPTION, "/subscriptions/5ab00000-0000-4000-8000-000000000002"];
const ROLES: [&str; 4] = ["reads", "all but reading", "writes", "dark"];
const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
const NAME: &str = "Microsoft.Storage/storageAccounts/blobServices/containers:name";
const SIZE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:size";

fn conditions() -> Vec<String> {
    let name = format!("@Resource[{NAME}]");
    let size = format!("@Request[{SIZE}]");
    vec![
        String::new(),
        format!("{name} StringEquals 'a'"),
        format!("{name} StringStartsWithIgnoreCase 'A'"),
        format!("!({name} StringEquals 'a')"),
        format!("{name} StringNotEquals 'a'"),
        format!("Exists {name}"),
        format!("(!(Exists {name})) OR ({name} StringEquals 'b')"),
        format!("{size} NumericLessThan 5"),
        format!("{size} NumericGreaterThanEquals 5"),
        format!("(!(ActionMatches{{'{BLOBS}/write'}})) OR ({size} NumericLessThan 5)"),
        format!("(!(ActionMatches{{'{BLOBS}/*'}})) OR ({name} StringEquals 'b' AND {size} NumericEquals 5)"),
        format!("{name} StringEquals 'a' AND {size} NumericLessThan 5 OR Exists {size}"),
        "this (is no condition".to_owned(),
    ]
}

const CONDITIONS: usize = 13;

/// A world in the short form.
#[derive(Debug, Clone)]
struct Plan {
    assignments: Vec<(usize, usize, usize, usize)>,
    denials: Vec<(usize, usize, usize, usize)>,
    ancestors: Option<bool>,
    name: Option<Option<&'static str>>,
    size: Option<Option<&'static str>>,
}

type Entry = (usize, usize, usize, usize);

fn entry() -> impl Strategy<Value = Entry> {
    (0..PRINCIPALS.len(), 0..SCOPES.len(), 0..ROLES.len(), 0..CONDITIONS)
}

fn plan() -> impl Strategy<Value = Plan> {
    let value = |values: Vec<Option<&'static str>>| proptest::option::weighted(0.6, proptest::sample::select(values));
    (
        proptest::collection::vec(entry(), 0..4),
        proptest::collection::vec(entry(), 0..3),
        proptest::option::weighted(0.6, any::<bool>()),
        value(vec![Some("a"), Some("A"), Some("b"), Some("z"), None]),
        value(vec![Some("4"), Some("5"), Some("6"), None]),
    )
        .prop_map(|(assignments, denials, ancestors, name, size)| Plan { assignments, denials, ancestors, name, size })
}

impl Plan {
    fn value(&self) -> Value {
        let mut context = json!({"resource": {}, "request": {}});
        if let Some(name) = self.name {
            context["resource"][NAME] = json!(name);
        }
        if let Some(size) = self.size {
            context["request"][SIZE] = json!(size);
        }
        let ancestors = match self.ancestors {
            Some(true) => json!({SUBSCRIPTION: ["corp"]}),
            Some(false) => json!({SUBSCRIPTION: []}),
            None => json!({}),
        };
        json!({
            "id": "random", "expect": "unknown", "principal": ME, "action": format!("{BLOBS}/read"), "is_data_action": true,
            "scope": format!("{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/s/blobServices/default/containers/c"),
            "role_definitions": [
                {"id": "/x/reads", "name": "reads", "dataActions": [format!("{BLOBS}/read")]},
                {"id": "/x/all but reading", "name": "all but reading", "dataActions": ["*"], "notDataActions": ["*/read"]},
                {"id": "/x/writes", "name": "writes", "actions": ["*"], "dataActions": [format!("{BLOBS}/write")]},
            ],
            "role_assignments": self.role_assignments(), "deny_assignments": self.deny_assignments(),
            "groups": {"99990000-0000-4000-8000-000000000001": [ME], "99990000-0000-4000-8000-000000000002": [DARK], DARK: null},
            "scope_ancestors": ancestors, "context": context,
        })
    }

    fn role_assignments(&self) -> Vec<Value> {
        let one = |(index, (principal, scope, role, condition)): (usize, &Entry)| {
            json!({
                "id": format!("a{index}"), "principalId": PRINCIPALS[*principal], "scope": SCOPES[*scope],
                "roleDefinitionId": format!("/x/{}", ROLES[*role]), "condition": conditions()[*condition],
            })
        };
        self.assignments.iter().enumerate().map(one).collect()
    }

    fn deny_assignments(&self) -> Vec<Value> {
        let one = |(index, (excluded, scope, permission, condition)): (usize, &Entry)| {
            let patterns = [("*", ""), ("*", "*/read"), ("*/write", ""), ("*/read", "")][*permission];
            json!({
                "id": format!("d{index}"), "denyAssignmentName": format!("d{index}"), "scope": SCOPES[*scope],
                "permissions": [{"dataActions": [patterns.0], "notDataActions": [patterns.1]}],
                "principals": [{"id": "00000000-0000-0000-0000-000000000000"}],
                "excludePrincipals": [{"id": PRINCIPALS[*excluded]}], "condition": conditions()[*condition],
            })
        };
        self.denials.iter().enumerate().map(one).collect()
    }
}

fn case(value: &Value) -> Case {
    cases::read(value).unwrap().unwrap()
}

fn ask<T>(case: &Case, snapshot: &Snapshot, with: impl FnOnce(&Matter<'_>) -> T) -> T {
    let request = Request::new(&case.question).unwrap();
    let world = World::new(snapshot);
    let caller = world.caller(&request.principal);
    with(&Matter { request: &request, world: &world, caller: &caller })
}

fn decision(value: &Value) -> Decision {
    let case = case(value);
    ask(&case, &case.snapshot, |matter| matter.settled().0.decision)
}

fn verdict(case: &Case, snapshot: &Snapshot) -> Verdict {
    ask(case, snapshot, |matter| answer::answer(matter, snapshot))
}

/// Deny before undetermined before allow.
fn rank(decision: Decision) -> u8 {
    match decision {
        Decision::Deny => 0,
        Decision::Undetermined => 1,
        Decision::Allow => 2,
    }
}

/// Every way in which what the plan leaves open can turn out, as a world of its own.
fn completions(plan: &Plan) -> Vec<Value> {
    let mut plans = vec![plan.clone()];
    let mut split = |ways: &dyn Fn(&Plan) -> Vec<Plan>| plans = plans.iter().flat_map(ways).collect();
    split(&|plan| match plan.ancestors {
        None => [true, false].map(|above| Plan { ancestors: Some(above), ..plan.clone() }).to_vec(),
        Some(_) => vec![plan.clone()],
    });
    split(&|plan| match plan.name {
        None => {
            [Some("a"), Some("A"), Some("az"), Some("b"), Some("z"), None].map(|name| Plan { name: Some(name), ..plan.clone() }).to_vec()
        }
        Some(_) => vec![plan.clone()],
    });
    split(&|plan| match plan.size {
        None => [Some("4"), Some("5"), Some("6"), None].map(|size| Plan { size: Some(size), ..plan.clone() }).to_vec(),
        Some(_) => vec![plan.clone()],
    });
    let mut worlds: Vec<Value> = plans.iter().map(Plan::value).collect();
    let mut each = |ways: &dyn Fn(&Value) -> Vec<Value>| worlds = worlds.iter().flat_map(ways).collect();
    each(&|value| {
        let with = |members: Value| {
            let mut value = value.clone();
            value["groups"][DARK] = members;
            value
        };
        vec![with(json!([])), with(json!([ME]))]
    });
    each(&|value| {
        let with = |granted: Value| {
            let mut value = value.clone();
            let roles = value["role_definitions"].as_array_mut().unwrap();
            roles.push(json!({"id": "/x/dark", "name": "dark", "dataActions": granted}));
            value
        };
        vec![with(json!([])), with(json!(["*"]))]
    });
    worlds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn deciding_and_tracing_agree(plan in plan()) {
        let case = case(&plan.value());
        let allowed = |looks: Vec<NeedLooks>| -> Vec<Truth> { looks.iter().map(NeedLooks::allowed).collect() };
        let (off, tests) = ask(&case, &case.snapshot, |matter| {
            (allowed(matter.look::<Off>(&Facts::default())), allowed(matter.look::<Tests>(&Facts::default())))
        });
        prop_assert_eq!(off, tests);
        prop_assert_eq!(decision(&plan.value()), verdict(&case, &case.snapshot).decision);
    }

    #[test]
    fn the_order_of_documents_never_matters(plan in plan()) {
        let case = case(&plan.value());
        let documents = case.snapshot.documents().iter().rev().cloned();
        let backwards = Snapshot::new(documents, case.snapshot.searches().iter().rev().cloned());
        prop_assert_eq!(verdict(&case, &case.snapshot).decision, verdict(&case, &backwards).decision);
    }

    #[test]
    fn another_deny_never_lets_more_through_and_another_grant_never_less(plan in plan(), more in entry()) {
        let before = rank(decision(&plan.value()));
        let mut denied = plan.clone();
        denied.denials.push(more);
        prop_assert!(rank(decision(&denied.value())) <= before);
        let mut granted = plan.clone();
        granted.assignments.push(more);
        prop_assert!(rank(decision(&granted.value())) >= before);
    }

    /// What no completion settles (an absent attribute in a negated comparison, two readings) can turn out either way.
    #[test]
    fn undetermined_is_exactly_where_completions_differ(plan in plan()) {
        let answered = decision(&plan.value());
        let completed: Vec<Decision> = completions(&plan).iter().map(decision).collect();
        let differ = completed.iter().any(|decision| *decision == Decision::Undetermined || Some(decision) != completed.first());
        if answered == Decision::Undetermined {
            prop_assert!(differ, "every completion says {:?}", completed.first());
        } else {
            prop_assert!(completed.iter().all(|decision| *decision == answered), "{answered:?}, but completions differ");
        }
    }

    #[test]
    fn every_fix_flips_the_answer_and_a_saved_snapshot_gives_the_same(plan in plan()) {
        let case = case(&plan.value());
        let verdict = verdict(&case, &case.snapshot);
        prop_assert_eq!(verdict.doubts.is_empty(), verdict.decision != Decision::Undetermined);
        for fix in verdict.fixes.iter().filter(|fix| !fix.edits().is_empty()) {
            let edited = case.snapshot.with(fix.edits()).unwrap();
            prop_assert_eq!(self::verdict(&case, &edited).decision, Decision::Allow, "{}", fix.says());
        }
        let mut file = Vec::new();
        case.snapshot.write(&mut file).unwrap();
        let again = Snapshot::parse(&String::from_utf8(file).unwrap()).unwrap();
        prop_assert_eq!(self::verdict(&case, &again), verdict);
    }
}
