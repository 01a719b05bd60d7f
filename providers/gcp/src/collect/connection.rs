//! A client with credentials that gave a token.

use super::credentials::{Credentials, Source, know};
use super::outcome::Failure;
use super::wire::{Waits, Wire};
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, Secrets};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Without credentials the library asks a metadata server that need not exist: that long, not longer.
const FIRST_TOKEN: Duration = Duration::from_secs(8);

/// A client with credentials that gave a token.
pub(super) async fn connect(options: &Options, secrets: &Arc<Secrets>, bounded: bool) -> Result<Wire, CollectError> {
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let source = Source::of(options, secrets)?;
    let endpoint = options.get("endpoint-url");
    let credentials = source.credentials(endpoint)?;
    first_token(&source, &credentials, options, secrets).await?;
    let billing_project = options.get("billing-project").map(str::to_owned);
    // As the libraries of Google do it for credentials that nobody named.
    let quota = || std::env::var("GOOGLE_CLOUD_QUOTA_PROJECT").ok().filter(|_| source.is_default(options));
    Ok(Wire {
        http: client(endpoint)?,
        billing_project: billing_project.or_else(quota),
        credentials,
        source,
        endpoint: endpoint.map(str::to_owned),
        deadline: bounded.then(|| Instant::now() + options.timeout),
        secrets: Arc::clone(secrets),
        waits: Waits::default(),
    })
}

async fn first_token(source: &Source, credentials: &Credentials, options: &Options, secrets: &Secrets) -> Result<(), CollectError> {
    let time = FIRST_TOKEN.min(options.timeout);
    match tokio::time::timeout(time, credentials.headers(secrets)).await {
        Ok(Ok(headers)) => {
            know(&headers, secrets);
            Ok(())
        }
        Ok(Err(failure)) => Err(source.without_token(&failure, secrets)),
        Err(_) => {
            let said = format!("no token came within {} s", time.as_secs_f64());
            Err(source.without_token(&Failure::Connection(said), secrets))
        }
    }
}

fn client(endpoint: Option<&str>) -> Result<reqwest::Client, CollectError> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .user_agent(concat!("iam-why/", env!("CARGO_PKG_VERSION")));
    // Where nothing goes over TLS the certificates of the system need not be read, which takes longer than all the rest.
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let client = if is_plain { client.tls_certs_only([]) } else { client };
    client.build().map_err(|error| CollectError::Question(format!("no HTTP client: {error}")))
}
