//! What these credentials can read, tried call by call, and the smallest policy that reads everything: both made from the table of calls.

use super::accounts::{ASSUME_ROLE, Accounts};
use super::arn::Arn;
use super::connection::{Clients, connect};
use super::organizations::Organizations;
use super::principal::unusable;
use super::reader::Reader;
use super::s3::{Said, Wanted};
use super::services::{Place, ROWS};
use super::step::{Step, all};
use super::{access_points, endpoints, iam, kms, s3, simulator, testimony};
use crate::documents::{KINDS, OBJECT};
use futures_util::future::{join, join_all, join5};
use iam_why_contract::Gathered;
use iam_why_contract::collect::Secrets;
use iam_why_contract::collect::{Check, Doctor, Options, Progress};
use iam_why_contract::{CollectError, Outcome};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Tries every call once, on what there is, and says which went through.
pub(super) async fn examine(options: &Options, progress: &dyn Progress) -> Result<Doctor, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(options.concurrency, &sink, progress, Arc::clone(&secrets));
    let told: OnceLock<(String, String)> = OnceLock::new();
    let tried = async {
        let accounts = Accounts::new(&reader, connect(options, &secrets).await?, options.get("reader-role").map(str::to_owned));
        let identity = accounts.identity().await.as_ref().map_err(|failure| unusable(&reader, failure))?;
        let clients =
            accounts.clients(&identity.account).await.map_err(|_| CollectError::Question("the credentials have no account".into()))?;
        let partition = Arn::parse(&identity.arn).map_or("aws", |arn| arn.partition);
        let organizations = Organizations::new(&reader, &accounts);
        let region = clients.region().to_owned();
        let _ = told.set((identity.arn.clone(), region.clone()));
        let place = Place { partition, account: &identity.account, region: &region };
        let probes = Probes { reader: &reader, accounts: &accounts, clients: &clients, place };
        let organization = async {
            organizations.of(&identity.account).await;
            organizations.probe().await;
        };
        join5(probes.iam(), organization, probes.buckets(), probes.region(), probes.aws_itself()).await;
        Ok(())
    };
    let late = match tokio::time::timeout(options.timeout, tried).await {
        Ok(tried) => tried.map(|()| None)?,
        Err(_) => Some(format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64())),
    };
    let Some((who, region)) = told.into_inner() else {
        return Err(CollectError::NothingRead { cloud: "AWS", said: late.unwrap_or_default() });
    };
    let mut seen = BTreeSet::new();
    let checks = all()
        .filter(|step| !step.needs.is_empty() && seen.insert((step.kind, step.call)))
        .map(|step| check(step, &reader, &region, late.as_deref()));
    let role = options.get("reader-role").unwrap_or("iam-why-reader");
    let partition = Arn::parse(&who).map_or("aws", |arn| arn.partition).to_owned();
    Ok(Doctor { who, checks: checks.collect(), least_title: "IAM policy".into(), least: least(&partition, role) })
}

/// One example of everything that can be read.
struct Probes<'p> {
    reader: &'p Reader<'p>,
    accounts: &'p Accounts<'p>,
    clients: &'p Clients,
    place: Place<'p>,
}

impl Probes<'_> {
    async fn iam(&self) {
        iam::probe(self.reader, self.clients).await;
    }

    async fn aws_itself(&self) {
        let Place { partition, account, .. } = self.place;
        join(testimony::probe(self.reader, self.clients), simulator::probe(self.reader, self.clients, partition, account)).await;
    }

    async fn buckets(&self) {
        let Place { partition, account, region } = self.place;
        access_points::account_block(self.reader, self.clients, account, region).await;
        let first = s3::buckets(self.reader, self.clients).await.ok().and_then(|buckets| buckets.into_iter().next());
        if let Some((bucket, _)) = first {
            let wanted = Wanted {
                partition,
                bucket: &bucket,
                key: Some(PROBE),
                action: "s3:GetObject",
                account: Some(account),
                said: Said::default(),
            };
            let organizations = Organizations::nothing(self.reader, self.accounts);
            s3::read(self.reader, self.accounts, &organizations, wanted).await;
        }
    }

    async fn region(&self) {
        let Place { account, region, .. } = self.place;
        let rows = join_all(ROWS.iter().map(|row| async {
            let page = row.some(self.reader, self.clients, &self.place, None).await;
            if let Some(first) = page.ok().and_then(|(arns, _)| arns.into_iter().next()) {
                row.read(self.reader, self.clients, &first).await;
            }
        }));
        let keys = async {
            if let Some(first) = kms::keys(self.reader, self.clients, region).await.ok().and_then(|keys| keys.into_iter().next()) {
                kms::listed(self.reader, self.clients, &first).await;
            }
        };
        let points = async {
            let listed = access_points::list(self.reader, self.clients, account, region).await;
            if let Some(first) = listed.ok().and_then(|arns| arns.into_iter().next()) {
                let name = first.rsplit('/').next().unwrap_or_default();
                access_points::read(self.reader, self.accounts, &first, account, region, name).await;
            }
        };
        let endpoints = async {
            // Its outcome is in the tally.
            let _ = endpoints::all(self.reader, self.clients, region).await;
        };
        join(rows, join(keys, join(points, endpoints))).await;
    }
}

/// A name that nothing has: AWS checks the permission before it looks.
pub(super) const PROBE: &str = "iam-why-doctor-asks-for-what-is-not-there";

fn check(step: &Step, reader: &Reader<'_>, region: &str, late: Option<&str>) -> Check {
    let layer = KINDS.iter().find(|row| row.id == step.kind).map_or("AWS's own explanation", |row| row.title);
    let untried = || match step.call {
        call if call == ASSUME_ROLE.call => "it is tried where a question touches another account, with --reader-role NAME".to_owned(),
        _ => late.map_or_else(|| format!("there was nothing in {region} to try it on"), str::to_owned),
    };
    let outcome = reader.ledger.tried(step.call).unwrap_or_else(|| Outcome::NotTried { why: untried() });
    Check { layer: layer.to_owned(), about: step.call.to_owned(), outcome }
}

/// The smallest policy under which every call of the table goes through.
fn least(partition: &str, reader_role: &str) -> String {
    let needs = |picked: fn(&Step) -> bool| -> BTreeSet<&str> {
        all().filter(|step| picked(step)).flat_map(|step| step.needs.iter().copied()).collect()
    };
    let of_objects = |step: &Step| step.kind == OBJECT;
    let own = |step: &Step| step.kind.is_empty() && step.call != ASSUME_ROLE.call;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "ReadPolicies", "Effect": "Allow", "Action": needs(|step| !step.kind.is_empty() && step.kind != OBJECT), "Resource": "*"},
            {"Sid": "AskAwsItself", "Effect": "Allow", "Action": needs(own), "Resource": "*"},
            {"Sid": "HeadObjectForItsKey", "Effect": "Allow", "Action": needs(of_objects), "Resource": "*"},
            {"Sid": "ReadOtherAccounts", "Effect": "Allow", "Action": ASSUME_ROLE.needs, "Resource": format!("arn:{partition}:iam::*:role/{reader_role}")},
        ],
    });
    serde_json::to_string_pretty(&policy).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::least;
    use crate::collect::step::all;
    use serde_json::Value;

    #[test]
    fn the_smallest_policy_names_every_permission_of_the_table_and_no_other() {
        let policy: Value = serde_json::from_str(&least("aws", "reader")).unwrap();
        let mut granted: Vec<&str> = Vec::new();
        for statement in policy["Statement"].as_array().unwrap() {
            granted.extend(statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()));
        }
        granted.sort_unstable();
        granted.dedup();
        let mut needed: Vec<&str> = all().flat_map(|step| step.needs.iter().copied()).collect();
        needed.sort_unstable();
        needed.dedup();
        assert_eq!(granted, needed);
    }

    #[test]
    fn the_smallest_policy_grants_nothing_that_writes() {
        for step in all() {
            for permission in step.needs {
                let operation = permission.split_once(':').unwrap().1;
                let reads = ["Get", "List", "Describe", "Decode", "Simulate"].iter().any(|verb| operation.starts_with(verb));
                assert!(reads || *permission == "sts:AssumeRole", "{permission}");
            }
        }
    }

    #[test]
    fn each_permission_exists() {
        for step in all() {
            for permission in step.needs {
                let known = crate::catalog::action(permission).is_some();
                assert!(known || NEWER_THAN_THE_CATALOG.contains(permission), "{permission}");
            }
        }
    }

    /// In preview, and not in the service authorization reference yet.
    const NEWER_THAN_THE_CATALOG: &[&str] = &["iam:GetRequestAuthorizationDetails"];
}
