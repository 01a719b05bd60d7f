//! A server on loopback in place of Resource Manager and Microsoft Graph: it keeps what it saw, and treats each call as a test wants.

use super::tenant;
use iam_why_contract::collect::Options;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// No output may ever hold it.
pub(crate) const MARKED_TOKEN: &str = "marked.secret-token-of-the-test.signature";

/// One request as it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) authorization: String,
    pub(crate) host: String,
}

/// What a test wants in place of the tenant's answer.
#[derive(Debug, Clone)]
pub(crate) enum Treatment {
    Pass,
    Answer(u16, String),
    /// Status and a header line: the first time it is asked.
    Once(u16, &'static str),
    /// Says nothing.
    Silence,
    /// Breaks off in the middle of the answer.
    Cut,
    /// An answer of so many bytes.
    Huge(usize),
}

type Rule = Box<dyn Fn(&Seen) -> Treatment + Send + Sync>;

/// The server.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Calls that are answered together, once all of them are there: whoever needs an answer before it asks the rest waits for ever.
struct Waves {
    /// How many calls each wave has.
    sizes: Vec<usize>,
    arrived: Mutex<usize>,
    more: Condvar,
}

impl Waves {
    fn arrive(&self) {
        let mut arrived = self.arrived.lock().unwrap();
        *arrived += 1;
        let (mut until, own) = (0, *arrived);
        for size in &self.sizes {
            until += size;
            if own <= until {
                break;
            }
        }
        self.more.notify_all();
        while *arrived < until {
            arrived = self.more.wait(arrived).unwrap();
        }
    }
}

impl Server {
    pub(crate) fn new(rule: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) -> Self {
        Self::start(Box::new(rule), None)
    }

    /// Answers in waves of these sizes.
    pub(crate) fn in_waves(sizes: Vec<usize>) -> Self {
        Self::start(Box::new(|_| Treatment::Pass), Some(Waves { sizes, arrived: Mutex::new(0), more: Condvar::new() }))
    }

    fn start(rule: Rule, waves: Option<Waves>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, rule, waves) = (Arc::clone(&seen), Arc::new(rule), Arc::new(waves));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, rule, waves) = (Arc::clone(&kept), Arc::clone(&rule), Arc::clone(&waves));
                std::thread::spawn(move || serve(&stream, &kept, &rule, waves.as_ref().as_ref()));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn options(&self) -> Options {
        Options { concurrency: 64, ..Options::default() }.with("endpoint-url", self.url())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How often a path that ends so was called.
    pub(crate) fn calls(&self, end: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.ends_with(end)).count()
    }
}

fn serve(mut stream: &TcpStream, kept: &Mutex<Vec<Seen>>, rule: &Rule, waves: Option<&Waves>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    while let Some(seen) = read(&mut reader) {
        let before = {
            let mut all = kept.lock().unwrap();
            all.push(seen.clone());
            all.iter().filter(|other| other.path == seen.path).count()
        };
        if let Some(waves) = waves {
            waves.arrive();
        }
        let (status, header, body) = match rule(&seen) {
            Treatment::Pass => tenant::answer(&seen),
            Treatment::Answer(status, body) => (status, "", body),
            Treatment::Once(status, header) if before == 1 => (status, header, error("TooManyRequests", "later")),
            Treatment::Once(..) => tenant::answer(&seen),
            Treatment::Silence => {
                std::thread::sleep(Duration::from_secs(30));
                return;
            }
            Treatment::Cut => {
                let _ = stream.write_all(b"HTTP/1.1 200 Told\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"value\":");
                return;
            }
            Treatment::Huge(bytes) => (200, "", format!("{{\"value\": [], \"padding\": \"{}\"}}", "x".repeat(bytes))),
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
    let (mut length, mut authorization, mut host) = (0, String::new(), String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "host" => value.trim().clone_into(&mut host),
            "authorization" => authorization = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Seen { method, path: path.to_owned(), query: query.to_owned(), body, authorization, host })
}

pub(crate) fn error(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message}}).to_string()
}

/// What Resource Manager says where a right is missing.
pub(crate) fn refused() -> Treatment {
    Treatment::Answer(403, error("AuthorizationFailed", "no"))
}
