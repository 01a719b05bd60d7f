//! Cloud Storage: access control lists, public access prevention, the bucket's IP filter, requester pays (N30-N36).
//!
//! docs.cloud.google.com/storage/docs: access-control/lists, uniform-bucket-level-access, public-access-prevention, ip-filtering-overview,
//! requester-pays.

use super::{
    Answer, BUCKET_IP_FILTER, PUBLIC_ACCESS_PREVENTION, REQUESTER_PAYS, STORAGE_ACL, Unread, ruling_of_grant, ruling_of_guard, whole,
};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::principals::{Member, Principal};
use crate::language::resources::FullName;
use crate::world::{World, doubt, elements, json, member, text, texts};
use iam_why_contract::{Doubt, Effect, Evidence, Kind, Lookup, Outcome, Place, Recorder, Ruling, Statement, Step, Test, Truth};
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

/// The settings of a bucket; `None` is not said.
struct Bucket {
    name: FullName,
    place: Place,
    uniform: Option<bool>,
    public_prevented: Option<Place>,
    requester_pays: Option<bool>,
    ip_filter: Option<Value>,
    prevention: Option<bool>,
    /// It says nothing of how access is configured, which the API always does.
    partial: bool,
}

/// The bucket of the request and its settings; `None` where they were not read.
fn bucket(world: &World<'_>) -> Option<Bucket> {
    let name = world.request.resource.bucket()?;
    let document = world.documents(documents::BUCKET, &name).into_iter().next()?;
    let value = json(document)?;
    // The REST shape, else the one that gcloud prints.
    let configuration = member(&value, "iamConfiguration");
    let uniform = configuration.and_then(|it| member(it, "uniformBucketLevelAccess")).and_then(|it| it.get("enabled"));
    let uniform = uniform.or_else(|| value.get("uniform_bucket_level_access"));
    let prevention = configuration.and_then(|it| text(it, "publicAccessPrevention")).or_else(|| text(&value, "publicAccessPrevention"));
    let pays = member(&value, "billing").and_then(|it| it.get("requesterPays")).or_else(|| value.get("requester_pays"));
    Some(Bucket {
        name,
        place: whole(&document.id),
        uniform: uniform.and_then(Value::as_bool),
        partial: configuration.is_none() && uniform.is_none() && prevention.is_none(),
        // `inherited` leaves it to the constraint.
        prevention: prevention.as_ref().map(|said| said == "enforced"),
        public_prevented: (prevention.as_deref() == Some("enforced")).then(|| prevention_place(&whole(&document.id), &value)),
        requester_pays: pays.and_then(Value::as_bool),
        ip_filter: member(&value, "ipFilter").filter(|filter| !filter.is_null()).cloned(),
    })
}

impl Bucket {
    /// Is uniform bucket-level access on?
    fn uniform(&self, world: &World<'_>, facts: &Facts) -> Truth {
        self.setting(world, "uniformBucketLevelAccess", self.uniform, facts)
    }

    /// One of its settings. A document without any was cut down by whoever wrote it.
    fn setting(&self, world: &World<'_>, member: &str, said: Option<bool>, facts: &Facts) -> Truth {
        if !self.partial {
            return world.setting(documents::BUCKET, &self.name, member, said, facts);
        }
        let shown = world.shown(&self.name);
        facts.truth(&format!("{} {}#{member}", documents::BUCKET, self.name), || Doubt {
            about: format!("{member} in the bucket's settings of {shown}"),
            needs: format!("gcloud storage buckets describe {shown} --raw: this document has no iamConfiguration"),
        })
    }
}

/// Where the bucket says that it is enforced, in the shape of REST or of gcloud.
fn prevention_place(bucket: &Place, value: &Value) -> Place {
    let names = ["publicAccessPrevention", "public_access_prevention"];
    let within = |value: &Value, place: Place| names.into_iter().find(|name| value.get(name).is_some()).map(|name| place.member(name));
    let nested = value.get("iamConfiguration").and_then(|inner| within(inner, bucket.member("iamConfiguration")));
    nested.or_else(|| within(value, bucket.clone())).unwrap_or_else(|| bucket.clone())
}

/// Is uniform bucket-level access known to be on? Without it bindings of the bucket take no conditions (N36).
pub(crate) fn is_uniform(world: &World<'_>) -> bool {
    bucket(world).is_some_and(|bucket| bucket.uniform == Some(true))
}

/// What the access control lists grant: to somebody they name, and to everybody.
#[derive(Debug)]
pub(crate) struct AclGrants {
    /// To somebody named.
    pub named: Truth,
    /// To everybody.
    pub public: Truth,
    /// What was compared.
    pub steps: Vec<Step>,
}

/// N30, N31: with uniform access off, access is what IAM or the lists grant.
pub(crate) fn acl<R: Recorder>(world: &World<'_>, facts: &Facts) -> AclGrants {
    let nothing =
        |note: &str| AclGrants { named: Truth::No, public: Truth::No, steps: acl_step::<R>(Truth::No, Vec::new(), Vec::new(), note) };
    let request = world.request;
    let Some(name) = request.resource.bucket().filter(|_| request.is_storage()) else { return nothing("") };
    let Some((list, wanted)) = needed(world, &name) else { return nothing("no access control list conveys this permission") };
    let bucket = bucket(world);
    match &bucket {
        Some(bucket) if bucket.uniform == Some(true) => return nothing("uniform bucket-level access is on: lists do not count"),
        Some(_) => {}
        None if world.gate(documents::BUCKET, &name, Unread::Matters, &Facts::default()).is_no() => return nothing(""),
        None => {
            let unread = facts.truth(&format!("lists of {name}"), || {
                doubt(documents::BUCKET, &world.shown(&name), world.outcome(documents::BUCKET, &name))
            });
            return AclGrants {
                named: unread,
                public: Truth::No,
                steps: acl_step::<R>(unread, Vec::new(), Vec::new(), "the bucket's settings were not read"),
            };
        }
    }
    let grants = listed::<R>(world, &list, wanted, facts);
    match bucket {
        Some(bucket) if !grants.named.or(grants.public).is_no() => grants.and(!bucket.uniform(world, facts)),
        _ => grants,
    }
}

impl AclGrants {
    /// The same where lists count, nothing where they do not.
    fn and(mut self, count: Truth) -> Self {
        (self.named, self.public) = (self.named.and(count), self.public.and(count));
        let any = self.named.or(self.public);
        self.steps.iter_mut().for_each(|step| step.ruling = ruling_of_grant(any));
        self
    }
}

/// What a list grants, were it to count.
fn listed<R: Recorder>(world: &World<'_>, list: &FullName, wanted: &[&str], facts: &Facts) -> AclGrants {
    let Some(document) = world.documents(documents::ACL, list).into_iter().next() else {
        let unread = match world.outcome(documents::ACL, list) {
            Some(Outcome::Absent | Outcome::Found) => Truth::No,
            outcome => facts.truth(&format!("lists of {list}"), || doubt(documents::ACL, &list.to_string(), outcome)),
        };
        return AclGrants { named: unread, public: Truth::No, steps: acl_step::<R>(unread, Vec::new(), Vec::new(), "") };
    };
    entries::<R>(world, document, wanted, facts)
}

fn entries<R: Recorder>(world: &World<'_>, document: &iam_why_contract::Document, wanted: &[&str], facts: &Facts) -> AclGrants {
    let value = json(document).unwrap_or_default();
    let empty = Vec::new();
    let list = elements(&value, &["items", "acl"]).unwrap_or(&empty);
    let (mut named, mut public) = (Truth::No, Truth::No);
    let mut statements = Vec::new();
    for (at, entry) in list.iter().enumerate() {
        let entity = text(entry, "entity").unwrap_or_default();
        let role = text(entry, "role").unwrap_or_default();
        let suffices = if wanted.contains(&role.as_str()) { Truth::Yes } else { Truth::No };
        let everybody = matches!(entity.as_str(), "allUsers" | "allAuthenticatedUsers");
        let covers = if suffices.is_no() && !R::KEEPS { Truth::No } else { entity_covers(world, &entity, facts) };
        let side = if everybody { &mut public } else { &mut named };
        *side = (*side).or(suffices.and(covers));
        if R::KEEPS {
            let place = whole(&document.id).element(at);
            let tests = vec![
                Test::new(place.member("role"), "action", role.clone(), world.request.permission.v1(), suffices),
                Test::new(place.member("entity"), "principal", entity.clone(), world.request.principal.v1(), covers),
            ];
            statements.push(Statement {
                place,
                label: format!("{entity} {role}").into(),
                effect: Effect::Allow,
                applies: suffices.and(covers),
                tests,
            });
        }
    }
    let steps = acl_step::<R>(named.or(public), vec![document.id.to_string()], statements, "");
    AclGrants { named, public, steps }
}

fn acl_step<R: Recorder>(grants: Truth, documents: Vec<String>, statements: Vec<Statement>, note: &str) -> Vec<Step> {
    if !R::KEEPS || (documents.is_empty() && note.is_empty()) {
        return Vec::new();
    }
    let ruling = if documents.is_empty() && grants.is_no() { Ruling::Inapplicable } else { ruling_of_grant(grants) };
    vec![Step { layer: STORAGE_ACL, subject: String::new(), ruling, needed: false, documents, statements, note: note.into() }]
}

/// Which list has to convey the permission, and which of its roles do (N31).
fn needed(world: &World<'_>, bucket: &FullName) -> Option<(FullName, &'static [&'static str])> {
    let on_bucket: &[&str] = match world.request.permission.v1() {
        "storage.objects.list" | "storage.buckets.get" | "storage.multipartUploads.list" => &["READER", "WRITER", "OWNER"],
        "storage.objects.create" | "storage.objects.delete" | "storage.multipartUploads.create" | "storage.multipartUploads.abort" => {
            &["WRITER", "OWNER"]
        }
        "storage.buckets.update" | "storage.buckets.getIamPolicy" | "storage.buckets.setIamPolicy" => &["OWNER"],
        _ => &[],
    };
    if !on_bucket.is_empty() {
        return Some((bucket.clone(), on_bucket));
    }
    world.request.resource.object()?;
    match world.request.permission.v1() {
        "storage.objects.get" => Some((world.request.resource.clone(), &["READER", "OWNER"])),
        "storage.objects.getIamPolicy" | "storage.objects.setIamPolicy" | "storage.objects.update" => {
            Some((world.request.resource.clone(), &["OWNER"]))
        }
        _ => None,
    }
}

fn entity_covers(world: &World<'_>, entity: &str, facts: &Facts) -> Truth {
    let member = match entity.split_once('-') {
        None => Member::v1(entity),
        Some(("user", email)) => match &world.request.principal {
            Principal::ServiceAccount(_) => Member::ServiceAccount(email.into()),
            _ => Member::User(email.into()),
        },
        Some(("group", email)) => Member::Group(email.into()),
        Some(("domain", domain)) => Member::Domain(domain.into()),
        Some(("project", rest)) => match rest.split_once('-') {
            Some(("owners", project)) => Member::Holders { role: "roles/owner", project: project.into() },
            Some(("editors", project)) => Member::Holders { role: "roles/editor", project: project.into() },
            Some(("viewers", project)) => Member::Holders { role: "roles/viewer", project: project.into() },
            _ => Member::Unreadable,
        },
        _ => Member::Unreadable,
    };
    world.covers(&member, facts)
}

/// N32: is what is granted to everybody void?
pub(crate) fn public_access_prevented(world: &World<'_>, facts: &Facts) -> (Truth, Option<Place>) {
    let Some(name) = world.request.resource.bucket().filter(|_| world.request.is_storage()) else { return (Truth::No, None) };
    let bucket = bucket(world);
    if let Some(place) = bucket.as_ref().and_then(|bucket| bucket.public_prevented.clone()) {
        return (Truth::Yes, Some(place));
    }
    const CONSTRAINT: &str = "storage.publicAccessPrevention";
    let (constraint, place) = super::org_policy::enforced(world, CONSTRAINT, facts);
    let constraint = if constraint.is_no() {
        constraint
    } else {
        constraint.and(!super::org_policy::replaced(world, CONSTRAINT, place.as_ref(), facts))
    };
    if constraint.is_yes() {
        return (Truth::Yes, place);
    }
    let unread = match bucket {
        Some(bucket) => bucket.setting(world, "publicAccessPrevention", bucket.prevention, facts),
        None => world.gate(documents::BUCKET, &name, Unread::Matters, facts),
    };
    (constraint.or(unread), place)
}

/// The answer of public access prevention, given what is granted only because it is granted to everybody.
pub(crate) fn prevention(world: &World<'_>, only_public: Truth, prevented: Truth, place: Option<Place>, voided: Option<Place>) -> Answer {
    let answer = Answer::silent(PUBLIC_ACCESS_PREVENTION).holding(only_public.and(prevented));
    let Some(place) = place.filter(|_| answer.holds.is_yes()) else { return answer };
    let says = format!(
        "{} is granted only to everybody, and public access prevention voids such grants on {}",
        world.request.permission.v1(),
        world.shown(&world.request.resource)
    );
    let documents = vec![place.document.to_string()];
    let answer = answer.noting(Ruling::Deny, "enforced", documents);
    let mut answer = answer.finding(&findings::PUBLIC_ACCESS_PREVENTED, says, Evidence::Place(place), "the administrators of the bucket");
    answer.findings.iter_mut().for_each(|finding| finding.related.extend(voided.clone()));
    answer
}

/// N34
pub(crate) fn ip_filter<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(BUCKET_IP_FILTER);
    let Some(name) = world.request.resource.bucket().filter(|_| world.request.is_storage()) else { return answer };
    let Some(bucket) = bucket(world) else {
        return answer.holding(world.gate(documents::BUCKET, &name, Unread::Matters, facts));
    };
    let mode = bucket.ip_filter.as_ref().and_then(|filter| text(filter, "mode"));
    if mode.is_none() {
        // Who may read a bucket's settings need not be shown its filter.
        let refused = world.gate(documents::BUCKET, &name, Unread::OnlyIfRefused, facts);
        return answer.holding(refused.or(world.hidden_truth(documents::BUCKET, &name, IP_FILTER, facts)));
    }
    let Some(filter) = bucket.ip_filter.filter(|_| mode.as_deref() == Some("Enabled")) else { return answer };
    let sources = ["publicNetworkSource", "vpcNetworkSources"].iter().any(|name| member(&filter, name).is_some_and(|it| !it.is_null()));
    if !sources && !spares(world, &filter) {
        // A list of buckets shows the mode of a filter and nothing more of it.
        let shown = world.shown(&name);
        let open = facts.truth(&format!("{} {name}#{IP_FILTER}", documents::BUCKET), || Doubt {
            about: format!("which networks the IP filter of {shown} admits"),
            needs: "storage.buckets.getIpFilter: the filter is on, and what was read does not show its sources".into(),
        });
        return answer.holding(open);
    }
    let admitted = admitted(world, &filter, facts);
    let admitted = if admitted.is_yes() { admitted } else { admitted.or(exempt(world, &name, facts)) };
    let answer = answer.holding(!admitted);
    if !R::KEEPS {
        return answer;
    }
    let place = bucket.place.member("ipFilter");
    let documents = vec![place.document.to_string()];
    let answer = answer.noting(ruling_of_guard(!admitted), "the filter is enabled", documents);
    if !admitted.is_no() {
        return answer;
    }
    let says =
        format!("the IP filter of {} does not admit {}", world.shown(&name), world.context("source.ip").unwrap_or("the caller's network"));
    answer.finding(&findings::IP_FILTER, says, Evidence::Place(place), "the administrators of the bucket")
}

/// How an IP filter is called in the settings of its bucket.
pub(crate) const IP_FILTER: &str = "ipFilter";

/// A filter may leave service agents alone.
fn spares(world: &World<'_>, filter: &Value) -> bool {
    let agents = member(filter, "allowAllServiceAgentAccess").and_then(Value::as_bool) == Some(true);
    agents && world.request.principal.email().is_some_and(|email| world.is_agent(email))
}

/// Was a bucket's IP filter neither shown nor looked for by anybody who may see it?
pub(crate) fn filter_may_be_hidden(world: &World<'_>) -> bool {
    let Some(bucket) = bucket(world).filter(|_| world.request.is_storage()) else { return false };
    let looked =
        world.spellings(&bucket.name).iter().any(|name| world.snapshot.noted(documents::BUCKET, &format!("{name}#{IP_FILTER}")).is_some());
    bucket.ip_filter.is_none() && !looked
}

fn admitted(world: &World<'_>, filter: &Value, facts: &Facts) -> Truth {
    if spares(world, filter) {
        return Truth::Yes;
    }
    let Some(ip) = world.context("source.ip").and_then(|ip| ip.parse::<IpAddr>().ok()) else {
        return world.ask(facts, "source.ip", "the address that the request comes from", "--context source.ip=…");
    };
    let within = |source: &Value| texts(source, "allowedIpCidrRanges").unwrap_or_default().iter().any(|range| contains(range, ip));
    let networks = member(filter, "vpcNetworkSources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match world.context("source.network") {
        Some(mine) => {
            yes(networks.iter().any(|source| text(source, "network").is_some_and(|network| same_network(&network, mine)) && within(source)))
        }
        None if member(filter, "publicNetworkSource").is_some_and(within) => Truth::Yes,
        None if networks.iter().any(within) => world.ask(
            facts,
            "source.network",
            "the VPC network that the request comes from",
            "--context source.network=projects/P/global/networks/N",
        ),
        None => Truth::No,
    }
}

/// Three operations on the bucket itself are not filtered for whoever holds a permission of its own.
///
/// docs.cloud.google.com/storage/docs/bypass-ip-filter.
fn exempt(world: &World<'_>, bucket: &FullName, facts: &Facts) -> Truth {
    if !matches!(world.request.permission.v1(), "storage.buckets.get" | "storage.buckets.update" | "storage.buckets.delete") {
        return Truth::No;
    }
    let request = world.request.also("storage.buckets.exemptFromIpFilter", bucket.clone());
    request.map_or(Truth::No, |request| super::project::authorized(world, &request, facts))
}

/// Does the range contain the address? Ranges are CIDR blocks or single addresses.
pub(crate) fn contains(range: &str, ip: IpAddr) -> bool {
    range.parse::<IpNet>().map_or_else(|_| range.parse::<IpAddr>().is_ok_and(|one| one == ip), |net| net.contains(&ip))
}

/// Do both name one VPC network, be it by a self link, a full name, `projects/P/global/networks/N`, or its last part alone?
pub(crate) fn same_network(one: &str, two: &str) -> bool {
    let relative = |name: &str| name.find("projects/").and_then(|at| name.get(at..)).unwrap_or(name).to_owned();
    let (one, two) = (relative(one), relative(two));
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with("/networks/"));
    one.contains("/networks/") && (one == two || ends(&one, &two))
}

fn yes(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

/// N33
pub(crate) fn requester_pays<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(REQUESTER_PAYS);
    let Some(name) = world.request.resource.bucket().filter(|_| world.request.is_storage()) else { return answer };
    let Some(bucket) = bucket(world) else {
        return answer.holding(world.gate(documents::BUCKET, &name, Unread::Matters, facts));
    };
    let pays = bucket.setting(world, "requesterPays", bucket.requester_pays, facts);
    if pays.is_no() {
        return answer;
    }
    // The header X-Goog-User-Project names the project to bill just as userProject does.
    let named = world.request.context.get("user_project");
    let named = if matches!(named, Lookup::Known(_)) { named } else { or_quota_project(world, named) };
    let mut answer = match named {
        Lookup::Known(values) => billed_to::<R>(world, values.first().map_or("", String::as_str), facts, answer),
        Lookup::Absent => unbilled::<R>(world, facts, answer, &bucket.place),
        Lookup::NotKnown => {
            let holds = world.ask(
                facts,
                "user_project",
                "which project the call names as the one to bill (userProject)",
                "--context user_project=PROJECT, or user_project! for none",
            );
            answer.holding(holds)
        }
    };
    answer.holds = answer.holds.and(pays);
    if !answer.holds.is_yes() {
        answer.findings.clear();
    }
    answer
}

fn or_quota_project<'w>(world: &'w World<'_>, otherwise: Lookup<'w>) -> Lookup<'w> {
    match world.request.context.get("quota_project") {
        known @ Lookup::Known(_) => known,
        _ => otherwise,
    }
}

fn billed_to<R: Recorder>(world: &World<'_>, project: &str, facts: &Facts, answer: Answer) -> Answer {
    let answer = Answer { kind: Kind::MissingGrant, ..answer };
    super::project::usable::<R>(world, project, facts, answer, &findings::USER_PROJECT_DENIED)
}

fn unbilled<R: Recorder>(world: &World<'_>, facts: &Facts, answer: Answer, place: &Place) -> Answer {
    let owner = world.project_node();
    let also = owner.and_then(|project| world.request.also("resourcemanager.projects.createBillingAssignment", project));
    let holds = match also {
        Some(request) => !super::project::authorized(world, &request, facts),
        None => world.ask(
            facts,
            "bucket's project",
            "which project the bucket is in, and whether the caller may have it billed",
            "its projectNumber",
        ),
    };
    let answer = answer.holding(holds);
    if !R::KEEPS || !holds.is_yes() {
        return answer;
    }
    let says = format!("{} makes the requester pay, and the call names no project to bill", world.shown(&world.request.resource));
    let place = place.member("billing").member("requesterPays");
    let documents = vec![place.document.to_string()];
    answer.noting(Ruling::Deny, "the requester pays", documents).finding(
        &findings::REQUESTER_PAYS,
        says,
        Evidence::Place(place),
        "the caller: name a project with userProject",
    )
}
