//! From what was found to the refusal it is: the rules that no single wording holds.

use super::actions::{action_of, prefix_of};
use iam_why_contract::refusal::{Reason, Refusal, Sealed, Sighting, scrub};
use std::collections::BTreeMap;

/// The refusal that a sighting is.
pub(super) fn read(sighting: &Sighting<'_>) -> Option<Refusal> {
    if speaks_of_policies(sighting) {
        return None;
    }
    let mut refusal = sighting.draft()?;
    access_log(sighting, &mut refusal);
    principal(sighting, &mut refusal);
    cut_off(sighting, &mut refusal);
    action(sighting, &mut refusal);
    resource(sighting, &mut refusal);
    layer(sighting, &mut refusal);
    status(&mut refusal);
    facts(sighting, &mut refusal);
    other_cloud(sighting, &mut refusal);
    Some(refusal)
}

/// `no identity-based policy allows` goes on with an action or is cut off there; with other words, and no sentence before it, it speaks of
/// policies as a documentation does.
fn speaks_of_policies(sighting: &Sighting<'_>) -> bool {
    let silent = |mark: &&iam_why_contract::refusal::Mark<'_>| mark.form.name.ends_with("-silent");
    let Some(mark) = sighting.verdict().filter(silent) else { return false };
    let told = sighting.field("granted").is_some() || sighting.field("action").is_some() || sighting.field("operation").is_some();
    let after = sighting.view.clean().get(mark.end..).unwrap_or("");
    let goes_on = after.strip_prefix([' ', '\n']).is_some_and(|after| after.starts_with(|next: char| next.is_ascii_lowercase()));
    !told && sighting.record.is_none() && goes_on && !after.trim().is_empty()
}

/// A sentence that was cut off before its subject has a word of prose in its place.
fn principal(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let word = |name: &str| name.chars().all(|letter| letter.is_ascii_lowercase()) && name != "anonymous" && name != "root";
    let tag = |name: &str| TAGS.iter().any(|tag| name.strip_prefix('<').and_then(|name| name.strip_suffix('>')) == Some(*tag));
    // What a log or a page puts before the line; twelve digits are an account.
    let number = |name: &str| name.len() != 12 && name.bytes().all(|digit| digit.is_ascii_digit());
    let time = |name: &str| name.len() >= 19 && name.starts_with("20") && name.contains('T') && name.matches(':').count() == 2;
    let prose = |name: &str| name == "User" || name.ends_with(':') || word(name) || tag(name) || number(name) || time(name);
    if let Some(rest) = sighting.field("search_arn") {
        refusal.principal = Some(format!("arn:{rest}"));
    }
    // What a log cut off at its beginning is the end of a name.
    if refusal.principal.as_deref().is_some_and(|name| name.starts_with("..") || name.starts_with('…')) {
        refusal.principal = None;
    }
    if !sighting.has("sentence") && sighting.record.is_none() && refusal.principal.as_deref().is_some_and(prose) {
        refusal.principal = None;
        refusal.derived.retain(|field| *field != "principal");
    }
}

/// Elements that a text stands in.
const TAGS: [&str; 10] = ["code", "pre", "p", "td", "li", "b", "log", "span", "message", "Message"];

/// A sentence that ends within the type of policy blames that type; the same words alone say nothing.
fn cut_off(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let sentence = sighting.form().is_some_and(|form| form.name.starts_with("sentence"));
    let cut = CUT_OFF.iter().find(|(form, ..)| sighting.has(form)).filter(|_| sentence);
    if let Some((_, kind, layer)) = cut {
        refusal.policy_kind = Some((*kind).to_owned());
        (*layer).clone_into(&mut refusal.refused_by);
    }
}

const CUT_OFF: [(&str, &str, &str); 6] = [
    ("identity-silent-cut", "identity", "iam"),
    ("resource-silent-cut", "resource", "iam"),
    ("boundary-silent-cut", "boundary", "iam"),
    ("session-silent-cut", "session", "iam"),
    ("endpoint-silent-cut", "vpce", "vpc_endpoint"),
    ("scp-silent-cut", "scp", "organizations"),
];

/// The action that the reason names wins, then the one that was refused, last the operation that was called.
fn action(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if let Some(granted) = sighting.field("granted").filter(|action| action.contains(':')) {
        let cut_off = refusal.action.as_deref().is_some_and(|action| action.starts_with(granted));
        if !cut_off {
            refusal.action = Some(granted.to_owned());
            refusal.derived.retain(|field| *field != "action");
        }
    }
    if let Some(api) = sighting.field("api").filter(|api| api.contains(':') && refusal.action.is_none()) {
        refusal.action = Some(api.to_owned());
    }
    if refusal.action.is_some() {
        return;
    }
    let told = [("object-metadata", "HeadObject"), ("terraform-state", "GetObject"), ("terragrunt", "CreateBucket")];
    let told = told.iter().find(|(form, _)| sighting.has(form)).map(|(_, operation)| *operation);
    // The command line names the operation that was called; the service behind it that refused has another.
    let by_command = sighting.has("cli") || sighting.has("cli-old");
    let service = service(sighting).filter(|_| !by_command);
    refusal.action = sighting.field("operation").or(told).and_then(|operation| action_of(service, operation));
    refusal.derived.extend(refusal.action.is_some().then_some("action"));
}

/// The service that was called: an SDK names it, an alert made of an event has it as `Event source: ec2.amazonaws.com`.
fn service<'s>(sighting: &'s Sighting<'_>) -> Option<&'s str> {
    let alert = || sighting.verdict().filter(|mark| mark.form.name == "alert");
    let source = || sighting.view.clean().get(alert()?.end..)?.split_once("Event source: ")?.1.split([' ', '\n', '"', '\\']).next();
    sighting.field("service").or_else(|| source().filter(|source| source.ends_with(".amazonaws.com")))
}

fn resource(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.resource.as_deref().is_some_and(|resource| resource == "this resource") {
        refusal.resource = None;
    }
    // The engine names what is no resource of its own in words.
    if refusal.resource.as_deref() == Some("access") && sighting.near(16, "accesskeyid") {
        refusal.resource = Some("access key ID".to_owned());
    }
    if refusal.resource.is_some() {
        return;
    }
    let field = |name| sighting.field(name);
    if let Some(rest) = field("key_arn").or(field("role_arn")) {
        refusal.resource = Some(format!("arn:{rest}"));
        return;
    }
    let is_s3 = refusal.action.as_deref().is_some_and(|action| action.starts_with("s3:"));
    let found = match (field("bucket"), field("key"), field("object"), field("url"), field("path")) {
        (Some(bucket), ..) if sighting.has("terragrunt") => Some((bucket.to_owned(), false)),
        // A list is asked of the bucket.
        (Some(bucket), Some(key), ..) if refusal.action.as_deref() != Some("s3:ListBucket") => {
            Some((format!("arn:aws:s3:::{bucket}/{key}"), true))
        }
        (Some(bucket), ..) => Some((format!("arn:aws:s3:::{bucket}"), true)),
        (_, _, Some(object), ..) if sighting.has("boto-upload") || sighting.has("s3-code-object") => {
            Some((format!("arn:aws:s3:::{object}"), true))
        }
        (_, _, Some(object), ..) => Some((object.to_owned(), false)),
        (_, _, _, Some(url), _) if is_s3 => s3_of_url(url).map(|arn| (arn, true)),
        (.., Some(path)) => Some((path.to_owned(), false)),
        _ => field("image").filter(|_| sighting.has("registry-pull")).map(|image| (image.to_owned(), false)),
    };
    let found = found.or_else(|| s3_of_text(sighting).filter(|_| is_s3 || refusal.refused_by == "s3").map(|arn| (arn, true)));
    if let Some((resource, derived)) = found {
        refusal.resource = Some(scrub(&resource));
        refusal.derived.extend(derived.then_some("resource"));
        return;
    }
    if sighting.verdict().is_some_and(|mark| SPEECHLESS.contains(&mark.form.name)) {
        refusal.resource = arn_beside(sighting).map(scrub);
    }
}

/// The one ARN on the line of a refusal that says nothing of its own; a caller's ARN is no resource.
fn arn_beside<'s>(sighting: &'s Sighting<'_>) -> Option<&'s str> {
    const MARGIN: usize = 200;
    let mark = sighting.verdict()?;
    let clean = sighting.view.clean();
    let before = clean.get(clean.ceil_char_boundary(mark.start.saturating_sub(MARGIN))..mark.start)?.rsplit('\n').next()?;
    let after = clean.get(mark.end..clean.ceil_char_boundary((mark.end + MARGIN).min(clean.len())))?.split('\n').next()?;
    let is_edge = |piece: char| piece.is_whitespace() || matches!(piece, '"' | '\'' | ',' | ';' | '(' | ')' | '`' | '|');
    let words = before.split(is_edge).chain(after.split(is_edge)).filter(|word| word.starts_with("arn:") && word.matches(':').count() >= 5);
    let mut found = None;
    for word in words.map(|word| word.trim_end_matches([':', '.'])) {
        if found.is_some_and(|known| known != word) || word.contains(":iam:") || word.contains(":sts:") {
            return None;
        }
        found = Some(word);
    }
    found
}

/// Forms that name neither caller nor resource.
const SPEECHLESS: [&str; 5] = ["code", "code-json", "code-fault", "code-sns", "ec2-code"];

/// The one address such as `s3://BUCKET/KEY` or `s3a://BUCKET/KEY` beside the refusal; two that differ, as of a copy, say nothing.
fn s3_of_text(sighting: &Sighting<'_>) -> Option<String> {
    const MARGIN: usize = 400;
    let (start, end) = sighting.extent();
    let clean = sighting.view.clean();
    let (start, end) = (start.saturating_sub(MARGIN), (end + MARGIN).min(clean.len()));
    let near = clean.get(clean.ceil_char_boundary(start)..clean.ceil_char_boundary(end))?;
    let mut found: Option<&str> = None;
    for scheme in ["s3://", "s3a://", "s3n://"] {
        for rest in near.split(scheme).skip(1) {
            let name = rest.split([' ', '\n', '"', '\'', ',', ';', ')', ']', '<', '`']).next()?.trim_end_matches([':', '.', '/']);
            if found.is_some_and(|known| known != name) || name.is_empty() {
                return None;
            }
            found = Some(name);
        }
    }
    found.map(|name| format!("arn:aws:s3:::{name}"))
}

/// `https://s3.amazonaws.com/BUCKET/KEY`, `https://BUCKET.s3.REGION.amazonaws.com/KEY`
fn s3_of_url(url: &str) -> Option<String> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or("");
    let name = match host.split_once(".s3") {
        _ if !host.contains("amazonaws.com") => return None,
        Some((bucket, _)) => format!("{bucket}/{path}"),
        None if host.starts_with("s3") => path.to_owned(),
        None => return None,
    };
    let name = name.trim_end_matches('/');
    (!name.is_empty()).then(|| format!("arn:aws:s3:::{name}"))
}

/// Which layer it is depends on the service where the engine's sentence does not say more.
fn layer(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let action = refusal.action.clone().unwrap_or_default();
    let service = action.split_once(':').map_or_else(String::new, |(service, _)| service.to_ascii_lowercase());
    let kind = refusal.policy_kind.as_deref();
    let named = match service.as_str() {
        _ if refusal.refused_by != "iam" => None,
        "s3" if kind == Some("resource") && refusal.reason == Reason::ExplicitDeny => Some("s3"),
        "kms" if kind == Some("resource") => Some("kms"),
        "execute-api" if kind.is_none_or(|kind| kind == "resource") => Some("api_gateway"),
        "ecr" if sighting.has("registry-denied") => Some("ecr"),
        "sts" if kind.is_none() && matches!(action.as_str(), "sts:TagSession" | "sts:SetSourceIdentity") => Some("sts_trust"),
        _ => None,
    };
    if let Some(layer) = named {
        layer.clone_into(&mut refusal.refused_by);
    }
    function_url_or_gateway(sighting, refusal);
    unsigned(sighting, refusal);
    signed_by_cloudfront(sighting, refusal);
    kms_behind(sighting, refusal);
    plain_s3(sighting, refusal, &service);
    bare_code(sighting, refusal, &service);
    if service == "s3" && sighting.form().is_some_and(|form| form.name == "php-forbidden") {
        "s3".clone_into(&mut refusal.refused_by);
    }
}

/// A line of S3's server access log: who stands two words before the operation, `REST.GET.OBJECT` is a `GetObject`.
fn access_log(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let Some(mark) = sighting.verdict().filter(|mark| mark.form.name == "s3-access-log") else { return };
    let before = sighting.view.clean().get(..mark.start).unwrap_or("").split([' ', '\n']).rev().filter(|word| !word.is_empty());
    let requester = before.take(2).last().filter(|requester| *requester != "-");
    refusal.principal = requester.map(scrub);
    let operation = mark.field("rest").and_then(|rest| S3_LOG.iter().find(|(logged, _)| rest.starts_with(logged)));
    refusal.action = operation.map(|(_, action)| (*action).to_owned());
    refusal.derived.extend(operation.map(|_| "action"));
}

/// Operations of the server access log and the actions they ask for.
const S3_LOG: [(&str, &str); 6] = [
    ("GET.OBJECT", "s3:GetObject"),
    ("HEAD.OBJECT", "s3:GetObject"),
    ("PUT.OBJECT", "s3:PutObject"),
    ("DELETE.OBJECT", "s3:DeleteObject"),
    ("GET.BUCKET", "s3:ListBucket"),
    ("HEAD.BUCKET", "s3:ListBucket"),
];

/// `{"Message":"Forbidden"}` is a Lambda function URL, `{"message":"Forbidden"}` is API Gateway: the case of one letter.
fn function_url_or_gateway(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let Some(mark) = sighting.verdict().filter(|mark| mark.form.name == "function-url") else { return };
    let text = sighting.view.clean().get(mark.start..mark.end).unwrap_or("");
    if !text.contains("Message") {
        "api_gateway".clone_into(&mut refusal.refused_by);
        refusal.reason = Reason::Unknown;
        (refusal.policy_kind, refusal.action) = (None, None);
        refusal.derived.retain(|field| *field != "action");
    }
}

/// A gateway says so of a path that it does not have; to the operation of a service it is said of a request without a signature.
fn unsigned(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let of_gateway = sighting.form().is_some_and(|form| form.name == "gateway-no-token");
    if of_gateway && sighting.field("operation").is_some() {
        "authentication".clone_into(&mut refusal.refused_by);
    }
}

/// S3 writes "Access Denied"; "Access denied" is CloudFront's, which did not accept a signed URL or cookie, or another service's.
fn signed_by_cloudfront(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let Some(mark) = sighting.verdict().filter(|mark| matches!(mark.form.name, "s3-xml" | "s3-plain" | "s3-cli" | "s3-coded")) else {
        return;
    };
    let text = sighting.view.clean().get(mark.start..mark.end).unwrap_or("").replace('\n', " ");
    if text.contains("Access denied") {
        let layer = if sighting.near(600, "cloudfront") { "cloudfront" } else { "iam" };
        layer.clone_into(&mut refusal.refused_by);
    }
}

/// Codes and sentences that others send too: Microsoft Graph's `accessDenied`, exceptions of Java, the sentence of Huawei Cloud with its
/// actions of three parts.
fn other_cloud(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let three_parts = refusal.action.as_deref().is_some_and(|action| action.matches(':').count() > 1);
    let bare = sighting.verdict().filter(|mark| BARE_CODES.contains(&mark.form.name));
    let anothers = bare.is_some_and(|mark| {
        let lower = sighting.view.clean().get(mark.start..).is_some_and(|code| code.starts_with(|first: char| first.is_ascii_lowercase()));
        lower || ANOTHERS.iter().any(|word| sighting.near(400, word))
    });
    if three_parts || anothers && !AWS_WORDS.iter().any(|word| sighting.near(400, word)) {
        let (line, status, context) = (refusal.line, refusal.status, std::mem::take(&mut refusal.context));
        *refusal = nobodys(line, status, context);
    }
}

/// A refusal of which no more is known than that it is one.
fn nobodys(line: usize, status: Option<u16>, context: BTreeMap<String, String>) -> Refusal {
    Refusal {
        provider: "generic".to_owned(),
        refused_by: "generic".to_owned(),
        status,
        principal: None,
        action: None,
        resource: None,
        reason: Reason::Unknown,
        policy_kind: None,
        policy: None,
        line,
        says: String::new(),
        next: Vec::new(),
        derived: status.map(|_| "status").into_iter().collect(),
        context,
        sealed: Sealed::default(),
    }
}

/// Forms that are no more than a word that others use too.
const BARE_CODES: [&str; 4] = ["code", "code-json", "code-not-authorized", "code-unauthorized-access"];

/// What says that a bare code is not AWS's (dense).
const ANOTHERS: [&str; 8] = [
    "graph.microsoft",
    "microsoft.graph",
    "sharepoint",
    "java.nio.file.accessdenied",
    "hudson.security",
    "springframework",
    "storage.googleapis",
    "msrest",
];

/// What says that it is (dense).
const AWS_WORDS: [&str; 4] = ["arn:aws", "x-amz", "amazonaws", "whencallingthe"];

/// The sentence about the ciphertext hides a 404; with the code of a denial beside it, it is a denial.
fn kms_behind(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let about_ciphertext = sighting.form().is_some_and(|form| form.name == "kms-ciphertext");
    let coded = sighting.fields("code").any(|code| code.contains("AccessDenied")) || sighting.has("code-json") || sighting.has("code");
    if about_ciphertext && coded {
        refusal.reason = Reason::MissingGrant;
    }
}

/// "Access Denied" in two words is S3's; another service that was named is believed.
fn plain_s3(sighting: &Sighting<'_>, refusal: &mut Refusal, service: &str) {
    let on_behalf = sighting.form().is_some_and(|form| matches!(form.name, "s3-output" | "s3-path"));
    if refusal.refused_by != "s3" || refusal.reason != Reason::Unknown || on_behalf {
        return;
    }
    let called = sighting.field("service").and_then(prefix_of);
    if called.as_deref().is_some_and(|called| called != "s3") || !service.is_empty() && service != "s3" {
        "iam".clone_into(&mut refusal.refused_by);
    }
}

/// A code without a word: of S3 it is what S3 always answers, of Lambda the account itself was refused.
fn bare_code(sighting: &Sighting<'_>, refusal: &mut Refusal, service: &str) {
    let Some(mark) = sighting.verdict().filter(|mark| matches!(mark.form.name, "code" | "code-json")) else { return };
    let called = sighting.field("service").and_then(prefix_of).unwrap_or_else(|| service.to_owned());
    let rest = sighting.view.clean().get(mark.end..).unwrap_or("").trim_start_matches([':', ' ', '\n', '"', ')']);
    let silent = rest.is_empty() || ["status code:", "null", "(Service"].iter().any(|next| rest.starts_with(next));
    let lambda = called == "lambda" || called.is_empty() && sighting.near(300, "lambdafunction");
    let s3 = called == "s3" || called.is_empty() && sighting.near(200, "s3.amazonaws.com");
    match mark.form.name {
        "code" if s3 => "s3".clone_into(&mut refusal.refused_by),
        "code-json" if lambda && silent => "lambda".clone_into(&mut refusal.refused_by),
        _ => {}
    }
}

/// Services that speak AWS JSON answer 400 ("Error codes and HTTP status").
fn status(refusal: &mut Refusal) {
    const JSON: [&str; 19] = [
        "dynamodb",
        "kms",
        "ssm",
        "secretsmanager",
        "organizations",
        "wafv2",
        "logs",
        "events",
        "states",
        "kinesis",
        "glue",
        "athena",
        "cloudtrail",
        "codebuild",
        "codepipeline",
        "ecs",
        "config",
        "sagemaker",
        "cognito-idp",
    ];
    let service = refusal.action.as_deref().and_then(|action| action.split_once(':')).map(|(service, _)| service);
    if refusal.derived.contains(&"status") && refusal.status == Some(403) && service.is_some_and(|service| JSON.contains(&service)) {
        refusal.status = Some(400);
    }
}

/// What else the text holds that the next step needs.
fn facts(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let mut known = |key: &str, value: Option<&str>| refusal.context.extend(value.map(|value| (key.to_owned(), scrub(value))));
    known("encoded_message", sighting.has("encoded").then_some("present"));
    known("authorization_id", sighting.field("authorization"));
    known("operation", sighting.field("operation"));
    if let Some(message) = encoded_message(sighting) {
        refusal.sealed = Sealed::new(message);
    }
}

/// How long an encoded message is at least; a word that stands in its place is shorter.
const MESSAGE: usize = 40;

/// The message behind the words that announce it: base 64, on one line or wrapped like the rest of the text.
fn encoded_message(sighting: &Sighting<'_>) -> Option<String> {
    let mark = sighting.marks.iter().find(|mark| mark.form.name == "encoded")?;
    let rest = sighting.view.clean().get(mark.end..)?.trim_start_matches([':', ' ', '\n', '"', '\'']);
    let mut message = String::new();
    for line in rest.split('\n') {
        let end = line.find(|piece: char| !is_base64(piece)).unwrap_or(line.len());
        let (part, after) = line.split_at(end);
        // The next line goes on only where it is nothing but more of the same.
        if !message.is_empty() && (part.len() < 4 || after.starts_with([' ', ':'])) {
            break;
        }
        message.push_str(part);
        if !after.is_empty() {
            break;
        }
    }
    (message.len() >= MESSAGE).then_some(message)
}

const fn is_base64(piece: char) -> bool {
    piece.is_ascii_alphanumeric() || matches!(piece, '-' | '_' | '+' | '/' | '=')
}
