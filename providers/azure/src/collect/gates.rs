//! What stands on the way besides assignments: locks, policies, settings of the resource, registrations; and which plane an action is on.

use super::assignments::around;
use super::outcome::Failure;
use super::question::{Wanted, definition_title, element, member, path_of, subject};
use super::reader::Reader;
use super::step::{self, Step};
use crate::scope::Scope;
use crate::world::{Body, id_key};
use futures_util::future::{join, join_all};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A list whose elements are documents of their own. Says whether it was read.
pub(super) async fn listed(reader: &Reader<'_>, step: &Step, base: &Scope, path: &str) -> bool {
    elements(reader, step, base, path).await.is_some()
}

async fn elements(reader: &Reader<'_>, step: &Step, base: &Scope, path: &str) -> Option<Vec<Value>> {
    let filter = around(base);
    let subject = subject(base, filter);
    reader.expect(step, &subject);
    match reader.list(step, &format!("{}/providers/{path}", path_of(base)), filter).await {
        Ok(items) => {
            items.iter().for_each(|item| element(reader, step, base, item));
            reader.note(step, &subject, Outcome::Found);
            Some(items)
        }
        Err(failure) => {
            reader.unlisted(step, &subject, &failure);
            None
        }
    }
}

/// One object by its resource id. In one run it is read once, however many lists lead to it.
pub(super) async fn object(reader: &Reader<'_>, step: &Step, id: &str) -> Option<Value> {
    reader.once(id).get_or_init(|| Box::pin(read(reader, step, id))).await.clone()
}

async fn read(reader: &Reader<'_>, step: &Step, id: &str) -> Option<Value> {
    reader.expect(step, id);
    match reader.get(step, id).await {
        Ok(object) => {
            hand_in(reader, step, id, &object);
            Some(object)
        }
        Err(failure) => {
            reader.failed(step, id, &failure);
            None
        }
    }
}

/// Hands in an object that is a document of its own resource id.
pub(super) fn hand_in(reader: &Reader<'_>, step: &Step, id: &str, object: &Value) {
    let name = member(object, "roleName").or_else(|| member(object, "displayName")).or_else(|| object.get("name")?.as_str());
    reader.found(step, id, &format!("{} {}", step.title(), name.unwrap_or(id)), object);
}

/// Policy assignments at, above and below, their exemptions, and the definitions they lead to. Says whether all were read.
pub(super) async fn policies(reader: &Reader<'_>, base: &Scope) -> bool {
    let exemptions = listed(reader, &step::POLICY_EXEMPTIONS, base, "Microsoft.Authorization/policyExemptions");
    let assigned = async {
        let Some(items) = elements(reader, &step::POLICY_ASSIGNMENTS, base, "Microsoft.Authorization/policyAssignments").await else {
            return false;
        };
        let ids: BTreeSet<&str> = items.iter().filter_map(|item| member(item, "policyDefinitionId")).collect();
        policy_definitions(reader, &ids).await
    };
    let (exemptions, assigned) = join(Box::pin(exemptions), Box::pin(assigned)).await;
    exemptions && assigned
}

async fn policy_definitions(reader: &Reader<'_>, ids: &BTreeSet<&str>) -> bool {
    let is_set = |id: &&&str| id.to_ascii_lowercase().contains("/policysetdefinitions/");
    let sets = join_all(ids.iter().filter(is_set).map(|id| Box::pin(object(reader, &step::POLICY_SET, id)))).await;
    let all_sets = sets.iter().all(Option::is_some);
    let inner: Vec<Value> = sets.into_iter().flatten().collect();
    let inner = inner.iter().flat_map(|set| {
        let list = set.get("properties").unwrap_or(set).get("policyDefinitions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|element| element.get("policyDefinitionId")?.as_str())
    });
    let single: BTreeSet<&str> = ids.iter().filter(|id| !is_set(id)).copied().chain(inner).collect();
    let single = join_all(single.into_iter().map(|id| Box::pin(object(reader, &step::POLICY_DEFINITION, id)))).await;
    all_sets && single.iter().all(Option::is_some)
}

/// The types of resources with settings that a request can fail on, and the call that reads each.
pub(super) const SETTINGS: &[(&str, &Step)] = &[
    ("Microsoft.Storage/storageAccounts", &step::STORAGE_ACCOUNT),
    ("Microsoft.KeyVault/vaults", &step::KEY_VAULT),
    ("Microsoft.CognitiveServices/accounts", &step::COGNITIVE),
    ("Microsoft.ContainerRegistry/registries", &step::REGISTRY),
    ("Microsoft.DocumentDB/databaseAccounts", &step::COSMOS),
    ("Microsoft.Search/searchServices", &step::SEARCH),
    ("Microsoft.EventGrid/topics", &step::TOPIC),
    ("Microsoft.EventGrid/domains", &step::DOMAIN),
    ("Microsoft.EventGrid/namespaces", &step::EVENTS),
    ("Microsoft.ServiceBus/namespaces", &step::BUS),
    ("Microsoft.EventHub/namespaces", &step::HUBS),
    ("Microsoft.AppConfiguration/configurationStores", &step::STORE),
    ("Microsoft.OperationalInsights/workspaces", &step::WORKSPACE),
];

/// The resource that holds the network rules of a namespace for messages.
pub(super) fn rules_below(step: &Step, id: &str) -> Option<String> {
    (*step == step::BUS || *step == step::HUBS).then(|| format!("{id}/networkRuleSets/default"))
}

/// The settings of the resource that is asked for, and who they name.
pub(super) async fn settings(reader: &Reader<'_>, wanted: &Wanted) -> BTreeSet<String> {
    let scope = &wanted.scope;
    let of = |(kind, row): &(&str, &'static Step)| scope.resource(kind).map(|resource| (resource.text().to_owned(), *row));
    let mut all: Vec<(String, &'static Step)> = SETTINGS.iter().filter_map(of).collect();
    all.extend(all.clone().iter().filter_map(|(id, row)| Some((rules_below(row, id)?, *row))));
    let read = join_all(all.iter().map(|(id, row)| Box::pin(setting(reader, row, wanted, id))));
    let inside = async {
        match scope.resource("Microsoft.DocumentDB/databaseAccounts") {
            Some(account) => cosmos(reader, account.text()).await.0,
            None => BTreeSet::new(),
        }
    };
    let (read, inside) = join(read, Box::pin(inside)).await;
    let vaults = read.iter().zip(&all).filter(|(_, (_, row))| **row == step::KEY_VAULT).filter_map(|(vault, _)| vault.as_ref());
    vaults.flat_map(in_access_policies).chain(inside).collect()
}

/// Resource Graph learns with a delay: what it names and Resource Manager does not have was moved or deleted, and where to is not known.
async fn setting(reader: &Reader<'_>, step: &Step, wanted: &Wanted, id: &str) -> Option<Value> {
    reader.expect(step, id);
    match reader.get(step, id).await {
        Ok(object) => {
            hand_in(reader, step, id, &object);
            Some(object)
        }
        Err(failure) if wanted.looked_up => {
            reader.unlisted(step, id, &failure);
            None
        }
        Err(failure) => {
            reader.failed(step, id, &failure);
            None
        }
    }
}

/// The object ids that the access policies of a vault name, where it goes by them.
pub(super) fn in_access_policies(vault: &Value) -> Vec<String> {
    let body = Body::new(vault);
    if body.get("enableRbacAuthorization").and_then(Value::as_bool) == Some(true) {
        return Vec::new();
    }
    let list = body.get("accessPolicies").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| entry.get("objectId")?.as_str()).map(str::to_owned).collect()
}

/// The role assignments and definitions inside a Cosmos DB account: whom they name, and whether both were read.
pub(super) async fn cosmos(reader: &Reader<'_>, account: &str) -> (BTreeSet<String>, bool) {
    let (assigned, defined) = join(
        Box::pin(bare_list(reader, &step::COSMOS_ASSIGNMENTS, account)),
        Box::pin(bare_list(reader, &step::COSMOS_DEFINITIONS, account)),
    )
    .await;
    let whole = assigned.is_some() && defined.is_some();
    (assigned.iter().flatten().filter_map(|item| member(item, "principalId")).map(str::to_owned).collect(), whole)
}

/// A list that is one document.
async fn bare_list(reader: &Reader<'_>, step: &Step, account: &str) -> Option<Vec<Value>> {
    reader.expect(step, account);
    match reader.list(step, &format!("{account}/{}", step.call), None).await {
        Ok(items) => {
            reader.found(step, account, step.title(), &Value::Array(items.clone()));
            Some(items)
        }
        Err(failure) => {
            reader.unlisted(step, account, &failure);
            None
        }
    }
}

/// The namespaces of what is asked for: whether they are registered, and the planes of their operations where nothing else tells.
pub(super) async fn namespaces(reader: &Reader<'_>, wanted: &Wanted) {
    let subscription = wanted.scope.subscription();
    let spaces: BTreeSet<&str> = wanted.actions.iter().map(|action| crate::operations::namespace(action)).collect();
    let registrations = spaces.iter().filter_map(|space| subscription.map(|id| Box::pin(registration(reader, id, space))));
    let catalogues = wanted.open_planes.iter().map(|space| Box::pin(operations(reader, space)));
    join(join_all(registrations), join_all(catalogues)).await;
}

async fn registration(reader: &Reader<'_>, subscription: &str, namespace: &str) {
    let subject = format!("{subscription}/{namespace}");
    reader.expect(&step::PROVIDER, &subject);
    match reader.get(&step::PROVIDER, &format!("/subscriptions/{subscription}/providers/{namespace}")).await {
        Ok(object) => registered(reader, subscription, namespace, &object),
        Err(failure) => reader.unlisted(&step::PROVIDER, &subject, &failure),
    }
}

/// Hands in a registration, without the list of resource types that comes with it.
pub(super) fn registered(reader: &Reader<'_>, subscription: &str, namespace: &str, object: &Value) {
    let kept = |name: &str| object.get(name).cloned().map(|value| (name.to_owned(), value));
    let shown: serde_json::Map<String, Value> =
        ["id", "namespace", "registrationPolicy", "registrationState"].into_iter().filter_map(kept).collect();
    let title = format!("registration of {namespace}");
    reader.found(&step::PROVIDER, &format!("{subscription}/{namespace}"), &title, &Value::Object(shown));
}

/// The operations of a namespace, each with its plane ("Provider Operations Metadata - Get"). Says whether they were read.
pub(super) async fn operations(reader: &Reader<'_>, namespace: &str) -> bool {
    let step = &step::OPERATIONS;
    reader.expect(step, namespace);
    match catalogue(reader, namespace).await {
        Ok(shown) => {
            reader.found(step, namespace, &format!("operations of {namespace}"), &shown);
            true
        }
        Err(failure) => {
            reader.failed(step, namespace, &failure);
            false
        }
    }
}

async fn catalogue(reader: &Reader<'_>, namespace: &str) -> Result<Value, Failure> {
    let path = format!("/providers/Microsoft.Authorization/providerOperations/{namespace}");
    let query = [("api-version", step::OPERATIONS.version.to_owned()), ("$expand", "resourceTypes".to_owned())];
    let whole = reader.object(&step::OPERATIONS, &path, &query).await?;
    let of = |value: &Value| {
        let list = value.get("operations").and_then(Value::as_array).cloned().unwrap_or_default();
        let shown = list.iter().map(|one| json!({"name": one.get("name"), "isDataAction": one.get("isDataAction")}));
        shown.collect::<Vec<_>>()
    };
    let types = whole.get("resourceTypes").and_then(Value::as_array).cloned().unwrap_or_default();
    let operations: Vec<Value> = of(&whole).into_iter().chain(types.iter().flat_map(of)).collect();
    Ok(json!({"name": whole.get("name"), "operations": operations}))
}

/// Does anything that was named besides the principal itself have to be looked up?
pub(super) fn others<'n>(named: impl IntoIterator<Item = &'n String>, principal: &str) -> bool {
    named.into_iter().any(|id| id_key(id) != id_key(principal))
}

/// The title of a document of a list: what people call it, and the name by which no other has it.
pub(super) fn title_of(step: &Step, item: &Value) -> String {
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    let shown = member(item, "denyAssignmentName").or_else(|| member(item, "displayName"));
    let name = shown.or_else(|| item.get("name")?.as_str()).unwrap_or(id);
    definition_title(step.title(), name, id)
}
