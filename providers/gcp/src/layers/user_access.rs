//! Context-aware access: an organization may ask the members of a group for an access level before they reach any Google Cloud API.
//!
//! google/identity/accesscontextmanager/v1/gcp_user_access_binding.proto, docs.cloud.google.com/access-context-manager/docs (N73).

use super::{Answer, USER_ACCESS, Unread, access_levels, ruling_of_guard, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::principals::Principal;
use crate::language::resources::FullName;
use crate::world::{World, elements, home_project, json, member, same_project, text, texts};
use iam_why_contract::{Evidence, Place, Recorder, Truth};
use serde_json::Value;

/// What one binding asks of the caller.
struct Demand {
    /// Does the binding concern the caller and the application it uses?
    concerns: Truth,
    /// Is the level met?
    met: Truth,
    level: String,
    place: Place,
}

/// Refuses a binding of the caller's own organization the request?
pub(crate) fn refuses<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(USER_ACCESS);
    if !matches!(world.request.principal, Principal::User(_) | Principal::ServiceAccount(_)) {
        return answer;
    }
    let demands: Vec<Demand> = bindings(world).iter().flat_map(|(place, binding)| demands(world, place, binding, facts)).collect();
    let refusing = |demand: &Demand| demand.concerns.and(!demand.met);
    let refused = Truth::any(demands.iter().map(refusing));
    let refused = if refused.is_no() { refused } else { refused.and(!rescued(world, &demands, facts)) };
    let answer = answer.holding(refused.or(unread(world, facts)));
    if !R::KEEPS || demands.is_empty() {
        return answer;
    }
    let documents = demands.first().map(|demand| demand.place.document.to_string()).into_iter().collect();
    let ruling = ruling_of_guard(answer.holds);
    let answer = answer.noting(ruling, "context-aware access", documents);
    if !answer.holds.is_yes() {
        return answer;
    }
    demands.iter().filter(|demand| refusing(demand).is_yes()).fold(answer, |answer, demand| {
        let says = format!("{} has to meet the access level {}, and does not", world.request.principal.v1(), demand.level);
        let owner = "the administrators of the caller's own organization";
        answer.finding(&findings::USER_ACCESS, says, Evidence::Place(demand.place.clone()), owner)
    })
}

/// The bindings of the organizations that the caller may belong to, and where each stands.
fn bindings(world: &World<'_>) -> Vec<(Place, Value)> {
    let own = |subject: &str| {
        let Some(node) = FullName::node(subject) else { return true };
        world.caller.home.as_ref().is_none_or(|home| home.iter().any(|mine| !world.same_node(mine, &node.path).is_no()))
    };
    let mut found = Vec::new();
    for document in world.snapshot.all_of(documents::USER_ACCESS).filter(|document| own(&document.subject)) {
        let value = json(document).unwrap_or_default();
        let list = elements(&value, &["gcpUserAccessBindings"]).cloned().unwrap_or_default();
        let place = if value.is_array() { whole(&document.id) } else { whole(&document.id).member("gcpUserAccessBindings") };
        found.extend(list.into_iter().enumerate().map(|(at, binding)| (place.element(at), binding)));
    }
    found
}

/// What the binding asks of whoever uses any application, and what it asks of those that use a certain one.
fn demands(world: &World<'_>, place: &Place, binding: &Value, facts: &Facts) -> Vec<Demand> {
    let covers = covers(world, binding, facts);
    if covers.is_no() {
        return Vec::new();
    }
    let scoped = member(binding, "scopedAccessSettings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let uses: Vec<Truth> = scoped.iter().map(|settings| uses(world, settings, facts)).collect();
    let others = !Truth::any(uses.iter().copied());
    let demand = |concerns: Truth, holder: &Value, place: Place| {
        let levels = texts(holder, "accessLevels").unwrap_or_default();
        let asked = levels.into_iter().enumerate().filter(move |_| !concerns.is_no());
        let place = place.member("accessLevels");
        asked
            .map(|(at, level)| Demand { concerns, met: access_levels::holds(world, &level, facts), place: place.element(at), level })
            .collect::<Vec<_>>()
    };
    let mut found = demand(covers.and(others), binding, place.clone());
    for (at, (settings, uses)) in scoped.iter().zip(uses).enumerate() {
        let Some(active) = member(settings, "activeSettings") else { continue };
        let place = place.member("scopedAccessSettings").element(at).member("activeSettings");
        found.extend(demand(covers.and(uses), active, place));
    }
    found
}

/// Whom it is for: a group by its id, or service accounts.
fn covers(world: &World<'_>, binding: &Value, facts: &Facts) -> Truth {
    if let Some(key) = text(binding, "groupKey") {
        return if matches!(world.request.principal, Principal::User(_)) { world.in_group_by_id(&key, facts) } else { Truth::No };
    }
    let Some((email, principal)) = account(world).zip(member(binding, "principal")) else { return Truth::No };
    let named =
        text(principal, "serviceAccount").is_some_and(|name| name.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(email)));
    let project = text(principal, "serviceAccountProjectNumber").zip(home_project(email));
    let lives = project.map_or(Truth::No, |(number, home)| same_project(world.snapshot, &number, &home));
    match (named, lives) {
        (true, _) | (_, Truth::Yes) => Truth::Yes,
        (false, Truth::No) => Truth::No,
        (false, Truth::Unknown) => {
            world.ask(facts, "home number", format!("the number of the project in which {email} lives"), "gcloud projects describe")
        }
    }
}

fn account<'w>(world: &'w World<'_>) -> Option<&'w str> {
    if let Principal::ServiceAccount(email) = &world.request.principal { Some(email) } else { None }
}

/// Does the caller use the application that the settings are for?
fn uses(world: &World<'_>, settings: &Value, facts: &Facts) -> Truth {
    let application = member(settings, "scope")
        .and_then(|scope| member(scope, "clientScope"))
        .and_then(|client| member(client, "restrictedClientApplication"));
    let wanted = application.and_then(|it| text(it, "clientId").or_else(|| text(it, "name"))).unwrap_or_default();
    match world.context("client") {
        Some(mine) if mine == wanted => Truth::Yes,
        Some(_) => Truth::No,
        None => world.ask(
            facts,
            &format!("client {wanted}"),
            format!("whether the caller uses the application {wanted}"),
            "--context client=…: the OAuth client id or the name of the application",
        ),
    }
}

/// Whether one binding whose level is met makes up for another whose level is not, the page on bindings does not say.
fn rescued(world: &World<'_>, demands: &[Demand], facts: &Facts) -> Truth {
    let met = Truth::any(demands.iter().map(|demand| demand.concerns.and(demand.met)));
    if met.is_no() {
        return Truth::No;
    }
    let needs = "a test with the live service: the reference of user access bindings does not say";
    met.and(world.ask(facts, "several bindings", "whether a caller whom several bindings concern has to meet the level of each", needs))
}

/// Somebody tried to read the bindings of the caller's organization and could not.
fn unread(world: &World<'_>, facts: &Facts) -> Truth {
    let homes =
        world.caller.home.iter().flatten().filter(|node| node.starts_with("organizations/")).filter_map(|node| FullName::node(node));
    Truth::any(homes.map(|node| world.gate(documents::USER_ACCESS, &node, Unread::OnlyIfRefused, facts)))
}
