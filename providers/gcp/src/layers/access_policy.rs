//! Access policies: besides allow and deny policies, those bound to a project decide who may publish to its Eventarc buses.
//!
//! docs.cloud.google.com/eventarc/advanced/docs/control-publishing-access, docs.cloud.google.com/iam/docs/policy-types (A11). Which of the
//! policy types decides where they differ is not told; a denial is taken to stand, as everywhere in IAM.

use super::{ACCESS_POLICY, Answer, Unread, ruling_of_guard, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::principals::Member;
use crate::world::{World, doubt, elements, json, member, text, texts};
use iam_why_contract::{Document, Effect, Evidence, Place, Recorder, Statement, Step, Test, Truth};
use serde_json::Value;

/// The only permission that they know.
const PUBLISHES: &str = "eventarc.messageBuses.publish";

/// What the access policies on the request's project say.
pub(crate) struct Said {
    /// Do they grant?
    pub grants: Truth,
    /// Do they deny?
    pub denies: Answer,
}

/// Asks the access policies.
pub(crate) fn says<R: Recorder>(world: &World<'_>, facts: &Facts) -> Said {
    let mut said = Said { grants: Truth::No, denies: Answer::silent(ACCESS_POLICY) };
    let Some(project) = world.project_node().filter(|_| world.request.permission.v1() == PUBLISHES) else { return said };
    let bindings = world.documents(documents::ACCESS_BINDING, &project);
    if bindings.is_empty() {
        if world.gate(documents::ACCESS_BINDING, &project, Unread::Matters, &Facts::default()).is_unknown() {
            said.unread(world, documents::ACCESS_BINDING, &project.to_string(), facts);
        }
        return said;
    }
    for name in bindings.iter().flat_map(|document| bound(document)) {
        match world.snapshot.of(documents::ACCESS_POLICY, &name).next() {
            Some(document) => said.read::<R>(world, document, facts),
            None => said.unread(world, documents::ACCESS_POLICY, &name, facts),
        }
    }
    said
}

/// The names of the policies that a document binds: one binding, or a list of them.
fn bound(document: &Document) -> Vec<String> {
    let value = json(document).unwrap_or_default();
    let one = [value.clone()];
    let list = elements(&value, &["policyBindings"]).map_or(one.as_slice(), Vec::as_slice);
    list.iter()
        .filter(|binding| text(binding, "policyKind").is_none_or(|kind| kind == "ACCESS"))
        .filter_map(|binding| text(binding, "policy"))
        .collect()
}

impl Said {
    /// What was not read may say nothing, grant, or deny.
    fn unread(&mut self, world: &World<'_>, kind: &str, subject: &str, facts: &Facts) {
        let way = facts.way(&format!("{kind} of {subject}"), 3, || doubt(kind, subject, world.snapshot.outcome(kind, subject)));
        let (grants, denies) = match way {
            None => (Truth::Unknown, Truth::Unknown),
            Some(1) => (Truth::Yes, Truth::No),
            Some(2) => (Truth::No, Truth::Yes),
            Some(_) => (Truth::No, Truth::No),
        };
        self.grants = self.grants.or(grants);
        self.denies.holds = self.denies.holds.or(denies);
    }

    fn read<R: Recorder>(&mut self, world: &World<'_>, document: &Document, facts: &Facts) {
        let value = json(document).unwrap_or_default();
        let details = value.get("details").unwrap_or(&value);
        let base = if value.get("details").is_some() { whole(&document.id).member("details") } else { whole(&document.id) };
        let rules = member(details, "rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut statements = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let place = base.member("rules").element(at);
            let denies = text(rule, "effect").as_deref() == Some("DENY");
            let applies = applies(world, rule, &place, facts);
            if denies {
                self.denies.holds = self.denies.holds.or(applies);
            } else {
                self.grants = self.grants.or(applies);
            }
            if R::KEEPS {
                if denies && applies.is_yes() {
                    self.report(world, document, &place);
                }
                let effect = if denies { Effect::Deny } else { Effect::Allow };
                let test = Test::new(
                    place.member("principals"),
                    "principal",
                    texts(rule, "principals").unwrap_or_default().join(", "),
                    world.request.principal.v2(),
                    applies,
                );
                let label = text(rule, "description").unwrap_or_else(|| document.title.to_string());
                statements.push(Statement { place, label: label.into(), effect, applies, tests: vec![test] });
            }
        }
        if R::KEEPS {
            self.denies.steps.push(Step {
                layer: ACCESS_POLICY,
                subject: document.subject.to_string(),
                ruling: ruling_of_guard(self.denies.holds),
                needed: false,
                documents: vec![document.id.to_string()],
                statements,
                note: String::new(),
            });
        }
    }

    fn report(&mut self, world: &World<'_>, document: &Document, place: &Place) {
        let name = document.subject.rsplit('/').next().unwrap_or_default();
        let says = format!("the access policy {name} denies {} to {}", PUBLISHES, world.request.principal.v1());
        let taken = std::mem::replace(&mut self.denies, Answer::silent(ACCESS_POLICY));
        self.denies =
            taken.finding(&findings::ACCESS_POLICY, says, Evidence::Place(place.clone()), "the administrators of the access policy");
    }
}

fn applies(world: &World<'_>, rule: &Value, place: &Place, facts: &Facts) -> Truth {
    let operation = member(rule, "operation").unwrap_or(&Value::Null);
    let permission = &world.request.permission;
    let names = |list: &str| {
        texts(operation, list).unwrap_or_default().iter().any(|entry| permission.is_named_by(entry) || entry == permission.v1())
    };
    if !names("permissions") || names("excludedPermissions") {
        return Truth::No;
    }
    let covered =
        |list: &str| Truth::any(texts(rule, list).unwrap_or_default().iter().map(|written| world.covers(&Member::v2(written), facts)));
    let covers = covered("principals");
    let covers = if covers.is_no() { covers } else { covers.and(!covered("excludedPrincipals")) };
    let conditions = member(rule, "conditions").and_then(Value::as_object).filter(|conditions| !conditions.is_empty());
    match conditions.filter(|_| !covers.is_no()) {
        // They look at attributes of the event, which no question holds.
        Some(_) => covers.and(world.ask(
            facts,
            &format!("event {place:?}"),
            "whether the event meets the condition of an access policy",
            "the context attributes of the event",
        )),
        None => covers,
    }
}
