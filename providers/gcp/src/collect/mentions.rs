//! What policies refer to and do not hold themselves: the groups they name, the tags their conditions ask for.

use crate::documents::{ACL, ALLOW_POLICY, DATASET, DENY_POLICY, ORG_POLICY, PERIMETERS};
use serde_json::Value;
use std::collections::BTreeSet;

/// What policies refer to.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// Email addresses of groups, in small letters.
    pub groups: BTreeSet<String>,
    /// Does a condition ask for tags?
    pub tags: bool,
}

impl Mentions {
    /// Takes in what a document of this kind refers to.
    pub(super) fn add(&mut self, kind: &str, text: &str) {
        if ![ACL, ALLOW_POLICY, DATASET, DENY_POLICY, ORG_POLICY, PERIMETERS].contains(&kind) {
            return;
        }
        if let Ok(value) = serde_json::from_str(text) {
            self.walk(kind, "", &value);
        }
    }

    fn walk(&mut self, kind: &str, name: &str, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.walk(kind, name, element)),
            Value::Object(members) => members.iter().for_each(|(name, value)| self.walk(kind, name, value)),
            Value::String(text) => self.string(kind, name, text),
            _ => {}
        }
    }

    fn string(&mut self, kind: &str, name: &str, text: &str) {
        if name == "expression" {
            self.tags |= text.contains("matchTag") || text.contains("hasTagKey");
            return;
        }
        let group = match name {
            "groupByEmail" => Some(text),
            "entity" if kind == ACL => text.strip_prefix("group-"),
            _ => text.strip_prefix("group:").or_else(|| text.strip_prefix("principalSet://goog/group/")),
        };
        self.groups.extend(group.filter(|group| group.contains('@')).map(str::to_ascii_lowercase));
    }
}

#[cfg(test)]
mod tests {
    use super::Mentions;
    use crate::documents::{ACL, ALLOW_POLICY, DENY_POLICY, ROLE};

    #[test]
    fn groups_and_tags_of_every_kind_of_policy_are_seen_and_nothing_else() {
        let mut mentions = Mentions::default();
        mentions.add(
            ALLOW_POLICY,
            r#"{"bindings": [{"members": ["group:A@x.example", "user:b@x.example", "deleted:group:c@x.example?uid=1"]}]}"#,
        );
        mentions.add(ACL, r#"{"items": [{"entity": "group-d@x.example"}, {"entity": "user-e@x.example"}]}"#);
        mentions.add(ROLE, r#"{"title": "group:f@x.example"}"#);
        assert!(!mentions.tags);
        let rule = r#"{"rules": [{"denyRule": {"exceptionPrincipals": ["principalSet://goog/group/g@x.example"],
            "denialCondition": {"expression": "resource.matchTag('1/env', 'prod')"}}}]}"#;
        mentions.add(DENY_POLICY, rule);
        assert!(mentions.tags);
        assert_eq!(mentions.groups.into_iter().collect::<Vec<_>>(), ["a@x.example", "d@x.example", "g@x.example"]);
    }
}
