//! What the AWS CLI said instead of printing an output. That there is none is a fact; that it was refused is one too.

use super::RESOURCE_POLICY;
use super::printed::{SHAPES, Shape};
use super::reading::Reading;
use iam_why_contract::Outcome;

/// The error codes that say that a thing is not there, as the API references of the services list them.
const ABSENT: &[&str] = &[
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchAccessPointPolicy",
    "AWSOrganizationsNotInUseException",
    "PolicyNotFoundException",
    "RepositoryPolicyNotFoundException",
];

/// The error codes that say that the caller may not read.
const REFUSED: &[&str] = &["AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation", "AuthorizationError"];

/// Notes what an error message says of the subject in the file's name; `false` where the file holds none.
pub(super) fn note(reading: &mut Reading<'_>) -> bool {
    let Some((code, said)) = message(reading.file.text) else { return false };
    let shape = shape_of(reading);
    let Some((shape, subject)) = shape.and_then(|shape| Some((shape, reading.name.subject(shape.nature)?))) else {
        reading.remark(&format!("holds the error `{code}` and does not say of what: call the file `COMMAND.SUBJECT.json`"));
        return true;
    };
    let outcome = if ABSENT.contains(&code) || (code == "ResourceNotFoundException" && shape.kind == RESOURCE_POLICY) {
        Outcome::Absent
    } else if REFUSED.contains(&code) {
        let row = super::KINDS.iter().find(|row| row.id == shape.kind);
        let needs = row.and_then(|row| row.permissions.first()).copied().unwrap_or_default();
        Outcome::Refused { needs: needs.to_owned(), said: said.to_owned() }
    } else {
        Outcome::NotTried { why: format!("`{}` said: {said}", shape.command) }
    };
    reading.note(shape.kind, &subject, outcome);
    true
}

/// The command that the file's name says. Several services have a `get-policy`: a folder called as the service says which.
fn shape_of(reading: &Reading<'_>) -> Option<&'static Shape> {
    let named = || SHAPES.iter().filter(|shape| reading.name.command == Some(shape.name()));
    let folders = || reading.file.path.split(['/', '\\']);
    named()
        .find(|shape| shape.command.split(' ').nth(1).is_some_and(|service| folders().any(|folder| folder == service)))
        .or(named().next())
}

/// `An error occurred (CODE) when calling the NAME operation: …`: the code and the line.
fn message(text: &str) -> Option<(&str, &str)> {
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let (_, rest) = line.split_once("An error occurred (")?;
    let (code, rest) = rest.split_once(')')?;
    rest.contains("when calling the").then_some((code, line))
}
