//! From a snapshot to what a request meets: the path above the resource, the policies along it, the caller. Each document is parsed
//! once, and only those that the request touches.

use crate::documents;
use crate::facts::Facts;
use crate::language::attributes::Attributes;
use crate::language::expression::{Expression, ParseError};
use crate::language::permissions::Permission;
use crate::language::principals::{Identity, Member, Pool, Principal};
use crate::language::resources::{FullName, STORAGE, account_project};
use crate::request::Request;
use iam_why_contract::{Document, Doubt, Outcome, Place, Snapshot, Truth};
use serde::Deserialize;
use serde_json::Value;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What one request meets.
pub(crate) struct World<'s> {
    /// Where it was read from.
    pub snapshot: &'s Snapshot,
    /// The request.
    pub request: &'s Request,
    /// The project of the resource, as far as it is known.
    pub project: Project,
    /// What lies above the resource.
    pub path: Path,
    /// What is known of the caller.
    pub caller: Caller,
    /// Allow policies along the path, nearest first.
    pub allow: Vec<Level<AllowPolicy>>,
    /// Deny policies along the path, nearest first.
    pub deny: Vec<Level<DenyPolicy>>,
    roles: RefCell<BTreeMap<String, Rc<Role>>>,
    /// What conditions see, once one asks.
    pub(crate) seen: OnceCell<Attributes>,
}

/// A project by its two names (H8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Project {
    /// `acme-prod`
    pub id: Option<String>,
    /// `300`
    pub number: Option<String>,
}

/// What lies above a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    /// Resources below the project, nearest first, the resource itself included.
    pub resources: Vec<FullName>,
    /// The project, its folders and its organization, nearest first.
    pub nodes: Vec<FullName>,
    /// Do the nodes reach to the top?
    pub complete: bool,
}

/// What is known of the caller beyond its name. `None` is not known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Its kind, where facts say more than the name does: `service_agent`.
    pub kind: Option<String>,
    /// The Workspace or Cloud Identity customer it belongs to; `Some(None)`: to none.
    pub customer: Option<Option<String>>,
    /// The domains of that customer.
    pub domains: Option<Vec<String>>,
    /// Group strings that its token asserts.
    pub asserted: Option<Vec<String>>,
    /// Mapped attributes of its token.
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// Where it lives: its project, folders, organization.
    pub home: Option<Vec<String>>,
    /// The project in which it lives, where that is all there is to know.
    pub project: Option<String>,
    /// The document that says so.
    pub document: Option<Place>,
}

/// The policies of one kind at one level.
#[derive(Debug)]
pub(crate) struct Level<P> {
    /// Whose they are.
    pub node: FullName,
    /// Those that were read.
    pub policies: Vec<P>,
    /// What was not read.
    pub unread: Option<Doubt>,
}

/// An allow policy.
#[derive(Debug)]
pub(crate) struct AllowPolicy {
    /// Where it stands.
    pub place: Place,
    /// What it grants.
    pub bindings: Vec<Binding>,
    /// Is it as Cloud Asset Inventory has it, which hears of changes minutes later?
    pub remembered: bool,
}

/// One binding.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Where it stands.
    pub place: Place,
    /// The role it grants.
    pub role: String,
    /// To whom, as written.
    pub members: Vec<String>,
    /// When.
    pub condition: Option<Condition>,
}

/// A condition.
#[derive(Debug)]
pub(crate) struct Condition {
    /// Where its expression stands.
    pub place: Place,
    /// How people call it.
    pub title: String,
    /// What it says.
    pub expression: Result<Expression, ParseError>,
    /// As it is written.
    pub text: String,
}

/// A deny policy.
#[derive(Debug)]
pub(crate) struct DenyPolicy {
    /// How people call it.
    pub title: String,
    /// The document.
    pub document: String,
    /// What it denies.
    pub rules: Vec<DenyRule>,
}

/// One rule of a deny policy.
#[derive(Debug)]
pub(crate) struct DenyRule {
    /// Where its `denyRule` stands.
    pub place: Place,
    /// What it is for.
    pub description: String,
    /// Whom it denies.
    pub principals: Vec<String>,
    /// Whom it spares.
    pub except_principals: Vec<String>,
    /// What it denies.
    pub permissions: Vec<String>,
    /// What it spares.
    pub except_permissions: Vec<String>,
    /// When.
    pub condition: Option<Condition>,
}

/// What a role says of the permission that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// The document, where it was read.
    pub document: Option<String>,
    /// What it says.
    pub says: RoleSays,
}

/// What a role says of a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoleSays {
    /// It is active and includes it, as the element with this number.
    Includes(usize),
    /// It is active and does not include it.
    Lacks,
    /// It includes it but grants nothing: `deleted`, `stage` (A4).
    Inert(&'static str),
    /// There is no such role.
    Gone,
    /// It was not read.
    Unread(Doubt),
}

impl<'s> World<'s> {
    /// What `request` meets in `snapshot`.
    pub(crate) fn new(snapshot: &'s Snapshot, request: &'s Request) -> Self {
        let (project, path) = place(snapshot, &request.resource);
        let caller = caller(snapshot, &request.principal);
        let mut world = Self {
            snapshot,
            request,
            project,
            path,
            caller,
            allow: Vec::new(),
            deny: Vec::new(),
            roles: RefCell::default(),
            seen: OnceCell::new(),
        };
        world.allow = world.allow_levels();
        world.deny = world.path.nodes.iter().map(|node| world.deny_level(node)).collect();
        world
    }

    /// Every spelling of a name, with the project by id and by number.
    pub(crate) fn spellings(&self, name: &FullName) -> Vec<String> {
        let mut all = name.spellings();
        let mine = name.project().is_some_and(|project| self.project.is(project));
        if mine {
            for project in [&self.project.id, &self.project.number].into_iter().flatten() {
                all.extend(name.with_project(project).iter().flat_map(FullName::spellings));
            }
        }
        all.extend(self.by_email(name).iter().flat_map(FullName::spellings));
        all.dedup();
        all
    }

    /// H7: a service account may be named by its unique id.
    fn by_email(&self, name: &FullName) -> Option<FullName> {
        let id = name.service_account().filter(|id| id.chars().all(|c| c.is_ascii_digit()))?;
        let accounts = self.snapshot.all_of(documents::SERVICE_ACCOUNT).filter(|document| document.text.contains(id)).filter_map(json);
        let account = accounts.into_iter().find(|account| text(account, "uniqueId").as_deref() == Some(id))?;
        let path = name.path.replacen(&format!("serviceAccounts/{id}"), &format!("serviceAccounts/{}", text(&account, "email")?), 1);
        Some(FullName::new(&name.service, &path))
    }

    /// The documents of one kind that belong to `name`, however it is spelled.
    pub(crate) fn documents(&self, kind: &str, name: &FullName) -> Vec<&'s Document> {
        let mut found: Vec<&Document> = Vec::new();
        for spelling in self.spellings(name) {
            for document in self.snapshot.of(kind, &spelling) {
                if !found.iter().any(|other| other.id == document.id) {
                    found.push(document);
                }
            }
        }
        found
    }

    /// What became of looking for `kind` of `name`, however it is spelled: what was found counts before what was refused, and that
    /// before what is absent.
    pub(crate) fn outcome(&self, kind: &str, name: &FullName) -> Option<&'s Outcome> {
        let rank = |outcome: &&Outcome| match outcome {
            Outcome::Found => 3,
            Outcome::Refused { .. } => 2,
            Outcome::NotTried { .. } => 1,
            Outcome::Absent => 0,
        };
        self.spellings(name).iter().filter_map(|spelling| self.snapshot.outcome(kind, spelling)).max_by_key(rank)
    }

    /// Could some documents of `kind` not be read, whosever they are?
    pub(crate) fn was_refused(&self, kind: &str) -> bool {
        let open = |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. } | Outcome::NotTried { .. });
        self.snapshot.searches().iter().any(|search| &*search.kind == kind && open(&search.outcome))
    }

    /// Was `kind` of just this name looked for and found, or found to be absent?
    pub(crate) fn was_read(&self, kind: &str, name: &FullName) -> bool {
        let spellings = self.spellings(name);
        let read = |outcome: &Outcome| matches!(outcome, Outcome::Found | Outcome::Absent);
        let searched = |subject: &str| spellings.iter().any(|spelling| spelling == subject);
        self.snapshot.searches().iter().any(|search| &*search.kind == kind && searched(&search.subject) && read(&search.outcome))
            || !self.documents(kind, name).is_empty()
    }

    /// What is not known of documents of `kind`, where they were not read.
    pub(crate) fn unread(&self, kind: &str, name: &FullName) -> Option<Doubt> {
        match self.outcome(kind, name) {
            Some(Outcome::Found | Outcome::Absent) => None,
            other => Some(doubt(kind, &self.shown(name), other)),
        }
    }

    /// What is not known of one member of a document because whoever read it was not shown that: a search of its own says so, with the
    /// subject of the document, `#` and the name of the member. A service leaves such a member out, as it leaves out one that is not set.
    pub(crate) fn hidden(&self, kind: &str, subjects: &[String], member: &str) -> Option<Doubt> {
        let mut searched = subjects.iter().map(|subject| (subject, self.snapshot.noted(kind, &format!("{subject}#{member}"))));
        let (subject, outcome) = searched.find_map(|(subject, outcome)| Some((subject, outcome?)))?;
        let name = subject.strip_prefix("//").and_then(|rest| rest.split_once('/')).map(|(service, path)| FullName::new(service, path));
        let doubt = doubt(kind, &name.map_or_else(|| subject.clone(), |name| self.shown(&name)), Some(outcome));
        let hidden = matches!(outcome, Outcome::Refused { .. } | Outcome::NotTried { .. });
        hidden.then(|| Doubt { about: format!("{member} in {}", doubt.about), ..doubt })
    }

    /// Is a setting on? One that a document does not hold is off, unless it was hidden.
    pub(crate) fn setting(&self, kind: &str, name: &FullName, member: &str, said: Option<bool>, facts: &Facts) -> Truth {
        match said {
            Some(true) => Truth::Yes,
            Some(false) => Truth::No,
            None => self.hidden_truth(kind, name, member, facts),
        }
    }

    /// Open where the member was hidden, else no.
    pub(crate) fn hidden_truth(&self, kind: &str, name: &FullName, member: &str, facts: &Facts) -> Truth {
        self.hidden(kind, &self.spellings(name), member)
            .map_or(Truth::No, |doubt| facts.truth(&format!("{kind} {name}#{member}"), || doubt))
    }

    /// A name as people read it.
    pub(crate) fn shown(&self, name: &FullName) -> String {
        match &self.project.id {
            Some(id) if name.is_project() && self.project.is(name.path.trim_start_matches("projects/")) => format!("projects/{id}"),
            _ => name.shown(),
        }
    }

    /// Are both the same node? Projects go by id and by number.
    pub(crate) fn same_node(&self, one: &str, two: &str) -> Truth {
        let bare = |text: &str| FullName::node(text).map_or_else(|| text.to_owned(), |name| name.path);
        let (one, two) = (bare(one), bare(two));
        if one == two {
            return Truth::Yes;
        }
        let (Some(first), Some(second)) = (one.strip_prefix("projects/"), two.strip_prefix("projects/")) else { return Truth::No };
        if self.project.is(first) && self.project.is(second) {
            return Truth::Yes;
        }
        same_project(self.snapshot, first, second)
    }

    /// The organization above the resource, where the path reaches one.
    pub(crate) fn organization(&self) -> Option<&FullName> {
        self.path.nodes.iter().find(|node| node.path.starts_with("organizations/"))
    }

    /// The lowest of what lies on the path that is certain to hold an allow policy of its own; else the resource.
    pub(crate) fn lowest_policied(&self) -> &FullName {
        let holds = |name: &&FullName| name.holds_policy() == Some(true) && name.collection() != Some("managedFolders");
        self.path.resources.iter().chain(&self.path.nodes).find(holds).unwrap_or(&self.request.resource)
    }

    /// The project of the resource as a node, by the name that is known.
    pub(crate) fn project_node(&self) -> Option<FullName> {
        let name = self.project.id.as_ref().or(self.project.number.as_ref())?;
        Some(FullName::new(crate::language::resources::MANAGER, &format!("projects/{name}")))
    }

    /// What the role says of the permission.
    pub(crate) fn role(&self, name: &str) -> Rc<Role> {
        if let Some(role) = self.roles.borrow().get(name) {
            return Rc::clone(role);
        }
        let role = Rc::new(self.read_role(name));
        self.roles.borrow_mut().insert(name.to_owned(), Rc::clone(&role));
        role
    }

    fn read_role(&self, name: &str) -> Role {
        // A9: what an old client reads in place of a conditional binding.
        if name.contains("_withcond_") {
            let about = format!("the condition that {name} stands for");
            let needs = "the allow policy read with requestedPolicyVersion 3".into();
            return Role { document: None, says: RoleSays::Unread(Doubt { about, needs }) };
        }
        let Some(document) = self.role_document(name) else {
            let says = match self.snapshot.outcome(documents::ROLE, name) {
                Some(Outcome::Absent) => RoleSays::Gone,
                other => RoleSays::Unread(doubt(documents::ROLE, name, other)),
            };
            return Role { document: None, says };
        };
        let says = role_says(&document.text, &self.request.permission).unwrap_or_else(|| {
            let needs = format!("gcloud iam roles describe {name}: this document has no includedPermissions");
            RoleSays::Unread(Doubt { about: format!("what {name} includes"), needs })
        });
        let inert = || ["stage", "deleted"].iter().find_map(|member| self.hidden(documents::ROLE, &[name.to_owned()], member));
        let says = match says {
            RoleSays::Includes(at) => inert().map_or(RoleSays::Includes(at), RoleSays::Unread),
            says => says,
        };
        Role { document: Some(document.id.to_string()), says }
    }

    fn role_document(&self, name: &str) -> Option<&'s Document> {
        let mut names = vec![name.to_owned()];
        if let Some((project, role)) = name.strip_prefix("projects/").and_then(|rest| rest.split_once('/'))
            && self.project.is(project)
        {
            let known = [&self.project.id, &self.project.number].into_iter().flatten();
            names.extend(known.map(|project| format!("projects/{project}/{role}")));
        }
        names.iter().find_map(|name| self.snapshot.of(documents::ROLE, name).next())
    }

    fn allow_levels(&self) -> Vec<Level<AllowPolicy>> {
        let resources = self.path.resources.iter().filter(|name| name.holds_policy() != Some(false) || self.has_allow_policy(name));
        resources.chain(&self.path.nodes).map(|node| self.allow_level(node)).collect()
    }

    fn has_allow_policy(&self, name: &FullName) -> bool {
        !self.documents(documents::ALLOW_POLICY, name).is_empty()
    }

    /// The allow policy of one node.
    pub(crate) fn allow_level(&self, node: &FullName) -> Level<AllowPolicy> {
        let mut unread =
            self.unread(documents::ALLOW_POLICY, node).filter(|_| self.may_hold_policy(node) && !self.is_no_managed_folder(node));
        let mut policies = Vec::new();
        for document in firsthand(self.documents(documents::ALLOW_POLICY, node)) {
            match allow_policy(document) {
                Some(policy) => policies.push(policy),
                None => unread = Some(illegible(document)),
            }
        }
        Level { node: node.clone(), policies, unread }
    }

    /// Is it known not to be a managed folder, because all of those of its bucket are known? The search for them has the subject
    /// `//storage.googleapis.com/projects/_/buckets/B/managedFolders/*`.
    fn is_no_managed_folder(&self, node: &FullName) -> bool {
        let Some(bucket) = node.bucket().filter(|_| node.path.contains("/managedFolders/")) else { return false };
        let all = self.snapshot.outcome(documents::ALLOW_POLICY, &format!("{bucket}/managedFolders/*"));
        matches!(all, Some(Outcome::Found | Outcome::Absent)) && self.outcome(documents::ALLOW_POLICY, node).is_none()
    }

    /// Where the list of policy-bearing types is silent, whatever ends a pair of collection and id may hold one.
    fn may_hold_policy(&self, node: &FullName) -> bool {
        node.holds_policy().unwrap_or_else(|| node.path.split('/').count().is_multiple_of(2))
    }

    fn deny_level(&self, node: &FullName) -> Level<DenyPolicy> {
        let mut unread = self.unread(documents::DENY_POLICY, node);
        let mut policies = Vec::new();
        let found = self.documents(documents::DENY_POLICY, node);
        for document in &found {
            match deny_policy(document) {
                Some(policy) => policies.push(policy),
                None if has_twin(&found, document) => {}
                None => unread = Some(illegible(document)),
            }
        }
        let by_number = |document: &Document| document.subject.rsplit('/').next().is_some_and(|id| id.chars().all(|c| c.is_ascii_digit()));
        if node.is_project() && self.project.number.is_none() && unread.is_none() {
            let elsewhere =
                self.snapshot.all_of(documents::DENY_POLICY).any(|document| document.subject.contains("projects/") && by_number(document));
            unread = elsewhere.then(|| Doubt {
                about: format!("the number of {}, by which deny policies name it", node.path),
                needs: format!("gcloud projects describe {}", node.path.trim_start_matches("projects/")),
            });
        }
        Level { node: node.clone(), policies, unread }
    }
}

impl Project {
    /// Is `name` its id or its number?
    pub(crate) fn is(&self, name: &str) -> bool {
        self.id.as_deref() == Some(name) || self.number.as_deref() == Some(name)
    }
}

/// What reading `kind` of `subject` would take, given what became of the attempt.
pub(crate) fn doubt(kind: &str, subject: &str, outcome: Option<&Outcome>) -> Doubt {
    let row = documents::KINDS.iter().find(|row| row.id == kind);
    let title = row.map_or(kind, |row| row.title);
    let about = format!("{title} of {subject}");
    let needs = match outcome {
        Some(Outcome::Refused { needs, .. }) if !needs.is_empty() => needs.clone(),
        Some(Outcome::NotTried { why }) => format!("{}: not read because {why}", command(kind, subject, row.map_or("", |row| row.command))),
        _ => row.map_or_else(String::new, |row| command(kind, subject, row.command)),
    };
    Doubt { about, needs }
}

/// The command that prints the document of this very subject, where that is known.
fn command(kind: &str, subject: &str, general: &str) -> String {
    if kind == documents::DENY_POLICY && FullName::node(subject).is_some() {
        let point = format!("cloudresourcemanager.googleapis.com/{subject}").replace('/', "%2F");
        return format!("gcloud iam policies list --kind=denypolicies --attachment-point={point}, and `get` of each");
    }
    if kind != documents::ALLOW_POLICY {
        return of_bucket(subject, general);
    }
    let full = || subject.strip_prefix("//").and_then(|rest| rest.split_once('/')).map(|(service, path)| FullName::new(service, path));
    let bucket = || subject.strip_prefix("gs://");
    let stored = || match bucket()?.split_once('/') {
        None => Some(FullName::new(STORAGE, &format!("projects/_/buckets/{}", bucket()?))),
        Some((bucket, folder)) => Some(FullName::new(STORAGE, &format!("projects/_/buckets/{bucket}/managedFolders/{folder}"))),
    };
    let account = || subject.contains('@').then(|| FullName::new("iam.googleapis.com", &format!("projects/-/serviceAccounts/{subject}")));
    let name = FullName::node(subject).or_else(full).or_else(stored).or_else(account);
    let command = name.and_then(|name| crate::language::commands::of_policy(&name, "get-iam-policy"));
    let named =
        || if subject.starts_with("//") { "its getIamPolicy, with requestedPolicyVersion 3".to_owned() } else { general.to_owned() };
    command.unwrap_or_else(named)
}

/// A command about a bucket or an object, with the name of this one.
fn of_bucket(subject: &str, general: &str) -> String {
    let Some(bucket) = subject.strip_prefix("gs://").and_then(|rest| rest.split('/').next()) else { return general.to_owned() };
    general.replace("gs://BUCKET/OBJECT", subject).replace("gs://BUCKET", &format!("gs://{bucket}"))
}

/// What is not known where a document is not of the shape that it ought to have.
pub(crate) fn illegible(document: &Document) -> Doubt {
    Doubt {
        about: format!("what `{}` says", document.title),
        needs: format!(
            "the policy in the shape that its command prints; {} is not",
            if document.origin.source.is_empty() { "this document" } else { &document.origin.source }
        ),
    }
}

/// A member by its camel-case or its snake-case name.
pub(crate) fn member<'v>(value: &'v Value, camel: &str) -> Option<&'v Value> {
    value.get(camel).or_else(|| {
        let mut snake = String::with_capacity(camel.len() + 4);
        for character in camel.chars() {
            if character.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(character.to_ascii_lowercase());
        }
        value.get(snake)
    })
}

/// A member as a string; numbers are taken as they are written.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match member(value, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member as a list of strings.
pub(crate) fn texts(value: &Value, name: &str) -> Option<Vec<String>> {
    let list = member(value, name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The elements of a list that stands alone or under one of these names.
pub(crate) fn elements<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Vec<Value>> {
    value.as_array().or_else(|| names.iter().find_map(|name| member(value, name)?.as_array()))
}

pub(crate) fn json(document: &Document) -> Option<Value> {
    serde_json::from_str(&document.text).ok()
}

#[derive(Deserialize)]
struct RawPolicy {
    #[serde(default)]
    bindings: Vec<RawBinding>,
}

#[derive(Deserialize)]
struct RawBinding {
    #[serde(default)]
    role: String,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    condition: Option<RawCondition>,
}

#[derive(Deserialize)]
struct RawCondition {
    #[serde(default)]
    title: String,
    #[serde(default)]
    expression: String,
}

/// H3: a resource has one allow policy. What was read of it itself counts, and not what Cloud Asset Inventory remembers of it besides.
fn firsthand(mut found: Vec<&Document>) -> Vec<&Document> {
    if found.iter().any(|document| !is_remembered(document)) {
        found.retain(|document| !is_remembered(document));
    }
    found
}

fn is_remembered(document: &Document) -> bool {
    document.origin.source.starts_with("cloudasset.")
}

fn allow_policy(document: &Document) -> Option<AllowPolicy> {
    let place = Place::new(&*document.id, "");
    let raw: RawPolicy = serde_json::from_str(&document.text).ok()?;
    let all = place.member("bindings");
    let bindings = raw.bindings.into_iter().enumerate().map(|(at, raw)| {
        let place = all.element(at);
        let condition = raw.condition.map(|raw| condition(raw, &place.member("condition")));
        Binding { role: raw.role, members: raw.members, condition, place }
    });
    let bindings = bindings.collect();
    Some(AllowPolicy { place, bindings, remembered: is_remembered(document) })
}

fn condition(raw: RawCondition, place: &Place) -> Condition {
    Condition { place: place.member("expression"), title: raw.title, expression: Expression::parse(&raw.expression), text: raw.expression }
}

/// Reads a condition `{title, expression}`.
pub(crate) fn condition_of(value: &Value, place: &Place) -> Option<Condition> {
    serde_json::from_value(value.clone()).ok().map(|raw| condition(raw, place))
}

/// F62: what a list prints has no rules; such a document says nothing.
fn deny_policy(document: &Document) -> Option<DenyPolicy> {
    let value = json(document)?;
    let place = Place::new(&*document.id, "").member("rules");
    let rules = value.get("rules")?.as_array()?;
    let rules = rules.iter().enumerate().map(|(at, rule)| deny_rule(rule, &place.element(at))).collect::<Option<_>>()?;
    let named = text(&value, "displayName").or_else(|| text(&value, "name")).unwrap_or_else(|| document.title.to_string());
    let title = named.rsplit('/').next().unwrap_or_default().to_owned();
    Some(DenyPolicy { title, document: document.id.to_string(), rules })
}

/// F62: a list names its policies without their rules; of those that were read one by one it says nothing new.
fn has_twin(found: &[&Document], document: &Document) -> bool {
    let Some(mine) = json(document).filter(|value| value.get("rules").is_none()) else { return false };
    let named = text(&mine, "name");
    named.is_some()
        && found.iter().filter_map(|other| json(other)).any(|other| other.get("rules").is_some() && text(&other, "name") == named)
}

fn deny_rule(rule: &Value, place: &Place) -> Option<DenyRule> {
    let inner = member(rule, "denyRule")?;
    let place = place.member("denyRule");
    let list = |name: &str| texts(inner, name).unwrap_or_default();
    let condition = member(inner, "denialCondition").filter(|value| !value.is_null());
    let condition = match condition {
        Some(value) => Some(condition_of(value, &place.member("denialCondition"))?),
        None => None,
    };
    Some(DenyRule {
        description: text(rule, "description").unwrap_or_default(),
        principals: list("deniedPrincipals"),
        except_principals: list("exceptionPrincipals"),
        permissions: list("deniedPermissions"),
        except_permissions: list("exceptionPermissions"),
        condition,
        place,
    })
}

#[derive(Deserialize)]
struct RawRole<'r> {
    #[serde(rename = "includedPermissions", alias = "included_permissions", borrow, default)]
    included: Option<Vec<std::borrow::Cow<'r, str>>>,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    deleted: bool,
}

/// A4, A5: DISABLED and deleted roles grant nothing, every other stage does, and so does none. Some roles list permissions in the spelling
/// of deny policies: `iam.googleapis.com/workloadIdentityPools.get` in roles/iam.workloadIdentityPoolViewer.
fn role_says(text: &str, permission: &Permission) -> Option<RoleSays> {
    let role: RawRole<'_> = serde_json::from_str(text).ok()?;
    let at = role.included?.iter().position(|included| included == permission.v1() || included == permission.v2());
    Some(match at {
        None => RoleSays::Lacks,
        Some(_) if role.deleted => RoleSays::Inert("deleted"),
        Some(_) if role.stage.as_deref() == Some("DISABLED") => RoleSays::Inert("stage"),
        Some(at) => RoleSays::Includes(at),
    })
}

/// The project of a resource and what lies above it.
fn place(snapshot: &Snapshot, resource: &FullName) -> (Project, Path) {
    let resources = resource.containers();
    let mut nodes = ancestors(snapshot, resource, &resources).unwrap_or_default();
    let mut complete = !nodes.is_empty();
    let named = resource.project().map(str::to_owned).or_else(|| owner(snapshot, resource));
    if nodes.is_empty() {
        let start = if resource.is_node() { Some(resource.clone()) } else { named.as_deref().map(project_node) };
        if let Some(start) = start {
            (nodes, complete) = climb(snapshot, start);
        }
    }
    if resource.is_node() && !nodes.iter().any(|node| node == resource) && !resource.is_project() {
        nodes.insert(0, resource.clone());
    }
    let of_path = nodes.iter().find(|node| node.is_project()).and_then(FullName::project).map(str::to_owned);
    let both = named.clone().zip(of_path.clone()).and_then(|(one, two)| by_id_and_number(one, two));
    let project = both.or_else(|| named.or(of_path).map(|name| project(snapshot, &name))).unwrap_or_default();
    (project, Path { resources, nodes, complete })
}

/// A resource and the path above it may name one project by its two names.
fn by_id_and_number(one: String, two: String) -> Option<Project> {
    let is_number = |name: &str| name.chars().all(|c| c.is_ascii_digit());
    match (is_number(&one), is_number(&two)) {
        (true, false) => Some(Project { id: Some(two), number: Some(one) }),
        (false, true) => Some(Project { id: Some(one), number: Some(two) }),
        _ => None,
    }
}

fn project_node(name: &str) -> FullName {
    FullName::new(crate::language::resources::MANAGER, &format!("projects/{name}"))
}

/// The path that a document states for the resource, one of its containers, or its project.
fn ancestors(snapshot: &Snapshot, resource: &FullName, containers: &[FullName]) -> Option<Vec<FullName>> {
    let mut names: Vec<FullName> = vec![resource.clone()];
    names.extend(containers.iter().cloned());
    let owner = resource.project().map(str::to_owned).or_else(|| owner(snapshot, resource));
    for project in owner.map(|name| project(snapshot, &name)).into_iter().flat_map(|project| [project.id, project.number]) {
        names.extend(project.as_deref().map(project_node));
    }
    let found = |name: &FullName| {
        name.spellings().iter().find_map(|spelling| snapshot.of(documents::ANCESTRY, spelling).next()).and_then(read_ancestry)
    };
    names.iter().find_map(found)
}

/// The nodes that a document of the path states, nearest first.
pub(crate) fn read_ancestry(document: &Document) -> Option<Vec<FullName>> {
    let value = json(document)?;
    let list = elements(&value, &["ancestors", "ancestor"])?;
    let node = |entry: &Value| match entry {
        Value::String(text) => FullName::node(text),
        entry => {
            // get-ancestors prints {id, type}; Resource Manager v1 wraps both in resourceId.
            let entry = entry.get("resourceId").unwrap_or(entry);
            let kind = text(entry, "type")?;
            FullName::node(&format!("{kind}s/{}", text(entry, "id")?))
        }
    };
    list.iter().map(node).collect()
}

/// The path as the documents of project and folders state it, parent by parent.
fn climb(snapshot: &Snapshot, start: FullName) -> (Vec<FullName>, bool) {
    let mut nodes = vec![start.clone()];
    let mut at = start;
    // Folders nest at most ten deep.
    for _ in 0..16 {
        if at.path.starts_with("organizations/") {
            return (nodes, true);
        }
        let Some(parent) = parent(snapshot, &at) else { return (nodes, false) };
        let Some(parent) = parent else { return (nodes, true) };
        nodes.push(parent.clone());
        at = parent;
    }
    (nodes, false)
}

/// `Some(None)`: it has no parent.
fn parent(snapshot: &Snapshot, node: &FullName) -> Option<Option<FullName>> {
    let value = if node.is_project() {
        project_document(snapshot, node.path.strip_prefix("projects/")?)?
    } else {
        node.spellings().iter().find_map(|name| snapshot.of(documents::FOLDER, name).next()).and_then(json)?
    };
    match value.get("parent") {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(parent)) => FullName::node(parent).map(Some),
        Some(parent) => FullName::node(&format!("{}s/{}", text(parent, "type")?, text(parent, "id")?)).map(Some),
    }
}

/// The project of a resource whose name does not say it.
fn owner(snapshot: &Snapshot, resource: &FullName) -> Option<String> {
    let bucket = resource.bucket()?;
    let document = bucket.spellings().iter().find_map(|name| snapshot.of(documents::BUCKET, name).next())?;
    text(&json(document)?, "projectNumber")
}

fn project_document(snapshot: &Snapshot, name: &str) -> Option<Value> {
    let node = project_node(name);
    if let Some(document) = node.spellings().iter().find_map(|spelling| snapshot.of(documents::PROJECT, spelling).next()) {
        return json(document);
    }
    let mut others = snapshot.all_of(documents::PROJECT).filter(|document| document.text.contains(name));
    others.find_map(|document| json(document).filter(|value| names(value).is(name)))
}

/// Both names of a project, as its document says them.
pub(crate) fn names(value: &Value) -> Project {
    let number = text(value, "projectNumber").or_else(|| text(value, "name")?.strip_prefix("projects/").map(str::to_owned));
    let number = number.filter(|number| number.chars().all(|c| c.is_ascii_digit()));
    Project { id: text(value, "projectId"), number }
}

/// Both names of a project, as far as a document says.
pub(crate) fn project(snapshot: &Snapshot, name: &str) -> Project {
    if let Some(known) = project_document(snapshot, name).map(|value| names(&value)).filter(|known| known.is(name)) {
        return known;
    }
    let number = name.chars().all(|c| c.is_ascii_digit());
    if number { Project { id: None, number: Some(name.into()) } } else { Project { id: Some(name.into()), number: None } }
}

/// Do both name one project? Open where one is an id, the other a number, and no document says.
pub(crate) fn same_project(snapshot: &Snapshot, one: &str, two: &str) -> Truth {
    if one == two {
        return Truth::Yes;
    }
    let (first, second) = (project(snapshot, one), project(snapshot, two));
    if first.is(two) || second.is(one) {
        return Truth::Yes;
    }
    let comparable = (first.id.is_some() && second.id.is_some()) || (first.number.is_some() && second.number.is_some());
    if comparable { Truth::No } else { Truth::Unknown }
}

fn caller(snapshot: &Snapshot, principal: &Principal) -> Caller {
    let names = [principal.v1(), principal.v2(), principal.email().unwrap_or("anonymous").to_owned()];
    let document = names.iter().find_map(|name| snapshot.of(documents::PRINCIPAL, name).next());
    let mut caller = document.and_then(|document| Some((document, json(document)?))).map_or_else(Caller::default, |(document, value)| {
        let mut caller = stated(&value);
        caller.document = Some(Place::new(&*document.id, ""));
        caller
    });
    if let Principal::User(email) = principal {
        let domain = email.rsplit('@').next().unwrap_or_default();
        // P43: a personal account belongs to no customer.
        if matches!(domain, "gmail.com" | "googlemail.com") && caller.customer.is_none() {
            caller.customer = Some(None);
        }
        if caller.customer.is_none() && caller.home.is_none() {
            (caller.customer, caller.home) = of_domain(snapshot, domain);
        }
    }
    if let (Principal::Federated(Identity { pool, .. }), None) = (principal, &caller.home) {
        caller.home = snapshot.of(documents::PRINCIPAL, &pool.everybody()).find_map(|document| stated(&json(document)?).home);
    }
    if caller.home.is_none() {
        caller.home = caller.project.clone().or_else(|| living_in(principal)).and_then(|project| home(snapshot, &project));
    }
    caller
}

/// The customer and the organization of the accounts of a domain: an organization's display name is the primary domain of its customer
/// (F3, F19). Of other domains nothing is known.
fn of_domain(snapshot: &Snapshot, domain: &str) -> (Option<Option<String>>, Option<Vec<String>>) {
    let named = |organization: &Value| text(organization, "displayName").is_some_and(|name| name.eq_ignore_ascii_case(domain));
    let organization = snapshot.all_of(documents::ORGANIZATION).filter_map(json).find(named);
    let known = organization.and_then(|it| Some((crate::membership::customer_id(&it)?, FullName::node(&text(&it, "name")?)?.path)));
    known.map_or((None, None), |(customer, home)| (Some(Some(customer)), Some(vec![home])))
}

/// What a document says of the caller: a member that is there is known, `null` says that it has none, a missing one says nothing.
fn stated(value: &Value) -> Caller {
    let customer = value.get("customer_id").or_else(|| value.get("customerId"));
    let customer = customer.map(|id| id.as_str().map(str::to_owned));
    let domains = texts(value, "domains").or_else(|| Some(vec![text(value, "primary_domain")?]));
    let attributes = value
        .get("attributes")
        .and_then(Value::as_object)
        .map(|members| members.iter().map(|(name, value)| (name.clone(), one_or_more(value))).collect::<BTreeMap<_, _>>());
    let home = texts(value, "ancestors").or_else(|| value.get("project").map(|_| Vec::new()));
    let home = home.map(|mut home| {
        home.extend(text(value, "project"));
        home
    });
    let complete = value.get("ancestors").is_some();
    Caller {
        kind: text(value, "type"),
        customer,
        domains,
        asserted: texts(value, "groups"),
        attributes,
        home: home.filter(|_| complete),
        project: text(value, "project").map(|project| project.trim_start_matches("projects/").to_owned()),
        document: None,
    }
}

fn one_or_more(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(one_or_more).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// The project in which a service account or a workload pool lives.
fn living_in(principal: &Principal) -> Option<String> {
    match principal {
        Principal::Federated(Identity { pool: Pool::Workload { project, .. }, .. }) => project.clone(),
        _ => principal.email().and_then(home_project),
    }
}

/// What lies above the caller's project, that included, as far as the documents say.
fn home(snapshot: &Snapshot, project: &str) -> Option<Vec<String>> {
    let (_, path) = place(snapshot, &project_node(project));
    path.complete.then(|| path.nodes.into_iter().map(|node| node.path).collect())
}

/// The project in which a service account lives: of an agent, the one whose number it carries.
pub(crate) fn home_project(email: &str) -> Option<String> {
    if crate::language::principals::is_service_agent(email) {
        let local = email.split('@').next()?;
        // Those of organizations and folders live in no project.
        if local.starts_with("service-org-") || local.starts_with("service-folder-") {
            return None;
        }
        // `service-300@…`, `300@…`; of Cloud SQL `p300-abc123@…`.
        let of_instance = local.strip_prefix('p').and_then(|rest| rest.split_once('-')).map(|(number, _)| number);
        let numbers = [of_instance, local.rsplit('-').next()];
        let is_number = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        return numbers.into_iter().flatten().find(is_number).map(str::to_owned);
    }
    account_project(email).map(str::to_owned)
}

/// A member together with how it is written.
pub(crate) fn members(written: &[String]) -> impl Iterator<Item = (&str, Member)> {
    written.iter().map(|text| (text.as_str(), Member::v1(text)))
}

/// What is left open above a path that does not reach the top.
pub(crate) fn above(world: &World<'_>, facts: &Facts, what: &str) -> Truth {
    if world.path.complete {
        return Truth::No;
    }
    let top = world.path.nodes.last().map_or_else(|| world.shown(&world.request.resource), |node| node.path.clone());
    facts.truth(&format!("{what} above {top}"), || Doubt {
        about: format!("which folders and organization lie above {top}, and the {what} there"),
        needs: match (world.path.nodes.last().and_then(FullName::project), world.request.resource.bucket()) {
            (Some(project), _) => format!("gcloud projects get-ancestors {project}"),
            (None, Some(bucket)) => {
                format!("gcloud storage buckets describe {} --raw: its projectNumber, and get-ancestors of that project", bucket.shown())
            }
            (None, None) => "gcloud projects get-ancestors".into(),
        },
    })
}
