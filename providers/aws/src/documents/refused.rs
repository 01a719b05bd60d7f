//! What the AWS CLI said instead of printing an output. That there is none is a fact; that it was refused is one too.

use super::printed::SHAPES;
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
    let shape = SHAPES.iter().find(|shape| reading.name.command == Some(shape.name()));
    let Some((shape, subject)) = shape.and_then(|shape| Some((shape, reading.name.subject(shape.nature)?))) else {
        reading.remark(&format!("holds the error `{code}` and does not say of what: call the file `COMMAND.SUBJECT.json`"));
        return true;
    };
    let outcome = if ABSENT.contains(&code) {
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

/// `An error occurred (CODE) when calling the NAME operation: …`: the code and the line.
fn message(text: &str) -> Option<(&str, &str)> {
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
    let (_, rest) = line.split_once("An error occurred (")?;
    let (code, rest) = rest.split_once(')')?;
    rest.contains("when calling the").then_some((code, line))
}
