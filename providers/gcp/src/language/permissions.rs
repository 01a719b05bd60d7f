//! Permissions in their two spellings, the groups of them that deny policies accept, and what boundary versions cover.

use iam_why_contract::spelling;
use std::sync::LazyLock;

/// A permission in the spelling of roles: `storage.objects.get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    text: String,
    v2: String,
}

/// Does a list of what is deniable, or covered, speak of a permission?
const DENIABLE: &str = include_str!("../../data/deny-supported.txt");
const COVERAGE: &str = include_str!("../../data/boundary-coverage.txt");

/// When the two lists were read from the vendor's pages.
pub(crate) const LISTED: &str = "May 2026";

/// The enforcement version that new boundary policies get, and that `latest` stands for (B6).
pub(crate) const DEFAULT_VERSION: u32 = 3;

/// The highest enforcement version whose list this program has.
pub(crate) const NEWEST_VERSION: u32 = 4;

impl Permission {
    /// Reads a permission in either spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((service, rest)) = text.split_once('/') {
            let v1 = from_v2(service, rest)?;
            return Self::parse(&v1);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let sane = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        (parts.len() >= 3 && parts.iter().all(sane)).then(|| Self { text: text.into(), v2: to_v2(text) })
    }

    /// `storage.objects.get`
    pub(crate) fn v1(&self) -> &str {
        &self.text
    }

    /// `storage.googleapis.com/objects.get`
    pub(crate) fn v2(&self) -> &str {
        &self.v2
    }

    /// `storage`
    pub(crate) fn service(&self) -> &str {
        self.text.split('.').next().unwrap_or_default()
    }

    /// `storage.objects`
    pub(crate) fn resource(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(resource, _)| resource)
    }

    /// `get`
    pub(crate) fn verb(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(_, verb)| verb)
    }

    /// The host of its API, `storage.googleapis.com`.
    pub(crate) fn host(&self) -> &str {
        match self.service() {
            "resourcemanager" => "cloudresourcemanager.googleapis.com",
            "cloudsql" => "sqladmin.googleapis.com",
            "billing" => "cloudbilling.googleapis.com",
            "cloudsecurityscanner" => "websecurityscanner.googleapis.com",
            "cloudtranslate" => "translate.googleapis.com",
            "errorreporting" => "clouderrorreporting.googleapis.com",
            "source" => "sourcerepo.googleapis.com",
            _ => self.v2.split('/').next().unwrap_or_default(),
        }
    }

    /// The hosts of the APIs whose methods ask for it: one for most.
    pub(crate) fn apis(&self) -> Vec<&str> {
        const CREDENTIALS: &str = "iamcredentials.googleapis.com";
        match (self.service(), self.v1()) {
            (_, "iam.serviceAccounts.getAccessToken" | "iam.serviceAccounts.getOpenIdToken") => vec![CREDENTIALS],
            (_, "iam.serviceAccounts.signBlob" | "iam.serviceAccounts.signJwt") => vec![CREDENTIALS, "iam.googleapis.com"],
            ("datastore", _) => vec!["datastore.googleapis.com", "firestore.googleapis.com"],
            ("bigtable", _) => vec!["bigtable.googleapis.com", "bigtableadmin.googleapis.com"],
            _ => vec![self.host()],
        }
    }

    /// Does the text of a role mention it, in either spelling?
    pub(crate) fn is_mentioned_in(&self, role: &str) -> bool {
        role.contains(&format!("\"{}\"", self.text)) || role.contains(&format!("\"{}\"", self.v2))
    }

    /// Is it on the list of permissions that deny policies can deny (D9)?
    pub(crate) fn is_deniable(&self) -> bool {
        let (service, rest) = self.v2.split_once('/').unwrap_or_default();
        let (resource, verb) = rest.rsplit_once('.').unwrap_or_default();
        listed(service)
            .any(|(resources, verbs)| resources.split(',').any(|name| name == resource) && verbs.split(' ').any(|name| name == verb))
    }

    /// Does an entry of a deny rule name it: itself, `FQDN/RES.*`, `FQDN/*.*`, `FQDN/*.VERB` (D10)?
    pub(crate) fn is_named_by(&self, entry: &str) -> bool {
        let Some((service, wanted)) = entry.split_once('/') else { return false };
        let Some((mine, rest)) = self.v2.split_once('/') else { return false };
        let same_service = service == mine || reservation_alias(service, rest).is_some_and(|alias| alias == mine);
        same_service && pattern(wanted, rest)
    }

    /// The lowest enforcement version of boundary policies that covers it (B5), `None` where none does.
    pub(crate) fn covered_since(&self) -> Option<u32> {
        let (service, rest) = self.v2.split_once('/')?;
        COVERED.iter().find(|row| row.covers(service, rest)).map(|row| row.version)
    }
}

/// What `permission` may have been meant to be: names that are one or two slips away on the list of deniable permissions, which is
/// the longest that the vendor publishes but does not have all.
pub(crate) fn meant_by(permission: &Permission) -> Vec<String> {
    if permission.is_deniable() {
        return Vec::new();
    }
    let (host, _) = permission.v2.split_once('/').unwrap_or_default();
    let is_service = |line: &&str| !line.starts_with([' ', '#']) && spelling::closeness(host, line).is_some();
    let services = DENIABLE.lines().filter(is_service);
    let names: Vec<String> = services.flat_map(names_of).collect();
    let close = spelling::close_to(&permission.text, names.iter().map(String::as_str)).into_iter();
    close.filter(|name| strict(&permission.text, name)).map(str::to_owned).collect()
}

/// Three slips turn one verb into another: `get` into `list`.
fn strict(one: &str, other: &str) -> bool {
    let verb = |name: &str| name.rsplit_once('.').map(|(_, verb)| verb.to_owned()).unwrap_or_default();
    spelling::closeness(&verb(one), &verb(other)).is_some()
}

fn names_of(service: &'static str) -> impl Iterator<Item = String> {
    listed(service).flat_map(move |(resources, verbs)| {
        let pairs = resources.split(',').flat_map(move |resource| verbs.split(' ').map(move |verb| (resource, verb)));
        pairs
            .filter(|(resource, verb)| *resource != "*" && *verb != "*")
            .filter_map(move |(resource, verb)| from_v2(service, &format!("{resource}.{verb}")))
    })
}

/// The rows of the list of deniable permissions for one service: resources and verbs.
fn listed(service: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = DENIABLE.lines().skip_while({
        let service = service.to_owned();
        move |line| *line != service
    });
    lines.next();
    lines.map_while(|line| line.strip_prefix(' ')).filter_map(|line| line.split_once(": "))
}

/// Does the list of deniable permissions know the service, `storage.googleapis.com`?
#[cfg(feature = "collect")]
pub(crate) fn is_listed(host: &str) -> bool {
    listed(host).next().is_some()
}

/// Is the entry one that deny policies accept at all?
pub(crate) fn is_deny_entry(entry: &str) -> bool {
    let Some((service, rest)) = entry.split_once('/') else { return false };
    let Some((resource, verb)) = rest.rsplit_once('.') else { return false };
    listed(service).any(|(resources, verbs)| resources.split(',').any(|name| name == resource) && verbs.split(' ').any(|name| name == verb))
}

/// `*`, `*.*`, `RES.*`, `*.VERB`, or the thing itself.
fn pattern(wanted: &str, rest: &str) -> bool {
    let Some((resource, verb)) = rest.rsplit_once('.') else { return wanted == rest };
    match wanted.rsplit_once('.') {
        _ if wanted == "*" => true,
        Some((one, two)) => (one == "*" || one == resource) && (two == "*" || two == verb),
        None => false,
    }
}

/// D8: the BigQuery spelling of reservation permissions is an alias.
fn reservation_alias(service: &str, rest: &str) -> Option<&'static str> {
    let reserved = ["reservations.", "reservationAssignments.", "capacityCommitments.", "bireservations."];
    (service == "bigquery.googleapis.com" && reserved.iter().any(|name| rest.starts_with(name)))
        .then_some("bigqueryreservation.googleapis.com")
}

/// D8
fn to_v2(text: &str) -> String {
    let (service, rest) = text.split_once('.').unwrap_or((text, ""));
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| rest.starts_with(prefix));
    let host = match service {
        "resourcemanager" => "cloudresourcemanager",
        "bigquery" if starts(&["connections."]) => "bigqueryconnection",
        "bigquery" if starts(&["dataPolicies."]) => "bigquerydatapolicy",
        "bigquery" if starts(&["transfers."]) => "bigquerydatatransfer",
        "bigquery" if starts(&["reservations.", "reservationAssignments.", "capacityCommitments.", "bireservations."]) => {
            "bigqueryreservation"
        }
        "serviceusage" if starts(&["apiKeys."]) => "apikeys",
        "datastore" if rest == "locations.get" => "firestore",
        "lookerstudio" => "datastudio",
        _ => service,
    };
    format!("{host}.googleapis.com/{rest}")
}

fn from_v2(service: &str, rest: &str) -> Option<String> {
    let host = service.strip_suffix(".googleapis.com")?;
    let host = match host {
        "cloudresourcemanager" => "resourcemanager",
        "bigqueryconnection" | "bigquerydatapolicy" | "bigquerydatatransfer" | "bigqueryreservation" => "bigquery",
        "apikeys" => "serviceusage",
        "firestore" if rest == "locations.get" => "datastore",
        "datastudio" => "lookerstudio",
        _ => host,
    };
    Some(format!("{host}.{rest}"))
}

/// What one row of the list of boundary versions covers.
struct Coverage {
    version: u32,
    covered: Vec<(&'static str, &'static str)>,
    except: Vec<(&'static str, &'static str)>,
}

static COVERED: LazyLock<Vec<Coverage>> =
    LazyLock::new(|| COVERAGE.lines().filter(|line| !line.starts_with('#')).filter_map(coverage).collect());

fn coverage(line: &'static str) -> Option<Coverage> {
    let (version, rest) = line.split_once(' ')?;
    let (covered, except) = rest.split_once(" ! ").unwrap_or((rest, ""));
    Some(Coverage { version: version.parse().ok()?, covered: patterns(covered), except: patterns(except) })
}

fn patterns(text: &'static str) -> Vec<(&'static str, &'static str)> {
    let services = text.split_whitespace().filter_map(|service| service.split_once('/'));
    services.flat_map(|(service, names)| names.split(',').map(move |name| (service, name))).collect()
}

impl Coverage {
    fn covers(&self, service: &str, rest: &str) -> bool {
        let named = |list: &[(&str, &str)]| list.iter().any(|(host, wanted)| *host == service && pattern(wanted, rest));
        named(&self.covered) && !named(&self.except)
    }
}

#[cfg(test)]
mod tests {
    use super::{Permission, is_deny_entry, meant_by};

    fn permission(text: &str) -> Permission {
        Permission::parse(text).unwrap()
    }

    #[test]
    fn both_spellings_are_one_permission() {
        for (v1, v2) in [
            ("storage.objects.get", "storage.googleapis.com/objects.get"),
            ("resourcemanager.projects.delete", "cloudresourcemanager.googleapis.com/projects.delete"),
            ("bigquery.connections.use", "bigqueryconnection.googleapis.com/connections.use"),
            ("bigquery.tables.getData", "bigquery.googleapis.com/tables.getData"),
            ("bigquery.reservations.get", "bigqueryreservation.googleapis.com/reservations.get"),
            ("serviceusage.apiKeys.get", "apikeys.googleapis.com/apiKeys.get"),
            ("datastore.locations.get", "firestore.googleapis.com/locations.get"),
        ] {
            assert_eq!(permission(v1).v2(), v2);
            assert_eq!(permission(v2), permission(v1));
        }
        assert!(permission("bigquery.reservations.get").is_named_by("bigquery.googleapis.com/reservations.*"));
        assert_eq!(Permission::parse("s3:GetObject"), None);
        assert_eq!(Permission::parse("Microsoft.Storage/storageAccounts/read"), None);
    }

    #[test]
    fn only_listed_permissions_can_be_denied() {
        assert!(permission("resourcemanager.projects.delete").is_deniable());
        assert!(!permission("resourcemanager.projects.list").is_deniable(), "D9: missing although the group projects.* is listed");
        assert!(permission("compute.instances.delete").is_deniable());
        assert!(!permission("container.secrets.get").is_deniable(), "D11");
    }

    #[test]
    fn a_slip_is_recognised_and_a_permission_off_the_list_is_none() {
        for (asked, meant) in [("storage.object.get", "storage.objects.get"), ("compute.instances.strat", "compute.instances.start")] {
            assert!(meant_by(&permission(asked)).iter().any(|name| name == meant), "{asked}: {:?}", meant_by(&permission(asked)));
        }
        for known in ["storage.objects.get", "resourcemanager.projects.list", "container.secrets.get"] {
            assert_eq!(meant_by(&permission(known)), Vec::<String>::new());
        }
    }

    #[test]
    fn groups_are_accepted_only_as_listed() {
        assert!(is_deny_entry("storage.googleapis.com/objects.*"));
        assert!(!is_deny_entry("storage.googleapis.com/buckets.*"), "D10");
        assert!(is_deny_entry("pubsub.googleapis.com/*.*"));
        assert!(!is_deny_entry("storage.googelapis.com/objects.get"), "D12");
    }

    #[test]
    fn enforcement_versions_cover_what_the_page_says() {
        for (name, since) in [
            ("storage.objects.get", Some(1)),
            ("storage.objects.list", Some(2)),
            ("pubsub.subscriptions.consume", Some(3)),
            ("secretmanager.versions.access", Some(4)),
            ("compute.instances.get", None),
            ("run.routes.invoke", None),
        ] {
            assert_eq!(permission(name).covered_since(), since, "{name}");
        }
    }
}
