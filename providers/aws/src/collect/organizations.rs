//! The organization: where an account stands in it, and the service and resource control policies on the way.

use super::accounts::Accounts;
use super::connection::Clients;
use super::reader::{Reader, lacks, pages};
use super::shapes::pretty;
use super::step::{Step, steps};
use crate::documents::{ATTACHED_RCPS, ATTACHED_SCPS, ORGANIZATION, PARENTS, RCP, SCP};
use aws_sdk_organizations::types::{Organization, PolicyType, PolicyTypeStatus, PolicyTypeSummary, Root};
use futures_util::future::{join, join_all, join3};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

steps! {
    DESCRIBE_ORGANIZATION = ORGANIZATION, "organizations:DescribeOrganization", ["organizations:DescribeOrganization"], absent ["AWSOrganizationsNotInUseException"];
    DESCRIBE_ACCOUNT = PARENTS, "organizations:DescribeAccount", ["organizations:DescribeAccount"], absent ["AWSOrganizationsNotInUseException"];
    LIST_PARENTS = PARENTS, "organizations:ListParents", ["organizations:ListParents"], absent ["AWSOrganizationsNotInUseException"];
    LIST_SCPS = ATTACHED_SCPS, "organizations:ListPoliciesForTarget", ["organizations:ListPoliciesForTarget"], absent ["AWSOrganizationsNotInUseException", "PolicyTypeNotEnabledException"];
    LIST_RCPS = ATTACHED_RCPS, "organizations:ListPoliciesForTarget", ["organizations:ListPoliciesForTarget"], absent ["AWSOrganizationsNotInUseException", "PolicyTypeNotEnabledException"];
    DESCRIBE_SCP = SCP, "organizations:DescribePolicy", ["organizations:DescribePolicy"], absent [];
    DESCRIBE_RCP = RCP, "organizations:DescribePolicy", ["organizations:DescribePolicy"], absent [];
    LIST_ROOTS = PARENTS, "organizations:ListRoots", ["organizations:ListRoots"], absent [];
    LIST_UNITS = PARENTS, "organizations:ListOrganizationalUnitsForParent", ["organizations:ListOrganizationalUnitsForParent"], absent [];
    LIST_ACCOUNTS = PARENTS, "organizations:ListAccountsForParent", ["organizations:ListAccountsForParent"], absent [];
}

/// Organizational units are nested at most five deep; more than this many steps upwards is no tree.
const DEEPEST: usize = 12;

/// Reads the organization on the way from accounts to the root.
pub(super) struct Organizations<'r> {
    reader: &'r Reader<'r>,
    accounts: &'r Accounts<'r>,
    /// Policies and nodes that several accounts share are read once.
    seen: Mutex<BTreeSet<String>>,
    roots: OnceCell<Vec<Root>>,
    closed: bool,
}

/// How much of the way up one set of credentials could read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Read {
    /// The nodes, up to the root.
    path: bool,
    /// The policies of every node.
    policies: bool,
}

/// One node on the way up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    id: String,
    kind: &'static str,
}

impl<'r> Organizations<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, accounts: &'r Accounts<'r>) -> Self {
        Self { reader, accounts, seen: Mutex::default(), roots: OnceCell::new(), closed: false }
    }

    /// One that reads nothing: for who asks about a resource and not about its account.
    pub(super) fn nothing(reader: &'r Reader<'r>, accounts: &'r Accounts<'r>) -> Self {
        Self { closed: true, ..Self::new(reader, accounts) }
    }

    /// Everything that binds `account`: with these credentials, else as the reader role in the management account.
    pub(super) async fn of(&self, account: &str) {
        if self.closed || !self.first_time(&format!("account {account}")) {
            return;
        }
        let (home, mut read) = join(self.home_organization(account), self.tree(self.accounts.home(), account)).await;
        let home_account = self.accounts.home_account().await;
        if home == Err(Outcome::Absent) && home_account.as_deref() != Some(account) {
            // Who is in no organization is told so of every account, whatever that one is in.
            self.says_nothing_of(account);
            read.path = false;
        }
        let organization = match (home, read.path) {
            // Another account of the same organization: its organization is ours.
            (Ok(organization), true) => Some(organization),
            (home, _) => self.own_organization(account, home).await,
        };
        let Some(organization) = organization else { return };
        self.organization_found(account, &organization);
        let management = organization.master_account_id().unwrap_or_default();
        if (read.path && read.policies) || management.is_empty() || home_account.as_deref() == Some(management) {
            return;
        }
        match self.accounts.clients(management).await {
            Ok(clients) => {
                self.forget();
                self.tree(&clients, account).await;
            }
            // Where the way is known, each list that was refused has said what it takes.
            Err(outcome) if !read.path => self.management_needed(account, management, &outcome),
            Err(_) => {}
        }
    }

    fn says_nothing_of(&self, account: &str) {
        let why = "the account of the credentials is in no organization, and sees none";
        for kind in [PARENTS, ATTACHED_SCPS, ATTACHED_RCPS] {
            self.reader.note(kind, account, Outcome::NotTried { why: why.into() });
        }
    }

    /// The whole tree: every unit and account, and the policies attached to each. For the management account and delegated
    /// administrators; to others the tree stays closed, which is no gap: what binds one account was read on its own.
    pub(super) async fn rest_of_tree(&self) {
        let clients = self.management_clients().await;
        let Ok(roots) = self.roots(&clients).await else { return };
        let mut level: Vec<String> = roots.iter().filter_map(|root| root.id.clone()).collect();
        for _ in 0..DEEPEST {
            let below = join_all(level.iter().map(|parent| self.below(&clients, parent))).await;
            level = below.into_iter().flatten().collect();
            if level.is_empty() {
                break;
            }
        }
    }

    /// Tries the calls that only reading the whole tree takes, each once.
    pub(super) async fn probe(&self) {
        let clients = self.management_clients().await;
        let organizations = &clients.organizations;
        let root = self.roots(&clients).await.ok().and_then(|roots| roots.iter().find_map(|root| root.id.clone()));
        let Some(root) = root else { return };
        let units = organizations.list_organizational_units_for_parent().parent_id(&root).send();
        let accounts = organizations.list_accounts_for_parent().parent_id(&root).send();
        // What became of them is in the reader's tally.
        let _ = join(self.reader.ask(&LIST_UNITS, &root, units), self.reader.ask(&LIST_ACCOUNTS, &root, accounts)).await;
    }

    /// The root, of which there is one, with the types of policies that are in force; asked until it is answered.
    async fn roots(&self, clients: &Clients) -> Result<&[Root], Outcome> {
        let ask = || async {
            let call = pages!(clients.organizations.list_roots(), page => "Roots", page.roots);
            self.reader.list(&LIST_ROOTS, "roots", call).await
        };
        self.roots.get_or_try_init(ask).await.map(Vec::as_slice)
    }

    async fn management_clients(&self) -> Arc<Clients> {
        let own = || Arc::new(self.accounts.home().clone());
        let organization = self.accounts.organization(|| async { Err(lacks(&DESCRIBE_ORGANIZATION, "Organization")) }).await;
        match organization.ok().and_then(|organization| organization.master_account_id) {
            Some(management) => self.accounts.clients(&management).await.unwrap_or_else(|_| own()),
            None => own(),
        }
    }

    /// One node's policies, its accounts and theirs; returns its units.
    async fn below(&self, clients: &Clients, parent: &str) -> Vec<String> {
        let organizations = &clients.organizations;
        let units = pages!(organizations.list_organizational_units_for_parent().parent_id(parent), page => "OrganizationalUnits", page.organizational_units);
        let accounts = pages!(organizations.list_accounts_for_parent().parent_id(parent), page => "Accounts", page.accounts);
        let units = self.reader.list(&LIST_UNITS, parent, units);
        let accounts = self.reader.list(&LIST_ACCOUNTS, parent, accounts);
        let (units, accounts, _) = join3(units, accounts, self.policies_at(clients, parent)).await;
        let units: Vec<String> = units.unwrap_or_default().into_iter().filter_map(|unit| unit.id).collect();
        let accounts: Vec<String> = accounts.unwrap_or_default().into_iter().filter_map(|account| account.id).collect();
        if let Some(node) = node(parent) {
            units.iter().for_each(|child| self.parent_found(&LIST_UNITS, child, &node));
            accounts.iter().for_each(|child| self.parent_found(&LIST_ACCOUNTS, child, &node));
        }
        join_all(accounts.iter().map(|account| self.policies_at(clients, account))).await;
        units
    }

    /// The organization of the credentials' own account; asked once, on behalf of whichever account comes first.
    async fn home_organization(&self, account: &str) -> Result<Organization, Outcome> {
        self.accounts
            .organization(|| async {
                let call = self.accounts.home().organizations.describe_organization().send();
                let answer = self.reader.ask(&DESCRIBE_ORGANIZATION, account, call).await;
                match answer.map(|answer| answer.organization) {
                    Ok(Some(organization)) => Ok(organization),
                    Ok(None) => Err(lacks(&DESCRIBE_ORGANIZATION, "Organization")),
                    Err(outcome) => Err(outcome),
                }
            })
            .await
    }

    /// The organization of an account about which these credentials' own organization says nothing.
    async fn own_organization(&self, account: &str, home: Result<Organization, Outcome>) -> Option<Organization> {
        let home_account = self.accounts.home_account().await;
        if home_account.as_deref() == Some(account) {
            return home.map_err(|outcome| self.reader.note(ORGANIZATION, account, outcome)).ok();
        }
        let clients = match self.accounts.clients(account).await {
            Ok(clients) => clients,
            Err(outcome) => {
                self.reader.note(ORGANIZATION, account, outcome);
                return None;
            }
        };
        let answer = self.reader.ask(&DESCRIBE_ORGANIZATION, account, clients.organizations.describe_organization().send()).await;
        match answer.and_then(|answer| answer.organization.ok_or_else(|| lacks(&DESCRIBE_ORGANIZATION, "Organization"))) {
            Ok(organization) => Some(organization),
            Err(outcome) => {
                self.reader.note(ORGANIZATION, account, outcome);
                None
            }
        }
    }

    fn organization_found(&self, account: &str, organization: &Organization) {
        let text = json!({
            "Id": organization.id(),
            "Arn": organization.arn(),
            "FeatureSet": organization.feature_set().map(|set| set.as_str()),
            "MasterAccountArn": organization.master_account_arn(),
            "MasterAccountId": organization.master_account_id(),
        });
        let title = format!("organization {}", organization.id().unwrap_or_default());
        self.reader.found(&DESCRIBE_ORGANIZATION, account, &title, pretty(&text));
    }

    /// Says what would open the layers that only the management account can read.
    fn management_needed(&self, account: &str, management: &str, outcome: &Outcome) {
        let Outcome::NotTried { .. } = outcome else {
            // The reader role was tried and refused: that is what is missing.
            for kind in [PARENTS, ATTACHED_SCPS, ATTACHED_RCPS] {
                self.reader.note(kind, account, outcome.clone());
            }
            return;
        };
        for step in [&LIST_PARENTS, &LIST_SCPS, &LIST_RCPS] {
            let needs = format!(
                "{} in the management account {management} (--reader-role NAME, a role there that may be assumed)",
                step.needs.join(" and ")
            );
            let said = format!(
                "the organization shows its tree and policies only to its management account {management} and to delegated administrators"
            );
            self.reader.note(step.kind, account, Outcome::Refused { needs, said });
        }
    }

    /// The way up from `account` and the policies on it, read with one set of credentials.
    async fn tree(&self, clients: &Clients, account: &str) -> Read {
        let at_account = self.policies_at(clients, account);
        let upwards = async {
            match self.whole_path(clients, account).await {
                Some(nodes) => {
                    let read = join_all(nodes.iter().map(|node| self.policies_at(clients, &node.id))).await;
                    Read { path: true, policies: read.into_iter().all(|read| read) }
                }
                None => self.climb(clients, account.to_owned(), DEEPEST).await,
            }
        };
        let (here, above) = join(at_account, upwards).await;
        Read { policies: here && above.policies, ..above }
    }

    /// The whole way up in one call: accounts know their path since 2025.
    async fn whole_path(&self, clients: &Clients, account: &str) -> Option<Vec<Node>> {
        let call = clients.organizations.describe_account().account_id(account).send();
        let answer = self.reader.ask(&DESCRIBE_ACCOUNT, account, call).await.ok()?;
        let nodes = nodes(answer.account()?.paths().first()?, account)?;
        let mut child = account;
        for node in &nodes {
            self.parent_found(&DESCRIBE_ACCOUNT, child, node);
            child = &node.id;
        }
        Some(nodes)
    }

    /// One step up at a time, the policies of each node meanwhile.
    fn climb<'a>(&'a self, clients: &'a Clients, child: String, left: usize) -> Pin<Box<dyn Future<Output = Read> + Send + 'a>> {
        const DARK: Read = Read { path: false, policies: false };
        Box::pin(async move {
            let call = clients.organizations.list_parents().child_id(&child).send();
            let answer = self.reader.ask(&LIST_PARENTS, &child, call).await;
            let parent = answer
                .and_then(|answer| answer.parents.unwrap_or_default().into_iter().next().ok_or_else(|| lacks(&LIST_PARENTS, "Parents")));
            let node = match parent.map(|parent| node(parent.id().unwrap_or_default())) {
                Ok(Some(node)) if left > 0 => node,
                Ok(_) => {
                    self.reader.note(PARENTS, &child, lacks(&LIST_PARENTS, "Parents[].Id of a root or an organizational unit"));
                    return DARK;
                }
                Err(outcome) => {
                    self.reader.note(PARENTS, &child, outcome.clone());
                    // Not in an organization is an answer, not darkness.
                    return if outcome == Outcome::Absent { Read { path: true, policies: true } } else { DARK };
                }
            };
            self.parent_found(&LIST_PARENTS, &child, &node);
            let policies = self.policies_at(clients, &node.id);
            if node.kind == "ROOT" {
                return Read { path: true, policies: policies.await };
            }
            let (here, above) = join(policies, self.climb(clients, node.id.clone(), left - 1)).await;
            Read { policies: here && above.policies, ..above }
        })
    }

    fn parent_found(&self, step: &Step, child: &str, parent: &Node) {
        let text = json!({"Parents": [{"Id": parent.id, "Type": parent.kind}]});
        self.reader.found(step, child, &format!("parent of {child}"), pretty(&text));
    }

    /// Reads the policies of one node, unless somebody does already; `false` where some could not be read.
    async fn policies_at(&self, clients: &Clients, target: &str) -> bool {
        if !self.first_time(target) {
            return true;
        }
        let service = self.attached(clients, target, &LIST_SCPS, &DESCRIBE_SCP, PolicyType::ServiceControlPolicy);
        let resource = self.attached(clients, target, &LIST_RCPS, &DESCRIBE_RCP, PolicyType::ResourceControlPolicy);
        let (service, resource) = join(service, resource).await;
        service && resource
    }

    async fn attached(&self, clients: &Clients, target: &str, list: &Step, describe: &Step, filter: PolicyType) -> bool {
        let call = clients.organizations.list_policies_for_target().target_id(target).filter(filter.clone());
        let call = pages!(call, page => "Policies", page.policies);
        let policies = match self.reader.list(list, target, call).await {
            // Resource control policies only deny: where there is none it does not matter why.
            Ok(policies) if policies.is_empty() && filter == PolicyType::ServiceControlPolicy => {
                match self.in_force(clients, &filter).await {
                    Ok(true) => policies,
                    Ok(false) => return self.none_or_dark(list, target, Outcome::Absent),
                    Err(outcome) => return self.none_or_dark(list, target, outcome),
                }
            }
            Ok(policies) => policies,
            Err(outcome) => return self.none_or_dark(list, target, outcome),
        };
        let summaries: Vec<Value> = policies
            .iter()
            .map(|policy| json!({"Id": policy.id(), "Arn": policy.arn(), "Name": policy.name(), "AwsManaged": policy.aws_managed()}))
            .collect();
        self.reader.found(list, target, &format!("{} of {target}", list.title()), pretty(&json!({"Policies": summaries})));
        let each = policies
            .iter()
            .filter_map(|policy| Some((policy.id()?, policy.name().unwrap_or_default())))
            .map(|(id, name)| self.policy(clients, id, name, describe));
        join_all(each).await.into_iter().all(|read| read)
    }

    fn none_or_dark(&self, list: &Step, target: &str, outcome: Outcome) -> bool {
        let none = outcome == Outcome::Absent;
        self.reader.note(list.kind, target, outcome);
        none
    }

    /// Is this type of policies in force at all? Where it is not, AWS lists none at any node, which must not be taken for a node that
    /// lets nothing through: in force, each node has one policy at least (E-17; *Enabling a policy type*: `ListRoots` tells).
    async fn in_force(&self, clients: &Clients, wanted: &PolicyType) -> Result<bool, Outcome> {
        let roots = self.roots(clients).await?;
        let types = roots.iter().map(|root| root.policy_types.as_deref().ok_or_else(|| lacks(&LIST_ROOTS, "Roots[].PolicyTypes")));
        let types: Vec<_> = types.collect::<Result<Vec<_>, _>>()?.concat();
        let on = |one: &PolicyTypeSummary| one.r#type() == Some(wanted) && one.status() == Some(&PolicyTypeStatus::Enabled);
        Ok(types.iter().any(on))
    }

    async fn policy(&self, clients: &Clients, id: &str, name: &str, step: &Step) -> bool {
        if !self.first_time(&format!("{} {id}", step.kind)) {
            return true;
        }
        let call = clients.organizations.describe_policy().policy_id(id).send();
        let answer = self.reader.ask(step, id, call).await;
        let content = answer.and_then(|answer| answer.policy.and_then(|policy| policy.content).ok_or_else(|| lacks(step, "Content")));
        match content {
            Ok(content) => {
                self.reader.found(step, id, name, content);
                true
            }
            Err(outcome) => {
                self.reader.note(step.kind, id, outcome);
                false
            }
        }
    }

    fn first_time(&self, what: &str) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned())
    }

    /// What these credentials were refused is tried again as the reader role.
    fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|what| what.starts_with("account "));
    }
}

/// The nodes of `o-…/r-…/ou-…/111122223333/` above `account`, the nearest first.
fn nodes(path: &str, account: &str) -> Option<Vec<Node>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != account);
    let organization = parts.next()?;
    let mut nodes: Vec<Node> = parts.map(node).collect::<Option<_>>()?;
    nodes.reverse();
    (organization.starts_with("o-") && nodes.last()?.kind == "ROOT").then_some(nodes)
}

fn node(id: &str) -> Option<Node> {
    let kind = match id.split('-').next() {
        Some("r") => "ROOT",
        Some("ou") => "ORGANIZATIONAL_UNIT",
        _ => return None,
    };
    Some(Node { id: id.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::nodes;

    #[test]
    fn an_account_path_is_read_from_the_account_upwards() {
        let ids = |path: &str| nodes(path, "111122223333").map(|nodes| nodes.into_iter().map(|node| node.id).collect::<Vec<_>>());
        assert_eq!(ids("o-abc/r-x1/ou-x1-prod/ou-x1-eu/111122223333/"), Some(vec!["ou-x1-eu".into(), "ou-x1-prod".into(), "r-x1".into()]));
        assert_eq!(ids("o-abc/r-x1/111122223333/"), Some(vec!["r-x1".into()]));
        assert_eq!(ids("111122223333"), None);
        assert_eq!(ids("o-abc/ou-x1-eu/111122223333"), None, "a path without a root is no path");
    }
}
