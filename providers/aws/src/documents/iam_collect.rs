//! Folders that the tool iam-collect wrote, as far as its documentation says what stands where (its `docs/Storage.md`):
//!
//! ```text
//! aws/PARTITION/accounts/ACCOUNT/s3/BUCKET/policy.json                            the bucket policy
//! aws/PARTITION/accounts/ACCOUNT/SERVICE/[REGION/][TYPE/]ID/{metadata,policy}.json  a resource's ARN and its policy
//! aws/PARTITION/organizations/ORGANIZATION/{scps,rcps}/POLICY-ID/policy.json       a policy of the organization
//! ```
//!
//! Folder names are in lower case, so an ARN is taken from `metadata.json` alone. What it writes of users, roles and groups is not
//! documented; half of an identity would be worse than none, so they are left to `get-account-authorization-details`.

use super::name::UNRESOLVED;
use super::reading::{Reading, last_name};
use super::{MANAGED_POLICY, RCP, RESOURCE, RESOURCE_POLICY, SCP};

const IDENTITIES: &str =
    "users, roles and groups in a folder of iam-collect are not read: add what `aws iam get-account-authorization-details` prints";

/// Reads a file of such a folder; `false` where it is none, or none that is documented.
pub(super) fn read(reading: &mut Reading<'_>) -> bool {
    let path = reading.file.path.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').collect();
    let Some(root) = parts.windows(3).position(|at| matches!(at, ["aws", _, "accounts" | "organizations"])) else { return false };
    let partition = parts.get(root + 1).copied().unwrap_or("aws");
    match parts.get(root + 2..).unwrap_or_default() {
        ["organizations", _, list @ ("scps" | "rcps"), id, "policy.json"] => {
            let kind = if *list == "scps" { SCP } else { RCP };
            reading.slice(kind, id, id, reading.file.text);
        }
        ["accounts", _, "s3", bucket, "policy.json"] => {
            let arn = format!("arn:{partition}:s3:::{bucket}");
            reading.slice(RESOURCE_POLICY, &arn, &format!("bucket policy of {bucket}"), reading.file.text);
        }
        ["accounts", _, "iam", "role" | "user" | "group", ..] => {
            if !reading.snapshot.remarks.iter().any(|remark| remark == IDENTITIES) {
                reading.snapshot.remarks.push(IDENTITIES.to_owned());
            }
        }
        ["accounts", account, .., "metadata.json"] => return metadata(reading, account),
        ["accounts", _, service, .., "policy.json"] => {
            let kind = if *service == "iam" { MANAGED_POLICY } else { RESOURCE_POLICY };
            let subject = format!("{UNRESOLVED}:folder/{}", folder(&path));
            reading.slice(kind, &subject, last_name(folder(&path)), reading.file.text);
        }
        _ => return false,
    }
    true
}

/// What ties the other files of the folder to an ARN; and the account that owns the resource.
fn metadata(reading: &mut Reading<'_>, account: &str) -> bool {
    let Some(arn) = reading.top.string("arn").filter(|arn| arn.starts_with("arn:")) else { return false };
    let text = serde_json::json!({"Account": account}).to_string();
    reading.decoded(RESOURCE, &arn, last_name(&arn), text, "");
    true
}

/// The folder that a file of iam-collect lies in.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
