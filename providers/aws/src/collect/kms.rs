//! Keys: their policy, their state, their grants.

use super::accounts::Accounts;
use super::arn::Arn;
use super::connection::Clients;
use super::organizations::Organizations;
use super::reader::{Reader, lacks, of_page, pages};
use super::s3::without_nulls;
use super::shapes::pretty;
use super::step::steps;
use crate::documents::{KMS_GRANTS, KMS_KEY, RESOURCE_POLICY};
use aws_sdk_kms::types::{GrantListEntry, KeyMetadata};
use futures_util::future::{join, join3};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;

steps! {
    DESCRIBE_KEY = KMS_KEY, "kms:DescribeKey", ["kms:DescribeKey"], absent ["NotFoundException"];
    GET_KEY_POLICY = RESOURCE_POLICY, "kms:GetKeyPolicy", ["kms:GetKeyPolicy"], absent [];
    LIST_GRANTS = KMS_GRANTS, "kms:ListGrants", ["kms:ListGrants"], absent [];
    LIST_KEYS = KMS_KEY, "kms:ListKeys", ["kms:ListKeys"], absent [];
}

/// A key as settings name it (an id, an alias, an ARN) as an ARN. A bare id belongs to the account whose setting it is.
pub(super) fn full_arn(key: &str, partition: &str, region: &str, account: Option<&str>) -> Option<String> {
    if Arn::parse(key).is_some() {
        return Some(key.to_owned());
    }
    let account = account?;
    let kind = if key.starts_with("alias/") { "" } else { "key/" };
    Some(format!("arn:{partition}:kms:{region}:{account}:{kind}{key}"))
}

/// Reads a key by its ARN or by the ARN of an alias, and what binds its account. Returns the key's own ARN, where it was read.
pub(super) async fn key(reader: &Reader<'_>, accounts: &Accounts<'_>, organizations: &Organizations<'_>, arn: &str) -> Option<String> {
    let parsed = Arn::parse(arn)?;
    let account = parsed.account_id()?;
    let key = async {
        match accounts.clients(account).await {
            Ok(clients) => whole(reader, &clients, arn, parsed).await,
            Err(outcome) => {
                [KMS_KEY, RESOURCE_POLICY, KMS_GRANTS].into_iter().for_each(|kind| reader.note(kind, arn, outcome.clone()));
                None
            }
        }
    };
    join(key, organizations.of(account)).await.0
}

async fn whole(reader: &Reader<'_>, clients: &Clients, arn: &str, parsed: Arn<'_>) -> Option<String> {
    let client = clients.kms(parsed.region);
    if !parsed.resource.starts_with("alias/") {
        return join3(describe(reader, &client, arn), policy(reader, &client, arn), grants(reader, &client, arn)).await.0?.arn;
    }
    // Policies and grants are asked for by the key itself, which only the alias knows.
    let key = describe(reader, &client, arn).await?.arn?;
    join(policy(reader, &client, &key), grants(reader, &client, &key)).await;
    Some(key)
}

async fn describe(reader: &Reader<'_>, client: &aws_sdk_kms::Client, arn: &str) -> Option<KeyMetadata> {
    match reader
        .ask(&DESCRIBE_KEY, arn, client.describe_key().key_id(arn).send())
        .await
        .and_then(|answer| answer.key_metadata.ok_or_else(|| lacks(&DESCRIBE_KEY, "KeyMetadata")))
    {
        Ok(key) => {
            let subject = key.arn().unwrap_or(arn);
            reader.found(&DESCRIBE_KEY, subject, &format!("key {}", key.key_id()), pretty(&metadata(&key)));
            Some(key)
        }
        Err(outcome) => {
            reader.note(KMS_KEY, arn, outcome);
            None
        }
    }
}

async fn policy(reader: &Reader<'_>, client: &aws_sdk_kms::Client, arn: &str) {
    let call = client.get_key_policy().key_id(arn).policy_name("default").send();
    let text = |answer: &aws_sdk_kms::operation::get_key_policy::GetKeyPolicyOutput| {
        Some((format!("key policy of {}", super::arn::last(arn)), answer.policy()?.to_owned()))
    };
    reader.read(&GET_KEY_POLICY, arn, call, text).await;
}

async fn grants(reader: &Reader<'_>, client: &aws_sdk_kms::Client, arn: &str) {
    let call = pages!(client.list_grants().key_id(arn), page => "Grants", of_page(page.truncated, page.next_marker.as_deref(), page.grants).flatten());
    match reader.list(&LIST_GRANTS, arn, call).await {
        Ok(grants) => {
            let grants: Vec<_> = grants.iter().map(grant).collect();
            reader.found(&LIST_GRANTS, arn, &format!("grants of key {}", super::arn::last(arn)), pretty(&json!({"Grants": grants})));
        }
        Err(outcome) => reader.note(KMS_GRANTS, arn, outcome),
    }
}

/// The ARNs of the keys of one region, for a whole account.
pub(super) async fn keys(reader: &Reader<'_>, clients: &Clients, region: &str) -> Result<Vec<String>, Outcome> {
    let client = clients.kms(region);
    let call = pages!(client.list_keys(), page => "Keys", page.keys.map(|keys| keys.into_iter().filter_map(|key| key.key_arn)));
    reader.list(&LIST_KEYS, &format!("* in {region}"), call).await
}

/// Reads one key of a whole account.
pub(super) async fn listed(reader: &Reader<'_>, clients: &Clients, arn: &str) {
    if let Some(parsed) = Arn::parse(arn) {
        whole(reader, clients, arn, parsed).await;
    }
}

fn metadata(key: &KeyMetadata) -> Value {
    without_nulls(json!({
        "AWSAccountId": key.aws_account_id(),
        "KeyId": key.key_id(),
        "Arn": key.arn(),
        "Enabled": key.enabled(),
        "KeyManager": key.key_manager().map(|manager| manager.as_str()),
        "KeyState": key.key_state().map(|state| state.as_str()),
        "KeyUsage": key.key_usage().map(|usage| usage.as_str()),
        "KeySpec": key.key_spec().map(|spec| spec.as_str()),
        "Origin": key.origin().map(|origin| origin.as_str()),
        "MultiRegion": key.multi_region(),
    }))
}

fn grant(grant: &GrantListEntry) -> Value {
    let sorted = |map: &std::collections::HashMap<String, String>| {
        map.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<BTreeMap<_, _>>()
    };
    let constraints = grant.constraints().map(|constraints| {
        without_nulls(json!({
            "EncryptionContextSubset": constraints.encryption_context_subset().map(sorted),
            "EncryptionContextEquals": constraints.encryption_context_equals().map(sorted),
        }))
    });
    without_nulls(json!({
        "KeyId": grant.key_id(),
        "GrantId": grant.grant_id(),
        "Name": grant.name(),
        "GranteePrincipal": grant.grantee_principal(),
        "RetiringPrincipal": grant.retiring_principal(),
        "IssuingAccount": grant.issuing_account(),
        "Operations": grant.operations().iter().map(|operation| operation.as_str()).collect::<Vec<_>>(),
        "Constraints": constraints,
    }))
}
