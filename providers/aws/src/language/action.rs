//! `Action` and `NotAction` (*IAM JSON policy elements: Action*).

use iam_why_contract::glob::{Case, Glob};

/// The action of a request: `service:Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName {
    /// As it was written.
    pub text: Box<str>,
    /// In lower case: actions do not distinguish case (C-2).
    pub lower: Box<str>,
}

impl ActionName {
    /// The action called `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), lower: text.to_ascii_lowercase().into() }
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
