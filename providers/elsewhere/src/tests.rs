//! What users would miss if it broke.

use super::{DIALECT, FORMS, find};
use iam_why_contract::refusal::{Catalogue, Refusal};

fn only(text: &str) -> Refusal {
    let found = find(text);
    let [refusal] = found.as_slice() else { panic!("one refusal, not {found:?}") };
    refusal.clone()
}

fn told(text: &str) -> (String, String, &'static str) {
    let refusal = only(text);
    (refusal.provider, refusal.refused_by, refusal.reason.id())
}

fn three(provider: &str, layer: &str, reason: &'static str) -> (String, String, &'static str) {
    (provider.to_owned(), layer.to_owned(), reason)
}

#[test]
fn every_form_reads_its_own_example() {
    assert_eq!(Catalogue::new(&[&DIALECT]).misread(&DIALECT), Vec::<String>::new());
}

#[test]
fn every_form_has_a_name_of_its_own_and_says_something() {
    let mut names: Vec<&str> = FORMS.iter().map(|form| form.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    for form in FORMS.iter().filter(|form| form.decides()) {
        for refusal in find(form.example) {
            assert!(!refusal.says.is_empty() && !refusal.next.is_empty(), "{} says nothing: {refusal:?}", form.name);
        }
    }
}

#[test]
fn a_kubernetes_refusal_names_user_verb_and_place_in_old_and_new_words() {
    let new = only(
        "Error from server (Forbidden): pods \"web\" is forbidden: User \"system:serviceaccount:a:default\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"a\"",
    );
    assert_eq!(new.principal.as_deref(), Some("system:serviceaccount:a:default"));
    assert_eq!((new.action.as_deref(), new.resource.as_deref()), (Some("get pods/log"), Some("namespace a")));
    let old = only("User \"nadia\" cannot list nodes at the cluster scope.: Unknown user \"nadia\"");
    assert_eq!((old.action.as_deref(), old.resource.as_deref()), (Some("list nodes"), Some("cluster scope")));
    let path = only("forbidden: User \"system:anonymous\" cannot get path \"/metrics\"");
    assert_eq!((path.action.as_deref(), path.resource.as_deref()), (Some("get /metrics"), Some("/metrics")));
}

#[test]
fn an_envoy_rule_in_shadow_mode_blocks_nothing() {
    assert_eq!(told("[rbac] shadow denied, matched policy none"), three("envoy", "rbac", "not_authorization"));
    assert_eq!(told("[rbac] enforced denied, matched policy ns[a]-policy[b]-rule[0]"), three("istio", "rbac", "explicit_deny"));
    assert_eq!(told("rbac_access_denied_matched_policy[none]"), three("istio", "rbac", "missing_grant"));
}

#[test]
fn a_preflight_that_failed_names_both_ends() {
    let refusal = only(
        "Access to fetch at 'https://api.example.com/v1' from origin 'https://shop.example.com' has been blocked by CORS policy: Response to preflight request doesn't pass access control check: It does not have HTTP ok status.",
    );
    assert_eq!(refusal.principal.as_deref(), Some("http-origin:https://shop.example.com"));
    assert_eq!((refusal.action.as_deref(), refusal.resource.as_deref()), (Some("OPTIONS"), Some("https://api.example.com/v1")));
}

#[test]
fn a_page_behind_a_firewall_is_the_firewalls_and_not_the_applications() {
    let page = "HTTP/2 403\nserver: cloudflare\ncf-ray: 8f1a\n\n<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>";
    assert_eq!(told(page), three("cloudflare", "waf", "not_authorization"));
    assert!(only(page).next.iter().any(|step| step.contains("8f1a")));
}

#[test]
fn what_a_token_has_and_needs_is_said() {
    let refusal = only(
        "HTTP/2 403\nx-oauth-scopes: repo\nx-accepted-oauth-scopes: admin:org\n\n{\"message\":\"Must have admin rights to Repository.\"}",
    );
    assert!(refusal.next.iter().any(|step| step.contains("`admin:org`")), "{:?}", refusal.next);
    assert!(refusal.next.iter().any(|step| step.contains("`repo`")), "{:?}", refusal.next);
}
