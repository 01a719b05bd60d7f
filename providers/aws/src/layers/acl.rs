//! S3 access control lists (*Access control list overview*, *Controlling ownership of objects*): they only grant (S3-4).

use crate::documents::{BUCKET_ACL, OBJECT_ACL};
use crate::language::open::Flag;
use crate::language::principal::{Admission, CallerKind, canonical};
use crate::language::view::View;
use crate::layers::{Level, Log, Said, ask, ruling};
use crate::library::Read;
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Effect, Place, Recorder, Step, Test, Truth, trace};

/// The access control list that bears on a request.
#[derive(Debug, Clone)]
pub struct Acl {
    /// Its document, and whether it was read.
    pub level: Level,
    grants: Vec<Grant>,
}

#[derive(Debug, Clone)]
struct Grant {
    place: Place,
    grantee: Grantee,
    text: String,
    permission: String,
    covers: bool,
}

#[derive(Debug, Clone)]
enum Grantee {
    Everyone,
    AnyAccount,
    LogDelivery,
    Canonical(Box<str>),
    Nobody,
}

/// The permission of an access control list that covers each action (S3-4); on a bucket, then on an object.
const COVERED: [(&str, &[&str]); 7] = [
    ("READ", &["s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads"]),
    ("WRITE", &["s3:putobject"]),
    ("READ_ACP", &["s3:getbucketacl"]),
    ("WRITE_ACP", &["s3:putbucketacl"]),
    ("READ", &["s3:getobject", "s3:getobjectversion"]),
    ("READ_ACP", &["s3:getobjectacl", "s3:getobjectversionacl"]),
    ("WRITE_ACP", &["s3:putobjectacl", "s3:putobjectversionacl"]),
];

/// The list that could grant `request`; `None` where none could.
///
/// Nobody but callers of other accounts and anonymous ones needs a list. For callers of the bucket's own account an unread list is left
/// out: what it gives the account, the account's own policies have to give again.
#[must_use]
pub fn read(reader: &mut Reader<'_>, request: &Request) -> Option<Acl> {
    let permission = COVERED.iter().find(|(_, actions)| actions.contains(&&*request.action.lower)).map(|(permission, _)| *permission)?;
    let (bucket, _) = request.bucket()?;
    let partition = request.arn()?.partition;
    let of_object = request.action.name().starts_with("getobject")
        || request.action.name().starts_with("putobjectacl")
        || request.action.name().starts_with("putobjectversionacl");
    let (kind, subject) =
        if of_object { (OBJECT_ACL, request.resource.to_string()) } else { (BUCKET_ACL, format!("arn:{partition}:s3:::{bucket}")) };
    let mut level = Level::new("acl", &subject);
    let mut grants = Vec::new();
    match reader.library.read(kind, &subject) {
        Read::Found(document, json) => {
            level.documents.push(document.id.to_string());
            let listed = json.get("Grants").map(Json::elements).unwrap_or_default();
            grants = listed.iter().enumerate().map(|(index, one)| grant(&document.id, (index, one), permission)).collect();
            // S3-3: to the owner of the object its own account's policies pass it on, whatever the list says.
            grants.extend(json.get("Owner").filter(|_| of_object).and_then(|owner| owned(&document.id, owner)));
        }
        Read::Absent => return None,
        Read::Unread(doubt) => {
            let outside = reader.flags.get(Flag::SameAccount) != Truth::Yes;
            let off = reader.flags.get(Flag::AclsOff) == Truth::Yes || request.caller.kind == CallerKind::Service;
            if !outside || off {
                return None;
            }
            level.not_read(reader, doubt);
        }
    }
    Some(Acl { level, grants })
}

fn grant(document: &str, (index, grant): (usize, &Json), wanted: &str) -> Grant {
    let grantee = grant.get("Grantee");
    let text = |name: &str| grantee.and_then(|grantee| grantee.get(name)).and_then(Json::as_str);
    let permission = grant.get("Permission").and_then(Json::as_str).unwrap_or_default().to_owned();
    let who = match (text("URI"), text("ID")) {
        (Some(uri), _) if uri.ends_with("/global/AllUsers") => Grantee::Everyone,
        (Some(uri), _) if uri.ends_with("/global/AuthenticatedUsers") => Grantee::AnyAccount,
        (Some(uri), _) if uri.ends_with("/s3/LogDelivery") => Grantee::LogDelivery,
        (None, Some(id)) => Grantee::Canonical(id.into()),
        _ => Grantee::Nobody,
    };
    let covers = permission == "FULL_CONTROL" || permission == wanted;
    let text = text("URI").or(text("ID")).or(text("EmailAddress")).unwrap_or("nobody").to_owned();
    Grant { place: Place::new(document, format!("/Grants/{index}")), grantee: who, text, permission, covers }
}

fn owned(document: &str, owner: &Json) -> Option<Grant> {
    let id = owner.get("ID").and_then(Json::as_str)?;
    let place = Place::new(document, "/Owner");
    let permission = "FULL_CONTROL".to_owned();
    Some(Grant { place, grantee: Grantee::Canonical(id.into()), text: id.to_owned(), permission, covers: true })
}

/// Asks the list. Where object ownership switches lists off it says nothing (S3-2); Block Public Access may drop grants to everybody
/// (S3-5).
pub fn ask_acl<'w, R: Recorder>(acl: &'w Acl, view: &View<'_>, log: &mut Log<'w>) -> Admission {
    let mut quiet = Log::default();
    let unread = ask::<iam_why_contract::trace::Off>(&acl.level, view, &mut quiet).allow;
    let on = if acl.grants.is_empty() && unread == Admission::NONE { Truth::Yes } else { !view.flag(Flag::AclsOff) };
    let mut allow = unread.and(on);
    let mut statements = Vec::new();
    for grant in &acl.grants {
        let admitted = grant.admits(view).and(on);
        if R::KEEPS {
            statements.push(grant.recorded(view, admitted.any(), on));
        }
        if grant.covers {
            allow = allow.or(admitted);
        }
    }
    if R::KEEPS {
        log.steps.push(Step {
            layer: "acl",
            subject: acl.level.subject.clone(),
            ruling: ruling(Said { allow, deny: Truth::No }),
            needed: false,
            documents: acl.level.documents.clone(),
            statements,
            note: if on.is_no() { "the bucket's object ownership switches access control lists off".to_owned() } else { String::new() },
        });
    }
    allow
}

impl Grant {
    /// In which form it names the caller. To a caller of an account it gives what the account's policies pass on (S3-4).
    fn admits(&self, view: &View<'_>) -> Admission {
        let caller = view.caller;
        let account = |holds: Truth| Admission { account: holds, ..Admission::NONE };
        let direct = |holds: Truth| Admission { direct: holds, ..Admission::NONE };
        let public = || !view.flag(Flag::IgnorePublicAcls);
        match (&self.grantee, caller.kind) {
            (Grantee::Everyone, CallerKind::Anonymous | CallerKind::OriginAccessIdentity | CallerKind::CognitoUser) => direct(public()),
            (Grantee::Everyone | Grantee::AnyAccount, _) if caller.has_account_side() => account(public()),
            (Grantee::LogDelivery, CallerKind::Service) => direct((&*caller.text == "logging.s3.amazonaws.com").into()),
            (Grantee::Canonical(id), _) => canonical(id, view),
            _ => Admission::NONE,
        }
    }

    fn recorded(&self, view: &View<'_>, admitted: Truth, on: Truth) -> trace::Statement {
        let covers = Truth::from(self.covers);
        let tests = vec![
            Test::new(self.place.member("Permission"), "action", &*self.permission, &*view.action.text, covers),
            Test::new(self.place.member("Grantee"), "principal", &*self.text, &*view.caller.text, admitted),
            Test::new(
                self.place.clone(),
                "object ownership",
                "access control lists in force",
                if on.is_no() { "switched off" } else { "in force" },
                on,
            ),
        ];
        let applies = covers.and(admitted).and(on);
        trace::Statement { place: self.place.clone(), label: "".into(), effect: Effect::Allow, applies, tests }
    }
}
