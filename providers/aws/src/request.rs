//! A question, read as AWS reads a request: who, which action, which resource.

use crate::catalog;
use crate::language::action::ActionName;
use crate::language::arn::Arn;
use crate::language::principal::{Caller, CallerKind};
use crate::language::resource::NOT_GIVEN;
use iam_why_contract::{Context, Question, QuestionError, Truth};
use std::sync::Arc;

/// One request, as far as the question alone tells.
#[derive(Debug, Clone)]
pub struct Request {
    /// The action.
    pub action: ActionName,
    /// The resource: its ARN, `*` for an action without one, empty where the action has one and none was given.
    pub resource: Box<str>,
    /// The API operation that was asked about, where its permission has another name: `s3:HeadObject`.
    pub operation: Option<Arc<str>>,
    /// Another name by which the caller's policies may speak of the resource: the access point that a bucket is reached through.
    pub alias: Option<Box<str>>,
    /// The caller.
    pub caller: Caller,
    /// The condition keys that were given.
    pub context: Context,
}

impl Request {
    /// Reads a question.
    ///
    /// # Errors
    /// Where principal, action or resource are not of AWS's grammar.
    pub fn parse(question: &Question) -> Result<Self, QuestionError> {
        let asked = action(&question.action)?;
        let permission = catalog::permission_behind(&asked.text).map(ActionName::new);
        let operation = permission.is_some().then(|| asked.text.clone());
        let action = permission.unwrap_or(asked);
        let resource = resource(question.resource.as_deref(), &action)?;
        Ok(Self { action, resource, operation, alias: None, caller: caller(&question.principal)?, context: question.context.clone() })
    }

    /// The same caller and context, for another authorization that the call needs.
    #[must_use]
    pub fn also(&self, action: &str, resource: &str) -> Self {
        Self { action: ActionName::new(action), resource: resource.into(), operation: None, alias: None, ..self.clone() }
    }

    /// The resource's ARN.
    #[must_use]
    pub fn arn(&self) -> Option<Arn<'_>> {
        Arn::parse(&self.resource)
    }

    /// Has the action no resource at all?
    #[must_use]
    pub fn without_resource(&self) -> bool {
        &*self.resource == "*"
    }

    /// The bucket and key of an S3 ARN: `arn:aws:s3:::bucket/key`.
    #[must_use]
    pub fn bucket(&self) -> Option<(&str, Option<&str>)> {
        let arn = self.arn().filter(|arn| arn.service == "s3" && arn.region.is_empty() && arn.account.is_empty())?;
        Some(arn.resource.split_once('/').map_or((arn.resource, None), |(bucket, key)| (bucket, Some(key))))
    }
}

/// Is this a question for AWS? `service:Action` or an ARN.
#[must_use]
pub fn claims(question: &Question) -> bool {
    let resource = question.resource.as_deref().unwrap_or_default();
    let arns = question.principal.starts_with("arn:") || resource.starts_with("arn:");
    // `me`, a bare name and an access key id are spelled out when AWS itself is read.
    let bare = |principal: &str| !principal.is_empty() && !principal.contains([':', '@', '.', '*']);
    let who = caller(&question.principal).is_ok() || bare(&question.principal);
    arns || (action(&question.action).is_ok() && !question.action.contains('/') && who)
}

fn error(found: &str, expected: &str, hint: Option<&str>) -> QuestionError {
    QuestionError { found: found.to_owned(), expected: expected.to_owned(), hint: hint.map(str::to_owned) }
}

fn action(text: &str) -> Result<ActionName, QuestionError> {
    let wrong = |hint| error(text, "an AWS action such as `s3:GetObject`", hint);
    let (service, name) = text.split_once(':').ok_or_else(|| wrong(None))?;
    let plain = |part: &str, also: &[u8]| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte));
    if name.contains(['*', '?']) {
        return Err(wrong(Some("one action at a time: wildcards are for policies")));
    }
    if !plain(service, b"-") || !plain(name, b"-_") {
        return Err(wrong(None));
    }
    Ok(ActionName::new(text))
}

fn resource(text: Option<&str>, action: &ActionName) -> Result<Box<str>, QuestionError> {
    match text {
        // C-3: the resource of an action without resource types is `*`.
        None if catalog::is_wildcard_only(&action.text) == Some(true) => Ok("*".into()),
        None | Some("") => Ok(NOT_GIVEN.into()),
        Some("*") => Ok("*".into()),
        Some(text) if Arn::parse(text).is_some() => Ok(text.into()),
        // SNS-1: publishing to a phone number is authorized on the number itself.
        Some(text) if action.service() == "sns" && text.starts_with('+') => Ok(text.into()),
        Some(text) => {
            let bucket = text.strip_prefix("s3://").map(|path| format!("for an S3 path: arn:aws:s3:::{}", path.trim_end_matches('/')));
            Err(error(text, "a resource ARN such as `arn:aws:s3:::bucket/key`, or `*`", bucket.as_deref()))
        }
    }
}

const PRINCIPAL: &str = "an AWS principal: the ARN of a user, role, session or root user, a service such as `sns.amazonaws.com`, `web-identity:HOST:SUBJECT`, `saml:PROVIDER-ARN:SUBJECT`, `cognito-user`, or `anonymous`";

fn caller(text: &str) -> Result<Caller, QuestionError> {
    let text = text.trim();
    let blank = Caller {
        kind: CallerKind::Anonymous,
        text: text.into(),
        partition: "aws".into(),
        account: None,
        name: "".into(),
        session: None,
        parent: None,
        unique_id: None,
        provider: None,
        known_ids: Vec::new(),
        bounded: Truth::No,
    };
    if let Some(arn) = Arn::parse(text) {
        return arn_caller(text, arn, blank);
    }
    if let Some((host, subject)) = text.strip_prefix("web-identity:").and_then(|rest| rest.split_once(':')) {
        return Ok(Caller { kind: CallerKind::WebIdentity, provider: Some(host.into()), name: subject.into(), ..blank });
    }
    if let Some(rest) = text.strip_prefix("saml:") {
        let (provider, subject) = saml(rest);
        return Ok(Caller { kind: CallerKind::Saml, provider: Some(provider.into()), name: subject.into(), ..blank });
    }
    let is_canonical = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text {
        "*" | "ANONYMOUS" | "anonymous" | "ANONYMOUS_PRINCIPAL" => Ok(blank),
        "cognito-user" => Ok(Caller { kind: CallerKind::CognitoUser, ..blank }),
        _ if text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn") => {
            Ok(Caller { kind: CallerKind::Service, name: text.into(), ..blank })
        }
        _ if is_canonical => {
            Err(error(text, PRINCIPAL, Some("a canonical user id stands for an account: name a principal of that account")))
        }
        _ if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(error(text, PRINCIPAL, Some(&format!("the root user of that account is arn:aws:iam::{text}:root"))))
        }
        _ => Err(error(text, PRINCIPAL, None)),
    }
}

/// The provider's ARN and the subject of `saml:ARN:SUBJECT`; a subject is optional.
fn saml(text: &str) -> (&str, &str) {
    let provider =
        text.find("saml-provider/").and_then(|at| text.get(at..)).and_then(|tail| tail.find(':').map(|end| text.len() - tail.len() + end));
    provider.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))).unwrap_or((text, ""))
}

fn arn_caller(text: &str, arn: Arn<'_>, blank: Caller) -> Result<Caller, QuestionError> {
    let base = Caller { partition: arn.partition.into(), account: Some(arn.account.into()), ..blank };
    let is_account = arn.account.len() == 12 && arn.account.bytes().all(|byte| byte.is_ascii_digit());
    let last = |path: &str| Box::from(path.rsplit('/').next().unwrap_or(path));
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    if arn.service == "iam" && arn.account == "cloudfront" && kind == "user" {
        return Ok(Caller { kind: CallerKind::OriginAccessIdentity, account: None, name: rest.into(), ..base });
    }
    if !is_account {
        return Err(error(text, PRINCIPAL, Some("the account in the ARN should have 12 digits")));
    }
    match (arn.service, kind) {
        ("iam", "root") if rest.is_empty() => Ok(Caller { kind: CallerKind::Root, ..base }),
        ("iam", "user") if !rest.is_empty() => Ok(Caller { kind: CallerKind::User, name: last(rest), ..base }),
        ("iam", "role") if !rest.is_empty() => Ok(Caller { kind: CallerKind::Role, name: last(rest), parent: Some(text.into()), ..base }),
        ("sts", "federated-user") if !rest.is_empty() => Ok(Caller { kind: CallerKind::Federated, name: rest.into(), ..base }),
        ("sts", "assumed-role") => match rest.split_once('/') {
            Some((role, session)) if !role.is_empty() && !session.is_empty() => {
                Ok(Caller { kind: CallerKind::Session, name: role.into(), session: Some(session.into()), ..base })
            }
            _ => Err(error(text, "a session ARN `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`", None)),
        },
        ("iam", "group") => Err(error(text, PRINCIPAL, Some("a group makes no requests: name one of its users"))),
        _ => Err(error(text, PRINCIPAL, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, caller};
    use crate::language::principal::CallerKind;
    use iam_why_contract::Question;

    #[test]
    fn callers_are_told_apart_by_kind() {
        let table = [
            ("arn:aws:iam::111122223333:root", CallerKind::Root, ""),
            ("arn:aws:iam::111122223333:user/team/ana", CallerKind::User, "ana"),
            ("arn:aws-cn:iam::111122223333:role/team/app", CallerKind::Role, "app"),
            ("arn:aws:sts::111122223333:assumed-role/app/i-0abc", CallerKind::Session, "app"),
            ("arn:aws:sts::111122223333:federated-user/carol", CallerKind::Federated, "carol"),
            ("s3.ap-east-1.amazonaws.com", CallerKind::Service, "s3.ap-east-1.amazonaws.com"),
            ("anonymous", CallerKind::Anonymous, ""),
            ("web-identity:accounts.google.com:a:b", CallerKind::WebIdentity, "a:b"),
            ("saml:arn:aws:iam::111122223333:saml-provider/corp:ana", CallerKind::Saml, "ana"),
            (
                "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
                CallerKind::OriginAccessIdentity,
                "CloudFront Origin Access Identity E1",
            ),
        ];
        for (text, kind, name) in table {
            let caller = caller(text).unwrap();
            assert_eq!((caller.kind, &*caller.name), (kind, name), "{text}");
        }
    }

    #[test]
    fn a_question_that_is_not_of_this_grammar_says_what_was_expected() {
        let question = |principal: &str, action: &str, resource: Option<&str>| Question {
            provider: "aws".into(),
            principal: principal.into(),
            action: action.into(),
            resource: resource.map(str::to_owned),
            ..Question::default()
        };
        let said = |question: Question| Request::parse(&question).unwrap_err().to_string();
        assert!(said(question("111122223333", "s3:GetObject", None)).contains("arn:aws:iam::111122223333:root"));
        assert!(said(question("anonymous", "s3:Get*", None)).contains("wildcards are for policies"));
        assert!(said(question("anonymous", "s3:GetObject", Some("s3://acme/k"))).contains("arn:aws:s3:::acme/k"));
    }

    #[test]
    fn an_operation_is_asked_as_the_permission_behind_it() {
        let question = Question { principal: "anonymous".into(), action: "s3:ListBuckets".into(), ..Question::default() };
        let request = Request::parse(&question).unwrap();
        assert_eq!((&*request.action.text, request.operation.as_deref()), ("s3:ListAllMyBuckets", Some("s3:ListBuckets")));
        assert!(request.without_resource());
    }

    #[test]
    fn an_action_without_resource_types_has_the_resource_star() {
        let question = |action: &str| Question { principal: "anonymous".into(), action: action.into(), ..Question::default() };
        assert!(Request::parse(&question("s3:ListAllMyBuckets")).unwrap().without_resource());
        assert_eq!(&*Request::parse(&question("s3:GetObject")).unwrap().resource, "");
    }
}
