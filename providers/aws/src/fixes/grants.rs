//! The missing grant: on the identity, or on the resource.

use super::{Case, account_of, called, statement};
use crate::documents::{INLINE_NAMES, INLINE_POLICY, KMS_KEY, RESOURCE_POLICY, ROLE, USER};
use iam_why_contract::fix::NewDocument;
use iam_why_contract::{Edit, Lookup, Outcome, Part, Proposal, Ruling};
use serde_json::{Map, Value, json};

/// An inline policy that allows every refused part of the request; empty where the caller has no policies of its own.
pub(super) fn identity(case: &Case<'_>) -> Vec<Proposal> {
    let silent = |part: &&Part| part.trace.steps.iter().any(|step| step.layer == "identity" && step.ruling == Ruling::Silent);
    let parts: Vec<&Part> = case.refused().filter(silent).collect();
    let statements: Option<Vec<_>> = parts.iter().map(|part| statement::allow(case, part)).collect();
    let proposal = case.identity().zip(statements).filter(|_| !parts.is_empty());
    proposal.and_then(|(arn, statements)| inline(case, arn, &parts, statements)).into_iter().collect()
}

fn inline(case: &Case<'_>, arn: &str, parts: &[&Part], statements: Vec<Map<String, Value>>) -> Option<Proposal> {
    // AWS keeps the policies of service-linked roles itself (IAM-3).
    if arn.contains("/aws-service-role/") {
        return None;
    }
    let policy = statement::policy(statements);
    let name = free_name(case, arn, parts.first()?);
    let edits = inline_edits(case, arn, &name, &policy)?;
    let what = parts.iter().map(|part| allowed(part)).collect::<Vec<_>>().join(" and ");
    let permission_set = arn.contains("/aws-reserved/sso.amazonaws.com/");
    let says = if permission_set {
        format!("add to the inline policy of the permission set of {} a statement that allows {what}", called(arn))
    } else {
        format!("add to {} the inline policy {name} that allows {what}", called(arn))
    };
    let administrators = format!("whoever administers IAM in account {}", account_of(arn).unwrap_or_default());
    let who = if permission_set { "whoever administers IAM Identity Center".to_owned() } else { case.owner("identity", &administrators) };
    let commands = if permission_set { Vec::new() } else { put_policy(arn, &name, &policy).into_iter().collect() };
    Some(Proposal { says, edits, who, widens: None, commands })
}

fn allowed(part: &Part) -> String {
    let resource = part.resource.as_deref().filter(|resource| *resource != "*" && !resource.is_empty());
    resource.map_or_else(|| statement::action(part), |resource| format!("{} on {resource}", statement::action(part)))
}

/// A name for the policy that none of the identity's policies has: `AllowS3GetObject`.
fn free_name(case: &Case<'_>, arn: &str, part: &Part) -> String {
    let action = statement::action(part);
    let words = action.split([':', '-']).map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    let name = format!("Allow{}", words.collect::<String>());
    let texts: Vec<&str> =
        [USER, ROLE, INLINE_NAMES].iter().flat_map(|kind| case.snapshot.of(kind, arn)).map(|document| &*document.text).collect();
    let inline: Vec<&str> = case.snapshot.of(INLINE_POLICY, arn).map(|document| &*document.title).collect();
    let taken = |name: &str| inline.contains(&name) || texts.iter().any(|text| text.contains(&format!("\"{name}\"")));
    let numbered = (2..).map(|number| format!("{name}{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
}

/// The edits that make the snapshot show a further inline policy: in the identity's detail where that holds its policies, else beside
/// the list of their names.
fn inline_edits(case: &Case<'_>, arn: &str, name: &str, policy: &Value) -> Option<Vec<Edit>> {
    let (kind, list) = if arn.contains(":user/") { (USER, "UserPolicyList") } else { (ROLE, "RolePolicyList") };
    let detail = case.snapshot.of(kind, arn).next().and_then(|document| case.read(&document.id));
    if let Some((document, value)) = &detail
        && let Some(policies) = value.get(list)
    {
        let entry = json!({"PolicyName": name, "PolicyDocument": policy});
        let patch = if policies.is_array() { json!({"op": "add", "path": format!("/{list}/-"), "value": entry}) } else { return None };
        return Some(vec![Edit { document: document.id.to_string(), creates: None, patch: vec![patch] }]);
    }
    let created = |kind: &str, title: &str, value: Value| Edit {
        document: format!("{kind} {arn} {title}"),
        creates: Some(NewDocument { kind: kind.to_owned(), subject: arn.to_owned(), title: title.to_owned() }),
        patch: vec![json!({"op": "add", "path": "", "value": value})],
    };
    let mut edits = vec![created(INLINE_POLICY, name, policy.clone())];
    match (case.snapshot.of(INLINE_NAMES, arn).next(), case.snapshot.outcome(INLINE_NAMES, arn)) {
        (Some(names), _) => edits.push(Edit {
            document: names.id.to_string(),
            creates: None,
            patch: vec![json!({"op": "add", "path": "/PolicyNames/-", "value": name})],
        }),
        (None, Some(Outcome::Absent)) => edits.push(created(INLINE_NAMES, "", json!({"PolicyNames": [name]}))),
        (None, _) => {}
    }
    Some(edits)
}

/// `aws iam put-role-policy …`; `None` where a name or the policy could not stand in a shell command as it is.
fn put_policy(arn: &str, name: &str, policy: &Value) -> Option<String> {
    let kind = if arn.contains(":user/") { "user" } else { "role" };
    let of = arn.rsplit('/').next()?;
    let text = policy.to_string();
    // IAM's own rule for names: `[\w+=,.@-]+`.
    let plain = of.chars().all(|character| character.is_ascii_alphanumeric() || "+=,.@-_".contains(character));
    (plain && !text.contains(['\'', '\n']))
        .then(|| format!("aws iam put-{kind}-policy --{kind}-name {of} --policy-name {name} --policy-document '{text}'"))
}

/// A statement in the policy of each resource that does not allow the request.
pub(super) fn resource(case: &Case<'_>) -> Vec<Proposal> {
    let silent = case.refused().flat_map(|part| part.trace.steps.iter().map(move |step| (part, step)));
    // A resource without a policy is as silent as one whose policy speaks of others.
    let silent = silent
        .filter(|(_, step)| ["resource", "trust"].contains(&step.layer) && matches!(step.ruling, Ruling::Silent | Ruling::Inapplicable));
    let mut proposals: Vec<Proposal> = Vec::new();
    for (part, step) in silent {
        let proposed = if step.layer == "trust" { trust(case, part) } else { attached(case, part, &step.documents) };
        proposals.extend(proposed.filter(|new| !proposals.contains(new)));
    }
    proposals
}

/// A statement in a resource policy that names exactly the caller.
fn attached(case: &Case<'_>, part: &Part, documents: &[String]) -> Option<Proposal> {
    let arn = part.resource.as_deref().filter(|arn| !aws_managed_key(case, arn))?;
    let mut statement = statement::allow(case, part)?;
    admit(case, &mut statement)?;
    match arn.split(':').nth(2) {
        // KMS-6: in a key policy `*` is the key itself.
        Some("kms") => drop(statement.insert("Resource".to_owned(), json!("*"))),
        // Repository policies have no resource.
        Some("ecr") => drop(statement.remove("Resource")),
        _ => {}
    }
    let mut policies = documents.iter().filter_map(|id| case.read(id));
    let existing = policies.rfind(|(document, _)| *document.kind == *RESOURCE_POLICY);
    let owner = owner(arn);
    let edit = match existing {
        Some((document, value)) => {
            Edit { document: document.id.to_string(), creates: None, patch: statement::add(&value, "", statement.clone())? }
        }
        None if !takes_policy(&case.question.action, part, arn) => return None,
        None => Edit {
            document: format!("{RESOURCE_POLICY} {owner}"),
            creates: Some(NewDocument {
                kind: RESOURCE_POLICY.to_owned(),
                subject: owner.clone(),
                title: format!("resource policy of {owner}"),
            }),
            patch: vec![json!({"op": "add", "path": "", "value": statement::policy(vec![statement.clone()])})],
        },
    };
    let says = format!("add to the resource policy of {} a statement that allows {} to {}", called(&owner), case.caller(), allowed(part));
    let who = case.owner("resource", &format!("whoever administers {}", called(&owner)));
    let widens = root(case).then(|| {
        format!(
            "every principal of account {} that its own policies allow it",
            account_of(case.principal().unwrap_or_default()).unwrap_or_default()
        )
    });
    Some(Proposal { says, edits: vec![edit], who, widens, commands: Vec::new() })
}

/// Services whose resources take a policy where they have none yet (*AWS services that work with IAM*, column *Resource-based policies*).
const TAKE_POLICIES: &[&str] = &["dynamodb", "ecr", "kinesis", "lambda", "s3", "secretsmanager", "sns", "sqs"];

fn takes_policy(asked: &str, part: &Part, arn: &str) -> bool {
    let service = arn.split(':').nth(2).unwrap_or_default();
    // The policy of what is yet to be made allows nobody to make or tag it.
    let creates = |action: &str| action.split_once(':').is_some_and(|(_, name)| name.to_ascii_lowercase().starts_with("create"));
    TAKE_POLICIES.contains(&service) && !creates(&part.action) && !creates(asked)
}

/// The policies of AWS managed keys are AWS's own (KMS-10).
fn aws_managed_key(case: &Case<'_>, arn: &str) -> bool {
    let keys = case.snapshot.of(KMS_KEY, arn).filter_map(|document| case.read(&document.id));
    keys.into_iter().any(|(_, key)| key.get("KeyManager").and_then(Value::as_str) == Some("AWS"))
}

/// The resource whose policy speaks of `arn`: the bucket of an object, the access point of its objects.
fn owner(arn: &str) -> String {
    match arn.split_once(":s3:::") {
        Some((start, name)) => format!("{start}:s3:::{}", name.split('/').next().unwrap_or(name)),
        None => arn.split("/object/").next().unwrap_or(arn).to_owned(),
    }
}

/// In a `Principal` the root user stands for its account (E-31).
fn root(case: &Case<'_>) -> bool {
    case.principal().is_some_and(|arn| arn.ends_with(":root"))
}

/// Writes the caller into a statement. A service is admitted only for the resource or account that it acts for.
fn admit(case: &Case<'_>, statement: &mut Map<String, Value>) -> Option<()> {
    if let Some(principal) = case.principal() {
        statement.insert("Principal".to_owned(), json!({"AWS": principal}));
        return Some(());
    }
    let service = case.service()?;
    statement.insert("Principal".to_owned(), json!({"Service": service}));
    let source =
        [("aws:SourceArn", "ArnEquals"), ("aws:SourceAccount", "StringEquals")].into_iter().find_map(|(key, operator)| {
            match case.question.context.get_ignoring_case(key) {
                Lookup::Known([value]) if !value.contains(['*', '?', '$']) => Some((operator, key, value)),
                _ => None,
            }
        });
    let (operator, key, value) = source?;
    let conditions = statement.entry("Condition").or_insert_with(|| json!({})).as_object_mut()?;
    conditions.entry(operator).or_insert_with(|| json!({})).as_object_mut()?.insert(key.to_owned(), json!(value));
    Some(())
}

/// A statement in the trust policy of the role that is to be assumed. Trust policies have no resource (STS-9).
fn trust(case: &Case<'_>, part: &Part) -> Option<Proposal> {
    let role = part.resource.as_deref()?;
    let (document, value) = case.snapshot.of(ROLE, role).next().and_then(|document| case.read(&document.id))?;
    let mut statement = statement::allow(case, part)?;
    statement.remove("Resource");
    match web_identity(case, role) {
        Some(federated) => statement.extend(federated?),
        None => admit(case, &mut statement)?,
    }
    let patch = statement::add(&value, "/AssumeRolePolicyDocument", statement)?;
    let edit = Edit { document: document.id.to_string(), creates: None, patch };
    let says =
        format!("add to the trust policy of {} a statement that allows {} to {}", called(role), case.caller(), statement::action(part));
    let who = case.owner("trust", &format!("whoever administers IAM in account {}", account_of(role).unwrap_or_default()));
    Some(Proposal { says, edits: vec![edit], who, widens: None, commands: Vec::new() })
}

/// Principal and condition for `web-identity:HOST:SUBJECT`, for exactly this subject and audience (STS-8). `None` for other callers; an
/// inner `None` where the audience is not known.
fn web_identity(case: &Case<'_>, role: &str) -> Option<Option<Map<String, Value>>> {
    let (host, subject) = case.question.principal.strip_prefix("web-identity:")?.split_once(':')?;
    let audience = match case.question.context.get_ignoring_case(&format!("{host}:aud")) {
        Lookup::Known([audience]) if !audience.contains('$') && !subject.contains('$') => audience,
        _ => return Some(None),
    };
    let mut fields = role.split(':').skip(1);
    let partition = fields.next().unwrap_or("aws");
    let provider = format!("arn:{partition}:iam::{}:oidc-provider/{host}", account_of(role).unwrap_or_default());
    let condition = json!({"StringEquals": {format!("{host}:sub"): subject, format!("{host}:aud"): audience}});
    Some(Some(Map::from_iter([("Principal".to_owned(), json!({"Federated": provider})), ("Condition".to_owned(), condition)])))
}
