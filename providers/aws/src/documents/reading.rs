//! A file while it is being cut into documents.

use super::name::FileName;
use super::text::{Lines, Members, POLICY, decode, is_object, string};
use iam_why_contract::snapshot::SourceFile;
use iam_why_contract::{Document, Outcome, Search, Snapshot};
use serde_json::value::RawValue;

/// A file, and what was made of it so far.
pub(super) struct Reading<'t> {
    pub(super) file: SourceFile<'t>,
    pub(super) name: FileName,
    pub(super) top: Members<'t>,
    pub(super) snapshot: Snapshot,
    lines: Lines<'t>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(file: SourceFile<'t>, name: FileName, top: Members<'t>) -> Self {
        Self { file, name, top, snapshot: Snapshot::default(), lines: Lines::new(&file) }
    }

    /// Takes in a value of the file as it stands there.
    pub(super) fn slice(&mut self, kind: &str, subject: &str, title: &str, value: &'t str) {
        let line = self.lines.of(value);
        self.snapshot.add(Document::new(kind, subject, title, value).from_source(self.file.path, line));
    }

    /// Takes in a text that stands encoded at `pointer` in the file. Its lines are its own, so its source says where it stands.
    pub(super) fn decoded(&mut self, kind: &str, subject: &str, title: &str, text: String, pointer: &str) {
        let source = format!("{}#{pointer}", self.file.path);
        self.snapshot.add(Document::new(kind, subject, title, text).from_source(&source, 1));
    }

    /// Takes in a policy: an object as it stands there, a string decoded.
    pub(super) fn policy(&mut self, kind: &str, subject: &str, title: &str, policy: &'t RawValue, pointer: &str) {
        if policy.get().len() > POLICY {
            return self
                .remark(&format!("holds a policy of {subject} of more than {} MiB, which is no policy that AWS stores", POLICY >> 20));
        }
        match string(policy) {
            Some(text) => self.decoded(kind, subject, title, decode(&text), pointer),
            None if is_object(policy) => self.slice(kind, subject, title, policy.get()),
            None => self.remark(&format!("has no policy at `{pointer}`, expected an object or a string that holds one")),
        }
    }

    /// Notes what became of looking for a document.
    pub(super) fn note(&mut self, kind: &str, subject: &str, outcome: Outcome) {
        self.snapshot.note(Search { kind: kind.into(), subject: subject.into(), outcome });
    }

    /// Says what could not be taken in: `says` goes on from the file's name.
    pub(super) fn remark(&mut self, says: &str) {
        self.snapshot.remarks.push(format!("`{}` {says}", self.file.path));
    }
}

/// The account id in an ARN.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// What stands behind the last slash, or the last colon where there is none: `app` of `arn:aws:iam::111122223333:role/team/app`.
pub(super) fn last_name(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}
