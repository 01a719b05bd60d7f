//! Who is who: object ids, application ids, names, and groups within groups.

use crate::documents;
use crate::world::{Assignment, dashed, guid, id_key, value};
use iam_why_contract::{Document, Outcome};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What kind of principal an id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PrincipalType {
    /// A person.
    User,
    /// A group.
    Group,
    /// An application or a managed identity (P-1).
    ServicePrincipal,
    /// Nobody said, or something else.
    #[default]
    NotSaid,
}

impl PrincipalType {
    /// Reads the name that the API has for it.
    pub(crate) fn new(name: Option<&str>) -> Self {
        match name.map(str::to_ascii_lowercase).as_deref() {
            Some("user") => Self::User,
            Some("group" | "foreigngroup") => Self::Group,
            Some("serviceprincipal" | "msi" | "managedidentity") => Self::ServicePrincipal,
            _ => Self::NotSaid,
        }
    }

    /// The name that the API has for it.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::User => Some("User"),
            Self::Group => Some("Group"),
            Self::ServicePrincipal => Some("ServicePrincipal"),
            Self::NotSaid => None,
        }
    }
}

/// The caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Its object id, if it is known.
    pub(crate) id: Option<String>,
    /// Its application id, if it has one and it is known.
    pub(crate) app_id: Option<String>,
    /// What it is.
    pub(crate) kind: PrincipalType,
    /// What to call it.
    pub(crate) shown: String,
    /// Whether the directory was read to have it.
    pub(crate) read: bool,
    /// How the name was understood.
    pub(crate) notes: Vec<String>,
}

impl Caller {
    /// Was no credential sent?
    pub(crate) fn is_anonymous(&self) -> bool {
        self.id.is_none() && self.shown == "anonymous"
    }
}

/// Whether somebody is in a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Only through one of these groups, whose members were not read.
    Open(Vec<String>),
}

#[derive(Debug, Clone)]
struct Principal {
    id: String,
    app_id: Option<String>,
    names: Vec<String>,
    kind: PrincipalType,
}

/// Every principal and group that was read.
#[derive(Debug, Default)]
pub(super) struct Principals {
    principals: Vec<Principal>,
    members: HashMap<String, Vec<Member>>,
    member_of: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
struct Member {
    id: String,
    kind: PrincipalType,
}

impl Principals {
    pub(super) fn take(&mut self, document: &Document) {
        let Some(value) = value(document) else { return };
        match &*document.kind {
            documents::PRINCIPAL => self.principals.extend(principal(&value, document)),
            documents::GROUP_MEMBERS => {
                self.members.insert(id_key(&document.subject), members(&value));
            }
            _ => {
                let groups = members(&value).into_iter().map(|member| member.id).collect();
                self.member_of.insert(id_key(&document.subject), groups);
            }
        }
    }

    pub(super) fn name_of(&self, id: &str) -> Option<&str> {
        self.principals.iter().find(|principal| principal.id == id).and_then(|principal| principal.names.first()).map(String::as_str)
    }

    /// Finds the caller by object id, application id, user principal name, resource id of a managed identity, or display name.
    pub(super) fn caller(&self, named: &str, assignments: &[Assignment]) -> Caller {
        let wanted = id_key(named);
        if let Some(found) = self.principals.iter().find(|principal| principal.id == wanted) {
            return found.caller(named, Vec::new());
        }
        if let Some(found) = self.principals.iter().find(|principal| principal.app_id.as_ref() == Some(&wanted)) {
            let note = format!(
                "`{named}` is the application id of {}; role assignments name its object id {}",
                found.names.first().map_or("a service principal", String::as_str),
                dashed(&found.id)
            );
            return found.caller(named, vec![note]);
        }
        if guid(named).is_some() {
            return self.stranger(named, wanted, assignments);
        }
        self.by_name(named, assignments)
    }

    /// An object id of which nothing was read.
    fn stranger(&self, named: &str, id: String, assignments: &[Assignment]) -> Caller {
        let known = assignments.iter().find(|assignment| assignment.principal == id);
        let kind = known.map(|assignment| assignment.principal_type).unwrap_or_default();
        let shown = known.and_then(|assignment| assignment.principal_name.clone());
        Caller { id: Some(id), app_id: None, kind, shown: shown.unwrap_or_else(|| named.trim().to_owned()), read: false, notes: Vec::new() }
    }

    fn by_name(&self, named: &str, assignments: &[Assignment]) -> Caller {
        let same = |name: &String| name.trim_end_matches('/').eq_ignore_ascii_case(named.trim().trim_end_matches('/'));
        let mut found: Vec<Caller> = self
            .principals
            .iter()
            .filter(|principal| principal.names.iter().any(same))
            .map(|principal| principal.caller(named, vec![format!("`{named}` is {}", dashed(&principal.id))]))
            .collect();
        if found.is_empty() {
            let assigned = assignments.iter().filter(|assignment| assignment.principal_name.as_ref().is_some_and(same));
            found.extend(assigned.map(|assignment| Caller {
                id: Some(assignment.principal.clone()),
                app_id: None,
                kind: assignment.principal_type,
                shown: named.to_owned(),
                read: true,
                notes: vec![format!("`{named}` is {}, as the role assignments name it", dashed(&assignment.principal))],
            }));
        }
        let ids: HashSet<Option<String>> = found.iter().map(|caller| caller.id.clone()).collect();
        match (ids.len(), found.into_iter().next()) {
            (1, Some(only)) => only,
            (count, _) => {
                let note = match count {
                    0 | 1 => format!("nothing that was read is called `{named}`: give the object id"),
                    _ => format!("`{named}` is the name of {count} principals: give the object id"),
                };
                let notes = Some(note).filter(|_| named != "anonymous").into_iter().collect();
                Caller { shown: named.to_owned(), notes, ..Caller::default() }
            }
        }
    }

    /// Is `id` a group: are its members known, is it among the groups of `caller`, or did the directory say so?
    pub(super) fn is_group(&self, caller: Option<&str>, id: &str) -> bool {
        let among = caller.and_then(|caller| self.member_of.get(caller)).is_some_and(|groups| groups.iter().any(|group| group == id));
        let said = || self.principals.iter().any(|principal| principal.id == id && principal.kind == PrincipalType::Group);
        among || self.members.contains_key(id) || said()
    }

    /// Is `id` in `group`, as far as what was read says?
    pub(super) fn member<'o>(&self, id: &str, group: &str, outcome: &dyn Fn(&str, &str) -> Option<&'o Outcome>) -> Membership {
        if self.member_of.get(id).is_some_and(|groups| groups.iter().any(|other| other == group)) {
            return Membership::Yes;
        }
        let reached = self.reaches(id, group, outcome);
        // The list of somebody's groups has nested ones too. It and the groups' lists may differ for minutes: who is in a group by
        // either is in it.
        let listed = matches!(outcome(documents::MEMBER_OF, &dashed(id)), Some(Outcome::Found | Outcome::Absent));
        if listed && reached != Membership::Yes { Membership::No } else { reached }
    }

    fn reaches<'o>(&self, id: &str, group: &str, outcome: &dyn Fn(&str, &str) -> Option<&'o Outcome>) -> Membership {
        let mut waiting = vec![group.to_owned()];
        let (mut seen, mut open) = (HashSet::new(), Vec::new());
        while let Some(group) = waiting.pop() {
            if !seen.insert(group.clone()) {
                continue;
            }
            let Some(members) = self.members.get(&group) else {
                if outcome(documents::GROUP_MEMBERS, &dashed(&group)) != Some(&Outcome::Absent) {
                    open.push(group);
                }
                continue;
            };
            if members.iter().any(|member| member.id == id) {
                return Membership::Yes;
            }
            let nested = members.iter().filter(|member| matches!(member.kind, PrincipalType::Group | PrincipalType::NotSaid));
            waiting.extend(nested.map(|member| member.id.clone()));
        }
        if open.is_empty() { Membership::No } else { Membership::Open(open) }
    }
}

impl Principal {
    fn caller(&self, named: &str, notes: Vec<String>) -> Caller {
        let shown = self.names.first().cloned().unwrap_or_else(|| named.to_owned());
        Caller { id: Some(self.id.clone()), app_id: self.app_id.clone(), kind: self.kind, shown, read: true, notes }
    }
}

fn principal(value: &Value, document: &Document) -> Option<Principal> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    // `az identity show` has the resource id as `id` and the object id as `principalId`.
    let own = text("principalId").or_else(|| text("id").filter(|id| guid(id).is_some())).unwrap_or(&document.subject);
    let app_id = text("appId").or_else(|| text("clientId"));
    let mut names: Vec<String> =
        ["userPrincipalName", "displayName", "name", "mail"].iter().filter_map(|name| text(name)).map(str::to_owned).collect();
    names.extend(text("id").filter(|id| id.starts_with('/')).map(str::to_owned));
    names
        .extend(value.get("alternativeNames").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    let stated = text("@odata.type").map(|kind| kind.trim_start_matches("#microsoft.graph."));
    let kind = match PrincipalType::new(stated.or_else(|| text("principalType"))) {
        PrincipalType::NotSaid if app_id.is_some() || text("servicePrincipalType").is_some() => PrincipalType::ServicePrincipal,
        PrincipalType::NotSaid if text("userPrincipalName").is_some() => PrincipalType::User,
        PrincipalType::NotSaid if value.get("securityEnabled").is_some() => PrincipalType::Group,
        kind => kind,
    };
    Some(Principal { id: id_key(own), app_id: app_id.map(id_key), names, kind })
}

/// The elements of a list of directory objects: a bare list or a page, of objects or of bare ids.
fn members(value: &Value) -> Vec<Member> {
    let list = value.get("value").unwrap_or(value).as_array();
    let read = |element: &Value| {
        let id = element.get("id").unwrap_or(element).as_str()?;
        let kind = element.get("@odata.type").and_then(Value::as_str).map(|kind| kind.trim_start_matches("#microsoft.graph."));
        Some(Member { id: id_key(id), kind: PrincipalType::new(kind) })
    };
    list.into_iter().flatten().filter_map(read).collect()
}
