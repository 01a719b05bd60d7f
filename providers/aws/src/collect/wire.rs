//! Signed requests without an SDK crate: for services of which one reading call is needed and whose crates take minutes to build.
//!
//! The signature, the credentials and the HTTP client are the SDK's own.

use super::outcome::Failure;
use super::xml::Element;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use iam_why_contract::collect::chain;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Larger answers than this are no policy.
const LARGEST: usize = 16 << 20;

/// No attempt takes longer.
const LONGEST: Duration = Duration::from_secs(15);

const ATTEMPTS: u32 = 4;
const BACKOFF: Duration = Duration::from_millis(200);

/// One AWS service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// The name in its endpoint: `sqs` of `sqs.eu-west-1.amazonaws.com`.
    pub(super) host: &'static str,
    /// The name in the signature.
    pub(super) signing: &'static str,
    /// The service id of its SDK: `AWS_ENDPOINT_URL_SQS` redirects `SQS`.
    pub(super) id: &'static str,
}

/// One request, before it is signed.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) region: String,
    pub(super) method: &'static str,
    /// Path and query, encoded.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// What stands before the service's host: the account, for S3 Control.
    pub(super) host_prefix: String,
}

/// Sends signed requests.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    config: SdkConfig,
    credentials: SharedCredentialsProvider,
    connector: SharedHttpConnector,
}

impl Call {
    /// A call of the AWS JSON protocol, `version` 1.0 or 1.1.
    pub(super) fn json(service: Service, region: &str, version: &str, target: &str, body: &Value) -> Self {
        let headers = vec![("content-type", format!("application/x-amz-json-{version}")), ("x-amz-target", target.to_owned())];
        Self {
            service,
            region: region.into(),
            method: "POST",
            path: "/".into(),
            headers,
            body: body.to_string(),
            host_prefix: String::new(),
        }
    }

    /// A call of the AWS query protocol, whose answers are XML.
    pub(super) fn query(service: Service, region: &str, parameters: &[(&str, &str)]) -> Self {
        let body = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&");
        let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
        Self { service, region: region.into(), method: "POST", path: "/".into(), headers, body, host_prefix: String::new() }
    }

    /// A plain GET of `path`.
    pub(super) fn get(service: Service, region: &str, path: String) -> Self {
        Self { service, region: region.into(), method: "GET", path, headers: Vec::new(), body: String::new(), host_prefix: String::new() }
    }
}

/// `text` as it may stand in a path segment or a query.
pub(super) fn encode(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

impl Wire {
    pub(super) fn new(config: &SdkConfig, credentials: SharedCredentialsProvider, connector: SharedHttpConnector) -> Self {
        Self { config: config.clone(), credentials, connector }
    }

    pub(super) fn connector(&self) -> SharedHttpConnector {
        self.connector.clone()
    }

    /// Where a service was redirected to: `--endpoint-url`, `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, or the profile.
    pub(super) fn endpoint(&self, id: &str) -> Option<String> {
        let key = aws_types::service_config::ServiceConfigKey::builder()
            .service_id(id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok();
        let own = key.and_then(|key| self.config.service_config().and_then(|config| config.load_config(key)));
        let whole = self.config.endpoint_url().map(str::to_owned);
        // An endpoint that was typed on the command line stands above those of the environment.
        let typed = self.config.get_origin("endpoint_url").is_client_config();
        let chosen = if typed { whole.or(own) } else { own.or(whole) };
        chosen.map(|url| url.trim_end_matches('/').to_owned())
    }

    /// Sends `call` and reads its answer, JSON or XML, as a value.
    pub(super) async fn value(&self, call: &Call) -> Result<Value, Failure> {
        let text = self.text(call).await?;
        if text.trim_start().starts_with('<') {
            return Element::parse(&text).map(|element| element.to_json()).map_err(Failure::Malformed);
        }
        serde_json::from_str(&text).map_err(|error| Failure::Malformed(format!("the answer is no JSON: {error}")))
    }

    /// Sends `call` and reads its answer as XML.
    pub(super) async fn xml(&self, call: &Call) -> Result<Element, Failure> {
        Element::parse(&self.text(call).await?).map_err(Failure::Malformed)
    }

    async fn text(&self, call: &Call) -> Result<String, Failure> {
        let mut attempt = 1;
        loop {
            let failure = match tokio::time::timeout(self.patience(), self.once(call)).await {
                Ok(Ok(text)) => return Ok(text),
                Ok(Err(failure)) => failure,
                // Headers that came in time say nothing of how long the rest may take.
                Err(_) => Failure::Timeout,
            };
            if attempt == ATTEMPTS || !failure.is_transient() {
                return Err(failure);
            }
            tokio::time::sleep(BACKOFF * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    /// How long one attempt may take, from the first byte sent to the last received: as long as one of the SDK's.
    fn patience(&self) -> Duration {
        let attempt = self.config.timeout_config().and_then(|timeouts| timeouts.operation_attempt_timeout());
        attempt.map_or(LONGEST, |attempt| attempt.min(LONGEST))
    }

    async fn once(&self, call: &Call) -> Result<String, Failure> {
        let request = self.signed(call).await?;
        let response = self
            .connector
            .call(request)
            .await
            .map_err(|error| if error.is_timeout() { Failure::Timeout } else { Failure::Connection(chain(&error)) })?;
        read(response).await
    }

    async fn signed(&self, call: &Call) -> Result<HttpRequest, Failure> {
        let broken =
            |error: &(dyn std::error::Error + 'static)| Failure::Malformed(format!("the request could not be made: {}", chain(error)));
        let credentials = self.credentials.provide_credentials().await.map_err(|error| Failure::Connection(chain(&error)))?;
        let uri = format!("{}{}", self.base(call), call.path);
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&call.region)
            .name(call.service.signing)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| broken(&error))?;
        let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(call.method, uri.as_str(), headers, SignableBody::Bytes(call.body.as_bytes()))
            .map_err(|error| broken(&error))?;
        let (instructions, _) = sign(signable, &parameters.into()).map_err(|error| broken(&error))?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(call.body.as_str()));
        request.set_method(call.method).map_err(|error| broken(&error))?;
        request.set_uri(uri.as_str()).map_err(|error| broken(&error))?;
        for (name, value) in &call.headers {
            request.headers_mut().insert(*name, value.clone());
        }
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }

    fn base(&self, call: &Call) -> String {
        self.endpoint(call.service.id)
            .unwrap_or_else(|| format!("https://{}{}.{}.{}", call.host_prefix, call.service.host, call.region, suffix(&call.region)))
    }
}

/// The domain under which a region's endpoints live.
pub(super) fn suffix(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

async fn read(response: HttpResponse) -> Result<String, Failure> {
    let status = response.status().as_u16();
    let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let mut body = ByteStream::new(response.into_body());
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| Failure::Connection(chain(&error)))?);
        if bytes.len() > LARGEST {
            return Err(Failure::Malformed(format!("the answer is larger than {LARGEST} bytes")));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::Malformed("the answer is not UTF-8".into()))?;
    if (200..300).contains(&status) { Ok(text) } else { Err(refusal(status, header.as_deref(), &text)) }
}

/// The code and message of an error, in whichever of AWS's shapes it came.
fn refusal(status: u16, header: Option<&str>, text: &str) -> Failure {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |names: &[&str]| names.iter().find_map(|name| json.get(name)?.as_str()).map(str::to_owned);
    let (code, message) = match Element::parse(text) {
        Ok(element) => {
            let error = element.find("Error").unwrap_or(&element);
            (error.text_of("Code").map(str::to_owned), error.text_of("Message").map(str::to_owned))
        }
        Err(_) => {
            (header.map(str::to_owned).or_else(|| member(&["__type", "code", "Code"])), member(&["message", "Message", "errorMessage"]))
        }
    };
    // `com.amazonaws.sqs#QueueDoesNotExist`, `AccessDeniedException:http://…`
    let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned());
    Failure::Answered { status, code: code.unwrap_or_default(), message: message.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::{Failure, refusal};

    fn code(header: Option<&str>, text: &str) -> String {
        match refusal(400, header, text) {
            Failure::Answered { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_is_read_in_each_of_the_shapes_that_aws_uses() {
        assert_eq!(code(None, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#), "QueueDoesNotExist");
        assert_eq!(code(Some("AccessDeniedException:http://internal/"), r#"{"Message":"no"}"#), "AccessDeniedException");
        assert_eq!(code(None, "<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>"), "NotFound");
        assert_eq!(
            code(None, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>"),
            "UnauthorizedOperation"
        );
        assert_eq!(code(None, "<Error><Code>NoSuchAccessPointPolicy</Code></Error>"), "NoSuchAccessPointPolicy");
        assert_eq!(code(None, "<html>proxy error"), "");
    }
}
