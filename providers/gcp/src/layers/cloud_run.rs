//! Cloud Run: a service may leave out the check of who invokes it, and then nobody asks IAM.
//!
//! docs.cloud.google.com/run/docs/authenticating/public; `invokerIamDisabled` of the service (N70).

use super::{Answer, CLOUD_RUN, Unread, whole};
use crate::documents;
use crate::facts::Facts;
use crate::world::{World, json, member, text};
use iam_why_contract::{Document, Recorder, Ruling, Truth};
use serde_json::Value;

/// The permission that invokes a service.
const INVOKES: &str = "run.routes.invoke";

/// Does the service let everybody in without asking IAM?
pub(crate) fn unchecked<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(CLOUD_RUN);
    let service = &world.request.resource;
    if world.request.permission.v1() != INVOKES || service.collection() != Some("services") {
        return answer;
    }
    let Some(document) = world.documents(documents::RUN_SERVICE, service).into_iter().next() else {
        return answer.holding(world.gate(documents::RUN_SERVICE, service, Unread::OnlyIfRefused, facts));
    };
    let open = is_open(document);
    let answer = answer.holding(if open { Truth::Yes } else { Truth::No });
    if !R::KEEPS || !open {
        return answer;
    }
    let place = whole(&document.id);
    answer.noting(Ruling::Allow, "the service does not check who invokes it: IAM is not asked", vec![place.document.to_string()])
}

/// In the shape of the API, or in the one that gcloud prints.
fn is_open(document: &Document) -> bool {
    let value = json(document).unwrap_or_default();
    let annotated = || text(value.get("metadata")?.get("annotations")?, "run.googleapis.com/invoker-iam-disabled");
    member(&value, "invokerIamDisabled").and_then(Value::as_bool) == Some(true) || annotated().as_deref() == Some("true")
}
