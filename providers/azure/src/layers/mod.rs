//! The layers of Azure's authorization, in the order in which they are asked.

pub(crate) mod access_policy;
pub(crate) mod cosmos_rbac;
pub(crate) mod deny_assignment;
pub(crate) mod eligibility;
pub(crate) mod lighthouse;
pub(crate) mod lock;
pub(crate) mod network;
pub(crate) mod path_acl;
pub(crate) mod policy;
pub(crate) mod purge_protection;
pub(crate) mod registration;
pub(crate) mod role_assignment;
pub(crate) mod shared_key;
pub(crate) mod subscription;
pub(crate) mod tenant;

use crate::documents;
use crate::facts::{Facts, doubt};
use crate::language::condition::{Attribute, Condition, Source};
use crate::language::evaluate::{self, Circumstances};
use crate::language::permission::{Coverage, Permission, Plane};
use crate::operations;
use crate::request::{Access, Request, Target};
use crate::scope::Scope;
use crate::world::{Body, Caller, PrincipalType, World, dashed, is_everybody, value};
use iam_why_contract::{Document, Effect, Layer, Lookup, Outcome, Place, Recorder, Ruling, Statement, Step, Test, Truth};
use serde_json::Value;

/// Every layer.
pub(crate) const LAYERS: &[Layer] = &[
    Layer { id: tenant::ID, title: "tenant of the token" },
    Layer { id: deny_assignment::ID, title: "deny assignments" },
    Layer { id: role_assignment::ID, title: "role assignments" },
    Layer { id: role_assignment::CONDITION, title: "conditions of role assignments" },
    Layer { id: eligibility::ID, title: "eligible assignments (Privileged Identity Management)" },
    Layer { id: lighthouse::ID, title: "Lighthouse delegations" },
    Layer { id: LINKED_SCOPE, title: "linked scopes" },
    Layer { id: access_policy::ID, title: "access policies of the vault" },
    Layer { id: cosmos_rbac::ID, title: "role assignments inside Cosmos DB" },
    Layer { id: path_acl::ID, title: "access control lists of hierarchical storage" },
    Layer { id: shared_key::ID, title: "shared keys" },
    Layer { id: shared_key::PUBLIC, title: "public access of the storage account" },
    Layer { id: network::ID, title: "network rules of the resource" },
    Layer { id: purge_protection::ID, title: "purge protection of the vault" },
    Layer { id: subscription::ID, title: "state of the subscription" },
    Layer { id: registration::ID, title: "registration of the resource provider" },
    Layer { id: lock::ID, title: "resource locks" },
    Layer { id: policy::ID, title: "Azure Policy" },
];

/// The layer of the further scopes that a request refers to.
pub(crate) const LINKED_SCOPE: &str = "linked_scope";

/// One access, about to be decided.
pub(crate) struct Asked<'a> {
    /// The request.
    pub(crate) request: &'a Request,
    /// The world.
    pub(crate) world: &'a World<'a>,
    /// The caller.
    pub(crate) caller: &'a Caller,
    /// The access.
    pub(crate) access: &'a Access,
    /// The scope of the access; `None` where it is not known.
    pub(crate) scope: Option<Scope>,
    /// The plane of the action, where it is known.
    pub(crate) plane: Option<Plane>,
    /// What is not known.
    pub(crate) facts: &'a Facts,
}

/// What a layer says.
#[derive(Debug)]
pub(crate) struct Look {
    /// Its id.
    pub(crate) layer: &'static str,
    /// Whether `truth` is that it grants or that it refuses.
    pub(crate) effect: Effect,
    /// Whether it does.
    pub(crate) truth: Truth,
    /// Whether it has anything to do with the request.
    pub(crate) binds: bool,
    /// What was compared; only where comparisons are kept.
    pub(crate) statements: Vec<Statement>,
    /// The documents that were looked at.
    pub(crate) documents: Vec<String>,
    /// A remark.
    pub(crate) note: String,
}

impl Look {
    /// A layer that has nothing to do with the request.
    pub(crate) fn unbound(layer: &'static str, effect: Effect) -> Self {
        Self { layer, effect, truth: Truth::No, binds: false, statements: Vec::new(), documents: Vec::new(), note: String::new() }
    }

    /// A layer that binds.
    pub(crate) fn new(layer: &'static str, effect: Effect, truth: Truth) -> Self {
        Self { truth, binds: true, ..Self::unbound(layer, effect) }
    }

    /// The same with a remark.
    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same with a statement and its document.
    pub(crate) fn shown(mut self, statement: Statement) -> Self {
        if !self.documents.iter().any(|document| **document == *statement.place.document) {
            self.documents.push(statement.place.document.to_string());
        }
        self.statements.push(statement);
        self
    }

    /// The layer's step of a trace.
    pub(crate) fn step(self, subject: String) -> Step {
        let ruling = match (self.binds, self.effect, self.truth) {
            (false, _, _) => Ruling::Inapplicable,
            (true, _, Truth::Unknown) => Ruling::Unknown,
            (true, Effect::Allow, Truth::Yes) => Ruling::Allow,
            (true, Effect::Allow, Truth::No) => Ruling::Silent,
            (true, Effect::Deny, Truth::Yes) => Ruling::Deny,
            (true, Effect::Deny, Truth::No) => Ruling::Allow,
        };
        let needed = self.binds && self.effect == Effect::Allow;
        Step { layer: self.layer, subject, ruling, needed, documents: self.documents, statements: self.statements, note: self.note }
    }
}

/// A fact about a resource: its document, or why there is none.
pub(crate) enum Fact<'s> {
    /// It was read.
    Read(&'s Document, Value),
    /// There is none: the layer does not bind.
    Absent,
    /// It was not read.
    NotRead,
}

impl Asked<'_> {
    /// A document about the resource `subject`.
    pub(crate) fn fact(&self, kind: &'static str, subject: &str) -> Fact<'_> {
        if let Some((document, value)) = self.world.document(kind, subject).and_then(|document| Some((document, value(document)?))) {
            return Fact::Read(document, value);
        }
        match self.world.outcome(kind, subject) {
            Some(Outcome::Absent) => Fact::Absent,
            _ => Fact::NotRead,
        }
    }

    /// Is `key` so? What to say if nobody knows.
    pub(crate) fn ask(&self, key: &str, about: impl Into<String>, needs: impl Into<String>) -> Truth {
        self.facts.ask(key, || doubt(about, needs))
    }

    /// The open fact that a document was not read.
    pub(crate) fn unread(&self, kind: &'static str, subject: &str, what: &str) -> Truth {
        let row = documents::kind(kind);
        let title = row.map_or(kind, |row| row.title);
        self.ask(&format!("unread {kind} {subject} {what}"), format!("{title} {subject}, which was not read"), documents::permissions(kind))
    }

    /// Is the caller this principal, or in it?
    pub(crate) fn is(&self, id: &str, kind: PrincipalType) -> Truth {
        if self.caller.is_anonymous() {
            return Truth::No;
        }
        let Some(own) = &self.caller.id else {
            let needs = format!("the object id of {}: {}", self.caller.shown, documents::permissions(documents::PRINCIPAL));
            return self.ask(&format!("caller {id}"), format!("whether {} is the principal {}", self.caller.shown, dashed(id)), needs);
        };
        match kind {
            // P-8: everybody is named in the principals of a deny assignment only.
            _ if is_everybody(id) => Truth::No,
            _ if own == id => Truth::Yes,
            // The type is what somebody wrote down; an id that is a group's is a group.
            PrincipalType::User | PrincipalType::ServicePrincipal if !self.world.is_group(self.caller, id) => Truth::No,
            _ => self.world.member(self.caller, id, self.facts),
        }
    }

    /// Is the access a data action?
    pub(crate) fn is_data(&self) -> Truth {
        match self.plane {
            Some(plane) => Truth::from(plane == Plane::Data),
            None => {
                let action = &self.access.action;
                let needs = "--context isDataAction=true or false; `az provider operation show` says it";
                self.ask(&format!("plane {}", action.to_ascii_lowercase()), format!("whether {action} is a data action"), needs)
            }
        }
    }

    /// Does the request go to Resource Manager, and not to the resource itself? Some actions of the control plane do not: listing
    /// containers goes to the account, pulling an image to the registry. Locks, policies and the subscription guard the manager only
    /// ("Lock your Azure resources", scope of a lock).
    pub(crate) fn is_managed(&self) -> bool {
        let by_url = matches!(self.access.target, Target::Below { .. });
        self.plane != Some(Plane::Data) && !by_url && !shared_key::counts(self) && !network::is_docker(&self.access.action)
    }

    /// Is it a data action of a resource of this type?
    pub(crate) fn data_of(&self, kind: &str) -> Truth {
        let prefix = format!("{}/", kind.to_ascii_lowercase());
        let of_kind = self.access.action.to_ascii_lowercase().starts_with(&prefix);
        if of_kind { self.is_data() } else { Truth::No }
    }

    /// The resource of this type that is asked for.
    pub(crate) fn resource(&self, kind: &str) -> Option<Scope> {
        self.scope.as_ref().and_then(|scope| scope.resource(kind))
    }

    /// Was every document of this kind looked for, and is there none of what is asked for?
    pub(crate) fn has_none(&self, kind: &'static str) -> bool {
        let asked = self.scope.as_ref().map_or("*", Scope::text);
        self.world.all(kind).next().is_none() && self.world.outcome(kind, asked) == Some(&Outcome::Absent)
    }

    /// What the request is to the permission object: covered, or not.
    fn covers(&self, permission: &Permission) -> Truth {
        let on = |plane| Truth::from(matches!(permission.coverage(&self.access.action, plane), Coverage::Covered(..)));
        match self.plane {
            Some(plane) => on(plane),
            None if on(Plane::Control) == on(Plane::Data) => on(Plane::Control),
            None => match self.is_data() {
                Truth::Yes => on(Plane::Data),
                Truth::No => on(Plane::Control),
                Truth::Unknown => Truth::Unknown,
            },
        }
    }

    /// Does any permission object cover the request, its own condition included? Keeps the tests of the one that comes closest.
    pub(crate) fn permitted<R: Recorder>(&self, permissions: &[Permission], document: &str, recorder: &mut R) -> Truth {
        let place = Place::new(document, "");
        let mut best: Option<(Truth, usize, Vec<Test>)> = None;
        for permission in permissions {
            let covers = self.covers(permission);
            let mut tests = R::default();
            tests.test(|| permission.test(&place, &self.access.action, self.plane.unwrap_or(Plane::Control)));
            let mut truth = covers;
            if let Some(condition) = permission.condition.as_ref().filter(|_| !covers.is_no()) {
                let place = Place::new(document, permission.pointer.clone()).member("condition");
                truth = truth.and(self.condition(condition, &place, true, &mut tests));
            }
            let tests = tests.into_tests();
            let near = usize::from(!covers.is_no()) * 2 + usize::from(self.subtracts(permission));
            if best.as_ref().is_none_or(|(other, nearness, _)| (truth, near) > (*other, *nearness)) {
                best = Some((truth, near, tests));
            }
            if !R::KEEPS && truth.is_yes() {
                break;
            }
        }
        let (truth, _, tests) = best.unwrap_or((Truth::No, 0, Vec::new()));
        tests.into_iter().for_each(|test| recorder.test(|| test));
        truth
    }

    fn subtracts(&self, permission: &Permission) -> bool {
        let plane = self.plane.unwrap_or(Plane::Control);
        matches!(permission.coverage(&self.access.action, plane), Coverage::Subtracted(..))
    }

    /// Does a condition hold?
    pub(crate) fn condition<R: Recorder>(&self, condition: &Condition, place: &Place, in_role: bool, recorder: &mut R) -> Truth {
        let action = &self.access.action;
        let namespace = operations::namespace(action).to_ascii_lowercase();
        let circumstances = Circumstances {
            action,
            sub_operation: self.request.sub_operation(),
            attributes: &self.request.attributes,
            facts: self.facts,
            understood: in_role || self.looks_at_conditions(&namespace),
            storage_data: namespace == "microsoft.storage" && self.plane == Some(Plane::Data),
        };
        evaluate::holds(condition, place, &circumstances, recorder)
    }

    /// C-2: the services that are known to look at conditions.
    fn looks_at_conditions(&self, namespace: &str) -> bool {
        let action = self.access.action.to_ascii_lowercase();
        match namespace {
            "microsoft.authorization" => action.starts_with("microsoft.authorization/roleassignments/"),
            "microsoft.storage" | "microsoft.operationalinsights" | "microsoft.containerregistry" => self.plane != Some(Plane::Control),
            _ => false,
        }
    }

    /// What is known of an attribute of the environment.
    pub(crate) fn environment(&self, name: &str) -> Lookup<'_> {
        self.request.attributes.get(&Attribute::new(Source::Environment, name))
    }
}

/// A statement about a fact: one test, and what it refuses or grants.
pub(crate) fn statement(place: Place, label: &str, effect: Effect, applies: Truth, tests: Vec<Test>) -> Statement {
    Statement { place, label: label.into(), effect, applies, tests }
}

/// The place of a member, under `properties` or not.
pub(crate) fn member(document: &Document, value: &Value, name: &str) -> Place {
    let body = Body::new(value);
    let pointer = if body.members().get(name).is_some() { body.pointer } else { "" };
    Place::new(document.id.to_string(), pointer).member(name)
}
