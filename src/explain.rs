//! From the text of a refusal to what it says, and on to the statement that did it.
//!
//! The text may be anything that holds a refusal, of any length: it is read once, in bounded memory, with the wordings of all clouds and
//! of everything that stands in front of them.

use crate::{ask, providers};
use chrono::{DateTime, TimeDelta, Utc};
use iam_why_contract::refusal::{Catalogue, Dialect, Reason, Refusal, Scanner};
use iam_why_contract::{Context, Decision, Effect, Kind, Question, Snapshot, Truth, Verdict};
use std::io::{self, Read};
use std::sync::LazyLock;

/// How every cloud, and everything else, refuses.
#[must_use]
pub fn dialects() -> [&'static Dialect; 4] {
    [&iam_why_aws::refusal::DIALECT, &iam_why_azure::refusal::DIALECT, &iam_why_gcp::refusal::DIALECT, &iam_why_elsewhere::DIALECT]
}

/// The wordings of all dialects, compiled once.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&dialects()));
    &CATALOGUE
}

/// The refusals of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Each once, the first first.
    pub refusals: Vec<Refusal>,
    /// Were there more than are kept?
    pub more: bool,
}

/// The refusals that `text` holds, in the order they stand there; one that is told twice is there once.
#[must_use]
pub fn text(text: &str) -> Vec<Refusal> {
    catalogue().find(text)
}

/// How much is read at a time.
const PIECE: usize = 256 * 1024;

/// The refusals of a stream of any length and encoding; memory does not grow with it.
///
/// # Errors
/// Where the stream cannot be read.
pub fn stream(mut source: impl Read) -> io::Result<Found> {
    let mut reading = Reading::default();
    let mut piece = vec![0; PIECE];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(reading.finish()),
            Ok(length) => reading.push(piece.get(..length).unwrap_or(&[])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A stream that is read as it comes in.
pub struct Reading {
    scanner: Scanner<'static>,
    encoding: Option<Encoding>,
    /// Half a unit that waits for its other half.
    waiting: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// UTF-8 or something like it.
    Bytes,
    /// What PowerShell writes.
    Little,
    Big,
}

impl Default for Reading {
    fn default() -> Self {
        Self { scanner: Scanner::new(catalogue()), encoding: None, waiting: Vec::new() }
    }
}

impl Reading {
    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        match self.encoding {
            Some(Encoding::Bytes) => self.scanner.push(piece),
            Some(Encoding::Little) => self.wide(piece, u16::from_le_bytes),
            Some(Encoding::Big) => self.wide(piece, u16::from_be_bytes),
            None => self.begin(piece),
        }
    }

    /// The refusals of the whole stream.
    #[must_use]
    pub fn finish(mut self) -> Found {
        if self.encoding.is_none() {
            let waiting = std::mem::take(&mut self.waiting);
            self.scanner.push(&waiting);
        }
        let more = self.scanner.overflowed();
        Found { refusals: self.scanner.finish(), more }
    }

    /// A byte order mark says how the rest is written.
    fn begin(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        let encoding = match self.waiting.as_slice() {
            [] | [_] => return,
            [0xff, 0xfe, ..] => Encoding::Little,
            [0xfe, 0xff, ..] => Encoding::Big,
            _ => Encoding::Bytes,
        };
        self.encoding = Some(encoding);
        let waiting = std::mem::take(&mut self.waiting);
        self.push(if encoding == Encoding::Bytes { &waiting } else { waiting.get(2..).unwrap_or(&[]) });
    }

    fn wide(&mut self, piece: &[u8], unit: fn([u8; 2]) -> u16) {
        self.waiting.extend_from_slice(piece);
        let rest = self.waiting.len() % 2;
        let waiting = std::mem::take(&mut self.waiting);
        let (whole, half) = waiting.split_at(waiting.len() - rest);
        let units = whole.chunks_exact(2).map(|pair| unit([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
        let text: String = char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.scanner.push(text.as_bytes());
        self.waiting = half.to_vec();
    }
}

/// A refusal, and what the policies say of it.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The refusal.
    pub refusal: Refusal,
    /// The question it is, with what the text says of the request; `None` where the text does not hold one.
    pub question: Option<Question>,
    /// What the policies say, where there are any.
    pub answered: Option<Answered>,
    /// How message and policies contradict each other, where they do.
    pub contradiction: Option<String>,
    /// Whose credentials are at hand, where somebody looked.
    pub identity: Option<Identity>,
    /// How old the newest grant is, where policies let through what was refused and say when they were changed.
    pub freshness: Option<String>,
}

/// The identity that was refused beside the one whose credentials are at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who was refused, as far as the text or the cloud says.
    pub refused: Option<String>,
    /// Whose credentials are at hand; `None` where the cloud does not say.
    pub held: Option<String>,
    /// Are they the same? `None` where that is not known.
    pub same: Option<bool>,
}

impl Identity {
    /// Both in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let shown = |name: &Option<String>, unknown: &str| name.as_ref().map_or_else(|| unknown.to_owned(), |name| format!("`{name}`"));
        let (refused, held) = (shown(&self.refused, "not stated"), shown(&self.held, "not known"));
        let same = match self.same {
            Some(true) => "the same",
            Some(false) => "not the same: the request was made with other credentials than these",
            None => "whether they are the same is unknown",
        };
        format!("refused: {refused}; you hold: {held}; {same}")
    }
}

/// What the policies say.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What was read.
    pub snapshot: Snapshot,
    /// What follows from it.
    pub verdict: Verdict,
}

impl Explanation {
    /// The refusal with the question it is.
    #[must_use]
    pub fn of(refusal: Refusal) -> Self {
        Self { question: question(&refusal), refusal, answered: None, contradiction: None, identity: None, freshness: None }
    }

    /// Goes on to what `snapshot` says of it. Where the text holds no question that its cloud understands, it stays as it is.
    pub fn answer(&mut self, question: Question, snapshot: Snapshot) {
        let Ok(mut verdict) = ask(&question, &snapshot) else { return };
        self.contradiction = contradiction(&self.refusal, &verdict);
        if let Some(contradiction) = &self.contradiction {
            verdict.notes.insert(0, contradiction.clone());
        }
        self.freshness = freshness(&self.refusal, &question, &snapshot, &verdict);
        self.refusal.next.extend(self.freshness.clone());
        self.question = Some(question);
        self.answered = Some(Answered { snapshot, verdict });
    }

    /// Takes in what the cloud itself says of the refusal: it comes first, in place of the advice to ask for it.
    pub fn hear(&mut self, says: Vec<String>) {
        self.refusal.next.retain(|step| !ASKS.iter().any(|call| step.contains(call)));
        self.refusal.next.splice(0..0, says).for_each(drop);
    }

    /// Takes in whose credentials are at hand. The step that tells to look who one is becomes what was seen; it keeps its place, which is
    /// that of its likelihood.
    pub fn identify(&mut self, identity: Identity) {
        let sentence = identity.sentence();
        match self.refusal.next.iter_mut().find(|step| LOOKS.iter().any(|command| step.contains(command))) {
            Some(step) => *step = sentence,
            None => self.refusal.next.push(sentence),
        }
        self.identity = Some(identity);
    }

    /// Why it was refused: what the text says, else what the policies say.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let simulated = self.answered.as_ref().filter(|answered| answered.verdict.decision == Decision::Deny);
        match (self.refusal.reason, simulated.and_then(|answered| answered.verdict.kind)) {
            (Reason::Unknown, Some(Kind::ExplicitDeny)) => Reason::ExplicitDeny,
            (Reason::Unknown, Some(Kind::MissingGrant)) => Reason::MissingGrant,
            (told, _) => told,
        }
    }
}

/// Commands by which people look who they are.
const LOOKS: [&str; 3] = ["get-caller-identity", "az account show", "gcloud auth list"];

/// Calls by which people ask the cloud itself.
const ASKS: [&str; 2] = ["decode-authorization-message", "GetRequestAuthorizationDetails"];

/// How fresh a grant must be for its vendor's delay to matter.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// How old the newest of the grants is that let through what was refused; `None` where nothing does, or where documents do not say.
fn freshness(refusal: &Refusal, question: &Question, snapshot: &Snapshot, verdict: &Verdict) -> Option<String> {
    let provider = providers::named(&question.provider)?;
    if verdict.decision != Decision::Allow {
        return None;
    }
    let grants = verdict.parts.iter().flat_map(|part| &part.trace.steps).flat_map(|step| &step.statements);
    let grants = grants.filter(|statement| statement.effect == Effect::Allow && statement.applies == Truth::Yes);
    let places = grants.flat_map(|grant| std::iter::once(&grant.place).chain(grant.tests.iter().map(|test| &test.place)));
    let changed = places.filter_map(|place| Some((moment(&provider.changed(place, snapshot)?)?, place)));
    let (changed, place) = changed.max_by_key(|(changed, _)| *changed)?;
    let title = snapshot.documents().iter().find(|document| *document.id == *place.document).map_or("", |document| &document.title);
    let mut says = format!("the newest grant that lets it through, `{title}`, was changed at {}", written(changed));
    let read = snapshot.taken_at.as_deref().and_then(moment);
    if let Some(age) = read.map(|read| read - changed).filter(|age| *age >= TimeDelta::zero()) {
        says.push_str(&format!(", {} before it was read", words(age)));
        if let Some(delay) = provider.delay().filter(|_| age < FRESH) {
            says.push_str(&format!("; {delay}"));
        }
    }
    let asked = ["aws:CurrentTime", "now", "request.time"].iter().find_map(|key| moment(refusal.context.get(*key)?));
    if asked.is_some_and(|asked| asked < changed) {
        says.push_str("; the request was refused before that");
    }
    Some(says)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}

fn written(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn words(age: TimeDelta) -> String {
    let counted = |count: i64, unit: &str| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (0, 0, 0) => counted(age.num_seconds(), "second"),
        (0, 0, minutes) => counted(minutes, "minute"),
        (0, hours, _) => counted(hours, "hour"),
        (days, ..) => counted(days, "day"),
    }
}

/// The question that a refusal is: whoever and whatever it names, with the facts it carries.
#[must_use]
pub fn question(refusal: &Refusal) -> Option<Question> {
    let provider = providers::named(&refusal.provider)?;
    if refusal.reason == Reason::NotAuthorization {
        return None;
    }
    let question = Question {
        provider: refusal.provider.clone(),
        principal: principal(refusal)?,
        action: refusal.action.clone()?,
        resource: refusal.resource.clone(),
        context: context(refusal),
    };
    provider.claims(&question).then_some(question)
}

/// The question as the cloud itself tells it, with what only the text says of it; `None` where neither holds one that its cloud
/// understands.
#[must_use]
pub fn settled(told: Question, read: Option<Question>) -> Option<Question> {
    let mut question = told;
    if let Some(read) = read {
        let given = |told: String, read: String| if told.is_empty() { read } else { told };
        question.principal = given(question.principal, read.principal);
        question.action = given(question.action, read.action);
        question.resource = question.resource.or(read.resource);
        for (key, values) in read.context.entries {
            question.context.entries.entry(key).or_insert(values);
        }
    }
    let whole = !question.principal.is_empty() && !question.action.is_empty();
    (whole && providers::named(&question.provider)?.claims(&question)).then_some(question)
}

/// The caller as its cloud spells it: Google Cloud prints an address where its policies name a type as well.
fn principal(refusal: &Refusal) -> Option<String> {
    let named = refusal.principal.as_deref()?;
    // What Cloud Storage calls who sent no credentials.
    if refusal.provider == "gcp" && named.eq_ignore_ascii_case("Anonymous caller") {
        return Some("anonymous".to_owned());
    }
    // An account is not who called, only whose it was.
    if refusal.provider == "aws" && named.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let address = refusal.provider == "gcp" && named.contains('@') && !named.contains(':');
    if !address {
        return Some(named.to_owned());
    }
    let kind = if named.ends_with(".gserviceaccount.com") { "serviceAccount" } else { "user" };
    Some(format!("{kind}:{named}"))
}

/// What the text says of the request, by the names of the cloud's own keys; what is there for the next steps only has other names.
fn context(refusal: &Refusal) -> Context {
    const BEGINNINGS: [&str; 3] = ["request.", "destination.", "source."];
    const NAMES: [&str; 6] = ["clientIp", "now", "tenant", "appId", "auth", "objectId"];
    let is_fact = |key: &str| key.contains(':') || NAMES.contains(&key) || BEGINNINGS.iter().any(|start| key.starts_with(start));
    let facts = refusal.context.iter().filter(|(key, _)| is_fact(key));
    facts.fold(Context::default(), |context, (key, value)| match key.as_str() {
        "request.auth.access_levels" => context.with(key, value.split('\n').map(str::to_owned)),
        _ => context.with(key, [value.clone()]),
    })
}

/// How the message and the policies contradict each other; `None` where they do not, or where it is not known.
#[must_use]
pub fn contradiction(refusal: &Refusal, verdict: &Verdict) -> Option<String> {
    let told = match refusal.reason {
        Reason::ExplicitDeny => Kind::ExplicitDeny,
        Reason::MissingGrant => Kind::MissingGrant,
        Reason::NotAuthorization | Reason::Unknown => return None,
    };
    let layers = blamed(refusal);
    let blames = blames(refusal, told, &layers);
    match verdict.decision {
        Decision::Undetermined => None,
        Decision::Allow => Some(format!(
            "the message contradicts the policies: it says that {blames}, and every policy read lets the request through; they have changed since, or the request had other facts than the message says, or another account's policies were read"
        )),
        // The message names the missing permission and not what withholds it.
        Decision::Deny if told == Kind::MissingGrant && !providers::named(&refusal.provider)?.tells_denies_apart() => None,
        Decision::Deny => {
            let agrees =
                |finding: &&iam_why_contract::Finding| finding.kind == told && (layers.is_empty() || layers.contains(&finding.layer));
            if verdict.findings.iter().any(|finding| agrees(&finding)) {
                return None;
            }
            let does = if told == Kind::ExplicitDeny { "denies it" } else { "is silent on it" };
            Some(format!(
                "the message contradicts the policies: it says that {blames}, and none of those read {does}; the request is refused for another reason"
            ))
        }
    }
}

/// The layers that the message blames, by the ids of its cloud; empty where it blames none that is simulated.
fn blamed(refusal: &Refusal) -> Vec<&'static str> {
    let named = [refusal.policy_kind.as_deref(), Some(refusal.refused_by.as_str())];
    let Some(provider) = providers::named(&refusal.provider) else { return Vec::new() };
    let known = |layer: &&iam_why_contract::Layer| named.contains(&Some(layer.id));
    let mut layers: Vec<&'static str> = provider.layers().iter().filter(known).map(|layer| layer.id).collect();
    // A trust policy is a resource-based policy, and the message calls it so.
    if refusal.refused_by == "sts_trust" || layers.contains(&"resource") {
        layers.extend(provider.layers().iter().map(|layer| layer.id).filter(|id| *id == "trust"));
    }
    layers
}

fn blames(refusal: &Refusal, told: Kind, layers: &[&'static str]) -> String {
    let title = |id: &&'static str| {
        let layers = providers::named(&refusal.provider).map(iam_why_contract::Provider::layers).unwrap_or_default();
        layers.iter().find(|layer| layer.id == *id).map(|layer| layer.title)
    };
    let who = layers.first().and_then(title);
    match (told, who) {
        (Kind::ExplicitDeny, Some(who)) => format!("a deny of the layer \"{who}\" refused it"),
        (Kind::ExplicitDeny, None) => "something denies it explicitly".to_owned(),
        (Kind::MissingGrant, Some(who)) => format!("the layer \"{who}\" does not allow it"),
        (Kind::MissingGrant, None) => "nothing allows it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Scanner, catalogue, dialects, stream};
    use std::collections::BTreeSet;

    #[test]
    fn every_form_of_every_dialect_is_read_as_itself_beside_all_others() {
        for dialect in dialects() {
            assert_eq!(catalogue().misread(dialect), Vec::<String>::new());
        }
        let names: BTreeSet<_> = dialects().iter().flat_map(|dialect| dialect.forms).map(|form| (form.provider, form.name)).collect();
        assert_eq!(names.len(), dialects().iter().map(|dialect| dialect.forms.len()).sum::<usize>());
    }

    #[test]
    fn in_a_long_text_no_wording_is_passed_over() {
        let scanner = Scanner::new(catalogue());
        let deciding = dialects().into_iter().flat_map(|dialect| dialect.forms).filter(|form| form.decides());
        let lost: Vec<&str> = deciding.map(|form| form.example).filter(|example| !scanner.is_telling(example)).collect();
        assert_eq!(lost, Vec::<&str>::new());
    }

    #[test]
    fn a_long_stream_yields_what_its_parts_do_and_where() {
        let filler = "2026-11-26 ok GET /healthz 200 12ms\n".repeat(20_000);
        let wrapped = "│ User: arn:aws:iam::444455556666:user/a is not\n│ authorized to perform:\n│ s3:GetObject with an explicit deny in a service control policy\n";
        let audit = "{\"protoPayload\":{\"status\":{\"code\":7},\"serviceName\":\"run.googleapis.com\",\"methodName\":\"x\",\"authorizationInfo\":[{\"permission\":\"run.services.get\"}]}}\n";
        let found = stream([&filler, wrapped, &filler, audit, &filler].concat().as_bytes()).unwrap().refusals;
        let told: Vec<_> = found.iter().map(|refusal| (refusal.refused_by.as_str(), refusal.action.as_deref(), refusal.line)).collect();
        assert_eq!(told, [("organizations", Some("s3:GetObject"), 20_003), ("iam", Some("run.services.get"), 40_004)]);
    }

    /// Every wording six times beside others: as it is, wrapped behind a gutter, as a record of one line.
    fn all_wordings() -> String {
        let forms = dialects().into_iter().flat_map(|dialect| dialect.forms);
        // A record whose end is missing goes as far as it is read.
        let ends = |text: &&str| ['{', '['].map(|side| text.matches(side).count()) == ['}', ']'].map(|side| text.matches(side).count());
        let examples: Vec<&str> = forms.map(|form| form.example).filter(ends).collect();
        let wrapped = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            words.chunks(5).map(|line| format!("│ {}\n", line.join(" "))).collect::<String>()
        };
        let plain = "2026-11-26T10:00:00Z INFO GET /healthz 200 12ms\n";
        let mut log = String::new();
        for round in 0..6 {
            // Coprime with the number of examples, so that each comes once and beside another one than before.
            for at in 0..examples.len() {
                let example = examples[(at * 1009 + round * 31) % examples.len()];
                match (at + round) % 4 {
                    0 => log.push_str(&wrapped(example)),
                    1 => log.push_str(&serde_json::json!({"time": at, "log": example}).to_string()),
                    _ => log.push_str(example),
                }
                log.push('\n');
                log.push_str(&plain.repeat(at % 3 * 20));
            }
        }
        log
    }

    #[test]
    fn a_stream_that_is_cut_yields_what_the_whole_does() {
        let log = all_wordings();
        let whole = catalogue().find(&log);
        for (block, threads) in [(16 * 1024, 3), (20_000, 2), (100_000, 1)] {
            let mut scanner = Scanner::cut(catalogue(), block, threads);
            log.as_bytes().chunks(4099).for_each(|piece| scanner.push(piece));
            assert!(!scanner.overflowed());
            assert_eq!(scanner.finish(), whole);
        }
    }

    #[test]
    fn what_powershell_writes_is_read() {
        let text = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied\r\n";
        let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let mut reading = Reading::default();
        bytes.chunks(3).for_each(|piece| reading.push(piece));
        let found = reading.finish().refusals;
        assert_eq!(found.first().map(|refusal| refusal.refused_by.as_str()), Some("s3"));
    }
}
