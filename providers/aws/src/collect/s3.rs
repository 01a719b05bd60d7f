//! Buckets and objects: whose they are, where, and everything that lets a request through or stops it.

use super::accounts::Accounts;
use super::connection::Clients;
use super::organizations::Organizations;
use super::outcome::Failure;
use super::reader::{MOST_PAGES, Reader, endless, lacks, pages, unlike};
use super::shapes::pretty;
use super::step::{Step, steps};
use super::{access_points, kms};
use crate::documents::{
    BUCKET_ACL, BUCKET_ENCRYPTION, CANONICAL_USER, OBJECT, OBJECT_ACL, OWNERSHIP_CONTROLS, POLICY_STATUS, PUBLIC_ACCESS_BLOCK,
    REQUEST_PAYMENT, RESOURCE, RESOURCE_POLICY,
};
use aws_sdk_s3::types as s3;
use futures_util::future::{OptionFuture, join, join_all, join3, join4};
use iam_why_contract::{Context, Lookup, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

steps! {
    HEAD_BUCKET = RESOURCE, "s3:HeadBucket", ["s3:ListBucket"], absent ["NotFound", "NoSuchBucket"];
    LIST_BUCKETS = RESOURCE, "s3:ListBuckets", ["s3:ListAllMyBuckets"], absent [];
    GET_BUCKET_POLICY = RESOURCE_POLICY, "s3:GetBucketPolicy", ["s3:GetBucketPolicy"], absent ["NoSuchBucketPolicy"];
    GET_BUCKET_POLICY_STATUS = POLICY_STATUS, "s3:GetBucketPolicyStatus", ["s3:GetBucketPolicyStatus"], absent ["NoSuchBucketPolicy"];
    GET_BUCKET_ACL = BUCKET_ACL, "s3:GetBucketAcl", ["s3:GetBucketAcl"], absent [];
    GET_OWNERSHIP = OWNERSHIP_CONTROLS, "s3:GetBucketOwnershipControls", ["s3:GetBucketOwnershipControls"], absent ["OwnershipControlsNotFoundError"];
    GET_PUBLIC_ACCESS_BLOCK = PUBLIC_ACCESS_BLOCK, "s3:GetPublicAccessBlock", ["s3:GetBucketPublicAccessBlock"], absent ["NoSuchPublicAccessBlockConfiguration"];
    GET_ENCRYPTION = BUCKET_ENCRYPTION, "s3:GetBucketEncryption", ["s3:GetEncryptionConfiguration"], absent ["ServerSideEncryptionConfigurationNotFoundError"];
    GET_REQUEST_PAYMENT = REQUEST_PAYMENT, "s3:GetBucketRequestPayment", ["s3:GetBucketRequestPayment"], absent [];
    HEAD_OBJECT = OBJECT, "s3:HeadObject", ["s3:GetObject"], absent ["NotFound", "NoSuchKey"];
    GET_OBJECT_ACL = OBJECT_ACL, "s3:GetObjectAcl", ["s3:GetObjectAcl"], absent ["NoSuchKey"];
}

/// What of a bucket a question needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    pub(super) partition: &'a str,
    pub(super) bucket: &'a str,
    /// The object, where the question is about one; `None` too for a pattern.
    pub(super) key: Option<&'a str>,
    /// `s3:GetObject`
    pub(super) action: &'a str,
    /// The account, where the question or an access point names it.
    pub(super) account: Option<&'a str>,
    /// What the question says of the version and of the key that is to encrypt.
    pub(super) said: Said<'a>,
}

/// What the request's own parameters say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Said<'a> {
    /// Which version of the object.
    pub(super) version: Option<&'a str>,
    /// The KMS key that the request names.
    pub(super) key: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// Reads the context of a question.
    pub(super) fn of(context: &'a Context) -> Self {
        let one = |key: &str| match context.get_ignoring_case(key) {
            Lookup::Known([value]) => Some(value.as_str()),
            _ => None,
        };
        Self { version: one("s3:VersionId"), key: one("s3:x-amz-server-side-encryption-aws-kms-key-id") }
    }
}

/// Where a bucket is and whose.
struct Located {
    arn: String,
    region: String,
    account: Option<String>,
}

/// Reads everything about a bucket, about one object in it, and about the account that owns them.
pub(super) async fn read(reader: &Reader<'_>, accounts: &Accounts<'_>, organizations: &Organizations<'_>, wanted: Wanted<'_>) {
    let Some(located) = locate(reader, accounts, wanted).await else { return };
    let (clients, away) = clients_for(accounts, &located).await;
    let reader = &if away { reader.away(located.account.as_deref()) } else { reader.clone() };
    let client = clients.s3(&located.region);
    let of_account: OptionFuture<_> = located
        .account
        .as_deref()
        .map(|account| join(access_points::account_block(reader, &clients, account, &located.region), Box::pin(organizations.of(account))))
        .into();
    let behind = async {
        let keys = keys(reader, &client, wanted, &located).await;
        join_all(keys.iter().map(|key| Box::pin(kms::key(reader, accounts, organizations, key)))).await;
    };
    join4(settings(reader, &client, wanted, &located), of_account, acls(reader, &client, wanted, &located), behind).await;
}

/// Reads everything about a bucket that its own account listed.
pub(super) async fn read_owned(reader: &Reader<'_>, clients: &Clients, wanted: Wanted<'_>, account: &str, region: &str) {
    let arn = format!("arn:{}:s3:::{}", wanted.partition, wanted.bucket);
    let facts = json!({"Exists": true, "Account": account, "Region": region});
    reader.found(&LIST_BUCKETS, &arn, &format!("bucket {}", wanted.bucket), pretty(&facts));
    let client = clients.s3(region);
    let located = Located { arn, region: region.to_owned(), account: Some(account.to_owned()) };
    join3(settings(reader, &client, wanted, &located), acls(reader, &client, wanted, &located), keys(reader, &client, wanted, &located))
        .await;
}

/// The owner of the bucket can read it; where that is somebody whose credentials we lack, our own may do: then `true`.
async fn clients_for(accounts: &Accounts<'_>, located: &Located) -> (Arc<Clients>, bool) {
    let own = |away| (Arc::new(accounts.home().clone()), away);
    match &located.account {
        Some(account) => accounts.clients(account).await.map_or_else(|_| own(true), |clients| (clients, false)),
        None => own(false),
    }
}

/// Finds region and account. A bucket's ARN names neither; HeadBucket tells the region even where it refuses, and the account is
/// whichever lists the bucket as its own, or is accepted as its expected owner.
async fn locate(reader: &Reader<'_>, accounts: &Accounts<'_>, wanted: Wanted<'_>) -> Option<Located> {
    let arn = format!("arn:{}:s3:::{}", wanted.partition, wanted.bucket);
    let home = accounts.home();
    let asked = Asked { bucket: wanted.bucket, arn: &arn, region: home.region(), owner: None };
    let (head, listed) = join(head(reader, home, asked), listed(reader, home, wanted.bucket, &arn)).await;
    let region = match head {
        Head::Missing => {
            reader.found(&HEAD_BUCKET, &arn, &format!("bucket {}", wanted.bucket), pretty(&json!({"Exists": false})));
            reader.note(RESOURCE_POLICY, &arn, Outcome::Absent);
            return None;
        }
        Head::There(region) => region,
        Head::Dark(outcome) => {
            reader.note(RESOURCE, &arn, outcome);
            None
        }
    };
    if let (Ok(Listed { canonical: Some(id), .. }), Some(account)) = (&listed, accounts.home_account().await) {
        let text = pretty(&json!({"Account": account}));
        reader.found(&Step { kind: CANONICAL_USER, ..LIST_BUCKETS }, id, &format!("canonical user id of account {account}"), text);
    }
    let (own, region_listed) = match listed {
        Ok(listed) => (Some(listed.own), listed.region),
        Err(_) => (None, None),
    };
    let region_known = region.or(region_listed);
    let asked = Asked { region: region_known.as_deref().unwrap_or(home.region()), ..asked };
    let account = match wanted.account {
        Some(account) => Some(account.to_owned()),
        None => owner(reader, accounts, asked, own).await,
    };
    let mut facts = json!({"Exists": true});
    if let Some(facts) = facts.as_object_mut() {
        facts.extend(account.clone().map(|account| ("Account".to_owned(), Value::from(account))));
        facts.extend(region_known.clone().map(|region| ("Region".to_owned(), Value::from(region))));
    }
    if region_known.is_some() || own == Some(true) {
        reader.found(&HEAD_BUCKET, &arn, &format!("bucket {}", wanted.bucket), pretty(&facts));
    }
    let region = region_known.unwrap_or_else(|| home.region().to_owned());
    Some(Located { arn, region, account })
}

/// What HeadBucket says.
enum Head {
    /// It is there; its region where the answer tells.
    There(Option<String>),
    /// There is no bucket of this name.
    Missing,
    /// Nothing can be told.
    Dark(Outcome),
}

/// What HeadBucket is asked.
#[derive(Clone, Copy)]
struct Asked<'a> {
    bucket: &'a str,
    arn: &'a str,
    region: &'a str,
    /// The account that is expected to own the bucket.
    owner: Option<&'a str>,
}

async fn head(reader: &Reader<'_>, clients: &Clients, Asked { bucket, arn, region, owner }: Asked<'_>) -> Head {
    let client = clients.s3(region);
    let call = client.head_bucket().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned)).send();
    let mut region = None;
    let mut redirected = false;
    let answer = reader.attempt(&HEAD_BUCKET, arn, async {
        call.await.map_err(|error| {
            let response = error.raw_response();
            region = response.and_then(|response| response.headers().get("x-amz-bucket-region")).map(str::to_owned);
            redirected = response.is_some_and(|response| (300..400).contains(&response.status().as_u16()));
            Failure::of(&error)
        })
    });
    match answer.await {
        Ok(answer) => Head::There(answer.bucket_region().map(str::to_owned)),
        Err(Failure::Answered { status: 404, .. }) => Head::Missing,
        // Refused, yet the header says that it exists, and where.
        Err(failure) if owner.is_some() => Head::Dark(reader.failed(&HEAD_BUCKET, &failure)),
        Err(_) if region.is_some() || redirected => Head::There(region),
        Err(failure) => Head::Dark(reader.failed(&HEAD_BUCKET, &failure)),
    }
}

/// What the list of an account's own buckets says.
struct Listed {
    /// Is the bucket among them?
    own: bool,
    region: Option<String>,
    /// By which id access control lists know the account.
    canonical: Option<String>,
}

async fn listed(reader: &Reader<'_>, clients: &Clients, bucket: &str, arn: &str) -> Result<Listed, Outcome> {
    let client = clients.s3(clients.region());
    let mut pages = client.list_buckets().prefix(bucket).max_buckets(1000).into_paginator().send();
    let call = async {
        for _ in 0..MOST_PAGES {
            let Some(page) = pages.next().await.transpose()? else { return Ok(Some(Err(unlike(&LIST_BUCKETS)))) };
            let canonical = page.owner().and_then(|owner| owner.id()).map(str::to_owned);
            if page.buckets.is_none() {
                return Ok(Some(Err(lacks(&LIST_BUCKETS, "Buckets"))));
            }
            // Names come in order: the bucket itself is the first of those that begin with its name.
            if let Some(found) = page.buckets().iter().find(|listed| listed.name() == Some(bucket)) {
                return Ok(Some(Ok(Listed { own: true, region: found.bucket_region().map(str::to_owned), canonical })));
            }
            if page.continuation_token().is_none() || (page.prefix() == Some(bucket) && !page.buckets().is_empty()) {
                return Ok(Some(Ok(Listed { own: false, region: None, canonical })));
            }
        }
        Ok(None)
    };
    reader.ask(&LIST_BUCKETS, arn, call).await?.unwrap_or_else(|| Err(endless(&LIST_BUCKETS)))
}

/// The account of a bucket: our own where it is listed there, else whoever S3 accepts as its expected owner.
async fn owner(reader: &Reader<'_>, accounts: &Accounts<'_>, asked: Asked<'_>, listed: Option<bool>) -> Option<String> {
    let home = accounts.home_account().await;
    if listed == Some(true) {
        return home;
    }
    let candidates = accounts.supposed().into_iter().chain(home.filter(|_| listed.is_none()));
    let mut tried = BTreeSet::new();
    for candidate in candidates {
        if !tried.insert(candidate.clone()) || (listed == Some(false) && accounts.home_account().await.as_ref() == Some(&candidate)) {
            continue;
        }
        if matches!(head(reader, accounts.home(), Asked { owner: Some(&candidate), ..asked }).await, Head::There(_)) {
            return Some(candidate);
        }
    }
    None
}

/// The bucket's policy and settings.
async fn settings(reader: &Reader<'_>, client: &aws_sdk_s3::Client, wanted: Wanted<'_>, located: &Located) {
    let bucket = wanted.bucket;
    let arn = located.arn.as_str();
    let title = |what: &str| format!("{what} of {bucket}");
    let policy = reader.read(&GET_BUCKET_POLICY, arn, client.get_bucket_policy().bucket(bucket).send(), |answer| {
        Some((title("bucket policy"), answer.policy()?.to_owned()))
    });
    let status = reader.read(&GET_BUCKET_POLICY_STATUS, arn, client.get_bucket_policy_status().bucket(bucket).send(), |answer| {
        let public = answer.policy_status()?.is_public()?;
        Some((title("policy status"), pretty(&json!({"PolicyStatus": {"IsPublic": public}}))))
    });
    let block = reader.read(&GET_PUBLIC_ACCESS_BLOCK, arn, client.get_public_access_block().bucket(bucket).send(), |answer| {
        Some((title("Block Public Access"), pretty(&public_access_block(answer.public_access_block_configuration()?)?)))
    });
    let payment: OptionFuture<_> = wanted
        .key
        .map(|_| {
            reader.read(&GET_REQUEST_PAYMENT, arn, client.get_bucket_request_payment().bucket(bucket).send(), |answer| {
                Some((title("request payment"), pretty(&json!({"Payer": answer.payer()?.as_str()}))))
            })
        })
        .into();
    join4(policy, status, block, payment).await;
}

/// Object ownership, and the access control lists where that setting lets them count (About object ownership).
async fn acls(reader: &Reader<'_>, client: &aws_sdk_s3::Client, wanted: Wanted<'_>, located: &Located) {
    let bucket = wanted.bucket;
    let arn = located.arn.as_str();
    let ownership = reader.read(&GET_OWNERSHIP, arn, client.get_bucket_ownership_controls().bucket(bucket).send(), |answer| {
        let rules: Vec<_> =
            answer.ownership_controls()?.rules().iter().map(|rule| json!({"ObjectOwnership": rule.object_ownership().as_str()})).collect();
        Some((format!("object ownership of {bucket}"), pretty(&json!({"OwnershipControls": {"Rules": rules}}))))
    });
    let enforced = ownership
        .await
        .and_then(|answer| answer.ownership_controls)
        .is_some_and(|controls| controls.rules().iter().any(|rule| *rule.object_ownership() == s3::ObjectOwnership::BucketOwnerEnforced));
    if enforced {
        return;
    }
    let of_bucket = reader.read(&GET_BUCKET_ACL, arn, client.get_bucket_acl().bucket(bucket).send(), |answer| {
        Some((format!("access control list of {bucket}"), pretty(&acl(answer.owner(), answer.grants.as_deref()?))))
    });
    let of_object: OptionFuture<_> = existing_object(wanted)
        .map(|key| async move {
            let subject = format!("{arn}/{key}");
            let call = client.get_object_acl().bucket(bucket).key(key).set_version_id(wanted.said.version.map(str::to_owned)).send();
            reader
                .read(&GET_OBJECT_ACL, &subject, call, |answer| {
                    Some((format!("access control list of {bucket}/{key}"), pretty(&acl(answer.owner(), answer.grants.as_deref()?))))
                })
                .await;
        })
        .into();
    join(of_bucket, of_object).await;
}

/// The keys that encrypt the object or will: each is a second authorization behind the first (Using SSE-KMS).
async fn keys(reader: &Reader<'_>, client: &aws_sdk_s3::Client, wanted: Wanted<'_>, located: &Located) -> BTreeSet<String> {
    if wanted.key.is_none() && !wanted.action.to_ascii_lowercase().contains("object") {
        return BTreeSet::new();
    }
    let bucket = wanted.bucket;
    let encryption = reader.read(&GET_ENCRYPTION, &located.arn, client.get_bucket_encryption().bucket(bucket).send(), |answer| {
        let configuration = encryption(answer.server_side_encryption_configuration()?);
        Some((format!("default encryption of {bucket}"), pretty(&json!({"ServerSideEncryptionConfiguration": configuration}))))
    });
    let object: OptionFuture<_> = existing_object(wanted).map(|key| head_object(reader, client, wanted, key, &located.arn)).into();
    if let Some(key) = wanted.key.filter(|_| of_unknown_version(wanted)) {
        let why = "which version of the object is meant is not known, and each may have a key of its own: --context s3:VersionId=ID";
        reader.note(OBJECT, &format!("{}/{key}", located.arn), Outcome::NotTried { why: why.into() });
    }
    let (encryption, object) = join(encryption, object).await;
    let default =
        encryption.and_then(|answer| answer.server_side_encryption_configuration).and_then(|configuration| default_key(&configuration));
    let of_object = object.flatten();
    // A read is decrypted with the object's own key; only where that is not known could it be the default one.
    let wanted_keys = if of_object.is_some() { vec![of_object] } else { vec![wanted.said.key.map(str::to_owned).or(default)] };
    wanted_keys
        .into_iter()
        .flatten()
        .filter_map(|key| kms::full_arn(&key, wanted.partition, &located.region, located.account.as_deref()))
        .collect()
}

async fn head_object(reader: &Reader<'_>, client: &aws_sdk_s3::Client, wanted: Wanted<'_>, key: &str, arn: &str) -> Option<String> {
    let bucket = wanted.bucket;
    let subject = format!("{arn}/{key}");
    let call = client.head_object().bucket(bucket).key(key).set_version_id(wanted.said.version.map(str::to_owned)).send();
    let answer = reader.attempt(&HEAD_OBJECT, &subject, async { call.await.map_err(|error| Failure::of(&error)) }).await;
    match answer {
        Ok(answer) => {
            let text = json!({
                "ContentLength": answer.content_length(),
                "ETag": answer.e_tag(),
                "ServerSideEncryption": answer.server_side_encryption().map(|kind| kind.as_str()),
                "SSEKMSKeyId": answer.ssekms_key_id(),
                "BucketKeyEnabled": answer.bucket_key_enabled(),
                "StorageClass": answer.storage_class().map(|class| class.as_str()),
            });
            reader.found(&HEAD_OBJECT, &subject, &format!("object {bucket}/{key}"), pretty(&without_nulls(text)));
            answer.ssekms_key_id
        }
        // A HEAD answer has no body: the status is all there is.
        Err(Failure::Answered { status: 404, .. }) => {
            reader.note(OBJECT, &subject, Outcome::Absent);
            None
        }
        Err(failure) => {
            reader.note(OBJECT, &subject, reader.failed(&HEAD_OBJECT, &failure));
            None
        }
    }
}

/// The object, where the action is about one that is there already and the key is no pattern.
fn existing_object<'a>(wanted: Wanted<'a>) -> Option<&'a str> {
    let creates = wanted.action.eq_ignore_ascii_case("s3:PutObject");
    wanted.key.filter(|key| !creates && !key.contains(['*', '?']) && !of_unknown_version(wanted))
}

/// `s3:GetObjectVersion` and its like are about one version, which need not be the current one.
fn of_unknown_version(wanted: Wanted<'_>) -> bool {
    wanted.said.version.is_none() && wanted.action.to_ascii_lowercase().contains("objectversion")
}

fn default_key(configuration: &s3::ServerSideEncryptionConfiguration) -> Option<String> {
    let default = configuration.rules().iter().find_map(|rule| rule.apply_server_side_encryption_by_default())?;
    let kms = matches!(default.sse_algorithm(), s3::ServerSideEncryption::AwsKms | s3::ServerSideEncryption::AwsKmsDsse);
    kms.then(|| default.kms_master_key_id().unwrap_or("alias/aws/s3").to_owned())
}

fn encryption(configuration: &s3::ServerSideEncryptionConfiguration) -> Value {
    let rule = |rule: &s3::ServerSideEncryptionRule| {
        let default = rule.apply_server_side_encryption_by_default();
        let default = default.map(|default| {
            without_nulls(json!({"SSEAlgorithm": default.sse_algorithm().as_str(), "KMSMasterKeyID": default.kms_master_key_id()}))
        });
        let blocked = rule.blocked_encryption_types().map(|blocked| {
            let types: Vec<_> = blocked.encryption_type().iter().map(|kind| kind.as_str()).collect();
            json!({"EncryptionType": types})
        });
        without_nulls(json!({
            "ApplyServerSideEncryptionByDefault": default,
            "BucketKeyEnabled": rule.bucket_key_enabled(),
            "BlockedEncryptionTypes": blocked,
        }))
    };
    json!({"Rules": configuration.rules().iter().map(rule).collect::<Vec<_>>()})
}

/// S3 always says all four.
fn public_access_block(block: &s3::PublicAccessBlockConfiguration) -> Option<Value> {
    Some(json!({"PublicAccessBlockConfiguration": {
        "BlockPublicAcls": block.block_public_acls()?,
        "IgnorePublicAcls": block.ignore_public_acls()?,
        "BlockPublicPolicy": block.block_public_policy()?,
        "RestrictPublicBuckets": block.restrict_public_buckets()?,
    }}))
}

fn acl(owner: Option<&s3::Owner>, grants: &[s3::Grant]) -> Value {
    let grantee = |grantee: &s3::Grantee| {
        without_nulls(
            json!({"Type": grantee.r#type().as_str(), "ID": grantee.id(), "URI": grantee.uri(), "DisplayName": grantee.display_name(), "EmailAddress": grantee.email_address()}),
        )
    };
    let grants: Vec<_> =
        grants.iter().map(|grant| json!({"Grantee": grant.grantee().map(grantee), "Permission": grant.permission().map(|permission| permission.as_str())})).collect();
    json!({"Owner": owner.map(|owner| without_nulls(json!({"ID": owner.id(), "DisplayName": owner.display_name()}))), "Grants": grants})
}

/// The command line prints no members that an answer does not have.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// The names and regions of the account's buckets, for a whole account.
pub(super) async fn buckets(reader: &Reader<'_>, clients: &Clients) -> Result<Vec<(String, Option<String>)>, Outcome> {
    let client = clients.s3(clients.region());
    let call = pages!(client.list_buckets().max_buckets(1000), page => "Buckets", {
        page.buckets.map(|buckets| buckets.into_iter().filter_map(|bucket| Some((bucket.name?, bucket.bucket_region))))
    });
    reader.list(&LIST_BUCKETS, "*", call).await
}
