//! A whole account, handed over page by page: nothing is held that was handed over.

use super::accounts::Accounts;
use super::arn::{Arn, is_account};
use super::connection::{Clients, connect};
use super::iam::GET_ACCOUNT;
use super::organizations::Organizations;
use super::outcome::Failure;
use super::principal::unusable;
use super::reader::{MOST_PAGES, Reader};
use super::s3::{Said, Wanted};
use super::services::{Place, ROWS, Row};
use super::shapes::{self, pretty};
use super::step::Step;
use super::{access_points, endpoints, kms, s3};
use crate::documents::{ACCESS_POINT, GROUP, KMS_KEY, MANAGED_POLICY, RESOURCE, RESOURCE_POLICY, ROLE, USER, VPC_ENDPOINT};
use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput as Page;
use aws_sdk_iam::types::ManagedPolicyDetail;
use futures_util::future::{join_all, join4};
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Options, Point, Progress, Sink};
use iam_why_contract::{CollectError, Document, Outcome, Search};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many entities a page of the account has at most.
const PAGE: i32 = 500;

/// How many buckets are read at a time.
const CHUNK: usize = 20;

/// Reads an account to its end. Returns the account.
pub(super) async fn read(scope: Option<&str>, options: &Options, sink: &dyn Sink, progress: &dyn Progress) -> Result<String, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let reader = Reader::new(options.concurrency, sink, progress, Arc::clone(&secrets));
    let home = connect(options, &secrets).await?;
    let accounts = Accounts::new(&reader, home, options.get("reader-role").map(str::to_owned));
    let identity = accounts.identity().await.as_ref().map_err(|failure| unusable(&reader, failure))?;
    let account = scope.unwrap_or(&identity.account);
    if !is_account(account) {
        return Err(CollectError::Question(format!("`{account}` is not an account id, expected twelve digits")));
    }
    same_as_before(account, sink)?;
    let clients = accounts.clients(account).await.map_err(|outcome| CollectError::Question(closed(account, outcome)))?;
    let partition = Arn::parse(&identity.arn).map_or("aws", |arn| arn.partition);
    let regions = regions(options, &clients);
    let whole = Whole { reader: &reader, accounts: &accounts, clients: &clients, account, partition };
    let in_regions = join_all(regions.iter().map(|region| whole.region(region)));
    join4(whole.identities(), whole.organization(), whole.buckets(), in_regions).await;
    match reader.ledger.write_error() {
        Some(error) => Err(CollectError::Write(error)),
        None => Ok(account.to_owned()),
    }
}

/// What was begun with the credentials of one account is not finished with those of another.
fn same_as_before(account: &str, sink: &dyn Sink) -> Result<(), CollectError> {
    match sink.resume(ACCOUNT) {
        Some(Point::Page(before)) if before != account => Err(CollectError::Question(format!(
            "what was read before the interruption is of account {before}, and these credentials are of account {account}: use the credentials of {before}, or remove the .part file beside the output"
        ))),
        Some(_) => Ok(()),
        None => sink.reached(ACCOUNT, Point::Page(account.to_owned())).map_err(|error| CollectError::Write(error.to_string())),
    }
}

/// The step that says which account is read.
const ACCOUNT: &str = "account";

/// The regions to read: those that were named, else the configured one.
fn regions(options: &Options, clients: &Clients) -> Vec<String> {
    let named = options.get("regions").unwrap_or_default();
    let mut regions: Vec<String> = named.split(',').map(str::trim).filter(|region| !region.is_empty()).map(str::to_owned).collect();
    if regions.is_empty() {
        regions.push(clients.region().to_owned());
    }
    regions
}

fn closed(account: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { needs, said } => format!("account {account} cannot be read: {said}; it takes {needs}"),
        Outcome::NotTried { why } => why,
        Outcome::Found | Outcome::Absent => format!("account {account} cannot be read"),
    }
}

struct Whole<'w> {
    reader: &'w Reader<'w>,
    accounts: &'w Accounts<'w>,
    clients: &'w Clients,
    account: &'w str,
    partition: &'w str,
}

impl Whole<'_> {
    /// Users, roles, groups and managed policies, a page at a time.
    async fn identities(&self) {
        let step = format!("iam {}", self.account);
        let mut marker = match self.reader.ledger.sink().resume(&step) {
            Some(Point::End) => return,
            Some(Point::Page(marker)) => Some(marker),
            None => None,
        };
        let mut whole = true;
        for _ in 0..MOST_PAGES {
            let call = self.clients.iam.get_account_authorization_details().max_items(PAGE).set_marker(marker.clone());
            let answer = self
                .reader
                .attempt(&GET_ACCOUNT, &self.every("role"), async { call.send().await.map_err(|error| Failure::of(&error)) })
                .await;
            let page = match answer {
                Ok(page) => page,
                // A marker that is no longer good: from the beginning. What is handed in twice is kept once.
                Err(Failure::Answered { status: 400, .. }) if marker.is_some() => {
                    marker = None;
                    continue;
                }
                Err(failure) => {
                    self.identities_end(self.reader.failed(&GET_ACCOUNT, &failure));
                    return;
                }
            };
            whole &= self.page(&page);
            let next = page.marker.filter(|next| Some(next) != marker.as_ref());
            if page.is_truncated && next.is_none() {
                self.identities_end(super::reader::lacks(&GET_ACCOUNT, "Marker"));
                return;
            }
            let Some(next) = next.filter(|_| page.is_truncated) else {
                // What has no ARN cannot be noted on its own: then nothing is certain to be missing.
                self.identities_end(if whole { Outcome::Found } else { super::reader::lacks(&GET_ACCOUNT, "Arn") });
                self.reached(&step, Point::End);
                return;
            };
            self.reached(&step, Point::Page(next.clone()));
            marker = Some(next);
        }
        self.identities_end(super::reader::endless(&GET_ACCOUNT));
    }

    fn identities_end(&self, outcome: Outcome) {
        for (kind, what) in [(USER, "user"), (ROLE, "role"), (GROUP, "group"), (MANAGED_POLICY, "policy")] {
            self.reader.note(kind, &self.every(what), outcome.clone());
        }
    }

    /// Hands in what is on a page; `false` where something on it has no ARN.
    fn page(&self, page: &Page) -> bool {
        let mut whole = true;
        for user in page.user_detail_list() {
            whole &= self.entity(USER, user.arn(), user.user_name(), "user", shapes::user_detail(user));
        }
        for role in page.role_detail_list() {
            whole &= self.entity(ROLE, role.arn(), role.role_name(), "role", shapes::role_detail(role));
        }
        for group in page.group_detail_list() {
            whole &= self.entity(GROUP, group.arn(), group.group_name(), "group", shapes::group_detail(group));
        }
        for policy in page.policies() {
            whole &= self.policy(policy);
        }
        whole
    }

    fn entity(
        &self,
        kind: &'static str,
        arn: Option<&str>,
        name: Option<&str>,
        what: &str,
        text: Result<shapes::Entity<'_>, String>,
    ) -> bool {
        let Some(arn) = arn else { return false };
        let step = Step { kind, ..GET_ACCOUNT };
        match text {
            Ok(text) => self.reader.document(&step, arn, &format!("{what} {}", name.unwrap_or(arn)), pretty(&text)),
            Err(said) => self.reader.note(kind, arn, Outcome::Refused { needs: format!("a readable answer to {}", step.call), said }),
        }
        true
    }

    fn policy(&self, policy: &ManagedPolicyDetail) -> bool {
        let step = Step { kind: MANAGED_POLICY, ..GET_ACCOUNT };
        let Some(arn) = policy.arn() else { return false };
        let default = policy.policy_version_list().iter().find(|version| version.is_default_version());
        match default.and_then(|version| version.document()) {
            Some(document) => self.reader.document(&step, arn, policy.policy_name().unwrap_or(arn), shapes::decoded(document)),
            None => {
                self.reader.note(MANAGED_POLICY, arn, super::reader::lacks(&step, "PolicyVersionList[].Document of the default version"))
            }
        }
        true
    }

    async fn organization(&self) {
        self.once("organization", async |reader| {
            let organizations = Organizations::new(reader, self.accounts);
            organizations.of(self.account).await;
            organizations.rest_of_tree().await;
        })
        .await;
    }

    /// The buckets in the order of their names, some at a time; each is a step of its own.
    async fn buckets(&self) {
        self.once("s3", async |reader| {
            access_points::account_block(reader, self.clients, self.account, self.clients.region()).await;
            let listed = s3::buckets(reader, self.clients).await;
            let every = format!("arn:{}:s3:::*", self.partition);
            taken(reader, RESOURCE, &every, listed.clone());
            let mut buckets = taken(reader, RESOURCE_POLICY, &every, listed);
            buckets.sort();
            for chunk in buckets.chunks(CHUNK) {
                join_all(chunk.iter().map(|(name, region)| self.bucket(reader, name, region.as_deref()))).await;
            }
        })
        .await;
    }

    async fn bucket(&self, reader: &Reader<'_>, name: &str, region: Option<&str>) {
        self.once_of(reader, &format!("bucket {name}"), async |reader| self.read_bucket(reader, name, region).await).await;
    }

    async fn read_bucket(&self, reader: &Reader<'_>, name: &str, region: Option<&str>) {
        let wanted = Wanted {
            partition: self.partition,
            bucket: name,
            key: None,
            action: "s3:*Object*",
            account: Some(self.account),
            said: Said::default(),
        };
        match region {
            Some(region) => s3::read_owned(reader, self.clients, wanted, self.account, region).await,
            // The list does not tell every region. What binds the account is a step of its own.
            None => s3::read(reader, self.accounts, &Organizations::nothing(reader, self.accounts), wanted).await,
        }
    }

    async fn region(&self, region: &str) {
        let rows = join_all(ROWS.iter().map(|row| self.service(row, region)));
        join4(rows, self.keys(region), self.endpoints(region), self.access_points(region)).await;
    }

    async fn service(&self, row: &Row, region: &str) {
        let place = Place { partition: self.partition, account: self.account, region };
        self.once(&format!("{} {region}", row.service), async |reader| {
            let listed = row.list(reader, self.clients, &place).await;
            let every = format!("arn:{}:{}:{region}:{}:*", self.partition, row.service, self.account);
            let arns = taken(reader, RESOURCE_POLICY, &every, listed);
            join_all(arns.iter().map(|arn| row.read(reader, self.clients, arn))).await;
        })
        .await;
    }

    async fn keys(&self, region: &str) {
        self.once(&format!("kms {region}"), async |reader| {
            let listed = kms::keys(reader, self.clients, region).await;
            let keys = taken(reader, KMS_KEY, &format!("arn:{}:kms:{region}:{}:key/*", self.partition, self.account), listed);
            join_all(keys.iter().map(|key| kms::listed(reader, self.clients, key))).await;
        })
        .await;
    }

    async fn endpoints(&self, region: &str) {
        self.once(&format!("vpc endpoints {region}"), async |reader| {
            // An endpoint's id does not say where it is: what is unknown in one region is unknown for every id.
            let listed = endpoints::all(reader, self.clients, region).await.map(|()| Vec::<String>::new());
            taken(reader, VPC_ENDPOINT, "vpce-*", listed);
        })
        .await;
    }

    async fn access_points(&self, region: &str) {
        self.once(&format!("access points {region}"), async |reader| {
            let listed = access_points::list(reader, self.clients, self.account, region).await;
            let every = format!("arn:{}:s3:{region}:{}:accesspoint/*", self.partition, self.account);
            let arns = taken(reader, ACCESS_POINT, &every, listed);
            let each = arns.iter().filter_map(|arn| Some((arn, arn.rsplit('/').next()?)));
            join_all(each.map(|(arn, name)| access_points::read(reader, self.accounts, arn, self.account, region, name))).await;
        })
        .await;
    }

    async fn once(&self, step: &str, work: impl AsyncFnOnce(&Reader<'_>)) {
        self.once_of(self.reader, step, work).await;
    }

    /// Does a step, within the one that `reader` is for, unless it was done before the interruption. One in which something was refused
    /// is not done: who comes back with more rights reads it then.
    async fn once_of(&self, reader: &Reader<'_>, step: &str, work: impl AsyncFnOnce(&Reader<'_>)) {
        let step = format!("{step} {}", self.account);
        if reader.ledger.sink().resume(&step) == Some(Point::End) {
            return;
        }
        let watched = Watched { inner: reader.ledger.sink(), refused: AtomicBool::new(false) };
        let part = reader.over(&watched);
        work(&part).await;
        if let Some(error) = part.ledger.write_error() {
            reader.ledger.written(Err(std::io::Error::other(error)));
        }
        if !watched.refused.load(Ordering::Relaxed) {
            reader.ledger.written(reader.ledger.sink().reached(&step, Point::End));
        }
    }

    fn reached(&self, step: &str, point: Point) {
        self.reader.ledger.written(self.reader.ledger.sink().reached(step, point));
    }

    fn every(&self, what: &str) -> String {
        format!("arn:{}:iam::{}:{what}/*", self.partition, self.account)
    }
}

/// The items of a list; why there is none is noted for all it would have held. That something is not on a list which was read does not
/// say that it does not exist: it may have come later, or be of another account.
fn taken<T>(reader: &Reader<'_>, kind: &'static str, every: &str, listed: Result<Vec<T>, Outcome>) -> Vec<T> {
    let why = || Outcome::NotTried { why: "it was not on the list when the account was read".into() };
    reader.note(kind, every, listed.as_ref().err().cloned().unwrap_or_else(why));
    listed.unwrap_or_default()
}

/// Hands everything on, and sees whether something was refused.
struct Watched<'s> {
    inner: &'s dyn Sink,
    refused: AtomicBool,
}

impl Sink for Watched<'_> {
    fn document(&self, document: Document) -> std::io::Result<()> {
        self.inner.document(document)
    }

    fn search(&self, search: Search) -> std::io::Result<()> {
        if matches!(search.outcome, Outcome::Refused { .. }) {
            self.refused.store(true, Ordering::Relaxed);
        }
        self.inner.search(search)
    }

    fn reached(&self, step: &str, point: Point) -> std::io::Result<()> {
        self.inner.reached(step, point)
    }

    fn resume(&self, step: &str) -> Option<Point> {
        self.inner.resume(step)
    }
}
