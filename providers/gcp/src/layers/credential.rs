//! What the credential itself leaves out: a downscoped token, OAuth scopes, an account that is disabled.
//!
//! docs.cloud.google.com/iam/docs/downscoping-short-lived-credentials (N40, N41); error_reason.proto (N6, P24).

use super::{ACCOUNT_STATE, Answer, CREDENTIAL_ACCESS_BOUNDARY, OAUTH_SCOPE, ruling_of_guard, whole};
use crate::documents;
use crate::facts::Facts;
use crate::findings;
use crate::language::attributes::Dialect;
use crate::language::evaluate::Evaluation;
use crate::language::principals::Principal;
use crate::world::{RoleSays, World, condition_of, doubt, elements, json, member, text, texts};
use iam_why_contract::trace::Off;
use iam_why_contract::{Evidence, Lookup, Outcome, Place, Recorder, Ruling, Truth};
use serde_json::Value;

/// N40: access is that of the parent, cut down to the union of the rules. No rule reaches beyond Cloud Storage.
pub(crate) fn boundary<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(CREDENTIAL_ACCESS_BOUNDARY);
    let principal = world.request.principal.v1();
    let Some(document) = world.snapshot.of(documents::CREDENTIAL_BOUNDARY, &principal).next() else {
        let outcome = world.snapshot.noted(documents::CREDENTIAL_BOUNDARY, &principal);
        let unread = matches!(outcome, Some(Outcome::Refused { .. } | Outcome::NotTried { .. }));
        let open = || facts.truth("credential access boundary", || doubt(documents::CREDENTIAL_BOUNDARY, &principal, outcome));
        return if unread { answer.holding(open()) } else { answer };
    };
    let value = json(document).unwrap_or_default();
    let (rules, place) = rules(&value, whole(&document.id));
    let covered = if world.request.permission.service() == "storage" {
        Truth::any(rules.iter().enumerate().map(|(at, rule)| covers(world, rule, &place.element(at), facts)))
    } else {
        Truth::No
    };
    let answer = answer.holding(!covered);
    if !R::KEEPS {
        return answer;
    }
    let answer = answer.noting(ruling_of_guard(!covered), "the token is downscoped", vec![document.id.to_string()]);
    if !covered.is_no() {
        return answer;
    }
    let resource = world.shown(&world.request.resource);
    let says =
        format!("the token is downscoped, and no rule of its access boundary covers {} on {resource}", world.request.permission.v1());
    answer.finding(&findings::CREDENTIAL_BOUNDARY, says, Evidence::Place(place), "whoever issues the downscoped token")
}

fn rules(value: &Value, place: Place) -> (Vec<Value>, Place) {
    let inner = member(value, "accessBoundary");
    let place = if inner.is_some() { place.member("accessBoundary") } else { place };
    let inner = inner.unwrap_or(value);
    let list = elements(inner, &["accessBoundaryRules"]).cloned().unwrap_or_default();
    let place = if inner.is_array() { place } else { place.member("accessBoundaryRules") };
    (list, place)
}

fn covers(world: &World<'_>, rule: &Value, place: &Place, facts: &Facts) -> Truth {
    let bucket = world.request.resource.bucket();
    let named = text(rule, "availableResource").unwrap_or_default();
    if bucket.is_none_or(|bucket| !bucket.spellings().contains(&named)) {
        return Truth::No;
    }
    let permitted =
        Truth::any(texts(rule, "availablePermissions").unwrap_or_default().iter().map(|entry| role_permits(world, entry, facts)));
    let condition = member(rule, "availabilityCondition").filter(|value| !value.is_null());
    let Some(condition) = condition.filter(|_| !permitted.is_no()) else { return permitted };
    let place = place.member("availabilityCondition");
    let Some(condition) = condition_of(condition, &place) else { return Truth::No };
    let holds = match &condition.expression {
        Ok(expression) => {
            let evaluation =
                Evaluation { expression, attributes: world.attributes(), dialect: Dialect::Downscoped, facts, place: &condition.place };
            evaluation.run(&mut Off).grants()
        }
        Err(error) => world.illegible_condition(&condition, error, Truth::No, facts),
    };
    permitted.and(holds)
}

/// `inRole:roles/storage.objectViewer`
fn role_permits(world: &World<'_>, entry: &str, facts: &Facts) -> Truth {
    let Some(name) = entry.strip_prefix("inRole:") else { return Truth::No };
    match &world.role(name).says {
        RoleSays::Includes(_) => Truth::Yes,
        RoleSays::Unread(doubt) => facts.truth(&format!("role {name}"), || doubt.clone()),
        _ => Truth::No,
    }
}

/// N6: effective access is what both the scopes and IAM allow.
pub(crate) fn scope<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(OAUTH_SCOPE);
    let Lookup::Known(scopes) = world.request.context.get("token.scopes") else {
        return answer.holding(world.said_open(facts, "token.scopes", "whether the OAuth scopes of the token admit the request"));
    };
    let admits = Truth::any(scopes.iter().map(|scope| admits(world, scope)));
    let admits = if admits.is_unknown() {
        world.ask(
            facts,
            "scopes",
            format!("whether the scopes {} admit {}", scopes.join(" "), world.request.permission.v1()),
            "the page of the API method: its authorization scopes",
        )
    } else {
        admits
    };
    let answer = answer.holding(!admits);
    if !R::KEEPS {
        return answer;
    }
    let answer = answer.noting(ruling_of_guard(!admits), format!("the token has the scopes {}", scopes.join(" ")), Vec::new());
    if !admits.is_no() {
        return answer;
    }
    let says = format!("the token's OAuth scopes ({}) do not admit {}", scopes.join(" "), world.request.permission.v1());
    let evidence = Evidence::Silence { what: "the scopes of the token".into(), documents: Vec::new() };
    answer.finding(&findings::SCOPE_INSUFFICIENT, says, evidence, "whoever obtains the token: ask for cloud-platform and let IAM decide")
}

/// What a scope admits, as far as its name says: the whole platform, a service, or a service for reading.
///
/// developers.google.com/identity/protocols/oauth2/scopes lists the scopes, the page of each API method those that it accepts.
fn admits(world: &World<'_>, scope: &str) -> Truth {
    let name = scope.trim_start_matches("https://www.googleapis.com/auth/");
    let permission = &world.request.permission;
    let (service, access) = match name {
        "cloud-platform" => return Truth::Yes,
        "cloud-platform.read-only" => return if writes(permission.verb()) { Truth::No } else { Truth::Unknown },
        "devstorage.full_control" => ("storage", Access::All),
        "devstorage.read_write" => ("storage", Access::Write),
        "devstorage.read_only" => ("storage", Access::Read),
        "sqlservice.admin" => ("cloudsql", Access::All),
        "cloudplatformprojects" => ("resourcemanager", Access::All),
        "cloudplatformprojects.readonly" => ("resourcemanager", Access::Read),
        "trace.append" | "trace.readonly" => ("cloudtrace", Access::Other),
        _ => match name.split_once('.') {
            Some((service, "readonly" | "read")) => (service, Access::Read),
            Some((service, _)) => (service, Access::Other),
            None => (name, Access::All),
        },
    };
    if service != permission.service() {
        // Some services accept a neighbour's scope: jobs of BigQuery those of Cloud Storage.
        let neighbour = permission.v1() == "bigquery.jobs.create" && service == "storage";
        return if known_scope(service) && !neighbour { Truth::No } else { Truth::Unknown };
    }
    access.admits(service, permission.verb())
}

enum Access {
    All,
    Write,
    Read,
    Other,
}

impl Access {
    fn admits(&self, service: &str, verb: &str) -> Truth {
        let of_policies = matches!(verb, "getIamPolicy" | "setIamPolicy");
        match self {
            Self::All => Truth::Yes,
            // Policies and access control lists of Cloud Storage take full control.
            Self::Write | Self::Read if of_policies && service == "storage" => Truth::No,
            Self::Write => Truth::Yes,
            Self::Read if reads(verb) => Truth::Yes,
            Self::Read if writes(verb) => Truth::No,
            Self::Read | Self::Other => Truth::Unknown,
        }
    }
}

fn reads(verb: &str) -> bool {
    verb != "getIamPolicy" && ["get", "list", "search", "read"].iter().any(|start| verb.starts_with(start))
}

fn writes(verb: &str) -> bool {
    const CHANGES: &[&str] = &[
        "create", "insert", "update", "patch", "delete", "undelete", "set", "add", "remove", "publish", "start", "stop", "write",
        "override",
    ];
    CHANGES.iter().any(|start| verb.starts_with(start))
}

/// Services whose own scopes open nothing else.
fn known_scope(service: &str) -> bool {
    matches!(
        service,
        "storage"
            | "bigquery"
            | "pubsub"
            | "compute"
            | "logging"
            | "monitoring"
            | "service"
            | "servicecontrol"
            | "cloudsql"
            | "cloudtrace"
            | "resourcemanager"
            | "spanner"
            | "datastore"
            | "userinfo"
            | "email"
            | "openid"
            | "profile"
    )
}

/// P24: a disabled account cannot sign in, which is no denial by IAM.
pub(crate) fn account<R: Recorder>(world: &World<'_>, facts: &Facts) -> Answer {
    let answer = Answer::silent(ACCOUNT_STATE);
    let Principal::ServiceAccount(email) = &world.request.principal else { return answer };
    if let Some(doubt) = world.hidden(documents::SERVICE_ACCOUNT, std::slice::from_ref(email), "disabled") {
        return answer.holding(facts.truth("account disabled", || doubt));
    }
    let Some(document) = world.snapshot.of(documents::SERVICE_ACCOUNT, email).next() else { return answer };
    let disabled = json(document).is_some_and(|value| value.get("disabled").and_then(Value::as_bool) == Some(true));
    let answer = answer.holding(if disabled { Truth::Yes } else { Truth::No });
    if !R::KEEPS || !disabled {
        return answer;
    }
    let says = format!("the service account {email} is disabled: it cannot authenticate");
    let answer = answer.noting(Ruling::Deny, "disabled", vec![document.id.to_string()]);
    answer.finding(
        &findings::ACCOUNT_DISABLED,
        says,
        Evidence::Place(whole(&document.id).member("disabled")),
        "the administrators of the service account",
    )
}
