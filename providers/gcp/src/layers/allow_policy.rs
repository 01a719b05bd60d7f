//! Allow policies: does a binding on the resource or above it grant the permission?
//!
//! docs.cloud.google.com/iam/docs/allow-policies, resource-hierarchy-access-control (H2, A1-A13).

use super::{ALLOW_POLICY, Answer, CONDITION, ROLE_STATE, ruling_of_grant};
use crate::facts::Facts;
use crate::findings;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::principals::Member;
use crate::language::resources::FullName;
use crate::world::{AllowPolicy, Binding, Condition, Level, Role, RoleSays, World, above, members};
use iam_why_contract::{Doubt, Effect, Evidence, Kind, Place, Recorder, Statement, Step, Test, Truth};

/// What the allow policies grant.
#[derive(Debug)]
pub(crate) struct Grants {
    /// To whom they name: a person, a group, a set.
    pub named: Truth,
    /// To everybody, or everybody who is signed in.
    pub public: Truth,
    /// The layer that a missing grant is down to.
    pub lacking: &'static str,
    /// How exact that is: the higher, the more.
    exact: u8,
    /// What was compared.
    pub steps: Vec<Step>,
    /// Bindings that would grant but for one thing.
    pub almost: Vec<Almost>,
    /// The first binding that grants only because it names everybody.
    pub public_place: Option<Place>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// A binding that would grant but for its condition or the state of its role.
#[derive(Debug)]
pub(crate) struct Almost {
    /// `condition`, `role_state`
    pub layer: &'static str,
    /// It is this one thing for certain, rather than at least this.
    pub certain: bool,
    /// Where the cause stands.
    pub place: Place,
    /// What it says.
    pub says: String,
    /// Whose policy or role it is.
    pub owner: String,
}

/// What the allow policies on the path grant the caller.
pub(crate) fn grants<R: Recorder>(world: &World<'_>, facts: &Facts) -> Grants {
    let mut grants = Grants::nothing();
    for level in &world.allow {
        level_grants::<R>(world, level, facts, &mut grants);
        if grants.named.is_yes() && !R::KEEPS {
            return grants;
        }
    }
    if !grants.named.is_yes() {
        grants.named = grants.named.or(above(world, facts, "allow policies"));
    }
    grants.notes.extend(remembered(world));
    grants
}

/// What to know of policies that were not read where they are set.
fn remembered(world: &World<'_>) -> Option<String> {
    let levels = world.allow.iter().filter(|level| level.policies.iter().any(|policy| policy.remembered));
    let names: Vec<String> = levels.map(|level| world.shown(&level.node)).collect();
    (!names.is_empty())
        .then(|| format!("the allow policy of {} is as Cloud Asset Inventory has it, which may be minutes old", names.join(", of ")))
}

impl Grants {
    fn nothing() -> Self {
        let (steps, almost, public_place, notes) = Default::default();
        Self { named: Truth::No, public: Truth::No, lacking: ALLOW_POLICY, exact: 0, steps, almost, public_place, notes }
    }

    /// The findings for a grant that is missing.
    pub(crate) fn report<'s>(&self, world: &World<'_>, lists: impl Iterator<Item = &'s Step>) -> Answer {
        let mut answer = Answer { kind: Kind::MissingGrant, ..Answer::silent(self.lacking) };
        let certain = self.almost.iter().any(|almost| almost.certain);
        for almost in self.almost.iter().filter(|almost| almost.certain || !certain) {
            let code = if almost.layer == CONDITION { &findings::CONDITION_FAILS } else { &findings::ROLE_INERT };
            let owner = format!("the administrators of {}", almost.owner);
            answer.layer = almost.layer;
            answer = answer.finding(code, almost.says.clone(), Evidence::Place(almost.place.clone()), &owner);
        }
        answer.layer = ALLOW_POLICY;
        if self.almost.is_empty() {
            let (says, evidence) = self.silence(world, lists);
            let owner = format!("whoever may set the allow policy of {}", world.shown(world.lowest_policied()));
            answer = answer.finding(&findings::NO_GRANT, says, evidence, &owner);
        }
        answer.layer = self.lacking;
        answer
    }

    /// What was looked at and grants nothing: the allow policies, and access lists where there are some.
    fn silence<'s>(&self, world: &World<'_>, lists: impl Iterator<Item = &'s Step>) -> (String, Evidence) {
        let mut documents: Vec<String> = self.steps.iter().flat_map(|step| step.documents.iter().cloned()).collect();
        let request = world.request;
        let says = format!(
            "no binding grants {} to {} on {} or anything above it",
            request.permission.v1(),
            request.principal.v1(),
            world.shown(&request.resource)
        );
        let levels: Vec<&str> = self.steps.iter().filter(|step| !step.documents.is_empty()).map(|step| step.subject.as_str()).collect();
        let what = match levels.as_slice() {
            [] => "the path above: it has no allow policy".to_owned(),
            [only] if documents.len() == 1 => format!("the allow policy of {only}"),
            _ => format!("{} allow policies: {}", documents.len(), levels.join(", ")),
        };
        let mut what = vec![what];
        for list in lists.filter(|list| !list.documents.is_empty()) {
            let title = super::LAYERS.iter().find(|layer| layer.id == list.layer).map_or(list.layer, |layer| layer.title);
            what.push(if list.subject.is_empty() { format!("the {title}") } else { format!("the {title} of {}", list.subject) });
            documents.extend(list.documents.iter().cloned());
        }
        (says, Evidence::Silence { what: what.join("; "), documents })
    }
}

fn level_grants<R: Recorder>(world: &World<'_>, level: &Level<AllowPolicy>, facts: &Facts, grants: &mut Grants) {
    let mut statements = Vec::new();
    let mut here = Truth::No;
    for policy in &level.policies {
        for binding in &policy.bindings {
            let mut recorder = R::default();
            let bound = bound(world, binding, &level.node, facts, &mut recorder);
            grants.named = grants.named.or(bound.named());
            grants.public = grants.public.or(bound.public());
            here = here.or(bound.named()).or(bound.public());
            if R::KEEPS {
                statements.push(Statement {
                    place: binding.place.clone(),
                    label: binding.role.as_str().into(),
                    effect: Effect::Allow,
                    applies: bound.any(),
                    tests: recorder.into_tests(),
                });
                remark(world, level, binding, &bound, grants);
            }
            grants.blame(&bound);
            if grants.named.is_yes() && !R::KEEPS {
                return;
            }
        }
    }
    if let Some(doubt) = level.unread.clone().filter(|_| !grants.named.is_yes()) {
        let key = if level.node.collection() == Some("managedFolders") { "managed folders" } else { &level.node.to_string() };
        let unread = facts.truth(&format!("allow policy of {key}"), || doubt);
        grants.named = grants.named.or(unread);
        here = here.or(unread);
    }
    if R::KEEPS {
        let note = if level.policies.is_empty() && level.unread.is_none() { "no allow policy" } else { "" };
        grants.steps.push(Step {
            layer: ALLOW_POLICY,
            subject: world.shown(&level.node),
            ruling: ruling_of_grant(here),
            needed: true,
            documents: level.policies.iter().map(|policy| policy.place.document.to_string()).collect(),
            statements,
            note: note.into(),
        });
    }
}

/// What one binding means for the request.
struct Bound {
    role: std::rc::Rc<Role>,
    includes: Truth,
    named: Truth,
    public: Truth,
    condition: Truth,
}

impl Bound {
    fn rest(&self) -> Truth {
        self.includes.and(self.condition)
    }

    fn named(&self) -> Truth {
        self.rest().and(self.named)
    }

    fn public(&self) -> Truth {
        self.rest().and(self.public)
    }

    fn any(&self) -> Truth {
        self.named().or(self.public())
    }

    /// The one thing for which it does not grant, its condition or the state of its role, and whether all the rest is certain.
    fn fails_by(&self) -> Option<(&'static str, bool)> {
        let covered = self.named.or(self.public);
        let inert = matches!(self.role.says, RoleSays::Inert(_));
        match (covered, self.includes) {
            (Truth::No, _) => None,
            (_, Truth::No) => inert.then_some((ROLE_STATE, covered.is_yes())),
            (_, includes) => self.condition.is_no().then_some((CONDITION, covered.is_yes() && includes.is_yes())),
        }
    }
}

/// A1: role, member and condition, all three. What is certain is asked before what is open.
fn bound<R: Recorder>(world: &World<'_>, binding: &Binding, node: &FullName, facts: &Facts, recorder: &mut R) -> Bound {
    let role = world.role(&binding.role);
    let includes = match &role.says {
        RoleSays::Includes(_) => Truth::Yes,
        RoleSays::Lacks | RoleSays::Inert(_) | RoleSays::Gone => Truth::No,
        RoleSays::Unread(_) => Truth::Unknown,
    };
    let mut bound = Bound { role, includes, named: Truth::No, public: Truth::No, condition: Truth::Yes };
    let inert = matches!(bound.role.says, RoleSays::Inert(_));
    if includes.is_no() && !inert && !R::KEEPS {
        return bound;
    }
    let member = covering(world, binding, facts, &mut bound, R::KEEPS);
    if bound.named.or(bound.public).is_no() && !R::KEEPS {
        return bound;
    }
    let relevant = !bound.includes.is_no() && !bound.named.or(bound.public).is_no();
    if let RoleSays::Unread(doubt) = &bound.role.says
        && relevant
    {
        bound.includes = facts.truth(&format!("role {}", binding.role), || doubt.clone());
    }
    if relevant && !bound.includes.is_no() && is_out_of_place(world, &binding.role, node) {
        bound.includes = bound.includes.and(facts.truth(&format!("role {} on {node}", binding.role), || Doubt {
            about: format!("whether {} counts on {}, where a custom role of its home cannot be granted", binding.role, world.shown(node)),
            needs:
                "a test with the live service: the documentation does not say what becomes of a binding that is there all the same".into(),
        }));
    }
    record(world, binding, &bound, member, recorder);
    if let Some(condition) = &binding.condition {
        bound.condition = holds(world, condition, facts, recorder);
    }
    bound
}

/// A3: a custom role can be granted in its own project or organization and below, never elsewhere. A project that was moved may hold such
/// a binding.
fn is_out_of_place(world: &World<'_>, role: &str, node: &FullName) -> bool {
    let Some((home, _)) = role.split_once("/roles/") else { return false };
    match world.organization() {
        _ if home.starts_with("projects/") && node.is_node() && !node.is_project() => true,
        _ if home.starts_with("projects/") => world.project_node().is_some_and(|project| world.same_node(home, &project.path).is_no()),
        Some(organization) => organization.path != home,
        None => world.path.complete,
    }
}

/// Which members cover the caller: those that name somebody apart from those that name everybody.
fn covering(world: &World<'_>, binding: &Binding, facts: &Facts, bound: &mut Bound, all: bool) -> Option<usize> {
    let mut place = None;
    for (at, (_, member)) in members(&binding.members).enumerate() {
        let covers = world.covers(&member, facts);
        let public = matches!(member, Member::Everybody | Member::Authenticated);
        let best = bound.named.max(bound.public);
        if covers > best {
            place = Some(at);
        }
        let side = if public { &mut bound.public } else { &mut bound.named };
        *side = (*side).or(covers);
        if bound.named.is_yes() && !all {
            break;
        }
    }
    place
}

fn record<R: Recorder>(world: &World<'_>, binding: &Binding, bound: &Bound, member: Option<usize>, recorder: &mut R) {
    let request = world.request;
    recorder.test(|| {
        let (place, wanted) = match (&bound.role.document, &bound.role.says) {
            (Some(document), RoleSays::Includes(at)) => {
                (super::whole(document).member("includedPermissions").element(*at), format!("{}, which includes it", binding.role))
            }
            (Some(document), RoleSays::Inert(field)) => (super::whole(document).member(field), format!("{}, which is inert", binding.role)),
            (_, RoleSays::Lacks) => (binding.place.member("role"), format!("{}, which does not include it", binding.role)),
            (_, RoleSays::Gone) => (binding.place.member("role"), format!("{}, which does not exist", binding.role)),
            _ => (binding.place.member("role"), format!("{}, which was not read", binding.role)),
        };
        Test::new(place, "action", wanted, request.permission.v1(), bound.includes)
    });
    recorder.test(|| {
        let list = binding.place.member("members");
        let place = member.map_or_else(|| list.clone(), |at| list.element(at));
        let wanted = member.and_then(|at| binding.members.get(at).cloned()).unwrap_or_else(|| few(&binding.members));
        Test::new(place, "principal", wanted, request.principal.v1(), bound.named.or(bound.public))
    });
}

fn few(members: &[String]) -> String {
    let shown: Vec<&str> = members.iter().take(5).map(String::as_str).collect();
    let more = members.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// E3: a condition that cannot be evaluated does not grant.
fn holds<R: Recorder>(world: &World<'_>, condition: &Condition, facts: &Facts, recorder: &mut R) -> Truth {
    let mut inner = R::default();
    let holds = match &condition.expression {
        Ok(expression) => {
            let evaluation =
                Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Allow, facts, place: &condition.place };
            evaluation.run(&mut inner).grants()
        }
        Err(error) => world.illegible_condition(condition, error, Truth::No, facts),
    };
    recorder.test(|| {
        let parts = inner.into_tests();
        let got = parts.iter().filter(|part| part.holds != Truth::Yes).map(|part| part.got.clone()).collect::<Vec<_>>().join("; ");
        Test::new(condition.place.clone(), "condition", condition.text.clone(), got, holds).of(parts)
    });
    holds
}

impl Grants {
    /// Which layer a missing grant is down to: a condition before the state of a role, both before a binding that is not there. A
    /// binding of which it is not known whether it covers the caller grants nothing either way, and says more than that none is there.
    fn blame(&mut self, bound: &Bound) {
        let Some((layer, certain)) = bound.fails_by() else { return };
        let exact = 2 * u8::from(certain) + u8::from(layer == CONDITION) + 1;
        if exact > self.exact {
            (self.lacking, self.exact) = (layer, exact);
        }
    }
}

fn remark(world: &World<'_>, level: &Level<AllowPolicy>, binding: &Binding, bound: &Bound, grants: &mut Grants) {
    let node = world.shown(&level.node);
    if bound.public().is_yes() && grants.public_place.is_none() {
        grants.public_place = Some(binding.place.clone());
    }
    // P21
    let basic = matches!(binding.role.as_str(), "roles/owner" | "roles/editor" | "roles/viewer");
    let public = members(&binding.members).any(|(_, member)| matches!(member, Member::Everybody | Member::Authenticated));
    if binding.condition.is_some() && (basic || public) {
        grants.notes.push(format!(
            "the binding of {} on {node} has a condition, which IAM does not accept on basic roles and on public members",
            binding.role
        ));
    }
    let Some((layer, certain)) = bound.fails_by() else { return };
    let caller = world.request.principal.v1();
    let whom = few(&binding.members);
    match (&bound.role.says, &bound.role.document, &binding.condition) {
        (RoleSays::Inert(field), Some(document), _) => {
            let state = if *field == "deleted" { "deleted" } else { "disabled" };
            let bound_to = if certain { caller } else { format!("{whom} (whether that covers {caller} is not known)") };
            let says = format!("{} on {node} is bound to {bound_to}, but the role is {state}, so it grants nothing", binding.role);
            // A custom role is changed where it lives.
            let owner = binding.role.split_once("/roles/").map_or(node, |(home, _)| home.to_owned());
            grants.almost.push(Almost { layer, certain, place: super::whole(document).member(field), says, owner });
        }
        (_, _, Some(condition)) => {
            let (place, why) = failing(world, condition);
            let title = if condition.title.is_empty() { String::new() } else { format!(" `{}`", condition.title) };
            let open = if bound.includes.is_unknown() { "what the role includes" } else { "whether that covers the caller" };
            let would =
                if certain { " would grant it".to_owned() } else { format!(", bound to {whom}, may grant it ({open} is not known)") };
            let says = format!("{} on {node}{would}, but its condition{title} does not hold: {why}", binding.role);
            grants.almost.push(Almost { layer, certain, place, says, owner: node });
        }
        _ => {}
    }
}

/// The sub-expression that fails, and both of its values.
fn failing(world: &World<'_>, condition: &Condition) -> (Place, String) {
    let facts = Facts::default();
    let mut recorder = iam_why_contract::trace::Tests::default();
    let Ok(expression) = &condition.expression else { return (condition.place.clone(), "it cannot be evaluated".into()) };
    let evaluation =
        Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Allow, facts: &facts, place: &condition.place };
    evaluation.run(&mut recorder);
    let tests = recorder.into_tests();
    let mut failed: Vec<&Test> = tests.iter().filter(|test| test.holds.is_no()).collect();
    if failed.is_empty() {
        // It does not matter how this turns out: the caller is refused either way.
        failed = tests.iter().filter(|test| test.holds.is_unknown()).collect();
    }
    match failed.as_slice() {
        [] => (condition.place.clone(), format!("`{}` is not true", condition.text)),
        [only] => (only.place.clone(), format!("`{}`, and {}", only.wanted, only.got)),
        [first, ..] => {
            let all: Vec<String> = failed.iter().map(|test| format!("`{}`, and {}", test.wanted, test.got)).collect();
            (first.place.clone(), all.join("; "))
        }
    }
}

impl World<'_> {
    /// What is made of a condition that cannot be read: nobody can evaluate what is not CEL; what is only too large for iam-why is open.
    pub(crate) fn illegible_condition(
        &self,
        condition: &Condition,
        error: &crate::language::expression::ParseError,
        otherwise: Truth,
        facts: &Facts,
    ) -> Truth {
        match error {
            crate::language::expression::ParseError::Syntax(_) => otherwise,
            crate::language::expression::ParseError::TooLarge { .. } => facts.truth(&format!("condition {}", condition.text), || Doubt {
                about: format!("whether the condition `{}` holds: {error}", condition.title),
                needs: "a smaller expression".into(),
            }),
        }
    }
}
