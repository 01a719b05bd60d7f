//! VPC Service Controls: may the request cross the perimeters between its source and the project of the resource?
//!
//! docs.cloud.google.com/vpc-service-controls/docs/ingress-egress-rules; google/identity/accesscontextmanager/v1 (V1-V13).

use super::{Answer, Unread, VPC_SERVICE_CONTROLS, access_levels, ruling_of_guard, storage, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::principals::{Member, Principal};
use crate::world::{RoleSays, World, elements, json, member, text, texts};
use iam_why_contract::{Document, Evidence, Lookup, Place, Recorder, Truth};
use serde_json::Value;

/// Refuses a perimeter the request?
pub(crate) fn refuses<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(VPC_SERVICE_CONTROLS);
    // A project without an organization is in no perimeter.
    let Some(organization) = world.organization() else {
        let unknown = !world.path.complete && world.request.context.unmentioned(documents::PERIMETERS) == Lookup::NotKnown;
        let open = || world.ask(facts, "perimeters", "whether a service perimeter protects the resource", "gcloud projects get-ancestors");
        return if unknown && world.project_node().is_some() { answer.holding(open()) } else { answer };
    };
    // An organization may have several access policies, each with perimeters of its own (V12).
    let found = world.documents(documents::PERIMETERS, organization);
    if found.is_empty() {
        return answer.holding(world.gate(documents::PERIMETERS, organization, Unread::Matters, facts));
    }
    let perimeters = perimeters(&found);
    let crossing = |api: &str| Crossing { world, facts, perimeters: &perimeters, service: api.to_owned() };
    let (refuses, (service, blame)) = world.of_api(facts, |api| {
        let (refuses, blame) = crossing(api).refuses();
        (refuses, (api.to_owned(), blame))
    });
    let answer = answer.holding(refuses);
    if !R::KEEPS {
        return answer;
    }
    let note = if refuses.is_no() { "no perimeter refuses the request" } else { "a perimeter stands between the source and the resource" };
    let documents = found.iter().map(|document| document.id.to_string()).collect();
    let answer = answer.noting(ruling_of_guard(refuses), note, documents);
    blame.into_iter().fold(answer, |answer, (at, rule)| {
        let Some(perimeter) = perimeters.get(at) else { return answer };
        let (says, place) = crossing(&service).report(perimeter, rule);
        answer.finding(&findings::PERIMETER, says, Evidence::Place(place), "the administrators of the access policy")
    })
}

/// What of a perimeter refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// It restricts the service, and nothing lets the call in.
    Inward,
    /// The call starts in it, and nothing lets it out.
    Outward,
    /// Networks in it may not call the service.
    Accessible,
}

struct Perimeter {
    at: usize,
    name: String,
    bridge: bool,
    status: Option<Value>,
    /// Where its `status` stands.
    place: Place,
}

/// The perimeters of all lists.
fn perimeters(documents: &[&Document]) -> Vec<Perimeter> {
    let mut found = Vec::new();
    for document in documents {
        let value = json(document).unwrap_or_default();
        let list = elements(&value, &["servicePerimeters", "perimeters"]).map(Vec::as_slice).unwrap_or_default();
        for (number, entry) in list.iter().enumerate() {
            let place = place(whole(&document.id), &value, number).member("status");
            found.push(Perimeter::read(entry, found.len(), place));
        }
    }
    found
}

fn place(whole: Place, value: &Value, at: usize) -> Place {
    let names = ["servicePerimeters", "perimeters"];
    let list = names.into_iter().find(|name| value.get(name).is_some()).map_or_else(|| whole.clone(), |name| whole.member(name));
    list.element(at)
}

impl Perimeter {
    /// V3: `status` is enforced, `spec` only counts for logging.
    fn read(value: &Value, at: usize, place: Place) -> Self {
        let bridge = text(value, "perimeterType").as_deref() == Some("PERIMETER_TYPE_BRIDGE");
        Self { at, name: text(value, "name").unwrap_or_default(), bridge, status: value.get("status").cloned(), place }
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.status.as_ref().and_then(|status| texts(status, name)).unwrap_or_default()
    }

    fn policies(&self, name: &str) -> &[Value] {
        self.status.as_ref().and_then(|status| member(status, name)).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn restricts(&self, service: &str) -> bool {
        self.list("restrictedServices").iter().any(|name| name == service || name == "*")
    }

    /// V8: the services that networks inside may call; `None` where that is not limited.
    fn accessible(&self) -> Option<Vec<String>> {
        let accessible = member(self.status.as_ref()?, "vpcAccessibleServices")?;
        let limited = member(accessible, "enableRestriction").and_then(Value::as_bool) == Some(true);
        limited.then(|| texts(accessible, "allowedServices").unwrap_or_default())
    }

    /// May networks inside call the service?
    fn reaches(&self, service: &str) -> bool {
        let named = |name: &String| name == service || (name == "RESTRICTED-SERVICES" && self.restricts(service));
        self.accessible().is_none_or(|allowed| allowed.iter().any(named))
    }

    /// Can it stand in the way of a call to the service at all?
    fn concerns(&self, service: &str) -> bool {
        !self.bridge && (self.restricts(service) || self.accessible().is_some())
    }
}

/// One request on its way across perimeters.
struct Crossing<'c> {
    world: &'c World<'c>,
    facts: &'c Facts,
    perimeters: &'c [Perimeter],
    /// The API that is called.
    service: String,
}

impl Crossing<'_> {
    /// V4, and the perimeter that refuses.
    fn refuses(&self) -> (Truth, Vec<(usize, Rule)>) {
        let Some(project) = self.world.project_node() else { return (Truth::No, Vec::new()) };
        let service = self.service.as_str();
        let source_project = self.world.context("source.project").map(str::to_owned);
        let (Ok(home), Ok(source)) = (self.regular_of(&project.path), source_project.as_deref().map_or(Ok(None), |it| self.regular_of(it)))
        else {
            return (Truth::Unknown, Vec::new());
        };
        let source = source.or_else(|| self.world.context("source.network").and_then(|network| self.holding_network(network)));
        if !self.source_is_known() {
            return (self.of_unknown_origin(home, &project.path), Vec::new());
        }
        let closed = self.not_accessible(source, service);
        if closed.is_yes() {
            return (closed, source.map(|perimeter| (perimeter.at, Rule::Accessible)).into_iter().collect());
        }
        if let (Some(one), Some(two)) = (source, home)
            && one.at == two.at
        {
            return (closed, Vec::new());
        }
        let target = home.filter(|perimeter| perimeter.restricts(service));
        let leaving = source.filter(|perimeter| perimeter.restricts(service));
        let joined = match source_project.as_deref().filter(|_| target.is_some() || leaving.is_some()) {
            Some(source) => self.bridged(source, &project.path),
            None => Truth::No,
        };
        if joined.is_yes() {
            return (closed, Vec::new());
        }
        let inward = target.map_or(Truth::No, |perimeter| !self.admits(perimeter, source_project.as_deref()));
        let outward = leaving.map_or(Truth::No, |perimeter| !self.lets_out(perimeter, &project.path));
        let inside = target.filter(|_| inward.is_yes()).map(|perimeter| (perimeter.at, Rule::Inward));
        let outside = leaving.filter(|_| outward.is_yes()).map(|perimeter| (perimeter.at, Rule::Outward));
        (closed.or(inward.or(outward).and(!joined)), inside.into_iter().chain(outside).collect())
    }

    /// Did anybody say which project or network the call comes from, or that it comes from the internet?
    fn source_is_known(&self) -> bool {
        let said = |key: &str| self.world.context(key).is_some();
        let elsewhere = matches!(self.world.context("source.kind"), Some("project" | "vpc" | "network"));
        let nobody = self.world.request.context.unmentioned("source.project") == Lookup::NotKnown;
        said("source.project") || said("source.network") || (!elsewhere && (said("source.kind") || self.has_address() || !nobody))
    }

    /// Does an address say that the call comes from the internet? Not where it is said that nobody knows from where it comes.
    fn has_address(&self) -> bool {
        self.world.context("source.ip").is_some() && !self.world.request.context.is_said_not_to_be_known("source.kind")
    }

    /// Where the call may come from anywhere: perhaps from within the perimeter of the resource, perhaps from another that keeps it in.
    fn of_unknown_origin(&self, home: Option<&Perimeter>, target: &str) -> Truth {
        let refused = home.filter(|perimeter| perimeter.restricts(&self.service)).map_or(Truth::No, |perimeter| {
            let admitted = self.admits(perimeter, None);
            if admitted.is_yes() { Truth::No } else { (!admitted).and(!self.within(perimeter, "from within it or over a bridge to it")) }
        });
        let others = self.perimeters.iter().filter(|other| other.concerns(&self.service) && home.is_none_or(|home| home.at != other.at));
        let keeps = |other: &Perimeter| {
            let lets_out = if other.restricts(&self.service) { self.lets_out(other, target) } else { Truth::Yes };
            if lets_out.is_yes() && other.reaches(&self.service) {
                Truth::No
            } else {
                self.within(other, "from within it, and is not let out")
            }
        };
        let kept = Truth::any(others.map(keeps));
        let shut = home.filter(|home| !home.reaches(&self.service)).map_or(Truth::No, |home| self.within(home, "from a network in it"));
        refused.or(kept).or(shut)
    }

    fn within(&self, perimeter: &Perimeter, how: &str) -> Truth {
        self.world.ask(
            self.facts,
            &format!("within {} {how}", perimeter.name),
            format!("whether the call comes {how}: the perimeter {}", perimeter.name),
            "--context source.kind=internet --context source.ip=…, or --context source.project=projects/NUMBER",
        )
    }

    /// What is said of the perimeter that refuses, and where it stands.
    fn report(&self, perimeter: &Perimeter, rule: Rule) -> (String, Place) {
        let status = &perimeter.place;
        let name = perimeter.name.rsplit('/').next().unwrap_or_default();
        let host = self.service.as_str();
        let project = self.world.project_node().map(|node| node.path).unwrap_or_default();
        let source = self.source();
        match rule {
            Rule::Inward => {
                let services = perimeter.list("restrictedServices");
                let at = services.iter().position(|name| name == host).or_else(|| services.iter().position(|name| name == "*"));
                let list = status.member("restrictedServices");
                let admits = [
                    (perimeter.list("accessLevels").len(), "access level"),
                    (perimeter.policies("ingressPolicies").len(), "ingress policy"),
                ];
                let says = format!(
                    "the service perimeter {name} restricts {host} in {project}, the call comes from {source}, and {} admits it",
                    none_of(&admits)
                );
                (says, at.map_or_else(|| list.clone(), |at| list.element(at)))
            }
            Rule::Outward => {
                let lets = [(perimeter.policies("egressPolicies").len(), "egress policy")];
                let says = format!(
                    "the call to {host} in {project} starts in the service perimeter {name} ({source}), and {} lets it out",
                    none_of(&lets)
                );
                (says, if lets.iter().all(|(count, _)| *count == 0) { status.clone() } else { status.member("egressPolicies") })
            }
            Rule::Accessible => {
                let says = format!(
                    "the service perimeter {name} lets its networks ({source}) call its accessible services only, and {host} is none of them"
                );
                (says, status.member("vpcAccessibleServices").member("allowedServices"))
            }
        }
    }

    fn source(&self) -> String {
        let stated = |key: &str| self.world.context(key).map(str::to_owned);
        let internet = || stated("source.ip").map_or_else(|| "outside".to_owned(), |ip| format!("the internet ({ip})"));
        stated("source.project").or_else(|| stated("source.network")).unwrap_or_else(internet)
    }

    /// V2: the regular perimeter that holds the project, among those that can stand in the way.
    ///
    /// # Errors
    /// Where that is open.
    fn regular_of(&self, project: &str) -> Result<Option<&Perimeter>, ()> {
        let mut open = false;
        for perimeter in self.perimeters.iter().filter(|perimeter| perimeter.concerns(&self.service)) {
            match self.lists(&perimeter.list("resources"), project) {
                Truth::Yes => return Ok(Some(perimeter)),
                Truth::No => {}
                Truth::Unknown => open = true,
            }
        }
        if open { Err(()) } else { Ok(None) }
    }

    /// Does the list name the project? Perimeters name projects by number, which is not always known.
    fn lists(&self, list: &[String], project: &str) -> Truth {
        let projects = list.iter().filter(|name| name.starts_with("projects/"));
        let named = Truth::any(projects.map(|name| self.world.same_node(name, project)));
        if !named.is_unknown() {
            return named;
        }
        let list = list.join(", ");
        let about = format!("whether {project} is one of {list}");
        self.world.ask(self.facts, &format!("{project} among {list}"), about, "gcloud projects describe: its number")
    }

    /// V2: a VPC network may be in a perimeter by itself.
    fn holding_network(&self, network: &str) -> Option<&Perimeter> {
        let holds = |perimeter: &&Perimeter| perimeter.list("resources").iter().any(|name| storage::same_network(name, network));
        self.perimeters.iter().filter(|perimeter| !perimeter.bridge).find(holds)
    }

    fn bridged(&self, one: &str, two: &str) -> Truth {
        Truth::any(self.perimeters.iter().filter(|perimeter| perimeter.bridge).map(|bridge| {
            let resources = bridge.list("resources");
            self.lists(&resources, one).and(self.lists(&resources, two))
        }))
    }

    /// V8: networks inside a perimeter may reach the allowed services only.
    fn not_accessible(&self, source: Option<&Perimeter>, service: &str) -> Truth {
        let Some(source) = source.filter(|source| !source.reaches(service)) else { return Truth::No };
        match (self.world.context("source.network"), self.world.context("source.kind")) {
            (Some(_), _) | (None, Some("vpc" | "network")) => Truth::Yes,
            (None, Some("internet")) => Truth::No,
            _ => self.world.ask(
                self.facts,
                "from a network",
                format!("whether the call comes from a VPC network in the perimeter {}, which may not reach {service}", source.name),
                "--context source.kind=network",
            ),
        }
    }

    /// V4, V5: access levels admit what comes from the internet; anything may come in by an ingress policy.
    fn admits(&self, perimeter: &Perimeter, source: Option<&str>) -> Truth {
        let ingress = Truth::any(perimeter.policies("ingressPolicies").iter().map(|policy| self.ingress(policy, source)));
        if ingress.is_yes() {
            return Truth::Yes;
        }
        let levels = perimeter.list("accessLevels");
        let internet = match (source, self.world.context("source.kind")) {
            (Some(_), _) | (_, Some("project" | "vpc" | "network")) => Truth::No,
            (None, Some(_)) => Truth::Yes,
            (None, None) => self.internet_source(),
        };
        let levelled = if levels.is_empty() || internet.is_no() {
            Truth::No
        } else {
            internet.and(Truth::any(levels.iter().map(|level| access_levels::holds(self.world, level, self.facts))))
        };
        let inside = if internet.is_unknown() { internet } else { Truth::No };
        ingress.or(levelled).or(inside.and(Truth::Unknown))
    }

    /// Nobody said where the request comes from: it may come from within the perimeter.
    fn internet_source(&self) -> Truth {
        if self.has_address() {
            return Truth::Yes;
        }
        match self.world.request.context.get("source.project") {
            Lookup::Absent => Truth::Yes,
            _ => self.world.ask(
                self.facts,
                "source",
                "where the request comes from: the internet, or a network of which project",
                "--context source.kind=internet --context source.ip=…, or --context source.project=projects/NUMBER",
            ),
        }
    }

    /// V6
    fn ingress(&self, policy: &Value, source: Option<&str>) -> Truth {
        let empty = Value::Null;
        let from = member(policy, "ingressFrom").unwrap_or(&empty);
        let identity = self.identity(from);
        if identity.is_no() {
            return Truth::No;
        }
        let target = self.world.project_node().map(|node| node.path).unwrap_or_default();
        let to = self.reaches(member(policy, "ingressTo").unwrap_or(&empty), &target);
        if to.is_no() {
            return Truth::No;
        }
        identity.and(to).and(self.comes_from(from, source))
    }

    fn comes_from(&self, from: &Value, source: Option<&str>) -> Truth {
        let sources = member(from, "sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if sources.is_empty() {
            // V6, Q11
            let needs = "a test with the live service: the documentation and one measurement differ";
            return self.world.ask(self.facts, "empty sources", "whether an ingress policy without sources admits a request", needs);
        }
        Truth::any(sources.iter().map(|entry| match (text(entry, "accessLevel"), text(entry, "resource")) {
            (Some(level), _) if level == "*" => Truth::Yes,
            (Some(level), _) => access_levels::holds(self.world, &level, self.facts),
            (_, Some(resource)) => match source {
                Some(project) => self.lists(&[resource], project),
                None if self.world.context("source.network").is_some_and(|network| storage::same_network(&resource, network)) => Truth::Yes,
                None if self.world.context("source.kind") == Some("internet") => Truth::No,
                None => !self.internet_source(),
            },
            _ => Truth::No,
        }))
    }

    /// V7
    fn lets_out(&self, perimeter: &Perimeter, target: &str) -> Truth {
        let empty = Value::Null;
        Truth::any(perimeter.policies("egressPolicies").iter().map(|policy| {
            let from = member(policy, "egressFrom").unwrap_or(&empty);
            let restricted = text(from, "sourceRestriction").as_deref() == Some("SOURCE_RESTRICTION_ENABLED");
            let source = if restricted { self.comes_from(from, self.world.context("source.project")) } else { Truth::Yes };
            self.identity(from).and(self.reaches(member(policy, "egressTo").unwrap_or(&empty), target)).and(source)
        }))
    }

    fn identity(&self, from: &Value) -> Truth {
        let principal = &self.world.request.principal;
        match text(from, "identityType").as_deref() {
            Some("ANY_IDENTITY") => return Truth::Yes,
            Some("ANY_USER_ACCOUNT") => return yes(matches!(principal, Principal::User(_))),
            Some("ANY_SERVICE_ACCOUNT") => return yes(matches!(principal, Principal::ServiceAccount(_))),
            _ => {}
        }
        let identities = texts(from, "identities").unwrap_or_default();
        Truth::any(identities.iter().map(|written| self.world.covers(&Member::v1(written), self.facts)))
    }

    fn reaches(&self, to: &Value, target: &str) -> Truth {
        let resources = texts(to, "resources").unwrap_or_default();
        let named = if resources.iter().any(|name| name == "*") { Truth::Yes } else { self.lists(&resources, target) };
        if named.is_no() {
            return Truth::No;
        }
        let operations = member(to, "operations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let roles = texts(to, "roles").unwrap_or_default();
        let operation = Truth::any(operations.iter().map(|operation| self.operation(operation)));
        let role = Truth::any(roles.iter().map(|name| match &self.world.role(name).says {
            RoleSays::Includes(_) => Truth::Yes,
            RoleSays::Unread(doubt) => self.facts.truth(&format!("role {name}"), || doubt.clone()),
            _ => Truth::No,
        }));
        named.and(operation.or(role))
    }

    fn operation(&self, operation: &Value) -> Truth {
        let service = text(operation, "serviceName").unwrap_or_default();
        if service == "*" {
            return Truth::Yes;
        }
        if service != self.service {
            return Truth::No;
        }
        let selectors = member(operation, "methodSelectors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Truth::any(selectors.iter().map(|selector| match (text(selector, "method"), text(selector, "permission")) {
            (Some(method), _) if method == "*" => Truth::Yes,
            (Some(method), _) => match self.world.context("method") {
                Some(mine) => yes(mine == method),
                None => {
                    self.world.ask(self.facts, "method", format!("whether the request calls the method {method}"), "--context method=…")
                }
            },
            (_, Some(permission)) => yes(permission == "*" || permission == self.world.request.permission.v1()),
            _ => Truth::No,
        }))
    }
}

/// `none of its 2 access levels and 1 ingress policy`; `no ingress policy`.
fn none_of(lists: &[(usize, &str)]) -> String {
    let plural = |count: usize, name: &str| match (count, name.strip_suffix('y')) {
        (1, _) => format!("{count} {name}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {name}s"),
    };
    let some: Vec<String> = lists.iter().filter(|(count, _)| *count > 0).map(|(count, name)| plural(*count, name)).collect();
    let names: Vec<&str> = lists.iter().map(|(_, name)| *name).collect();
    if some.is_empty() { format!("no {}", names.join(" or ")) } else { format!("none of its {}", some.join(" and ")) }
}

fn yes(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}
