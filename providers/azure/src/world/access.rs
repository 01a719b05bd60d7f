//! Role definitions, role assignments and deny assignments, in the shapes of Resource Manager, of `az` and of Azure PowerShell.

use crate::language::condition::Condition;
use crate::language::operators::date;
use crate::language::permission::{Permission, permissions};
use crate::scope::Scope;
use crate::world::principals::PrincipalType;
use crate::world::{id_key, last, value};
use chrono::{DateTime, FixedOffset};
use iam_why_contract::{Document, Place};
use serde_json::Value;

/// The members of an object, which Resource Manager keeps under `properties` and `az` does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'v> {
    outer: &'v Value,
    inner: &'v Value,
    /// The pointer of the members' object.
    pub(crate) pointer: &'static str,
}

impl<'v> Body<'v> {
    /// Finds the members.
    pub(crate) fn new(value: &'v Value) -> Self {
        match value.get("properties").filter(|inner| inner.is_object()) {
            Some(inner) => Self { outer: value, inner, pointer: "/properties" },
            None => Self { outer: value, inner: value, pointer: "" },
        }
    }

    /// A member, wherever it is.
    pub(crate) fn get(&self, name: &str) -> Option<&'v Value> {
        self.inner.get(name).or_else(|| self.outer.get(name))
    }

    /// A member that is text and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The first of several names of a member that is text: Resource Manager's and PowerShell's.
    pub(crate) fn text_of(&self, names: &[&str]) -> Option<&'v str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// The object that holds the members.
    pub(crate) fn members(&self) -> &'v Value {
        self.inner
    }
}

/// What a document says of a condition.
#[derive(Debug, Clone)]
pub(crate) enum Stated {
    /// There is none.
    None,
    /// It is this.
    Some(Box<Condition>),
    /// The document has no such member: old versions of `az` left conditions out.
    Unsaid,
}

impl Stated {
    fn new(body: &Body<'_>) -> Self {
        match body.get("condition").or_else(|| body.get("Condition")) {
            Some(Value::String(text)) if !text.trim().is_empty() => {
                let version = body.get("conditionVersion").or_else(|| body.get("ConditionVersion"));
                Self::Some(Box::new(Condition::of_version(text, version)))
            }
            Some(_) => Self::None,
            None => Self::Unsaid,
        }
    }

    fn or_none(self) -> Self {
        if matches!(self, Self::Unsaid) { Self::None } else { self }
    }
}

/// A role assignment, or an eligible or scheduled one.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    /// The document it stands in.
    pub(crate) document: String,
    /// The pointer of its members.
    pub(crate) pointer: &'static str,
    /// The id of the role definition, as it was written.
    pub(crate) role: String,
    /// The name of the role, where the document has it.
    pub(crate) role_name: Option<String>,
    /// Who it is made to.
    pub(crate) principal: String,
    /// What kind of principal that is.
    pub(crate) principal_type: PrincipalType,
    /// What that principal is called, where the document has it.
    pub(crate) principal_name: Option<String>,
    /// Whether the document says that the principal has no name: it is gone, never was one, or could not be looked up (section 7.4).
    pub(crate) nameless: bool,
    /// Where it is made.
    pub(crate) scope: Scope,
    /// Its condition.
    pub(crate) condition: Stated,
    /// From when it counts.
    pub(crate) start: Option<DateTime<FixedOffset>>,
    /// Until when it counts.
    pub(crate) end: Option<DateTime<FixedOffset>>,
    /// When it was last changed.
    pub(crate) changed: Option<DateTime<FixedOffset>>,
    /// `Provisioned` and other states of eligible and scheduled assignments.
    pub(crate) status: Option<String>,
    /// Its own resource id.
    pub(crate) id: Option<String>,
    /// Of a schedule: the resource id of the role assignment that it made.
    pub(crate) origin: Option<String>,
    /// Whether it comes from a list of what is in force at the moment, as the lists of Privileged Identity Management are.
    pub(crate) instance: bool,
}

impl Assignment {
    /// Reads a document; `None` where principal, role or scope are missing.
    pub(crate) fn new(document: &Document) -> Option<Self> {
        let value = value(document)?;
        let body = Body::new(&value);
        let moment = |name: &str| body.text(name).and_then(date::moment);
        let instance = &*document.kind != crate::documents::ROLE_ASSIGNMENT;
        Some(Self {
            document: document.id.to_string(),
            pointer: body.pointer,
            role: body.text_of(&["roleDefinitionId", "RoleDefinitionId"])?.to_owned(),
            role_name: body.text_of(&["roleDefinitionName", "RoleDefinitionName"]).map(str::to_owned),
            principal: id_key(body.text_of(&["principalId", "ObjectId"])?),
            principal_type: PrincipalType::new(body.text_of(&["principalType", "ObjectType"])),
            principal_name: body.text_of(&["principalName", "SignInName", "DisplayName"]).map(str::to_owned),
            nameless: body.get("principalName").and_then(Value::as_str) == Some(""),
            scope: Scope::new(body.text_of(&["scope", "Scope"])?),
            // Only `az role assignment list` is known to have left conditions out.
            condition: if instance { Stated::new(&body).or_none() } else { Stated::new(&body) },
            start: moment("startDateTime"),
            end: moment("endDateTime"),
            changed: moment("updatedOn").or_else(|| moment("createdOn")),
            status: body.text("status").map(str::to_owned),
            id: body.text_of(&["id", "RoleAssignmentId"]).map(str::to_owned),
            origin: body.text("originRoleAssignmentId").map(str::to_owned),
            instance,
        })
    }

    /// The place of one of its members.
    pub(crate) fn place(&self, member: &str) -> Place {
        let place = Place::new(self.document.clone(), self.pointer);
        if member.is_empty() { place } else { place.member(member) }
    }
}

/// A role definition.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// The document it stands in.
    pub(crate) document: String,
    /// Its resource id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether Microsoft made it.
    pub(crate) built_in: bool,
    /// What it grants.
    pub(crate) permissions: Vec<Permission>,
    /// Where it may be assigned; of no account when a request is decided.
    pub(crate) assignable: Vec<Scope>,
}

impl Role {
    /// Reads a document; `None` where it lists no permissions.
    pub(crate) fn new(document: &Document) -> Option<Self> {
        let value = value(document)?;
        let body = Body::new(&value);
        let permissions = match permissions(body.members(), body.pointer) {
            Some(permissions) => permissions,
            // PowerShell prints the members of the only permission object among those of the role.
            None if body.get("Actions").or_else(|| body.get("actions")).is_some() => vec![flat_permission(&body)],
            None => return None,
        };
        let kind = body.text_of(&["roleType", "type"]).unwrap_or_default();
        let assignable = body.get("assignableScopes").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            document: document.id.to_string(),
            id: body.text("id").unwrap_or(&document.subject).to_owned(),
            name: body.text_of(&["roleName", "Name", "name"]).unwrap_or(&document.title).to_owned(),
            built_in: kind.eq_ignore_ascii_case("BuiltInRole"),
            permissions,
            assignable: assignable.filter_map(Value::as_str).map(Scope::new).collect(),
        })
    }

    /// The GUID of the role.
    pub(crate) fn guid(&self) -> String {
        id_key(last(&self.id))
    }

    /// How much it grants, for comparing roles.
    pub(crate) fn weight(&self) -> usize {
        self.permissions.iter().map(Permission::weight).sum()
    }
}

fn flat_permission(body: &Body<'_>) -> Permission {
    let lower: serde_json::Map<String, Value> = body
        .members()
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let mut letters = name.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            (first.into_iter().chain(letters).collect(), value.clone())
        })
        .collect();
    Permission::new(&Value::Object(lower), body.pointer.to_owned())
}

/// A deny assignment.
#[derive(Debug, Clone)]
pub(crate) struct Deny {
    /// The document it stands in.
    pub(crate) document: String,
    /// The pointer of its members.
    pub(crate) pointer: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Where it is made.
    pub(crate) scope: Scope,
    /// Whether it stops at its own scope.
    pub(crate) not_below: bool,
    /// What it refuses.
    pub(crate) permissions: Vec<Permission>,
    /// To whom.
    pub(crate) principals: Vec<DenyPrincipal>,
    /// Whom it spares.
    pub(crate) excluded: Vec<DenyPrincipal>,
    /// Whether only Azure can change it (D-6).
    pub(crate) system: bool,
    /// Its condition.
    pub(crate) condition: Option<Condition>,
    /// Whether it only writes a log (D-5).
    pub(crate) audit: bool,
    /// An effect of which nobody says what it does.
    pub(crate) other_effect: Option<String>,
}

/// Somebody a deny assignment names.
#[derive(Debug, Clone)]
pub(crate) struct DenyPrincipal {
    /// The object id; all zeros for everybody (P-8).
    pub(crate) id: String,
    /// What it is.
    pub(crate) kind: PrincipalType,
}

/// The id that stands for everybody (P-8).
pub(crate) fn is_everybody(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|digit| digit == b'0')
}

impl DenyPrincipal {
    /// Is it everybody?
    pub(crate) fn is_everybody(&self) -> bool {
        is_everybody(&self.id)
    }
}

impl Deny {
    /// Reads a document; `None` where scope, permissions or principals are missing.
    pub(crate) fn new(document: &Document) -> Option<Self> {
        let value = value(document)?;
        let body = Body::new(&value);
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let named = |name: &str| body.get(name).and_then(Value::as_array);
        let id = body.text("id").unwrap_or(&document.id).to_owned();
        let effect = body.text("denyAssignmentEffect").unwrap_or("enforced");
        Some(Self {
            document: document.id.to_string(),
            pointer: body.pointer,
            name: body.text_of(&["denyAssignmentName", "displayName", "name"]).unwrap_or(last(&id)).to_owned(),
            scope: Scope::new(body.text("scope").or_else(|| scope_of(&id))?),
            not_below: flag("doNotApplyToChildScopes"),
            permissions: permissions(body.members(), body.pointer)?,
            principals: deny_principals(named("principals")?),
            excluded: named("excludePrincipals").map(|list| deny_principals(list)).unwrap_or_default(),
            system: flag("isSystemProtected"),
            condition: body.text("condition").map(|text| Condition::of_version(text, body.get("conditionVersion"))),
            audit: effect.eq_ignore_ascii_case("audit"),
            other_effect: ["audit", "enforced"].iter().all(|known| !effect.eq_ignore_ascii_case(known)).then(|| effect.to_owned()),
        })
    }

    /// The place of one of its members.
    pub(crate) fn place(&self, member: &str) -> Place {
        let place = Place::new(self.document.clone(), self.pointer);
        if member.is_empty() { place } else { place.member(member) }
    }
}

fn scope_of(id: &str) -> Option<&str> {
    let lower = id.to_ascii_lowercase();
    lower.rfind("/providers/microsoft.authorization/").and_then(|at| id.get(..at)).map(|scope| if scope.is_empty() { "/" } else { scope })
}

fn deny_principals(list: &[Value]) -> Vec<DenyPrincipal> {
    let read = |element: &Value| {
        let id = element.get("id").unwrap_or(element).as_str()?;
        Some(DenyPrincipal { id: id_key(id), kind: PrincipalType::new(element.get("type").and_then(Value::as_str)) })
    };
    list.iter().filter_map(read).collect()
}
