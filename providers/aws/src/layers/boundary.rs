//! Permissions boundaries (*Permissions boundaries for IAM entities*): a ceiling that grants nothing (E-39).

use crate::language::policy::Grammar;
use crate::layers::Level;
use crate::layers::identity::managed_policy;
use crate::library::missing;
use crate::world::{Identity, Reader};
use iam_why_contract::Doubt;
use iam_why_contract::json::Json;

/// The boundary of the user or role that `identity` is; `None` where it is known to have none.
#[must_use]
pub fn read(reader: &mut Reader<'_>, identity: &Identity<'_>) -> Option<Level> {
    let mut level = Level::new("boundary", &identity.arn);
    match &identity.detail {
        Some((_, json)) => {
            let boundary = json.get("PermissionsBoundary").filter(|boundary| **boundary != Json::Null)?;
            let arn = boundary.get("PermissionsBoundaryArn").and_then(Json::as_str).unwrap_or_default();
            managed_policy(reader, &mut level, arn, Grammar::Boundary);
        }
        None => {
            let outcome = reader.library.snapshot().outcome(identity.kind, &identity.arn);
            let doubt = identity.gone(reader.library).unwrap_or_else(|| {
                let Doubt { about, needs } = missing(identity.kind, &identity.arn, outcome);
                Doubt { about: format!("the permissions boundary, which stands in {about}"), needs }
            });
            level.not_read(reader, doubt);
        }
    }
    Some(level)
}
