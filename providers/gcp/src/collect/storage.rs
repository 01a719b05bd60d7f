//! Cloud Storage: a bucket's settings, its policy, its managed folders, its access control lists.

use super::outcome::Failure;
use super::reader::Reader;
use super::resource_manager::POLICY;
use super::step::{BUCKET_ACL, BUCKET_POLICY, BUCKET_RIGHTS, GET_BUCKET, LIST_MANAGED, MANAGED_POLICY, OBJECT_ACL};
use super::wire::{Call, part};
use crate::documents::{ACL, ALLOW_POLICY, BUCKET};
use crate::language::resources::FullName;
use crate::layers::storage::IP_FILTER;
use futures_util::future::{join, join_all};
use iam_why_contract::Outcome;
use serde_json::Value;

/// The IP filter is shown only to whom this permission is granted.
const SEES_FILTER: &str = "storage.buckets.getIpFilter";

/// Reads a bucket's settings. Whether a filter that is not shown is none or hidden, is told by what the credentials may see (N34):
/// docs.cloud.google.com/storage/docs/json_api/v1/buckets/get, *Authorization*.
pub(super) async fn settings(reader: &Reader<'_>, bucket: &FullName) -> Option<Value> {
    let call = Call::get(address(bucket)).with("projection", "noAcl");
    let subject = bucket.to_string();
    let title = format!("bucket {}", short(bucket));
    let read = reader.read(&GET_BUCKET, &subject, &title, &call, &["name", "projectNumber"]);
    let (value, sees) = join(read, sees_filter(reader, bucket)).await;
    let filter = format!("{subject}#{IP_FILTER}");
    match (value.is_some(), sees) {
        (true, true) => reader.note(BUCKET, &filter, Outcome::Found),
        (true, false) => {
            let said = "whether it has an IP filter is not shown to these credentials".to_owned();
            reader.refused(BUCKET, &filter, SEES_FILTER, said);
        }
        (false, _) => {}
    }
    value
}

async fn sees_filter(reader: &Reader<'_>, bucket: &FullName) -> bool {
    let call = Call::get(format!("{}/iam/testPermissions", address(bucket))).with("permissions", SEES_FILTER);
    let answer = reader.ask(&BUCKET_RIGHTS, &bucket.to_string(), &call).await;
    let held = answer.ok().and_then(|(_, value)| value.get("permissions")?.as_array().cloned()).unwrap_or_default();
    held.iter().any(|permission| permission.as_str() == Some(SEES_FILTER))
}

/// Reads a bucket's policy.
pub(super) async fn policy(reader: &Reader<'_>, bucket: &FullName) -> Option<Value> {
    let call = Call::get(format!("{}/iam", address(bucket))).with("optionsRequestedPolicyVersion", "3");
    reader.read(&BUCKET_POLICY, &bucket.to_string(), &format!("allow policy of the bucket {}", short(bucket)), &call, POLICY).await
}

/// Reads the access control lists of a bucket and of the object in question. Where access is uniform they do not count (N30).
pub(super) async fn lists(reader: &Reader<'_>, bucket: &FullName, object: Option<&FullName>, settings: Option<&Value>) {
    let uniform = settings.and_then(|value| value.pointer("/iamConfiguration/uniformBucketLevelAccess/enabled")?.as_bool());
    if uniform == Some(true) {
        return;
    }
    let call = Call::get(format!("{}/acl", address(bucket)));
    reader
        .read(&BUCKET_ACL, &bucket.to_string(), &format!("access control list of the bucket {}", short(bucket)), &call, &["items", "kind"])
        .await;
    let Some((object, name)) = object.and_then(|object| Some((object, object.object()?))) else { return };
    let call = Call::get(format!("{}/o/{}/acl", address(bucket), part(name)));
    let title = format!("access control list of gs://{}/{name}", short(bucket));
    if name.is_empty() || name.ends_with('*') {
        return reader.note(ACL, &object.to_string(), Outcome::NotTried { why: "it names no single object".into() });
    }
    reader.read(&OBJECT_ACL, &object.to_string(), &title, &call, &["items", "kind"]).await;
}

/// Reads the policies of the managed folders on the way to an object. Which there are is a list of the bucket's.
pub(super) async fn managed_folders(reader: &Reader<'_>, bucket: &FullName, folders: &[FullName]) -> Vec<Value> {
    let Some(shortest) = folders.last().and_then(folder) else { return Vec::new() };
    let there = match folders_of(reader, bucket, Some(&shortest)).await {
        Ok(there) => there,
        Err(failure) => {
            folders.iter().for_each(|folder| reader.failed(&LIST_MANAGED, &folder.to_string(), &failure));
            return Vec::new();
        }
    };
    let is_there = |full: &&FullName| folder(full).is_some_and(|name| there.contains(&name));
    let (there, absent): (Vec<&FullName>, Vec<&FullName>) = folders.iter().partition(is_there);
    absent.into_iter().for_each(|full| reader.note(ALLOW_POLICY, &full.to_string(), Outcome::Absent));
    join_all(there.into_iter().map(|full| folder_policy(reader, bucket, full))).await.into_iter().flatten().collect()
}

/// Reads the policies of all managed folders of a bucket, and notes that these are all.
pub(super) async fn all_folders(reader: &Reader<'_>, bucket: &FullName) -> Vec<Value> {
    let subject = format!("{bucket}/managedFolders/*");
    match folders_of(reader, bucket, None).await {
        Ok(there) => {
            let full: Vec<FullName> =
                there.iter().map(|name| FullName::new(&bucket.service, &format!("{}/managedFolders/{name}", bucket.path))).collect();
            let read = join_all(full.iter().map(|full| folder_policy(reader, bucket, full))).await;
            reader.note(ALLOW_POLICY, &subject, Outcome::Found);
            read.into_iter().flatten().collect()
        }
        Err(failure) => {
            reader.failed(&LIST_MANAGED, &subject, &failure);
            Vec::new()
        }
    }
}

/// The names of a bucket's managed folders, without their last slashes.
async fn folders_of(reader: &Reader<'_>, bucket: &FullName, prefix: Option<&str>) -> Result<Vec<String>, Failure> {
    let call = Call::get(format!("{}/managedFolders", address(bucket)));
    let call = prefix.map_or_else(|| call.clone(), |prefix| call.clone().with("prefix", prefix));
    let listed = reader.list(&LIST_MANAGED, &bucket.to_string(), &call, "items").await?;
    let named =
        |text: &String| serde_json::from_str::<Value>(text).ok()?.get("name")?.as_str().map(|name| name.trim_end_matches('/').to_owned());
    let names: Option<Vec<String>> = listed.iter().map(named).collect();
    names.ok_or_else(|| Failure::Malformed("a managed folder has no `name`".into()))
}

async fn folder_policy(reader: &Reader<'_>, bucket: &FullName, full: &FullName) -> Option<Value> {
    let name = folder(full)?;
    let call = Call::get(format!("{}/managedFolders/{}/iam", address(bucket), part(&format!("{name}/"))));
    let call = call.with("optionsRequestedPolicyVersion", "3");
    reader.read(&MANAGED_POLICY, &full.to_string(), &format!("allow policy of the managed folder {name}"), &call, POLICY).await
}

/// The name of a managed folder without its last slash.
fn folder(full: &FullName) -> Option<String> {
    Some(full.path.split_once("/managedFolders/")?.1.trim_end_matches('/').to_owned())
}

fn short(bucket: &FullName) -> &str {
    bucket.path.trim_start_matches("projects/_/buckets/")
}

fn address(bucket: &FullName) -> String {
    format!("/storage/v1/b/{}", part(short(bucket)))
}
