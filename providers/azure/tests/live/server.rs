//! The reader on the server that stands in for Azure: with which credentials, and what comes back.

pub(crate) use crate::fake::{MARKED_TOKEN, Seen, Server, Treatment, error, refused};
pub(crate) use crate::tenant::asking;

use crate::tenant;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::{Duration as Span, OffsetDateTime};
use iam_why_azure::Azure;
use iam_why_azure::collect::AzureReader;
use iam_why_contract::collect::{Collect, CollectError, Collected, Quiet};
use iam_why_contract::{Outcome, Provider, Question, Snapshot, Verdict};
use std::sync::Arc;

/// A credential that always gives the same token.
#[derive(Debug)]
struct Marked(String);

#[async_trait::async_trait]
impl TokenCredential for Marked {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(self.0.clone(), OffsetDateTime::now_utc() + Span::hours(1)))
    }
}

/// A credential that Entra ID refuses, as the SDK reports it.
#[derive(Debug)]
struct Refused(&'static str);

#[async_trait::async_trait]
impl TokenCredential for Refused {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, self.0))
    }
}

pub(crate) fn reader() -> AzureReader {
    AzureReader::with(Arc::new(Marked(MARKED_TOKEN.into())))
}

/// With a token that has these claims.
pub(crate) fn reader_as(claims: &serde_json::Value) -> AzureReader {
    let claims = azure_core::base64::encode_url_safe(claims.to_string());
    AzureReader::with(Arc::new(Marked(format!("marked.{}.signature", claims.trim_end_matches('=')))))
}

/// With credentials that Entra ID refuses in these words.
pub(crate) fn reader_refused(said: &'static str) -> AzureReader {
    AzureReader::with(Arc::new(Refused(said)))
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// `principal` reading a virtual machine.
pub(crate) fn question(principal: &str) -> Question {
    asking(principal, "Microsoft.Compute/virtualMachines/read", &tenant::machine())
}

pub(crate) fn ask(server: &Server, principal: &str) -> Result<Collected, CollectError> {
    live(server, &question(principal))
}

pub(crate) fn live(server: &Server, question: &Question) -> Result<Collected, CollectError> {
    runtime().block_on(reader().question(question, &server.options(), &Quiet))
}

pub(crate) fn verdict(read: &Collected) -> Verdict {
    Azure.simulate(&read.question, &read.snapshot).unwrap()
}

/// What became of looking for a kind, of whatever subject.
pub(crate) fn outcomes<'s>(snapshot: &'s Snapshot, kind: &str) -> Vec<&'s Outcome> {
    snapshot.searches().iter().filter(|search| &*search.kind == kind).map(|search| &search.outcome).collect()
}
