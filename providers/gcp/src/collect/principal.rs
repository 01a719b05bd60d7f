//! Who asks, and what is known of the caller beyond its name.

use super::credentials::{Whose, of_machine};
use super::iam::Set;
use super::outcome::Failure;
use super::reader::Reader;
use super::step::{SEARCH_ORGANIZATIONS, TOKEN};
use super::wire::Call;
use crate::language::principals::Principal;
use crate::language::resources::FullName;
use crate::membership::customer_id;
use iam_why_contract::CollectError;
use serde_json::Value;

/// The caller as a v1 member, as far as the credentials or the token tell.
pub(super) async fn me(reader: &Reader<'_>) -> Result<Option<String>, Failure> {
    let email = match reader.wire.source.whose() {
        Whose::Account(email) => Some(email),
        Whose::Machine => of_machine(&reader.wire.http).await,
        // Not for tokens of a pool.
        Whose::Pool(_) => return Ok(None),
        Whose::Tokens => None,
    };
    match email {
        Some(email) => Ok(Principal::parse(&email).map(|principal| principal.v1())),
        None => told(reader).await,
    }
}

/// What Google says of the token.
async fn told(reader: &Reader<'_>) -> Result<Option<String>, Failure> {
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
        Ok(None) => Err(match reader.wire.source.whose() {
            Whose::Pool(pool) => CollectError::Question(format!(
                "`me` cannot be told: the token of a pool does not say whose it is; name the principal, as `principal://{pool}/subject/SUBJECT`"
            )),
            _ => unknown("the token does not say whose it is".into()),
        }),
        Err(failure) => {
            // An answer of 400 to the token itself: it is none, or not any more.
            if failure.is_bad_credentials() || matches!(&failure, Failure::Answered { status: 400, .. }) {
                return Err(reader.wire.bad_credentials(&failure));
            }
            Err(unknown(failure.said(reader.secrets())))
        }
    }
}

/// Is it a user whose address is of the primary domain of this organization? Its display name is that domain (F3, F19).
pub(super) fn is_of_primary_domain(principal: &Principal, organization: &Value) -> bool {
    let Principal::User(email) = principal else { return false };
    let primary = organization.get("displayName").and_then(Value::as_str);
    email.rsplit('@').next().zip(primary).is_some_and(|(domain, primary)| primary.eq_ignore_ascii_case(domain))
}

/// The set of all accounts of the customer that owns an organization.
pub(super) fn primary_set(organization: &FullName, document: &Value) -> Option<Set> {
    let name = format!("//iam.googleapis.com/locations/global/workspace/{}", customer_id(document)?);
    Some(Set::named(&name, organization))
}

/// The organization of a user who is of none above the resource, where it can be seen: the one whose primary domain is that of the
/// address. That none is found proves nothing, and nothing is noted.
pub(super) async fn elsewhere(reader: &Reader<'_>, principal: &Principal) -> Option<(FullName, Value)> {
    let Principal::User(email) = principal else { return None };
    let domain = email.rsplit('@').next().filter(|domain| !matches!(*domain, "gmail.com" | "googlemail.com"))?;
    let call = Call::get("/v3/organizations:search".into()).with("query", format!("domain:{domain}"));
    let listed = reader.list(&SEARCH_ORGANIZATIONS, &principal.v1(), &call, "organizations").await.ok()?;
    let parsed = listed.into_iter().filter_map(|text| Some((serde_json::from_str::<Value>(&text).ok()?, text)));
    let (value, text) = parsed.into_iter().find(|(value, _)| is_of_primary_domain(principal, value))?;
    let node = FullName::node(value.get("name")?.as_str()?)?;
    reader.document(&SEARCH_ORGANIZATIONS, &node.to_string(), &node.path, text);
    Some((node, value))
}
