//! What a condition can ask about the request, each in one of three states.

use super::value::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is known of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    /// Its value.
    Known(Value),
    /// The service does not supply it: asking for it is an error in CEL's sense (C3).
    Absent,
    /// Nobody said what it is.
    Open {
        /// It may turn out that the service does not supply it.
        may_be_absent: bool,
        /// What would say.
        needs: String,
    },
}

/// A tag that is in effect on the resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tag {
    /// `ORGANIZATION_ID/key` or `PROJECT_ID/key`.
    pub key: String,
    /// The short name of the value.
    pub value: String,
    /// `tagKeys/N`
    pub key_id: String,
    /// `tagValues/N`
    pub value_id: String,
}

/// The tags in effect on the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// All of them.
    Known(Vec<Tag>),
    /// They were not read.
    Open {
        /// What would say.
        needs: String,
    },
}

/// Which attributes and functions a policy of some kind may use (C5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Bindings of allow policies: everything but `principal.*`.
    Allow,
    /// Rules of deny policies, organization policies: tags only.
    Tags,
    /// Bindings of principal access boundaries: `principal.*` only.
    Boundary,
    /// Credential access boundaries: resource, time and API attributes.
    Downscoped,
    /// Custom constraints: the fields of the resource that a request creates or changes.
    Constraint,
}

/// Everything a condition can ask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attributes {
    /// `resource.name`, `request.time`, …; what is not among them does not exist.
    pub named: BTreeMap<Cow<'static, str>, Attribute>,
    /// Of `api.getAttribute`: known values by name; `None` is known not to be supplied.
    pub api: BTreeMap<String, Option<Value>>,
    /// What an API attribute that is not listed above is.
    pub api_rest: ApiRest,
    /// The tags in effect.
    pub tags: Tags,
}

/// What is known of API attributes that nobody mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiRest {
    /// The API supplies none of them.
    Absent,
    /// The API may supply those with these names.
    Open(Vec<String>),
    /// The service does not supply the one with this name, and refuses changes by those whom it limits (C22).
    Refused(&'static str),
}

/// How the context calls the fields of the resource that a request creates or changes.
pub(crate) const FIELDS: &str = "fields.";

impl Attributes {
    /// What is known of the attribute that is written `path` in a condition of this dialect.
    pub(crate) fn get(&self, path: &str, dialect: Dialect) -> Attribute {
        if !dialect.has(path) {
            return Attribute::Absent;
        }
        match (self.named.get(path), path.strip_prefix("resource.").filter(|_| dialect == Dialect::Constraint)) {
            (Some(attribute), _) => attribute.clone(),
            // A resource has more fields than anybody states.
            (None, Some(field)) => Attribute::Open { may_be_absent: false, needs: format!("--context {FIELDS}{field}=…") },
            (None, None) => Attribute::Absent,
        }
    }
}

impl Dialect {
    fn has(self, path: &str) -> bool {
        match self {
            Self::Allow => !path.starts_with("principal."),
            Self::Tags => false,
            Self::Boundary => path.starts_with("principal."),
            Self::Downscoped => path.starts_with("resource.") || path == "request.time",
            Self::Constraint => path.starts_with("resource."),
        }
    }

    /// May it use tags?
    pub(crate) fn has_tags(self) -> bool {
        matches!(self, Self::Allow | Self::Tags)
    }

    /// May it use `api.getAttribute`?
    pub(crate) fn has_api(self) -> bool {
        matches!(self, Self::Allow | Self::Downscoped)
    }

    /// C20: does anything supply this API attribute to it? The prefix of a listing is for downscoped tokens only.
    pub(crate) fn has_api_attribute(self, name: &str) -> bool {
        let prefix = name == "storage.googleapis.com/objectListPrefix";
        match self {
            Self::Allow => !prefix,
            Self::Downscoped => prefix,
            Self::Tags | Self::Boundary | Self::Constraint => false,
        }
    }

    /// May it use anything but tags and logic?
    pub(crate) fn has_functions(self) -> bool {
        self != Self::Tags
    }
}
