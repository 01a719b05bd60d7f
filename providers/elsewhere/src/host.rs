//! Whose a refusal is that says no more than that it is one: the host that answered belongs to a cloud.

use iam_why_contract::refusal::{Refusal, Sighting, scrub};

/// How far from the refusal the host may stand, in bytes before it and after it.
const MARGINS: (usize, usize) = (600, 300);

/// Parts of host names, the narrower first, and who answers there: the provider and its layer.
const HOSTS: [(&str, &str, &str); 29] = [
    ("graph.microsoft.com", "azure", "graph_permission"),
    ("graph.windows.net", "azure", "graph_permission"),
    (".vault.azure.net", "azure", "keyvault"),
    (".servicebus.windows.net", "azure", "servicebus_claims"),
    ("management.azure.com", "azure", "rbac"),
    ("//git-codecommit.", "aws", "iam"),
    ("source.developers.google.com", "gcp", "iam"),
    (".dkr.ecr.", "aws", "ecr"),
    (".execute-api.", "aws", "api_gateway"),
    (".lambda-url.", "aws", "lambda_url"),
    (".cloudfront.net", "aws", "cloudfront"),
    ("s3.amazonaws.com", "aws", "s3"),
    ("s3-accelerate.amazonaws.com", "aws", "s3"),
    (".s3.", "aws", "s3"),
    (".s3-", "aws", "s3"),
    ("//s3.", "aws", "s3"),
    ("//s3-", "aws", "s3"),
    ("//sts.", "aws", "iam"),
    ("//sqs.", "aws", "sqs"),
    ("//sns.", "aws", "iam"),
    ("//dynamodb.", "aws", "iam"),
    ("//kms.", "aws", "iam"),
    ("//ec2.", "aws", "iam"),
    ("//lambda.", "aws", "iam"),
    (".pkg.dev", "gcp", "iam"),
    ("gcr.io", "gcp", "iam"),
    (".googleapis.com", "gcp", "iam"),
    (".run.app", "gcp", "iam"),
    (".cloudfunctions.net", "gcp", "iam"),
];

/// Hosts of AWS end so; other stores answer at `s3.` of their own.
const AWS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".cloudfront.net"];

/// Names whose refusal it is by the one cloud whose hosts stand near. Two clouds near each other say nothing.
pub(crate) fn whose(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let bare = refusal.refused_by == "generic" && refusal.provider == "generic";
    let registry = refusal.refused_by == "docker_registry"
        && sighting.form().is_some_and(|form| matches!(form.name, "registry-anonymous" | "registry-oauth"));
    if !(bare || registry)
        || !sighting.form().is_some_and(|form| form.strength <= 25 || form.name == "git" || registry)
        || refusal.status == Some(401)
    {
        return;
    }
    let Some((provider, layer)) = host(sighting).or_else(|| store(sighting).filter(|_| bare)) else { return };
    provider.clone_into(&mut refusal.provider);
    layer.clone_into(&mut refusal.refused_by);
    let called = sighting.field("graph").filter(|_| layer == "graph_permission" && refusal.resource.is_none());
    refusal.resource = refusal.resource.take().or_else(|| called.map(|path| scrub(&format!("https://graph.microsoft.com/{path}"))));
}

fn host(sighting: &Sighting<'_>) -> Option<(&'static str, &'static str)> {
    // `ERROR: (gcloud.dns.record-sets.list) HTTPError 403: Forbidden`
    if near(sighting).contains("ERROR: (gcloud.") {
        return Some(("gcp", "iam"));
    }
    // The stack of the JavaScript SDK, whose errors of S3 may have no words: `Forbidden: null`.
    if near(sighting).contains("aws-sdk/lib/services/s3.js") {
        return Some(("aws", "s3"));
    }
    let mut found = None;
    for word in near(sighting).split(|piece: char| piece.is_whitespace() || matches!(piece, '"' | '\'' | '`' | '<' | '>' | ',' | '(' | ')'))
    {
        let Some(named) = named(word) else { continue };
        if found.is_some_and(|known| known != named) {
            return None;
        }
        found = Some(named);
    }
    found
}

/// Who answers at the host of an address, or of the name of an image.
fn named(word: &str) -> Option<(&'static str, &'static str)> {
    let word = word.to_ascii_lowercase();
    let from = word.find("//").unwrap_or(0);
    let after = word.get(from..)?.trim_start_matches('/');
    let host = after.split(['/', ':', '?', '\\']).next()?.trim_end_matches('.');
    let whole = format!("//{host}");
    let (_, provider, layer) = HOSTS.iter().find(|(part, provider, _)| {
        if *provider == "aws" { whole.contains(part) && AWS.iter().any(|end| whole.ends_with(end)) } else { whole.ends_with(part) }
    })?;
    Some((*provider, *layer))
}

/// S3 writes "Access Denied" and nothing else; what prints it names S3: as a word, in an address, in the name of a library or cmdlet.
fn store(sighting: &Sighting<'_>) -> Option<(&'static str, &'static str)> {
    const NAMES: [&str; 6] = ["s3://", "s3a://", "s3n://", "s3:s3.", "s3fs", "S3"];
    let mark = sighting.verdict().filter(|mark| mark.form.name == "denied")?;
    let written = sighting.view.clean().get(mark.start..mark.end)?;
    let near = near(sighting);
    let begins_word = |at: usize| !near.get(..at).is_some_and(|before| before.ends_with(|last: char| last.is_ascii_alphanumeric()));
    let named = NAMES.iter().any(|name| near.match_indices(name).any(|(at, _)| begins_word(at)));
    (written == "Access Denied" && named).then_some(("aws", "s3"))
}

fn near<'s>(sighting: &'s Sighting<'_>) -> &'s str {
    let clean = sighting.view.clean();
    let (start, end) = sighting.extent();
    let (start, end) = (start.saturating_sub(MARGINS.0), end.saturating_add(MARGINS.1));
    clean.get(clean.floor_char_boundary(start)..clean.floor_char_boundary(end)).unwrap_or("")
}
