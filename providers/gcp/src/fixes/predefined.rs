//! Predefined roles that are narrow and often granted, as a copy of Google's list has them. They are proposed and never decide: a binding
//! of a role that was not read stays open whatever this list says, and where a role was read, that is what counts here too.

use crate::language::resources::FullName;
use serde_json::{Value, json};

const ROLES: &str = include_str!("../../data/predefined-roles.tsv");

/// By when the copy was made.
pub(crate) const LISTED: &str = "November 2026";

/// One role of the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Predefined {
    /// `roles/storage.objectViewer`
    pub name: &'static str,
    title: &'static str,
    stage: &'static str,
    /// The collections of the lowest resources it can be granted on.
    lowest: &'static str,
    permissions: &'static str,
}

/// The roles of the list that include `permission`.
pub(crate) fn granting(permission: &str) -> impl Iterator<Item = Predefined> {
    all().filter(move |role| role.permissions().any(|included| included == permission))
}

/// The role of this name, where the list has it.
pub(crate) fn named(name: &str) -> Option<Predefined> {
    all().find(|role| role.name == name)
}

/// The names of at most `most` roles of the list that include `permission` and can be granted on `node`, the narrowest first.
#[cfg(feature = "collect")]
pub(crate) fn likely(permission: &str, node: &FullName, most: usize) -> Vec<&'static str> {
    let mut roles: Vec<Predefined> = granting(permission).filter(|role| role.is_grantable_on(node)).collect();
    roles.sort_by_key(|role| (role.permissions().count(), role.name));
    roles.into_iter().take(most).map(|role| role.name).collect()
}

fn all() -> impl Iterator<Item = Predefined> {
    ROLES.lines().filter(|line| !line.starts_with('#')).filter_map(read)
}

fn read(line: &'static str) -> Option<Predefined> {
    let mut fields = line.split('\t');
    let role = Predefined {
        name: fields.next()?,
        title: fields.next()?,
        stage: fields.next()?,
        lowest: fields.next()?,
        permissions: fields.next()?,
    };
    fields.next().is_none().then_some(role)
}

impl Predefined {
    fn permissions(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.permissions.split(' ')
    }

    /// Can it be granted on `node`: on a lowest resource, or on a project, folder or organization that is no lower?
    pub(crate) fn is_grantable_on(&self, node: &FullName) -> bool {
        let Some(collection) = node.collection() else { return false };
        let listed = || self.lowest.split(' ');
        listed().any(|lowest| lowest == collection)
            || (node.is_node() && height(collection) >= listed().map(height).max().unwrap_or_default())
    }

    /// The role as `gcloud iam roles describe` would have printed it.
    pub(crate) fn definition(&self) -> Value {
        let permissions: Vec<&str> = self.permissions().collect();
        json!({"name": self.name, "title": self.title, "stage": self.stage, "includedPermissions": permissions})
    }
}

fn height(collection: &str) -> usize {
    match collection {
        "organizations" => 2,
        "folders" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{ROLES, all, granting, named};
    use crate::language::permissions::Permission;
    use crate::language::resources::FullName;

    #[test]
    fn every_line_is_well_formed_and_everything_stands_in_order_and_once() {
        let lines = ROLES.lines().filter(|line| !line.starts_with('#')).count();
        let roles: Vec<_> = all().collect();
        assert_eq!(roles.len(), lines, "a line has not five fields");
        let before = |one: &str, two: &str| assert!(one < two, "{one} stands before {two}");
        roles.windows(2).for_each(|pair| before(pair[0].name, pair[1].name));
        for role in &roles {
            assert!(role.name.strip_prefix("roles/").is_some_and(|id| !id.is_empty() && !id.contains(['/', ' '])), "{}", role.name);
            assert!(!role.title.is_empty() && role.title.trim() == role.title, "{}", role.name);
            assert!(["ALPHA", "BETA", "GA"].contains(&role.stage), "{}: {}", role.name, role.stage);
            assert!(
                role.lowest.split(' ').all(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_')),
                "{}",
                role.name
            );
            let permissions: Vec<&str> = role.permissions().collect();
            permissions.windows(2).for_each(|pair| before(pair[0], pair[1]));
            for permission in &permissions {
                assert!(Permission::parse(permission).is_some_and(|read| read.v1() == *permission), "{}: {permission}", role.name);
            }
            assert!(permissions.len() <= 110, "{} is not narrow: {}", role.name, permissions.len());
        }
    }

    #[test]
    fn a_role_is_granted_no_lower_than_google_takes_it() {
        let on = |role: &str, service: &str, path: &str| named(role).unwrap().is_grantable_on(&FullName::new(service, path));
        let manager = "cloudresourcemanager.googleapis.com";
        for (role, service, path, wanted) in [
            ("roles/storage.objectViewer", "storage.googleapis.com", "projects/_/buckets/b", true),
            ("roles/storage.objectViewer", manager, "projects/p", true),
            ("roles/bigquery.jobUser", "bigquery.googleapis.com", "projects/p/datasets/d", false),
            ("roles/bigquery.jobUser", manager, "projects/p", true),
            ("roles/resourcemanager.organizationViewer", manager, "projects/p", false),
            ("roles/resourcemanager.organizationViewer", manager, "organizations/7", true),
            ("roles/resourcemanager.projectCreator", manager, "projects/p", false),
            ("roles/resourcemanager.projectCreator", manager, "folders/8", true),
        ] {
            assert_eq!(on(role, service, path), wanted, "{role} on {path}");
        }
    }

    #[test]
    fn the_permissions_that_refusals_name_most_have_a_role() {
        for (permission, narrowest) in [
            ("storage.objects.get", "roles/storage.objectViewer"),
            ("storage.objects.create", "roles/storage.objectCreator"),
            ("bigquery.jobs.create", "roles/bigquery.jobUser"),
            ("pubsub.topics.publish", "roles/pubsub.publisher"),
            ("secretmanager.versions.access", "roles/secretmanager.secretAccessor"),
            ("iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser"),
            ("cloudkms.cryptoKeyVersions.useToDecrypt", "roles/cloudkms.cryptoKeyDecrypter"),
            ("run.routes.invoke", "roles/run.servicesInvoker"),
            ("serviceusage.services.use", "roles/serviceusage.serviceUsageConsumer"),
            ("cloudsql.instances.connect", "roles/cloudsql.client"),
        ] {
            let role = granting(permission).min_by_key(|role| (role.permissions().count(), role.name));
            assert_eq!(role.map(|role| role.name), Some(narrowest), "{permission}");
        }
    }
}
