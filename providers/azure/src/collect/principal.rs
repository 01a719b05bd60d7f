//! Who asks: an object id, an application id, a user principal name, a display name, a managed identity's resource id, `me`.

use super::connection::Service;
use super::credentials;
use super::directory;
use super::outcome::Failure;
use super::reader::Reader;
use super::step::{APPLICATION, GROUP, IDENTITY, OBJECT, Step, USER};
use crate::world::{dashed, guid};
use azure_core::base64;
use futures_util::future::join4;
use iam_why_contract::{CollectError, Outcome};
use serde_json::{Value, json};

/// A principal, spelled out.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolved {
    /// Its object id, as the question will name it.
    pub(super) id: String,
    /// What it is.
    pub(super) sort: Sort,
    /// The tenant whose token it has, where it is whoever asks.
    pub(super) tenant: Option<String>,
    pub(super) notes: Vec<String>,
}

/// What a principal is, which decides how it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// A person.
    User,
    /// An application or a managed identity.
    Application,
    /// A group.
    Group,
    /// Nobody: no credential is sent, or the directory knows no such id.
    Nobody,
    /// The directory did not say. The id may be one that role assignments never name (P-2).
    #[default]
    NotKnown,
}

impl Sort {
    fn of(object: &Value) -> Self {
        match object.get("@odata.type").and_then(Value::as_str) {
            Some("#microsoft.graph.user") => Self::User,
            Some("#microsoft.graph.servicePrincipal") => Self::Application,
            Some("#microsoft.graph.group") => Self::Group,
            _ => Self::NotKnown,
        }
    }
}

/// Spells out the principal of a question.
pub(super) async fn resolve(reader: &Reader<'_>, words: &str) -> Result<Resolved, CollectError> {
    if words == "me" {
        return own(reader).await;
    }
    if words.eq_ignore_ascii_case("anonymous") {
        return Ok(Resolved { id: words.to_owned(), sort: Sort::Nobody, ..Resolved::default() });
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
    let sort = if text("idtyp") == Some("app") { Sort::Application } else { Sort::User };
    let kind = if sort == Sort::Application { "#microsoft.graph.servicePrincipal" } else { "#microsoft.graph.user" };
    let name = text("upn").or_else(|| text("unique_name")).or_else(|| text("xms_mirid"));
    let mut shown = json!({"id": id, "@odata.type": kind, "displayName": name});
    if let (Some(app), Sort::Application, Some(members)) = (text("appid").or_else(|| text("azp")), sort, shown.as_object_mut()) {
        members.insert("appId".into(), json!(app));
    }
    reader.found(&OBJECT, &id, name.unwrap_or(&id), &shown);
    // A token of a tenant that manages the subscription (P-9) has its rights from no list of role assignments.
    let tenant = text("tid").map(str::to_owned);
    Ok(Resolved { tenant, notes: vec![format!("`me` is {}", name.map_or_else(|| id.clone(), |name| format!("{name} ({id})")))], sort, id })
}

/// The claims of the token; null where it has none.
pub(super) async fn claims(reader: &Reader<'_>) -> Result<Value, Failure> {
    let token = reader.connection.token(Service::Manager, &reader.secrets).await?;
    let claims = token.split('.').nth(1).and_then(|part| base64::decode_url_safe(part).ok());
    Ok(claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// P-2: an application id is the most common wrong id; role assignments name the object id.
async fn of_id(reader: &Reader<'_>, id: &str) -> Result<Resolved, CollectError> {
    reader.expect(&OBJECT, id);
    match reader.graph(&OBJECT, &format!("/v1.0/directoryObjects/{id}"), &[]).await {
        Ok(object) if object.get("@odata.type").and_then(Value::as_str) == Some("#microsoft.graph.application") => {
            reader.note(&OBJECT, id, Outcome::Absent);
            let app = object.get("appId").and_then(Value::as_str).unwrap_or_default();
            let name = title(&object, id);
            Ok(of_application(reader, app, id, &format!("`{id}` is the object id of the app registration {name}")).await)
        }
        Ok(object) => {
            found(reader, &OBJECT, id, &object);
            Ok(Resolved { id: id.to_owned(), sort: Sort::of(&object), ..Resolved::default() })
        }
        Err(failure) if failure.is_absent() => {
            reader.note(&OBJECT, id, Outcome::Absent);
            Ok(of_application(reader, id, id, &format!("`{id}` is an application id")).await)
        }
        Err(failure) => Ok(by_other_means(reader, id, &failure).await),
    }
}

/// The service principal of an application. One that is not there is known not to be: nobody has this id then.
async fn of_application(reader: &Reader<'_>, app: &str, id: &str, says: &str) -> Resolved {
    let plain = |sort, note: Option<String>| Resolved { id: id.to_owned(), sort, notes: note.into_iter().collect(), ..Resolved::default() };
    let Some(app) = guid(app).map(|digits| dashed(&digits)) else { return plain(Sort::NotKnown, None) };
    match reader.graph(&APPLICATION, &format!("/v1.0/servicePrincipals(appId='{app}')"), &[]).await {
        Ok(object) => match id_of(&object) {
            Some(own) => service_principal(reader, own, &object, says),
            None => plain(Sort::NotKnown, None),
        },
        Err(failure) if failure.is_absent() => {
            let note = if app == id {
                format!("`{id}` is neither an object nor an application of this tenant: it was deleted, or belongs to another")
            } else {
                format!("{says}, which has no service principal in this tenant")
            };
            plain(Sort::Nobody, Some(note))
        }
        Err(_) => plain(Sort::NotKnown, None),
    }
}

fn service_principal(reader: &Reader<'_>, own: String, object: &Value, says: &str) -> Resolved {
    found(reader, &APPLICATION, &own, object);
    let name = title(object, &own);
    let note = format!("{says}; role assignments name the object id of its service principal {name}, {own}");
    Resolved { notes: vec![note], sort: Sort::Application, id: own, ..Resolved::default() }
}

/// Whoever may not read every kind of object may read some. All are asked at once; so is the own token, which knows its own ids.
async fn by_other_means(reader: &Reader<'_>, id: &str, failure: &Failure) -> Resolved {
    if let Some(own) = itself(reader, id).await {
        return own;
    }
    let get = |step: &'static Step, path: String| async move { reader.graph(step, &path, &[]).await.ok() };
    let (application, object, user, group) = join4(
        Box::pin(get(&APPLICATION, format!("/v1.0/servicePrincipals(appId='{id}')"))),
        Box::pin(get(&APPLICATION, format!("/v1.0/servicePrincipals/{id}"))),
        Box::pin(get(&USER, format!("/v1.0/users/{id}"))),
        Box::pin(get(&GROUP, format!("/v1.0/groups/{id}"))),
    )
    .await;
    if let Some((own, object)) = application.as_ref().and_then(|object| Some((id_of(object)?, object))) {
        reader.note(&OBJECT, id, Outcome::Absent);
        return service_principal(reader, own, object, &format!("`{id}` is an application id"));
    }
    let typed = [(object, Sort::Application, &APPLICATION), (user, Sort::User, &USER), (group, Sort::Group, &GROUP)];
    for (object, sort, step) in typed {
        if let Some(object) = object {
            found(reader, step, id, &object);
            return Resolved { id: id.to_owned(), sort, ..Resolved::default() };
        }
    }
    reader.failed(&OBJECT, id, failure);
    Resolved { id: id.to_owned(), ..Resolved::default() }
}

/// Is it the id of the credentials themselves?
async fn itself(reader: &Reader<'_>, id: &str) -> Option<Resolved> {
    let claims = claims(reader).await.ok()?;
    let is = |name: &str| claims.get(name).and_then(Value::as_str).and_then(guid).is_some_and(|digits| dashed(&digits) == id);
    // The token of a person has the id of the program that asked for it, which is nobody's here.
    let by_application = claims.get("idtyp").and_then(Value::as_str) == Some("app") && (is("appid") || is("azp"));
    if !is("oid") && !by_application {
        return None;
    }
    let own = own(reader).await.ok()?;
    let notes = if own.id == id {
        Vec::new()
    } else {
        vec![format!("`{id}` is an application id; role assignments name the object id of its service principal, {}", own.id)]
    };
    Some(Resolved { notes, ..own })
}

/// A user-assigned identity, or the resource whose system-assigned identity it is.
async fn of_resource(reader: &Reader<'_>, resource: &str) -> Result<Resolved, CollectError> {
    let user_assigned = resource.to_ascii_lowercase().contains("/providers/microsoft.managedidentity/userassignedidentities/");
    let path = if user_assigned {
        resource.to_owned()
    } else {
        format!("{}/providers/Microsoft.ManagedIdentity/identities/default", resource.trim_end_matches('/'))
    };
    let object = match reader.get(&IDENTITY, &path).await {
        Ok(object) => object,
        Err(failure) => return Err(unresolved(reader, &IDENTITY, resource, &failure).await),
    };
    let inner = |name: &str| object.get("properties").and_then(|inner| inner.get(name)).and_then(Value::as_str);
    let id = inner("principalId").and_then(guid).map(|digits| dashed(&digits));
    let id = id.ok_or_else(|| CollectError::Question(format!("`{resource}` has no managed identity")))?;
    let shown = json!({"id": resource, "name": object.get("name"), "principalId": id, "clientId": inner("clientId"), "principalType": "ServicePrincipal"});
    reader.found(&IDENTITY, &id, &title(&object, &id), &shown);
    Ok(Resolved { notes: vec![format!("`{resource}` is {id}")], sort: Sort::Application, id, ..Resolved::default() })
}

async fn named(reader: &Reader<'_>, words: &str) -> Result<Resolved, CollectError> {
    let quoted = words.replace('\'', "''");
    let by = |filter: String| vec![("$filter", filter)];
    // A guest's own tenant knows it by its address, this one by `name_domain#EXT#@tenant` (P-7).
    let address = words.contains('@');
    let name = format!("displayName eq '{quoted}'");
    let user = if address { format!("userPrincipalName eq '{quoted}' or mail eq '{quoted}'") } else { name.clone() };
    let mut lists = vec![(&USER, "/v1.0/users", by(user), Sort::User)];
    if !address {
        lists.push((&APPLICATION, "/v1.0/servicePrincipals", by(name.clone()), Sort::Application));
        lists.push((&GROUP, "/v1.0/groups", by(name), Sort::Group));
    }
    let answers = lists.iter().map(|(step, path, query, _)| Box::pin(reader.pages(step, Service::Graph, path, query)));
    let answers = futures_util::future::join_all(answers).await;
    let mut all = Vec::new();
    for ((step, _, _, sort), answer) in lists.iter().zip(answers) {
        match answer {
            Ok(found) => all.extend(found.into_iter().filter_map(|object| Some((id_of(&object)?, *sort, object)))),
            Err(failure) => return Err(unresolved(reader, step, words, &failure).await),
        }
    }
    match all.as_slice() {
        [(id, sort, object)] => {
            found(reader, &OBJECT, id, &directory::typed(object, *sort));
            Ok(Resolved { id: id.clone(), sort: *sort, notes: vec![format!("`{words}` is {id}")], ..Resolved::default() })
        }
        [] => Err(CollectError::Question(format!("there is no user, service principal or group `{words}` in this tenant"))),
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, ..)| id.as_str()).collect();
            Err(CollectError::Question(format!("`{words}` could be any of {}: give the object id", ids.join(", "))))
        }
    }
}

fn id_of(object: &Value) -> Option<String> {
    object.get("id").and_then(Value::as_str).and_then(guid).map(|digits| dashed(&digits))
}

/// What people call an object of the directory.
pub(super) fn title(object: &Value, id: &str) -> String {
    ["userPrincipalName", "displayName", "name"].iter().find_map(|name| object.get(name)?.as_str()).unwrap_or(id).to_owned()
}

fn found(reader: &Reader<'_>, step: &Step, id: &str, object: &Value) {
    reader.found(step, id, &title(object, id), &directory::shown(object));
}

async fn unresolved(reader: &Reader<'_>, step: &Step, words: &str, failure: &Failure) -> CollectError {
    let credentials = failure.is_bad_credentials() || matches!(failure, Failure::Connection(_));
    // A token for Resource Manager and none for Graph is a matter of consent, not of logging in.
    let no_token = matches!(failure, Failure::Credentials(_)) && !reader.connection.has_token(&reader.secrets).await;
    if credentials || no_token {
        return unusable(reader, failure);
    }
    CollectError::Question(format!(
        "who `{words}` is could not be read ({}): give the object id, or credentials with {}",
        failure.said(&reader.secrets),
        step.needs.join(" or ")
    ))
}

/// Why the credentials lead nowhere.
pub(super) fn unusable(reader: &Reader<'_>, failure: &Failure) -> CollectError {
    let said = failure.said(&reader.secrets);
    match failure {
        Failure::Credentials(_) if !credentials::is_of_entra(&said) => credentials::none(&said),
        Failure::Credentials(_) => credentials::bad(said),
        failure if failure.is_bad_credentials() => credentials::bad(said),
        _ => CollectError::NothingRead { cloud: "Azure", said },
    }
}
