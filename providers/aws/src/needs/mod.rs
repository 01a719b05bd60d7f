//! Which authorizations one call needs (C-1): the one that was asked about, and those that come with it.

mod copy;
mod creation;
mod keys;

use crate::documents::OBJECT;
use crate::language::arn::Arn;
use crate::language::resource::NOT_GIVEN;
use crate::layers::resource::holder;
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::behind_access_point;
pub use creation::first_use;
use iam_why_contract::{Doubt, Lookup};

/// One authorization that the call needs.
#[derive(Debug, Clone)]
pub struct Need {
    /// The authorization.
    pub request: Request,
    /// Why the call needs it; empty for the question itself.
    pub because: String,
    /// What is not known where nobody said which resource it is about.
    pub unnamed: Option<Doubt>,
}

/// The authorizations that the call needs; the first is the question itself.
#[must_use]
pub fn needs(request: &Request, library: &Library<'_>) -> Vec<Need> {
    let mut all = vec![need(request.clone(), "")];
    all.extend(access_point(request, library));
    all.extend(object_headers(request));
    all.extend(keys::of_object(request, library));
    if let Some(source) = copy::source(request) {
        all.extend(keys::of_object(&source.request, library));
        all.push(source);
    }
    all.extend(session(request));
    all.extend(function_url(request));
    all.extend(glue(request));
    all.extend(keys::re_encrypt(request));
    all.extend(keys::of_alias(request));
    all.extend(creation::tags(request));
    all.extend(creation::passed_role(request));
    all.extend(creation::service_linked_role(request, library));
    all
}

/// What may stand behind a call that all that was read lets through: authorizations for something that nobody named or read.
#[must_use]
pub fn unread(request: &Request, library: &Library<'_>) -> Vec<Doubt> {
    let source = copy::source(request).and_then(|source| keys::unread(&source.request, library));
    let all = [keys::unread(request, library), source, copy::unnamed(request), keys::unnamed(request), lock(request, library)];
    all.into_iter().flatten().collect()
}

/// S3-12: what may protect a version of an object that was not read.
fn lock(request: &Request, library: &Library<'_>) -> Option<Doubt> {
    let deletes = &*request.action.lower == "s3:deleteobjectversion" && request.bucket().is_some();
    match library.read(OBJECT, &request.resource) {
        Read::Unread(doubt) if deletes => {
            Some(Doubt { about: format!("whether Object Lock protects the version: {}", doubt.about), needs: doubt.needs })
        }
        _ => None,
    }
}

/// The object that a put copies, where it says so.
#[must_use]
pub fn copied(request: &Request) -> Option<String> {
    copy::source(request).map(|source| source.request.resource.to_string())
}

fn need(request: Request, because: impl Into<String>) -> Need {
    Need { request, because: because.into(), unnamed: None }
}

/// An authorization for something that nobody named: policies about everything cover it, of others it is open.
fn unnamed(request: &Request, action: &str, because: &str, doubt: Doubt) -> Need {
    Need { unnamed: Some(doubt), ..need(request.also(action, NOT_GIVEN), because) }
}

/// What the question says of a context key, if it has one value.
fn given<'r>(request: &'r Request, key: &str) -> Option<&'r str> {
    match request.context.get_ignoring_case(key) {
        Lookup::Known([value]) => Some(value),
        _ => None,
    }
}

/// Has the question nothing to say of a context key?
fn untold(request: &Request, key: &str) -> bool {
    request.context.get_ignoring_case(key) == Lookup::NotKnown
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
