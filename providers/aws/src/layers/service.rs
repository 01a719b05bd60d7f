//! Rules of the services themselves, which no policy can change: what works across accounts, what Block Public Access refuses, what
//! root users and temporary credentials cannot do.

use crate::documents::{ACCESS_POINT, BUCKET_ENCRYPTION, KMS_KEY, OBJECT, RESOURCE_POLICY};
use crate::language::facts::Facts;
use crate::language::open::Flag;
use crate::language::principal::{Caller, CallerKind};
use crate::language::view::View;
use crate::layers::Log;
use crate::library::Read;
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Effect, Lookup, Place, Recorder, Ruling, Step, Test, Truth, trace};

/// A rule that refuses the request where its circumstances hold.
#[derive(Debug, Clone)]
pub struct Gate {
    /// `service` or `s3-bpa`.
    pub layer: &'static str,
    /// The finding's code.
    pub code: &'static str,
    /// One sentence: why it refuses.
    pub says: String,
    /// What must hold, or not, for it to refuse.
    pub when: Vec<(Flag, bool)>,
    /// Where it stands, if a document says it.
    pub place: Option<Place>,
    /// Who can change it.
    pub owner: String,
}

impl Gate {
    fn new(code: &'static str, says: impl Into<String>) -> Self {
        Self {
            layer: "service",
            code,
            says: says.into(),
            when: Vec::new(),
            place: None,
            owner: "AWS; this cannot be changed by a policy".to_owned(),
        }
    }

    fn when(mut self, flag: Flag, holds: bool) -> Self {
        self.when.push((flag, holds));
        self
    }

    fn at(mut self, place: Option<Place>, owner: String) -> Self {
        self.place = place;
        self.owner = owner;
        self
    }

    fn refuses(&self, view: &View<'_>) -> Truth {
        Truth::all(self.when.iter().map(|(flag, wanted)| if *wanted { view.flag(*flag) } else { !view.flag(*flag) }))
    }
}

/// E-11: what needs no permission, and cannot be denied.
#[must_use]
pub fn needs_no_permission(request: &Request) -> bool {
    const FREE: [&str; 3] = ["sts:getcalleridentity", "sts:getsessiontoken", "dynamodb:describeendpoints"];
    // C-10: those have no permission to ask for that could be missing, but cannot ask at all.
    let barred =
        &*request.action.lower == "sts:getsessiontoken" && (request.caller.is_role() || request.caller.kind == CallerKind::Federated);
    FREE.contains(&&*request.action.lower) && request.caller.has_account_side() && !barred
}

/// The rules that may refuse `request`.
#[must_use]
pub fn read(reader: &mut Reader<'_>, request: &Request, caller: &Caller, facts: &Facts) -> Vec<Gate> {
    let mut gates: Vec<Gate> = credentials(request, caller).or_else(|| session_token(request, caller, facts)).into_iter().collect();
    gates.extend(partition(request, caller));
    gates.extend(root_access(request));
    gates.extend(across_accounts(request, caller));
    gates.extend(reserved(request));
    if request.bucket().is_some() {
        gates.extend(s3(reader, request, caller, facts));
    }
    gates.extend(access_point(reader, request, facts));
    if request.action.service() == "kms" {
        gates.extend(managed_key(reader, request).filter(|_| caller.has_account_side()));
    }
    gates
}

/// What some kinds of credentials cannot do at all (C-10; *AssumeRole*, *GetFederationToken* in the STS API Reference).
fn credentials(request: &Request, caller: &Caller) -> Option<Gate> {
    let action = &*request.action.lower;
    let federated = caller.kind == CallerKind::Federated;
    let says = match action {
        "sts:assumerole" if caller.kind == CallerKind::Root => "a root user cannot assume roles",
        "sts:getsessiontoken" | "sts:getfederationtoken" if caller.is_role() => {
            "a role session cannot ask for a session token or a federation token"
        }
        _ if federated && action.starts_with("iam:") => "credentials of GetFederationToken cannot call IAM",
        _ if federated && action.starts_with("sts:") && action != "sts:getcalleridentity" => {
            "credentials of GetFederationToken cannot call STS, GetCallerIdentity apart"
        }
        _ => return None,
    };
    Some(Gate::new("aws-service-credentials", says))
}

/// C-10: what a user's temporary credentials (`GetSessionToken`) cannot do. That they are temporary shows in their time of issue.
fn session_token(request: &Request, caller: &Caller, facts: &Facts) -> Option<Gate> {
    let temporary = caller.kind == CallerKind::User && matches!(facts.get("aws:tokenissuetime"), Lookup::Known(_));
    let without_mfa = match facts.get("aws:multifactorauthpresent") {
        Lookup::Known(values) => values.iter().all(|value| !value.eq_ignore_ascii_case("true")),
        Lookup::Absent => true,
        Lookup::NotKnown => false,
    };
    let says = match (request.action.service(), &*request.action.lower) {
        ("sts", "sts:assumerole" | "sts:getcalleridentity") => return None,
        ("sts", _) => "credentials of GetSessionToken cannot call STS, AssumeRole and GetCallerIdentity apart",
        ("iam", _) if without_mfa => "credentials of GetSessionToken cannot call IAM unless a second factor was used for them",
        _ => return None,
    };
    temporary.then(|| Gate::new("aws-service-credentials", says))
}

/// A partition has accounts, identities and credentials of its own (*Identify AWS resources with ARNs: partition*): nobody of one is
/// known in another.
fn partition(request: &Request, caller: &Caller) -> Option<Gate> {
    let arn = request.arn().filter(|arn| caller.has_account_side() && *arn.partition != *caller.partition)?;
    let says = format!(
        "the caller belongs to partition {}, the resource to partition {}: AWS shares no identities between them",
        caller.partition, arn.partition
    );
    Some(Gate::new("aws-service-partition", says))
}

/// *Centralize root access for member accounts*: `AssumeRoot` asks no policy of the account whose root user is meant.
fn root_access(request: &Request) -> Option<Gate> {
    let says = "AssumeRoot is for the management account, or the delegated administrator of IAM, of an organization that manages root access centrally";
    (&*request.action.lower == "sts:assumeroot").then(|| Gate::new("aws-service-root-access", says).when(Flag::RootAccess, false))
}

/// KMS-7: what the key policy can open to other accounts.
const KMS_ACROSS: [&str; 22] = [
    "decrypt",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "verifymac",
    "reencryptfrom",
    "reencryptto",
    "sign",
    "verify",
    "derivesharedsecret",
    "createGrant",
    "creategrant",
    "describekey",
    "getkeyrotationstatus",
    "getpublickey",
    "listgrants",
    "retiregrant",
    "revokegrant",
    "reencrypt*",
];

/// SQS-2: what ignores a queue policy's grant to another account.
const SQS_WITHIN: [&str; 12] = [
    "addpermission",
    "cancelmessagemovetask",
    "createqueue",
    "deletequeue",
    "listmessagemovetasks",
    "listqueues",
    "listqueuetags",
    "removepermission",
    "setqueueattributes",
    "startmessagemovetask",
    "tagqueue",
    "untagqueue",
];

/// Actions that no resource policy can open to another account (E-48).
fn across_accounts(request: &Request, caller: &Caller) -> Option<Gate> {
    let name = request.action.name();
    let within = match request.action.service() {
        "kms" => request.arn().is_some_and(|arn| arn.resource.starts_with("key/")) && !KMS_ACROSS.contains(&name),
        "sqs" => SQS_WITHIN.contains(&name),
        // BKP-1
        "backup" => request.resource.contains(":backup-vault:") && name != "copyintobackupvault",
        // IAM-1
        "iam" => name == "passrole",
        // S3-20: answered 405.
        "s3" => name == "putbucketpolicy",
        _ => false,
    };
    let says = format!("{} works only within the account that owns the resource, whatever its policy says", request.action.text);
    (within && caller.kind != CallerKind::Service).then(|| Gate::new("aws-service-cross-account", says).when(Flag::SameAccount, false))
}

/// IAM-3: what AWS manages cannot be changed by principals of the account.
fn reserved(request: &Request) -> Option<Gate> {
    const ROLES: [&str; 12] = [
        "attachrolepolicy",
        "detachrolepolicy",
        "putrolepolicy",
        "deleterolepolicy",
        "deleterole",
        "updaterole",
        "updateroledescription",
        "updateassumerolepolicy",
        "putrolepermissionsboundary",
        "deleterolepermissionsboundary",
        "tagrole",
        "untagrole",
    ];
    const POLICIES: [&str; 6] =
        ["createpolicyversion", "deletepolicy", "deletepolicyversion", "setdefaultpolicyversion", "tagpolicy", "untagpolicy"];
    let arn = request.arn().filter(|arn| arn.service == "iam" && request.action.service() == "iam")?;
    let name = request.action.name();
    let role = arn.resource.starts_with("role/aws-service-role/") || arn.resource.starts_with("role/aws-reserved/");
    let policy = arn.account == "aws" && arn.resource.starts_with("policy/");
    let refused = (role && ROLES.contains(&name)) || (policy && POLICIES.contains(&name));
    refused.then(|| {
        Gate::new("aws-service-reserved", format!("{} is AWS's own: principals of the account cannot change it", request.resource))
    })
}

fn owner_of(bucket: &str) -> String {
    format!("the owner of bucket {bucket}")
}

fn s3(reader: &mut Reader<'_>, request: &Request, caller: &Caller, facts: &Facts) -> Vec<Gate> {
    let Some((bucket, _)) = request.bucket() else { return Vec::new() };
    let owner = owner_of(bucket);
    let mut gates = Vec::new();
    if caller.kind != CallerKind::Service {
        let says =
            format!("Block Public Access restricts bucket {bucket}, whose policy is public, to principals of the account that owns it");
        let gate = Gate::new("aws-s3-restrict-public-buckets", says).when(Flag::PolicyIsPublic, true);
        let gate = gate.when(Flag::RestrictPublicBuckets, true).when(Flag::SameAccount, false);
        gates.push(Gate { layer: "s3-bpa", ..gate.at(reader.public_access.clone(), owner.clone()) });
        let says = format!("bucket {bucket} lets the requester pay, and the request does not agree to it (x-amz-request-payer)");
        let gate = Gate::new("aws-s3-requester-pays", says).when(Flag::RequesterPays, true).when(Flag::SameAccount, false);
        gates.push(gate.at(reader.request_payment.clone(), "the caller: send x-amz-request-payer: requester".to_owned()));
    }
    if sets_public_acl(request, facts) {
        let says = format!("Block Public Access refuses the public access control list that the request sets on {}", request.resource);
        let gate = Gate::new("aws-s3-block-public-acls", says).when(Flag::BlockPublicAcls, true);
        gates.push(Gate { layer: "s3-bpa", ..gate.at(reader.public_access.clone(), owner.clone()) });
    }
    gates.extend(expected_owner(reader, facts));
    gates.extend(blocked_encryption(reader, request, facts, &owner));
    gates.extend(object_state(reader, request, facts, &owner));
    gates
}

/// S3-5: does the request carry an access control list that is open to everybody?
fn sets_public_acl(request: &Request, facts: &Facts) -> bool {
    const PUTS: [&str; 5] = ["putobject", "putobjectacl", "putobjectversionacl", "putbucketacl", "createbucket"];
    const PUBLIC: [&str; 3] = ["public-read", "public-read-write", "authenticated-read"];
    let canned = facts.value("s3:x-amz-acl").is_some_and(|acl| PUBLIC.contains(&acl));
    let granted = facts.under("s3:x-amz-grant-").into_iter().any(|key| {
        matches!(facts.get(key), Lookup::Known(values) if values.iter().any(|value| value.contains("global/AllUsers") || value.contains("global/AuthenticatedUsers")))
    });
    PUTS.contains(&request.action.name()) && (canned || granted)
}

/// S3-13
fn expected_owner(reader: &Reader<'_>, facts: &Facts) -> Option<Gate> {
    let expected = facts.value("x-amz-expected-bucket-owner").or_else(|| facts.value("s3:x-amz-expected-bucket-owner"))?;
    let account = reader.resource_account.as_deref()?;
    let says =
        format!("the request expects account {expected} to own the bucket, which account {account} owns (x-amz-expected-bucket-owner)");
    (expected != account)
        .then(|| Gate::new("aws-s3-expected-owner", says).at(None, "the caller: correct x-amz-expected-bucket-owner".to_owned()))
}

/// S3-14: writing with keys of the customer's may be switched off.
fn blocked_encryption(reader: &Reader<'_>, request: &Request, facts: &Facts, owner: &str) -> Option<Gate> {
    let writes = ["putobject", "createmultipartupload", "uploadpart"].contains(&request.action.name());
    let customer_key = facts.value("s3:x-amz-server-side-encryption-customer-algorithm").is_some();
    let (bucket, _) = request.bucket().filter(|_| writes && customer_key)?;
    let Read::Found(document, json) = reader.library.read(BUCKET_ENCRYPTION, &format!("arn:{}:s3:::{bucket}", request.arn()?.partition))
    else {
        return None;
    };
    let (rules, prefix) = rules(&json)?;
    let at = rules.iter().position(|rule| {
        let types = rule.get("BlockedEncryptionTypes").and_then(|blocked| blocked.get("EncryptionType").cloned().or(Some(blocked.clone())));
        types.is_some_and(|types| types.elements().iter().any(|one| one.as_str() == Some("SSE-C")))
    })?;
    let place = Place::new(&*document.id, format!("{prefix}/Rules/{at}/BlockedEncryptionTypes"));
    let says = format!("bucket {bucket} refuses uploads that are encrypted with keys of the customer's (SSE-C)");
    Some(Gate::new("aws-s3-blocked-encryption", says).at(Some(place), owner.to_owned()))
}

/// The rules of a bucket's encryption, and the pointer of what holds them.
#[must_use]
pub fn rules(json: &Json) -> Option<(&[Json], &'static str)> {
    let (holder, prefix) = match json.get("ServerSideEncryptionConfiguration") {
        Some(holder) => (holder, "/ServerSideEncryptionConfiguration"),
        None => (json, ""),
    };
    holder.get("Rules").map(|rules| (rules.elements(), prefix))
}

/// S3-12, S3-15: locked versions and archived objects.
fn object_state(reader: &Reader<'_>, request: &Request, facts: &Facts, owner: &str) -> Option<Gate> {
    let Read::Found(document, json) = reader.library.read(OBJECT, &request.resource) else { return None };
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let gate = |code, says: String, member: &str| {
        Some(Gate::new(code, says).at(Some(Place::new(&*document.id, "").member(member)), owner.to_owned()))
    };
    let reads = ["getobject", "getobjectversion"].contains(&request.action.name());
    let archived = text("StorageClass").filter(|class| ["GLACIER", "DEEP_ARCHIVE"].contains(class));
    let restored = text("Restore").is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    if let Some(class) = archived.filter(|_| reads && !restored) {
        return gate("aws-s3-archived", format!("the object is archived ({class}) and has to be restored first"), "StorageClass");
    }
    if request.action.name() != "deleteobjectversion" {
        return None;
    }
    if text("ObjectLockLegalHoldStatus") == Some("ON") {
        return gate("aws-s3-object-lock", "a legal hold protects this version of the object".to_owned(), "ObjectLockLegalHoldStatus");
    }
    let bypasses = facts.value("x-amz-bypass-governance-retention") == Some("true");
    match text("ObjectLockMode") {
        Some("COMPLIANCE") => gate(
            "aws-s3-object-lock",
            "Object Lock protects this version in compliance mode, which binds the root user too".to_owned(),
            "ObjectLockMode",
        ),
        Some("GOVERNANCE") if !bypasses => gate(
            "aws-s3-object-lock",
            "Object Lock protects this version in governance mode, and the request does not ask to bypass it".to_owned(),
            "ObjectLockMode",
        ),
        _ => None,
    }
}

/// S3-16: an access point for one VPC refuses everybody else.
fn access_point(reader: &mut Reader<'_>, request: &Request, facts: &Facts) -> Option<Gate> {
    let subject = crate::layers::resource::holder(&request.resource).filter(|holder| holder.contains(":accesspoint/"))?;
    let Read::Found(document, json) = reader.library.read(ACCESS_POINT, &subject) else { return None };
    let vpc = json.get("VpcConfiguration").and_then(|vpc| vpc.get("VpcId")?.as_str());
    let outside = match (facts.get("aws:sourcevpc"), vpc) {
        (Lookup::Known([from]), Some(vpc)) => Truth::from(from != vpc),
        (Lookup::NotKnown, _) => Truth::Unknown,
        _ => Truth::Yes,
    };
    reader.flags.set(Flag::OutsideVpc, outside);
    let for_vpc = json.get("NetworkOrigin").and_then(Json::as_str) == Some("VPC");
    let says = format!("access point {subject} takes requests from VPC {} only", vpc.unwrap_or("its own"));
    let place = Place::new(&*document.id, "/NetworkOrigin");
    let gate = Gate::new("aws-s3-access-point-vpc", says).when(Flag::OutsideVpc, true);
    for_vpc.then(|| gate.at(Some(place), "whoever manages the access point".to_owned()))
}

/// S3-10, KMS-10: keys that AWS manages serve their own account only.
fn managed_key(reader: &mut Reader<'_>, request: &Request) -> Option<Gate> {
    let arn = request.arn().filter(|arn| arn.service == "kms" && arn.resource.starts_with("key/"))?;
    let place = match reader.library.read(KMS_KEY, &request.resource) {
        Read::Found(document, json) => {
            let manager = json.get("KeyManager").and_then(Json::as_str);
            reader.flags.set(Flag::KeyIsManaged, manager.map_or(Truth::Unknown, |manager| (manager == "AWS").into()));
            Some(Place::new(&*document.id, "/KeyManager"))
        }
        // KMS-10: the policy of a key that AWS manages is confined to the service it is for.
        _ => {
            let policy = reader.library.snapshot().of(RESOURCE_POLICY, &request.resource).next();
            let confined = policy.is_none_or(|policy| policy.text.to_ascii_lowercase().contains("kms:viaservice"));
            reader.flags.set(Flag::KeyIsManaged, if confined { Truth::Unknown } else { Truth::No });
            None
        }
    };
    let says = format!("AWS manages the key, so only principals of account {} can use it", arn.account);
    Some(
        Gate::new("aws-kms-managed-key", says)
            .when(Flag::KeyIsManaged, true)
            .when(Flag::SameAccount, false)
            .at(place, "the owner of what the key encrypts: a key of its own can be shared".to_owned()),
    )
}

/// Whether some rule refuses, and of which layer the first that surely does (or may) is.
pub fn ask_gates<R: Recorder>(gates: &[Gate], view: &View<'_>, log: &mut Log<'_>) -> (Truth, &'static str) {
    let mut answer = (Truth::No, "service");
    for gate in gates {
        let refuses = gate.refuses(view);
        if refuses > answer.0 {
            answer = (refuses, gate.layer);
        }
        if R::KEEPS && !refuses.is_no() {
            log.steps.push(step(gate, refuses));
        }
    }
    answer
}

fn step(gate: &Gate, refuses: Truth) -> Step {
    let place = gate.place.clone().unwrap_or_else(|| Place::new("", ""));
    let test = Test::new(place.clone(), "rule of the service", gate.says.clone(), "", refuses);
    let statement = trace::Statement { place, label: gate.code.into(), effect: Effect::Deny, applies: refuses, tests: vec![test] };
    Step {
        layer: gate.layer,
        subject: String::new(),
        ruling: if refuses.is_yes() { Ruling::Silent } else { Ruling::Unknown },
        needed: true,
        documents: gate.place.iter().map(|place| place.document.to_string()).collect(),
        statements: vec![statement],
        note: gate.says.clone(),
    }
}
