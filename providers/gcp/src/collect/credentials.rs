//! Credentials: Application Default Credentials, those of a file, or a token from a file as `gcloud --access-token-file` takes it; and,
//! where asked for, a service account impersonated with them.
//!
//! Four things are told apart, of which none is a missing permission: there are none; they are not accepted; what gives tokens does not
//! answer; and, later, that a call was refused. What is said of them names the kind and the file, and quotes nothing of its contents.

use super::no_token::{NO_SUCH_KEY, helps, is_broken, shape, words};
use super::outcome::Failure;
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, CacheableResource, CredentialsProvider, external_account, impersonated, mds, service_account, user_account,
};
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, Secrets};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Reading policies takes no narrower scope: several of the APIs know this one only.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where calls go. There are others, and their tokens are of no use here.
const UNIVERSE: &str = "googleapis.com";

const CLOUD: &str = "Google Cloud";

pub(super) const HINT: &str =
    "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or give --access-token-file";

/// A kind of credentials (google.aip.dev/auth/4110): what a file calls it, and what people call it.
const KINDS: &[(&str, &str)] = &[
    ("authorized_user", "a user's login"),
    ("service_account", "a service account key"),
    ("external_account", "workload or workforce identity federation"),
    ("impersonated_service_account", "impersonation of a service account"),
];

/// What proves who asks.
pub(super) enum Credentials {
    /// Nothing: a server that stands in for Google Cloud.
    Anonymous,
    /// A token from a file.
    Token(HeaderValue),
    /// Credentials that give tokens, and renew them.
    Renewed(AccessTokenCredentials),
}

impl Credentials {
    /// The headers that go with every call.
    pub(super) async fn headers(&self, secrets: &Secrets) -> Result<HeaderMap, Failure> {
        match self {
            Self::Anonymous => Ok(HeaderMap::new()),
            Self::Token(value) => Ok(HeaderMap::from_iter([(AUTHORIZATION, value.clone())])),
            Self::Renewed(credentials) => match credentials.headers(Default::default()).await {
                Ok(CacheableResource::New { data, .. }) => {
                    know(&data, secrets);
                    Ok(data)
                }
                Ok(CacheableResource::NotModified) => Err(Failure::NoToken("the credentials gave no token".into())),
                // What gives tokens is out of order for now: that says nothing of the credentials.
                Err(error) if is_broken(&error) => Err(Failure::Connection(words(&error))),
                Err(error) => Err(Failure::NoToken(words(&error))),
            },
        }
    }

    /// The token itself, for the one call that takes it as an argument.
    pub(super) async fn token(&self, secrets: &Secrets) -> Result<Option<String>, Failure> {
        Ok(bearer(&self.headers(secrets).await?))
    }
}

/// Whose the credentials are, as far as they say so themselves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Google Cloud knows, by the token.
    Tokens,
    /// This service account's.
    Account(String),
    /// That of the machine: its metadata server knows.
    Machine,
    /// Somebody's of this pool, whose name no call tells.
    Pool(String),
}

/// Where the credentials come from, and whom they are to impersonate.
pub(super) struct Source {
    place: Place,
    target: Option<String>,
}

enum Place {
    /// Nowhere: a server that stands in for Google Cloud.
    Nowhere,
    /// A file with a token.
    Token(String, HeaderValue),
    /// A file of credentials.
    File(String, Value),
    /// No file: what is left is the metadata server of a machine of Google Cloud.
    Machine,
}

impl Source {
    pub(super) fn of(options: &Options, secrets: &Secrets) -> Result<Self, CollectError> {
        let target = options.get("impersonate").map(str::to_owned);
        if let Some(account) = target.as_deref().filter(|account| !account.contains('@') || account.contains(['/', '?', '#', ':'])) {
            return Err(CollectError::Question(format!("`{account}`, expected the email address of a service account to impersonate")));
        }
        Ok(Self { place: place(options, secrets)?, target })
    }

    /// What gives tokens. A server that stands in for Google Cloud gives those of an impersonated service account too.
    pub(super) fn credentials(&self, endpoint: Option<&str>) -> Result<Credentials, CollectError> {
        let built = match (&self.place, &self.target) {
            (Place::Nowhere, None) => return Ok(Credentials::Anonymous),
            (Place::Token(_, value), None) => return Ok(Credentials::Token(value.clone())),
            (Place::Nowhere, Some(_)) => {
                return Err(CollectError::Question("--impersonate on another --endpoint-url takes --credentials-file".into()));
            }
            (Place::Token(..), Some(_)) => {
                return Err(CollectError::Question("--impersonate takes credentials that renew themselves, no --access-token-file".into()));
            }
            (Place::File(_, value), None) => of_type(value.clone()),
            (Place::File(_, value), Some(account)) => of_type(impersonating(value, account, endpoint)),
            (Place::Machine, None) => mds::Builder::default().with_scopes([SCOPE]).build_access_token_credentials(),
            (Place::Machine, Some(account)) => mds::Builder::default().with_scopes([SCOPE]).build().and_then(|machine| {
                let target = impersonated::Builder::from_source_credentials(machine).with_target_principal(account);
                target.with_scopes([SCOPE]).build_access_token_credentials()
            }),
        };
        built.map(Credentials::Renewed).map_err(|error| self.bad(shape(&error)))
    }

    /// Are they those that nobody named?
    pub(super) fn is_default(&self, options: &Options) -> bool {
        matches!(self.place, Place::File(..) | Place::Machine) && options.get("credentials-file").is_none()
    }

    /// Whose they are. A token tells its address only where it was asked for with the scope of the address, which these need not have
    /// (<https://cloud.google.com/nodejs/docs/reference/google-auth-library/latest/google-auth-library/tokeninfo>), and one that a key
    /// signed is known to nobody but the API that it is sent to (google.aip.dev/auth/4111).
    pub(super) fn whose(&self) -> Whose {
        if let Some(account) = &self.target {
            return Whose::Account(account.clone());
        }
        let Place::File(_, value) = &self.place else {
            return if matches!(self.place, Place::Machine) { Whose::Machine } else { Whose::Tokens };
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        match (kind(value), text("service_account_impersonation_url").and_then(impersonated_account)) {
            (Some("service_account"), _) => text("client_email").map_or(Whose::Tokens, |email| Whose::Account(email.to_owned())),
            (_, Some(account)) => Whose::Account(account.to_owned()),
            (Some("external_account"), None) => Whose::Pool(text("audience").map(pool).unwrap_or_default()),
            _ => Whose::Tokens,
        }
    }

    /// Credentials that gave no token.
    pub(super) fn without_token(&self, failure: &Failure, secrets: &Secrets) -> CollectError {
        let said = failure.said(secrets);
        match &self.place {
            Place::Machine if self.target.is_none() || !said.starts_with("failed to fetch token: 4") => {
                let hint = format!("there is no file of them, and no metadata server gave a token ({said}); {HINT}");
                CollectError::NoCredentials { cloud: CLOUD, hint }
            }
            _ if failure.is_unreachable() => {
                let said = format!("what gives tokens for {} does not answer: {said}", self.named());
                CollectError::NothingRead { cloud: CLOUD, said }
            }
            _ => self.bad(said),
        }
    }

    /// Credentials that are not accepted.
    pub(super) fn bad(&self, said: String) -> CollectError {
        let hint = helps(&said).unwrap_or_else(|| self.hint());
        CollectError::BadCredentials { cloud: CLOUD, said: format!("{}: {said}", self.named()), hint: hint.into() }
    }

    /// What helps where Google Cloud did not accept the token.
    fn hint(&self) -> &'static str {
        match &self.place {
            Place::Token(..) => "it lasts for an hour: `gcloud auth print-access-token > FILE` writes a new one",
            Place::File(_, value) if kind(value) == Some("service_account") && self.target.is_none() => NO_SUCH_KEY,
            Place::Nowhere | Place::File(..) | Place::Machine => HINT,
        }
    }

    /// What the user knows them by.
    fn named(&self) -> String {
        let target = self.target.as_ref().map(|account| format!(", impersonating {account}")).unwrap_or_default();
        let place = match &self.place {
            Place::Nowhere => "no credentials".into(),
            Place::Token(path, _) => format!("`{path}` (an access token)"),
            Place::File(path, value) => {
                let called = KINDS.iter().find(|known| kind(value) == Some(known.0)).map_or("", |known| known.1);
                format!("`{path}` ({called})")
            }
            Place::Machine => "the metadata server".into(),
        };
        format!("{place}{target}")
    }
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}

fn place(options: &Options, secrets: &Secrets) -> Result<Place, CollectError> {
    if let Some(path) = options.get("access-token-file") {
        return token_file(path).map(|value| Place::Token(path.to_owned(), value));
    }
    if let Some(path) = options.get("credentials-file") {
        return credentials_file(path, secrets);
    }
    // Credentials that nobody named go to Google Cloud only.
    if options.get("endpoint-url").is_some() {
        return Ok(Place::Nowhere);
    }
    default_file().map_or(Ok(Place::Machine), |path| credentials_file(&path.to_string_lossy(), secrets))
}

/// The file of Application Default Credentials (google.aip.dev/auth/4110): the one that the environment names, else the well-known one
/// where it is there.
fn default_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS") {
        return Some(path.into());
    }
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = if cfg!(windows) { folder("APPDATA") } else { folder("HOME").map(|home| home.join(".config")) };
    let gcloud = folder("CLOUDSDK_CONFIG").or_else(|| Some(home?.join("gcloud")));
    gcloud.map(|gcloud| gcloud.join("application_default_credentials.json")).filter(|path| path.exists())
}

fn credentials_file(path: &str, secrets: &Secrets) -> Result<Place, CollectError> {
    let missing = |error: std::io::Error| CollectError::NoCredentials { cloud: CLOUD, hint: format!("`{path}`: {error}; {HINT}") };
    let text = std::fs::read_to_string(Path::new(path)).map_err(missing)?;
    let bad = |said: String| CollectError::BadCredentials { cloud: CLOUD, said: format!("`{path}` {said}"), hint: HINT.into() };
    // What the parser says could quote the file.
    let value: Value = serde_json::from_str(&text).map_err(|_| bad("is no JSON".into()))?;
    hide(&value, secrets);
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let Some(written) = kind(&value) else { return Err(bad("does not say in `type` what kind of credentials it holds".into())) };
    if KINDS.iter().all(|kind| kind.0 != written) {
        let known = KINDS.iter().map(|kind| kind.0).collect::<Vec<_>>().join(", ");
        return Err(bad(format!("holds credentials of the type `{}`, expected one of {known}", secrets.scrub(written))));
    }
    if let Some(universe) = text("universe_domain").filter(|universe| *universe != UNIVERSE) {
        return Err(bad(format!("is of the universe `{}`, and what is read is {UNIVERSE}", secrets.scrub(universe))));
    }
    if let Some((subject, Err(error))) = subject(&value) {
        return Err(bad(format!("names the file `{subject}` with the identity provider's token, which cannot be read: {error}")));
    }
    Ok(Place::File(path.to_owned(), value))
}

/// Keeps what is secret in a file of credentials out of every text.
fn hide(value: &Value, secrets: &Secrets) {
    const SECRET: [&str; 4] = ["refresh_token", "client_secret", "private_key", "private_key_id"];
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            // A text that is shown is on one line, and so are the lines of a key.
            Value::String(text) if SECRET.contains(&name.as_str()) => {
                text.lines().chain([text.as_str()]).for_each(|line| secrets.know(line))
            }
            // What an identity provider is asked with, a token as often as not.
            Value::Object(headers) if name == "headers" => headers.values().filter_map(Value::as_str).for_each(|header| {
                header.split_whitespace().for_each(|word| secrets.know(word));
            }),
            value => hide(value, secrets),
        }
    }
    // The token of the identity provider goes to Google, which may repeat it.
    if let Some((_, Ok(text))) = subject(value) {
        let fields: Option<serde_json::Map<String, Value>> = serde_json::from_str(&text).ok();
        fields.iter().flat_map(|fields| fields.values()).filter_map(Value::as_str).for_each(|field| secrets.know(field));
        secrets.know(text.trim());
    }
}

/// The file with the identity provider's token, and what it holds.
fn subject(value: &Value) -> Option<(&str, std::io::Result<String>)> {
    let path = value.pointer("/credential_source/file").and_then(Value::as_str)?;
    Some((path, std::fs::read_to_string(path)))
}

fn token_file(path: &str) -> Result<HeaderValue, CollectError> {
    let unusable = |why: String| CollectError::Question(format!("`{path}`, expected a file with an access token: {why}"));
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(unusable("it is empty".into()));
    }
    let value = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
    let mut value = value.map_err(|_| unusable("it holds characters that no token has".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Credentials of the kind that the file says.
fn of_type(value: Value) -> Result<AccessTokenCredentials, BuildError> {
    match kind(&value) {
        Some("service_account") => service_account::Builder::new(value)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build_access_token_credentials(),
        Some("external_account") => external_account::Builder::new(value).with_scopes([SCOPE]).build_access_token_credentials(),
        Some("impersonated_service_account") => impersonated::Builder::new(value).with_scopes([SCOPE]).build_access_token_credentials(),
        // With no scope named the token has all that the user agreed to, the address among it.
        _ => user_account::Builder::new(value).build_access_token_credentials(),
    }
}

/// The file of a service account that these credentials may take on (`iam.serviceAccounts.getAccessToken`). Those that are themselves of
/// an impersonated account go through it
/// (<https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken>).
fn impersonating(value: &Value, account: &str, endpoint: Option<&str>) -> Value {
    let base = endpoint.unwrap_or("https://iamcredentials.googleapis.com").trim_end_matches('/');
    let through = value.get("service_account_impersonation_url").and_then(Value::as_str).and_then(impersonated_account);
    let (source, delegates) = match (value.get("source_credentials"), through) {
        (Some(source), Some(through)) => (source, delegates(value, through)),
        _ => (value, Vec::new()),
    };
    json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": format!("{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"),
        "source_credentials": source,
        "delegates": delegates,
    })
}

fn delegates(value: &Value, last: &str) -> Vec<String> {
    let named = value.get("delegates").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let whole = |name: &str| if name.contains('/') { name.to_owned() } else { format!("projects/-/serviceAccounts/{name}") };
    named.chain([last]).map(whole).collect()
}

/// `https://…/serviceAccounts/app@acme.iam.gserviceaccount.com:generateAccessToken`
fn impersonated_account(url: &str) -> Option<&str> {
    url.rsplit_once("/serviceAccounts/")?.1.strip_suffix(":generateAccessToken").filter(|account| account.contains('@'))
}

/// `//iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/p/providers/q`
fn pool(audience: &str) -> String {
    let name = audience.trim_start_matches("//");
    name.split_once("/providers/").map_or(name, |(pool, _)| pool).to_owned()
}

/// The address of the service account of this machine
/// (<https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys#instance-metadata>).
pub(super) async fn of_machine(http: &reqwest::Client) -> Option<String> {
    let host = std::env::var("GCE_METADATA_HOST").unwrap_or_else(|_| "metadata.google.internal".into());
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/email");
    let answer = http.get(url).header("Metadata-Flavor", "Google").send().await.ok()?.error_for_status().ok()?;
    let email = answer.text().await.ok()?.trim().to_owned();
    email.contains('@').then_some(email)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
}

/// Keeps the token out of every text.
pub(super) fn know(headers: &HeaderMap, secrets: &Secrets) {
    if let Some(token) = bearer(headers) {
        secrets.know(&token);
    }
}
