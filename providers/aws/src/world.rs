//! What bears on one request: the policies of its layers, compiled, and the facts of its context.

use crate::context;
use crate::documents::{
    ACCESS_POINT, CANONICAL_USER, OBJECT_ACL, OWNERSHIP_CONTROLS, PUBLIC_ACCESS_BLOCK, REQUEST_PAYMENT, RESOURCE, ROLE, SESSION, USER,
};
use crate::language::arn::called;
use crate::language::facts::Facts;
use crate::language::open::{Flag, Flags};
use crate::language::principal::{Caller, CallerKind};
use crate::layers::organization::{self, Path};
use crate::layers::resource::{self, ResourceSide};
use crate::layers::service::{self, Gate};
use crate::layers::session::Session;
use crate::layers::{Gap, Level, boundary, endpoint, identity, session};
use crate::library::{Library, Read};
use crate::public;
use crate::request::Request;
use iam_why_contract::json::Json;
use iam_why_contract::spelling::close_to;
use iam_why_contract::{Document, Doubt, Lookup, Outcome, Place, Truth};
use std::sync::Arc;

/// Everything that bears on one request. Compiled once; [`decide`](crate::decide::decide) reads it without allocating, and threads may
/// share it.
#[derive(Debug, Clone)]
pub struct World {
    /// The caller, as far as the snapshot tells.
    pub caller: Caller,
    /// The condition keys: given and derived.
    pub facts: Facts,
    /// What is known of each flag.
    pub flags: Flags,
    /// The account that owns the resource.
    pub resource_account: Option<Box<str>>,
    /// The resource as the caller's policies may name it: an access point and the bucket behind it (S3-16).
    pub caller_names: Vec<Box<str>>,
    /// The resource as its own policies name it.
    pub names: Vec<Box<str>>,
    /// Whether the action needs no permission at all (E-11).
    pub free: bool,
    /// Whether the action reads an object, which may belong to another account than its bucket (S3-3).
    pub reads_object: bool,
    /// Whether resource control policies bind the service, as far as is known (E-21).
    pub rcp_service: bool,
    /// Whether the session is one of `AssumeRoot` (E-43).
    pub root_session: bool,
    /// How the API authorizes its callers (APG-1).
    pub api: Option<Api>,
    /// Rules of the services.
    pub gates: Vec<Gate>,
    /// Resource control policies.
    pub rcps: Path,
    /// Service control policies.
    pub scps: Path,
    /// The VPC endpoint's policy.
    pub endpoint: Option<Level>,
    /// The resource's own policies.
    pub resource: ResourceSide,
    /// The caller's identity policies; for a federated user those of the user who made the session.
    pub identity: Level,
    /// The permissions boundary.
    pub boundary: Option<Level>,
    /// The session policies.
    pub session: Session,
    /// Texts that were not read.
    pub gaps: Vec<Gap>,
    /// What the question was taken to mean.
    pub notes: Vec<String>,
}

/// How an API Gateway method authorizes its callers (*How API Gateway resource policies affect authorization workflow*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Not at all: the resource policy alone.
    Open,
    /// By IAM.
    Iam,
    /// By a Lambda function, which returns a policy.
    Authorizer,
    /// By a Cognito user pool.
    Cognito,
    /// Nobody read how, and the caller did not sign.
    Unread,
}

/// Reads a world from a snapshot.
#[derive(Debug)]
pub struct Reader<'s> {
    /// The snapshot.
    pub library: &'s Library<'s>,
    /// Texts that were not read.
    pub gaps: Vec<Gap>,
    /// What is known of each flag.
    pub flags: Flags,
    /// Remarks.
    pub notes: Vec<String>,
    /// The account that owns the resource.
    pub resource_account: Option<Box<str>>,
    /// Where Block Public Access stands.
    pub public_access: Option<Place>,
    /// Where it stands who pays.
    pub request_payment: Option<Place>,
}

/// A user or role and its document.
#[derive(Debug)]
pub struct Identity<'s> {
    /// The kind of its document.
    pub kind: &'static str,
    /// Its ARN.
    pub arn: String,
    /// Its document.
    pub detail: Option<(&'s Document, Arc<Json>)>,
}

impl Identity<'_> {
    /// Whether it is known not to be there: nothing can be said of what it may do then, but the name may be a slip.
    #[must_use]
    pub fn gone(&self, library: &Library<'_>) -> Option<Doubt> {
        let snapshot = library.snapshot();
        if self.detail.is_some() || snapshot.outcome(self.kind, &self.arn) != Some(&Outcome::Absent) {
            return None;
        }
        let (start, name) = self.arn.rsplit_once('/')?;
        let account = start.rsplit_once(':').map_or(start, |(account, _)| account);
        let others = snapshot.all_of(self.kind).map(|document| &*document.subject).filter(|arn| arn.starts_with(account));
        let names = others.filter_map(|arn| Some(arn.rsplit_once('/')?.1));
        let needs = match close_to(name, names).as_slice() {
            [] => "a principal that exists: it was deleted, or is spelt otherwise".to_owned(),
            meant => format!("a principal that exists; did you mean {}?", meant.join(" or ")),
        };
        Some(Doubt { about: format!("what {} may do: there is none of that name in the account", called(&self.arn)), needs })
    }
}

impl World {
    /// Reads what bears on `request`.
    #[must_use]
    pub fn of(request: &Request, library: &Library<'_>) -> Self {
        let mut reader = Reader {
            library,
            gaps: Vec::new(),
            flags: Flags::start(),
            notes: Vec::new(),
            resource_account: None,
            public_access: None,
            request_payment: None,
        };
        let mut caller = request.caller.clone();
        let mut facts = Facts::of(&request.context);
        let identity = who(&reader, &mut caller, &facts);
        unreadable(&mut reader, identity.as_ref());
        caller.known_ids = known_ids(library);
        let root_session = caller.kind == CallerKind::Root && facts.value("aws:assumedroot") == Some("true");
        accounts(&mut reader, request, &caller, &facts);
        let (identity_level, boundary) = caller_side(&mut reader, &mut caller, identity.as_ref());
        context::derive(&mut facts, &reader, request, &caller, identity.as_ref());
        let endpoint = endpoint::read(&mut reader, request, &facts);
        s3_settings(&mut reader, request, &caller, &facts);
        let api = api(&mut reader, request, &caller);
        let resource = resource::read(&mut reader, request);
        public::flag(&mut reader, &resource);
        let gates = service::read(&mut reader, request, &caller, &facts);
        let session = session::read(&mut reader, &caller, root_session);
        let scps = organization::scps(&mut reader, &caller);
        let account = reader.resource_account.clone();
        let rcps = organization::rcps(&mut reader, request, &caller, account.as_deref());
        let identity_level = authorizer(&mut reader, request, api).unwrap_or(identity_level);
        Self {
            free: service::needs_no_permission(request),
            reads_object: READS.contains(&&*request.action.lower),
            rcp_service: organization::binds_service(request.action.service()),
            caller_names: names(&reader, request),
            names: vec![request.resource.clone()],
            resource_account: account,
            flags: reader.flags,
            gaps: reader.gaps,
            notes: reader.notes,
            identity: identity_level,
            caller,
            facts,
            root_session,
            api,
            gates,
            rcps,
            scps,
            endpoint,
            resource,
            boundary,
            session,
        }
    }
}

/// What the bucket's policy cannot grant of another account's object (S3-3).
const READS: [&str; 11] = [
    "s3:getobject",
    "s3:getobjectversion",
    "s3:getobjectacl",
    "s3:getobjectversionacl",
    "s3:getobjecttagging",
    "s3:getobjectversiontagging",
    "s3:getobjectattributes",
    "s3:getobjectversionattributes",
    "s3:getobjecttorrent",
    "s3:putobjectacl",
    "s3:putobjectversionacl",
];

/// The identity behind the caller: the user, the role behind a session, the user behind a federated session.
fn who<'s>(reader: &Reader<'s>, caller: &mut Caller, facts: &Facts) -> Option<Identity<'s>> {
    let account = caller.account.clone()?;
    let found =
        |document: Option<&'s Document>| document.and_then(|document| reader.library.json(document).ok().map(|json| (document, json)));
    let read = |kind: &'static str, arn: &str| match reader.library.read(kind, arn) {
        Read::Found(document, json) => Some((document, json)),
        Read::Absent | Read::Unread(_) => None,
    };
    match caller.kind {
        CallerKind::User => {
            let detail = read(USER, &caller.text);
            caller.unique_id = id(detail.as_ref(), "UserId");
            Some(Identity { kind: USER, arn: caller.text.to_string(), detail })
        }
        CallerKind::Role | CallerKind::Session => {
            // C-7: the path is in the role's document, or the request's context says the ARN.
            let detail = found(reader.library.named(ROLE, &account, &caller.name));
            let said = facts.value("aws:principalarn").filter(|arn| arn.contains(":role/")).map(Box::from);
            caller.parent = detail.as_ref().map(|(document, _)| Box::from(&*document.subject)).or(said).or(caller.parent.take());
            caller.unique_id = id(detail.as_ref(), "RoleId");
            let arn = caller
                .parent
                .as_deref()
                .map_or_else(|| format!("arn:{}:iam::{account}:role/{}", caller.partition, caller.name), str::to_owned);
            Some(Identity { kind: ROLE, arn, detail })
        }
        CallerKind::Federated => {
            let issuer = match reader.library.read(SESSION, &caller.text) {
                Read::Found(_, json) => json.get("Issuer").and_then(Json::as_str).map(str::to_owned),
                _ => None,
            };
            caller.parent = issuer.as_deref().map(Box::from);
            let arn = issuer.unwrap_or_else(|| format!("the user who made session {}", caller.name));
            let detail = read(USER, &arn);
            Some(Identity { kind: USER, arn, detail })
        }
        _ => None,
    }
}

/// Says what is wrong with the document of the identity, where there is one that cannot be read.
fn unreadable(reader: &mut Reader<'_>, identity: Option<&Identity<'_>>) {
    let unread = identity
        .filter(|identity| identity.detail.is_none() && reader.library.snapshot().of(identity.kind, &identity.arn).next().is_some());
    if let Some(Read::Unread(doubt)) = unread.map(|identity| reader.library.read(identity.kind, &identity.arn)) {
        reader.notes.push(format!("not known: {}", doubt.about));
    }
}

/// The canonical user ids that the snapshot resolves, with the account (or origin access identity) each belongs to.
fn known_ids(library: &Library<'_>) -> Vec<(Box<str>, Box<str>)> {
    let documents = library.snapshot().all_of(CANONICAL_USER);
    let resolved = documents.filter_map(|document| {
        let json = library.json(document).ok()?;
        Some((Box::from(&*document.subject), Box::from(json.get("Account")?.as_str()?)))
    });
    resolved.collect()
}

fn id(detail: Option<&(&Document, Arc<Json>)>, name: &str) -> Option<Box<str>> {
    detail.and_then(|(_, json)| json.get(name)?.as_str().map(Box::from))
}

/// Whose resource it is, and whether that is the caller's account (E-6).
fn accounts(reader: &mut Reader<'_>, request: &Request, caller: &Caller, facts: &Facts) {
    let account = resource_account(reader, request, caller, facts);
    // No policy of the other account is asked for a session of its root user.
    let root_access = &*request.action.lower == "sts:assumeroot";
    let same = match (&account, caller.has_account_side()) {
        (_, false) => Truth::No,
        _ if root_access => Truth::Yes,
        (Some(account), true) => (Some(&**account) == caller.account.as_deref()).into(),
        (None, true) => Truth::Unknown,
    };
    reader.flags.set(Flag::SameAccount, same);
    reader.resource_account = account;
}

fn resource_account(reader: &Reader<'_>, request: &Request, caller: &Caller, facts: &Facts) -> Option<Box<str>> {
    if let Some(account) = facts.value("aws:resourceaccount").or_else(|| facts.value("s3:resourceaccount")) {
        return Some(account.into());
    }
    let Some(arn) = request.arn() else { return caller.account.clone() };
    let bucket = request.bucket().map(|(bucket, _)| format!("arn:{}:s3:::{bucket}", arn.partition));
    let said = [Some(request.resource.to_string()), bucket.clone()].into_iter().flatten().find_map(|subject| {
        match reader.library.read(RESOURCE, &subject) {
            Read::Found(_, json) => json.get("Account").and_then(Json::as_str).map(Box::from),
            _ => None,
        }
    });
    match (said, arn.account.len(), bucket) {
        (Some(account), _, _) => Some(account),
        (None, 12, _) => Some(arn.account.into()),
        // An S3 ARN does not say whose bucket it is.
        (None, _, Some(_)) => None,
        // Other ARNs without an account are the caller's own, or AWS's (policies, images).
        (None, _, None) => caller.account.clone(),
    }
}

fn caller_side<'s>(reader: &mut Reader<'s>, caller: &mut Caller, identity: Option<&Identity<'s>>) -> (Level, Option<Level>) {
    let Some(identity) = identity else { return (Level::new("identity", &caller.text), None) };
    let level = identity::read(reader, identity);
    let boundary = boundary::read(reader, identity);
    caller.bounded = match &boundary {
        None => Truth::No,
        Some(_) if identity.detail.is_some() => Truth::Yes,
        Some(_) => Truth::Unknown,
    };
    (level, boundary)
}

/// The names under which the caller's policies may speak of the resource.
fn names(reader: &Reader<'_>, request: &Request) -> Vec<Box<str>> {
    let mut names = vec![request.resource.clone()];
    let behind = behind_access_point(reader.library, &request.resource);
    names.extend(behind.map(Into::into));
    names.extend(request.alias.clone());
    names
}

/// The bucket or object behind an access point's ARN, where the snapshot knows the access point (S3-16).
#[must_use]
pub fn behind_access_point(library: &Library<'_>, resource: &str) -> Option<String> {
    let point = resource::holder(resource).filter(|holder| holder.contains(":s3:") && holder.contains(":accesspoint/"))?;
    let Read::Found(_, json) = library.read(ACCESS_POINT, &point) else { return None };
    let bucket = json.get("Bucket").and_then(Json::as_str)?;
    let partition = point.split(':').nth(1)?;
    let key = resource.strip_prefix(&*point).and_then(|rest| rest.strip_prefix("/object/"));
    Some(match key {
        Some(key) => format!("arn:{partition}:s3:::{bucket}/{key}"),
        None => format!("arn:{partition}:s3:::{bucket}"),
    })
}

/// Object ownership, Block Public Access and requester pays of the bucket.
fn s3_settings(reader: &mut Reader<'_>, request: &Request, caller: &Caller, facts: &Facts) {
    let Some((bucket, _)) = request.bucket() else {
        // Whose object it is, is asked of the bucket behind an access point, which is a part of its own.
        let elsewhere = request.arn().is_some_and(|arn| arn.service != "s3");
        if elsewhere || request.without_resource() || behind_access_point(reader.library, &request.resource).is_some() {
            reader.flags.set(Flag::ForeignObject, Truth::No);
        }
        return;
    };
    let bucket_arn = format!("arn:{}:s3:::{bucket}", request.arn().map_or("aws", |arn| arn.partition));
    let outside = !reader.flags.get(Flag::SameAccount).is_yes();
    ownership(reader, request, &bucket_arn, outside);
    public_access_block(reader, &bucket_arn);
    pays(reader, &bucket_arn, caller, facts, outside);
}

/// S3-2, S3-3. Buckets have had their owner own all objects since April 2023. Where nothing was read of it, that is taken for granted
/// for callers of the bucket's own account, with a note; for all others it is open.
fn ownership(reader: &mut Reader<'_>, request: &Request, bucket: &str, outside: bool) {
    let setting = match reader.library.read(OWNERSHIP_CONTROLS, bucket) {
        Read::Found(_, json) => {
            let holder = json.get("OwnershipControls").cloned().unwrap_or_else(|| (*json).clone());
            holder.get("Rules").and_then(|rules| rules.elements().first()?.get("ObjectOwnership")?.as_str().map(str::to_owned))
        }
        // A bucket without the setting is one from before it existed: the writer owns.
        Read::Absent => Some("ObjectWriter".to_owned()),
        Read::Unread(_) => None,
    };
    let noted = reader.library.snapshot().outcome(OWNERSHIP_CONTROLS, bucket).is_some();
    let (off, foreign) = match setting.as_deref() {
        Some("BucketOwnerEnforced") => (Truth::Yes, Truth::No),
        Some(_) => (Truth::No, foreign_object(reader, request)),
        None if noted || outside => (Truth::Unknown, foreign_object(reader, request)),
        // Where the bucket's owner owned all objects, an object's list would name no other owner.
        None if foreign_object(reader, request).is_yes() => (Truth::No, Truth::Yes),
        None => {
            reader.notes.push(format!("taken that the owner of {bucket} owns its objects (object ownership was not read)"));
            (Truth::Yes, Truth::No)
        }
    };
    reader.flags.set(Flag::AclsOff, off);
    reader.flags.set(Flag::ForeignObject, foreign);
}

/// Whether another account than the bucket's owns the object, by the owner that its access control list names.
fn foreign_object(reader: &Reader<'_>, request: &Request) -> Truth {
    let account = |id: &str| match reader.library.read(CANONICAL_USER, id) {
        Read::Found(_, json) => json.get("Account").and_then(Json::as_str).map(str::to_owned),
        _ => None,
    };
    let owner = match reader.library.read(OBJECT_ACL, &request.resource) {
        Read::Found(_, json) => json.get("Owner").and_then(|owner| owner.get("ID")?.as_str().and_then(account)),
        _ => None,
    };
    match (owner, &reader.resource_account) {
        (Some(owner), Some(bucket_owner)) => (*owner != **bucket_owner).into(),
        _ => Truth::Unknown,
    }
}

/// S3-5: the effective value is the OR of the account's and the bucket's.
fn public_access_block(reader: &mut Reader<'_>, bucket: &str) {
    let account = reader.resource_account.clone();
    let levels = [Some(bucket.to_owned()), account.map(String::from)];
    let read: Vec<_> = levels.into_iter().flatten().map(|subject| reader.library.read(PUBLIC_ACCESS_BLOCK, &subject)).collect();
    let whole = read.len() == 2;
    for (flag, name) in [
        (Flag::RestrictPublicBuckets, "RestrictPublicBuckets"),
        (Flag::IgnorePublicAcls, "IgnorePublicAcls"),
        (Flag::BlockPublicAcls, "BlockPublicAcls"),
    ] {
        let on = read.iter().map(|read| match read {
            Read::Found(_, json) => {
                let holder = json.get("PublicAccessBlockConfiguration").unwrap_or(json);
                Truth::from(matches!(holder.get(name), Some(Json::Bool(true))))
            }
            Read::Absent => Truth::No,
            Read::Unread(_) => Truth::Unknown,
        });
        let on = Truth::any(on.chain((!whole).then_some(Truth::Unknown)));
        reader.flags.set(flag, on);
    }
    reader.public_access = read.iter().find_map(|read| match read {
        Read::Found(document, json) => {
            let pointer = if json.get("PublicAccessBlockConfiguration").is_some() { "/PublicAccessBlockConfiguration" } else { "" };
            Some(Place::new(&*document.id, pointer))
        }
        _ => None,
    });
}

/// S3-11: whether the requester has to agree to pay and does not. Nobody is asked to unless the bucket's owner switched it on.
fn pays(reader: &mut Reader<'_>, bucket: &str, caller: &Caller, facts: &Facts, outside: bool) {
    let noted = reader.library.snapshot().outcome(REQUEST_PAYMENT, bucket).is_some();
    let requester = match reader.library.read(REQUEST_PAYMENT, bucket) {
        Read::Found(document, json) => {
            reader.request_payment = Some(Place::new(&*document.id, "/Payer"));
            Truth::from(json.get("Payer").and_then(Json::as_str) == Some("Requester"))
        }
        Read::Absent => Truth::No,
        Read::Unread(_) if noted => Truth::Unknown,
        Read::Unread(_) => {
            if outside {
                reader.notes.push(format!("taken that the requester does not have to pay for {bucket} (not read)"));
            }
            Truth::No
        }
    };
    let header = ["x-amz-request-payer", "s3:x-amz-request-payer"].map(|key| facts.get(key));
    let agrees = match caller.kind {
        CallerKind::Anonymous => Truth::No,
        _ if header.iter().any(|header| matches!(header, Lookup::Known(_))) => Truth::Yes,
        _ if header.iter().all(|header| *header == Lookup::NotKnown) => Truth::Unknown,
        _ => Truth::No,
    };
    reader.flags.set(Flag::RequesterPays, requester.and(!agrees));
}

/// How the API method authorizes.
fn api(reader: &mut Reader<'_>, request: &Request, caller: &Caller) -> Option<Api> {
    let arn = request.arn().filter(|arn| arn.service == "execute-api" && request.action.service() == "execute-api")?;
    let subject = resource::holder(&request.resource)?;
    let said = match reader.library.read(crate::documents::API_METHOD, &subject) {
        Read::Found(_, json) => json.get("authorizationType").and_then(Json::as_str).map(str::to_owned),
        _ => None,
    };
    Some(match (said.as_deref(), caller.kind) {
        (Some("NONE"), _) => Api::Open,
        (Some("AWS_IAM"), _) => Api::Iam,
        (Some("CUSTOM"), _) => Api::Authorizer,
        (Some("COGNITO_USER_POOLS"), _) | (None, CallerKind::CognitoUser) => Api::Cognito,
        (_, CallerKind::Anonymous) => Api::Unread,
        _ => {
            reader.notes.push(format!("taken that API {} authorizes by IAM (how its methods do was not read)", arn.resource));
            Api::Iam
        }
    })
}

/// The policy that the API's Lambda authorizer returned stands where a caller's identity policies stand.
fn authorizer(reader: &mut Reader<'_>, request: &Request, api: Option<Api>) -> Option<Level> {
    let subject = resource::holder(&request.resource).filter(|_| api == Some(Api::Authorizer))?;
    let mut level = Level::new("identity", &subject);
    match reader.library.read(crate::documents::API_METHOD, &subject) {
        Read::Found(document, json) if json.get("authorizerPolicy").is_some() => {
            let policy = json.get("authorizerPolicy").unwrap_or(&Json::Null);
            let policies: Vec<(String, &Json)> = match policy {
                Json::Array(policies) => policies.iter().enumerate().map(|(at, one)| (format!("/authorizerPolicy/{at}"), one)).collect(),
                one => vec![("/authorizerPolicy".to_owned(), one)],
            };
            for (pointer, policy) in policies {
                level.add(reader, document, (&pointer, policy), crate::language::policy::Grammar::Identity);
            }
        }
        _ => level.not_read(
            reader,
            iam_why_contract::Doubt {
                about: "the policy that the API's Lambda authorizer returned".to_owned(),
                needs: "the authorizer's log, or aws apigateway test-invoke-authorizer".to_owned(),
            },
        ),
    }
    Some(level)
}
