//! Whether somebody a policy names covers the caller.

use crate::documents;
use crate::facts::Facts;
use crate::language::principals::{Identity, Member, Pool, Principal, Subset, is_service_agent};
use crate::language::resources::FullName;
use crate::world::{World, elements, home_project, json, members, same_project, text};
use iam_why_contract::{Document, Doubt, Outcome, Truth};
use serde_json::Value;

/// How deep groups are followed into groups.
const NESTED: usize = 32;

impl World<'_> {
    /// Does `member` cover the caller?
    pub(crate) fn covers(&self, member: &Member, facts: &Facts) -> Truth {
        let caller = &self.request.principal;
        match member {
            Member::Everybody => Truth::Yes,
            Member::Authenticated => self.is_signed_in(facts),
            Member::User(email) => same(matches!(caller, Principal::User(mine) if mine.eq_ignore_ascii_case(email))),
            Member::ServiceAccount(email) => same(matches!(caller, Principal::ServiceAccount(mine) if mine.eq_ignore_ascii_case(email))),
            Member::Group(email) => self.in_group(email, facts),
            Member::Domain(domain) => self.in_domain(domain, facts),
            Member::Customer(customer) => self.of_customer(customer, facts),
            Member::Holders { role, project } => self.holds(role, project, facts),
            Member::Federated(identity) => same(matches!(caller, Principal::Federated(mine) if mine.is(identity))),
            Member::OfPool(pool, subset) => match caller {
                Principal::Federated(identity) if identity.pool.is(pool) => self.in_subset(identity, subset, facts),
                _ => Truth::No,
            },
            Member::LivingIn { container, agents } => self.account_lives_in(container, *agents, facts),
            Member::Other { authority, path } => {
                same(matches!(caller, Principal::Other { authority: mine, path: where_ } if mine == authority && where_ == path))
            }
            Member::OfAuthority { authority, path } => self.of_authority(authority, path, facts),
            Member::Deleted | Member::Foreign => Truth::No,
            Member::Unreadable => facts.truth("members of unknown form", || Doubt {
                about: "whom a member of a form that iam-why does not know covers".into(),
                needs: "the page Principal identifiers of the IAM documentation".into(),
            }),
        }
    }

    /// P6
    fn is_signed_in(&self, facts: &Facts) -> Truth {
        match &self.request.principal {
            Principal::User(_) | Principal::ServiceAccount(_) => Truth::Yes,
            Principal::Anonymous | Principal::Federated(_) => Truth::No,
            Principal::Other { .. } => facts.truth("allAuthenticatedUsers", || Doubt {
                about: "whether allAuthenticatedUsers covers agent identities".into(),
                needs: "the documentation does not say".into(),
            }),
        }
    }

    /// P4, P23: members of members count. Federated and anonymous callers are in no Google group.
    pub(crate) fn in_group(&self, group: &str, facts: &Facts) -> Truth {
        let Some(email) = self.request.principal.email() else { return Truth::No };
        let mut seen = Vec::new();
        self.reaches(group, email, &mut seen, facts)
    }

    /// N73: user access bindings name a group by its id, `01d520gv4vjcrht`. Which group that is follows from what lists its members, or
    /// from the search for the caller's groups.
    pub(crate) fn in_group_by_id(&self, id: &str, facts: &Facts) -> Truth {
        let Some(email) = self.request.principal.email() else { return Truth::No };
        let named = format!("groups/{id}");
        let searched = self.snapshot.of(documents::GROUPS_OF, email).next().and_then(json);
        let found = searched.as_ref().and_then(|value| elements(value, &["memberships"]));
        if found.is_some_and(|list| list.iter().any(|entry| text(entry, "group").as_deref() == Some(&named))) {
            return Truth::Yes;
        }
        let lists = |document: &&Document| {
            let value = json(document).unwrap_or_default();
            let member_of = |entry: &Value| text(entry, "name").is_some_and(|name| name.starts_with(&format!("{named}/")));
            elements(&value, &["memberships", "members"]).is_some_and(|list| list.iter().any(member_of))
        };
        let group = self.snapshot.all_of(documents::GROUP_MEMBERS).find(lists);
        self.in_group(group.map_or(id, |document| &document.subject), facts)
    }

    fn reaches(&self, group: &str, email: &str, seen: &mut Vec<String>, facts: &Facts) -> Truth {
        let group = group.to_ascii_lowercase();
        if seen.contains(&group) {
            return Truth::No;
        }
        seen.push(group.clone());
        if let Some(found) = self.searched(&group, email) {
            return same(found);
        }
        let Some(members) = self.group_members(&group) else { return self.unread_group(&group, email, facts) };
        if members.iter().any(|member| member.key.eq_ignore_ascii_case(email)) {
            return Truth::Yes;
        }
        let (groups, others): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.kind == GroupKind::Group || self.group_members(&member.key).is_some());
        if seen.len() > NESTED || others.iter().any(|member| member.kind == GroupKind::NotSaid) {
            return self.unread_nesting(&group, email, facts);
        }
        Truth::any(groups.iter().map(|member| self.reaches(&member.key, email, seen, facts)))
    }

    /// Does the search for the caller's groups say whether this is one? What it finds is one; what it does not find is none only where
    /// the group is of the same organization: whether it looks into others is not documented.
    fn searched(&self, group: &str, email: &str) -> Option<bool> {
        let groups = self.snapshot.of(documents::GROUPS_OF, email).next().and_then(read_groups)?;
        let found = groups.iter().any(|other| other.eq_ignore_ascii_case(group));
        (found || is_searched(group, email, &self.domains())).then_some(found)
    }

    /// The domains of the caller's organization, as far as they are known; that of an address not among them.
    fn domains(&self) -> Vec<String> {
        let mut domains = self.caller.domains.clone().unwrap_or_default();
        for home in self.caller.home.iter().flatten().filter(|home| home.starts_with("organizations/")) {
            let Some(name) = FullName::node(home) else { continue };
            domains.extend(
                self.documents(documents::ORGANIZATION, &name).into_iter().filter_map(json).filter_map(|it| text(&it, "displayName")),
            );
        }
        domains
    }

    fn unread_nesting(&self, group: &str, email: &str, facts: &Facts) -> Truth {
        facts.truth(&format!("groups within {group}"), || Doubt {
            about: format!("whether {email} is a member of the group {group} through another group"),
            needs: format!("gcloud identity groups memberships list --group-email={group} --view=FULL: the types of its members"),
        })
    }

    fn group_members(&self, group: &str) -> Option<Vec<GroupMember>> {
        let lower = group.to_ascii_lowercase();
        let document = [group, &lower].into_iter().find_map(|name| self.snapshot.of(documents::GROUP_MEMBERS, name).next())?;
        read_members(document)
    }

    fn unread_group(&self, group: &str, email: &str, facts: &Facts) -> Truth {
        if self.snapshot.outcome(documents::GROUP_MEMBERS, group) == Some(&Outcome::Absent) {
            return Truth::No;
        }
        facts.truth(&format!("group {group}"), || Doubt {
            about: format!("whether {email} is a member of the group {group}"),
            needs: format!("gcloud identity groups memberships check-transitive-membership --group-email={group} --member-email={email}"),
        })
    }

    /// P5: a domain stands for the customer that owns it.
    fn in_domain(&self, domain: &str, facts: &Facts) -> Truth {
        let Principal::User(email) = &self.request.principal else { return Truth::No };
        let mine = email.rsplit('@').next().unwrap_or_default();
        match (&self.caller.customer, &self.caller.domains) {
            (Some(None), _) => Truth::No,
            (_, Some(domains)) => same(domains.iter().any(|other| other.eq_ignore_ascii_case(domain))),
            _ if mine.eq_ignore_ascii_case(domain) => Truth::Yes,
            (Some(Some(mine)), None) if self.owner_of(domain).is_some() => same(self.owner_of(domain).as_ref() == Some(mine)),
            _ => facts.truth(&format!("domain {domain}"), || Doubt {
                about: format!("whether {email} is an account of the customer that owns {domain}"),
                needs: "the domains of the caller's Workspace or Cloud Identity customer".into(),
            }),
        }
    }

    /// P30
    pub(crate) fn of_customer(&self, customer: &str, facts: &Facts) -> Truth {
        let Principal::User(email) = &self.request.principal else { return Truth::No };
        if let Some(mine) = &self.caller.customer {
            return same(mine.as_deref() == Some(customer));
        }
        let domain = email.rsplit('@').next().unwrap_or_default();
        if let Some(id) = self.owner_of(domain) {
            return same(id == customer);
        }
        facts.truth(&format!("customer {customer}"), || Doubt {
            about: format!("whether {email} is an account of the customer {customer}"),
            needs: format!("gcloud organizations describe of the organization of {domain}: its directoryCustomerId"),
        })
    }

    /// The customer of a domain, where it is the primary one of an organization that was read (F19).
    fn owner_of(&self, domain: &str) -> Option<String> {
        let named = |organization: &Value| text(organization, "displayName").is_some_and(|name| name.eq_ignore_ascii_case(domain));
        self.snapshot.all_of(documents::ORGANIZATION).filter_map(json).find(named).as_ref().and_then(customer_id)
    }

    /// P16, P19, P20: the legacy basic role has to be held on the project itself; whether an inherited one counts is not documented.
    fn holds(&self, role: &str, project: &str, facts: &Facts) -> Truth {
        let node = FullName::new(crate::language::resources::MANAGER, &format!("projects/{project}"));
        let on_path = self.path.nodes.iter().position(|other| self.same_node(&other.path, &node.path).is_yes());
        let level = self.allow_level(&node);
        let direct = self.holds_in(&level.policies, role, facts);
        if direct.is_yes() {
            return direct;
        }
        let perhaps = self.path.nodes.iter().find(|other| on_path.is_none() && self.same_node(&other.path, &node.path).is_unknown());
        if let Some(other) = perhaps {
            return facts.truth(&format!("{} is {}", other.path, node.path), || Doubt {
                about: format!("whether {} and {} are one project, and whether the caller holds {role} there", other.path, node.path),
                needs: "gcloud projects describe: its number".into(),
            });
        }
        let unread = level.unread.map_or(Truth::No, |doubt| facts.truth(&format!("basic roles {}", node.path), || doubt));
        let above = on_path.map_or(&[][..], |at| self.path.nodes.get(at + 1..).unwrap_or_default());
        let inherited = Truth::any(above.iter().map(|node| self.holds_in(&self.allow_level(node).policies, role, facts)));
        let inherited = if inherited.is_no() {
            Truth::No
        } else {
            facts.truth(&format!("inherited {role} {project}"), || Doubt {
                about: format!("whether {role} inherited from above makes somebody a convenience member of projects/{project}"),
                needs: "the documentation does not say".into(),
            })
        };
        direct.or(unread).or(inherited)
    }

    fn holds_in(&self, policies: &[crate::world::AllowPolicy], role: &str, facts: &Facts) -> Truth {
        let bindings = policies.iter().flat_map(|policy| &policy.bindings).filter(|binding| binding.role == role);
        Truth::any(bindings.flat_map(|binding| {
            members(&binding.members)
                .filter(|(_, member)| !matches!(member, Member::Holders { .. }))
                .map(|(_, member)| self.covers(&member, facts))
        }))
    }

    /// P10-P13
    fn in_subset(&self, identity: &Identity, subset: &Subset, facts: &Facts) -> Truth {
        match subset {
            Subset::All => Truth::Yes,
            Subset::Group(group) => match &self.caller.asserted {
                Some(groups) => same(groups.contains(group)),
                None => self.token_says(facts, &format!("the group {group}")),
            },
            Subset::Namespace(namespace) => match identity.kubernetes() {
                Some((mine, _)) => same(mine == namespace),
                None => Truth::No,
            },
            Subset::Attribute { name, value } => self.has_attribute(name, value, facts),
            Subset::Cluster(cluster) => self.has_attribute("kubernetes.cluster", cluster, facts),
            Subset::KubernetesUid(uid) => self.has_attribute("kubernetes.serviceaccount.uid", uid, facts),
            Subset::Unreadable => self.token_says(facts, "what a principal set of unknown form asks for"),
        }
    }

    fn has_attribute(&self, name: &str, value: &str, facts: &Facts) -> Truth {
        match &self.caller.attributes {
            Some(attributes) if attributes.contains_key(name) || !self.is_hidden_attribute(name) => {
                same(attributes.get(name).is_some_and(|values| values.iter().any(|other| other == value)))
            }
            _ => self.token_says(facts, &format!("{name} = {value}")),
        }
    }

    fn is_hidden_attribute(&self, name: &str) -> bool {
        self.hidden(documents::PRINCIPAL, &[self.request.principal.v1()], &format!("attributes.{name}")).is_some()
    }

    fn token_says(&self, facts: &Facts, what: &str) -> Truth {
        facts.truth(&format!("token {what}"), || Doubt {
            about: format!("whether the caller's token asserts {what}"),
            needs: "the claims of the token and the provider's attribute mapping".into(),
        })
    }

    /// P8, P32
    fn account_lives_in(&self, container: &str, agents: bool, facts: &Facts) -> Truth {
        let Principal::ServiceAccount(email) = &self.request.principal else { return Truth::No };
        if self.is_agent(email) != agents {
            return Truth::No;
        }
        self.lives_in(container, facts)
    }

    /// Is the account a Google-managed service agent?
    pub(crate) fn is_agent(&self, email: &str) -> bool {
        self.caller.kind.as_deref().map_or_else(|| is_service_agent(email), |kind| kind == "service_agent")
    }

    /// Does the caller, a service account or a workload identity, live in the container?
    pub(crate) fn lives_in(&self, container: &str, facts: &Facts) -> Truth {
        if let Some(home) = &self.caller.home {
            return Truth::any(home.iter().map(|node| self.same_node(node, container)));
        }
        let project = match &self.request.principal {
            Principal::ServiceAccount(email) => home_project(email),
            Principal::Federated(Identity { pool: Pool::Workload { project, .. }, .. }) => project.clone(),
            _ => return Truth::No,
        };
        let project = self.caller.project.clone().or(project);
        let Some(project) = project else { return self.home_unknown(container, facts) };
        let known = container.strip_prefix("projects/").map_or(Truth::Unknown, |wanted| same_project(self.snapshot, wanted, &project));
        let known = if known.is_unknown() { self.climbs_to(&project, container) } else { known };
        if known.is_unknown() { self.home_unknown(container, facts) } else { known }
    }

    /// Is the project of the request the caller's own, and so its path the caller's path?
    fn climbs_to(&self, project: &str, container: &str) -> Truth {
        if self.project.is(project) && self.path.complete {
            return Truth::any(self.path.nodes.iter().map(|node| self.same_node(&node.path, container)));
        }
        Truth::Unknown
    }

    fn home_unknown(&self, container: &str, facts: &Facts) -> Truth {
        facts.truth(&format!("home {container}"), || Doubt {
            about: format!("whether the caller lives in {container}"),
            needs: "gcloud projects get-ancestors of the caller's project".into(),
        })
    }

    /// P14: an agent's name begins with the platform and the container it runs in; other attributes are those of its token.
    fn platform(&self, path: &str, subject: &str, facts: &Facts) -> Truth {
        let (name, value) = path.trim_start_matches("attribute.").split_once('/').unwrap_or_default();
        let runs_in = subject.strip_prefix("resources/").and_then(|place| place.strip_prefix(value));
        if name == "platformContainer" && runs_in.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Truth::Yes;
        }
        self.has_attribute(name, value, facts)
    }

    /// P14, P15
    fn of_authority(&self, authority: &str, path: &str, facts: &Facts) -> Truth {
        let Principal::Other { authority: mine, path: subject } = &self.request.principal else { return Truth::No };
        if mine != authority {
            return Truth::No;
        }
        match path.strip_suffix('*') {
            Some("") => Truth::Yes,
            Some(prefix) if subject.starts_with(prefix) => Truth::Yes,
            // `type/T/*` and `ancestor.name/…` below a prefix that is not the caller's.
            _ if different_project(subject, path) => Truth::No,
            None if path.starts_with("attribute.") => self.platform(path, subject, facts),
            _ => self.token_says(facts, &format!("//{authority}/{path}")),
        }
    }
}

/// Do both name a project, and not the same one?
fn different_project(one: &str, two: &str) -> bool {
    let project = |path: &str| path.strip_prefix("projects/").and_then(|rest| rest.split('/').next()).map(str::to_owned);
    matches!((project(one), project(two)), (Some(one), Some(two)) if one != two)
}

/// The customer of an organization, in the shape of either API version.
pub(crate) fn customer_id(organization: &Value) -> Option<String> {
    text(organization, "directoryCustomerId").or_else(|| text(organization.get("owner")?, "directoryCustomerId"))
}

/// Is the group of the organization whose groups are searched for those of `email`: by the domain of the address, or one of `domains`?
pub(crate) fn is_searched(group: &str, email: &str, domains: &[String]) -> bool {
    let domain = |address: &str| address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let mine = domain(group);
    domain(email) == mine || domains.iter().any(|other| other.eq_ignore_ascii_case(&mine))
}

fn same(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

struct GroupMember {
    key: String,
    kind: GroupKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum GroupKind {
    Group,
    Other,
    NotSaid,
}

fn read_members(document: &Document) -> Option<Vec<GroupMember>> {
    let value = json(document)?;
    let list = elements(&value, &["memberships", "members"])?;
    list.iter()
        .map(|entry| {
            let key = entry.get("preferredMemberKey").or_else(|| entry.get("memberKey")).and_then(|key| text(key, "id"));
            let key = key.or_else(|| text(entry, "email")).or_else(|| entry.as_str().map(str::to_owned))?;
            let kind = match text(entry, "type").as_deref() {
                Some("GROUP") => GroupKind::Group,
                Some("USER" | "SERVICE_ACCOUNT" | "SHARED_DRIVE" | "CBCM_BROWSER") => GroupKind::Other,
                _ if key.ends_with(".gserviceaccount.com") => GroupKind::Other,
                // Everybody in an organization can be a member at once: `OTHER`, `CUSTOMER`.
                _ => GroupKind::NotSaid,
            };
            Some(GroupMember { key, kind })
        })
        .collect()
}

fn read_groups(document: &Document) -> Option<Vec<String>> {
    let value = json(document)?;
    let list = elements(&value, &["memberships", "groups"])?;
    list.iter()
        .map(|entry| {
            entry
                .get("groupKey")
                .and_then(|key| text(key, "id"))
                .or_else(|| text(entry, "email"))
                .or_else(|| entry.as_str().map(str::to_owned))
        })
        .collect()
}
