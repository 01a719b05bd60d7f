//! Which attributes an operation on blobs can have at all ("Actions and attributes for Azure role assignment conditions for Azure Blob
//! Storage"). One that it cannot have is absent, whoever asks: a listing has no path, reading carries no tags.

use crate::language::condition::{Attribute, Source};
use iam_why_contract::Lookup;

const BLOBS: &str = "microsoft.storage/storageaccounts/blobservices/containers/blobs/";

/// The operations that share an action, as far as their attributes differ; `None` is the plain one.
const SUBOPERATIONS: [Option<&str>; 4] = [None, Some("blob.list"), Some("blob.write.withtagheaders"), Some("blob.write.tier")];

/// Is it certain that the operation has no such attribute?
pub(crate) fn cannot_be(action: &str, sub_operation: Lookup<'_>, attribute: &Attribute) -> bool {
    let lower = action.to_ascii_lowercase();
    let Some(operation) = lower.strip_prefix(BLOBS) else { return false };
    let name = attribute.name.to_ascii_lowercase();
    let Some(name) = name.strip_prefix(BLOBS.trim_end_matches('/')) else { return false };
    let has = |sub: Option<&str>| has(operation, sub, attribute.source, name).unwrap_or(true);
    match sub_operation {
        Lookup::Known([sub]) => !has(Some(&sub.to_ascii_lowercase())),
        Lookup::Absent => !has(None),
        Lookup::Known(_) | Lookup::NotKnown => !SUBOPERATIONS.into_iter().any(has),
    }
}

/// Does the operation have the attribute? `None` for attributes and operations that the table does not have.
fn has(operation: &str, sub: Option<&str>, source: Source, name: &str) -> Option<bool> {
    let list = operation == "read" && sub == Some("blob.list");
    let reads = operation == "read" && !list;
    let tier = operation == "write" && sub == Some("blob.write.tier");
    let headers = matches!(operation, "write" | "add/action") && sub == Some("blob.write.withtagheaders");
    let tags = matches!(operation, "tags/read" | "tags/write");
    let deletes = matches!(operation, "delete" | "permanentdelete/action");
    if !KNOWN.contains(&operation) {
        return None;
    }
    Some(match (source, name) {
        (Source::Resource, ":path") => !list && operation != "filter/action",
        (Source::Resource, ":iscurrentversion") => reads || tags || tier || deletes,
        (Source::Resource, name) if name.starts_with("/tags") => reads || tags,
        (Source::Request, ":prefix") => list,
        (Source::Request, name) if name.starts_with("/tags") => headers || operation == "tags/write",
        (Source::Request, ":snapshot") => reads || tags || tier || deletes,
        (Source::Request, ":versionid") => reads || tags || tier || deletes || operation == "deleteblobversion/action",
        _ => return None,
    })
}

const KNOWN: [&str; 9] = [
    "read",
    "write",
    "add/action",
    "delete",
    "permanentdelete/action",
    "deleteblobversion/action",
    "tags/read",
    "tags/write",
    "filter/action",
];

#[cfg(test)]
mod tests {
    use super::{BLOBS, cannot_be};
    use crate::language::condition::{Attribute, Source};
    use iam_why_contract::Lookup;

    #[test]
    fn a_listing_has_a_prefix_and_a_read_has_a_path() {
        let list = ["Blob.List".to_owned()];
        let path = Attribute::new(Source::Resource, &format!("{BLOBS}:path").replace("/:", ":"));
        let prefix = Attribute::new(Source::Request, &format!("{BLOBS}:prefix").replace("/:", ":"));
        let tags = Attribute::new(Source::Request, &format!("{BLOBS}tags:Project<$key_case_sensitive$>"));
        for (operation, sub, attribute, wanted) in [
            ("read", Lookup::Known(&list), &path, true),
            ("read", Lookup::Absent, &path, false),
            ("read", Lookup::NotKnown, &path, false),
            ("read", Lookup::Known(&list), &prefix, false),
            ("read", Lookup::Absent, &prefix, true),
            ("READ", Lookup::NotKnown, &tags, true),
            ("write", Lookup::NotKnown, &tags, false),
            ("write", Lookup::Absent, &tags, true),
            ("move/action", Lookup::Absent, &tags, false),
        ] {
            assert_eq!(cannot_be(&format!("{BLOBS}{operation}"), sub, attribute), wanted, "{operation} {sub:?} {attribute}");
        }
    }
}
