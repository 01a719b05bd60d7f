//! Whose the credentials are, and whether a name in a refusal is theirs.

use super::accounts::Accounts;
use super::arn::{Arn, last};
use super::connection::connect;
use super::principal::unusable;
use super::reader::Reader;
use iam_why_contract::collect::{CollectError, Gathered, Holder, Options, Quiet, Secrets};
use std::sync::Arc;

/// Asks sts:GetCallerIdentity, which takes no permission.
pub(super) async fn ask(options: &Options) -> Result<Option<Holder>, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(options.concurrency, &sink, &Quiet, Arc::clone(&secrets));
    let asked = async {
        let accounts = Accounts::new(&reader, connect(options, &secrets).await?, None);
        let identity = accounts.identity().await.as_ref().map_err(|failure| unusable(&reader, failure))?;
        Ok(Holder { who: identity.arn.clone(), also: vec![identity.user_id.clone()], same })
    };
    match tokio::time::timeout(options.timeout, asked).await {
        Ok(asked) => asked.map(Some),
        Err(_) => Ok(None),
    }
}

/// Messages name a session, a role, a user, or the unique id of one; what is masked or cut off settles nothing.
fn same(holder: &Holder, name: &str) -> Option<bool> {
    if name == holder.who || holder.also.iter().any(|id| id == name) {
        return Some(true);
    }
    if name == "anonymous" || name.ends_with(".amazonaws.com") {
        return Some(false);
    }
    if let Some(id) = name.split(':').next().filter(|id| id.len() >= 20 && ["AROA", "AIDA"].iter().any(|start| id.starts_with(start))) {
        return holder.also.iter().find_map(|own| own.split(':').next()).map(|own| own == id);
    }
    let (own, refused) = (identity(&holder.who)?, identity(name)?);
    // One may be cut off.
    let cut_off = own != refused && own.account == refused.account && own.kind == refused.kind && own.name.starts_with(&refused.name);
    (!cut_off).then(|| own == refused)
}

/// What policies are attached to: a role, whichever session of it, a user, the account.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    account: String,
    kind: String,
    name: String,
}

fn identity(arn: &str) -> Option<Identity> {
    let arn = Arn::parse(arn)?;
    let whole = |account: &str| account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    let named = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte));
    // Names of roles and users are unique in an account whatever their case and path; a session leaves the path out.
    let (kind, name) = match arn.resource.split_once('/') {
        None if arn.resource == "root" => ("root", "root"),
        Some(("assumed-role", rest)) => ("role", rest.split('/').next().unwrap_or(rest)),
        Some((kind @ ("role" | "user"), path)) => (kind, last(path)),
        Some(("federated-user", name)) => ("federated-user", name),
        _ => return None,
    };
    let (account, kind, name) = (arn.account.to_owned(), kind.to_owned(), name.to_ascii_lowercase());
    (whole(&account) && named(&name)).then_some(Identity { account, kind, name })
}

#[cfg(test)]
mod tests {
    use super::{Holder, same};

    #[test]
    fn a_session_is_its_role_and_what_is_cut_off_settles_nothing() {
        let holder = Holder {
            who: "arn:aws:sts::111122223333:assumed-role/app/nadia".into(),
            also: vec!["AROAEXAMPLEEXAMPLE12:nadia".into()],
            same,
        };
        let is = |name: &str| holder.is(name);
        assert_eq!(is("arn:aws:sts::111122223333:assumed-role/app/other"), Some(true));
        assert_eq!(is("arn:aws:iam::111122223333:role/service/app"), Some(true));
        assert_eq!(is("AROAEXAMPLEEXAMPLE12:other"), Some(true));
        assert_eq!(is("AROAEXAMPLEEXAMPLE99:nadia"), Some(false));
        assert_eq!(is("arn:aws:iam::444455556666:role/app"), Some(false));
        assert_eq!(is("arn:aws:iam::111122223333:user/app"), Some(false));
        assert_eq!(is("anonymous"), Some(false));
        assert_eq!(is("arn:aws:iam::111122223333:role/ap"), None);
        assert_eq!(is("arn:aws:iam::************:role/app"), None);
        assert_eq!(is("arn:aws:iam::111122223333:role/***"), None);
        assert_eq!(is("app"), None);
    }
}
