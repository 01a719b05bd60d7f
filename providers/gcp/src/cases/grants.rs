//! What else may grant in a case: lists of datasets, Kubernetes RBAC, access policies, services that ask nobody.

use super::{Writer, is_open, is_unread, switch, text};
use crate::documents as kind;
use crate::language::resources::FullName;
use iam_why_contract::Outcome;
use serde_json::{Map, Value, json};

impl Writer<'_> {
    /// The access policies that are bound to the project; `null` could not be read.
    pub(super) fn access_policies(&mut self, list: Option<&Value>) {
        let Some((list, project)) = list.zip(self.project()) else { return };
        let Some(policies) = list.as_array() else { return self.refuse(kind::ACCESS_BINDING, &project.to_string()) };
        for (at, policy) in policies.iter().enumerate() {
            let name = text(policy, "name").map_or_else(|| format!("access-policy-{at}"), str::to_owned);
            let binding = json!({"policyKind": "ACCESS", "policy": name, "target": {"resource": project.to_string()}});
            self.add(kind::ACCESS_BINDING, &project.to_string(), &format!("binding of {name}"), &binding);
            if policy.get("details").or_else(|| policy.get("rules")).is_some() {
                self.add(kind::ACCESS_POLICY, &name, &format!("access policy {name}"), policy);
            } else {
                self.refuse(kind::ACCESS_POLICY, &name);
            }
        }
    }

    pub(super) fn cloud_run(&mut self, facts: Option<&Value>) {
        let service = self.resource.to_string();
        match facts {
            None => {}
            Some(Value::Null) => self.refuse(kind::RUN_SERVICE, &service),
            Some(facts) => self.add(kind::RUN_SERVICE, &service, "the Cloud Run service", facts),
        }
    }

    pub(super) fn other_grants(&mut self, facts: &Map<String, Value>) {
        self.dataset(facts.get("bigquery"));
        let cluster = self.resource.to_string();
        match facts.get("k8s_rbac") {
            None => self.note(kind::ACCESS_REVIEW, &cluster, Outcome::Absent),
            Some(value) if is_open(value, "allowed") || is_open(value, "rules") => self.refuse(kind::ACCESS_REVIEW, &cluster),
            Some(value) => match self.review(value) {
                Some(allowed) => self.access_review(&cluster, allowed),
                None => self.not_modelled.push("k8s_rbac".into()),
            },
        }
    }

    /// What RBAC says: in a word, or as the rules that bind the caller.
    fn review(&self, value: &Value) -> Option<bool> {
        let said = value.as_bool().or_else(|| value.get("allowed")?.as_bool()).or_else(|| switch(value.as_str()?));
        let rules = || value.as_array().or_else(|| value.get("rules")?.as_array());
        let mut parts = text(self.case, "permission").unwrap_or_default().rsplit('.');
        let (verb, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let names = |rule: &Value, list: &str, wanted: &str| {
            let list = rule.get(list).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().filter_map(Value::as_str).any(|name| name == "*" || name.eq_ignore_ascii_case(wanted)))
        };
        said.or_else(|| Some(rules()?.iter().any(|rule| names(rule, "verbs", verb) && names(rule, "resources", resource))))
    }

    fn access_review(&mut self, cluster: &str, allowed: bool) {
        let permission = text(self.case, "permission").unwrap_or_default();
        let mut parts = permission.rsplit('.');
        let (verb, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let review = json!({
            "spec": {"user": self.principal.email().unwrap_or_default(), "resourceAttributes": {"verb": verb, "resource": resource}},
            "status": {"allowed": allowed},
        });
        self.add(kind::ACCESS_REVIEW, cluster, "access review", &review);
    }

    fn dataset(&mut self, facts: Option<&Value>) {
        let empty = Map::from_iter(["access", "policy_tags"].map(|name| (name.to_owned(), Value::Null)));
        let Some(facts) = facts.and_then(|facts| if facts.is_null() { Some(&empty) } else { facts.as_object() }) else { return };
        let parts: Vec<&str> = self.resource.path.split('/').take(4).collect();
        let subject = FullName::new(&self.resource.service, &parts.join("/")).to_string();
        for (name, value) in facts {
            let list = value.as_array().or_else(|| value.get("access").and_then(Value::as_array));
            let list = list.filter(|list| !list.contains(&Value::Null)).cloned();
            match (name.as_str(), list) {
                ("access" | "dataset_access" | "dataset", Some(list)) => {
                    self.add(kind::DATASET, &subject, "access list of the dataset", &json!({ "access": list }))
                }
                ("access" | "dataset_access" | "dataset", None) if is_unread(value.get("access").unwrap_or(value)) => {
                    self.unread_dataset(&subject);
                }
                ("policy_tags", None) if is_unread(value) => self.refuse(kind::TABLE, &self.resource.to_string()),
                // N53: who is in no row access policy reads zero rows, and is not refused.
                ("row_access_policies", _) => {}
                ("policy_tags", Some(list)) => self.policy_tags(&list),
                _ => self.not_modelled.push(format!("bigquery.{name}")),
            }
        }
    }

    /// The list is the allow policy of the dataset in another shape: it may hold more than what a case gives of that policy.
    fn unread_dataset(&mut self, subject: &str) {
        self.refuse(kind::DATASET, subject);
        self.refuse(kind::ALLOW_POLICY, subject);
    }

    /// The tags of the columns that the request reads, each by its name or as `{tag, column}`.
    fn policy_tags(&mut self, list: &[Value]) {
        let name =
            |entry: &Value| ["tag", "policy_tag", "policyTag", "name"].into_iter().find_map(|name| text(entry, name)).map(str::to_owned);
        let tags = list.iter().filter_map(|entry| entry.as_str().map(str::to_owned).or_else(|| name(entry)));
        let columns: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(at, entry)| text(entry, "column").map_or_else(|| Value::from(format!("column {at}")), Value::from))
            .collect();
        let fields: Vec<Value> =
            columns.iter().zip(tags).map(|(column, tag)| json!({"name": column, "policyTags": {"names": [tag]}})).collect();
        let table = self.resource.to_string();
        self.add(kind::TABLE, &table, "schema of the table", &json!({"schema": {"fields": fields}}));
        self.say_all("bigquery.columns", &columns);
    }
}
