//! Column-level security of BigQuery: who reads a column with a policy tag needs a permission on the tag, besides the table (N54).
//!
//! docs.cloud.google.com/bigquery/docs/column-level-security-intro, …/column-data-masking-intro.

use super::{Answer, POLICY_TAG, project, ruling_of_guard, whole};
use crate::decide;
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::resources::FullName;
use crate::request::Request;
use crate::world::{World, json, text, texts};
use iam_why_contract::{Decision, Evidence, Kind, Lookup, Part, Place, Recorder, Trace, Truth};
use serde_json::Value;

/// The permission that reads columns.
pub(crate) const READS: &str = "bigquery.tables.getData";

/// A column with a tag.
struct Column {
    /// `person.ssn`
    name: String,
    /// `projects/P/locations/L/taxonomies/T/policyTags/N`
    tag: String,
    /// Where the tag stands.
    place: Place,
}

/// Refuses a policy tag the request?
pub(crate) fn refuses<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let mut answer = Answer { kind: Kind::MissingGrant, ..Answer::silent(POLICY_TAG) };
    if world.request.permission.v1() != READS {
        return answer;
    }
    let Some(document) = world.documents(documents::TABLE, &world.request.resource).into_iter().next() else {
        return answer.holding(world.gate(documents::TABLE, &world.request.resource, super::Unread::OnlyIfRefused, facts));
    };
    let mut columns = Vec::new();
    let schema = json(document).and_then(|value| value.get("schema").cloned()).unwrap_or_default();
    tagged(&schema, "", &whole(&document.id).member("schema"), &mut columns);
    for column in columns {
        answer = answer_for::<R>(world, &column, facts, answer);
        if answer.holds.is_yes() && !R::KEEPS {
            return answer;
        }
    }
    if R::KEEPS {
        let ruling = ruling_of_guard(answer.holds);
        answer = answer.noting(ruling, "columns with policy tags", vec![document.id.to_string()]);
    }
    answer
}

/// The columns with tags, those within records too.
fn tagged(fields: &Value, above: &str, place: &Place, found: &mut Vec<Column>) {
    let list = fields.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, field) in list.iter().enumerate() {
        let place = place.member("fields").element(at);
        let name = format!("{above}{}", text(field, "name").unwrap_or_default());
        let tags = field.get("policyTags").and_then(|tags| texts(tags, "names")).unwrap_or_default();
        found.extend(tags.into_iter().enumerate().map(|(at, tag)| Column {
            name: name.clone(),
            tag,
            place: place.member("policyTags").member("names").element(at),
        }));
        tagged(field, &format!("{name}."), &place, found);
    }
}

/// The authorization on the tag that reading the column takes.
pub(crate) fn reading(world: &World<'_>, tag: &str) -> Option<Request> {
    world.request.also("datacatalog.categories.fineGrainedGet", FullName::new("datacatalog.googleapis.com", tag))
}

fn answer_for<R: Recorder>(world: &World<'_>, column: &Column, facts: &Facts, mut answer: Answer) -> Answer {
    let read = is_read(world, column, facts);
    let Some(request) = reading(world, &column.tag).filter(|_| !read.is_no()) else { return answer };
    let other = World::new(world.snapshot, &request);
    let about = facts.of(&format!("reading {}", column.tag));
    let iam = decide::iam::<R>(&other, &about);
    let refused = (!iam.allowed).and(read);
    let holds = if refused.is_no() { refused } else { refused.and(!masked(world, column, facts)) };
    answer.holds = answer.holds.or(holds);
    // E7: where the permission is taken away, granting it would not help.
    if holds.is_yes() && iam.kind == Kind::ExplicitDeny {
        answer.kind = Kind::ExplicitDeny;
    }
    if !R::KEEPS || !holds.is_yes() {
        return answer;
    }
    let says = format!(
        "{} may not read the column {}: {} is not granted on its policy tag {}",
        world.request.principal.v1(),
        column.name,
        request.permission.v1(),
        column.tag
    );
    answer.parts.push(Part {
        action: request.permission.v1().into(),
        resource: Some(request.resource.to_string()),
        because: format!("the column {} has this policy tag", column.name),
        decision: Decision::Deny,
        kind: Some(iam.kind),
        decided_by: iam.decided_by,
        trace: Trace { steps: iam.steps },
    });
    answer.finding(&findings::POLICY_TAG, says, Evidence::Place(column.place.clone()), "the administrators of the taxonomy")
}

/// Does the query read the column? Which columns it reads is told by the query, not by the permission.
fn is_read(world: &World<'_>, column: &Column, facts: &Facts) -> Truth {
    match world.request.context.get("bigquery.columns") {
        Lookup::Known(columns) => {
            let within = |name: &String| *name == column.name || column.name.starts_with(&format!("{name}."));
            if columns.iter().any(within) { Truth::Yes } else { Truth::No }
        }
        _ => world.ask(
            facts,
            &format!("column {}", column.name),
            format!("whether the query reads the column {}, which has the policy tag {}", column.name, column.tag),
            "--context bigquery.columns=COLUMN for each column that the query reads",
        ),
    }
}

/// Who may read masked values is not refused.
fn masked(world: &World<'_>, column: &Column, facts: &Facts) -> Truth {
    let tag = FullName::new("datacatalog.googleapis.com", &column.tag);
    let node = tag.project().and_then(|project| FullName::node(&format!("projects/{project}")));
    let everywhere = node.and_then(|node| world.request.also("bigquery.dataPolicies.maskedGet", node));
    let everywhere = everywhere.map_or(Truth::No, |request| project::authorized(world, &request, facts));
    if everywhere.is_yes() || world.request.context.unmentioned("bigquery.data_policies") == Lookup::Absent {
        return everywhere;
    }
    everywhere.or(world.ask(
        facts,
        &format!("masking {}", column.tag),
        format!("whether a data policy gives the caller masked values of the column {}", column.name),
        "the data policies of the policy tag and who has bigquery.dataPolicies.maskedGet on them",
    ))
}
