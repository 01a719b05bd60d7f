//! Network rules: they come on top of authorization (X-15: "Configure Azure Storage firewalls"). Other services than storage and vaults
//! keep theirs in the same shapes.

use crate::documents;
use crate::layers::{Asked, Fact, Look, shared_key, statement};
use crate::request::Target;
use crate::scope::Scope;
use crate::world::{Body, PrincipalType};
use iam_why_contract::{Document, Effect, Lookup, Place, Recorder, Test, Truth};
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

/// The id of the layer.
pub(crate) const ID: &str = "network";

/// A service whose data is reached through network rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    /// The type of the resource that has the rules.
    pub(crate) kind: &'static str,
    /// The document that holds it.
    pub(crate) document: &'static str,
    /// How the rules are kept.
    pub(crate) kept: Kept,
}

/// How a service keeps its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In `networkAcls` or `networkRuleSet`, with a default action.
    DefaultAction,
    /// In lists that let in whoever they name, and everybody as long as they are empty.
    Entries,
    /// In a resource of its own, `networkRuleSets/default`. Without any rule everybody gets in, whatever the default action is
    /// ("Allow access to Azure Event Hubs namespaces from specific IP addresses").
    Below,
    /// There is only the switch for public access.
    Switch,
}

/// The services of which the shape is documented: their resource manager template references.
pub(crate) const SERVICES: [Service; 13] = [
    Service { kind: STORAGE, document: documents::STORAGE_ACCOUNT, kept: Kept::DefaultAction },
    Service { kind: "Microsoft.KeyVault/vaults", document: documents::KEY_VAULT, kept: Kept::DefaultAction },
    Service { kind: "Microsoft.CognitiveServices/accounts", document: documents::RESOURCE, kept: Kept::DefaultAction },
    Service { kind: REGISTRY, document: documents::RESOURCE, kept: Kept::DefaultAction },
    Service { kind: "Microsoft.DocumentDB/databaseAccounts", document: documents::RESOURCE, kept: Kept::Entries },
    Service { kind: "Microsoft.Search/searchServices", document: documents::RESOURCE, kept: Kept::Entries },
    Service { kind: "Microsoft.EventGrid/topics", document: documents::RESOURCE, kept: Kept::Entries },
    Service { kind: "Microsoft.EventGrid/domains", document: documents::RESOURCE, kept: Kept::Entries },
    Service { kind: "Microsoft.EventGrid/namespaces", document: documents::RESOURCE, kept: Kept::Entries },
    Service { kind: "Microsoft.ServiceBus/namespaces", document: documents::RESOURCE, kept: Kept::Below },
    Service { kind: "Microsoft.EventHub/namespaces", document: documents::RESOURCE, kept: Kept::Below },
    Service { kind: "Microsoft.AppConfiguration/configurationStores", document: documents::RESOURCE, kept: Kept::Switch },
    Service { kind: "Microsoft.OperationalInsights/workspaces", document: documents::RESOURCE, kept: Kept::Switch },
];

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const REGISTRY: &str = "Microsoft.ContainerRegistry/registries";

/// Actions of a registry that docker and its like send to the registry itself, although they are none of the data plane.
const REGISTRY_ACTIONS: [&str; 4] = ["pull/read", "push/write", "artifacts/delete", "sign/write"];

/// Do the network rules refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Deny);
    for service in SERVICES {
        let reaches = reaches(asked, service.kind);
        if reaches.is_no() {
            continue;
        }
        let Some(resource) = asked.resource(service.kind) else {
            if asked.has_none(service.document) {
                return unbound;
            }
            let name = asked.access.target.text().unwrap_or_else(|| "the resource".to_owned());
            return Look::new(ID, Effect::Deny, reaches.and(unread(asked, service, &name)));
        };
        return of::<R>(asked, service, &resource, reaches);
    }
    unbound
}

/// Does the request go to resources of this type themselves, and not to Resource Manager?
fn reaches(asked: &Asked<'_>, kind: &str) -> Truth {
    // Control-plane actions that were asked for by a URL of the data plane go through the firewall too.
    let by_url = matches!(asked.access.target, Target::Below { kind: below, .. } if below == kind);
    let action = asked.access.action.to_ascii_lowercase();
    let docker = || kind == REGISTRY && is_docker(&action);
    // What goes to topics and domains is named after neither.
    let event = kind.starts_with("Microsoft.EventGrid/") && action.starts_with("microsoft.eventgrid/") && asked.resource(kind).is_some();
    let keyed = kind == STORAGE && shared_key::counts(asked);
    match (by_url || keyed || docker(), event) {
        (true, _) => Truth::Yes,
        (false, true) => asked.is_data(),
        (false, false) => asked.data_of(kind),
    }
}

/// Is it an action of a registry that is no request to Resource Manager?
pub(crate) fn is_docker(action: &str) -> bool {
    REGISTRY_ACTIONS.iter().any(|name| action.eq_ignore_ascii_case(&format!("{REGISTRY}/{name}")))
}

fn of<R: Recorder>(asked: &Asked<'_>, service: Service, resource: &Scope, reaches: Truth) -> Look {
    if service.kept != Kept::Below {
        return by_document::<R>(asked, service, resource, reaches);
    }
    // The namespace has the switch, the rules have a document of their own; either can close it.
    let namespace = by_document::<R>(asked, Service { kept: Kept::Switch, ..service }, resource, reaches);
    if namespace.truth.is_yes() {
        return namespace;
    }
    let rules = by_document::<R>(asked, service, &Scope::new(&format!("{resource}/networkRuleSets/default")), reaches);
    if rules.truth >= namespace.truth { rules } else { namespace }
}

fn by_document<R: Recorder>(asked: &Asked<'_>, service: Service, resource: &Scope, reaches: Truth) -> Look {
    match asked.fact(service.document, resource.text()) {
        Fact::Absent => Look::unbound(ID, Effect::Deny),
        Fact::NotRead => Look::new(ID, Effect::Deny, reaches.and(unread(asked, service, resource.text()))),
        Fact::Read(document, value) => {
            let rules = Rules::new(document, &value, service);
            let truth = reaches.and(rules.refuse(asked));
            let mut look = Look::new(ID, Effect::Deny, truth);
            look.binds = !truth.is_no();
            if R::KEEPS && look.binds {
                let (place, wanted) = rules.evidence();
                let test = Test::new(place.clone(), "network", wanted, client(asked), truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

fn unread(asked: &Asked<'_>, service: Service, subject: &str) -> Truth {
    if service.document != documents::RESOURCE {
        return asked.unread(service.document, subject, "network");
    }
    let of = if subject.ends_with("/networkRuleSets/default") { "/networkRuleSets" } else { "" };
    let about = format!("the network rules of {subject}, which were not read");
    asked.ask(&format!("unread network {subject}"), about, format!("{}{of}/read", service.kind))
}

/// The resource whose rules they are.
pub(crate) fn resource_name(asked: &Asked<'_>) -> String {
    let resource = SERVICES.iter().find_map(|service| asked.resource(service.kind));
    resource.map_or_else(|| "the resource".to_owned(), |resource| resource.name().to_owned())
}

/// From where the call comes, in words.
fn client(asked: &Asked<'_>) -> String {
    let said = [asked.request.value("clientIp"), asked.request.value("subnet")];
    let known: Vec<&str> = said.into_iter().flatten().collect();
    if known.is_empty() { "not known".to_owned() } else { known.join(", ") }
}

struct Rules<'v> {
    document: &'v Document,
    body: Body<'v>,
    kept: Kept,
    /// The name of the object that holds the lists; `None` where they stand among the resource's own members.
    inside: Option<&'static str>,
}

/// The switch for public access, under every name that it has.
const PUBLIC: [&str; 2] = ["publicNetworkAccess", "publicNetworkAccessForQuery"];

/// Lists of addresses, under every name that they have.
const ADDRESSES: [&str; 2] = ["ipRules", "inboundIpRules"];

impl<'v> Rules<'v> {
    fn new(document: &'v Document, value: &'v Value, service: Service) -> Self {
        let body = Body::new(value);
        // `az` renames networkAcls to networkRuleSet (F-29).
        let inside = ["networkAcls", "networkRuleSet"].into_iter().find(|name| body.get(name).is_some_and(Value::is_object));
        Self { document, body, kept: service.kept, inside }
    }

    fn public_is(&self, state: &str) -> bool {
        PUBLIC.iter().any(|name| self.body.text(name).is_some_and(|public| public.eq_ignore_ascii_case(state)))
    }

    /// Is public access off? App Configuration says so by having a private endpoint, unless it says otherwise ("Disable public access in
    /// Azure App Configuration", automatic).
    fn closed(&self) -> bool {
        let stated = self.public_is("Disabled");
        let silent = PUBLIC.iter().all(|name| self.body.text(name).is_none());
        let store = self.document.subject.to_ascii_lowercase().contains("/microsoft.appconfiguration/");
        stated || (store && silent && self.entries("privateEndpointConnections").next().is_some())
    }

    /// A member of the object that holds the rules, or of the resource.
    fn rule_member(&self, name: &str) -> Option<&'v Value> {
        let inner = self.inside.and_then(|inside| self.body.get(inside)).and_then(|rules| rules.get(name));
        inner.or_else(|| self.body.get(name))
    }

    fn entries(&self, name: &str) -> impl Iterator<Item = &'v Value> {
        self.rule_member(name).and_then(Value::as_array).into_iter().flatten()
    }

    fn addresses(&self) -> impl Iterator<Item = &'v Value> {
        ADDRESSES.iter().flat_map(|name| self.entries(name))
    }

    /// How many networks are let in.
    fn count(&self) -> usize {
        self.addresses().count() + self.entries("virtualNetworkRules").count()
    }

    fn denies_by_default(&self) -> bool {
        self.rule_member("defaultAction").and_then(Value::as_str).is_some_and(|action| action.eq_ignore_ascii_case("Deny"))
    }

    /// Does only what is listed get in?
    fn binds(&self) -> bool {
        match self.kept {
            Kept::DefaultAction => self.denies_by_default(),
            Kept::Below => self.denies_by_default() && self.count() > 0,
            Kept::Entries => self.count() > 0 || self.body.get("isVirtualNetworkFilterEnabled").and_then(Value::as_bool) == Some(true),
            Kept::Switch => false,
        }
    }

    fn evidence(&self) -> (Place, String) {
        let resource = Place::new(self.document.id.to_string(), self.body.pointer);
        if self.closed() {
            let name = PUBLIC.into_iter().find(|name| self.body.get(name).is_some()).unwrap_or("publicNetworkAccess");
            return (resource.member(name), "Disabled: only private endpoints".to_owned());
        }
        let place = self.inside.map_or_else(|| resource.clone(), |inside| resource.member(inside));
        let list = || ADDRESSES.into_iter().chain(["virtualNetworkRules"]).find(|name| self.entries(name).next().is_some());
        let name = if self.kept == Kept::Entries { list().unwrap_or("isVirtualNetworkFilterEnabled") } else { "defaultAction" };
        let wanted = match self.count() {
            1 => "Deny but for 1 network".to_owned(),
            count => format!("Deny but for {count} networks"),
        };
        (place.member(name), wanted)
    }

    fn refuse(&self, asked: &Asked<'_>) -> Truth {
        if self.public_is("SecuredByPerimeter") {
            let about = format!("whether the network security perimeter of {} lets the call in", self.document.title);
            return asked.ask(&format!("perimeter {}", self.document.id), about, "the access rules of the perimeter");
        }
        let closed = self.closed();
        if !closed && !self.binds() {
            return Truth::No;
        }
        if nothing_known(asked) {
            let about = format!("from which network the call comes: {} lets only some in", self.document.title);
            return asked.ask(
                &format!("network {}", self.document.id),
                about,
                "--context clientIp=ADDRESS, subnet=ID or '@Environment[isPrivateLink]=true'",
            );
        }
        let private = private_link(asked);
        let listed = || Truth::any([self.address(asked), self.subnet(asked), self.trusted(asked), self.data_centre(asked)]);
        !(if closed { private } else { private.or(listed()) })
    }

    fn address(&self, asked: &Asked<'_>) -> Truth {
        let Some(own) = asked.request.value("clientIp").and_then(|text| text.parse::<IpAddr>().ok()) else { return Truth::No };
        let rule = |rule: &Value| {
            let names = ["value", "ipAddressOrRange", "iPAddressOrRange", "ipMask"];
            let text = names.iter().find_map(|name| rule.get(name)).unwrap_or(rule);
            text.as_str().and_then(network).is_some_and(|network| network.contains(&own))
        };
        Truth::from(self.addresses().any(rule))
    }

    fn subnet(&self, asked: &Asked<'_>) -> Truth {
        let attribute = match asked.environment("Microsoft.Network/virtualNetworks/subnets") {
            Lookup::Known([subnet]) => Some(subnet.as_str()),
            _ => None,
        };
        let Some(own) = attribute.or_else(|| asked.request.value("subnet")) else { return Truth::No };
        let rule = |rule: &Value| {
            let subnet = rule.get("subnet").unwrap_or(rule);
            let id = subnet.get("id").or_else(|| rule.get("virtualNetworkResourceId")).and_then(Value::as_str);
            let state = rule.get("state").and_then(Value::as_str).unwrap_or("Succeeded");
            state.eq_ignore_ascii_case("Succeeded") && id.is_some_and(|id| Scope::new(id) == Scope::new(own))
        };
        Truth::from(self.entries("virtualNetworkRules").any(rule))
    }

    /// Resource instances and trusted Microsoft services come in whatever their address is; a person is neither.
    fn trusted(&self, asked: &Asked<'_>) -> Truth {
        let names = ["bypass", "networkAclBypass", "networkRuleBypassOptions"];
        let bypass = names.iter().find_map(|name| self.rule_member(name)?.as_str()).unwrap_or("None");
        let listed = ["resourceAccessRules", "networkAclBypassResourceIds"].iter().any(|name| self.entries(name).next().is_some());
        let enabled = self.rule_member("trustedServiceAccessEnabled").and_then(Value::as_bool) == Some(true);
        let spared = bypass.contains("AzureServices") || listed || enabled;
        if !spared || asked.caller.kind == PrincipalType::User {
            return Truth::No;
        }
        match asked.request.value("trustedService") {
            Some(said) => Truth::from(said.eq_ignore_ascii_case("true")),
            None => {
                let about = format!("whether the call comes from a service that {} trusts", self.document.title);
                asked.ask(&format!("trusted {}", self.document.id), about, "--context trustedService=true or false")
            }
        }
    }

    /// 0.0.0.0 in the list of Cosmos DB lets in what runs in public data centres of Azure ("Configure IP firewall in Azure Cosmos DB").
    fn data_centre(&self, asked: &Asked<'_>) -> Truth {
        let every = self.addresses().any(|rule| rule.get("ipAddressOrRange").and_then(Value::as_str) == Some("0.0.0.0"));
        if !every {
            return Truth::No;
        }
        let about = format!("whether the call comes from a data centre of Azure: {} lets those in", self.document.title);
        asked.ask(&format!("data centre {}", self.document.id), about, "where the caller runs")
    }
}

fn nothing_known(asked: &Asked<'_>) -> bool {
    let keys = ["clientIp", "subnet", "privateEndpoint"];
    let attributes = ["isPrivateLink", "Microsoft.Network/virtualNetworks/subnets", "Microsoft.Network/privateEndpoints"];
    keys.iter().all(|key| asked.request.said(key) == Lookup::NotKnown)
        && attributes.iter().all(|name| asked.environment(name) == Lookup::NotKnown)
}

/// A call through a private endpoint is not subject to the rules. One whose public address is known does not come through one.
fn private_link(asked: &Asked<'_>) -> Truth {
    match asked.environment("isPrivateLink") {
        Lookup::Known(values) => Truth::from(values.iter().any(|value| value.eq_ignore_ascii_case("true"))),
        _ => {
            let endpoint = matches!(asked.environment("Microsoft.Network/privateEndpoints"), Lookup::Known([_, ..]));
            Truth::from(endpoint || asked.request.value("privateEndpoint").is_some())
        }
    }
}

/// An address, or a network in prefix notation.
fn network(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
    let address: IpAddr = address.parse().ok()?;
    if prefix.is_empty() {
        return Some(IpNet::from(address));
    }
    let plain = prefix.len() < 4 && prefix.bytes().all(|digit| digit.is_ascii_digit());
    IpNet::new(address, prefix.parse().ok().filter(|_| plain)?).ok()
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_rule_is_an_address_or_a_network() {
        let holds = |rule: &str, address: &str| {
            network(rule).is_some_and(|network| network.contains(&address.parse::<std::net::IpAddr>().unwrap()))
        };
        assert!(holds("203.0.113.9", "203.0.113.9"));
        assert!(holds("203.0.113.0/24", "203.0.113.200"));
        assert!(!holds("203.0.113.0/24", "203.0.114.1"));
        assert!(network("203.0.113.0/+8").is_none() && network("0xcb007100/8").is_none());
    }
}
