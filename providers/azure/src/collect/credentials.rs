//! Credentials, as every Azure user expects them to be found: the environment, the platform, the developer's tools.

use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::ClientOptions;
use azure_identity as identity;
use iam_why_contract::CollectError;
use iam_why_contract::collect::{Options, chain};
use std::sync::Arc;
use std::time::Duration;

/// The metadata service of a virtual machine answers at once; elsewhere nobody does.
const METADATA: Duration = Duration::from_secs(2);

/// azure_identity has no default chain. Whatever is set up on purpose comes first and is then the only one that counts.
pub(super) fn found(options: &Options, cloud: &str) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let tenant = options.get("tenant").map(str::to_owned);
    let client = environment("AZURE_CLIENT_ID");
    let secret = (tenant.clone().or_else(|| environment("AZURE_TENANT_ID")), client.clone(), environment("AZURE_CLIENT_SECRET"));
    if let (Some(tenant), Some(client), Some(secret)) = secret {
        let settings = identity::ClientSecretCredentialOptions { client_options: of_cloud(cloud) };
        return Ok(identity::ClientSecretCredential::new(&tenant, client, secret.into(), Some(settings))?);
    }
    if environment("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        let mut settings = identity::WorkloadIdentityCredentialOptions { tenant_id: tenant, ..Default::default() };
        settings.credential_options.client_options = of_cloud(cloud);
        return Ok(identity::WorkloadIdentityCredential::new(Some(settings))?);
    }
    let user_assigned_id = client.map(identity::UserAssignedId::ClientId);
    let settings = identity::ManagedIdentityCredentialOptions { user_assigned_id, ..Default::default() };
    let platform = identity::ManagedIdentityCredential::new(Some(settings));
    if environment("IDENTITY_ENDPOINT").is_some() {
        return Ok(platform?);
    }
    if tenant.is_some() || options.get("subscription").is_some() {
        let subscription = options.get("subscription").filter(|_| tenant.is_none()).map(str::to_owned);
        let settings = identity::AzureCliCredentialOptions { subscription, tenant_id: tenant, ..Default::default() };
        return Ok(identity::AzureCliCredential::new(Some(settings))?);
    }
    let tools: Arc<dyn TokenCredential> = identity::DeveloperToolsCredential::new(None)?;
    Ok(match platform {
        Ok(platform) => Arc::new(ToolsThenPlatform { tools, platform }),
        Err(_) => tools,
    })
}

fn of_cloud(cloud: &str) -> ClientOptions {
    let configuration = match cloud {
        "AzureUSGovernment" => CloudConfiguration::AzureGovernment,
        "AzureChinaCloud" => CloudConfiguration::AzureChina,
        _ => CloudConfiguration::AzurePublic,
    };
    ClientOptions { cloud: Some(Arc::new(configuration)), ..Default::default() }
}

/// A virtual machine says nowhere that it is one: its identity is asked for where no tool is logged in.
#[derive(Debug)]
struct ToolsThenPlatform {
    tools: Arc<dyn TokenCredential>,
    platform: Arc<dyn TokenCredential>,
}

#[async_trait::async_trait]
impl TokenCredential for ToolsThenPlatform {
    async fn get_token(&self, scopes: &[&str], options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let refused = match self.tools.get_token(scopes, options.clone()).await {
            Ok(token) => return Ok(token),
            Err(refused) => refused,
        };
        // Tools that are logged in and refused by Entra ID are the credentials that were meant.
        if is_of_entra(&chain(&refused)) {
            return Err(refused);
        }
        match tokio::time::timeout(METADATA, self.platform.get_token(scopes, options)).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(_)) | Err(_) => {
                Err(azure_core::Error::with_error(ErrorKind::Credential, refused, "no tool is logged in, and there is no managed identity"))
            }
        }
    }
}

/// Did Entra ID itself answer, and refuse? Its errors begin with AADSTS and a number.
pub(super) fn is_of_entra(said: &str) -> bool {
    said.contains("AADSTS")
}

/// There are no credentials.
pub(super) fn none(said: &str) -> CollectError {
    let hint = format!(
        "{said}; looked at the environment (AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE), the managed identity and the developer's tools: log in with `az login`"
    );
    CollectError::NoCredentials { cloud: "Azure", hint }
}

/// There are credentials that are not accepted: this is about them, and no permission would help.
pub(super) fn bad(said: String) -> CollectError {
    let known = HINTS.iter().find(|(codes, _)| codes.iter().any(|code| names(&said, code)));
    let hint = known.map_or("log in anew (`az login`), check the tenant (--tenant) and the cloud (--cloud)", |(_, hint)| hint);
    CollectError::BadCredentials {
        cloud: "Azure",
        hint: format!("this is about the credentials themselves, not about a permission: {hint}"),
        said,
    }
}

/// What the codes stand for ("Microsoft Entra authentication and authorization error codes"). The page warns that they may change: they
/// choose the words of a hint and nothing else.
const HINTS: &[(&[&str], &str)] = &[
    (
        &["InvalidAuthenticationTokenTenant", "AADSTS700016", "AADSTS90002", "AADSTS50020", "AADSTS90072", "AADSTS500212"],
        "they are of another tenant; name the right one with --tenant",
    ),
    (
        &["ExpiredAuthenticationToken", "AADSTS700082", "AADSTS70043", "AADSTS70008", "AADSTS50173", "AADSTS7000222"],
        "they have expired; log in anew (`az login`), or renew the client secret",
    ),
    (&["AADSTS7000215"], "the client secret is wrong: it takes the value of the secret, not its id"),
    (&["AADSTS70021", "AADSTS700211", "AADSTS700212", "AADSTS700213"], "no federated credential has this issuer, subject and audience"),
    (
        &["AADSTS50076", "AADSTS50079", "AADSTS53000", "AADSTS53003", "AADSTS530003"],
        "Conditional Access asks for more; log in anew (`az login`)",
    ),
    (&["AADSTS500011", "AADSTS900382"], "they are of another cloud; name the right one with --cloud"),
];

fn names(said: &str, code: &str) -> bool {
    said.match_indices(code)
        .any(|(at, _)| !said.get(at + code.len()..).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::{bad, names};
    use iam_why_contract::CollectError;

    #[test]
    fn a_code_of_entra_is_read_to_its_last_digit() {
        assert!(names("AADSTS50020: User account", "AADSTS50020"));
        assert!(!names("AADSTS500200: User account", "AADSTS50020"));
    }

    #[test]
    fn expired_credentials_are_told_from_those_of_another_tenant() {
        let hint = |said: &str| match bad(said.into()) {
            CollectError::BadCredentials { hint, .. } => hint,
            other => format!("{other}"),
        };
        let expired = "AADSTS700082: The refresh token has expired due to inactivity.";
        assert!(hint(expired).contains("have expired"), "{}", hint(expired));
        let foreign = "InvalidAuthenticationTokenTenant: The access token is from the wrong issuer";
        assert!(hint(foreign).contains("--tenant"), "{}", hint(foreign));
    }
}
