//! Who a request comes from, and how policies write whom they mean.
//!
//! Principal identifiers: docs.cloud.google.com/iam/docs/principal-identifiers. Allow policies write IAM v1 members (P1-P17), deny
//! policies v2 principals (P30-P35), boundary bindings v3 principal sets (P40).

use super::resources::FullName;

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Nobody signed in.
    Anonymous,
    /// A Google Account.
    User(String),
    /// A service account, user-made or Google-managed.
    ServiceAccount(String),
    /// A workforce or workload identity.
    Federated(Identity),
    /// An agent identity, or the built-in identity of a resource: `principal://AUTHORITY/PATH` (P14, P15).
    Other {
        /// A trust domain or a service.
        authority: String,
        /// What follows it.
        path: String,
    },
}

/// One identity of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its pool.
    pub pool: Pool,
    /// What the token calls it.
    pub subject: String,
}

/// A pool of federated identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pool {
    /// `locations/global/workforcePools/ID`
    Workforce(String),
    /// `projects/NUMBER/locations/global/workloadIdentityPools/ID`
    Workload {
        /// The project as it is written: its number. `None` in the old spelling of Kubernetes service accounts, which has none.
        project: Option<String>,
        /// The id of the pool.
        id: String,
    },
}

/// Whom a policy means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// Everybody, signed in or not (P7, P31).
    Everybody,
    /// Google Accounts and service accounts (P6).
    Authenticated,
    /// A Google Account.
    User(String),
    /// A service account.
    ServiceAccount(String),
    /// The members of a Google group, nested ones too.
    Group(String),
    /// The accounts of the customer that owns the domain (P5).
    Domain(String),
    /// The accounts of a customer (P30).
    Customer(String),
    /// Whoever holds a legacy basic role on a project (P16).
    Holders {
        /// `roles/owner`, `roles/editor`, `roles/viewer`
        role: &'static str,
        /// The project, by id or number.
        project: String,
    },
    /// One federated identity.
    Federated(Identity),
    /// Some identities of a pool.
    OfPool(Pool, Subset),
    /// Service accounts, or service agents, that live in a container (P8, P32).
    LivingIn {
        /// `projects/N`, `folders/N`, `organizations/N`
        container: String,
        /// Service agents rather than service accounts.
        agents: bool,
    },
    /// An agent identity or a built-in identity.
    Other {
        /// A trust domain or a service.
        authority: String,
        /// What follows it.
        path: String,
    },
    /// A set of these.
    OfAuthority {
        /// A trust domain or a service.
        authority: String,
        /// What follows it.
        path: String,
    },
    /// A principal that is deleted: it matches no live one (P17).
    Deleted,
    /// A form that this vocabulary does not have: it matches nobody (P34).
    Foreign,
    /// A form that is not known here.
    Unreadable,
}

/// Some of the identities of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subset {
    /// All of them.
    All,
    /// Those whose token asserts the group.
    Group(String),
    /// Those whose mapped attribute has the value.
    Attribute {
        /// Its name.
        name: String,
        /// Its value, slashes included (P18).
        value: String,
    },
    /// The pods of a Kubernetes namespace (P13).
    Namespace(String),
    /// The pods of a cluster (P13).
    Cluster(String),
    /// A Kubernetes service account by its unique id (P13).
    KubernetesUid(String),
    /// A form that is not known here.
    Unreadable,
}

impl Principal {
    /// Reads a principal as people write it: a v1 member, a v2 principal, a bare email address, `anonymous`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text, "anonymous" | "allUsers") {
            return Some(Self::Anonymous);
        }
        if !text.contains(':') {
            return email(text)
                .map(|email| if is_service_account(email) { Self::ServiceAccount(email.into()) } else { Self::User(email.into()) });
        }
        let member = Member::v1(text);
        let member =
            if member == Member::Foreign || matches!(member, Member::Other { .. }) { either(member, Member::v2(text)) } else { member };
        match member {
            Member::User(email) => Some(Self::User(email)),
            Member::ServiceAccount(email) => Some(Self::ServiceAccount(email)),
            Member::Federated(identity) => Some(Self::Federated(identity)),
            Member::Other { authority, path } => Some(Self::Other { authority, path }),
            _ => None,
        }
    }

    /// The v1 spelling.
    pub(crate) fn v1(&self) -> String {
        match self {
            Self::Anonymous => "allUsers".into(),
            Self::User(email) => format!("user:{email}"),
            Self::ServiceAccount(email) => format!("serviceAccount:{email}"),
            Self::Federated(identity) => identity.text(),
            Self::Other { authority, path } => format!("principal://{authority}/{path}"),
        }
    }

    /// The v2 spelling (P35).
    pub(crate) fn v2(&self) -> String {
        match self {
            Self::Anonymous => "principalSet://goog/public:all".into(),
            Self::User(email) => format!("principal://goog/subject/{email}"),
            Self::ServiceAccount(email) => format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{email}"),
            _ => self.v1(),
        }
    }

    /// Its email address, where it has one.
    pub(crate) fn email(&self) -> Option<&str> {
        match self {
            Self::User(email) | Self::ServiceAccount(email) => Some(email),
            _ => None,
        }
    }
}

fn either(one: Member, two: Member) -> Member {
    if matches!(two, Member::Foreign | Member::Unreadable) { one } else { two }
}

fn email(text: &str) -> Option<&str> {
    let (local, domain) = text.split_once('@')?;
    let sane = !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace) && !text.contains('/');
    sane.then_some(text)
}

fn is_service_account(email: &str) -> bool {
    email.ends_with(".gserviceaccount.com")
}

impl Identity {
    fn text(&self) -> String {
        format!("principal://iam.googleapis.com/{}/subject/{}", self.pool.text(), self.subject)
    }

    /// Are both the same identity? The old spelling of Kubernetes service accounts names the pool without the project's number.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.subject == other.subject && self.pool.is(&other.pool)
    }

    /// Namespace and name of a Kubernetes service account.
    pub(crate) fn kubernetes(&self) -> Option<(&str, &str)> {
        self.subject.strip_prefix("ns/")?.split_once("/sa/")
    }
}

impl Pool {
    /// Its relative name.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Workforce(id) => format!("locations/global/workforcePools/{id}"),
            Self::Workload { project, id } => {
                format!("projects/{}/locations/global/workloadIdentityPools/{id}", project.as_deref().unwrap_or("-"))
            }
        }
    }

    /// All its identities, as a member of an allow policy.
    pub(crate) fn everybody(&self) -> String {
        format!("principalSet://iam.googleapis.com/{}/*", self.text())
    }

    /// Reads a relative name of a pool, and what follows it.
    pub(crate) fn parse(path: &str) -> Option<(Self, &str)> {
        if let Some(rest) = path.strip_prefix("locations/global/workforcePools/") {
            let (id, rest) = split(rest);
            return Some((Self::Workforce(id.into()), rest));
        }
        let (project, rest) = path.strip_prefix("projects/")?.split_once('/')?;
        let (id, rest) = split(rest.strip_prefix("locations/global/workloadIdentityPools/")?);
        Some((Self::Workload { project: Some(project.into()), id: id.into() }, rest))
    }

    /// Are both the same pool?
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Workforce(one), Self::Workforce(two)) => one == two,
            (Self::Workload { project: one_project, id: one }, Self::Workload { project: two_project, id: two }) => {
                one == two && (one_project.is_none() || two_project.is_none() || one_project == two_project)
            }
            _ => false,
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or((text, ""))
}

impl Member {
    /// Reads a member of an allow policy.
    pub(crate) fn v1(text: &str) -> Self {
        if let Some(known) = special(text) {
            return known;
        }
        let Some((kind, rest)) = text.split_once(':') else { return Self::Unreadable };
        match kind {
            "user" => Self::User(rest.into()),
            "serviceAccount" => kubernetes(rest).map_or_else(|| Self::ServiceAccount(rest.into()), Self::Federated),
            "group" => Self::Group(rest.into()),
            "domain" => Self::Domain(rest.into()),
            "projectOwner" => Self::Holders { role: "roles/owner", project: rest.into() },
            "projectEditor" => Self::Holders { role: "roles/editor", project: rest.into() },
            "projectViewer" => Self::Holders { role: "roles/viewer", project: rest.into() },
            "deleted" => Self::Deleted,
            "principal" | "principalSet" if of_deny_rules(rest) => Self::Foreign,
            "principal" => single(rest),
            "principalSet" => set(rest),
            _ => Self::Unreadable,
        }
    }

    /// Reads a principal of a deny policy. Forms of v1 are foreign here (P34).
    pub(crate) fn v2(text: &str) -> Self {
        let Some((kind, rest)) = text.split_once(':') else { return Self::Foreign };
        match kind {
            "deleted" => Self::Deleted,
            "principal" => single(rest),
            // P33: the pods of a namespace or of a cluster cannot be denied.
            "principalSet" => match set(rest) {
                Self::OfPool(_, Subset::Namespace(_) | Subset::Cluster(_)) => Self::Foreign,
                other => other,
            },
            _ => Self::Foreign,
        }
    }
}

/// P30, P32, P35: forms that only deny rules have. In an allow policy they name nobody.
fn of_deny_rules(rest: &str) -> bool {
    rest.starts_with("//goog/")
        || rest.starts_with("//iam.googleapis.com/projects/-/serviceAccounts/")
        || (rest.starts_with("//cloudresourcemanager.googleapis.com/") && rest.ends_with("/type/ServiceAgent"))
}

fn special(text: &str) -> Option<Member> {
    match text {
        "allUsers" => Some(Member::Everybody),
        "allAuthenticatedUsers" => Some(Member::Authenticated),
        _ => None,
    }
}

/// P3: `PROJECT_ID.svc.id.goog[NAMESPACE/KSA]`
fn kubernetes(text: &str) -> Option<Identity> {
    let (pool, account) = text.strip_suffix(']')?.split_once('[')?;
    let (namespace, name) = account.split_once('/')?;
    let pool = Pool::Workload { project: None, id: pool.into() };
    Some(Identity { pool, subject: format!("ns/{namespace}/sa/{name}") })
}

fn single(rest: &str) -> Member {
    let Some((authority, path)) = rest.strip_prefix("//").and_then(|rest| rest.split_once('/')) else { return Member::Unreadable };
    if authority == "goog" {
        return path.strip_prefix("subject/").map_or(Member::Unreadable, |email| Member::User(email.into()));
    }
    if authority == "iam.googleapis.com" {
        if let Some(email) = path.strip_prefix("projects/-/serviceAccounts/") {
            return Member::ServiceAccount(email.into());
        }
        if let Some((pool, rest)) = Pool::parse(path) {
            return match split(rest) {
                ("subject", subject) => Member::Federated(Identity { pool, subject: subject.into() }),
                ("kubernetes.serviceaccount.uid", uid) => Member::OfPool(pool, Subset::KubernetesUid(uid.into())),
                _ => Member::Unreadable,
            };
        }
    }
    Member::Other { authority: authority.into(), path: path.into() }
}

fn set(rest: &str) -> Member {
    let Some((authority, path)) = rest.strip_prefix("//").and_then(|rest| rest.split_once('/')) else { return Member::Unreadable };
    match authority {
        "goog" => goog_set(path),
        "cloudresourcemanager.googleapis.com" => living_in(path),
        "iam.googleapis.com" => match Pool::parse(path) {
            Some((pool, rest)) => Member::OfPool(pool, subset(rest)),
            None => Member::OfAuthority { authority: authority.into(), path: path.into() },
        },
        _ => Member::OfAuthority { authority: authority.into(), path: path.into() },
    }
}

fn goog_set(path: &str) -> Member {
    match split(path) {
        ("public:all", "") => Member::Everybody,
        ("group", email) => Member::Group(email.into()),
        ("cloudIdentityCustomerId", id) => Member::Customer(id.into()),
        _ => Member::Unreadable,
    }
}

fn living_in(path: &str) -> Member {
    for (suffix, agents) in [("/type/ServiceAccount", false), ("/type/ServiceAgent", true)] {
        if let Some(container) = path.strip_suffix(suffix) {
            return Member::LivingIn { container: container.into(), agents };
        }
    }
    // P33: a container as a whole is a set for boundary bindings only.
    if FullName::node(path).is_some() { Member::Foreign } else { Member::Unreadable }
}

fn subset(rest: &str) -> Subset {
    if let Some(attribute) = rest.strip_prefix("attribute.") {
        let (name, value) = split(attribute);
        return Subset::Attribute { name: name.into(), value: value.into() };
    }
    match split(rest) {
        ("*", "") => Subset::All,
        ("group", group) => Subset::Group(group.into()),
        ("namespace", namespace) => Subset::Namespace(namespace.into()),
        ("kubernetes.cluster", cluster) => Subset::Cluster(cluster.into()),
        _ => Subset::Unreadable,
    }
}

/// Google-managed service agents, by the patterns that the list of service agents shows (P26). A default service account is none.
pub(crate) fn is_service_agent(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else { return false };
    let Some(host) = domain.strip_suffix(".gserviceaccount.com") else { return false };
    if host == "cloudservices" {
        return local.chars().all(|c| c.is_ascii_digit());
    }
    let Some(project) = host.strip_suffix(".iam") else { return false };
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    // Instances of Cloud SQL have agents of their own: `p300-abc123@…`.
    let of_instance = local.strip_prefix('p').and_then(|rest| rest.split_once('-')).is_some_and(|(number, _)| is_number(number));
    let numbered = of_instance || local.rsplit_once('-').is_some_and(|(_, number)| is_number(number));
    let managed = project.starts_with("gcp-sa-")
        || matches!(
            project,
            "gs-project-accounts"
                | "compute-system"
                | "container-engine-robot"
                | "containerregistry"
                | "container-analysis"
                | "dataflow-service-producer-prod"
                | "dataproc-accounts"
                | "gcf-admin-robot"
                | "serverless-robot-prod"
                | "cloud-filer"
                | "cloud-ml.google.com"
                | "cloud-redis"
                | "cloud-tpu"
                | "cloudcomposer-accounts"
                | "endpoints-portal"
                | "firebase-rules"
                | "gae-api-prod.google.com"
                | "gcp-gae-service"
                | "remotebuildexecution"
                | "security-center-api"
                | "sourcerepo-service-accounts"
                | "storage-transfer-service"
                | "bigquery-data-connectors"
                | "bigquery-encryption"
                | "service-networking"
                | "service-consumer-management"
        );
    managed && numbered
}

#[cfg(test)]
mod tests {
    use super::{Identity, Member, Pool, Principal, Subset, is_service_agent};

    #[test]
    fn members_are_read_by_their_parts() {
        let pool = || Pool::Workload { project: Some("300".into()), id: "gh".into() };
        let base = "principalSet://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/gh";
        assert_eq!(
            Member::v1(&format!("{base}/attribute.repository/acme/app")),
            Member::OfPool(pool(), Subset::Attribute { name: "repository".into(), value: "acme/app".into() })
        );
        assert_eq!(Member::v1(&format!("{base}/*")), Member::OfPool(pool(), Subset::All));
        assert_eq!(Member::v1("deleted:user:ana@example.com?uid=1"), Member::Deleted);
        assert_eq!(Member::v2("user:ana@example.com"), Member::Foreign);
        assert_eq!(Member::v2("principalSet://goog/public:all"), Member::Everybody);
        assert_eq!(
            Member::v2("principalSet://cloudresourcemanager.googleapis.com/organizations/1/type/ServiceAgent"),
            Member::LivingIn { container: "organizations/1".into(), agents: true }
        );
    }

    #[test]
    fn both_spellings_of_a_kubernetes_service_account_are_one_identity() {
        let Some(Principal::Federated(old)) = Principal::parse("serviceAccount:acme.svc.id.goog[shop/api]") else { panic!() };
        let new =
            "principal://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/shop/sa/api";
        let Some(Principal::Federated(new)) = Principal::parse(new) else { panic!() };
        assert!(old.is(&new));
        assert!(!old.is(&Identity { subject: "ns/shop/sa/web".into(), ..new }));
    }

    #[test]
    fn a_principal_may_be_written_in_either_vocabulary() {
        let ana = Some(Principal::User("ana@example.com".into()));
        assert_eq!(Principal::parse("ana@example.com"), ana);
        assert_eq!(Principal::parse("user:ana@example.com"), ana);
        assert_eq!(Principal::parse("principal://goog/subject/ana@example.com"), ana);
        let ci = "ci@acme.iam.gserviceaccount.com";
        assert_eq!(Principal::parse(ci), Some(Principal::ServiceAccount(ci.into())));
        assert_eq!(Principal::parse(&format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{ci}")), Principal::parse(ci));
        assert_eq!(Principal::parse("group:all@example.com"), None);
    }

    #[test]
    fn service_agents_are_told_from_accounts_people_made() {
        assert!(is_service_agent("service-300@gs-project-accounts.iam.gserviceaccount.com"));
        assert!(is_service_agent("service-300@gcp-sa-pubsub.iam.gserviceaccount.com"));
        assert!(is_service_agent("300@cloudservices.gserviceaccount.com"));
        assert!(!is_service_agent("300-compute@developer.gserviceaccount.com"));
        assert!(!is_service_agent("service-300@acme-prod.iam.gserviceaccount.com"));
    }
}
