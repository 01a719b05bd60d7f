//! Whose the credentials are, and whether a name in a refusal is theirs.

use super::connection::connect;
use super::principal::{claims, unusable};
use super::reader::Reader;
use crate::world::{dashed, guid};
use azure_core::credentials::TokenCredential;
use iam_why_contract::collect::{CollectError, Gathered, Holder, Options, Quiet};
use serde_json::Value;
use std::sync::Arc;

/// Reads the claims of the token. It is decoded, not verified, and never shown.
pub(super) async fn ask(given: Option<Arc<dyn TokenCredential>>, options: &Options) -> Result<Option<Holder>, CollectError> {
    let sink = Gathered::default();
    let reader = Reader::new(connect(given, options)?, options.concurrency, &sink, &Quiet);
    let claims = match tokio::time::timeout(options.timeout, claims(&reader)).await {
        Ok(claims) => claims.map_err(|failure| unusable(&reader, &failure))?,
        Err(_) => return Ok(None),
    };
    Ok(holder(&claims))
}

/// The object id is what assignments name; an application goes by its application id too.
fn holder(claims: &Value) -> Option<Holder> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("oid").as_deref().and_then(guid).map(|digits| dashed(&digits))?;
    let is_application = text("idtyp").as_deref() == Some("app");
    let application = text("appid").or_else(|| text("azp"));
    let names = [text("upn"), text("unique_name"), text("preferred_username"), application.filter(|_| is_application)];
    Some(Holder { who: id, also: names.into_iter().flatten().collect(), same })
}

fn same(holder: &Holder, name: &str) -> Option<bool> {
    if let Some(digits) = guid(name) {
        let refused = dashed(&digits);
        let own = refused == holder.who || holder.also.iter().filter_map(|id| guid(id)).any(|digits| dashed(&digits) == refused);
        return Some(own);
    }
    if holder.also.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Some(true);
    }
    // A guest has one name at home and another here.
    let plain = |name: &str| name.contains('@') && !name.contains('#');
    let mut own = holder.also.iter().filter(|own| guid(own).is_none()).peekable();
    (plain(name) && own.peek().is_some() && own.all(|own| plain(own))).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::holder;
    use serde_json::json;

    #[test]
    fn a_user_goes_by_id_and_name_and_an_application_by_two_ids() {
        let oid = "0aaaaaaa-1111-4222-8333-444444444444";
        let user = holder(&json!({"oid": oid, "upn": "nadia@example.com", "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46"})).unwrap();
        assert_eq!(user.is(oid), Some(true));
        assert_eq!(user.is("Nadia@example.com"), Some(true));
        assert_eq!(user.is("omar@example.com"), Some(false));
        assert_eq!(user.is("9aaaaaaa-1111-4222-8333-444444444444"), Some(false));
        assert_eq!(user.is("live.com#nadia@example.com"), None);
        assert_eq!(user.is("deploy"), None);
        let app = holder(&json!({"oid": oid, "idtyp": "app", "appid": "7bbbbbbb-1111-4222-8333-444444444444"})).unwrap();
        assert_eq!(app.is("7bbbbbbb-1111-4222-8333-444444444444"), Some(true));
        assert_eq!(app.is("omar@example.com"), None);
        assert!(holder(&json!({})).is_none());
    }
}
