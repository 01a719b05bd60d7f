//! Credentials: Application Default Credentials, or a token from a file as `gcloud --access-token-file` takes it.

use super::outcome::Failure;
use super::wire::Wire;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder, CacheableResource, CredentialsProvider};
use iam_why_contract::CollectError;
use iam_why_contract::collect::Options;
use iam_why_contract::collect::Secrets;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Reading policies takes no narrower scope: several of the APIs know this one only.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Without credentials the library asks a metadata server that need not exist: that long, not longer.
const FIRST_TOKEN: Duration = Duration::from_secs(8);

const HINT: &str = "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or give --access-token-file";

/// What proves who asks.
pub(super) enum Credentials {
    /// Nothing: a server that stands in for Google Cloud.
    Anonymous,
    /// A token from a file.
    Token(HeaderValue),
    /// Application Default Credentials.
    Default(AccessTokenCredentials),
}

impl Credentials {
    /// The headers that go with every call.
    pub(super) async fn headers(&self, secrets: &Secrets) -> Result<HeaderMap, Failure> {
        match self {
            Self::Anonymous => Ok(HeaderMap::new()),
            Self::Token(value) => Ok(HeaderMap::from_iter([(AUTHORIZATION, value.clone())])),
            Self::Default(credentials) => match credentials.headers(Default::default()).await {
                Ok(CacheableResource::New { data, .. }) => {
                    know(&data, secrets);
                    Ok(data)
                }
                Ok(CacheableResource::NotModified) => Err(Failure::NoToken("the credentials gave no token".into())),
                Err(error) => Err(Failure::NoToken(error.to_string())),
            },
        }
    }

    /// The token itself, for the one call that takes it as an argument.
    pub(super) async fn token(&self, secrets: &Secrets) -> Result<Option<String>, Failure> {
        Ok(bearer(&self.headers(secrets).await?))
    }
}

/// A client with credentials that gave a token.
pub(super) async fn connect(options: &Options, secrets: &Arc<Secrets>, bounded: bool) -> Result<Wire, CollectError> {
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = credentials(options)?;
    let first = tokio::time::timeout(FIRST_TOKEN.min(options.timeout), credentials.headers(secrets)).await;
    match first {
        Ok(Ok(headers)) => know(&headers, secrets),
        Ok(Err(failure)) => return Err(bad_credentials(&failure, secrets)),
        Err(_) => {
            let hint = format!("no token came within {} s; {HINT}", FIRST_TOKEN.min(options.timeout).as_secs_f64());
            return Err(CollectError::NoCredentials { cloud: "Google Cloud", hint });
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
    })
}

/// What the user is told of credentials that Google Cloud does not accept.
pub(super) fn bad_credentials(failure: &Failure, secrets: &Secrets) -> CollectError {
    CollectError::BadCredentials { cloud: "Google Cloud", said: failure.said(secrets), hint: HINT.into() }
}

fn credentials(options: &Options) -> Result<Credentials, CollectError> {
    if let Some(path) = options.get("access-token-file") {
        return token_file(path);
    }
    // Real credentials go to Google Cloud only.
    if options.get("endpoint-url").is_some() {
        return Ok(Credentials::Anonymous);
    }
    let built = Builder::default().with_scopes([SCOPE]).build_access_token_credentials();
    built.map(Credentials::Default).map_err(|error| CollectError::NoCredentials { cloud: "Google Cloud", hint: format!("{error}; {HINT}") })
}

fn token_file(path: &str) -> Result<Credentials, CollectError> {
    let unusable = |why: String| CollectError::Question(format!("`{path}`, expected a file with an access token: {why}"));
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let value = HeaderValue::from_str(&format!("Bearer {}", text.trim()));
    let mut value = value.map_err(|_| unusable("it holds characters that no token has".into()))?;
    value.set_sensitive(true);
    Ok(Credentials::Token(value))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned)
}

fn know(headers: &HeaderMap, secrets: &Secrets) {
    if let Some(token) = bearer(headers) {
        secrets.know(&token);
    }
}
