//! From a snapshot to what a request meets: the path above the resource, the policies along it, the caller. Each document is parsed
//! once, and only those that the request touches.

mod caller;
mod doubts;
mod fields;
mod path;
mod policies;

pub(crate) use caller::{Caller, home_project};
pub(crate) use doubts::{above, doubt, illegible};
pub(crate) use fields::{elements, json, member, text, texts};
#[cfg(feature = "collect")]
pub(crate) use path::names;
pub(crate) use path::{Path, Project, read_ancestry, same_project};
pub(crate) use policies::{AllowPolicy, Binding, Condition, DenyPolicy, DenyRule, Role, RoleSays, condition_of, members};

use crate::documents;
use crate::facts::Facts;
use crate::language::attributes::Attributes;
use crate::language::resources::FullName;
use crate::request::Request;
use caller::caller;
use iam_why_contract::{Document, Doubt, Outcome, Snapshot, Truth};
use path::place;
use policies::{allow_policy, deny_policy, firsthand, has_twin, role_says};
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
