//! Policy documents (*Grammar of the IAM JSON policy language*).

use crate::language::action::{ActionPattern, Services};
use crate::language::condition::Condition;
use crate::language::principal::Named;
use crate::language::resource::ResourcePattern;
use crate::language::statement::{Principals, Statement, list};
use iam_why_contract::json::Json;
use iam_why_contract::{Effect, Place};
use std::sync::Arc;

/// Where a policy is attached decides which elements it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// An identity-based policy.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// A resource-based policy.
    Resource,
    /// A role trust policy.
    Trust,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// The policy of an interface VPC endpoint.
    Endpoint,
    /// The policy of a gateway VPC endpoint, which knows `*` and root users only (E-25).
    Gateway,
}

/// A policy, ready to be asked.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The id of the document it stands in.
    pub document: Arc<str>,
    /// Where in that document it begins.
    pub pointer: Box<str>,
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// Why a policy could not be read. Such a policy is never skipped: what it would say is open (G-6).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Unparsed {
    /// The pointer.
    pub at: String,
    /// What stands there and what was expected.
    pub what: String,
}

impl Grammar {
    fn has_principal(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::Rcp | Self::Endpoint | Self::Gateway)
    }

    /// G-4: key policies, repository policies and trust policies may leave the resource to AWS.
    fn may_omit_resource(self) -> bool {
        matches!(self, Self::Resource | Self::Trust)
    }
}

impl Policy {
    /// Reads the policy that stands at `place`.
    ///
    /// # Errors
    /// Where it is not of the grammar: an element that is not known, one that is missing, two that exclude each other.
    pub fn read(place: &Place, document: Arc<str>, json: &Json, grammar: Grammar) -> Result<Self, Unparsed> {
        let members = object(json, place)?;
        for (name, _) in members {
            if !["Version", "Id", "Statement"].contains(&name.as_str()) {
                return Err(unparsed(place, format!("`{name}` is no element of a policy")));
            }
        }
        let variables = match json.get("Version").map(Json::as_str) {
            Some(Some("2012-10-17")) => true,
            // G-3: a policy without a version is read as the old language.
            None | Some(Some("2008-10-17")) => false,
            Some(_) => return Err(unparsed(&place.member("Version"), "expected `2012-10-17` or `2008-10-17`".to_owned())),
        };
        let at = place.member("Statement");
        let statements = match json.get("Statement") {
            None => return Err(unparsed(place, "`Statement` is missing".to_owned())),
            Some(Json::Array(elements)) => elements.iter().enumerate().map(|(index, one)| (at.element(index), one)).collect(),
            Some(one) => vec![(at, one)],
        };
        let read = |(place, json): (Place, &Json)| Reader { grammar, variables }.statement(place, json);
        let statements = statements.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { document, pointer: place.pointer.as_str().into(), statements })
    }
}

fn unparsed(place: &Place, what: String) -> Unparsed {
    Unparsed { at: if place.pointer.is_empty() { "the policy".to_owned() } else { place.pointer.clone() }, what }
}

fn object<'j>(json: &'j Json, place: &Place) -> Result<&'j [(String, Json)], Unparsed> {
    if let Some(twice) = json.duplicate(|one, other| one == other) {
        return Err(unparsed(place, format!("`{twice}` stands there twice")));
    }
    match json {
        Json::Object(members) => Ok(members),
        other => Err(unparsed(place, format!("found {}, expected an object", other.what()))),
    }
}

#[derive(Clone, Copy)]
struct Reader {
    grammar: Grammar,
    variables: bool,
}

const ELEMENTS: [&str; 10] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition", "Id"];

impl Reader {
    fn statement(self, place: Place, json: &Json) -> Result<Statement, Unparsed> {
        let members = object(json, &place)?;
        if let Some((name, _)) = members.iter().find(|(name, _)| !ELEMENTS.contains(&name.as_str())) {
            return Err(unparsed(&place, format!("`{name}` is no element of a statement")));
        }
        let effect = match json.get("Effect").and_then(Json::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(unparsed(&place, "`Effect` should be `Allow` or `Deny`".to_owned())),
        };
        let (actions_negated, actions) = self
            .one_of(&place, json, "Action", "NotAction")?
            .ok_or_else(|| unparsed(&place, "`Action` or `NotAction` is missing".to_owned()))?;
        let resources = self.one_of(&place, json, "Resource", "NotResource")?;
        if resources.is_none() && !self.grammar.may_omit_resource() {
            return Err(unparsed(&place, "`Resource` or `NotResource` is missing".to_owned()));
        }
        let pattern = |text: String| ResourcePattern::new(&text, self.grammar, self.variables);
        let actions = list(actions_negated, actions.iter().map(|text| ActionPattern::new(text)));
        Ok(Statement {
            sid: json.get("Sid").and_then(Json::as_str).unwrap_or_default().into(),
            effect,
            services: Services::of(&actions),
            actions,
            resources: resources.map(|(negated, texts)| list(negated, texts.into_iter().map(pattern))),
            principals: self.principals(&place, json, effect)?,
            conditions: self.conditions(&place, json)?,
            place,
        })
    }

    /// The texts of one of two elements that exclude each other (G-2), and whether it is the negated one.
    fn one_of(self, place: &Place, json: &Json, plain: &str, negated: &str) -> Result<Option<(bool, Vec<String>)>, Unparsed> {
        match (json.get(plain), json.get(negated)) {
            (Some(_), Some(_)) => Err(unparsed(place, format!("`{plain}` and `{negated}` exclude each other"))),
            (Some(value), None) => Ok(Some((false, texts(value, &place.member(plain))?))),
            (None, Some(value)) => Ok(Some((true, texts(value, &place.member(negated))?))),
            (None, None) => Ok(None),
        }
    }

    fn principals(self, place: &Place, json: &Json, effect: Effect) -> Result<Principals, Unparsed> {
        let (name, value) = match (json.get("Principal"), json.get("NotPrincipal")) {
            // E-35: a policy that should name principals and does not speaks of nobody.
            (None, None) if self.grammar.has_principal() => return Ok(Principals::Named(Vec::new())),
            (None, None) => return Ok(Principals::Unspoken),
            (Some(_), Some(_)) => return Err(unparsed(place, "`Principal` and `NotPrincipal` exclude each other".to_owned())),
            (Some(value), None) => ("Principal", value),
            (None, Some(value)) => ("NotPrincipal", value),
        };
        let at = place.member(name);
        // E-36: NotPrincipal stands only beside Deny, and not in trust policies or resource control policies.
        let negatable = effect == Effect::Deny && matches!(self.grammar, Grammar::Resource | Grammar::Endpoint | Grammar::Gateway);
        if !self.grammar.has_principal() || (name == "NotPrincipal" && !negatable) {
            return Err(unparsed(&at, format!("`{name}` cannot stand in this statement")));
        }
        let mut named = named(value, &at)?;
        if self.grammar == Grammar::Gateway {
            named = named.into_iter().map(Named::at_gateway).collect();
        }
        Ok(if name == "Principal" { Principals::Named(named) } else { Principals::Not(named) })
    }

    fn conditions(self, place: &Place, json: &Json) -> Result<Vec<Condition>, Unparsed> {
        let Some(block) = json.get("Condition") else { return Ok(Vec::new()) };
        let at = place.member("Condition");
        let mut conditions = Vec::new();
        for (operator, keys) in object(block, &at)? {
            let at = at.member(operator);
            // B-8: keys do not distinguish case.
            if let Some(twice) = keys.duplicate(str::eq_ignore_ascii_case) {
                return Err(unparsed(&at, format!("`{twice}` stands there twice")));
            }
            for (key, values) in object(keys, &at)? {
                let at = at.member(key);
                let values = texts(values, &at)?;
                let condition = Condition::new(at.clone(), operator, key, &values, self.variables);
                conditions.push(condition.map_err(|error| unparsed(&at, error.to_string()))?);
            }
        }
        Ok(conditions)
    }
}

/// A text, number or boolean, or a list of them (G-1).
fn texts(value: &Json, place: &Place) -> Result<Vec<String>, Unparsed> {
    let text = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Number(number) => Ok(number.to_string()),
        other => Err(unparsed(place, format!("found {}, expected a text", other.what()))),
    };
    match value {
        Json::Array(elements) => elements.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

fn named(value: &Json, place: &Place) -> Result<Vec<Named>, Unparsed> {
    if let Json::String(text) = value {
        // A text alone can only be `*`.
        return if text == "*" {
            Ok(vec![Named::new("*", "*", String::new())])
        } else {
            Err(unparsed(place, format!("`{text}` should be `*` or an object")))
        };
    }
    let mut all = Vec::new();
    for (kind, values) in object(value, place)? {
        if !["AWS", "Service", "Federated", "CanonicalUser"].contains(&kind.as_str()) {
            return Err(unparsed(place, format!("`{kind}` is no kind of principal")));
        }
        let is_list = matches!(values, Json::Array(_));
        for (index, text) in texts(values, &place.member(kind))?.iter().enumerate() {
            let pointer = if is_list { format!("/{kind}/{index}") } else { format!("/{kind}") };
            all.push(Named::new(kind, text, pointer));
        }
    }
    Ok(all)
}
