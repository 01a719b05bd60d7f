//! What AWS findings there are, and their wording.

use crate::documents::ORGANIZATION;
use crate::language::arn::called as called_arn;
use crate::language::principal::CallerKind;
use crate::layers::LAYERS;
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::World;
use iam_why_contract::json::Json;
use iam_why_contract::trace::Statement;
use iam_why_contract::{Code, Effect, Evidence, Finding, Kind, Place, Ruling, Step, Test, Trace, Truth};

const EVALUATION: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html";
const SCPS: &str = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html";
const RCPS: &str = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html";
const ENDPOINTS: &str = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html";
const BOUNDARIES: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html";
const SESSIONS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session";
const CROSS_ACCOUNT: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html";
const TRUST: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html";
const PUBLIC_ACCESS: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html";
const S3_403: &str = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html";

macro_rules! codes {
    ($($id:literal, $title:literal, $doc:expr;)*) => {
        /// Every kind of finding.
        pub const CODES: &[Code] = &[$(Code { id: $id, title: $title, doc: $doc },)*];
    };
}

codes! {
    "aws-rcp-deny", "a resource control policy denies the request", RCPS;
    "aws-scp-deny", "a service control policy denies the request", SCPS;
    "aws-scp-silent", "no service control policy of a node allows the request", SCPS;
    "aws-vpce-deny", "the VPC endpoint's policy denies the request", ENDPOINTS;
    "aws-vpce-silent", "the VPC endpoint's policy does not allow the request", ENDPOINTS;
    "aws-resource-deny", "the resource's policy denies the request", EVALUATION;
    "aws-resource-silent", "the resource's policy does not allow the request, and has to", CROSS_ACCOUNT;
    "aws-trust-deny", "the role's trust policy denies the request", TRUST;
    "aws-trust-silent", "the role's trust policy does not allow the request", TRUST;
    "aws-identity-deny", "an identity policy of the caller denies the request", EVALUATION;
    "aws-identity-silent", "no identity policy of the caller allows the request", EVALUATION;
    "aws-boundary-deny", "the caller's permissions boundary denies the request", BOUNDARIES;
    "aws-boundary-silent", "the caller's permissions boundary does not allow the request", BOUNDARIES;
    "aws-session-deny", "the session policy denies the request", SESSIONS;
    "aws-session-silent", "the session policy does not allow the request", SESSIONS;
    "aws-service-credentials", "credentials of this kind cannot call the action", "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html";
    "aws-service-cross-account", "the action does not work across accounts", CROSS_ACCOUNT;
    "aws-service-partition", "caller and resource belong to different partitions of AWS", "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html";
    "aws-service-root-access", "root sessions are not open to this account", "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html";
    "aws-service-reserved", "AWS alone can change this", "https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html";
    "aws-s3-restrict-public-buckets", "Block Public Access restricts a bucket whose policy is public", PUBLIC_ACCESS;
    "aws-s3-block-public-acls", "Block Public Access refuses a public access control list", PUBLIC_ACCESS;
    "aws-s3-requester-pays", "the requester has to agree to pay", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html";
    "aws-s3-expected-owner", "the bucket belongs to another account than the request expects", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html";
    "aws-s3-blocked-encryption", "the bucket refuses this kind of encryption", S3_403;
    "aws-s3-archived", "the object is archived", S3_403;
    "aws-s3-object-lock", "Object Lock protects the version", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html";
    "aws-s3-access-point-vpc", "the access point takes requests from its VPC only", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html";
    "aws-kms-managed-key", "keys that AWS manages serve their own account only", "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html";
}

/// The title of a layer.
#[must_use]
pub fn title(layer: &str) -> &'static str {
    LAYERS.iter().find(|row| row.id == layer).map_or("policy", |row| row.title)
}

/// What wording findings needs to see.
#[derive(Debug, Clone, Copy)]
pub struct Evidenced<'a> {
    /// The request.
    pub request: &'a Request,
    /// Its world.
    pub world: &'a World,
    /// The documents.
    pub library: &'a Library<'a>,
    /// The number of the authorization among those that the call needs.
    pub part: usize,
}

impl Evidenced<'_> {
    /// Every blocker of a trace; the one of layer `first` stands first.
    #[must_use]
    pub fn findings(&self, trace: &Trace, first: Option<&str>) -> Vec<Finding> {
        let mut found: Vec<Finding> = trace.steps.iter().flat_map(|step| self.of_step(step)).collect();
        let kind = found
            .iter()
            .filter(|finding| Some(finding.layer) == first)
            .map(|finding| finding.kind)
            .min_by_key(|kind| *kind == Kind::MissingGrant);
        found.sort_by_key(|finding| {
            let deciding = Some(finding.layer) == first && Some(finding.kind) == kind;
            (!deciding, finding.kind == Kind::MissingGrant)
        });
        found
    }

    fn of_step(&self, step: &Step) -> Vec<Finding> {
        let rule = matches!(step.layer, "service" | "s3-bpa");
        match step.ruling {
            Ruling::Silent if rule => self.rule(step).into_iter().collect(),
            Ruling::Deny => step
                .statements
                .iter()
                .filter(|one| one.effect == Effect::Deny && one.applies.is_yes())
                .map(|one| self.deny(step, one))
                .collect(),
            Ruling::Silent if step.needed => vec![self.silence(step)],
            _ => Vec::new(),
        }
    }

    fn rule(&self, step: &Step) -> Option<Finding> {
        let gate = self.world.gates.iter().find(|gate| gate.says == step.note)?;
        let evidence =
            gate.place.clone().map_or_else(|| Evidence::Silence { what: gate.says.clone(), documents: Vec::new() }, Evidence::Place);
        Some(Finding {
            code: gate.code,
            kind: Kind::MissingGrant,
            layer: gate.layer,
            part: self.part,
            says: gate.says.clone(),
            evidence,
            related: Vec::new(),
            owner: gate.owner.clone(),
        })
    }

    fn deny(&self, step: &Step, statement: &Statement) -> Finding {
        let deciding = deciding(statement);
        let place = deciding.map_or_else(|| statement.place.clone(), |test| test.place.clone());
        let because = deciding.map(|test| format!(": {}", compared(test))).unwrap_or_default();
        let says = format!("{} of {} denies {}{because}", called(statement), self.document(&statement.place), self.what());
        let mut related = vec![statement.place.clone()];
        related.extend(statement.tests.iter().filter(|test| test.place != place).map(|test| test.place.clone()));
        Finding {
            code: code(step.layer, "deny"),
            kind: Kind::ExplicitDeny,
            layer: step.layer,
            part: self.part,
            says,
            evidence: Evidence::Place(place),
            related,
            owner: self.owner(step),
        }
    }

    fn silence(&self, step: &Step) -> Finding {
        let (layer, what) = (step.layer, self.what());
        let (who, subject) = (self.caller(), called_arn(&step.subject));
        let says = match (layer, step.documents.len()) {
            ("scp", _) => format!("no service control policy attached to {} allows {what}", subject),
            ("vpce", _) => format!("the policy of VPC endpoint {} does not allow {what}", subject),
            ("trust", _) => format!("the trust policy of {} does not let {who} do {}", subject, self.request.action.text),
            ("resource", 0) => format!("{} has no policy that would allow {what} to {who}", self.resource_name()),
            ("resource", _) => format!("the policy of {} does not allow {what} to {who}", subject),
            ("boundary", _) => format!("the permissions boundary of {} does not allow {what}", subject),
            ("session", 0) => format!("{who} has no session policy, so nothing of what its user may do"),
            ("session", _) => format!("the session policy of {} does not allow {what}", subject),
            (_, 0) => format!("{} has no identity policy that could allow {what}", subject),
            (_, 1) => format!("the one identity policy of {} does not allow {what}", subject),
            (_, many) => format!("none of the {many} identity policies of {} allows {what}", subject),
        };
        let subject = if step.subject.is_empty() { self.resource_name().to_owned() } else { subject };
        let read = match step.documents.len() {
            0 => format!("no {} of {subject}", title(layer)),
            1 => format!("{} of {subject}", title(layer)),
            many => format!("{} of {subject} ({many} documents)", title(layer)),
        };
        Finding {
            code: code(layer, "silent"),
            kind: Kind::MissingGrant,
            layer,
            part: self.part,
            says,
            evidence: Evidence::Silence { what: read, documents: step.documents.clone() },
            related: Vec::new(),
            owner: self.owner(step),
        }
    }

    /// `role app`, with its account where the resource is in another.
    fn caller(&self) -> String {
        let (caller, owner) = (&self.world.caller, &self.world.resource_account);
        let called = called_arn(&caller.text);
        match caller.account.as_deref().filter(|account| owner.is_some() && owner.as_deref() != Some(*account)) {
            Some(account) if called != *caller.text => format!("{called} of account {account}"),
            _ => called,
        }
    }

    /// `s3:GetObject on arn:…`
    fn what(&self) -> String {
        match &*self.request.resource {
            "" | "*" => self.request.action.text.to_string(),
            resource => format!("{} on {resource}", self.request.action.text),
        }
    }

    fn resource_name(&self) -> &str {
        if self.request.resource.is_empty() { "the resource" } else { &self.request.resource }
    }

    fn document(&self, place: &Place) -> String {
        let document = self.library.snapshot().document(&place.document);
        document.map_or_else(
            || place.document.to_string(),
            |document| if document.title.is_empty() { document.id.to_string() } else { document.title.to_string() },
        )
    }

    fn owner(&self, step: &Step) -> String {
        let caller = &self.world.caller;
        let account = caller.account.as_deref().unwrap_or("unknown");
        let owner_account = self.world.resource_account.as_deref();
        let kind = match caller.kind {
            CallerKind::User => "user",
            CallerKind::Root => "the root user",
            CallerKind::Federated => "the user behind session",
            _ => "role",
        };
        match step.layer {
            "scp" => self.organization(caller.account.as_deref()),
            "rcp" => self.organization(owner_account),
            "vpce" => format!("whoever manages VPC endpoint {}", step.subject),
            "trust" => {
                let name = step.subject.rsplit('/').next().unwrap_or(&step.subject);
                format!("whoever manages role {name} in account {}", owner_account.unwrap_or("unknown"))
            }
            "resource" | "acl" | "grant" => {
                let name = if step.subject.is_empty() { self.resource_name() } else { &step.subject };
                let named = called_arn(name);
                owner_account.map_or_else(|| format!("the owner of {named}"), |account| format!("the owner of {named} (account {account})"))
            }
            "session" => format!("whoever makes the session {} (the call that made it carries the session policy)", caller.text),
            _ => format!("whoever manages {kind} {} in account {account}", caller.name),
        }
    }

    fn organization(&self, account: Option<&str>) -> String {
        let management = account.and_then(|account| match self.library.read(ORGANIZATION, account) {
            Read::Found(_, json) => json.get("MasterAccountId").and_then(Json::as_str).map(str::to_owned),
            _ => None,
        });
        management.map_or_else(
            || "the administrators of the organization".to_owned(),
            |account| format!("the administrators of the organization (management account {account})"),
        )
    }
}

fn code(layer: &str, what: &str) -> &'static str {
    let wanted = format!("aws-{layer}-{what}");
    CODES.iter().find(|code| code.id == wanted).map_or("aws-identity-silent", |code| code.id)
}

/// The comparison that shows best why the statement applies: its first condition, if it has any.
fn deciding(statement: &Statement) -> Option<&Test> {
    let about_itself = |test: &&Test| !["action", "resource"].contains(&&*test.about);
    let condition = statement.tests.iter().find(|test| about_itself(test) && test.about != "principal" && test.holds == Truth::Yes);
    condition.or_else(|| statement.tests.iter().find(|test| test.place.pointer.ends_with("/NotPrincipal")))
}

/// What was compared with what, in words.
#[must_use]
pub fn compared(test: &Test) -> String {
    format!("{} is {}, and the statement says {}", test.about, test.got, test.wanted)
}

fn called(statement: &Statement) -> String {
    if statement.label.is_empty() {
        let number = statement.place.pointer.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
        number.map_or_else(|| "the statement".to_owned(), |number| format!("statement {}", number + 1))
    } else {
        format!("statement {}", statement.label)
    }
}

#[cfg(test)]
mod tests {
    use super::CODES;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_lead_to_a_page_of_aws() {
        let ids: BTreeSet<&str> = CODES.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), CODES.len());
        assert!(CODES.iter().all(|code| code.doc.starts_with("https://docs.aws.amazon.com/")));
    }
}
