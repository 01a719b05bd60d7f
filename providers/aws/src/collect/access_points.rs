//! S3 Control: access points, and the account's own Block Public Access.

use super::accounts::Accounts;
use super::arn::is_account;
use super::connection::Clients;
use super::outcome::Failure;
use super::reader::{MOST_PAGES, Reader, endless, lacks, unlike};
use super::shapes::pretty;
use super::step::{Step, steps};
use super::wire::{Call, Service, encode};
use super::xml::Element;
use crate::documents::{ACCESS_POINT, PUBLIC_ACCESS_BLOCK, RESOURCE_POLICY};
use futures_util::future::join;
use iam_why_contract::Outcome;
use serde_json::{Value, json};

steps! {
    GET_ACCOUNT_BLOCK = PUBLIC_ACCESS_BLOCK, "s3control:GetPublicAccessBlock", ["s3:GetAccountPublicAccessBlock"], absent ["NoSuchPublicAccessBlockConfiguration"];
    GET_ACCESS_POINT = ACCESS_POINT, "s3control:GetAccessPoint", ["s3:GetAccessPoint"], absent ["NoSuchAccessPoint"];
    GET_ACCESS_POINT_POLICY = RESOURCE_POLICY, "s3control:GetAccessPointPolicy", ["s3:GetAccessPointPolicy"], absent ["NoSuchAccessPointPolicy", "NoSuchAccessPoint"];
    LIST_ACCESS_POINTS = ACCESS_POINT, "s3control:ListAccessPoints", ["s3:ListAccessPoints"], absent [];
}

const S3_CONTROL: Service = Service { host: "s3-control", signing: "s3", id: "S3 Control" };

/// The bucket behind an access point, and its account.
pub(super) struct Behind {
    pub(super) bucket: String,
    pub(super) account: Option<String>,
}

/// Block Public Access of a whole account.
pub(super) async fn account_block(reader: &Reader<'_>, clients: &Clients, account: &str, region: &str) {
    let call = call(account, region, "/v20180820/configuration/publicAccessBlock".into());
    let answer = reader.attempt(&GET_ACCOUNT_BLOCK, account, clients.wire.xml(&call)).await;
    match answer {
        Ok(block) => match public_access_block(&block) {
            Some(block) => {
                reader.found(&GET_ACCOUNT_BLOCK, account, &format!("Block Public Access of account {account}"), pretty(&block));
            }
            None => reader.note(PUBLIC_ACCESS_BLOCK, account, unlike(&GET_ACCOUNT_BLOCK)),
        },
        Err(failure) => reader.note(PUBLIC_ACCESS_BLOCK, account, reader.failed(&GET_ACCOUNT_BLOCK, &failure)),
    }
}

/// An access point and its policy. Returns the bucket behind it.
pub(super) async fn read(
    reader: &Reader<'_>,
    accounts: &Accounts<'_>,
    arn: &str,
    account: &str,
    region: &str,
    name: &str,
) -> Option<Behind> {
    let clients = match accounts.clients(account).await {
        Ok(clients) => clients,
        Err(outcome) => {
            [ACCESS_POINT, RESOURCE_POLICY].into_iter().for_each(|kind| reader.note(kind, arn, outcome.clone()));
            return None;
        }
    };
    join(point(reader, &clients, arn, account, region, name), policy(reader, &clients, arn, account, region, name)).await.0
}

async fn point(reader: &Reader<'_>, clients: &Clients, arn: &str, account: &str, region: &str, name: &str) -> Option<Behind> {
    let call = call(account, region, format!("/v20180820/accesspoint/{}", encode(name)));
    let point = match reader.attempt(&GET_ACCESS_POINT, arn, clients.wire.xml(&call)).await {
        Ok(point) => point,
        Err(failure) => {
            reader.note(ACCESS_POINT, arn, reader.failed(&GET_ACCESS_POINT, &failure));
            return None;
        }
    };
    let Some(bucket) = point.text_of("Bucket") else {
        reader.note(ACCESS_POINT, arn, lacks(&GET_ACCESS_POINT, "Bucket"));
        return None;
    };
    reader.found(&GET_ACCESS_POINT, arn, &format!("access point {name}"), pretty(&point_text(&point)));
    let step = Step { kind: PUBLIC_ACCESS_BLOCK, ..GET_ACCESS_POINT };
    match point.child("PublicAccessBlockConfiguration").and_then(public_access_block) {
        Some(block) => reader.found(&step, arn, &format!("Block Public Access of access point {name}"), pretty(&block)),
        None => reader.note(PUBLIC_ACCESS_BLOCK, arn, unlike(&GET_ACCESS_POINT)),
    }
    Some(Behind {
        bucket: bucket.to_owned(),
        account: point.text_of("BucketAccountId").filter(|account| is_account(account)).map(str::to_owned),
    })
}

async fn policy(reader: &Reader<'_>, clients: &Clients, arn: &str, account: &str, region: &str, name: &str) {
    let call = call(account, region, format!("/v20180820/accesspoint/{}/policy", encode(name)));
    let answer = reader.attempt(&GET_ACCESS_POINT_POLICY, arn, clients.wire.xml(&call)).await;
    match answer.map(|answer| answer.text_of("Policy").map(str::to_owned)) {
        Ok(Some(policy)) => reader.found(&GET_ACCESS_POINT_POLICY, arn, &format!("policy of access point {name}"), policy),
        Ok(None) => reader.note(RESOURCE_POLICY, arn, lacks(&GET_ACCESS_POINT_POLICY, "Policy")),
        Err(failure) => reader.note(RESOURCE_POLICY, arn, reader.failed(&GET_ACCESS_POINT_POLICY, &failure)),
    }
}

/// The ARNs of the access points of one region, for a whole account.
pub(super) async fn list(reader: &Reader<'_>, clients: &Clients, account: &str, region: &str) -> Result<Vec<String>, Outcome> {
    let mut arns = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let query = token.as_deref().map(|token| format!("&nextToken={}", encode(token))).unwrap_or_default();
        let call = call(account, region, format!("/v20180820/accesspoint?maxResults=1000{query}"));
        let answer = reader.attempt(&LIST_ACCESS_POINTS, &format!("* in {region}"), clients.wire.xml(&call)).await;
        let page: Element = answer.map_err(|failure: Failure| reader.failed(&LIST_ACCESS_POINTS, &failure))?;
        let points = page.child("AccessPointList").map(|list| list.children.as_slice()).unwrap_or_default();
        arns.extend(points.iter().filter_map(|point| point.text_of("AccessPointArn")).map(str::to_owned));
        let next = page.text_of("NextToken").map(str::to_owned);
        if next.is_none() || next == token {
            return Ok(arns);
        }
        token = next;
    }
    Err(endless(&LIST_ACCESS_POINTS))
}

fn call(account: &str, region: &str, path: String) -> Call {
    let mut call = Call::get(S3_CONTROL, region, path);
    call.host_prefix = format!("{account}.");
    call.headers.push(("x-amz-account-id", account.to_owned()));
    call
}

/// The access point as `aws s3control get-access-point` prints it.
fn point_text(point: &Element) -> Value {
    let mut text = point.to_json();
    if let Some(members) = text.as_object_mut() {
        members.retain(|_, member| member.as_str() != Some(""));
    }
    text
}

/// S3 always says all four; `None` where one is missing or is no truth value.
fn public_access_block(block: &Element) -> Option<Value> {
    let on = |name: &str| block.text_of(name)?.to_ascii_lowercase().parse::<bool>().ok();
    Some(json!({"PublicAccessBlockConfiguration": {
        "BlockPublicAcls": on("BlockPublicAcls")?,
        "IgnorePublicAcls": on("IgnorePublicAcls")?,
        "BlockPublicPolicy": on("BlockPublicPolicy")?,
        "RestrictPublicBuckets": on("RestrictPublicBuckets")?,
    }}))
}
