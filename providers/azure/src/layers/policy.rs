//! Azure Policy: the effects `deny` and `denyAction` refuse what everybody else allowed (X-8: `RequestDisallowedByPolicy`).
//!
//! A rule looks at the content of the request. What of it is not known (see [`rule`]) leaves the rule open.

mod parameters;
mod rule;

use crate::documents;
use crate::language::operators::date;
use crate::layers::{Asked, Look, statement};
use crate::operations::{Verb, verb};
use crate::scope::Scope;
use crate::world::{Body, Listed, last, value};
use iam_why_contract::{Document, Effect, Place, Recorder, Test, Truth};
use parameters::Parameters;
use rule::Rule;
use serde_json::Value;

/// The id of the layer.
pub(crate) const ID: &str = "policy";

/// Does a policy refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let effect = match verb(&asked.access.action) {
        Verb::Write => "deny",
        Verb::Delete => "denyaction",
        Verb::Read | Verb::Act => return Look::unbound(ID, Effect::Deny),
    };
    if !asked.is_managed() {
        return Look::unbound(ID, Effect::Deny);
    }
    let mut look = Look::new(ID, Effect::Deny, Truth::No);
    for document in asked.world.all(documents::POLICY_ASSIGNMENT) {
        let Some(value) = value(document) else { continue };
        let mut tests = R::default();
        let truth = asked.facts.unless_certain(|| Assignment::new(asked, document, &value, effect).refuses(document, &mut tests));
        look.truth = look.truth.or(truth);
        if R::KEEPS && !truth.is_no() {
            let body = Body::new(&value);
            let place = Place::new(document.id.to_string(), body.pointer).member("policyDefinitionId");
            let test =
                Test::new(place.clone(), "policy", format!("effect {effect}"), asked.access.action.clone(), truth).of(tests.into_tests());
            look = look.shown(statement(place, body.text("displayName").unwrap_or(&document.title), Effect::Deny, truth, vec![test]));
        }
    }
    if let Listed::No(doubt) = asked.world.listed(documents::POLICY_ASSIGNMENT, asked.scope.as_ref(), asked.caller) {
        look.truth = look.truth.or(asked.facts.ask("policies unread", || doubt));
    }
    look.binds = !look.truth.is_no();
    look
}

/// One policy assignment, and the request it looks at.
struct Assignment<'a> {
    asked: &'a Asked<'a>,
    id: &'a str,
    body: Body<'a>,
    effect: &'a str,
}

/// A definition as an assignment or an initiative refers to it.
struct Member {
    definition: String,
    /// What exemptions and overrides of an initiative's assignment call it.
    reference: Option<String>,
    parameters: Option<Value>,
}

impl<'a> Assignment<'a> {
    fn new(asked: &'a Asked<'a>, document: &'a Document, value: &'a Value, effect: &'a str) -> Self {
        let body = Body::new(value);
        Self { asked, id: body.text("id").unwrap_or(&document.id), body, effect }
    }

    fn refuses<R: Recorder>(&self, document: &Document, kept: &mut R) -> Truth {
        let reaches = self.reaches(document);
        if reaches.is_no() {
            return Truth::No;
        }
        match self.members() {
            Ok(members) => reaches.and(Truth::any(members.iter().map(|member| self.member(member, kept)).collect::<Vec<_>>())),
            Err(truth) => reaches.and(truth),
        }
    }

    /// Is it enforced, and is the resource in its scope and not left out of it?
    fn reaches(&self, document: &Document) -> Truth {
        let world = self.asked.world;
        let scope = self.body.text("scope").map_or_else(|| Scope::new(&document.subject), Scope::new);
        let holds = |scope: &Scope| world.covers(scope, self.asked.scope.as_ref(), self.asked.facts);
        let spared = self.body.get("notScopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let spared = Truth::any(spared.map(|scope| holds(&Scope::new(scope))));
        let reaches = self.enforced();
        if reaches.is_no() { reaches } else { reaches.and(holds(&scope)).and(!spared).and(self.selected()) }
    }

    fn enforced(&self) -> Truth {
        match self.body.text("enforcementMode").map(str::to_ascii_lowercase).as_deref() {
            None | Some("default") => Truth::Yes,
            Some("donotenforce") => Truth::No,
            // `Enroll` enforces once the resource, or what it is in, is enrolled.
            Some(mode) => self.asked.ask(
                &format!("enforced {}", self.id.to_ascii_lowercase()),
                format!("whether the policy assignment {} is enforced here: its enforcementMode is {mode}", last(self.id)),
                "the enrollments of the policy assignment",
            ),
        }
    }

    /// Resource selectors limit an assignment to types and locations; one of them is enough.
    fn selected(&self) -> Truth {
        let list = self.body.get("resourceSelectors").and_then(Value::as_array).filter(|list| !list.is_empty());
        let Some(list) = list else { return Truth::Yes };
        let one = |selector: &Value| {
            let selectors = selector.get("selectors").and_then(Value::as_array);
            Truth::all(selectors.into_iter().flatten().map(|selector| self.selects(selector, None)).collect::<Vec<_>>())
        };
        self.open(Truth::any(list.iter().map(one).collect::<Vec<_>>()), "selectors", "the type or the location of the resource")
    }

    fn selects(&self, selector: &Value, reference: Option<&str>) -> Truth {
        let kind = selector.get("kind").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let own = match kind.as_str() {
            "resourcetype" => rule::resource_type(self.asked),
            "resourcelocation" => self.asked.request.value("location").map(str::to_owned),
            "policydefinitionreferenceid" => reference.map(str::to_owned),
            _ => None,
        };
        let Some(own) = own.map(|own| own.replace(' ', "")) else { return Truth::Unknown };
        let within = |name: &str| {
            let list = selector.get(name).and_then(Value::as_array)?;
            Some(list.iter().filter_map(Value::as_str).any(|one| one.replace(' ', "").eq_ignore_ascii_case(&own)))
        };
        match (within("in"), within("notIn")) {
            (Some(within), _) => Truth::from(within),
            (None, Some(within)) => Truth::from(!within),
            (None, None) => Truth::Unknown,
        }
    }

    /// A truth that hangs on facts that nobody gave becomes one question.
    fn open(&self, truth: Truth, what: &str, needs: &str) -> Truth {
        if !truth.is_unknown() {
            return truth;
        }
        let about = format!("whether the {what} of the policy assignment {} take in the resource", last(self.id));
        self.asked.ask(&format!("{what} {}", self.id.to_ascii_lowercase()), about, needs)
    }

    /// The definition, or every definition of the initiative; or what it comes to if that was not read.
    fn members(&self) -> Result<Vec<Member>, Truth> {
        let id = self.body.text("policyDefinitionId").unwrap_or_default();
        if !id.to_ascii_lowercase().contains("/policysetdefinitions/") {
            return Ok(vec![Member { definition: id.to_owned(), reference: None, parameters: self.body.get("parameters").cloned() }]);
        }
        let set = named(self.asked, documents::POLICY_SET, id).and_then(value);
        let Some(set) = set else { return Err(not_read(self.asked, documents::POLICY_SET, id)) };
        let body = Body::new(&set);
        let own = Parameters { given: self.body.get("parameters"), defaults: body.get("parameters") };
        let member = |entry: &Value| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
            Member {
                definition: text("policyDefinitionId").unwrap_or_default(),
                reference: text("policyDefinitionReferenceId"),
                parameters: entry.get("parameters").map(|written| own.handed_on(written)),
            }
        };
        Ok(body.get("policyDefinitions").and_then(Value::as_array).into_iter().flatten().map(member).collect())
    }

    fn member<R: Recorder>(&self, member: &Member, kept: &mut R) -> Truth {
        let mut own = R::default();
        let truth = self.definition(member, &mut own);
        let truth = if truth.is_no() { truth } else { truth.and(!self.exempt(member)) };
        if !truth.is_no() {
            own.into_tests().into_iter().for_each(|test| kept.test(|| test));
        }
        truth
    }

    fn definition<R: Recorder>(&self, member: &Member, kept: &mut R) -> Truth {
        let id = &member.definition;
        let unread = || not_read(self.asked, documents::POLICY_DEFINITION, id);
        let Some((document, value)) = named(self.asked, documents::POLICY_DEFINITION, id).and_then(|found| Some((found, value(found)?)))
        else {
            return unread();
        };
        let body = Body::new(&value);
        let Some(rule) = body.get("policyRule") else { return unread() };
        let parameters = Parameters { given: member.parameters.as_ref(), defaults: body.get("parameters") };
        let written = rule.get("then").and_then(|then| then.get("effect")).unwrap_or(&Value::Null);
        let refuses = match self.overridden(member) {
            Some(truth) => truth,
            None => match parameters.value(written).as_ref().and_then(Value::as_str) {
                Some(own) => Truth::from(own.eq_ignore_ascii_case(self.effect)),
                None => unread(),
            },
        };
        let reaches = refuses.and(self.mode(&body));
        let Some(condition) = rule.get("if").filter(|_| !reaches.is_no()) else { return reaches.and(unread()) };
        let place = Place::new(document.id.to_string(), body.pointer).member("policyRule").member("if");
        let held = Rule { asked: self.asked, parameters: &parameters }.holds(condition, &place, 0, kept);
        // What is refused to resources in it keeps a resource group from being deleted: which ones it holds is not known.
        let held = if self.deletes_a_group() { Truth::Unknown } else { held };
        reaches.and(if held.is_unknown() { content(self.asked, id) } else { held })
    }

    /// "Azure Policy definition structure: basics": indexed definitions leave out what has neither tags nor location, groups and
    /// subscriptions among them; the modes of resource providers look at what is inside a resource, not at the resource.
    fn mode(&self, body: &Body<'_>) -> Truth {
        let mode = body.text("mode").unwrap_or_default().to_ascii_lowercase();
        let kind = rule::resource_type(self.asked).unwrap_or_default();
        let group = matches!(kind.as_str(), "microsoft.resources/subscriptions/resourcegroups" | "microsoft.resources/subscriptions");
        match mode.as_str() {
            "indexed" => Truth::from(!group || self.deletes_a_group()),
            mode if mode.ends_with(".data") => Truth::No,
            _ => Truth::Yes,
        }
    }

    fn deletes_a_group(&self) -> bool {
        self.asked.access.action.eq_ignore_ascii_case("Microsoft.Resources/subscriptions/resourceGroups/delete")
    }

    /// Whether an override of the assignment makes the effect the one that refuses; `None` where none changes it.
    fn overridden(&self, member: &Member) -> Option<Truth> {
        let list = self.body.get("overrides").and_then(Value::as_array)?;
        for entry in list.iter().filter(|entry| entry.get("kind").and_then(Value::as_str) == Some("policyEffect")) {
            let selectors = entry.get("selectors").and_then(Value::as_array).into_iter().flatten();
            let chosen = Truth::all(selectors.map(|selector| self.selects(selector, member.reference.as_deref())).collect::<Vec<_>>());
            match chosen {
                Truth::No => {}
                Truth::Yes => {
                    let value = entry.get("value").and_then(Value::as_str).unwrap_or_default();
                    return Some(Truth::from(value.eq_ignore_ascii_case(self.effect)));
                }
                Truth::Unknown => return Some(self.open(Truth::Unknown, "overrides", "the location of the resource")),
            }
        }
        None
    }

    /// Is the resource exempt from the assignment, or from this part of it?
    fn exempt(&self, member: &Member) -> Truth {
        Truth::any(self.asked.world.all(documents::POLICY_EXEMPTION).map(|document| self.exempts(document, member)).collect::<Vec<_>>())
    }

    fn exempts(&self, document: &Document, member: &Member) -> Truth {
        let Some(value) = value(document) else { return Truth::No };
        let body = Body::new(&value);
        if body.text("policyAssignmentId").is_none_or(|id| !id.eq_ignore_ascii_case(self.id)) {
            return Truth::No;
        }
        let references: Vec<&str> =
            body.get("policyDefinitionReferenceIds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let named = member.reference.as_ref().is_some_and(|own| references.iter().any(|one| one.eq_ignore_ascii_case(own)));
        if !references.is_empty() && !named {
            return Truth::No;
        }
        let scope = value.get("id").and_then(Value::as_str).and_then(|id| {
            id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/policyexemptions/").and_then(|at| id.get(..at))
        });
        let scope = Scope::new(scope.unwrap_or(&document.subject));
        self.asked.world.covers(&scope, self.asked.scope.as_ref(), self.asked.facts).and(in_force(self.asked, &body, document))
    }
}

fn named<'a>(asked: &Asked<'a>, kind: &'static str, id: &str) -> Option<&'a Document> {
    let exact = asked.world.document(kind, id);
    exact.or_else(|| asked.world.all(kind).find(|document| last(&document.subject).eq_ignore_ascii_case(last(id))))
}

fn not_read(asked: &Asked<'_>, kind: &'static str, id: &str) -> Truth {
    asked.unread(kind, id, "refuses")
}

fn content(asked: &Asked<'_>, id: &str) -> Truth {
    let about = format!("whether the resource, as the request would make it, is what the policy {} refuses", last(id));
    asked.ask(
        &format!("policy {}", id.to_ascii_lowercase()),
        about,
        "the content of the request: --context location=VALUE, or any other field that the policy names; Azure answers it under checkPolicyRestrictions",
    )
}

fn in_force(asked: &Asked<'_>, body: &Body<'_>, document: &Document) -> Truth {
    match (body.text("expiresOn").and_then(date::moment), asked.request.now()) {
        (None, _) => Truth::Yes,
        (Some(end), Some(now)) => Truth::from(now < end),
        (Some(_), None) => {
            asked.ask(&format!("in force {}", document.id), "when the request was made", "--context now=2026-01-31T12:00:00Z")
        }
    }
}
