//! What the credentials can read, and the custom role that reads all of it.

use super::connection::connect;
use super::principal::me;
use super::reader::Reader;
use super::resource_manager::Above;
use super::step::{
    ALL, GET_PROJECT, LIST_ASSETS, LIST_FOLDERS, LIST_PROJECTS, LIST_ROLES, LIST_SERVICES, LIST_WORKFORCE_POOLS, LIST_WORKLOAD_POOLS,
    SEARCH_POLICIES, Step,
};
use super::wire::{Call, parts};
use super::{account, assets, pools, question, resource_manager};
use crate::documents::KINDS;
use crate::language::resources::FullName;
use crate::request::Request;
use crate::world::names;
use futures_util::future::{join, join_all, join3};
use iam_why_contract::collect::{Check, Doctor, Gathered, Options, Progress, Secrets};
use iam_why_contract::{CollectError, Outcome, Question};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tries each call of the table, as far as there is something to try it on.
pub(super) async fn examine(options: &Options, progress: &dyn Progress) -> Result<Doctor, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(connect(options, &secrets, true).await?, options.concurrency, &sink, progress);
    let reading = async {
        let who = match me(&reader).await {
            Ok(who) => who,
            Err(failure) if failure.is_bad_credentials() => return Err(reader.wire.bad_credentials(&failure)),
            Err(_) => None,
        };
        if let Some(project) = options.get("project") {
            Box::pin(probe(&reader, who.as_deref(), project)).await;
        }
        Ok(who)
    };
    let who = match tokio::time::timeout(options.timeout, reading).await {
        Ok(who) => who?,
        Err(_) => None,
    };
    reader.check()?;
    Ok(Doctor {
        who: who.unwrap_or_else(|| "somebody whom the token does not name".into()),
        checks: ALL.iter().filter(|step| !step.kind.is_empty()).map(|step| check(step, &reader, options.get("project"))).collect(),
        least_title: "custom role (of the organization: `gcloud iam roles create iamWhyReader --organization=ID --file=FILE`)".into(),
        least: least(),
    })
}

/// Asks what a question about the project would ask, about its first bucket where it has one; then what a whole account takes.
async fn probe(reader: &Reader<'_>, who: Option<&str>, name: &str) {
    let bucket = account::first_bucket(reader, name).await;
    let (action, resource) = match bucket {
        Some(bucket) => ("storage.objects.get", format!("gs://{bucket}/{PROBE}/{PROBE}")),
        None => ("resourcemanager.projects.get", format!("projects/{name}")),
    };
    let principal = who.unwrap_or("anonymous").to_owned();
    let question = Question { provider: "gcp".into(), principal, action: action.into(), resource: Some(resource), ..Question::default() };
    let request = Request::parse(&question);
    let question = async {
        if let Ok(request) = &request {
            question::everything(reader, request).await;
        }
    };
    join3(question, account::first_account(reader, name), lists(reader, &question::project(name))).await;
}

/// One element of each list that a whole account is read from.
async fn lists(reader: &Reader<'_>, project: &FullName) {
    let call = Call::get(format!("/v3/{}", parts(&project.path)));
    let described = reader.ask(&GET_PROJECT, &project.to_string(), &call).await.ok();
    let parent = described.as_ref().and_then(|(_, value)| value.get("parent")?.as_str());
    let below = |step: &'static Step, path: &str| parent.map(|parent| (step, Call::get(path.into()).with("parent", parent)));
    let organization = parent.filter(|parent| parent.starts_with("organizations/")).and_then(FullName::node);
    let services = Call::get(format!("/v1/{}/services", parts(&project.path)));
    let calls = [
        below(&LIST_PROJECTS, "/v3/projects"),
        below(&LIST_FOLDERS, "/v3/folders"),
        Some((&LIST_SERVICES, services.with("fields", "services(name,state),nextPageToken"))),
        Some((&LIST_ASSETS, assets::all_in(project))),
        Some((&SEARCH_POLICIES, assets::search_in(project))),
        Some((&LIST_WORKLOAD_POOLS, pools::workload_in(project))),
        organization.as_ref().map(|organization| (&LIST_WORKFORCE_POOLS, pools::workforce_of(organization))),
        Some((&LIST_ROLES, Call::get("/v1/roles".into()))),
    ];
    let named = described.as_ref().map(|(_, value)| names(value)).unwrap_or_default();
    let path = Above { nodes: vec![project.clone()], named };
    let tags = resource_manager::tags(reader, project, None, &path);
    join(join_all(calls.into_iter().flatten().map(|(step, call)| try_one(reader, step, call))), tags).await;
}

async fn try_one(reader: &Reader<'_>, step: &'static Step, mut call: Call) {
    call.query.retain(|(name, _)| *name != "pageSize");
    // What came of it is kept by the reader's books.
    let _ = reader.ask(step, PROBE, &call.with("pageSize", "1")).await;
}

/// A name that nothing has.
const PROBE: &str = "iam-why-doctor-asks-for-what-is-not-there";

fn check(step: &Step, reader: &Reader<'_>, project: Option<&str>) -> Check {
    let layer = KINDS.iter().find(|row| row.id == step.kind).map_or(step.call, |row| row.title);
    let nothing = || match project {
        Some(project) => format!("there was nothing in or above {project} to try it on, or no time left"),
        None => "no project was named: --project".into(),
    };
    let outcome = reader.ledger.tried(step.call).unwrap_or_else(|| Outcome::NotTried { why: nothing() });
    Check { layer: layer.trim_start_matches("the ").to_owned(), about: step.call.to_owned(), outcome }
}

/// The smallest custom role under which every call of the table goes through, as `gcloud iam roles create --file` takes it.
fn least() -> String {
    let needs: BTreeSet<&str> = ALL.iter().filter(|step| !step.is_another_door()).flat_map(|step| step.needs.iter().copied()).collect();
    let lines: String = needs.iter().map(|permission| format!("- {permission}\n")).collect();
    format!(
        "title: iam-why reader\ndescription: Reads the policies that decide about access\nstage: GA\nincludedPermissions:\n{lines}\
         # Reading groups is no permission of IAM: it takes the right to read groups in Workspace or Cloud Identity.\n\
         # What the calls are charged to is another project's: --billing-project takes serviceusage.services.use there.\n"
    )
}

/// A call that only `doctor` makes.
pub(super) fn buckets_of(project: &str) -> Call {
    Call::get("/storage/v1/b".into()).with("project", project).with("maxResults", "1")
}

#[cfg(test)]
mod tests {
    use super::least;
    use crate::collect::step::ALL;

    #[test]
    fn the_role_grants_every_permission_of_the_table_and_nothing_that_writes() {
        let role = least();
        for step in ALL.iter().filter(|step| !step.is_another_door()) {
            for permission in step.needs {
                assert!(role.contains(&format!("- {permission}\n")), "{permission}");
                let verb = permission.rsplit('.').next().unwrap();
                assert!(["get", "list", "search"].iter().any(|start| verb.starts_with(start)), "{permission}");
            }
        }
        let granted = role.lines().filter(|line| line.starts_with("- ")).count();
        let needed: std::collections::BTreeSet<_> = ALL.iter().filter(|step| !step.is_another_door()).flat_map(|step| step.needs).collect();
        assert_eq!(granted, needed.len());
    }
}
