//! What the program keeps of Google Cloud between runs.

use super::bare;
use super::server::{Answer, Seen, Server};
use crate::live::program::{run, said};
use std::path::Path;
use std::process::Output;

const GUARD: &str = r#""name": "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F77/denypolicies/guard", "uid": "u-1",
    "kind": "DenyPolicy", "updateTime": "2026-01-01T00:00:00.1Z""#;

/// A project of an organization with a deny policy; nothing is granted to anybody.
fn cloud(seen: &Seen) -> Answer {
    match seen.path.as_str() {
        "/v3/projects/acme" => Answer::json(r#"{"name": "projects/300", "projectId": "acme", "parent": "organizations/77"}"#),
        "/v1/projects/acme:getAncestry" => Answer::json(
            r#"{"ancestor": [{"resourceId": {"type": "project", "id": "acme"}}, {"resourceId": {"type": "organization", "id": "77"}}]}"#,
        ),
        "/v3/organizations/77" => {
            Answer::json(r#"{"name": "organizations/77", "displayName": "example.com", "directoryCustomerId": "C077"}"#)
        }
        path if path.ends_with(":getIamPolicy") => Answer::json(r#"{"etag": "X"}"#),
        path if path.ends_with("organizations%2F77/denypolicies") => Answer::json(&format!(r#"{{"policies": [{{{GUARD}}}]}}"#)),
        path if path.ends_with("/denypolicies/guard") => Answer::json(&format!(
            r#"{{{GUARD}, "rules": [{{"denyRule": {{"deniedPrincipals": ["principal://goog/subject/ana@example.com"],
                "deniedPermissions": ["cloudresourcemanager.googleapis.com/projects.delete"]}}}}]}}"#
        )),
        _ => Answer::json("{}"),
    }
}

/// Asks, as somebody whose home and caches are at these places.
fn ask(server: &Server, home: &Path, caches: &Path, more: &[&str]) -> Output {
    let asked = ["user:ana@example.com", "resourcemanager.projects.delete", "projects/acme", "--endpoint-url", server.url()];
    let mut command = bare(&[&asked, more].concat());
    command.env("HOME", home).env("XDG_CACHE_HOME", caches);
    run(command)
}

/// What was answered, but for when it was read.
fn answered(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| !line.contains(" documents, taken ")).collect::<Vec<_>>().join("\n")
}

/// How often the policy itself was asked for.
fn gets(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path.ends_with("/denypolicies/guard")).count()
}

#[test]
fn a_deny_policy_is_read_once_and_again_with_no_cache_or_where_none_can_be_kept() {
    let home = tempfile::tempdir().unwrap();
    let caches = home.path().join("caches");
    let server = Server::new(cloud);
    let first = ask(&server, home.path(), &caches, &[]);
    assert_eq!(first.status.code(), Some(10), "{}", said(&first));
    let second = ask(&server, home.path(), &caches, &[]);
    assert!(said(&second).contains("1 deny policy is unchanged since it was read at"), "{}", said(&second));
    assert_eq!((gets(&server), answered(&second)), (1, answered(&first)));
    let anew = ask(&server, home.path(), &caches, &["--no-cache"]);
    assert!(!said(&anew).contains("unchanged"), "{}", said(&anew));
    assert_eq!((gets(&server), answered(&anew)), (2, answered(&first)));
    let nowhere = home.path().join("a file");
    std::fs::write(&nowhere, "").unwrap();
    let homeless = ask(&server, &nowhere, &nowhere.join("caches"), &[]);
    assert_eq!((gets(&server), answered(&homeless), homeless.status.code()), (3, answered(&first), Some(10)));
}
