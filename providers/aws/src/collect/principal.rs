//! Who asks: an ARN of any kind, `me`, a bare name, an access key id.

use super::accounts::{Accounts, Identity};
use super::arn::{Arn, last};
use super::iam::{GET_KEY_OWNER, GET_ROLE, GET_USER};
use super::outcome::Failure;
use super::reader::Reader;
use futures_util::future::join;
use iam_why_contract::{CollectError, Outcome};

/// A principal whose policies are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// A role, or a session of one: a session does not show the path of its role.
    Role { account: String, arn: String, name: String, path_known: bool, session: bool },
    /// A user.
    User { account: String, arn: String, name: String },
    /// An account, its root user, a federated user, a service, everybody: nothing to read about them in IAM.
    Other { account: Option<String> },
}

/// A principal, spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// In AWS's own spelling.
    pub(super) principal: String,
    pub(super) who: Who,
    /// `aws:userid`, where the credentials are the principal's own.
    pub(super) user_id: Option<String>,
    pub(super) notes: Vec<String>,
}

impl Who {
    /// Reads the ARN of a principal.
    pub(super) fn of(arn: &str) -> Self {
        let Some(parsed) = Arn::parse(arn) else { return Self::Other { account: None } };
        let account = parsed.account.to_owned();
        let (kind, name) = parsed.resource.split_once('/').unwrap_or((parsed.resource, ""));
        match (parsed.service, kind) {
            ("iam", "role") => Self::Role { account, arn: arn.to_owned(), name: last(name).to_owned(), path_known: true, session: false },
            ("iam", "user") => Self::User { account, arn: arn.to_owned(), name: last(name).to_owned() },
            ("sts", "assumed-role") => {
                let name = name.split('/').next().unwrap_or_default().to_owned();
                let arn = format!("arn:{}:iam::{account}:role/{name}", parsed.partition);
                Self::Role { account, arn, name, path_known: false, session: true }
            }
            _ => Self::Other { account: parsed.account_id().map(str::to_owned) },
        }
    }

    /// The account the principal belongs to.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::Role { account, .. } | Self::User { account, .. } => Some(account),
            Self::Other { account } => account.as_deref(),
        }
    }
}

/// Spells out the principal of a question.
pub(super) async fn resolve(reader: &Reader<'_>, accounts: &Accounts<'_>, words: &str) -> Result<Resolved, CollectError> {
    if words == "me" {
        let identity = own(reader, accounts).await?;
        let notes = vec![format!("`me` is {}", identity.arn)];
        return Ok(Resolved { user_id: Some(identity.user_id.clone()), notes, ..plain(&identity.arn) });
    }
    if is_key_id(words) {
        return of_key(reader, accounts, words).await;
    }
    if is_unique_id(words) {
        return Err(CollectError::Question(format!(
            "`{words}` is the unique id of a principal: a policy shows one in place of an ARN when the principal was deleted; say the ARN of the principal that exists now"
        )));
    }
    let bare = !words.contains([':', '*', '.', '@']) && words.matches('/').count() <= 1 && !words.is_empty();
    if bare { named(reader, accounts, words).await } else { Ok(plain(words)) }
}

fn plain(principal: &str) -> Resolved {
    Resolved { principal: principal.to_owned(), who: Who::of(principal), user_id: None, notes: Vec::new() }
}

async fn own<'a>(reader: &Reader<'_>, accounts: &'a Accounts<'_>) -> Result<&'a Identity, CollectError> {
    accounts.identity().await.as_ref().map_err(|failure| unusable(reader, failure))
}

/// Why the credentials lead nowhere.
pub(super) fn unusable(reader: &Reader<'_>, failure: &Failure) -> CollectError {
    let mut said = failure.said(&reader.secrets);
    if failure.is_unreachable() {
        said.push_str(" (sts:GetCallerIdentity, the first call: check the network, HTTPS_PROXY and NO_PROXY, and the region)");
    }
    if failure.is_bad_credentials() {
        let hint = "this is about the credentials themselves, not about a permission: renew them (`aws sso login`), or check the key, the clock and the region".into();
        return CollectError::BadCredentials { cloud: "AWS", said, hint };
    }
    CollectError::NothingRead { cloud: "AWS", said }
}

/// A bare name, or `role/name`, `user/name`, in the account of the credentials.
async fn named(reader: &Reader<'_>, accounts: &Accounts<'_>, words: &str) -> Result<Resolved, CollectError> {
    let identity = own(reader, accounts).await?;
    let partition = Arn::parse(&identity.arn).map_or("aws", |arn| arn.partition);
    let (kind, name) = words.split_once('/').unwrap_or(("", words));
    let iam = &accounts.home().iam;
    let role = async {
        match kind {
            "" | "role" => {
                reader.ask(&GET_ROLE, name, iam.get_role().role_name(name).send()).await.map(|answer| answer.role.map(|role| role.arn))
            }
            _ => Err(Outcome::Absent),
        }
    };
    let user = async {
        match kind {
            "" | "user" => {
                reader.ask(&GET_USER, name, iam.get_user().user_name(name).send()).await.map(|answer| answer.user.map(|user| user.arn))
            }
            _ => Err(Outcome::Absent),
        }
    };
    let whole = |arn: String| {
        let notes = vec![format!("`{words}` is {arn}")];
        Ok(Resolved { notes, ..plain(&arn) })
    };
    match join(role, user).await {
        (Ok(Some(role)), Ok(Some(user))) => Err(CollectError::Question(format!(
            "`{words}` is both a role and a user of account {}: say {role} or {user}",
            identity.account
        ))),
        (Ok(Some(role)), Err(Outcome::Absent)) => whole(role),
        (Err(Outcome::Absent), Ok(Some(user))) => whole(user),
        (Err(Outcome::Absent), Err(Outcome::Absent)) => Err(CollectError::Question(format!(
            "there is no role or user `{words}` in account {}, to which the credentials belong: say the whole ARN (arn:{partition}:iam::ACCOUNT:role/{name}) of one elsewhere",
            identity.account
        ))),
        (role, user) => {
            let said = [role.err(), user.err()]
                .into_iter()
                .flatten()
                .find(|outcome| *outcome != Outcome::Absent)
                .map(describe)
                .unwrap_or_default();
            Err(CollectError::Question(format!(
                "whether `{words}` is a role or a user could not be read ({said}): say its whole ARN (arn:{partition}:iam::{}:role/{name})",
                identity.account
            )))
        }
    }
}

/// The user to whom an access key belongs. A temporary key is known to nobody by its id.
async fn of_key(reader: &Reader<'_>, accounts: &Accounts<'_>, key: &str) -> Result<Resolved, CollectError> {
    let identity = own(reader, accounts).await?;
    if key.starts_with("ASIA") {
        return Err(CollectError::Question(format!(
            "`{key}` is a temporary access key, and AWS does not tell whose session it is: say the session's ARN (`aws sts get-caller-identity` with those credentials, or userIdentity.arn in CloudTrail)"
        )));
    }
    let call = accounts.home().iam.get_access_key_last_used().access_key_id(key).send();
    let name = match reader.ask(&GET_KEY_OWNER, key, call).await {
        Ok(answer) => answer.user_name.filter(|name| !name.is_empty()),
        Err(outcome) => {
            let said = describe(outcome);
            return Err(CollectError::Question(format!(
                "whose access key `{key}` is could not be read with credentials of account {} ({said}): the key may be deleted or of another account; say the user's ARN",
                identity.account
            )));
        }
    };
    let partition = Arn::parse(&identity.arn).map_or("aws", |arn| arn.partition);
    let arn = match name {
        Some(name) if !name.starts_with('<') => {
            let user = accounts.home().iam.get_user().user_name(&name).send();
            let read = reader.ask(&GET_USER, &name, user).await.ok().and_then(|answer| answer.user);
            read.map_or_else(|| format!("arn:{partition}:iam::{}:user/{name}", identity.account), |user| user.arn)
        }
        // The keys of the root user belong to no user.
        _ => format!("arn:{partition}:iam::{}:root", identity.account),
    };
    Ok(Resolved { notes: vec![format!("access key `{key}` belongs to {arn}")], ..plain(&arn) })
}

fn describe(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { needs, said } => format!("{said}; it takes {needs}"),
        Outcome::NotTried { why } => why,
        Outcome::Absent => "there is none".into(),
        Outcome::Found => "it was read".into(),
    }
}

/// `AKIA…` (of a user), `ASIA…` (temporary).
fn is_key_id(words: &str) -> bool {
    (words.starts_with("AKIA") || words.starts_with("ASIA")) && is_id(words)
}

/// `AROA…` (role), `AIDA…` (user), `AGPA…` (group), with a session behind it or not.
fn is_unique_id(words: &str) -> bool {
    let id = words.split(':').next().unwrap_or_default();
    ["AROA", "AIDA", "AGPA"].iter().any(|prefix| id.starts_with(prefix)) && is_id(id)
}

fn is_id(words: &str) -> bool {
    words.len() >= 16 && words.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Who;

    #[test]
    fn a_session_belongs_to_a_role_whose_path_is_not_known() {
        let who = Who::of("arn:aws:sts::111122223333:assumed-role/app/i-0abc");
        let Who::Role { arn, name, path_known, session, .. } = who else { panic!("{who:?}") };
        assert_eq!((arn.as_str(), name.as_str(), path_known, session), ("arn:aws:iam::111122223333:role/app", "app", false, true));
    }

    #[test]
    fn a_role_is_asked_for_by_its_name_without_the_path() {
        let who = Who::of("arn:aws-cn:iam::111122223333:role/team/eu/app");
        assert!(matches!(who, Who::Role { ref name, path_known: true, .. } if name == "app"), "{who:?}");
        assert_eq!(Who::of("lambda.amazonaws.com").account(), None);
        assert_eq!(Who::of("arn:aws:iam::111122223333:root").account(), Some("111122223333"));
    }
}
