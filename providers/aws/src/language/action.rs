//! `Action` and `NotAction` (*IAM JSON policy elements: Action*).

use crate::language::statement::List;
use iam_why_contract::glob::{Case, Glob};

/// The action of a request: `service:Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName {
    /// As it was written.
    pub text: Box<str>,
    /// In lower case: actions do not distinguish case (C-2).
    pub lower: Box<str>,
    /// Its service alone.
    pub services: Services,
}

impl ActionName {
    /// The action called `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let services = Services::one(lower.split_once(':').map_or("", |(service, _)| service));
        Self { text: text.into(), lower: lower.into(), services }
    }

    /// `s3` of `s3:GetObject`, in lower case.
    #[must_use]
    pub fn service(&self) -> &str {
        self.lower.split_once(':').map_or("", |(service, _)| service)
    }

    /// `getobject` of `s3:GetObject`, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        self.lower.split_once(':').map_or("", |(_, name)| name)
    }
}

/// A set of services, by a hash of their names: two that share nothing are known to, two that seem to meet may not. It spares most
/// statements a closer look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Services(u64);

impl Services {
    const ALL: Self = Self(u64::MAX);

    /// The service called `name`, in lower case.
    fn one(name: &str) -> Self {
        // FNV-1a: short names, and a new process must come to the same set.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(1 << (hash >> 58))
    }

    /// The services that a list of actions may be about.
    #[must_use]
    pub fn of(actions: &List<ActionPattern>) -> Self {
        if actions.negated {
            return Self::ALL;
        }
        Self(actions.entries.iter().fold(0, |all, pattern| all | pattern.services().0))
    }

    /// May they have a service in common?
    #[must_use]
    pub fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// One action of a statement, ready to match.
#[derive(Debug, Clone)]
pub struct ActionPattern {
    /// As it was written.
    pub text: Box<str>,
    form: Form,
}

/// The common forms need no search.
#[derive(Debug, Clone)]
enum Form {
    Every,
    Exactly(Box<str>),
    StartingWith(Box<str>),
    Like(Glob),
    Never,
}

impl ActionPattern {
    /// Reads `text`. The whole string is compared; `*` and `?` may stand anywhere (G-7); a variable is plain text (G-10).
    #[must_use]
    pub fn new(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let form = match lower.strip_suffix('*') {
            // G-8: white space or a comma makes it match nothing.
            _ if lower.contains([' ', '\t', '\n', '\r', ',']) => Form::Never,
            Some("") => Form::Every,
            Some(head) if !head.contains(['*', '?']) => Form::StartingWith(head.into()),
            _ if lower.contains(['*', '?']) => Form::Like(Glob::new(&lower)),
            _ => Form::Exactly(lower.into()),
        };
        Self { text: text.into(), form }
    }

    /// Does `action` fit?
    #[must_use]
    pub fn matches(&self, action: &ActionName) -> bool {
        match &self.form {
            Form::Every => true,
            Form::Exactly(text) => **text == *action.lower,
            Form::StartingWith(head) => action.lower.as_bytes().starts_with(head.as_bytes()),
            Form::Like(glob) => glob.matches(&action.lower, Case::Sensitive),
            Form::Never => false,
        }
    }

    /// The services that it may be about.
    fn services(&self) -> Services {
        match self.text.split_once(':') {
            Some((service, _)) if !service.contains(['*', '?']) => Services::one(&service.to_ascii_lowercase()),
            Some(_) | None => Services::ALL,
        }
    }

    /// Is it about the service of `action`, as far as its text says?
    #[must_use]
    pub fn same_service(&self, action: &ActionName) -> bool {
        let service = self.text.split_once(':').map_or("*", |(service, _)| service);
        service.contains(['*', '?']) || service.eq_ignore_ascii_case(action.service())
    }
}

#[cfg(test)]
mod tests {
    use super::{ActionName, ActionPattern};

    #[test]
    fn wildcards_stand_anywhere_and_case_does_not_count() {
        let table = [
            ("s3:GetObject", "S3:getobject", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:*Object", "s3:GetObjectAcl", false),
            ("s3:?etObject", "s3:GetObject", true),
            ("*", "iam:PassRole", true),
            ("*:Get*", "s3:GetObject", true),
            ("s3:Get Object", "s3:GetObject", false),
            ("s3:GetObject,s3:PutObject", "s3:GetObject", false),
            ("s3:${aws:username}", "s3:alice", false),
        ];
        for (pattern, action, expected) in table {
            assert_eq!(ActionPattern::new(pattern).matches(&ActionName::new(action)), expected, "`{pattern}` on `{action}`");
        }
    }
}
