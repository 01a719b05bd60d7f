//! A whole subscription, list by list and page by page; an interrupted run goes on with the next page.
//!
//! A list that was refused, or of which something was, does not count as done: whoever comes back with more rights reads it again.

use super::assignments::{Named, OLDER_DENIALS, around, delegations, denials};
use super::connection::{Service, connect};
use super::directory;
use super::gates;
use super::hierarchy;
use super::management;
use super::outcome::Failure;
use super::principal::unusable;
use super::question::{element, member, path_of, subject};
use super::reader::{MOST_PAGES, Page, Reader, version};
use super::step::{self, Step};
use crate::scope::Scope;
use crate::world::{dashed, guid, id_key, last};
use azure_core::credentials::TokenCredential;
use azure_core::http::Url;
use futures_util::future::{join, join_all, join3};
use iam_why_contract::collect::{Options, Point, Progress, Sink};
use iam_why_contract::{CollectError, Outcome};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

/// Reads the subscription or management group `scope` (or the subscription of the settings) into `sink`.
pub(super) async fn read(
    given: Option<Arc<dyn TokenCredential>>,
    scope: Option<&str>,
    options: &Options,
    sink: &dyn Sink,
    progress: &dyn Progress,
) -> Result<String, CollectError> {
    let base = place(scope.or_else(|| options.get("subscription")))?;
    // A whole subscription takes as long as it takes; a single call does not.
    let reader = Reader::new(connect(given, options)?, options.concurrency, sink, progress).each_within(options.timeout);
    let run = Run { reader: &reader, groups: Mutex::default(), above: Mutex::default(), built_in: Mutex::default() };
    if base.subscription().is_some() {
        run.first(&step::SUBSCRIPTION, base.text()).await?;
        run.subscription(&base).await;
    } else {
        management::read(&run, &base).await?;
    }
    match reader.ledger.write_error() {
        Some(error) => Err(CollectError::Write(error)),
        None => Ok(base.text().to_owned()),
    }
}

/// A bare id is a subscription's. The root management group is named like the tenant, so that a group is written with what it is.
fn place(scope: Option<&str>) -> Result<Scope, CollectError> {
    let missing = || {
        let how =
            "say which subscription by its id, or which management group by `managementGroups/NAME`: `iam-why collect azure ID -o FILE`";
        CollectError::Question(how.into())
    };
    let text = scope.map(str::trim).filter(|text| !text.is_empty()).ok_or_else(missing)?;
    let lower = text.to_ascii_lowercase();
    if let Some(at) = lower.rfind("managementgroups/") {
        let name = text.get(at + "managementgroups/".len()..).unwrap_or_default().trim_end_matches('/');
        let plain = !name.is_empty() && name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.()".contains(one));
        return if plain { Ok(Scope::of_management_group(name)) } else { Err(missing()) };
    }
    let id = text.trim_start_matches("/subscriptions/").trim_end_matches('/');
    let id = guid(id).map(|digits| dashed(&digits)).ok_or_else(missing)?;
    Ok(Scope::new(&format!("/subscriptions/{id}")))
}

/// One run over one or more subscriptions.
pub(super) struct Run<'w> {
    pub(super) reader: &'w Reader<'w>,
    /// The groups that were read in this run, and whether they could be.
    groups: Mutex<BTreeMap<String, Arc<OnceCell<bool>>>>,
    /// The management groups that lists of each base name: they are above it.
    above: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// The roles of Microsoft's own that were handed in: they are the same in every subscription.
    built_in: Mutex<BTreeSet<String>>,
}

/// A list, and what its elements lead to.
#[derive(Clone, Copy)]
struct List {
    step: &'static Step,
    path: &'static str,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Elements stand at scopes.
    Scoped,
    /// The same, and they name groups.
    Groups,
    /// Elements are documents of their own id.
    Own,
    /// The same, and most of them are there in every subscription.
    Roles,
    /// The same, and their access policies name groups.
    Vaults,
    /// Accounts with role assignments inside.
    Accounts,
    /// Namespaces with operations.
    Namespaces,
}

const fn list(step: &'static Step, path: &'static str, then: Then) -> List {
    List { step, path, then }
}

/// What is listed of a subscription and of a management group.
const SCOPED: &[List] = &[
    list(&step::ROLE_ASSIGNMENTS, "Microsoft.Authorization/roleAssignments", Then::Groups),
    list(&step::DENY_ASSIGNMENTS, "Microsoft.Authorization/denyAssignments", Then::Groups),
    list(&step::ELIGIBLE, "Microsoft.Authorization/roleEligibilityScheduleInstances", Then::Groups),
    list(&step::SCHEDULES, "Microsoft.Authorization/roleAssignmentScheduleInstances", Then::Scoped),
];

/// Resources with settings of their own.
fn settings() -> impl Iterator<Item = List> {
    let then = |step: &Step| match step {
        step if *step == step::KEY_VAULT => Then::Vaults,
        step if *step == step::COSMOS => Then::Accounts,
        _ => Then::Own,
    };
    gates::SETTINGS.iter().map(move |(path, step)| List { step, path, then: then(step) })
}

/// What is listed of a subscription only.
const SUBSCRIPTION: &[List] = &[
    list(&step::ROLE_DEFINITION, "Microsoft.Authorization/roleDefinitions", Then::Roles),
    list(&step::LOCKS, "Microsoft.Authorization/locks", Then::Scoped),
    list(&step::PROVIDER, "", Then::Namespaces),
];

impl Run<'_> {
    /// Nothing is read with credentials that Azure does not accept.
    pub(super) async fn first(&self, step: &Step, path: &str) -> Result<(), CollectError> {
        let call = self.reader.get(step, path).await;
        match call {
            Err(failure @ (Failure::Credentials(_) | Failure::Connection(_) | Failure::Answered { status: 401, .. })) => {
                Err(unusable(self.reader, &failure))
            }
            _ => Ok(()),
        }
    }

    /// Everything of a subscription.
    pub(super) async fn subscription(&self, base: &Scope) {
        let lists = join_all(SUBSCRIPTION.iter().copied().chain(settings()).map(|list| Box::pin(self.list(base, list))));
        let delegations = self.step(base, "registrations", Box::pin(delegations(self.reader, base)));
        join3(lists, Box::pin(self.scoped(base)), Box::pin(delegations)).await;
        let seen = self.above.lock().await.get(base.key()).cloned().unwrap_or_default();
        self.step(base, "hierarchy", Box::pin(hierarchy::both(self.reader, base, &seen))).await;
    }

    /// What is listed of a subscription or a management group.
    pub(super) async fn scoped(&self, base: &Scope) {
        let lists = join_all(SCOPED.iter().map(|list| Box::pin(self.list(base, *list))));
        let policies = self.step(base, "policies", Box::pin(gates::policies(self.reader, base)));
        join(lists, Box::pin(policies)).await;
    }

    /// Does what was not done before, and notes that it is done if all of it was.
    pub(super) async fn step(&self, base: &Scope, name: &str, doing: impl Future<Output = bool>) {
        let name = format!("{} {name}", base.text());
        if self.reader.ledger.sink().resume(&name) != Some(Point::End) && doing.await {
            self.reached(&name, Point::End);
        }
    }

    /// Reads a list from where it was left.
    async fn list(&self, base: &Scope, list: List) {
        let name = format!("{} {}", base.text(), if list.path.is_empty() { list.step.call } else { list.path });
        let resumed = match self.reader.ledger.sink().resume(&name) {
            Some(Point::End) => return,
            Some(Point::Page(link)) => self.reader.follow(list.step, Service::Manager, &link).ok(),
            None => None,
        };
        let subject = subject(base, around(base));
        if !self.above_was_read(base, list, &subject).await {
            return;
        }
        let done = match resumed {
            // Azure forgets where a page began; then the list is read from its beginning.
            Some(page) => match self.pages(base, list, &name, page).await {
                Err(_) => self.all_pages(base, list, &name).await,
                done => done,
            },
            None => self.all_pages(base, list, &name).await,
        };
        match done {
            Ok(whole) => {
                self.reader.note(list.step, &subject, Outcome::Found);
                if whole {
                    self.reached(&name, Point::End);
                }
            }
            Err(failure) if failure.is_unlicensed() => {
                let why = "the tenant has no license for Privileged Identity Management: nothing is eligible in it".into();
                self.reader.note(list.step, &subject, Outcome::NotTried { why });
            }
            Err(failure) if failure.is_unregistered() => {
                let why = "the namespace is not registered in the subscription, which can have nothing of it".into();
                self.reader.note(list.step, &subject, Outcome::NotTried { why });
            }
            Err(failure) => self.reader.unlisted(list.step, &subject, &failure),
        }
    }

    /// Deny assignments above a subscription are only known to be in the list that is documented to have them.
    async fn above_was_read(&self, base: &Scope, list: List, subject: &str) -> bool {
        if list.step.call != step::DENY_ASSIGNMENTS.call || base.subscription().is_none() {
            return true;
        }
        match denials(self.reader, base, Some("atScope()")).await {
            Ok(items) => self.take(base, list, &items).await,
            Err(failure) => {
                self.reader.unlisted(list.step, subject, &failure);
                false
            }
        }
    }

    async fn all_pages(&self, base: &Scope, list: List, name: &str) -> Result<bool, Failure> {
        match self.pages(base, list, name, self.address(base, list, list.step.version)?).await {
            Err(failure) if failure.is_bad_request() && list.step.call == step::DENY_ASSIGNMENTS.call => {
                self.pages(base, list, name, self.address(base, list, OLDER_DENIALS)?).await
            }
            done => done,
        }
    }

    fn address(&self, base: &Scope, list: List, of: &'static str) -> Result<Url, Failure> {
        let path = match list.then {
            Then::Namespaces => format!("{}/providers", path_of(base)),
            _ => format!("{}/providers/{}", path_of(base), list.path),
        };
        let mut query = version(&Step { version: of, ..*list.step });
        query.extend(around(base).map(|filter| ("$filter", filter.to_owned())));
        self.reader.url(Service::Manager, &path, &query)
    }

    /// Reads pages with what belongs to them. Says whether everything was read; how far it came is kept as long as it was.
    async fn pages(&self, base: &Scope, list: List, name: &str, mut at: Url) -> Result<bool, Failure> {
        let mut whole = true;
        for _ in 0..MOST_PAGES {
            let Page { items, next } = self.reader.page(list.step, Service::Manager, &at).await?;
            whole &= self.take(base, list, &items).await;
            let Some(next) = next else { return Ok(whole) };
            at = self.reader.follow(list.step, Service::Manager, &next)?;
            if whole {
                self.reached(name, Point::Page(next));
            }
        }
        Err(self.reader.endless(list.step))
    }

    /// Hands in the elements of a page, and reads what they lead to. Says whether that could be read.
    async fn take(&self, base: &Scope, list: List, items: &[Value]) -> bool {
        let own = || items.iter().filter_map(|item| Some((item.get("id")?.as_str()?, item)));
        match list.then {
            Then::Scoped | Then::Groups => items.iter().for_each(|item| element(self.reader, list.step, base, item)),
            Then::Roles => self.roles(own()).await,
            Then::Own | Then::Vaults | Then::Accounts => own().for_each(|(id, item)| gates::hand_in(self.reader, list.step, id, item)),
            Then::Namespaces => {}
        }
        match list.then {
            Then::Scoped | Then::Roles => true,
            Then::Own => self.rules(list.step, own().filter_map(|(id, _)| gates::rules_below(list.step, id)).collect()).await,
            Then::Groups => {
                let mut named = Named::default();
                named.take(items);
                let people = items.iter().filter_map(|item| member(item, "principalId")).map(str::to_owned).collect();
                named.foreign.iter().for_each(|group| directory::foreign(self.reader, group));
                let own = named.groups.difference(&named.foreign).cloned().collect();
                self.above.lock().await.entry(base.key().to_owned()).or_default().extend(named.above);
                let (groups, names) = join(Box::pin(self.groups(&own)), Box::pin(directory::sorted(self.reader, &people))).await;
                groups && names.is_some()
            }
            Then::Vaults => self.unsorted(items.iter().flat_map(gates::in_access_policies).collect()).await,
            Then::Accounts => {
                let inside = join_all(own().map(|(id, _)| Box::pin(gates::cosmos(self.reader, id)))).await;
                let whole = inside.iter().all(|(_, whole)| *whole);
                self.unsorted(inside.into_iter().flat_map(|(ids, _)| ids).collect()).await && whole
            }
            Then::Namespaces => self.namespaces(base, items).await,
        }
    }

    /// The resources below that hold the network rules of others.
    async fn rules(&self, step: &'static Step, ids: Vec<String>) -> bool {
        let read = join_all(ids.iter().map(|id| Box::pin(gates::object(self.reader, step, id)))).await;
        read.iter().all(Option::is_some)
    }

    async fn roles<'v>(&self, items: impl Iterator<Item = (&'v str, &'v Value)>) {
        let mut known = self.built_in.lock().await;
        for (id, item) in items {
            let built_in = member(item, "type") == Some("BuiltInRole");
            if !built_in || known.insert(id_key(last(id))) {
                gates::hand_in(self.reader, &step::ROLE_DEFINITION, id, item);
            }
        }
    }

    /// Ids that nobody says to be of groups or not. Those that are not have no members.
    async fn unsorted(&self, ids: BTreeSet<String>) -> bool {
        if ids.is_empty() {
            return true;
        }
        let Some(groups) = directory::sorted(self.reader, &ids).await else { return false };
        ids.difference(&groups).for_each(|id| self.reader.note(&step::GROUP_MEMBERS, id, Outcome::Absent));
        self.groups(&groups).await
    }

    /// The members of groups, each group once.
    async fn groups(&self, groups: &BTreeSet<String>) -> bool {
        let read = join_all(groups.iter().map(|group| Box::pin(self.group(group)))).await;
        read.into_iter().all(|read| read)
    }

    async fn group(&self, group: &str) -> bool {
        let cell = Arc::clone(self.groups.lock().await.entry(group.to_ascii_lowercase()).or_default());
        *cell.get_or_init(|| Box::pin(directory::members(self.reader, group))).await
    }

    /// Which namespaces are registered, and the operations of those that are.
    async fn namespaces(&self, base: &Scope, items: &[Value]) -> bool {
        let Some(subscription) = base.subscription() else { return true };
        let named = items.iter().filter_map(|item| Some((item.get("namespace")?.as_str()?, item)));
        let mut used = Vec::new();
        for (namespace, item) in named {
            gates::registered(self.reader, subscription, namespace, item);
            let is = item.get("registrationState").and_then(Value::as_str).is_some_and(|state| state.eq_ignore_ascii_case("Registered"));
            used.extend(is.then_some(namespace));
        }
        let read = join_all(used.into_iter().map(|namespace| Box::pin(self.operations(namespace)))).await;
        read.into_iter().all(|read| read)
    }

    /// The catalogue is the same for all subscriptions: it is read once.
    async fn operations(&self, namespace: &str) -> bool {
        let name = format!("operations {}", namespace.to_ascii_lowercase());
        if self.reader.ledger.sink().resume(&name) == Some(Point::End) {
            return true;
        }
        let read = gates::operations(self.reader, namespace).await;
        if read {
            self.reached(&name, Point::End);
        }
        read
    }

    pub(super) fn reached(&self, name: &str, point: Point) {
        self.reader.ledger.written(self.reader.ledger.sink().reached(name, point));
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_bare_id_is_a_subscription_and_a_management_group_says_what_it_is() {
        let id = "11111111-1111-1111-1111-111111111111";
        let text = |scope: &str| place(Some(scope)).map(|scope| scope.text().to_owned());
        assert_eq!(text(id).unwrap(), format!("/subscriptions/{id}"));
        assert_eq!(text(&format!("/subscriptions/{id}/")).unwrap(), format!("/subscriptions/{id}"));
        let group = "/providers/Microsoft.Management/managementGroups/unit";
        assert_eq!(text("managementGroups/unit").unwrap(), group);
        assert_eq!(text(group).unwrap(), group);
        assert!(text("unit").is_err() && text("managementGroups/a'b").is_err() && place(None).is_err());
    }
}
