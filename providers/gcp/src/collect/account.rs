//! A whole project: the path above it, what it holds, step by step, so that an interrupted run goes on where it was.

use super::connection::connect;
use super::question::project;
use super::reader::Reader;
use super::resource_manager::climb;
use super::step::{LIST_ACCOUNTS, LIST_BUCKETS, Step};
use super::wire::{Call, parts};
use super::{gates, iam, resource_manager, storage};
use crate::documents::SERVICE_ACCOUNT;
use crate::language::resources::{FullName, STORAGE};
use futures_util::future::join_all;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Point, Progress, Sink};
use iam_why_contract::{CollectError, Outcome};
use serde_json::Value;
use std::sync::Arc;

/// Pages of one list.
const MOST_PAGES: usize = 10_000;

/// Reads a project into `sink`.
pub(super) async fn read(scope: Option<&str>, options: &Options, sink: &dyn Sink, progress: &dyn Progress) -> Result<String, CollectError> {
    let name = scope.or_else(|| options.get("project")).map(|name| name.trim_start_matches("projects/"));
    let name = name.filter(|name| !name.is_empty() && !name.contains('/'));
    let missing = || CollectError::Question("which project: `iam-why collect gcp PROJECT -o FILE`".into());
    let node = project(name.ok_or_else(missing)?);
    let secrets = Arc::new(Secrets::default());
    let reader = Reader::new(connect(options, &secrets, false).await?, options.concurrency, sink, progress);
    step(&reader, "path", path(&reader, &node)).await?;
    pages(&reader, "buckets", &LIST_BUCKETS, Call::get("/storage/v1/b".into()).with("project", id(&node)), "items").await?;
    let accounts = Call::get(format!("/v1/{}/serviceAccounts", parts(&node.path))).with("pageSize", "100");
    pages(&reader, "service accounts", &LIST_ACCOUNTS, accounts, "accounts").await?;
    Ok(node.path)
}

fn id(node: &FullName) -> &str {
    node.path.trim_start_matches("projects/")
}

/// Does a step that was not done before the interruption.
async fn step(reader: &Reader<'_>, name: &str, doing: impl Future<Output = ()>) -> Result<(), CollectError> {
    if reader.ledger.sink().resume(name) != Some(Point::End) {
        doing.await;
        reader.check()?;
        reader.ledger.written(reader.ledger.sink().reached(name, Point::End));
    }
    reader.check()
}

async fn path(reader: &Reader<'_>, node: &FullName) {
    let above = climb(reader, node.clone()).await;
    let policies = resource_manager::policies(reader, &above.nodes).await;
    iam::roles(reader, &policies).await;
    iam::deny_policies(reader, &above.nodes).await;
    gates::constraints(reader, &above.nodes).await;
    if let Some(organization) = above.top() {
        gates::perimeters(reader, organization).await;
    }
    let sets: Vec<_> = above.nodes.iter().map(|node| (node.to_string(), node.clone())).collect();
    iam::boundaries(reader, &sets).await;
}

/// Reads a list page by page, and of each page everything that belongs to its elements.
async fn pages(reader: &Reader<'_>, name: &str, step: &Step, call: Call, items: &str) -> Result<(), CollectError> {
    let mut token = match reader.ledger.sink().resume(name) {
        Some(Point::End) => return Ok(()),
        Some(Point::Page(token)) => Some(token),
        None => None,
    };
    for _ in 0..MOST_PAGES {
        let page = token.clone().map_or_else(|| call.clone(), |token| call.clone().with("pageToken", token));
        let value = match reader.ask(step, "*", &page).await {
            Ok((_, value)) => value,
            Err(failure) => {
                reader.failed(step, "*", &failure);
                break;
            }
        };
        let listed = value.get(items).and_then(Value::as_array).cloned().unwrap_or_default();
        let policies = join_all(listed.iter().map(|element| one(reader, step, element))).await;
        iam::roles(reader, &policies.into_iter().flatten().collect::<Vec<_>>()).await;
        reader.check()?;
        let next = value.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty()).map(str::to_owned);
        match next.filter(|next| token.as_ref() != Some(next)) {
            Some(next) => reader.ledger.written(reader.ledger.sink().reached(name, Point::Page(next.clone()))),
            None => break,
        }
        token = value.get("nextPageToken").and_then(Value::as_str).map(str::to_owned);
    }
    reader.check()?;
    reader.ledger.written(reader.ledger.sink().reached(name, Point::End));
    reader.check()
}

async fn one(reader: &Reader<'_>, step: &Step, element: &Value) -> Option<Value> {
    if step.kind == SERVICE_ACCOUNT {
        let email = element.get("email")?.as_str()?;
        reader.document(step, email, &format!("service account {email}"), element.to_string());
        reader.note(SERVICE_ACCOUNT, email, Outcome::Found);
        let full = FullName::new("iam.googleapis.com", &format!("projects/-/serviceAccounts/{email}"));
        return iam::account_policy(reader, email, &full.to_string()).await;
    }
    let bucket = FullName::new(STORAGE, &format!("projects/_/buckets/{}", element.get("name")?.as_str()?));
    let settings = storage::settings(reader, &bucket).await;
    storage::lists(reader, &bucket, None, settings.as_ref()).await;
    storage::policy(reader, &bucket).await
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
