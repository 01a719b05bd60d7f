//! A server on loopback: answers by a rule, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) target: String,
    pub(crate) path: String,
    /// The value of `Authorization`.
    pub(crate) headers: String,
    /// How many came before it.
    pub(crate) number: usize,
}

/// What is answered; `None` where nothing ever is.
pub(crate) struct Answer(Option<(u16, String, String)>);

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self(Some((status, body.into(), String::new())))
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn silence() -> Self {
        Self(None)
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        if let Some((_, _, headers)) = &mut self.0 {
            *headers = format!("{header}\r\n");
        }
        self
    }
}

type Rule = Box<dyn Fn(&Seen) -> Answer + Send + Sync>;

pub(crate) struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn new(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (kept, rule): (_, Arc<Rule>) = (Arc::clone(&seen), Arc::new(Box::new(rule)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, rule) = (Arc::clone(&kept), Arc::clone(&rule));
                std::thread::spawn(move || serve(stream, &seen, &rule));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection until it is closed.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Seen>>, rule: &Rule) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (mut length, mut headers) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "authorization" => headers = value.trim().to_owned(),
                _ => {}
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let path = target.split('?').next()?.to_owned();
        let request = {
            let mut seen = seen.lock().unwrap();
            let number = seen.len();
            seen.push(Seen { method, target, path, headers, number });
            seen[number].clone()
        };
        let Some((status, body, more)) = rule(&request).0 else {
            // Waits until the reader has had enough.
            let _ = reader.read_line(&mut String::new());
            return None;
        };
        let length = body.len();
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}").ok()?;
    }
}

/// Project 300 in folder 8 of organization 77; the group readers may read objects by a grant on the folder, and ana is one of it.
pub(crate) fn company(seen: &Seen) -> Answer {
    let ana = seen.target.contains("ana%40example.com") || seen.target.contains("ana@example.com");
    let body = match seen.path.as_str() {
        "/tokeninfo" => r#"{"email": "ana@example.com", "scope": "https://www.googleapis.com/auth/cloud-platform"}"#,
        "/v3/projects/300" => r#"{"name": "projects/300", "projectId": "acme", "parent": "folders/8", "state": "ACTIVE"}"#,
        "/v3/folders/8" => r#"{"name": "folders/8", "parent": "organizations/77", "displayName": "data"}"#,
        "/v3/organizations/77" => r#"{"name": "organizations/77", "displayName": "example.com", "directoryCustomerId": "C077"}"#,
        "/v3/folders/8:getIamPolicy" => {
            r#"{"version": 1, "etag": "BwX", "bindings": [{"role": "roles/storage.objectViewer", "members": ["group:readers@example.com"]}]}"#
        }
        "/v3/projects/300:getIamPolicy" | "/v3/organizations/77:getIamPolicy" | "/storage/v1/b/reports/iam" => r#"{"etag": "ACAB"}"#,
        "/v1/roles/storage.objectViewer" => {
            r#"{"name": "roles/storage.objectViewer", "stage": "GA", "includedPermissions": ["storage.objects.get", "storage.objects.list"]}"#
        }
        "/v1/groups/-/memberships:searchTransitiveGroups" if ana => {
            r#"{"memberships": [{"group": "groups/1", "groupKey": {"id": "readers@example.com"}, "relationType": "DIRECT"}]}"#
        }
        "/storage/v1/b" => r#"{"items": [{"name": "reports", "projectNumber": "300"}]}"#,
        "/storage/v1/b/reports" => {
            r#"{"name": "reports", "projectNumber": "300", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}, "publicAccessPrevention": "inherited"}}"#
        }
        "/v1/projects/300/services/storage.googleapis.com" => {
            r#"{"name": "projects/300/services/storage.googleapis.com", "state": "ENABLED"}"#
        }
        "/v3/iam:troubleshoot" => {
            r#"{"overallAccessState": "CANNOT_ACCESS", "allowPolicyExplanation": {"allowAccessState": "ALLOW_ACCESS_STATE_NOT_GRANTED"},
                "denyPolicyExplanation": {"denyAccessState": "DENY_ACCESS_STATE_NOT_DENIED"}}"#
        }
        path if is_list(path) => "{}",
        _ => return Answer::new(404, r#"{"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}"#),
    };
    Answer::json(body)
}

/// Lists that are empty here.
fn is_list(path: &str) -> bool {
    let ends = [
        "/denypolicies",
        ":searchTargetPolicyBindings",
        ":searchTransitiveGroups",
        "/managedFolders",
        "/accessPolicies",
        "/policies",
        "/serviceAccounts",
    ];
    ends.iter().any(|end| path.ends_with(end))
}
