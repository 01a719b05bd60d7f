//! Who asks, and what is known of the caller beyond its name.

use super::outcome::Failure;
use super::reader::Reader;
use super::step::{Step, TOKEN};
use super::wire::Call;
use crate::documents::PRINCIPAL;
use crate::language::principals::Principal;
use crate::language::resources::FullName;
use crate::membership::customer_id;
use iam_why_contract::{CollectError, Outcome};
use serde_json::{Value, json};

/// The caller as a v1 member, as far as the token tells.
pub(super) async fn me(reader: &Reader<'_>) -> Result<Option<String>, Failure> {
    let token = reader.wire.credentials.token(reader.secrets()).await?;
    let call = Call::get("/tokeninfo".into()).with("access_token", token.unwrap_or_default());
    let (_, value) = reader.ask(&TOKEN, "", &call).await?;
    let email = value.get("email").and_then(Value::as_str);
    Ok(email.and_then(Principal::parse).map(|principal| principal.v1()))
}

/// `me` by its name.
pub(super) async fn resolve(reader: &Reader<'_>, written: &str) -> Result<String, CollectError> {
    if !written.eq_ignore_ascii_case("me") {
        return Ok(written.to_owned());
    }
    let unknown =
        |why: String| CollectError::Question(format!("`me` cannot be told: {why}; name the principal, as `user:ana@example.com`"));
    match me(reader).await {
        Ok(Some(member)) => Ok(member),
        Ok(None) => Err(unknown("the token does not say whose it is".into())),
        Err(failure) => {
            // An answer of 400 to the token itself: it is none, or not any more.
            if failure.is_bad_credentials() || matches!(&failure, Failure::Answered { status: 400, .. }) {
                return Err(super::connection::bad_credentials(&failure, reader.secrets()));
            }
            Err(unknown(failure.said(reader.secrets())))
        }
    }
}

/// Notes the customer of a user whose address is of the primary domain of an organization: the organization's display name is that
/// domain (F3, F19). Of other domains nothing is known, and nothing is noted.
pub(super) fn customer(reader: &Reader<'_>, principal: &Principal, organization: &FullName, document: &Value) -> Option<String> {
    let Principal::User(email) = principal else { return None };
    let domain = email.rsplit('@').next()?;
    let primary = document.get("displayName")?.as_str()?;
    let customer = customer_id(document).filter(|_| primary.eq_ignore_ascii_case(domain))?;
    let facts = json!({"customer_id": customer, "ancestors": [organization.path]});
    let step = Step { kind: PRINCIPAL, ..super::step::GET_ORGANIZATION };
    reader.document(&step, &principal.v1(), &format!("what is known of {email}"), facts.to_string());
    reader.note(PRINCIPAL, &principal.v1(), Outcome::Found);
    Some(customer)
}
