//! BigQuery: the access list of a dataset grants what the roles in it grant.
//!
//! docs.cloud.google.com/bigquery/docs/control-access-to-resources-iam (N50-N55).

use super::{DATASET_ACCESS, ruling_of_grant, whole};
use crate::documents;
use crate::facts::Facts;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::principals::{Member, Principal};
use crate::language::resources::FullName;
use crate::world::{RoleSays, World, condition_of, doubt, elements, json, member, text};
use iam_why_contract::{Effect, Outcome, Place, Recorder, Statement, Step, Test, Truth};
use serde_json::Value;

/// What dataViewer includes, and so do dataEditor and dataOwner (A8).
const READS: &[&str] = &["bigquery.tables.getData", "bigquery.tables.get", "bigquery.tables.list", "bigquery.datasets.get"];

/// What dataEditor adds, and dataOwner has too.
const WRITES: &[&str] =
    &["bigquery.tables.create", "bigquery.tables.delete", "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.models.create"];

/// What only dataOwner has.
const OWNS: &[&str] =
    &["bigquery.datasets.delete", "bigquery.datasets.update", "bigquery.datasets.setIamPolicy", "bigquery.tables.setIamPolicy"];

/// Whether one of the three roles of access lists includes a permission, where that is told for all time; `None` where it is not.
fn includes(role: &str, permission: &str) -> Option<bool> {
    let rank =
        ["roles/bigquery.dataViewer", "roles/bigquery.dataEditor", "roles/bigquery.dataOwner"].iter().position(|name| *name == role)?;
    let needed = [READS, WRITES, OWNS].iter().position(|list| list.contains(&permission))?;
    Some(rank >= needed)
}

/// What the dataset's access list grants.
pub(crate) fn grants<R: Recorder>(world: &World<'_>, facts: &Facts) -> (Truth, Vec<Step>) {
    let Some(dataset) = dataset(&world.request.resource) else { return (Truth::No, Vec::new()) };
    let Some(document) = world.documents(documents::DATASET, &dataset).into_iter().next() else {
        // The list is the dataset's allow policy in another shape: where that was read, nothing is missing.
        let refused = matches!(world.outcome(documents::DATASET, &dataset), Some(Outcome::Refused { .. } | Outcome::NotTried { .. }));
        let policy = world.was_read(documents::ALLOW_POLICY, &dataset);
        let open = refused && !policy;
        // It is one fact with the allow policy that was not read.
        let unread = || doubt(documents::DATASET, &world.shown(&dataset), world.outcome(documents::DATASET, &dataset));
        let holds = if open { facts.truth(&format!("allow policy of {dataset}"), unread) } else { Truth::No };
        return (holds, Vec::new());
    };
    let value = json(document).unwrap_or_default();
    let empty = Vec::new();
    let place = if value.is_array() { whole(&document.id) } else { whole(&document.id).member("access") };
    let mut grants = Truth::No;
    let mut statements = Vec::new();
    for (at, entry) in elements(&value, &["access"]).unwrap_or(&empty).iter().enumerate() {
        let place = place.element(at);
        let mut recorder = R::default();
        let applies = applies(world, entry, &place, facts, &mut recorder);
        grants = grants.or(applies);
        if R::KEEPS {
            let label = text(entry, "role").unwrap_or_else(|| "authorized view, routine or dataset".into());
            statements.push(Statement { place, label: label.into(), effect: Effect::Allow, applies, tests: recorder.into_tests() });
        }
    }
    let step = R::KEEPS.then(|| Step {
        layer: DATASET_ACCESS,
        subject: world.shown(&dataset),
        ruling: ruling_of_grant(grants),
        needed: false,
        documents: vec![document.id.to_string()],
        statements,
        note: String::new(),
    });
    (grants, step.into_iter().collect())
}

fn dataset(resource: &FullName) -> Option<FullName> {
    let mut parts = resource.path.split('/');
    let (projects, project, datasets, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fits = resource.service == "bigquery.googleapis.com" && projects == "projects" && datasets == "datasets";
    fits.then(|| FullName::new(&resource.service, &format!("projects/{project}/datasets/{id}")))
}

/// N51
fn applies<R: Recorder>(world: &World<'_>, entry: &Value, place: &Place, facts: &Facts, recorder: &mut R) -> Truth {
    let Some(written) = text(entry, "role") else { return Truth::No };
    let role = match written.as_str() {
        "READER" => "roles/bigquery.dataViewer",
        "WRITER" => "roles/bigquery.dataEditor",
        "OWNER" => "roles/bigquery.dataOwner",
        other => other,
    };
    let covers = covers(world, entry, facts);
    recorder.test(|| Test::new(place.clone(), "principal", whom(entry), world.request.principal.v1(), covers));
    if covers.is_no() {
        return Truth::No;
    }
    let includes = match &world.role(role).says {
        RoleSays::Includes(_) => Truth::Yes,
        RoleSays::Unread(doubt) => match includes(role, world.request.permission.v1()) {
            Some(true) => Truth::Yes,
            Some(false) => Truth::No,
            None => facts.truth(&format!("role {role}"), || doubt.clone()),
        },
        _ => Truth::No,
    };
    recorder.test(|| Test::new(place.member("role"), "action", role, world.request.permission.v1(), includes));
    covers.and(includes).and(condition(world, entry, place, facts, recorder))
}

fn condition<R: Recorder>(world: &World<'_>, entry: &Value, place: &Place, facts: &Facts, recorder: &mut R) -> Truth {
    let Some(value) = entry.get("condition").filter(|value| !value.is_null()) else { return Truth::Yes };
    let Some(condition) = condition_of(value, &place.member("condition")) else { return Truth::No };
    match &condition.expression {
        Ok(expression) => {
            let evaluation =
                Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Allow, facts, place: &condition.place };
            evaluation.run(recorder).grants()
        }
        Err(error) => world.illegible_condition(&condition, error, Truth::No, facts),
    }
}

fn whom(entry: &Value) -> String {
    let names = ["userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember"];
    names.into_iter().find_map(|name| text(entry, name)).unwrap_or_default()
}

fn covers(world: &World<'_>, entry: &Value, facts: &Facts) -> Truth {
    let project = world.project.id.clone().or_else(|| world.project.number.clone()).unwrap_or_default();
    let holders = |role: &'static str| Member::Holders { role, project: project.clone() };
    let member = if let Some(email) = member(entry, "userByEmail").and_then(Value::as_str) {
        match &world.request.principal {
            Principal::ServiceAccount(_) => Member::ServiceAccount(email.into()),
            _ => Member::User(email.into()),
        }
    } else if let Some(email) = text(entry, "groupByEmail") {
        Member::Group(email)
    } else if let Some(domain) = text(entry, "domain") {
        Member::Domain(domain)
    } else if let Some(written) = text(entry, "iamMember") {
        Member::v1(&written)
    } else {
        match text(entry, "specialGroup").as_deref() {
            Some("projectOwners") => holders("roles/owner"),
            Some("projectWriters") => holders("roles/editor"),
            Some("projectReaders") => holders("roles/viewer"),
            Some("allAuthenticatedUsers") => Member::Authenticated,
            _ => return Truth::No,
        }
    };
    world.covers(&member, facts)
}
