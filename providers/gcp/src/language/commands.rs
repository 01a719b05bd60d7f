//! The command lines that read or change the allow policy of a resource.

use super::resources::FullName;

/// `gcloud pubsub topics get-iam-policy orders --project=shop`: what `verb` does to the policy of a resource, for the types that have
/// a command. `verb` is `get-iam-policy` or `add-iam-policy-binding`.
pub(crate) fn of_policy(name: &FullName, verb: &str) -> Option<String> {
    let id = name.path.rsplit('/').next().unwrap_or_default();
    let place = Place { name };
    if let Some(table) = place.table() {
        return Some(format!("bq {verb} {table}"));
    }
    let what = match (name.service.as_str(), name.collection()?) {
        ("cloudresourcemanager.googleapis.com", "projects") => format!("projects {verb} {id}"),
        ("cloudresourcemanager.googleapis.com", "folders") => format!("resource-manager folders {verb} {id}"),
        ("cloudresourcemanager.googleapis.com", "organizations") => format!("organizations {verb} {id}"),
        ("storage.googleapis.com", "buckets") => format!("storage buckets {verb} gs://{id}"),
        ("storage.googleapis.com", "managedFolders") => format!("storage managed-folders {verb} {}", name.shown()),
        ("iam.googleapis.com", "serviceAccounts") => format!("iam service-accounts {verb} {id}"),
        ("pubsub.googleapis.com", kind @ ("topics" | "subscriptions" | "schemas" | "snapshots")) => {
            format!("pubsub {kind} {verb} {id}{}", place.flags(&[]))
        }
        ("secretmanager.googleapis.com", "secrets") => format!("secrets {verb} {id}{}", place.flags(&[])),
        ("cloudkms.googleapis.com", "cryptoKeys") => {
            format!("kms keys {verb} {id}{}", place.flags(&[("keyring", "keyRings"), ("location", "locations")]))
        }
        ("cloudkms.googleapis.com", "keyRings") => format!("kms keyrings {verb} {id}{}", place.flags(&[("location", "locations")])),
        ("run.googleapis.com", kind @ ("services" | "jobs")) => {
            format!("run {kind} {verb} {id}{}", place.flags(&[("region", "locations")]))
        }
        ("cloudfunctions.googleapis.com", "functions") => format!("functions {verb} {id}{}", place.flags(&[("region", "locations")])),
        ("cloudtasks.googleapis.com", "queues") => format!("tasks queues {verb} {id}{}", place.flags(&[("location", "locations")])),
        ("artifactregistry.googleapis.com", "repositories") => {
            format!("artifacts repositories {verb} {id}{}", place.flags(&[("location", "locations")]))
        }
        ("spanner.googleapis.com", "instances") => format!("spanner instances {verb} {id}{}", place.flags(&[])),
        ("spanner.googleapis.com", "databases") => format!("spanner databases {verb} {id}{}", place.flags(&[("instance", "instances")])),
        ("bigtable.googleapis.com" | "bigtableadmin.googleapis.com", "instances") => {
            format!("bigtable instances {verb} {id}{}", place.flags(&[]))
        }
        ("bigtable.googleapis.com" | "bigtableadmin.googleapis.com", "tables") => {
            format!("bigtable tables {verb} {id}{}", place.flags(&[("instance", "instances")]))
        }
        ("compute.googleapis.com", kind @ ("instances" | "disks")) => {
            format!("compute {kind} {verb} {id}{}", place.flags(&[("zone", "zones")]))
        }
        ("compute.googleapis.com", kind @ ("images" | "snapshots")) => format!("compute {kind} {verb} {id}{}", place.flags(&[])),
        ("compute.googleapis.com", "subnetworks") => {
            format!("compute networks subnets {verb} {id}{}", place.flags(&[("region", "regions")]))
        }
        ("iap.googleapis.com", "iap_web") if name.path.ends_with("/compute") => {
            format!("iap web {verb} --resource-type=backend-services{}", place.flags(&[]))
        }
        ("iap.googleapis.com", "iap_web") if !name.path.contains("/appengine") => format!("iap web {verb}{}", place.flags(&[])),
        ("iap.googleapis.com", "services") if name.path.contains("/iap_web/compute/") => {
            format!("iap web {verb} --resource-type=backend-services --service={id}{}", place.flags(&[]))
        }
        _ => return None,
    };
    let safe = what.chars().all(|c| c.is_ascii_alphanumeric() || "@.:/-_=* ".contains(c));
    safe.then(|| format!("gcloud {what}"))
}

/// The statement that grants a role on a dataset, which has no command of its own
/// (docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language).
pub(crate) fn of_dataset(name: &FullName, member: &str, role: &str) -> Option<String> {
    let (project, dataset) = (name.project()?, name.path.rsplit('/').next()?);
    let fits = name.service == "bigquery.googleapis.com" && name.collection() == Some("datasets");
    let plain = [project, dataset, member, role].iter().all(|part| part.chars().all(|c| c.is_ascii_alphanumeric() || "@.:/-_".contains(c)));
    (fits && plain).then(|| format!("bq query --use_legacy_sql=false 'GRANT `{role}` ON SCHEMA `{project}`.{dataset} TO \"{member}\"'"))
}

/// Where a resource lies, as flags.
struct Place<'n> {
    name: &'n FullName,
}

impl Place<'_> {
    /// `shop:sales.orders`
    fn table(&self) -> Option<String> {
        let fits = self.name.service == "bigquery.googleapis.com" && self.name.collection() == Some("tables");
        let name = format!("{}:{}.{}", self.name.project()?, self.within("datasets"), self.within("tables"));
        (fits && name.chars().all(|c| c.is_ascii_alphanumeric() || ":._-".contains(c))).then_some(name)
    }

    /// ` --location=eu --project=shop`
    fn flags(&self, flags: &[(&str, &str)]) -> String {
        let within = flags.iter().map(|(flag, collection)| format!(" --{flag}={}", self.within(collection)));
        within.chain([format!(" --project={}", self.name.project().unwrap_or_default())]).collect()
    }

    fn within(&self, collection: &str) -> &str {
        let mut parts = self.name.path.split('/');
        parts.find(|part| *part == collection).and_then(|_| parts.next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{of_dataset, of_policy};
    use crate::language::resources::FullName;

    #[test]
    fn commands_name_the_resource_as_gcloud_wants_it() {
        let command = |service: &str, path: &str| of_policy(&FullName::new(service, path), "get-iam-policy");
        assert_eq!(
            command("cloudkms.googleapis.com", "projects/p/locations/eu/keyRings/r/cryptoKeys/k").as_deref(),
            Some("gcloud kms keys get-iam-policy k --keyring=r --location=eu --project=p")
        );
        assert_eq!(
            command("compute.googleapis.com", "projects/p/zones/z/instances/vm").as_deref(),
            Some("gcloud compute instances get-iam-policy vm --zone=z --project=p")
        );
        assert_eq!(
            command("bigtableadmin.googleapis.com", "projects/p/instances/i/tables/t").as_deref(),
            Some("gcloud bigtable tables get-iam-policy t --instance=i --project=p")
        );
        assert_eq!(command("pubsub.googleapis.com", "projects/p/topics/t;rm"), None);
        assert_eq!(command("workflows.googleapis.com", "projects/p/locations/eu/workflows/w"), None);
    }
    #[test]
    fn a_dataset_is_granted_on_by_a_statement() {
        let grant =
            |path: &str| of_dataset(&FullName::new("bigquery.googleapis.com", path), "user:kim@shop.example", "roles/bigquery.dataViewer");
        assert_eq!(
            grant("projects/p/datasets/sales").as_deref(),
            Some("bq query --use_legacy_sql=false 'GRANT `roles/bigquery.dataViewer` ON SCHEMA `p`.sales TO \"user:kim@shop.example\"'")
        );
        assert_eq!(grant("projects/p/datasets/sales/tables/t"), None);
        assert_eq!(grant("projects/p/datasets/sal'es"), None);
    }
}
