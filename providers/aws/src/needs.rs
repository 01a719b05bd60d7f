//! Which authorizations one call needs (C-1): the one that was asked about, and those that come with it.

use crate::documents::{BUCKET_ENCRYPTION, KMS_KEY, OBJECT, RESOURCE, RESOURCE_POLICY};
use crate::language::arn::Arn;
use crate::layers::resource::holder;
use crate::layers::service::rules;
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::behind_access_point;
use iam_why_contract::Doubt;
use iam_why_contract::json::Json;

/// One authorization that the call needs.
#[derive(Debug, Clone)]
pub struct Need {
    /// The authorization.
    pub request: Request,
    /// Why the call needs it; empty for the question itself.
    pub because: String,
}

/// The authorizations that the call needs; the first is the question itself.
#[must_use]
pub fn needs(request: &Request, library: &Library<'_>) -> Vec<Need> {
    let mut all = vec![Need { request: request.clone(), because: String::new() }];
    all.extend(access_point(request, library));
    all.extend(object_headers(request));
    all.extend(object_key(request, library));
    all.extend(session(request));
    all.extend(function_url(request));
    all.extend(glue(request));
    all.extend(re_encrypt(request));
    all.extend(passed_role(request));
    all
}

fn need(request: Request, because: impl Into<String>) -> Need {
    Need { request, because: because.into() }
}

/// What the question says of a context key, if it has one value.
fn given<'r>(request: &'r Request, key: &str) -> Option<&'r str> {
    match request.context.get_ignoring_case(key) {
        iam_why_contract::Lookup::Known([value]) => Some(value),
        _ => None,
    }
}

fn gives_under(request: &Request, prefix: &str) -> bool {
    request.context.entries.iter().any(|(key, values)| {
        values.as_ref().is_some_and(|values| !values.is_empty())
            && key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    })
}

/// S3-16: the bucket behind an access point has to allow as well, and its policy sees through which access point it is reached.
fn access_point(request: &Request, library: &Library<'_>) -> Option<Need> {
    let behind = behind_access_point(library, &request.resource)?;
    let point = holder(&request.resource)?;
    let account = Arn::parse(&point)?.account.to_owned();
    let mut bucket = request.also(&request.action.text, &behind);
    bucket.alias = Some(request.resource.clone());
    for (key, value) in [("s3:DataAccessPointArn", point.as_str()), ("s3:DataAccessPointAccount", &account)] {
        if !bucket.context.entries.contains_key(key) {
            bucket.context = bucket.context.with(key, [value]);
        }
    }
    Some(need(bucket, format!("the bucket behind access point {point} has to allow it as well")))
}

/// S3-8: what a put carries in its headers needs permissions of its own.
fn object_headers(request: &Request) -> Vec<Need> {
    let extra = |action: &str, because: &str| need(request.also(action, &request.resource), because);
    let mut all = Vec::new();
    match request.action.name() {
        _ if request.action.service() != "s3" => {}
        "putobject" => {
            // An access control list that says what is the case anyway needs nothing.
            let acl = given(request, "s3:x-amz-acl").is_some_and(|acl| !["private", "bucket-owner-full-control"].contains(&acl));
            if acl || gives_under(request, "s3:x-amz-grant-") {
                all.push(extra("s3:PutObjectAcl", "the request sets an access control list"));
            }
            if gives_under(request, "s3:RequestObjectTag") {
                all.push(extra("s3:PutObjectTagging", "the request sets tags"));
            }
            if given(request, "s3:object-lock-mode").is_some() {
                all.push(extra("s3:PutObjectRetention", "the request sets a retention period"));
            }
            if given(request, "s3:object-lock-legal-hold").is_some() {
                all.push(extra("s3:PutObjectLegalHold", "the request sets a legal hold"));
            }
        }
        "deleteobjectversion" | "putobjectretention" if given(request, "x-amz-bypass-governance-retention") == Some("true") => {
            all.push(extra("s3:BypassGovernanceRetention", "the request bypasses a retention in governance mode"));
        }
        "getobjectattributes" => all.push(extra("s3:GetObject", "GetObjectAttributes needs both")),
        "getobjectversionattributes" => all.push(extra("s3:GetObjectVersion", "GetObjectVersionAttributes needs both")),
        _ => {}
    }
    all
}

/// S3-9: S3 asks KMS in the caller's name. The key is known where the object's or the bucket's settings were read, or where the request
/// names it and its policy was read.
fn object_key(request: &Request, library: &Library<'_>) -> Option<Need> {
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
#[must_use]
pub fn unread_key(request: &Request, library: &Library<'_>) -> Option<Doubt> {
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
    let said = rule.get("ApplyServerSideEncryptionByDefault")?.get("KMSMasterKeyID").and_then(Json::as_str)?;
    Some(key_itself(said, bucket, library))
}

/// A bucket's setting names its key by ARN, id or alias (*ServerSideEncryptionByDefault*): an id or alias without an account is of the
/// bucket's account and region. What stays without an ARN is returned as it was said.
fn key_itself(said: &str, bucket: &str, library: &Library<'_>) -> String {
    let whole = match (Arn::parse(said), library.read(RESOURCE, bucket)) {
        (Some(_), _) => said.to_owned(),
        (None, Read::Found(_, facts)) => {
            let fact = |name: &str| facts.get(name).and_then(Json::as_str);
            let (Some(region), Some(account), Some(arn)) = (fact("Region"), fact("Account"), Arn::parse(bucket)) else {
                return said.to_owned();
            };
            let kind = if said.starts_with("alias/") { "" } else { "key/" };
            format!("arn:{}:kms:{region}:{account}:{kind}{said}", arn.partition)
        }
        (None, _) => return said.to_owned(),
    };
    let behind_alias = |json: &Json| json.get("Arn").and_then(Json::as_str).map(str::to_owned);
    match library.read(KMS_KEY, &whole) {
        Read::Found(_, json) if whole.contains(":alias/") => behind_alias(&json).unwrap_or(whole),
        _ => whole,
    }
}

fn bucket_key(bucket: &str, library: &Library<'_>) -> bool {
    default_rule(bucket, library).is_some_and(|rule| matches!(rule.get("BucketKeyEnabled"), Some(Json::Bool(true))))
}

/// STS-5: tags and a source identity that are passed need permissions of their own, from the trust policy too.
fn session(request: &Request) -> Vec<Need> {
    let extra = |action: &str, because: &str| need(request.also(action, &request.resource), because);
    let mut all = Vec::new();
    if request.action.lower.starts_with("sts:assumerole") {
        if gives_under(request, "aws:RequestTag/") || gives_under(request, "aws:TagKeys") {
            all.push(extra("sts:TagSession", "the call passes session tags"));
        }
        // A source identity stays with whoever goes on from one role to the next.
        let carried = request.caller.is_role() && given(request, "aws:SourceIdentity").is_some();
        if given(request, "sts:SourceIdentity").is_some() || carried {
            all.push(extra("sts:SetSourceIdentity", "the call passes a source identity"));
        }
        if gives_under(request, "sts:RequestContext") {
            all.push(extra("sts:SetContext", "the call passes a context"));
        }
    }
    all
}

/// LAM-2: a function URL asks for both permissions.
fn function_url(request: &Request) -> Option<Need> {
    (&*request.action.lower == "lambda:invokefunctionurl").then(|| {
        let mut invoke = request.also("lambda:InvokeFunction", &request.resource);
        invoke.context = invoke.context.with("lambda:InvokedViaFunctionUrl", ["true"]);
        need(invoke, "a function URL asks for both permissions")
    })
}

/// GLU-1: a table is authorized together with its database and the catalog.
fn glue(request: &Request) -> Vec<Need> {
    let Some(arn) = request.arn().filter(|arn| arn.service == "glue" && request.action.service() == "glue") else { return Vec::new() };
    let sibling = |resource: String| format!("arn:{}:glue:{}:{}:{resource}", arn.partition, arn.region, arn.account);
    let also =
        |resource: String| need(request.also(&request.action.text, &sibling(resource)), "Glue asks for the catalog and the database too");
    let mut path = arn.resource.split('/');
    match (path.next(), path.next()) {
        (Some("table"), Some(database)) => vec![also(format!("database/{database}")), also("catalog".to_owned())],
        (Some("database"), Some(_)) => vec![also("catalog".to_owned())],
        _ => Vec::new(),
    }
}

/// KMS-9: the source key is the question's resource, the destination key stands in `destination-key` of the context; one key may serve as both.
fn re_encrypt(request: &Request) -> Vec<Need> {
    if &*request.action.lower != "kms:reencrypt" {
        return Vec::new();
    }
    let destination = given(request, "destination-key").unwrap_or(&request.resource);
    vec![
        need(request.also("kms:ReEncryptFrom", &request.resource), "ReEncrypt decrypts with the source key"),
        need(request.also("kms:ReEncryptTo", destination), "ReEncrypt encrypts with the destination key"),
    ]
}

/// IAM-1: a call that stores a role for a service to use passes it: `passed-role` in the context names it.
fn passed_role(request: &Request) -> Option<Need> {
    let role = given(request, "passed-role")?.to_owned();
    Some(need(request.also("iam:PassRole", &role), "the call hands the role to a service"))
}
