//! From a question to a request: parsed once, so that nothing behind this file doubts its shape.

use crate::language::permissions::Permission;
use crate::language::principals::Principal;
use crate::language::resources::{FullName, STORAGE};
use iam_why_contract::{Context, Question, QuestionError};

/// One authorization: who asks for which permission on what.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The caller.
    pub principal: Principal,
    /// What is asked for.
    pub permission: Permission,
    /// On what it is checked.
    pub resource: FullName,
    /// What is known of the request beyond these.
    pub context: Context,
    /// What the question was taken to mean.
    pub notes: Vec<String>,
}

impl Request {
    /// Reads a question.
    ///
    /// # Errors
    /// Where principal, permission or resource are not of Google Cloud's grammar.
    pub(crate) fn parse(question: &Question) -> Result<Self, QuestionError> {
        let principal = Principal::parse(&question.principal).ok_or_else(|| principal_error(&question.principal))?;
        let permission = Permission::parse(&question.action).ok_or_else(|| QuestionError {
            found: question.action.clone(),
            expected: "a Google Cloud permission such as `storage.objects.get`".into(),
            hint: None,
        })?;
        let named = question.resource.as_deref().ok_or_else(|| resource_error("", "a permission is checked on a resource: name one"))?;
        let hint = "`//pubsub.googleapis.com/projects/P/topics/T`, `gs://bucket/object`, `projects/P`";
        let resource = FullName::parse(named, &permission).ok_or_else(|| resource_error(named, hint))?;
        let mut request = Self { principal, permission, resource, context: question.context.clone(), notes: Vec::new() };
        request.check_on_parent();
        Ok(request)
    }

    /// Another authorization that the same call needs. What was said of the resource does not hold for it.
    pub(crate) fn also(&self, permission: &str, resource: FullName) -> Option<Self> {
        let mut context = self.context.clone();
        context.entries.retain(|key, _| !key.starts_with("resource.") && key != "permission_deniable");
        let derives = |key: &str| !"resource.".starts_with(key) || key.is_empty();
        context.complete.retain(|prefix| derives(prefix));
        Some(Self { principal: self.principal.clone(), permission: Permission::parse(permission)?, resource, context, notes: Vec::new() })
    }

    /// C12: listings are checked on the parent; of objects, on the bucket.
    fn check_on_parent(&mut self) {
        let lists_objects = matches!(self.permission.v1(), "storage.objects.list" | "storage.managedFolders.list" | "storage.folders.list");
        if let Some(bucket) = self.resource.bucket().filter(|bucket| lists_objects && *bucket != self.resource) {
            self.notes.push(format!("{} is checked on the bucket, so it is asked on {bucket}", self.permission.v1()));
            self.resource = bucket;
        }
    }

    /// Is it about Cloud Storage?
    pub(crate) fn is_storage(&self) -> bool {
        self.resource.service == STORAGE && self.permission.service() == "storage"
    }
}

fn principal_error(found: &str) -> QuestionError {
    let set = ["group:", "domain:", "principalSet:", "project"].iter().any(|start| found.starts_with(start));
    let hint = if set {
        "a set of principals cannot sign in: ask for one of its members"
    } else {
        "`user:ana@example.com`, `serviceAccount:NAME@PROJECT.iam.gserviceaccount.com`, `principal://…`, `anonymous`"
    };
    QuestionError { found: found.into(), expected: "a Google Cloud principal".into(), hint: Some(hint.into()) }
}

fn resource_error(found: &str, hint: &str) -> QuestionError {
    QuestionError { found: found.into(), expected: "a Google Cloud resource".into(), hint: Some(hint.into()) }
}

#[cfg(test)]
mod tests {
    use super::Request;
    use iam_why_contract::Question;

    fn parse(principal: &str, action: &str, resource: &str) -> Result<Request, String> {
        let question = Question {
            provider: "gcp".into(),
            principal: principal.into(),
            action: action.into(),
            resource: Some(resource.into()),
            ..Question::default()
        };
        Request::parse(&question).map_err(|error| error.to_string())
    }

    #[test]
    fn listing_objects_is_checked_on_the_bucket() {
        let request = parse("ana@example.com", "storage.objects.list", "gs://reports/2026/").unwrap();
        assert_eq!(request.resource.to_string(), "//storage.googleapis.com/projects/_/buckets/reports");
        assert_eq!(request.notes.len(), 1);
    }

    #[test]
    fn a_set_of_principals_is_no_caller() {
        let error = parse("group:all@example.com", "storage.objects.get", "gs://reports/a").unwrap_err();
        assert!(error.contains("one of its members"), "{error}");
    }
}
