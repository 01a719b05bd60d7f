//! Credentials: Application Default Credentials, those of a file, or a token from a file as `gcloud --access-token-file` takes it; and,
//! where asked for, a service account impersonated with them.
//!
//! Four things are told apart, of which none is a missing permission: there are none; they are not accepted; what gives tokens does not
//! answer; and, later, that a call was refused.

use super::outcome::Failure;
use super::wire::{Waits, Wire};
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, CacheableResource, CredentialsProvider, external_account, impersonated, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, Secrets};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Reading policies takes no narrower scope: several of the APIs know this one only.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Without credentials the library asks a metadata server that need not exist: that long, not longer.
const FIRST_TOKEN: Duration = Duration::from_secs(8);

const CLOUD: &str = "Google Cloud";

const HINT: &str = "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or give --access-token-file";

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
                Err(error) if error.is_transient() => Err(Failure::Connection(chain(&error))),
                Err(error) => Err(Failure::NoToken(chain(&error))),
            },
        }
    }

    /// The token itself, for the one call that takes it as an argument.
    pub(super) async fn token(&self, secrets: &Secrets) -> Result<Option<String>, Failure> {
        Ok(bearer(&self.headers(secrets).await?))
    }
}

/// An error with what caused it.
fn chain(error: &CredentialsError) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_said = inner.to_string();
        if !said.contains(&inner_said) {
            said = format!("{said}: {inner_said}");
        }
        cause = inner.source();
    }
    said
}

/// A client with credentials that gave a token.
pub(super) async fn connect(options: &Options, secrets: &Arc<Secrets>, bounded: bool) -> Result<Wire, CollectError> {
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let source = Source::of(options, secrets)?;
    let credentials = source.credentials(options)?;
    let time = FIRST_TOKEN.min(options.timeout);
    match tokio::time::timeout(time, credentials.headers(secrets)).await {
        Ok(Ok(headers)) => know(&headers, secrets),
        Ok(Err(failure)) => return Err(source.without_token(&failure, secrets)),
        Err(_) => {
            let said = format!("no token came within {} s", time.as_secs_f64());
            return Err(source.without_token(&Failure::Connection(said), secrets));
        }
    }
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .user_agent(concat!("iam-why/", env!("CARGO_PKG_VERSION")));
    let http = client.build().map_err(|error| CollectError::Question(format!("no HTTP client: {error}")))?;
    Ok(Wire {
        http,
        credentials,
        endpoint: options.get("endpoint-url").map(str::to_owned),
        billing_project: options.get("billing-project").map(str::to_owned),
        deadline: bounded.then(|| Instant::now() + options.timeout),
        secrets: Arc::clone(secrets),
        waits: Waits::default(),
    })
}

/// What the user is told of credentials that Google Cloud does not accept.
pub(super) fn bad_credentials(failure: &Failure, secrets: &Secrets) -> CollectError {
    bad(failure.said(secrets))
}

fn bad(said: String) -> CollectError {
    CollectError::BadCredentials { cloud: CLOUD, said, hint: HINT.into() }
}

/// Where the credentials come from.
enum Source {
    /// Nowhere: a server that stands in for Google Cloud.
    Nowhere,
    /// A file with a token.
    Token(HeaderValue),
    /// A file of credentials that was named.
    File(String, Value),
    /// Application Default Credentials, from this file.
    Default(PathBuf),
    /// No file: what is left is the metadata server of a machine of Google Cloud.
    Metadata,
}

impl Source {
    fn of(options: &Options, secrets: &Secrets) -> Result<Self, CollectError> {
        if let Some(path) = options.get("access-token-file") {
            return token_file(path).map(Self::Token);
        }
        if let Some(path) = options.get("credentials-file") {
            let value = credentials_file(path)?;
            hide(&value, secrets);
            return Ok(Self::File(path.to_owned(), value));
        }
        // Credentials that nobody named go to Google Cloud only.
        if options.get("endpoint-url").is_some() {
            return Ok(Self::Nowhere);
        }
        Ok(default_file().map_or(Self::Metadata, |path| {
            if let Ok(value) = credentials_file(&path.to_string_lossy()) {
                hide(&value, secrets);
            }
            Self::Default(path)
        }))
    }

    fn credentials(&self, options: &Options) -> Result<Credentials, CollectError> {
        let Some(account) = options.get("impersonate") else {
            return match self {
                Self::Nowhere => Ok(Credentials::Anonymous),
                Self::Token(value) => Ok(Credentials::Token(value.clone())),
                Self::File(path, value) => of_type(value).map_err(|error| self.unusable(path, &error)).map(Credentials::Renewed),
                Self::Default(path) => self.default(&path.display().to_string()).map(Credentials::Renewed),
                Self::Metadata => self.default("the metadata server").map(Credentials::Renewed),
            };
        };
        if !account.contains('@') || account.contains(['/', '?', '#', ':']) {
            return Err(CollectError::Question(format!("`{account}`, expected the email address of a service account to impersonate")));
        }
        self.impersonating(account, options.get("endpoint-url")).map(Credentials::Renewed)
    }

    fn default(&self, name: &str) -> Result<AccessTokenCredentials, CollectError> {
        Builder::default().with_scopes([SCOPE]).build_access_token_credentials().map_err(|error| self.unusable(name, &error))
    }

    /// Credentials of a service account that these may take on (`iam.serviceAccounts.getAccessToken`).
    fn impersonating(&self, account: &str, endpoint: Option<&str>) -> Result<AccessTokenCredentials, CollectError> {
        let builder = match self {
            Self::File(_, value) if value.get("type").and_then(Value::as_str) != Some("impersonated_service_account") => {
                let base = endpoint.unwrap_or("https://iamcredentials.googleapis.com").trim_end_matches('/');
                impersonated::Builder::new(json!({
                    "type": "impersonated_service_account",
                    "service_account_impersonation_url": format!("{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"),
                    "source_credentials": value,
                }))
            }
            _ if endpoint.is_some() => {
                return Err(CollectError::Question("--impersonate on another --endpoint-url takes --credentials-file".into()));
            }
            Self::Token(_) => {
                return Err(CollectError::Question("--impersonate takes credentials that renew themselves, no --access-token-file".into()));
            }
            _ => {
                let built = Builder::default().with_scopes([SCOPE]).build();
                let source = built.map_err(|error| self.unusable("Application Default Credentials", &error))?;
                impersonated::Builder::from_source_credentials(source).with_target_principal(account)
            }
        };
        builder.with_scopes([SCOPE]).build_access_token_credentials().map_err(|error| self.unusable("the credentials", &error))
    }

    /// Credentials that cannot even be read.
    fn unusable(&self, name: &str, error: &BuildError) -> CollectError {
        if error.is_loading() {
            return CollectError::NoCredentials { cloud: CLOUD, hint: format!("{error}; {HINT}") };
        }
        bad(format!("{name}: {error}"))
    }

    /// Credentials that gave no token.
    fn without_token(&self, failure: &Failure, secrets: &Secrets) -> CollectError {
        let said = failure.said(secrets);
        match self {
            Self::Metadata => {
                let hint = format!("there is no file of them, and no metadata server gave a token ({said}); {HINT}");
                CollectError::NoCredentials { cloud: CLOUD, hint }
            }
            _ if failure.is_unreachable() => {
                let said = format!("what gives tokens for {} does not answer: {said}", self.named());
                CollectError::NothingRead { cloud: CLOUD, said }
            }
            _ => bad(format!("{}: {said}", self.named())),
        }
    }

    fn named(&self) -> String {
        match self {
            Self::Nowhere | Self::Token(_) => "the credentials".into(),
            Self::File(path, _) => format!("`{path}`"),
            Self::Default(path) => format!("`{}`", path.display()),
            Self::Metadata => "the metadata server".into(),
        }
    }
}

/// Credentials of the kind that the file says.
fn of_type(value: &Value) -> Result<AccessTokenCredentials, BuildError> {
    match value.get("type").and_then(Value::as_str) {
        Some("service_account") => service_account::Builder::new(value.clone())
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build_access_token_credentials(),
        Some("external_account") => external_account::Builder::new(value.clone()).with_scopes([SCOPE]).build_access_token_credentials(),
        Some("impersonated_service_account") => {
            impersonated::Builder::new(value.clone()).with_scopes([SCOPE]).build_access_token_credentials()
        }
        // What is of no known kind is told so by the library.
        _ => user_account::Builder::new(value.clone()).with_scopes([SCOPE]).build_access_token_credentials(),
    }
}

/// The file of Application Default Credentials (google.aip.dev/auth/4110): the one that the environment names, else the well-known one
/// where it is there.
fn default_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS") {
        return Some(path.into());
    }
    let well_known = "gcloud/application_default_credentials.json";
    let home = if cfg!(windows) {
        std::env::var_os("APPDATA").map(PathBuf::from)
    } else {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"))
    };
    home.map(|home| home.join(well_known)).filter(|path| path.exists())
}

fn credentials_file(path: &str) -> Result<Value, CollectError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| CollectError::NoCredentials { cloud: CLOUD, hint: format!("`{path}`: {error}") })?;
    // What the parser says could quote the file.
    serde_json::from_str(&text).map_err(|_| bad(format!("`{path}` is no JSON")))
}

/// Keeps what is secret in a file of credentials out of every text.
fn hide(value: &Value, secrets: &Secrets) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::String(text) if ["refresh_token", "client_secret", "private_key", "private_key_id"].contains(&name.as_str()) => {
                secrets.know(text);
            }
            value => hide(value, secrets),
        }
    }
}

fn token_file(path: &str) -> Result<HeaderValue, CollectError> {
    let unusable = |why: String| CollectError::Question(format!("`{path}`, expected a file with an access token: {why}"));
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let value = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
    let mut value = value.map_err(|_| unusable("it holds characters that no token has".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
}

fn know(headers: &HeaderMap, secrets: &Secrets) {
    if let Some(token) = bearer(headers) {
        secrets.know(&token);
    }
}
