//! The JSON report, version 1: structs of its own that change only by addition. `docs/schema/` holds the published JSON Schema.

use super::{Answer, locate};
use crate::cases;
use iam_why_contract as contract;
use iam_why_contract::verdict::Evidence as Shown;
use iam_why_contract::{Document, Outcome, Place, Statement, Step, Test};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the reports call themselves.
pub const REPORT: &str = "iam-why/report/1";

/// What the test reports call themselves.
pub const TEST: &str = "iam-why/test/1";

/// Whether the request is let through, why, and what would change that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// `iam-why/report/1`
    pub schema: String,
    /// What was asked.
    pub question: Question,
    /// Whether the request is let through.
    pub decision: Decision,
    /// How it was refused; null unless the decision is deny.
    pub kind: Option<Kind>,
    /// The id of the layer that refused or, for an allowed request, granted.
    pub decided_by: Option<String>,
    /// The answer in one sentence.
    pub summary: String,
    /// Every blocker, the deciding one first.
    pub findings: Vec<Finding>,
    /// The statements that came closest to allowing, the closest first.
    pub nearest: Vec<Nearest>,
    /// What each layer says, in the order of the cloud's own procedure.
    pub layers: Vec<Layer>,
    /// What is not known and could change the answer.
    pub doubts: Vec<Doubt>,
    /// Changes that were simulated and let the request through.
    pub fixes: Vec<Fix>,
    /// What the answer rests on.
    pub snapshot: Snapshot,
    /// What contradicts the answer, if anything does; then what the question was taken to mean, and hints on how it was asked.
    pub notes: Vec<String>,
    /// The authorizations that the one call needs; the first is the question itself.
    pub parts: Vec<Part>,
}

/// Who asks for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Question {
    /// The id of the provider that answered.
    pub provider: String,
    /// The caller.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: Option<String>,
    /// What was said of the request: key to values, or to null where the key is known to be absent.
    pub context: BTreeMap<String, Option<Vec<String>>>,
    /// Key prefixes under which a key that is not given is known to be absent; the empty prefix covers every key.
    pub complete: Vec<String>,
}

/// Whether a request is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Every layer that can refuse is known not to.
    Allow,
    /// It is refused whatever the open facts turn out to be.
    Deny,
    /// It depends on facts that are not known.
    Undetermined,
}

/// How a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something says no.
    ExplicitDeny,
    /// Nothing says yes where a yes is needed.
    MissingGrant,
}

/// One blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// A stable id of this kind of finding.
    pub code: String,
    /// How it blocks.
    pub kind: Kind,
    /// The id of the layer that blocks.
    pub layer: String,
    /// One sentence: what blocks and why.
    pub says: String,
    /// What shows it.
    pub evidence: Evidence,
    /// Further places that belong to it.
    pub related: Vec<Evidence>,
    /// Who can change it.
    pub owner: String,
    /// The index in `parts` of the authorization it blocks.
    pub part: usize,
}

/// A place in a document; or, where something is missing, what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The id of the document; null where something is missing.
    pub document: Option<String>,
    /// How people call the document; what was looked at where something is missing.
    pub title: String,
    /// A JSON pointer (RFC 6901) into the document.
    pub pointer: Option<String>,
    /// The line in the file that holds the document, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What stands there, on one line.
    pub excerpt: Option<String>,
    /// The file, or the call that returned the document; null where nobody wrote it down.
    pub source: Option<String>,
    /// Ids of the documents that were read and are silent.
    pub documents: Vec<String>,
}

/// A statement that came close to allowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Nearest {
    /// The id of the document.
    pub document: String,
    /// How people call the document.
    pub title: String,
    /// A JSON pointer to the statement.
    pub pointer: String,
    /// The line in the file that holds the document, from 1; null where the document is not in the snapshot.
    pub line: Option<usize>,
    /// How people call the statement, and why it does not allow.
    pub says: String,
    /// The comparisons that failed or are open; every other one holds.
    pub failed: Vec<Failed>,
    /// The id of the layer it belongs to.
    pub layer: String,
}

/// A comparison that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failed {
    /// What is compared.
    pub about: String,
    /// What the statement says.
    pub wanted: String,
    /// What the request has.
    pub got: String,
    /// False where it fails, null where that is not known.
    pub holds: Option<bool>,
}

/// What one layer says; a layer with several levels has an entry for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Layer {
    /// The id of the layer.
    pub id: String,
    /// How people call it.
    pub title: String,
    /// What it says.
    pub ruling: Ruling,
    /// Ids of the documents that were read for it.
    pub documents: Vec<String>,
    /// Which instance of the layer; empty where there is only one.
    pub subject: String,
    /// Why it does not bind, or another remark; may be empty.
    pub note: String,
    /// The index in `parts` of the authorization it was asked for.
    pub part: usize,
}

/// What a layer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It allows.
    Allow,
    /// It refuses explicitly.
    Deny,
    /// It was asked and does not allow.
    Silent,
    /// It does not bind this request.
    Inapplicable,
    /// It was not read, or depends on a fact that is not known.
    Unknown,
}

/// Something that is not known and could change the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Doubt {
    /// What is not known.
    pub about: String,
    /// What would settle it.
    pub needs: String,
}

/// What is not known, gathered by what would settle it, in the order of the doubts.
pub(crate) fn by_needs(doubts: &[Doubt]) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for Doubt { about, needs } in doubts {
        match groups.iter_mut().find(|(known, _)| known == needs) {
            Some((_, abouts)) => abouts.push(about),
            None => groups.push((needs, vec![about])),
        }
    }
    groups.into_iter()
}

/// A change that was simulated and lets the request through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fix {
    /// One sentence in the imperative.
    pub says: String,
    /// Who can make the change.
    pub who: String,
    /// What else it lets through besides the request; null where nothing.
    pub widens: Option<String>,
    /// The edits, all needed together.
    pub edits: Vec<Edit>,
    /// Always true: an unproven fix is never reported.
    pub proven: bool,
    /// The vendor's command lines that make the change; may be empty.
    pub commands: Vec<String>,
}

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edit {
    /// The id of the document.
    pub document: String,
    /// Operations of RFC 6902 on its text.
    pub patch: Vec<Value>,
    /// What the document will be where the edit creates it.
    pub creates: Option<Created>,
}

/// What a document that an edit creates will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Created {
    /// Its kind.
    pub kind: String,
    /// What it belongs to.
    pub subject: String,
    /// How people will call it.
    pub title: String,
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// When the cloud was read, RFC 3339; null where nobody wrote it down.
    pub taken_at: Option<String>,
    /// How many documents were read.
    pub documents: usize,
    /// What the cloud refused to show.
    pub refused: Vec<Refused>,
}

/// Something that the cloud refused to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refused {
    /// The kind of document.
    pub kind: String,
    /// What it belongs to.
    pub subject: String,
    /// What reading it would take.
    pub needs: String,
    /// What the cloud said.
    pub said: String,
}

/// One authorization that the call needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Part {
    /// The action authorized.
    pub action: String,
    /// The resource it is authorized on.
    pub resource: Option<String>,
    /// Why the call needs it; empty for the question itself.
    pub because: String,
    /// Whether this part is let through.
    pub decision: Decision,
    /// How it is refused.
    pub kind: Option<Kind>,
    /// The id of the layer that refused or granted.
    pub decided_by: Option<String>,
}

/// How the cases came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestReport {
    /// `iam-why/test/1`
    pub schema: String,
    /// How many passed.
    pub passed: usize,
    /// How many failed or could not be run.
    pub failed: usize,
    /// How many rest on facts that are not modelled.
    pub not_modelled: usize,
    /// Every case, in the order of the files.
    pub cases: Vec<Case>,
}

/// How one case came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The file it stands in.
    pub file: String,
    /// How it came out.
    pub result: CaseResult,
    /// The decision it expects: `allow`, `explicit_deny`, `implicit_deny`, `unknown`; null where the case could not be read.
    pub expect: Option<String>,
    /// What came out; null where the case could not be run.
    pub got: Option<Got>,
    /// Why it failed; may be empty.
    pub says: String,
}

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaseResult {
    /// What was expected came out.
    Pass,
    /// Something else came out, or the case could not be run.
    Fail,
    /// The case rests on facts that are not modelled.
    NotModelled,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Got {
    /// Whether the request is let through.
    pub decision: Decision,
    /// How it is refused.
    pub kind: Option<Kind>,
    /// The id of the layer that refused or granted.
    pub decided_by: Option<String>,
}

impl Report {
    /// The report of an answer.
    #[must_use]
    pub fn of(answer: &Answer<'_>) -> Self {
        let (question, verdict) = (answer.question, answer.verdict);
        Self {
            schema: REPORT.to_owned(),
            question: question.into(),
            decision: verdict.decision.into(),
            kind: verdict.kind.map(Into::into),
            decided_by: verdict.decided_by.map(ToOwned::to_owned),
            summary: summary(answer),
            findings: verdict.findings.iter().map(|finding| Finding::of(finding, answer)).collect(),
            nearest: verdict.nearest.iter().map(|nearest| Nearest::of(nearest, answer)).collect(),
            layers: layers(answer),
            doubts: verdict.doubts.iter().map(|doubt| Doubt { about: doubt.about.clone(), needs: doubt.needs.clone() }).collect(),
            fixes: verdict.fixes.iter().map(Into::into).collect(),
            snapshot: answer.snapshot.into(),
            notes: answer.contradiction.map(str::to_owned).into_iter().chain(verdict.notes.iter().cloned()).collect(),
            parts: verdict.parts.iter().map(Into::into).collect(),
        }
    }

    /// A report with the decision alone.
    pub(super) fn nothing(report: &Self) -> Self {
        let question = Question {
            provider: report.question.provider.clone(),
            principal: String::new(),
            action: report.question.action.clone(),
            resource: None,
            context: BTreeMap::new(),
            complete: Vec::new(),
        };
        Self {
            schema: REPORT.to_owned(),
            question,
            decision: report.decision,
            kind: report.kind,
            decided_by: report.decided_by.clone(),
            summary: String::new(),
            findings: Vec::new(),
            nearest: Vec::new(),
            layers: Vec::new(),
            doubts: Vec::new(),
            fixes: Vec::new(),
            snapshot: Snapshot { taken_at: None, documents: report.snapshot.documents, refused: Vec::new() },
            notes: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// The answer in one sentence.
fn summary(answer: &Answer<'_>) -> String {
    let verdict = answer.verdict;
    let finding = || verdict.findings.first().map(|finding| finding.says.clone());
    match verdict.decision {
        contract::Decision::Allow => granted(answer).unwrap_or_else(|| "every policy read lets it through".to_owned()),
        contract::Decision::Deny => finding().unwrap_or_else(|| "nothing allows it".to_owned()),
        contract::Decision::Undetermined => match verdict.doubts.as_slice() {
            [] => "it depends on what was not read".to_owned(),
            [only] => format!("it depends on {}", only.about),
            [first, rest @ ..] => format!("it depends on {}, and {} more", first.about, rest.len()),
        },
    }
}

/// Which statement lets an allowed request through.
fn granted(answer: &Answer<'_>) -> Option<String> {
    let layer = answer.verdict.decided_by?;
    let grant = grant(answer);
    let document = grant.and_then(|statement| answer.snapshot.document(&statement.place.document));
    let statement = grant.map(name_of).unwrap_or_default();
    Some(match document {
        Some(document) => format!("{statement} of {} allows it, and nothing refuses it", title(document)),
        None => format!("{} allows it, and nothing refuses it", answer.layer(layer)),
    })
}

/// The statement that lets an allowed request through.
pub(super) fn grant<'a>(answer: &Answer<'a>) -> Option<&'a Statement> {
    let layer = answer.verdict.decided_by?;
    let steps = answer.verdict.parts.first()?.trace.steps.iter().filter(|step| step.layer == layer);
    let mut statements = steps.flat_map(|step| &step.statements);
    statements.find(|statement| statement.effect == contract::Effect::Allow && statement.applies.is_yes())
}

fn name_of(statement: &Statement) -> String {
    called(&statement.label, &statement.place.pointer)
}

/// A statement by its name, or by its number in its list.
fn called(label: &str, pointer: &str) -> String {
    let number = || pointer.rsplit('/').next()?.parse::<usize>().ok().map(|number| format!("statement {}", number + 1));
    if label.is_empty() { number().unwrap_or_else(|| "the statement".to_owned()) } else { label.to_owned() }
}

/// How people call a document.
pub(super) fn title(document: &Document) -> String {
    if document.title.is_empty() { format!("{} of {}", document.kind, document.subject) } else { document.title.to_string() }
}

impl Finding {
    fn of(finding: &contract::Finding, answer: &Answer<'_>) -> Self {
        Self {
            code: finding.code.to_owned(),
            kind: finding.kind.into(),
            layer: finding.layer.to_owned(),
            says: finding.says.clone(),
            evidence: Evidence::of(&finding.evidence, answer),
            related: finding.related.iter().map(|place| Evidence::at(place, answer)).collect(),
            owner: finding.owner.clone(),
            part: finding.part,
        }
    }
}

impl Evidence {
    fn of(shown: &Shown, answer: &Answer<'_>) -> Self {
        match shown {
            Shown::Place(place) => Self::at(place, answer),
            Shown::Silence { what, documents } => Self {
                document: None,
                title: what.clone(),
                pointer: None,
                line: None,
                column: None,
                excerpt: None,
                source: None,
                documents: documents.clone(),
            },
        }
    }

    fn at(place: &Place, answer: &Answer<'_>) -> Self {
        let document = answer.snapshot.document(&place.document);
        let spot = document.map(|document| locate::locate(document, place));
        Self {
            document: Some(place.document.to_string()),
            title: document.map_or_else(|| place.document.to_string(), title),
            pointer: Some(place.pointer.clone()),
            line: spot.as_ref().map(|spot| spot.line),
            column: spot.as_ref().map(|spot| spot.column),
            excerpt: spot.map(|spot| spot.excerpt),
            source: document.map(|document| document.origin.source.to_string()).filter(|source| !source.is_empty()),
            documents: Vec::new(),
        }
    }
}

impl Nearest {
    fn of(nearest: &contract::Nearest, answer: &Answer<'_>) -> Self {
        let evidence = Evidence::at(&nearest.place, answer);
        let label = called(&nearest.label, &nearest.place.pointer);
        let why: Vec<String> = nearest.failed.iter().map(differs).collect();
        Self {
            says: format!("{label}: {}", why.join("; ")),
            failed: nearest.failed.iter().map(Into::into).collect(),
            document: nearest.place.document.to_string(),
            title: evidence.title,
            pointer: nearest.place.pointer.clone(),
            line: evidence.line,
            layer: nearest.layer.to_owned(),
        }
    }
}

/// `resource is acme-reports/x, statement says acme-report/*`
pub(super) fn differs(test: &Test) -> String {
    format!("{}, statement says {}", has(test), test.wanted)
}

/// `aws:RequestedRegion is us-east-1`
pub(super) fn has(test: &Test) -> String {
    // Some values are sentences of their own: `resource.name is not available here`.
    if test.got.starts_with(&*test.about) { test.got.to_string() } else { format!("{} is {}", test.about, test.got) }
}

fn layers(answer: &Answer<'_>) -> Vec<Layer> {
    let parts = answer.verdict.parts.iter().enumerate();
    parts.flat_map(|(part, asked)| asked.trace.steps.iter().map(move |step| Layer::of(step, part, answer))).collect()
}

impl Layer {
    fn of(step: &Step, part: usize, answer: &Answer<'_>) -> Self {
        Self {
            id: step.layer.to_owned(),
            title: answer.layer(step.layer),
            ruling: step.ruling.into(),
            documents: step.documents.clone(),
            subject: step.subject.clone(),
            note: step.note.clone(),
            part,
        }
    }
}

impl From<&contract::Question> for Question {
    fn from(question: &contract::Question) -> Self {
        Self {
            provider: question.provider.clone(),
            principal: question.principal.clone(),
            action: question.action.clone(),
            resource: question.resource.clone(),
            context: question.context.entries.clone(),
            complete: question.context.complete.iter().cloned().collect(),
        }
    }
}

impl From<&Test> for Failed {
    fn from(test: &Test) -> Self {
        let holds = (!test.holds.is_unknown()).then(|| test.holds.is_yes());
        Self { about: test.about.to_string(), wanted: test.wanted.to_string(), got: test.got.to_string(), holds }
    }
}

impl From<&contract::Fix> for Fix {
    fn from(fix: &contract::Fix) -> Self {
        Self {
            says: fix.says().to_owned(),
            who: fix.who().to_owned(),
            widens: fix.widens().map(ToOwned::to_owned),
            edits: fix.edits().iter().map(Into::into).collect(),
            proven: true,
            commands: fix.commands().to_vec(),
        }
    }
}

impl From<&contract::Edit> for Edit {
    fn from(edit: &contract::Edit) -> Self {
        let creates = edit.creates.clone();
        Self {
            document: edit.document.clone(),
            patch: edit.patch.clone(),
            creates: creates.map(|new| Created { kind: new.kind, subject: new.subject, title: new.title }),
        }
    }
}

impl From<&contract::Snapshot> for Snapshot {
    fn from(snapshot: &contract::Snapshot) -> Self {
        let refused = snapshot.searches().iter().filter_map(|search| match &search.outcome {
            Outcome::Refused { needs, said } => Some(Refused {
                kind: search.kind.to_string(),
                subject: search.subject.to_string(),
                needs: needs.clone(),
                said: said.clone(),
            }),
            _ => None,
        });
        Self { taken_at: snapshot.taken_at.clone(), documents: snapshot.documents().len(), refused: refused.collect() }
    }
}

impl From<&contract::Part> for Part {
    fn from(part: &contract::Part) -> Self {
        Self {
            action: part.action.clone(),
            resource: part.resource.clone(),
            because: part.because.clone(),
            decision: part.decision.into(),
            kind: part.kind.map(Into::into),
            decided_by: part.decided_by.map(ToOwned::to_owned),
        }
    }
}

impl From<contract::Decision> for Decision {
    fn from(decision: contract::Decision) -> Self {
        match decision {
            contract::Decision::Allow => Self::Allow,
            contract::Decision::Deny => Self::Deny,
            contract::Decision::Undetermined => Self::Undetermined,
        }
    }
}

impl From<contract::Kind> for Kind {
    fn from(kind: contract::Kind) -> Self {
        match kind {
            contract::Kind::ExplicitDeny => Self::ExplicitDeny,
            contract::Kind::MissingGrant => Self::MissingGrant,
        }
    }
}

impl From<contract::Ruling> for Ruling {
    fn from(ruling: contract::Ruling) -> Self {
        match ruling {
            contract::Ruling::Allow => Self::Allow,
            contract::Ruling::Deny => Self::Deny,
            contract::Ruling::Silent => Self::Silent,
            contract::Ruling::Inapplicable => Self::Inapplicable,
            contract::Ruling::Unknown => Self::Unknown,
        }
    }
}

impl TestReport {
    /// The report of judged cases.
    #[must_use]
    pub fn of(outcomes: &[cases::Outcome]) -> Self {
        let count = |result| outcomes.iter().filter(|outcome| outcome.result == result).count();
        Self {
            schema: TEST.to_owned(),
            passed: count(cases::Result::Pass),
            failed: count(cases::Result::Fail),
            not_modelled: count(cases::Result::NotModelled),
            cases: outcomes.iter().map(Into::into).collect(),
        }
    }
}

impl From<&cases::Outcome> for Case {
    fn from(outcome: &cases::Outcome) -> Self {
        Self {
            id: outcome.id.clone(),
            file: outcome.file.clone(),
            result: match outcome.result {
                cases::Result::Pass => CaseResult::Pass,
                cases::Result::Fail => CaseResult::Fail,
                cases::Result::NotModelled => CaseResult::NotModelled,
            },
            expect: outcome.expect.as_ref().map(|expect| cases::name(expect.decision).to_owned()).or_else(|| outcome.reason.clone()),
            got: outcome.got.as_ref().map(Into::into),
            says: outcome.says.clone(),
        }
    }
}

impl From<&cases::Got> for Got {
    fn from(got: &cases::Got) -> Self {
        Self { decision: got.decision.into(), kind: got.kind.map(Into::into), decided_by: got.decided_by.clone() }
    }
}
