//! The short form of cases: one world, one question, one expectation, in one object. Everything becomes ordinary documents, so that a case
//! takes the whole path.
//!
//! | field | is |
//! |---|---|
//! | `role_definitions` | `{id, name, actions, notActions, dataActions, notDataActions}` or `{id, name, permissions}` |
//! | `role_assignments`, `eligible_assignments`, `deny_assignments` | as Azure has them, flat; `null` where they could not be read |
//! | `groups` | group id → ids of its members; `null` where they could not be read. A group that is not there has no members |
//! | `scope_ancestors` | subscription scope → names of the management groups above, nearest first; not known where it is missing |
//! | `principals` | `{id, appId?, displayName?, userPrincipalName?}` |
//! | `gates` | what else stands in the way: see the arms of `Builder::gate` |
//! | `context` | `{request, resource, principal, environment, subOperation, complete}`: `null` is absent; what is missing is not known, unless `complete` lists its source |
//! | `expect`, `decided_by`, `code`, `at` | the expectation |
//!
//! An attribute that is not given is not known, even where the name of the resource would tell it. A suboperation that is not given is none.

use crate::documents;
use crate::language::condition::Source;
use crate::layers::network::{self, Kept};
use crate::request::AS_GIVEN;
use crate::scope::Scope;
use crate::world::last;
use iam_why_contract::case::{CaseError, ExpectedDecision};
use iam_why_contract::{Case, Context, Document, Expected, Outcome, Question, Search, Snapshot};
use serde_json::{Map, Value, json};

/// The fields of the short form.
const FIELDS: &[&str] = &[
    "id",
    "why",
    "source",
    "confidence",
    "provider",
    "role_definitions",
    "role_assignments",
    "deny_assignments",
    "eligible_assignments",
    "groups",
    "scope_ancestors",
    "principals",
    "gates",
    "rbac_expect",
    "principal",
    "action",
    "is_data_action",
    "scope",
    "context",
    "expect",
    "decided_by",
    "code",
    "at",
];

/// Reads a case; `None` where the value is not of this form.
pub(crate) fn read(value: &Value) -> Option<Result<Case, CaseError>> {
    let provider = value.get("provider").and_then(Value::as_str);
    let named = provider.is_none_or(|provider| provider == "azure");
    let ours =
        ["role_assignments", "role_definitions", "deny_assignments", "is_data_action"].iter().any(|field| value.get(field).is_some());
    let short = ours && value.get("scope").is_some();
    (named && short).then(|| Builder::new(value).build())
}

/// The address that the network rules of a gate let in.
const ALLOWED: &str = "203.0.113.10";

struct Builder<'v> {
    value: &'v Value,
    id: String,
    scope: Scope,
    snapshot: Snapshot,
    context: Context,
    account: Map<String, Value>,
    vault: Map<String, Value>,
    not_modelled: Vec<String>,
}

impl<'v> Builder<'v> {
    fn new(value: &'v Value) -> Self {
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        Self {
            value,
            id: text("id").to_owned(),
            scope: Scope::new(text("scope")),
            snapshot: Snapshot::default(),
            context: Context::default().without(AS_GIVEN),
            account: Map::new(),
            vault: Map::new(),
            not_modelled: Vec::new(),
        }
    }

    fn build(mut self) -> Result<Case, CaseError> {
        let expect = self.expected()?;
        self.everything_was_looked_for();
        self.roles()?;
        self.assignments("role_assignments", documents::ROLE_ASSIGNMENT)?;
        self.assignments("eligible_assignments", documents::ELIGIBLE_ASSIGNMENT)?;
        self.assignments("deny_assignments", documents::DENY_ASSIGNMENT)?;
        self.groups()?;
        self.hierarchy()?;
        self.principals()?;
        self.attributes()?;
        for gate in self.list("gates")? {
            self.gate(gate);
        }
        self.resources();
        self.unknown_fields();
        let question = Question {
            provider: "azure".to_owned(),
            principal: self.text("principal")?,
            action: self.text("action")?,
            resource: Some(self.text("scope")?),
            context: self.context,
        };
        let why = self.value.get("why").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Case { id: self.id, why, question, snapshot: self.snapshot, expect, not_modelled: self.not_modelled })
    }

    fn error(&self, field: &str, found: &str, expected: &str) -> CaseError {
        CaseError { id: self.id.clone(), field: field.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
    }

    fn text(&self, field: &str) -> Result<String, CaseError> {
        let text = self.value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| self.error(field, "missing or not text", "text"))
    }

    fn list(&self, field: &str) -> Result<&'v [Value], CaseError> {
        match self.value.get(field) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(self.error(field, "not a list", "a list")),
        }
    }

    fn object(&self, field: &str) -> Result<Option<&'v Map<String, Value>>, CaseError> {
        match self.value.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(self.error(field, "not an object", "an object")),
        }
    }

    fn expected(&self) -> Result<Expected, CaseError> {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str).map(str::to_owned);
        let decision = self.value.get("expect").cloned().unwrap_or(Value::Null);
        let decision: ExpectedDecision = serde_json::from_value(decision)
            .map_err(|_| self.error("expect", "missing or something else", "allow, explicit_deny, implicit_deny or unknown"))?;
        Ok(Expected { decision, decided_by: text("decided_by"), code: text("code"), at: text("at") })
    }

    fn unknown_fields(&mut self) {
        let fields = self.value.as_object().into_iter().flat_map(Map::keys);
        self.not_modelled.extend(fields.filter(|field| !FIELDS.contains(&field.as_str())).cloned());
    }

    /// A short form is the whole world: what is not in it is not there, unless it says that it could not be read.
    fn everything_was_looked_for(&mut self) {
        for kind in documents::KINDS.iter().filter(|kind| kind.id != documents::ROLE_DEFINITION && kind.id != documents::ANCESTORS) {
            let outcome =
                if kind.id == documents::LIGHTHOUSE_ASSIGNMENT { Outcome::NotTried { why: NOT_READ.into() } } else { Outcome::Found };
            self.snapshot.note(Search { kind: kind.id.into(), subject: "*".into(), outcome });
        }
    }

    fn not_read(&mut self, kind: &str, subject: &str) {
        let outcome = Outcome::NotTried { why: NOT_READ.into() };
        self.snapshot.note(Search { kind: kind.into(), subject: subject.into(), outcome });
    }

    fn add(&mut self, kind: &str, subject: &str, title: &str, value: &Value) {
        self.snapshot.add(Document::new(kind, subject, title, value.to_string()));
    }

    fn roles(&mut self) -> Result<(), CaseError> {
        for role in self.list("role_definitions")? {
            let text = |member: &str| role.get(member).and_then(Value::as_str).unwrap_or_default();
            let lists = ["actions", "notActions", "dataActions", "notDataActions"];
            let flat: Map<String, Value> =
                lists.iter().map(|list| ((*list).to_owned(), role.get(list).cloned().unwrap_or_else(|| json!([])))).collect();
            let permissions = role.get("permissions").cloned().unwrap_or_else(|| json!([flat]));
            let name = role.get("roleName").and_then(Value::as_str).unwrap_or(text("name"));
            let document =
                json!({"id": text("id"), "name": last(text("id")), "permissions": permissions, "roleName": name, "roleType": text("type")});
            self.add(documents::ROLE_DEFINITION, text("id"), name, &document);
        }
        Ok(())
    }

    fn assignments(&mut self, field: &str, kind: &'static str) -> Result<(), CaseError> {
        if self.value.get(field).is_some_and(Value::is_null) {
            self.not_read(kind, "*");
        }
        for element in self.list(field)? {
            let mut element = element.clone();
            if let Some(members) = element.as_object_mut().filter(|members| !members.contains_key("properties")) {
                members.entry("condition").or_insert(Value::Null);
            }
            let body = crate::world::Body::new(&element);
            let (scope, title) =
                (body.text("scope").unwrap_or("/").to_owned(), format!("{} {}", title(kind), last(body.text("id").unwrap_or_default())));
            self.add(kind, &scope, &title, &element);
        }
        Ok(())
    }

    fn groups(&mut self) -> Result<(), CaseError> {
        if self.value.get("groups").is_some_and(Value::is_null) {
            self.not_read(documents::GROUP_MEMBERS, "*");
            self.not_read(documents::MEMBER_OF, "*");
        }
        // The groups tell who is in them, nothing tells all groups of somebody.
        self.not_read(documents::MEMBER_OF, "*");
        for (group, members) in self.object("groups")?.into_iter().flatten() {
            match members.as_array() {
                Some(members) => {
                    let list: Vec<Value> = members.iter().map(|member| json!({ "id": member })).collect();
                    self.add(documents::GROUP_MEMBERS, group, group, &Value::Array(list));
                }
                None => self.not_read(documents::GROUP_MEMBERS, group),
            }
        }
        Ok(())
    }

    fn hierarchy(&mut self) -> Result<(), CaseError> {
        for (scope, names) in self.object("scope_ancestors")?.into_iter().flatten().filter(|(_, names)| names.is_array()) {
            let chain: Vec<Value> = names.as_array().into_iter().flatten().map(|name| json!({ "name": name_of(name) })).collect();
            self.add(documents::ANCESTORS, scope, "management groups", &json!({ "managementGroupAncestorsChain": chain }));
        }
        Ok(())
    }

    fn principals(&mut self) -> Result<(), CaseError> {
        for principal in self.list("principals")? {
            let id = principal.get("id").and_then(Value::as_str).unwrap_or_default();
            self.add(documents::PRINCIPAL, id, id, principal);
        }
        Ok(())
    }

    fn say(&mut self, key: &str, value: &str) {
        self.context.entries.insert(key.to_owned(), Some(vec![value.to_owned()]));
    }

    fn attributes(&mut self) -> Result<(), CaseError> {
        if let Some(data) = self.value.get("is_data_action").and_then(Value::as_bool) {
            self.say("isDataAction", if data { "true" } else { "false" });
        }
        let Some(context) = self.object("context")? else { return Ok(()) };
        self.context.entries.insert("subOperation".to_owned(), context.get("subOperation").and_then(strings));
        for (name, given) in context {
            if let Some(source) = Source::read(name) {
                for (attribute, value) in given.as_object().into_iter().flatten() {
                    self.context.entries.insert(format!("@{}[{attribute}]", source.name()), strings(value));
                }
            } else if name != "complete" && name != "subOperation" {
                self.context.entries.insert(name.clone(), strings(given));
            }
        }
        let complete = context.get("complete").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let prefixes = complete.filter_map(Source::read).map(|source| format!("@{}[", source.name()));
        self.context.complete.extend(prefixes);
        Ok(())
    }

    /// What stands in the way besides roles.
    fn gate(&mut self, gate: &Value) {
        let text = |member: &str| gate.get(member).and_then(Value::as_str);
        match text("type").unwrap_or_default() {
            "lock" => self.lock(gate),
            "policy" => self.policy(gate),
            "storage_network" => self.network(gate, "storage"),
            "key_vault_network" | "key_vault_firewall" | "vault_network" => self.network(gate, "vault"),
            "purge_protection" | "key_vault_purge_protection" => {
                let enabled = gate.get("enablePurgeProtection").or_else(|| gate.get("enabled")).cloned().unwrap_or(json!(true));
                self.vault.insert("enablePurgeProtection".into(), enabled);
                self.vault.entry("enableRbacAuthorization").or_insert(json!(true));
            }
            "storage_shared_key" | "shared_key" => self.shared_key(gate),
            "public_access" | "storage_public_access" => self.public_access(gate),
            "hns" | "hns_acl" | "storage_hns" => self.path_acl(gate),
            "key_vault_mode" => self.vault_mode(gate),
            "cosmos_data" => self.cosmos(gate),
            "linked_scope" => {
                let linked = format!("{}@{}", text("action").unwrap_or_default(), text("scope").unwrap_or_default());
                self.context.entries.entry("linked".into()).or_insert_with(|| Some(Vec::new())).get_or_insert_default().push(linked);
            }
            "tenant" => {
                self.say("tenant", text("token_tid").unwrap_or_default());
                self.subscription(json!({"tenantId": text("subscription_tid"), "managedByTenants": [], "state": "Enabled"}));
            }
            "lighthouse" => {
                let managing = "00000000-0000-4000-8000-00000000000a";
                self.say("tenant", managing);
                let tenant = "00000000-0000-4000-8000-00000000000b";
                self.subscription(json!({"tenantId": tenant, "managedByTenants": [{"tenantId": managing}], "state": "Enabled"}));
            }
            "subscription_state" | "subscription" => self.subscription(json!({"state": text("state")})),
            "rp_registration" | "registration" => self.registration(gate),
            // Under another name: by what it speaks of.
            _ if gate.get("allowSharedKeyAccess").is_some() => self.shared_key(gate),
            _ if gate.get("isHnsEnabled").is_some() => self.path_acl(gate),
            _ if gate.get("allowBlobPublicAccess").is_some() => self.public_access(gate),
            _ if gate.get("enableRbacAuthorization").is_some() => self.vault_mode(gate),
            _ if gate.get("registrationState").is_some() => self.registration(gate),
            _ if ["defaultAction", "publicNetworkAccess"].iter().any(|member| gate.get(member).is_some()) => self.own_network(gate),
            name if name.contains("subscription") && text("state").is_some() => self.subscription(json!({"state": text("state")})),
            // What is signed with a token of Entra ID is no local authentication.
            _ if gate.get("disableLocalAuth").is_some() => {}
            other => self.not_modelled.push(format!("gate {other}")),
        }
    }

    fn lock(&mut self, gate: &Value) {
        let scope = gate.get("scope").and_then(Value::as_str).unwrap_or(self.scope.text()).to_owned();
        let number = self.snapshot.all_of(documents::LOCK).count() + 1;
        let name = if number == 1 { "lock".to_owned() } else { format!("lock-{number}") };
        let id = format!("{}/providers/Microsoft.Authorization/locks/{name}", scope.trim_end_matches('/'));
        let document = json!({"id": id, "level": gate.get("level"), "name": name});
        self.add(documents::LOCK, &scope, &name, &document);
    }

    /// `{effect, enforcementMode?, resource_matches?, scope?, notScopes?, exempt?}`
    fn policy(&mut self, gate: &Value) {
        let subscription = self.scope.subscription_scope().unwrap_or_else(|| Scope::new("/"));
        let scope = gate.get("scope").and_then(Value::as_str).unwrap_or(subscription.text()).to_owned();
        let at = scope.trim_end_matches('/');
        // Several policies of a case are several.
        let number = self.snapshot.all_of(documents::POLICY_ASSIGNMENT).count() + 1;
        let name = if number == 1 { "assignment".to_owned() } else { format!("assignment-{number}") };
        let definition = format!("{at}/providers/Microsoft.Authorization/policyDefinitions/definition-{number}");
        let assignment = format!("{at}/providers/Microsoft.Authorization/policyAssignments/{name}");
        let condition = match said(gate, "matches") {
            Some(matches) => json!({"value": "the resource", "exists": matches}),
            None => json!({"field": "tags['not said']", "equals": "not said"}),
        };
        let rule = json!({"if": condition, "then": {"effect": gate.get("effect")}});
        self.add(documents::POLICY_DEFINITION, &definition, "definition", &json!({"id": definition, "policyRule": rule}));
        let document = json!({
            "id": assignment, "scope": scope, "policyDefinitionId": definition, "displayName": name,
            "enforcementMode": gate.get("enforcementMode").cloned().unwrap_or_else(|| json!("Default")),
            "notScopes": gate.get("notScopes").cloned().unwrap_or_else(|| json!([])),
        });
        self.add(documents::POLICY_ASSIGNMENT, &scope, &name, &document);
        let exempt =
            ["exempt", "exemption"].iter().any(|member| gate.get(member).is_some_and(|value| value != &json!(false) && !value.is_null()));
        if exempt {
            let exemption = format!("{}/providers/Microsoft.Authorization/policyExemptions/exemption-{number}", self.scope.text());
            let text = self.scope.text().to_owned();
            self.add(
                documents::POLICY_EXEMPTION,
                &text,
                &format!("exemption {number}"),
                &json!({"id": exemption, "policyAssignmentId": assignment}),
            );
        }
    }

    /// The same of whatever service the scope lies in, in the shape of that service.
    fn own_network(&mut self, gate: &Value) {
        let service = network::SERVICES.into_iter().find_map(|service| Some((service, self.scope.resource(service.kind)?)));
        let Some((service, resource)) = service else {
            return self.not_modelled.push("a gate for the network of another service".to_owned());
        };
        match service.document {
            documents::STORAGE_ACCOUNT => return self.network(gate, "storage"),
            documents::KEY_VAULT => return self.network(gate, "vault"),
            _ => {}
        }
        let closes = gate.get("defaultAction").and_then(Value::as_str).is_some_and(|action| action.eq_ignore_ascii_case("Deny"));
        let public = gate.get("publicNetworkAccess").cloned().unwrap_or_else(|| json!("Enabled"));
        let (subject, document) = match service.kept {
            Kept::DefaultAction => {
                let rules = json!({"defaultAction": gate.get("defaultAction"), "ipRules": [{"value": ALLOWED}]});
                (resource.text().to_owned(), json!({"networkAcls": rules, "publicNetworkAccess": public}))
            }
            Kept::Below => {
                let rules =
                    json!({"defaultAction": gate.get("defaultAction"), "ipRules": [{"ipMask": ALLOWED}], "publicNetworkAccess": public});
                (format!("{resource}/networkRuleSets/default"), rules)
            }
            Kept::Entries => {
                let rules = if closes { json!([{"ipAddressOrRange": ALLOWED}]) } else { json!([]) };
                (resource.text().to_owned(), json!({"ipRules": rules, "publicNetworkAccess": public}))
            }
            Kept::Switch => {
                let public = if closes { json!("Disabled") } else { public };
                (resource.text().to_owned(), json!({"publicNetworkAccess": public}))
            }
        };
        self.add(documents::RESOURCE, &subject, last(&subject), &document);
        self.client(gate);
    }

    /// `{defaultAction?, publicNetworkAccess?, bypass?, client_allowed?, private_endpoint?}`
    fn network(&mut self, gate: &Value, what: &str) {
        let rules = json!({
            "defaultAction": gate.get("defaultAction").cloned().unwrap_or_else(|| json!("Allow")),
            "bypass": gate.get("bypass").cloned().unwrap_or_else(|| json!("None")),
            "ipRules": gate.get("ipRules").cloned().unwrap_or_else(|| json!([{"value": ALLOWED, "action": "Allow"}])),
            "virtualNetworkRules": gate.get("virtualNetworkRules").cloned().unwrap_or_else(|| json!([])),
        });
        let public = gate.get("publicNetworkAccess").cloned().unwrap_or_else(|| json!("Enabled"));
        let (resource, name) = if what == "storage" { (&mut self.account, "networkRuleSet") } else { (&mut self.vault, "networkAcls") };
        resource.insert(name.into(), rules);
        resource.insert("publicNetworkAccess".into(), public);
        if what != "storage" {
            resource.entry("enableRbacAuthorization").or_insert(json!(true));
        }
        self.client(gate);
    }

    /// Where the client of a gate is.
    fn client(&mut self, gate: &Value) {
        match said(gate, "allowed") {
            Some(true) => self.say("clientIp", ALLOWED),
            // Not in the rules, and let in by nothing else either.
            Some(false) => {
                self.say("clientIp", "198.51.100.7");
                self.say("trustedService", "false");
            }
            None => {}
        }
        if let Some(address) = ["client_ip", "clientIp"].iter().find_map(|member| gate.get(member)?.as_str()) {
            self.say("clientIp", address);
        }
        if let Some(private) =
            ["private_endpoint", "privateEndpoint", "via_private_endpoint"].iter().find_map(|member| gate.get(member)?.as_bool())
        {
            self.say("@Environment[isPrivateLink]", if private { "true" } else { "false" });
        }
    }

    /// `{allowSharedKeyAccess, auth?}`: without `auth` the request is signed with the key.
    fn shared_key(&mut self, gate: &Value) {
        self.account.insert("allowSharedKeyAccess".into(), gate.get("allowSharedKeyAccess").cloned().unwrap_or(Value::Null));
        let texts = gate.as_object().into_iter().flatten().filter(|(member, _)| *member != "type").filter_map(|(_, value)| value.as_str());
        let auth = texts.into_iter().next();
        self.say("auth", auth.unwrap_or("shared_key"));
    }

    /// `{allowBlobPublicAccess}`: the request has no credential.
    fn public_access(&mut self, gate: &Value) {
        self.account.insert("allowBlobPublicAccess".into(), gate.get("allowBlobPublicAccess").cloned().unwrap_or(Value::Null));
        self.say("auth", "anonymous");
    }

    /// `{isHnsEnabled?, acl_grants?}`
    fn path_acl(&mut self, gate: &Value) {
        let enabled = gate.get("isHnsEnabled").cloned().unwrap_or(json!(true));
        self.account.insert("isHnsEnabled".into(), enabled);
        let container = self.scope.text().to_owned();
        match said(gate, "grants") {
            Some(false) => {
                let closed = json!({"acl": "user::---,group::---,other::---", "owner": "$superuser", "group": "$superuser"});
                self.add(documents::PATH_ACL, &format!("{container}//"), "root", &closed);
            }
            Some(true) => {
                self.say("path", "path");
                let open = json!({"acl": "user::rwx,group::rwx,mask::rwx,other::rwx", "owner": "$superuser", "group": "$superuser"});
                for path in ["", "path"] {
                    self.add(documents::PATH_ACL, &format!("{container}//{path}"), path, &open);
                }
            }
            None => self.not_read(documents::PATH_ACL, "*"),
        }
    }

    /// `{enableRbacAuthorization, access_policy_grants?}`
    fn vault_mode(&mut self, gate: &Value) {
        self.vault.insert("enableRbacAuthorization".into(), gate.get("enableRbacAuthorization").cloned().unwrap_or(Value::Null));
        let grants = said(gate, "grants");
        if grants.is_none() {
            return;
        }
        let all = if grants == Some(true) { json!(["all"]) } else { json!([]) };
        let policy = json!({"objectId": self.value.get("principal"), "permissions": {"secrets": all, "keys": all, "certificates": all}});
        self.vault.insert("accessPolicies".into(), json!([policy]));
    }

    /// `{sql_role_grants}`
    fn cosmos(&mut self, gate: &Value) {
        let Some(account) = self.scope.resource("Microsoft.DocumentDB/databaseAccounts") else { return };
        let definition = format!("{account}/sqlRoleDefinitions/definition");
        match said(gate, "grants") {
            Some(grants) => {
                let assignment =
                    json!({"principalId": self.value.get("principal"), "roleDefinitionId": definition, "scope": account.text()});
                let list = if grants { json!([assignment]) } else { json!([]) };
                self.add(documents::COSMOS_ASSIGNMENTS, account.text(), "role assignments", &list);
                let definition = json!([{"id": definition, "roleName": "definition", "permissions": [{"dataActions": ["Microsoft.DocumentDB/databaseAccounts/*"]}]}]);
                self.add(documents::COSMOS_DEFINITIONS, account.text(), "role definitions", &definition);
            }
            None => self.not_read(documents::COSMOS_ASSIGNMENTS, account.text()),
        }
    }

    fn subscription(&mut self, mut document: Value) {
        let Some(id) = self.scope.subscription().map(str::to_owned) else { return };
        if let Some(members) = document.as_object_mut() {
            members.insert("id".into(), json!(id));
        }
        self.add(documents::SUBSCRIPTION, &id, "subscription", &document);
    }

    fn registration(&mut self, gate: &Value) {
        let Some(id) = self.scope.subscription().map(str::to_owned) else { return };
        let namespace = gate.get("namespace").and_then(Value::as_str).unwrap_or_default();
        let state = gate.get("state").or_else(|| gate.get("registrationState"));
        let document = json!({"namespace": namespace, "registrationState": state});
        self.add(documents::PROVIDER, &format!("{id}/{namespace}"), namespace, &document);
    }

    /// The storage account and the vault that gates spoke of.
    fn resources(&mut self) {
        let kinds = [
            ("Microsoft.Storage/storageAccounts", documents::STORAGE_ACCOUNT, std::mem::take(&mut self.account)),
            ("Microsoft.KeyVault/vaults", documents::KEY_VAULT, std::mem::take(&mut self.vault)),
        ];
        for (kind, document, members) in kinds.into_iter().filter(|(_, _, members)| !members.is_empty()) {
            if let Some(resource) = self.scope.resource(kind) {
                self.add(document, resource.text(), resource.name(), &Value::Object(members));
            }
        }
    }
}

/// The member of a gate that says whether something `matches` or `grants`, whatever stands before that word.
fn said(gate: &Value, what: &str) -> Option<bool> {
    gate.as_object()?.iter().find(|(member, _)| member.ends_with(what)).and_then(|(_, value)| value.as_bool())
}

fn title(kind: &str) -> &'static str {
    documents::kind(kind).map_or("document", |row| row.title.trim_start_matches("the "))
}

const NOT_READ: &str = "the case says that it was not read";

fn name_of(name: &Value) -> &str {
    let text = name.as_str().or_else(|| name.get("name").and_then(Value::as_str)).unwrap_or_default();
    last(text)
}

/// A value of a context as the list of its values; `None` for `null`.
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => None,
        Value::Array(list) => Some(list.iter().filter_map(strings).flatten().collect()),
        Value::String(text) => Some(vec![text.clone()]),
        other => Some(vec![other.to_string()]),
    }
}
