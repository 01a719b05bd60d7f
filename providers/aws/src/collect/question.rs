//! What one question needs, read at once: calls that do not depend on each other run together.

use super::accounts::Accounts;
use super::arn::{Arn, is_account, last, partition};
use super::connection::{Clients, connect};
use super::iam::Iam;
use super::organizations::Organizations;
use super::principal::{Who, resolve, unusable};
use super::reader::Reader;
use super::s3::{Said, Wanted};
use super::{access_points, endpoints, kms, s3, services};
use crate::documents::KINDS;
use crate::documents::{
    ACCESS_POINT, ATTACHED_POLICIES, INLINE_NAMES, KMS_KEY, OBJECT, RESOURCE, RESOURCE_POLICY, ROLE, SESSION, USER, USER_GROUPS,
};
use futures_util::future::{join, join4};
use iam_why_contract::Gathered;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Progress};
use iam_why_contract::{CollectError, Collected, Lookup, Outcome, Question, Snapshot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads what `question` needs, within the time that `options` allows.
pub(super) async fn read(question: &Question, options: &Options, progress: &dyn Progress) -> Result<Collected, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(options.concurrency, &sink, progress, Arc::clone(&secrets));
    let login = AtomicBool::new(false);
    let connected = async {
        let clients = connect(options, &secrets).await?;
        login.store(true, Ordering::Relaxed);
        Ok(clients)
    };
    let in_time = tokio::time::timeout(options.timeout, whole(&reader, question, options, connected)).await;
    let answered = match in_time {
        Ok(done) => done?,
        Err(_) => {
            reader.ledger.give_up(options.timeout);
            Answered {
                question: question.clone(),
                notes: vec![format!(
                    "reading took longer than {} s (--timeout): what was not read by then is noted as such",
                    options.timeout.as_secs_f64()
                )],
            }
        }
    };
    let snapshot = sink.into_snapshot(KINDS, now());
    let notes = [answered.notes, remarks(&answered.question, &snapshot)].concat();
    if in_time_nothing(&snapshot) {
        let what = if login.load(Ordering::Relaxed) { "no answer" } else { "no credentials came" };
        let said = format!("{what} within {} s (--timeout)", options.timeout.as_secs_f64());
        return Err(CollectError::NothingRead { cloud: "AWS", said });
    }
    Ok(Collected { question: answered.question, snapshot, notes })
}

/// What is to be said of a principal or resource that is not there, or not where it can be read.
fn remarks(question: &Question, snapshot: &Snapshot) -> Vec<String> {
    let mut remarks = of_principal(&question.principal, snapshot);
    remarks.extend(question.resource.as_deref().and_then(|resource| of_resource(resource, snapshot)));
    remarks
}

fn of_principal(principal: &str, snapshot: &Snapshot) -> Vec<String> {
    let (kind, arn, name, account) = match Who::of(principal) {
        Who::Role { account, arn, name, .. } => (ROLE, arn, format!("role {name}"), account),
        Who::User { account, arn, name } => (USER, arn, format!("user {name}"), account),
        Who::Other { .. } => return Vec::new(),
    };
    match snapshot.outcome(kind, &arn) {
        Some(Outcome::Absent) => vec![format!("there is no {name} in account {account}: it was deleted, or is spelled otherwise")],
        Some(Outcome::NotTried { why }) => vec![format!("the policies of {name} were not read: {why}")],
        _ => Vec::new(),
    }
}

fn of_resource(resource: &str, snapshot: &Snapshot) -> Option<String> {
    let holder = crate::layers::resource::holder(resource).unwrap_or_else(|| resource.to_owned());
    let facts = snapshot.of(RESOURCE, &holder).next().and_then(|facts| serde_json::from_str::<serde_json::Value>(&facts.text).ok());
    let gone = [ACCESS_POINT, KMS_KEY, OBJECT]
        .iter()
        .find_map(|kind| [resource, holder.as_str()].into_iter().find(|subject| snapshot.outcome(kind, subject) == Some(&Outcome::Absent)));
    if facts.is_some_and(|facts| facts.get("Exists") == Some(&false.into())) {
        return Some(format!("there is no bucket {holder}: it was deleted, or is spelled otherwise"));
    }
    match (gone, snapshot.outcome(RESOURCE_POLICY, &holder)) {
        (Some(gone), _) => Some(format!("there is no {gone}: it was deleted, or is spelled otherwise")),
        (None, Some(Outcome::NotTried { why })) => Some(format!("the resource policy of {holder} was not read: {why}")),
        _ => None,
    }
}

fn in_time_nothing(snapshot: &Snapshot) -> bool {
    snapshot.documents().is_empty() && snapshot.searches().is_empty()
}

struct Answered {
    question: Question,
    notes: Vec<String>,
}

async fn whole(
    reader: &Reader<'_>,
    question: &Question,
    options: &Options,
    connected: impl Future<Output = Result<Clients, CollectError>>,
) -> Result<Answered, CollectError> {
    let clients = connected.await?;
    let accounts = Accounts::new(reader, clients, options.get("reader-role").map(str::to_owned));
    let resolved = resolve(reader, &accounts, &question.principal).await?;
    let mut question = Question { principal: resolved.principal.clone(), ..question.clone() };
    if let (Some(user_id), Lookup::NotKnown) = (&resolved.user_id, question.context.get_ignoring_case("aws:userid")) {
        question.context = question.context.with("aws:userid", [user_id.clone()]);
    }
    accounts.suppose(resolved.who.account());
    if let Lookup::Known([account, ..]) = question.context.get_ignoring_case("aws:ResourceAccount") {
        accounts.suppose(Some(account.as_str()).filter(|account| is_account(account)));
    }
    let organizations = Organizations::new(reader, &accounts);
    let plan = Plan { reader, accounts: &accounts, organizations: &organizations, question: &question };
    let of_account = async {
        if let Some(account) = resolved.who.account() {
            organizations.of(account).await;
        }
    };
    let network = Box::pin(plan.network(&resolved.who));
    let (real, key, (), ()) =
        join4(Box::pin(plan.principal(&resolved.who)), Box::pin(plan.resource()), Box::pin(of_account), network).await;
    let mut notes = resolved.notes;
    if let Err(failure) = accounts.identity().await
        && (failure.is_bad_credentials() || (failure.is_unreachable() && !reader.ledger.anything_read()))
    {
        return Err(unusable(reader, failure));
    }
    if let Some(real) = real.filter(|real| !matches!(resolved.who, Who::Role { session: true, .. }) && *real != question.principal) {
        notes.push(format!("`{}` has the ARN {real}", question.principal));
        question.principal = real;
    }
    if let Some(key) = key {
        notes.extend(ask_of_key(&mut question, key));
    }
    Ok(Answered { question, notes })
}

/// Whoever names an alias asks for the key behind it: that is what policies are compared with (*Controlling access using aliases*).
fn ask_of_key(question: &mut Question, key: String) -> Option<String> {
    const OF_ALIASES: [&str; 3] = ["kms:createalias", "kms:updatealias", "kms:deletealias"];
    let resource = question.resource.clone()?;
    let (_, alias) = resource.split_once(":alias/").filter(|_| !OF_ALIASES.contains(&&*question.action.to_ascii_lowercase()))?;
    if question.context.get_ignoring_case("kms:RequestAlias") == Lookup::NotKnown {
        question.context = question.context.clone().with("kms:RequestAlias", [format!("alias/{alias}")]);
    }
    let note = format!("`{resource}` is {key}");
    question.resource = Some(key);
    Some(note)
}

struct Plan<'p> {
    reader: &'p Reader<'p>,
    accounts: &'p Accounts<'p>,
    organizations: &'p Organizations<'p>,
    question: &'p Question,
}

impl Plan<'_> {
    /// The principal and its policies. Returns its ARN as IAM has it.
    async fn principal(&self, who: &Who) -> Option<String> {
        let (kind, account, arn) = match who {
            Who::Role { account, arn, session, .. } => {
                if *session {
                    let why = "what a session was made with is not readable; the AssumeRole event in CloudTrail shows its session policy";
                    self.reader.note(SESSION, &self.question.principal, Outcome::NotTried { why: why.into() });
                }
                (ROLE, account, arn)
            }
            Who::User { account, arn, .. } => (USER, account, arn),
            Who::Other { .. } => return None,
        };
        let clients = match self.accounts.clients(account).await {
            Ok(clients) => clients,
            Err(outcome) => {
                let kinds = [kind, INLINE_NAMES, ATTACHED_POLICIES].into_iter().chain((kind == USER).then_some(USER_GROUPS));
                kinds.for_each(|kind| self.reader.note(kind, arn, outcome.clone()));
                return None;
            }
        };
        let iam = Iam::new(self.reader, &clients);
        match who {
            Who::Role { arn, name, path_known, .. } => iam.role(arn, name, *path_known).await.map(|role| role.arn),
            Who::User { arn, name, .. } => iam.user(arn, name).await.map(|user| user.arn),
            Who::Other { .. } => None,
        }
    }

    /// The resource: its policy, its settings, the key behind it, and what binds its account.
    /// Returns the key, where the question is about one.
    async fn resource(&self) -> Option<String> {
        let resource = self.question.resource.as_deref()?;
        let arn = Arn::parse(resource)?;
        let partition = partition(self.accounts.home().region());
        if arn.partition != partition {
            // A bucket of that name in our own partition would be another bucket.
            let why = format!(
                "the credentials are of partition {partition}, and the resource is in {}: name a profile there with --profile",
                arn.partition
            );
            let holder = crate::layers::resource::holder(resource);
            self.reader.note(RESOURCE_POLICY, holder.as_deref().unwrap_or(resource), Outcome::NotTried { why });
            return None;
        }
        let of_account = async {
            if let Some(account) = arn.account_id() {
                self.organizations.of(account).await;
            }
        };
        join(Box::pin(of_account), Box::pin(self.policy_of(resource, arn))).await.1
    }

    async fn policy_of(&self, resource: &str, arn: Arn<'_>) -> Option<String> {
        let action = self.question.action.as_str();
        match arn.service {
            "s3" if arn.resource.starts_with("accesspoint/") => self.access_point(arn).await,
            "s3" if arn.account.is_empty() => {
                let (bucket, key) = arn.resource.split_once('/').map_or((arn.resource, None), |(bucket, key)| (bucket, Some(key)));
                if let Some(kind) = ALIASES.iter().find(|suffix| bucket.ends_with(**suffix)) {
                    let why = format!(
                        "`{bucket}` is the alias of an access point (`{kind}`): policies name the access point by its ARN, and so must the question"
                    );
                    self.reader.note(RESOURCE_POLICY, &format!("arn:{}:s3:::{bucket}", arn.partition), Outcome::NotTried { why });
                } else if !bucket.contains(['*', '?']) {
                    let key = key.filter(|key| !key.is_empty());
                    let said = Said::of(&self.question.context);
                    let wanted = Wanted { partition: arn.partition, bucket, key, action, account: None, said };
                    Box::pin(s3::read(self.reader, self.accounts, self.organizations, wanted)).await;
                }
            }
            "kms" => return kms::key(self.reader, self.accounts, self.organizations, resource).await,
            "iam" if arn.resource.starts_with("role/") => self.role_as_resource(resource, arn).await,
            _ => {
                if services::read(self.reader, self.accounts, resource, action).await.is_none() && HOLDERS_NOT_READ.contains(&arn.service) {
                    let why = format!(
                        "the resource policies of {} are not read by this version: hand the policy in with a snapshot",
                        arn.service
                    );
                    self.reader.note(RESOURCE_POLICY, resource, Outcome::NotTried { why });
                }
            }
        }
        None
    }

    /// A role as a resource counts for its trust policy: who may assume it, to whom it may be passed.
    async fn role_as_resource(&self, resource: &str, arn: Arn<'_>) {
        if resource.contains(['*', '?']) || resource == self.question.principal {
            return;
        }
        match self.accounts.clients(arn.account).await {
            Ok(clients) => {
                Iam::new(self.reader, &clients).role_itself(resource, last(arn.resource), false).await;
            }
            Err(outcome) => self.reader.note(ROLE, resource, outcome),
        }
    }

    async fn access_point(&self, arn: Arn<'_>) {
        let mut parts = arn.resource.splitn(3, '/').skip(1);
        let name = parts.next().unwrap_or_default();
        let key = parts.next().and_then(|rest| rest.strip_prefix("object/"));
        let point = format!("arn:{}:s3:{}:{}:accesspoint/{name}", arn.partition, arn.region, arn.account);
        if arn.region.is_empty() {
            let why = "Multi-Region Access Points are not read by this version: hand the policy in with a snapshot";
            self.reader.note(RESOURCE_POLICY, &point, Outcome::NotTried { why: why.into() });
            return;
        }
        let Some(behind) = access_points::read(self.reader, self.accounts, &point, arn.account, arn.region, name).await else { return };
        let wanted = Wanted {
            partition: arn.partition,
            bucket: &behind.bucket,
            key,
            action: &self.question.action,
            account: behind.account.as_deref(),
            said: Said::of(&self.question.context),
        };
        Box::pin(s3::read(self.reader, self.accounts, self.organizations, wanted)).await;
    }

    /// The VPC endpoint, where the question says that the request comes through one.
    async fn network(&self, who: &Who) {
        let Lookup::Known([id, ..]) = self.question.context.get_ignoring_case("aws:SourceVpce") else { return };
        if !id.starts_with("vpce-") {
            return;
        }
        let own_region = || self.accounts.home().region().to_owned();
        let region = match self.question.context.get_ignoring_case("aws:RequestedRegion") {
            Lookup::Known([region, ..]) => region.clone(),
            _ => own_region(),
        };
        // It stands in a network of whoever asks, as far as anybody knows.
        let clients = match who.account() {
            Some(account) => self.accounts.clients(account).await.ok(),
            None => None,
        };
        endpoints::read(self.reader, clients.as_deref().unwrap_or(self.accounts.home()), id, &region).await;
    }
}

/// How the names end that stand in the place of a bucket's and are none (*Bucket naming rules*).
const ALIASES: &[&str] = &["-s3alias", "--ol-s3", ".mrap"];

/// Services whose resources may have policies that this collector does not read.
const HOLDERS_NOT_READ: &[&str] = &[
    "acm-pca",
    "aoss",
    "apigateway",
    "backup",
    "codeartifact",
    "codebuild",
    "elasticfilesystem",
    "es",
    "events",
    "execute-api",
    "glacier",
    "glue",
    "kafka",
    "kinesis",
    "lakeformation",
    "lex",
    "logs",
    "mediastore",
    "rekognition",
    "s3-object-lambda",
    "s3-outposts",
    "s3express",
    "s3tables",
    "schemas",
    "serverlessrepo",
    "ses",
    "signer",
    "ssm",
    "ssm-contacts",
    "vpc-lattice",
];

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
