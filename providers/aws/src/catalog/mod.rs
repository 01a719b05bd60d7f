//! What AWS's services know: their actions, the resources and condition keys of each.
//!
//! The facts stand in `aws.catalog` beside this file, written by `cargo xtask catalog` (see [`mod@format`] for its grammar, and the head of
//! the file for where they come from; the licence of the source stands beside it). They are facts as of [`as_of`]: new actions appear every week. So an action or a key that is
//! not here is no error and changes no decision; the catalogue words hints and answers what the policy language itself asks of an
//! action (has it a resource?) or a key (may it have several values?).

pub mod format;
mod hints;

use format::Catalog;
pub use format::{AccessLevel, KeyType};
pub use hints::{did_you_mean, permission_behind, resource_hint};

/// The facts that are compiled in.
const EMBEDDED: &str = include_str!("aws.catalog");

/// The catalogue that is compiled in. Opening it reads its head only.
#[must_use]
pub fn embedded() -> Catalog<'static> {
    Catalog::open(EMBEDDED).unwrap_or_default()
}

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// `s3`: what stands before the colon of its actions.
    pub prefix: &'static str,
    /// `Amazon S3`
    pub title: &'static str,
    /// Do resource control policies apply to it? AWS adds services over time.
    pub rcp: bool,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The prefix of its service.
    pub service: &'static str,
    /// Its name as AWS spells it: `GetObject`.
    pub name: &'static str,
    /// What kind of thing it does.
    pub access: AccessLevel,
    /// The types of resources it acts on; none for an action whose resource is always `*`.
    pub resources: Vec<ActionResource>,
    /// The condition keys that AWS documents for it, its resource types' keys included. Never the keys that a request can have.
    pub keys: Vec<ConditionKey>,
}

/// A type of resource that an action acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResource {
    /// `object`
    pub name: &'static str,
    /// `arn:${Partition}:s3:::${BucketName}/${ObjectName}`
    pub arn: String,
    /// Whether every call of the action names one; of several optional types a call names one or none.
    pub required: bool,
}

/// A condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConditionKey {
    /// `s3:prefix`, `aws:RequestTag/${TagKey}`
    pub name: &'static str,
    /// What its values are.
    pub kind: KeyType,
}

/// The day whose facts these are, `2026-09-26`.
#[must_use]
pub fn as_of() -> &'static str {
    embedded().as_of
}

/// The service with this prefix.
#[must_use]
pub fn service(prefix: &str) -> Option<Service> {
    let section = embedded().section(prefix)?;
    let (prefix, title, rcp) = section.head()?;
    Some(Service { prefix, title, rcp })
}

/// The action called `service:Name`, in whichever case it is written (AWS does not distinguish: G-7). `None` says only that this
/// catalogue does not know it.
#[must_use]
pub fn action(name: &str) -> Option<Action> {
    let (prefix, name) = name.split_once(':')?;
    let section = embedded().section(prefix)?;
    let row = section.action(name)?;
    let (known_keys, known_types) = (section.keys(), section.types());
    let types = row.resources.iter().filter_map(|&(at, required)| known_types.get(at).map(|of| (of, required)));
    let mut keys: Vec<usize> = row.keys.clone();
    keys.extend(types.clone().flat_map(|(of, _)| of.keys.iter().copied()));
    keys.sort_unstable();
    keys.dedup();
    Some(Action {
        service: section.head()?.0,
        name: row.name,
        access: row.access,
        resources: types.map(|(of, required)| ActionResource { name: of.name, arn: of.arn.clone(), required }).collect(),
        keys: keys.iter().filter_map(|&at| known_keys.get(at)).map(|key| ConditionKey { name: key.name, kind: key.kind }).collect(),
    })
}

/// Is `*` the only resource of this action (C-3, G-14)? `None` where the action is not known.
#[must_use]
pub fn is_wildcard_only(action: &str) -> Option<bool> {
    let (prefix, name) = action.split_once(':')?;
    embedded().section(prefix)?.has_resources(name).map(|has| !has)
}

/// May this condition key have several values in one request (C-14: a property of the key, not of the request)? `None` where the key
/// is not known.
#[must_use]
pub fn is_multivalued(key: &str) -> Option<bool> {
    key_type(key).map(|kind| kind.multivalued)
}

/// What the values of this condition key are. `None` where the key is not known.
///
/// The global keys come first, then the key's own service, then the services that use keys of foreign namespaces (`saml:aud` of sts).
#[must_use]
pub fn key_type(key: &str) -> Option<KeyType> {
    let catalog = embedded();
    let namespace = key.split_once(':').map_or("", |(namespace, _)| namespace);
    let own = [Some(catalog.globals()), catalog.section(namespace)].into_iter().flatten();
    let elsewhere = catalog.keys_elsewhere.iter().filter_map(|prefix| catalog.section(prefix));
    own.chain(elsewhere).find_map(|section| section.key(key)).map(|key| key.kind)
}

/// Do resource control policies apply to the actions of this service, as of [`as_of`] (E-21)? A service that AWS added since is
/// not among them.
#[must_use]
pub fn rcp_supported(prefix: &str) -> bool {
    service(prefix).is_some_and(|service| service.rcp)
}

#[cfg(test)]
mod tests {
    use super::{AccessLevel, action, as_of, format, is_multivalued, is_wildcard_only, key_type, rcp_supported, service};

    #[test]
    fn the_file_is_what_its_format_says() {
        let catalog = super::embedded();
        let sections: Vec<_> = catalog.sections().map(|section| section.facts()).collect();
        let again = format::render(catalog.source, catalog.as_of, catalog.keys_elsewhere.clone(), &sections);
        assert!(again == super::EMBEDDED, "reading aws.catalog and writing it again gives another file");
        assert!(super::EMBEDDED.len() < 1_000_000, "{} bytes", super::EMBEDDED.len());
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        let mut actions = 0;
        let catalog = super::embedded();
        for facts in catalog.sections().map(|section| section.facts()) {
            let section = catalog.section(facts.prefix).unwrap_or_else(|| catalog.globals());
            for row in &facts.actions {
                assert_eq!(section.action(row.name).as_ref(), Some(row), "{}:{}", facts.prefix, row.name);
                actions += 1;
            }
        }
        assert!(actions > 20_000, "{actions}");
    }

    #[test]
    fn getting_an_object_is_what_the_service_authorization_reference_says() {
        let get = action("S3:getobject").unwrap();
        assert_eq!((get.service, get.name, get.access), ("s3", "GetObject", AccessLevel::Read));
        let object = get.resources.iter().find(|resource| resource.name == "object").unwrap();
        assert_eq!(object.arn, "arn:${Partition}:s3:::${BucketName}/${ObjectName}");
        assert!(get.keys.iter().any(|key| key.name == "s3:ExistingObjectTag/${TagKey}"));
    }

    #[test]
    fn what_the_policy_language_asks() {
        assert_eq!(is_wildcard_only("s3:ListAllMyBuckets"), Some(true));
        assert_eq!(is_wildcard_only("ec2:DescribeInstances"), Some(true));
        assert_eq!(is_wildcard_only("s3:GetObject"), Some(false));
        assert_eq!(is_wildcard_only("s3:InventedYesterday"), None);
        assert_eq!(is_multivalued("aws:tagkeys"), Some(true));
        assert_eq!(is_multivalued("aws:CalledVia"), Some(true));
        assert_eq!(is_multivalued("aws:PrincipalOrgPaths"), Some(true));
        assert_eq!(is_multivalued("aws:PrincipalTag/team"), Some(false));
        assert_eq!(is_multivalued("dynamodb:LeadingKeys"), Some(true));
        assert_eq!(is_multivalued("kms:EncryptionContext:purpose"), Some(false));
        assert_eq!(is_multivalued("saml:aud"), Some(false));
        assert_eq!(is_multivalued("nobody:Knows"), None);
        assert_eq!(key_type("aws:SourceIp").map(|kind| kind.to_string()).as_deref(), Some("IPAddress"));
    }

    #[test]
    fn services_under_resource_control_policies() {
        assert!(rcp_supported("s3") && rcp_supported("sts") && rcp_supported("kms"));
        assert!(!rcp_supported("ec2") && !rcp_supported("no-such-service"));
        assert_eq!(service("s3").map(|service| service.title), Some("Amazon S3"));
        assert_eq!(as_of().len(), "2026-09-26".len());
    }
}
