//! The one list of providers.

use iam_why_contract::{Provider, Question};

/// Every provider there is. A new one is added here and nowhere else.
static ALL: &[&dyn Provider] = &[&iam_why_aws::Aws, &iam_why_azure::Azure, &iam_why_gcp::Gcp];

/// What reads each cloud with the user's own credentials.
#[cfg(feature = "live")]
static READERS: &[&dyn iam_why_contract::Collect] = &[&iam_why_aws::collect::AwsReader, &AZURE, &iam_why_gcp::collect::GcpReader];

#[cfg(feature = "live")]
static AZURE: iam_why_azure::collect::AzureReader = iam_why_azure::collect::AzureReader::new();

/// What reads the cloud of this id.
#[cfg(feature = "live")]
#[must_use]
pub fn reader(id: &str) -> Option<&'static dyn iam_why_contract::Collect> {
    READERS.iter().copied().find(|reader| reader.id() == id)
}

/// The ids of the clouds that can be read, for messages.
#[cfg(feature = "live")]
#[must_use]
pub fn readable() -> String {
    let ids: Vec<&str> = READERS.iter().map(|reader| reader.id()).collect();
    ids.join(", ")
}

/// Every provider there is.
#[must_use]
pub fn all() -> &'static [&'static dyn Provider] {
    ALL
}

/// The provider with this id.
#[must_use]
pub fn named(id: &str) -> Option<&'static dyn Provider> {
    all().iter().copied().find(|provider| provider.id() == id)
}

/// The providers that the grammar of the question's words speaks for.
pub fn claiming(question: &Question) -> impl Iterator<Item = &'static dyn Provider> + use<'_> {
    all().iter().copied().filter(move |provider| provider.claims(question))
}

/// Their ids, for messages.
#[must_use]
pub fn ids() -> String {
    let ids: Vec<&str> = all().iter().map(|provider| provider.id()).collect();
    ids.join(", ")
}
