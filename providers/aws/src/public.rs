//! Is a bucket policy public? (*Blocking public access to your Amazon S3 storage: The meaning of "public"*, S3-6.)

use crate::documents::POLICY_STATUS;
use crate::language::condition::Comparison;
use crate::language::open::Flag;
use crate::language::policy::Policy;
use crate::language::statement::{Principals, Statement};
use crate::layers::resource::ResourceSide;
use crate::library::Read;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Effect, Truth};

/// Notes whether the bucket's policy is public: by S3's own word where it was read, else by S3's definition.
pub(crate) fn flag(reader: &mut Reader<'_>, side: &ResourceSide) {
    let public = match &side.policy {
        None => Truth::No,
        Some(level) => match reader.library.read(POLICY_STATUS, &level.subject) {
            Read::Found(_, json) => {
                let holder = json.get("PolicyStatus").unwrap_or(&json);
                Truth::from(matches!(holder.get("IsPublic"), Some(Json::Bool(true))))
            }
            _ if level.unread.is_some() => Truth::Unknown,
            _ => level.policies.iter().any(|policy| is_public(policy)).into(),
        },
    };
    reader.flags.set(Flag::PolicyIsPublic, public);
}

/// One public statement makes the whole policy public.
#[must_use]
pub(crate) fn is_public(policy: &Policy) -> bool {
    policy.statements.iter().any(|statement| statement.effect == Effect::Allow && open_to_all(statement))
}

fn open_to_all(statement: &Statement) -> bool {
    let everyone = match &statement.principals {
        Principals::Named(named) => named.iter().any(|named| named.is_everyone()),
        Principals::Unspoken | Principals::Not(_) => true,
    };
    everyone && !statement.conditions.iter().any(confines)
}

/// Keys whose fixed values confine a statement.
const CONFINING: [&str; 17] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
    "aws:userid",
];

/// Does the condition confine the statement to fixed values?
fn confines(condition: &crate::language::condition::Condition) -> bool {
    let positive = !condition.negated()
        && !condition.operator.to_ascii_lowercase().ends_with("ifexists")
        && !condition.operator.to_ascii_lowercase().starts_with("forallvalues");
    let fixed = |text: &str| !text.contains(['*', '?']) && !text.contains("${");
    let texts = || condition.values.iter().map(|value| &*value.text);
    let key = &*condition.key.lower;
    let comparison = matches!(condition.comparison(), Comparison::Text { .. } | Comparison::Arn { .. } | Comparison::Address { .. });
    positive
        && comparison
        && !condition.values.is_empty()
        && match key {
            "aws:sourceip" => texts().all(narrow),
            // The name of an access point may vary as long as its account does not.
            "s3:dataaccesspointarn" => texts().all(|text| text.split(':').take(5).all(fixed) && text.split(':').count() >= 6),
            _ => CONFINING.contains(&key) && texts().all(fixed),
        }
}

/// Not broader than /8 (IPv4) or /32 (IPv6).
fn narrow(text: &str) -> bool {
    match crate::language::ip::network(text) {
        Some(ipnet::IpNet::V4(network)) => network.prefix_len() >= 8,
        Some(ipnet::IpNet::V6(network)) => network.prefix_len() >= 32,
        None => false,
    }
}
