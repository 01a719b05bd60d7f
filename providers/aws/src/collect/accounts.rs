//! Whose credentials read which account: one's own, or a reader role that is assumed where a question leads elsewhere.

use super::arn::Arn;
use super::connection::Clients;
use super::outcome::Failure;
use super::reader::Reader;
use super::step::steps;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_organizations::types::Organization;
use iam_why_contract::Outcome;
use iam_why_contract::collect::chain;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

steps! {
    GET_CALLER_IDENTITY = "", "sts:GetCallerIdentity", [], absent [];
    ASSUME_ROLE = "", "sts:AssumeRole", ["sts:AssumeRole"], absent [];
}

/// Who the credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) arn: String,
    pub(super) account: String,
    /// `AROA…:session` or `AIDA…`: what `aws:userid` is.
    pub(super) user_id: String,
}

type Assumed = Arc<OnceCell<Result<Arc<Clients>, Outcome>>>;

/// The clients for each account.
pub(super) struct Accounts<'r> {
    reader: &'r Reader<'r>,
    home: Arc<Clients>,
    reader_role: Option<String>,
    identity: OnceCell<Result<Identity, Failure>>,
    organization: OnceCell<Result<Organization, Outcome>>,
    assumed: Mutex<BTreeMap<String, Assumed>>,
    /// Accounts that may own what names no account.
    supposed: Mutex<Vec<String>>,
}

impl<'r> Accounts<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, home: Clients, reader_role: Option<String>) -> Self {
        Self {
            reader,
            home: Arc::new(home),
            reader_role,
            identity: OnceCell::new(),
            organization: OnceCell::new(),
            assumed: Mutex::default(),
            supposed: Mutex::default(),
        }
    }

    /// The clients of the user's own credentials.
    pub(super) fn home(&self) -> &Clients {
        &self.home
    }

    /// What names no account (a bucket) may belong to this one.
    pub(super) fn suppose(&self, account: Option<&str>) {
        self.supposed.lock().unwrap_or_else(PoisonError::into_inner).extend(account.map(str::to_owned));
    }

    /// The accounts that may own what names no account.
    pub(super) fn supposed(&self) -> Vec<String> {
        self.supposed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who the user's own credentials are; asked once.
    pub(super) async fn identity(&self) -> &Result<Identity, Failure> {
        self.identity.get_or_init(|| self.ask_identity()).await
    }

    /// The account of the user's own credentials.
    pub(super) async fn home_account(&self) -> Option<String> {
        self.identity().await.as_ref().ok().map(|identity| identity.account.clone())
    }

    /// The organization of the user's own account; asked once.
    pub(super) async fn organization<F>(&self, ask: impl FnOnce() -> F) -> Result<Organization, Outcome>
    where
        F: Future<Output = Result<Organization, Outcome>>,
    {
        self.organization.get_or_init(ask).await.clone()
    }

    /// The clients that may read `account`, or why there are none.
    pub(super) async fn clients(&self, account: &str) -> Result<Arc<Clients>, Outcome> {
        let home = match self.identity().await {
            Ok(identity) => identity,
            Err(failure) => return Err(self.reader.failed(&GET_CALLER_IDENTITY, failure)),
        };
        if home.account == account {
            return Ok(Arc::clone(&self.home));
        }
        let Some(role) = &self.reader_role else {
            let why = format!(
                "the credentials belong to account {}, and reading account {account} takes --reader-role NAME: a role there that they may assume",
                home.account
            );
            return Err(Outcome::NotTried { why });
        };
        let cell = Arc::clone(self.assumed.lock().unwrap_or_else(PoisonError::into_inner).entry(account.to_owned()).or_default());
        cell.get_or_init(|| self.assume(home, account, role)).await.clone()
    }

    async fn ask_identity(&self) -> Result<Identity, Failure> {
        let call = async { self.home.sts.get_caller_identity().send().await.map_err(|error| Failure::of(&error)) };
        let answer = self.reader.attempt(&GET_CALLER_IDENTITY, "", call).await?;
        match (answer.arn, answer.account, answer.user_id) {
            (Some(arn), Some(account), Some(user_id)) => Ok(Identity { arn, account, user_id }),
            _ => Err(Failure::Malformed("the answer to sts:GetCallerIdentity has no `Arn`, `Account` or `UserId`".into())),
        }
    }

    async fn assume(&self, home: &Identity, account: &str, role: &str) -> Result<Arc<Clients>, Outcome> {
        let partition = Arn::parse(&home.arn).map_or("aws", |arn| arn.partition);
        let arn = match Arn::parse(role) {
            // A role reads its own account and no other: whatever it finds elsewhere would be that account's and not this one's.
            Some(named) if named.account != account => {
                let why = format!(
                    "--reader-role names a role of account {}, and reading account {account} takes one there: say its NAME alone",
                    named.account
                );
                return Err(Outcome::NotTried { why });
            }
            Some(_) => role.to_owned(),
            None => format!("arn:{partition}:iam::{account}:role/{role}"),
        };
        let (clients, credentials) = self.home.assuming(&arn, &self.reader.secrets);
        let call = async { credentials.provide_credentials().await.map_err(|error| Failure::Connection(chain(&error))) };
        match self.reader.attempt(&ASSUME_ROLE, &arn, call).await {
            Ok(_) => Ok(Arc::new(clients)),
            Err(failure) => Err(Outcome::Refused { needs: format!("sts:AssumeRole on {arn}"), said: failure.said(&self.reader.secrets) }),
        }
    }
}
