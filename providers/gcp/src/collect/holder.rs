//! Whose the credentials are, and whether a name in a refusal is theirs.

use super::connection::connect;
use super::principal::me;
use super::reader::Reader;
use crate::language::principals::Principal;
use iam_why_contract::collect::{CollectError, Gathered, Holder, Options, Quiet, Secrets};
use std::sync::Arc;

/// Asks the token itself.
pub(super) async fn ask(options: &Options) -> Result<Option<Holder>, CollectError> {
    let secrets = Arc::new(Secrets::default());
    let sink = Gathered::default();
    let reader = Reader::new(connect(options, &secrets, true).await?, options.concurrency, &sink, &Quiet);
    let asked = tokio::time::timeout(options.timeout, me(&reader)).await;
    match asked {
        Ok(Ok(who)) => Ok(who.map(|who| Holder { who, also: Vec::new(), same })),
        Ok(Err(failure)) if failure.is_bad_credentials() => Err(reader.wire.bad_credentials(&failure)),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// Messages print an address with its type or without. Only addresses can be told apart: an identity of a pool has none, and a number may
/// be anybody's.
fn same(holder: &Holder, name: &str) -> Option<bool> {
    if name.eq_ignore_ascii_case("anonymous") || name == "allUsers" {
        return Some(false);
    }
    let address = name.rsplit_once(':').map_or(name, |(_, address)| address);
    let refused = Principal::parse(address).filter(|_| !name.contains(['*', '<', '…']) && address.contains('@'))?;
    Some(refused.v1().eq_ignore_ascii_case(&holder.who))
}

#[cfg(test)]
mod tests {
    use super::{Holder, same};

    #[test]
    fn addresses_are_told_apart_and_nothing_else() {
        let who = "serviceAccount:deploy@acme.iam.gserviceaccount.com";
        let holder = Holder { who: who.into(), also: Vec::new(), same };
        assert_eq!(holder.is(who), Some(true));
        assert_eq!(holder.is("Deploy@acme.iam.gserviceaccount.com"), Some(true));
        assert_eq!(holder.is("nadia@example.com"), Some(false));
        assert_eq!(holder.is("user:nadia@example.com"), Some(false));
        assert_eq!(holder.is("anonymous"), Some(false));
        assert_eq!(holder.is("***@example.com"), None);
        assert_eq!(holder.is("112233445566778899001"), None);
        assert_eq!(holder.is("principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s"), None);
    }
}
