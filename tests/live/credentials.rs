//! Where credentials come from: as every user of AWS's own command line expects.
#![cfg(unix)]

use super::company::{Company, served};
use super::program::{bare, run, said};
use super::relay::{Relay, Seen, Treatment};
use std::process::{Command, Output};
use tempfile::TempDir;

const CONFIG: &str = "
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = ReadOnly
region = eu-west-1
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile base]
region = eu-west-1
aws_access_key_id = AKIABASEBASEBASEBASE
aws_secret_access_key = MARKEDbaseMARKEDbaseMARKEDbaseMARKEDbase
[profile assumed]
role_arn = arn:aws:iam::123456789012:role/team/app
source_profile = base
region = eu-central-1
[profile process]
credential_process = cat HOME/process.json
region = eu-west-1
[profile broken]
credential_process = sh -c 'echo the vault is locked >&2; exit 1'
region = eu-west-1
[profile waiting]
credential_process = sleep 100
region = eu-west-1
";

const PROCESS: &str =
    r#"{"Version": 1, "AccessKeyId": "AKIAPROCESSPROCESS00", "SecretAccessKey": "MARKEDprocess", "SessionToken": "MARKEDprocesstoken"}"#;

/// Where the token of session `corp` is kept: the SHA-1 of its name.
const CACHE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// A home with these profiles, and a token of single sign-on that lasts until then.
fn home(expires: Option<&str>) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".aws/sso/cache")).unwrap();
    let folder = home.path().display().to_string();
    std::fs::write(home.path().join(".aws/config"), CONFIG.replace("HOME", &folder)).unwrap();
    std::fs::write(home.path().join("process.json"), PROCESS).unwrap();
    if let Some(expires) = expires {
        let token = format!(
            r#"{{"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": "MARKEDssotoken", "expiresAt": "{expires}"}}"#
        );
        std::fs::write(home.path().join(CACHE), token).unwrap();
    }
    home
}

/// Asks with a profile and without keys in the environment, of which only the endpoint is set.
fn with_profile(relay: &Relay, home: &TempDir, profile: &str, more: &[&str]) -> Output {
    let words = [&["me", "s3:ListAllMyBuckets", "--profile", profile], more].concat();
    let mut command: Command = bare(&words);
    command.env("HOME", home.path()).env("AWS_ENDPOINT_URL", relay.url()).env_remove("AWS_REGION");
    run(command)
}

/// Who signed the calls that were not for credentials.
fn signers(relay: &Relay) -> Vec<String> {
    let calls = relay.seen().into_iter().filter(|seen| seen.operation.starts_with("Get") && !seen.target.starts_with("/federation"));
    let mut keys: Vec<String> = calls.map(|seen| seen.signed().0.to_owned()).collect();
    keys.dedup();
    keys
}

fn assert_unread(output: &Output, saying: &[&str]) {
    let all = said(output);
    assert_eq!(output.status.code(), Some(3), "{all}");
    assert!(saying.iter().all(|part| all.contains(part)), "{saying:?} in {all}");
    assert!(!all.contains("MARKED"), "{all}");
}

/// Single sign-on hands out credentials for a token (IAM Identity Center Portal API Reference, GetRoleCredentials).
fn portal(seen: &Seen) -> Treatment {
    if !seen.target.starts_with("/federation/credentials") {
        return served(seen);
    }
    assert_eq!(seen.headers.get("x-amz-sso_bearer_token").map(String::as_str), Some("MARKEDssotoken"));
    let body = r#"{"roleCredentials": {"accessKeyId": "ASIASINGLESIGNONSSO0", "secretAccessKey": "MARKEDsso", "sessionToken": "MARKEDssosession", "expiration": 4102444800000}}"#;
    Treatment::Answer(200, "application/json", body.into())
}

#[test]
fn single_sign_on() {
    let company = Company::get();
    let relay = company.relay();
    relay.treat(portal);
    let output = with_profile(&relay, &home(Some("2099-01-01T00:00:00Z")), "sso", &[]);
    assert!(said(&output).contains("`me` is arn:aws:"), "{}", said(&output));
    assert!(!said(&output).contains("MARKED"), "{}", said(&output));
    assert_eq!(signers(&relay), ["ASIASINGLESIGNONSSO0"]);
}

#[test]
fn a_token_of_single_sign_on_that_is_over_or_missing_or_refused_is_said_to_be() {
    let company = Company::get();
    let relay = company.relay();
    let login = "aws sso login --profile sso";
    let over = with_profile(&relay, &home(Some("2020-01-01T00:00:00Z")), "sso", &[]);
    assert_unread(&over, &["the SSO token has expired", login]);
    let missing = with_profile(&relay, &home(None), "sso", &[]);
    assert_unread(&missing, &["failed to load the cached SSO token", login]);
    assert_eq!(relay.operations(), Vec::<String>::new(), "nobody is asked without a token");
    relay.treat(|_| {
        let body = r#"{"message": "Session token not found or invalid", "__type": "UnauthorizedException"}"#;
        Treatment::Answer(401, "application/json", body.into())
    });
    let refused = with_profile(&relay, &home(Some("2099-01-01T00:00:00Z")), "sso", &[]);
    assert_unread(&refused, &["Session token not found or invalid", login]);
}

#[test]
fn a_profile_that_assumes_a_role_with_another_profile() {
    let company = Company::get();
    let relay = company.relay();
    let output = with_profile(&relay, &home(None), "assumed", &[]);
    assert!(said(&output).contains("`me` is arn:aws:sts::123456789012:assumed-role/app/"), "{}", said(&output));
    let assumed = relay.seen().into_iter().find(|seen| seen.operation == "AssumeRole").unwrap();
    assert_eq!(assumed.signed(), ("AKIABASEBASEBASEBASE", "eu-central-1"), "in the region of the profile");
    assert!(signers(&relay).iter().all(|key| key.starts_with("ASIA")), "{:?}", signers(&relay));
    relay.treat(|seen| if seen.operation == "AssumeRole" { Treatment::Refuse } else { served(seen) });
    assert_unread(&with_profile(&relay, &home(None), "assumed", &[]), &["profile `assumed`", "AccessDenied"]);
}

#[test]
fn a_process_that_knows_the_credentials() {
    let company = Company::get();
    let relay = company.relay();
    let home = home(None);
    let output = with_profile(&relay, &home, "process", &[]);
    assert!(said(&output).contains("`me` is arn:aws:"), "{}", said(&output));
    assert_eq!(signers(&relay), ["AKIAPROCESSPROCESS00"], "and not the keys of the environment");
    assert_unread(&with_profile(&relay, &home, "broken", &[]), &["profile `broken`", "the vault is locked"]);
    assert_unread(&with_profile(&relay, &home, "waiting", &["--timeout", "1"]), &["no credentials came within 1 s (--timeout)"]);
    assert_unread(&with_profile(&relay, &home, "nobody", &[]), &["profile `nobody` was not defined"]);
}
