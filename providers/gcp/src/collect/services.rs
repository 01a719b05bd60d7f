//! Resources of other services that hold a policy of their own: one row each.

use super::reader::Reader;
use super::resource_manager::POLICY;
use super::step::{
    COMPUTE_POLICY, FUNCTION_POLICY, GET_DATASET, GET_TABLE, IAP_POLICY, KEY_POLICY, PUBSUB_POLICY, QUEUE_POLICY, REPOSITORY_POLICY,
    RUN_POLICY, SECRET_POLICY, SPANNER_POLICY, Step, TABLE_POLICY,
};
use super::wire::{Call, parts};
use super::{iam, storage};
use crate::documents::ALLOW_POLICY;
use crate::language::resources::{FullName, STORAGE};
use futures_util::future::{join, join_all, join3};
use iam_why_contract::Outcome;
use serde_json::{Value, json};

/// How a service is asked for a policy (F30).
enum Form {
    /// `GET /VERSION/NAME:getIamPolicy`
    Get,
    /// `POST /VERSION/NAME:getIamPolicy`
    Post,
    /// `GET /VERSION/NAME/getIamPolicy`
    Slash,
}

/// The service, how it is asked, the version.
const ROWS: &[(&str, Form, &str, &Step)] = &[
    ("secretmanager.googleapis.com", Form::Get, "v1", &SECRET_POLICY),
    ("cloudkms.googleapis.com", Form::Get, "v1", &KEY_POLICY),
    ("pubsub.googleapis.com", Form::Get, "v1", &PUBSUB_POLICY),
    ("run.googleapis.com", Form::Get, "v2", &RUN_POLICY),
    ("artifactregistry.googleapis.com", Form::Get, "v1", &REPOSITORY_POLICY),
    ("cloudfunctions.googleapis.com", Form::Get, "v2", &FUNCTION_POLICY),
    ("spanner.googleapis.com", Form::Post, "v1", &SPANNER_POLICY),
    ("cloudtasks.googleapis.com", Form::Post, "v2", &QUEUE_POLICY),
    ("iap.googleapis.com", Form::Post, "v1", &IAP_POLICY),
    ("compute.googleapis.com", Form::Slash, "compute/v1", &COMPUTE_POLICY),
];

impl Form {
    fn call(&self, version: &str, resource: &FullName) -> Call {
        let name = format!("/{version}/{}", parts(&resource.path));
        match self {
            Self::Get => Call::get(format!("{name}:getIamPolicy")).with("options.requestedPolicyVersion", "3"),
            Self::Post => Call::post(format!("{name}:getIamPolicy"), json!({"options": {"requestedPolicyVersion": 3}})),
            Self::Slash => Call::get(format!("{name}/getIamPolicy")).with("optionsRequestedPolicyVersion", "3"),
        }
    }
}

/// Reads the policies between a resource and its project, itself included.
pub(super) async fn policies(reader: &Reader<'_>, resource: &FullName) -> Vec<Value> {
    let containers = resource.containers();
    let holders = containers.iter().filter(|container| container.service != STORAGE && container.holds_policy() != Some(false));
    join_all(holders.map(|container| one(reader, container))).await.into_iter().flatten().collect()
}

async fn one(reader: &Reader<'_>, resource: &FullName) -> Option<Value> {
    let subject = resource.to_string();
    if let Some(email) = resource.service_account().filter(|email| resource.path.ends_with(email)) {
        iam::account(reader, email).await;
        return iam::account_policy(reader, email, &subject).await;
    }
    if resource.service == "bigquery.googleapis.com" {
        return big_query(reader, resource, &subject).await;
    }
    let Some((_, form, version, step)) = ROWS.iter().find(|(service, ..)| *service == resource.service) else {
        let why = format!("the collector does not read policies of {} yet", resource.service);
        reader.note(ALLOW_POLICY, &subject, Outcome::NotTried { why });
        return None;
    };
    reader.read(step, &subject, &format!("allow policy of {}", resource.path), &form.call(version, resource), POLICY).await
}

async fn big_query(reader: &Reader<'_>, resource: &FullName, subject: &str) -> Option<Value> {
    let path = format!("/bigquery/v2/{}", parts(&resource.path));
    if resource.collection() == Some("datasets") {
        dataset(reader, resource, subject, &Call::get(path).with("accessPolicyVersion", "3")).await;
        return None;
    }
    let call = Call::post(format!("{path}:getIamPolicy"), json!({"options": {"requestedPolicyVersion": 3}}));
    let title = format!("allow policy of {}", resource.path);
    let policy = reader.read(&TABLE_POLICY, subject, &title, &call, POLICY);
    if resource.collection() != Some("tables") {
        return policy.await;
    }
    // Its schema says which columns carry policy tags.
    let schema = Call::get(path.clone());
    let title = format!("table {}", resource.path);
    join(policy, reader.read(&GET_TABLE, subject, &title, &schema, &["schema", "tableReference"])).await.0
}

/// The access list is a dataset's policy; it has no other (N51). Where it is not shown that is no empty list: in newer projects it
/// takes a permission of its own.
async fn dataset(reader: &Reader<'_>, resource: &FullName, subject: &str, call: &Call) {
    let Some(value) =
        reader.read(&GET_DATASET, subject, &format!("dataset {}", resource.path), call, &["access", "datasetReference"]).await
    else {
        return;
    };
    if value.get("access").is_some() {
        return reader.note(ALLOW_POLICY, subject, Outcome::Absent);
    }
    let needs = "bigquery.datasets.getIamPolicy";
    reader.refused(ALLOW_POLICY, subject, needs, "the access list of the dataset is not shown to these credentials".into());
}

/// Reads what a bucket and the object in it are granted by; its settings, which name its project, come with it.
pub(super) async fn bucket(reader: &Reader<'_>, resource: &FullName, bucket: &FullName) -> (Vec<Value>, Option<Value>) {
    let folders: Vec<FullName> =
        resource.containers().into_iter().filter(|container| container.path.contains("/managedFolders/")).collect();
    let object = resource.object().map(|_| resource);
    let settings = async {
        let settings = storage::settings(reader, bucket).await;
        storage::lists(reader, bucket, object, settings.as_ref()).await;
        settings
    };
    let (settings, policy, mut found) =
        join3(settings, storage::policy(reader, bucket), storage::managed_folders(reader, bucket, &folders)).await;
    found.extend(policy);
    (found, settings)
}
