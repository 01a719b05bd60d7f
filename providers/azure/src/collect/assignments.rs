//! Role assignments, deny assignments, eligible assignments and schedules, and the role definitions that they lead to.

use super::outcome::Failure;
use super::principal::{Resolved, Sort, resolve, unusable};
use super::question::{definition_title, element, member, path_of, subject};
use super::reader::Reader;
use super::step::{self, Step};
use crate::scope::Scope;
use crate::world::{dashed, guid, id_key};
use futures_util::future::{join, join_all, join3};
use iam_why_contract::{CollectError, Outcome};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::sync::OnceCell;

/// Who asks: looked up once, while everything is read that does not hang on it.
pub(super) struct Who<'q> {
    words: &'q str,
    /// The context says that the words are an object id: an error message or a token had it.
    stated: bool,
    cell: OnceCell<Result<Resolved, CollectError>>,
}

impl<'q> Who<'q> {
    pub(super) fn new(words: &'q str, stated: bool) -> Self {
        Self { words: words.trim(), stated, cell: OnceCell::new() }
    }

    pub(super) async fn get(&self, reader: &Reader<'_>) -> Result<&Resolved, CollectError> {
        self.cell.get_or_init(|| Box::pin(resolve(reader, self.words))).await.as_ref().map_err(Clone::clone)
    }

    /// The id to begin with before the directory has answered: most ids are the object ids that they should be.
    fn guess(&self) -> Option<String> {
        guid(self.words).map(|digits| dashed(&digits))
    }
}

/// What lists of assignments name, to be looked up next.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Role definitions.
    pub(super) roles: BTreeSet<String>,
    /// Groups, or what may be groups.
    pub(super) groups: BTreeSet<String>,
    /// Groups of another tenant.
    pub(super) foreign: BTreeSet<String>,
    /// Groups that Azure itself says the principal is in.
    pub(super) confirmed: BTreeSet<String>,
    /// Management groups that Azure itself says are above.
    pub(super) above: BTreeSet<String>,
}

impl Named {
    pub(super) fn extend(&mut self, other: Self) {
        self.roles.extend(other.roles);
        self.groups.extend(other.groups);
        self.foreign.extend(other.foreign);
        self.confirmed.extend(other.confirmed);
        self.above.extend(other.above);
    }

    /// Takes in what the elements of a list name.
    pub(super) fn take(&mut self, items: &[Value]) {
        for item in items {
            self.roles.extend(member(item, "roleDefinitionId").map(str::to_owned));
            self.groups.extend(member(item, "principalId").filter(|_| may_be_group(item)).map(str::to_owned));
            self.foreign.extend(member(item, "principalId").filter(|_| is_foreign(item)).map(str::to_owned));
            self.groups.extend(groups_named(item));
            self.above.extend(member(item, "scope").and_then(|scope| Scope::new(scope).management_group().map(str::to_owned)));
        }
    }
}

/// A list as it was answered, not yet handed in.
struct List {
    step: &'static Step,
    subject: String,
    filtered: bool,
    answer: Result<Vec<Value>, Failure>,
}

impl List {
    /// Azure finds nothing for an application id, nothing for a group, and no more for whoever has no role: only what it finds says that
    /// the id is one that roles are assigned to.
    fn proves(&self, id: &str) -> bool {
        let names = |item: &Value| member(item, "principalId").is_some_and(|other| id_key(other) == id_key(id));
        self.answer.as_ref().is_ok_and(|items| if self.filtered { !items.is_empty() } else { items.iter().any(names) })
    }
}

/// The lists that hang on the principal: assigned, eligible, and for how long.
const OWN: [&Step; 3] = [&step::ROLE_ASSIGNMENTS, &step::ELIGIBLE, &step::SCHEDULES];

/// What is assigned to the principal, directly or through groups. An id is not looked up first: the lists of most are the right ones.
pub(super) async fn own(reader: &Reader<'_>, base: &Scope, who: &Who<'_>) -> Result<Named, CollectError> {
    let early = async {
        match who.guess() {
            Some(id) => Some(lists(reader, base, Some(&id)).await),
            None => None,
        }
    };
    let (early, known) = join(Box::pin(early), Box::pin(who.get(reader))).await;
    let known = known?;
    if known.sort == Sort::Nobody && guid(&known.id).is_none() {
        return Ok(Named::default());
    }
    // `assignedTo` takes users and service principals only ("List Azure role assignments using the REST API"): of a group the whole
    // list is read, and what the page does not say (an empty list, or an error) is of no account.
    let filterable = known.sort != Sort::Group;
    let right = filterable && who.guess().as_ref() == Some(&known.id);
    let asked = match early {
        Some(early) if right => early,
        early => {
            early.iter().flatten().for_each(|list| reader.settle(list.step, &list.subject));
            lists(reader, base, Some(known.id.as_str()).filter(|_| filterable)).await
        }
    };
    keep(reader, base, known, who.stated, asked)
}

async fn lists(reader: &Reader<'_>, base: &Scope, id: Option<&str>) -> Vec<List> {
    join_all(OWN.map(|step| Box::pin(list(reader, step, base, id)))).await
}

async fn list(reader: &Reader<'_>, step: &'static Step, base: &Scope, id: Option<&str>) -> List {
    let path = format!("{}/providers/Microsoft.Authorization/{}", path_of(base), step.call);
    let mine = id.map(|id| format!("assignedTo('{id}')"));
    let filter = [around(base), mine.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let filter = Some(filter.as_str()).filter(|filter| !filter.is_empty());
    let subject = subject(base, filter);
    reader.expect(step, &subject);
    match reader.list(step, &path, filter).await {
        Err(failure) if failure.is_bad_request() && !failure.is_unlicensed() && id.is_some() => {
            reader.note(step, &subject, Outcome::NotTried { why: "Azure does not filter by this principal".into() });
            Box::pin(list(reader, step, base, None)).await
        }
        answer => List { step, subject, filtered: id.is_some(), answer },
    }
}

/// Of a management group, and of the root, only what is at and above it can be listed.
pub(super) fn around(base: &Scope) -> Option<&'static str> {
    base.subscription().is_none().then_some("atScope()")
}

fn keep(reader: &Reader<'_>, base: &Scope, who: &Resolved, stated: bool, lists: Vec<List>) -> Result<Named, CollectError> {
    let mut named = Named::default();
    let proven = who.sort != Sort::NotKnown || stated || lists.iter().any(|list| list.proves(&who.id));
    for list in lists {
        match list.answer {
            Ok(items) => {
                items.iter().for_each(|item| element(reader, list.step, base, item));
                named.take(&items);
                if list.filtered {
                    named.confirmed.extend(
                        items.iter().filter(|item| may_be_group(item)).filter_map(|item| member(item, "principalId")).map(str::to_owned),
                    );
                }
                reader.note(list.step, &list.subject, if proven { Outcome::Found } else { unproven(&who.id) });
            }
            Err(failure) if failure.is_unlicensed() => {
                let why = "the tenant has no license for Privileged Identity Management: nothing is eligible in it".into();
                reader.note(list.step, &list.subject, Outcome::NotTried { why });
            }
            Err(failure) if failure.is_bad_credentials() || matches!(failure, Failure::Credentials(_)) => {
                return Err(unusable(reader, &failure));
            }
            Err(failure) => reader.unlisted(list.step, &list.subject, &failure),
        }
    }
    Ok(named)
}

/// P-2: an empty list for an application id says nothing of its service principal.
fn unproven(id: &str) -> Outcome {
    Outcome::Refused {
        needs: format!(
            "{} to know whether {id} is an object id; or --context objectId={id} where a token or an error calls it that",
            step::OBJECT.needs.join(" or ")
        ),
        said: "nothing is assigned to this id, which may be an application id or a group".into(),
    }
}

/// Deny assignments. Without a filter the list is "for the subscription", and whether that includes what is above it is not said;
/// `atScope()` is documented as "at or above". Both are read, and only both together are the whole list.
pub(super) async fn denied(reader: &Reader<'_>, base: &Scope) -> Named {
    let step = &step::DENY_ASSIGNMENTS;
    let subject = subject(base, around(base));
    reader.expect(step, &subject);
    let above = Box::pin(denials(reader, base, Some("atScope()")));
    let below = async { if base.subscription().is_some() { denials(reader, base, None).await } else { Ok(Vec::new()) } };
    let mut named = Named::default();
    let mut refused = None;
    let (above, below) = join(above, Box::pin(below)).await;
    for answer in [above, below] {
        match answer {
            Ok(items) => {
                items.iter().for_each(|item| element(reader, step, base, item));
                named.take(&items);
            }
            Err(failure) => refused = Some(failure),
        }
    }
    match refused {
        Some(failure) => reader.unlisted(step, &subject, &failure),
        None => reader.note(step, &subject, Outcome::Found),
    }
    named
}

/// The newest version tells assignments that only write a log. A cloud that does not have it has no such assignments either.
pub(super) async fn denials(reader: &Reader<'_>, base: &Scope, filter: Option<&str>) -> Result<Vec<Value>, Failure> {
    let path = format!("{}/providers/Microsoft.Authorization/denyAssignments", path_of(base));
    match reader.list(&step::DENY_ASSIGNMENTS, &path, filter).await {
        Err(failure) if failure.is_bad_request() => {
            let older = Step { version: OLDER_DENIALS, ..step::DENY_ASSIGNMENTS };
            reader.list(&older, &path, filter).await
        }
        answer => answer,
    }
}

/// Before `denyAssignmentEffect`.
pub(super) const OLDER_DENIALS: &str = "2022-04-01";

/// Role definitions by their ids.
pub(super) async fn definitions(reader: &Reader<'_>, roles: &BTreeSet<String>) {
    join_all(roles.iter().map(|role| Box::pin(definition(reader, role)))).await;
}

async fn definition(reader: &Reader<'_>, id: &str) {
    super::gates::object(reader, &step::ROLE_DEFINITION, id).await;
}

/// All registrations of a subscription, those of its resource groups too where a tenant manages it at all. Says whether they were read.
pub(super) async fn delegations(reader: &Reader<'_>, base: &Scope) -> bool {
    let managed = match reader.get(&step::SUBSCRIPTION, base.text()).await {
        Ok(object) => object.get("managedByTenants").and_then(Value::as_array).is_none_or(|tenants| !tenants.is_empty()),
        Err(_) => true,
    };
    let groups = async {
        if managed { reader.list(&step::RESOURCE_GROUPS, &format!("{}/resourcegroups", base.text()), None).await } else { Ok(Vec::new()) }
    };
    let groups = match Box::pin(groups).await {
        Ok(groups) => groups,
        Err(failure) => {
            reader.unlisted(&step::LIGHTHOUSE, base.text(), &failure);
            return false;
        }
    };
    let groups = groups.iter().filter_map(|group| group.get("id")?.as_str()).map(Scope::new);
    let (named, refused) = registered(reader, std::iter::once(base.clone()).chain(groups)).await;
    definitions(reader, &named.roles).await;
    match &refused {
        Some(failure) => reader.unlisted(&step::LIGHTHOUSE, base.text(), failure),
        // Of a subscription that nobody manages no registration has any effect.
        None => reader.note(&step::LIGHTHOUSE, base.text(), Outcome::Found),
    }
    refused.is_none()
}

/// Lighthouse registrations stand on subscriptions and on resource groups. Where both were read, they are all that there are at and
/// above a scope in them.
pub(super) async fn lighthouse(reader: &Reader<'_>, scope: &Scope) -> Named {
    let step = &step::LIGHTHOUSE;
    let Some(subscription) = scope.subscription_scope() else { return Named::default() };
    let subject = subject(scope, Some("atScope()"));
    reader.expect(step, &subject);
    let places = std::iter::once(subscription).chain(resource_group(scope));
    let (named, refused) = registered(reader, places).await;
    match refused {
        Some(failure) => reader.unlisted(step, &subject, &failure),
        None => reader.note(step, &subject, Outcome::Found),
    }
    named
}

/// The registrations at some places, handed in: the roles that they delegate, and why some could not be read.
async fn registered(reader: &Reader<'_>, places: impl Iterator<Item = Scope>) -> (Named, Option<Failure>) {
    let lists = join_all(places.map(|place| Box::pin(async move { (registrations(reader, &place).await, place) }))).await;
    let (mut named, mut refused) = (Named::default(), None);
    for (answer, place) in lists {
        match answer {
            Ok(items) => {
                items.iter().for_each(|item| registration(reader, &place, item));
                named.roles.extend(items.iter().flat_map(delegated));
            }
            Err(failure) => refused = Some(failure),
        }
    }
    (named, refused)
}

async fn registrations(reader: &Reader<'_>, place: &Scope) -> Result<Vec<Value>, Failure> {
    let step = &step::LIGHTHOUSE;
    let path = format!("{}/providers/Microsoft.ManagedServices/registrationAssignments", place.text());
    let query = [("api-version", step.version.to_owned()), ("$expandRegistrationDefinition", "true".to_owned())];
    reader.pages(step, super::connection::Service::Manager, &path, &query).await
}

/// Hands in a registration, of the scope that it is at.
fn registration(reader: &Reader<'_>, place: &Scope, item: &Value) {
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    let at = id.to_ascii_lowercase().rfind("/providers/microsoft.managedservices/").and_then(|at| id.get(..at));
    let title = definition_title("Lighthouse registration", member(item, "name").unwrap_or(id), id);
    reader.document(&step::LIGHTHOUSE, at.unwrap_or_else(|| place.text()), &title, item);
}

/// The roles that a registration delegates.
fn delegated(item: &Value) -> Vec<String> {
    let inner = |value: &Value, name: &str| value.get("properties").unwrap_or(value).get(name).cloned();
    let definition = inner(item, "registrationDefinition").unwrap_or_default();
    let list = inner(&definition, "authorizations").unwrap_or_default();
    let ids = list.as_array().into_iter().flatten().filter_map(|one| one.get("roleDefinitionId").and_then(Value::as_str));
    ids.map(|id| if id.starts_with('/') { id.to_owned() } else { format!("/providers/Microsoft.Authorization/roleDefinitions/{id}") })
        .collect()
}

/// The resource group that a scope is or lies in.
fn resource_group(scope: &Scope) -> Option<Scope> {
    let segments: Vec<&str> = scope.text().split('/').take(5).collect();
    let in_group = segments.len() == 5 && segments.get(3).is_some_and(|word| word.eq_ignore_ascii_case("resourceGroups"));
    in_group.then(|| Scope::new(&segments.join("/")))
}

fn may_be_group(item: &Value) -> bool {
    member(item, "principalId").is_some() && !matches!(member(item, "principalType"), Some("User" | "ServicePrincipal"))
}

fn is_foreign(item: &Value) -> bool {
    member(item, "principalType") == Some("ForeignGroup")
}

/// The groups that a deny assignment names or spares.
fn groups_named(item: &Value) -> Vec<String> {
    let inner = item.get("properties").unwrap_or(item);
    let lists = ["principals", "excludePrincipals"].into_iter().filter_map(|name| inner.get(name)?.as_array());
    let other = |one: &&Value| !matches!(one.get("type").and_then(Value::as_str), Some("User" | "ServicePrincipal" | "SystemDefined"));
    lists.flatten().filter(other).filter_map(|one| one.get("id")?.as_str()).map(str::to_owned).collect()
}

/// Everything at the first level for one base: own lists, deny assignments, and what is above.
pub(super) async fn access(reader: &Reader<'_>, base: &Scope, who: &Who<'_>) -> Result<(Named, super::hierarchy::Above), CollectError> {
    let (own, denied, above) =
        join3(Box::pin(own(reader, base, who)), Box::pin(denied(reader, base)), Box::pin(super::hierarchy::above(reader, base))).await;
    let mut named = own?;
    named.extend(denied);
    Ok((named, above))
}
