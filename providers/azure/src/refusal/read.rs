//! From what was found to the refusal it is: the rules that no single wording holds.

use super::records::without_port;
use iam_why_contract::refusal::{Reason, Refusal, Sighting, scrub};

/// The refusal that a sighting is.
pub(super) fn read(sighting: &Sighting<'_>) -> Option<Refusal> {
    let mut refusal = sighting.draft()?;
    principal(sighting, &mut refusal);
    others_code(sighting, &mut refusal);
    request(sighting, &mut refusal);
    resource(sighting, &mut refusal);
    vault(sighting, &mut refusal);
    facts(sighting, &mut refusal);
    Some(refusal)
}

/// The object id is what assignments name; the client's name is a hint (P13). An access policy of a vault is met by the application.
fn principal(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.principal.is_some() && sighting.verdict().is_some_and(|mark| mark.field("principal").is_some()) {
        return;
    }
    let by_application = refusal.refused_by == "keyvault_access_policy";
    let names = if by_application { ["appid", "oid", "client"] } else { ["oid", "client", "appid"] };
    let named = names.iter().find_map(|name| sighting.field(name).filter(|value| value.chars().any(|piece| piece != '.')));
    // A sentence that is cut off behind the name: other words than a name may stand there too.
    let cut = || sighting.field("cut_client").filter(|name| name.contains(['@', '#', '-']));
    if let Some(named) = named.or_else(cut) {
        refusal.principal = Some(scrub(named));
    }
    // What the text calls an object id is one, also where the directory cannot be asked.
    if let Some(object) = sighting.field("oid").map(scrub).filter(|object| refusal.principal.as_ref() == Some(object)) {
        refusal.context.insert("objectId".to_owned(), object);
    }
}

/// Graph writes `accessDenied`; an upper-case letter in front is somebody else's code.
fn others_code(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let Some(mark) = sighting.verdict().filter(|mark| mark.form.name == "graph-code") else { return };
    let text = sighting.view.clean().get(mark.start..mark.end).unwrap_or("");
    if text.contains("AccessDenied") && !sighting.near(1000, "graph.microsoft") {
        "generic".clone_into(&mut refusal.provider);
        "generic".clone_into(&mut refusal.refused_by);
    }
}

/// A deny assignment is named beside the request that has permission otherwise; a bare HTTP line is the request.
fn request(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.refused_by == "deny_assignment" && refusal.action.is_none() {
        refusal.action = sighting.field("outer_action").map(scrub);
        refusal.resource = sighting.field("outer_scope").map(scrub);
    }
    if let Some(path) = sighting.field("subscription_path").filter(|_| refusal.resource.is_none()) {
        let scope = path.split('?').next().unwrap_or(path);
        refusal.resource = Some(format!("/subscriptions/{scope}"));
        let verb = sighting.field("method").and_then(verb);
        refusal.action = verb.zip(type_of(scope)).map(|(verb, kind)| format!("{kind}/{verb}"));
        refusal.derived.extend(refusal.action.is_some().then_some("action"));
    }
    if let Some(path) = sighting.field("subscription_url").filter(|_| refusal.refused_by == "authentication" && refusal.resource.is_none())
    {
        let path = path.split('?').next().unwrap_or(path);
        let (scope, kind) = path.split_once("/providers/").unwrap_or((path, ""));
        refusal.resource = Some(format!("/subscriptions/{scope}"));
        refusal.action = (!kind.is_empty()).then(|| kind.to_owned());
    }
}

fn verb(method: &str) -> Option<&'static str> {
    match method {
        "GET" | "HEAD" => Some("read"),
        "PUT" | "PATCH" => Some("write"),
        "DELETE" => Some("delete"),
        _ => None,
    }
}

/// `Microsoft.Storage/storageAccounts` of a path below the subscription.
fn type_of(scope: &str) -> Option<String> {
    if let Some((_, provider)) = scope.rsplit_once("/providers/") {
        let mut parts = provider.split('/');
        let namespace = parts.next()?;
        let types = parts.step_by(2).collect::<Vec<_>>();
        return (!types.is_empty()).then(|| format!("{namespace}/{}", types.join("/")));
    }
    scope.to_ascii_lowercase().contains("/resourcegroups/").then(|| "Microsoft.Resources/subscriptions/resourceGroups".to_owned())
}

/// The address that was called is the resource where the message names none (X14).
fn resource(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if let Some(resource) = &refusal.resource {
        let bare = resource.trim_end_matches(" (respectively)").trim_end_matches('\'').to_owned();
        refusal.resource = Some(bare);
        return;
    }
    let address = match refusal.refused_by.as_str() {
        layer if layer.starts_with("storage_") => {
            const CLOUDS: [(&str, &str); 3] =
                [("store", "windows.net"), ("store_china", "chinacloudapi.cn"), ("store_government", "usgovcloudapi.net")];
            let path = sighting.field("store_path").unwrap_or("");
            let store = CLOUDS.iter().find_map(|(field, cloud)| Some((sighting.field(field)?, cloud)));
            let address = store.map(|(store, cloud)| format!("https://{store}.core.{cloud}{}", without_timeout(path)));
            address.or_else(|| sighting.field("account").map(str::to_owned))
        }
        "graph_permission" => sighting.field("graph").map(|path| format!("https://graph.microsoft.com/{path}")),
        layer if layer.starts_with("keyvault") => {
            refusal.derived.extend(sighting.field("vault").map(|_| "resource"));
            let path = |host: &str| format!("https://{host}.vault.azure.net/{}", sighting.field("vault_path").unwrap_or(""));
            sighting.field("vault").map(str::to_owned).or_else(|| sighting.field("vault_host").map(path))
        }
        "azure_devops" => sighting.field("address").map(str::to_owned),
        "servicebus_claims" => sighting.field("bus").map(|space| format!("sb://{space}.servicebus.windows.net/")),
        _ => None,
    };
    refusal.resource = address.map(|address| scrub(&address));
}

fn without_timeout(path: &str) -> &str {
    match path.split_once('?') {
        Some((bare, query)) if query.starts_with("timeout=") && !query.contains('&') => bare,
        _ => path,
    }
}

/// The vault says whether a deny assignment did it; a status without words is a vault's only where a vault is named.
fn vault(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.refused_by == "keyvault_rbac" {
        let denied = sighting.fields("policy").any(|policy| !policy.is_empty() && policy != "null");
        refusal.policy = refusal.policy.take().filter(|policy| policy != "null");
        if denied {
            refusal.reason = Reason::ExplicitDeny;
            refusal.policy_kind = Some("deny_assignment".to_owned());
        }
    }
    if refusal.refused_by == "keyvault" && !sighting.near(2000, "vault") {
        "generic".clone_into(&mut refusal.refused_by);
    }
}

/// What else the text holds that the next step needs.
fn facts(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let code = sighting.form().and_then(|form| form.template.strip_prefix("AADSTS"));
    let code = code.filter(|code| code.bytes().all(|digit| digit.is_ascii_digit()));
    refusal.context.extend(code.map(|code| ("entraCode".to_owned(), code.to_owned())));
    for (field, key) in [
        ("address", "sourceAddress"),
        ("outer_action", "outerAction"),
        ("outer_scope", "outerScope"),
        ("policy_name", "policyName"),
        ("client", "client"),
        ("entra_code", "entraCode"),
        ("tenant", "tenant"),
    ] {
        if let Some(value) = sighting.field(field) {
            refusal.context.insert(key.to_owned(), scrub(value));
        }
    }
    // The service itself says which address it saw.
    if let Some(address) = sighting.field("address").and_then(without_port) {
        refusal.context.insert("clientIp".to_owned(), address.to_string());
    }
}
