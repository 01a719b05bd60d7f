//! What one question needs, read at once: calls that do not depend on each other run together.

use super::connection::connect;
use super::principal::{customer, resolve};
use super::reader::Reader;
use super::resource_manager::{Above, climb};
use super::{gates, iam, resource_manager, services};
use crate::documents::KINDS;
use crate::language::principals::{Identity, Pool, Principal};
use crate::language::resources::{FullName, MANAGER};
use crate::request::Request;
use crate::world::home_project;
use futures_util::future::{join, join3};
use iam_why_contract::Gathered;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Progress};
use iam_why_contract::{CollectError, Collected, Question};
use serde_json::Value;
use std::sync::Arc;

/// Reads what `question` needs, within the time that `options` allows.
pub(super) async fn read(question: &Question, options: &Options, progress: &dyn Progress) -> Result<Collected, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(connect(options, &secrets, true).await?, options.concurrency, &sink, progress);
    let mut asked = question.clone();
    let mut notes = Vec::new();
    let reading = async {
        asked.principal = resolve(&reader, &question.principal).await?;
        let request = Request::parse(&asked).map_err(|error| CollectError::Question(error.to_string()))?;
        Box::pin(everything(&reader, &request)).await;
        Ok::<(), CollectError>(())
    };
    let in_time = tokio::time::timeout(options.timeout, reading).await;
    match in_time {
        Ok(done) => done?,
        Err(_) => {
            reader.ledger.give_up(options.timeout);
            let seconds = options.timeout.as_secs_f64();
            notes.push(format!("reading took longer than {seconds} s (--timeout): what was not read by then is noted as such"));
        }
    }
    reader.check()?;
    if asked.principal != question.principal {
        notes.push(format!("`{}` is {}", question.principal, asked.principal));
    }
    if asked.principal.eq_ignore_ascii_case("me") {
        let said = format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64());
        return Err(CollectError::NothingRead { cloud: "Google Cloud", said });
    }
    drop(reader);
    Ok(Collected { question: asked, snapshot: sink.into_snapshot(KINDS, now()), notes })
}

/// Reads all that the request touches.
pub(super) async fn everything(reader: &Reader<'_>, request: &Request) {
    let resource = async {
        let (mut policies, project) = own_policies(reader, &request.resource).await;
        let Some(start) = project else { return (policies, Above::default()) };
        let above = climb(reader, start).await;
        let (more, (), ()) = join3(
            resource_manager::policies(reader, &above.nodes),
            iam::deny_policies(reader, &above.nodes),
            around(reader, &above, request.permission.host()),
        )
        .await;
        policies.extend(more);
        (policies, above)
    };
    let caller = async {
        if let Some(email) = request.principal.email() {
            iam::groups(reader, email).await;
        }
        if let Principal::ServiceAccount(email) = &request.principal {
            iam::account(reader, email).await;
        }
    };
    let ((policies, above), ()) = join(resource, caller).await;
    join(iam::roles(reader, &policies), boundaries(reader, &request.principal, &above)).await;
}

/// The policies below the project, and the project or other node to climb from.
async fn own_policies(reader: &Reader<'_>, resource: &FullName) -> (Vec<Value>, Option<FullName>) {
    if resource.is_node() {
        return (Vec::new(), Some(resource.clone()));
    }
    let named = resource.project().map(project);
    if let Some(bucket) = resource.bucket() {
        let (policies, number) = services::bucket(reader, resource, &bucket).await;
        return (policies, named.or_else(|| number.as_deref().map(project)));
    }
    (services::policies(reader, resource).await, named)
}

async fn around(reader: &Reader<'_>, above: &Above, host: &str) {
    let perimeters = async {
        if let Some(organization) = above.top() {
            gates::perimeters(reader, organization).await;
        }
    };
    let state = async {
        if let Some(project) = above.nodes.first().filter(|node| node.is_project()) {
            gates::service(reader, project, host).await;
        }
    };
    join3(perimeters, state, gates::constraints(reader, &above.nodes)).await;
}

/// The boundaries that matter are those of the caller's home (P42): the path above a service account or a pool, the organization of a
/// user's customer.
async fn boundaries(reader: &Reader<'_>, principal: &Principal, above: &Above) {
    let mut sets: Vec<(String, FullName)> = Vec::new();
    let home = match principal {
        Principal::ServiceAccount(email) => home_project(email),
        Principal::Federated(Identity { pool: Pool::Workload { project, .. }, .. }) => project.clone(),
        _ => None,
    };
    if let Some(home) = home.as_deref().map(project) {
        let path = if above.nodes.contains(&home) { above.clone() } else { climb(reader, home.clone()).await };
        sets.extend(path.nodes.iter().map(|node| (node.to_string(), node.clone())));
        if let Principal::Federated(identity) = principal {
            sets.push((format!("//iam.googleapis.com/{}", identity.pool.text()), home));
        }
    }
    if let (Some(organization), Some(document)) = (above.top(), &above.organization)
        && let Some(customer) = customer(reader, principal, organization, document)
    {
        sets.push((format!("//iam.googleapis.com/locations/global/workspace/{customer}"), organization.clone()));
        sets.push((organization.to_string(), organization.clone()));
    }
    iam::boundaries(reader, &sets).await;
}

/// A project as a node.
pub(super) fn project(name: &str) -> FullName {
    FullName::new(MANAGER, &format!("projects/{name}"))
}

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
