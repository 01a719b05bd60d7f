//! Principal access boundary policies: is the caller eligible for the resource at all?
//!
//! docs.cloud.google.com/iam/docs/principal-access-boundary-policies (B1-B15), pab-blocked-permissions (B5-B8).

use super::{Answer, PAB, ruling_of_guard};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::permissions::{DEFAULT_VERSION, LISTED, NEWEST_VERSION};
use crate::language::principals::{Identity, Pool, Principal};
use crate::world::{Condition, World, condition_of, doubt, json, member, text, texts};
use iam_why_contract::{Document, Doubt, Effect, Evidence, Outcome, Place, Recorder, Statement, Step, Test, Truth};
use serde_json::Value;

/// Bars the boundary the caller from the resource?
pub(crate) fn bars<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let mut answer = Answer::silent(PAB);
    // P43: an anonymous caller belongs to no set.
    if world.request.principal == Principal::Anonymous {
        return answer;
    }
    // B5: what no version covers cannot be barred, whatever was not read.
    let coverable = world.request.permission.covered_since().is_some();
    let mut bounds = Vec::new();
    let mut statements = Vec::new();
    let mut read = Vec::new();
    let mut illegible = Truth::No;
    for document in world.snapshot.all_of(documents::BOUNDARY_BINDING) {
        let binding = match binding(document) {
            Ok(Some(binding)) => binding,
            Ok(None) => continue,
            Err(doubt) => {
                illegible = illegible.or(facts.truth(&format!("boundary binding {}", document.id), || doubt));
                continue;
            }
        };
        read.push(document.id.to_string());
        let (bound, statement) = bound::<R>(world, &binding, facts);
        statements.extend(statement);
        bounds.push(bound);
    }
    let unread = if coverable { unread(world, facts).or(illegible) } else { Truth::No };
    answer.holds = ineligible(&bounds, unread, facts);
    if R::KEEPS {
        let ruling = ruling_of_guard(answer.holds);
        let note = if bounds.is_empty() { "no boundary policy is bound to a set that holds the caller" } else { "" };
        answer.steps =
            vec![Step { layer: PAB, subject: String::new(), ruling, needed: false, documents: read, statements, note: note.into() }];
        if answer.holds.is_yes() {
            answer = report(answer, world, &bounds);
        }
    }
    answer
}

/// What an allowed request owes to the list of what boundaries cover.
pub(crate) fn beyond(world: &World<'_>) -> Option<String> {
    let permission = &world.request.permission;
    let bound = world.snapshot.all_of(documents::BOUNDARY_BINDING).next().is_some() || unread(world, &Facts::default()).is_unknown();
    let beyond = bound && permission.covered_since().is_none() && world.request.principal != Principal::Anonymous;
    beyond.then(|| format!("no boundary version covers {} (as of {LISTED})", permission.v2()))
}

/// What one boundary that is bound to a set means for the request.
struct Bound {
    /// It is relevant (B2).
    relevant: Truth,
    /// It has a rule that names the resource.
    includes: Truth,
    /// It applies, but its version does not cover the permission.
    uncovered: Truth,
    place: Place,
    name: String,
}

struct Binding {
    target: String,
    policy: String,
    condition: Option<Condition>,
    place: Place,
}

/// A binding of a boundary; `None` where it binds a policy of another kind.
///
/// # Errors
/// Where a document does not say what it binds to whom: it may be a boundary of the caller.
fn binding(document: &Document) -> Result<Option<Binding>, Doubt> {
    let value = json(document).unwrap_or_default();
    let kind = text(&value, "policyKind");
    if kind.is_some_and(|kind| kind != "PRINCIPAL_ACCESS_BOUNDARY") {
        return Ok(None);
    }
    let place = Place::new(&*document.id, "");
    let target = member(&value, "target").and_then(|target| text(target, "principalSet"));
    let condition = value.get("condition").filter(|value| !value.is_null());
    let read = || {
        let condition = match condition {
            Some(value) => Some(condition_of(value, &place.member("condition"))?),
            None => None,
        };
        Some(Binding { target: target?, policy: text(&value, "policy")?, condition, place: place.clone() })
    };
    read().map(Some).ok_or_else(|| crate::world::illegible(document))
}

fn bound<R: Recorder>(world: &World<'_>, binding: &Binding, facts: &Facts) -> (Bound, Option<Statement>) {
    let mut recorder = R::default();
    let place = binding.place.member("target").member("principalSet");
    let in_set = in_set(world, &binding.target, facts);
    recorder.test(|| Test::new(place, "principal", binding.target.clone(), world.request.principal.v1(), in_set));
    let applies = if in_set.is_no() { Truth::No } else { in_set.and(enforced(world, binding.condition.as_ref(), facts, &mut recorder)) };
    let policy = world.snapshot.of(documents::BOUNDARY_POLICY, &binding.policy).next().and_then(Policy::read);
    let bound = match policy {
        _ if applies.is_no() => Bound::none(binding),
        None => unread_policy(world, binding, applies, facts),
        Some(policy) => policy.bound(world, applies, facts, &mut recorder),
    };
    let statement = R::KEEPS.then(|| Statement {
        place: binding.place.clone(),
        label: short(&binding.policy).into(),
        effect: Effect::Deny,
        applies: bound.relevant.and(!bound.includes),
        tests: recorder.into_tests(),
    });
    (bound, statement)
}

impl Bound {
    fn none(binding: &Binding) -> Self {
        let name = short(&binding.policy).to_owned();
        Self { relevant: Truth::No, includes: Truth::No, uncovered: Truth::No, place: binding.place.clone(), name }
    }
}

fn unread_policy(world: &World<'_>, binding: &Binding, applies: Truth, facts: &Facts) -> Bound {
    let outcome = world.snapshot.outcome(documents::BOUNDARY_POLICY, &binding.policy);
    if outcome == Some(&Outcome::Absent) {
        return Bound::none(binding);
    }
    if world.request.permission.covered_since().is_none() {
        return Bound { uncovered: applies, ..Bound::none(binding) };
    }
    let says = facts.way(&format!("boundary {}", binding.policy), 3, || doubt(documents::BOUNDARY_POLICY, &binding.policy, outcome));
    // It may bar nothing, bar the resource, or include it.
    let (relevant, includes) = match says {
        None => (Truth::Unknown, Truth::Unknown),
        Some(0) => (Truth::No, Truth::No),
        Some(1) => (applies, Truth::No),
        Some(_) => (applies, Truth::Yes),
    };
    Bound { relevant, includes, ..Bound::none(binding) }
}

/// B9, B10: a condition that cannot be evaluated is enforced.
fn enforced<R: Recorder>(world: &World<'_>, condition: Option<&Condition>, facts: &Facts, recorder: &mut R) -> Truth {
    let Some(condition) = condition else { return Truth::Yes };
    match &condition.expression {
        Ok(expression) => {
            let evaluation =
                Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Boundary, facts, place: &condition.place };
            evaluation.run(recorder).enforces()
        }
        Err(error) => world.illegible_condition(condition, error, Truth::Yes, facts),
    }
}

struct Policy {
    place: Place,
    name: String,
    rules: Vec<Vec<String>>,
    version: u32,
}

impl Policy {
    fn read(document: &Document) -> Option<Self> {
        let value = json(document)?;
        // One that is only named, as in a list, says nothing.
        let details = value.get("details").filter(|details| details.is_object()).or_else(|| value.get("rules").map(|_| &value))?;
        let rules = match member(details, "rules") {
            None | Some(Value::Null) => Vec::new(),
            Some(rules) => rules.as_array()?.iter().map(|rule| texts(rule, "resources").unwrap_or_default()).collect(),
        };
        // B6: `latest` and the default stand for the version that is the default now.
        let version = match text(details, "enforcementVersion").as_deref() {
            None | Some("" | "latest") => DEFAULT_VERSION,
            Some(version) => version.parse().unwrap_or(u32::MAX),
        };
        let name = text(&value, "name").unwrap_or_else(|| document.subject.to_string());
        Some(Self { place: Place::new(&*document.id, ""), name: short(&name).to_owned(), rules, version })
    }

    fn bound<R: Recorder>(self, world: &World<'_>, applies: Truth, facts: &Facts, recorder: &mut R) -> Bound {
        let details = self.place.member("details");
        let since = world.request.permission.covered_since();
        let covers = self.covers(world, since, facts);
        recorder.test(|| {
            let got = since.map_or_else(|| "no version covers it".into(), |since| format!("covered since version {since}"));
            let wanted = format!("version {} covers {}", self.version, world.request.permission.v2());
            Test::new(details.member("enforcementVersion"), "action", wanted, got, covers)
        });
        let includes = self.includes(world, facts);
        recorder.test(|| {
            let rules: Vec<&str> = self.rules.iter().flatten().map(String::as_str).collect();
            let path: Vec<String> = world.path.nodes.iter().map(|node| world.shown(node)).collect();
            Test::new(
                details.member("rules"),
                "resource",
                format!("outside {}", rules.join(", ")),
                format!("in {}", path.join(" in ")),
                !includes,
            )
        });
        // B2: no rules, no enforcement.
        let enforced = if self.rules.is_empty() { Truth::No } else { applies };
        Bound { relevant: enforced.and(covers), includes, uncovered: enforced.and(!covers), place: details, name: self.name }
    }

    /// B5: a version covers what it and those before it list. What one lists that came after the lists of this program is open.
    fn covers(&self, world: &World<'_>, since: Option<u32>, facts: &Facts) -> Truth {
        match since {
            Some(since) if since <= self.version => Truth::Yes,
            None if self.version > NEWEST_VERSION => world.ask(
                facts,
                &format!("boundary version {}", self.version),
                format!("whether the enforcement version of the boundary {} covers {}", self.name, world.request.permission.v2()),
                format!("the page Permissions that principal access boundary policies can block: iam-why knows it as of {LISTED}"),
            ),
            _ => Truth::No,
        }
    }

    /// B3: a rule names the resource's organization, a folder above it, or its project.
    fn includes(&self, world: &World<'_>, facts: &Facts) -> Truth {
        let named = Truth::any(self.rules.iter().flatten().map(|resource| {
            let nodes = world.path.nodes.iter().map(|node| world.same_node(&node.path, resource));
            Truth::any(nodes)
        }));
        let named = if named.is_unknown() {
            let about =
                format!("whether a rule of the boundary {} names the project of the resource: one by its id, one by its number", self.name);
            world.ask(
                facts,
                &format!("projects of boundary {}", self.name),
                about,
                "gcloud projects describe of the projects that its rules name",
            )
        } else {
            named
        };
        let above = if named.is_yes() { Truth::No } else { crate::world::above(world, facts, "boundary resources") };
        named.or(above)
    }
}

/// B3: some relevant boundary leaves the resource out, and none of the relevant ones includes it.
fn ineligible(bounds: &[Bound], unread: Truth, facts: &Facts) -> Truth {
    let included = Truth::any(bounds.iter().map(|bound| bound.relevant.and(bound.includes)));
    if included.is_yes() {
        return Truth::No;
    }
    let left_out = Truth::any(bounds.iter().map(|bound| bound.relevant.and(!bound.includes)));
    let known = left_out.and(!included).and(!counts_elsewhere(bounds, left_out, facts));
    // Bindings that were not read may bar the caller, or include the resource: either way the answer turns.
    match unread {
        Truth::No => known,
        Truth::Yes => !known,
        Truth::Unknown => Truth::Unknown,
    }
}

/// B4: whether a boundary that includes the resource but does not cover the permission counts is told both ways.
fn counts_elsewhere(bounds: &[Bound], left_out: Truth, facts: &Facts) -> Truth {
    let elsewhere = Truth::any(bounds.iter().map(|bound| bound.uncovered.and(bound.includes)));
    if left_out.is_no() || elsewhere.is_no() {
        return Truth::No;
    }
    elsewhere.and(facts.truth("boundary of another version", || Doubt {
        about: "whether a boundary whose enforcement version does not cover the permission counts because it includes the resource".into(),
        needs: "a test with the live service: two pages of the documentation differ".into(),
    }))
}

/// Were the bindings of every set that may hold the caller read?
fn unread(world: &World<'_>, facts: &Facts) -> Truth {
    // P43: a personal account is in no set.
    if matches!(world.request.principal, Principal::User(_)) && world.caller.customer == Some(None) {
        return Truth::No;
    }
    let read = |outcome: Option<&Outcome>| matches!(outcome, Some(Outcome::Found | Outcome::Absent));
    let all = world.snapshot.outcome(documents::BOUNDARY_BINDING, "*");
    let sets = sets(world);
    let outcomes: Vec<Option<&Outcome>> = sets.iter().map(|set| world.snapshot.outcome(documents::BOUNDARY_BINDING, set)).collect();
    let organization = sets.iter().any(|set| set.contains("/organizations/"));
    if !one_refused(world, facts) && (read(all) || (organization && outcomes.iter().all(|outcome| read(*outcome)))) {
        return Truth::No;
    }
    let refused = outcomes.into_iter().flatten().find(|outcome| !read(Some(outcome))).or(all);
    let subject = world.request.principal.v1();
    facts.truth("boundary bindings", || doubt(documents::BOUNDARY_BINDING, &format!("the sets that hold {subject}"), refused))
}

/// Could the bindings of some set that may hold the caller not be read, whatever is said of all the others?
fn one_refused(world: &World<'_>, facts: &Facts) -> bool {
    let refused = world.snapshot.searches().iter().filter(|search| {
        &*search.kind == documents::BOUNDARY_BINDING
            && &*search.subject != "*"
            && matches!(search.outcome, Outcome::Refused { .. } | Outcome::NotTried { .. })
    });
    refused.into_iter().any(|search| !in_set(world, &search.subject, facts).is_no())
}

/// The principal sets that are certain to hold the caller (P41, P42).
fn sets(world: &World<'_>) -> Vec<String> {
    let mut sets = Vec::new();
    if let Some(Some(customer)) = &world.caller.customer {
        sets.push(format!("//iam.googleapis.com/locations/global/workspace/{customer}"));
    }
    if let Principal::Federated(Identity { pool, .. }) = &world.request.principal {
        sets.push(format!("//iam.googleapis.com/{}", pool.text()));
    }
    for node in world.caller.home.iter().flatten() {
        sets.push(format!("//cloudresourcemanager.googleapis.com/{node}"));
    }
    sets
}

/// Is the caller in the set that a binding targets (P40, P41)?
fn in_set(world: &World<'_>, target: &str, facts: &Facts) -> Truth {
    let Some(path) = target.strip_prefix("//iam.googleapis.com/") else {
        let container = target.strip_prefix("//cloudresourcemanager.googleapis.com/").unwrap_or(target);
        return in_container(world, container, facts);
    };
    if let Some(customer) = path.strip_prefix("locations/global/workspace/") {
        return world.of_customer(customer, facts);
    }
    match (&world.request.principal, Pool::parse(path)) {
        (Principal::Federated(identity), Some((pool, ""))) if identity.pool.is(&pool) => Truth::Yes,
        (
            Principal::Federated(Identity { pool: Pool::Workload { project: Some(mine), id: one }, .. }),
            Some((Pool::Workload { project: Some(theirs), id: two }, "")),
        ) if *one == two => crate::world::same_project(world.snapshot, mine, &theirs),
        _ => Truth::No,
    }
}

fn in_container(world: &World<'_>, container: &str, facts: &Facts) -> Truth {
    match &world.request.principal {
        // Q12: whether service agents are in the set is not documented.
        Principal::ServiceAccount(email) if world.is_agent(email) => world.lives_in(container, facts).and(world.ask(
            facts,
            "agents in boundary sets",
            "whether the principal set of a container holds the service agents of its projects",
            "the documentation does not say",
        )),
        Principal::ServiceAccount(_) | Principal::Federated(Identity { pool: Pool::Workload { .. }, .. }) | Principal::Other { .. } => {
            world.lives_in(container, facts)
        }
        // A project's or folder's set holds no people and no workforce identities.
        _ if !container.starts_with("organizations/") => Truth::No,
        Principal::User(_) => of_organization(world, container, facts),
        Principal::Federated(_) => world.caller.home.as_ref().map_or_else(
            || {
                world.ask(
                    facts,
                    &format!("pool in {container}"),
                    format!("whether {container} owns the caller's workforce pool"),
                    "gcloud iam workforce-pools describe",
                )
            },
            |home| Truth::any(home.iter().map(|node| world.same_node(node, container))),
        ),
        Principal::Anonymous => Truth::No,
    }
}

/// P41: an organization's set holds the accounts of its customer.
fn of_organization(world: &World<'_>, container: &str, facts: &Facts) -> Truth {
    if let Some(home) = &world.caller.home {
        return Truth::any(home.iter().map(|node| world.same_node(node, container)));
    }
    if world.caller.customer == Some(None) {
        return Truth::No;
    }
    let name = format!("//cloudresourcemanager.googleapis.com/{container}");
    let names = [name.as_str(), container];
    let organization = names.into_iter().find_map(|name| world.snapshot.of(documents::ORGANIZATION, name).next()).and_then(json);
    match organization.as_ref().and_then(crate::membership::customer_id) {
        Some(customer) => world.of_customer(&customer, facts),
        None => world.ask(
            facts,
            &format!("customer of {container}"),
            format!("whether {container} belongs to the caller's customer"),
            format!("gcloud organizations describe {container}: its directoryCustomerId"),
        ),
    }
}

fn report(answer: Answer, world: &World<'_>, bounds: &[Bound]) -> Answer {
    let resource = world.shown(&world.request.resource);
    let mut answer = answer;
    answer.notes.push(format!("what each boundary version covers is as of {LISTED}"));
    for bound in bounds.iter().filter(|bound| bound.relevant.is_yes()) {
        let says = format!(
            "the principal access boundary policy {} binds {} and has no rule that includes {resource}",
            bound.name,
            world.request.principal.v1()
        );
        let place = bound.place.member("rules");
        answer = answer.finding(&findings::BOUNDARY, says, Evidence::Place(place), "the administrators of the caller's own organization");
    }
    answer
}

fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
