//! A small tenant on loopback: one subscription below two management groups, an application that may read blobs through a group.

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::{Duration as Span, OffsetDateTime};
use iam_why_azure::Azure;
use iam_why_azure::collect::AzureReader;
use iam_why_contract::collect::{Collect, CollectError, Collected, Options, Quiet};
use iam_why_contract::{Outcome, Provider, Question, Snapshot, Verdict};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const APP_OBJECT: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const APP_ID: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const GROUP: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const ROLE: &str = "/providers/Microsoft.Authorization/roleDefinitions/55555555-5555-5555-5555-555555555555";
/// No output may ever hold it.
pub(crate) const MARKED_TOKEN: &str = "marked.secret-token-of-the-test.signature";
pub(crate) const ACTION: &str = "Microsoft.Compute/virtualMachines/read";

/// One request as it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: String,
}

/// What a test wants in place of the tenant's answer.
#[derive(Debug, Clone)]
pub(crate) enum Treatment {
    Pass,
    Answer(u16, String),
    /// Status, a header line, a body: the first time it is asked.
    Once(u16, &'static str),
    Silence,
}

type Rule = Box<dyn Fn(&Seen) -> Treatment + Send + Sync>;

/// The server.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn new(rule: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, rule): (_, Arc<Rule>) = (Arc::clone(&seen), Arc::new(Box::new(rule)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, rule) = (Arc::clone(&kept), Arc::clone(&rule));
                std::thread::spawn(move || serve(&stream, &kept, &rule));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn options(&self) -> Options {
        Options::default().with("endpoint-url", format!("http://{}", self.address))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, kept: &Mutex<Vec<Seen>>, rule: &Rule) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    while let Some(seen) = read(&mut reader) {
        let before = {
            let mut all = kept.lock().unwrap();
            all.push(seen.clone());
            all.iter().filter(|other| other.path == seen.path).count()
        };
        let (status, header, body) = match rule(&seen) {
            Treatment::Pass => tenant(&seen),
            Treatment::Answer(status, body) => (status, "", body),
            Treatment::Once(status, header) if before == 1 => (status, header, error("TooManyRequests", "later")),
            Treatment::Once(..) => tenant(&seen),
            Treatment::Silence => {
                std::thread::sleep(Duration::from_secs(30));
                return;
            }
        };
        let head = format!("HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => authorization = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Seen { method, path: path.to_owned(), query: query.to_owned(), authorization })
}

pub(crate) fn error(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message}}).to_string()
}

/// What the tenant answers.
fn tenant(seen: &Seen) -> (u16, &'static str, String) {
    let list = |items: Value| (200, "", json!({"value": items}).to_string());
    let own = format!("/subscriptions/{SUBSCRIPTION}");
    let Some(rest) = seen.path.strip_prefix(&own) else { return outside(seen) };
    match rest {
        "" => (
            200,
            "",
            json!({"id": own, "subscriptionId": SUBSCRIPTION, "state": "Enabled", "tenantId": "t", "managedByTenants": []}).to_string(),
        ),
        "/providers/Microsoft.Authorization/roleAssignments" => list(json!([{
            "id": format!("{own}/providers/Microsoft.Authorization/roleAssignments/a1"), "name": "a1",
            "properties": {"roleDefinitionId": ROLE, "principalId": GROUP, "principalType": "Group", "scope": own, "condition": null, "conditionVersion": null},
        }])),
        "/providers/Microsoft.Compute" => {
            (200, "", json!({"namespace": "Microsoft.Compute", "registrationState": "Registered"}).to_string())
        }
        other if other.starts_with("/providers/Microsoft.") && other.matches('/').count() == 3 => list(json!([])),
        _ => (404, "", error("ResourceNotFound", "there is none")),
    }
}

fn outside(seen: &Seen) -> (u16, &'static str, String) {
    let application =
        json!({"@odata.type": "#microsoft.graph.servicePrincipal", "id": APP_OBJECT, "appId": APP_ID, "displayName": "reports"});
    let body = match seen.path.as_str() {
        ROLE => {
            json!({"id": ROLE, "name": "5", "properties": {"roleName": "Machine reader", "type": "BuiltInRole", "assignableScopes": ["/"],
            "permissions": [{"actions": ["Microsoft.Compute/*/read"], "notActions": [], "dataActions": [], "notDataActions": []}]}})
        }
        "/providers/Microsoft.ResourceGraph/resources" => json!({"data": [{"subscriptionId": SUBSCRIPTION, "managedGroups": 0,
            "managementGroupAncestorsChain": [{"name": "unit"}, {"name": "root"}]}]}),
        path if path == format!("/v1.0/directoryObjects/{APP_OBJECT}") => application,
        path if path == format!("/v1.0/directoryObjects/{APP_OBJECT}/transitiveMemberOf") => json!({"value": [{"id": GROUP}]}),
        path if path == format!("/v1.0/groups/{GROUP}/transitiveMembers") => json!({"value": [application]}),
        path if path.starts_with("/v1.0/servicePrincipals(appId=") => application,
        "/v1.0/users" | "/v1.0/groups" => json!({"value": []}),
        "/v1.0/servicePrincipals" => json!({"value": [application]}),
        _ => return (404, "", error("Request_ResourceNotFound", "there is none")),
    };
    (200, "", body.to_string())
}

/// A credential that always gives the marked token.
#[derive(Debug)]
struct Marked;

#[async_trait::async_trait]
impl TokenCredential for Marked {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(MARKED_TOKEN, OffsetDateTime::now_utc() + Span::hours(1)))
    }
}

pub(crate) fn reader() -> AzureReader {
    AzureReader::with(Arc::new(Marked))
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// `principal` reading a virtual machine.
pub(crate) fn question(principal: &str) -> Question {
    let machine = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm");
    Question {
        provider: "azure".into(),
        principal: principal.into(),
        action: ACTION.into(),
        resource: Some(machine),
        context: iam_why_contract::Context::default(),
    }
}

pub(crate) fn ask(server: &Server, principal: &str) -> Result<Collected, CollectError> {
    runtime().block_on(reader().question(&question(principal), &server.options(), &Quiet))
}

pub(crate) fn verdict(read: &Collected) -> Verdict {
    Azure.simulate(&read.question, &read.snapshot).unwrap()
}

/// What became of looking for a kind, of whatever subject.
pub(crate) fn outcomes<'s>(snapshot: &'s Snapshot, kind: &str) -> Vec<&'s Outcome> {
    snapshot.searches().iter().filter(|search| &*search.kind == kind).map(|search| &search.outcome).collect()
}
