//! A whole project, folder or organization: the path above it, what lies below it, step by step, so that an interrupted run goes on
//! where it was. A step that failed anywhere is not done: a later run with more rights asks again.

use super::connection::connect;
use super::iam::{self, Set};
use super::outcome::Failure;
use super::principal::primary_set;
use super::reader::Reader;
use super::resource_manager::{self, Above, children, climb};
use super::step::{LIST_ACCOUNTS, LIST_ASSETS, LIST_BUCKETS, Step};
use super::wire::{Call, parts};
use super::{assets, gates, groups, offers, storage};
use crate::documents::{FOLDER, PROJECT, SERVICE_ACCOUNT};
use crate::language::resources::{FullName, STORAGE};
use futures_util::future::{join, join_all, join3, join4};
use iam_why_contract::collect::{Options, Point, Progress, Secrets, Sink};
use iam_why_contract::{CollectError, Outcome};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages of one list.
const MOST_PAGES: usize = 10_000;

/// Folders below a node.
const MOST_FOLDERS: usize = 10_000;

/// Reads a project, a folder or an organization into `sink`.
pub(super) async fn read(scope: Option<&str>, options: &Options, sink: &dyn Sink, progress: &dyn Progress) -> Result<String, CollectError> {
    let node = node(scope.or_else(|| options.get("project")))?;
    let secrets = Arc::new(Secrets::default());
    let reader = Reader::new(connect(options, &secrets, false).await?, options.concurrency, sink, progress);
    let above = climb(&reader, node.clone()).await;
    let whole = Whole { reader: &reader, top: above.top().cloned() };
    reader.go_on()?;
    whole.step("path", whole.path(&above)).await?;
    whole.step("predefined roles", offers::catalogue(&reader)).await?;
    for project in whole.projects(&node, &above).await? {
        whole.project(&project).await?;
    }
    whole.assets(&node).await?;
    reader.ended()?;
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
}

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
        self.members().await;
    }

    async fn policies(&self, nodes: &[FullName]) {
        let policies = resource_manager::policies(self.reader, nodes).await;
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
            self.policies(&path.nodes),
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
            what: What::Elements("items"),
        })
        .await?;
        self.pages(&List {
            name: format!("{} service accounts", node.path),
            step: &LIST_ACCOUNTS,
            call: Call::get(format!("/v1/{}/serviceAccounts", parts(&node.path))).with("pageSize", "100"),
            what: What::Elements("accounts"),
        })
        .await
    }

    /// What is set on the project itself.
    async fn settings(&self, project: &Above) {
        let (reader, node) = (self.reader, project.node());
        join4(
            self.shared(project),
            gates::services(reader, node),
            gates::billing(reader, node),
            resource_manager::tags(reader, node, None, project),
        )
        .await;
        self.members().await;
    }

    /// Allow policies of what has no list of its own here, and of what could not be read itself, through one door.
    async fn assets(&self, node: &FullName) -> Result<(), CollectError> {
        let what = What::Assets(self.reader.closed());
        self.pages(&List { name: "assets".into(), step: &LIST_ASSETS, call: assets::all_in(node), what }).await
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
            let (text, value) = match reader.ask(list.step, &list.name, &page).await {
                Ok(answer) => answer,
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
            self.page(list, &text, &value).await;
            reader.go_on()?;
            self.remember();
            let next = value.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty()).map(str::to_owned);
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
    async fn page(&self, list: &List, text: &str, value: &Value) {
        let policies: Vec<Value> = match &list.what {
            What::Assets(closed) => assets::page(self.reader, text, |subject| !assets::is_read_itself(subject) || closed.contains(subject)),
            What::Elements(items) => {
                let listed = value.get(items).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                join_all(listed.iter().map(|element| self.one(list.step, element))).await.into_iter().flatten().collect()
            }
        };
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
        let (settings, policy, mut policies) =
            join3(settings, storage::policy(reader, &bucket), storage::all_folders(reader, &bucket)).await;
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
    what: What,
}

/// What its pages hold.
enum What {
    /// Elements under this name, each with policies of its own.
    Elements(&'static str),
    /// Policies; of these resources they could not be read elsewhere.
    Assets(BTreeSet<String>),
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
