//! A whole project, folder or organization: the path above it, what lies below it, step by step, so that an interrupted run goes on
//! where it was. A step that failed anywhere is not done: a later run with more rights asks again.
//!
//! Allow policies come through one door where it is open (`assets`); it is asked first, and by every run, since what it tells of buckets
//! is needed as long as there are buckets to read.

use super::assets::Inventory;
use super::connection::connect;
use super::iam::{self, Set};
use super::outcome::Failure;
use super::principal::primary_set;
use super::reader::Reader;
use super::resource_manager::{self, Above, children, climb};
use super::step::{LIST_ACCOUNTS, LIST_ASSETS, LIST_BUCKETS, Step};
use super::wire::{Call, parts};
use super::{assets, gates, groups, offers, pools, storage};
use crate::documents::{FOLDER, PROJECT, SERVICE_ACCOUNT};
use crate::language::resources::{FullName, STORAGE};
use futures_util::future::{join, join_all, join3, join4, join5};
use iam_why_contract::collect::{Options, Point, Progress, Secrets, Sink};
use iam_why_contract::{CollectError, Outcome};
use serde_json::Value;
use std::sync::Arc;

/// Pages of one list.
const MOST_PAGES: usize = 10_000;

/// Folders below a node.
const MOST_FOLDERS: usize = 10_000;

/// Reads a project, a folder or an organization into `sink`.
pub(super) async fn read(scope: Option<&str>, options: &Options, sink: &dyn Sink, progress: &dyn Progress) -> Result<String, CollectError> {
    let node = node(scope.or_else(|| options.get("project")))?;
    let secrets = Arc::new(Secrets::default());
    let reader = Reader::new(connect(options, &secrets, false).await?, options.concurrency, sink, progress).keeping(options.cache.clone());
    let above = climb(&reader, node.clone()).await;
    reader.go_on()?;
    let mut whole = Whole { reader: &reader, top: above.top().cloned(), inventory: Inventory::default() };
    whole.inventory = whole.assets(&node).await;
    whole.step("path", whole.path(&above)).await?;
    whole.step("predefined roles", offers::catalogue(&reader)).await?;
    for project in whole.projects(&node, &above).await? {
        whole.project(&project).await?;
    }
    reader.ended()?;
    assets::told(&reader).into_iter().chain(reader.notes()).for_each(|note| progress.told(&note));
    Ok(node.path)
}

/// `acme`, `projects/acme`, `folders/8`, `organizations/77`
fn node(scope: Option<&str>) -> Result<FullName, CollectError> {
    let usage = || {
        CollectError::Question(
            "say which project, folder or organization: `iam-why collect gcp PROJECT|folders/N|organizations/N -o FILE`".into(),
        )
    };
    let text = scope.ok_or_else(usage)?.trim_start_matches("//cloudresourcemanager.googleapis.com/");
    let bare = !text.contains('/');
    FullName::node(&if bare { format!("projects/{text}") } else { text.to_owned() }).ok_or_else(usage)
}

struct Whole<'w> {
    reader: &'w Reader<'w>,
    /// The organization above it all.
    top: Option<FullName>,
    /// What Cloud Asset Inventory tells of what is read later.
    inventory: Inventory,
}

/// The step in which Cloud Asset Inventory is asked.
const ASSETS: &str = "assets";

/// What a later run has to know of the conditions that an earlier one read.
const TAGS_ASKED: &str = "conditions ask for tags";

impl Whole<'_> {
    /// Does a step that was not done before the interruption.
    async fn step(&self, name: &str, doing: impl Future<Output = ()>) -> Result<(), CollectError> {
        let reader = self.reader;
        if reader.ledger.sink().resume(name) == Some(Point::End) {
            return Ok(());
        }
        let before = reader.failures();
        doing.await;
        reader.go_on()?;
        self.remember();
        if reader.failures() == before {
            reader.ledger.written(reader.ledger.sink().reached(name, Point::End));
        }
        reader.check()
    }

    /// Did a condition that was read ask for tags, in this run or an earlier one?
    fn asks_for_tags(&self) -> bool {
        self.reader.asks_for_tags() || self.reader.ledger.sink().resume(TAGS_ASKED).is_some()
    }

    fn remember(&self) {
        let sink = self.reader.ledger.sink();
        if self.reader.asks_for_tags() && sink.resume(TAGS_ASKED).is_none() {
            self.reader.ledger.written(sink.reached(TAGS_ASKED, Point::End));
        }
    }

    async fn path(&self, above: &Above) {
        let reader = self.reader;
        let organization = async {
            let organization = resource_manager::organization(reader, above).await;
            let sets: Vec<Set> = above.top().zip(organization.as_ref()).and_then(|(top, it)| primary_set(top, it)).into_iter().collect();
            iam::boundaries(reader, &sets).await;
            if let Some(organization) = above.top() {
                pools::of_organization(reader, organization).await;
            }
        };
        let perimeters = async {
            if let Some(organization) = above.top() {
                gates::perimeters(reader, organization).await;
            }
        };
        // A project that is itself in scope is a step of its own.
        let upper = above.nodes.iter().filter(|node| !node.is_project()).cloned().collect();
        let upper = Above { nodes: upper, ..Above::default() };
        join3(organization, perimeters, self.shared(&upper)).await;
        let policies = assets::instead(reader, above.node(), above, None).await;
        iam::roles(reader, &policies).await;
        self.members().await;
    }

    /// Reads the allow policies of nodes; those that may not be read are as the inventory has them.
    async fn policies(&self, path: &Above) {
        let mut policies = resource_manager::policies(self.reader, &path.nodes).await;
        let closed = self.reader.closed();
        let unread = path.nodes.iter().filter(|node| closed.contains(&node.to_string()));
        policies.extend(unread.filter_map(|node| self.inventory.take(self.reader, &path.names(node))));
        iam::roles(self.reader, &policies).await;
    }

    /// The members of the groups that the policies read since the last time name.
    async fn members(&self) {
        let mentions = self.reader.mentions();
        groups::members(self.reader, mentions.groups, groups::MOST_OF_ACCOUNT).await;
    }

    /// The projects in scope, each with its number.
    async fn projects(&self, node: &FullName, above: &Above) -> Result<Vec<Above>, CollectError> {
        if node.is_project() {
            return Ok(vec![Above { nodes: vec![node.clone()], named: above.named.clone() }]);
        }
        let mut projects = Vec::new();
        let mut next = vec![node.clone()];
        let mut seen = 0;
        while let Some(parent) = next.pop().filter(|_| seen < MOST_FOLDERS) {
            seen += 1;
            let (folders, below) = join(children(self.reader, &parent, FOLDER), children(self.reader, &parent, PROJECT)).await;
            self.reader.go_on()?;
            for folder in folders {
                self.step(&folder.node().path, self.folder(&folder)).await?;
                next.push(folder.node().clone());
            }
            projects.extend(below);
        }
        Ok(projects)
    }

    async fn folder(&self, folder: &Above) {
        self.shared(folder).await;
        self.members().await;
    }

    /// What can be set on any node.
    async fn shared(&self, path: &Above) {
        let sets = Set::of_nodes(path);
        join4(
            self.policies(path),
            iam::deny_policies(self.reader, &path.nodes),
            gates::constraints(self.reader, &path.nodes, self.top.as_ref()),
            iam::boundaries(self.reader, &sets),
        )
        .await;
    }

    async fn project(&self, project: &Above) -> Result<(), CollectError> {
        let node = project.node();
        self.step(&node.path, self.settings(project)).await?;
        self.pages(&List {
            name: format!("{} buckets", node.path),
            step: &LIST_BUCKETS,
            call: Call::get("/storage/v1/b".into()).with("project", node.path.trim_start_matches("projects/")),
            items: "items",
        })
        .await?;
        self.pages(&List {
            name: format!("{} service accounts", node.path),
            step: &LIST_ACCOUNTS,
            call: Call::get(format!("/v1/{}/serviceAccounts", parts(&node.path))).with("pageSize", "100"),
            items: "accounts",
        })
        .await
    }

    /// What is set on the project itself.
    async fn settings(&self, project: &Above) {
        let (reader, node) = (self.reader, project.node());
        join5(
            self.shared(project),
            pools::of_project(reader, project),
            gates::services(reader, node),
            gates::billing(reader, node),
            resource_manager::tags(reader, node, None, project),
        )
        .await;
        self.members().await;
    }

    /// Reads the allow policies that Cloud Asset Inventory tells of, through the first of its doors that is open.
    async fn assets(&self, node: &FullName) -> Inventory {
        let reader = self.reader;
        let mut refused = None;
        for (step, call) in assets::doors(node) {
            match self.inventory_of(step, &call).await {
                Ok(inventory) => {
                    reader.note(step.kind, ASSETS, Outcome::Found);
                    return inventory;
                }
                Err(failure) => drop(refused.get_or_insert(failure)),
            }
        }
        if let Some(failure) = refused {
            reader.failed(&LIST_ASSETS, ASSETS, &failure);
            reader.ledger.progress().told(&assets::closed(&failure.said(reader.secrets())));
        }
        Inventory::default()
    }

    async fn inventory_of(&self, step: &'static Step, call: &Call) -> Result<Inventory, Failure> {
        let reader = self.reader;
        let new = reader.ledger.sink().resume(ASSETS) != Some(Point::End);
        let before = reader.failures();
        let mut inventory = Inventory::default();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = token.clone().map_or_else(|| call.clone(), |token| call.clone().with("pageToken", token));
            let (text, value) = reader.ask(step, ASSETS, &page).await?;
            let policies = assets::page(reader, step, &text, new, &mut inventory)?;
            iam::roles(reader, &policies).await;
            self.members().await;
            let Some(next) = next_page(&value) else {
                self.remember();
                if new && reader.failures() == before {
                    reader.ledger.written(reader.ledger.sink().reached(ASSETS, Point::End));
                }
                return Ok(inventory);
            };
            if token.replace(next.clone()) == Some(next) {
                break;
            }
        }
        Err(Failure::Malformed(format!("the pages of {} do not end", step.call)))
    }

    /// Follows a list from where an earlier run was. A page counts as read when nothing of it failed, and with it all before it.
    async fn pages(&self, list: &List) -> Result<(), CollectError> {
        let reader = self.reader;
        let mut token = match reader.ledger.sink().resume(&list.name) {
            Some(Point::End) => return Ok(()),
            Some(Point::Page(token)) => Some(token),
            None => None,
        };
        let mut resumed = token.is_some();
        let before = reader.failures();
        for _ in 0..MOST_PAGES {
            let page = token.clone().map_or_else(|| list.call.clone(), |token| list.call.clone().with("pageToken", token));
            let value = match reader.ask(list.step, &list.name, &page).await {
                Ok((_, value)) => value,
                // Google Cloud forgets where a page began: then from the start.
                Err(failure) if resumed && failure.is_invalid() => {
                    (token, resumed) = (None, false);
                    continue;
                }
                Err(failure) => {
                    reader.failed(list.step, &list.name, &failure);
                    return reader.go_on();
                }
            };
            resumed = false;
            self.page(list, &value).await;
            reader.go_on()?;
            self.remember();
            let next = next_page(&value);
            if reader.failures() == before {
                let point = next.clone().map_or(Point::End, Point::Page);
                reader.ledger.written(reader.ledger.sink().reached(&list.name, point));
            }
            if next.is_none() {
                reader.note(list.step.kind, &list.name, Outcome::Found);
                return reader.check();
            }
            if next == token {
                break;
            }
            token = next;
        }
        reader.failed(list.step, &list.name, &Failure::Malformed(format!("the pages of {} do not end", list.step.call)));
        reader.check()
    }

    /// Reads what belongs to one page.
    async fn page(&self, list: &List, value: &Value) {
        let listed = value.get(list.items).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let read = join_all(listed.iter().map(|element| self.one(list.step, element))).await;
        let policies: Vec<Value> = read.into_iter().flatten().collect();
        iam::roles(self.reader, &policies).await;
        self.members().await;
    }

    async fn one(&self, step: &Step, element: &Value) -> Vec<Value> {
        if step.kind == SERVICE_ACCOUNT {
            return self.account(step, element).await.into_iter().collect();
        }
        self.bucket(element).await
    }

    async fn account(&self, step: &Step, element: &Value) -> Option<Value> {
        let reader = self.reader;
        let email = element.get("email")?.as_str()?;
        reader.document(step, email, &format!("service account {email}"), element.to_string());
        reader.note(SERVICE_ACCOUNT, email, Outcome::Found);
        let project = element.get("projectId").and_then(Value::as_str).unwrap_or("-");
        let full = FullName::new("iam.googleapis.com", &format!("projects/{project}/serviceAccounts/{email}"));
        iam::account_policy(reader, email, &full.to_string()).await
    }

    async fn bucket(&self, element: &Value) -> Vec<Value> {
        let reader = self.reader;
        let Some(name) = element.get("name").and_then(Value::as_str) else { return Vec::new() };
        let bucket = FullName::new(STORAGE, &format!("projects/_/buckets/{name}"));
        let settings = async {
            let settings = storage::settings(reader, &bucket).await;
            storage::lists(reader, &bucket, None, settings.as_ref()).await;
            settings
        };
        let policy = async {
            match self.inventory.take(reader, &[bucket.to_string()]) {
                None => storage::policy(reader, &bucket).await,
                known => known,
            }
        };
        let (settings, policy, mut policies) = join3(settings, policy, storage::all_folders(reader, &bucket)).await;
        let location = settings.as_ref().and_then(|settings| settings.get("location")?.as_str());
        if location.is_some() && self.asks_for_tags() {
            resource_manager::tags(reader, &bucket, location, &Above::default()).await;
        }
        policies.extend(policy);
        policies
    }
}

/// A list of one scope, whose pages are steps.
struct List {
    name: String,
    step: &'static Step,
    call: Call,
    /// Its elements stand under this name, each with policies of its own.
    items: &'static str,
}

fn next_page(value: &Value) -> Option<String> {
    value.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty()).map(str::to_owned)
}

/// The first bucket of a project, for `doctor`.
pub(super) async fn first_bucket(reader: &Reader<'_>, project: &str) -> Option<String> {
    let (_, value) = reader.ask(&LIST_BUCKETS, project, &super::doctor::buckets_of(project)).await.ok()?;
    value.get("items")?.get(0)?.get("name")?.as_str().map(str::to_owned)
}

/// Reads the first service account of a project, for `doctor`.
pub(super) async fn first_account(reader: &Reader<'_>, project: &str) {
    let call = Call::get(format!("/v1/projects/{}/serviceAccounts", parts(project))).with("pageSize", "1");
    let Ok((_, value)) = reader.ask(&LIST_ACCOUNTS, project, &call).await else { return };
    if let Some(email) = value.pointer("/accounts/0/email").and_then(Value::as_str) {
        iam::account(reader, email).await;
        iam::account_policy(reader, email, email).await;
    }
}
