//! `gcp.resourceLocations`: where a resource may be created.
//!
//! docs.cloud.google.com/resource-manager/docs/organization-policy/defining-locations and defining-locations-supported-services. A
//! region without a prefix stands for its value group `in:REGION-locations`; a zone and a multi-region stand for themselves. Global
//! resources and what lies inside others are not limited.

use super::{List, hidden, list};
use crate::facts::Facts;
use crate::world::World;
use iam_why_contract::{Place, Truth};

/// The constraint.
pub(super) const CONSTRAINT: &str = "gcp.resourceLocations";

/// What is created in a location that is chosen, as the page on supported services lists it.
const LOCATED: &[&str] = &[
    "alloydb.clusters.create",
    "artifactregistry.repositories.create",
    "bigquery.datasets.create",
    "cloudfunctions.functions.create",
    "cloudkms.keyRings.create",
    "cloudsql.instances.create",
    "composer.environments.create",
    "compute.disks.create",
    "compute.instances.create",
    "container.clusters.create",
    "dataflow.jobs.create",
    "dataproc.clusters.create",
    "run.jobs.create",
    "run.services.create",
    "secretmanager.secrets.create",
    "spanner.instances.create",
    "storage.buckets.create",
];

/// Is the location of what the request creates outside of those that are allowed?
pub(super) fn refuses(world: &World<'_>, facts: &Facts) -> (Truth, Option<Place>) {
    if !LOCATED.contains(&world.request.permission.v1()) {
        return (Truth::No, None);
    }
    if let Some(open) = hidden(world, CONSTRAINT, facts) {
        return (open, None);
    }
    let Some(list) = list(world, CONSTRAINT, facts) else { return (Truth::No, None) };
    let refuses = match location(world) {
        _ if list.none => Truth::Yes,
        _ if list.all && list.denied.is_empty() => Truth::No,
        Some(location) if location == "global" => Truth::No,
        Some(location) => outside(world, &list, &location.to_ascii_lowercase(), facts),
        None => world.ask(
            facts,
            "location",
            format!("where the request creates the resource, which constraints/{CONSTRAINT} limits"),
            "--context resource.location=…",
        ),
    };
    (refuses.and(list.certain), Some(list.place))
}

/// What the question says of the location, else what the name of the resource does.
pub(super) fn location(world: &World<'_>) -> Option<String> {
    let named = || {
        let mut parts = world.request.resource.path.split('/');
        parts.find(|part| matches!(*part, "locations" | "zones" | "regions")).and_then(|_| parts.next())
    };
    world.context("resource.location").or_else(named).map(str::to_owned)
}

/// A value that is denied refuses; where some are allowed, so does what is none of them.
fn outside(world: &World<'_>, list: &List, location: &str, facts: &Facts) -> Truth {
    let holds = |values: &[String]| Truth::any(values.iter().map(|value| holds(world, value, location, facts)));
    let denied = holds(&list.denied);
    if denied.is_yes() || list.all || list.allowed.is_empty() {
        return denied;
    }
    denied.or(!holds(&list.allowed))
}

/// Is the location the value, or in the group that it names?
fn holds(world: &World<'_>, value: &str, location: &str, facts: &Facts) -> Truth {
    let value = value.to_ascii_lowercase();
    let bare = value.trim_start_matches("is:").trim_start_matches("in:");
    if bare == location {
        return Truth::Yes;
    }
    let Some(group) = bare.strip_suffix("-locations").or_else(|| is_region(bare).then_some(bare)) else {
        return Truth::No;
    };
    if is_region(group) {
        return yes(group == location || region_of(location) == Some(group));
    }
    match continent(group, location) {
        Some(within) => yes(within),
        None => world.ask(
            facts,
            &format!("locations {group} {location}"),
            format!("whether the value group in:{group}-locations holds {location}"),
            "the page Restricting resource locations: its value groups",
        ),
    }
}

/// Groups whose regions are told by their names. Which of Europe's regions are in the European Union, or run on little carbon, is not.
fn continent(group: &str, location: &str) -> Option<bool> {
    let within = |prefix: &str| location == group || location.starts_with(prefix);
    match group {
        "us" => Some(within("us-")),
        "asia" => Some(within("asia-")),
        "europe" => Some(within("europe-") || location == "eu"),
        "australia" => Some(within("australia-")),
        "northamerica" | "southamerica" | "africa" | "me" => None,
        "eu" if !location.starts_with("eu") => Some(false),
        _ => None,
    }
}

/// `europe-west1`: a place and a number.
fn is_region(text: &str) -> bool {
    text.contains('-') && text.ends_with(|last: char| last.is_ascii_digit())
}

/// `europe-west1-b` lies in `europe-west1`.
fn region_of(location: &str) -> Option<&str> {
    location.rsplit_once('-').map(|(region, _)| region).filter(|region| is_region(region))
}

fn yes(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}
