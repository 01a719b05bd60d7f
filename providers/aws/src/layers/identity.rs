//! Identity policies: inline and attached ones, and those of the user's groups (E-38, *Identity-based policies and resource-based
//! policies*).

use crate::documents::{ATTACHED_POLICIES, GROUP, INLINE_NAMES, INLINE_POLICY, MANAGED_POLICY, USER_GROUPS};
use crate::language::arn::Arn;
use crate::language::policy::Grammar;
use crate::layers::Level;
use crate::library::{Read, missing};
use crate::world::{Identity, Reader};
use iam_why_contract::json::Json;
use iam_why_contract::{Document, Outcome};
use std::sync::Arc;

/// The identity policies of the user or role that `identity` is.
#[must_use]
pub fn read(reader: &mut Reader<'_>, identity: &Identity<'_>) -> Level {
    let mut level = Level::new("identity", &identity.arn);
    if let Some(doubt) = identity.gone(reader.library) {
        level.not_read(reader, doubt);
        return level;
    }
    owned(reader, &mut level, &identity.arn, identity.detail.as_ref());
    if identity.arn.contains(":user/") {
        groups(reader, &mut level, identity);
    }
    level
}

/// Takes in the inline and attached policies of a user, role or group.
fn owned(reader: &mut Reader<'_>, level: &mut Level, arn: &str, detail: Option<&(&Document, Arc<Json>)>) {
    inline(reader, level, arn, detail);
    attached(reader, level, arn, detail);
}

/// The member of an authorization detail that holds its inline policies.
const INLINE_LISTS: [&str; 3] = ["RolePolicyList", "UserPolicyList", "GroupPolicyList"];

fn inline(reader: &mut Reader<'_>, level: &mut Level, arn: &str, detail: Option<&(&Document, Arc<Json>)>) {
    let listed = detail
        .and_then(|(document, json)| INLINE_LISTS.iter().find_map(|name| json.get(name).map(|list| (*document, *name, list.elements()))));
    if let Some((document, name, policies)) = listed {
        for (index, policy) in policies.iter().enumerate() {
            let json = policy.get("PolicyDocument").unwrap_or(&Json::Null);
            level.add(reader, document, (&format!("/{name}/{index}/PolicyDocument"), json), Grammar::Identity);
        }
        return;
    }
    let here: Vec<&Document> = reader.library.snapshot().of(INLINE_POLICY, arn).collect();
    match reader.library.read(INLINE_NAMES, arn) {
        Read::Found(_, names) => {
            for name in names.get("PolicyNames").map(Json::elements).unwrap_or_default().iter().filter_map(Json::as_str) {
                match here.iter().find(|document| *document.title == *name || document.title.ends_with(&format!(" {name}"))) {
                    Some(document) => whole(reader, level, document, Grammar::Identity),
                    None => {
                        let subject = format!("{arn} ({name})");
                        level.not_read(
                            reader,
                            missing(
                                INLINE_POLICY,
                                &subject,
                                reader.library.snapshot().outcome(INLINE_POLICY, arn).filter(|outcome| **outcome != Outcome::Found),
                            ),
                        );
                    }
                }
            }
        }
        Read::Absent => {}
        Read::Unread(doubt) => match reader.library.snapshot().outcome(INLINE_POLICY, arn) {
            Some(Outcome::Found) => here.iter().for_each(|document| whole(reader, level, document, Grammar::Identity)),
            Some(Outcome::Absent) => {}
            _ => level.not_read(reader, doubt),
        },
    }
}

fn attached(reader: &mut Reader<'_>, level: &mut Level, arn: &str, detail: Option<&(&Document, Arc<Json>)>) {
    if let Some(list) = detail.and_then(|(_, json)| json.get("AttachedManagedPolicies").cloned()) {
        list.elements().iter().for_each(|policy| managed(reader, level, policy, Grammar::Identity));
        return;
    }
    match reader.library.read(ATTACHED_POLICIES, arn) {
        Read::Found(_, json) => {
            let policies = json.get("AttachedPolicies").map(Json::elements).unwrap_or_default();
            policies.iter().for_each(|policy| managed(reader, level, policy, Grammar::Identity));
        }
        Read::Absent => {}
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
}

/// Takes in the managed policy that `{PolicyArn}` refers to.
fn managed(reader: &mut Reader<'_>, level: &mut Level, policy: &Json, grammar: Grammar) {
    let arn = policy.get("PolicyArn").and_then(Json::as_str).unwrap_or_default();
    managed_policy(reader, level, arn, grammar);
}

/// Takes in the managed policy with this ARN.
pub(crate) fn managed_policy(reader: &mut Reader<'_>, level: &mut Level, arn: &str, grammar: Grammar) {
    match reader.library.read(MANAGED_POLICY, arn) {
        Read::Found(document, json) => level.add(reader, document, ("", &json), grammar),
        // It is attached, so it is there: that it was not found is as good as not read.
        Read::Absent => level.not_read(reader, missing(MANAGED_POLICY, arn, None)),
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
}

/// Takes in a document that is a policy.
fn whole(reader: &mut Reader<'_>, level: &mut Level, document: &Document, grammar: Grammar) {
    match reader.library.json(document) {
        Ok(json) => level.add(reader, document, ("", &json), grammar),
        Err(error) => {
            let about = format!("what `{}` says: {error}", document.id);
            level.not_read(reader, iam_why_contract::Doubt { about, needs: "the policy as AWS prints it".to_owned() });
        }
    }
}

fn groups(reader: &mut Reader<'_>, level: &mut Level, identity: &Identity<'_>) {
    let names =
        identity.detail.as_ref().and_then(|(_, json)| json.get("GroupList")).map(|list| {
            list.elements().iter().filter_map(Json::as_str).map(|name| group_arn(reader, &identity.arn, name)).collect::<Vec<_>>()
        });
    if let Some(arns) = names {
        arns.iter().for_each(|arn| group(reader, level, arn));
        return;
    }
    match reader.library.read(USER_GROUPS, &identity.arn) {
        Read::Found(_, json) => {
            for one in json.get("Groups").map(Json::elements).unwrap_or_default() {
                match one.get("Arn").and_then(Json::as_str) {
                    Some(arn) => group(reader, level, arn),
                    None => {
                        let name = one.get("GroupName").and_then(Json::as_str).unwrap_or_default();
                        let arn = group_arn(reader, &identity.arn, name);
                        group(reader, level, &arn);
                    }
                }
            }
        }
        Read::Absent => {}
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
}

/// The ARN of the group called `name` in the account of `user`.
fn group_arn(reader: &Reader<'_>, user: &str, name: &str) -> String {
    let Some(arn) = Arn::parse(user) else { return name.to_owned() };
    match reader.library.named(GROUP, arn.account, name) {
        Some(document) => document.subject.to_string(),
        None => format!("arn:{}:iam::{}:group/{name}", arn.partition, arn.account),
    }
}

/// Groups are not nested and have no boundary (E-38).
fn group(reader: &mut Reader<'_>, level: &mut Level, arn: &str) {
    let detail = match reader.library.read(GROUP, arn) {
        Read::Found(document, json) => Some((document, json)),
        Read::Absent | Read::Unread(_) => None,
    };
    owned(reader, level, arn, detail.as_ref());
}
