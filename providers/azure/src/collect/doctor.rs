//! What these credentials can read, tried call by call, and the smallest role that reads everything: both made from the table of calls.

use super::assignments::lighthouse;
use super::connection::{Service, connect};
use super::directory;
use super::gates::{SETTINGS, cosmos, listed, object, operations};
use super::hierarchy;
use super::principal::{own, unusable};
use super::reader::{Reader, version};
use super::step::{self, ALL};
use crate::scope::Scope;
use azure_core::credentials::TokenCredential;
use futures_util::future::join_all;
use iam_why_contract::Gathered;
use iam_why_contract::collect::{Check, Doctor, Options, Progress};
use iam_why_contract::{CollectError, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Says who the credentials are, and tries the lists of a subscription and the own object in Graph.
pub(super) async fn examine(
    given: Option<Arc<dyn TokenCredential>>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Doctor, CollectError> {
    let sink = Gathered::default();
    let reader = Reader::new(connect(given, options)?, options.concurrency, &sink, progress);
    let patience = options.timeout;
    let late = |_| Err(CollectError::NothingRead { cloud: "Azure", said: format!("no answer within {} s", patience.as_secs()) });
    let (who, base) = tokio::time::timeout(patience, Box::pin(probe(&reader, options))).await.unwrap_or_else(late)?;
    let nothing = || Outcome::NotTried { why: format!("there was nothing in {} to try it on", base.text()) };
    let check = |row: &step::Step| Check {
        layer: row.title().to_owned(),
        about: row.call.to_owned(),
        outcome: reader.ledger.tried(row.call).unwrap_or_else(nothing),
    };
    Ok(Doctor { who, checks: ALL.iter().map(check).collect(), least_title: "custom role".into(), least: least(base.text()) })
}

async fn probe(reader: &Reader<'_>, options: &Options) -> Result<(String, Scope), CollectError> {
    let me = own(reader).await?;
    let subscription = match options.get("subscription") {
        Some(id) => id.to_owned(),
        None => first_subscription(reader).await?,
    };
    let base = Scope::new(&format!("/subscriptions/{subscription}"));
    hierarchy::both(reader, &base, &BTreeSet::new()).await;
    join_all(LISTS.iter().map(|(row, path)| Box::pin(listed(reader, row, &base, path)))).await;
    let role = format!("{}/providers/Microsoft.Authorization/roleDefinitions/{READER_ROLE}", base.text());
    object(reader, &step::ROLE_DEFINITION, &role).await;
    lighthouse(reader, &base).await;
    operations(reader, "Microsoft.Authorization").await;
    singles(reader, &base).await;
    in_directory(reader, &me.id).await;
    let who = me.notes.first().map_or(me.id.as_str(), |note| note.trim_start_matches("`me` is "));
    Ok((who.to_owned(), base))
}

/// What is read one by one, each tried on the first there is.
async fn singles(reader: &Reader<'_>, base: &Scope) {
    let resources = async |row: &'static step::Step, path: &str| {
        let Ok(url) = reader.url(Service::Manager, &format!("{}/{path}", base.text()), &version(row)) else { return Vec::new() };
        // What came back is in the tally; the first page is as good as all.
        reader.page(row, Service::Manager, &url).await.map(|page| page.items).unwrap_or_default()
    };
    let id = |items: &[Value]| items.first().and_then(|item| item.get("id")?.as_str().map(str::to_owned));
    resources(&step::IDENTITY, "providers/Microsoft.ManagedIdentity/userAssignedIdentities").await;
    resources(&step::PROVIDER, "providers").await;
    resources(&step::RESOURCE_GROUPS, "resourcegroups").await;
    for (kind, row) in SETTINGS {
        let first = id(&resources(row, &format!("providers/{kind}")).await);
        if let Some(account) = first.filter(|_| **row == step::COSMOS) {
            cosmos(reader, &account).await;
        }
    }
    resources(&step::POLICY_DEFINITION, "providers/Microsoft.Authorization/policyDefinitions").await;
    resources(&step::POLICY_SET, "providers/Microsoft.Authorization/policySetDefinitions").await;
}

/// What the credentials see of the directory: themselves, and the first of each kind.
async fn in_directory(reader: &Reader<'_>, me: &str) {
    let first = |row: &'static step::Step, path: String| async move {
        let query = [("$top", "1".to_owned()), ("$select", "id".to_owned())];
        let answer = reader.graph(row, &path, &query).await.unwrap_or_default();
        answer.pointer("/value/0/id").and_then(Value::as_str).map(str::to_owned)
    };
    // What came back is in the tally.
    let _ = reader.graph(&step::OBJECT, &format!("/v1.0/directoryObjects/{me}"), &[]).await;
    directory::sorted(reader, &BTreeSet::from([me.to_owned()])).await;
    if let Some(application) = first(&step::APPLICATION, "/v1.0/servicePrincipals".into()).await {
        first(&step::MEMBER_OF, format!("/v1.0/servicePrincipals/{application}/transitiveMemberOf")).await;
    }
    if let Some(user) = first(&step::USER, "/v1.0/users".into()).await {
        first(&step::MEMBER_OF, format!("/v1.0/users/{user}/transitiveMemberOf")).await;
    }
    if let Some(group) = first(&step::GROUP, "/v1.0/groups".into()).await {
        first(&step::GROUP_MEMBERS, format!("/v1.0/groups/{group}/transitiveMembers")).await;
    }
}

/// The role Reader, which is in every tenant.
const READER_ROLE: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Lists of a subscription.
const LISTS: &[(&step::Step, &str)] = &[
    (&step::ROLE_ASSIGNMENTS, "Microsoft.Authorization/roleAssignments"),
    (&step::DENY_ASSIGNMENTS, "Microsoft.Authorization/denyAssignments"),
    (&step::ELIGIBLE, "Microsoft.Authorization/roleEligibilityScheduleInstances"),
    (&step::SCHEDULES, "Microsoft.Authorization/roleAssignmentScheduleInstances"),
    (&step::LOCKS, "Microsoft.Authorization/locks"),
    (&step::POLICY_ASSIGNMENTS, "Microsoft.Authorization/policyAssignments"),
    (&step::POLICY_EXEMPTIONS, "Microsoft.Authorization/policyExemptions"),
];

async fn first_subscription(reader: &Reader<'_>) -> Result<String, CollectError> {
    let all = reader.list(&step::SUBSCRIPTION, "/subscriptions", None).await.map_err(|failure| unusable(reader, &failure))?;
    let first = all.iter().find_map(|one| one.get("subscriptionId").and_then(Value::as_str));
    first
        .map(str::to_owned)
        .ok_or_else(|| CollectError::Question("these credentials see no subscription: say which with --subscription".into()))
}

/// The smallest custom role under which every call of the table goes through, and what Graph takes beside it.
fn least(scope: &str) -> String {
    let needs: BTreeSet<&str> = ALL.iter().flat_map(|step| step.needs.iter().copied()).collect();
    let (graph, actions): (Vec<&str>, Vec<&str>) = needs.into_iter().partition(|need| need.starts_with("Graph "));
    let role = json!({
        "Name": "iam-why reader",
        "Description": "Reads what iam-why explains refusals from",
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [scope],
    });
    let graph: Vec<&str> = graph.iter().map(|need| need.trim_start_matches("Graph ")).collect();
    let role = serde_json::to_string_pretty(&role).unwrap_or_default();
    let verify = step::CHECK_ACCESS.needs.join(", ");
    format!("{role}\n\nand in Microsoft Graph: {}\n\n--verify takes {verify} beside.", graph.join(", "))
}

#[cfg(test)]
mod tests {
    use super::least;
    use crate::collect::step::ALL;

    #[test]
    fn the_smallest_role_holds_every_action_of_the_table_and_nothing_that_writes() {
        let text = least("/subscriptions/s");
        let (role, rest) = text.split_once("\n\nand in Microsoft Graph: ").unwrap();
        let (graph, verify) = rest.split_once("\n\n--verify takes ").unwrap();
        assert_eq!(verify, "Microsoft.Authorization/*/read beside.");
        let role: serde_json::Value = serde_json::from_str(role).unwrap();
        let granted: Vec<&str> = role["Actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect();
        for need in ALL.iter().flat_map(|step| step.needs) {
            match need.strip_prefix("Graph ") {
                Some(permission) => assert!(graph.split(", ").any(|named| named == permission), "{need}"),
                None => assert!(granted.contains(need), "{need}"),
            }
        }
        assert!(granted.iter().all(|action| action.ends_with("/read")), "{granted:?}");
        assert!(graph.split(", ").all(|permission| permission.ends_with(".Read.All")), "{graph}");
    }
}
