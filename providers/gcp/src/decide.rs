//! The decision procedure of Google Cloud: eligible, not denied, granted (policy-types, E1), and then let through by everything else
//! that can refuse (E6). Deciding and tracing are the same code: see [`Recorder`].

use crate::facts::Facts;
use crate::layers::{self, ACCESS_POLICY, ALLOW_POLICY, Answer, CLOUD_RUN, DATASET_ACCESS, K8S_RBAC, STORAGE_ACL};
use crate::world::World;
use iam_why_contract::{Decision, Evidence, Kind, Recorder, Step, Truth};

/// What is decided of a request.
pub(crate) struct Judgement {
    /// Whether it is let through.
    pub decision: Decision,
    /// How it is refused.
    pub kind: Option<Kind>,
    /// The layer that refuses or grants.
    pub decided_by: Option<&'static str>,
    /// What refuses, the deciding layer first; only where comparisons are kept.
    pub blockers: Vec<Answer>,
    /// What was compared; only where comparisons are kept.
    pub steps: Vec<Step>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Boundary, deny and allow together.
pub(crate) struct Iam {
    /// Eligible, not denied, granted.
    pub allowed: Truth,
    /// How it is refused, where it is.
    pub kind: Kind,
    /// The layer that refuses or grants.
    pub decided_by: Option<&'static str>,
    /// What was compared.
    pub steps: Vec<Step>,
    granted: Truth,
    refusals: Vec<Answer>,
    missing: Answer,
    granted_by: &'static str,
    notes: Vec<String>,
}

impl Iam {
    /// Where a control stands that takes the access away, if one does.
    pub(crate) fn taken_away(&self) -> Option<Evidence> {
        let refusing = self.refusals.iter().filter(|answer| answer.holds.is_yes());
        refusing.flat_map(|answer| &answer.findings).map(|finding| finding.evidence.clone()).next()
    }
}

/// Decides one request.
pub(crate) fn decide<R: Recorder>(world: &World<'_>, facts: &Facts) -> Judgement {
    let iam = iam::<R>(world, facts);
    let gates = [
        layers::project::restriction::<R>(world, facts),
        layers::credential::account::<R>(world, facts),
        layers::project::service::<R>(world, facts),
        layers::project::billing::<R>(world, facts),
        layers::project::quota::<R>(world, facts),
        layers::credential::scope::<R>(world, facts),
        layers::credential::boundary::<R>(world, facts),
        layers::user_access::refuses::<R>(world, facts),
        layers::vpc_service_controls::refuses::<R>(world, facts),
        layers::org_policy::refuses::<R>(world, facts),
        layers::storage::ip_filter::<R>(world, facts),
        layers::storage::requester_pays::<R>(world, facts),
        layers::policy_tags::refuses::<R>(world, facts),
    ];
    conclude(iam, gates)
}

/// The three policies that IAM decides from (E1), and what grants besides allow policies.
pub(crate) fn iam<R: Recorder>(world: &World<'_>, facts: &Facts) -> Iam {
    let barred = layers::pab::bars::<R>(world, facts);
    let denied = layers::deny_policy::denies::<R>(world, facts);
    let mut allow = layers::allow_policy::grants::<R>(world, facts);
    let acl = layers::storage::acl::<R>(world, facts);
    let (dataset, dataset_steps) = layers::bigquery::grants::<R>(world, facts);
    let (rbac, rbac_steps) = layers::kubernetes::grants::<R>(world, facts);
    let denied = reaching_rbac(world, denied, rbac, facts);
    let access = layers::access_policy::says::<R>(world, facts);
    let mut unchecked = layers::cloud_run::unchecked::<R>(world, facts);

    let named = allow.named.or(acl.named).or(dataset).or(rbac).or(access.grants).or(unchecked.holds);
    let public = allow.public.or(acl.public);
    let only_public = public.and(!named);
    let (prevented, place) = if only_public.is_no() { (Truth::No, None) } else { layers::storage::public_access_prevented(world, facts) };
    let granted = named.or(public.and(!prevented));
    let prevention = layers::storage::prevention(world, only_public, prevented, place, allow.public_place.take());

    let granted_by = [
        (allow.named.or(allow.public), ALLOW_POLICY),
        (acl.named.or(acl.public), STORAGE_ACL),
        (dataset, DATASET_ACCESS),
        (rbac, K8S_RBAC),
        (access.grants, ACCESS_POLICY),
        (unchecked.holds, CLOUD_RUN),
    ];
    let granted_by = granted_by.iter().find(|(grants, _)| grants.is_yes()).map_or(ALLOW_POLICY, |(_, layer)| *layer);
    let missing = if R::KEEPS && granted.is_no() && !prevention.holds.is_yes() {
        allow.report(world, acl.steps.iter().chain(&dataset_steps))
    } else {
        Answer { kind: Kind::MissingGrant, ..Answer::silent(allow.lacking) }
    };

    let mut refusals = vec![barred, denied, access.denies, prevention];
    // Where IAM is not asked, none of its policies refuses.
    if !unchecked.holds.is_no() {
        refusals.iter_mut().for_each(|answer| overrule(answer, unchecked.holds));
    }
    let mut steps: Vec<Step> = refusals.iter_mut().take(2).flat_map(|answer| std::mem::take(&mut answer.steps)).collect();
    steps.append(&mut allow.steps);
    steps.append(&mut unchecked.steps);
    steps.extend(acl.steps.into_iter().chain(dataset_steps).chain(rbac_steps));
    steps.extend(refusals.iter_mut().flat_map(|answer| std::mem::take(&mut answer.steps)));
    let refused = Truth::any(refusals.iter().map(|answer| answer.holds));
    let refusing = refusals.iter().find(|answer| answer.holds.is_yes()).map(|answer| answer.layer);
    let decided_by = match (refusing, granted) {
        (Some(layer), _) => Some(layer),
        (None, Truth::No) => Some(missing.layer),
        (None, Truth::Yes) => Some(granted_by),
        (None, Truth::Unknown) => None,
    };
    let kind = if refusing.is_some() { Kind::ExplicitDeny } else { Kind::MissingGrant };
    Iam { allowed: granted.and(!refused), kind, decided_by, steps, granted, refusals, missing, granted_by, notes: allow.notes }
}

fn overrule(answer: &mut Answer, by: Truth) {
    answer.holds = answer.holds.and(!by);
    if !answer.holds.is_yes() {
        answer.findings.clear();
    }
}

/// D15: whether a deny policy reaches what Kubernetes RBAC grants is not documented.
fn reaching_rbac(world: &World<'_>, mut denied: Answer, rbac: Truth, facts: &Facts) -> Answer {
    if denied.holds.is_no() || rbac.is_no() {
        return denied;
    }
    let reaches = world.ask(
        facts,
        "deny reaches RBAC",
        "whether a deny policy reaches what Kubernetes RBAC grants",
        "the documentation does not say",
    );
    denied.holds = denied.holds.and(!rbac.and(!reaches));
    if !denied.holds.is_yes() {
        denied.findings.clear();
    }
    denied
}

/// E2, E7: a certain refusal stands whatever else is open; allowed only where nothing that can refuse is open.
fn conclude(iam: Iam, gates: impl IntoIterator<Item = Answer>) -> Judgement {
    let Iam { mut steps, granted, refusals, mut missing, granted_by, mut notes, .. } = iam;
    let mut answers: Vec<Answer> = refusals.into_iter().chain(gates).collect();
    for answer in &mut answers {
        steps.append(&mut answer.steps);
        notes.append(&mut answer.notes);
    }
    missing.holds = !granted;
    answers.push(missing);
    let refuses = |kind: Kind| answers.iter().find(|answer| answer.kind == kind && answer.holds.is_yes()).map(|answer| answer.layer);
    let open = answers.iter().any(|answer| answer.holds.is_unknown());
    let (decision, kind, decided_by) = match (refuses(Kind::ExplicitDeny), refuses(Kind::MissingGrant)) {
        (Some(layer), _) => (Decision::Deny, Some(Kind::ExplicitDeny), Some(layer)),
        (None, Some(layer)) => (Decision::Deny, Some(Kind::MissingGrant), Some(layer)),
        (None, None) if open => (Decision::Undetermined, None, None),
        (None, None) => (Decision::Allow, None, Some(granted_by)),
    };
    let mut blockers: Vec<Answer> = answers.into_iter().filter(|answer| answer.holds.is_yes() || !answer.parts.is_empty()).collect();
    blockers.sort_by_key(|answer| (!answer.holds.is_yes(), Some(answer.layer) != decided_by, answer.kind != Kind::ExplicitDeny));
    Judgement { decision, kind, decided_by, blockers, steps, notes }
}
