//! Files as gcloud and its neighbours printed them.
//!
//! Many outputs say whose they are. For those that do not, the file's name says it, as `WHAT--WHOSE.json` or `WHAT/WHOSE.json`:
//!
//! | name | holds what is printed by |
//! |---|---|
//! | `iam-policy--project--shop.json`, `iam-policy--folder--8.json`, `iam-policy--bucket--invoices.json` | `get-iam-policy` |
//! | `iam-policy--pubsub--projects--shop--topics--orders.json` | `get-iam-policy` of any other resource, its service first |
//! | `deny-policies--project--shop.json` | `gcloud iam policies list --kind=denypolicies`: says that these are all |
//! | `boundary-bindings.json` | `search-target-policy-bindings` of every set that holds the caller: says that these are all |
//! | `group-members--ops@shop.example.json` | `gcloud identity groups memberships list` |
//! | `groups-of--kim@shop.example.json` | `gcloud identity groups memberships search-transitive-groups` |
//! | `tags--bucket--invoices.json` | `gcloud resource-manager tags bindings list --effective` |
//! | `managed-folders--bucket--invoices.json` | `gcloud storage managed-folders list`: an empty list says that there are none |
//! | `perimeters--organization--77.json`, `access-levels--organization--77.json` | `gcloud access-context-manager … list` |

use super::{
    ACCESS_BINDING, ACCESS_LEVELS, ACCESS_POLICY, ACL, ALLOW_POLICY, ANCESTRY, BILLING, BOUNDARY_BINDING, BOUNDARY_POLICY, BUCKET,
    CUSTOM_CONSTRAINT, DATASET, DENY_POLICY, FOLDER, GROUP_MEMBERS, GROUPS_OF, ORG_POLICY, ORGANIZATION, PERIMETERS, PROJECT, ROLE,
    RUN_SERVICE, SERVICE_ACCOUNT, SERVICE_STATE, TABLE, TAGS, USER_ACCESS, assets,
};
use crate::language::resources::{FullName, STORAGE};
use crate::world::{member, text};
use iam_why_contract::{Document, Outcome, Search, Snapshot, SourceFile};
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads a file that gcloud, bq or Cloud Asset printed; `None` where it is none of those.
#[must_use]
pub fn recognise(file: SourceFile<'_>) -> Option<Snapshot> {
    let text = file.text.trim_start_matches('\u{feff}');
    if of_another_cloud(text) {
        return None;
    }
    let mut taken = Taken { snapshot: Snapshot::default(), path: file.path, text, named: Named::read(file.path) };
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => object(&mut taken, &value, text, 1).then_some(taken.snapshot),
        Ok(Value::Array(_)) => list(&mut taken).then_some(taken.snapshot),
        Ok(_) => None,
        Err(_) => assets::lines(&mut taken).then_some(taken.snapshot),
    }
}

/// Does it begin with a member whose name has a capital, as AWS writes them? Google's never have: such a file is not worth parsing.
fn of_another_cloud(text: &str) -> bool {
    let first = text.trim_start().strip_prefix('{').and_then(|inside| inside.trim_start().strip_prefix('"'));
    first.is_some_and(|name| name.starts_with(|letter: char| letter.is_ascii_uppercase()))
}

/// Puts together what several files say: the organization of a list of perimeters, which deny policies are all there are.
#[must_use]
pub fn assemble(snapshot: Snapshot) -> Snapshot {
    if !snapshot.documents().iter().any(|document| document.kind.starts_with("gcp:")) {
        return snapshot;
    }
    let organization = organization(&snapshot);
    let mut assembled = Snapshot::new([], snapshot.searches().iter().cloned());
    assembled.taken_at.clone_from(&snapshot.taken_at);
    assembled.remarks.clone_from(&snapshot.remarks);
    for document in snapshot.documents() {
        let mut document = document.clone();
        let homeless = matches!(&*document.kind, PERIMETERS | ACCESS_LEVELS) && document.subject.starts_with("accessPolicies/");
        match &organization {
            Some(organization) if homeless => document.subject = organization.as_str().into(),
            _ => {}
        }
        assembled.add(document);
    }
    for point in lone_deny_policies(&snapshot) {
        let why = "a policy was given by itself, and nothing says that it is the only one".to_owned();
        assembled.note(Search { kind: DENY_POLICY.into(), subject: point.as_str().into(), outcome: Outcome::NotTried { why } });
    }
    assembled
}

/// The only organization of which the documents speak.
fn organization(snapshot: &Snapshot) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for document in snapshot.documents() {
        let own = (&*document.kind == ORGANIZATION).then(|| document.subject.to_string());
        let above = (&*document.kind == ANCESTRY).then(|| crate::world::read_ancestry(document)).flatten().unwrap_or_default();
        found.extend(own);
        found.extend(above.iter().filter(|node| node.path.starts_with("organizations/")).map(ToString::to_string));
    }
    found.sort();
    found.dedup();
    if found.len() == 1 { found.pop() } else { None }
}

/// Attachment points of which only single policies were given.
fn lone_deny_policies(snapshot: &Snapshot) -> Vec<String> {
    let listed = |subject: &str| {
        snapshot.searches().iter().any(|search| &*search.kind == DENY_POLICY && (&*search.subject == subject || &*search.subject == "*"))
    };
    let printed = snapshot.all_of(DENY_POLICY).filter(|document| document.origin.source.ends_with(".json"));
    let mut points: Vec<String> = printed.map(|document| document.subject.to_string()).filter(|subject| !listed(subject)).collect();
    points.sort();
    points.dedup();
    points
}

/// A file on its way into a snapshot.
pub(super) struct Taken<'f> {
    pub snapshot: Snapshot,
    pub path: &'f str,
    pub text: &'f str,
    named: Named,
}

impl Taken<'_> {
    pub(super) fn add(&mut self, kind: &str, subject: &str, title: &str, text: &str, line: u32) {
        self.snapshot.add(Document::new(kind, subject, title, text).from_source(self.path, line));
    }

    pub(super) fn note(&mut self, kind: &str, subject: &str, outcome: Outcome) {
        self.snapshot.note(Search { kind: kind.into(), subject: subject.into(), outcome });
    }

    fn remark(&mut self, says: &str) {
        self.snapshot.remarks.push(format!("`{}` {says}", self.path));
    }
}

/// What the name of a file says it holds, and whose it is.
#[derive(Debug, Default)]
struct Named {
    what: String,
    whose: Vec<String>,
}

const WHATS: [&str; 9] = [
    "iam-policy",
    "deny-policies",
    "boundary-bindings",
    "group-members",
    "groups-of",
    "tags",
    "perimeters",
    "access-levels",
    "managed-folders",
];

impl Named {
    fn read(path: &str) -> Self {
        let path = path.strip_suffix(".json").unwrap_or(path);
        let parts: Vec<&str> = path.split(['/', '\\']).flat_map(|part| part.split("--")).collect();
        let Some(at) = parts.iter().rposition(|part| WHATS.contains(part)) else { return Self::default() };
        let whose = parts.iter().skip(at + 1).filter(|part| !part.is_empty()).map(|part| (*part).to_owned()).collect();
        Self { what: parts.get(at).map_or_else(String::new, |what| (*what).to_owned()), whose }
    }

    fn is(&self, what: &str) -> bool {
        self.what == what
    }

    /// An email address.
    fn email(&self) -> Option<String> {
        self.whose.first().filter(|email| email.contains('@')).map(|email| email.to_ascii_lowercase())
    }

    /// A resource: `project--shop`, `bucket--b`, or its service and its relative name.
    fn resource(&self) -> Option<FullName> {
        let parts: Vec<&str> = self.whose.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [kind @ ("project" | "folder" | "organization"), id] => FullName::node(&format!("{kind}s/{id}")),
            [kind @ ("projects" | "folders" | "organizations"), id] => FullName::node(&format!("{kind}/{id}")),
            ["bucket" | "buckets", name] => Some(FullName::new(STORAGE, &format!("projects/_/buckets/{name}"))),
            ["service-account", email] => Some(FullName::new("iam.googleapis.com", &format!("projects/-/serviceAccounts/{email}"))),
            [service, rest @ ..] if rest.len() > 1 => {
                let service = if service.contains('.') { (*service).to_owned() } else { format!("{service}.googleapis.com") };
                Some(FullName::new(&service, &rest.join("/")))
            }
            _ => None,
        }
    }
}

fn has(value: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| member(value, name).is_some())
}

/// Takes in one object; says whether it is of a known shape.
pub(super) fn object(taken: &mut Taken<'_>, value: &Value, text_of: &str, line: u32) -> bool {
    identity(taken, value, text_of, line)
        || policy(taken, value, text_of, line)
        || resource(taken, value, text_of, line)
        || assets::asset(taken, value, line)
}

/// Nodes of the tree, roles, accounts, groups.
fn identity(taken: &mut Taken<'_>, value: &Value, text_of: &str, line: u32) -> bool {
    let name = text(value, "name").unwrap_or_default();
    if let Some(id) = text(value, "projectId").filter(|_| {
        has(value, &["projectNumber"]) || has(value, &["lifecycleState"]) || name.starts_with("projects/") && has(value, &["state"])
    }) {
        let subject = format!("//cloudresourcemanager.googleapis.com/projects/{id}");
        taken.add(PROJECT, &subject, &format!("project {id}"), text_of, line);
        return true;
    }
    for (start, kind) in [("folders/", FOLDER), ("organizations/", ORGANIZATION)] {
        let bare = name.strip_prefix(start).is_some_and(|id| !id.contains('/'));
        if bare && (has(value, &["displayName"]) || has(value, &["lifecycleState"])) {
            taken.add(kind, &format!("//cloudresourcemanager.googleapis.com/{name}"), &name, text_of, line);
            return true;
        }
    }
    if name.contains("roles/") && has(value, &["includedPermissions"]) {
        taken.add(ROLE, &name, &format!("role {name}"), text_of, line);
        return true;
    }
    if let Some(email) = text(value, "email").filter(|_| has(value, &["uniqueId"])) {
        taken.add(SERVICE_ACCOUNT, &email, &format!("service account {email}"), text_of, line);
        return true;
    }
    if has(value, &["memberships"]) {
        return memberships(taken, text_of, line);
    }
    false
}

fn memberships(taken: &mut Taken<'_>, text_of: &str, line: u32) -> bool {
    let kind = if taken.named.is("groups-of") || text_of.contains("\"relationType\"") { GROUPS_OF } else { GROUP_MEMBERS };
    match taken.named.email() {
        Some(email) => {
            let title = if kind == GROUPS_OF { format!("groups of {email}") } else { format!("members of {email}") };
            taken.add(kind, &email, &title, text_of, line);
        }
        None => taken.remark("holds memberships and does not say whose: call it `group-members--GROUP.json` or `groups-of--MEMBER.json`"),
    }
    true
}

/// Allow policies, deny policies, boundaries, organization policies.
fn policy(taken: &mut Taken<'_>, value: &Value, text_of: &str, line: u32) -> bool {
    let name = text(value, "name").unwrap_or_default();
    if let Some(point) = attachment_point(&name) {
        taken.add(DENY_POLICY, &point, &format!("deny policy {}", name.rsplit('/').next().unwrap_or_default()), text_of, line);
        return true;
    }
    if name.contains("/principalAccessBoundaryPolicies/") && has(value, &["details"]) {
        taken.add(BOUNDARY_POLICY, &name, &format!("boundary policy {}", name.rsplit('/').next().unwrap_or_default()), text_of, line);
        return true;
    }
    if let Some(target) = member(value, "target").and_then(|target| text(target, "principalSet")).filter(|_| has(value, &["policy"])) {
        taken.add(BOUNDARY_BINDING, &target, &format!("boundary binding {}", name.rsplit('/').next().unwrap_or_default()), text_of, line);
        return true;
    }
    if let Some(target) = member(value, "target").and_then(|target| text(target, "resource")).filter(|_| has(value, &["policy"])) {
        taken.add(ACCESS_BINDING, &target, &format!("binding {}", name.rsplit('/').next().unwrap_or_default()), text_of, line);
        return true;
    }
    if name.contains("/accessPolicies/") && has(value, &["details"]) {
        taken.add(ACCESS_POLICY, &name, &format!("access policy {}", name.rsplit('/').next().unwrap_or_default()), text_of, line);
        return true;
    }
    if let Some((_, constraint)) = name.split_once("/customConstraints/").filter(|_| has(value, &["condition"])) {
        taken.add(CUSTOM_CONSTRAINT, &name, &format!("custom constraint {constraint}"), text_of, line);
        return true;
    }
    if let Some((node, constraint)) = name.split_once("/policies/").filter(|_| has(value, &["spec"]) || has(value, &["dryRunSpec"])) {
        let Some(node) = FullName::node(node) else { return false };
        taken.add(ORG_POLICY, &node.to_string(), &format!("{constraint} on {}", node.path), text_of, line);
        return true;
    }
    let bare = value.as_object().is_some_and(|members| {
        members.keys().all(|key| matches!(key.as_str(), "bindings" | "etag" | "version" | "auditConfigs" | "kind" | "resourceId"))
            && (members.contains_key("bindings") || members.contains_key("etag"))
    });
    bare && allow_policy(taken, value, text_of, line)
}

fn allow_policy(taken: &mut Taken<'_>, value: &Value, text_of: &str, line: u32) -> bool {
    // What Cloud Storage prints says which bucket it belongs to.
    let stated = text(value, "resourceId").map(|id| FullName::new(STORAGE, &id));
    match stated.or_else(|| taken.named.resource()) {
        Some(name) => taken.add(ALLOW_POLICY, &name.to_string(), &format!("allow policy of {}", shown(&name)), text_of, line),
        None => taken.remark("holds an allow policy and does not say whose: call it `iam-policy--project--ID.json`, `iam-policy--bucket--NAME.json` or the like"),
    }
    true
}

fn shown(name: &FullName) -> String {
    name.shown()
}

/// `policies/cloudresourcemanager.googleapis.com%2Fprojects%2F55/denypolicies/ID`
fn attachment_point(name: &str) -> Option<String> {
    let (point, rest) = name.strip_prefix("policies/")?.split_once('/')?;
    let point = point.replace("%2F", "/").replace("%2f", "/");
    rest.starts_with("denypolicies/").then(|| FullName::node(&point)).flatten().map(|node| node.to_string())
}

/// Buckets, objects, datasets, services, billing.
fn resource(taken: &mut Taken<'_>, value: &Value, text_of: &str, line: u32) -> bool {
    if let Some((bucket, object)) = stored(value) {
        let name = object.map_or_else(|| bucket.clone(), |object| FullName::new(STORAGE, &format!("{}/objects/{object}", bucket.path)));
        if name == bucket {
            taken.add(BUCKET, &name.to_string(), &format!("settings of {}", bucket.path), text_of, line);
        }
        if let Some(list) = value.get("acl").filter(|list| list.is_array()) {
            taken.add(ACL, &name.to_string(), &format!("access control list of {}", name.path), &list.to_string(), line);
        }
        return true;
    }
    if let Some((project, dataset)) = text(value, "id")
        .and_then(|id| id.split_once(':').map(|(one, two)| (one.to_owned(), two.to_owned())))
        .filter(|_| has(value, &["access"]))
    {
        let name = format!("//bigquery.googleapis.com/projects/{project}/datasets/{dataset}");
        taken.add(DATASET, &name, &format!("access list of {project}:{dataset}"), text_of, line);
        return true;
    }
    let reference = |field: &str| value.get("tableReference").and_then(|table| text(table, field));
    if let (Some(project), Some(dataset), Some(table)) = (reference("projectId"), reference("datasetId"), reference("tableId"))
        && has(value, &["schema"])
    {
        let name = format!("//bigquery.googleapis.com/projects/{project}/datasets/{dataset}/tables/{table}");
        taken.add(TABLE, &name, &format!("schema of {project}:{dataset}.{table}"), text_of, line);
        return true;
    }
    let name = text(value, "name").unwrap_or_default();
    if name.contains("/services/") && name.starts_with("projects/") && has(value, &["state"]) {
        taken.add(SERVICE_STATE, &format!("//serviceusage.googleapis.com/{name}"), &name, text_of, line);
        return true;
    }
    if let Some(name) = run_service(value) {
        taken.add(RUN_SERVICE, &name.to_string(), &format!("Cloud Run service {}", name.path), text_of, line);
        return true;
    }
    if let Some(id) = text(value, "projectId").filter(|_| has(value, &["billingEnabled"])) {
        taken.add(BILLING, &format!("//cloudresourcemanager.googleapis.com/projects/{id}"), &format!("billing of {id}"), text_of, line);
        return true;
    }
    false
}

/// A service of Cloud Run, in the shape of the API or in gcloud's.
fn run_service(value: &Value) -> Option<FullName> {
    let run = |path: &str| FullName::new("run.googleapis.com", path);
    if text(value, "apiVersion").is_some_and(|version| version.starts_with("serving.knative.dev/")) {
        let metadata = value.get("metadata")?;
        let region = text(metadata.get("labels")?, "cloud.googleapis.com/location")?;
        return Some(run(&format!("projects/{}/locations/{region}/services/{}", text(metadata, "namespace")?, text(metadata, "name")?)));
    }
    let name = text(value, "name").filter(|name| name.contains("/locations/") && name.contains("/services/"))?;
    (has(value, &["ingress"]) && has(value, &["template"])).then(|| run(&name))
}

/// A bucket, or an object in one, in the REST shape or in gcloud's.
fn stored(value: &Value) -> Option<(FullName, Option<String>)> {
    let bucket = |name: &str| FullName::new(STORAGE, &format!("projects/_/buckets/{name}"));
    match text(value, "kind").as_deref() {
        Some("storage#bucket") => return Some((bucket(&text(value, "name")?), None)),
        Some("storage#object") => return Some((bucket(&text(value, "bucket")?), text(value, "name"))),
        _ => {}
    }
    let url = text(value, "storage_url")?;
    let (name, object) = url.strip_prefix("gs://")?.split_once('/')?;
    let object = object.split('#').next().filter(|object| !object.is_empty());
    Some((bucket(name), object.map(str::to_owned)))
}

/// Takes in a list; says whether it is of a known shape.
fn list(taken: &mut Taken<'_>) -> bool {
    let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(taken.text) else { return false };
    let whole = taken.text;
    if let Some(known) = whole_list(taken, &elements) {
        return known;
    }
    let mut all = !elements.is_empty();
    let (mut line, mut counted) = (1_u32, 0_usize);
    for element in elements {
        let start = (element.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let newlines = whole.get(counted..start).map_or(0, |between| between.matches('\n').count());
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = start;
        let Ok(value) = serde_json::from_str::<Value>(element.get()) else { return false };
        all &= object(taken, &value, element.get(), line);
    }
    all
}

/// Lists that are one document, or that say that there is nothing more. `None` where each element is a document of its own.
fn whole_list(taken: &mut Taken<'_>, elements: &[&RawValue]) -> Option<bool> {
    let values: Vec<Value> = elements.iter().filter_map(|element| serde_json::from_str(element.get()).ok()).collect();
    let first = values.first().cloned().unwrap_or_default();
    let whole = taken.text;
    if has(&first, &["id", "type", "policy"]) {
        return Some(assets::ancestors_policies(taken, &values));
    }
    if has(&first, &["id", "type"]) && text(&first, "type").as_deref() == Some("project") {
        let subject = format!("//cloudresourcemanager.googleapis.com/projects/{}", text(&first, "id").unwrap_or_default());
        taken.add(ANCESTRY, &subject, "the path to the organization", whole, 1);
        return Some(true);
    }
    let name = text(&first, "name").unwrap_or_default();
    let listed = |kind: &str, collection: &str| name.contains(collection) || taken.named.is(kind);
    for (what, collection, kind) in [("perimeters", "/servicePerimeters/", PERIMETERS), ("access-levels", "/accessLevels/", ACCESS_LEVELS)]
    {
        if listed(what, collection) {
            let policy = name.split(collection).next().unwrap_or_default().to_owned();
            let subject = taken.named.resource().map_or(policy, |name| name.to_string());
            if subject.is_empty() {
                taken.remark("is an empty list and does not say of which organization: call it `perimeters--organization--NUMBER.json`");
            } else {
                taken.add(kind, &subject, what, whole, 1);
            }
            return Some(true);
        }
    }
    if let Some((organization, _)) = name.split_once("/gcpUserAccessBindings/") {
        taken.add(USER_ACCESS, &format!("//cloudresourcemanager.googleapis.com/{organization}"), "user access bindings", whole, 1);
        return Some(true);
    }
    if taken.named.is("tags") || has(&first, &["namespacedTagKey"]) {
        match taken.named.resource() {
            Some(name) => taken.add(TAGS, &name.to_string(), &format!("tags in effect on {}", shown(&name)), whole, 1),
            None => taken.remark("holds tags and does not say of what: call it `tags--project--ID.json` or the like"),
        }
        return Some(true);
    }
    if taken.named.is("group-members") || taken.named.is("groups-of") || has(&first, &["preferredMemberKey"]) || has(&first, &["groupKey"])
    {
        return Some(memberships(taken, whole, 1));
    }
    completeness(taken, &values)
}

/// Lists of deny policies and of boundary bindings are complete where the file's name says so.
fn completeness(taken: &mut Taken<'_>, values: &[Value]) -> Option<bool> {
    if taken.named.is("deny-policies") {
        let stated = values.first().and_then(|value| text(value, "name")).and_then(|name| attachment_point(&name));
        match stated.or_else(|| taken.named.resource().map(|name| name.to_string())) {
            Some(point) => taken.note(DENY_POLICY, &point, if values.is_empty() { Outcome::Absent } else { Outcome::Found }),
            None => taken.remark("lists deny policies and does not say of what: call it `deny-policies--project--ID.json` or the like"),
        }
        return values.is_empty().then_some(true);
    }
    if taken.named.is("managed-folders") && values.is_empty() {
        let bucket = taken.named.resource()?;
        taken.note(ALLOW_POLICY, &format!("{bucket}/managedFolders/*"), Outcome::Found);
        return Some(true);
    }
    if taken.named.is("boundary-bindings") {
        taken.note(BOUNDARY_BINDING, "*", Outcome::Found);
        return values.is_empty().then_some(true);
    }
    None
}
