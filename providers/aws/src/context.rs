//! The condition keys that follow from principal, resource and organization (*AWS global condition context keys*, C-12).

use crate::documents::{RESOURCE, ROLE, SESSION, USER};
use crate::language::arn::Arn;
use crate::language::date::Instant;
use crate::language::facts::Facts;
use crate::language::principal::{Caller, CallerKind};
use crate::layers::organization::{Membership, membership, path};
use crate::library::Read;
use crate::request::Request;
use crate::world::{Identity, Reader};
use iam_why_contract::Lookup;
use iam_why_contract::json::Json;

/// Adds to `facts` what follows from who asks for what. A key that the question gives stands as it is given (C-16).
pub(crate) fn derive(facts: &mut Facts, reader: &Reader<'_>, request: &Request, caller: &Caller, identity: Option<&Identity<'_>>) {
    match caller.kind {
        CallerKind::Service => service(facts, caller),
        CallerKind::Anonymous => anonymous(facts),
        CallerKind::WebIdentity | CallerKind::Saml => token(facts, caller),
        _ if caller.has_account_side() => {
            principal(facts, caller);
            principal_tags(facts, reader, caller, identity);
            organization(facts, reader, caller.account.as_deref(), "Principal");
            directly(facts);
        }
        _ => {}
    }
    resource(facts, reader, request);
    if let (true, "sns", Some(account)) = (caller.has_account_side(), request.action.service(), caller.account.as_deref()) {
        // SNS-1
        facts.derive("aws:SourceOwner", [account]);
    }
    time(facts);
    network(facts);
    request_tags(facts, request);
    kms(facts, caller, request);
}

/// The rows of *Policy variables: principal key values*.
fn principal(facts: &mut Facts, caller: &Caller) {
    let account = caller.account.as_deref().unwrap_or_default();
    facts.derive("aws:PrincipalAccount", [account]);
    facts.derive("aws:PrincipalIsAWSService", ["false"]);
    facts.derive_absent("aws:PrincipalServiceName");
    facts.derive_absent("aws:PrincipalServiceNamesList");
    let kind = match caller.kind {
        CallerKind::Root => "Account",
        CallerKind::User => "User",
        CallerKind::Federated => "FederatedUser",
        _ => "AssumedRole",
    };
    facts.derive("aws:PrincipalType", [kind]);
    match caller.kind {
        CallerKind::Session | CallerKind::Role => {
            // C-6: the role's ARN, never the session's.
            match &caller.parent {
                Some(role) => facts.derive("aws:PrincipalArn", [&**role]),
                None => facts.derive_open("aws:PrincipalArn"),
            }
            match (&caller.unique_id, &caller.session) {
                (Some(id), Some(session)) => facts.derive("aws:userid", [format!("{id}:{session}")]),
                _ => facts.derive_open("aws:userid"),
            }
        }
        _ => facts.derive("aws:PrincipalArn", [&*caller.text]),
    }
    match caller.kind {
        CallerKind::Root => facts.derive("aws:userid", [account]),
        CallerKind::Federated => facts.derive("aws:userid", [format!("{account}:{}", caller.name)]),
        CallerKind::User => {
            match &caller.unique_id {
                Some(id) => facts.derive("aws:userid", [&**id]),
                None => facts.derive_open("aws:userid"),
            }
            // C-5: only IAM users have a name.
            facts.derive("aws:username", [&*caller.name]);
        }
        _ => {}
    }
    if caller.kind != CallerKind::User {
        facts.derive_absent("aws:username");
    }
    if matches!(caller.kind, CallerKind::Root | CallerKind::User) {
        facts.derive_absent("aws:FederatedProvider");
    }
    if caller.kind != CallerKind::Root {
        facts.derive_absent("aws:AssumedRoot");
    }
}

/// A principal that makes the request itself: no service calls for it unless the question says so.
fn directly(facts: &mut Facts) {
    let through = !facts.under("aws:calledvia").is_empty() || !facts.under("kms:viaservice").is_empty();
    facts.derive("aws:ViaAWSService", [if through { "true" } else { "false" }]);
    if !through {
        for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"] {
            facts.derive_absent(key);
        }
    }
    // What a service says of the resource it acts for; SNS says of every caller which account it belongs to (SNS-1).
    for key in ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"] {
        facts.derive_absent(key);
    }
}

fn service(facts: &mut Facts, caller: &Caller) {
    facts.derive("aws:PrincipalIsAWSService", ["true"]);
    facts.derive("aws:PrincipalServiceName", [&*caller.text]);
    facts.derive("aws:PrincipalServiceNamesList", [&*caller.text]);
    for key in [
        "aws:PrincipalArn",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalType",
        "aws:userid",
        "aws:username",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:FederatedProvider",
        "aws:AssumedRoot",
        "aws:SourceIdentity",
    ] {
        facts.derive_absent(key);
    }
    facts.complete_under("aws:PrincipalTag/");
}

fn anonymous(facts: &mut Facts) {
    facts.derive("aws:PrincipalAccount", ["anonymous"]);
    facts.derive("aws:PrincipalType", ["Anonymous"]);
    facts.derive("aws:userid", ["anonymous"]);
    for key in [
        "aws:PrincipalArn",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:username",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalServiceName",
        "aws:PrincipalServiceNamesList",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:TokenIssueTime",
        "aws:FederatedProvider",
        "aws:AssumedRoot",
        "aws:SourceIdentity",
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:CalledVia",
        "aws:ViaAWSService",
    ] {
        facts.derive_absent(key);
    }
    facts.complete_under("aws:PrincipalTag/");
}

/// What a token says of its subject (STS-8), and what only signed requests carry.
fn token(facts: &mut Facts, caller: &Caller) {
    let subject = match (caller.kind, caller.provider.as_deref()) {
        (CallerKind::WebIdentity, Some(host)) => Some(format!("{host}:sub")),
        (CallerKind::Saml, _) if !caller.name.is_empty() => Some("saml:sub".to_owned()),
        _ => None,
    };
    subject.into_iter().for_each(|key| facts.derive(&key, [&*caller.name]));
    for key in
        ["aws:PrincipalArn", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:username"]
    {
        facts.derive_absent(key);
    }
}

/// `aws:CurrentTime` and `aws:EpochTime` are one instant.
fn time(facts: &mut Facts) {
    let instant = |facts: &Facts, key: &str| facts.value(key).and_then(Instant::parse);
    if let Some(now) = instant(facts, "aws:currenttime").or_else(|| instant(facts, "aws:epochtime")) {
        facts.derive("aws:EpochTime", [now.epoch()]);
        facts.derive("aws:CurrentTime", [now.epoch()]);
    }
}

/// Tags of the user or role; tags of the session override them and are as unreadable as its policy.
fn principal_tags(facts: &mut Facts, reader: &Reader<'_>, caller: &Caller, identity: Option<&Identity<'_>>) {
    let session = match reader.library.read(SESSION, &caller.text) {
        Read::Found(_, json) => Some(json),
        _ => None,
    };
    if let Some(json) = &session {
        tags(facts, "aws:PrincipalTag/", json.get("Tags"));
        match json.get("SourceIdentity").and_then(Json::as_str) {
            Some(identity) => facts.derive("aws:SourceIdentity", [identity]),
            None => facts.derive_absent("aws:SourceIdentity"),
        }
    }
    let detail = identity.and_then(|identity| identity.detail.as_ref());
    if let Some((_, json)) = detail {
        tags(facts, "aws:PrincipalTag/", json.get("Tags"));
        // A tag that neither has is absent, once it is known what the session was made with.
        if matches!(caller.kind, CallerKind::User | CallerKind::Role) || session.is_some() {
            facts.complete_under("aws:PrincipalTag/");
        }
    }
    if caller.kind == CallerKind::Root {
        facts.complete_under("aws:PrincipalTag/");
    }
}

/// Tags as AWS prints them: `[{Key, Value}]`, or `{key: value}`.
fn tags(facts: &mut Facts, prefix: &str, tags: Option<&Json>) {
    let text = |tag: &Json, name: &str| tag.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    for tag in tags.map(Json::elements).unwrap_or_default() {
        facts.derive(&format!("{prefix}{}", text(tag, "Key")), [text(tag, "Value")]);
    }
    for (key, value) in tags.map(Json::members).unwrap_or_default() {
        facts.derive(&format!("{prefix}{key}"), value.as_str());
    }
}

/// `aws:PrincipalOrgID`, `aws:ResourceOrgID` and their paths.
fn organization(facts: &mut Facts, reader: &Reader<'_>, account: Option<&str>, whose: &str) {
    let Some(account) = account else { return };
    let (id_key, paths_key) = (format!("aws:{whose}OrgID"), format!("aws:{whose}OrgPaths"));
    match membership(reader.library, account) {
        Membership::None => {
            facts.derive_absent(&id_key);
            facts.derive_absent(&paths_key);
        }
        Membership::Member { id: Some(id), .. } => {
            if let Ok(mut nodes) = path(reader.library, account) {
                // The path names the units above the account: `o-…/r-…/ou-…/`.
                nodes.pop();
                facts.derive(&paths_key, [format!("{id}/{}/", nodes.join("/"))]);
            }
            facts.derive(&id_key, [id]);
        }
        Membership::Member { id: None, .. } | Membership::Unread(_) => {}
    }
}

fn resource(facts: &mut Facts, reader: &Reader<'_>, request: &Request) {
    if let Some(account) = reader.resource_account.as_deref().filter(|_| !request.without_resource()) {
        facts.derive("aws:ResourceAccount", [account]);
        if request.action.service() == "s3" {
            facts.derive("s3:ResourceAccount", [account]);
        }
        organization(facts, reader, Some(account), "Resource");
    }
    match request.arn() {
        Some(arn) => {
            region(facts, arn);
            resource_tags(facts, reader, request, arn);
        }
        None => global_region(facts, request.action.service(), &request.caller.partition),
    }
}

/// The endpoint's Region is the resource's; global services answer from one (C-12).
fn region(facts: &mut Facts, arn: Arn<'_>) {
    if !arn.region.is_empty() {
        facts.derive("aws:RequestedRegion", [arn.region]);
    } else {
        global_region(facts, arn.service, arn.partition);
    }
}

fn global_region(facts: &mut Facts, service: &str, partition: &str) {
    const GLOBAL: [&str; 4] = ["iam", "organizations", "cloudfront", "route53"];
    if GLOBAL.contains(&service) && partition == "aws" {
        facts.derive("aws:RequestedRegion", ["us-east-1"]);
    }
}

/// Tags of the resource. Those of a bucket count only where attribute-based access control is switched on for it (C-18).
fn resource_tags(facts: &mut Facts, reader: &Reader<'_>, request: &Request, arn: Arn<'_>) {
    let kind = match (arn.service, arn.resource.split('/').next()) {
        ("s3", _) => return,
        ("iam", Some("role")) => ROLE,
        ("iam", Some("user")) => USER,
        _ => RESOURCE,
    };
    if let Read::Found(_, json) = reader.library.read(kind, &request.resource)
        && json.get("Tags").is_some()
    {
        for prefix in ["aws:ResourceTag/".to_owned(), format!("{}:ResourceTag/", arn.service)] {
            tags(facts, &prefix, json.get("Tags"));
            facts.complete_under(&prefix);
        }
    }
}

/// A request goes through a VPC endpoint or comes from an address, never both.
fn network(facts: &mut Facts) {
    let known = |facts: &Facts, key: &str| matches!(facts.get(key), Lookup::Known(_));
    if known(facts, "aws:sourcevpce") || known(facts, "aws:sourcevpc") {
        facts.derive_absent("aws:SourceIp");
    } else if known(facts, "aws:sourceip") {
        for key in [
            "aws:SourceVpc",
            "aws:SourceVpcArn",
            "aws:SourceVpce",
            "aws:VpcSourceIp",
            "aws:VpceAccount",
            "aws:VpceOrgID",
            "aws:VpceOrgPaths",
        ] {
            facts.derive_absent(key);
        }
    }
}

/// `aws:TagKeys` and `aws:RequestTag/…` say the same twice.
fn request_tags(facts: &mut Facts, request: &Request) {
    const PREFIX: &str = "aws:requesttag/";
    let keys = given_under(request, PREFIX);
    if !keys.is_empty() {
        facts.derive("aws:TagKeys", keys);
    }
    if facts.mentions("aws:tagkeys") {
        facts.complete_under(PREFIX);
    }
}

/// What stands behind `prefix` in the names of the keys that were given with values.
fn given_under(request: &Request, prefix: &str) -> Vec<String> {
    let given = request.context.entries.iter().filter(|(_, values)| values.is_some());
    let behind = given.filter_map(|(key, _)| {
        let (head, tail) = key.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| tail.to_owned())
    });
    behind.collect()
}

/// KMS-5
fn kms(facts: &mut Facts, caller: &Caller, request: &Request) {
    const PREFIX: &str = "kms:encryptioncontext:";
    if request.action.service() != "kms" {
        return;
    }
    if let Some(account) = caller.account.as_deref().filter(|_| caller.has_account_side()) {
        facts.derive("kms:CallerAccount", [account]);
    }
    let keys = given_under(request, PREFIX);
    if !keys.is_empty() {
        facts.derive("kms:EncryptionContextKeys", keys);
        facts.complete_under(PREFIX);
    }
}
