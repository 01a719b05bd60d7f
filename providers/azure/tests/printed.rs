//! A folder of what `az` printed is a snapshot.

use iam_why_azure::Azure;
use iam_why_contract::{Context, Decision, Provider, Question, Snapshot, SourceFile, Verdict};

const SUBSCRIPTION: &str = "5ab00000-0000-4000-8000-000000000001";
const KIM: &str = "aaaa0000-0000-4000-8000-000000000001";
const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

fn folder(files: &[(String, String)]) -> Snapshot {
    let mut all = Snapshot::default();
    for (path, text) in files {
        all.merge(Azure.recognise(SourceFile { path, text }).unwrap_or_else(|| panic!("{path} is not recognised")));
    }
    Azure.assemble(all)
}

fn ask(snapshot: &Snapshot, principal: &str, action: &str, resource: &str) -> Verdict {
    let question = Question {
        provider: "azure".into(),
        principal: principal.into(),
        action: action.into(),
        resource: Some(resource.into()),
        context: Context::default(),
    };
    Azure.simulate(&question, snapshot).unwrap()
}

fn file(path: &str, text: &str) -> (String, String) {
    (path.replace("SUB", SUBSCRIPTION), text.replace("SUB", SUBSCRIPTION).replace("KIM", KIM))
}

const ASSIGNMENTS: &str = r#"[
  {"condition": null, "conditionVersion": null, "id": "/subscriptions/SUB/providers/Microsoft.Authorization/roleAssignments/0f000000-0000-4000-8000-000000000001",
   "principalId": "KIM", "principalName": "kim@acme.example", "principalType": "User", "roleDefinitionName": "Storage Blob Data Reader",
   "roleDefinitionId": "/subscriptions/SUB/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
   "scope": "/subscriptions/SUB", "type": "Microsoft.Authorization/roleAssignments", "updatedOn": "2026-01-01T00:00:00+00:00"}
]"#;

const ROLE: &str = r#"[{"assignableScopes": ["/"], "description": "…", "id": "/subscriptions/SUB/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
  "name": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "permissions": [{"actions": [], "condition": null, "conditionVersion": null,
  "dataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"], "notActions": [], "notDataActions": []}],
  "roleName": "Storage Blob Data Reader", "roleType": "BuiltInRole", "type": "Microsoft.Authorization/roleDefinitions"}]"#;

const ACCOUNT: &str = r#"{"allowBlobPublicAccess": false, "allowSharedKeyAccess": null, "isHnsEnabled": null, "name": "acct", "resourceGroup": "g",
  "id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct", "kind": "StorageV2",
  "networkRuleSet": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []},
  "publicNetworkAccess": "Enabled", "type": "Microsoft.Storage/storageAccounts"}"#;

fn files() -> Vec<(String, String)> {
    vec![
        file("snap/SUB/role-assignments.json", ASSIGNMENTS),
        file("snap/role-definitions.json", ROLE),
        file("snap/acct.json", ACCOUNT),
        file("snap/deny-assignments--SUB.json", r#"{"value": []}"#),
    ]
}

const BLOB: &str = "https://acct.blob.core.windows.net/c/b.txt";

#[test]
fn a_folder_of_printed_lists_decides() {
    let verdict = ask(&folder(&files()), "kim@acme.example", READ, BLOB);
    assert_eq!(verdict.decision, Decision::Allow, "{:?}", verdict.doubts);
}

#[test]
fn the_evidence_lies_in_the_file_that_was_printed() {
    let mut files = files();
    files[2].1 = files[2].1.replace("\"defaultAction\": \"Allow\"", "\"defaultAction\": \"Deny\"");
    let snapshot = folder(&files);
    let assignment = snapshot.all_of("azure:role-assignment").next().unwrap();
    assert_eq!((&*assignment.origin.source, assignment.origin.line), (files[0].0.as_str(), 2));
    let verdict = ask(&snapshot, KIM, READ, BLOB);
    assert_eq!(verdict.decision, Decision::Undetermined, "from where the call comes is not known");
    assert!(verdict.doubts[0].needs.contains("clientIp"), "{:?}", verdict.doubts);
}

/// Without the name of the file nothing says that a list is the whole list: an empty one is no proof.
#[test]
fn a_list_without_a_name_proves_no_absence() {
    let mut files = files();
    files[0] = file("snap/SUB/role-assignments.json", "[]");
    assert_eq!(ask(&folder(&files), KIM, READ, BLOB).decision, Decision::Deny);
    files[0] = file("snap/role-assignments.json", "[]");
    let snapshot = folder(&files);
    assert_eq!(ask(&snapshot, KIM, READ, BLOB).decision, Decision::Undetermined);
    assert!(snapshot.remarks[0].contains("role-assignments--SUBSCRIPTION-ID.json"), "{:?}", snapshot.remarks);
}

#[test]
fn a_page_with_another_behind_it_is_not_the_whole_list() {
    let mut files = files();
    files[3] = file("snap/deny-assignments--SUB.json", r#"{"value": [], "nextLink": "https://management.azure.com/next"}"#);
    let verdict = ask(&folder(&files), KIM, READ, BLOB);
    assert_eq!(verdict.decision, Decision::Undetermined);
    assert!(verdict.doubts[0].needs.contains("further pages"), "{:?}", verdict.doubts);
}

/// Whom `az account show` was printed for is `me`.
#[test]
fn me_is_who_signed_in() {
    let mut files = files();
    assert_eq!(ask(&folder(&files), "me", READ, BLOB).decision, Decision::Undetermined);
    let account = r#"{"id": "SUB", "tenantId": "t", "state": "Enabled", "user": {"name": "kim@acme.example", "type": "user"}}"#;
    files.push(file("account.json", account));
    assert_eq!(ask(&folder(&files), "me", READ, BLOB).decision, Decision::Allow);
}

/// X-15: the firewall takes public addresses only; one of a private network is no way in.
#[test]
fn a_private_address_is_not_offered_to_the_firewall() {
    let mut files = files();
    files[2].1 = files[2].1.replace("\"defaultAction\": \"Allow\"", "\"defaultAction\": \"Deny\"").replace("AzureServices", "None");
    let snapshot = folder(&files);
    let from = |address: &str| {
        let context = Context::default().with("clientIp", [address]);
        let question =
            Question { provider: "azure".into(), principal: KIM.into(), action: READ.into(), resource: Some(BLOB.into()), context };
        Azure.simulate(&question, &snapshot).unwrap()
    };
    let (public, private) = (from("198.51.100.7"), from("10.0.0.1"));
    assert_eq!((public.decision, private.decision), (Decision::Deny, Decision::Deny));
    assert_eq!((public.fixes.len(), private.fixes.len()), (1, 0));
}

/// The time of the request is what a condition calls UtcNow.
#[test]
fn a_time_that_was_given_reaches_the_condition() {
    let mut files = files();
    let condition = "@Environment[UtcNow] DateTimeGreaterThan '2026-05-01T00:00:00Z'";
    files[0].1 = files[0].1.replace("\"condition\": null", &format!("\"condition\": \"{condition}\""));
    let snapshot = folder(&files);
    let at = |now: &str| {
        let context = Context::default().with("now", [now]);
        let question =
            Question { provider: "azure".into(), principal: KIM.into(), action: READ.into(), resource: Some(BLOB.into()), context };
        Azure.simulate(&question, &snapshot).unwrap().decision
    };
    assert_eq!((at("2026-06-01T00:00:00Z"), at("2026-04-01T00:00:00Z")), (Decision::Allow, Decision::Deny));
}

/// A listing has no path: a condition that wants one is not met, and nobody has to be asked for it.
#[test]
fn what_an_operation_cannot_carry_is_absent() {
    let mut files = files();
    let path = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringLike 'logs/*'";
    files[0].1 = files[0].1.replace("\"condition\": null", &format!("\"condition\": \"{path}\""));
    let snapshot = folder(&files);
    let container = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct/blobServices/default/containers/c"
    );
    assert_eq!(ask(&snapshot, KIM, READ, &container).decision, Decision::Undetermined, "a listing, or a read of some path");
    let context = Context::default().with("subOperation", ["Blob.List"]);
    let question = Question { provider: "azure".into(), principal: KIM.into(), action: READ.into(), resource: Some(container), context };
    assert_eq!(Azure.simulate(&question, &snapshot).unwrap().decision, Decision::Deny);
}

/// P-9: what a managing tenant's principals hold is in no list of the customer.
#[test]
fn a_stranger_to_a_managed_subscription_may_hold_roles_through_lighthouse() {
    let decision = |managed_by: &str, also: Option<&str>| {
        let mut files = files();
        let account = format!(r#"{{"id": "SUB", "tenantId": "t", "state": "Enabled", "managedByTenants": {managed_by}}}"#);
        files.push(file("account.json", &account));
        files.extend(also.map(|text| file("lighthouse--SUB.json", text)));
        ask(&folder(&files), "aaaa0000-0000-4000-8000-0000000000ee", READ, BLOB).decision
    };
    assert_eq!(decision("[]", None), Decision::Deny);
    assert_eq!(decision(r#"[{"tenantId": "m"}]"#, None), Decision::Undetermined);
    assert_eq!(decision(r#"[{"tenantId": "m"}]"#, Some("[]")), Decision::Deny);
}

/// X-2: an activation is a role assignment like others; only its schedule says when it ends.
#[test]
fn an_activation_ends_when_its_schedule_says() {
    let mut files = files();
    files.push(file(
        "assignment-schedules--SUB.json",
        r#"{"value": [{"id": "/subscriptions/SUB/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/x", "properties": {
            "scope": "/subscriptions/SUB", "principalId": "KIM", "roleDefinitionId": "/x/y", "assignmentType": "Activated", "status": "Provisioned",
            "startDateTime": "2026-05-01T08:00:00Z", "endDateTime": "2026-05-01T16:00:00Z",
            "originRoleAssignmentId": "/subscriptions/SUB/providers/Microsoft.Authorization/roleAssignments/0F000000-0000-4000-8000-000000000001"}}]}"#,
    ));
    let snapshot = folder(&files);
    let at = |now: Option<&str>| {
        let context = now.map_or_else(Context::default, |now| Context::default().with("now", [now]));
        let question =
            Question { provider: "azure".into(), principal: KIM.into(), action: READ.into(), resource: Some(BLOB.into()), context };
        Azure.simulate(&question, &snapshot).unwrap()
    };
    assert_eq!(at(Some("2026-05-01T12:00:00Z")).decision, Decision::Allow);
    assert_eq!(at(None).decision, Decision::Allow, "it was in force when it was read");
    let ended = at(Some("2026-05-01T16:00:00Z"));
    assert_eq!((ended.decision, ended.findings[0].code), (Decision::Deny, "azure-not-in-force"));
}

/// Every kind of output, and what it becomes.
#[test]
fn each_command_is_recognised() {
    let extension = |kind: &str, more: &str| {
        format!(
            r#"{{"value": [{{"id": "/subscriptions/SUB/providers/Microsoft.Authorization/{kind}/0f000000-0000-4000-8000-000000000002", "properties": {{{more}}}}}]}}"#
        )
    };
    let assigned = r#""scope": "/subscriptions/SUB", "principalId": "KIM", "roleDefinitionId": "/x/y""#;
    let printed: [(&str, String, &str, &str); 20] = [
        ("a.json", extension("roleAssignments", assigned), "azure:role-assignment", "/subscriptions/SUB"),
        ("a.json", extension("roleEligibilityScheduleInstances", assigned), "azure:eligible-assignment", "/subscriptions/SUB"),
        ("a.json", extension("roleAssignmentScheduleInstances", assigned), "azure:assignment-schedule", "/subscriptions/SUB"),
        ("a.json", extension("denyAssignments", r#""scope": "/subscriptions/SUB""#), "azure:deny-assignment", "/subscriptions/SUB"),
        ("a.json", extension("locks", r#""level": "ReadOnly""#), "azure:lock", "/subscriptions/SUB"),
        ("a.json", extension("policyAssignments", r#""policyDefinitionId": "/x""#), "azure:policy-assignment", "/subscriptions/SUB"),
        ("a.json", r#"[{"RoleAssignmentId": "/subscriptions/SUB/providers/Microsoft.Authorization/roleAssignments/x", "Scope": "/subscriptions/SUB", "ObjectId": "KIM"}]"#.into(), "azure:role-assignment", "/subscriptions/SUB"),
        ("a.json", r#"[{"Name": "Reader", "Id": "acdd72a7-3385-48ef-bd42-f606fba81ae7", "IsCustom": false, "Actions": ["*/read"], "NotActions": []}]"#.into(), "azure:role-definition", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        ("a.json", r#"{"id": "SUB", "tenantId": "t", "homeTenantId": "t", "state": "Enabled", "name": "prod", "managedByTenants": []}"#.into(), "azure:subscription", "SUB"),
        ("a.json", r#"{"id": "/subscriptions/SUB/providers/Microsoft.Sql", "namespace": "Microsoft.Sql", "registrationState": "Registered"}"#.into(), "azure:provider", "SUB/Microsoft.Sql"),
        ("a.json", r#"{"count": 1, "data": [{"subscriptionId": "SUB", "managementGroupAncestorsChain": [{"name": "corp"}]}], "skip_token": null}"#.into(), "azure:ancestors", "SUB"),
        ("a.json", r#"{"id": "/providers/Microsoft.Management/managementGroups/corp", "name": "corp", "type": "Microsoft.Management/managementGroups", "children": null}"#.into(), "azure:management-group", "corp"),
        ("a.json", r#"{"id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", "type": "Microsoft.KeyVault/vaults", "properties": {"enableRbacAuthorization": true}}"#.into(), "azure:key-vault", "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"),
        ("a.json", r#"{"id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/b", "type": "Microsoft.ServiceBus/Namespaces", "publicNetworkAccess": "Enabled"}"#.into(), "azure:resource", "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/b"),
        ("a.json", r#"{"id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/b/networkRuleSets/default", "type": "Microsoft.ServiceBus/Namespaces/NetworkRuleSets", "defaultAction": "Deny"}"#.into(), "azure:resource", "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/b/networkRuleSets/default"),
        ("a.json", r#"{"id": "KIM", "displayName": "Kim", "userPrincipalName": "kim@acme.example"}"#.into(), "azure:principal", "KIM"),
        ("a.json", r#"{"id": "/subscriptions/SUB/x", "principalId": "KIM", "clientId": "c", "type": "Microsoft.ManagedIdentity/userAssignedIdentities"}"#.into(), "azure:principal", "KIM"),
        ("ad-group-members--SUB.json", r##"[{"@odata.type": "#microsoft.graph.user", "id": "KIM"}]"##.into(), "azure:group-members", "SUB"),
        ("ad-groups-of--SUB.json", r#"{"value": [{"id": "KIM"}]}"#.into(), "azure:member-of", "SUB"),
        ("a.json", r#"[{"id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.DocumentDB/databaseAccounts/c/sqlRoleAssignments/x", "principalId": "KIM"}]"#.into(), "azure:cosmos-role-assignments", "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.DocumentDB/databaseAccounts/c"),
    ];
    for (path, text, kind, subject) in printed {
        let (subject, snapshot) = (file(subject, "").0.replace("KIM", KIM), folder(&[file(path, &text)]));
        let found: Vec<(&str, &str)> = snapshot.documents().iter().map(|document| (&*document.kind, &*document.subject)).collect();
        assert_eq!(found, [(kind, subject.as_str())], "{text}");
    }
}

/// An app registration has an object id too, and roles cannot be assigned to it.
#[test]
fn an_app_registration_is_no_principal() {
    let text = r##"{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications/$entity", "id": "KIM", "appId": "bbbb0000-0000-4000-8000-000000000001", "displayName": "app"}"##;
    let snapshot = folder(&[file("app.json", text)]);
    assert!(snapshot.documents().is_empty() && snapshot.remarks[0].contains("az ad sp show"), "{:?}", snapshot.remarks);
}

/// `az keyvault list` prints no properties: who decides about the data is not known from it.
#[test]
fn a_vault_in_a_list_does_not_say_who_decides() {
    let text = r#"[{"id": "/subscriptions/SUB/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", "name": "kv", "type": "Microsoft.KeyVault/vaults"}]"#;
    assert!(folder(&[file("vaults.json", text)]).documents().is_empty());
}

#[test]
fn the_list_of_a_path_finds_its_account() {
    let mut files = files();
    files[2].1 = files[2].1.replace("\"isHnsEnabled\": null", "\"isHnsEnabled\": true");
    files[0] = file("snap/SUB/role-assignments.json", "[]");
    let list = |bits: &str| {
        format!(
            r#"{{"acl": "user::rwx,user:{KIM}:{bits},group::---,mask::rwx,other::---", "group": "$superuser", "owner": "$superuser", "permissions": "rwx------"}}"#
        )
    };
    files.push(file("path-acl--acct--c.json", &list("--x")));
    assert_eq!(ask(&folder(&files), KIM, READ, BLOB).decision, Decision::Undetermined, "the list of the item is missing");
    files.push(file("path-acl--acct--c--b.txt.json", &list("r--")));
    assert_eq!(ask(&folder(&files), KIM, READ, BLOB).decision, Decision::Allow);
    files[5].1 = list("---");
    assert_eq!(ask(&folder(&files), KIM, READ, BLOB).decision, Decision::Deny);
}

#[test]
fn other_files_are_left_to_others() {
    for text in
        ["", "{", "[]", "{}", "[1, 2]", r#"{"Version": "2012-10-17", "Statement": []}"#, r#"{"value": 3}"#, "null", r#"[{"bindings": []}]"#]
    {
        assert!(Azure.recognise(SourceFile { path: "x.json", text }).is_none(), "{text}");
    }
}
