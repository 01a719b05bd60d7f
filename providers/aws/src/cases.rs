//! The short form of a case: who, what, and the policies of each layer, made into ordinary documents.
//!
//! | field | is |
//! |---|---|
//! | `principal`, `action`, `resource`, `resource_account` | the question |
//! | `context` | key → value or values; a key that is not given is absent |
//! | `identity` | identity policies |
//! | `boundary`, `session`, `resource_policy` | one policy or null; `resource_policy` is the trust policy or key policy too |
//! | `scps`, `rcps` | nodes from the root down to the account, each a list of policies; an empty list: the feature is off |
//! | `extra` | further facts, [`EXTRA`] |
//! | `expect`, `decided_by`, `code`, `at` | the expectation |

use crate::documents::{
    ACCESS_POINT, API_METHOD, ATTACHED_POLICIES, ATTACHED_RCPS, ATTACHED_SCPS, BUCKET_ACL, BUCKET_ENCRYPTION, CANONICAL_USER, GROUP,
    INLINE_NAMES, INLINE_POLICY, KMS_GRANTS, KMS_KEY, MANAGED_POLICY, OBJECT, OBJECT_ACL, ORGANIZATION, OWNERSHIP_CONTROLS, PARENTS,
    PUBLIC_ACCESS_BLOCK, RCP, REQUEST_PAYMENT, RESOURCE, RESOURCE_POLICY, ROLE, SCP, SESSION, USER, USER_GROUPS, VPC_ENDPOINT,
};
use crate::language::arn::Arn;
use crate::language::principal::{Caller, CallerKind};
use crate::layers::resource::{holder, is_assume};
use crate::request::Request;
use iam_why_contract::case::{CaseError, ExpectedDecision};
use iam_why_contract::{Case, Context, Document, Expected, Outcome, Question, Search, Snapshot};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The facts that `extra` may hold.
pub const EXTRA: [&str; 42] = [
    "access_point",
    "access_point_policy",
    "access_point_vpc",
    "account_bpa",
    "acl",
    "api",
    "assumed_root",
    "auth_type",
    "authorizer_policy",
    "blocked_encryption_types",
    "bpa",
    "bucket",
    "bypass_governance",
    "canonical_user_of",
    "copy_source_account",
    "copy_source_policy",
    "expected_bucket_owner",
    "federated_parent",
    "grants",
    "identity_origin",
    "key_manager",
    "legal_hold",
    "object_exists",
    "object_lock_mode",
    "object_owner",
    "object_ownership",
    "principal_account_is_management",
    "principal_account_rcps",
    "request_payer",
    "request_sse",
    "requester_pays",
    "resource_account_is_management",
    "resource_account_scps",
    "resource_tags",
    "role_arn",
    "role_path",
    "role_unique_id",
    "service_linked_role",
    "storage_class",
    "vpce",
    "vpce_traversed",
    "vpce_type",
];

/// The fields of the short form.
const FIELDS: [&str; 20] = [
    "id",
    "why",
    "source",
    "confidence",
    "provider",
    "identity",
    "resource_policy",
    "boundary",
    "session",
    "scps",
    "rcps",
    "principal",
    "action",
    "resource",
    "resource_account",
    "context",
    "extra",
    "expect",
    "decided_by",
    "code",
];

/// Reads a case in the short form; `None` where the value is not of that form.
#[must_use]
pub fn read(value: &Value) -> Option<Result<Case, CaseError>> {
    let fields = value.as_object()?;
    let has = |name: &str| fields.contains_key(name);
    let policies = ["identity", "resource_policy", "boundary", "session", "scps", "rcps"];
    let other = has("snapshot") || has("documents");
    if other || !has("principal") || !has("action") || !policies.iter().any(|name| has(name)) {
        return None;
    }
    Some(Builder::new(fields).and_then(Builder::build))
}

struct Builder<'c> {
    id: &'c str,
    fields: &'c Map<String, Value>,
    extra: Map<String, Value>,
    request: Request,
    context: Context,
    resource_account: Option<String>,
    documents: Vec<Document>,
    searches: Vec<Search>,
    /// Users and roles, whose documents several facts contribute to.
    details: BTreeMap<(&'static str, String), Map<String, Value>>,
}

impl<'c> Builder<'c> {
    fn new(fields: &'c Map<String, Value>) -> Result<Self, CaseError> {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        let wrong =
            |field: &str, found: String, expected: &str| CaseError { id: id.into(), field: field.into(), found, expected: expected.into() };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let needed = |name: &str| text(name).ok_or_else(|| wrong(name, what(fields.get(name)), "a text"));
        let context = context(fields.get("context")).map_err(|(key, found)| {
            wrong(
                format!("context.{key}").trim_end_matches('.'),
                found,
                if key.is_empty() { "an object" } else { "a text or a list of texts" },
            )
        })?;
        let question = Question {
            provider: "aws".into(),
            principal: needed("principal")?.into(),
            action: needed("action")?.into(),
            resource: Some(text("resource").unwrap_or("*").to_owned()),
            context: context.clone(),
        };
        let request = Request::parse(&question)
            .map_err(|error| wrong("principal, action or resource", format!("`{}`", error.found), &error.expected))?;
        let extra = fields.get("extra").and_then(Value::as_object).cloned().unwrap_or_default();
        let said = text("resource_account").map(str::to_owned);
        let from_arn = || request.arn().map(|arn| arn.account.to_owned()).filter(|account| account.len() == 12);
        // An S3 ARN does not say whose bucket it is, and the case may say that nobody knows (E-6).
        let open = request.bucket().is_some() && fields.get("resource_account").is_some_and(Value::is_null);
        let own = || request.caller.account.as_deref().filter(|_| !open).map(str::to_owned);
        let resource_account = said.or_else(from_arn).or_else(own);
        Ok(Self {
            id,
            fields,
            extra,
            request,
            context,
            resource_account,
            documents: Vec::new(),
            searches: Vec::new(),
            details: BTreeMap::new(),
        })
    }

    fn build(mut self) -> Result<Case, CaseError> {
        self.caller();
        self.organizations();
        self.resource();
        self.s3();
        self.copy_source();
        self.kms();
        self.endpoint();
        self.request_facts();
        for ((kind, arn), detail) in std::mem::take(&mut self.details) {
            let title = if kind == ROLE { "role" } else { "user" };
            let name = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
            self.document(kind, &arn, &format!("{title} {name}"), Value::Object(detail));
        }
        let expect = self.expected()?;
        let mut not_modelled: Vec<String> =
            self.extra.keys().filter(|name| !EXTRA.contains(&name.as_str())).map(|name| format!("extra.{name}")).collect();
        not_modelled.extend(self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str()) && *name != "at").cloned());
        let text = |name: &str| self.fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let question = Question {
            provider: "aws".into(),
            principal: text("principal").to_owned(),
            action: text("action").to_owned(),
            resource: Some(self.request.resource.to_string()).filter(|resource| !resource.is_empty()),
            context: self.context,
        };
        let snapshot = Snapshot::new(self.documents, self.searches);
        Ok(Case { id: self.id.to_owned(), why: text("why").to_owned(), question, snapshot, expect, not_modelled })
    }

    fn expected(&self) -> Result<Expected, CaseError> {
        let value = self.fields.get("expect").cloned().unwrap_or(Value::Null);
        let wrong = || CaseError {
            id: self.id.into(),
            field: "expect".into(),
            found: what(Some(&value)),
            expected: "allow, explicit_deny, implicit_deny or unknown".into(),
        };
        let text = |name: &str| self.fields.get(name).and_then(Value::as_str).map(str::to_owned);
        if value.is_object() {
            return serde_json::from_value(value.clone()).map_err(|_| wrong());
        }
        let decision: ExpectedDecision = serde_json::from_value(value.clone()).map_err(|_| wrong())?;
        Ok(Expected { decision, decided_by: text("decided_by"), code: text("code"), at: text("at") })
    }

    fn document(&mut self, kind: &str, subject: &str, title: &str, text: Value) {
        self.documents.push(Document::new(kind, subject, title, text.to_string()));
    }

    fn absent(&mut self, kind: &str, subject: &str) {
        self.searches.push(Search { kind: kind.into(), subject: subject.into(), outcome: Outcome::Absent });
    }

    /// A policy that is given, if it is.
    fn policy(&self, name: &str) -> Option<Value> {
        self.fields.get(name).filter(|policy| !policy.is_null()).cloned()
    }

    fn fact(&self, name: &str) -> Option<Value> {
        self.extra.get(name).filter(|fact| !fact.is_null()).cloned()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.extra.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn flag(&self, name: &str) -> bool {
        self.extra.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn give(&mut self, key: &str, value: &str) {
        let known = self.context.entries.keys().any(|given| given.eq_ignore_ascii_case(key));
        if !known {
            self.context = std::mem::take(&mut self.context).with(key, [value]);
        }
    }

    fn detail(&mut self, kind: &'static str, arn: &str) -> &mut Map<String, Value> {
        let detail = self.details.entry((kind, arn.to_owned())).or_default();
        detail.entry("Arn").or_insert_with(|| arn.into());
        detail
    }

    /// The caller, its identity policies, boundary and session.
    fn caller(&mut self) {
        let caller = self.request.caller.clone();
        if self.flag("assumed_root") {
            self.give("aws:AssumedRoot", "true");
        }
        let identity = match caller.kind {
            CallerKind::User => Some((USER, caller.text.to_string())),
            CallerKind::Role | CallerKind::Session => Some((ROLE, self.role_arn(&caller))),
            CallerKind::Federated => {
                let account = caller.account.as_deref().unwrap_or_default();
                Some((
                    USER,
                    self.text("federated_parent").unwrap_or_else(|| format!("arn:{}:iam::{account}:user/parent", caller.partition)),
                ))
            }
            _ => None,
        };
        if let Some((kind, arn)) = &identity {
            self.identity(kind, arn);
        }
        self.session(&caller, identity.as_ref().map(|(_, arn)| arn.as_str()));
    }

    /// A session's ARN does not hold the role's path: the case may say it, or its name does.
    fn role_arn(&self, caller: &Caller) -> String {
        let given = self.context.entries.iter().find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"));
        let given = given.and_then(|(_, values)| values.as_ref()?.first().filter(|arn| arn.contains(":role/")).cloned());
        let account = caller.account.as_deref().unwrap_or_default();
        let path = match self.text("role_path") {
            Some(path) => path,
            None if self.flag("service_linked_role") || caller.name.starts_with("AWSServiceRoleFor") => {
                "/aws-service-role/service.amazonaws.com/".to_owned()
            }
            None => "/".to_owned(),
        };
        let built = || format!("arn:{}:iam::{account}:role/{}{}", caller.partition, path.trim_start_matches('/'), caller.name);
        self.text("role_arn").or(given).or_else(|| caller.parent.as_deref().map(str::to_owned)).unwrap_or_else(built)
    }

    fn identity(&mut self, kind: &'static str, arn: &str) {
        let account = Arn::parse(arn).map(|arn| arn.account.to_owned()).unwrap_or_default();
        let unique = self.text("role_unique_id");
        let boundary = self.policy("boundary");
        if unique.is_none()
            && self.request.caller.kind != CallerKind::Federated
            && !self.context.entries.keys().any(|key| key.eq_ignore_ascii_case("aws:userid"))
        {
            // The ids of a case that names none are nobody's.
            self.context = std::mem::take(&mut self.context).without("aws:userid");
        }
        let detail = self.detail(kind, arn);
        if let Some(id) = unique {
            detail.insert(if kind == ROLE { "RoleId" } else { "UserId" }.into(), id.into());
        }
        if let Some(policy) = boundary {
            let boundary = format!("arn:aws:iam::{account}:policy/boundary");
            detail.insert("PermissionsBoundary".into(), json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}));
            self.document(MANAGED_POLICY, &boundary, "permissions boundary", policy);
        }
        let policies = list(self.policy("identity"));
        let origin = self.text("identity_origin").unwrap_or_default();
        let group = format!("arn:aws:iam::{account}:group/team");
        let (holder, other) = if origin == "group" { (group.as_str(), Some(arn)) } else { (arn, None) };
        if origin == "managed" {
            self.attached(holder, policies);
        } else {
            self.inline(holder, policies);
        }
        if let Some(other) = other {
            self.inline(other, Vec::new());
            self.document(GROUP, &group, "group team", json!({"Arn": group, "GroupName": "team"}));
        }
        if kind == USER {
            let groups = if origin == "group" { json!([{"Arn": group, "GroupName": "team"}]) } else { json!([]) };
            self.document(USER_GROUPS, arn, "the user's groups", json!({"Groups": groups}));
        }
    }

    fn inline(&mut self, holder: &str, policies: Vec<Value>) {
        let names: Vec<String> = (1..=policies.len()).map(|number| format!("identity policy {number}")).collect();
        self.document(INLINE_NAMES, holder, "the names of the inline policies", json!({"PolicyNames": names}));
        self.document(ATTACHED_POLICIES, holder, "the attached policies", json!({"AttachedPolicies": []}));
        for (name, policy) in names.iter().zip(policies) {
            self.document(INLINE_POLICY, holder, name, policy);
        }
    }

    fn attached(&mut self, holder: &str, policies: Vec<Value>) {
        let arns: Vec<String> = (1..=policies.len()).map(|number| format!("arn:aws:iam::aws:policy/identity-policy-{number}")).collect();
        let rows: Vec<Value> = arns.iter().map(|arn| json!({"PolicyArn": arn})).collect();
        self.document(INLINE_NAMES, holder, "the names of the inline policies", json!({"PolicyNames": []}));
        self.document(ATTACHED_POLICIES, holder, "the attached policies", json!({"AttachedPolicies": rows}));
        for (number, (arn, policy)) in arns.iter().zip(policies).enumerate() {
            self.document(MANAGED_POLICY, arn, &format!("identity policy {}", number + 1), policy);
        }
    }

    fn session(&mut self, caller: &Caller, identity: Option<&str>) {
        let session = self.policy("session");
        let is_session = matches!(caller.kind, CallerKind::Session | CallerKind::Federated) || self.context_says("aws:AssumedRoot", "true");
        if !is_session {
            return;
        }
        let mut policies = list(session).into_iter();
        let inline = policies.next().unwrap_or(Value::Null);
        let managed: Vec<Value> = policies.collect();
        let arns: Vec<String> = (1..=managed.len()).map(|number| format!("arn:aws:iam::aws:policy/session-policy-{number}")).collect();
        for (arn, policy) in arns.iter().zip(managed) {
            self.document(MANAGED_POLICY, arn, "session policy", policy);
        }
        let arns: Vec<Value> = arns.into_iter().map(|arn| json!({"arn": arn})).collect();
        let mut text = json!({"PolicyDocument": inline, "PolicyArns": arns});
        if let (CallerKind::Federated, Some(issuer), Some(fields)) = (caller.kind, identity, text.as_object_mut()) {
            fields.insert("Issuer".into(), issuer.into());
        }
        self.document(SESSION, &caller.text, "session policy", text);
    }

    fn context_says(&self, key: &str, value: &str) -> bool {
        self.context.entries.iter().any(|(given, values)| {
            given.eq_ignore_ascii_case(key) && values.as_ref().is_some_and(|values| values.iter().any(|one| one == value))
        })
    }

    /// The organizations of both accounts. What is given for a caller without an account is that of the resource's account.
    fn organizations(&mut self) {
        let resource = self.resource_account.clone();
        let caller = self.request.caller.account.as_deref().map(str::to_owned).or_else(|| resource.clone());
        let lists = |value: Option<Value>| -> Vec<Vec<Value>> { list(value).into_iter().map(|node| list(Some(node))).collect() };
        let mut accounts: BTreeMap<String, [Vec<Vec<Value>>; 2]> = BTreeMap::new();
        let mut add = |account: &Option<String>, kind: usize, nodes: Vec<Vec<Value>>| {
            if let Some(slot) = account
                .as_ref()
                .and_then(|account| accounts.entry(account.clone()).or_default().get_mut(kind))
                .filter(|slot| slot.is_empty())
            {
                *slot = nodes;
            }
        };
        add(&caller, 0, lists(self.policy("scps")));
        add(&resource, 1, lists(self.policy("rcps")));
        add(&resource, 0, lists(self.fact("resource_account_scps")));
        add(&caller, 1, lists(self.fact("principal_account_rcps")));
        for (account, [scps, rcps]) in accounts {
            let manages = (self.flag("principal_account_is_management") && caller.as_deref() == Some(&account))
                || (self.flag("resource_account_is_management") && resource.as_deref() == Some(&account));
            self.organization(&account, manages, &scps, &rcps);
        }
    }

    fn organization(&mut self, account: &str, manages: bool, scps: &[Vec<Value>], rcps: &[Vec<Value>]) {
        if scps.is_empty() && rcps.is_empty() && !manages {
            self.absent(ORGANIZATION, account);
            return;
        }
        let master = if manages { account } else { "999900001111" };
        self.document(ORGANIZATION, account, "the organization", json!({"MasterAccountId": master, "FeatureSet": "ALL"}));
        let depth = scps.len().max(rcps.len()).max(2);
        let name = |at: usize| match at {
            0 => format!("r-{account}"),
            _ if at + 1 == depth => account.to_owned(),
            _ => format!("ou-{account}-{at}"),
        };
        for at in 0..depth {
            let id = name(at);
            if at > 0 {
                let kind = if at == 1 { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
                self.document(PARENTS, &id, "the organization path", json!({"Parents": [{"Id": name(at - 1), "Type": kind}]}));
            }
            self.node(&id, ATTACHED_SCPS, (SCP, "service control policy"), scps.get(at));
            self.node(&id, ATTACHED_RCPS, (RCP, "resource control policy"), rcps.get(at));
        }
    }

    fn node(&mut self, id: &str, attached: &str, (kind, title): (&str, &str), policies: Option<&Vec<Value>>) {
        let Some(policies) = policies else { return self.absent(attached, id) };
        let mut rows = Vec::new();
        for (at, policy) in policies.iter().enumerate() {
            let policy_id = format!("p-{id}-{at}");
            rows.push(json!({"Id": policy_id}));
            self.document(kind, &policy_id, &format!("{title} {} on {id}", at + 1), policy.clone());
        }
        self.document(attached, id, &format!("what is attached to {id}"), json!({"Policies": rows}));
    }

    /// The resource, its owner and its policy.
    fn resource(&mut self) {
        let resource = self.request.resource.to_string();
        let policy = self.policy("resource_policy");
        if let Some(account) = self.resource_account.clone() {
            let mut text = json!({"Account": account});
            if let (Some(tags), Some(fields)) = (self.fact("resource_tags"), text.as_object_mut()) {
                fields.insert("Tags".into(), tags);
            }
            self.document(RESOURCE, &resource, "the resource", text);
        }
        if is_assume(&self.request) {
            let empty = json!({"Version": "2012-10-17", "Statement": []});
            self.detail(ROLE, &resource).insert("AssumeRolePolicyDocument".into(), policy.unwrap_or(empty));
            return;
        }
        let point = self.request.arn().is_some_and(|arn| arn.service == "s3" && arn.resource.starts_with("accesspoint/"));
        if point || self.extra.contains_key("access_point_policy") {
            return self.access_point(&resource, policy);
        }
        let subject = holder(&resource).unwrap_or(resource);
        self.resource_policy(&subject, policy);
        self.api();
    }

    fn resource_policy(&mut self, subject: &str, policy: Option<Value>) {
        match policy {
            Some(policy) => self.document(RESOURCE_POLICY, subject, "resource policy", policy),
            None => self.absent(RESOURCE_POLICY, subject),
        }
    }

    /// `resource_policy` is that of the bucket behind the access point.
    fn access_point(&mut self, resource: &str, policy: Option<Value>) {
        let bucket = self.text("bucket").or_else(|| policy.as_ref().and_then(bucket_of)).unwrap_or_else(|| "bucket-behind".to_owned());
        let is_point = resource.contains(":accesspoint/");
        let account = self.resource_account.clone().unwrap_or_default();
        let named = self.context.entries.iter().find(|(key, _)| key.eq_ignore_ascii_case("s3:DataAccessPointArn"));
        let named = named.and_then(|(_, values)| values.as_ref()?.first().cloned());
        let point = if is_point { holder(resource) } else { named };
        let point = point.unwrap_or_else(|| format!("arn:aws:s3:us-east-1:{account}:accesspoint/point"));
        let bucket = if is_point { bucket } else { self.request.bucket().map_or(bucket, |(bucket, _)| bucket.to_owned()) };
        let vpc = self.text("access_point_vpc");
        let origin = if vpc.is_some() { "VPC" } else { "Internet" };
        let mut text = json!({"Bucket": bucket, "BucketAccountId": account, "NetworkOrigin": origin, "VpcConfiguration": {"VpcId": vpc}});
        if let (Some(Value::Object(more)), Some(fields)) = (self.fact("access_point"), text.as_object_mut()) {
            fields.extend(more);
        }
        self.document(ACCESS_POINT, &point, "access point", text);
        let own = self.fact("access_point_policy");
        self.resource_policy(&point, own);
        let bucket_arn = format!("arn:aws:s3:::{bucket}");
        self.resource_policy(&bucket_arn, policy);
        self.document(RESOURCE, &bucket_arn, "the bucket", json!({"Account": account}));
        if !is_point {
            // The question is asked of the access point, whose bucket the case names.
            let key = self.request.bucket().and_then(|(_, key)| key.map(str::to_owned));
            let asked = key.map_or_else(|| point.clone(), |key| format!("{point}/object/{key}"));
            self.document(RESOURCE, &asked, "the resource", json!({"Account": account}));
            self.request.resource = asked.into();
        }
    }

    fn api(&mut self) {
        let kind = self.text("auth_type").unwrap_or_default().to_ascii_uppercase();
        if self.request.action.service() == "lambda" && !kind.is_empty() {
            return self.give("lambda:FunctionUrlAuthType", &kind);
        }
        let Some(subject) = holder(&self.request.resource).filter(|_| self.request.action.service() == "execute-api" && !kind.is_empty())
        else {
            return;
        };
        let kind = match kind.as_str() {
            "NONE" => "NONE",
            "IAM" | "AWS_IAM" => "AWS_IAM",
            kind if kind.contains("COGNITO") => "COGNITO_USER_POOLS",
            _ => "CUSTOM",
        };
        let policies = self.fact("authorizer_policy").map_or_else(|| list(self.policy("identity")), |policy| list(Some(policy)));
        let mut text = json!({"authorizationType": kind});
        if let (true, Some(fields)) = (kind == "CUSTOM", text.as_object_mut()) {
            fields.insert("authorizerPolicy".into(), Value::Array(policies));
        }
        self.document(API_METHOD, &subject, "the API method", text);
    }

    fn s3(&mut self) {
        let bucket = match self.request.bucket() {
            Some((bucket, _)) => bucket.to_owned(),
            None => match crate::world::behind_access_point(
                &crate::library::Library::new(&Snapshot::new(self.documents.clone(), [])),
                &self.request.resource,
            ) {
                Some(behind) => behind.trim_start_matches("arn:aws:s3:::").split('/').next().unwrap_or_default().to_owned(),
                None => return,
            },
        };
        let partition = self.request.arn().map_or("aws", |arn| arn.partition).to_owned();
        let bucket_arn = format!("arn:{partition}:s3:::{bucket}");
        let account = self.resource_account.clone().unwrap_or_default();
        if bucket_arn != *self.request.resource && !account.is_empty() {
            self.document(RESOURCE, &bucket_arn, "the bucket", json!({"Account": account}));
        }
        self.ownership(&bucket_arn, &account);
        self.public_access(&bucket_arn, &account);
        let payer = if self.flag("requester_pays") { "Requester" } else { "BucketOwner" };
        self.document(REQUEST_PAYMENT, &bucket_arn, "who pays", json!({"Payer": payer}));
        if let Some(types) = self.fact("blocked_encryption_types") {
            let rule = json!({"BlockedEncryptionTypes": {"EncryptionType": list(Some(types))}});
            self.document(
                BUCKET_ENCRYPTION,
                &bucket_arn,
                "the bucket's encryption",
                json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
            );
        } else {
            self.absent(BUCKET_ENCRYPTION, &bucket_arn);
        }
        self.object();
    }

    /// The object that a put copies, in a bucket of the same account unless the case says otherwise.
    fn copy_source(&mut self) {
        let Some(source) = crate::needs::copied(&self.request) else { return };
        self.document(OBJECT, &source, "the object that is copied", json!({}));
        let Some(bucket) = holder(&source).filter(|bucket| holder(&self.request.resource).as_ref() != Some(bucket)) else { return };
        let account = self.text("copy_source_account").or_else(|| self.resource_account.clone()).unwrap_or_default();
        if self.resource_account.as_deref() != Some(&account) && self.request.caller.account.as_deref() != Some(&account) {
            self.absent(ORGANIZATION, &account);
        }
        let policy = self.fact("copy_source_policy");
        self.resource_policy(&bucket, policy);
        self.document(RESOURCE, &bucket, "the bucket that is copied from", json!({"Account": account}));
        let ownership = json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}});
        self.document(OWNERSHIP_CONTROLS, &bucket, "object ownership", ownership);
        self.document(REQUEST_PAYMENT, &bucket, "who pays", json!({"Payer": "BucketOwner"}));
        for subject in [&bucket, &account] {
            let configuration = public_access(None);
            let text = json!({"PublicAccessBlockConfiguration": configuration});
            self.document(PUBLIC_ACCESS_BLOCK, subject, "Block Public Access", text);
        }
    }

    fn ownership(&mut self, bucket: &str, account: &str) {
        let owner = self.text("object_owner").unwrap_or_else(|| account.to_owned());
        let acl = self.fact("acl");
        let default = if acl.is_some() || owner != account { "ObjectWriter" } else { "BucketOwnerEnforced" };
        let ownership = self.text("object_ownership").unwrap_or_else(|| default.to_owned());
        self.document(
            OWNERSHIP_CONTROLS,
            bucket,
            "object ownership",
            json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}),
        );
        let grants: Vec<Value> = match acl {
            Some(Value::Object(mut fields)) => list(fields.remove("Grants")),
            other => list(other).iter().map(acl_grant).collect(),
        };
        let ids = self.canonical_ids(&grants);
        let id = |of: &str| ids.iter().find(|(_, account)| *account == of).map_or_else(|| canonical_of(of), |(id, _)| id.clone());
        for (id, account) in &ids {
            self.document(CANONICAL_USER, id, &format!("the account behind {id}"), json!({"Account": account}));
        }
        let resource = self.request.resource.to_string();
        self.document(OBJECT_ACL, &resource, "the object's access control list", json!({"Owner": {"ID": id(&owner)}, "Grants": grants}));
        self.document(BUCKET_ACL, bucket, "the bucket's access control list", json!({"Owner": {"ID": id(account)}, "Grants": grants}));
        for one in [owner.as_str(), account] {
            if !ids.iter().any(|(_, account)| account == one) {
                self.document(
                    CANONICAL_USER,
                    &canonical_of(one),
                    &format!("the account behind {}", canonical_of(one)),
                    json!({"Account": one}),
                );
            }
        }
    }

    /// The canonical user ids that the case mentions, and whose they are. One that it does not resolve is nobody's of the case.
    fn canonical_ids(&self, grants: &[Value]) -> Vec<(String, String)> {
        let mut mentioned: Vec<String> =
            grants.iter().filter_map(|grant| grant.pointer("/Grantee/ID")?.as_str().map(str::to_owned)).collect();
        collect_canonical(self.fields.get("resource_policy").unwrap_or(&Value::Null), &mut mentioned);
        let of = self.fact("canonical_user_of");
        let whose = |id: &str| match &of {
            Some(Value::String(owner)) => Some(owner_of(owner)),
            Some(Value::Object(map)) => {
                let by_account = map.iter().find(|(_, value)| value.as_str() == Some(id)).map(|(account, _)| account.clone());
                map.get(id).and_then(Value::as_str).map(owner_of).or(by_account)
            }
            _ if id.len() == 12 => Some(id.to_owned()),
            _ => None,
        };
        mentioned.sort();
        mentioned.dedup();
        mentioned.into_iter().map(|id| (id.clone(), whose(&id).unwrap_or_else(|| "nobody of this case".to_owned()))).collect()
    }

    fn public_access(&mut self, bucket: &str, account: &str) {
        for (name, subject) in [("bpa", bucket), ("account_bpa", account)] {
            let configuration = public_access(self.fact(name).as_ref());
            self.document(PUBLIC_ACCESS_BLOCK, subject, "Block Public Access", json!({"PublicAccessBlockConfiguration": configuration}));
        }
    }

    fn object(&mut self) {
        if self.extra.get("object_exists") == Some(&Value::Bool(false)) {
            let resource = self.request.resource.to_string();
            return self.absent(OBJECT, &resource);
        }
        let mut text = Map::new();
        for (fact, member) in [("storage_class", "StorageClass"), ("object_lock_mode", "ObjectLockMode")] {
            text.extend(self.fact(fact).map(|value| (member.to_owned(), value)));
        }
        if self.flag("legal_hold") {
            text.insert("ObjectLockLegalHoldStatus".into(), "ON".into());
        }
        let resource = self.request.resource.to_string();
        self.document(OBJECT, &resource, "the object", Value::Object(text));
    }

    fn kms(&mut self) {
        // An alias has no policy: the case's is that of the key behind it.
        let behind = self.context.entries.get("target-key").and_then(|values| values.as_ref()?.first().cloned());
        let key = behind.clone().unwrap_or_else(|| self.request.resource.to_string());
        if !key.contains(":kms:") {
            return;
        }
        if behind.is_some() {
            let policy = self.policy("resource_policy");
            self.resource_policy(&key, policy);
        }
        let manager = self.text("key_manager").unwrap_or_else(|| "CUSTOMER".to_owned());
        self.document(KMS_KEY, &key, "the key", json!({"KeyManager": manager}));
        let grants: Vec<Value> = list(self.fact("grants")).iter().map(kms_grant).collect();
        self.document(KMS_GRANTS, &key, "the key's grants", json!({"Grants": grants}));
    }

    fn endpoint(&mut self) {
        let given = self.context.entries.iter().find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceVpce"));
        let given = given.and_then(|(_, values)| values.as_ref()?.first().cloned());
        let traversed = self.extra.get("vpce_traversed").and_then(Value::as_bool).unwrap_or(true);
        let Some(policy) = self.extra.get("vpce").filter(|_| traversed).cloned() else {
            // An endpoint of which the case says no more has the default policy (E-24).
            given.into_iter().for_each(|id| self.absent(VPC_ENDPOINT, &id));
            return;
        };
        let id = given.unwrap_or_else(|| "vpce-case".to_owned());
        let kind = self.text("vpce_type").unwrap_or_else(|| "Interface".to_owned());
        let kind = if kind.eq_ignore_ascii_case("gateway") { "Gateway" } else { "Interface" };
        let service = self.request.action.service().to_owned();
        self.give("aws:SourceVpce", &id);
        let text = json!({"VpcEndpointId": id, "VpcEndpointType": kind, "ServiceName": format!("com.amazonaws.us-east-1.{service}"), "PolicyDocument": policy});
        self.document(VPC_ENDPOINT, &id, &format!("VPC endpoint {id}"), text);
    }

    /// Facts of the request that stand in no policy.
    fn request_facts(&mut self) {
        match self.text("request_sse").as_deref() {
            Some("SSE-C") => self.give("s3:x-amz-server-side-encryption-customer-algorithm", "AES256"),
            Some("SSE-KMS" | "aws:kms") => self.give("s3:x-amz-server-side-encryption", "aws:kms"),
            Some("SSE-S3" | "AES256") => self.give("s3:x-amz-server-side-encryption", "AES256"),
            _ => {}
        }
        let payer = self.fact("request_payer");
        if payer.is_some_and(|payer| payer != Value::Bool(false)) {
            self.give("x-amz-request-payer", "requester");
        }
        if let Some(owner) = self.text("expected_bucket_owner") {
            self.give("x-amz-expected-bucket-owner", &owner);
        }
        if self.flag("bypass_governance") {
            self.give("x-amz-bypass-governance-retention", "true");
        }
    }
}

/// A list, or one thing that stands alone; nothing for null.
fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(one) => vec![one],
    }
}

fn context(value: Option<&Value>) -> Result<Context, (String, String)> {
    let mut context = Context::complete();
    if let Some(other) = value.filter(|value| !value.is_object() && !value.is_null()) {
        return Err((String::new(), what(Some(other))));
    }
    for (key, values) in value.and_then(Value::as_object).into_iter().flatten() {
        if values.is_null() {
            context = context.without(key);
            continue;
        }
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let texts: Option<Vec<String>> = list(Some(values.clone())).iter().map(text).collect();
        context = context.with(key, texts.ok_or_else(|| (key.clone(), what(Some(values))))?);
    }
    Ok(context)
}

fn what(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".to_owned(), ToString::to_string)
}

/// The account that `owner` names, or the origin access identity that it is.
fn owner_of(owner: &str) -> String {
    let account = Arn::parse(owner).map(|arn| arn.account).filter(|account| account.len() == 12);
    account.unwrap_or(owner).to_owned()
}

/// The first bucket that a policy names.
fn bucket_of(policy: &Value) -> Option<String> {
    let statements = list(policy.get("Statement").cloned());
    let resources = statements.iter().flat_map(|statement| list(statement.get("Resource").cloned()));
    let names = resources.filter_map(|resource| {
        let path = resource.as_str()?.strip_prefix("arn:aws:s3:::")?.split('/').next()?.to_owned();
        (!path.contains('*')).then_some(path)
    });
    names.into_iter().next()
}

/// `{grantee, permission}` as S3 prints it.
fn acl_grant(grant: &Value) -> Value {
    if grant.get("Grantee").is_some() {
        return grant.clone();
    }
    let text = |name: &str| grant.get(name).and_then(Value::as_str).unwrap_or_default();
    let grantee = match text("grantee") {
        uri if uri.starts_with("http") => json!({"Type": "Group", "URI": uri}),
        group @ ("AllUsers" | "AuthenticatedUsers") => {
            json!({"Type": "Group", "URI": format!("http://acs.amazonaws.com/groups/global/{group}")})
        }
        "LogDelivery" => json!({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}),
        id => json!({"Type": "CanonicalUser", "ID": id}),
    };
    json!({"Grantee": grantee, "Permission": text("permission")})
}

/// `{grantee, operations, constraints}` as KMS prints it.
fn kms_grant(grant: &Value) -> Value {
    if grant.get("GranteePrincipal").is_some() {
        return grant.clone();
    }
    let member = |name: &str| grant.get(name).cloned().unwrap_or(Value::Null);
    let constraints = member("constraints");
    json!({"GranteePrincipal": member("grantee"), "Operations": list(Some(member("operations"))), "Constraints": if constraints.is_null() { json!({}) } else { constraints }})
}

/// A canonical user id for an account of the case.
fn canonical_of(account: &str) -> String {
    format!("{account:0>64}")
}

fn collect_canonical(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "CanonicalUser" {
                    found.extend(list(Some(value.clone())).iter().filter_map(Value::as_str).map(str::to_owned));
                }
                collect_canonical(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_canonical(value, found)),
        _ => {}
    }
}

const SETTINGS: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/// Block Public Access, given as an object, a list of what is on, or true for all.
fn public_access(value: Option<&Value>) -> Value {
    let fold = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let on = |setting: &str| match value {
        Some(Value::Bool(all)) => *all,
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(|name| fold(name) == fold(setting)),
        Some(Value::Object(fields)) => fields.iter().any(|(name, value)| fold(name) == fold(setting) && *value == Value::Bool(true)),
        Some(Value::String(name)) => fold(name) == fold(setting) || fold(name) == "all",
        _ => false,
    };
    Value::Object(SETTINGS.iter().map(|setting| ((*setting).to_owned(), Value::Bool(on(setting)))).collect())
}
