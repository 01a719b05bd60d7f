//! What is known of the caller beyond its name: its customer, its home, what its token asserts.

use super::fields::{json, text, texts};
use super::path::{place, project_node};
use crate::documents;
use crate::language::principals::{Identity, Pool, Principal};
use crate::language::resources::{FullName, account_project};
use iam_why_contract::{Place, Snapshot};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known of the caller beyond its name. `None` is not known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Its kind, where facts say more than the name does: `service_agent`.
    pub kind: Option<String>,
    /// The Workspace or Cloud Identity customer it belongs to; `Some(None)`: to none.
    pub customer: Option<Option<String>>,
    /// The domains of that customer.
    pub domains: Option<Vec<String>>,
    /// Group strings that its token asserts.
    pub asserted: Option<Vec<String>>,
    /// Mapped attributes of its token.
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// Where it lives: its project, folders, organization.
    pub home: Option<Vec<String>>,
    /// The project in which it lives, where that is all there is to know.
    pub project: Option<String>,
    /// The document that says so.
    pub document: Option<Place>,
}

pub(super) fn caller(snapshot: &Snapshot, principal: &Principal) -> Caller {
    let names = [principal.v1(), principal.v2(), principal.email().unwrap_or("anonymous").to_owned()];
    let document = names.iter().find_map(|name| snapshot.of(documents::PRINCIPAL, name).next());
    let mut caller = document.and_then(|document| Some((document, json(document)?))).map_or_else(Caller::default, |(document, value)| {
        let mut caller = stated(&value);
        caller.document = Some(Place::new(&*document.id, ""));
        caller
    });
    if let Principal::User(email) = principal {
        let domain = email.rsplit('@').next().unwrap_or_default();
        // P43: a personal account belongs to no customer.
        if matches!(domain, "gmail.com" | "googlemail.com") && caller.customer.is_none() {
            caller.customer = Some(None);
        }
        if caller.customer.is_none() && caller.home.is_none() {
            (caller.customer, caller.home) = of_domain(snapshot, domain);
        }
    }
    if let (Principal::Federated(Identity { pool, .. }), None) = (principal, &caller.home) {
        caller.home = snapshot.of(documents::PRINCIPAL, &pool.everybody()).find_map(|document| stated(&json(document)?).home);
    }
    if caller.home.is_none() {
        caller.home = caller.project.clone().or_else(|| living_in(principal)).and_then(|project| home(snapshot, &project));
    }
    caller
}

/// The customer and the organization of the accounts of a domain: an organization's display name is the primary domain of its customer
/// (F3, F19). Of other domains nothing is known.
fn of_domain(snapshot: &Snapshot, domain: &str) -> (Option<Option<String>>, Option<Vec<String>>) {
    let named = |organization: &Value| text(organization, "displayName").is_some_and(|name| name.eq_ignore_ascii_case(domain));
    let organization = snapshot.all_of(documents::ORGANIZATION).filter_map(json).find(named);
    let known = organization.and_then(|it| Some((crate::membership::customer_id(&it)?, FullName::node(&text(&it, "name")?)?.path)));
    known.map_or((None, None), |(customer, home)| (Some(Some(customer)), Some(vec![home])))
}

/// What a document says of the caller: a member that is there is known, `null` says that it has none, a missing one says nothing.
fn stated(value: &Value) -> Caller {
    let customer = value.get("customer_id").or_else(|| value.get("customerId"));
    let customer = customer.map(|id| id.as_str().map(str::to_owned));
    let domains = texts(value, "domains").or_else(|| Some(vec![text(value, "primary_domain")?]));
    let attributes = value
        .get("attributes")
        .and_then(Value::as_object)
        .map(|members| members.iter().map(|(name, value)| (name.clone(), one_or_more(value))).collect::<BTreeMap<_, _>>());
    let home = texts(value, "ancestors").or_else(|| value.get("project").map(|_| Vec::new()));
    let home = home.map(|mut home| {
        home.extend(text(value, "project"));
        home
    });
    let complete = value.get("ancestors").is_some();
    Caller {
        kind: text(value, "type"),
        customer,
        domains,
        asserted: texts(value, "groups"),
        attributes,
        home: home.filter(|_| complete),
        project: text(value, "project").map(|project| project.trim_start_matches("projects/").to_owned()),
        document: None,
    }
}

fn one_or_more(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(one_or_more).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// The project in which a service account or a workload pool lives.
fn living_in(principal: &Principal) -> Option<String> {
    match principal {
        Principal::Federated(Identity { pool: Pool::Workload { project, .. }, .. }) => project.clone(),
        _ => principal.email().and_then(home_project),
    }
}

/// What lies above the caller's project, that included, as far as the documents say.
fn home(snapshot: &Snapshot, project: &str) -> Option<Vec<String>> {
    let (_, path) = place(snapshot, &project_node(project));
    path.complete.then(|| path.nodes.into_iter().map(|node| node.path).collect())
}

/// The project in which a service account lives: of an agent, the one whose number it carries.
pub(crate) fn home_project(email: &str) -> Option<String> {
    if crate::language::principals::is_service_agent(email) {
        let local = email.split('@').next()?;
        // Those of organizations and folders live in no project.
        if local.starts_with("service-org-") || local.starts_with("service-folder-") {
            return None;
        }
        // `service-300@…`, `300@…`; of Cloud SQL `p300-abc123@…`.
        let of_instance = local.strip_prefix('p').and_then(|rest| rest.split_once('-')).map(|(number, _)| number);
        let numbers = [of_instance, local.rsplit('-').next()];
        let is_number = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        return numbers.into_iter().flatten().find(is_number).map(str::to_owned);
    }
    account_project(email).map(str::to_owned)
}
