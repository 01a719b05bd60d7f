//! Answers as a provider would give them, for the tests of the reports.

use super::Answer;
use iam_why_contract::verdict::{Evidence, nearest};
use iam_why_contract::{
    Context, Decision, Document, Doubt, Edit, Effect, Finding, Kind, Layer, Outcome, Part, Place, Proposal, Question, Ruling, Search,
    Snapshot, Statement, Step, Test, Trace, Truth, Verdict,
};
use serde_json::json;

const LAYERS: &[Layer] = &[
    Layer { id: "guard", title: "guard policy" },
    Layer { id: "role", title: "role policy" },
    Layer { id: "bucket", title: "bucket policy" },
];

const PRINCIPAL: &str = "arn:aws:iam::111122223333:role/app";
const RESOURCE: &str = "arn:aws:s3:::acme-reports/2026/q1.csv";

const GUARD: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "DenyOutsideEu",
      "Effect": "Deny",
      "Action": "*",
      "Resource": "*",
      "Condition": {
        "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}
      }
    }
  ]
}"#;

const ROLE: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Logs","Effect":"Allow","Action":"logs:*","Resource":"*"},{"Sid":"ReadReports","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::acme-report/*"]}]}"#;

/// A question, what it is answered from, and the answer.
pub(crate) struct Sample {
    question: Question,
    snapshot: Snapshot,
    verdict: Verdict,
}

impl Sample {
    pub(crate) fn answer(&self) -> Answer<'_> {
        Answer {
            question: &self.question,
            snapshot: &self.snapshot,
            verdict: &self.verdict,
            layers: LAYERS,
            redactor: None,
            contradiction: None,
        }
    }

    fn new(decision: Decision, kind: Option<Kind>, decided_by: &'static str, trace: Trace) -> Self {
        let question = Question {
            provider: "sample".into(),
            principal: PRINCIPAL.into(),
            action: "s3:GetObject".into(),
            resource: Some(RESOURCE.into()),
            context: Context::default().with("aws:RequestedRegion", ["us-east-1"]).without("aws:SourceVpce"),
        };
        let part = Part {
            action: question.action.clone(),
            resource: question.resource.clone(),
            because: String::new(),
            decision,
            kind,
            decided_by: Some(decided_by),
            trace,
        };
        let verdict = Verdict {
            decision,
            kind,
            decided_by: Some(decided_by),
            findings: Vec::new(),
            nearest: nearest(&part.trace, |step| step.layer == "role"),
            doubts: Vec::new(),
            fixes: Vec::new(),
            notes: Vec::new(),
            parts: vec![part],
        };
        Self { question, snapshot: world(), verdict }
    }
}

/// Refused by a guard, and the role does not grant it either.
pub(crate) fn refused() -> Sample {
    let trace = Trace { steps: vec![guard(Truth::Yes, "us-east-1"), role()] };
    let mut sample = Sample::new(Decision::Deny, Some(Kind::ExplicitDeny), "guard", trace);
    sample.verdict.findings = vec![
        Finding {
            code: "sample-guard",
            kind: Kind::ExplicitDeny,
            layer: "guard",
            part: 0,
            says: "statement DenyOutsideEu of guard policy p-1a2b3c4d on OU prod denies it".into(),
            evidence: Evidence::Place(Place::new("guard", "/Statement/0")),
            related: vec![Place::new("guard", "/Statement/0/Condition/StringNotEquals/aws:RequestedRegion")],
            owner: "the organization's administrators (account 999988887777)".into(),
        },
        missing(),
    ];
    let edit = Edit {
        document: "role".into(),
        creates: None,
        patch: vec![json!({"op": "add", "path": "/Statement/1/Resource/-", "value": "arn:aws:s3:::acme-reports/2026/q1.csv"})],
    };
    let proposal = Proposal {
        says: "add arn:aws:s3:::acme-reports/2026/q1.csv to Resource of statement ReadReports".into(),
        edits: vec![edit],
        who: "whoever may iam:PutRolePolicy in account 111122223333".into(),
        widens: None,
        commands: vec!["aws iam put-role-policy --role-name app --policy-name reports --policy-document file://reports.json".into()],
    };
    sample.verdict.fixes = proposal.prove(&sample.snapshot, |_| Decision::Allow).into_iter().collect();
    sample.verdict.notes = vec!["the session of ana@acme.example was taken to be of role app".into()];
    sample
}

/// It depends on the region, which nobody gave.
pub(crate) fn open() -> Sample {
    let trace = Trace { steps: vec![guard(Truth::Unknown, "not known")] };
    let mut sample = Sample::new(Decision::Undetermined, None, "guard", trace);
    sample.verdict.doubts = vec![
        Doubt { about: "aws:RequestedRegion".into(), needs: "--context aws:RequestedRegion=REGION".into() },
        Doubt { about: "the bucket policy of acme-reports".into(), needs: "s3:GetBucketPolicy on arn:aws:s3:::acme-reports".into() },
    ];
    sample
}

/// As [`open`], and what lies above `project` is not known.
pub(crate) fn open_above(project: &str) -> Sample {
    let mut sample = open();
    let above = |what: &str| Doubt { about: format!("the {what} policies above {project}"), needs: format!("get-ancestors of {project}") };
    sample.verdict.doubts.insert(0, above("deny"));
    sample.verdict.doubts.push(above("allow"));
    sample
}

fn missing() -> Finding {
    Finding {
        code: "sample-missing",
        kind: Kind::MissingGrant,
        layer: "role",
        part: 0,
        says: "no policy of role app allows s3:GetObject on arn:aws:s3:::acme-reports/2026/q1.csv".into(),
        evidence: Evidence::Silence { what: "1 policy of role app".into(), documents: vec!["role".into()] },
        related: Vec::new(),
        owner: "the administrators of account 111122223333".into(),
    }
}

fn world() -> Snapshot {
    let mut guard =
        Document::new("sample:guard", "p-1a2b3c4d", "guard policy DenyOutsideEu (p-1a2b3c4d)", GUARD).from_source("org/guard.json", 1);
    guard.id = "guard".into();
    let mut role = Document::new("sample:role", PRINCIPAL, "policy reports of role app", ROLE).from_source("iam/app.json", 1);
    role.id = "role".into();
    let refused = Outcome::Refused { needs: "s3:GetBucketPolicy".into(), said: format!("User: {PRINCIPAL} is not authorized") };
    let search = Search { kind: "sample:bucket".into(), subject: "arn:aws:s3:::acme-reports".into(), outcome: refused };
    Snapshot::new([guard, role], [search])
}

fn guard(applies: Truth, region: &str) -> Step {
    let place = Place::new("guard", "/Statement/0");
    let key = place.member("Condition").member("StringNotEquals").member("aws:RequestedRegion");
    let tests = vec![
        Test::new(place.member("Action"), "action", "*", "s3:GetObject", Truth::Yes),
        Test::new(place.member("Resource"), "resource", "*", RESOURCE, Truth::Yes),
        Test::new(key, "aws:RequestedRegion", "StringNotEquals eu-west-1, eu-central-1", region, applies),
    ];
    let ruling = if applies.is_yes() { Ruling::Deny } else { Ruling::Unknown };
    step("guard", ruling, Statement { place, label: "DenyOutsideEu".into(), effect: Effect::Deny, applies, tests })
}

fn role() -> Step {
    let place = Place::new("role", "/Statement/1");
    let tests = vec![
        Test::new(place.member("Action").element(0), "action", "s3:GetObject", "s3:GetObject", Truth::Yes),
        Test::new(place.member("Resource"), "resource", "arn:aws:s3:::acme-report/*", RESOURCE, Truth::No),
    ];
    step("role", Ruling::Silent, Statement { place, label: "ReadReports".into(), effect: Effect::Allow, applies: Truth::No, tests })
}

fn step(layer: &'static str, ruling: Ruling, statement: Statement) -> Step {
    let documents = vec![statement.place.document.to_string()];
    Step { layer, subject: String::new(), ruling, needed: true, documents, statements: vec![statement], note: String::new() }
}
