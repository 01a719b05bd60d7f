//! From what was found to the refusal it is: the rules that no single wording holds.

use iam_why_contract::refusal::{Reason, Refusal, Sighting, scrub};

/// The refusal that a sighting is.
pub(super) fn read(sighting: &Sighting<'_>) -> Option<Refusal> {
    if others_quota(sighting) {
        return None;
    }
    let mut refusal = sighting.draft()?;
    unsaid(sighting, &mut refusal)?;
    principal(sighting, &mut refusal);
    metadata(sighting, &mut refusal);
    details(sighting, &mut refusal);
    layer(&mut refusal);
    resource(sighting, &mut refusal);
    facts(sighting, &mut refusal);
    others_status(sighting, &mut refusal);
    Some(refusal)
}

/// The status of gRPC and the error of OAuth are everybody's: without a word of Google's beside them they name no cloud.
fn others_status(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    const WORDS: [&str; 8] = ["google", "gcloud", "gserviceaccount", "projects/", "bigquery", "pubsub", "firebase", "gcp"];
    let coded = || sighting.form().is_some_and(|form| form.name == "status-denied") && sighting.pair("code") == Some("PERMISSION_DENIED");
    let bare = sighting.form().is_some_and(|form| matches!(form.name, "grpc-denied" | "grant")) || coded();
    if bare && !WORDS.iter().any(|word| sighting.near(1000, word)) {
        "generic".clone_into(&mut refusal.provider);
        if refusal.refused_by == "iam" {
            "generic".clone_into(&mut refusal.refused_by);
        }
    }
}

/// Azure writes `QuotaExceeded`, in a message of its own.
fn others_quota(sighting: &Sighting<'_>) -> bool {
    let mark = sighting.verdict().filter(|mark| mark.form.name == "old-quota");
    mark.and_then(|mark| sighting.view.clean().get(mark.start..mark.end)).is_some_and(|code| code.starts_with('Q'))
}

/// A status without a reason is a refusal only where it is a 403.
fn unsaid(sighting: &Sighting<'_>, refusal: &mut Refusal) -> Option<()> {
    let bare = sighting.form().is_some_and(|form| form.name == "googleapi");
    (!bare || refusal.status == Some(403)).then_some(())
}

/// "Caller" and "user" are nobody; who sent no credentials is printed as "Anonymous caller".
fn principal(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    const NOBODY: [&str; 4] = ["caller", "user", "users", "account"];
    const ANONYMOUS: &str = "Anonymous caller";
    if refusal.principal.as_deref().is_some_and(|name| NOBODY.iter().any(|nobody| name.eq_ignore_ascii_case(nobody))) {
        refusal.principal = None;
    }
    let storage = sighting.form().is_some_and(|form| form.name.starts_with("storage"));
    if storage && refusal.principal.is_none() && sighting.near(24, "anonymouscallerdoesnothave") {
        refusal.principal = Some(ANONYMOUS.to_owned());
    }
}

/// The permission says whose refusal it is.
fn layer(refusal: &mut Refusal) {
    let action = refusal.action.as_deref().unwrap_or("");
    let named = match action.split('.').next() {
        _ if refusal.refused_by != "iam" => None,
        Some("bigquery") => Some("bigquery"),
        Some("serviceusage") if action == "serviceusage.services.use" => Some("quota_project"),
        _ => None,
    };
    if let Some(layer) = named {
        layer.clone_into(&mut refusal.refused_by);
    }
}

/// What the details of an error name: the project that is billed or called for, the subject of a violated constraint.
fn details(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let told = sighting.verdict().is_some_and(|mark| mark.field("resource").is_some());
    if refusal.resource.is_some() && (told || refusal.refused_by != "org_policy") {
        return;
    }
    let (named, derived) = match refusal.refused_by.as_str() {
        "project_state" => (sighting.field("consumer").or_else(|| sighting.pair("consumer")), true),
        "vpc_service_controls" | "billing" | "service_disabled" => (sighting.pair("consumer"), true),
        "org_policy" => (sighting.field("subject"), false),
        _ => (None, false),
    };
    let name = named.map(|name| name.trim_start_matches("orgpolicy:").split('?').next().unwrap_or(name)).filter(|name| name.contains('/'));
    let Some(name) = name else { return };
    refusal.resource = Some(scrub(name));
    refusal.derived.extend(derived.then_some("resource"));
}

/// `ErrorInfo.metadata`, in whichever notation it was printed.
fn metadata(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let layer = refusal.refused_by.as_str();
    if layer == "iam" && refusal.action.is_none() && sighting.has("reason-iam") {
        refusal.action = sighting.field("denied_permission").or_else(|| sighting.pair("permission")).map(scrub);
    }
    if layer == "iam" && refusal.resource.is_none() && sighting.has("reason-iam") {
        let (start, end) = sighting.raw_extent(1200);
        let named = sighting.pairs().between(start, end).filter(|pair| pair.is("resource"));
        // In YAML, as gcloud prints it, no brace says what it is part of.
        let metadata = |pair: &&iam_why_contract::refusal::Pair<'_>| match sighting.pairs().around(pair).next() {
            Some("metadata") => true,
            _ => pair.value.contains('/') && (sighting.near(1200, "metadata:permission:") || sighting.near(1200, "metadata:resource:")),
        };
        let told = sighting.field("denied_resource").map(scrub);
        refusal.resource = told.or_else(|| named.filter(metadata).map(|pair| scrub(&pair.value)).next());
    }
    if layer == "oauth_scope" && refusal.action.is_none() {
        refusal.action = sighting.pair("method").filter(|method| method.contains('.')).map(scrub);
    }
    if layer == "quota_project" {
        let consumer = sighting.field("consumer").or_else(|| sighting.pair("consumer"));
        refusal.resource =
            consumer.and_then(|consumer| consumer.trim_matches('"').split(['"', ' ']).next()).map(scrub).or(refusal.resource.take());
    }
    if layer == "vpc_service_controls" && refusal.action.is_none() {
        refusal.action = sighting.field("method").map(scrub);
    }
}

fn resource(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let storage = sighting.field("bucket").map(|bucket| bucket.split(['?', '/', ':']).next().unwrap_or(bucket));
    let of_project = sighting.has("storage-project");
    if refusal.resource.as_deref().is_none_or(|resource| resource.starts_with("(or it m") || resource == "the") {
        refusal.resource = storage.filter(|_| !of_project).or(sighting.field("instance")).map(scrub);
    }
    let named = [("project_path", "projects/"), ("file", "gs://")];
    let named = named.iter().find_map(|(field, before)| Some(format!("{before}{}", sighting.field(field)?)));
    // The bytes behind an external table are not the table.
    let bytes = refusal.action.as_deref().is_some_and(|action| action.starts_with("storage."));
    if bytes && sighting.has("bigquery-table") && sighting.verdict().is_some_and(|mark| mark.field("resource").is_none()) {
        refusal.resource = None;
    }
    if let Some(resource) = refusal.resource.take().or(named) {
        refusal.resource = Some(plain(sighting, &resource));
    }
    if sighting.has("gcloud-instance") {
        instance(sighting, refusal);
    }
    if refusal.refused_by == "billing" && refusal.action.is_none() && storage.is_some() {
        let creates = sighting.near(400, "/upload/storage/");
        refusal.action = creates.then(|| "storage.objects.create".to_owned());
        refusal.derived.extend(creates.then_some("action"));
    }
    if sighting.has("constraint-domain")
        && refusal.action.is_none()
        && refusal.resource.as_deref().is_some_and(|resource| resource.contains("/services/"))
    {
        refusal.action = Some("run.services.setIamPolicy".to_owned());
        refusal.derived.push("action");
    }
}

/// `project XXXX.` is the project; a resource is no sentence.
fn plain(sighting: &Sighting<'_>, resource: &str) -> String {
    let constraint = sighting.form().is_some_and(|form| form.name == "constraint");
    // A wrap may stand between the word and the name.
    let named = sighting.verdict().filter(|_| constraint && resource == "project").and_then(|mark| {
        let after = sighting.view.clean().get(mark.end..)?.split_whitespace().next()?;
        Some(scrub(after.trim_end_matches(['.', ','])))
    });
    let resource = named.as_deref().unwrap_or(resource);
    let resource = if constraint { resource.trim_start_matches("project ").split(['.', ',', ' ']).next().unwrap_or("") } else { resource };
    resource.trim_end_matches("</code>").trim_start_matches("<code>").trim_start_matches('#').to_owned()
}

/// `projects instance [p:setIamPolicy]`: the method that was called stands behind the name.
fn instance(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let Some((name, method)) = refusal.resource.as_deref().and_then(|resource| resource.rsplit_once(':')) else { return };
    let kind = sighting.field("kind").unwrap_or("projects");
    let service = if kind == "projects" || kind == "folders" || kind == "organizations" { "resourcemanager." } else { "" };
    if refusal.action.is_none() && !service.is_empty() {
        refusal.action = Some(format!("{service}{kind}.{method}"));
        refusal.derived.push("action");
    }
    refusal.resource = Some(name.to_owned());
}

/// What else the text holds that the next step needs.
fn facts(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let known = [
        ("perimeter_id", "perimeterId"),
        ("constraint", "constraint"),
        ("scopes", "scopesNeeded"),
        ("service_name", "service"),
        ("referrer", "referrer"),
    ];
    for (field, key) in known {
        if let Some(value) = sighting.field(field) {
            refusal.context.insert(key.to_owned(), scrub(value));
        }
    }
    if refusal.reason == Reason::Unknown && !refusal.context.contains_key("method") {
        let method = sighting.pair("methodName").map(scrub);
        refusal.context.extend(method.map(|method| ("method".to_owned(), method)));
    }
}
