//! Files as `az`, `az rest` and Azure PowerShell print them.
//!
//! An element says by its id or its type what it is. Whether a list is the whole list only the file's name says, as
//! `WHAT--SUBSCRIPTION.json` or `SUBSCRIPTION/WHAT.json`:
//!
//! | name | holds what is printed by |
//! |---|---|
//! | `role-assignments--ID.json` | `az role assignment list --all --include-inherited --include-groups --subscription ID` |
//! | `deny-assignments--ID.json` | `az rest --url /subscriptions/ID/providers/Microsoft.Authorization/denyAssignments?api-version=…` |
//! | `eligible-assignments--ID.json`, `assignment-schedules--ID.json` | the same of `roleEligibilityScheduleInstances`, `roleAssignmentScheduleInstances` |
//! | `locks--ID.json` | `az lock list --subscription ID` |
//! | `policy-assignments--ID.json`, `policy-exemptions--ID.json` | `az policy assignment list --disable-scope-strict-match`, `az policy exemption list` |
//! | `lighthouse--ID.json` | `az managedservices assignment list --include-definition true` |
//! | `ad-group-members--GROUP.json` | `az ad group member list --group GROUP` |
//! | `ad-groups-of--ID.json` | `transitiveMemberOf` of Graph, or `az ad user get-member-groups` |
//! | `path-acl--ACCOUNT--CONTAINER--DIR--FILE.json` | `az storage fs access show` |

use super::{
    ANCESTORS, ASSIGNMENT_SCHEDULE, COSMOS_ASSIGNMENTS, COSMOS_DEFINITIONS, DENY_ASSIGNMENT, ELIGIBLE_ASSIGNMENT, GROUP_MEMBERS, KEY_VAULT,
    LIGHTHOUSE_ASSIGNMENT, LOCK, MANAGEMENT_GROUP, MEMBER_OF, OPERATIONS, PATH_ACL, POLICY_ASSIGNMENT, POLICY_DEFINITION, POLICY_EXEMPTION,
    POLICY_SET, PRINCIPAL, PROVIDER, RESOURCE, ROLE_ASSIGNMENT, ROLE_DEFINITION, STORAGE_ACCOUNT, SUBSCRIPTION,
};
use crate::layers::network::{SERVICES, Service};
use crate::scope::Scope;
use crate::world::{Body, guid, last};
use iam_why_contract::{Document, Outcome, Search, Snapshot, SourceFile};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Lists that can be complete: what the file is called, and the kind of its elements.
const LISTS: [(&str, &str); 8] = [
    ("role-assignments", ROLE_ASSIGNMENT),
    ("deny-assignments", DENY_ASSIGNMENT),
    ("eligible-assignments", ELIGIBLE_ASSIGNMENT),
    ("assignment-schedules", ASSIGNMENT_SCHEDULE),
    ("locks", LOCK),
    ("policy-assignments", POLICY_ASSIGNMENT),
    ("policy-exemptions", POLICY_EXEMPTION),
    ("lighthouse", LIGHTHOUSE_ASSIGNMENT),
];

/// Resources below something else: a part of their id, and their kind. The scope is what stands before that part.
const EXTENSIONS: [(&str, &str); 8] = [
    ("/providers/microsoft.authorization/roleassignments/", ROLE_ASSIGNMENT),
    ("/providers/microsoft.authorization/roleeligibilityscheduleinstances/", ELIGIBLE_ASSIGNMENT),
    ("/providers/microsoft.authorization/roleassignmentscheduleinstances/", ASSIGNMENT_SCHEDULE),
    ("/providers/microsoft.authorization/denyassignments/", DENY_ASSIGNMENT),
    ("/providers/microsoft.authorization/locks/", LOCK),
    ("/providers/microsoft.authorization/policyassignments/", POLICY_ASSIGNMENT),
    ("/providers/microsoft.authorization/policyexemptions/", POLICY_EXEMPTION),
    ("/providers/microsoft.managedservices/registrationassignments/", LIGHTHOUSE_ASSIGNMENT),
];

/// Definitions and resources that are their own subject.
const OWN: [(&str, &str); 3] = [
    ("/providers/microsoft.authorization/roledefinitions/", ROLE_DEFINITION),
    ("/providers/microsoft.authorization/policydefinitions/", POLICY_DEFINITION),
    ("/providers/microsoft.authorization/policysetdefinitions/", POLICY_SET),
];

/// Reads a file that `az` or PowerShell printed; `None` where it is none of those.
pub(crate) fn recognise(file: SourceFile<'_>) -> Option<Snapshot> {
    let text = file.text.trim_start_matches('\u{feff}');
    let mut taken = Taken { snapshot: Snapshot::default(), path: file.path, text, named: Named::read(file.path) };
    let known = match text.trim_start().chars().next()? {
        '[' => taken.list(&serde_json::from_str::<Vec<&RawValue>>(text).ok()?, false),
        '{' if of_another_cloud(text) => false,
        '{' => match serde_json::from_str::<Page<'_>>(text) {
            Ok(page) => taken.list(&page.value, page.next_link.is_some_and(|link| !link.is_empty())),
            Err(_) => taken.object(&serde_json::from_str(text).ok()?, text, 1),
        },
        _ => false,
    };
    known.then_some(taken.snapshot)
}

/// Does it begin with a list under a name with a capital, as AWS prints whole accounts? No object of Azure's does: such a file, which
/// may be large, is not worth parsing.
fn of_another_cloud(text: &str) -> bool {
    let first = text.trim_start().strip_prefix('{').and_then(|inside| inside.trim_start().strip_prefix('"'));
    let member = first.and_then(|inside| inside.split_once('"'));
    member.is_some_and(|(name, rest)| {
        let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
        name.starts_with(|letter: char| letter.is_ascii_uppercase()) && value.is_some_and(|value| value.starts_with('['))
    })
}

/// Is it a resource of this service, or the rules of one?
fn of_service(service: &Service, kind: &str) -> bool {
    let own = service.kind.to_ascii_lowercase();
    service.document == RESOURCE && kind.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest == "/networkrulesets")
}

/// Puts together what several files say: the resource id of an account of which a path's list has only the name.
pub(crate) fn assemble(snapshot: Snapshot) -> Snapshot {
    let named = |name: &str| {
        let account = |document: &&Document| last(&document.subject).eq_ignore_ascii_case(name);
        snapshot.all_of(STORAGE_ACCOUNT).find(account).map(|document| document.subject.to_string())
    };
    let lone = |document: &Document| &*document.kind == PATH_ACL && !document.subject.starts_with('/');
    if !snapshot.documents().iter().any(lone) {
        return snapshot;
    }
    let mut assembled = Snapshot::new([], snapshot.searches().iter().cloned());
    assembled.taken_at.clone_from(&snapshot.taken_at);
    assembled.remarks.clone_from(&snapshot.remarks);
    for document in snapshot.documents() {
        let mut document = document.clone();
        let parts = document.subject.split_once('/').filter(|_| lone(&document));
        if let Some((account, (container, path))) = parts.and_then(|(name, rest)| Some((named(name)?, rest.split_once("//")?))) {
            document.subject = format!("{account}/blobServices/default/containers/{container}//{path}").into();
        }
        assembled.add(document);
    }
    assembled
}

/// A page of Resource Manager, Graph or `az rest`.
#[derive(Deserialize)]
struct Page<'t> {
    #[serde(borrow, alias = "data")]
    value: Vec<&'t RawValue>,
    #[serde(default, rename = "nextLink", alias = "@odata.nextLink", alias = "skip_token")]
    next_link: Option<String>,
}

/// What the name of a file says it holds, and whose it is.
#[derive(Debug, Default)]
struct Named {
    what: String,
    whose: Vec<String>,
}

impl Named {
    fn read(path: &str) -> Self {
        let path = path.strip_suffix(".json").unwrap_or(path);
        let mut folders: Vec<&str> = path.split(['/', '\\']).collect();
        let name = folders.pop().unwrap_or_default();
        let mut parts = name.split("--").map(str::to_owned);
        let what = parts.next().unwrap_or_default();
        let mut whose: Vec<String> = parts.collect();
        if whose.is_empty() {
            whose.extend(folders.pop().filter(|folder| guid(folder).is_some()).map(str::to_owned));
        }
        Self { what, whose }
    }

    fn list(&self) -> Option<&'static str> {
        LISTS.iter().find(|(what, _)| *what == self.what).map(|(_, kind)| *kind)
    }

    /// The scope of which the list was printed.
    fn scope(&self) -> Option<String> {
        match self.whose.as_slice() {
            [id] if guid(id).is_some() => Some(format!("/subscriptions/{id}")),
            [kind, name] if kind == "management-group" => Some(Scope::of_management_group(name).text().to_owned()),
            _ => None,
        }
    }

    fn id(&self) -> Option<&str> {
        self.whose.first().map(String::as_str).filter(|id| guid(id).is_some())
    }
}

struct Taken<'f> {
    snapshot: Snapshot,
    path: &'f str,
    text: &'f str,
    named: Named,
}

impl Taken<'_> {
    fn add(&mut self, kind: &str, subject: &str, title: &str, text: &str, line: u32) -> bool {
        self.snapshot.add(Document::new(kind, subject, title, text).from_source(self.path, line));
        true
    }

    fn remark(&mut self, says: &str) {
        self.snapshot.remarks.push(format!("`{}` {says}", self.path));
    }

    /// Takes in a list; says whether it is of a known shape.
    fn list(&mut self, elements: &[&RawValue], more: bool) -> bool {
        if let Some(known) = self.whole(elements, more) {
            return known;
        }
        let whole = self.text;
        let mut all = self.named.list().is_some() || !elements.is_empty();
        let (mut line, mut counted) = (1_u32, 0_usize);
        for element in elements {
            let start = (element.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
            let newlines = whole.get(counted..start).map_or(0, |between| between.matches('\n').count());
            line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            counted = start;
            let Ok(value) = serde_json::from_str::<Value>(element.get()) else { return false };
            all &= self.object(&value, element.get(), line);
        }
        if all {
            self.complete(more);
        }
        all
    }

    /// Lists that are one document.
    fn whole(&mut self, elements: &[&RawValue], more: bool) -> Option<bool> {
        let (text, what) = (self.text, self.named.what.clone());
        for (name, kind, title) in [("ad-group-members", GROUP_MEMBERS, "members"), ("ad-groups-of", MEMBER_OF, "groups")] {
            if what == name {
                let Some(id) = self.named.id().map(str::to_owned) else {
                    self.remark(&format!("does not say whose it is: call it `{name}--OBJECT-ID.json`"));
                    return Some(true);
                };
                let outcome = if more { Outcome::NotTried { why: FURTHER.to_owned() } } else { Outcome::Found };
                if !more || kind == MEMBER_OF {
                    self.add(kind, &id, &format!("{title} of {id}"), text, 1);
                }
                self.snapshot.note(Search { kind: kind.into(), subject: id.into(), outcome });
                return Some(true);
            }
        }
        let first: Value = serde_json::from_str(elements.first()?.get()).ok()?;
        let id = first.get("id").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        for (part, kind) in [("/sqlroleassignments/", COSMOS_ASSIGNMENTS), ("/sqlroledefinitions/", COSMOS_DEFINITIONS)] {
            if let Some(at) = id.find(part) {
                let account = first.get("id").and_then(Value::as_str).and_then(|id| id.get(..at)).unwrap_or_default().to_owned();
                return Some(self.add(kind, &account, &format!("{} of {}", part.trim_matches('/'), last(&account)), text, 1));
            }
        }
        None
    }

    /// Notes that a list is the whole one, where the file's name says so.
    fn complete(&mut self, more: bool) {
        let Some(kind) = self.named.list() else { return };
        match self.named.scope() {
            Some(scope) => {
                let outcome = if more { Outcome::NotTried { why: FURTHER.to_owned() } } else { Outcome::Found };
                self.snapshot.note(Search { kind: kind.into(), subject: scope.into(), outcome });
            }
            None => self.remark(&format!("does not say of which subscription it is: call it `{}--SUBSCRIPTION-ID.json`", self.named.what)),
        }
    }

    /// Takes in one object; says whether it is of a known shape.
    fn object(&mut self, value: &Value, text: &str, line: u32) -> bool {
        self.by_id(value, text, line)
            || self.resource(value, text, line)
            || self.directory(value, text, line)
            || self.tenant(value, text, line)
    }

    /// What an id tells.
    fn by_id(&mut self, value: &Value, text: &str, line: u32) -> bool {
        let body = Body::new(value);
        // PowerShell has other names for the members, and the bare GUID for the id of a role.
        let id = ["id", "RoleAssignmentId"].iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default();
        let lower = id.to_ascii_lowercase();
        if let Some((at, kind)) = EXTENSIONS.iter().find_map(|(part, kind)| Some((lower.rfind(part)?, *kind))) {
            let above = id.get(..at).filter(|above| !above.is_empty()).unwrap_or("/");
            let scope = body.text_of(&["scope", "Scope"]).unwrap_or(above);
            let words = super::kind(kind).map_or(kind, |row| row.title).trim_start_matches("the ");
            let name = body.text_of(&["denyAssignmentName", "displayName"]).map_or_else(|| whose(&body, id), str::to_owned);
            return self.add(kind, scope, &format!("{words} {name}"), text, line);
        }
        if let Some((_, kind)) = OWN.iter().find(|(part, _)| lower.contains(part)) {
            let title = body.text_of(&["roleName", "displayName"]).unwrap_or(last(id));
            return self.add(kind, id, title, text, line);
        }
        if let (Some(id), Some(name), true) = (body.text("Id"), body.text("Name"), value.get("Actions").is_some()) {
            return self.add(ROLE_DEFINITION, id, name, text, line);
        }
        false
    }

    /// Storage accounts, vaults, identities.
    fn resource(&mut self, value: &Value, text: &str, line: u32) -> bool {
        let (kind, id) = (member(value, "type").to_ascii_lowercase(), member(value, "id"));
        let title = last(id);
        match kind.as_str() {
            "microsoft.storage/storageaccounts" => self.add(STORAGE_ACCOUNT, id, title, text, line),
            // `az keyvault list` leaves out the properties, and with them who decides.
            "microsoft.keyvault/vaults" if value.get("properties").is_none_or(Value::is_null) => {
                self.remark("lists a vault without its properties: print it with `az keyvault show`");
                true
            }
            "microsoft.keyvault/vaults" => self.add(KEY_VAULT, id, title, text, line),
            "microsoft.managedidentity/userassignedidentities" => {
                let own = Body::new(value).text("principalId").unwrap_or_default().to_owned();
                !own.is_empty() && self.add(PRINCIPAL, &own, title, text, line)
            }
            // Other services count for their network rules only.
            _ if SERVICES.iter().any(|service| of_service(service, &kind)) => self.add(RESOURCE, id, title, text, line),
            _ => false,
        }
    }

    /// Users, groups and service principals.
    fn directory(&mut self, value: &Value, text: &str, line: u32) -> bool {
        let id = member(value, "id");
        // An app registration has an object id of its own, which is no principal (P-2).
        let context = member(value, "@odata.context").to_ascii_lowercase();
        let registration = context.contains("#applications")
            || (value.get("appId").is_some() && value.get("signInAudience").is_some() && value.get("servicePrincipalType").is_none());
        let named = ["userPrincipalName", "servicePrincipalType", "appId", "securityEnabled"].iter().any(|name| value.get(name).is_some());
        if guid(id).is_none() || !named {
            return false;
        }
        if registration {
            self.remark("is an app registration; roles are assigned to its service principal: `az ad sp show --id APP-ID`");
            return true;
        }
        let title = ["displayName", "userPrincipalName"].iter().map(|name| member(value, name)).find(|name| !name.is_empty()).unwrap_or(id);
        self.add(PRINCIPAL, id, title, text, line)
    }

    /// Subscriptions, management groups, resource providers, access control lists.
    fn tenant(&mut self, value: &Value, text: &str, line: u32) -> bool {
        let (id, kind) = (member(value, "id"), member(value, "type").to_ascii_lowercase());
        if kind.ends_with("microsoft.management/managementgroups") {
            return self.add(MANAGEMENT_GROUP, member(value, "name"), member(value, "name"), text, line);
        }
        if kind.ends_with("/provideroperations") || (value.get("operations").is_some() && value.get("resourceTypes").is_some()) {
            return self.add(OPERATIONS, member(value, "name"), member(value, "name"), text, line);
        }
        if let Some(chain) = chain(value) {
            let subscription = member(value, "subscriptionId");
            let subject = if subscription.is_empty() { last(id) } else { subscription };
            let chain = serde_json::json!({ "managementGroupAncestorsChain": chain }).to_string();
            return self.add(ANCESTORS, subject, &format!("management groups above {subject}"), &chain, line);
        }
        let subscription = Scope::new(id).subscription().map(str::to_owned);
        if let (Some(subscription), false) = (subscription.as_ref(), member(value, "registrationState").is_empty()) {
            let namespace = member(value, "namespace");
            return self.add(PROVIDER, &format!("{subscription}/{namespace}"), namespace, text, line);
        }
        if !member(value, "state").is_empty() && (value.get("tenantId").is_some() || value.get("subscriptionId").is_some()) {
            let own = subscription.unwrap_or_else(|| id.to_owned());
            let title = ["name", "displayName"].iter().map(|name| member(value, name)).find(|name| !name.is_empty()).unwrap_or(id);
            return self.add(SUBSCRIPTION, &own, title, text, line);
        }
        self.path_acl(value, text, line)
    }

    fn path_acl(&mut self, value: &Value, text: &str, line: u32) -> bool {
        if !["acl", "owner", "group"].iter().all(|name| value.get(name).is_some()) {
            return false;
        }
        match self.named.whose.clone().as_slice() {
            [account, container, path @ ..] if self.named.what == "path-acl" => {
                let path = path.join("/");
                self.add(PATH_ACL, &format!("{account}/{container}//{path}"), &format!("list of /{path}"), text, line)
            }
            _ => {
                self.remark("does not say of which path it is: call it `path-acl--ACCOUNT--CONTAINER--DIR--FILE.json`");
                true
            }
        }
    }
}

/// To whom an assignment is made, by name if it has one.
fn whose(body: &Body<'_>, id: &str) -> String {
    let name = body.text_of(&["principalName", "SignInName", "DisplayName", "principalId", "ObjectId"]);
    name.map_or_else(|| last(id).to_owned(), |name| format!("to {name}"))
}

const FURTHER: &str = "the list has further pages";

fn member<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A row of Resource Graph with the management groups above.
fn chain(value: &Value) -> Option<&Value> {
    let name = "managementGroupAncestorsChain";
    let inner = value.get("properties").and_then(|properties| properties.get(name));
    value.get(name).or_else(|| value.get("properties_managementGroupAncestorsChain")).or(inner).filter(|chain| chain.is_array())
}
