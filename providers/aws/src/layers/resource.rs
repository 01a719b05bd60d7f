//! Resource policies and role trust policies (*Identity-based policies and resource-based policies*; which resources have one is in each
//! service's guide).

use crate::documents::{RESOURCE_POLICY, ROLE};
use crate::language::arn::Arn;
use crate::language::open::Flag;
use crate::language::policy::Grammar;
use crate::language::principal::{Admission, CallerKind};
use crate::layers::acl::{self, Acl};
use crate::layers::{Level, Log, Said, Scene, ask, grants, inapplicable};
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Recorder, Truth};

/// What the resource itself says of the request.
#[derive(Debug, Clone)]
pub struct ResourceSide {
    /// `resource` or `trust`.
    pub layer: &'static str,
    /// The policy; `None` where it is known to have none, or can have none.
    pub policy: Option<Level>,
    /// A KMS key's grants.
    pub grants: Option<Level>,
    /// An S3 access control list.
    pub acl: Option<Acl>,
    /// Must the resource allow, also to principals of its own account (KMS-1, STS-1)?
    pub must_allow: bool,
    /// Does its Deny not bind this caller (S3-20)?
    pub root_exempt: bool,
}

/// What the resource of `request` says.
#[must_use]
pub fn read(reader: &mut Reader<'_>, request: &Request) -> ResourceSide {
    let assume = is_assume(request);
    let layer = if assume { "trust" } else { "resource" };
    let key = is_key(request);
    ResourceSide {
        layer,
        policy: if assume { trust(reader, request) } else { policy(reader, request) },
        grants: key.then(|| grants::read(reader, request)),
        acl: request.bucket().is_some().then(|| acl::read(reader, request)).flatten(),
        must_allow: assume || key,
        root_exempt: root_exempt(request),
    }
}

/// STS-1: every way to become a role needs the role's trust policy.
#[must_use]
pub fn is_assume(request: &Request) -> bool {
    const BY_TRUST: [&str; 7] = [
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
        "sts:assumeroot",
    ];
    let role = request.arn().is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
    role && BY_TRUST.contains(&&*request.action.lower)
}

/// KMS-1: the key itself must allow. Aliases have no policy (KMS-8).
fn is_key(request: &Request) -> bool {
    request.arn().is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"))
}

/// S3-20: the root user of the bucket's account can always read, write and delete the bucket policy.
fn root_exempt(request: &Request) -> bool {
    const LOCKOUT: [&str; 3] = ["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"];
    request.caller.kind == CallerKind::Root && LOCKOUT.contains(&&*request.action.lower)
}

fn trust(reader: &mut Reader<'_>, request: &Request) -> Option<Level> {
    let mut level = Level::new("trust", &request.resource);
    let role = match reader.library.read(ROLE, &request.resource) {
        Read::Unread(doubt) => role_by_name(reader.library, &request.resource).ok_or(doubt),
        other => Ok(other),
    };
    match role {
        Ok(Read::Found(document, json)) => match json.get("AssumeRolePolicyDocument") {
            Some(policy) => level.add(reader, document, ("/AssumeRolePolicyDocument", policy), Grammar::Trust),
            None => level.not_read(reader, crate::library::missing(ROLE, &request.resource, None)),
        },
        Ok(Read::Absent) => level.not_read(reader, crate::library::missing(ROLE, &request.resource, None)),
        Ok(Read::Unread(doubt)) | Err(doubt) => level.not_read(reader, doubt),
    }
    Some(level)
}

fn role_by_name<'s>(library: &Library<'s>, arn: &str) -> Option<Read<'s>> {
    let arn = Arn::parse(arn)?;
    let name = arn.resource.rsplit('/').next()?;
    library.named(ROLE, arn.account, name).filter(|document| *document.subject == *arn_text(arn)).map(|document| library.found(document))
}

fn arn_text(arn: Arn<'_>) -> String {
    format!("arn:{}:{}:{}:{}:{}", arn.partition, arn.service, arn.region, arn.account, arn.resource)
}

fn policy(reader: &mut Reader<'_>, request: &Request) -> Option<Level> {
    // ECR-1: where there is no resource there is none whose policy could speak. ES-1: a domain's policy is about its own contents.
    let configures = request.action.service() == "es" && !request.action.name().starts_with("eshttp");
    if request.without_resource() || configures {
        return None;
    }
    // Services that are not listed here may have policies too: one that was read counts.
    let unlisted = || reader.library.snapshot().of(RESOURCE_POLICY, &request.resource).next().map(|document| document.subject.to_string());
    let holder = holder(&request.resource).or_else(unlisted).or_else(|| others(reader, request))?;
    let mut level = Level::new("resource", &holder);
    // The policy may be filed under the exact resource (a function's qualifier, an index) or under what holds it.
    let subjects = [&*request.resource, &*holder];
    let read = |subject: &&str| reader.library.read(RESOURCE_POLICY, subject);
    let exact = subjects.iter().map(read).find(|read| matches!(read, Read::Found(..)));
    match exact.unwrap_or_else(|| read(&&*holder)) {
        Read::Found(document, json) if *json != Json::Null => level.add(reader, document, ("", &json), Grammar::Resource),
        Read::Found(..) | Read::Absent => return None,
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
    Some(level)
}

/// Services whose resources have policies that concern services and other accounts (the column *Resource-based policies* of *AWS services
/// that work with IAM*).
const FOR_OTHERS: [&str; 20] = [
    "aps",
    "bedrock",
    "cloudtrail",
    "codebuild",
    "imagebuilder",
    "kinesisvideo",
    "lex",
    "logs",
    "network-firewall",
    "oam",
    "organizations",
    "redshift",
    "redshift-serverless",
    "refactor-spaces",
    "rekognition",
    "schemas",
    "serverlessrepo",
    "signer",
    "wafv2",
    "xray",
];

/// The resource, where its policy matters to callers that are not of its account.
fn others(reader: &Reader<'_>, request: &Request) -> Option<String> {
    let arn = request.arn().filter(|arn| FOR_OTHERS.contains(&arn.service))?;
    let outside = request.caller.kind == CallerKind::Service || reader.flags.get(Flag::SameAccount).is_no();
    (outside && !arn.account.is_empty()).then(|| request.resource.to_string())
}

/// The resource whose policy covers `resource`: the bucket of an object, the table of an index, the API of a method. `None` where
/// resources of this kind have no policy (E-47).
#[must_use]
pub fn holder(resource: &str) -> Option<String> {
    let arn = Arn::parse(resource)?;
    let field = |name: &str| format!("arn:{}:{}:{}:{}:{name}", arn.partition, arn.service, arn.region, arn.account);
    let first = |separator: &str| arn.resource.split(separator).next().unwrap_or(arn.resource).to_owned();
    let path = |length: usize| arn.resource.split('/').take(length).collect::<Vec<_>>().join("/");
    let whole = || Some(resource.to_owned());
    match arn.service {
        "s3" if arn.resource.starts_with("accesspoint/") => Some(field(&path(2))),
        "s3" if arn.region.is_empty() => Some(field(&first("/"))),
        "s3-object-lambda" | "s3express" | "es" | "ses" | "vpc-lattice" | "s3tables" => Some(field(&path(2))),
        "dynamodb" if arn.resource.starts_with("table/") => {
            let stream = arn.resource.contains("/stream/");
            Some(field(&path(if stream { 4 } else { 2 })))
        }
        "execute-api" => Some(field(&first("/"))),
        "glue" => Some(field("catalog")),
        "kms" if arn.resource.starts_with("key/") => whole(),
        "lambda" if arn.resource.starts_with("function:") || arn.resource.starts_with("layer:") => whole(),
        "events" if arn.resource.starts_with("event-bus/") => whole(),
        "elasticfilesystem" if arn.resource.starts_with("file-system/") => whole(),
        "ssm" if arn.resource.starts_with("parameter") => whole(),
        "backup" if arn.resource.starts_with("backup-vault:") => whole(),
        "kinesis" if arn.resource.starts_with("stream/") => whole(),
        "sqs" | "sns" | "secretsmanager" | "ecr" | "codeartifact" | "kafka" | "acm-pca" | "glacier" | "mediastore" | "aoss" => whole(),
        _ => None,
    }
}

/// What the resource's own policies say, and by which of them.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Whether some Deny applies.
    pub deny: Truth,
    /// In which form the policy names the caller.
    pub policy: Admission,
    /// In which form a KMS grant does.
    pub grant: Admission,
    /// In which form an access control list does.
    pub acl: Admission,
}

impl Answer {
    /// All forms together.
    #[must_use]
    pub fn admission(self) -> Admission {
        self.policy.or(self.grant).or(self.acl)
    }
}

/// Asks the resource's policy, grants and access control list.
pub fn ask_resource<'w, R: Recorder>(scene: Scene<'w, '_>, log: &mut Log<'w>) -> Answer {
    let side = &scene.world.resource;
    let view = scene.resource_view;
    let policy = if let Some(level) = &side.policy {
        ask::<R>(level, view, log)
    } else {
        inapplicable::<R>(side.layer, "the resource has no policy", log);
        Said::NOTHING
    };
    let grant = side.grants.as_ref().map_or(Said::NOTHING, |level| ask::<R>(level, view, log));
    let acl = side.acl.as_ref().map_or(Admission::NONE, |list| acl::ask_acl::<R>(list, view, log));
    // S3-3: of an object that another account owns the bucket's policy can grant nothing.
    let foreign_object = if scene.world.reads_object { view.flag(Flag::ForeignObject) } else { Truth::No };
    // S3-20
    let exempt = if side.root_exempt { view.flag(Flag::SameAccount) } else { Truth::No };
    Answer { deny: policy.deny.and(!exempt), policy: policy.allow.and(!foreign_object), grant: grant.allow, acl }
}
