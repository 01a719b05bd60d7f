//! Users, roles, groups and their policies.

use super::arn::Arn;
use super::connection::Clients;
use super::doctor::PROBE;
use super::reader::{Reader, lacks, of_page, pages};
use super::shapes::{self, pretty};
use super::step::{Step, steps};
use crate::documents::{ATTACHED_POLICIES, INLINE_NAMES, INLINE_POLICY, MANAGED_POLICY, POLICY_FACTS, ROLE, USER, USER_GROUPS};
use aws_sdk_iam::types::{AttachedPolicy, Group, Role, User};
use futures_util::future::{join, join_all, join3, join4};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

steps! {
    GET_USER = USER, "iam:GetUser", ["iam:GetUser"], absent ["NoSuchEntity"];
    GET_ROLE = ROLE, "iam:GetRole", ["iam:GetRole"], absent ["NoSuchEntity"];
    GET_KEY_OWNER = USER, "iam:GetAccessKeyLastUsed", ["iam:GetAccessKeyLastUsed"], absent ["NoSuchEntity"];
    LIST_USER_POLICIES = INLINE_NAMES, "iam:ListUserPolicies", ["iam:ListUserPolicies"], absent ["NoSuchEntity"];
    LIST_ROLE_POLICIES = INLINE_NAMES, "iam:ListRolePolicies", ["iam:ListRolePolicies"], absent ["NoSuchEntity"];
    LIST_GROUP_POLICIES = INLINE_NAMES, "iam:ListGroupPolicies", ["iam:ListGroupPolicies"], absent ["NoSuchEntity"];
    GET_USER_POLICY = INLINE_POLICY, "iam:GetUserPolicy", ["iam:GetUserPolicy"], absent [];
    GET_ROLE_POLICY = INLINE_POLICY, "iam:GetRolePolicy", ["iam:GetRolePolicy"], absent [];
    GET_GROUP_POLICY = INLINE_POLICY, "iam:GetGroupPolicy", ["iam:GetGroupPolicy"], absent [];
    LIST_ATTACHED_USER_POLICIES = ATTACHED_POLICIES, "iam:ListAttachedUserPolicies", ["iam:ListAttachedUserPolicies"], absent ["NoSuchEntity"];
    LIST_ATTACHED_ROLE_POLICIES = ATTACHED_POLICIES, "iam:ListAttachedRolePolicies", ["iam:ListAttachedRolePolicies"], absent ["NoSuchEntity"];
    LIST_ATTACHED_GROUP_POLICIES = ATTACHED_POLICIES, "iam:ListAttachedGroupPolicies", ["iam:ListAttachedGroupPolicies"], absent ["NoSuchEntity"];
    LIST_GROUPS_FOR_USER = USER_GROUPS, "iam:ListGroupsForUser", ["iam:ListGroupsForUser"], absent ["NoSuchEntity"];
    GET_POLICY = MANAGED_POLICY, "iam:GetPolicy", ["iam:GetPolicy"], absent ["NoSuchEntity"];
    GET_POLICY_VERSION = MANAGED_POLICY, "iam:GetPolicyVersion", ["iam:GetPolicyVersion"], absent [];
    GET_ACCOUNT = ROLE, "iam:GetAccountAuthorizationDetails", ["iam:GetAccountAuthorizationDetails"], absent [];
}

/// Reads the identities of one account.
pub(super) struct Iam<'r> {
    reader: &'r Reader<'r>,
    clients: &'r Clients,
    /// A policy attached in several places is read once.
    policies: Mutex<BTreeSet<String>>,
}

/// Defines how one kind of identity lists and reads its policies: three sets of calls of one shape.
macro_rules! holder {
    ($inline:ident, $attached:ident, $name:ident, $list:ident $list_step:ident, $get:ident $get_step:ident, $list_attached:ident $list_attached_step:ident) => {
        async fn $inline(&self, subject: &str, name: &str) {
            let call = pages!(self.clients.iam.$list().$name(name), page => "PolicyNames", of_page(page.is_truncated, page.marker.as_deref(), page.policy_names));
            let names = self.reader.list(&$list_step, subject, call).await;
            let Some(names) = self.listed(&$list_step, subject, names, |names| json!({"PolicyNames": names})) else { return };
            let policies = names.iter().map(|policy| async move {
                let call = self.clients.iam.$get().$name(name).policy_name(policy).send();
                let answer = self.reader.ask(&$get_step, subject, call).await;
                answer.map(|answer| self.reader.document(&$get_step, subject, policy, shapes::decoded(&answer.policy_document)))
            });
            self.all_of(&$get_step, subject, join_all(policies).await);
        }

        async fn $attached(&self, subject: &str, name: &str) {
            let call = pages!(self.clients.iam.$list_attached().$name(name), page => "AttachedPolicies", of_page(page.is_truncated, page.marker.as_deref(), page.attached_policies).flatten());
            let attached: Result<Vec<AttachedPolicy>, Outcome> = self.reader.list(&$list_attached_step, subject, call).await;
            let text = |attached: &Vec<AttachedPolicy>| json!({"AttachedPolicies": shapes::attached(attached)});
            if let Some(attached) = self.listed(&$list_attached_step, subject, attached, text) {
                join_all(attached.iter().filter_map(AttachedPolicy::policy_arn).map(|arn| self.managed_policy(arn))).await;
            }
        }
    };
}

impl<'r> Iam<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, clients: &'r Clients) -> Self {
        Self { reader, clients, policies: Mutex::default() }
    }

    /// The role and everything that is attached to it. `arn` is its ARN, or one without the path, which a session does not show.
    pub(super) async fn role(&self, arn: &str, name: &str, path_known: bool) -> Option<Role> {
        if !path_known {
            let role = self.role_itself(arn, name, true).await;
            self.role_policies(role.as_ref().map_or(arn, |role| role.arn.as_str()), name).await;
            return role;
        }
        let (role, ()) = join(self.role_itself(arn, name, true), self.role_policies(arn, name)).await;
        if let Some(real) = role.as_ref().map(|role| role.arn.as_str()).filter(|real| *real != arn) {
            self.role_policies(real, name).await;
        }
        role
    }

    /// The role alone, with its trust policy: all that counts of a role which is the resource.
    pub(super) async fn role_itself(&self, arn: &str, name: &str, with_boundary: bool) -> Option<Role> {
        let answer = self.reader.ask(&GET_ROLE, arn, self.clients.iam.get_role().role_name(name).send()).await;
        let role = self.handed_in(&GET_ROLE, arn, answer.map(|answer| answer.role))?;
        self.reader.found(&GET_ROLE, &role.arn, &format!("role {name}"), pretty(&shapes::role(&role)));
        let boundary = role.permissions_boundary.as_ref().and_then(|boundary| boundary.permissions_boundary_arn());
        if let Some(boundary) = boundary.filter(|_| with_boundary) {
            self.managed_policy(boundary).await;
        }
        Some(role)
    }

    async fn role_policies(&self, arn: &str, name: &str) {
        join(self.role_inline(arn, name), self.role_attached(arn, name)).await;
    }

    /// The user, its groups, and everything that is attached to them. Reads anew where the ARN turns out to have another path.
    pub(super) async fn user(&self, arn: &str, name: &str) -> Option<User> {
        let (user, ()) = join(self.user_itself(arn, name), self.user_policies(arn, name)).await;
        if let Some(real) = user.as_ref().map(|user| user.arn.as_str()).filter(|real| *real != arn) {
            self.user_policies(real, name).await;
        }
        user
    }

    pub(super) async fn user_itself(&self, arn: &str, name: &str) -> Option<User> {
        let answer = self.reader.ask(&GET_USER, arn, self.clients.iam.get_user().user_name(name).send()).await;
        let user = self.handed_in(&GET_USER, arn, answer.map(|answer| answer.user))?;
        self.reader.found(&GET_USER, &user.arn, &format!("user {name}"), pretty(&shapes::user(&user)));
        if let Some(boundary) = user.permissions_boundary.as_ref().and_then(|boundary| boundary.permissions_boundary_arn()) {
            self.managed_policy(boundary).await;
        }
        Some(user)
    }

    async fn user_policies(&self, arn: &str, name: &str) {
        join3(self.user_inline(arn, name), self.user_attached(arn, name), self.groups(arn, name)).await;
    }

    /// The entity of an answer; what went wrong instead is noted.
    fn handed_in<T>(&self, step: &Step, arn: &str, answer: Result<Option<T>, Outcome>) -> Option<T> {
        match answer.and_then(|entity| entity.ok_or_else(|| lacks(step, "Arn"))) {
            Ok(entity) => Some(entity),
            Err(outcome) => {
                self.reader.note(step.kind, arn, outcome);
                None
            }
        }
    }

    async fn groups(&self, arn: &str, name: &str) {
        let call = pages!(self.clients.iam.list_groups_for_user().user_name(name), page => "Groups", of_page(page.is_truncated, page.marker.as_deref(), page.groups));
        let groups = self.reader.list(&LIST_GROUPS_FOR_USER, arn, call).await;
        let text = |groups: &Vec<Group>| {
            let groups: Vec<_> =
                groups.iter().map(|group| json!({"Arn": group.arn, "GroupName": group.group_name, "GroupId": group.group_id})).collect();
            json!({"Groups": groups})
        };
        if let Some(groups) = self.listed(&LIST_GROUPS_FOR_USER, arn, groups, text) {
            let each = groups
                .iter()
                .map(|group| join(self.group_inline(&group.arn, &group.group_name), self.group_attached(&group.arn, &group.group_name)));
            join_all(each).await;
        }
    }

    holder!(role_inline, role_attached, role_name, list_role_policies LIST_ROLE_POLICIES, get_role_policy GET_ROLE_POLICY, list_attached_role_policies LIST_ATTACHED_ROLE_POLICIES);
    holder!(user_inline, user_attached, user_name, list_user_policies LIST_USER_POLICIES, get_user_policy GET_USER_POLICY, list_attached_user_policies LIST_ATTACHED_USER_POLICIES);
    holder!(group_inline, group_attached, group_name, list_group_policies LIST_GROUP_POLICIES, get_group_policy GET_GROUP_POLICY, list_attached_group_policies LIST_ATTACHED_GROUP_POLICIES);

    /// The default version of a managed policy.
    pub(super) async fn managed_policy(&self, arn: &str) {
        if !self.policies.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.to_owned()) {
            return;
        }
        if let Err(outcome) = self.default_version(arn).await {
            self.reader.note(MANAGED_POLICY, arn, outcome);
        }
    }

    async fn default_version(&self, arn: &str) -> Result<(), Outcome> {
        let policy = self.reader.ask(&GET_POLICY, arn, self.clients.iam.get_policy().policy_arn(arn).send()).await?.policy;
        let version = policy.as_ref().and_then(|policy| policy.default_version_id.clone());
        let version = version.ok_or_else(|| lacks(&GET_POLICY, "DefaultVersionId"))?;
        let call = self.clients.iam.get_policy_version().policy_arn(arn).version_id(version).send();
        let answer = self.reader.ask(&GET_POLICY_VERSION, arn, call).await?;
        let document = answer.policy_version.and_then(|version| version.document).ok_or_else(|| lacks(&GET_POLICY_VERSION, "Document"))?;
        let name = Arn::parse(arn).map_or(arn, |arn| super::arn::last(arn.resource));
        self.reader.found(&GET_POLICY_VERSION, arn, name, shapes::decoded(&document));
        if let Some(policy) = policy {
            let facts = Step { kind: POLICY_FACTS, ..GET_POLICY };
            self.reader.found(&facts, arn, name, pretty(&shapes::policy_facts(&policy)));
        }
        Ok(())
    }

    /// Hands in a list, or notes why there is none.
    fn listed<T>(&self, step: &Step, subject: &str, items: Result<Vec<T>, Outcome>, text: impl FnOnce(&Vec<T>) -> Value) -> Option<Vec<T>> {
        match items {
            Ok(items) => {
                let title = format!("{} of {}", step.title(), subject.rsplit(':').next().unwrap_or(subject));
                self.reader.found(step, subject, &title, pretty(&text(&items)));
                Some(items)
            }
            Err(outcome) => {
                self.reader.note(step.kind, subject, outcome);
                None
            }
        }
    }

    /// One note for documents that were read one by one: found only where every one was.
    fn all_of(&self, step: &Step, subject: &str, answers: Vec<Result<(), Outcome>>) {
        let missed = answers.into_iter().find_map(Result::err);
        self.reader.note(step.kind, subject, missed.unwrap_or(Outcome::Found));
    }
}

/// Sends each call once, for a name that nothing has: what comes back is either a refusal or that there is none.
pub(super) async fn probe(reader: &Reader<'_>, clients: &Clients) {
    let iam = &clients.iam;
    let account = reader.ask(&GET_ACCOUNT, PROBE, iam.get_account_authorization_details().max_items(1).send());
    let key = reader.ask(&GET_KEY_OWNER, PROBE, iam.get_access_key_last_used().access_key_id("AKIAIOSFODNN7EXAMPLE").send());
    let managed = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = reader.ask(&GET_POLICY, managed, iam.get_policy().policy_arn(managed).send());
    let version = reader.ask(&GET_POLICY_VERSION, managed, iam.get_policy_version().policy_arn(managed).version_id("v1").send());
    let _ = join4(account, key, policy, version).await;
    let one = |step: &'static Step| probe_one(reader, iam, step);
    join_all(STEPS.iter().map(one)).await;
}

async fn probe_one(reader: &Reader<'_>, iam: &aws_sdk_iam::Client, step: &'static Step) {
    // What became of it is in the reader's tally.
    let _ = match step.call {
        "iam:GetUser" => reader.ask(step, PROBE, iam.get_user().user_name(PROBE).send()).await.err(),
        "iam:GetRole" => reader.ask(step, PROBE, iam.get_role().role_name(PROBE).send()).await.err(),
        "iam:ListUserPolicies" => reader.ask(step, PROBE, iam.list_user_policies().user_name(PROBE).send()).await.err(),
        "iam:ListRolePolicies" => reader.ask(step, PROBE, iam.list_role_policies().role_name(PROBE).send()).await.err(),
        "iam:ListGroupPolicies" => reader.ask(step, PROBE, iam.list_group_policies().group_name(PROBE).send()).await.err(),
        "iam:GetUserPolicy" => reader.ask(step, PROBE, iam.get_user_policy().user_name(PROBE).policy_name(PROBE).send()).await.err(),
        "iam:GetRolePolicy" => reader.ask(step, PROBE, iam.get_role_policy().role_name(PROBE).policy_name(PROBE).send()).await.err(),
        "iam:GetGroupPolicy" => reader.ask(step, PROBE, iam.get_group_policy().group_name(PROBE).policy_name(PROBE).send()).await.err(),
        "iam:ListAttachedUserPolicies" => reader.ask(step, PROBE, iam.list_attached_user_policies().user_name(PROBE).send()).await.err(),
        "iam:ListAttachedRolePolicies" => reader.ask(step, PROBE, iam.list_attached_role_policies().role_name(PROBE).send()).await.err(),
        "iam:ListAttachedGroupPolicies" => reader.ask(step, PROBE, iam.list_attached_group_policies().group_name(PROBE).send()).await.err(),
        "iam:ListGroupsForUser" => reader.ask(step, PROBE, iam.list_groups_for_user().user_name(PROBE).send()).await.err(),
        // The rest is tried on what every account has.
        _ => None,
    };
}
