//! A whole subscription: every list of it, one step a list; an interrupted run goes on with the next list.

use super::connection::{Service, connect};
use super::outcome::Failure;
use super::principal::unusable;
use super::question::{LISTS, element, hierarchy, member};
use super::reader::Reader;
use super::step::{self, Step};
use crate::scope::Scope;
use crate::world::guid;
use azure_core::credentials::TokenCredential;
use futures_util::future::join_all;
use iam_why_contract::collect::{Options, Point, Progress, Sink};
use iam_why_contract::{CollectError, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lists of resources whose elements are documents of their own id.
const RESOURCES: &[(&Step, &str)] = &[
    (&step::STORAGE_ACCOUNT, "Microsoft.Storage/storageAccounts"),
    (&step::KEY_VAULT, "Microsoft.KeyVault/vaults"),
    (&step::ROLE_DEFINITION, "Microsoft.Authorization/roleDefinitions"),
    (&step::POLICY_DEFINITION, "Microsoft.Authorization/policyDefinitions"),
    (&step::POLICY_SET, "Microsoft.Authorization/policySetDefinitions"),
];

/// Reads the subscription `scope` (or the one of the settings) into `sink`.
pub(super) async fn read(
    given: Option<Arc<dyn TokenCredential>>,
    scope: Option<&str>,
    options: &Options,
    sink: &dyn Sink,
    progress: &dyn Progress,
) -> Result<String, CollectError> {
    let wanted = scope.or_else(|| options.get("subscription"));
    let id = wanted.map(|text| text.trim_start_matches("/subscriptions/")).and_then(guid).map(|digits| crate::world::dashed(&digits));
    let id = id.ok_or_else(|| CollectError::Question("say which subscription, by its id: `iam-why collect azure ID -o FILE`".into()))?;
    let reader = Reader::new(connect(given, options)?, options.concurrency, sink, progress);
    let base = Scope::new(&format!("/subscriptions/{id}"));
    let whole = Whole { reader: &reader, base: &base, options };
    whole.first().await?;
    let lists = join_all(LISTS.iter().map(|(step, path)| Box::pin(whole.list(step, path, false))));
    let resources = join_all(RESOURCES.iter().map(|(step, path)| Box::pin(whole.list(step, path, true))));
    futures_util::future::join3(lists, resources, Box::pin(whole.groups())).await;
    match reader.ledger.write_error() {
        Some(error) => Err(CollectError::Write(error)),
        None => Ok(base.text().to_owned()),
    }
}

struct Whole<'w> {
    reader: &'w Reader<'w>,
    base: &'w Scope,
    options: &'w Options,
}

impl Whole<'_> {
    /// Nothing is read with credentials that Azure does not accept.
    async fn first(&self) -> Result<(), CollectError> {
        let call = self.within(self.reader.get(&step::SUBSCRIPTION, self.base.text())).await;
        if let Err(failure @ (Failure::Credentials(_) | Failure::Connection(_) | Failure::Answered { status: 401, .. })) = call {
            return Err(unusable(self.reader, &failure));
        }
        if self.left("subscription") {
            hierarchy(self.reader, self.base).await;
            self.end("subscription");
        }
        Ok(())
    }

    async fn list(&self, step: &Step, path: &str, by_id: bool) {
        if !self.left(step.kind) {
            return;
        }
        let base = self.base.text();
        match self.within(self.reader.list(step, &format!("{base}/providers/{path}"), None)).await {
            Ok(items) if by_id => {
                for item in &items {
                    let Some(id) = item.get("id").and_then(Value::as_str) else { continue };
                    let name = member(item, "roleName").or_else(|| member(item, "displayName")).or_else(|| item.get("name")?.as_str());
                    self.reader.found(step, id, &format!("{} {}", step.title(), name.unwrap_or(id)), item);
                }
            }
            Ok(items) => {
                items.iter().for_each(|item| element(self.reader, step, self.base, item));
                self.reader.note(step, base, Outcome::Found);
            }
            // Nothing is said to be absent that was not looked for one by one.
            Err(failure) => self.refused(step, base, &failure),
        }
        self.end(step.kind);
    }

    /// The members of every group that role assignments name.
    async fn groups(&self) {
        if !self.left("groups") {
            return;
        }
        let path = format!("{}/providers/Microsoft.Authorization/roleAssignments", self.base.text());
        let assigned = self.within(self.reader.list(&step::ROLE_ASSIGNMENTS, &path, None)).await.unwrap_or_default();
        let groups: BTreeSet<&str> = assigned
            .iter()
            .filter(|item| member(item, "principalType") == Some("Group"))
            .filter_map(|item| member(item, "principalId"))
            .collect();
        join_all(groups.into_iter().map(|group| Box::pin(self.members(group)))).await;
        self.end("groups");
    }

    async fn members(&self, group: &str) {
        let step = &step::GROUP_MEMBERS;
        // Members of every kind, nested groups included, with all their own.
        let path = format!("/v1.0/groups/{group}/transitiveMembers");
        let query = [("$select", "id".to_owned())];
        match self.within(self.reader.pages(step, Service::Graph, &path, &query)).await {
            Ok(members) => {
                // Everybody in nested groups is in the list already, so the nested groups themselves need no looking into.
                let is_group = |one: &Value| one.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.group");
                let people: Vec<Value> = members.into_iter().filter(|one| !is_group(one)).collect();
                self.reader.found(step, group, &format!("members of the group {group}, nested ones included"), &json!(people));
            }
            Err(failure) => self.refused(step, group, &failure),
        }
    }

    fn refused(&self, step: &Step, subject: &str, failure: &Failure) {
        let said = failure.said(&self.reader.secrets);
        let needs = match failure.outcome(step, &self.reader.secrets) {
            Outcome::Refused { needs, .. } => needs,
            _ => step.needs.join(" or "),
        };
        self.reader.note(step, subject, Outcome::Refused { needs, said });
    }

    /// A whole subscription takes as long as it takes; a single list does not.
    async fn within<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let late = |_| Err(Failure::Connection(format!("no answer within {} s", self.options.timeout.as_secs_f64())));
        tokio::time::timeout(self.options.timeout, call).await.unwrap_or_else(late)
    }

    fn left(&self, step: &str) -> bool {
        self.reader.ledger.sink().resume(step) != Some(Point::End)
    }

    fn end(&self, step: &str) {
        self.reader.ledger.written(self.reader.ledger.sink().reached(step, Point::End));
    }
}
