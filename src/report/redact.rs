//! Pseudonyms in the place of identifiers: the same identifier is the same pseudonym throughout one run.
//!
//! What identifies somebody is told by its shape (an account number, a GUID, an address) or by where it stands in a name (what is not
//! the word for a kind of thing in a resource name or a path). Names learned in one place are replaced wherever they stand alone, in
//! sentences and excerpts too. Words of a policy language, actions, regions, condition keys and the vendors' own policies stay.

use super::{Answer, v1};
use iam_why_contract::refusal::Refusal;
use regex_lite::{Captures, Regex};
use serde_json::Value;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Puts pseudonyms in the place of identifiers.
#[derive(Debug, Default)]
pub struct Redactor {
    known: Mutex<Known>,
}

/// What was given to whom.
#[derive(Debug, Default)]
struct Known {
    pseudonyms: HashMap<String, String>,
    counts: HashMap<Shape, usize>,
    /// Names to be replaced wherever they stand alone, by the word they begin with, the longest first.
    names: HashMap<String, Vec<String>>,
}

/// How an identifier, and so its pseudonym, looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Account,
    Guid,
    Email,
    Ipv4,
    Ipv6,
    Key,
    Coded,
    Name,
}

/// Where identifiers stand. One alternative a group, the first that fits wins.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"\barn:[\w-]*:[\w-]*:[\w-]*:[\w-]*:[^\s\x22',;<>()\[\]{}`]+",
        r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+",
        r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
        r"(?:/[^\s\x22',;<>()\[\]{}`/]+){2,}|//[^\s\x22',;<>()\[\]{}`]+|\b(?:projects|folders|organizations|buckets|tagKeys|tagValues)/[^\s\x22',;<>()\[\]{}`]+",
        r"\b[0-9]{12}\b",
        r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b",
        r"\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7}\b",
        r"\bA[A-Z0-9]{19,20}\b",
        r"\b(?:o|ou|p|r|[a-z]{1,8})-(?:[a-z0-9]{4,32}-)?[a-z0-9]{8,32}\b",
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// Words that name kinds of things, not things, where they stand in a path.
const KINDS: &[&str] = &[
    "accessLevels",
    "accessPolicies",
    "apps",
    "blobServices",
    "buckets",
    "cluster",
    "compute",
    "containers",
    "datasets",
    "default",
    "denypolicies",
    "disks",
    "folders",
    "functions",
    "global",
    "group",
    "groups",
    "instance",
    "instances",
    "key",
    "keyRings",
    "keys",
    "locations",
    "managementGroups",
    "namespaces",
    "networks",
    "objects",
    "organizations",
    "policies",
    "policy",
    "projects",
    "providers",
    "pods",
    "regions",
    "repositories",
    "resourceGroups",
    "role",
    "roleAssignments",
    "roleDefinitions",
    "roles",
    "secret",
    "secrets",
    "serviceAccounts",
    "services",
    "subnetworks",
    "subscriptions",
    "table",
    "tables",
    "tagKeys",
    "tagValues",
    "topics",
    "user",
    "users",
    "versions",
    "vaults",
    "virtualMachines",
    "workspaces",
    "zones",
    "_",
    "-",
];

/// Behind these words everything is a name, however it is cut into segments.
const OPEN: &[&str] = &["objects", "blobs", "files"];

/// Words that systems put before and between names.
const COMMON: &[&str] = &[
    "system",
    "serviceaccount",
    "serviceaccounts",
    "cluster",
    "scope",
    "namespace",
    "http-origin",
    "http",
    "https",
    "null",
    "none",
    "anonymous",
    "unauthenticated",
    "repository",
    "pull",
    "push",
    "the",
    "and",
    "reason",
    "present",
    "default",
    "refs",
    "heads",
    "github.com",
    "api",
];

impl Redactor {
    /// Learns the names that stand in a question, its answer and the documents it rests on.
    pub fn learn(&self, answer: &Answer<'_>) {
        let question = answer.question;
        for word in [Some(&question.principal), question.resource.as_ref()].into_iter().flatten() {
            let _ = self.text(word);
            self.bare(word);
        }
        for document in answer.snapshot.documents() {
            let _ = self.text(&document.subject);
            self.bare(&document.subject);
        }
    }

    /// Learns one name.
    pub fn learn_name(&self, name: &str) {
        let _ = self.text(name);
        self.bare(name);
    }

    /// Learns the names that stand in a refusal, whatever system spelled them.
    pub fn learn_refusal(&self, refusal: &Refusal) {
        let words = [refusal.principal.as_ref(), refusal.resource.as_ref(), refusal.policy.as_ref()];
        for word in words.into_iter().flatten().chain(refusal.context.values()) {
            let _ = self.text(word);
            let structured = word.starts_with("arn:") || word.contains("/providers/") || word.contains('@');
            if !structured {
                let cut = |character: char| {
                    matches!(character, ':' | '/' | ' ' | ',' | '[' | ']' | '?' | '=' | '&' | '"' | '\'' | ';' | '(' | ')')
                };
                word.split(cut).filter(|name| !COMMON.contains(name)).for_each(|name| self.bare(name));
            }
        }
    }

    /// The report with pseudonyms.
    #[must_use]
    pub fn report(&self, report: v1::Report) -> v1::Report {
        let redacted = serde_json::to_value(&report).ok().and_then(|value| serde_json::from_value(self.value(value)).ok());
        // A report is made of plain strings, lists and tables, so what was written can be read again; if not, nothing is shown.
        redacted.unwrap_or_else(|| v1::Report::nothing(&report))
    }

    /// A JSON value with pseudonyms in every string and key.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(members) => members.into_iter().map(|(key, value)| (self.text(&key), self.value(value))).collect(),
            other => other,
        }
    }

    /// A text with pseudonyms.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut known = self.known();
        // What one shape has replaced must not be taken for another: pieces that are done stand apart.
        let mut pieces = vec![(text.to_owned(), false)];
        for (at, shape) in SHAPES.iter().enumerate() {
            pieces = pieces
                .into_iter()
                .flat_map(|(piece, done)| if done { vec![(piece, true)] } else { known.split(&piece, shape, at) })
                .collect();
        }
        pieces.into_iter().map(|(piece, done)| if done { piece } else { known.bare_names(&piece) }).collect()
    }

    /// Learns a name that stands alone: what a document belongs to where that is no path and no resource name.
    fn bare(&self, word: &str) {
        let plain = !word.contains([':', '/', '@', ' ', '*']) && word.len() > 2;
        let coded = SHAPES.iter().any(|shape| shape.is_match(word));
        if plain && !coded {
            self.known().pseudonym(word, Shape::Name);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The text cut at what has this shape: what is done, and what is yet to be looked at.
    fn split(&mut self, text: &str, shape: &Regex, kind: usize) -> Vec<(String, bool)> {
        let mut pieces = Vec::new();
        let mut end = 0;
        for found in shape.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            let Some(replaced) = self.replace(&found, kind) else { continue };
            pieces.push((text.get(end..whole.start()).unwrap_or_default().to_owned(), false));
            pieces.push((replaced, true));
            end = whole.end();
        }
        pieces.push((text.get(end..).unwrap_or_default().to_owned(), false));
        pieces
    }

    fn replace(&mut self, found: &Captures<'_>, kind: usize) -> Option<String> {
        let text = found.get(0)?.as_str();
        match kind {
            0 => Some(self.resource_name(text)),
            1 => Some(self.email(text)),
            2 => Some(self.pseudonym(text, Shape::Guid)),
            3 => Some(self.path(text)),
            4 => Some(self.pseudonym(text, Shape::Account)),
            5 => text.parse::<Ipv4Addr>().ok().filter(|address| !address.is_unspecified()).map(|_| self.pseudonym(text, Shape::Ipv4)),
            6 => text.parse::<Ipv6Addr>().ok().filter(|address| !address.is_unspecified()).map(|_| self.pseudonym(text, Shape::Ipv6)),
            7 => Some(self.pseudonym(text, Shape::Key)),
            _ => text.contains(|character: char| character.is_ascii_digit()).then(|| self.pseudonym(text, Shape::Coded)),
        }
    }

    /// `arn:partition:service:region:account:resource`. Where no account stands, or none of the customer's, see the comments.
    fn resource_name(&mut self, text: &str) -> String {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [scheme, partition, service, region, account, resource] = parts.as_slice() else { return text.to_owned() };
        let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        // An account that is a word is the vendor: its own policies are no secret.
        if !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return text.to_owned();
        }
        let account = if digits(account) { self.pseudonym(account, Shape::Account) } else { (*account).to_owned() };
        let mut resource_parts = split_keeping(resource, |character| matches!(character, '/' | ':'));
        // `bucket/key` begins with a name, `role/app` with the word for a kind.
        let names = if parts.get(4).is_some_and(|account| account.is_empty()) || resource_parts.len() == 1 { 0 } else { 1 };
        for part in resource_parts.iter_mut().skip(names) {
            *part = self.segment(part);
        }
        format!("{scheme}:{partition}:{service}:{region}:{account}:{}", resource_parts.concat())
    }

    fn email(&mut self, text: &str) -> String {
        if let Some((local, domain)) = text.split_once('@') {
            for name in [local, domain.split('.').next().unwrap_or_default()] {
                if name.len() > 2 {
                    self.pseudonym(name, Shape::Name);
                }
            }
        }
        self.pseudonym(text, Shape::Email)
    }

    /// A path: words for kinds stay, and so do hosts and namespaces; everything else is a name.
    fn path(&mut self, text: &str) -> String {
        let mut open = false;
        let mut after_providers = 0;
        let mut parts = split_keeping(text, |character| character == '/');
        let host = text.starts_with("//");
        for (at, part) in parts.iter_mut().enumerate() {
            let word = part.trim_start_matches('/').to_owned();
            if word.is_empty() || (host && at <= 2 && word.contains('.')) {
                // The host of a cloud stays; one that was learned as a name goes.
                *part = self.bare_names(part);
                continue;
            }
            let namespace = after_providers == 1;
            // Behind a namespace kinds and names alternate.
            let kind = after_providers > 0 && after_providers % 2 == 0 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
            after_providers += usize::from(after_providers > 0);
            if word == "providers" {
                after_providers = 1;
            }
            if open || !(namespace || kind || KINDS.contains(&word.as_str())) {
                *part = self.segment(part);
            }
            open |= OPEN.contains(&word.as_str());
        }
        parts.concat()
    }

    /// A segment of a name, its separator before it. Wildcards and variables stay.
    fn segment(&mut self, segment: &str) -> String {
        let separator = segment.len() - segment.trim_start_matches(['/', ':']).len();
        let (separator, word) = segment.split_at_checked(separator).unwrap_or(("", segment));
        let mut redacted = separator.to_owned();
        for piece in split_keeping(word, |character| matches!(character, '*' | '?' | '$')) {
            let wild = piece.len() - piece.trim_start_matches(['*', '?', '$']).len();
            let (wild, name) = piece.split_at_checked(wild).unwrap_or(("", &piece));
            redacted.push_str(wild);
            let variable = wild.ends_with('$') && name.starts_with('{');
            redacted.push_str(&if name.is_empty() || variable { name.to_owned() } else { self.named(name) });
        }
        redacted
    }

    fn named(&mut self, name: &str) -> String {
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let shape = match name.len() {
            12 if digits => Shape::Account,
            36 if SHAPES.get(2).is_some_and(|guid| guid.is_match(name)) => Shape::Guid,
            _ => Shape::Name,
        };
        self.pseudonym(name, shape)
    }

    fn pseudonym(&mut self, identifier: &str, shape: Shape) -> String {
        if let Some(known) = self.pseudonyms.get(identifier) {
            return known.clone();
        }
        let count = self.counts.entry(shape).or_default();
        *count += 1;
        let pseudonym = shape.spell(*count, identifier);
        self.pseudonyms.insert(identifier.to_owned(), pseudonym.clone());
        let telling =
            identifier.len() > 2 && identifier.contains(|character: char| character.is_alphabetic()) && !KINDS.contains(&identifier);
        if shape == Shape::Name && telling {
            let names = self.names.entry(word(identifier).to_owned()).or_default();
            let at = names.partition_point(|name| name.len() >= identifier.len());
            names.insert(at, identifier.to_owned());
        }
        pseudonym
    }

    /// Replaces learned names where they stand alone.
    fn bare_names(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = ' ';
        while let Some(next) = rest.chars().next() {
            let starts = !is_word(before);
            let fits = |name: &&String| {
                rest.strip_prefix(name.as_str()).is_some_and(|after| !after.starts_with(is_word) || !name.ends_with(is_word))
            };
            let name = self.names.get(word(rest)).filter(|_| starts).and_then(|names| names.iter().find(fits));
            let taken = name.map_or(next.len_utf8(), String::len);
            match name.and_then(|name| self.pseudonyms.get(name)) {
                Some(pseudonym) => done.push_str(pseudonym),
                None => done.push(next),
            }
            let (this, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
            before = this.chars().next_back().unwrap_or(' ');
            rest = after;
        }
        done
    }
}

impl Shape {
    fn spell(self, count: usize, identifier: &str) -> String {
        match self {
            Self::Account => format!("{count:012}"),
            Self::Guid => format!("00000000-0000-0000-0000-{count:012}"),
            Self::Email => format!("person-{count}@redacted.example"),
            // RFC 5737 and RFC 3849: addresses for documentation.
            Self::Ipv4 => format!("192.0.2.{count}"),
            Self::Ipv6 => format!("2001:db8::{count:x}"),
            Self::Key => format!("KEY{count}"),
            Self::Coded => format!("{}-redacted{count}", identifier.split('-').next().unwrap_or("id")),
            Self::Name => format!("name-{count}"),
        }
    }
}

/// The word a text begins with; empty where it begins with something else.
fn word(text: &str) -> &str {
    text.find(|character| !is_word(character)).and_then(|end| text.get(..end)).unwrap_or(text)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_')
}

/// The text cut before each separator.
fn split_keeping(text: &str, separator: impl Fn(char) -> bool) -> Vec<String> {
    let mut parts = vec![String::new()];
    for character in text.chars() {
        if separator(character) && parts.last().is_some_and(|last| !last.is_empty()) {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut() {
            last.push(character);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::Redactor;
    use crate::report::text::{Layout, render};
    use crate::report::{Detail, json, sample};

    #[test]
    fn the_same_identifier_is_the_same_pseudonym() {
        let redactor = Redactor::default();
        let arn = redactor.text("User: arn:aws:sts::111122223333:assumed-role/app/ana on arn:aws:s3:::acme-reports/q1.csv");
        assert_eq!(arn, "User: arn:aws:sts::000000000001:assumed-role/name-1/name-2 on arn:aws:s3:::name-3/name-4");
        assert_eq!(redactor.text("role app of 111122223333 reads acme-reports"), "role name-1 of 000000000001 reads name-3");
    }

    #[test]
    fn wildcards_variables_and_the_vendors_own_policies_stay() {
        let redactor = Redactor::default();
        assert_eq!(redactor.text("arn:aws:s3:::acme-*/${aws:username}/*"), "arn:aws:s3:::name-1*/${aws:username}/*");
        assert_eq!(redactor.text("arn:aws:iam::aws:policy/ReadOnlyAccess"), "arn:aws:iam::aws:policy/ReadOnlyAccess");
        assert_eq!(
            redactor.text("2012-10-17 s3:GetObject eu-west-1 aws:SourceIp 0.0.0.0/0"),
            "2012-10-17 s3:GetObject eu-west-1 aws:SourceIp 0.0.0.0/0"
        );
    }

    #[test]
    fn addresses_mails_guids_and_coded_names_go() {
        let redactor = Redactor::default();
        let text = "ana@acme.example from 203.0.113.9 and 2001:db8:1::9, 5ab00000-0000-4000-8000-000000000001, vpce-0a1b2c3d4e5f60718, p-1a2b3c4d, AROAEXAMPLEEXAMPLE123";
        assert_eq!(
            redactor.text(text),
            "person-1@redacted.example from 192.0.2.1 and 2001:db8::1, 00000000-0000-0000-0000-000000000001, vpce-redacted1, p-redacted2, KEY1"
        );
    }

    #[test]
    fn of_a_path_the_kinds_stay_and_the_names_go() {
        let redactor = Redactor::default();
        let scope = "/subscriptions/5ab00000-0000-4000-8000-000000000001/resourceGroups/rg-orders/providers/Microsoft.Storage/storageAccounts/acct1";
        assert_eq!(
            redactor.text(scope),
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/name-1/providers/Microsoft.Storage/storageAccounts/name-2"
        );
        let object = "//storage.googleapis.com/projects/_/buckets/reports/objects/hr/salaries.csv";
        assert_eq!(redactor.text(object), "//storage.googleapis.com/projects/_/buckets/name-3/objects/name-4/name-5");
    }

    #[test]
    fn nothing_that_identifies_is_left_in_any_format() {
        for sample in [sample::refused(), sample::open()] {
            let redactor = Redactor::default();
            let answer = sample.answer().redacted(&redactor);
            let text = render(&answer, Layout { detail: Detail::Full, width: 100 });
            let json = json::render(&answer.report()).unwrap();
            for secret in ["111122223333", "999988887777", "acme", "q1.csv", "role/app", "role app", "p-1a2b3c4d", "ana@"] {
                assert!(!text.contains(secret), "{secret} in {text}");
                assert!(!json.contains(secret), "{secret} in {json}");
            }
        }
    }
}
