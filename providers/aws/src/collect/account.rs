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
use iam_why_contract::{CollectError, Outcome};
use std::sync::Arc;

/// How many entities a page of the account has at most.
const PAGE: i32 = 500;

/// How many buckets are read between two points to which an interrupted collection comes back.
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
    let clients = accounts.clients(account).await.map_err(|outcome| CollectError::Question(closed(account, outcome)))?;
    let partition = Arn::parse(&identity.arn).map_or("aws", |arn| arn.partition);
    let regions = regions(options, &clients);
    let organizations = Organizations::new(&reader, &accounts);
    let whole = Whole { reader: &reader, accounts: &accounts, organizations: &organizations, clients: &clients, account, partition };
    let in_regions = join_all(regions.iter().map(|region| whole.region(region)));
    join4(whole.identities(), whole.organization(), whole.buckets(), in_regions).await;
    match reader.ledger.write_error() {
        Some(error) => Err(CollectError::Write(error)),
        None => Ok(account.to_owned()),
    }
}

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
    organizations: &'w Organizations<'w>,
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
            let next = page.marker.filter(|next| page.is_truncated && Some(next) != marker.as_ref());
            let Some(next) = next else {
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
        let step = format!("organization {}", self.account);
        if self.reader.ledger.sink().resume(&step) == Some(Point::End) {
            return;
        }
        self.organizations.of(self.account).await;
        self.organizations.rest_of_tree().await;
        self.reached(&step, Point::End);
    }

    /// The buckets in the order of their names, some at a time.
    async fn buckets(&self) {
        let step = format!("s3 {}", self.account);
        let after = match self.reader.ledger.sink().resume(&step) {
            Some(Point::End) => return,
            Some(Point::Page(name)) => name,
            None => String::new(),
        };
        let region = self.clients.region().to_owned();
        access_points::account_block(self.reader, self.clients, self.account, &region).await;
        let mut buckets = match s3::buckets(self.reader, self.clients).await {
            Ok(buckets) => buckets,
            Err(outcome) => {
                let every = format!("arn:{}:s3:::*", self.partition);
                [RESOURCE, RESOURCE_POLICY].into_iter().for_each(|kind| self.reader.note(kind, &every, outcome.clone()));
                return;
            }
        };
        buckets.sort();
        buckets.retain(|(name, _)| *name > after);
        for chunk in buckets.chunks(CHUNK) {
            join_all(chunk.iter().map(|(name, region)| self.bucket(name, region.as_deref()))).await;
            if let Some((last, _)) = chunk.last() {
                self.reached(&step, Point::Page(last.clone()));
            }
        }
        self.reached(&step, Point::End);
    }

    async fn bucket(&self, name: &str, region: Option<&str>) {
        let wanted = Wanted { partition: self.partition, bucket: name, key: None, action: "s3:*Object*", account: Some(self.account), said: Said::default() };
        match region {
            Some(region) => s3::read_owned(self.reader, self.clients, wanted, self.account, region).await,
            // The list does not tell every region. What binds the account is a step of its own.
            None => s3::read(self.reader, self.accounts, &Organizations::nothing(self.reader, self.accounts), wanted).await,
        }
    }

    async fn region(&self, region: &str) {
        let rows = join_all(ROWS.iter().map(|row| self.service(row, region)));
        join4(rows, self.keys(region), self.endpoints(region), self.access_points(region)).await;
    }

    async fn service(&self, row: &Row, region: &str) {
        let place = Place { partition: self.partition, account: self.account, region };
        self.once(&format!("{} {region}", row.service), async {
            match row.list(self.reader, self.clients, &place).await {
                Ok(arns) => {
                    join_all(arns.iter().map(|arn| row.read(self.reader, self.clients, arn))).await;
                    true
                }
                Err(outcome) => {
                    self.closed(RESOURCE_POLICY, &format!("arn:{}:{}:{region}:{}:*", self.partition, row.service, self.account), outcome)
                }
            }
        })
        .await;
    }

    async fn keys(&self, region: &str) {
        self.once(&format!("kms {region}"), async {
            match kms::keys(self.reader, self.clients, region).await {
                Ok(keys) => {
                    join_all(keys.iter().map(|key| kms::listed(self.reader, self.clients, key))).await;
                    true
                }
                Err(outcome) => self.closed(KMS_KEY, &format!("arn:{}:kms:{region}:{}:key/*", self.partition, self.account), outcome),
            }
        })
        .await;
    }

    async fn endpoints(&self, region: &str) {
        self.once(&format!("vpc endpoints {region}"), async {
            match endpoints::all(self.reader, self.clients, region).await {
                Ok(()) => true,
                // An endpoint's id does not say where it is: what is unknown in one region is unknown for every id.
                Err(outcome) => self.closed(VPC_ENDPOINT, "vpce-*", outcome),
            }
        })
        .await;
    }

    async fn access_points(&self, region: &str) {
        self.once(&format!("access points {region}"), async {
            match access_points::list(self.reader, self.clients, self.account, region).await {
                Ok(arns) => {
                    let each = arns.iter().filter_map(|arn| Some((arn, arn.rsplit('/').next()?)));
                    join_all(each.map(|(arn, name)| access_points::read(self.reader, self.accounts, arn, self.account, region, name)))
                        .await;
                    true
                }
                Err(outcome) => {
                    self.closed(ACCESS_POINT, &format!("arn:{}:s3:{region}:{}:accesspoint/*", self.partition, self.account), outcome)
                }
            }
        })
        .await;
    }

    /// Does a step unless it was done before the interruption; one that failed is tried again next time.
    async fn once(&self, step: &str, work: impl Future<Output = bool>) {
        let step = format!("{step} {}", self.account);
        if self.reader.ledger.sink().resume(&step) != Some(Point::End) && work.await {
            self.reached(&step, Point::End);
        }
    }

    fn closed(&self, kind: &'static str, subject: &str, outcome: Outcome) -> bool {
        self.reader.note(kind, subject, outcome);
        false
    }

    fn reached(&self, step: &str, point: Point) {
        self.reader.ledger.written(self.reader.ledger.sink().reached(step, point));
    }

    fn every(&self, what: &str) -> String {
        format!("arn:{}:iam::{}:{what}/*", self.partition, self.account)
    }
}
