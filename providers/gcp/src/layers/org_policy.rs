//! Organization policies that refuse calls the way a missing permission does.
//!
//! google/cloud/orgpolicy/v2 (N20-N23); docs.cloud.google.com/iam/docs/troubleshoot-org-policies.

mod details;
mod locations;

use super::{Answer, ORG_POLICY, Unread, ruling_of_guard, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::resources::FullName;
use crate::world::{World, condition_of, json, member, text, texts};
use iam_why_contract::trace::Off;
use iam_why_contract::{Document, Evidence, Lookup, Place, Recorder, Truth};
use serde_json::Value;

/// Constraints that a boolean rule enforces, and the permissions that they refuse (N22).
const BOOLEAN: &[(&str, &[&str])] = &[
    ("iam.disableServiceAccountKeyCreation", &["iam.serviceAccountKeys.create"]),
    ("iam.managed.disableServiceAccountKeyCreation", &["iam.serviceAccountKeys.create"]),
    ("iam.disableServiceAccountCreation", &["iam.serviceAccounts.create"]),
    ("iam.managed.disableServiceAccountCreation", &["iam.serviceAccounts.create"]),
];

/// Constraints on the members that may be named in a policy (N22).
const MEMBERS: &[&str] = &["iam.allowedPolicyMemberDomains", "iam.managed.allowedPolicyMembers"];

/// Refuses an organization policy the request?
pub(crate) fn refuses<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(ORG_POLICY);
    let permission = world.request.permission.v1();
    let mut refuses: Vec<(String, (Truth, Option<Place>))> = Vec::new();
    let mut add = |constraint: &str, (holds, place): (Truth, Option<Place>)| {
        let holds = holds.and(!replaced(world, constraint, place.as_ref(), facts));
        refuses.push((constraint.to_owned(), (holds, place)));
    };
    add("gcp.restrictServiceUsage", world.of_api(facts, |api| service_usage(world, api, facts)));
    for (constraint, _) in BOOLEAN.iter().filter(|(_, permissions)| permissions.contains(&permission)) {
        let uploads = world.context("method").is_some_and(|method| method.to_ascii_lowercase().contains("upload"));
        add(constraint, if uploads { (Truth::No, None) } else { enforced(world, constraint, facts) });
    }
    for constraint in MEMBERS.iter().filter(|_| world.request.permission.verb() == "setIamPolicy") {
        add(constraint, members(world, constraint, facts));
    }
    add(locations::CONSTRAINT, locations::refuses(world, facts));
    add(TLS, tls_version(world, facts));
    for detailed in details::refuses(world, facts) {
        add(&detailed.constraint, (detailed.holds, detailed.place));
    }
    let holds = Truth::any(refuses.iter().map(|(_, (holds, _))| *holds));
    let mut answer = answer.holding(holds.or(unread(world, facts)));
    let creates = BOOLEAN.iter().any(|(name, permissions)| name.ends_with("KeyCreation") && permissions.contains(&permission));
    if world.context("tls.version").is_none() && list(world, TLS, facts).is_some() {
        answer
            .notes
            .push(format!("taken that the client speaks a version of TLS that constraints/{TLS} lets pass: --context tls.version=…"));
    }
    if creates && holds.is_yes() && world.request.context.get("method") == Lookup::NotKnown {
        answer.notes.push("taken that the request makes a key rather than uploads one: uploads need the same permission".into());
    }
    if !R::KEEPS {
        return answer;
    }
    let documents: Vec<String> =
        refuses.iter().filter_map(|(_, (_, place))| place.as_ref().map(|place| place.document.to_string())).collect();
    if !documents.is_empty() || !answer.holds.is_no() {
        let ruling = ruling_of_guard(answer.holds);
        answer = answer.noting(ruling, "", documents);
    }
    for (constraint, (holds, place)) in refuses {
        if let Some(place) = place.filter(|_| holds.is_yes()) {
            let says = format!(
                "the organization policy constraints/{constraint}{} refuses {permission} on {}{}",
                set_on(world, &place),
                world.shown(&world.request.resource),
                compared(world, &constraint)
            );
            answer = answer.finding(&findings::ORG_POLICY, says, Evidence::Place(place), "the organization policy administrators");
        }
    }
    answer
}

/// Where the policy is set.
fn set_on(world: &World<'_>, place: &Place) -> String {
    let node = world.snapshot.document(&place.document).and_then(|document| FullName::node(&document.subject));
    node.map_or_else(String::new, |node| format!(", set on {},", world.shown(&node)))
}

/// Both values of a list constraint: what is asked for, and what is allowed or denied.
fn compared(world: &World<'_>, constraint: &str) -> String {
    let asked = match constraint {
        "gcp.restrictServiceUsage" => Some(world.request.permission.apis().join(" or ")),
        locations::CONSTRAINT => locations::location(world),
        TLS => world.context("tls.version").map(str::to_owned),
        _ => None,
    };
    if constraint.starts_with("custom.") {
        return details::compared(world, constraint).unwrap_or_default();
    }
    let (Some(asked), Some(list)) = (asked, list(world, constraint, &Facts::default())) else { return String::new() };
    match (list.none, list.allowed.is_empty()) {
        (true, _) => ": it denies everything".to_owned(),
        (false, false) if list.denied.is_empty() => format!(": {asked} is not among {}", list.allowed.join(", ")),
        (false, false) => format!(": {asked}, allowed are {}, denied are {}", list.allowed.join(", "), list.denied.join(", ")),
        (false, true) => format!(": {asked} is among {}", list.denied.join(", ")),
    }
}

/// Whether the one policy for a constraint refuses that was not read; `None` where it was, or there is none.
fn hidden(world: &World<'_>, constraint: &str, facts: &Facts) -> Option<Truth> {
    let mut nodes = world.path.resources.iter().chain(&world.path.nodes);
    let doubt = nodes.find_map(|node| world.hidden(documents::ORG_POLICY, &world.spellings(node), constraint))?;
    Some(facts.truth(&format!("{} {constraint}", documents::ORG_POLICY), || doubt))
}

/// Somebody tried to read the organization policies and could not.
fn unread(world: &World<'_>, facts: &Facts) -> Truth {
    Truth::any(world.path.nodes.iter().map(|node| world.gate(documents::ORG_POLICY, node, Unread::OnlyIfRefused, facts)))
}

/// N21: may a nearer policy, which could not be read, replace the one at this place?
pub(crate) fn replaced(world: &World<'_>, constraint: &str, place: Option<&Place>, facts: &Facts) -> Truth {
    let Some(subject) = place.and_then(|place| world.snapshot.document(&place.document)).map(|document| &document.subject) else {
        return Truth::No;
    };
    let nearer = world.path.nodes.iter().take_while(|node| !world.spellings(node).iter().any(|spelling| spelling == &**subject));
    let open = |node: &FullName| world.gate(documents::ORG_POLICY, node, Unread::OnlyIfRefused, &Facts::default()).is_unknown();
    Truth::any(nearer.filter(|node| open(node)).map(|node| {
        let about = format!("whether {} has a policy for constraints/{constraint} of its own", world.shown(node));
        world.ask(facts, &format!("{constraint} on {node}"), about, "gcloud org-policies list of it")
    }))
}

/// N11: is the service outside of what may be used?
fn service_usage(world: &World<'_>, host: &str, facts: &Facts) -> (Truth, Option<Place>) {
    if let Some(open) = hidden(world, "gcp.restrictServiceUsage", facts) {
        return (open, None);
    }
    let Some(list) = list(world, "gcp.restrictServiceUsage", facts) else { return (Truth::No, None) };
    let bare = |value: &String| value.trim_start_matches("is:").to_owned();
    let named = |values: &[String]| values.iter().map(bare).any(|value| value == host);
    let in_group = |values: &[String]| values.iter().any(|value| value.starts_with("in:"));
    let denied = named(&list.denied);
    let allowed = list.all || named(&list.allowed) || (list.allowed.is_empty() && !list.none);
    let refuses = match (denied || list.none, allowed) {
        (true, _) => Truth::Yes,
        _ if in_group(&list.denied) => group(world, facts),
        (false, true) => Truth::No,
        _ if in_group(&list.allowed) => !group(world, facts),
        (false, false) => Truth::Yes,
    };
    (refuses.and(list.certain), Some(list.place))
}

fn group(world: &World<'_>, facts: &Facts) -> Truth {
    world.ask(
        facts,
        "value group",
        "whether a value group of an organization policy holds the service",
        "the page of the constraint: its value groups",
    )
}

/// N11: which versions of TLS clients may speak.
const TLS: &str = "gcp.restrictTLSVersion";

/// Is the version of TLS that the request says it speaks, `TLS_VERSION_1_1`, one that may not be spoken?
fn tls_version(world: &World<'_>, facts: &Facts) -> (Truth, Option<Place>) {
    let Some((version, list)) = world.context("tls.version").and_then(|version| Some((version, list(world, TLS, facts)?))) else {
        return (Truth::No, None);
    };
    let named = |values: &[String]| values.iter().any(|value| value.trim_start_matches("is:") == version);
    let refuses = list.none || named(&list.denied) || !(list.all || list.allowed.is_empty() || named(&list.allowed));
    (list.certain.and(if refuses { Truth::Yes } else { Truth::No }), Some(list.place))
}

/// Whether the constraint limits members, and the request may break it: which members it adds is not part of a question.
fn members(world: &World<'_>, constraint: &str, facts: &Facts) -> (Truth, Option<Place>) {
    if let Some(open) = hidden(world, constraint, facts) {
        return (open, None);
    }
    let Some(list) = list(world, constraint, facts) else { return (Truth::No, None) };
    if list.all || (list.allowed.is_empty() && list.denied.is_empty() && !list.none) {
        return (Truth::No, Some(list.place));
    }
    let holds = details::broken_by(world, constraint, facts, || {
        format!("whether the members that the request adds are allowed by constraints/{constraint}")
    });
    (holds.and(list.certain), Some(list.place))
}

/// The values of a list constraint that are in effect on the resource.
struct List {
    allowed: Vec<String>,
    denied: Vec<String>,
    all: bool,
    none: bool,
    certain: Truth,
    place: Place,
}

/// N21: the nearest policy replaces those above unless it inherits; then both count together.
fn list(world: &World<'_>, constraint: &str, facts: &Facts) -> Option<List> {
    let mut found: Option<List> = None;
    for (document, spec) in policies(world, constraint) {
        let place = whole(&document.id).member("spec").member("rules");
        if spec.get("reset").and_then(Value::as_bool) == Some(true) {
            break;
        }
        let list = found.get_or_insert_with(|| List {
            allowed: Vec::new(),
            denied: Vec::new(),
            all: false,
            none: false,
            certain: Truth::Yes,
            place,
        });
        for (rule, applies) in rules(world, &spec, document, facts) {
            if applies.is_no() {
                continue;
            }
            list.certain = list.certain.and(applies);
            let values = rule.get("values").cloned().unwrap_or_default();
            list.allowed.extend(texts(&values, "allowedValues").unwrap_or_default());
            list.denied.extend(texts(&values, "deniedValues").unwrap_or_default());
            list.all |= member(&rule, "allowAll").and_then(Value::as_bool) == Some(true);
            list.none |= member(&rule, "denyAll").and_then(Value::as_bool) == Some(true);
        }
        if member(&spec, "inheritFromParent").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    found
}

/// N21: is a boolean constraint enforced on the resource? The nearest policy decides.
pub(crate) fn enforced(world: &World<'_>, constraint: &str, facts: &Facts) -> (Truth, Option<Place>) {
    if let Some(open) = hidden(world, constraint, facts) {
        return (open, None);
    }
    let Some((document, spec)) = policies(world, constraint).into_iter().next() else { return (Truth::No, None) };
    if spec.get("reset").and_then(Value::as_bool) == Some(true) {
        return (Truth::No, None);
    }
    let enforces = |rule: &Value| if rule.get("enforce").and_then(Value::as_bool) == Some(true) { Truth::Yes } else { Truth::No };
    let holds = Truth::any(rules(world, &spec, document, facts).iter().map(|(rule, applies)| applies.and(enforces(rule))));
    (holds, Some(whole(&document.id).member("spec").member("rules")))
}

/// Is anything limited by the constraint, be it boolean or a list? The nearest policy tells, and those above it where it inherits.
fn is_limited(world: &World<'_>, constraint: &str, facts: &Facts) -> (Truth, Option<Place>) {
    if let Some(open) = hidden(world, constraint, facts) {
        return (open, None);
    }
    let mut limited = Truth::No;
    let mut place = None;
    for (document, spec) in policies(world, constraint) {
        if spec.get("reset").and_then(Value::as_bool) == Some(true) {
            break;
        }
        place.get_or_insert_with(|| whole(&document.id).member("spec").member("rules"));
        let restricts = |rule: &Value| if details::restricts(rule) { Truth::Yes } else { Truth::No };
        limited = limited.or(Truth::any(rules(world, &spec, document, facts).iter().map(|(rule, applies)| applies.and(restricts(rule)))));
        if member(&spec, "inheritFromParent").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    (limited, place)
}

/// The constraints for which there are policies on the path.
fn names(world: &World<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for node in world.path.resources.iter().chain(&world.path.nodes) {
        for document in world.documents(documents::ORG_POLICY, node) {
            let name = json(document).and_then(|value| text(&value, "name").or_else(|| text(&value, "constraint"))).unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
        found.extend(hidden_names(world, node));
    }
    found
}

/// The constraints whose policies on a node were not read, one by one.
fn hidden_names(world: &World<'_>, node: &FullName) -> Vec<String> {
    let searches = world.snapshot.searches().iter().filter(|search| &*search.kind == documents::ORG_POLICY);
    let of_node = |subject: &str| {
        world.spellings(node).iter().find_map(|name| subject.strip_prefix(name.as_str())?.strip_prefix('#').map(str::to_owned))
    };
    searches.filter_map(|search| of_node(&search.subject)).collect()
}

/// The policies for a constraint, nearest first, each with its enforced `spec`.
fn policies<'w>(world: &'w World<'_>, constraint: &str) -> Vec<(&'w Document, Value)> {
    let mut found = Vec::new();
    for node in world.path.resources.iter().chain(&world.path.nodes) {
        for document in world.documents(documents::ORG_POLICY, node) {
            let Some(value) = json(document) else { continue };
            let name = text(&value, "name").or_else(|| text(&value, "constraint")).unwrap_or_default();
            let named = name.rsplit('/').next() == Some(constraint);
            if let Some(spec) = value.get("spec").filter(|_| named) {
                found.push((document, spec.clone()));
            }
        }
    }
    found
}

/// The rules of a policy and whether each applies: conditions ask for tags (C5).
fn rules(world: &World<'_>, spec: &Value, document: &Document, facts: &Facts) -> Vec<(Value, Truth)> {
    let place = whole(&document.id).member("spec").member("rules");
    let list = spec.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
    let judged = list.into_iter().enumerate().map(|(at, rule)| {
        let condition = rule.get("condition").filter(|condition| !condition.is_null());
        let condition = condition.and_then(|value| condition_of(value, &place.element(at).member("condition")));
        let applies = match condition.as_ref().map(|condition| (condition, &condition.expression)) {
            None => Truth::Yes,
            Some((condition, Ok(expression))) => {
                let evaluation =
                    Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Tags, facts, place: &condition.place };
                evaluation.run(&mut Off).grants()
            }
            Some((condition, Err(error))) => world.illegible_condition(condition, error, Truth::No, facts),
        };
        (rule, applies)
    });
    let judged: Vec<(Value, Truth)> = judged.collect();
    // A conditional rule that is true takes precedence over the unconditional one.
    let conditional = |rule: &Value| rule.get("condition").is_some_and(|condition| !condition.is_null());
    let precedes = Truth::any(judged.iter().filter(|(rule, _)| conditional(rule)).map(|(_, applies)| *applies));
    judged.into_iter().map(|(rule, applies)| if conditional(&rule) { (rule, applies) } else { (rule, applies.and(!precedes)) }).collect()
}
