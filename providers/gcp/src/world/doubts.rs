//! What is not known where a document was not read or is not legible, and what would settle it.

use super::World;
use crate::documents;
use crate::facts::Facts;
use crate::language::resources::{FullName, STORAGE};
use iam_why_contract::{Document, Doubt, Outcome, Truth};

/// What reading `kind` of `subject` would take, given what became of the attempt.
pub(crate) fn doubt(kind: &str, subject: &str, outcome: Option<&Outcome>) -> Doubt {
    let row = documents::KINDS.iter().find(|row| row.id == kind);
    let title = row.map_or(kind, |row| row.title);
    let about = format!("{title} of {subject}");
    let needs = match outcome {
        Some(Outcome::Refused { needs, .. }) if !needs.is_empty() => needs.clone(),
        Some(Outcome::NotTried { why }) => format!("{}: not read because {why}", command(kind, subject, row.map_or("", |row| row.command))),
        _ => row.map_or_else(String::new, |row| command(kind, subject, row.command)),
    };
    Doubt { about, needs }
}

/// The command that prints the document of this very subject, where that is known.
fn command(kind: &str, subject: &str, general: &str) -> String {
    if kind == documents::DENY_POLICY && FullName::node(subject).is_some() {
        let point = format!("cloudresourcemanager.googleapis.com/{subject}").replace('/', "%2F");
        return format!("gcloud iam policies list --kind=denypolicies --attachment-point={point}, and `get` of each");
    }
    if kind != documents::ALLOW_POLICY {
        return of_bucket(subject, general);
    }
    let full = || subject.strip_prefix("//").and_then(|rest| rest.split_once('/')).map(|(service, path)| FullName::new(service, path));
    let bucket = || subject.strip_prefix("gs://");
    let stored = || match bucket()?.split_once('/') {
        None => Some(FullName::new(STORAGE, &format!("projects/_/buckets/{}", bucket()?))),
        Some((bucket, folder)) => Some(FullName::new(STORAGE, &format!("projects/_/buckets/{bucket}/managedFolders/{folder}"))),
    };
    let account = || subject.contains('@').then(|| FullName::new("iam.googleapis.com", &format!("projects/-/serviceAccounts/{subject}")));
    let name = FullName::node(subject).or_else(full).or_else(stored).or_else(account);
    let command = name.and_then(|name| crate::language::commands::of_policy(&name, "get-iam-policy"));
    let named =
        || if subject.starts_with("//") { "its getIamPolicy, with requestedPolicyVersion 3".to_owned() } else { general.to_owned() };
    command.unwrap_or_else(named)
}

/// A command about a bucket or an object, with the name of this one.
fn of_bucket(subject: &str, general: &str) -> String {
    let Some(bucket) = subject.strip_prefix("gs://").and_then(|rest| rest.split('/').next()) else { return general.to_owned() };
    general.replace("gs://BUCKET/OBJECT", subject).replace("gs://BUCKET", &format!("gs://{bucket}"))
}

/// What is not known where a document is not of the shape that it ought to have.
pub(crate) fn illegible(document: &Document) -> Doubt {
    Doubt {
        about: format!("what `{}` says", document.title),
        needs: format!(
            "the policy in the shape that its command prints; {} is not",
            if document.origin.source.is_empty() { "this document" } else { &document.origin.source }
        ),
    }
}

/// What is left open above a path that does not reach the top.
pub(crate) fn above(world: &World<'_>, facts: &Facts, what: &str) -> Truth {
    if world.path.complete {
        return Truth::No;
    }
    let top = world.path.nodes.last().map_or_else(|| world.shown(&world.request.resource), |node| node.path.clone());
    facts.truth(&format!("{what} above {top}"), || Doubt {
        about: format!("which folders and organization lie above {top}, and the {what} there"),
        needs: match (world.path.nodes.last().and_then(FullName::project), world.request.resource.bucket()) {
            (Some(project), _) => format!("gcloud projects get-ancestors {project}"),
            (None, Some(bucket)) => {
                format!("gcloud storage buckets describe {} --raw: its projectNumber, and get-ancestors of that project", bucket.shown())
            }
            (None, None) => "gcloud projects get-ancestors".into(),
        },
    })
}
