//! Credentials and clients: as every AWS user expects them, found by the official SDK.

use super::wire::Wire;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn};
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, Secrets, chain};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// Where nothing says otherwise. The global services live there; every other call names its region.
const FALLBACK_REGION: &str = "us-east-1";

/// How long it may take until there are credentials: somebody may have to type a code for them.
const LOGIN: Duration = Duration::from_secs(60);

/// Credentials are fetched anew when they have no longer than this to live.
const FRESH: Duration = Duration::from_secs(120);

/// The clients that speak with one set of credentials.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    config: SdkConfig,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) organizations: aws_sdk_organizations::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) wire: Wire,
}

/// Finds the credentials and sets up the clients.
pub(super) async fn connect(options: &Options, secrets: &Arc<Secrets>) -> Result<Clients, CollectError> {
    let connector = connector();
    let http = http_client(connector.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200)))
        .timeout_config(timeouts(options.timeout));
    if let Some(files) = files(options) {
        loader = loader.profile_files(files);
    }
    if let Some(profile) = options.get("profile") {
        loader = loader.profile_name(profile).credentials_provider(of_profile(profile, options, http).await);
    }
    if let Some(region) = options.get("region") {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = options.get("endpoint-url") {
        if !["https://", "http://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            return Err(CollectError::Question(format!(
                "`{endpoint}` is no address of a server, expected https://HOST or http://HOST:PORT"
            )));
        }
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    let found = config.credentials_provider().ok_or_else(|| no_credentials(options, "no provider of credentials is configured"))?;
    let credentials = Cached::new(found, Arc::clone(secrets));
    match tokio::time::timeout(LOGIN, credentials.provide_credentials()).await {
        Ok(found) => found.map_err(|error| not_found(options, &error))?,
        Err(_) => return Err(no_credentials(options, &format!("none came within {} s", LOGIN.as_secs()))),
    };
    let region = config.region().cloned().unwrap_or_else(|| Region::new(FALLBACK_REGION));
    let config = config.into_builder().region(region).build();
    Ok(Clients::new(&config, SharedCredentialsProvider::new(credentials), connector))
}

/// The configuration file that the setting `config-file` names, in place of those in the user's home.
fn files(options: &Options) -> Option<EnvConfigFiles> {
    let path = options.get("config-file")?;
    Some(EnvConfigFiles::builder().with_file(EnvConfigFileKind::Config, path).build())
}

/// A profile that was asked for by name stands above the environment's keys, as it does for AWS's own command line. Roles that it
/// assumes are assumed in its region: each partition has an STS of its own.
async fn of_profile(profile: &str, options: &Options, http: SharedHttpClient) -> ProfileFileCredentialsProvider {
    let region = match options.get("region") {
        Some(region) => Region::new(region.to_owned()),
        None => region_of(profile, options).await.unwrap_or_else(|| Region::new(FALLBACK_REGION)),
    };
    let provider = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
    let mut builder = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile);
    if let Some(files) = files(options) {
        builder = builder.profile_files(files);
    }
    builder.build()
}

/// The region of the environment, else of the profile.
async fn region_of(profile: &str, options: &Options) -> Option<Region> {
    let mut of_profile = ProfileFileRegionProvider::builder().profile_name(profile);
    if let Some(files) = files(options) {
        of_profile = of_profile.profile_files(files);
    }
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(of_profile.build()).region().await
}

impl Clients {
    fn new(config: &SdkConfig, credentials: SharedCredentialsProvider, connector: SharedHttpConnector) -> Self {
        let config = config.to_builder().credentials_provider(credentials.clone()).build();
        Self {
            iam: aws_sdk_iam::Client::new(&config),
            organizations: aws_sdk_organizations::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            wire: Wire::new(&config, credentials, connector),
            config,
        }
    }

    /// The clients that speak as `role`, which these credentials assume.
    pub(super) fn assuming(&self, role: &str, secrets: &Arc<Secrets>) -> (Self, SharedCredentialsProvider) {
        let assumed = Assumed { sts: self.sts.clone(), role: role.to_owned() };
        let credentials = SharedCredentialsProvider::new(Cached::new(assumed, Arc::clone(secrets)));
        (Self::new(&self.config, credentials.clone(), self.wire.connector()), credentials)
    }

    /// The region that the user's configuration names.
    pub(super) fn region(&self) -> &str {
        self.config.region().map_or(FALLBACK_REGION, Region::as_ref)
    }

    /// An S3 client for one region. Where an endpoint is given, buckets are part of the path, as emulators expect.
    pub(super) fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let builder = aws_sdk_s3::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        let redirected = self.wire.endpoint("S3").is_some();
        aws_sdk_s3::Client::from_conf(builder.force_path_style(redirected).build())
    }

    /// A KMS client for one region.
    pub(super) fn kms(&self, region: &str) -> aws_sdk_kms::Client {
        let builder = aws_sdk_kms::config::Builder::from(&self.config);
        aws_sdk_kms::Client::from_conf(builder.region(Region::new(region.to_owned())).build())
    }

    /// The client of IAM's troubleshooting service for one region.
    pub(super) fn toolbox(&self, region: &str) -> aws_sdk_iamtoolbox::Client {
        let builder = aws_sdk_iamtoolbox::config::Builder::from(&self.config);
        aws_sdk_iamtoolbox::Client::from_conf(builder.region(Region::new(region.to_owned())).build())
    }

    /// An STS client for one region: an encoded message is decoded where it was made.
    pub(super) fn sts_in(&self, region: &str) -> aws_sdk_sts::Client {
        let builder = aws_sdk_sts::config::Builder::from(&self.config);
        aws_sdk_sts::Client::from_conf(builder.region(Region::new(region.to_owned())).build())
    }
}

/// No attempt takes longer than the whole may; the whole is bounded by whoever awaits it.
fn timeouts(whole: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(whole.min(Duration::from_secs(3)))
        .read_timeout(whole.min(Duration::from_secs(15)))
        .operation_attempt_timeout(whole.min(Duration::from_secs(15)))
        .build()
}

/// One connector for everything: rustls on ring, and the proxies of the environment, which the SDK ignores unless told.
fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(3)).read_timeout(Duration::from_secs(15)).build();
    let builder = Connector::builder().connector_settings(settings).proxy_config(ProxyConfig::from_env());
    SharedHttpConnector::new(builder.tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build())
}

fn http_client(connector: SharedHttpConnector) -> SharedHttpClient {
    let shared = OnceLock::new();
    use aws_smithy_runtime_api::shared::IntoShared;
    http_client_fn(move |_, _| shared.get_or_init(|| connector.clone()).clone()).into_shared()
}

/// Credentials that are fetched once and kept while they are fresh: hand-signed calls share them with the SDK's.
#[derive(Debug)]
struct Cached<P> {
    inner: P,
    kept: Mutex<Option<Credentials>>,
    secrets: Arc<Secrets>,
}

impl<P: ProvideCredentials> Cached<P> {
    fn new(inner: P, secrets: Arc<Secrets>) -> Self {
        Self { inner, kept: Mutex::default(), secrets }
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(fresh) = kept.filter(|credentials| credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + FRESH)) {
            return Ok(fresh);
        }
        let fetched = self.inner.provide_credentials().await?;
        [Some(fetched.secret_access_key()), fetched.session_token()].into_iter().flatten().for_each(|secret| self.secrets.know(secret));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched.clone());
        Ok(fetched)
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Cached<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}

/// The credentials of a role in another account.
#[derive(Debug)]
struct Assumed {
    sts: aws_sdk_sts::Client,
    role: String,
}

impl Assumed {
    async fn assume(&self) -> Result<Credentials, CredentialsError> {
        let call = self.sts.assume_role().role_arn(&self.role).role_session_name("iam-why");
        let answer = call.send().await.map_err(CredentialsError::provider_error)?;
        let given = answer.credentials.ok_or_else(|| CredentialsError::unhandled("the answer to AssumeRole holds no credentials"))?;
        let expiry = SystemTime::try_from(given.expiration).ok();
        Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), expiry, "reader role"))
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

fn not_found(options: &Options, error: &CredentialsError) -> CollectError {
    no_credentials(options, &chain(error))
}

fn no_credentials(options: &Options, said: &str) -> CollectError {
    let said = EMPTY_WORDS.iter().fold(said, |said, words| said.strip_prefix(words).unwrap_or(said));
    let hint = match options.get("profile") {
        Some(profile) => format!(
            "{said}; looked at profile `{profile}` of ~/.aws/config and ~/.aws/credentials: log in (`aws sso login --profile {profile}`) or name another with --profile"
        ),
        None => format!(
            "{said}; looked at the environment (AWS_ACCESS_KEY_ID), the default profile of ~/.aws/config and ~/.aws/credentials, SSO, web identity, container and instance metadata: log in (`aws sso login`, `aws configure`) or name a profile with --profile"
        ),
    };
    CollectError::NoCredentials { cloud: "AWS", hint }
}

/// How the SDK begins whatever it says of credentials.
const EMPTY_WORDS: &[&str] = &["the credential provider was not enabled: ", "an error occurred while loading credentials: "];
