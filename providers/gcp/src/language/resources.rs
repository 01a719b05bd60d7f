//! Full resource names, and what follows from them: the containers above a resource, which of them hold policies.
//!
//! Full resource names: docs.cloud.google.com/iam/docs/full-resource-names (H7).

use super::permissions::Permission;

/// `//SERVICE/PATH`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FullName {
    /// `storage.googleapis.com`
    pub service: String,
    /// `projects/_/buckets/reports`
    pub path: String,
}

/// The service of organizations, folders and projects.
pub(crate) const MANAGER: &str = "cloudresourcemanager.googleapis.com";

/// The service of buckets.
pub(crate) const STORAGE: &str = "storage.googleapis.com";

impl FullName {
    /// The name of this path in this service.
    pub(crate) fn new(service: &str, path: &str) -> Self {
        Self { service: service.into(), path: path.into() }
    }

    /// Reads a resource as people write it: a full name, `gs://bucket/object`, `projects/P`, a name relative to the service of the
    /// permission, a self link of Compute Engine, the email address of a service account.
    pub(crate) fn parse(text: &str, permission: &Permission) -> Option<Self> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("gs://") {
            return storage(rest);
        }
        if let Some(rest) = text.strip_prefix("//") {
            return full(rest);
        }
        if let Some(rest) = text.strip_prefix("https://") {
            return self_link(rest);
        }
        if let Some(node) = Self::node(text) {
            return Some(node);
        }
        if permission.v1().starts_with("iam.serviceAccount") && text.contains('@') && !text.contains('/') {
            return Some(Self::new("iam.googleapis.com", &format!("projects/-/serviceAccounts/{text}")));
        }
        if permission.service() == "storage" && !text.contains('/') && bucket_name(text) {
            return storage(text);
        }
        let relative = ["projects/", "organizations/", "folders/", "billingAccounts/"].iter().any(|start| text.starts_with(start));
        (relative && text.split('/').all(|part| !part.is_empty())).then(|| Self::new(full_service(permission), text))
    }

    /// `projects/P`, `folders/N`, `organizations/N` and nothing behind.
    pub(crate) fn node(text: &str) -> Option<Self> {
        // The names of deny policies hold their attachment point URL-encoded (D1).
        let decoded = text.replace("%2F", "/").replace("%2f", "/");
        let text = decoded.strip_prefix("//cloudresourcemanager.googleapis.com/").unwrap_or(&decoded);
        let text = text.strip_prefix("cloudresourcemanager.googleapis.com/").unwrap_or(text);
        let (kind, id) = text.split_once('/')?;
        let known = matches!(kind, "projects" | "folders" | "organizations");
        (known && !id.is_empty() && id != "_" && id != "-" && !id.contains('/')).then(|| Self::new(MANAGER, text))
    }

    /// Is it an organization, a folder or a project?
    pub(crate) fn is_node(&self) -> bool {
        self.service == MANAGER && Self::node(&self.path).is_some()
    }

    /// Is it a project?
    pub(crate) fn is_project(&self) -> bool {
        self.is_node() && self.path.starts_with("projects/")
    }

    /// The project that the name itself names, by id or number as written.
    pub(crate) fn project(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        let project = (parts.next() == Some("projects")).then(|| parts.next()).flatten()?;
        match project {
            "_" => None,
            "-" => self.service_account().and_then(account_project),
            _ => Some(project),
        }
    }

    /// The email address in the name of a service account or of its keys.
    pub(crate) fn service_account(&self) -> Option<&str> {
        let rest = self.path.split_once("/serviceAccounts/")?.1;
        (self.service == "iam.googleapis.com").then(|| rest.split('/').next()).flatten()
    }

    /// The bucket that it is or lies in.
    pub(crate) fn bucket(&self) -> Option<Self> {
        let rest = self.path.strip_prefix("projects/_/buckets/")?;
        let name = rest.split('/').next().filter(|_| self.service == STORAGE)?;
        Some(Self::new(STORAGE, &format!("projects/_/buckets/{name}")))
    }

    /// The object's name, where it is one.
    pub(crate) fn object(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("projects/_/buckets/")?;
        rest.split_once('/')?.1.strip_prefix("objects/")
    }

    /// As people write it: `projects/shop`, `gs://bucket/object`, a service account's email address; else the full name.
    pub(crate) fn shown(&self) -> String {
        if self.is_node() {
            return self.path.clone();
        }
        let account = self.path.split('/').count() == 4;
        match (self.path.strip_prefix("projects/_/buckets/").filter(|_| self.service == STORAGE), self.service_account()) {
            (Some(rest), _) => format!("gs://{}", rest.replacen("/objects/", "/", 1).replacen("/managedFolders/", "/", 1)),
            (_, Some(email)) if account => email.to_owned(),
            _ => self.to_string(),
        }
    }

    /// The last collection of the name: `objects`, `cryptoKeys`; of what is there once only, its own name: `policy`.
    pub(crate) fn collection(&self) -> Option<&str> {
        if let Some(rest) = self.path.strip_prefix("projects/_/buckets/") {
            return Some(rest.split_once('/').map_or("buckets", |(_, rest)| rest.split('/').next().unwrap_or("buckets")));
        }
        let mut parts = self.path.split('/');
        let mut last = None;
        while let Some(name) = parts.next() {
            last = Some(name);
            // Records of DNS are named by name and type.
            if name == "rrsets" {
                return last;
            }
            if !self.stands_alone(name) {
                parts.next();
            }
        }
        last
    }

    /// Does it end in a collection without the name of one of its members?
    fn is_half(&self) -> bool {
        const ONCE: &[&str] = &["iap_web", "policy", "continuousValidationConfig", "biReservation"];
        let mut parts = self.path.split('/');
        while let Some(name) = parts.next() {
            if !self.stands_alone(name) && parts.next().is_none() {
                return !ONCE.contains(&name);
            }
        }
        false
    }

    /// `…/global/networks/N`, `…/iap_tunnel/zones/Z`: no name follows.
    fn stands_alone(&self, part: &str) -> bool {
        (part == "global" && self.service == "compute.googleapis.com") || part == "iap_tunnel"
    }

    /// What lies between it and its project and can hold an allow policy, nearest first, itself included.
    pub(crate) fn containers(&self) -> Vec<Self> {
        if self.is_node() {
            return Vec::new();
        }
        let mut found = vec![self.clone()];
        if let Some(bucket) = self.bucket() {
            found.extend(managed_folders(self));
            if bucket != *self {
                found.push(bucket);
            }
            return found;
        }
        let mut path = self.path.as_str();
        while let Some((shorter, _)) = path.rsplit_once('/') {
            path = shorter;
            if path.split('/').count() <= 2 {
                break;
            }
            let shorter = Self::new(&self.service, path);
            if !shorter.is_half() {
                found.push(shorter);
            }
        }
        found
    }

    /// What carries the tags that conditions see: a bucket rather than its objects, a secret rather than its versions (H9).
    pub(crate) fn tag_holder(&self) -> Self {
        let policied = || self.containers().into_iter().find(|container| container.holds_policy() == Some(true));
        self.bucket().or_else(policied).unwrap_or_else(|| self.clone())
    }

    /// Can a resource of this name hold an allow policy of its own (H6)? `None` where the service is not in that list.
    pub(crate) fn holds_policy(&self) -> Option<bool> {
        if self.is_node() {
            return Some(true);
        }
        let parts: Vec<&str> = self.path.split('/').collect();
        let collection = self.collection()?;
        let row = POLICIED.iter().find(|(service, _)| *service == self.service);
        if matches!(collection, "locations" | "zones" | "regions") && self.service != "iap.googleapis.com" {
            return Some(false);
        }
        // `…/global` and the like: half of a pair.
        if self.service != STORAGE && self.service != "iap.googleapis.com" && parts.len() % 2 == 1 && parts.last() == Some(&"global") {
            return Some(false);
        }
        row.map(|(_, collections)| collections.split(' ').any(|name| name == collection))
    }

    /// Other spellings under which documents may know it. Project ids and numbers are exchanged by whoever knows both.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let mut all = vec![self.to_string()];
        if self.is_node() {
            all.push(self.path.clone());
        }
        if let Some(name) = self.path.strip_prefix("projects/_/buckets/").filter(|name| self.service == STORAGE && !name.contains('/')) {
            all.push(format!("//storage.googleapis.com/{name}"));
            all.push(format!("gs://{name}"));
        }
        all
    }

    /// The same name with the project written as `project`.
    pub(crate) fn with_project(&self, project: &str) -> Option<Self> {
        let rest = self.path.strip_prefix("projects/")?;
        let tail = rest.split_once('/').map_or("", |(_, tail)| tail);
        let path = if tail.is_empty() { format!("projects/{project}") } else { format!("projects/{project}/{tail}") };
        self.project().map(|_| Self::new(&self.service, &path))
    }
}

impl std::fmt::Display for FullName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "//{}/{}", self.service, self.path)
    }
}

/// The project in the email address of a service account, by id or number.
pub(crate) fn account_project(email: &str) -> Option<&str> {
    let (local, domain) = email.split_once('@')?;
    if let Some(project) = domain.strip_suffix(".iam.gserviceaccount.com") {
        return Some(project);
    }
    match domain {
        "appspot.gserviceaccount.com" => Some(local),
        "developer.gserviceaccount.com" => local.strip_suffix("-compute"),
        "cloudservices.gserviceaccount.com" => Some(local),
        _ => None,
    }
}

fn full(rest: &str) -> Option<FullName> {
    let (service, path) = rest.split_once('/')?;
    let sane = service.contains('.') && !path.is_empty() && !path.ends_with("//");
    if service == STORAGE && !path.starts_with("projects/") {
        return storage(path);
    }
    sane.then(|| FullName::new(service, path))
}

/// `bucket/object`
fn storage(rest: &str) -> Option<FullName> {
    let (bucket, object) = rest.split_once('/').unwrap_or((rest, ""));
    let path =
        if object.is_empty() { format!("projects/_/buckets/{bucket}") } else { format!("projects/_/buckets/{bucket}/objects/{object}") };
    (!bucket.is_empty()).then(|| FullName::new(STORAGE, &path))
}

fn bucket_name(text: &str) -> bool {
    text.len() >= 3 && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
}

/// `www.googleapis.com/compute/v1/projects/…`, `compute.googleapis.com/compute/v1/projects/…`
fn self_link(rest: &str) -> Option<FullName> {
    let (host, path) = rest.split_once('/')?;
    let at = path.find("projects/")?;
    let service = match host {
        "www.googleapis.com" => format!("{}.googleapis.com", path.split('/').next()?),
        _ => host.to_owned(),
    };
    path.get(at..).map(|path| FullName::new(&service, path))
}

/// The service in full resource names, which is not always the one in permissions.
fn full_service(permission: &Permission) -> &str {
    match permission.service() {
        "cloudsql" => "cloudsql.googleapis.com",
        "billing" => "cloudbilling.googleapis.com",
        "bigquery" => "bigquery.googleapis.com",
        _ => permission.host(),
    }
}

/// The managed folders that an object may lie in, nearest first: `a/b/c` lies in `a/b/` and `a/`.
fn managed_folders(name: &FullName) -> Vec<FullName> {
    let (Some(bucket), Some(object)) = (name.bucket(), name.object()) else { return Vec::new() };
    let slashes: Vec<usize> = object.match_indices('/').map(|(at, _)| at).collect();
    let prefix = |at: &usize| object.get(..=*at).map(|folder| FullName::new(STORAGE, &format!("{}/managedFolders/{folder}", bucket.path)));
    slashes.iter().rev().filter_map(prefix).collect()
}

/// Collections whose resources hold an allow policy, by service (H6).
const POLICIED: &[(&str, &str)] = &[
    ("storage.googleapis.com", "buckets managedFolders"),
    ("iam.googleapis.com", "serviceAccounts workforcePools workloadIdentityPools"),
    ("bigquery.googleapis.com", "datasets tables routines connections"),
    ("secretmanager.googleapis.com", "secrets"),
    ("cloudkms.googleapis.com", "keyRings cryptoKeys importJobs ekmConnections ekmConfig"),
    ("pubsub.googleapis.com", "topics subscriptions schemas snapshots"),
    ("run.googleapis.com", "services jobs workerPools instances"),
    ("cloudfunctions.googleapis.com", "functions"),
    ("artifactregistry.googleapis.com", "repositories"),
    ("spanner.googleapis.com", "instances databases backups"),
    ("bigtableadmin.googleapis.com", "instances tables backups authorizedViews"),
    ("bigtable.googleapis.com", "instances tables backups authorizedViews"),
    (
        "compute.googleapis.com",
        "instances disks images snapshots subnetworks instanceTemplates firewallPolicies backendServices backendBuckets instantSnapshots \
         licenses machineImages networkAttachments networkEndpointGroups nodeGroups nodeTemplates resourcePolicies reservations \
         securityPolicies serviceAttachments storagePools",
    ),
    ("iap.googleapis.com", "iap_web services versions iap_tunnel zones instances destGroups locations"),
    ("datacatalog.googleapis.com", "taxonomies policyTags entryGroups tagTemplates"),
    ("cloudbilling.googleapis.com", "billingAccounts"),
    ("cloudtasks.googleapis.com", "queues"),
    ("dns.googleapis.com", "managedZones"),
    ("container.googleapis.com", ""),
    ("cloudsql.googleapis.com", ""),
    ("sqladmin.googleapis.com", ""),
    ("firestore.googleapis.com", ""),
    ("logging.googleapis.com", "views"),
    ("dataproc.googleapis.com", "clusters jobs autoscalingPolicies workflowTemplates"),
    ("servicemanagement.googleapis.com", "services consumers"),
];

#[cfg(test)]
mod tests {
    use super::FullName;
    use crate::language::permissions::Permission;

    fn name(text: &str, permission: &str) -> String {
        FullName::parse(text, &Permission::parse(permission).unwrap()).map_or_else(|| "none".into(), |name| name.to_string())
    }

    #[test]
    fn resources_are_read_as_people_write_them() {
        let object = "//storage.googleapis.com/projects/_/buckets/reports/objects/2026/q1.csv";
        assert_eq!(name("gs://reports/2026/q1.csv", "storage.objects.get"), object);
        assert_eq!(name(object, "storage.objects.get"), object);
        assert_eq!(name("//storage.googleapis.com/reports", "storage.buckets.get"), "//storage.googleapis.com/projects/_/buckets/reports");
        assert_eq!(name("projects/acme", "compute.instances.list"), "//cloudresourcemanager.googleapis.com/projects/acme");
        assert_eq!(name("projects/acme/topics/orders", "pubsub.topics.publish"), "//pubsub.googleapis.com/projects/acme/topics/orders");
        assert_eq!(
            name("ci@acme.iam.gserviceaccount.com", "iam.serviceAccounts.actAs"),
            "//iam.googleapis.com/projects/-/serviceAccounts/ci@acme.iam.gserviceaccount.com"
        );
        assert_eq!(
            name("https://www.googleapis.com/compute/v1/projects/acme/zones/z/instances/vm", "compute.instances.get"),
            "//compute.googleapis.com/projects/acme/zones/z/instances/vm"
        );
        assert_eq!(name("reports/2026", "pubsub.topics.publish"), "none");
    }

    #[test]
    fn containers_lead_from_a_resource_to_its_project() {
        let permission = Permission::parse("storage.objects.get").unwrap();
        let object = FullName::parse("gs://b/a/c/d.csv", &permission).unwrap();
        let containers: Vec<String> = object.containers().iter().map(|name| name.path.replace("projects/_/buckets/b", "b")).collect();
        assert_eq!(containers, ["b/objects/a/c/d.csv", "b/managedFolders/a/c/", "b/managedFolders/a/", "b"]);
        let paths = |service: &str, path: &str| {
            FullName::new(service, path).containers().into_iter().map(|name| name.path).collect::<Vec<String>>()
        };
        assert_eq!(paths("pubsub.googleapis.com", "projects/p/topics/t"), ["projects/p/topics/t"]);
        let web = ["projects/300/iap_web/compute/services/s", "projects/300/iap_web/compute", "projects/300/iap_web"];
        assert_eq!(paths("iap.googleapis.com", "projects/300/iap_web/compute/services/s"), web);
        let version = FullName::new("secretmanager.googleapis.com", "projects/300/secrets/db/versions/5");
        assert_eq!(version.holds_policy(), Some(false));
        assert!(version.containers().iter().any(|name| name.path == "projects/300/secrets/db" && name.holds_policy() == Some(true)));
    }

    #[test]
    fn what_is_there_once_is_its_own_collection() {
        let collection = |service: &str, path: &str| FullName::new(service, path).collection().map(str::to_owned);
        for (service, path, wanted) in [
            ("binaryauthorization.googleapis.com", "projects/300/policy", "policy"),
            ("bigqueryreservation.googleapis.com", "projects/p/locations/eu/biReservation", "biReservation"),
            ("dns.googleapis.com", "projects/p/managedZones/z/rrsets/www.example./A", "rrsets"),
            ("compute.googleapis.com", "projects/p/global/networks/n", "networks"),
            ("cloudkms.googleapis.com", "projects/p/locations/global/keyRings/r", "keyRings"),
            ("iap.googleapis.com", "projects/300/iap_tunnel/zones/z/instances/1", "instances"),
            ("iap.googleapis.com", "projects/300/iap_web/compute/services/s", "services"),
        ] {
            assert_eq!(collection(service, path).as_deref(), Some(wanted), "{path}");
        }
    }
}
