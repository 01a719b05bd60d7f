//! What one question needs: the three lists that decide most cases first and together, the gates beside them, Graph only for groups.

use super::connection::connect;
use super::outcome::Failure;
use super::principal::{resolve, unusable};
use super::reader::Reader;
use super::step::{self, Step};
use crate::documents::KINDS;
use crate::request::{Request, Target};
use crate::scope::Scope;
use crate::world::{guid, id_key};
use azure_core::credentials::TokenCredential;
use futures_util::future::{join, join_all, join3, join5};
use iam_why_contract::Gathered;
use iam_why_contract::collect::{Options, Progress};
use iam_why_contract::{CollectError, Collected, Outcome, Question};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Reads what `question` needs, within the time that `options` allows.
pub(super) async fn read(
    given: Option<Arc<dyn TokenCredential>>,
    question: &Question,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Collected, CollectError> {
    let sink = Gathered::default();
    let reader = Reader::new(connect(given, options)?, options.concurrency, &sink, progress);
    let in_time = tokio::time::timeout(options.timeout, Box::pin(whole(&reader, question, options))).await;
    let (question, notes) = match in_time {
        Ok(done) => done?,
        Err(_) => {
            reader.ledger.give_up(options.timeout);
            let seconds = options.timeout.as_secs_f64();
            let note = format!("reading took longer than {seconds} s (--timeout): what was not read by then is noted as such");
            (question.clone(), vec![note])
        }
    };
    drop(reader);
    let snapshot = sink.into_snapshot(KINDS, now());
    if snapshot.documents().is_empty() && snapshot.searches().is_empty() {
        let said = format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64());
        return Err(CollectError::NothingRead { cloud: "Azure", said });
    }
    Ok(Collected { question, snapshot, notes })
}

async fn whole(reader: &Reader<'_>, question: &Question, options: &Options) -> Result<(Question, Vec<String>), CollectError> {
    let request = Request::new(question).map_err(|error| CollectError::Question(error.to_string()))?;
    let resolved = resolve(reader, &question.principal).await?;
    let accesses: Vec<_> = request.needs.iter().flat_map(|need| &need.any_of).collect();
    let located = join_all(accesses.iter().map(|access| locate(reader, &access.target))).await;
    let mut targets: BTreeMap<String, Wanted> = BTreeMap::new();
    for (access, scope) in accesses.iter().zip(located) {
        let scope = scope.or_else(|| options.get("subscription").map(|id| Scope::new(&format!("/subscriptions/{id}"))));
        if let Some(scope) = scope {
            targets
                .entry(scope.key().to_owned())
                .or_insert_with(|| Wanted { scope, actions: BTreeSet::new() })
                .actions
                .insert(access.action.clone());
        }
    }
    if targets.is_empty() {
        let why = "the question names no subscription: give the resource id, or --subscription";
        reader.note(&step::ROLE_ASSIGNMENTS, "*", Outcome::NotTried { why: why.into() });
    }
    let mut done = BTreeSet::new();
    let bases: Vec<Scope> = targets.values().map(|wanted| base(&wanted.scope)).filter(|base| done.insert(base.key().to_owned())).collect();
    let plans = join_all(bases.iter().map(|base| Box::pin(of_base(reader, base, &resolved.id, targets.values().any(Wanted::writes)))));
    let gates = join_all(targets.values().map(|wanted| Box::pin(gates(reader, wanted))));
    let (refusals, _) = join(plans, gates).await;
    if let Some(failure) = refusals.into_iter().flatten().next() {
        return Err(unusable(reader, &failure));
    }
    Ok((Question { principal: resolved.id, ..question.clone() }, resolved.notes))
}

/// One scope that the question touches, and for what.
struct Wanted {
    scope: Scope,
    actions: BTreeSet<String>,
}

impl Wanted {
    /// Azure Policy looks at writes and deletions only.
    fn writes(&self) -> bool {
        self.actions.iter().any(|action| !action.to_ascii_lowercase().ends_with("/read"))
    }
}

/// Lists are read of the whole subscription: they hold what is at, above and below it (F-3, F-4).
fn base(scope: &Scope) -> Scope {
    scope.subscription_scope().unwrap_or_else(|| scope.in_management_group().map_or_else(|| scope.clone(), Scope::of_management_group))
}

/// The scope that a target is; a host name is looked up in Resource Graph.
async fn locate(reader: &Reader<'_>, target: &Target) -> Option<Scope> {
    let (kind, name, path) = match target {
        Target::Scope(scope) => return Some(scope.clone()),
        Target::NotSaid => return None,
        Target::Below { kind, name, path } => (kind, name, path),
    };
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    let row = if kind.ends_with("vaults") { &step::KEY_VAULT } else { &step::STORAGE_ACCOUNT };
    let query = format!("resources | where type =~ '{kind}' and name =~ '{name}' | project id");
    let rows = if plain { reader.query(row, &query, None).await.ok()? } else { Vec::new() };
    let id = rows.first()?.get("id")?.as_str()?;
    Some(Scope::new(&format!("{id}{path}")))
}

/// What a subscription or management group says of one principal. Returns why the credentials are of no use, if they are not.
async fn of_base(reader: &Reader<'_>, base: &Scope, principal: &str, writes: bool) -> Option<Failure> {
    let (lists, (), (), (), ()) = join5(
        Box::pin(access(reader, base, principal)),
        Box::pin(hierarchy(reader, base)),
        Box::pin(listed(reader, &step::LOCKS, base, "Microsoft.Authorization/locks")),
        Box::pin(async {
            if writes {
                policies(reader, base).await;
            }
        }),
        Box::pin(lighthouse(reader, base)),
    )
    .await;
    lists
}

/// Role assignments, deny assignments and eligible assignments at once, then the definitions of the roles and the groups they name.
async fn access(reader: &Reader<'_>, base: &Scope, principal: &str) -> Option<Failure> {
    let is_id = guid(principal).is_some();
    let mine = is_id.then(|| format!("assignedTo('{principal}')"));
    let (assigned, denied, eligible) = join3(
        Box::pin(assignments(reader, &step::ROLE_ASSIGNMENTS, base, mine.as_deref())),
        Box::pin(assignments(reader, &step::DENY_ASSIGNMENTS, base, None)),
        Box::pin(assignments(reader, &step::ELIGIBLE, base, mine.as_deref())),
    )
    .await;
    let (assigned, filtered) = match assigned {
        Ok(assigned) => assigned,
        Err(failure @ (Failure::Credentials(_) | Failure::Answered { status: 401, .. })) => return Some(failure),
        Err(_) => (Vec::new(), false),
    };
    let eligible = eligible.map(|(eligible, _)| eligible).unwrap_or_default();
    let denied = denied.map(|(denied, _)| denied).unwrap_or_default();
    let roles: BTreeSet<&str> = assigned.iter().chain(&eligible).filter_map(|item| member(item, "roleDefinitionId")).collect();
    let groups: BTreeSet<&str> =
        assigned.iter().chain(&eligible).filter(|item| may_be_group(item)).filter_map(|item| member(item, "principalId")).collect();
    let in_denials = denied.iter().any(names_groups);
    let confirmed: BTreeSet<&str> = assigned.iter().filter(|_| filtered).filter_map(|item| member(item, "principalId")).collect();
    let definitions = join_all(roles.into_iter().map(|role| Box::pin(definition(reader, role))));
    let others = groups.iter().any(|group| id_key(group) != id_key(principal));
    let memberships = async {
        if is_id && (others || in_denials) {
            member_of(reader, principal, &confirmed).await;
        }
    };
    join(definitions, Box::pin(memberships)).await;
    None
}

/// One list of assignments, at, above and below a subscription; at and above a management group. Says whether it is the filtered one.
async fn assignments(reader: &Reader<'_>, step: &Step, base: &Scope, mine: Option<&str>) -> Result<(Vec<Value>, bool), Failure> {
    let path = format!("{}/providers/Microsoft.Authorization/{}", path_of(base), step.call);
    let around = base.subscription().is_none().then_some("atScope()");
    let filter = [around, mine].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let filter = Some(filter.as_str()).filter(|filter| !filter.is_empty());
    let subject = subject(base, filter);
    reader.expect(step, &subject);
    match reader.list(step, &path, filter).await {
        Ok(items) => {
            items.iter().for_each(|item| element(reader, step, base, item));
            reader.note(step, &subject, Outcome::Found);
            Ok((items, mine.is_some()))
        }
        // `assignedTo` takes users and service principals only: of a group the whole list is read.
        Err(Failure::Answered { status: 400, .. }) if mine.is_some() => {
            let outcome = Outcome::NotTried { why: "Azure does not filter by this principal".into() };
            reader.note(step, &subject, outcome);
            Box::pin(assignments(reader, step, base, None)).await
        }
        Err(failure) => {
            reader.note(step, &subject, of_list(step, &failure, reader));
            Err(failure)
        }
    }
}

/// A list that is not there is a scope that is not there, and no empty list.
fn of_list(step: &Step, failure: &Failure, reader: &Reader<'_>) -> Outcome {
    match failure.outcome(step, &reader.secrets) {
        Outcome::Absent => {
            Outcome::Refused { needs: format!("a scope that exists for {}", step.call), said: failure.said(&reader.secrets) }
        }
        outcome => outcome,
    }
}

/// Hands in an element of a list, of the scope that it is at.
pub(super) fn element(reader: &Reader<'_>, step: &Step, base: &Scope, item: &Value) {
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    let above = id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/").and_then(|at| id.get(..at));
    let scope = member(item, "scope").or(above).filter(|scope| !scope.is_empty()).unwrap_or_else(|| base.text());
    let name = member(item, "denyAssignmentName").or_else(|| member(item, "displayName")).or_else(|| item.get("name")?.as_str());
    let title = format!("{} {}", step.title(), name.unwrap_or(id));
    reader.document(step, scope, &title, item);
}

/// A list whose elements are documents of their own.
pub(super) async fn listed(reader: &Reader<'_>, step: &Step, base: &Scope, path: &str) {
    // Resource Manager keeps no locks on management groups; what else there is above comes with `atScope()`.
    let filter = base.subscription().is_none().then_some("atScope()");
    let subject = subject(base, filter);
    reader.expect(step, &subject);
    match reader.list(step, &format!("{}/providers/{path}", path_of(base)), filter).await {
        Ok(items) => {
            items.iter().for_each(|item| element(reader, step, base, item));
            reader.note(step, &subject, Outcome::Found);
        }
        Err(failure) => reader.note(step, &subject, of_list(step, &failure, reader)),
    }
}

async fn definition(reader: &Reader<'_>, id: &str) {
    object(reader, &step::ROLE_DEFINITION, id).await;
}

/// One object by its resource id.
pub(super) async fn object(reader: &Reader<'_>, step: &Step, id: &str) -> Option<Value> {
    reader.expect(step, id);
    match reader.get(step, id).await {
        Ok(object) => {
            let name = member(&object, "roleName").or_else(|| member(&object, "displayName")).or_else(|| object.get("name")?.as_str());
            reader.found(step, id, &format!("{} {}", step.title(), name.unwrap_or(id)), &object);
            Some(object)
        }
        Err(failure) => {
            reader.failed(step, id, &failure);
            None
        }
    }
}

/// The groups of the principal, nested ones included. Where Graph refuses, the groups whose assignments the filter `assignedTo` gave
/// are groups of the principal all the same; of the others nothing is known then.
async fn member_of(reader: &Reader<'_>, principal: &str, confirmed: &BTreeSet<&str>) {
    let step = &step::MEMBER_OF;
    reader.expect(step, principal);
    let path = format!("/v1.0/directoryObjects/{principal}/transitiveMemberOf");
    let query = [("$select", "id".to_owned())];
    let known: Vec<Value> = confirmed.iter().filter(|id| id_key(id) != id_key(principal)).map(|id| json!({"id": id})).collect();
    match reader.pages(step, super::connection::Service::Graph, &path, &query).await {
        // The two are copies of one directory and may differ for minutes: who is in a group by either is in it.
        Ok(mut groups) => {
            groups.extend(known);
            reader.found(step, principal, &format!("groups of {principal}"), &json!({"value": groups}));
        }
        Err(failure) => {
            if !known.is_empty() {
                let title = format!("groups of {principal}, as far as its role assignments show");
                reader.document(step, principal, &title, &json!({"value": known}));
            }
            let said = failure.said(&reader.secrets);
            let needs = match failure.outcome(step, &reader.secrets) {
                Outcome::Refused { needs, .. } => needs,
                _ => step.needs.join(" or "),
            };
            reader.note(step, principal, Outcome::Refused { needs, said });
        }
    }
}

/// The subscription, and the management groups above it: from Resource Graph, which takes no right on the groups (F-13).
pub(super) async fn hierarchy(reader: &Reader<'_>, base: &Scope) {
    let Some(subscription) = base.subscription() else { return };
    let itself = async {
        reader.expect(&step::SUBSCRIPTION, subscription);
        match reader.get(&step::SUBSCRIPTION, &format!("/subscriptions/{subscription}")).await {
            Ok(object) => reader.found(&step::SUBSCRIPTION, subscription, &format!("subscription {subscription}"), &object),
            Err(failure) => reader.failed(&step::SUBSCRIPTION, subscription, &failure),
        }
    };
    join(Box::pin(itself), Box::pin(ancestors(reader, subscription))).await;
}

async fn ancestors(reader: &Reader<'_>, subscription: &str) {
    let step = &step::ANCESTORS;
    reader.expect(step, subscription);
    let Some(id) = guid(subscription).map(|digits| crate::world::dashed(&digits)) else {
        return reader.note(step, subscription, Outcome::NotTried { why: format!("`{subscription}` is no subscription id") });
    };
    let query = format!(
        "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' and subscriptionId =~ '{id}' | project subscriptionId, managementGroupAncestorsChain = properties.managementGroupAncestorsChain"
    );
    let rows = reader.query(step, &query, Some(&id)).await;
    let chain = rows.as_ref().map(|rows| rows.iter().find(|row| row.get("managementGroupAncestorsChain").is_some_and(Value::is_array)));
    match chain {
        Ok(Some(row)) => reader.found(step, subscription, &format!("management groups above {subscription}"), row),
        Ok(None) => {
            let said = "Resource Graph does not show the subscription".into();
            reader.note(step, subscription, Outcome::Refused { needs: step.needs.join(" or "), said });
        }
        Err(failure) => reader.note(step, subscription, of_list(step, failure, reader)),
    }
}

/// Policy assignments at, above and below, and the definitions they lead to.
async fn policies(reader: &Reader<'_>, base: &Scope) {
    let step = &step::POLICY_ASSIGNMENTS;
    let filter = base.subscription().is_none().then_some("atScope()");
    let subject = subject(base, filter);
    reader.expect(step, &subject);
    let exemptions = listed(reader, &step::POLICY_EXEMPTIONS, base, "Microsoft.Authorization/policyExemptions");
    let assigned = async {
        match reader.list(step, &format!("{}/providers/Microsoft.Authorization/policyAssignments", path_of(base)), filter).await {
            Ok(items) => {
                items.iter().for_each(|item| element(reader, step, base, item));
                reader.note(step, &subject, Outcome::Found);
                let ids: BTreeSet<&str> = items.iter().filter_map(|item| member(item, "policyDefinitionId")).collect();
                policy_definitions(reader, &ids).await;
            }
            Err(failure) => reader.note(step, &subject, of_list(step, &failure, reader)),
        }
    };
    join(Box::pin(exemptions), Box::pin(assigned)).await;
}

async fn policy_definitions(reader: &Reader<'_>, ids: &BTreeSet<&str>) {
    let is_set = |id: &&&str| id.to_ascii_lowercase().contains("/policysetdefinitions/");
    let sets = join_all(ids.iter().filter(is_set).map(|id| Box::pin(object(reader, &step::POLICY_SET, id)))).await;
    let inner: Vec<Value> = sets.into_iter().flatten().collect();
    let inner = inner.iter().flat_map(|set| {
        let list = set.get("properties").unwrap_or(set).get("policyDefinitions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|element| element.get("policyDefinitionId")?.as_str())
    });
    let single: BTreeSet<&str> = ids.iter().filter(|id| !is_set(id)).copied().chain(inner).collect();
    join_all(single.into_iter().map(|id| Box::pin(object(reader, &step::POLICY_DEFINITION, id)))).await;
}

/// Lighthouse registrations stand on subscriptions and resource groups; those of the subscription alone say nothing of its groups.
async fn lighthouse(reader: &Reader<'_>, base: &Scope) {
    let step = &step::LIGHTHOUSE;
    let subject = subject(base, Some("atScope()"));
    if base.subscription().is_none() {
        return;
    }
    reader.expect(step, &subject);
    let path = format!("{}/providers/Microsoft.ManagedServices/registrationAssignments", path_of(base));
    let query = [("api-version", step.version.to_owned()), ("$expandRegistrationDefinition", "true".to_owned())];
    match reader.pages(step, super::connection::Service::Manager, &path, &query).await {
        Ok(items) => {
            items.iter().for_each(|item| reader.document(step, base.text(), "Lighthouse registration", item));
            reader.note(step, &subject, Outcome::Found);
        }
        Err(failure) => reader.note(step, &subject, of_list(step, &failure, reader)),
    }
}

/// What stands on the way to one scope besides assignments.
async fn gates(reader: &Reader<'_>, wanted: &Wanted) {
    let scope = &wanted.scope;
    let single = [("Microsoft.Storage/storageAccounts", &step::STORAGE_ACCOUNT), ("Microsoft.KeyVault/vaults", &step::KEY_VAULT)];
    let settings = join_all(single.iter().filter_map(|(kind, row)| Some((scope.resource(kind)?, *row))).map(|(resource, row)| {
        Box::pin(async move {
            object(reader, row, resource.text()).await;
        })
    }));
    let cosmos = async {
        let Some(account) = scope.resource("Microsoft.DocumentDB/databaseAccounts") else { return };
        let rows = [&step::COSMOS_ASSIGNMENTS, &step::COSMOS_DEFINITIONS];
        join_all(rows.map(|row| Box::pin(bare_list(reader, row, account.text())))).await;
    };
    let namespaces: BTreeSet<&str> = wanted.actions.iter().filter_map(|action| action.split('/').next()).collect();
    let registrations = join_all(namespaces.into_iter().filter(|_| scope.subscription().is_some()).map(|namespace| {
        let subscription = scope.subscription().unwrap_or_default();
        Box::pin(registration(reader, subscription, namespace))
    }));
    join3(settings, Box::pin(cosmos), registrations).await;
}

/// A list that is one document.
async fn bare_list(reader: &Reader<'_>, step: &Step, account: &str) {
    reader.expect(step, account);
    match reader.list(step, &format!("{account}/{}", step.call), None).await {
        Ok(items) => reader.found(step, account, step.title(), &Value::Array(items)),
        Err(failure) => reader.note(step, account, of_list(step, &failure, reader)),
    }
}

async fn registration(reader: &Reader<'_>, subscription: &str, namespace: &str) {
    let subject = format!("{subscription}/{namespace}");
    reader.expect(&step::PROVIDER, &subject);
    match reader.get(&step::PROVIDER, &format!("/subscriptions/{subscription}/providers/{namespace}")).await {
        Ok(object) => reader.found(&step::PROVIDER, &subject, &format!("registration of {namespace}"), &object),
        Err(failure) => reader.note(&step::PROVIDER, &subject, of_list(&step::PROVIDER, &failure, reader)),
    }
}

fn subject(base: &Scope, filter: Option<&str>) -> String {
    filter.map_or_else(|| base.text().to_owned(), |filter| format!("{}?$filter={filter}", base.text()))
}

/// The root is the empty path.
fn path_of(base: &Scope) -> &str {
    if base.is_root() { "" } else { base.text() }
}

/// A member of an element of Resource Manager.
pub(super) fn member<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get("properties")
        .and_then(|inner| inner.get(name))
        .or_else(|| item.get(name))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn may_be_group(item: &Value) -> bool {
    !matches!(member(item, "principalType"), Some("User" | "ServicePrincipal"))
}

fn names_groups(item: &Value) -> bool {
    let inner = item.get("properties").unwrap_or(item);
    let lists = ["principals", "excludePrincipals"].into_iter().filter_map(|name| inner.get(name)?.as_array());
    lists.flatten().any(|one| !matches!(one.get("type").and_then(Value::as_str), Some("User" | "ServicePrincipal" | "SystemDefined")))
}

/// The kinds that are lists, for whoever reads everything.
pub(super) const LISTS: &[(&Step, &str)] = &[
    (&step::ROLE_ASSIGNMENTS, "Microsoft.Authorization/roleAssignments"),
    (&step::DENY_ASSIGNMENTS, "Microsoft.Authorization/denyAssignments"),
    (&step::ELIGIBLE, "Microsoft.Authorization/roleEligibilityScheduleInstances"),
    (&step::LOCKS, "Microsoft.Authorization/locks"),
    (&step::POLICY_ASSIGNMENTS, "Microsoft.Authorization/policyAssignments"),
    (&step::POLICY_EXEMPTIONS, "Microsoft.Authorization/policyExemptions"),
];

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{base, subject};
    use crate::scope::Scope;

    #[test]
    fn lists_are_read_of_the_whole_subscription_or_of_the_management_group() {
        let disk = Scope::new("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d");
        assert_eq!(base(&disk).text(), "/subscriptions/s");
        assert_eq!(subject(&base(&disk), Some("assignedTo('x')")), "/subscriptions/s?$filter=assignedTo('x')");
    }
}
