//! Azure's own procedure, as one function.
//!
//! | | |
//! |---|---|
//! | 1 | a token of another tenant is refused, unless that tenant manages the subscription |
//! | 2 | a deny assignment that applies refuses |
//! | 3 | a role assignment (or what stands in its place: a vault's access policies, Cosmos DB's own roles, a path's lists, a key) must grant |
//! | 4 | the same again for every linked scope |
//! | 5 | network rules, the subscription's state, a missing registration, locks and policies refuse |

use crate::facts::{Facts, Question as Open};
use crate::layers::{
    Asked, Look, access_policy, cosmos_rbac, deny_assignment, lighthouse, lock, network, path_acl, policy, purge_protection, registration,
    role_assignment, shared_key, subscription, tenant,
};
use crate::operations;
use crate::request::{Access, Need, Request};
use crate::world::{Body, Caller, World, value};
use iam_why_contract::settle::{Settled, settle};
use iam_why_contract::{Decision, Effect, Recorder, Truth};

/// A question, ready to be decided as often as needed.
pub(crate) struct Matter<'a> {
    /// The request.
    pub(crate) request: &'a Request,
    /// The world.
    pub(crate) world: &'a World<'a>,
    /// The caller.
    pub(crate) caller: &'a Caller,
}

/// What one need came to.
#[derive(Debug)]
pub(crate) struct NeedLooks {
    /// What each access came to; one must be let through.
    pub(crate) accesses: Vec<AccessLooks>,
    /// What refuses whoever asks; only for the question itself.
    pub(crate) gates: Vec<Look>,
}

/// What deny assignments and grants say of one access.
#[derive(Debug)]
pub(crate) struct AccessLooks {
    /// The deny assignments.
    pub(crate) denied: Look,
    /// Everything that could grant.
    pub(crate) grants: Vec<Look>,
    /// Whether something grants.
    pub(crate) granted: Truth,
}

impl AccessLooks {
    fn allowed(&self) -> Truth {
        self.granted.and(!self.denied.truth)
    }

    /// The layer that grants, or would have to.
    pub(crate) fn granting(&self) -> &'static str {
        let by = |truth| self.grants.iter().find(|look| look.truth == truth && look.binds).map(|look| look.layer);
        by(Truth::Yes).or_else(|| by(Truth::Unknown)).or_else(|| by(Truth::No)).unwrap_or(role_assignment::ID)
    }
}

impl NeedLooks {
    /// Is the need met?
    pub(crate) fn allowed(&self) -> Truth {
        let any = Truth::any(self.accesses.iter().map(AccessLooks::allowed));
        any.and(!Truth::any(self.gates.iter().map(|gate| gate.truth)))
    }

    /// The access that counts: the one that is let through, or else the first.
    pub(crate) fn counting(&self) -> Option<&AccessLooks> {
        self.accesses
            .iter()
            .max_by_key(|access| (access.allowed(), std::cmp::Reverse(0)))
            .filter(|best| !best.allowed().is_no())
            .or(self.accesses.first())
    }
}

impl<'a> Matter<'a> {
    /// Looks at every layer for every need.
    pub(crate) fn look<R: Recorder>(&self, facts: &Facts) -> Vec<NeedLooks> {
        let needs = self.request.needs.iter().enumerate();
        needs.map(|(index, need)| self.need::<R>(need, index > 0, facts)).collect()
    }

    fn need<R: Recorder>(&self, need: &Need, linked: bool, facts: &Facts) -> NeedLooks {
        let accesses = need.any_of.iter().map(|access| access_looks::<R>(&self.asked(access, facts))).collect();
        let gates = match need.first().filter(|_| !linked) {
            Some(access) => gates::<R>(&self.asked(access, facts)),
            None => Vec::new(),
        };
        NeedLooks { accesses, gates }
    }

    /// One access with everything that is needed to decide it.
    pub(crate) fn asked<'m>(&'m self, access: &'m Access, facts: &'m Facts) -> Asked<'m> {
        let plane = access.plane.or_else(|| self.plane(&access.action));
        let scope = self.world.resolve(&access.target);
        Asked { request: self.request, world: self.world, caller: self.caller, access, scope, plane, facts }
    }

    /// The plane of an action: as the provider's operations say, as is known here, or as the role definitions that spell it out have it.
    fn plane(&self, action: &str) -> Option<crate::language::permission::Plane> {
        use crate::language::permission::Plane::{Control, Data};
        let listed = self
            .world
            .document(crate::documents::OPERATIONS, operations::namespace(action))
            .and_then(|document| is_data_action(&value(document)?, action));
        let spelled = || {
            let spells = |plane| {
                let roles = self.world.roles();
                let mut permissions = roles.iter().flat_map(|role| &role.permissions);
                permissions.any(|permission| permission.lists(plane).0.iter().any(|pattern| pattern.text().eq_ignore_ascii_case(action)))
            };
            match (spells(Control), spells(Data)) {
                (true, false) => Some(Control),
                (false, true) => Some(Data),
                _ => None,
            }
        };
        listed.map(|data| if data { Data } else { Control }).or_else(|| operations::plane(action)).or_else(spelled)
    }

    /// The decision under the answers that `facts` has, which may be *unknown*.
    pub(crate) fn truth(&self, facts: &Facts) -> Truth {
        facts.unless_certain(|| Truth::all(self.look::<iam_why_contract::trace::Off>(facts).iter().map(NeedLooks::allowed)))
    }

    /// The decision, with the open facts that it hangs on.
    pub(crate) fn settled(&self) -> (Settled, Vec<Open>) {
        let facts = Facts::default();
        let decided = |truth: Truth| match truth {
            Truth::Yes => Decision::Allow,
            Truth::No => Decision::Deny,
            Truth::Unknown => Decision::Undetermined,
        };
        let decision = decided(self.truth(&facts));
        if decision != Decision::Undetermined {
            return (Settled { decision, kind: None, matters: Vec::new(), exact: true }, Vec::new());
        }
        let questions = facts.questions();
        let open: Vec<_> = questions.iter().map(Open::open).collect();
        let settled = settle(&open, |ways| (decided(self.truth(&Facts::completed(&questions, ways))), None));
        (settled, questions)
    }
}

fn is_data_action(operations: &serde_json::Value, action: &str) -> Option<bool> {
    let body = Body::new(operations);
    let lists = |value: &serde_json::Value| value.get("operations").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let types = body.get("resourceTypes").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let mut all = lists(body.members()).into_iter().chain(types.iter().flat_map(lists));
    let found =
        all.find(|one| one.get("name").and_then(serde_json::Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(action)))?;
    found.get("isDataAction").and_then(serde_json::Value::as_bool)
}

fn access_looks<R: Recorder>(asked: &Asked<'_>) -> AccessLooks {
    let mut denied = deny_assignment::look::<R>(asked);
    let (grants, granted) = grants::<R>(asked);
    // A deny assignment is part of Azure's role evaluation; what asks nobody for a role is not subject to it.
    if matches!(shared_key::proof(asked), shared_key::Proof::Key | shared_key::Proof::KeySignature) && storage_data(asked) {
        denied = Look::unbound(deny_assignment::ID, Effect::Deny);
    }
    if !denied.truth.is_no() {
        denied.truth = denied.truth.and(asks_for_roles(asked));
    }
    AccessLooks { denied, grants, granted }
}

/// A vault in access-policy mode and Cosmos DB decide about their data without Azure's roles. Whether deny assignments,
/// which are evaluated with the roles, reach such data no page says.
fn asks_for_roles(asked: &Asked<'_>) -> Truth {
    let guarded = cosmos_rbac::decides(asked).or(access_policy::look::<iam_why_contract::trace::Off>(asked).policies_decide);
    if guarded.is_no() {
        return Truth::Yes;
    }
    let about = "whether a deny assignment reaches data that is not guarded by Azure roles: it is not documented";
    (!guarded).or(asked.ask("deny assignment on guarded data", about, "a test against Azure"))
}

fn storage_data(asked: &Asked<'_>) -> bool {
    shared_key::counts(asked) || asked.data_of("Microsoft.Storage/storageAccounts").is_yes()
}

/// Everything that could grant, and whether something does.
fn grants<R: Recorder>(asked: &Asked<'_>) -> (Vec<Look>, Truth) {
    use shared_key::Proof;
    if storage_data(asked) && !matches!(shared_key::proof(asked), Proof::Token | Proof::UserDelegation) {
        let look = Look::new(shared_key::ID, Effect::Allow, shared_key::grants(asked)).noted("no role is asked for");
        let granted = look.truth;
        return (vec![look], granted);
    }
    let native = cosmos_rbac::decides(asked);
    if native.is_yes() {
        let look = cosmos_rbac::look::<R>(asked);
        let granted = look.truth;
        return (vec![look], granted);
    }
    let vault = access_policy::look::<R>(asked);
    let roles = [role_assignment::look::<R>(asked), lighthouse::look::<R>(asked), path_acl::look::<R>(asked)];
    let mut by_roles = Truth::any(roles.iter().map(|look| look.truth));
    if storage_data(asked) && shared_key::proof(asked) == Proof::UserDelegation {
        by_roles = by_roles.and(shared_key::grants(asked));
    }
    let by_policies = vault.look.truth;
    let granted = vault.policies_decide.and(by_policies).or((!vault.policies_decide).and(by_roles));
    let granted = if by_policies == by_roles { by_roles } else { granted };
    let mut looks: Vec<Look> = roles.into_iter().collect();
    if vault.policies_decide.is_yes() {
        looks.iter_mut().for_each(|look| look.binds = false);
    }
    looks.push(vault.look);
    (looks, granted)
}

/// What refuses whoever asks, in the order in which Azure is seen to refuse.
fn gates<R: Recorder>(asked: &Asked<'_>) -> Vec<Look> {
    let all: [fn(&Asked<'_>) -> Look; 8] = [
        tenant::look::<R>,
        shared_key::look::<R>,
        network::look::<R>,
        purge_protection::look::<R>,
        subscription::look::<R>,
        registration::look::<R>,
        lock::look::<R>,
        policy::look::<R>,
    ];
    all.iter().map(|gate| gate(asked)).collect()
}

impl NeedLooks {
    /// Is it certain that no access is let through, gates aside?
    pub(crate) fn refuses(&self) -> bool {
        self.accesses.iter().all(|access| access.allowed().is_no())
    }

    /// The first layer in the order of the procedure that is open.
    pub(crate) fn open(&self) -> Option<&'static str> {
        let access = self.counting()?;
        let denied = access.denied.truth.is_unknown().then_some(deny_assignment::ID);
        let granted = access.granted.is_unknown().then(|| access.granting());
        denied.or(granted).or_else(|| self.gates.iter().find(|gate| gate.truth.is_unknown()).map(|gate| gate.layer))
    }
}
