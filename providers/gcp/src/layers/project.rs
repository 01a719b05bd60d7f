//! The project that a call is charged to: its quota, its API, its billing; and the header that names the organizations one may reach.
//!
//! google/api/error_reason.proto (N1-N5, N10), docs.cloud.google.com/resource-manager/docs/organization-restrictions.

use super::{Answer, BILLING, ORG_RESTRICTION, QUOTA_PROJECT, SERVICE_DISABLED, Unread, ruling_of_guard, whole};
use crate::decide;
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::resources::{FullName, MANAGER};
use crate::request::Request;
use crate::world::{World, json, text};
use iam_why_contract::trace::Off;
use iam_why_contract::{Code, Decision, Evidence, Kind, Lookup, Part, Place, Recorder, Ruling, Trace, Truth};

/// Is the request granted by IAM?
pub(crate) fn authorized(world: &World<'_>, request: &Request, facts: &Facts) -> Truth {
    let other = World::new(world.snapshot, request);
    decide::iam::<Off>(&other, &facts.of(&name(request))).allowed
}

fn name(request: &Request) -> String {
    format!("{} on {}", request.permission.v1(), request.resource)
}

/// N4: naming a quota project needs serviceusage.services.use on it.
pub(crate) fn quota<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer { kind: Kind::MissingGrant, ..Answer::silent(QUOTA_PROJECT) };
    match world.request.context.get("quota_project") {
        Lookup::Known(values) => {
            usable::<R>(world, values.first().map_or("", String::as_str), facts, answer, &findings::QUOTA_PROJECT_DENIED)
        }
        _ => answer.holding(world.said_open(facts, "quota_project", "whether the caller may use the project that the call is charged to")),
    }
}

/// Refuses where the caller may not use `project`.
pub(crate) fn usable<R: Recorder>(world: &World<'_>, project: &str, facts: &Facts, answer: Answer, code: &Code) -> Answer {
    const USE: &str = "serviceusage.services.use";
    let named = FullName::node(project).unwrap_or_else(|| FullName::new(MANAGER, &format!("projects/{project}")));
    let Some(request) = world.request.also(USE, named.clone()) else { return answer };
    let other = World::new(world.snapshot, &request);
    let iam = decide::iam::<R>(&other, &facts.of(&name(&request)));
    // E7: where the permission is taken away, granting it would not help.
    let kind = if iam.allowed.is_no() { iam.kind } else { answer.kind };
    let mut answer = Answer { kind, ..answer }.holding(!iam.allowed);
    if !R::KEEPS {
        return answer;
    }
    let documents = iam.steps.iter().flat_map(|step| step.documents.iter().cloned()).collect::<Vec<_>>();
    if answer.holds.is_yes() {
        let taken = iam.taken_away();
        let how = if taken.is_some() { "is denied" } else { "is not granted" };
        let says = format!("{} may not use {} for the call: {USE} {how} there", world.request.principal.v1(), named.path);
        let what = format!("the allow policies of {} and above", named.path);
        let evidence = taken.unwrap_or_else(|| Evidence::Silence { what, documents: documents.clone() });
        answer = answer.finding(code, says, evidence, &format!("the administrators of {}", named.path));
    }
    let decision = match iam.allowed {
        Truth::Yes => Decision::Allow,
        Truth::No => Decision::Deny,
        Truth::Unknown => Decision::Undetermined,
    };
    let kind = (decision == Decision::Deny).then_some(iam.kind);
    let part = Part {
        action: USE.into(),
        resource: Some(named.to_string()),
        because: format!("the call is charged to {}", named.path),
        decision,
        kind,
        decided_by: iam.decided_by,
        trace: Trace { steps: iam.steps },
    };
    answer.parts.push(part);
    let ruling = ruling_of_guard(answer.holds);
    answer.noting(ruling, format!("the call is charged to {}", named.path), documents)
}

/// N1
pub(crate) fn service<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(SERVICE_DISABLED);
    let Some(project) = consumer(world) else { return answer };
    let (holds, (host, place)) = world.of_api(facts, |host| {
        let (holds, place) = disabled(world, &project, host, facts);
        (holds, (host.to_owned(), place))
    });
    let answer = answer.holding(holds);
    let Some(place) = place.filter(|_| R::KEEPS && holds.is_yes()) else { return answer };
    let says = format!("{host} is not enabled in {}", project.path);
    let answer = answer.noting(Ruling::Deny, "disabled", vec![place.document.to_string()]);
    answer.finding(&findings::SERVICE_DISABLED, says, Evidence::Place(place), &format!("the administrators of {}", project.path))
}

/// Is the API off in the project, and where it says so?
fn disabled(world: &World<'_>, project: &FullName, host: &str, facts: &Facts) -> (Truth, Option<Place>) {
    let name = FullName::new("serviceusage.googleapis.com", &format!("{}/services/{host}", project.path));
    let Some(document) = world.documents(documents::SERVICE_STATE, &name).into_iter().next() else {
        return (world.gate(documents::SERVICE_STATE, &name, Unread::OnlyIfRefused, facts), None);
    };
    let state = json(document).and_then(|value| text(&value, "state"));
    let off = state.as_deref() == Some("DISABLED");
    (if off { Truth::Yes } else { Truth::No }, Some(whole(&document.id).member("state")))
}

/// N1: the project that quota goes to: the one that the call names, else that of the service account, else that of the resource.
fn consumer(world: &World<'_>) -> Option<FullName> {
    let named = world
        .context("quota_project")
        .and_then(|project| FullName::node(project).or_else(|| Some(FullName::new(MANAGER, &format!("projects/{project}")))));
    let account = || {
        let email = world.request.principal.email()?;
        let project = crate::language::resources::account_project(email).filter(|_| !world.is_agent(email))?;
        Some(FullName::new(MANAGER, &format!("projects/{project}")))
    };
    let known = |name: &FullName| {
        world.request.permission.apis().iter().any(|host| {
            let service = FullName::new("serviceusage.googleapis.com", &format!("{}/services/{host}", name.path));
            world.outcome(documents::SERVICE_STATE, &service).is_some()
        })
    };
    named.or_else(|| account().filter(known)).or_else(|| world.project_node())
}

/// N2
pub(crate) fn billing<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(BILLING);
    let Some(project) = world.project_node() else { return answer };
    let Some(document) = world.documents(documents::BILLING, &project).into_iter().next() else {
        return answer.holding(world.gate(documents::BILLING, &project, Unread::OnlyIfRefused, facts));
    };
    let enabled = json(document).and_then(|value| crate::world::member(&value, "billingEnabled").and_then(serde_json::Value::as_bool));
    // Most calls work without billing; which do not is not documented in one place.
    let off = enabled == Some(false);
    let holds = if off && world.request.context.unmentioned("billing") == Lookup::NotKnown {
        world.ask(
            facts,
            "billing",
            format!("whether {} needs billing, which is off in {}", world.request.permission.v1(), project.path),
            "the service's page on pricing",
        )
    } else if off {
        Truth::Yes
    } else {
        Truth::No
    };
    let answer = answer.holding(holds);
    if !R::KEEPS || !holds.is_yes() {
        return answer;
    }
    let says = format!("billing is off in {}", project.path);
    let answer = answer.noting(Ruling::Deny, "off", vec![document.id.to_string()]);
    answer.finding(
        &findings::BILLING_DISABLED,
        says,
        Evidence::Place(whole(&document.id).member("billingEnabled")),
        "the billing administrators",
    )
}

/// N10: a proxy may add a header that names the organizations one may reach.
pub(crate) fn restriction<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(ORG_RESTRICTION);
    let Lookup::Known(allowed) = world.request.context.get("org_restriction") else {
        return answer.holding(world.said_open(facts, "org_restriction", "which organizations the header X-Goog-Allowed-Resources allows"));
    };
    let refuses = match world.organization() {
        Some(organization) => {
            if allowed.iter().any(|node| world.same_node(node, &organization.path).is_yes()) {
                Truth::No
            } else {
                Truth::Yes
            }
        }
        None => world.ask(facts, "organization", "the organization of the resource", "gcloud projects get-ancestors"),
    };
    let reads = world.request.is_storage() && matches!(world.request.permission.verb(), "get" | "list");
    let spared = reads && world.context("org_restriction.options") == Some("cloudStorageReadAllowed");
    let answer = answer.holding(if spared { Truth::No } else { refuses });
    if !R::KEEPS || !answer.holds.is_yes() {
        return answer;
    }
    let says = format!("the organization restrictions header allows {} only", allowed.join(", "));
    let evidence = Evidence::Silence { what: "the header X-Goog-Allowed-Resources of the request".into(), documents: Vec::new() };
    answer.noting(Ruling::Deny, "header", Vec::new()).finding(&findings::ORG_RESTRICTED, says, evidence, "whoever runs the network's proxy")
}
