//! What would have to give way besides roles.

use crate::documents;
use crate::findings::{deciding, deny_owner};
use crate::fixes::{Change, create, edit, quoted};
use crate::layers::Asked;
use crate::layers::access_policy::permission;
use crate::layers::cosmos_rbac::{BUILT_IN, data_scope};
use crate::layers::network::{self, Kept};
use crate::layers::policy;
use crate::world::{Body, dashed, last};
use iam_why_contract::trace::Tests;
use iam_why_contract::{Evidence, Finding, Place, Snapshot};
use serde_json::{Value, json};

fn place(finding: &Finding) -> Option<&Place> {
    match &finding.evidence {
        Evidence::Place(place) => Some(place),
        Evidence::Silence { .. } => None,
    }
}

fn read(snapshot: &Snapshot, place: &Place) -> Option<Value> {
    snapshot.document(&place.document).and_then(|document| serde_json::from_str(&document.text).ok())
}

/// The caller among the principals that a deny assignment spares. What a service made for itself offers no such thing.
pub(crate) fn exclusion(asked: &Asked<'_>, finding: &Finding) -> Option<Change> {
    let place = place(finding)?;
    let deny = asked.world.denies.iter().find(|deny| *deny.document == *place.document)?;
    let name = deny.name.to_ascii_lowercase();
    let stack = name.contains("deployment stack") || name.contains("deploymentstack");
    if deny.system && !stack && !name.contains("blueprint") {
        return None;
    }
    let id = asked.caller.id.as_deref().map(dashed)?;
    let entry = json!({"id": id, "type": asked.caller.kind.name()});
    let list = deny.place("excludePrincipals").pointer;
    let value = json!({"op": "add", "path": format!("{list}/-"), "value": entry});
    let whole = json!({"op": "add", "path": list, "value": [entry]});
    let operation = if deny.excluded.is_empty() { whole } else { value };
    let says = format!("exclude {} from the deny assignment {}", asked.caller.shown, deny.name);
    let change = Change::new(says, deny_owner(deny), vec![edit(&deny.document, operation)]);
    let change = change.widens(format!("everything else that {} refuses to {}", deny.name, asked.caller.shown));
    Some(if stack {
        change.command(format!("az stack group create --name STACK --deny-settings-excluded-principals {id} …"))
    } else {
        change
    })
}

/// The lock removed.
pub(crate) fn unlock(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Option<Change> {
    let place = place(finding)?;
    let id = read(snapshot, place)?.get("id").and_then(Value::as_str).map(str::to_owned)?;
    let operation = json!({"op": "replace", "path": place.pointer, "value": "NotSpecified"});
    let says = format!("remove the lock {}, and put it back afterwards", last(&id));
    let change = Change::new(says, finding.owner.clone(), vec![edit(&place.document, operation)]);
    let change = change.widens(format!("whatever the lock protects, to everybody whose roles grant it, not only {}", asked.caller.shown));
    Some(change.command(format!("az lock delete --ids {}", quoted(&id))))
}

/// The caller's address among those that are let in.
pub(crate) fn address(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Option<Change> {
    let place = place(finding)?;
    // rules take public addresses only.
    let public = |text: &&str| text.parse::<std::net::Ipv4Addr>().is_ok_and(|own| !own.is_private() && !own.is_loopback());
    let own = asked.request.value("clientIp").filter(public)?;
    let (service, resource) = network::SERVICES.into_iter().find_map(|service| Some((service, asked.resource(service.kind)?)))?;
    let (rules, _) = place.pointer.rsplit_once('/')?;
    let list = format!("{rules}/ipRules");
    let document = read(snapshot, place)?;
    let present = document.pointer(&list).and_then(Value::as_array);
    let rule = match service.kept {
        Kept::Below => json!({"ipMask": own, "action": "Allow"}),
        Kept::Entries => json!({"ipAddressOrRange": own}),
        Kept::DefaultAction | Kept::Switch => json!({"value": own, "ipAddressOrRange": own, "action": "Allow"}),
    };
    let operation = match present {
        Some(_) => json!({"op": "add", "path": format!("{list}/-"), "value": rule}),
        None => json!({"op": "add", "path": list, "value": [rule]}),
    };
    let command = letting_in(service.kind, resource.name(), own, present)?;
    let change = Change::new(format!("let {own} in"), finding.owner.clone(), vec![edit(&place.document, operation)]);
    Some(change.widens(format!("everybody who comes from {own} and whose roles grant it")).command(command))
}

/// The command that adds an address to the rules of a service.
fn letting_in(kind: &str, name: &str, own: &str, present: Option<&Vec<Value>>) -> Option<String> {
    let name = quoted(name);
    let rule = format!("--ip-rule ip-address={own} action=Allow");
    Some(match kind {
        "Microsoft.KeyVault/vaults" => format!("az keyvault network-rule add --name {name} --ip-address {own}"),
        "Microsoft.Storage/storageAccounts" => format!("az storage account network-rule add --account-name {name} --ip-address {own}"),
        "Microsoft.CognitiveServices/accounts" => {
            format!("az cognitiveservices account network-rule add --resource-group GROUP --name {name} --ip-address {own}")
        }
        "Microsoft.ContainerRegistry/registries" => format!("az acr network-rule add --name {name} --ip-address {own}"),
        "Microsoft.ServiceBus/namespaces" => {
            format!("az servicebus namespace network-rule-set ip-rule add --resource-group GROUP --namespace-name {name} {rule}")
        }
        "Microsoft.EventHub/namespaces" => {
            format!("az eventhubs namespace network-rule-set ip-rule add --resource-group GROUP --namespace-name {name} {rule}")
        }
        // The command takes the whole list.
        "Microsoft.DocumentDB/databaseAccounts" => {
            let before = present.into_iter().flatten().filter_map(|rule| rule.get("ipAddressOrRange").and_then(Value::as_str));
            let all: Vec<&str> = before.chain([own]).collect();
            format!("az cosmosdb update --resource-group GROUP --name {name} --ip-range-filter {}", quoted(&all.join(",")))
        }
        _ => return None,
    })
}

/// What a field holds of which only its presence matters.
const ANY: &str = "any value";

/// The request with another value of the field that a policy refuses: one of those that it takes.
pub(crate) fn other_value(asked: &Asked<'_>, finding: &Finding) -> Option<Change> {
    let statement = policy::look::<Tests>(asked).statements.into_iter().find(|one| one.applies.is_yes())?;
    let parts = &statement.tests.first()?.parts;
    let refused = deciding(parts).find(|part| place(finding) == Some(&part.place))?;
    let (operator, written) = refused.wanted.split_once(' ')?;
    let accepted: Vec<String> = match (operator, serde_json::from_str(written).ok()?) {
        ("notIn", Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        ("notEquals", Value::String(only)) => vec![only],
        ("exists", Value::String(wanted)) if wanted.eq_ignore_ascii_case("false") => vec![ANY.to_owned()],
        ("exists", Value::Bool(false)) => vec![ANY.to_owned()],
        _ => return None,
    };
    let first = accepted.first()?;
    let shown = accepted.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let says = match first.as_str() {
        ANY => format!("send {}, which the policy wants to be there", refused.about),
        _ => format!("send {} with a value that the policy takes: {shown}", refused.about),
    };
    let mut change = Change::new(says, "the caller: the body of the request".to_owned(), Vec::new());
    change.carries.push((refused.about.to_string(), first.clone()));
    Some(change)
}

/// The resource exempt from the policy assignment that refuses it.
pub(crate) fn policy_exemption(asked: &Asked<'_>, finding: &Finding, snapshot: &Snapshot) -> Option<Change> {
    let assignment = read(snapshot, finding.related.first()?)?;
    let id = Body::new(&assignment).text("id")?;
    let scope = asked.scope.as_ref()?;
    let name = format!("{}-exempt", last(id));
    let value = json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/policyExemptions/{name}"),
        "name": name, "policyAssignmentId": id, "exemptionCategory": "Waiver",
    });
    let says = format!("exempt {} from the policy assignment {}", scope.name(), last(id));
    let edits = vec![create(documents::POLICY_EXEMPTION, scope.text(), &name, &value)];
    let change = Change::new(says, "whoever may write policy exemptions there and exempt/Action of the assignment".to_owned(), edits);
    let change =
        change.widens("everything else that the assignment refuses there; a resource that is not there yet is exempted through its group");
    Some(change.command(format!(
        "az policy exemption create --name {} --policy-assignment {} --exemption-category Waiver --scope {}",
        quoted(&name),
        quoted(id),
        quoted(scope.text())
    )))
}

/// The resource provider registered.
pub(crate) fn registration(asked: &Asked<'_>, finding: &Finding) -> Option<Change> {
    let place = place(finding)?;
    let namespace = crate::operations::namespace(&asked.access.action);
    let operation = json!({"op": "replace", "path": place.pointer, "value": "Registered"});
    let change =
        Change::new(format!("register {namespace} in the subscription"), finding.owner.clone(), vec![edit(&place.document, operation)]);
    Some(change.command(format!("az provider register --namespace {}", quoted(namespace))))
}

/// An access policy for this one permission.
pub(crate) fn access_policy(asked: &Asked<'_>) -> Option<Change> {
    let (kind, name) = permission(&asked.access.action)?;
    let id = asked.caller.id.as_deref().map(dashed)?;
    let vault = asked.resource("Microsoft.KeyVault/vaults")?;
    let document = asked.world.document(documents::KEY_VAULT, vault.text())?;
    let value: Value = serde_json::from_str(&document.text).ok()?;
    let base = if value.get("properties").is_some_and(Value::is_object) { "/properties" } else { "" };
    let policy = json!({"objectId": id, "permissions": {kind: [name]}});
    let list = format!("{base}/accessPolicies");
    let present = value.pointer(&list).is_some_and(Value::is_array);
    let operation = if present {
        json!({"op": "add", "path": format!("{list}/-"), "value": policy})
    } else {
        json!({"op": "add", "path": list, "value": [policy]})
    };
    let says = format!("give {} the {kind} permission {name} in an access policy of {}", asked.caller.shown, vault.name());
    let change = Change::new(says, format!("whoever may write the access policies of {vault}"), vec![edit(&document.id, operation)]);
    let flag = kind.trim_end_matches('s');
    let command = format!("az keyvault set-policy --name {} --object-id {id} --{flag}-permissions {name}", quoted(vault.name()));
    Some(change.widens(format!("{name} on all {kind} of the vault: access policies know no smaller scope")).command(command))
}

/// A role assignment inside Cosmos DB.
pub(crate) fn cosmos_role(asked: &Asked<'_>) -> Option<Change> {
    let account = asked.resource("Microsoft.DocumentDB/databaseAccounts")?;
    let document = asked.world.document(documents::COSMOS_ASSIGNMENTS, account.text())?;
    let id = asked.caller.id.as_deref().map(dashed)?;
    let role = BUILT_IN.iter().find(|role| role.grants(&asked.access.action))?;
    let scope = data_scope(asked, &account);
    let definition = format!("{account}/sqlRoleDefinitions/{}", role.id);
    let value: Value = serde_json::from_str(&document.text).ok()?;
    let list = if value.get("value").is_some() { "/value/-" } else { "/-" };
    let assignment =
        json!({"principalId": id, "roleDefinitionId": definition, "scope": format!("{account}{}", scope.trim_end_matches('/'))});
    let operation = json!({"op": "add", "path": list, "value": assignment});
    let says = format!("assign {} to {} inside {}", role.name, asked.caller.shown, account.name());
    let change = Change::new(says, format!("whoever may write sqlRoleAssignments of {account}"), vec![edit(&document.id, operation)]);
    let command = format!(
        "az cosmosdb sql role assignment create --account-name {} --resource-group GROUP --scope {} --principal-id {id} --role-definition-id {}",
        quoted(account.name()),
        quoted(&scope),
        role.id
    );
    let where_to = if scope == "/" { "the account".to_owned() } else { scope };
    Some(change.widens(format!("{} all data of {where_to}", role.reach)).command(command))
}
