//! What the library of credentials says where it gives no token: in one line, without secrets, and with what helps.
//!
//! Its texts quote what it was given: the lines of a key, the answer that ought to have held a token.

use super::credentials::HINT;
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::errors::CredentialsError;
use iam_why_contract::refusal::scrub;
use serde_json::Value;
use std::error::Error;

/// What could not be done, by how it or the library says so, and what helps. The first row that fits counts.
const HINTS: &[(&str, &str)] = &[
    (NO_SHAPE, HINT),
    (NO_KEY, "keep its line breaks, or make a new key: `gcloud iam service-accounts keys create FILE --iam-account=EMAIL`"),
    ("failed to fetch token: 401", NO_SUCH_KEY),
    (
        "failed to fetch token",
        "who impersonates needs iam.serviceAccounts.getAccessToken on the account (roles/iam.serviceAccountTokenCreator)",
    ),
    ("failed to refresh user access token", "log in again: `gcloud auth application-default login`"),
    ("failed to read subject token", SUBJECT),
    ("failed to request subject token", SUBJECT),
    (
        "failed to exchange token",
        "compare the identity provider's token with the issuer, the audience and the attribute condition of the pool's provider",
    ),
];

const NO_SHAPE: &str = "it is not of the shape of its type";

const NO_KEY: &str = "its `private_key` is no PEM of PKCS #8, which begins with a line `-----BEGIN PRIVATE KEY-----`";

/// Nobody looks at a key before the token that it signed is sent along.
pub(super) const NO_SUCH_KEY: &str = "is the key deleted, disabled or expired (`gcloud iam service-accounts keys list --iam-account=EMAIL`), or the clock of this machine wrong?";

const SUBJECT: &str = "`credential_source` says where the identity provider's token is: that place gave none";

/// What helps, where that is known from what could not be done.
pub(super) fn helps(said: &str) -> Option<&'static str> {
    HINTS.iter().find(|(begins, _)| said.starts_with(begins)).map(|(_, hint)| *hint)
}

/// What is wrong with a file, without a word of it.
pub(super) fn shape(error: &BuildError) -> String {
    let said = error.to_string();
    let missing = said.split_once("missing field ").map(|(_, field)| field.split(" at line").next().unwrap_or(field).to_owned());
    missing.map_or_else(|| NO_SHAPE.into(), |field| format!("{NO_SHAPE}, which has {field}"))
}

/// Did the answer break off, or was it no token at all? Neither says anything of the credentials.
pub(super) fn is_broken(error: &CredentialsError) -> bool {
    let of_http =
        |cause: &&(dyn Error + 'static)| cause.downcast_ref::<reqwest::Error>().is_some_and(|error| error.is_decode() || error.is_body());
    error.is_transient() || causes(error).iter().any(of_http)
}

/// An error and what caused it, the innermost last.
fn causes(error: &CredentialsError) -> Vec<&(dyn Error + 'static)> {
    let mut all: Vec<&(dyn Error + 'static)> = vec![error];
    let mut next = error.source();
    while let Some(cause) = next {
        all.push(cause);
        next = cause.source();
    }
    all
}

/// An error of the library in one line: what could not be done, and what was answered in its own words, else the innermost cause.
pub(super) fn words(error: &CredentialsError) -> String {
    let causes = causes(error);

    let texts: Vec<String> = causes.iter().map(|cause| without_outlook(&cause.to_string()).to_owned()).collect();
    if texts.iter().any(|said| said.contains("private key PEM") || said.contains("form of PKCS8")) {
        return NO_KEY.into();
    }
    let step =
        texts.iter().rfind(|said| said.starts_with("failed to ")).map(|said| said.split(", body=<").next().unwrap_or(said).to_owned());
    let last = texts.last().cloned().unwrap_or_default();
    let status = causes.last().and_then(|cause| cause.downcast_ref::<reqwest::Error>()?.status()).map(|status| status.as_u16().to_string());
    let said = if causes.last().is_some_and(|cause| cause.is::<serde_json::Error>()) {
        // The parser would quote what it was given.
        "what was answered is of another shape".to_owned()
    } else {
        answer(&texts).unwrap_or(last)
    };
    let parts =
        step.iter().chain(&status).chain(Some(&said).filter(|said| step.as_ref().is_none_or(|step| !said.starts_with(step.as_str()))));
    scrub(&parts.cloned().collect::<Vec<_>>().join(": "))
}

/// What the library adds to every text.
fn without_outlook(said: &str) -> &str {
    [" and future attempts will not succeed", " but future attempts may succeed"]
        .iter()
        .fold(said, |said, outlook| said.trim_end_matches(outlook))
}

/// What was answered. Where the answer ought to have held a token it is not shown.
fn answer(texts: &[String]) -> Option<String> {
    texts.iter().rev().find_map(|said| {
        if let Some((_, body)) = said.split_once(", body=<").filter(|(step, _)| !step.contains("subject token field")) {
            let body = body.trim_end_matches('>');
            return Some(answered(body).unwrap_or_else(|| body.to_owned()));
        }
        let (status, body) = said.split_once("the HTTP transport reports a [")?.1.split_once("] error: ")?;
        let body = body.split_once(" :b\"").map_or(body, |(_, body)| body.trim_end_matches('"'));
        Some(format!("{status}: {}", answered(body).unwrap_or_else(|| body.to_owned())))
    })
}

/// The words of an error: of an API (google.aip.dev/193), or of OAuth (RFC 6749 section 5.2).
fn answered(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let error = value.get("error")?;
    let parts = match error {
        Value::String(code) => [Some(code.clone()), text(&value, "error_description")],
        error => [text(error, "status"), text(error, "message")],
    };
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
}
