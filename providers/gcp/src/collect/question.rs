//! What one question needs, read at once: calls that do not depend on each other run together.

use super::connection::connect;
use super::iam::Set;
use super::principal::{elsewhere, is_of_primary_domain, primary_set, resolve};
use super::reader::Reader;
use super::resource_manager::{Above, climb};
use super::{assets, gates, groups, iam, offers, resource_manager, services};
use crate::documents::{KINDS, TAGS};
use crate::language::principals::{Identity, Pool, Principal, is_service_agent};
use crate::language::resources::{FullName, MANAGER, account_project};
use crate::request::Request;
use crate::world::home_project;
use futures_util::future::{join, join3, join5};
use iam_why_contract::collect::{Gathered, Options, Progress, Secrets};
use iam_why_contract::{CollectError, Collected, Outcome, Question};
use serde_json::Value;
use std::sync::Arc;

/// Reads what `question` needs, within the time that `options` allows.
pub(super) async fn read(question: &Question, options: &Options, progress: &dyn Progress) -> Result<Collected, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(connect(options, &secrets, true).await?, options.concurrency, &sink, progress).keeping(options.cache.clone());
    let mut asked = question.clone();
    let mut notes = Vec::new();
    let reading = async {
        asked.principal = resolve(&reader, &question.principal).await?;
        let request = Request::parse(&asked).map_err(|error| CollectError::Question(error.to_string()))?;
        Box::pin(everything(&reader, &request)).await;
        Ok::<_, CollectError>(())
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
    notes.extend(reader.notes());
    drop(reader);
    Ok(Collected { question: asked, snapshot: sink.into_snapshot(KINDS, now()), notes })
}

/// Reads all that the request touches, and beside it what could be granted.
pub(super) async fn everything(reader: &Reader<'_>, request: &Request) {
    offers::beside(reader, request, deciding(reader, request)).await;
}

async fn deciding(reader: &Reader<'_>, request: &Request) {
    let caller = async {
        if let Principal::ServiceAccount(email) = &request.principal {
            iam::account(reader, email).await;
        }
    };
    let groups = async {
        match request.principal.email() {
            Some(email) => groups::of(reader, email).await,
            None => None,
        }
    };
    let (found, (), listed) = join3(resource(reader, request), caller, groups).await;
    let mentions = reader.mentions();
    let members = async {
        if let Some(email) = request.principal.email() {
            groups::unsearched(reader, email, listed.as_ref(), mentions.groups, &found.domains(&request.principal)).await;
        }
    };
    let tags = async {
        if mentions.tags {
            tags(reader, &request.resource, &found).await;
        }
    };
    join(members, tags).await;
}

/// What was learnt of the resource.
#[derive(Default)]
struct Found {
    above: Above,
    /// The settings of the bucket that it is or lies in.
    bucket: Option<Value>,
    /// The organization above it.
    organization: Option<Value>,
}

impl Found {
    /// The domains of the caller's organization beyond that of its address: of a service account of this organization, its primary one.
    fn domains(&self, principal: &Principal) -> Vec<String> {
        let Principal::ServiceAccount(email) = principal else { return Vec::new() };
        let here = home_project(email).is_some_and(|home| self.above.starts_with(&home));
        let domain = self.organization.as_ref().filter(|_| here).and_then(|it| it.get("displayName")?.as_str());
        domain.map(str::to_owned).into_iter().collect()
    }
}

/// Reads the policies of the resource and of what lies above it, and the other gates.
async fn resource(reader: &Reader<'_>, request: &Request) -> Found {
    let (own, start, bucket) = own_policies(reader, &request.resource).await;
    let roles = iam::roles(reader, &own);
    let Some(start) = start else {
        join(roles, home_boundaries(reader, &request.principal, &Above::default())).await;
        return Found { bucket, ..Found::default() };
    };
    let (above, ()) = join(climb(reader, start), roles).await;
    let policies = async {
        let read = resource_manager::policies(reader, &above.nodes);
        let (mut policies, early) = join(read, assets::early(reader, &request.resource, &above)).await;
        policies.extend(assets::instead(reader, &request.resource, &above, early).await);
        iam::roles(reader, &policies).await;
    };
    let organization = async {
        let organization = resource_manager::organization(reader, &above).await;
        user_boundaries(reader, &request.principal, above.top(), organization.as_ref()).await;
        organization
    };
    let ((), organization, (), ((), ()), ()) = join5(
        policies,
        organization,
        iam::deny_policies(reader, &above.nodes),
        join(home_boundaries(reader, &request.principal, &above), charged(reader, request, &above)),
        around(reader, &above, request.permission.host()),
    )
    .await;
    Found { above, bucket, organization }
}

/// The policies below the project, the project or other node to climb from, and the settings of the bucket.
async fn own_policies(reader: &Reader<'_>, resource: &FullName) -> (Vec<Value>, Option<FullName>, Option<Value>) {
    if resource.is_node() {
        return (Vec::new(), Some(resource.clone()), None);
    }
    let named = resource.project().map(project);
    if let Some(bucket) = resource.bucket() {
        let (policies, settings) = services::bucket(reader, resource, &bucket).await;
        let number = settings.as_ref().and_then(|value| value.get("projectNumber")?.as_str());
        let start = named.or_else(|| number.map(project));
        return (policies, start, settings);
    }
    (services::policies(reader, resource).await, named, None)
}

async fn around(reader: &Reader<'_>, above: &Above, host: &str) {
    let perimeters = async {
        if let Some(organization) = above.top() {
            gates::perimeters(reader, organization).await;
        }
    };
    let project = async {
        if let Some(project) = above.project() {
            join(gates::service(reader, project, host), gates::billing(reader, project)).await;
        }
    };
    join3(perimeters, project, gates::constraints(reader, &above.nodes, above.top())).await;
}

/// Calls of a service account are charged to its own project, where the API has to be enabled too (N1).
async fn charged(reader: &Reader<'_>, request: &Request, above: &Above) {
    let Principal::ServiceAccount(email) = &request.principal else { return };
    let elsewhere = account_project(email).filter(|home| !is_service_agent(email) && !above.starts_with(home));
    if let Some(home) = elsewhere {
        gates::service(reader, &project(home), request.permission.host()).await;
    }
}

/// The boundaries that matter are those of the caller's home (P42): the path above a service account or a pool.
async fn home_boundaries(reader: &Reader<'_>, principal: &Principal, above: &Above) {
    let home = match principal {
        Principal::ServiceAccount(email) => home_project(email),
        Principal::Federated(Identity { pool: Pool::Workload { project, .. }, .. }) => project.clone(),
        Principal::Federated(Identity { pool: Pool::Workforce(_), .. }) => return workforce(reader, principal).await,
        _ => None,
    };
    let Some(home) = home else { return };
    let path = if above.starts_with(&home) { above.clone() } else { climb(reader, project(&home)).await };
    let mut sets = Set::of_nodes(&path);
    if let Principal::Federated(identity) = principal {
        let name = format!("//iam.googleapis.com/{}", identity.pool.text());
        let numbered = path.by_number(&FullName::new("iam.googleapis.com", &identity.pool.text()));
        sets.push(Set { names: vec![name], target: numbered.map(|name| name.to_string()), parent: project(&home) });
    }
    iam::boundaries(reader, &sets).await;
}

async fn workforce(reader: &Reader<'_>, principal: &Principal) {
    let Principal::Federated(Identity { pool, .. }) = principal else { return };
    let Some(home) = iam::workforce_home(reader, &pool.text(), &principal.v1()).await else { return };
    let of_pool = Set::named(&format!("//iam.googleapis.com/{}", pool.text()), &home);
    iam::boundaries(reader, &[of_pool, Set::named(&home.to_string(), &home)]).await;
}

/// The boundaries of a user are those of the organization of its customer: the one above the resource, or another one that can be seen.
async fn user_boundaries(reader: &Reader<'_>, principal: &Principal, top: Option<&FullName>, document: Option<&Value>) {
    let here = top.zip(document).filter(|(_, document)| is_of_primary_domain(principal, document));
    let home = match here {
        Some((top, document)) => Some((top.clone(), document.clone())),
        None => elsewhere(reader, principal).await,
    };
    let Some((home, document)) = home else { return };
    let Some(accounts) = primary_set(&home, &document) else { return };
    iam::boundaries(reader, &[accounts, Set::named(&home.to_string(), &home)]).await;
}

/// Reads the tags that conditions see: those of the nearest resource that carries any (H9).
async fn tags(reader: &Reader<'_>, resource: &FullName, found: &Found) {
    let bucket = resource.bucket();
    let location = match &bucket {
        Some(_) => found.bucket.as_ref().and_then(|settings| settings.get("location")?.as_str().map(str::to_owned)),
        None => location(resource),
    };
    let global = resource.is_node() || resource.service == "secretmanager.googleapis.com";
    let tagged = resource.tag_holder();
    if location.is_none() && !global {
        let why = "tags are kept where the resource is, which is not known".to_owned();
        return reader.note(TAGS, &tagged.to_string(), Outcome::NotTried { why });
    }
    resource_manager::tags(reader, &tagged, location.as_deref(), &found.above).await;
}

/// The location in a name: `…/locations/europe-west1/…`.
fn location(resource: &FullName) -> Option<String> {
    let mut parts = resource.path.split('/').skip_while(|part| !matches!(*part, "locations" | "zones" | "regions"));
    parts.nth(1).map(str::to_owned)
}

/// A project as a node.
pub(super) fn project(name: &str) -> FullName {
    FullName::new(MANAGER, &format!("projects/{name}"))
}

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
