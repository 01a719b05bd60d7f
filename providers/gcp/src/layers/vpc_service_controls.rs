//! VPC Service Controls: may the request cross the perimeters between its source and the project of the resource?
//!
//! docs.cloud.google.com/vpc-service-controls/docs/ingress-egress-rules; google/identity/accesscontextmanager/v1 (V1-V13).

use super::{Answer, Unread, VPC_SERVICE_CONTROLS, ruling_of_guard, storage, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::principals::{Member, Principal};
use crate::world::{RoleSays, World, elements, json, member, text, texts};
use iam_why_contract::{Doubt, Evidence, Lookup, Outcome, Place, Recorder, Truth};
use serde_json::Value;
use std::net::IpAddr;

/// Refuses a perimeter the request?
pub(crate) fn refuses<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(VPC_SERVICE_CONTROLS);
    // A project without an organization is in no perimeter.
    let Some(organization) = world.organization() else {
        let unknown = !world.path.complete && world.request.context.unmentioned(documents::PERIMETERS) == Lookup::NotKnown;
        let open = || world.ask(facts, "perimeters", "whether a service perimeter protects the resource", "gcloud projects get-ancestors");
        return if unknown && world.project_node().is_some() { answer.holding(open()) } else { answer };
    };
    let Some(document) = world.documents(documents::PERIMETERS, organization).into_iter().next() else {
        return answer.holding(world.gate(documents::PERIMETERS, organization, Unread::Matters, facts));
    };
    let value = json(document).unwrap_or_default();
    let empty = Vec::new();
    let list = elements(&value, &["servicePerimeters", "perimeters"]).unwrap_or(&empty);
    let perimeters: Vec<Perimeter<'_>> = list.iter().enumerate().map(|(at, value)| Perimeter::read(value, at)).collect();
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
    let answer = answer.noting(ruling_of_guard(refuses), note, vec![document.id.to_string()]);
    blame.into_iter().fold(answer, |answer, (at, rule)| {
        let Some(perimeter) = perimeters.get(at) else { return answer };
        let status = place(whole(&document.id), &value, perimeter.at).member("status");
        let (says, place) = crossing(&service).report(perimeter, rule, &status);
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

fn place(whole: Place, value: &Value, at: usize) -> Place {
    let names = ["servicePerimeters", "perimeters"];
    let list = names.into_iter().find(|name| value.get(name).is_some()).map_or_else(|| whole.clone(), |name| whole.member(name));
    list.element(at)
}

struct Perimeter<'v> {
    at: usize,
    name: String,
    bridge: bool,
    status: Option<&'v Value>,
}

impl<'v> Perimeter<'v> {
    /// V3: `status` is enforced, `spec` only counts for logging.
    fn read(value: &'v Value, at: usize) -> Self {
        let bridge = text(value, "perimeterType").as_deref() == Some("PERIMETER_TYPE_BRIDGE");
        Self { at, name: text(value, "name").unwrap_or_default(), bridge, status: value.get("status") }
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.status.and_then(|status| texts(status, name)).unwrap_or_default()
    }

    fn policies(&self, name: &str) -> &'v [Value] {
        self.status.and_then(|status| member(status, name)).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn restricts(&self, service: &str) -> bool {
        self.list("restrictedServices").iter().any(|name| name == service || name == "*")
    }
}

/// Where a request comes from, if neither its project nor its network is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// From outside of Google Cloud.
    Internet,
    /// From within the perimeter of the resource.
    Inside,
    /// From a network in no perimeter.
    Network,
    /// From within a perimeter that keeps it in, where there is one.
    Kept,
    /// It may come from anywhere.
    Open,
}

/// One request on its way across perimeters.
struct Crossing<'c> {
    world: &'c World<'c>,
    facts: &'c Facts,
    perimeters: &'c [Perimeter<'c>],
    /// The API that is called.
    service: String,
}

impl Crossing<'_> {
    /// V4, and the perimeter that refuses.
    fn refuses(&self) -> (Truth, Vec<(usize, Rule)>) {
        let Some(project) = self.world.project_node() else { return (Truth::No, Vec::new()) };
        let service = self.service.as_str();
        let target = self.regular_of(&project.path).filter(|perimeter| perimeter.restricts(service));
        let source_project = self.world.context("source.project").map(str::to_owned);
        let maybe = [Some(project.path.as_str()), source_project.as_deref()].into_iter().flatten().find_map(|name| self.maybe_of(name));
        if let Some(perimeter) = maybe {
            let about = format!("whether the perimeter {} holds {}", perimeter.name, project.path);
            return (self.world.ask(self.facts, "perimeter's projects", about, "gcloud projects describe: its number"), Vec::new());
        }
        let network = self.world.context("source.network");
        let source = source_project.as_deref().and_then(|source| self.regular_of(source));
        let source = source.or_else(|| network.and_then(|network| self.holding_network(network)));
        if let Some(unreachable) = self.not_accessible(source, service) {
            return (unreachable, source.map(|perimeter| (perimeter.at, Rule::Accessible)).into_iter().collect());
        }
        if let (Some(one), Some(two)) = (source, self.regular_of(&project.path))
            && one.at == two.at
        {
            return (Truth::No, Vec::new());
        }
        if source_project.as_deref().is_some_and(|source| self.bridged(source, &project.path)) {
            return (Truth::No, Vec::new());
        }
        let told = if source_project.is_some() || network.is_some() { Some(Origin::Network) } else { self.told() };
        let keeps = |perimeter: &Perimeter<'_>| !perimeter.bridge && self.keeps(perimeter, &project.path);
        let kept = told.is_none() && self.perimeters.iter().any(keeps);
        let origin = told.unwrap_or_else(|| if target.is_some() || kept { self.asked() } else { Origin::Network });
        let inward = target.map_or(Truth::No, |perimeter| !self.admits(perimeter, source_project.as_deref(), origin));
        let outward = match (source, origin) {
            (Some(perimeter), _) if perimeter.restricts(service) => !self.lets_out(perimeter, &project.path),
            (None, Origin::Kept) if kept => Truth::Yes,
            (None, Origin::Open) if kept => Truth::Unknown,
            _ => Truth::No,
        };
        let inside = target.filter(|_| inward.is_yes()).map(|perimeter| (perimeter.at, Rule::Inward));
        let outside = source.filter(|_| outward.is_yes()).map(|perimeter| (perimeter.at, Rule::Outward));
        (inward.or(outward), inside.into_iter().chain(outside).collect())
    }

    /// What is said of the perimeter that refuses, and where it stands.
    fn report(&self, perimeter: &Perimeter<'_>, rule: Rule, status: &Place) -> (String, Place) {
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

    /// V2
    fn regular_of(&self, project: &str) -> Option<&Perimeter<'_>> {
        let holds =
            |perimeter: &&Perimeter<'_>| perimeter.list("resources").iter().any(|name| self.world.same_node(name, project).is_yes());
        self.perimeters.iter().filter(|perimeter| !perimeter.bridge).find(holds)
    }

    /// A perimeter that may hold the project: perimeters name projects by number, and the number is not known.
    fn maybe_of(&self, project: &str) -> Option<&Perimeter<'_>> {
        if self.regular_of(project).is_some() {
            return None;
        }
        let holds = |perimeter: &&Perimeter<'_>| {
            perimeter.list("resources").iter().any(|name| name.starts_with("projects/") && self.world.same_node(name, project).is_unknown())
        };
        self.perimeters.iter().filter(|perimeter| !perimeter.bridge).find(holds)
    }

    /// V2: a VPC network may be in a perimeter by itself.
    fn holding_network(&self, network: &str) -> Option<&Perimeter<'_>> {
        let holds = |perimeter: &&Perimeter<'_>| {
            let networks = perimeter.list("resources").into_iter().filter(|name| name.contains("/networks/"));
            networks.into_iter().any(|name| name.ends_with(network))
        };
        self.perimeters.iter().filter(|perimeter| !perimeter.bridge).find(holds)
    }

    fn bridged(&self, one: &str, two: &str) -> bool {
        self.perimeters.iter().filter(|perimeter| perimeter.bridge).any(|bridge| {
            let resources = bridge.list("resources");
            let holds = |project: &str| resources.iter().any(|name| self.world.same_node(name, project).is_yes());
            holds(one) && holds(two)
        })
    }

    /// V8: networks inside a perimeter may reach the allowed services only.
    fn not_accessible(&self, source: Option<&Perimeter<'_>>, service: &str) -> Option<Truth> {
        self.world.context("source.network")?;
        self.bars(source?, service).then_some(Truth::Yes)
    }

    /// Would the perimeter keep in what starts within it, if it does?
    fn keeps(&self, perimeter: &Perimeter<'_>, project: &str) -> bool {
        let service = self.service.as_str();
        let other = self.regular_of(project).is_none_or(|own| own.at != perimeter.at);
        let unbridged = || perimeter.list("resources").iter().any(|inside| !self.bridged(inside, project));
        let kept = || unbridged() && !self.lets_out(perimeter, project).is_yes();
        (other && perimeter.restricts(service) && kept()) || self.bars(perimeter, service)
    }

    fn bars(&self, perimeter: &Perimeter<'_>, service: &str) -> bool {
        self.inaccessible(perimeter, service).unwrap_or(false)
    }

    fn inaccessible(&self, perimeter: &Perimeter<'_>, service: &str) -> Option<bool> {
        let accessible = member(perimeter.status?, "vpcAccessibleServices")?;
        if member(accessible, "enableRestriction").and_then(Value::as_bool) != Some(true) {
            return None;
        }
        let allowed = texts(accessible, "allowedServices").unwrap_or_default();
        let restricted = perimeter.list("restrictedServices");
        let named = allowed
            .iter()
            .any(|name| name == service || (name == "RESTRICTED-SERVICES" && restricted.iter().any(|other| other == service)));
        Some(!named)
    }

    /// V4, V5: access levels admit what comes from the internet; anything may come in by an ingress policy.
    fn admits(&self, perimeter: &Perimeter<'_>, source: Option<&str>, origin: Origin) -> Truth {
        let ingress = Truth::any(perimeter.policies("ingressPolicies").iter().map(|policy| self.ingress(policy, source, origin)));
        if ingress.is_yes() {
            return Truth::Yes;
        }
        let levels = || Truth::any(perimeter.list("accessLevels").iter().map(|level| self.holds(level)));
        ingress.or(match origin {
            Origin::Internet => levels(),
            Origin::Inside => Truth::Yes,
            Origin::Network | Origin::Kept => Truth::No,
            Origin::Open => levels().or(Truth::Unknown),
        })
    }

    /// Is it told that the request comes from the internet?
    fn told(&self) -> Option<Origin> {
        let context = &self.world.request.context;
        let address = || self.world.context("source.ip").is_some() || context.get("source.project") == Lookup::Absent;
        let internet = match self.world.context("source.kind") {
            Some(_) => !self.is_from_a_network(),
            None => address() && !context.is_said_not_to_be_known("source.kind"),
        };
        internet.then_some(Origin::Internet)
    }

    fn is_from_a_network(&self) -> bool {
        matches!(self.world.context("source.kind"), Some("project" | "vpc" | "network"))
    }

    /// Nobody told where the request comes from: it may come from within the perimeter, or from one that keeps it in.
    fn asked(&self) -> Origin {
        let way = self.facts.way("source", 4, || Doubt {
            about: "where the request comes from: the internet, or a network of which project".into(),
            needs: "--context source.kind=internet --context source.ip=…, or --context source.project=projects/NUMBER".into(),
        });
        match way {
            None => Origin::Open,
            Some(0) if !self.is_from_a_network() => Origin::Internet,
            Some(0 | 1) => Origin::Inside,
            Some(2) => Origin::Network,
            Some(_) => Origin::Kept,
        }
    }

    /// V9
    fn holds(&self, level: &str) -> Truth {
        let stated = self.world.request.context.entries.contains_key("source.access_levels");
        let given = self.world.request.context.get("source.access_levels");
        if let Lookup::Known(held) = given {
            return yes(held.iter().any(|name| name == level));
        }
        let defined = self
            .world
            .organization()
            .and_then(|organization| self.world.documents(documents::ACCESS_LEVELS, organization).into_iter().next());
        let value = defined.and_then(json).unwrap_or_default();
        let known = elements(&value, &["accessLevels"])
            .and_then(|levels| levels.iter().find(|entry| text(entry, "name").as_deref() == Some(level)));
        // Levels that nobody mentioned follow from their definition; without one, absent is absent.
        let unread = self.world.organization().and_then(|organization| self.world.outcome(documents::ACCESS_LEVELS, organization));
        let unread = matches!(unread, Some(Outcome::Refused { .. } | Outcome::NotTried { .. }));
        if given == Lookup::Absent && (stated || (known.is_none() && !unread)) {
            return Truth::No;
        }
        let holds = known.map_or(Truth::Unknown, |level| self.basic(level));
        if holds.is_unknown() {
            return self.world.ask(
                self.facts,
                &format!("access level {level}"),
                format!("whether the request meets the access level {level}"),
                "--context source.access_levels=…",
            );
        }
        holds
    }

    fn basic(&self, level: &Value) -> Truth {
        let Some(basic) = level.get("basic") else { return Truth::Unknown };
        let any = member(basic, "combiningFunction").and_then(Value::as_str) == Some("OR");
        let conditions = basic.get("conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let each = conditions.iter().map(|condition| self.condition(condition));
        if any { Truth::any(each) } else { Truth::all(each) }
    }

    fn condition(&self, condition: &Value) -> Truth {
        let ip = self.world.context("source.ip").and_then(|ip| ip.parse::<IpAddr>().ok());
        let mut all = Truth::Yes;
        if let Some(ranges) = texts(condition, "ipSubnetworks").filter(|ranges| !ranges.is_empty()) {
            all = all.and(ip.map_or(Truth::Unknown, |ip| yes(ranges.iter().any(|range| storage::contains(range, ip)))));
        }
        if let Some(people) = texts(condition, "members").filter(|people| !people.is_empty()) {
            all = all.and(Truth::any(people.iter().map(|written| self.world.covers(&Member::v1(written), self.facts))));
        }
        for other in texts(condition, "requiredAccessLevels").unwrap_or_default() {
            all = all.and(if self.world.context("source.access_levels").is_some() { self.holds(&other) } else { Truth::Unknown });
        }
        let unmodelled = ["devicePolicy", "regions", "vpcNetworkSources"]
            .iter()
            .any(|name| member(condition, name).is_some_and(|value| !value.is_null()));
        let all = if unmodelled { all.and(Truth::Unknown) } else { all };
        if condition.get("negate").and_then(Value::as_bool) == Some(true) { !all } else { all }
    }

    /// V6
    fn ingress(&self, policy: &Value, source: Option<&str>, origin: Origin) -> Truth {
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
        identity.and(to).and(self.comes_from(from, source, origin))
    }

    fn comes_from(&self, from: &Value, source: Option<&str>, origin: Origin) -> Truth {
        let sources = member(from, "sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if sources.is_empty() {
            // V6, Q11
            let needs = "a test with the live service: the documentation and one measurement differ";
            return self.world.ask(self.facts, "empty sources", "whether an ingress policy without sources admits a request", needs);
        }
        Truth::any(sources.iter().map(|entry| match (text(entry, "accessLevel"), text(entry, "resource")) {
            (Some(level), _) if level == "*" => Truth::Yes,
            (Some(level), _) => self.holds(&level),
            (_, Some(resource)) => match source {
                Some(project) => yes(self.world.same_node(&resource, project).is_yes()),
                None if self.world.context("source.network").is_some_and(|network| resource.ends_with(network)) => Truth::Yes,
                None if matches!(origin, Origin::Internet | Origin::Inside) => Truth::No,
                None => self.is_of(&resource),
            },
            _ => Truth::No,
        }))
    }

    /// Does the network that the request comes from belong to the project, as far as it is told?
    fn is_of(&self, project: &str) -> Truth {
        let network = self.world.context("source.network");
        let own = network.and_then(|network| network.split_once("projects/")?.1.split('/').next().map(|id| format!("projects/{id}")));
        let same = own.map_or(Truth::Unknown, |own| self.world.same_node(&own, project));
        if !same.is_unknown() {
            return same;
        }
        self.world.ask(
            self.facts,
            &format!("source {project}"),
            format!("whether the request comes from {project}"),
            "--context source.project=projects/NUMBER",
        )
    }

    /// V7
    fn lets_out(&self, perimeter: &Perimeter<'_>, target: &str) -> Truth {
        let empty = Value::Null;
        Truth::any(perimeter.policies("egressPolicies").iter().map(|policy| {
            let from = member(policy, "egressFrom").unwrap_or(&empty);
            let restricted = text(from, "sourceRestriction").as_deref() == Some("SOURCE_RESTRICTION_ENABLED");
            let source = if restricted { self.comes_from(from, self.world.context("source.project"), Origin::Open) } else { Truth::Yes };
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
        if !resources.iter().any(|name| name == "*" || self.world.same_node(name, target).is_yes()) {
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
        operation.or(role)
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
