//! Clouds and the pipeline of the official SDK.

use super::credentials;
use super::outcome::Failure;
use super::reach::Reach;
use crate::world::guid;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::http::policies::Policy;
use azure_core::http::{ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, Transport, Url};
use azure_core::time::{Duration as Span, OffsetDateTime};
use futures_util::StreamExt;
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, Secrets, chain};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Larger answers than this are no list of policies.
const LARGEST: usize = 32 << 20;

/// A token is renewed so long before it ends.
const EARLY: Span = Span::minutes(2);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Azure Resource Manager.
    Manager,
    /// Microsoft Graph.
    Graph,
}

/// Where the two are, and with what they are asked.
pub(super) struct Connection {
    credential: Arc<dyn TokenCredential>,
    /// The tokens for the two: the command line is a process that takes a second, and is not started for every call.
    tokens: [Mutex<Option<Result<AccessToken, Failure>>>; 2],
    pipeline: Pipeline,
    manager: Url,
    graph: Url,
    /// The audiences of the tokens, which a stand-in has from the cloud that it stands in for.
    audiences: [&'static str; 2],
    pub(super) reach: Arc<Reach>,
}

/// A cloud: its name for `--cloud`, Resource Manager, Microsoft Graph.
const CLOUDS: &[(&str, &str, &str)] = &[
    ("AzureCloud", "https://management.azure.com", "https://graph.microsoft.com"),
    ("AzureUSGovernment", "https://management.usgovcloudapi.net", "https://graph.microsoft.us"),
    ("AzureChinaCloud", "https://management.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
];

/// Finds the credentials and sets up the pipeline.
pub(super) fn connect(given: Option<Arc<dyn TokenCredential>>, options: &Options) -> Result<Connection, CollectError> {
    // Another reader may have installed it already; reqwest needs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wanted = options.get("cloud").unwrap_or("AzureCloud");
    let names = || CLOUDS.iter().map(|cloud| cloud.0).collect::<Vec<_>>().join(", ");
    let cloud = CLOUDS.iter().find(|cloud| cloud.0.eq_ignore_ascii_case(wanted));
    let cloud = cloud.ok_or_else(|| CollectError::Question(format!("`{wanted}` is no cloud of Azure, expected one of {}", names())))?;
    if let Some(subscription) = options.get("subscription").filter(|id| guid(id).is_none()) {
        return Err(CollectError::Question(format!("`{subscription}` is no subscription id, which `az account list` prints")));
    }
    let base = |own: &str| url(options.get("endpoint-url").unwrap_or(own));
    let credential = match given {
        Some(given) => given,
        None => credentials::found(options, cloud.0).map_err(|error| credentials::none(&chain(&error)))?,
    };
    let (manager, graph) = (base(cloud.1)?, base(cloud.2)?);
    let reach = Arc::new(Reach::default());
    let client = ClientOptions { transport: transport(&manager)?, ..ClientOptions::default() };
    let each_try: Vec<Arc<dyn Policy>> = vec![Arc::clone(&reach) as Arc<dyn Policy>];
    let pipeline = Pipeline::new(option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"), client, vec![], each_try, None);
    let tokens = [Mutex::default(), Mutex::default()];
    Ok(Connection { credential, tokens, pipeline, manager, graph, audiences: [cloud.1, cloud.2], reach })
}

/// Where nothing goes over TLS the certificates of the system need not be read, which takes longer than all the rest; else the client of
/// the SDK serves.
fn transport(base: &Url) -> Result<Option<Transport>, CollectError> {
    if base.scheme() != "http" {
        return Ok(None);
    }
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(Duration::from_secs(60))
        .tls_certs_only([]);
    let client = client.build().map_err(|error| CollectError::Question(format!("no HTTP client: {error}")))?;
    Ok(Some(Transport::new(Arc::new(client))))
}

/// A token goes over TLS, or nowhere but to this machine.
fn url(text: &str) -> Result<Url, CollectError> {
    let broken = || CollectError::Question(format!("`{text}` is no address to send a token to, expected https://… or http://127.0.0.1:…"));
    let url: Url = text.parse().map_err(|_| broken())?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.scheme() == "https" || (url.scheme() == "http" && here) { Ok(url) } else { Err(broken()) }
}

impl Connection {
    /// Where a service is.
    pub(super) fn base(&self, service: Service) -> &Url {
        if service == Service::Manager { &self.manager } else { &self.graph }
    }

    /// Is there a token for Resource Manager? Then what Graph does not give is Graph's.
    pub(super) async fn has_token(&self, secrets: &Secrets) -> bool {
        self.token(Service::Manager, secrets).await.is_ok()
    }

    /// A token for a service. Whoever has none the first time is not asked again.
    pub(super) async fn token(&self, service: Service, secrets: &Secrets) -> Result<String, Failure> {
        let [manager, graph] = &self.tokens;
        let mut kept = if service == Service::Manager { manager } else { graph }.lock().await;
        let usable = match kept.as_ref() {
            Some(Ok(token)) => token.expires_on > OffsetDateTime::now_utc() + EARLY,
            Some(Err(_)) => true,
            None => false,
        };
        if !usable {
            *kept = Some(self.fresh(service).await);
        }
        let token = kept.clone().unwrap_or_else(|| Err(Failure::Credentials("there is no token".into())))?;
        secrets.know(token.token.secret());
        Ok(token.token.secret().to_owned())
    }

    async fn fresh(&self, service: Service) -> Result<AccessToken, Failure> {
        let [manager, graph] = self.audiences;
        let scope = format!("{}/.default", if service == Service::Manager { manager } else { graph });
        self.credential.get_token(&[&scope], None).await.map_err(|error| Failure::Credentials(chain(&error)))
    }

    /// Sends one request and reads its answer. 429 and 503 are sent again by the pipeline, when the answer says.
    pub(super) async fn send(&self, service: Service, url: Url, body: Option<&Value>, secrets: &Secrets) -> Result<Value, Failure> {
        let token = self.token(service, secrets).await?;
        let mut request = Request::new(url, if body.is_some() { Method::Post } else { Method::Get });
        request.insert_header("accept", "application/json");
        request.insert_header("authorization", format!("Bearer {token}"));
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body.to_string());
        }
        let unchecked = PipelineStreamOptions { skip_checks: true, ..Default::default() };
        let broken = |error: azure_core::Error| Failure::Connection(chain(&error));
        let response = self.pipeline.stream(&Context::new(), &mut request, Some(unchecked)).await.map_err(broken)?;
        let status = u16::from(response.status());
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(broken)?);
            if bytes.len() > LARGEST {
                return Err(Failure::Malformed(format!("the answer is larger than {LARGEST} bytes")));
            }
        }
        let answer: Result<Value, _> = serde_json::from_slice(&bytes);
        if !(200..300).contains(&status) {
            return Err(refusal(status, &answer.unwrap_or_default()));
        }
        answer.map_err(|error| Failure::Malformed(format!("the answer is no JSON: {error}")))
    }
}

/// The code and message of an error: `{"error": {"code", "message"}}` for both services.
fn refusal(status: u16, answer: &Value) -> Failure {
    let text = |name: &str| answer.get("error").and_then(|error| error.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned();
    Failure::Answered { status, code: text("code"), message: text("message") }
}
