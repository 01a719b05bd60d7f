//! From the error to Azure: whose credentials these are, and the assignment that did it or that is missing.

use super::azure::program_at;
use super::fake::{Seen, Server, Treatment, error, refused};
use super::program::{json, said};
use super::tenant::{APP_ID, APP_OBJECT, GROUP, PERSON, SUBSCRIPTION, machine};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json as value};
use std::process::Output;

/// What Resource Manager says of a role that is missing.
fn missing(object: &str) -> String {
    format!(
        "(AuthorizationFailed) The client 'nadia@example.com' with object id '{object}' does not have authorization to perform action \
         'Microsoft.Compute/virtualMachines/read' over scope '{}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        machine()
    )
}

/// What it says of a deny assignment.
fn denied(object: &str) -> String {
    format!(
        "(DenyAssignmentAuthorizationFailed) The client 'nadia@example.com' with object id '{object}' has permission to perform action \
         'Microsoft.Compute/virtualMachines/read' on scope '{}'; however, the access is denied because of the deny assignment with name 'guard' \
         and Id 'd1' at scope '/subscriptions/{SUBSCRIPTION}'.",
        machine()
    )
}

fn explained(server: &Server, text: &str, more: &[&str]) -> Output {
    explained_at(&server.url(), server, text, more)
}

fn explained_at(url: &str, server: &Server, text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("error.txt");
    std::fs::write(&log, text).unwrap();
    program_at(url, server, &[&["explain", log.to_str().unwrap(), "--live"], more].concat())
}

fn explain(server: &Server, text: &str) -> (Option<i32>, Value) {
    let output = explained(server, text, &["--format", "json"]);
    (output.status.code(), json(&output)["refusals"][0].clone())
}

fn next(refusal: &Value) -> Vec<&str> {
    refusal["next"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// The tenant, and a token with these claims.
fn held_by(claims: &Value) -> Server {
    let token = format!("marked.{}.signature", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    let body = value!({"access_token": token, "expires_on": "4102444800", "token_type": "Bearer", "resource": "x"}).to_string();
    Server::new(move |seen| if seen.path == "/token" { Treatment::Answer(200, body.clone()) } else { Treatment::Pass })
}

/// A deny assignment on the subscription, of `action` for everybody.
fn guard(seen: &Seen, action: &str) -> Treatment {
    let own = format!("/subscriptions/{SUBSCRIPTION}");
    if seen.path != format!("{own}/providers/Microsoft.Authorization/denyAssignments") {
        return Treatment::Pass;
    }
    let deny = value!({"id": format!("{own}/providers/Microsoft.Authorization/denyAssignments/d1"), "name": "d1", "properties": {
        "denyAssignmentName": "guard", "scope": own, "doNotApplyToChildScopes": false, "isSystemProtected": false,
        "permissions": [{"actions": [action], "notActions": [], "dataActions": [], "notDataActions": []}],
        "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}], "excludePrincipals": []}});
    Treatment::Answer(200, value!({"value": [deny]}).to_string())
}

#[test]
fn a_pasted_refusal_is_led_back_to_the_deny_assignment_that_did_it() {
    let server = Server::new(|seen| guard(seen, "Microsoft.Compute/*"));
    let (code, refusal) = explain(&server, &denied(APP_OBJECT));
    assert_eq!(code, Some(10), "{refusal:#}");
    assert_eq!((&refusal["question"]["principal"], &refusal["question"]["resource"]), (&APP_OBJECT.into(), &machine().into()));
    let verdict = &refusal["verdict"];
    assert_eq!((&verdict["decision"], &verdict["kind"]), (&"deny".into(), &"explicit_deny".into()), "{verdict:#}");
    let evidence = verdict["findings"][0]["evidence"].to_string();
    assert!(evidence.contains("deny assignment guard (d1)") && evidence.contains("/properties/permissions/0"), "{evidence}");
    assert_eq!(refusal["contradiction"], Value::Null);
    let shown = said(&explained(&server, &denied(APP_OBJECT), &["--color", "never"]));
    assert!(shown.contains("guard") && shown.contains("Microsoft.Compute/*"), "{shown}");
}

#[test]
fn a_deny_assignment_that_is_blamed_and_not_there_is_a_contradiction() {
    let server = Server::new(|seen| guard(seen, "Microsoft.Storage/*"));
    let (code, refusal) = explain(&server, &denied(APP_OBJECT));
    assert_eq!(code, Some(10), "the text stands: {refusal:#}");
    assert_eq!(refusal["verdict"]["decision"], "allow");
    let contradiction = refusal["contradiction"].as_str().unwrap_or_default();
    assert!(
        contradiction.starts_with("the message contradicts the policies: it says that a deny of the layer \"deny assignments\""),
        "{contradiction}"
    );
    // Refused all the same, for want of a role: that is another reason than the one that is blamed.
    let (_, refusal) = explain(&server, &denied(PERSON));
    assert_eq!((&refusal["verdict"]["decision"], &refusal["verdict"]["kind"]), (&"deny".into(), &"missing_grant".into()));
    let contradiction = refusal["contradiction"].as_str().unwrap_or_default();
    assert!(contradiction.ends_with("none of those read denies it; the request is refused for another reason"), "{contradiction}");
}

#[test]
fn a_role_that_is_missing_is_told_and_nothing_contradicts_it() {
    let (code, refusal) = explain(&Server::new(|_| Treatment::Pass), &missing(PERSON));
    assert_eq!(code, Some(11), "{refusal:#}");
    assert_eq!((&refusal["verdict"]["decision"], &refusal["verdict"]["kind"]), (&"deny".into(), &"missing_grant".into()));
    assert_eq!((&refusal["contradiction"], &refusal["freshness"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_refused_identity_is_compared_with_the_one_at_hand() {
    let application = held_by(&value!({"oid": APP_OBJECT, "idtyp": "app", "appid": APP_ID}));
    let person = held_by(&value!({"oid": PERSON, "upn": "nadia@example.com"}));
    for (server, held, refused, same) in [
        (&application, APP_OBJECT, APP_OBJECT, true),
        (&application, APP_OBJECT, PERSON, false),
        (&person, PERSON, PERSON, true),
        (&person, PERSON, GROUP, false),
    ] {
        let (_, refusal) = explain(server, &missing(refused));
        assert_eq!(refusal["identity"], value!({"refused": refused, "held": held, "same": same}), "{held} {refused}");
        let steps = next(&refusal);
        assert!(!steps.iter().any(|step| step.contains("az account show")), "{steps:#?}");
        assert!(steps.iter().any(|step| step.starts_with(&format!("refused: `{refused}`; you hold: `{held}`"))), "{steps:#?}");
    }
    // The token of the tenant says nothing of whose it is.
    let (_, refusal) = explain(&Server::new(|_| Treatment::Pass), &missing(PERSON));
    assert_eq!(refusal["identity"], value!({"refused": PERSON, "held": null, "same": null}));
    let redacted = String::from_utf8(explained(&person, &missing(PERSON), &["--redact", "--format", "json"]).stdout).unwrap();
    assert!(![PERSON, SUBSCRIPTION, "nadia"].iter().any(|name| redacted.contains(name)), "{redacted}");
}

#[test]
fn a_role_that_was_assigned_lately_is_said_to_be_and_what_microsoft_documents() {
    let lately = |changed: &'static str| {
        Server::new(move |seen| {
            let assignments = seen.path == format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments");
            if !assignments {
                return Treatment::Pass;
            }
            let (_, _, told) = super::tenant::answer(seen);
            let mut told: Value = serde_json::from_str(&told).unwrap();
            told["value"].as_array_mut().unwrap().iter_mut().for_each(|one| one["properties"]["updatedOn"] = changed.into());
            Treatment::Answer(200, told.to_string())
        })
    };
    let (code, refusal) = explain(&lately("2026-01-02T03:04:05.678Z"), &missing(APP_OBJECT));
    assert_eq!(code, Some(11), "{refusal:#}");
    assert_eq!(refusal["verdict"]["decision"], "allow");
    assert!(refusal["contradiction"].as_str().unwrap().contains("they have changed since"), "{refusal:#}");
    let freshness = refusal["freshness"].as_str().unwrap_or_default();
    assert!(freshness.starts_with("the newest grant that lets it through, `"), "{freshness}");
    assert!(freshness.contains("was changed at 2026-01-02T03:04:05Z, ") && freshness.contains(" before it was read"), "{freshness}");
    assert!(!freshness.contains("Microsoft documents"), "it is long in force: {freshness}");
    assert_eq!(next(&refusal).last(), Some(&freshness), "the rarest cause comes last");
    // A clock that is ahead of this one by years: no age is made up.
    let (_, refusal) = explain(&lately("2999-01-02T03:04:05Z"), &missing(APP_OBJECT));
    let freshness = refusal["freshness"].as_str().unwrap_or_default();
    assert!(freshness.ends_with("was changed at 2999-01-02T03:04:05Z"), "{freshness}");
}

#[test]
fn what_may_not_be_read_leaves_it_open_and_the_text_stands() {
    let locked = Server::new(|seen| if seen.path.ends_with("/denyAssignments") { refused() } else { Treatment::Pass });
    let (code, refusal) = explain(&locked, &missing(APP_OBJECT));
    assert_eq!(code, Some(11), "the text says that a role is missing: {refusal:#}");
    assert_eq!(refusal["verdict"]["decision"], "undetermined");
    assert!(
        refusal["verdict"]["doubts"].to_string().contains("Microsoft.Authorization/denyAssignments/read"),
        "{:#}",
        refusal["verdict"]["doubts"]
    );
    assert_eq!(refusal["contradiction"], Value::Null, "what is open contradicts nothing");
    // A line that names the request and no reason.
    let line = format!("https://management.azure.com:443 \"GET {}?api-version=2024-11-01 HTTP/1.1\" 403 439", machine());
    let (code, refusal) = explain(&locked, &line);
    assert_eq!((code, &refusal["verdict"]), (Some(12), &Value::Null), "it does not say who asked: {refusal:#}");
}

#[test]
fn where_nothing_can_be_read_the_text_is_explained_all_the_same() {
    let foreign = Server::new(|seen| match seen.path.as_str() {
        "/token" => Treatment::Pass,
        _ => Treatment::Answer(401, error("InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer")),
    });
    let none = Server::new(|_| Treatment::Answer(400, "{}".into()));
    for (server, why) in [(&foreign, "does not accept the credentials"), (&none, "no credentials for Azure")] {
        let output = explained(server, &missing(PERSON), &["--format", "json"]);
        assert_eq!(output.status.code(), Some(11), "{}", said(&output));
        let refusal = json(&output)["refusals"][0].clone();
        assert_eq!((&refusal["verdict"], &refusal["action"]), (&Value::Null, &"Microsoft.Compute/virtualMachines/read".into()));
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{why} in {}", said(&output));
    }
    // The network is gone while the token is still good.
    let server = Server::new(|_| Treatment::Pass);
    let output = explained_at("http://127.0.0.1:1", &server, &missing(PERSON), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(11), "{}", said(&output));
    assert_eq!(json(&output)["refusals"][0]["verdict"], Value::Null);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing could be read from Azure"), "{}", said(&output));
}
