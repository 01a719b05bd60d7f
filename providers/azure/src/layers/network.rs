//! Network rules of storage accounts and vaults: they come on top of authorization (X-15: "Configure Azure Storage firewalls").

use crate::documents;
use crate::layers::{Asked, Fact, Look, statement};
use crate::request::Target;
use crate::scope::Scope;
use crate::world::{Body, PrincipalType};
use iam_why_contract::{Document, Effect, Lookup, Place, Recorder, Test, Truth};
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

/// The id of the layer.
pub(crate) const ID: &str = "network";

/// The resources with network rules that are known here.
const KINDS: [(&str, &str); 2] =
    [("Microsoft.Storage/storageAccounts", documents::STORAGE_ACCOUNT), ("Microsoft.KeyVault/vaults", documents::KEY_VAULT)];

/// Do the network rules refuse?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let unbound = Look::unbound(ID, Effect::Deny);
    for (kind, document) in KINDS {
        // Control-plane actions that were asked for by a URL of the data plane go through the firewall too.
        let by_url = matches!(asked.access.target, Target::Below { kind: below, .. } if below == kind);
        let reaches = if by_url { Truth::Yes } else { asked.data_of(kind) };
        if reaches.is_no() {
            continue;
        }
        let Some(resource) = asked.resource(kind) else {
            if asked.has_none(document) {
                return unbound;
            }
            let name = asked.access.target.text().unwrap_or_else(|| "the resource".to_owned());
            return Look::new(ID, Effect::Deny, reaches.and(asked.unread(document, &name, "network")));
        };
        return of(asked, document, &resource, reaches, R::KEEPS);
    }
    unbound
}

fn of(asked: &Asked<'_>, kind: &'static str, resource: &Scope, reaches: Truth, keeps: bool) -> Look {
    match asked.fact(kind, resource.text()) {
        Fact::Absent => Look::unbound(ID, Effect::Deny),
        Fact::NotRead => Look::new(ID, Effect::Deny, reaches.and(asked.unread(kind, resource.text(), "network"))),
        Fact::Read(document, value) => {
            let rules = Rules::new(document, &value);
            let truth = reaches.and(rules.refuse(asked));
            let mut look = Look::new(ID, Effect::Deny, truth);
            look.binds = !truth.is_no();
            if keeps && look.binds {
                let (place, wanted) = rules.evidence();
                let test = Test::new(place.clone(), "network", wanted, client(asked), truth);
                look = look.shown(statement(place, &document.title, Effect::Deny, truth, vec![test]));
            }
            look
        }
    }
}

/// From where the call comes, in words.
fn client(asked: &Asked<'_>) -> String {
    let said = [asked.request.value("clientIp"), asked.request.value("subnet")];
    let known: Vec<&str> = said.into_iter().flatten().collect();
    if known.is_empty() { "not known".to_owned() } else { known.join(", ") }
}

struct Rules<'v> {
    document: &'v Document,
    pointer: String,
    public: Option<&'v str>,
    public_pointer: &'static str,
    rules: Option<&'v Value>,
}

impl<'v> Rules<'v> {
    fn new(document: &'v Document, value: &'v Value) -> Self {
        let body = Body::new(value);
        // `az` renames networkAcls to networkRuleSet (F-29).
        let named = ["networkAcls", "networkRuleSet"].into_iter().find(|name| body.get(name).is_some_and(Value::is_object));
        let pointer = format!("{}/{}", body.pointer, named.unwrap_or("networkAcls"));
        Self {
            document,
            pointer,
            public: body.text("publicNetworkAccess"),
            public_pointer: body.pointer,
            rules: named.and_then(|name| body.get(name)),
        }
    }

    fn public_is(&self, state: &str) -> bool {
        self.public.is_some_and(|public| public.eq_ignore_ascii_case(state))
    }

    fn denies_by_default(&self) -> bool {
        let action = self.rules.and_then(|rules| rules.get("defaultAction")).and_then(Value::as_str);
        action.is_some_and(|action| action.eq_ignore_ascii_case("Deny"))
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'v Value> {
        self.rules.and_then(|rules| rules.get(name)).and_then(Value::as_array).into_iter().flatten()
    }

    fn evidence(&self) -> (Place, String) {
        let document = self.document.id.to_string();
        if self.public_is("Disabled") {
            let place = Place::new(document, self.public_pointer).member("publicNetworkAccess");
            return (place, "Disabled: only private endpoints".to_owned());
        }
        let count = self.list("ipRules").count() + self.list("virtualNetworkRules").count();
        (Place::new(document, self.pointer.clone()).member("defaultAction"), format!("Deny but for {count} networks"))
    }

    fn refuse(&self, asked: &Asked<'_>) -> Truth {
        if self.public_is("SecuredByPerimeter") {
            let about = format!("whether the network security perimeter of {} lets the call in", self.document.title);
            return asked.ask(&format!("perimeter {}", self.document.id), about, "the access rules of the perimeter");
        }
        let closed = self.public_is("Disabled");
        if !closed && !self.denies_by_default() {
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
        let listed = || Truth::any([self.address(asked), self.subnet(asked), self.trusted(asked)]);
        !(if closed { private } else { private.or(listed()) })
    }

    fn address(&self, asked: &Asked<'_>) -> Truth {
        let Some(own) = asked.request.value("clientIp").and_then(|text| text.parse::<IpAddr>().ok()) else { return Truth::No };
        let rule = |rule: &Value| {
            let text = rule.get("value").or_else(|| rule.get("ipAddressOrRange")).or_else(|| rule.get("iPAddressOrRange")).unwrap_or(rule);
            text.as_str().and_then(network).is_some_and(|network| network.contains(&own))
        };
        Truth::from(self.list("ipRules").any(rule))
    }

    fn subnet(&self, asked: &Asked<'_>) -> Truth {
        let attribute = match asked.environment("Microsoft.Network/virtualNetworks/subnets") {
            Lookup::Known([subnet]) => Some(subnet.as_str()),
            _ => None,
        };
        let Some(own) = attribute.or_else(|| asked.request.value("subnet")) else { return Truth::No };
        let rule = |rule: &Value| {
            let id = rule.get("id").or_else(|| rule.get("virtualNetworkResourceId")).and_then(Value::as_str);
            let state = rule.get("state").and_then(Value::as_str).unwrap_or("Succeeded");
            state.eq_ignore_ascii_case("Succeeded") && id.is_some_and(|id| Scope::new(id) == Scope::new(own))
        };
        Truth::from(self.list("virtualNetworkRules").any(rule))
    }

    /// Resource instances and trusted Microsoft services come in whatever their address is; a person is neither.
    fn trusted(&self, asked: &Asked<'_>) -> Truth {
        let bypass = self.rules.and_then(|rules| rules.get("bypass")).and_then(Value::as_str).unwrap_or("None");
        let spared = bypass.contains("AzureServices") || self.list("resourceAccessRules").next().is_some();
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
