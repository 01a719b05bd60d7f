//! What became of a call: one classification for every API.
//!
//! Errors are `google.rpc.Status` with details (AIP-193); Cloud Storage and BigQuery add the older `errors[].reason`.

use super::step::Step;
use iam_why_contract::Outcome;
use iam_why_contract::collect::Secrets;
use serde_json::Value;
use std::time::Duration;

/// A call that did not give what it was sent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Google Cloud answered with an error.
    Answered {
        /// The HTTP status.
        status: u16,
        /// `ErrorInfo.reason`, else `errors[0].reason`, else `error.status`.
        reason: String,
        /// Its own words.
        message: String,
        /// After how long it may be tried again.
        retry_after: Option<Duration>,
    },
    /// No connection, or it broke off.
    Connection(String),
    /// An answer that is not of the documented shape.
    Malformed(String),
    /// The credentials gave no token.
    NoToken(String),
}

impl Failure {
    /// Reads the body of an error.
    pub(super) fn of(status: u16, body: &str, retry_after: Option<Duration>) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = value.get("error").unwrap_or(&Value::Null);
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let details = error.get("details").and_then(Value::as_array);
        let detail = |kind: &str| {
            let of_kind = |detail: &&Value| detail.get("@type").and_then(Value::as_str).is_some_and(|name| name.ends_with(kind));
            details.and_then(|details| details.iter().find(of_kind))
        };
        let info = detail("google.rpc.ErrorInfo").and_then(|info| text(info.get("reason")));
        let older = error.get("errors").and_then(|errors| text(errors.get(0)?.get("reason")));
        let reason = info.or(older).or_else(|| text(error.get("status"))).unwrap_or_default();
        // Where the body is no JSON its words are those of a proxy; the start of them is enough.
        let message = text(error.get("message")).unwrap_or_else(|| body.chars().take(200).collect());
        let hint = detail("google.rpc.RetryInfo").and_then(|info| text(info.get("retryDelay")));
        let hint = hint.and_then(|hint| hint.strip_suffix('s')?.parse().ok()).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self::Answered { status, reason, message, retry_after: retry_after.or(hint) }
    }

    /// After how long to try again; `None` where that is useless.
    pub(super) fn again(&self, step: &Step, attempt: u32) -> Option<Duration> {
        match self {
            // What is counted by the minute does not come back within a second.
            Self::Answered { retry_after: None, .. } if self.is_limited() && step.is_scarce() => Some(Duration::from_secs(10)),
            Self::Answered { status: 429 | 502 | 503 | 504, retry_after, .. } => {
                Some(retry_after.unwrap_or_else(|| Duration::from_millis(250 << attempt.min(6))))
            }
            Self::Answered { retry_after, .. } if self.is_limited() => {
                Some(retry_after.unwrap_or_else(|| Duration::from_millis(250 << attempt.min(6))))
            }
            Self::Connection(_) if attempt == 0 => Some(Duration::from_millis(200)),
            _ => None,
        }
    }

    /// Were there too many calls? Cloud Storage and BigQuery say so with a 403 (N9).
    pub(super) fn is_limited(&self) -> bool {
        match self {
            Self::Answered { status: 429, .. } => true,
            Self::Answered { status: 403, reason, .. } => {
                matches!(reason.as_str(), "RATE_LIMIT_EXCEEDED" | "rateLimitExceeded" | "userRateLimitExceeded")
            }
            _ => false,
        }
    }

    /// Are the credentials themselves not accepted? That is no missing permission.
    pub(super) fn is_bad_credentials(&self) -> bool {
        matches!(self, Self::Answered { status: 401, .. } | Self::NoToken(_))
    }

    /// Is there no such thing?
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Answered { status: 404, .. })
    }

    /// Does the call itself not make sense, as one for a page that is forgotten?
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Self::Answered { status: 400, .. })
    }

    /// Did no answer come at all?
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connection(_))
    }

    /// What was said, without secrets.
    pub(super) fn said(&self, secrets: &Secrets) -> String {
        match self {
            Self::Answered { status, reason, message, .. } => secrets.scrub(&format!("{status} {reason}: {message}")),
            Self::Connection(said) | Self::Malformed(said) | Self::NoToken(said) => secrets.scrub(said),
        }
    }

    /// What a search says of it. A 404 is no proof of absence: it may hide a refusal (AIP-211), so it is told as one here.
    pub(super) fn outcome(&self, step: &Step, secrets: &Secrets) -> Outcome {
        Outcome::Refused { needs: self.needs(step), said: self.said(secrets) }
    }

    fn needs(&self, step: &Step) -> String {
        let host = step.host;
        match self {
            Self::Answered { status: 401, .. } | Self::NoToken(_) => "credentials that Google Cloud accepts".into(),
            Self::Answered { reason, .. } if matches!(reason.as_str(), "SERVICE_DISABLED" | "accessNotConfigured") => {
                format!("the API {host}.googleapis.com enabled in the project that the credentials are charged to")
            }
            Self::Answered { reason, .. } if reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => {
                "a token with the scope https://www.googleapis.com/auth/cloud-platform".into()
            }
            Self::Answered { .. } if self.is_limited() && step.is_scarce() => {
                "a later try or a longer --timeout: reading deny and boundary policies is limited to about 5 calls a minute".into()
            }
            Self::Answered { .. } if self.is_limited() => format!("an answer to {}: try again later", step.call),
            Self::Answered { status: 429 | 500..=599, .. } => format!("an answer to {}: try again later", step.call),
            Self::Answered { .. } if step.needs.is_empty() && step.host == "cloudidentity" => {
                "the right to read groups in Workspace or Cloud Identity (an administrator role, not IAM)".into()
            }
            Self::Answered { .. } if step.needs.is_empty() => format!("an answer to {}", step.call),
            Self::Answered { .. } => step.needs.join(", "),
            Self::Connection(_) => format!("a connection to {host}.googleapis.com"),
            Self::Malformed(_) => format!("a readable answer to {}", step.call),
        }
    }
}
