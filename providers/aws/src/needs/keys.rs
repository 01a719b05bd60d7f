//! The KMS keys behind a call: S3 asks for them in the caller's name, aliases lead to them, re-encrypting takes two.

use super::{Need, given, need, untold};
use crate::documents::{BUCKET_ENCRYPTION, OBJECT, RESOURCE_POLICY};
use crate::language::arn::Arn;
use crate::layers::service::rules;
use crate::library::{Library, Read};
use crate::request::Request;
use iam_why_contract::Doubt;
use iam_why_contract::json::Json;

/// S3-9: S3 asks KMS in the caller's name. The key is known where the object's or the bucket's settings were read, or where the request
/// names it and its policy was read.
pub(super) fn of_object(request: &Request, library: &Library<'_>) -> Option<Need> {
    let (bucket, Some(_)) = request.bucket()? else { return None };
    let arn = request.arn()?;
    let bucket_arn = format!("arn:{}:s3:::{bucket}", arn.partition);
    let (action, key) = match request.action.name() {
        "getobject" | "getobjectversion" => ("kms:Decrypt", key_of_object(request, library)?),
        "putobject" => ("kms:GenerateDataKey", key_of_request(request, library).or_else(|| key_of_bucket(&bucket_arn, library))?),
        _ => return None,
    };
    let parsed = Arn::parse(&key).filter(|arn| arn.resource.starts_with("key/"))?;
    let mut authorization = request.also(action, &key);
    let mut context = authorization.context;
    context.entries.retain(|key, _| !key.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("s3:")));
    context.entries.remove("aws:ResourceAccount");
    context = context.with("kms:ViaService", [format!("s3.{}.amazonaws.com", parsed.region)]).with("aws:ViaAWSService", ["true"]);
    let covered = if bucket_key(&bucket_arn, library) { &bucket_arn } else { &*request.resource };
    context =
        context.with("kms:EncryptionContext:aws:s3:arn", [covered]).with("aws:CalledVia", [format!("s3.{}.amazonaws.com", parsed.region)]);
    authorization.context = context;
    Some(need(authorization, format!("S3 asks for key {key} in the caller's name")))
}

/// What may stand behind a call that all that was read lets through: S3 asks KMS in the caller's name where a key encrypts the object
/// (S3-9), and which key that is was not read.
pub(super) fn unread(request: &Request, library: &Library<'_>) -> Option<Doubt> {
    let (bucket, Some(_)) = request.bucket().filter(|(bucket, _)| !bucket.contains('*') && !request.resource.contains('*'))? else {
        return None;
    };
    let (kind, subject) = match request.action.name() {
        _ if request.action.service() != "s3" => return None,
        "getobject" | "getobjectversion" => (OBJECT, request.resource.to_string()),
        "putobject" if given(request, "s3:x-amz-server-side-encryption").is_none_or(|encryption| encryption != "AES256") => {
            (BUCKET_ENCRYPTION, format!("arn:{}:s3:::{bucket}", request.arn()?.partition))
        }
        _ => return None,
    };
    if let Read::Unread(doubt) = library.read(kind, &subject) {
        return Some(Doubt { about: format!("whether the caller also needs a KMS key: {}", doubt.about), needs: doubt.needs });
    }
    let key =
        if kind == OBJECT { key_of_object(request, library) } else { named_key(request).or_else(|| key_of_bucket(&subject, library)) }?;
    let known = Arn::parse(&key).is_some_and(|arn| arn.resource.starts_with("key/"));
    let read = known && (kind == OBJECT || named_key(request).is_none() || key_of_request(request, library).is_some());
    // The key that AWS manages for S3 serves everybody in the account who may use the bucket.
    (!read && !key.ends_with("alias/aws/s3")).then(|| Doubt {
        about: format!("whether the caller may use the KMS key {key}, whose policy was not read"),
        needs: format!(
            "kms:DescribeKey, kms:GetKeyPolicy (aws kms describe-key --key-id {key}, aws kms get-key-policy with the id it prints)"
        ),
    })
}

/// The key that the request's header names.
fn named_key(request: &Request) -> Option<String> {
    given(request, "s3:x-amz-server-side-encryption-aws-kms-key-id").map(str::to_owned)
}

fn key_of_object(request: &Request, library: &Library<'_>) -> Option<String> {
    let Read::Found(_, json) = library.read(OBJECT, &request.resource) else { return None };
    json.get("SSEKMSKeyId").and_then(Json::as_str).map(str::to_owned)
}

fn key_of_request(request: &Request, library: &Library<'_>) -> Option<String> {
    named_key(request).filter(|key| library.snapshot().outcome(RESOURCE_POLICY, key).is_some())
}

fn default_rule(bucket: &str, library: &Library<'_>) -> Option<Json> {
    let Read::Found(_, json) = library.read(BUCKET_ENCRYPTION, bucket) else { return None };
    rules(&json)?.0.first().cloned()
}

fn key_of_bucket(bucket: &str, library: &Library<'_>) -> Option<String> {
    let rule = default_rule(bucket, library)?;
    rule.get("ApplyServerSideEncryptionByDefault")?.get("KMSMasterKeyID").and_then(Json::as_str).map(str::to_owned)
}

fn bucket_key(bucket: &str, library: &Library<'_>) -> bool {
    default_rule(bucket, library).is_some_and(|rule| matches!(rule.get("BucketKeyEnabled"), Some(Json::Bool(true))))
}

/// KMS-9: the source key is the question's resource, the destination key stands in `destination-key` of the context; one key may serve as both.
pub(super) fn re_encrypt(request: &Request) -> Vec<Need> {
    if &*request.action.lower != "kms:reencrypt" {
        return Vec::new();
    }
    let destination = given(request, "destination-key").unwrap_or(&request.resource);
    vec![
        need(request.also("kms:ReEncryptFrom", &request.resource), "ReEncrypt decrypts with the source key"),
        need(request.also("kms:ReEncryptTo", destination), "ReEncrypt encrypts with the destination key"),
    ]
}

/// KMS-8 (AWS KMS Developer Guide, *Controlling access to aliases*): the alias and the key behind it are two resources of one call, and
/// updating an alias has a key before and a key after. The question names one of them, `target-key` and `current-key` the keys.
pub(super) fn of_alias(request: &Request) -> Vec<Need> {
    let also = |key: &str| {
        Some(need(request.also(&request.action.text, given(request, key)?), "the key behind the alias has to allow it as well"))
    };
    behind_alias(request).iter().filter_map(|key| also(key)).collect()
}

/// The key behind an alias that nobody named.
pub(super) fn unnamed(request: &Request) -> Option<Doubt> {
    let key = behind_alias(request).iter().find(|key| untold(request, key))?;
    let which = if *key == "current-key" { "names now" } else { "is about" };
    Some(Doubt {
        about: format!("whether the key that the alias {which} allows {} as well", request.action.text),
        needs: format!("--context {key}=KEY-ARN (aws kms list-aliases prints the id of its key), and that key's policy"),
    })
}

fn behind_alias(request: &Request) -> &'static [&'static str] {
    let alias = request.arn().is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("alias/"));
    match &*request.action.lower {
        "kms:createalias" | "kms:deletealias" if alias => &["target-key"],
        "kms:updatealias" if alias => &["target-key", "current-key"],
        _ => &[],
    }
}
