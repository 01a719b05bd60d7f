//! KMS grants (*Grants in AWS KMS*): they only allow, and need no policy (KMS-4).

use crate::documents::KMS_GRANTS;
use crate::language::action::{ActionPattern, Services};
use crate::language::condition::Condition;
use crate::language::policy::Policy;
use crate::language::principal::Named;
use crate::language::statement::{Principals, Statement, list};
use crate::layers::Level;
use crate::library::Read;
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Document, Effect, Place};
use std::sync::Arc;

/// The grants of the key that `request` names. Each is read as the statement it amounts to.
#[must_use]
pub fn read(reader: &mut Reader<'_>, request: &Request) -> Level {
    let mut level = Level::new("grant", &request.resource);
    match reader.library.read(KMS_GRANTS, &request.resource) {
        Read::Found(document, json) => {
            level.documents.push(document.id.to_string());
            let grants = json.get("Grants").map(Json::elements).unwrap_or_default();
            let statements = grants.iter().enumerate().map(|(index, grant)| statement(document, index, grant)).collect();
            level.policies.push(Arc::new(Policy { document: Arc::clone(&document.id), pointer: "/Grants".into(), statements }));
        }
        Read::Absent => {}
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
    level
}

fn statement(document: &Document, index: usize, grant: &Json) -> Statement {
    let place = Place::new(&*document.id, format!("/Grants/{index}"));
    let text = |name: &str| grant.get(name).and_then(Json::as_str).unwrap_or_default();
    let operations = grant.get("Operations").map(Json::elements).unwrap_or_default();
    let actions = operations.iter().filter_map(Json::as_str).map(|operation| ActionPattern::new(&format!("kms:{operation}")));
    let actions = list(false, actions);
    let conditions = grant.get("Constraints").map(|constraints| conditions(&place, constraints)).unwrap_or_default();
    Statement {
        sid: text("Name").into(),
        effect: Effect::Allow,
        services: Services::of(&actions),
        actions,
        resources: None,
        principals: Principals::Named(vec![Named::new("AWS", text("GranteePrincipal"), String::new()).as_grantee()]),
        conditions,
        place,
    }
}

/// `EncryptionContextSubset` wants its pairs among the request's, `EncryptionContextEquals` exactly its pairs.
fn conditions(place: &Place, constraints: &Json) -> Vec<Condition> {
    let place = place.member("Constraints");
    let mut conditions = Vec::new();
    for (name, pairs) in constraints.members() {
        let place = place.member(name);
        let mut add = |place: Place, operator: &str, key: &str, values: &[String]| {
            conditions.extend(Condition::new(place, operator, key, values, false).ok());
        };
        for (key, value) in pairs.members() {
            let value = value.as_str().unwrap_or_default().to_owned();
            add(place.member(key), "StringEquals", &format!("kms:EncryptionContext:{key}"), &[value]);
        }
        if name == "EncryptionContextEquals" {
            let keys: Vec<String> = pairs.members().iter().map(|(key, _)| key.clone()).collect();
            add(place, "ForAllValues:StringEquals", "kms:EncryptionContextKeys", &keys);
        }
    }
    conditions
}
