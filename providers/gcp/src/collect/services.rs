//! Resources of other services that hold a policy of their own: one row each.

use super::reader::Reader;
use super::resource_manager::POLICY;
use super::step::{GET_DATASET, KEY_POLICY, PUBSUB_POLICY, REPOSITORY_POLICY, RUN_POLICY, SECRET_POLICY, Step, TABLE_POLICY};
use super::wire::{Call, parts};
use super::{iam, storage};
use crate::documents::ALLOW_POLICY;
use crate::language::resources::{FullName, STORAGE};
use futures_util::future::{join_all, join3};
use iam_why_contract::Outcome;
use serde_json::{Value, json};

/// `GET /VERSION/NAME:getIamPolicy` (F30), by service.
const ROWS: &[(&str, &str, &Step)] = &[
    ("secretmanager.googleapis.com", "v1", &SECRET_POLICY),
    ("cloudkms.googleapis.com", "v1", &KEY_POLICY),
    ("pubsub.googleapis.com", "v1", &PUBSUB_POLICY),
    ("run.googleapis.com", "v2", &RUN_POLICY),
    ("artifactregistry.googleapis.com", "v1", &REPOSITORY_POLICY),
];

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
    let Some((_, version, step)) = ROWS.iter().find(|(service, ..)| *service == resource.service) else {
        let why = format!("the collector does not read policies of {} yet", resource.service);
        reader.note(ALLOW_POLICY, &subject, Outcome::NotTried { why });
        return None;
    };
    let path = format!("/{version}/{}:getIamPolicy", parts(&resource.path));
    let call = Call::get(path).with("options.requestedPolicyVersion", "3");
    reader.read(step, &subject, &format!("allow policy of {}", resource.path), &call, POLICY).await
}

async fn big_query(reader: &Reader<'_>, resource: &FullName, subject: &str) -> Option<Value> {
    let path = format!("/bigquery/v2/{}", parts(&resource.path));
    if resource.collection() == Some("datasets") {
        dataset(reader, resource, subject, &Call::get(path).with("accessPolicyVersion", "3")).await;
        return None;
    }
    let call = Call::post(format!("{path}:getIamPolicy"), json!({"options": {"requestedPolicyVersion": 3}}));
    reader.read(&TABLE_POLICY, subject, &format!("allow policy of {}", resource.path), &call, POLICY).await
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
