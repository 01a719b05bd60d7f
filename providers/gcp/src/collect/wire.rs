//! One small REST client: retries with the hints of the server, bounded bodies, no redirects.

use super::credentials::{Credentials, Source};
use super::outcome::Failure;
use super::step::Step;
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Secrets, chain};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// No answer is read further than this.
const LARGEST: usize = 16 * 1024 * 1024;

/// How often a call is sent at most.
const ATTEMPTS: u32 = 6;

/// What a server may ask us to wait at most.
const LONGEST_WAIT: Duration = Duration::from_secs(65);

/// What stands for itself in a part of a path (RFC 3986, unreserved).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is sent: a GET, or a POST where there is a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    /// From the slash behind the host on, encoded.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    /// Where the resource is, of an API that has a host for each location.
    pub location: Option<String>,
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        Self { path, ..Self::default() }
    }

    pub(super) fn post(path: String, body: Value) -> Self {
        Self { path, body: Some(body), ..Self::default() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn at(mut self, location: Option<&str>) -> Self {
        // It becomes part of a host, and a token is sent there.
        let sane = |location: &&str| !location.is_empty() && location.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        self.location = location.filter(sane).filter(|location| *location != "global").map(str::to_ascii_lowercase);
        self
    }
}

/// A part of a path.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A path whose slashes separate.
pub(super) fn parts(text: &str) -> String {
    text.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The client.
pub(super) struct Wire {
    pub http: reqwest::Client,
    pub credentials: Credentials,
    pub source: Source,
    pub endpoint: Option<String>,
    pub billing_project: Option<String>,
    pub deadline: Option<Instant>,
    pub secrets: Arc<Secrets>,
    pub waits: Waits,
}

/// How long was waited for limits of Google Cloud, and what would have taken longer than there was time; by call.
#[derive(Debug, Default)]
pub(super) struct Waits {
    waited: Mutex<BTreeMap<&'static str, Duration>>,
    given_up: Mutex<BTreeMap<&'static str, Duration>>,
}

impl Waits {
    /// One sentence for each call that was held up for a second or more, or given up.
    pub(super) fn notes(&self) -> Vec<String> {
        let waited = held(&self.waited);
        let long = waited.iter().filter(|(_, time)| time.as_secs() >= 1);
        let mut notes: Vec<String> =
            long.map(|(call, time)| format!("Google Cloud limits {call}: waited {} s for it", time.as_secs())).collect();
        notes.extend(held(&self.given_up).iter().map(|(call, time)| {
            format!(
                "Google Cloud limits {call} and would have had it wait {} s longer, for which there was no time: a longer --timeout waits",
                time.as_secs_f64().ceil()
            )
        }));
        notes
    }

    fn add(side: &Mutex<BTreeMap<&'static str, Duration>>, call: &'static str, wait: Duration) {
        *held(side).entry(call).or_default() += wait;
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// What the user is told of credentials that Google Cloud does not accept.
    pub(super) fn bad_credentials(&self, failure: &Failure) -> CollectError {
        self.source.bad(failure.said(&self.secrets))
    }

    /// Sends a call until it is answered, it is useless to go on, or there is no time left. Returns the text of the answer.
    pub(super) async fn send(&self, step: &Step, call: &Call) -> Result<String, Failure> {
        let mut attempt = 0;
        loop {
            let failure = match self.once(step, call).await {
                Ok(text) => return Ok(text),
                Err(failure) => failure,
            };
            let Some(wait) = failure.again(step, attempt).filter(|_| attempt + 1 < ATTEMPTS) else {
                return Err(failure);
            };
            let limited = failure.is_limited();
            // To wait for longer than there is time would only hide what the server said.
            if wait > LONGEST_WAIT || self.deadline.is_some_and(|deadline| Instant::now() + wait >= deadline) {
                if limited {
                    Waits::add(&self.waits.given_up, step.call, wait);
                }
                return Err(failure);
            }
            if limited {
                Waits::add(&self.waits.waited, step.call, wait);
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once(&self, step: &Step, call: &Call) -> Result<String, Failure> {
        let base = self.endpoint.clone().unwrap_or_else(|| host(step, call));
        let url = format!("{}{}", base.trim_end_matches('/'), call.path);
        let request = match &call.body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let mut headers = self.credentials.headers(&self.secrets).await?;
        if let Some(project) = self.billing_project.as_deref().and_then(|project| project.parse().ok()) {
            headers.insert("x-goog-user-project", project);
        }
        let response = request.query(&call.query).headers(headers).send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let text = body(response).await?;
        if status == 200 { Ok(text) } else { Err(Failure::of(status, &text, retry_after.map(Duration::from_secs))) }
    }
}

/// `https://eu-cloudresourcemanager.googleapis.com`
fn host(step: &Step, call: &Call) -> String {
    let location = call.location.as_ref().map(|location| format!("{location}-")).unwrap_or_default();
    format!("https://{location}{}.googleapis.com", step.host)
}

async fn body(mut response: reqwest::Response) -> Result<String, Failure> {
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(Failure::Malformed(format!("the answer is larger than {LARGEST} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Failure::Malformed("the answer is not UTF-8".into()))
}

/// The address may carry a token: it is left out.
fn broken(error: reqwest::Error) -> Failure {
    Failure::Connection(chain(&error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::{Call, host};
    use crate::collect::step::LIST_TAGS;

    #[test]
    fn a_token_goes_to_hosts_of_google_cloud_only() {
        let at = |location: &str| host(&LIST_TAGS, &Call::get("/v3/effectiveTags".into()).at(Some(location)));
        assert_eq!(at("EUROPE-WEST1"), "https://europe-west1-cloudresourcemanager.googleapis.com");
        for location in ["global", "", "evil.example/", "evil.example#", "a@evil.example", "eu\n"] {
            assert_eq!(at(location), "https://cloudresourcemanager.googleapis.com", "{location}");
        }
    }
}
