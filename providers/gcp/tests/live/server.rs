//! A server on loopback: answers by a rule, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) target: String,
    pub(crate) path: String,
    /// The value of `Authorization`.
    pub(crate) token: String,
    /// All headers, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// How many came before it.
    pub(crate) number: usize,
}

/// What is answered.
pub(crate) enum Answer {
    /// A status, a body, further headers.
    Whole(u16, String, String),
    /// Half of an answer, and then the connection is closed.
    Cut,
    /// Nothing, ever.
    Silence,
    /// JSON without an end, until the reader has had enough.
    Endless,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::Whole(status, body.into(), String::new())
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        if let Self::Whole(_, _, headers) = &mut self {
            *headers = format!("{header}\r\n");
        }
        self
    }
}

/// Google Cloud says no.
pub(crate) fn refused() -> Answer {
    let body = r#"{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com"}]}}"#;
    Answer::new(403, body)
}

type Rule = Box<dyn Fn(&Seen) -> Answer + Send + Sync>;

pub(crate) struct Server {
    url: String,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    seen: Mutex<Vec<Seen>>,
    rule: Rule,
    rounds: Option<Rounds>,
}

/// Answers in rounds: everything that was asked is answered at once, when for a while nothing more is asked. So many rounds as there
/// are, so long is the longest chain of calls of which each needs the answer of the one before.
#[derive(Default)]
struct Rounds {
    state: Mutex<(usize, usize, Option<Instant>)>,
    turned: Condvar,
}

/// For so long nothing more is asked before a round is answered.
const QUIET: Duration = Duration::from_millis(400);

impl Rounds {
    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        let round = state.0;
        state.1 += 1;
        state.2 = Some(Instant::now());
        while state.0 == round {
            state = self.turned.wait(state).unwrap();
        }
    }

    fn turn(&self) {
        let mut state = self.state.lock().unwrap();
        if state.1 > 0 && state.2.is_some_and(|last| last.elapsed() > QUIET) {
            *state = (state.0 + 1, 0, None);
            self.turned.notify_all();
        }
    }
}

impl Server {
    pub(crate) fn new(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(rule, None)
    }

    pub(crate) fn in_rounds(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let server = Self::start(rule, Some(Rounds::default()));
        let shared = Arc::clone(&server.shared);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(20));
                shared.rounds.as_ref().unwrap().turn();
            }
        });
        server
    }

    fn start(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static, rounds: Option<Rounds>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { seen: Mutex::default(), rule: Box::new(rule), rounds });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&kept);
                let _ = stream.set_nodelay(true);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, shared }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// What was asked, each once, in order of the alphabet.
    pub(crate) fn targets(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<String> = self.seen().into_iter().map(|seen| seen.target).collect();
        all.into_iter().collect()
    }

    pub(crate) fn rounds(&self) -> usize {
        self.shared.rounds.as_ref().unwrap().state.lock().unwrap().0
    }
}

/// Answers the requests of one connection until it is closed. Each answer is written at once: in pieces each would wait for the reader to
/// acknowledge the one before.
pub(crate) fn serve(stream: impl Read + Write, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let request = request(&mut reader, &shared.seen)?;
        if let Some(rounds) = &shared.rounds {
            rounds.wait();
        }
        let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}\r\n");
        let mut write = |text: String| reader.get_mut().write_all(text.as_bytes()).and_then(|()| reader.get_mut().flush()).ok();
        match (shared.rule)(&request) {
            Answer::Whole(status, body, more) => {
                write(format!("{}{body}", head(status, &format!("Content-Length: {}\r\n{more}", body.len()))))?;
            }
            Answer::Cut => {
                write(format!("{}{{\"etag\":", head(200, "Content-Length: 999\r\n")))?;
                return None;
            }
            Answer::Silence => {
                // Waits until the reader has had enough.
                let _ = reader.read_line(&mut String::new());
                return None;
            }
            Answer::Endless => {
                write(format!("{}1\r\n[\r\n", head(200, "Transfer-Encoding: chunked\r\n")))?;
                let piece = "0,".repeat(32 * 1024);
                loop {
                    write(format!("{:x}\r\n{piece}\r\n", piece.len()))?;
                }
            }
        }
    }
}

fn request(reader: &mut impl BufRead, seen: &Mutex<Vec<Seen>>) -> Option<Seen> {
    let (line, headers) = head(reader)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut body = vec![0; headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?];
    reader.read_exact(&mut body).ok()?;
    let path = target.split('?').next()?.to_owned();
    let token = headers.get("authorization").cloned().unwrap_or_default();
    let mut seen = seen.lock().unwrap();
    let request = Seen { method, target, path, token, headers, body: String::from_utf8(body).ok()?, number: seen.len() };
    seen.push(request.clone());
    Some(request)
}

/// The first line, and the headers.
pub(crate) fn head(reader: &mut impl BufRead) -> Option<(String, BTreeMap<String, String>)> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line)
    };
    let first = line()?;
    let mut headers = BTreeMap::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.trim().split_once(':') else { return Some((first, headers)) };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
