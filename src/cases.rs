//! Policy unit tests: reads files of cases and judges them.
//!
//! A file is `.json` (one case, a list, or `{"cases": [...]}`), `.jsonl` (one a line), `.toml` (`[[case]]`) or `.yaml`. What stands
//! beside the list holds for each of its cases. A case is in a provider's short form, or says:
//!
//! | field | is |
//! |---|---|
//! | `id`, `why` | its name, and why the expectation is believed |
//! | `principal`, `action`, `resource`, `provider` | the question |
//! | `context` | key → value, list of values, or null where it is known to be absent |
//! | `assume_absent` | true where every key not given is absent |
//! | `snapshot` | a file or folder beside the case file, or a snapshot itself |
//! | `documents`, `searches` | a world of its own, as a snapshot has them |
//! | `expect` | `allow`, `explicit_deny`, `implicit_deny`, `unknown`, or a table with `decision` |
//! | `decided_by`, `code`, `at` | the layer that decides; code and pointer of the first finding |
//!
//! A case may also be the text of a refusal: `raw` holds it, and `expect` is a table with `provider`, `refused_by`, `reason` and, as far as
//! the text states them, `status`, `principal`, `action`, `resource`, `policy_kind`. `derived` lists the fields that the text does not print: there
//! the right value passes and so does none.

mod refusal;

use crate::load::{self, LoadError};
use crate::{AskError, Words, ask, providers};
use iam_why_contract::case::{CaseError, ExpectedDecision};
use iam_why_contract::verdict::Evidence;
use iam_why_contract::{Case, Decision, Expected, Kind, Question, Snapshot, Verdict};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How a case came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case's name.
    pub id: String,
    /// The file it stands in.
    pub file: String,
    /// Pass, fail, or not modelled.
    pub result: Result,
    /// What it expects.
    pub expect: Option<Expected>,
    /// What came out; `None` where the case could not be run.
    pub got: Option<Got>,
    /// Of a case about the text of a refusal: the reason it expects.
    pub reason: Option<String>,
    /// Why it failed, or what else there is to say; may be empty.
    pub says: String,
}

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// What was expected came out.
    Pass,
    /// Something else came out, or the case could not be run.
    Fail,
    /// The case rests on facts that the provider does not model: neither passed nor failed.
    NotModelled,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Whether the request is let through.
    pub decision: Decision,
    /// How it is refused.
    pub kind: Option<Kind>,
    /// The decision as cases call it.
    pub called: ExpectedDecision,
    /// The layer that decided.
    pub decided_by: Option<String>,
    /// The code of the first finding.
    pub code: Option<String>,
    /// The pointer of the first finding's evidence.
    pub at: Option<String>,
}

/// Why a file of cases could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// The file could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is not of its format.
    #[error("`{file}` is not {format}: {reason}")]
    Format {
        /// The file.
        file: String,
        /// The format, as its name says.
        format: &'static str,
        /// Where and why.
        reason: String,
    },
    /// It holds no case.
    #[error("`{file}` holds no case, expected a list of cases, `cases`, or `case`")]
    NoCase {
        /// The file.
        file: String,
    },
}

/// Why one case could not be run.
#[derive(Debug, thiserror::Error)]
enum Unrunnable {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Snapshot(#[from] iam_why_contract::snapshot::SnapshotError),
}

/// Runs every case of a file.
///
/// # Errors
/// Where the file cannot be read, is not of the format its name says, or holds no case. A case that cannot be run has failed.
pub fn run(path: &Path) -> std::result::Result<Vec<Outcome>, CasesError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: file.clone(), source })?;
    run_text(&file, &load::decode(&file, bytes)?)
}

/// Runs every case of a text. `file` says by its name which format it is, and beside which folder its snapshots stand.
///
/// # Errors
/// As [`run`].
pub fn run_text(file: &str, text: &str) -> std::result::Result<Vec<Outcome>, CasesError> {
    let values = values(file, text)?;
    let mut worlds = Worlds { beside: Path::new(file).parent().unwrap_or(Path::new("")), read: HashMap::new() };
    Ok(values.iter().enumerate().map(|(at, value)| outcome(file, at, value, &mut worlds)).collect())
}

/// The cases of a file, each with what stands beside the list.
fn values(file: &str, text: &str) -> std::result::Result<Vec<Value>, CasesError> {
    let wrong = |format, reason: String| CasesError::Format { file: file.to_owned(), format, reason };
    let extension = Path::new(file).extension().and_then(|extension| extension.to_str()).unwrap_or("json");
    let whole = match extension {
        "jsonl" | "ndjson" => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let parse = |(at, line)| serde_json::from_str(line).map_err(|error| wrong("JSON lines", format!("line {}: {error}", at + 1)));
            Value::Array(lines.map(parse).collect::<std::result::Result<_, _>>()?)
        }
        "toml" => toml::from_str(text).map_err(|error| wrong("TOML", error.to_string()))?,
        "yaml" | "yml" => serde_saphyr::from_str(text).map_err(|error| wrong("YAML", error.to_string()))?,
        _ => serde_json::from_str(text).map_err(|error| wrong("JSON", error.to_string()))?,
    };
    let values = unfold(whole);
    if values.is_empty() { Err(CasesError::NoCase { file: file.to_owned() }) } else { Ok(values) }
}

fn unfold(whole: Value) -> Vec<Value> {
    match whole {
        Value::Array(cases) => cases,
        Value::Object(mut common) => match common.remove("cases").or_else(|| common.remove("case")) {
            Some(Value::Array(cases)) => cases.into_iter().map(|case| under(&common, case)).collect(),
            Some(case @ Value::Object(_)) => vec![under(&common, case)],
            _ if common.contains_key("expect") => vec![Value::Object(common)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A case with the fields of `common` that it does not have itself.
fn under(common: &Map<String, Value>, case: Value) -> Value {
    match case {
        Value::Object(own) => {
            let mut whole = common.clone();
            whole.extend(own);
            Value::Object(whole)
        }
        other => other,
    }
}

fn outcome(file: &str, at: usize, value: &Value, worlds: &mut Worlds<'_>) -> Outcome {
    let id = value.get("id").and_then(Value::as_str).map_or_else(|| format!("case {}", at + 1), ToOwned::to_owned);
    if let Some(raw) = refusal::raw(value) {
        let says = refusal::differences(raw, value);
        let result = if says.is_empty() { Result::Pass } else { Result::Fail };
        let reason = refusal::reason(value);
        return Outcome { id, file: file.to_owned(), result, expect: None, got: None, reason, says: says.join("; ") };
    }
    let judged = case(&id, value, worlds).and_then(|case| {
        let got = if case.not_modelled.is_empty() { Some(ask(&case.question, &case.snapshot)?) } else { None };
        Ok(judge(case, got.as_ref()))
    });
    match judged {
        Ok(outcome) => Outcome { file: file.to_owned(), ..outcome },
        Err(error) => {
            Outcome { id, file: file.to_owned(), result: Result::Fail, expect: None, got: None, reason: None, says: error.to_string() }
        }
    }
}

fn judge(case: Case, verdict: Option<&Verdict>) -> Outcome {
    let got = verdict.map(Got::of);
    let (result, says) = match &got {
        None => (Result::NotModelled, format!("not modelled: {}", case.not_modelled.join(", "))),
        Some(got) => {
            let differences = got.differences(&case.expect, &case.question);
            let says = [differences.join("; "), verdict.map(reason).unwrap_or_default()];
            if differences.is_empty() { (Result::Pass, String::new()) } else { (Result::Fail, says.join(": ")) }
        }
    };
    Outcome { id: case.id, file: String::new(), result, expect: Some(case.expect), got, reason: None, says }
}

/// Why the verdict is what it is, in one sentence.
fn reason(verdict: &Verdict) -> String {
    let finding = verdict.findings.first().map(|finding| finding.says.clone());
    let doubt = || verdict.doubts.first().map(|doubt| format!("not known: {}", doubt.about));
    finding.or_else(doubt).unwrap_or_else(|| format!("granted by {}", verdict.decided_by.unwrap_or("nothing named")))
}

impl Got {
    fn of(verdict: &Verdict) -> Self {
        let first = verdict.findings.first();
        let at = first.and_then(|finding| match &finding.evidence {
            Evidence::Place(place) => Some(place.pointer.clone()),
            Evidence::Silence { .. } => None,
        });
        Self {
            decision: verdict.decision,
            kind: verdict.kind,
            called: ExpectedDecision::of(verdict),
            decided_by: verdict.decided_by.map(ToOwned::to_owned),
            code: first.map(|finding| finding.code.to_owned()),
            at,
        }
    }

    fn differences(&self, expect: &Expected, question: &Question) -> Vec<String> {
        let mut differences = Vec::new();
        if self.called != expect.decision {
            differences.push(format!("expected {}, got {}", name(expect.decision), name(self.called)));
        }
        let modelled = |layer: &&String| {
            providers::named(&question.provider).is_some_and(|provider| provider.layers().iter().any(|known| known.id == **layer))
        };
        let pairs = [
            ("decided by", expect.decided_by.as_ref().filter(modelled), &self.decided_by),
            ("code", expect.code.as_ref(), &self.code),
            ("at", expect.at.as_ref(), &self.at),
        ];
        for (what, wanted, got) in pairs {
            if let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != got.as_ref()) {
                differences.push(format!("expected {what} {wanted}, got {}", got.as_deref().unwrap_or("none")));
            }
        }
        differences
    }
}

/// The decision as cases spell it.
#[must_use]
pub fn name(decision: ExpectedDecision) -> &'static str {
    match decision {
        ExpectedDecision::Allow => "allow",
        ExpectedDecision::ExplicitDeny => "explicit_deny",
        ExpectedDecision::ImplicitDeny => "implicit_deny",
        ExpectedDecision::Unknown => "unknown",
    }
}

/// The snapshots that cases refer to, each read once.
struct Worlds<'a> {
    beside: &'a Path,
    read: HashMap<PathBuf, Snapshot>,
}

impl Worlds<'_> {
    fn at(&mut self, path: &str) -> std::result::Result<Snapshot, LoadError> {
        let path = self.beside.join(path);
        if let Some(snapshot) = self.read.get(&path) {
            return Ok(snapshot.clone());
        }
        let snapshot = load::load([&path])?.snapshot;
        self.read.insert(path, snapshot.clone());
        Ok(snapshot)
    }
}

/// A case in the form of its world: a snapshot, documents, or a provider's short form.
fn case(id: &str, value: &Value, worlds: &mut Worlds<'_>) -> std::result::Result<Case, Unrunnable> {
    let fields = Fields { id, value };
    let own_world = ["snapshot", "document", "documents", "searches"].iter().any(|field| value.get(field).is_some());
    if !own_world {
        let wanted = fields.text("provider")?;
        let asked = providers::all().iter().filter(|provider| wanted.as_deref().is_none_or(|wanted| provider.id() == wanted));
        let found = asked.filter_map(|provider| provider.case(value)).next();
        let none = || fields.error("snapshot", "missing", "a snapshot, documents, or the fields of a provider's short form");
        return Ok(found.ok_or_else(none)??);
    }
    let words = Words {
        provider: fields.text("provider")?,
        principal: fields.text("principal")?.unwrap_or_default(),
        action: fields.text("action")?.unwrap_or_default(),
        resource: fields.text("resource")?,
        context: Vec::new(),
        assume_absent: value.get("assume_absent").and_then(Value::as_bool).unwrap_or(false),
    };
    let mut question = words.question()?;
    fields.context(&mut question)?;
    let expect = fields.expect(&question)?;
    let why = fields.text("why")?.unwrap_or_default();
    Ok(Case { id: id.to_owned(), why, question, snapshot: fields.world(worlds)?, expect, not_modelled: Vec::new() })
}

/// The fields of a case, read with errors that name the case.
#[derive(Clone, Copy)]
struct Fields<'a> {
    id: &'a str,
    value: &'a Value,
}

impl Fields<'_> {
    fn error(self, field: &str, found: impl ToString, expected: &str) -> CaseError {
        CaseError { id: self.id.to_owned(), field: field.to_owned(), found: found.to_string(), expected: expected.to_owned() }
    }

    fn text(self, field: &str) -> std::result::Result<Option<String>, CaseError> {
        match self.value.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.error(field, other, "a string")),
        }
    }

    fn context(self, question: &mut Question) -> std::result::Result<(), CaseError> {
        let Some(context) = self.value.get("context") else { return Ok(()) };
        let entries = context.as_object().ok_or_else(|| self.error("context", context, "a table of keys"))?;
        for (key, value) in entries {
            let values = match value {
                Value::Null => None,
                Value::Array(values) => Some(values.iter().map(|value| self.scalar(key, value)).collect::<std::result::Result<_, _>>()?),
                one => Some(vec![self.scalar(key, one)?]),
            };
            question.context.entries.insert(key.clone(), values);
        }
        Ok(())
    }

    fn scalar(self, key: &str, value: &Value) -> std::result::Result<String, CaseError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            other => Err(self.error(&format!("context {key}"), other, "a value, a list of values, or null")),
        }
    }

    fn expect(self, question: &Question) -> std::result::Result<Expected, CaseError> {
        let expect = self.value.get("expect").ok_or_else(|| self.error("expect", "missing", "a decision"))?;
        let decision = expect.get("decision").unwrap_or(expect);
        let beside = |field: &str| match expect.get(field).and_then(Value::as_str) {
            Some(inside) => Ok(Some(inside.to_owned())),
            None => self.text(field),
        };
        let decided_by = beside("decided_by")?;
        let layers =
            || providers::named(&question.provider).into_iter().flat_map(|provider| provider.layers().iter().map(|layer| layer.id));
        if let Some(unknown) = decided_by.as_ref().filter(|wanted| !layers().any(|layer| layer == wanted.as_str())) {
            return Err(self.error("decided_by", format!("`{unknown}`"), &format!("one of {}", layers().collect::<Vec<_>>().join(", "))));
        }
        Ok(Expected {
            decision: serde_json::from_value(decision.clone())
                .map_err(|_| self.error("expect", decision, "allow, explicit_deny, implicit_deny or unknown"))?,
            decided_by,
            code: beside("code")?,
            at: beside("at")?,
        })
    }

    fn world(self, worlds: &mut Worlds<'_>) -> std::result::Result<Snapshot, Unrunnable> {
        let mut snapshot = match self.value.get("snapshot") {
            None | Some(Value::Null) => Snapshot::default(),
            Some(Value::String(path)) => worlds.at(path)?,
            Some(inline) => Snapshot::parse(&inline.to_string())?,
        };
        let list =
            |names: [&str; 2]| names.iter().find_map(|name| self.value.get(name)).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        let own = serde_json::json!({
            "format": iam_why_contract::snapshot::FORMAT,
            "documents": list(["documents", "document"]),
            "searches": list(["searches", "search"]),
        });
        snapshot.merge(Snapshot::parse(&own.to_string())?);
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::{CasesError, Result, run_text, values};
    use serde_json::{Value, json};

    fn ids(file: &str, text: &str) -> Vec<Value> {
        values(file, text).unwrap().into_iter().map(|case| json!([case["id"], case["provider"], case["expect"]])).collect()
    }

    #[test]
    fn every_format_says_the_same() {
        let wanted = [json!(["one", "p", "allow"]), json!(["two", "p", "unknown"])];
        let json = r#"{"provider": "p", "cases": [{"id": "one", "expect": "allow"}, {"id": "two", "expect": "unknown"}]}"#;
        assert_eq!(ids("c.json", json), wanted);
        let lines = "{\"id\": \"one\", \"provider\": \"p\", \"expect\": \"allow\"}\n\n{\"id\": \"two\", \"provider\": \"p\", \"expect\": \"unknown\"}\n";
        assert_eq!(ids("c.jsonl", lines), wanted);
        let toml = "provider = \"p\"\n[[case]]\nid = \"one\"\nexpect = \"allow\"\n[[case]]\nid = \"two\"\nexpect = \"unknown\"\n";
        assert_eq!(ids("c.toml", toml), wanted);
        let yaml = "provider: p\ncases:\n  - {id: one, expect: allow}\n  - id: two\n    expect: unknown\n";
        assert_eq!(ids("c.yaml", yaml), wanted);
    }

    #[test]
    fn what_is_not_of_its_format_is_said_with_its_line() {
        let error = values("c.jsonl", "{}\n{\"id\": \n").unwrap_err().to_string();
        assert_eq!(error, "`c.jsonl` is not JSON lines: line 2: EOF while parsing a value at line 1 column 7");
        assert!(matches!(values("c.yaml", "a: [1"), Err(CasesError::Format { format: "YAML", .. })));
        assert!(matches!(values("c.toml", "a = "), Err(CasesError::Format { format: "TOML", .. })));
        assert!(matches!(values("c.json", "{\"id\": \"no case\"}"), Err(CasesError::NoCase { .. })));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = level - 1;
            yaml.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{below}"); 9].join(", ")));
        }
        assert!(matches!(values("c.yaml", &yaml), Err(CasesError::Format { .. })));
    }

    #[test]
    fn a_case_that_cannot_be_run_has_failed() {
        let outcomes = run_text("c.json", r#"[{"id": "no world", "expect": "allow"}, 5]"#).unwrap();
        assert!(outcomes.iter().all(|outcome| outcome.result == Result::Fail && outcome.got.is_none()));
        assert_eq!(outcomes[1].id, "case 2");
    }
}
