//! Who asks: an object id, an application id, a user principal name, a display name, a managed identity's resource id, `me`.

use super::connection::{Service, no_credentials};
use super::outcome::Failure;
use super::reader::Reader;
use super::step::{APPLICATION, IDENTITY, OBJECT, Step, USER};
use crate::world::{dashed, guid};
use azure_core::base64;
use iam_why_contract::{CollectError, Outcome};
use serde_json::{Value, json};

/// A principal, spelled out.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolved {
    /// Its object id, as the question will name it.
    pub(super) id: String,
    pub(super) notes: Vec<String>,
}

/// Spells out the principal of a question.
pub(super) async fn resolve(reader: &Reader<'_>, words: &str) -> Result<Resolved, CollectError> {
    if words == "me" {
        return own(reader).await;
    }
    if words.eq_ignore_ascii_case("anonymous") {
        return Ok(Resolved { id: words.to_owned(), notes: Vec::new() });
    }
    if let Some(digits) = guid(words) {
        return of_id(reader, &dashed(&digits)).await;
    }
    if words.starts_with('/') {
        return of_resource(reader, words).await;
    }
    named(reader, words).await
}

/// Who the credentials are, by the claims of their token. It is decoded, not verified, and never shown.
pub(super) async fn own(reader: &Reader<'_>) -> Result<Resolved, CollectError> {
    let claims = claims(reader).await.map_err(|failure| unusable(reader, &failure))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let id = text("oid").and_then(guid).map(|digits| dashed(&digits));
    let id = id.ok_or_else(|| CollectError::Question("the token does not say whose it is: give the object id in place of `me`".into()))?;
    let kind = if text("idtyp") == Some("app") { "#microsoft.graph.servicePrincipal" } else { "#microsoft.graph.user" };
    let name = text("upn").or_else(|| text("unique_name")).or_else(|| text("xms_mirid"));
    let mut shown = json!({"id": id, "@odata.type": kind, "displayName": name});
    if let (Some(app), "#microsoft.graph.servicePrincipal", Some(members)) =
        (text("appid").or_else(|| text("azp")), kind, shown.as_object_mut())
    {
        members.insert("appId".into(), json!(app));
    }
    reader.found(&OBJECT, &id, name.unwrap_or(&id), &shown);
    Ok(Resolved { notes: vec![format!("`me` is {}", name.map_or_else(|| id.clone(), |name| format!("{name} ({id})")))], id })
}

/// The claims of the token; null where it has none.
pub(super) async fn claims(reader: &Reader<'_>) -> Result<Value, Failure> {
    let token = reader.connection.token(Service::Manager, &reader.secrets).await?;
    let claims = token.split('.').nth(1).and_then(|part| base64::decode_url_safe(part).ok());
    Ok(claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// P-2: an application id is the most common wrong id; role assignments name the object id.
async fn of_id(reader: &Reader<'_>, id: &str) -> Result<Resolved, CollectError> {
    let plain = Resolved { id: id.to_owned(), notes: Vec::new() };
    reader.expect(&OBJECT, id);
    match reader.graph(&OBJECT, &format!("/v1.0/directoryObjects/{id}"), &[]).await {
        Ok(object) => {
            if object.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.application") {
                reader.note(&OBJECT, id, Outcome::Absent);
                let app = object.get("appId").and_then(Value::as_str).unwrap_or_default();
                let name = title(&object, id);
                return of_application(reader, app, plain, &format!("`{id}` is the object id of the app registration {name}")).await;
            }
            found(reader, &OBJECT, id, &object);
            Ok(plain)
        }
        Err(failure) if failure.is_absent() => {
            reader.note(&OBJECT, id, Outcome::Absent);
            of_application(reader, id, plain, &format!("`{id}` is an application id")).await
        }
        Err(failure) => {
            reader.failed(&OBJECT, id, &failure);
            Ok(plain)
        }
    }
}

async fn of_application(reader: &Reader<'_>, app: &str, plain: Resolved, says: &str) -> Result<Resolved, CollectError> {
    let Some(app) = guid(app).map(|digits| dashed(&digits)) else { return Ok(plain) };
    let Ok(object) = reader.graph(&APPLICATION, &format!("/v1.0/servicePrincipals(appId='{app}')"), &[]).await else { return Ok(plain) };
    let Some(id) = id_of(&object) else { return Ok(plain) };
    found(reader, &APPLICATION, &id, &object);
    let name = title(&object, &id);
    Ok(Resolved { notes: vec![format!("{says}; role assignments name the object id of its service principal {name}, {id}")], id })
}

/// A user-assigned identity, or the resource whose system-assigned identity it is.
async fn of_resource(reader: &Reader<'_>, resource: &str) -> Result<Resolved, CollectError> {
    let user_assigned = resource.to_ascii_lowercase().contains("/providers/microsoft.managedidentity/userassignedidentities/");
    let path = if user_assigned {
        resource.to_owned()
    } else {
        format!("{}/providers/Microsoft.ManagedIdentity/identities/default", resource.trim_end_matches('/'))
    };
    let object = reader.get(&IDENTITY, &path).await.map_err(|failure| unresolved(reader, &IDENTITY, resource, &failure))?;
    let inner = |name: &str| object.get("properties").and_then(|inner| inner.get(name)).and_then(Value::as_str);
    let id = inner("principalId").and_then(guid).map(|digits| dashed(&digits));
    let id = id.ok_or_else(|| CollectError::Question(format!("`{resource}` has no managed identity")))?;
    let shown = json!({"id": resource, "name": object.get("name"), "principalId": id, "clientId": inner("clientId"), "principalType": "ServicePrincipal"});
    reader.found(&IDENTITY, &id, &title(&object, &id), &shown);
    Ok(Resolved { notes: vec![format!("`{resource}` is {id}")], id })
}

async fn named(reader: &Reader<'_>, words: &str) -> Result<Resolved, CollectError> {
    let quoted = words.replace('\'', "''");
    let by = |member: &str| vec![("$filter", format!("{member} eq '{quoted}'"))];
    let user = by(if words.contains('@') { "userPrincipalName" } else { "displayName" });
    let users = reader.pages(&USER, Service::Graph, "/v1.0/users", &user).await;
    let mut all = users.map_err(|failure| unresolved(reader, &USER, words, &failure))?;
    if !words.contains('@') {
        let name = by("displayName");
        let applications = reader.pages(&APPLICATION, Service::Graph, "/v1.0/servicePrincipals", &name).await;
        all.extend(applications.map_err(|failure| unresolved(reader, &APPLICATION, words, &failure))?);
        let groups = reader.pages(&OBJECT, Service::Graph, "/v1.0/groups", &name).await;
        all.extend(groups.map_err(|failure| unresolved(reader, &OBJECT, words, &failure))?);
    }
    let ids: Vec<String> = all.iter().filter_map(id_of).collect();
    match (ids.as_slice(), all.first()) {
        ([id], Some(object)) => {
            found(reader, &OBJECT, id, object);
            Ok(Resolved { id: id.clone(), notes: vec![format!("`{words}` is {id}")] })
        }
        ([], _) => Err(CollectError::Question(format!("there is no user, service principal or group `{words}` in this tenant"))),
        (several, _) => Err(CollectError::Question(format!("`{words}` could be any of {}: give the object id", several.join(", ")))),
    }
}

fn id_of(object: &Value) -> Option<String> {
    object.get("id").and_then(Value::as_str).and_then(guid).map(|digits| dashed(&digits))
}

fn title(object: &Value, id: &str) -> String {
    ["userPrincipalName", "displayName", "name"].iter().find_map(|name| object.get(name)?.as_str()).unwrap_or(id).to_owned()
}

fn found(reader: &Reader<'_>, step: &Step, id: &str, object: &Value) {
    reader.found(step, id, &title(object, id), object);
}

fn unresolved(reader: &Reader<'_>, step: &Step, words: &str, failure: &Failure) -> CollectError {
    match failure {
        Failure::Answered { status: 401, .. } | Failure::Credentials(_) | Failure::Connection(_) => unusable(reader, failure),
        _ => CollectError::Question(format!(
            "who `{words}` is could not be read ({}): give the object id, or credentials with {}",
            failure.said(&reader.secrets),
            step.needs.join(" and ")
        )),
    }
}

/// Why the credentials lead nowhere.
pub(super) fn unusable(reader: &Reader<'_>, failure: &Failure) -> CollectError {
    let said = failure.said(&reader.secrets);
    match failure {
        Failure::Credentials(_) => no_credentials(&said),
        failure if failure.is_bad_credentials() => {
            let hint = "this is about the credentials themselves, not about a permission: log in anew (`az login`), check the tenant (--tenant) and the cloud (--cloud)";
            CollectError::BadCredentials { cloud: "Azure", said, hint: hint.into() }
        }
        _ => CollectError::NothingRead { cloud: "Azure", said },
    }
}
