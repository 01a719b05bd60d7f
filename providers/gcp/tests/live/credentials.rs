//! Credentials: every kind gives a token that is sent and never shown; none, bad ones, and a place that gives no tokens are told apart.

use crate::company::company;
use crate::server::{Answer, Seen, Server};
use crate::{ANA, BOB, decide, options, question, read, saved};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use iam_why_contract::Decision;
use iam_why_contract::collect::{Collect, CollectError, Options, Quiet, Sink};
use iam_why_gcp::collect::GcpReader;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SECRET: &str = "ya29.MARKED-SECRET-TOKEN-0123456789";

/// A file that goes away with the test.
struct Kept(PathBuf);

impl Kept {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("iam-why-gcp-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A place that gives tokens, for every kind of credentials. Each token says where it is from.
fn tokens(seen: &Seen) -> Answer {
    let sts = r#"{"access_token": "MARKED-of-sts", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer",
        "expires_in": 3600}"#;
    match seen.path.as_str() {
        "/token" => Answer::json(r#"{"access_token": "MARKED-of-user", "expires_in": 3600, "token_type": "Bearer"}"#),
        "/sts" => Answer::json(sts),
        "/identity" => Answer::json(r#"{"value": "MARKED-of-identity-provider"}"#),
        path if path.ends_with(":generateAccessToken") => {
            Answer::json(r#"{"accessToken": "MARKED-of-account", "expireTime": "2099-01-01T00:00:00Z"}"#)
        }
        _ => company(seen),
    }
}

fn user(server: &Server) -> Value {
    json!({"type": "authorized_user", "client_id": "it", "client_secret": "MARKED-client-secret", "refresh_token": "MARKED-refresh-token",
        "token_uri": format!("{}/token", server.url())})
}

fn federated(server: &Server, source: Value) -> Value {
    json!({"type": "external_account", "audience": "//iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": format!("{}/sts", server.url()),
        "credential_source": source})
}

/// As the workflows of a code host ask for one.
fn by_address(server: &Server) -> Value {
    json!({"url": format!("{}/identity", server.url()), "headers": {"Authorization": "Bearer MARKED-of-workflow"},
        "format": {"type": "json", "subject_token_field_name": "value"}})
}

/// With `account` for its own.
fn through(mut credentials: Value, server: &Server, account: &str) -> Value {
    credentials["service_account_impersonation_url"] = minting(server, account).into();
    credentials
}

fn minting(server: &Server, account: &str) -> String {
    format!("{}/v1/projects/-/serviceAccounts/{account}:generateAccessToken", server.url())
}

fn impersonated(server: &Server, source: &Value) -> Value {
    through(json!({"type": "impersonated_service_account", "source_credentials": source, "delegates": []}), server, READER)
}

const READER: &str = "reader@acme.iam.gserviceaccount.com";
const AUDITOR: &str = "auditor@acme.iam.gserviceaccount.com";
const DEPLOY: &str = "deploy@acme.iam.gserviceaccount.com";

/// A key of the run: private as PEM of PKCS #8, public as DER of PKCS #1.
struct Key {
    private: String,
    public: Vec<u8>,
}

static KEY: LazyLock<Key> = LazyLock::new(|| {
    let private = Kept::new("");
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &private.path()]);
    let public = openssl(&["rsa", "-in", &private.path(), "-RSAPublicKey_out", "-outform", "DER"]);
    Key { private: std::fs::read_to_string(&private.0).unwrap(), public }
});

fn openssl(words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(words).output().expect("openssl is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn key(private: &str) -> Value {
    json!({"type": "service_account", "client_email": DEPLOY, "project_id": "acme", "private_key_id": "MARKED-key-id", "private_key": private,
        "token_uri": "https://oauth2.googleapis.com/token"})
}

fn with_file(server: &Server, file: &Kept) -> Options {
    options(server).with("credentials-file", file.path())
}

/// Asks with these credentials. Returns who `me` is, or what the error says.
async fn asked(server: &Server, credentials: &Value, more: &[(&'static str, &str)]) -> Result<String, CollectError> {
    let file = Kept::new(&credentials.to_string());
    let options = more.iter().fold(with_file(server, &file), |options, (name, value)| options.with(name, *value));
    let read = GcpReader.question(&question("me"), &options, &Quiet).await;
    let shown = match &read {
        Ok(collected) => format!("{collected:?}{}", saved(&collected.snapshot)),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains("MARKED"), "{shown}");
    read.map(|collected| collected.question.principal)
}

/// The tokens of the calls that read: each once.
fn bearers(server: &Server) -> BTreeSet<String> {
    let calls = server.seen().into_iter().filter(|seen| seen.path.starts_with("/v3/"));
    calls.map(|seen| seen.token.trim_start_matches("Bearer ").to_owned()).collect()
}

fn call(server: &Server, end: &str) -> Seen {
    server.seen().into_iter().find(|seen| seen.path.ends_with(end)).unwrap_or_else(|| panic!("{end} is not asked"))
}

#[tokio::test]
async fn a_user_s_login_is_renewed_and_keeps_the_scopes_that_the_user_agreed_to() {
    let server = Server::new(tokens);
    assert_eq!(asked(&server, &user(&server), &[]).await.unwrap(), "user:ana@example.com");
    assert_eq!(bearers(&server), ["MARKED-of-user".to_owned()].into());
    let renewed: Value = serde_json::from_str(&call(&server, "/token").body).unwrap();
    assert_eq!((&renewed["grant_type"], &renewed["refresh_token"]), (&json!("refresh_token"), &json!("MARKED-refresh-token")));
    assert!(renewed.get("scope").is_none(), "a narrower token would not say whose it is: {renewed}");
    let mut charged = user(&server);
    charged["quota_project_id"] = "bills".into();
    asked(&server, &charged, &[]).await.unwrap();
    assert_eq!(server.seen().last().unwrap().headers.get("x-goog-user-project").map(String::as_str), Some("bills"));
}

/// The claims of a token that a key signed (google.aip.dev/auth/4111); the signature is checked.
fn claims(token: &str) -> Value {
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let of_rsa = algorithms.mapping.iter().find(|(scheme, _)| *scheme == rustls::SignatureScheme::RSA_PKCS1_SHA256).unwrap().1;
    let holds = of_rsa.iter().any(|algorithm| algorithm.verify_signature(&KEY.public, signed.as_bytes(), &decode(signature)).is_ok());
    assert!(holds, "the key did not sign it");
    let (header, claims) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "MARKED-key-id"}));
    serde_json::from_slice(&decode(claims)).unwrap()
}

#[tokio::test]
async fn a_service_account_key_signs_its_own_tokens_and_says_whose_they_are() {
    let server = Server::new(tokens);
    assert_eq!(asked(&server, &key(&KEY.private), &[]).await.unwrap(), format!("serviceAccount:{DEPLOY}"));
    let bearers = bearers(&server);
    assert_eq!(bearers.len(), 1, "one token for all calls");
    let claims = claims(bearers.first().unwrap());
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(DEPLOY), &json!(DEPLOY)));
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    assert_eq!(claims["aud"], Value::Null, "an audience would leave the scope out of account");
    let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((3600..3700).contains(&lasts), "{claims}");
    // Such a token is unknown to the one call that tells whose a token is.
    assert!(server.seen().iter().all(|seen| seen.path != "/tokeninfo" && seen.path != "/token"));
}

#[tokio::test]
async fn a_federated_identity_exchanges_the_token_of_its_provider() {
    let plain = Kept::new("MARKED-of-identity-provider\n");
    let in_json = Kept::new(r#"{"value": "MARKED-of-identity-provider"}"#);
    let field = json!({"type": "json", "subject_token_field_name": "value"});
    for (by, source) in
        [("text", json!({"file": plain.path()})), ("json", json!({"file": in_json.path(), "format": field})), ("address", json!(null))]
    {
        let server = Server::new(tokens);
        let source = if source.is_null() { by_address(&server) } else { source };
        let file = Kept::new(&federated(&server, source).to_string());
        let collected = GcpReader.question(&question(BOB), &with_file(&server, &file), &Quiet).await.unwrap();
        assert_eq!(decide(&collected).decision, Decision::Deny, "{by}");
        assert_eq!(bearers(&server), ["MARKED-of-sts".to_owned()].into(), "{by}");
        let exchange = call(&server, "/sts").body;
        for part in ["subject_token=MARKED-of-identity-provider", "grant_type=urn%3Aietf", "auth%2Fcloud-platform", "workloadIdentityPools"]
        {
            assert!(exchange.contains(part), "{by}: {part} in {exchange}");
        }
        if by == "address" {
            assert_eq!(call(&server, "/identity").token, "Bearer MARKED-of-workflow");
        }
    }
    // The call that tells whose a token is knows none of these: that it refuses them does not make them bad credentials.
    let server = Server::new(tokens);
    let error = asked(&server, &federated(&server, by_address(&server)), &[]).await.unwrap_err();
    let wanted = "`principal://iam.googleapis.com/projects/300/locations/global/workloadIdentityPools/p/subject/SUBJECT`";
    assert!(matches!(&error, CollectError::Question(said) if said.contains(wanted)), "{error}");
}

#[tokio::test]
async fn each_kind_of_credentials_may_be_a_way_to_a_service_account() {
    let server = Server::new(tokens);
    let (user, federated) = (user(&server), federated(&server, by_address(&server)));
    let key = key(&KEY.private);
    let own = through(federated.clone(), &server, READER);
    let asking: &[(&str, &str)] = &[("impersonate", AUDITOR)];
    for (kind, credentials, more, account, with) in [
        ("a login that impersonates", impersonated(&server, &user), &[] as &[_], READER, "MARKED-of-user"),
        ("a key that impersonates", impersonated(&server, &key), &[], READER, "eyJ"),
        ("a pool that impersonates", own.clone(), &[], READER, "MARKED-of-sts"),
        ("a login, --impersonate", user.clone(), asking, AUDITOR, "MARKED-of-user"),
        ("a key, --impersonate", key.clone(), asking, AUDITOR, "eyJ"),
        ("a pool, --impersonate", federated.clone(), asking, AUDITOR, "MARKED-of-sts"),
        ("a pool that impersonates, --impersonate", own, asking, AUDITOR, "MARKED-of-account"),
    ] {
        let before = server.seen().len();
        assert_eq!(asked(&server, &credentials, more).await.unwrap(), format!("serviceAccount:{account}"), "{kind}");
        let seen = server.seen().split_off(before);
        let minted = seen.iter().rfind(|seen| seen.path.ends_with(":generateAccessToken")).unwrap();
        assert_eq!(minted.path, format!("/v1/projects/-/serviceAccounts/{account}:generateAccessToken"), "{kind}");
        assert!(minted.token.starts_with(&format!("Bearer {with}")), "{kind}: {}", minted.token);
        assert!(minted.body.contains("https://www.googleapis.com/auth/cloud-platform"), "{kind}: {}", minted.body);
        let reading: Vec<_> = seen.iter().filter(|seen| seen.path.starts_with("/v3/")).collect();
        assert!(!reading.is_empty() && reading.iter().all(|seen| seen.token == "Bearer MARKED-of-account"), "{kind}");
    }
    // One that impersonates already goes on through the account that it is.
    asked(&server, &impersonated(&server, &user), asking).await.unwrap();
    let minted = server.seen().into_iter().rfind(|seen| seen.path.ends_with(":generateAccessToken")).unwrap();
    let body: Value = serde_json::from_str(&minted.body).unwrap();
    assert!(minted.path.contains(AUDITOR));
    assert_eq!(body["delegates"], json!([format!("projects/-/serviceAccounts/{READER}")]));
}

#[tokio::test]
async fn what_cannot_be_impersonated_is_no_account_or_no_credentials() {
    let server = Server::new(tokens);
    for nonsense in ["reader", "a@b/../x", "a@b?x"] {
        let error = asked(&server, &user(&server), &[("impersonate", nonsense)]).await.unwrap_err();
        assert!(matches!(error, CollectError::Question(_)), "{error}");
    }
    let unnamed = options(&server).with("impersonate", READER);
    let error = GcpReader.question(&question(BOB), &unnamed, &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::Question(_)), "{error}");
    assert_eq!(server.seen().len(), 0);
}

/// Says no wherever tokens are given, and repeats what it was sent.
fn refusing(seen: &Seen) -> Answer {
    let sent = format!("{} {}", seen.token, seen.body).replace(['"', '\\'], " ");
    match seen.path.as_str() {
        "/token" | "/sts" => Answer::new(400, &format!(r#"{{"error": "invalid_grant", "error_description": "Bad Request {sent}"}}"#)),
        "/identity" => Answer::new(401, &format!("who are you, {sent}")),
        path if path.ends_with(":generateAccessToken") => {
            Answer::new(403, &format!(r#"{{"error": {{"code": 403, "message": "no right {sent}", "status": "PERMISSION_DENIED"}}}}"#))
        }
        _ => {
            let said = format!(r#"{{"error": {{"code": 401, "message": "invalid credentials {sent}", "status": "UNAUTHENTICATED"}}}}"#);
            Answer::new(401, &said)
        }
    }
}

#[tokio::test]
async fn credentials_that_are_not_accepted_are_named_with_what_helps() {
    let server = Server::new(refusing);
    let subject = Kept::new("MARKED-of-identity-provider");
    let by_file = federated(&server, json!({"file": subject.path()}));
    let (login, key) = (user(&server), key(&KEY.private));
    for (credentials, more, parts) in [
        (
            login.clone(),
            None,
            ["(a user's login): failed to refresh", "invalid_grant: Bad Request", "gcloud auth application-default login"],
        ),
        (key.clone(), None, ["(a service account key): 401", "invalid credentials", "gcloud iam service-accounts keys list"]),
        (by_file.clone(), None, ["identity federation): failed to exchange token", "invalid_grant", "attribute condition"]),
        (federated(&server, by_address(&server)), None, ["failed to request subject token", "401: who are you", "`credential_source`"]),
        (
            impersonated(&server, &key),
            None,
            ["(impersonation of a service account): failed", "403: PERMISSION_DENIED: no right", "iam.serviceAccounts.getAccessToken"],
        ),
        (
            impersonated(&server, &login),
            None,
            ["(impersonation of a service account): failed to refresh", "invalid_grant", "gcloud auth application-default login"],
        ),
        (key, Some(AUDITOR), ["(a service account key), impersonating auditor@", "no right", "roles/iam.serviceAccountTokenCreator"]),
        (login, Some(AUDITOR), ["impersonating auditor@", "invalid_grant", "gcloud auth application-default login"]),
    ] {
        let more: Vec<_> = more.map(|account| ("impersonate", account)).into_iter().collect();
        let error = asked(&server, &credentials, &more).await.unwrap_err();
        assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("/iam-why-gcp-"), "the file is named: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} in {said}");
    }
}

#[tokio::test]
async fn files_that_hold_no_credentials_are_told_by_what_is_wrong_with_them() {
    let server = Server::new(tokens);
    let flat = KEY.private.replace('\n', " ");
    let mut elsewhere = key(&KEY.private);
    elsewhere["universe_domain"] = "example.cloud".into();
    let absent = federated(&server, json!({"file": "/nowhere/at/all"}));
    let other = json!({"url": format!("{}/identity", server.url()), "format": {"type": "json", "subject_token_field_name": "token"}});
    for (credentials, wrong) in [
        (json!(7), "does not say in `type`"),
        (json!({"type": 7}), "does not say in `type`"),
        (
            json!({"type": "external_account_authorized_user", "refresh_token": "MARKED-refresh-token"}),
            "`external_account_authorized_user`, expected one of",
        ),
        (json!({"type": "gdch_service_account", "private_key": "MARKED-private-key"}), "`gdch_service_account`, expected one of"),
        (json!({"type": "authorized_user"}), "(a user's login): it is not of the shape of its type, which has `client_id`"),
        (
            json!({"type": "authorized_user", "client_id": "it", "client_secret": {"MARKED-client-secret": 1}, "refresh_token": "x"}),
            "not of the shape",
        ),
        (
            json!({"type": "service_account", "client_email": "x"}),
            "(a service account key): it is not of the shape of its type, which has `private_key_id`",
        ),
        (json!({"type": "impersonated_service_account"}), "which has `service_account_impersonation_url`"),
        (key("MARKED-private-key"), "its `private_key` is no PEM"),
        (key(&flat), "its `private_key` is no PEM"),
        (elsewhere, "of the universe `example.cloud`"),
        (absent, "the file `/nowhere/at/all` with the identity provider's token, which cannot be read: No such file"),
        (federated(&server, other), "failed to read subject token field `token` as string"),
    ] {
        let error = asked(&server, &credentials, &[]).await.unwrap_err();
        assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(wrong) && said.contains("/iam-why-gcp-"), "{wrong} in {said}");
        // Not in numbers either.
        assert!(!said.contains("45, 45"), "{said}");
    }
    let broken = Kept::new("{\"private_key\": \"MARKED");
    let error = GcpReader.question(&question(BOB), &with_file(&server, &broken), &Quiet).await.unwrap_err();
    assert!(matches!(&error, CollectError::BadCredentials { said, .. } if said.ends_with("is no JSON")), "{error}");
    let missing = options(&server).with("credentials-file", "/nowhere/at/all.json");
    let error = GcpReader.question(&question(BOB), &missing, &Quiet).await.unwrap_err();
    assert!(matches!(&error, CollectError::NoCredentials { hint, .. } if hint.contains("/nowhere/at/all.json")), "{error}");
    for text in ["", " \n", "two\nlines"] {
        let file = Kept::new(text);
        let error = GcpReader.question(&question(BOB), &options(&server).with("access-token-file", file.path()), &Quiet).await.unwrap_err();
        assert!(matches!(&error, CollectError::Question(said) if said.contains(&file.path())), "{error}");
    }
    assert!(server.seen().iter().all(|seen| seen.path == "/identity"), "nothing is read without credentials");
}

/// What a place that ought to give tokens answers, and how that is told.
type Trouble = (fn() -> Answer, &'static str);

const LATE: &str = "no token came within 1 s";

const TROUBLES: [Trouble; 4] = [
    (|| Answer::Silence, LATE),
    (|| Answer::new(503, "later"), "503: later"),
    (|| Answer::Cut, "end of file"),
    (|| Answer::json(r#"{"access_token": "x", "accessToken": ["MARKED"], "expires_in": "MARKED"}"#), "of another shape"),
];

#[tokio::test]
async fn a_place_that_gives_no_tokens_says_nothing_of_the_credentials() {
    let one = async |(trouble, end): (Trouble, &'static str)| {
        let (answer, told) = trouble;
        let server = Server::new(move |seen| if seen.path.ends_with(end) { answer() } else { tokens(seen) });
        let credentials = match end {
            "/token" => user(&server),
            "/sts" => federated(&server, by_address(&server)),
            _ => impersonated(&server, &key(&KEY.private)),
        };
        // The library asks again for an account until there is no time left.
        let told = if end.starts_with(':') && told == "503: later" { LATE } else { told };
        let file = Kept::new(&credentials.to_string());
        let mut options = with_file(&server, &file);
        if told == LATE {
            options.timeout = Duration::from_secs(1);
        }
        let error = GcpReader.question(&question(BOB), &options, &Quiet).await.unwrap_err();
        let CollectError::NothingRead { said, .. } = &error else { panic!("{end}: {error}") };
        assert!(said.contains("does not answer") && said.contains(&file.path()) && said.contains(told), "{end}: {said}");
        assert!(!format!("{error:?}").contains("MARKED"), "{error}");
    };
    let each = TROUBLES.iter().flat_map(|trouble| ["/token", "/sts", ":generateAccessToken"].map(|end| (*trouble, end)));
    futures_util::future::join_all(each.map(one)).await;
}

#[tokio::test]
async fn credentials_that_no_call_accepts_are_told_apart_from_a_refusal() {
    let server = Server::new(|_| Answer::new(401, r#"{"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}"#));
    let error = GcpReader.question(&question(ANA), &options(&server), &Quiet).await.unwrap_err();
    assert!(matches!(error, CollectError::BadCredentials { .. }), "{error}");
    let server = Server::new(|_| crate::server::refused());
    assert_eq!(decide(&read(&server, ANA).await).decision, Decision::Undetermined);
}

/// A server that repeats what it was sent: as an error, as a policy, as a page.
fn indiscreet(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v1/roles/storage.objectViewer" => Answer::new(400, &format!(r#"{{"error": {{"message": "bad header {}"}}}}"#, seen.token)),
        "/storage/v1/b/reports/iam" => Answer::json(&format!(r#"{{"etag": "{SECRET}"}}"#)),
        "/v1/groups/-/memberships:searchTransitiveGroups" => {
            Answer::new(502, &format!("<html>{}</html>", seen.token)).with("Retry-After: 0")
        }
        "/v3/iam:troubleshoot" => Answer::json(&format!(r#"{{"overallAccessState": "{SECRET}"}}"#)),
        _ => company(seen),
    }
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let file = Kept::new(SECRET);
    let server = Server::new(indiscreet);
    let options = options(&server).with("access-token-file", file.path()).with("project", "acme");
    let collected = GcpReader.question(&question("me"), &options, &Quiet).await.unwrap();
    assert!(server.seen().iter().all(|seen| seen.token.contains(SECRET)));
    let verdict = decide(&collected);
    let opinion = GcpReader.verify(&collected.question, &verdict, &options).await.unwrap();
    let doctor = GcpReader.doctor(&options, &Quiet).await.unwrap();
    let kept = Everything::default();
    GcpReader.whole(None, &options, &kept, &Quiet).await.unwrap();
    let shown = format!("{}{collected:?}{verdict:?}{opinion:?}{doctor:?}{}", saved(&collected.snapshot), kept.0.lock().unwrap());
    assert!(!shown.contains("MARKED"), "{shown}");
    assert!(shown.contains("[removed]"));
    let bad = Server::new(|seen| Answer::new(401, &format!(r#"{{"error": {{"message": "no: {}"}}}}"#, seen.token)));
    let options = options.with("endpoint-url", bad.url());
    let error = GcpReader.question(&question(ANA), &options, &Quiet).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("MARKED"), "{error}");
    assert!(
        error.to_string().contains("(an access token): 401") && error.to_string().contains("gcloud auth print-access-token"),
        "{error}"
    );
}

/// All that is handed in, as text.
#[derive(Default)]
struct Everything(std::sync::Mutex<String>);

impl Sink for Everything {
    fn document(&self, document: iam_why_contract::Document) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{document:?}"));
        Ok(())
    }

    fn search(&self, search: iam_why_contract::Search) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{search:?}"));
        Ok(())
    }

    fn reached(&self, step: &str, point: iam_why_contract::collect::Point) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(&format!("{step} {point:?}"));
        Ok(())
    }

    fn resume(&self, _: &str) -> Option<iam_why_contract::collect::Point> {
        None
    }
}
