//! From a snapshot to a typed world: every document parsed once, role definitions only when a question touches them.

mod access;
mod principals;

pub(crate) use access::{Assignment, Body, Deny, DenyPrincipal, Role, Stated, is_everybody};
use principals::Membership;
pub(crate) use principals::{Caller, PrincipalType};

use crate::documents;
use crate::facts::{Facts, doubt};
use crate::request::Target;
use crate::scope::Scope;
use iam_why_contract::{Document, Doubt, Outcome, Snapshot, Truth};
use principals::Principals;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A snapshot, compiled.
#[derive(Debug)]
pub(crate) struct World<'s> {
    /// What it was made of.
    pub(crate) snapshot: &'s Snapshot,
    /// The role assignments.
    pub(crate) assignments: Vec<Assignment>,
    /// What could be assigned after an activation.
    pub(crate) eligible: Vec<Assignment>,
    /// When role assignments begin and end.
    pub(crate) schedules: Vec<Assignment>,
    /// The deny assignments.
    pub(crate) denies: Vec<Deny>,
    /// Documents that are not of their kind's shape: kind and id.
    pub(crate) unreadable: Vec<(String, String)>,
    roles: HashMap<String, (&'s Document, OnceLock<Option<Role>>)>,
    principals: Principals,
    ancestors: HashMap<String, Chain>,
    searches: HashMap<(String, String), &'s Outcome>,
}

/// The management groups above a scope, as far as they were read.
#[derive(Debug, Default)]
struct Chain {
    names: Vec<String>,
    complete: bool,
}

/// Whether a list was read for a scope.
#[derive(Debug)]
pub(crate) enum Listed {
    /// Yes: what is not here is not there.
    Yes,
    /// No.
    No(Doubt),
}

/// The 32 digits of a GUID in lower case, dashes and braces dropped.
pub(crate) fn guid(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | '{' | '}')).map(|c| c.to_ascii_lowercase()).collect();
    (digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit())).then_some(digits)
}

/// How ids are compared: a GUID by its digits (D-7), anything else without regard to case.
pub(crate) fn id_key(text: &str) -> String {
    guid(text).unwrap_or_else(|| text.trim().to_ascii_lowercase())
}

/// The last segment of a path.
pub(crate) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// The text of a document as a value; `None` where it is not JSON.
pub(crate) fn value(document: &Document) -> Option<Value> {
    serde_json::from_str(&document.text).ok()
}

impl<'s> World<'s> {
    /// Compiles a snapshot.
    pub(crate) fn new(snapshot: &'s Snapshot) -> Self {
        let mut world = Self {
            snapshot,
            assignments: Vec::new(),
            eligible: Vec::new(),
            schedules: Vec::new(),
            denies: Vec::new(),
            unreadable: Vec::new(),
            roles: HashMap::new(),
            principals: Principals::default(),
            ancestors: HashMap::new(),
            searches: HashMap::new(),
        };
        snapshot.documents().iter().for_each(|document| world.take(document));
        for search in snapshot.searches() {
            world.searches.insert((search.kind.to_string(), search.subject.to_ascii_lowercase()), &search.outcome);
        }
        world
    }

    fn take(&mut self, document: &'s Document) {
        match &*document.kind {
            documents::ROLE_DEFINITION => {
                self.roles.entry(id_key(last(&document.subject))).or_insert((document, OnceLock::new()));
            }
            documents::ROLE_ASSIGNMENT => {
                let read = Assignment::new(document);
                Self::keep(read, document, &mut self.assignments, &mut self.unreadable);
            }
            documents::ELIGIBLE_ASSIGNMENT => {
                let read = Assignment::new(document);
                Self::keep(read, document, &mut self.eligible, &mut self.unreadable);
            }
            documents::ASSIGNMENT_SCHEDULE => {
                let read = Assignment::new(document);
                Self::keep(read, document, &mut self.schedules, &mut self.unreadable);
            }
            documents::DENY_ASSIGNMENT => {
                let read = Deny::new(document);
                Self::keep(read, document, &mut self.denies, &mut self.unreadable);
            }
            documents::PRINCIPAL | documents::GROUP_MEMBERS | documents::MEMBER_OF => self.principals.take(document),
            documents::ANCESTORS => self.take_ancestors(document),
            documents::MANAGEMENT_GROUP => self.take_tree(document),
            _ => {}
        }
    }

    fn keep<T>(read: Option<T>, document: &Document, list: &mut Vec<T>, unreadable: &mut Vec<(String, String)>) {
        match read {
            Some(item) => list.push(item),
            None => unreadable.push((document.kind.to_string(), document.id.to_string())),
        }
    }

    fn take_ancestors(&mut self, document: &Document) {
        let Some(value) = value(document) else { return };
        let body = Body::new(&value);
        let chain = body.get("managementGroupAncestorsChain").or(Some(&value)).and_then(Value::as_array);
        let Some(chain) = chain else { return };
        let name = |element: &Value| element.get("name").unwrap_or(element).as_str().map(str::to_ascii_lowercase);
        let names = chain.iter().filter_map(name).collect();
        self.ancestors.insert(ancestors_key(&document.subject), Chain { names, complete: true });
    }

    /// `az account management-group show --expand --recurse`: what lies below is in the tree, what lies above only as the parent.
    fn take_tree(&mut self, document: &Document) {
        let Some(value) = value(document) else { return };
        let body = Body::new(&value);
        let parent = body.get("details").and_then(|details| details.get("parent")).and_then(|parent| parent.get("name"));
        let above: Vec<String> = parent.and_then(Value::as_str).map(str::to_ascii_lowercase).into_iter().collect();
        let complete = above.is_empty() && body.get("details").is_some_and(|details| details.get("parent").is_some_and(Value::is_null));
        let name = value.get("name").and_then(Value::as_str).unwrap_or(&document.subject).to_ascii_lowercase();
        self.branch(&name, &above, complete, body.get("children"), 0);
    }

    fn branch(&mut self, name: &str, above: &[String], complete: bool, children: Option<&Value>, depth: usize) {
        let key = Scope::of_management_group(name).key().to_owned();
        self.chain(key, above, complete);
        let mut path = vec![name.to_owned()];
        path.extend_from_slice(above);
        // Azure allows six levels below the root.
        for child in children.and_then(Value::as_array).into_iter().flatten().filter(|_| depth < 16) {
            let text = |member: &str| child.get(member).and_then(Value::as_str).unwrap_or_default();
            let name = text("name").to_ascii_lowercase();
            if text("type").to_ascii_lowercase().ends_with("subscriptions") {
                self.chain(format!("/subscriptions/{name}"), &path, complete);
            } else {
                self.branch(&name, &path, complete, child.get("children"), depth + 1);
            }
        }
    }

    fn chain(&mut self, key: String, names: &[String], complete: bool) {
        let known = self.ancestors.entry(key).or_default();
        if !known.complete && names.len() >= known.names.len() {
            *known = Chain { names: names.to_vec(), complete };
        }
    }

    /// What Privileged Identity Management says of when a role assignment begins and ends.
    pub(crate) fn schedule(&self, assignment: &Assignment) -> Option<&Assignment> {
        let own = assignment.id.as_deref()?;
        self.schedules.iter().find(|schedule| schedule.origin.as_deref().is_some_and(|origin| origin.eq_ignore_ascii_case(own)))
    }

    /// The role definition of this id, whatever form the id has.
    pub(crate) fn role(&self, id: &str) -> Option<&Role> {
        let (document, role) = self.roles.get(&id_key(last(id)))?;
        role.get_or_init(|| Role::new(document)).as_ref()
    }

    /// Every role definition there is.
    pub(crate) fn roles(&self) -> Vec<&Role> {
        let mut ids: Vec<&String> = self.roles.keys().collect();
        ids.sort();
        ids.into_iter().filter_map(|id| self.role(id)).collect()
    }

    /// Who the caller is.
    pub(crate) fn caller(&self, named: &str) -> Caller {
        let caller = self.principals.caller(named, &self.assignments);
        match self.signed_in().filter(|_| caller.id.is_none() && named.trim().eq_ignore_ascii_case("me")) {
            Some(own) => self.principals.caller(&own, &self.assignments),
            None => caller,
        }
    }

    /// Whom `az account show` was printed for, if that was one and the same.
    fn signed_in(&self) -> Option<String> {
        let user = |document: &Document| value(document)?.get("user")?.get("name")?.as_str().map(str::to_owned);
        let mut users: Vec<String> = self.all(documents::SUBSCRIPTION).filter_map(user).collect();
        users.sort();
        users.dedup();
        if users.len() == 1 { users.pop() } else { None }
    }

    /// What is known of a principal besides its id: a name for it.
    pub(crate) fn name_of(&self, id: &str) -> Option<&str> {
        self.principals.name_of(id).or_else(|| {
            let assignment = self.assignments.iter().find(|assignment| assignment.principal == id);
            assignment.and_then(|assignment| assignment.principal_name.as_deref())
        })
    }

    /// Is the caller in the group, directly or through other groups (P-5)?
    pub(crate) fn member(&self, caller: &Caller, group: &str, facts: &Facts) -> Truth {
        let membership = caller.id.as_ref().map(|id| self.principals.member(id, group, &|kind, subject| self.outcome(kind, subject)));
        match membership {
            Some(Membership::Yes) => Truth::Yes,
            Some(Membership::No) => Truth::No,
            Some(Membership::Open(groups)) => Truth::any(groups.iter().map(|group| self.ask_member(caller, group, facts))),
            None => self.ask_member(caller, group, facts),
        }
    }

    /// Is this the id of a group, by what was read of it or of the caller's groups?
    pub(crate) fn is_group(&self, caller: &Caller, id: &str) -> bool {
        let asked_for = || self.searches.contains_key(&(documents::GROUP_MEMBERS.to_owned(), dashed(id)));
        self.principals.is_group(caller.id.as_deref(), id) || asked_for()
    }

    fn ask_member(&self, caller: &Caller, group: &str, facts: &Facts) -> Truth {
        facts.ask(&format!("member {group}"), || {
            let name = self.name_of(group).map(|name| format!(" ({name})")).unwrap_or_default();
            doubt(
                format!("whether {} is in the group {}{name}", caller.shown, dashed(group)),
                format!("the members of the group: {}", documents::permissions(documents::GROUP_MEMBERS)),
            )
        })
    }

    /// What became of looking for `kind` of `subject`, in whatever case the subject is written.
    pub(crate) fn outcome(&self, kind: &str, subject: &str) -> Option<&Outcome> {
        let noted = |subject: &str| self.searches.get(&(kind.to_owned(), subject.to_ascii_lowercase())).copied();
        noted(subject).or_else(|| self.document(kind, subject).map(|_| &Outcome::Found)).or_else(|| match noted("*") {
            Some(Outcome::Found) => Some(&Outcome::Absent),
            other => other,
        })
    }

    /// The document of `kind` of `subject`, in whatever case the subject is written.
    pub(crate) fn document(&self, kind: &str, subject: &str) -> Option<&'s Document> {
        let exact = self.snapshot.of(kind, subject).next();
        let here = |document: &&Document| &*document.kind == kind && document.subject.eq_ignore_ascii_case(subject);
        exact.or_else(|| self.snapshot.documents().iter().find(here))
    }

    /// Every document of `kind`.
    pub(crate) fn all(&self, kind: &'s str) -> impl Iterator<Item = &'s Document> {
        self.snapshot.all_of(kind)
    }

    /// Was the whole list of `kind` read, as far as it reaches `scope`?
    pub(crate) fn listed(&self, kind: &'static str, scope: Option<&Scope>, caller: &Caller) -> Listed {
        let mut refused = None;
        for search in self.snapshot.searches().iter().filter(|search| &*search.kind == kind) {
            let reach = Reach::new(&search.subject);
            if !reach.covers(scope, caller) {
                continue;
            }
            match &search.outcome {
                Outcome::Found | Outcome::Absent => return Listed::Yes,
                Outcome::Refused { needs, .. } => refused = Some(needs.clone()),
                Outcome::NotTried { why } => refused = refused.or_else(|| Some(why.clone())),
            }
        }
        let title = documents::kind(kind).map_or(kind, |row| row.title).trim_start_matches("the ");
        let at = scope.map(|scope| format!(" at {scope}")).unwrap_or_default();
        Listed::No(doubt(format!("the {title}s{at}, which were not read"), refused.unwrap_or_else(|| documents::permissions(kind))))
    }

    /// Does an assignment at `at` reach the target?
    pub(crate) fn covers(&self, at: &Scope, target: Option<&Scope>, facts: &Facts) -> Truth {
        if at.is_root() {
            return Truth::Yes;
        }
        let Some(target) = target else {
            return facts.ask(&format!("target below {}", at.key()), || {
                doubt("the resource id of what is asked for, which is not known", format!("whether it lies in {at}: give the resource id"))
            });
        };
        if at.holds(target) {
            return Truth::Yes;
        }
        let Some(group) = at.management_group() else { return Truth::No };
        self.below(group, target, facts)
    }

    /// S-3: a management group holds subscriptions and groups without being in their path.
    fn below(&self, group: &str, target: &Scope, facts: &Facts) -> Truth {
        let of = match (target.subscription_scope(), target.in_management_group()) {
            (Some(subscription), _) => subscription,
            (None, Some(name)) => Scope::of_management_group(name),
            (None, None) => return Truth::No,
        };
        let chain = self.ancestors.get(of.key());
        match chain {
            Some(chain) if chain.names.iter().any(|name| name == group) => return Truth::Yes,
            Some(chain) if chain.complete => return Truth::No,
            _ => {}
        }
        facts.ask(&format!("above {} {group}", of.key()), || {
            let needs = format!("the management groups above {of}: {}", documents::permissions(documents::ANCESTORS));
            doubt(format!("whether the management group {group} is above {of}"), needs)
        })
    }

    /// The scope that a target is; `None` where its resource id is in no document.
    pub(crate) fn resolve(&self, target: &Target) -> Option<Scope> {
        match target {
            Target::Scope(scope) => Some(scope.clone()),
            Target::NotSaid => None,
            Target::Below { kind, name, path } => {
                let named = |scope: Scope| scope.name().eq_ignore_ascii_case(name).then_some(scope);
                let seen =
                    self.snapshot.documents().iter().find_map(|document| Scope::new(&document.subject).resource(kind).and_then(named));
                let seen = seen.or_else(|| self.assignments.iter().find_map(|assignment| assignment.scope.resource(kind).and_then(named)));
                seen.map(|resource| Scope::new(&format!("{resource}{path}")))
            }
        }
    }
}

fn ancestors_key(subject: &str) -> String {
    if guid(subject).is_some() { format!("/subscriptions/{}", subject.to_ascii_lowercase()) } else { Scope::new(subject).key().to_owned() }
}

/// A GUID with its dashes; anything else as it is.
pub(crate) fn dashed(id: &str) -> String {
    let parts = [id.get(..8), id.get(8..12), id.get(12..16), id.get(16..20), id.get(20..)];
    let parts: Option<Vec<&str>> = parts.into_iter().collect();
    match parts.filter(|_| id.len() == 32) {
        Some(parts) => parts.join("-"),
        None => id.to_owned(),
    }
}

/// How far the search of a list reaches: its subject is the scope, with the filter of the call behind it.
struct Reach {
    everything: bool,
    scope: Scope,
    at_scope: bool,
    assigned_to: Option<String>,
}

impl Reach {
    fn new(subject: &str) -> Self {
        let (scope, filter) = subject.split_once("?$filter=").unwrap_or((subject, ""));
        let assigned_to = filter.split_once("assignedTo('").and_then(|(_, rest)| rest.split('\'').next()).map(id_key);
        Self { everything: subject == "*", scope: Scope::new(scope), at_scope: filter.contains("atScope()"), assigned_to }
    }

    /// F-1, F-4: without a filter a list holds what is at, above and below its scope; with `atScope()` nothing below.
    fn covers(&self, scope: Option<&Scope>, caller: &Caller) -> bool {
        if self.everything {
            return true;
        }
        let Some(scope) = scope else { return false };
        let reaches = if self.at_scope { self.scope == *scope } else { self.scope.holds(scope) && !self.scope.is_root() };
        reaches && self.assigned_to.as_ref().is_none_or(|id| caller.id.as_ref() == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, dashed, guid};
    use crate::scope::Scope;
    use crate::world::Caller;

    #[test]
    fn a_guid_is_its_digits() {
        let digits = "acdd72a7338548efbd42f606fba81ae7";
        assert_eq!(guid("ACDD72A7-3385-48EF-bd42-f606fba81ae7").as_deref(), Some(digits));
        assert_eq!(dashed(digits), "acdd72a7-3385-48ef-bd42-f606fba81ae7");
        assert_eq!(guid("app"), None);
    }

    #[test]
    fn a_list_at_and_above_a_scope_says_nothing_of_what_is_below() {
        let group = Scope::new("/subscriptions/s/resourceGroups/g");
        let disk = Scope::new("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d");
        let caller = Caller::default();
        let covers = |subject: &str, scope: &Scope| Reach::new(subject).covers(Some(scope), &caller);
        assert!(covers("/subscriptions/s", &disk));
        assert!(covers("/subscriptions/s/resourcegroups/G?$filter=atScope()", &group));
        assert!(!covers("/subscriptions/s/resourceGroups/g?$filter=atScope()", &disk));
        assert!(!covers("/subscriptions/s?$filter=assignedTo('someone else')", &disk));
    }
}
