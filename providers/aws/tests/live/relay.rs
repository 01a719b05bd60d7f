//! Stands between the reader and a server: counts every request, and answers in the server's place where a test wants it to.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What the relay does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Treatment {
    /// Hands it on.
    Pass,
    /// Answers itself: status, content type, body.
    Answer(u16, &'static str, String),
    /// Refuses as AWS refuses who lacks a permission.
    Refuse,
    /// Refuses with this error code and status.
    Fail(u16, &'static str),
    /// Answers half, then cuts the connection.
    Cut,
    /// Never answers.
    Silence,
    /// Closes the connection without a word.
    Hangup,
    /// Sends headers, then a byte now and then.
    Dribble,
    /// Says that the bucket is in this region.
    Redirect(&'static str),
}

/// One request as it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
    /// `GetRole`, `HeadBucket`, …
    pub(crate) operation: String,
}

impl Seen {
    /// The access key that signed it, and the region that it was signed for.
    pub(crate) fn signed(&self) -> (&str, &str) {
        let scope = self.headers.get("authorization").and_then(|header| header.split("Credential=").nth(1)).unwrap_or_default();
        let mut parts = scope.split('/');
        (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default())
    }
}

type Rule = Box<dyn Fn(&Seen) -> Treatment + Send + Sync>;

struct Shared {
    upstream: Option<SocketAddr>,
    seen: Mutex<Vec<Seen>>,
    rule: Mutex<Rule>,
    delay: Mutex<Duration>,
    /// Answers that the server gave, by what was asked: with them the server's own time does not count.
    answers: Mutex<HashMap<(String, String, String), Vec<u8>>>,
    remembers: AtomicBool,
    closed: AtomicBool,
    lockstep: Mutex<Option<Lockstep>>,
    next_round: Condvar,
}

/// Answers are held back until nothing more is asked, then all are given at once: that is a round. How many rounds there are does not
/// depend on how fast anything is.
struct Lockstep {
    rounds: Vec<usize>,
    held: usize,
    last: Instant,
}

/// For how long nothing must be asked before a round is over.
const QUIET: Duration = Duration::from_millis(500);

/// The relay.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Relay {
    /// A relay before `upstream`; without one every request must be answered by the rule.
    pub(crate) fn new(upstream: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            upstream,
            seen: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Treatment::Pass)),
            delay: Mutex::new(Duration::ZERO),
            answers: Mutex::default(),
            remembers: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            lockstep: Mutex::default(),
            next_round: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.closed.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { shared, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests are treated so; what was seen before is forgotten.
    pub(crate) fn treat(&self, rule: impl Fn(&Seen) -> Treatment + Send + Sync + 'static) {
        *self.shared.rule.lock().unwrap() = Box::new(rule);
        self.shared.seen.lock().unwrap().clear();
    }

    /// Every answer comes this much later.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }

    /// Fails on any request that could change something.
    pub(crate) fn assert_only_reads(&self) {
        let allowed = ["Get", "List", "Describe", "Head", "AssumeRole", "Decode", "Simulate"];
        let seen = self.seen();
        assert!(seen.len() > 20, "a run sends something");
        for request in seen {
            let reads = allowed.iter().any(|verb| request.operation.starts_with(verb)) && request.operation != "AssumeRoot";
            assert!(reads, "{} {} {}", request.method, request.target, request.body);
            assert!(["GET", "HEAD", "POST"].contains(&request.method.as_str()), "{} {}", request.method, request.target);
        }
    }

    /// From now on answers are given round by round.
    pub(crate) fn lockstep(&self) {
        *self.shared.lockstep.lock().unwrap() = Some(Lockstep { rounds: Vec::new(), held: 0, last: Instant::now() });
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            while !shared.closed.load(Ordering::Relaxed) {
                std::thread::sleep(QUIET / 10);
                shared.end_round();
            }
        });
    }

    /// How many requests were answered in each round.
    pub(crate) fn rounds(&self) -> Vec<usize> {
        self.shared.lockstep.lock().unwrap().as_ref().map(|lockstep| lockstep.rounds.clone()).unwrap_or_default()
    }

    /// Answers are remembered and given again.
    pub(crate) fn remember(&self) {
        self.shared.remembers.store(true, Ordering::Relaxed);
    }

    /// Every request since the last rule was set.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The operations called, sorted.
    pub(crate) fn operations(&self) -> Vec<String> {
        let mut operations: Vec<String> = self.seen().into_iter().map(|seen| seen.operation).collect();
        operations.sort();
        operations
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is closed.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        while let Some(request) = read(&mut reader) {
            if !self.answer(request, &stream) {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Answers one request; `false` where the connection is of no more use.
    fn answer(&self, request: Seen, mut stream: &TcpStream) -> bool {
        let treatment = (self.rule.lock().unwrap())(&request);
        let delay = *self.delay.lock().unwrap();
        self.seen.lock().unwrap().push(request.clone());
        std::thread::sleep(delay);
        self.wait_for_round();
        let answer = match treatment {
            Treatment::Pass => self.upstream(&request),
            Treatment::Answer(status, kind, ref body) => response(status, kind, body),
            Treatment::Refuse => refusal(&request, 403, if is_json(&request) { "AccessDeniedException" } else { "AccessDenied" }),
            Treatment::Fail(status, code) => refusal(&request, status, code),
            Treatment::Cut => b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\ncontent-type: text/xml\r\n\r\n<Half".to_vec(),
            Treatment::Silence => {
                std::thread::sleep(Duration::from_secs(60));
                return false;
            }
            Treatment::Hangup => return false,
            Treatment::Dribble => return dribble(stream),
            Treatment::Redirect(region) => {
                format!("HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: {region}\r\ncontent-length: 0\r\n\r\n").into_bytes()
            }
        };
        stream.write_all(&answer).is_ok() && !matches!(treatment, Treatment::Cut)
    }

    /// In lockstep: waits until this round is over.
    fn wait_for_round(&self) {
        let mut lockstep = self.lockstep.lock().unwrap();
        let Some(state) = lockstep.as_mut() else { return };
        let round = state.rounds.len();
        state.held += 1;
        state.last = Instant::now();
        let waits = |lockstep: &mut Option<Lockstep>| lockstep.as_ref().is_some_and(|state| state.rounds.len() == round);
        drop(self.next_round.wait_while(lockstep, waits).unwrap());
    }

    fn end_round(&self) {
        let mut lockstep = self.lockstep.lock().unwrap();
        if let Some(state) = lockstep.as_mut().filter(|state| state.held > 0 && state.last.elapsed() >= QUIET) {
            let held = std::mem::take(&mut state.held);
            state.rounds.push(held);
            self.next_round.notify_all();
        }
    }

    fn upstream(&self, request: &Seen) -> Vec<u8> {
        let key = (
            request.method.clone(),
            request.target.clone(),
            format!("{}{}", request.headers.get("x-amz-target").cloned().unwrap_or_default(), request.body),
        );
        if let Some(known) = self.answers.lock().unwrap().get(&key) {
            return known.clone();
        }
        let answer = self.ask(request);
        if self.remembers.load(Ordering::Relaxed) {
            self.answers.lock().unwrap().insert(key, answer.clone());
        }
        answer
    }

    fn ask(&self, request: &Seen) -> Vec<u8> {
        let upstream = self.upstream.unwrap_or_else(|| panic!("nobody answers {} {}", request.method, request.target));
        let mut stream = TcpStream::connect(upstream).expect("the server is there");
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.target);
        for (name, value) in &request.headers {
            if name != "connection" {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        stream.write_all(format!("{head}\r\n{}", request.body).as_bytes()).expect("the request goes out");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        with_length(&answer, request.method == "HEAD")
    }
}

/// Keeps a connection busy for a minute without ever coming to an end.
fn dribble(mut stream: &TcpStream) -> bool {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 100000\r\n\r\n";
    let mut alive = stream.write_all(head).is_ok();
    for _ in 0..120 {
        std::thread::sleep(Duration::from_millis(500));
        alive = alive && stream.write_all(b" ").and_then(|()| stream.flush()).is_ok();
    }
    false
}

/// The answer with a length of its own, so that the connection can stay open.
fn with_length(answer: &[u8], head_only: bool) -> Vec<u8> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&answer[..end]);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(&answer[end..]) } else { answer[end..].to_vec() };
    let dropped = ["connection", "transfer-encoding"].into_iter().chain((!head_only).then_some("content-length"));
    let dropped: Vec<&str> = dropped.collect();
    let kept = head.trim_end().lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !dropped.contains(&name.as_str())
    });
    let mut whole = kept.collect::<Vec<_>>().join("\r\n");
    if !head_only {
        whole.push_str(&format!("\r\ncontent-length: {}", body.len()));
    }
    whole.push_str("\r\n\r\n");
    let mut whole = whole.into_bytes();
    whole.extend(body);
    whole
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&body[..end]).trim(), 16).expect("a chunk's size");
        whole.extend(&body[end + 2..end + 2 + size]);
        body = &body[(end + 4 + size).min(body.len())..];
        if size == 0 {
            break;
        }
    }
    whole
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let operation = operation(&method, &target, &headers, &body);
    Some(Seen { method, target, headers, body, operation })
}

/// The operation that a request calls, read from its wire form alone.
fn operation(method: &str, target: &str, headers: &HashMap<String, String>, body: &str) -> String {
    if let Some(target) = headers.get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return action.to_owned();
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    let path_parts = path.trim_start_matches('/').splitn(2, '/').filter(|part| !part.is_empty()).count();
    let s3 = [
        ("policy", "BucketPolicy"),
        ("policyStatus", "BucketPolicyStatus"),
        ("ownershipControls", "BucketOwnershipControls"),
        ("publicAccessBlock", "PublicAccessBlock"),
        ("encryption", "BucketEncryption"),
        ("requestPayment", "BucketRequestPayment"),
    ];
    let verb = match method {
        "GET" => "Get",
        "HEAD" => "Head",
        "PUT" => "Put",
        "DELETE" => "Delete",
        other => return format!("{other} {path}"),
    };
    if path.starts_with("/v20180820/") {
        return match (path.ends_with("/publicAccessBlock"), path.ends_with("/policy"), path.contains("/accesspoint/")) {
            (true, ..) => format!("{verb}AccountPublicAccessBlock"),
            (_, true, _) => format!("{verb}AccessPointPolicy"),
            (_, _, true) => format!("{verb}AccessPoint"),
            _ => "ListAccessPoints".into(),
        };
    }
    if path.contains("/functions") {
        return if path.ends_with("/policy") {
            format!("{verb}Policy")
        } else if path.ends_with("/url") {
            format!("{verb}FunctionUrlConfig")
        } else {
            "ListFunctions".into()
        };
    }
    if path.starts_with("/authorization-details/") {
        return format!("{verb}RequestAuthorizationDetails");
    }
    if let Some((_, name)) = s3.iter().find(|(query, _)| names.contains(query)) {
        return format!("{verb}{name}");
    }
    match (path_parts, names.contains(&"acl")) {
        (1, true) => format!("{verb}BucketAcl"),
        (_, true) => format!("{verb}ObjectAcl"),
        (0, _) if method == "GET" => "ListBuckets".into(),
        (1, _) => format!("{verb}Bucket"),
        _ => format!("{verb}Object"),
    }
}

fn is_json(request: &Seen) -> bool {
    request.headers.contains_key("x-amz-target")
        || request.target.contains("/functions/")
        || request.target.starts_with("/authorization-details/")
}

/// An error in the form that the request's protocol has.
fn refusal(request: &Seen, status: u16, code: &str) -> Vec<u8> {
    if request.method == "HEAD" {
        return response(status, "application/xml", "");
    }
    if is_json(request) {
        return response(status, "application/x-amz-json-1.1", &format!(r#"{{"__type":"{code}","message":"told so by the relay"}}"#));
    }
    let error = format!("<Error><Code>{code}</Code><Message>told so by the relay</Message></Error>");
    let query = request.body.contains("Action=");
    response(status, "text/xml", &if query { format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>") } else { error })
}

fn response(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
