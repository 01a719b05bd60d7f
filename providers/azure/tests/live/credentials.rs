//! Credentials that are no good, and clouds that are not the public one.

use crate::server::{Server, Treatment, error, question, reader, reader_refused, runtime};
use crate::tenant::{APP_OBJECT, SUBSCRIPTION};
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet};

fn told(said: &'static str) -> CollectError {
    let server = Server::new(|_| Treatment::Pass);
    let refused = reader_refused(said);
    let ways = [
        runtime().block_on(refused.question(&question(APP_OBJECT), &server.options(), &Quiet)).unwrap_err(),
        runtime()
            .block_on(refused.whole(Some(SUBSCRIPTION), &server.options(), &iam_why_contract::Gathered::default(), &Quiet))
            .unwrap_err(),
        runtime().block_on(refused.doctor(&server.options(), &Quiet)).unwrap_err(),
    ];
    assert!(server.seen().is_empty(), "nothing is sent without a token");
    assert_eq!(ways[0], ways[1]);
    assert_eq!(ways[0], ways[2]);
    ways.into_iter().next().unwrap()
}

#[test]
fn no_credentials_expired_ones_and_those_of_another_tenant_are_told_apart() {
    assert!(matches!(told("az not found on PATH"), CollectError::NoCredentials { .. }));
    let hint = |said| match told(said) {
        CollectError::BadCredentials { hint, .. } => hint,
        other => panic!("{other:?}"),
    };
    assert!(hint("AADSTS700082: The refresh token has expired due to inactivity.").contains("have expired"));
    assert!(hint("AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.").contains("--tenant"));
    assert!(hint("AADSTS7000215: Invalid client secret provided.").contains("secret is wrong"));
    assert!(hint("AADSTS700213: No matching federated identity record found").contains("federated credential"));
    assert!(hint("AADSTS500011: The resource principal named x was not found in the tenant").contains("--cloud"));
}

#[test]
fn a_token_of_another_tenant_is_no_missing_right() {
    let server =
        Server::new(|_| Treatment::Answer(401, error("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer")));
    let failed = runtime().block_on(reader().question(&question(APP_OBJECT), &server.options(), &Quiet)).unwrap_err();
    assert!(matches!(failed, CollectError::BadCredentials { ref hint, .. } if hint.contains("--tenant")), "{failed}");
}

#[test]
fn a_token_goes_over_tls_or_to_this_machine_and_to_a_cloud_that_there_is() {
    let refused = |name, value: &str| {
        let options = Options::default().with(name, value);
        matches!(runtime().block_on(reader().question(&question(APP_OBJECT), &options, &Quiet)), Err(CollectError::Question(_)))
    };
    assert!(refused("endpoint-url", "http://management.example.com"));
    assert!(refused("endpoint-url", "no address"));
    assert!(refused("cloud", "AzureGermanCloud"));
    assert!(refused("subscription", "the production one"));
}
