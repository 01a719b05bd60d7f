//! What conditions see of a request, derived from its resource and from what the question says of it.

use crate::documents;
use crate::language::attributes::{ApiRest, Attribute, Attributes, FIELDS, Tag, Tags};
use crate::language::principals::{Identity, Pool, Principal};
use crate::language::resources::FullName;
use crate::language::supplied::{Supplied, Token};
use crate::language::value::Value;
use crate::world::{World, doubt, elements, json, text};
use iam_why_contract::{Lookup, Outcome};
use std::borrow::Cow;
use std::collections::BTreeMap;

impl World<'_> {
    /// Everything a condition can ask about this request.
    pub(crate) fn attributes(&self) -> &Attributes {
        self.seen.get_or_init(|| self.see())
    }

    fn see(&self) -> Attributes {
        let mut named = BTreeMap::new();
        let resource = ["resource.service", "resource.type", "resource.name"];
        for name in resource {
            named.insert(name.into(), self.attribute(name, || self.derived(name)));
        }
        named.insert("request.time".into(), self.attribute("request.time", || Some(open("request.time", false))));
        // What a service does not supply is absent, whatever is said of it.
        for name in self.of_the_call() {
            named.insert(name.into(), self.attribute(name, || Some(open(name, false))));
        }
        self.forwarding_rules(&mut named);
        self.principal_attributes(&mut named);
        let (api, api_rest) = self.api_attributes();
        Attributes { named, api, api_rest, tags: self.tags() }
    }

    /// N23: what the context says of the fields of the resource that the request creates or changes.
    pub(crate) fn fields(&self) -> Attributes {
        let stated = self.request.context.entries.iter().filter_map(|(key, values)| {
            let path = format!("resource.{}", key.strip_prefix(FIELDS)?);
            let value = values.as_ref().map(|values| match values.as_slice() {
                [one] => scalar(one),
                many => Value::texts(many.iter().cloned()),
            });
            Some((path.into(), value.map_or(Attribute::Absent, Attribute::Known)))
        });
        Attributes { named: stated.collect(), api: BTreeMap::new(), api_rest: ApiRest::Absent, tags: Tags::Known(Vec::new()) }
    }

    /// What the context says of an attribute; else what follows from the request; else it is not supplied.
    fn attribute(&self, name: &'static str, derived: impl FnOnce() -> Option<Attribute>) -> Attribute {
        match self.request.context.get(name) {
            Lookup::Known(values) => Attribute::Known(typed(name, values)),
            // What the service supplies to every such call, its time above all, is there even where nobody said what it is.
            Lookup::Absent if name != "request.time" && self.request.context.entries.contains_key(name) => Attribute::Absent,
            _ => derived().unwrap_or(Attribute::Absent),
        }
    }

    /// C10, C11, C30
    fn derived(&self, name: &'static str) -> Option<Attribute> {
        let resource = &self.request.resource;
        let supplied = Supplied::by(resource)?;
        match name {
            "resource.service" => Some(known(supplied.attribute)),
            "resource.type" => {
                let kind = supplied.type_of(resource);
                // C4: a type that the page does not list is known to differ from those it lists.
                Some(known(&kind.unwrap_or_else(|| format!("{}/{}", supplied.attribute, resource.collection().unwrap_or_default()))))
            }
            _ if !supplied.named => None,
            // The page lists the types that have a name; whether others do is not told.
            _ if supplied.leaves_out(resource) => {
                let needs = "a test with the live service: the page Resource attributes does not list this type of resource".to_owned();
                Some(Attribute::Open { may_be_absent: true, needs })
            }
            _ => Some(self.resource_name(supplied, resource)),
        }
    }

    fn resource_name(&self, supplied: &Supplied, resource: &FullName) -> Attribute {
        let project = match supplied.project {
            Token::AsWritten => return known(&resource.path),
            Token::Id => &self.project.id,
            Token::Number => &self.project.number,
        };
        match (resource.project(), project) {
            (None, _) => known(&resource.path),
            (Some(_), Some(project)) => resource.with_project(project).map_or_else(|| known(&resource.path), |name| known(&name.path)),
            (Some(_), None) => {
                let needs = "gcloud projects describe: conditions see the project of this service by its other name".to_owned();
                Attribute::Open { may_be_absent: false, needs }
            }
        }
    }

    /// C16: path and host for IAP and Cloud Run. C17: access levels for IAP. C18: the destination for tunnels.
    fn of_the_call(&self) -> Vec<&'static str> {
        let permission = &self.request.permission;
        let web = permission.v1().starts_with("iap.web") || permission.v1().starts_with("run.routes.");
        let iap = permission.service() == "iap" && permission.verb() == "accessViaIAP";
        let tunnel = iap && permission.v1().starts_with("iap.tunnel");
        let attributes = [
            ("request.path", web),
            ("request.host", web),
            ("request.auth.access_levels", iap),
            ("destination.ip", tunnel),
            ("destination.port", tunnel),
        ];
        attributes.into_iter().filter(|(_, supplied)| *supplied).map(|(name, _)| name).collect()
    }

    /// C23
    fn forwarding_rules(&self, named: &mut BTreeMap<Cow<'static, str>, Attribute>) {
        let creates = matches!(self.request.permission.v1(), "compute.forwardingRules.create" | "compute.globalForwardingRules.create");
        let is_creation = Attribute::Known(Value::Bool(creates));
        named.insert(
            "compute.isForwardingRuleCreationOperation".into(),
            self.attribute("compute.isForwardingRuleCreationOperation", || Some(is_creation)),
        );
        let scheme = self.attribute("compute.loadBalancingScheme", || creates.then(|| open("compute.loadBalancingScheme", false)));
        named.insert("compute.loadBalancingScheme".into(), scheme);
    }

    /// B9
    fn principal_attributes(&self, named: &mut BTreeMap<Cow<'static, str>, Attribute>) {
        let (kind, subject) = match &self.request.principal {
            Principal::User(email) => ("WorkspaceIdentity", email.as_str()),
            Principal::ServiceAccount(email) => ("ServiceAccount", email.as_str()),
            Principal::Federated(Identity { pool: Pool::Workforce(_), subject }) => ("WorkforcePoolIdentity", subject.as_str()),
            Principal::Federated(Identity { subject, .. }) => ("WorkloadPoolIdentity", subject.as_str()),
            Principal::Other { path, .. } => ("AgentPoolIdentity", path.as_str()),
            Principal::Anonymous => return,
        };
        named.insert("principal.type".into(), self.attribute("principal.type", || Some(known(&format!("iam.googleapis.com/{kind}")))));
        named.insert("principal.subject".into(), self.attribute("principal.subject", || Some(known(subject))));
    }

    /// C20, C22
    fn api_attributes(&self) -> (BTreeMap<String, Option<Value>>, ApiRest) {
        let context = &self.request.context;
        let stated = context.entries.iter().filter_map(|(key, values)| {
            let name = key.strip_prefix("api.")?;
            Some((name.to_owned(), values.as_ref().map(|values| api_value(name, values))))
        });
        let open = |name: &&&str| context.get(&format!("api.{name}")) == Lookup::NotKnown;
        let complete = context.get(&format!("api.{MODIFIED_GRANTS}")) != Lookup::NotKnown;
        let sets_policy = self.request.permission.verb() == "setIamPolicy";
        // C22: Resource Manager supplies it; BigQuery does not, and accepts any change of a dataset's list.
        let lenient = self.request.resource.is_node() || self.request.permission.v1() == "bigquery.datasets.setIamPolicy";
        let rest = match (sets_policy, complete) {
            (true, false) => ApiRest::Open(vec![MODIFIED_GRANTS.into()]),
            (true, true) if !lenient => ApiRest::Refused(MODIFIED_GRANTS),
            _ => ApiRest::Open(self.supplied().iter().filter(open).map(|name| (*name).to_owned()).collect()),
        };
        (stated.collect(), rest)
    }

    /// C20: the attributes that the API of the request may supply, besides the grants that it changes.
    fn supplied(&self) -> &'static [&'static str] {
        match (self.request.permission.service(), self.request.permission.verb()) {
            ("storage", "list") => &["storage.googleapis.com/objectListPrefix"],
            ("aiplatform", _) => &["aiplatform.googleapis.com/memoryScope", "aiplatform.googleapis.com/sessionUserId"],
            _ => &[],
        }
    }

    /// H9: the tags in effect on the resource or on the nearest node for which they were read.
    pub(crate) fn tags(&self) -> Tags {
        let mut names: Vec<&FullName> = vec![&self.request.resource];
        names.extend(&self.path.resources);
        names.extend(self.path.nodes.first());
        let holder = self.request.resource.tag_holder();
        for name in &names {
            if self.is_above(name, &holder) {
                break;
            }
            if let Some(document) = self.documents(documents::TAGS, name).first() {
                return read_tags(document)
                    .map_or_else(|| Tags::Open { needs: "the tags in the shape that the command prints".into() }, Tags::Known);
            }
            match self.outcome(documents::TAGS, name) {
                Some(Outcome::Absent | Outcome::Found) => return Tags::Known(Vec::new()),
                Some(outcome) => return Tags::Open { needs: doubt(documents::TAGS, &self.shown(name), Some(outcome)).needs },
                None => {}
            }
        }
        if self.request.context.unmentioned("resource.tags") == Lookup::Absent {
            return Tags::Known(Vec::new());
        }
        Tags::Open { needs: format!("{} of {}", doubt(documents::TAGS, "", None).needs, self.shown(&holder)) }
    }

    /// Does it lie above the resource that may carry tags of its own? What is in effect there is not all that is in effect below.
    fn is_above(&self, name: &FullName, holder: &FullName) -> bool {
        let below = std::iter::once(&self.request.resource).chain(&self.path.resources);
        let at = |wanted: &FullName| below.clone().position(|name| name == wanted);
        if name == holder || holder.is_node() {
            return false;
        }
        at(name).is_none_or(|found| at(holder).is_some_and(|holder| found > holder))
    }
}

const MODIFIED_GRANTS: &str = "iam.googleapis.com/modifiedGrantsByRole";

fn known(text: &str) -> Attribute {
    Attribute::Known(Value::Text(text.to_owned()))
}

fn open(name: &str, may_be_absent: bool) -> Attribute {
    Attribute::Open { may_be_absent, needs: format!("--context {name}=…") }
}

fn typed(name: &str, values: &[String]) -> Value {
    let first = values.first().map(String::as_str).unwrap_or_default();
    let text = || Value::Text(first.to_owned());
    match name {
        "request.time" => chrono::DateTime::parse_from_rfc3339(first).map_or_else(|_| text(), |time| Value::Time(time.to_utc())),
        "destination.port" => first.parse().map_or_else(|_| text(), Value::Int),
        "request.auth.access_levels" => Value::texts(values.iter().cloned()),
        "compute.isForwardingRuleCreationOperation" => Value::Bool(first == "true"),
        _ => text(),
    }
}

/// `true`, `5`, or text.
fn scalar(text: &str) -> Value {
    let number = || text.parse().map(Value::Int).ok();
    text.parse().map(Value::Bool).ok().or_else(number).unwrap_or_else(|| Value::Text(text.to_owned()))
}

fn api_value(name: &str, values: &[String]) -> Value {
    match values {
        [one] if name != MODIFIED_GRANTS => Value::Text(one.clone()),
        _ => Value::texts(values.iter().cloned()),
    }
}

fn read_tags(document: &iam_why_contract::Document) -> Option<Vec<Tag>> {
    let value = json(document)?;
    elements(&value, &["effectiveTags", "tags"])?.iter().map(read_tag).collect()
}

fn read_tag(entry: &serde_json::Value) -> Option<Tag> {
    let field = |name: &str| text(entry, name).unwrap_or_default();
    // `1/env/production`: the value's short name follows the key.
    let key = field("namespacedTagKey");
    let namespaced = field("namespacedTagValue");
    let value = namespaced.strip_prefix(&format!("{key}/")).or_else(|| namespaced.rsplit('/').next()).unwrap_or_default().to_owned();
    let key = if key.is_empty() { namespaced.rsplit_once('/').map(|(key, _)| key.to_owned()).unwrap_or_default() } else { key };
    (!key.is_empty() || entry.get("tagKey").is_some()).then(|| Tag { key, value, key_id: field("tagKey"), value_id: field("tagValue") })
}
