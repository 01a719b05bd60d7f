//! The catalogue of all predefined roles, as a snapshot holds it: proposals are made from it and nothing is decided by it.
//!
//! Some 2,400 roles name some 12,000 permissions 200,000 times, which is 10 MB as Google Cloud answers it and would be read with every
//! question. Here each permission stands once and roles give its number: `{permissions: [name], roles: [{name, title, stage, includes}]}`.

use crate::language::permissions::Permission;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

#[derive(Debug, Serialize, Deserialize)]
struct Catalogue<'c> {
    #[serde(borrow)]
    permissions: Vec<Cow<'c, str>>,
    #[serde(borrow)]
    roles: Vec<Role<'c>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Role<'c> {
    #[serde(borrow)]
    name: Cow<'c, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    title: Option<Cow<'c, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    stage: Option<Cow<'c, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    includes: Vec<u32>,
}

/// The definitions of the roles that include `permission` and whose name is `wanted`.
pub(super) fn granting(text: &str, permission: &Permission, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let Ok(catalogue) = serde_json::from_str::<Catalogue<'_>>(text) else { return Vec::new() };
    let spelled = |name: &str| name == permission.v1() || name == permission.v2();
    let numbers: Vec<u32> = (0..).zip(&catalogue.permissions).filter(|(_, name)| spelled(name)).map(|(number, _)| number).collect();
    let grants = |role: &&Role<'_>| role.includes.iter().any(|number| numbers.contains(number));
    catalogue.roles.iter().filter(grants).filter(|role| wanted(&role.name)).map(|role| catalogue.definition(role)).collect()
}

impl Catalogue<'_> {
    /// A role as `gcloud iam roles describe` prints it.
    fn definition(&self, role: &Role<'_>) -> Value {
        let name = |number: &u32| self.permissions.get(usize::try_from(*number).ok()?).map(|name| &**name);
        let permissions: Vec<&str> = role.includes.iter().filter_map(name).collect();
        let mut definition = json!({"name": role.name, "includedPermissions": permissions, "deleted": role.deleted});
        if let Some(members) = definition.as_object_mut() {
            members.extend(role.title.iter().map(|title| ("title".to_owned(), Value::from(title.as_ref()))));
            members.extend(role.stage.iter().map(|stage| ("stage".to_owned(), Value::from(stage.as_ref()))));
        }
        definition
    }
}

/// So many permissions are named by the roles of one document, which then is about 1 MiB; no document may be larger than two.
#[cfg(feature = "collect")]
const MOST: usize = 100_000;

/// The catalogue of these roles, each as Google Cloud lists it, in as many documents as it takes.
#[cfg(feature = "collect")]
pub(crate) fn written(roles: &[String]) -> Result<Vec<String>, serde_json::Error> {
    let listed: Vec<Listed<'_>> = roles.iter().map(|role| serde_json::from_str(role)).collect::<Result<_, _>>()?;
    let mut rest = listed.as_slice();
    let mut documents = Vec::new();
    while !rest.is_empty() {
        let mut named = 0;
        let fits = rest.iter().take_while(|role| {
            named += role.included.len();
            named <= MOST
        });
        let (some, others) = rest.split_at(fits.count().max(1));
        documents.push(document(some)?);
        rest = others;
    }
    Ok(documents)
}

#[cfg(feature = "collect")]
#[derive(Deserialize)]
struct Listed<'r> {
    #[serde(borrow)]
    name: Cow<'r, str>,
    #[serde(borrow, default)]
    title: Option<Cow<'r, str>>,
    #[serde(borrow, default)]
    stage: Option<Cow<'r, str>>,
    #[serde(default)]
    deleted: bool,
    // A list that is left out is empty (proto3).
    #[serde(borrow, default, rename = "includedPermissions")]
    included: Vec<Cow<'r, str>>,
}

#[cfg(feature = "collect")]
fn document(listed: &[Listed<'_>]) -> Result<String, serde_json::Error> {
    let names: std::collections::BTreeSet<&str> = listed.iter().flat_map(|role| &role.included).map(|name| &**name).collect();
    let numbers: std::collections::HashMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let role = |role: &Listed<'_>| Role {
        name: role.name.to_string().into(),
        title: role.title.as_ref().map(|title| title.to_string().into()),
        stage: role.stage.as_ref().map(|stage| stage.to_string().into()),
        deleted: role.deleted,
        includes: role.included.iter().filter_map(|name| numbers.get(&**name).copied()).collect(),
    };
    let roles = listed.iter().map(role).collect();
    serde_json::to_string(&Catalogue { permissions: names.iter().copied().map(Cow::from).collect(), roles })
}

#[cfg(test)]
mod tests {
    use super::granting;
    use crate::language::permissions::Permission;
    use serde_json::json;

    #[test]
    fn roles_come_out_as_they_were_listed_and_numbers_out_of_range_are_nothing() {
        let text = json!({"permissions": ["pubsub.topics.get", "pubsub.topics.publish"], "roles": [
            {"name": "roles/pubsub.publisher", "title": "Publisher", "stage": "GA", "includes": [1]},
            {"name": "roles/pubsub.viewer", "includes": [0]},
            {"name": "roles/pubsub.old", "deleted": true, "includes": [1, 0, 7]},
            {"name": "roles/editor", "includes": [0, 1]},
        ]});
        let found = granting(&text.to_string(), &Permission::parse("pubsub.topics.publish").unwrap(), |name| name != "roles/editor");
        assert_eq!(
            found,
            [
                json!({"name": "roles/pubsub.publisher", "title": "Publisher", "stage": "GA", "deleted": false,
                    "includedPermissions": ["pubsub.topics.publish"]}),
                json!({"name": "roles/pubsub.old", "deleted": true, "includedPermissions": ["pubsub.topics.publish", "pubsub.topics.get"]}),
            ]
        );
        assert!(granting("{}", &Permission::parse("pubsub.topics.publish").unwrap(), |_| true).is_empty());
    }

    #[cfg(feature = "collect")]
    #[test]
    fn what_is_written_is_read_again() {
        let role =
            json!({"name": "roles/a.b", "title": "A \"b\"", "stage": "GA", "etag": "AA==", "includedPermissions": ["a.x.get", "a.x.list"]});
        let empty = json!({"name": "roles/empty"});
        let large: Vec<String> = (0..super::MOST).map(|number| format!("big.x.p{number}")).collect();
        let large = json!({"name": "roles/big.all", "stage": "GA", "includedPermissions": large});
        let documents = super::written(&[role.to_string(), empty.to_string(), large.to_string()]).unwrap();
        let [text, second] = &*documents else { panic!("{}", documents.len()) };
        assert_eq!(granting(second, &Permission::parse("big.x.p7").unwrap(), |_| true).len(), 1);
        let found = granting(text, &Permission::parse("a.x.list").unwrap(), |_| true);
        assert_eq!(
            found,
            [
                json!({"name": "roles/a.b", "title": "A \"b\"", "stage": "GA", "deleted": false, "includedPermissions": ["a.x.get", "a.x.list"]})
            ]
        );
        assert!(text.contains("roles/empty"));
    }
}
