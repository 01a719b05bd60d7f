//! From what was found to the refusal it is: the rules that no single wording holds.

use super::host;
use iam_why_contract::refusal::{Mark, Reason, Refusal, Sighting, scrub};

/// The refusal that a sighting is.
pub(crate) fn read(sighting: &Sighting<'_>) -> Option<Refusal> {
    if mere_word(sighting) {
        return None;
    }
    let mut refusal = sighting.draft()?;
    kubernetes(sighting, &mut refusal);
    mesh(sighting, &mut refusal);
    web(sighting, &mut refusal);
    forge(sighting, &mut refusal);
    argo(sighting, &mut refusal);
    registry(sighting, &mut refusal);
    host::whose(sighting, &mut refusal);
    facts(sighting, &mut refusal);
    Some(refusal)
}

/// "forbidden" in small letters within a sentence is a word like any other; a server writes "Forbidden", or the word alone.
fn mere_word(sighting: &Sighting<'_>) -> bool {
    let Some(mark) = sighting.verdict().filter(|mark| mark.form.name == "forbidden") else { return false };
    let clean = sighting.view.clean();
    let small = clean.get(mark.start..).is_some_and(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
    let before = clean.get(..mark.start).unwrap_or("");
    // `403-forbidden`, `forbidden-reader` and `configmap/forbidden` are names.
    let after = clean.get(mark.end..).unwrap_or("");
    let joined = |edge: Option<char>| edge.is_some_and(|edge| matches!(edge, '-' | '/' | '_'));
    let name = joined(before.chars().next_back()) || joined(after.chars().next());
    small && (name || before.strip_suffix(' ').is_some_and(|before| before.ends_with(char::is_alphanumeric)))
}

/// `list pods` in `namespace orders`: a verb, a kind, and where.
fn kubernetes(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.provider != "kubernetes" {
        return;
    }
    if let Some(mark) = sighting.verdict().filter(|mark| mark.form.name == "kube-forbidden") {
        let before = sighting.view.clean().get(..mark.start).unwrap_or("").trim_end();
        if !before.ends_with('"') {
            "generic".clone_into(&mut refusal.provider);
            "generic".clone_into(&mut refusal.refused_by);
            return;
        }
    }
    let verdict = |name: &str| sighting.verdict().and_then(|mark| mark.field(name)).or_else(|| sighting.field(name));
    let part = verdict("subresource").and_then(|part| Some(format!("{}/{part}", verdict("kind")?)));
    let kind = part.as_deref().or_else(|| verdict("kind")).or_else(|| verdict("path"));
    let told = sighting.verdict().is_some_and(|mark| mark.field("verb").is_some());
    if let Some((verb, kind)) = verdict("verb").zip(kind).filter(|_| told || refusal.action.is_none()) {
        // A managed cluster adds what its cloud's IAM would take: `requires one of ["container.nodes.list"]`.
        let permission = refusal.action.replace(scrub(&format!("{verb} {kind}"))).filter(|action| !action.contains(' '));
        refusal.context.extend(permission.map(|permission| ("permission".to_owned(), permission)));
    }
    if let Some(call) = verdict("call").filter(|call| refusal.action.is_none() && call.contains(' ')) {
        refusal.action = Some(scrub(call));
    }
    if refusal.resource.is_none() && refusal.refused_by == "rbac" {
        let place = verdict("namespace").map(|namespace| format!("namespace {namespace}"));
        let cluster = || sighting.near(0, "attheclusterscope").then(|| "cluster scope".to_owned());
        let path = || verdict("path").map(str::to_owned);
        refusal.resource = place.or_else(cluster).or_else(path).map(|place| scrub(&place));
    }
    if refusal.resource.is_none() && (refusal.refused_by == "admission" || sighting.verdict().is_some_and(grants_more)) {
        refusal.resource = sighting.field("object").map(scrub);
    }
    // The controller's event names no verb: what it could not do is to create a pod.
    if refusal.refused_by == "admission"
        && refusal.action.is_none()
        && (sighting.has("kube-creating") || sighting.near(400, "errorcreating:") || sighting.near(200, "createpod"))
    {
        refusal.action = Some("create pods".to_owned());
        refusal.derived.push("action");
    }
}

/// Nobody may grant in a role what he does not hold.
fn grants_more(mark: &Mark<'_>) -> bool {
    mark.form.name.starts_with("kube-rbac-extra") || mark.form.name.starts_with("kube-rbac-escalation")
}

/// Istio's sidecar is an Envoy and logs as one; the name of a policy says whose it is.
fn mesh(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let named = refusal.policy.as_deref().is_some_and(|policy| policy.starts_with("ns["));
    if refusal.provider == "envoy" && refusal.refused_by == "rbac" && (named || sighting.near(1000, "istio")) {
        "istio".clone_into(&mut refusal.provider);
    }
    if refusal.provider == "istio" && refusal.refused_by != "rbac" && sighting.near(1000, "envoy.") && !sighting.near(1000, "istio") {
        "envoy".clone_into(&mut refusal.provider);
    }
}

/// Browsers name the page that asked; servers log the request in one piece.
fn web(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.refused_by == "cors" {
        refusal.principal = sighting.field("origin").map(|origin| format!("http-origin:{}", scrub(origin)));
        if sighting.near(0, "preflight") {
            refusal.action = Some("OPTIONS".to_owned());
            refusal.derived.push("action");
        }
        let address = refusal.resource.take().map(|resource| resource.trim_end_matches('.').to_owned());
        refusal.resource = address.filter(|address| !address.ends_with("://"));
    }
    let address = match refusal.provider.as_str() {
        "gitlab" => sighting.field("gitlab_url"),
        "modsecurity" => sighting.field("waf_path"),
        _ => None,
    };
    let package = sighting.field("npm_url").filter(|_| refusal.provider == "npm").map(|rest| format!("https://{rest}"));
    let page = sighting.field("jetty_path").filter(|_| refusal.provider == "generic").map(str::to_owned);
    let address = address.map(str::to_owned).or(package).or(page);
    refusal.resource = refusal.resource.take().or_else(|| address.map(|address| scrub(&address)));
    let request = sighting.verdict().and_then(|mark| mark.field("request")).or_else(|| match refusal.provider.as_str() {
        "vault" => sighting.field("request"),
        _ => None,
    });
    if let Some((method, path)) = request.and_then(|request| request.split_once(' ')) {
        let path = path.split(' ').next().unwrap_or(path);
        refusal.action = Some(method.to_owned());
        refusal.resource = Some(scrub(path));
    }
    if refusal.refused_by == "egress_proxy" && refusal.resource.is_none() {
        // The command stands before what the proxy answered to it.
        let start = sighting.verdict().map_or(0, |mark| mark.start);
        let mut commands = sighting.marks.iter().filter(|mark| mark.form.name == "proxy-curl" && mark.start < start);
        let command = commands.next_back().and_then(|mark| mark.field("proxied")).map(|host| scrub(&format!("https://{host}")));
        refusal.resource = command.or_else(|| sighting.field("tunnel").map(scrub));
    }
    // A challenge of Google's is read by its scopes.
    if refusal.provider == "generic" && refusal.refused_by == "token_scope" && sighting.near(300, "googleapis.com/auth") {
        "gcp".clone_into(&mut refusal.provider);
        "oauth_scope".clone_into(&mut refusal.refused_by);
    }
    if refusal.provider == "generic" && refusal.refused_by == "rate_limit" && sighting.near(1500, "github") {
        "github".clone_into(&mut refusal.provider);
    }
}

/// Who pushes to a forge, and what the token lacks.
fn forge(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.provider == "generic" && refusal.refused_by == "token_scope" && sighting.near(1500, "gitlab") {
        "gitlab".clone_into(&mut refusal.provider);
        "gitlab".clone_into(&mut refusal.refused_by);
    }
    // The sentence that GitLab answers is the one of RFC 6750: in a challenge it is anybody's.
    if refusal.provider == "gitlab" && sighting.has("bearer-scope") && !sighting.near(1500, "gitlab") {
        "generic".clone_into(&mut refusal.provider);
        "token_scope".clone_into(&mut refusal.refused_by);
    }
    if refusal.provider != "github" {
        return;
    }
    if let Some(path) =
        sighting.field("github_path").filter(|path| *path != "graphql" && refusal.resource.is_none() && refusal.refused_by != "rate_limit")
    {
        refusal.resource = Some(scrub(&format!("https://api.github.com/{path}")));
    }
    if let Some(login) = sighting.field("login") {
        let login = login.split(' ').next().unwrap_or(login).trim_end_matches(['.', ',', '\\']);
        refusal.principal = (login != "deploy" && !login.is_empty()).then(|| scrub(login));
        refusal.resource = sighting.field("repository").map(|name| scrub(&format!("{}.git", name.trim_end_matches(".git"))));
    }
    if let Some(image) = sighting.field("image").or_else(|| sighting.field("pushed")).filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(image));
    }
    let git = sighting.field("login").is_some() || sighting.field("git_repository").is_some() || sighting.has("github-write");
    if git && refusal.action.is_none() {
        let pushes = sighting.field("login").is_some() || sighting.has("github-write");
        refusal.action = pushes.then(|| "git push".to_owned());
        refusal.derived.extend(pushes.then_some("action"));
    }
    if let Some(name) = sighting.field("git_repository").filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(name.trim_end_matches('/')));
    }
}

/// Argo CD names the kind, the verb and the object: `applications, sync, default/app`.
fn argo(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    let mut parts = sighting.field("argo").into_iter().flat_map(|parts| parts.splitn(3, ", "));
    if let (Some(kind), Some(verb), Some(object)) = (parts.next(), parts.next(), parts.next()) {
        refusal.action = Some(scrub(&format!("{verb} {kind}")));
        refusal.resource = Some(scrub(object));
        refusal.derived.extend(["action", "resource"]);
    }
}

/// `repository:NAME:ACTIONS` is the scope that a registry asks a token for.
fn registry(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    if refusal.provider != "docker_registry" {
        return;
    }
    if let Some(scope) = sighting.field("repository").filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(&format!("repository:{scope}")));
        if let Some((_, actions)) = scope.rsplit_once(':').filter(|_| refusal.action.is_none()) {
            refusal.action = Some(scrub(actions));
        }
    }
    // A token endpoint answers 401 to a login that is missing or wrong, 403 to one that may not.
    let asked_for_token = sighting.form().is_some_and(|form| matches!(form.name, "registry-oauth" | "registry-anonymous"));
    if asked_for_token && sighting.near(400, "401unauthorized") {
        refusal.reason = Reason::NotAuthorization;
        refusal.status = Some(401);
    }
    if let Some(image) = sighting.field("image").filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(image));
        refusal.action.get_or_insert_with(|| "pull".to_owned());
    }
    if sighting.has("registry-pull") && refusal.action.is_none() {
        refusal.action = Some("pull".to_owned());
        refusal.derived.push("action");
    }
    if let Some(image) = sighting.field("pushed").filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(image));
        refusal.derived.extend(refusal.action.is_none().then_some("action"));
        refusal.action.get_or_insert_with(|| "push".to_owned());
    }
    if let Some(name) = sighting.field("manifest_of").filter(|_| refusal.resource.is_none()) {
        refusal.resource = Some(scrub(name));
        refusal.derived.push("resource");
    }
    if let Some(scope) = sighting.field("escaped_scope").filter(|_| refusal.resource.is_none()) {
        let scope = scope.split('&').next().unwrap_or(scope).replace("%3A", ":").replace("%2F", "/");
        let actions = scope.rsplit_once(':').map(|(_, actions)| scrub(actions));
        refusal.derived.push("resource");
        refusal.derived.extend((refusal.action.is_none() && actions.is_some()).then_some("action"));
        refusal.action = refusal.action.take().or(actions);
        refusal.resource = Some(scrub(&format!("repository:{scope}")));
    }
}

/// What else the text holds that the next step needs.
fn facts(sighting: &Sighting<'_>, refusal: &mut Refusal) {
    for (field, key) in [
        ("need", "need"),
        ("have", "have"),
        ("ray", "rayId"),
        ("reference", "reference"),
        ("waf_rule", "rule"),
        ("retry", "retryAfter"),
        ("why", "why"),
        ("origin", "origin"),
        ("denied", "deniedReason"),
        ("proxy_error", "proxyError"),
        ("binding", "binding"),
        ("address", "address"),
    ] {
        if let Some(value) = sighting.field(field) {
            refusal.context.insert(key.to_owned(), scrub(value));
        }
    }
}
