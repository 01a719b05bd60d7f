//! What the AWS CLI printed: each command by the members of its output, and how that is cut into documents.

use super::name::{FileName, Nature};
use super::reading::{Reading, account_of, last_name};
use super::text::{Members, decode, elements, string};
use super::{
    ACCESS_POINT, ATTACHED_POLICIES, ATTACHED_RCPS, ATTACHED_SCPS, BUCKET_ACL, BUCKET_ENCRYPTION, CALLER, FUNCTION_URL, GROUP,
    INLINE_NAMES, INLINE_POLICY, KMS_GRANTS, KMS_KEY, MANAGED_POLICY, OBJECT, OBJECT_ACL, ORGANIZATION, OWNERSHIP_CONTROLS, PARENTS,
    POLICY_FACTS, POLICY_STATUS, PUBLIC_ACCESS_BLOCK, RCP, REQUEST_PAYMENT, RESOURCE, RESOURCE_POLICY, ROLE, SCP, USER, USER_GROUPS,
    VPC_ENDPOINT,
};
use super::{iam_collect, identities, refused};
use iam_why_contract::snapshot::SourceFile;
use iam_why_contract::{Outcome, Snapshot};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What one command prints.
pub(super) struct Shape {
    /// The command.
    pub(super) command: &'static str,
    /// The kind of the documents it gives.
    pub(super) kind: &'static str,
    /// What it is printed of.
    pub(super) nature: Nature,
    /// The members that its output has, as paths; a last `!` says that it has no others.
    members: &'static [&'static str],
    cut: fn(&mut Reading<'_>, &Self),
}

impl Shape {
    /// The command's last word without its verb.
    pub(super) fn name(&self) -> &'static str {
        let word = self.command.rsplit(' ').next().unwrap_or_default();
        ["get-", "list-", "describe-"].iter().find_map(|verb| word.strip_prefix(verb)).unwrap_or(word)
    }

    /// The first member.
    pub(super) fn member(&self) -> &'static str {
        self.members.first().copied().unwrap_or_default()
    }

    fn fits(&self, top: &Members<'_>) -> bool {
        self.members.iter().all(|path| match path.split_once('.') {
            Some((outer, inner)) => top.get(outer).is_some_and(|raw| Members::of(raw).has(inner)),
            None if *path == "!" => top.iter().count() == self.members.len() - 1,
            None => top.has(path),
        })
    }

    /// Whose it is, where the file is named after this command or lies in the folder of an account.
    pub(super) fn subject(&self, reading: &Reading<'_>) -> Option<String> {
        if reading.name.command == Some(self.name()) {
            return reading.name.subject(self.nature);
        }
        FileName { of: None, ..reading.name.clone() }.subject(self.nature)
    }

    fn detail(&self) -> usize {
        self.members.iter().map(|path| path.split('.').count()).sum()
    }

    /// Says that the file does not say whose it is.
    pub(super) fn unplaced(&self, reading: &mut Reading<'_>) {
        let verb = self.command.rsplit(' ').next().unwrap_or_default();
        let name = format!("{verb}.{}.json", self.nature.word());
        reading.remark(&format!("holds what `{}` prints, which does not say whose it is: call the file `{name}`", self.command));
    }
}

const fn shape(
    command: &'static str,
    kind: &'static str,
    nature: Nature,
    members: &'static [&'static str],
    cut: fn(&mut Reading<'_>, &Shape),
) -> Shape {
    Shape { command, kind, nature, members, cut }
}

const GAAD: &str = "aws iam get-account-authorization-details";
const ACCESS_POINTS: Nature = Nature::Regional("s3", "accesspoint/");

/// Every output that is recognised. Where several fit, the file's name picks, else the one that asks for most.
pub(super) const SHAPES: &[Shape] = &[
    shape(GAAD, ROLE, Nature::Account, &["RoleDetailList"], identities::account),
    shape(GAAD, USER, Nature::Account, &["UserDetailList"], identities::account),
    shape(GAAD, GROUP, Nature::Account, &["GroupDetailList"], identities::account),
    shape("aws iam get-user", USER, Nature::Identity("user"), &["User"], identities::one),
    shape("aws iam get-role", ROLE, Nature::Identity("role"), &["Role"], identities::one),
    shape("aws iam get-group", GROUP, Nature::Identity("group"), &["Group"], identities::one),
    shape(
        "aws iam get-user-policy",
        INLINE_POLICY,
        Nature::Identity("user"),
        &["UserName", "PolicyName", "PolicyDocument"],
        identities::inline,
    ),
    shape(
        "aws iam get-role-policy",
        INLINE_POLICY,
        Nature::Identity("role"),
        &["RoleName", "PolicyName", "PolicyDocument"],
        identities::inline,
    ),
    shape(
        "aws iam get-group-policy",
        INLINE_POLICY,
        Nature::Identity("group"),
        &["GroupName", "PolicyName", "PolicyDocument"],
        identities::inline,
    ),
    shape("aws iam list-role-policies", INLINE_NAMES, Nature::Identity("role"), &["PolicyNames"], identities::list),
    shape("aws iam list-user-policies", INLINE_NAMES, Nature::Identity("user"), &["PolicyNames"], identities::list),
    shape("aws iam list-group-policies", INLINE_NAMES, Nature::Identity("group"), &["PolicyNames"], identities::list),
    shape("aws iam list-attached-role-policies", ATTACHED_POLICIES, Nature::Identity("role"), &["AttachedPolicies"], identities::list),
    shape("aws iam list-attached-user-policies", ATTACHED_POLICIES, Nature::Identity("user"), &["AttachedPolicies"], identities::list),
    shape("aws iam list-attached-group-policies", ATTACHED_POLICIES, Nature::Identity("group"), &["AttachedPolicies"], identities::list),
    shape("aws iam list-groups-for-user", USER_GROUPS, Nature::Identity("user"), &["Groups"], identities::list),
    shape("aws iam get-policy", POLICY_FACTS, Nature::Policy, &["Policy.DefaultVersionId", "Policy.Arn"], identities::policy_facts),
    shape("aws iam get-policy-version", MANAGED_POLICY, Nature::Policy, &["PolicyVersion"], identities::policy_version),
    shape("aws sts get-caller-identity", CALLER, Nature::Account, &["UserId", "Account", "Arn"], caller),
    shape("aws organizations describe-organization", ORGANIZATION, Nature::Account, &["Organization"], organization),
    shape("aws organizations list-parents", PARENTS, Nature::Id, &["Parents"], whole),
    shape("aws organizations list-policies-for-target", ATTACHED_SCPS, Nature::Id, &["Policies"], attached),
    shape("aws organizations describe-policy", SCP, Nature::Id, &["Policy.Content", "Policy.PolicySummary"], organization_policy),
    shape("aws ec2 describe-vpc-endpoints", VPC_ENDPOINT, Nature::Id, &["VpcEndpoints"], endpoints),
    shape("aws s3api get-bucket-policy", RESOURCE_POLICY, Nature::Bucket, &["Policy"], resource_policy),
    shape("aws s3api get-bucket-policy-status", POLICY_STATUS, Nature::Bucket, &["PolicyStatus"], whole),
    shape("aws s3api get-bucket-acl", BUCKET_ACL, Nature::Bucket, &["Grants", "Owner"], whole),
    shape("aws s3api get-object-acl", OBJECT_ACL, Nature::Object, &["Grants", "Owner"], whole),
    shape("aws s3api get-bucket-ownership-controls", OWNERSHIP_CONTROLS, Nature::Bucket, &["OwnershipControls"], whole),
    shape("aws s3api get-public-access-block", PUBLIC_ACCESS_BLOCK, Nature::BucketOrAccount, &["PublicAccessBlockConfiguration"], whole),
    shape("aws s3api get-bucket-encryption", BUCKET_ENCRYPTION, Nature::Bucket, &["ServerSideEncryptionConfiguration"], whole),
    shape("aws s3api get-bucket-request-payment", REQUEST_PAYMENT, Nature::Bucket, &["Payer"], whole),
    shape("aws s3api head-object", OBJECT, Nature::Object, &["ETag", "LastModified"], whole),
    shape("aws s3control get-access-point", ACCESS_POINT, ACCESS_POINTS, &["Bucket", "NetworkOrigin"], whole),
    shape("aws s3control get-access-point-policy", RESOURCE_POLICY, ACCESS_POINTS, &["Policy"], resource_policy),
    shape("aws kms describe-key", KMS_KEY, Nature::Key, &["KeyMetadata"], key),
    shape("aws kms get-key-policy", RESOURCE_POLICY, Nature::Key, &["Policy", "PolicyName"], resource_policy),
    shape("aws kms get-key-policy", RESOURCE_POLICY, Nature::Key, &["Policy"], resource_policy),
    shape("aws kms list-grants", KMS_GRANTS, Nature::Key, &["Grants"], grants),
    shape("aws sqs get-queue-attributes", RESOURCE_POLICY, Nature::Regional("sqs", ""), &["Attributes.Policy"], attributes),
    shape("aws sqs get-queue-attributes", RESOURCE_POLICY, Nature::Regional("sqs", ""), &["Attributes.QueueArn"], attributes),
    shape("aws sns get-topic-attributes", RESOURCE_POLICY, Nature::Regional("sns", ""), &["Attributes.TopicArn"], attributes),
    shape("aws lambda get-policy", RESOURCE_POLICY, Nature::Regional("lambda", "function:"), &["Policy", "RevisionId"], resource_policy),
    shape("aws lambda get-function-url-config", FUNCTION_URL, Nature::Regional("lambda", "function:"), &["FunctionArn", "AuthType"], whole),
    shape("aws secretsmanager get-resource-policy", RESOURCE_POLICY, Nature::Arn, &["ARN", "Name", "ResourcePolicy"], resource_policy),
    shape("aws secretsmanager get-resource-policy", RESOURCE_POLICY, Nature::Arn, &["ARN", "Name", "!"], resource_policy),
    shape("aws resourcegroupstaggingapi get-resources", RESOURCE, Nature::Arn, &["ResourceTagMappingList"], tags),
    shape(
        "aws dynamodb get-resource-policy",
        RESOURCE_POLICY,
        Nature::Regional("dynamodb", "table/"),
        &["Policy", "RevisionId"],
        resource_policy,
    ),
    shape(
        "aws ecr get-repository-policy",
        RESOURCE_POLICY,
        Nature::Regional("ecr", "repository/"),
        &["policyText", "repositoryName"],
        repository,
    ),
    shape("aws events describe-event-bus", RESOURCE_POLICY, Nature::Arn, &["Arn", "Policy"], resource_policy),
    shape("aws backup get-backup-vault-access-policy", RESOURCE_POLICY, Nature::Arn, &["BackupVaultArn", "Policy"], resource_policy),
];

/// What a bare policy document is, by the name of its file.
const BARE: &[(&str, &str, Nature)] = &[
    ("scp", SCP, Nature::Id),
    ("rcp", RCP, Nature::Id),
    ("role-policy", INLINE_POLICY, Nature::Identity("role")),
    ("user-policy", INLINE_POLICY, Nature::Identity("user")),
    ("group-policy", INLINE_POLICY, Nature::Identity("group")),
    ("managed-policy", MANAGED_POLICY, Nature::Policy),
    ("policy-version", MANAGED_POLICY, Nature::Policy),
    ("bucket-policy", RESOURCE_POLICY, Nature::Bucket),
    ("access-point-policy", RESOURCE_POLICY, ACCESS_POINTS),
    ("key-policy", RESOURCE_POLICY, Nature::Key),
    ("queue-policy", RESOURCE_POLICY, Nature::Regional("sqs", "")),
    ("topic-policy", RESOURCE_POLICY, Nature::Regional("sns", "")),
    ("function-policy", RESOURCE_POLICY, Nature::Regional("lambda", "function:")),
    ("table-policy", RESOURCE_POLICY, Nature::Regional("dynamodb", "table/")),
    ("repository-policy", RESOURCE_POLICY, Nature::Regional("ecr", "repository/")),
    ("resource-policy", RESOURCE_POLICY, Nature::Arn),
];

/// Reads a file that the AWS CLI printed, or a bare policy document; `None` where it is neither.
///
/// What is of AWS and cannot be taken in is a remark of the snapshot: a file that is cut off, or does not say whose it is.
#[must_use]
pub fn recognise(file: SourceFile<'_>) -> Option<Snapshot> {
    let file = SourceFile { text: file.text.trim_start_matches('\u{feff}'), ..file };
    let commands = SHAPES.iter().map(Shape::name).chain(BARE.iter().map(|bare| bare.0));
    let name = FileName::read(file.path, commands);
    let top = match Members::read(file.text) {
        Ok(top) => top,
        Err(error) => return unreadable(file, name, &error),
    };
    let mut reading = Reading::new(file, name, top);
    if iam_collect::read(&mut reading) {
        return Some(reading.snapshot);
    }
    let fitting = SHAPES.iter().filter(|shape| shape.fits(&reading.top));
    let chosen = fitting.max_by_key(|shape| (reading.name.command == Some(shape.name()), shape.detail(), std::cmp::Reverse(order(shape))));
    match chosen {
        Some(shape) => (shape.cut)(&mut reading, shape),
        None if reading.top.has("Statement") => bare(&mut reading),
        None => return None,
    }
    own_buckets(&mut reading);
    Some(reading.snapshot)
}

/// A bucket's ARN does not say its account; the folder that is named by one does.
fn own_buckets(reading: &mut Reading<'_>) {
    let Some(account) = reading.name.account.clone() else { return };
    let buckets = reading.snapshot.documents().iter().map(|document| Arc::clone(&document.subject));
    let buckets: Vec<Arc<str>> =
        buckets.filter(|subject| subject.split_once(":s3:::").is_some_and(|(_, name)| !name.contains('/'))).collect();
    for bucket in buckets {
        let text = serde_json::json!({"Account": account}).to_string();
        reading.decoded(RESOURCE, &bucket, last_name(&bucket), text, "");
    }
}

fn order(shape: &Shape) -> usize {
    SHAPES.iter().position(|other| std::ptr::eq(other, shape)).unwrap_or_default()
}

/// How much of a damaged file is looked at to tell what it was, in bytes.
const START: usize = 64 << 10;

/// A file that is no JSON object: the CLI's error message, or an output that is cut off.
fn unreadable(file: SourceFile<'_>, name: FileName, error: &serde_json::Error) -> Option<Snapshot> {
    let command = name.command;
    let mut reading = Reading::new(file, name, Members::default());
    if refused::note(&mut reading) {
        return Some(reading.snapshot);
    }
    let begun =
        file.text.get(..file.text.floor_char_boundary(START)).filter(|start| start.trim_start().starts_with('{')).unwrap_or_default();
    let named = SHAPES.iter().find(|shape| command == Some(shape.name()) || begun.contains(&format!("\"{}\"", shape.member())));
    let expected = named?.command;
    if file.text.trim().is_empty() {
        reading.remark(&format!("is empty, expected what `{expected}` prints"));
    } else {
        reading.remark(&format!("is not what `{expected}` prints: {error}"));
    }
    Some(reading.snapshot)
}

/// A bare policy document.
fn bare(reading: &mut Reading<'_>) {
    let row = BARE.iter().find(|row| reading.name.command == Some(row.0));
    let Some((kind, subject, nature)) = row.and_then(|row| Some((row.1, reading.name.subject(row.2)?, row.2))) else {
        return reading.remark(
            "holds a bare policy document, which does not say what it is nor whose: call the file \
             `bucket-policy--BUCKET.json`, `role-policy--ROLE--NAME.json`, `scp--p-ID.json` or the like",
        );
    };
    let named = reading.name.of.as_deref().and_then(|of| of.split_once("--")).map(|(_, name)| name.to_owned());
    let title = match nature {
        Nature::Identity(_) => named.unwrap_or_else(|| last_name(reading.file.path).trim_end_matches(".json").to_owned()),
        _ => titled(kind, &subject),
    };
    reading.slice(kind, &subject, &title, reading.file.text);
    if kind == INLINE_POLICY {
        identities::not_all(reading, &subject);
    }
}

/// An output that is one document; whose it is says the file's name, or an ARN in it.
fn whole(reading: &mut Reading<'_>, shape: &Shape) {
    let arn = ["AccessPointArn", "FunctionArn"].iter().find_map(|name| reading.top.string(name));
    match arn.map(std::borrow::Cow::into_owned).or_else(|| shape.subject(reading)) {
        Some(subject) => reading.slice(shape.kind, &subject, &titled(shape.kind, &subject), reading.file.text),
        None => shape.unplaced(reading),
    }
}

/// How people call it: `bucket policy of acme-reports`.
fn titled(kind: &str, subject: &str) -> String {
    let name = last_name(subject);
    match kind {
        SCP => format!("service control policy {name}"),
        RCP => format!("resource control policy {name}"),
        RESOURCE_POLICY if subject.contains(":s3:::") => format!("bucket policy of {name}"),
        RESOURCE_POLICY if subject.contains(":kms:") || subject.contains(":key/") => format!("key policy of {name}"),
        RESOURCE_POLICY => format!("resource policy of {name}"),
        _ => subject.strip_prefix("arn:aws:s3:::").unwrap_or(name).to_owned(),
    }
}

/// `get-bucket-policy` and its like: nothing but the policy, mostly.
fn resource_policy(reading: &mut Reading<'_>, shape: &Shape) {
    let arn = ["ARN", "Arn", "BackupVaultArn"].iter().find_map(|name| reading.top.string(name)).map(std::borrow::Cow::into_owned);
    let found = ["Policy", "ResourcePolicy"].iter().find_map(|name| Some((*name, reading.top.get(name)?)));
    let Some((member, policy)) = found else {
        if let Some(arn) = arn {
            reading.note(RESOURCE_POLICY, &arn, Outcome::Absent);
        }
        return;
    };
    let subject = arn.or_else(|| shape.subject(reading)).or_else(|| own_resource(policy));
    match subject {
        Some(subject) => reading.policy(RESOURCE_POLICY, &subject, &titled(RESOURCE_POLICY, &subject), policy, &format!("/{member}")),
        None => shape.unplaced(reading),
    }
}

/// The one resource that a policy names. The services whose policies this is asked of store none that names another resource.
fn own_resource(policy: &RawValue) -> Option<String> {
    let text = string(policy).map_or_else(|| policy.get().to_owned(), |text| decode(&text));
    let members = Members::read(&text).ok()?;
    let statement = members.get("Statement")?;
    let statements = elements(statement).unwrap_or_else(|| vec![statement]);
    let mut owners = Vec::new();
    for statement in statements {
        let resource = Members::of(statement).get("Resource")?;
        let resources = elements(resource).unwrap_or_else(|| vec![resource]);
        for resource in resources {
            owners.push(owner(&string(resource)?)?);
        }
    }
    owners.dedup();
    (owners.len() == 1).then(|| owners.pop()).flatten()
}

/// The resource that a policy naming `arn` belongs to: the bucket of an object, the access point of its objects.
fn owner(arn: &str) -> Option<String> {
    let owner = match arn.split_once(":s3:::") {
        Some((start, name)) => format!("{start}:s3:::{}", name.split('/').next()?),
        None => arn.split("/object/").next()?.to_owned(),
    };
    (owner.starts_with("arn:") && !owner.contains(['*', '?', '$'])).then_some(owner)
}

/// `get-resources`: the tags of resources, one document a resource.
fn tags(reading: &mut Reading<'_>, _: &Shape) {
    let resources = reading.top.list("ResourceTagMappingList").unwrap_or_default();
    for (at, resource) in resources.into_iter().map(Members::of).enumerate() {
        let (Some(arn), Some(tags)) = (resource.string("ResourceARN"), resource.list("Tags")) else { continue };
        let pairs =
            tags.into_iter().map(Members::of).filter_map(|tag| Some((tag.string("Key")?.into_owned(), tag.string("Value")?.into())));
        let text = serde_json::json!({"Tags": pairs.collect::<serde_json::Map<_, _>>()}).to_string();
        reading.decoded(RESOURCE, &arn, last_name(&arn), text, &format!("/ResourceTagMappingList/{at}"));
    }
}

fn caller(reading: &mut Reading<'_>, _: &Shape) {
    if let Some(account) = reading.top.string("Account") {
        reading.slice(CALLER, &account, "the caller", reading.file.text);
    }
}

/// The organization of the account that asked. The management account is in it too.
fn organization(reading: &mut Reading<'_>, shape: &Shape) {
    let Some(raw) = reading.top.get("Organization") else { return };
    let management = Members::of(raw).string("MasterAccountId").map(std::borrow::Cow::into_owned);
    let asked = shape.subject(reading);
    for account in asked.iter().chain(management.iter().filter(|&management| asked.as_ref() != Some(management))) {
        reading.slice(ORGANIZATION, account, "the organization", raw.get());
    }
}

/// `list-policies-for-target`: which type of policy was listed say its elements or, where there are none, the file's name.
fn attached(reading: &mut Reading<'_>, shape: &Shape) {
    let types = reading.top.list("Policies").unwrap_or_default();
    let first = types.first().and_then(|policy| Members::of(policy).string("Type")).map(std::borrow::Cow::into_owned);
    let listed = first.or_else(|| reading.name.of.clone()).unwrap_or_default().to_ascii_uppercase();
    let kind = if listed.contains("RESOURCE_CONTROL_POLICY") {
        ATTACHED_RCPS
    } else if listed.contains("SERVICE_CONTROL_POLICY") {
        ATTACHED_SCPS
    } else {
        return reading.remark(
            "lists policies and does not say of which type: where there are none, call the file `list-policies-for-target.ID--SERVICE_CONTROL_POLICY.json`",
        );
    };
    if reading.top.has("NextToken") {
        return reading.remark(&format!("is one page of {}; a list counts only where it is complete", shape.command));
    }
    match shape.subject(reading) {
        Some(subject) => reading.slice(kind, &subject, &subject, reading.file.text),
        None => shape.unplaced(reading),
    }
}

fn organization_policy(reading: &mut Reading<'_>, _: &Shape) {
    let Some(policy) = reading.top.get("Policy").map(Members::of) else { return };
    let Some(summary) = policy.get("PolicySummary").map(Members::of) else { return };
    let kind = match summary.string("Type").as_deref() {
        Some("SERVICE_CONTROL_POLICY") => SCP,
        Some("RESOURCE_CONTROL_POLICY") => RCP,
        other => {
            return reading.remark(&format!("holds a policy of type `{}`, which grants and refuses nothing", other.unwrap_or("unknown")));
        }
    };
    let (Some(id), Some(content)) = (summary.string("Id"), policy.get("Content")) else { return };
    let name = summary.string("Name").map_or_else(|| titled(kind, &id), std::borrow::Cow::into_owned);
    reading.policy(kind, &id, &name, content, "/Policy/Content");
}

/// One document an endpoint, its policy decoded.
fn endpoints(reading: &mut Reading<'_>, _: &Shape) {
    let endpoints = reading.top.list("VpcEndpoints").unwrap_or_default();
    for (at, raw) in endpoints.into_iter().enumerate() {
        let members = Members::of(raw);
        let Some(id) = members.string("VpcEndpointId") else { continue };
        let title = format!("VPC endpoint {id}");
        match members.get("PolicyDocument").filter(|policy| policy.get().starts_with('"')) {
            None => reading.slice(VPC_ENDPOINT, &id, &title, raw.get()),
            Some(policy) => {
                let text = identities::replaced(raw.get(), &[policy]);
                reading.decoded(VPC_ENDPOINT, &id, &title, text, &format!("/VpcEndpoints/{at}"));
            }
        }
    }
}

fn key(reading: &mut Reading<'_>, _: &Shape) {
    let Some(raw) = reading.top.get("KeyMetadata") else { return };
    if let Some(arn) = Members::of(raw).string("Arn") {
        reading.slice(KMS_KEY, &arn, &format!("key {}", last_name(&arn)), raw.get());
    }
}

/// The grants of a key; each names the key, an empty list does not.
fn grants(reading: &mut Reading<'_>, shape: &Shape) {
    if reading.top.has("NextToken") || reading.top.get("Truncated").is_some_and(|value| value.get() == "true") {
        return reading.remark("is one page of list-grants; a list counts only where it is complete");
    }
    let keys = reading.top.list("Grants").unwrap_or_default().into_iter().filter_map(|grant| Members::of(grant).string("KeyId"));
    let mut keys: Vec<String> = keys.map(std::borrow::Cow::into_owned).collect();
    keys.dedup();
    let own = keys.pop().filter(|key| keys.is_empty() && key.starts_with("arn:"));
    match own.or_else(|| shape.subject(reading)) {
        Some(subject) => reading.slice(KMS_GRANTS, &subject, &format!("grants of key {}", last_name(&subject)), reading.file.text),
        None => shape.unplaced(reading),
    }
}

/// Attributes that every queue has: where all of them were printed and `Policy` is not among them, there is none.
const EVERY_QUEUE: &[&str] = &[
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "DelaySeconds",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];

/// A queue's or topic's attributes.
fn attributes(reading: &mut Reading<'_>, shape: &Shape) {
    let Some(attributes) = reading.top.get("Attributes").map(Members::of) else { return };
    let arn = ["QueueArn", "TopicArn"].iter().find_map(|name| attributes.string(name)).map(std::borrow::Cow::into_owned);
    let all = EVERY_QUEUE.iter().all(|name| attributes.has(name));
    let subject = arn.or_else(|| shape.subject(reading)).or_else(|| attributes.get("Policy").and_then(own_resource));
    match (subject, attributes.get("Policy")) {
        (Some(subject), Some(policy)) => {
            reading.policy(RESOURCE_POLICY, &subject, &titled(RESOURCE_POLICY, &subject), policy, "/Attributes/Policy");
        }
        (Some(subject), None) if all => reading.note(RESOURCE_POLICY, &subject, Outcome::Absent),
        (Some(_), None) => reading.remark("does not hold the attribute `Policy`: ask for all attributes"),
        (None, _) => shape.unplaced(reading),
    }
}

/// A repository's policy names registry and repository, not the region.
fn repository(reading: &mut Reading<'_>, shape: &Shape) {
    let Some(policy) = reading.top.get("policyText") else { return };
    let account = reading.top.string("registryId").map(std::borrow::Cow::into_owned);
    let name = reading.top.string("repositoryName").map(std::borrow::Cow::into_owned);
    let mut file = reading.name.clone();
    file.account = account.clone().or(file.account);
    file.of = file.of.filter(|of| of.starts_with("arn:")).or(name);
    let known = file.subject(shape.nature).filter(|arn| account.is_none() || account_of(arn) == account.as_deref());
    match known {
        Some(subject) => reading.policy(RESOURCE_POLICY, &subject, &titled(RESOURCE_POLICY, &subject), policy, "/policyText"),
        None => shape.unplaced(reading),
    }
}
