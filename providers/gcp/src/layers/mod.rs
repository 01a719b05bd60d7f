//! The layers that can refuse or grant, one file each, in the order in which Google Cloud describes them: boundary, deny, allow
//! (E1), then what else may stand in the way. The order of those others is not documented (E6), so every one that refuses is reported.

pub(crate) mod access_levels;
pub(crate) mod access_policy;
pub(crate) mod allow_policy;
pub(crate) mod bigquery;
pub(crate) mod cloud_run;
pub(crate) mod credential;
pub(crate) mod deny_policy;
pub(crate) mod kubernetes;
pub(crate) mod org_policy;
pub(crate) mod pab;
pub(crate) mod policy_tags;
pub(crate) mod project;
pub(crate) mod storage;
pub(crate) mod user_access;
pub(crate) mod vpc_service_controls;

use crate::facts::Facts;
use crate::world::{World, doubt};
use iam_why_contract::{Code, Doubt, Evidence, Finding, Kind, Layer, Lookup, Outcome, Part, Place, Ruling, Step, Truth};

macro_rules! layers {
    ($($name:ident = $id:literal, $title:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: &str = $id;)*

        /// Every layer.
        pub(crate) const LAYERS: &[Layer] = &[$(Layer { id: $id, title: $title },)*];
    };
}

layers! {
    PAB = "pab", "principal access boundary";
    DENY_POLICY = "deny_policy", "deny policy";
    ACCESS_POLICY = "access_policy", "access policy";
    ALLOW_POLICY = "allow_policy", "allow policy";
    ROLE_STATE = "role_state", "state of a role";
    CONDITION = "condition", "condition of a binding";
    STORAGE_ACL = "storage_acl", "Cloud Storage access control list";
    DATASET_ACCESS = "dataset_access", "BigQuery dataset access list";
    K8S_RBAC = "k8s_rbac", "Kubernetes RBAC";
    CLOUD_RUN = "cloud_run", "Cloud Run's check of who invokes";
    POLICY_TAG = "policy_tag", "policy tag of a BigQuery column";
    PUBLIC_ACCESS_PREVENTION = "public_access_prevention", "public access prevention";
    BUCKET_IP_FILTER = "bucket_ip_filter", "bucket IP filter";
    REQUESTER_PAYS = "requester_pays", "requester pays";
    CREDENTIAL_ACCESS_BOUNDARY = "credential_access_boundary", "credential access boundary";
    OAUTH_SCOPE = "oauth_scope", "OAuth scope of the token";
    ACCOUNT_STATE = "account_state", "state of the account";
    QUOTA_PROJECT = "quota_project", "quota project";
    SERVICE_DISABLED = "service_disabled", "API enabled in the project";
    BILLING = "billing", "billing of the project";
    ORG_RESTRICTION = "org_restriction", "organization restrictions header";
    USER_ACCESS = "user_access", "context-aware access";
    VPC_SERVICE_CONTROLS = "vpc_service_controls", "VPC Service Controls";
    ORG_POLICY = "org_policy", "organization policy";
}

/// What one layer answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The layer.
    pub layer: &'static str,
    /// Of a layer that refuses: does it? Of one that grants: does it?
    pub holds: Truth,
    /// How it refuses.
    pub kind: Kind,
    /// What was compared.
    pub steps: Vec<Step>,
    /// What refuses, where it does.
    pub findings: Vec<Finding>,
    /// Further authorizations that were asked for.
    pub parts: Vec<Part>,
    /// Remarks on what the answer rests on.
    pub notes: Vec<String>,
}

impl Answer {
    /// A layer that has nothing to say yet.
    pub(crate) fn silent(layer: &'static str) -> Self {
        let (steps, findings, parts, notes) = Default::default();
        Self { layer, holds: Truth::No, kind: Kind::ExplicitDeny, steps, findings, parts, notes }
    }

    /// The same layer with this answer.
    pub(crate) fn holding(mut self, holds: Truth) -> Self {
        self.holds = holds;
        self
    }

    /// The same layer with a step that says why it rules as it does.
    pub(crate) fn noting(mut self, ruling: Ruling, note: impl Into<String>, documents: Vec<String>) -> Self {
        let (layer, note) = (self.layer, note.into());
        self.steps.push(Step { layer, subject: String::new(), ruling, needed: false, documents, statements: Vec::new(), note });
        self
    }

    /// The same layer with a finding.
    pub(crate) fn finding(mut self, code: &Code, says: impl Into<String>, evidence: Evidence, owner: &str) -> Self {
        let (layer, kind) = (self.layer, self.kind);
        self.findings.push(Finding {
            code: code.id,
            kind,
            layer,
            part: 0,
            says: says.into(),
            evidence,
            related: Vec::new(),
            owner: owner.into(),
        });
        self
    }
}

/// The ruling of a layer that can only refuse.
pub(crate) fn ruling_of_guard(refuses: Truth) -> Ruling {
    match refuses {
        Truth::Yes => Ruling::Deny,
        Truth::Unknown => Ruling::Unknown,
        Truth::No => Ruling::Silent,
    }
}

/// The ruling of a layer that can only grant.
pub(crate) fn ruling_of_grant(grants: Truth) -> Ruling {
    match grants {
        Truth::Yes => Ruling::Allow,
        Truth::Unknown => Ruling::Unknown,
        Truth::No => Ruling::Silent,
    }
}

/// The place of the whole of a document.
pub(crate) fn whole(document: &str) -> Place {
    Place::new(document, "")
}

/// What is known of a gate whose documents are not in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It counts as open: it belongs to the resource or to the policies above it.
    Matters,
    /// It is mentioned where it was refused, and otherwise left out.
    OnlyIfRefused,
}

impl World<'_> {
    /// Whether a gate without documents refuses. Somebody looked and found nothing, or said that what is not given is absent: no.
    pub(crate) fn gate(&self, kind: &str, name: &crate::language::resources::FullName, unread: Unread, facts: &Facts) -> Truth {
        let outcome = self.outcome(kind, name);
        let open = match outcome {
            Some(Outcome::Found | Outcome::Absent) => false,
            Some(Outcome::Refused { .. } | Outcome::NotTried { .. }) => true,
            None => unread == Unread::Matters && self.request.context.unmentioned(kind) == Lookup::NotKnown,
        };
        if !open {
            return Truth::No;
        }
        let subject = self.shown(name);
        facts.truth(&format!("{kind} of {subject}"), || doubt(kind, &subject, outcome))
    }

    /// What a gate says, given the API that the request calls; where several may be called, it depends on which.
    pub(crate) fn of_api<T: Clone>(&self, facts: &Facts, judge: impl Fn(&str) -> (Truth, T)) -> (Truth, T) {
        let stated = self.context("api");
        let apis = stated.map_or_else(|| self.request.permission.apis(), |api| vec![api]);
        let judged: Vec<(Truth, T)> = apis.iter().map(|api| judge(api)).collect();
        let differs = judged.iter().any(|(holds, _)| judged.first().is_some_and(|(first, _)| first != holds));
        let way = if differs {
            facts.way("api", apis.len(), || Doubt {
                about: format!("which API the request calls: {}", apis.join(" or ")),
                needs: "--context api=…".into(),
            })
        } else {
            Some(0)
        };
        match way.and_then(|way| judged.get(way).cloned()) {
            Some(answer) => answer,
            None => (Truth::Unknown, judge(self.request.permission.host()).1),
        }
    }

    /// One value of the context.
    pub(crate) fn context(&self, key: &str) -> Option<&str> {
        match self.request.context.get(key) {
            Lookup::Known(values) => values.first().map(String::as_str),
            _ => None,
        }
    }

    /// Open where somebody said that what the context holds under `key` is not known; where nobody spoke of it, no.
    pub(crate) fn said_open(&self, facts: &Facts, key: &str, about: &str) -> Truth {
        if self.request.context.is_said_not_to_be_known(key) {
            self.ask(facts, key, about, format!("--context {key}=…"))
        } else {
            Truth::No
        }
    }

    /// An open fact of the request.
    pub(crate) fn ask(&self, facts: &Facts, key: &str, about: impl Into<String>, needs: impl Into<String>) -> Truth {
        facts.truth(key, || Doubt { about: about.into(), needs: needs.into() })
    }
}
