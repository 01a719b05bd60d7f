//! The company in moto that the tests ask about, and how they ask.

use super::relay::{Relay, Seen, Treatment};
use super::servers::{Server, world};
use iam_why_aws::collect::AwsReader;
use iam_why_contract::collect::{Collect, CollectError, Collected, Options, Quiet};
use iam_why_contract::{Context, Decision, Outcome, Question, Snapshot};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// What must never be seen anywhere.
pub(crate) const MARKED_SECRET: &str = "MARKEDsecretMARKEDsecretMARKEDsecretMARK";

/// The company: made once, read by every test.
pub(crate) struct Company {
    pub(crate) server: Server,
    pub(crate) told: Value,
    config: PathBuf,
}

impl Company {
    pub(crate) fn get() -> &'static Self {
        static COMPANY: OnceLock<Company> = OnceLock::new();
        COMPANY.get_or_init(|| {
            let server = Server::moto();
            let told = world(include_str!("worlds/company.py"), &server, "");
            let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("aws-config-{}", server.address.port()));
            let ana = |name: &str| told[name].as_str().unwrap().to_owned();
            let profiles = format!(
                "[profile admin]\nregion = eu-west-1\naws_access_key_id = AKIAADMINADMINADMIN0\naws_secret_access_key = {MARKED_SECRET}\n\
                 [profile ana]\nregion = eu-west-1\naws_access_key_id = {}\naws_secret_access_key = {}\n\
                 [profile member]\nregion = eu-west-1\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
                ana("ana_key"),
                ana("ana_secret"),
                told["member_keys"][0].as_str().unwrap(),
                told["member_keys"][1].as_str().unwrap(),
                told["member_keys"][2].as_str().unwrap(),
            );
            std::fs::write(&config, profiles).unwrap();
            Self { server, told, config }
        })
    }

    /// A relay before the company's server.
    pub(crate) fn relay(&self) -> Relay {
        let relay = Relay::new(Some(self.server.address));
        relay.treat(served);
        relay
    }

    /// How to read through `relay`.
    pub(crate) fn options(&self, relay: &Relay) -> Options {
        Options { timeout: Duration::from_secs(60), ..Options::default() }
            .with("config-file", self.config.display().to_string())
            .with("profile", "admin")
            .with("endpoint-url", relay.url())
    }

    /// `in_home/app`
    pub(crate) fn name(&self, path: &str) -> &str {
        path.split('/').try_fold(&self.told, |value, name| value.get(name)).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path}"))
    }

    /// A question in terms of the company.
    pub(crate) fn question(&self, principal: &str, action: &str, resource: &str) -> Question {
        let resource = Some(resource.to_owned()).filter(|resource| !resource.is_empty());
        Question { provider: "aws".into(), principal: principal.into(), action: action.into(), resource, ..Question::default() }
    }
}

/// What moto lacks is answered here as AWS documents it.
pub(crate) fn served(request: &Seen) -> Treatment {
    match request.operation.as_str() {
        "GetAccountPublicAccessBlock" => Treatment::Fail(404, "NoSuchPublicAccessBlockConfiguration"),
        // moto answers with a list of objects.
        "GetBucketRequestPayment" => {
            let body = "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>";
            Treatment::Answer(200, "application/xml", body.into())
        }
        _ => Treatment::Pass,
    }
}

/// Servers without S3 Control: the account blocks nothing.
pub(crate) fn without_s3_control(request: &Seen) -> Treatment {
    match request.operation.as_str() {
        "GetAccountPublicAccessBlock" => Treatment::Fail(404, "NoSuchPublicAccessBlockConfiguration"),
        _ => Treatment::Pass,
    }
}

/// Questions whose answers rest on everything that is read: an allow, denies of each side, a gap in the grants.
pub(crate) fn questions(company: &Company) -> Vec<(Question, Decision)> {
    let (app, ana) = (company.name("in_home/app"), company.name("ana"));
    let object = |key: &str| format!("{}/2026/{key}", company.name("in_home/bucket"));
    let abroad = Context::default().with("aws:RequestedRegion", ["us-east-1"]);
    let member = company.question(company.name("in_member/app"), "sqs:SendMessage", company.name("in_member/queue"));
    vec![
        (company.question(app, "sqs:SendMessage", company.name("in_home/queue")), Decision::Allow),
        (company.question(app, "s3:GetObject", &object("secret/a.csv")), Decision::Deny),
        (company.question(app, "s3:DeleteObject", &object("a.csv")), Decision::Deny),
        (company.question(ana, "s3:ListBucket", company.name("in_home/plain")), Decision::Allow),
        (company.question(ana, "kms:Decrypt", company.name("in_home/key")), Decision::Deny),
        (Question { context: abroad, ..member }, Decision::Deny),
    ]
}

/// Reads, and waits for it.
pub(crate) fn read(question: &Question, options: &Options) -> Result<Collected, CollectError> {
    runtime().block_on(AwsReader.question(question, options, &Quiet))
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The documents of a snapshot as `kind subject`.
pub(crate) fn documents(snapshot: &Snapshot) -> Vec<String> {
    snapshot.documents().iter().map(|document| format!("{} {}", document.kind, document.subject)).collect()
}

/// The text of the only document of this kind and subject, as JSON.
pub(crate) fn text(snapshot: &Snapshot, kind: &str, subject: &str) -> Value {
    let found: Vec<_> = snapshot.of(kind, subject).collect();
    let [document] = found.as_slice() else {
        panic!("{} documents {kind} of {subject}; there are {:#?}", found.len(), documents(snapshot))
    };
    serde_json::from_str(&document.text).unwrap_or_else(|error| panic!("{kind} of {subject}: {error}"))
}

/// What was noted of this kind and subject.
pub(crate) fn outcome<'s>(snapshot: &'s Snapshot, kind: &str, subject: &str) -> &'s Outcome {
    snapshot
        .outcome(kind, subject)
        .unwrap_or_else(|| panic!("nothing is noted of {kind} of {subject}; there is {:#?}", snapshot.searches()))
}
