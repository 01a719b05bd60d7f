//! Constraints that refuse a request for what it asks in detail: the fields of the resource that it creates, the members that it adds.
//! A question does not hold those, so where such a constraint is enforced and the request may break it, the answer is open.
//!
//! docs.cloud.google.com/organization-policy/reference/org-policy-constraints, …/create-custom-constraints (N22, N23).

use super::{enforced, is_limited, names, whole};
use crate::documents;
use crate::facts::Facts;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::expression::Expression;
use crate::world::{World, json, member, text, texts};
use iam_why_contract::trace::{Off, Tests};
use iam_why_contract::{Place, Recorder, Truth};
use serde_json::Value;

/// Constraints by name, what each looks at, and the permissions whose requests it can refuse.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("iam.disableServiceAccountKeyUpload", "whether the request uploads a public key", &["iam.serviceAccountKeys.create"]),
    ("iam.managed.disableServiceAccountKeyUpload", "whether the request uploads a public key", &["iam.serviceAccountKeys.create"]),
    (
        "iam.disableCrossProjectServiceAccountUsage",
        "whether the account is attached to a resource of another project",
        &["iam.serviceAccounts.actAs"],
    ),
    (
        "iam.workloadIdentityPoolProviders",
        "which identity provider the request configures",
        &["iam.workloadIdentityPoolProviders.create", "iam.workloadIdentityPoolProviders.update"],
    ),
    (
        "storage.uniformBucketLevelAccess",
        "whether the bucket is to have uniform access",
        &["storage.buckets.create", "storage.buckets.update"],
    ),
    (
        "storage.publicAccessPrevention",
        "whether the request makes anything public",
        &["storage.buckets.update", "storage.buckets.setIamPolicy", "storage.objects.setIamPolicy", "storage.managedFolders.setIamPolicy"],
    ),
    (
        "compute.vmExternalIpAccess",
        "whether the machine is to have an external address",
        &["compute.instances.create", "compute.instances.addAccessConfig", "compute.instanceTemplates.create"],
    ),
    (
        "compute.vmCanIpForward",
        "whether the machine may forward packets",
        &["compute.instances.create", "compute.instanceTemplates.create"],
    ),
    (
        "compute.requireShieldedVm",
        "whether the machine is a Shielded VM",
        &["compute.instances.create", "compute.instanceTemplates.create"],
    ),
    ("compute.trustedImageProjects", "which image the disk is made of", &["compute.instances.create", "compute.disks.create"]),
    ("compute.restrictVpcPeering", "which network is peered with", &["compute.networks.addPeering"]),
    (
        "compute.restrictLoadBalancerCreationForTypes",
        "which type of load balancer is made",
        &["compute.forwardingRules.create", "compute.globalForwardingRules.create"],
    ),
    (
        "sql.restrictPublicIp",
        "whether the instance is to have a public address",
        &["cloudsql.instances.create", "cloudsql.instances.update"],
    ),
    ("sql.restrictAuthorizedNetworks", "which networks are authorized", &["cloudsql.instances.create", "cloudsql.instances.update"]),
    ("run.allowedIngress", "which ingress the service is to have", &["run.services.create", "run.services.update"]),
    ("run.allowedVPCEgress", "which egress the service is to have", &["run.services.create", "run.services.update"]),
    (
        "cloudfunctions.allowedIngressSettings",
        "which ingress the function is to have",
        &["cloudfunctions.functions.create", "cloudfunctions.functions.update"],
    ),
];

/// What a constraint that looks at details comes to.
pub(super) struct Detailed {
    /// `compute.vmExternalIpAccess`, `custom.onlySmall`
    pub constraint: String,
    /// Does it refuse?
    pub holds: Truth,
    /// Where its policy stands.
    pub place: Option<Place>,
}

/// The constraints on details that the request may break.
pub(super) fn refuses(world: &World<'_>, facts: &Facts) -> Vec<Detailed> {
    let permission = world.request.permission.v1();
    let known = KNOWN.iter().filter(|(_, _, permissions)| permissions.contains(&permission));
    let known = known.map(|(constraint, about, _)| {
        let (limited, place) = is_limited(world, constraint, facts);
        let broken = match world.context(constraint) {
            _ if limited.is_no() => Truth::No,
            Some("kept") => Truth::No,
            Some("broken") => Truth::Yes,
            _ => {
                let needs = format!("--context {constraint}=kept, or =broken: what the request asks for");
                world.ask(facts, constraint, format!("{about}, which constraints/{constraint} limits"), needs)
            }
        };
        let holds = limited.and(broken);
        Detailed { constraint: (*constraint).to_owned(), holds, place }
    });
    let custom = names(world).into_iter().filter(|name| name.starts_with("custom."));
    known.chain(custom.map(|constraint| self::custom(world, constraint, facts))).collect()
}

/// N23: a custom constraint looks at the fields of the resource by a condition of its own.
fn custom(world: &World<'_>, constraint: String, facts: &Facts) -> Detailed {
    let (enforced, place) = enforced(world, &constraint, facts);
    let definition = definition(world, &constraint);
    let concerned = match &definition {
        _ if enforced.is_no() || method(world).is_none() => false,
        Some(definition) => concerns(world, definition),
        None => true,
    };
    let holds = if concerned { enforced.and(broken(world, &constraint, definition.as_ref(), facts)) } else { Truth::No };
    Detailed { constraint, holds, place }
}

fn definition(world: &World<'_>, constraint: &str) -> Option<Value> {
    world.snapshot.all_of(documents::CUSTOM_CONSTRAINT).find_map(|document| {
        let value = json(document)?;
        let name = text(&value, "name")?;
        (name.rsplit('/').next() == Some(constraint)).then_some(value)
    })
}

/// What a custom constraint asks for, and what the request has.
pub(super) fn compared(world: &World<'_>, constraint: &str) -> Option<String> {
    let definition = definition(world, constraint)?;
    let condition = text(&definition, "condition")?;
    let expression = Expression::parse(&condition).ok()?;
    let (attributes, place, facts) = (world.fields(), whole(""), Facts::default());
    let mut tests = Tests::default();
    let evaluation =
        Evaluation { expression: &expression, attributes: &attributes, dialect: Dialect::Constraint, facts: &facts, place: &place };
    evaluation.run(&mut tests);
    let got: Vec<String> = tests.into_tests().into_iter().map(|test| test.got.to_string()).filter(|got| !got.is_empty()).collect();
    Some(format!(": it {} `{condition}`, and {}", verb(&definition), got.join("; ")))
}

fn verb(definition: &Value) -> &'static str {
    if demands(definition) { "demands" } else { "forbids" }
}

fn demands(definition: &Value) -> bool {
    text(definition, "actionType").as_deref() == Some("ALLOW")
}

/// Does the request break it? The fields of the resource are known as far as the question states them.
fn broken(world: &World<'_>, constraint: &str, definition: Option<&Value>, facts: &Facts) -> Truth {
    let Some(definition) = definition else {
        let needs = format!("gcloud org-policies describe-custom-constraint {constraint} --organization=ORGANIZATION");
        return world.ask(facts, constraint, format!("what constraints/{constraint} looks at"), needs);
    };
    let condition = text(definition, "condition").unwrap_or_default();
    let attributes = world.fields();
    let place = whole("");
    // Its `resource.name` is not the one that conditions of bindings see.
    let facts = &facts.of("the resource as requested");
    let ways = Expression::parse(&condition).ok().map(|expression| {
        let (attributes, dialect) = (&attributes, Dialect::Constraint);
        Evaluation { expression: &expression, attributes, dialect, facts, place: &place }.run(&mut Off)
    });
    match ways {
        Some(ways) if !ways.error => {
            if demands(definition) {
                !ways.grants()
            } else {
                ways.grants()
            }
        }
        // What comes of a field that is not there, or of a condition that cannot be read, is not documented.
        _ => {
            let about = format!("whether the request breaks constraints/{constraint}, which {} `{condition}`", verb(definition));
            world.ask(facts, constraint, about, "the fields of the resource as the request sets them")
        }
    }
}

/// Is it about resources and methods such as these?
fn concerns(world: &World<'_>, definition: &Value) -> bool {
    let Some(method) = method(world) else { return false };
    let methods = texts(definition, "methodTypes").unwrap_or_default();
    let types = texts(definition, "resourceTypes").unwrap_or_default();
    let granting = method == "GRANT";
    let of_policies = types.iter().any(|kind| kind == "iam.googleapis.com/AllowPolicy");
    if granting || of_policies {
        return granting && of_policies;
    }
    methods.iter().any(|name| name == method) && types.iter().any(|kind| is_of(world, kind))
}

/// `compute.googleapis.com/Instance` is what `compute.instances.create` creates. Types that are called otherwise stay possible.
fn is_of(world: &World<'_>, kind: &str) -> bool {
    let permission = &world.request.permission;
    let Some((service, name)) = kind.split_once('/') else { return true };
    let collection = permission.resource().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let plural = [format!("{name}s"), format!("{name}es"), format!("{}ies", name.trim_end_matches('y'))];
    service == permission.host() && plural.contains(&collection)
}

/// What a custom constraint calls what the permission does, `None` where it changes nothing.
fn method(world: &World<'_>) -> Option<&'static str> {
    let verb = world.request.permission.verb();
    match verb {
        "setIamPolicy" => Some("GRANT"),
        "create" | "insert" => Some("CREATE"),
        "delete" => Some("DELETE"),
        _ if verb.starts_with("update") || verb.starts_with("set") || verb == "patch" => Some("UPDATE"),
        _ => None,
    }
}

/// A boolean constraint that is enforced, or a list that does not allow everything.
pub(super) fn restricts(rule: &Value) -> bool {
    let is = |name: &str| member(rule, name).and_then(Value::as_bool) == Some(true);
    is("enforce")
        || is("denyAll")
        || rule.get("values").is_some_and(|values| !values.is_null())
        || rule.get("parameters").is_some_and(|value| !value.is_null())
}
