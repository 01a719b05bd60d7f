//! Changes that let a request through. A [`Fix`] exists only where simulating its edits gives *allow*.

use crate::snapshot::{Document, Outcome, Search, Snapshot};
use crate::verdict::Decision;
use serde::Serialize;
use serde_json::Value;

/// A change of one document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edit {
    /// The id of the document.
    pub document: String,
    /// Kind, subject and title of the document where the edit creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creates: Option<NewDocument>,
    /// RFC 6902 operations on its text.
    pub patch: Vec<Value>,
}

/// What a document that an edit creates will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDocument {
    /// Its kind.
    pub kind: String,
    /// What it belongs to.
    pub subject: String,
    /// How people will call it.
    pub title: String,
}

/// A change that is yet to be proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// One plain sentence in the imperative.
    pub says: String,
    /// The edits, all needed together.
    pub edits: Vec<Edit>,
    /// Who can make the change.
    pub who: String,
    /// What else it lets through besides the request; `None` where nothing.
    pub widens: Option<String>,
    /// The vendor's command lines that make the change; may be empty.
    pub commands: Vec<String>,
}

/// A change that was simulated and lets the request through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fix {
    says: String,
    edits: Vec<Edit>,
    who: String,
    widens: Option<String>,
    commands: Vec<String>,
}

impl Proposal {
    /// Simulates the edited snapshot and keeps the proposal only if that gives *allow*.
    pub fn prove(self, snapshot: &Snapshot, simulate: impl FnOnce(&Snapshot) -> Decision) -> Option<Fix> {
        let edited = snapshot.with(&self.edits).ok()?;
        let proven = simulate(&edited) == Decision::Allow;
        let Self { says, edits, who, widens, commands } = self;
        proven.then_some(Fix { says, edits, who, widens, commands })
    }

    /// Both changes as one, for when neither suffices alone.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.says = format!("{}; and {}", self.says, other.says);
        self.edits.extend(other.edits);
        if self.who != other.who {
            self.who = format!("{}; {}", self.who, other.who);
        }
        self.widens = match (self.widens, other.widens) {
            (Some(one), Some(two)) if one != two => Some(format!("{one}; {two}")),
            (one, two) => one.or(two),
        };
        self.commands.extend(other.commands);
        self
    }
}

impl Fix {
    /// One plain sentence in the imperative.
    #[must_use]
    pub fn says(&self) -> &str {
        &self.says
    }

    /// The edits, all needed together.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Who can make the change.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// What else it lets through besides the request.
    #[must_use]
    pub fn widens(&self) -> Option<&str> {
        self.widens.as_deref()
    }

    /// The vendor's command lines that make the change.
    #[must_use]
    pub fn commands(&self) -> &[String] {
        &self.commands
    }
}

/// Why an edit could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The document is not in the snapshot, and the edit does not create it.
    #[error("document `{0}` is not in the snapshot")]
    NoDocument(String),
    /// The document's text is not JSON, or the operations do not fit it.
    #[error("the edit does not fit document `{document}`: {reason}")]
    DoesNotFit {
        /// The document.
        document: String,
        /// Why.
        reason: String,
    },
}

impl Snapshot {
    /// The snapshot as it would be after `edits`.
    ///
    /// # Errors
    /// Where an edit names a document that is not there, or its operations do not fit the text.
    pub fn with(&self, edits: &[Edit]) -> Result<Self, EditError> {
        let mut changed: Vec<Document> = Vec::new();
        for edit in edits {
            let before = changed.iter().find(|document| *document.id == *edit.document).or_else(|| self.document(&edit.document));
            let after = apply(edit, before)?;
            changed.retain(|document| document.id != after.id);
            changed.push(after);
        }
        let mut snapshot = self.clone();
        for document in changed {
            if snapshot.replace(&document) {
                continue;
            }
            // What was looked for and absent is there now. What was not all read is still not.
            if snapshot.outcome(&document.kind, &document.subject) == Some(&Outcome::Absent) {
                snapshot.note(Search { kind: document.kind.clone(), subject: document.subject.clone(), outcome: Outcome::Found });
            }
            snapshot.add(document);
        }
        Ok(snapshot)
    }
}

fn apply(edit: &Edit, before: Option<&Document>) -> Result<Document, EditError> {
    let misfit = |reason: String| EditError::DoesNotFit { document: edit.document.clone(), reason };
    let mut document = match (before, &edit.creates) {
        (Some(document), _) => document.clone(),
        (None, Some(new)) => {
            let mut document = Document::new(&new.kind, &new.subject, &new.title, "null");
            document.id = edit.document.as_str().into();
            document
        }
        (None, None) => return Err(EditError::NoDocument(edit.document.clone())),
    };
    let mut value: Value = serde_json::from_str(&document.text).map_err(|error| misfit(error.to_string()))?;
    let patch: json_patch::Patch = serde_json::from_value(Value::Array(edit.patch.clone())).map_err(|error| misfit(error.to_string()))?;
    json_patch::patch(&mut value, &patch).map_err(|error| misfit(error.to_string()))?;
    document.text = value.to_string().into();
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::{Edit, NewDocument, Proposal};
    use crate::snapshot::{Document, Outcome, Search, Snapshot};
    use crate::verdict::Decision;
    use serde_json::json;

    fn proposal(edit: Edit) -> Proposal {
        Proposal { says: "add it".into(), edits: vec![edit], who: "you".into(), widens: None, commands: Vec::new() }
    }

    #[test]
    fn a_fix_exists_only_where_the_edited_snapshot_allows() {
        let snapshot = Snapshot::new([Document::new("policy", "app", "p", r#"{"Statement": []}"#)], []);
        let edit = Edit {
            document: "policy app p".into(),
            creates: None,
            patch: vec![json!({"op": "add", "path": "/Statement/-", "value": {"Effect": "Allow"}})],
        };
        let allows = |snapshot: &Snapshot| {
            let granted = snapshot.document("policy app p").is_some_and(|document| document.text.contains("Allow"));
            if granted { Decision::Allow } else { Decision::Deny }
        };
        assert!(proposal(edit.clone()).prove(&snapshot, allows).is_some());
        assert!(proposal(edit).prove(&snapshot, |_| Decision::Undetermined).is_none());
    }

    #[test]
    fn a_document_that_an_edit_creates_does_not_say_that_it_is_the_only_one() {
        let search = |outcome| Search { kind: "policy".into(), subject: "app".into(), outcome };
        let edit = Edit {
            document: "new".into(),
            creates: Some(NewDocument { kind: "policy".into(), subject: "app".into(), title: "grant".into() }),
            patch: vec![json!({"op": "add", "path": "", "value": {}})],
        };
        let refused = Outcome::Refused { needs: "GetPolicy".into(), said: "AccessDenied".into() };
        for (before, after) in [(Outcome::Absent, Outcome::Found), (refused.clone(), refused)] {
            let edited = Snapshot::new([], [search(before)]).with(std::slice::from_ref(&edit)).unwrap();
            assert_eq!(edited.outcome("policy", "app"), Some(&after));
        }
    }

    #[test]
    fn an_edit_may_create_the_document_that_is_missing() {
        let edit = Edit {
            document: "new".into(),
            creates: Some(NewDocument { kind: "policy".into(), subject: "app".into(), title: "grant".into() }),
            patch: vec![json!({"op": "add", "path": "", "value": {"Statement": []}})],
        };
        let after = Snapshot::default().with(&[edit]).unwrap();
        assert_eq!(after.of("policy", "app").count(), 1);
    }
}
