//! What became of a call: one classification for every operation of every service.

use super::step::Step;
use crate::documents::RESOURCE_POLICY;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use iam_why_contract::Outcome;
use iam_why_contract::collect::{Secrets, chain};
use std::error::Error;

/// A call that did not give what it was sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// AWS answered with an error code.
    Answered {
        /// The HTTP status.
        status: u16,
        /// `AccessDenied`; empty where the answer had none.
        code: String,
        /// AWS's own words.
        message: String,
    },
    /// No answer in time.
    Timeout,
    /// No connection, or it broke off.
    Connection(String),
    /// An answer that is not of the documented shape.
    Malformed(String),
}

/// AWS does not accept the credentials themselves: most of these come with status 403 too, and mean something else entirely.
/// (Troubleshooting: "The security token included in the request is invalid"; S3 and STS error lists.)
const BAD_CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// The layer may not be read with these credentials.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Forbidden",
    "UnauthorizedOperation",
    "403",
];

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

impl Failure {
    /// Reads the error of any operation of any SDK crate.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let meta = service.err().meta();
                let code = meta.code().unwrap_or_default().to_owned();
                let message = meta.message().unwrap_or_default().to_owned();
                match (code.is_empty(), status) {
                    (true, 200..=299) => Self::Malformed(chain(service.err())),
                    _ => Self::Answered { status, code, message },
                }
            }
            SdkError::TimeoutError(_) => Self::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::Timeout,
            SdkError::DispatchFailure(failure) => {
                Self::Connection(failure.as_connector_error().map(|error| chain(error)).unwrap_or_default())
            }
            // The body does not parse: the status still tells a refusal from nonsense.
            SdkError::ResponseError(response) => match response.raw().status().as_u16() {
                status @ 400..=599 => Self::Answered { status, code: String::new(), message: String::new() },
                _ => Self::Malformed(chain(error)),
            },
            _ => Self::Malformed(chain(error)),
        }
    }

    /// Are the credentials themselves refused?
    pub(super) fn is_bad_credentials(&self) -> bool {
        matches!(self, Self::Answered { code, .. } if BAD_CREDENTIALS.contains(&code.as_str()))
    }

    /// Was no answer of AWS received at all?
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Timeout | Self::Connection(_))
    }

    /// Did AWS look and find nothing? Then the call itself was allowed.
    pub(super) fn says_there_is_none(&self) -> bool {
        match self {
            Self::Answered { status, code, .. } => {
                *status == 404
                    || code.starts_with("NoSuch")
                    || code.ends_with("NotFound")
                    || code.ends_with("NotFoundException")
                    || code.ends_with("NotFoundError")
            }
            Self::Timeout | Self::Connection(_) | Self::Malformed(_) => false,
        }
    }

    /// Worth another attempt?
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Answered { status, code, .. } => *status >= 500 || *status == 429 || THROTTLED.contains(&code.as_str()),
            Self::Timeout | Self::Connection(_) => true,
            Self::Malformed(_) => false,
        }
    }

    /// The failure as what a search says: there is none, or it could not be read, and what it would take. `away` is the account that was
    /// asked with the credentials of another one.
    pub(super) fn outcome(&self, step: &Step, secrets: &Secrets, away: Option<&str>) -> Outcome {
        let refused = |needs: String, said: &str| Outcome::Refused { needs, said: scrub(said, secrets) };
        match self {
            Self::Answered { code, .. } if step.absent.contains(&code.as_str()) => Outcome::Absent,
            Self::Answered { status, code, message } => {
                let said = match (code.as_str(), message.as_str()) {
                    ("", "") => format!("status {status} without a reason"),
                    (code, "") => format!("{code} (status {status})"),
                    ("", message) => format!("status {status}: {message}"),
                    (code, message) => format!("{code}: {message}"),
                };
                refused(needs(step, *status, code, away), &said)
            }
            Self::Timeout => refused(format!("an answer to {} in time", step.call), "timed out"),
            Self::Connection(said) => {
                refused(format!("a connection for {} (where others connect: a region that has the service)", step.call), said)
            }
            Self::Malformed(said) => refused(format!("a readable answer to {}", step.call), said),
        }
    }

    /// What AWS said, in one line.
    pub(super) fn said(&self, secrets: &Secrets) -> String {
        match self {
            Self::Answered { status, code, message } if code.is_empty() => scrub(&format!("status {status} {message}"), secrets),
            Self::Answered { code, message, .. } => scrub(&format!("{code}: {message}"), secrets),
            Self::Timeout => "timed out".into(),
            Self::Connection(said) | Self::Malformed(said) => scrub(said, secrets),
        }
    }
}

fn needs(step: &Step, status: u16, code: &str, away: Option<&str>) -> String {
    if BAD_CREDENTIALS.contains(&code) {
        // A region that the account has not enabled answers so too (Manage AWS Regions: "IAM data is not available there").
        return format!(
            "credentials that AWS accepts for {} (where it accepts them elsewhere: a region that the account has enabled)",
            step.call
        );
    }
    if THROTTLED.contains(&code) || status == 429 {
        return format!("another attempt: AWS throttled {}", step.call);
    }
    if status == 403 || status == 401 || DENIED.contains(&code) {
        let permission = match step.needs {
            [] => step.call.to_owned(),
            needs => needs.join(" and "),
        };
        return match away {
            Some(account) => format!("{permission} in account {account} (--reader-role NAME, a role there that may be assumed)"),
            None => permission,
        };
    }
    // GetBucketPolicy: whoever may, but is not of the account that owns the bucket, gets a 405.
    if status == 405 && step.kind == RESOURCE_POLICY {
        return format!("{} for a principal of the account that owns it (--reader-role NAME, a role there that may be assumed)", step.call);
    }
    format!("an answer to {} without an error", step.call)
}

/// What AWS said, without secrets. The canonical request in an error about a signature shows every signed header: it is left out.
fn scrub(said: &str, secrets: &Secrets) -> String {
    let said = secrets.scrub(said);
    let kept = said.split_once("The Canonical String for this request should have been").map_or(said.as_str(), |(before, _)| before);
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::collect::iam::GET_ROLE;
    use iam_why_contract::Outcome;
    use iam_why_contract::collect::Secrets;

    fn answered(status: u16, code: &str) -> Failure {
        Failure::Answered { status, code: code.into(), message: "said".into() }
    }

    fn needs(failure: &Failure) -> String {
        match failure.outcome(&GET_ROLE, &Secrets::default(), None) {
            Outcome::Refused { needs, .. } => needs,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_names_the_permission_that_was_missing() {
        assert_eq!(needs(&answered(403, "AccessDenied")), "iam:GetRole");
        assert_eq!(needs(&answered(400, "AccessDeniedException")), "iam:GetRole");
        assert_eq!(needs(&answered(403, "")), "iam:GetRole");
    }

    #[test]
    fn a_bad_credential_is_no_missing_permission_though_its_status_is_403_too() {
        assert!(answered(403, "InvalidClientTokenId").is_bad_credentials());
        assert!(needs(&answered(403, "SignatureDoesNotMatch")).starts_with("credentials that AWS accepts for iam:GetRole"));
        assert!(!answered(403, "AccessDenied").is_bad_credentials());
    }

    #[test]
    fn only_the_codes_of_the_row_say_that_there_is_none() {
        assert_eq!(answered(404, "NoSuchEntity").outcome(&GET_ROLE, &Secrets::default(), None), Outcome::Absent);
        assert_eq!(needs(&answered(404, "NoSuchBucketPolicy")), "an answer to iam:GetRole without an error");
    }
}
