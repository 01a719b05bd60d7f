//! What each refusal means and what to do next.

use iam_why_contract::refusal::Reason::{ExplicitDeny, MissingGrant, NotAuthorization};
use iam_why_contract::refusal::{Advice, Reason, Refusal, advise};

/// Fills in what to say and what to do next.
pub(crate) fn give(refusal: &mut Refusal) {
    let (who, table) = match refusal.provider.as_str() {
        "kubernetes" => ("Kubernetes", KUBERNETES),
        "istio" => ("Istio", MESH),
        "envoy" => ("Envoy", MESH),
        "linkerd" => ("Linkerd", MESH),
        "github" => ("GitHub", FORGE),
        "gitlab" => ("GitLab", FORGE),
        "bitbucket" => ("Bitbucket", FORGE),
        "docker_registry" => ("the registry", REGISTRY),
        "cloudflare" => ("Cloudflare", WEB),
        "nginx" => ("nginx", WEB),
        "apache" => ("Apache", WEB),
        "iis" => ("IIS", WEB),
        "vault" => ("Vault", WEB),
        "kong" => ("Kong", WEB),
        "haproxy" => ("HAProxy", WEB),
        "consul" => ("Consul", WEB),
        "databricks" => ("Databricks", WEB),
        "snowflake" => ("Snowflake", WEB),
        "mysql" | "postgres" | "mongodb" | "redis" => ("the database", WEB),
        "kafka" | "rabbitmq" => ("the broker", WEB),
        "elasticsearch" | "opensearch" => ("the search cluster", WEB),
        "gcp" => ("Google Cloud", WEB),
        "generic" => (generic(&refusal.refused_by), WEB),
        _ => ("the server", WEB),
    };
    advise(refusal, who, table);
}

/// Who refuses where no product is named.
fn generic(layer: &str) -> &'static str {
    match layer {
        "cors" | "csp" => "the browser",
        "egress_proxy" => "a proxy on the way",
        "waf" => "a web application firewall",
        _ => "the server",
    }
}

const fn row(layer: &'static str, reason: Option<Reason>, because: &'static str, next: &'static [&'static str]) -> Advice {
    Advice { layer, policy_kind: None, reason, because, next }
}

/// Once, where it matters.
const UNAUTHENTICATED: &str =
    "a 401 means that the server does not know who you are, a 403 that it knows and refuses: no permission helps before the login works";

const KUBERNETES: &[Advice] = &[
    row(
        "rbac",
        Some(MissingGrant),
        "no Role or ClusterRole bound to this caller allows it (RBAC has no deny rules)",
        &[
            "check that {principal} is who you meant to be: a pod without `serviceAccountName` runs as `default`, and `kubectl config current-context` may be another cluster or user",
            "ask the cluster itself: `kubectl auth can-i` with the verb and resource of {action} and `--as` {principal}",
            "look for the binding: `kubectl get rolebindings,clusterrolebindings -A -o wide` and search for {principal}",
            "bind a Role that allows {action} to {principal} in {resource}, no wider than that; subresources such as `pods/log` and `pods/exec` are granted by their own name",
            "or grant the cloud's own permission {permission}: a managed cluster accepts either",
            "who hands out rights must hold them: a Role or binding can grant only what its author has, or the author needs the verbs `escalate` and `bind`",
        ],
    ),
    row(
        "rbac",
        None,
        "the API server's authorization refused it, and the text does not say what was missing",
        &[
            "print the whole message with `kubectl -v=8` or read the `message` of the Status object: it names user, verb and resource",
            "the API server's audit log holds the decision under `authorization.k8s.io/reason`",
        ],
    ),
    row(
        "admission",
        Some(NotAuthorization),
        "the namespace is going away; no permission is missing",
        &["wait for the namespace to be gone or use another: `kubectl get namespace` shows its phase"],
    ),
    row(
        "admission",
        None,
        "RBAC let it through and an admission policy rejects what is being created or changed; no role helps",
        &[
            "read the rule that the message names and change the object to meet it: the text after `denied the request` is the policy's own",
            "the policy is {policy}: `kubectl get validatingwebhookconfigurations,validatingadmissionpolicies` shows who owns it",
            "ask the cluster's administrators for an exemption only where the object cannot meet the rule",
        ],
    ),
    row(
        "expired_credentials",
        None,
        "the certificate or token has expired; no permission is missing",
        &[
            "renew it: log in again, or for a client certificate `kubeadm certs renew`; `kubectl config view --raw` says which one is used",
            "compare the clocks of client and server where the certificate should still be valid",
            UNAUTHENTICATED,
        ],
    ),
    row(
        "authentication",
        None,
        "the API server does not accept the credentials; no permission is missing",
        &[
            "log in again, and check that the credential plugin of the kubeconfig works: `kubectl config view --minify`",
            "a managed cluster accepts only identities that were mapped to it (EKS access entries, AKS Entra groups, GKE IAM)",
            UNAUTHENTICATED,
        ],
    ),
    row(
        "network",
        None,
        "a network policy drops the traffic; no permission is missing",
        &["read the NetworkPolicies of both namespaces: `kubectl get networkpolicy -A`"],
    ),
];

const MESH: &[Advice] = &[
    row(
        "rbac",
        Some(MissingGrant),
        "authorization policies apply to this workload and none of them allows the request",
        &[
            "list the ALLOW policies of the workload: `istioctl x authz check POD`, or the RBAC filter in the Envoy configuration",
            "compare their `from` with the caller: without mutual TLS there is no principal, and an ingress gateway is a principal of its own",
            "where the policies look right, compare path, method and port letter by letter, then check that the sidecar has the current configuration: `istioctl proxy-status`",
        ],
    ),
    row(
        "rbac",
        Some(ExplicitDeny),
        "a DENY policy matches the request",
        &[
            "read the policy that the message names: {policy}",
            "do not add an ALLOW policy: DENY is evaluated first",
            "ask its owner for an exception, or make the request in the way it permits",
        ],
    ),
    row(
        "rbac",
        Some(NotAuthorization),
        "the rule runs in shadow mode: nothing was blocked",
        &["look for another cause; this line says what would be refused once the rule is enforced"],
    ),
    row(
        "rbac",
        None,
        "the sidecar's RBAC filter refused it, and the text does not say whether a DENY matched or no ALLOW did",
        &[
            "read the access log of the refusing sidecar: `rbac_access_denied_matched_policy[none]` means that no policy allows, a name is the DENY that matched",
            "or raise its level: `istioctl proxy-config log POD --level rbac:debug` and repeat the request",
            "check that the caller has the identity you think: without mutual TLS it has none",
        ],
    ),
    row(
        "linkerd",
        None,
        "no authorization policy of the server admits this client",
        &[
            "check that the client is meshed: `client.tls=None` or a missing identity means that it is not, as for probes of the kubelet",
            "list what is authorized: `linkerd viz authz` or the AuthorizationPolicies that target {resource}",
            "add the client's service account to a MeshTLSAuthentication, or its network to a NetworkAuthentication, for {resource}",
        ],
    ),
    row(
        "ext_authz",
        Some(NotAuthorization),
        "the external authorization service did not answer; no permission is missing",
        &["check that the service behind `ext_authz` is up and that Envoy reaches it"],
    ),
    row(
        "ext_authz",
        None,
        "an external authorization service refused it",
        &["read the log of the service behind `ext_authz` at the time of the request: the reason stands there, not in Envoy"],
    ),
    row("rate_limit", None, "too many requests; no permission is missing", &["wait and repeat with growing pauses"]),
    row(
        "expired_credentials",
        None,
        "the token has expired; no permission is missing",
        &["get a new token, and compare the clocks of issuer and mesh", UNAUTHENTICATED],
    ),
    row(
        "authentication",
        None,
        "the mesh does not accept the token; no permission is missing",
        &["compare issuer, audience and signing key of the token with the RequestAuthentication of the workload", UNAUTHENTICATED],
    ),
];

const FORGE: &[Advice] = &[
    row(
        "sso",
        None,
        "the organization demands single sign-on and this token was not authorized for it; the user's own rights do not matter until then",
        &[
            "authorize the token for the organization: in its settings, Configure SSO; for an app or the command line, log in again",
            "a token that was made before single sign-on was enforced has to be authorized anew",
        ],
    ),
    row(
        "rate_limit",
        None,
        "too many requests, told as a 403; no permission is missing",
        &[
            "wait {retryAfter} seconds before the next request",
            "wait until the time in the `x-ratelimit-reset` header, or for a secondary limit a minute and longer each time",
            "send authenticated, conditional and fewer requests: unauthenticated ones share a much smaller limit by address",
        ],
    ),
    row(
        "branch_protection",
        None,
        "a rule protects the branch against this push; write access does not lift it",
        &["open a pull request, or ask who administers the repository for an exception in the branch's rules"],
    ),
    row(
        "ip_allow_list",
        None,
        "the address that the request came from is not on the organization's allow list",
        &[
            "find out with which address you leave (VPN, proxy, hosted runner) and use an allowed one, or ask the organization's owners to add it",
        ],
    ),
    row(
        "app_policy",
        None,
        "the organization restricts this kind of application or token",
        &["ask an owner of the organization to approve the application, or use a kind of token that it permits"],
    ),
    row(
        "resource_state",
        None,
        "the repository does not accept it in its present state; no permission is missing",
        &["look at the repository's settings: archived repositories are read-only, blocked ones say why"],
    ),
    row(
        "authentication",
        None,
        "the token or password is not accepted; no permission is missing",
        &["make a new token and check which one is sent: a stored credential wins over what you typed", UNAUTHENTICATED],
    ),
    row(
        "token_scope",
        Some(MissingGrant),
        "the token lacks a permission for this",
        &[
            "needed is {need}; compare with what the token has",
            "the token has {have}",
            "check that {principal} is who you meant to push as: a stored credential or deploy key wins over what you typed",
            "in a workflow, name what the job needs under `permissions:`; the repository's default may be read-only, and runs from forks and Dependabot get a read-only token whatever it says",
            "for another repository or the organization use an app or a fine-grained token that names it",
        ],
    ),
    row(
        "token_scope",
        None,
        "the repository is out of reach for this token or user, or does not exist: the two look the same on purpose",
        &[
            "check the name and owner of {resource}",
            "check which credential git sends: `git credential fill`, or `gh auth status`",
            "check that its token covers this repository",
        ],
    ),
    row(
        "gitlab",
        Some(MissingGrant),
        "the token's scope or the member's role does not cover this",
        &[
            "needed is {need}",
            "make a token with the scope that the call needs: `read_repository` is for git only, the API needs `read_api` or `api`",
            "check the role of its owner in the project: pushing takes Developer",
        ],
    ),
    row(
        "gitlab",
        None,
        "the text does not say whether scope, role or project setting refused it",
        &[
            "look at the token's scopes and at the role of its owner in the project",
            "the project's setting may switch this feature off for everybody",
        ],
    ),
    row(
        "user_agent",
        None,
        "the request names no program: GitHub wants a User-Agent header",
        &["send a User-Agent header, for example the name of the application"],
    ),
    row(
        "environment_protection",
        None,
        "the environment admits only certain branches or tags",
        &[
            "deploy from a branch or tag that the environment's rules admit",
            "or ask an administrator of the repository to add it under Settings, Environments, {resource}",
        ],
    ),
    row(
        "actions_policy",
        None,
        "the organization or repository allows only certain actions",
        &["ask an administrator to allow the action under Settings, Actions, General, or use one that is allowed"],
    ),
    row("", None, "the text says no more than that it is refused", &["read the whole answer: its documentation_url says which rule it is"]),
];

const REGISTRY: &[Advice] = &[
    row(
        "rate_limit",
        None,
        "the pull limit is used up; no permission is missing",
        &["log in, so that the limit of your account counts and not that of the shared address", "pull through a mirror or cache"],
    ),
    row(
        "docker_registry",
        Some(MissingGrant),
        "the login or its token does not cover the repository",
        &[
            "check the name: the first part of {resource} is the account that must be yours or have admitted you",
            "check as whom you are logged in: `docker login` to the host of the image, and a credential helper may answer in its place",
            "give the user or token the right to pull or push there",
        ],
    ),
    row(
        "docker_registry",
        Some(NotAuthorization),
        "the registry asks for a login; nothing was refused yet",
        &["get a token from the address in `realm` for the scope it names, or `docker login`", UNAUTHENTICATED],
    ),
    row(
        "docker_registry",
        None,
        "the repository does not exist or the login does not cover it: the two look the same on purpose",
        &[
            "check name and tag of {resource}",
            "check as whom you are logged in, and in a cluster that the pod's `imagePullSecrets` name a secret for this host",
            "give the user or token the right to pull there",
        ],
    ),
    row(
        "authentication",
        None,
        "the login is not accepted; no permission is missing",
        &["log in again with a current token", UNAUTHENTICATED],
    ),
];

const WEB: &[Advice] = &[
    row(
        "cors",
        None,
        "the page may not read the answer, because the server did not say that its origin may; no permission of a user is missing",
        &[
            "the browser gives as reason: {why}",
            "look at the answer itself in the network tab: a 403 or a redirect from a gateway, firewall or login in front carries no such header, and then that is the cause",
            "send the same request with `curl -i -H Origin:` {origin} and look for `Access-Control-Allow-Origin`",
            "let the server that answers at {resource} send `Access-Control-Allow-Origin:` {origin} (and answer OPTIONS without a login), for this origin only",
        ],
    ),
    row(
        "csp",
        None,
        "the page's own Content-Security-Policy forbids it; the server was not even asked",
        &["add the address to the directive that the message names, in the header of the page"],
    ),
    row(
        "csrf",
        None,
        "the request could not prove that it comes from the site's own page; no permission is missing",
        &[
            "reload the page so that cookie and token are fresh, and send both: the token belongs to the session that got it",
            "behind a proxy that ends TLS, tell the framework: trusted origins with their scheme, and the forwarded headers",
            "the origin that was not trusted is {origin}",
            "an API client that uses no cookies should use a route that needs no such token",
        ],
    ),
    row(
        "egress_proxy",
        None,
        "the answer comes from between you and the site, which never saw the request; no permission is missing",
        &[
            "it gives as reason {deniedReason}",
            "look at `HTTPS_PROXY` and `NO_PROXY` where the command ran, and at the allowlist of that proxy or sandbox",
            "ask whoever runs it to allow the host of {resource}",
            "the same request from another network shows whether the site itself would answer",
        ],
    ),
    row(
        "rate_limit",
        None,
        "too many requests; no permission is missing",
        &["wait {retryAfter} before the next request", "wait as long as `Retry-After` says and send fewer"],
    ),
    row(
        "waf",
        None,
        "a firewall in front of the site blocked the request before the application saw it; no permission is missing",
        &[
            "note the address you come from and the time: the owner finds the rule by them in the firewall's event log",
            "give the owner this id: {rayId}",
            "give the owner this reference: {reference}",
            "the rule that matched is {rule}",
            "compare with a browser: scripts are blocked for their user agent, missing cookies or the country of their address",
            "where the body holds markup, SQL or shell text, a managed rule may have taken it for an attack",
        ],
    ),
    row(
        "nginx",
        Some(ExplicitDeny),
        "an `allow`/`deny` rule of the server or ingress refuses this address",
        &[
            "look for `deny`, `allow` and `whitelist-source-range` in the server's configuration or the ingress annotations",
            "check that {principal} is the client and not a load balancer: without `real_ip` or `externalTrafficPolicy: Local` every client looks like the proxy",
        ],
    ),
    row(
        "nginx",
        Some(NotAuthorization),
        "the server may not read the file, lists no directories or has a broken login service; no permission of a user is missing",
        &[
            "read the line in the server's error log: it names the file, the directory or the login service",
            "check index file, mode and owner of {resource} and of each directory above it, and SELinux labels",
        ],
    ),
    row(
        "nginx",
        None,
        "the server answered 403 and its reason stands in its error log only",
        &[
            "read the error log at the same second: `access forbidden by rule`, `directory index … is forbidden` or `Permission denied`",
            "where nginx is a proxy, the 403 may be the application's: compare `$upstream_status`",
        ],
    ),
    row(
        "apache",
        Some(ExplicitDeny),
        "a `Require` or `Deny` directive of the server refuses it",
        &["look for the directive that covers the path, `.htaccess` files included"],
    ),
    row(
        "apache",
        None,
        "the server answered 403 and its reason stands in its error log only",
        &["read the error log at the same second: the AH number names the cause"],
    ),
    row(
        "iis",
        None,
        "the server refused it; the number behind 403 names the cause",
        &["read the substatus in the IIS log: 6 is the address, 7 a client certificate, 14 a directory without a default document"],
    ),
    row(
        "expired_credentials",
        None,
        "a token or certificate has expired; no permission is missing",
        &["log in again or renew it", "compare the clocks where it should still be valid", UNAUTHENTICATED],
    ),
    row(
        "authentication",
        None,
        "the credentials are missing or not accepted; no permission is missing",
        &["check which token is sent, who issued it, for which audience and until when", UNAUTHENTICATED],
    ),
    row(
        "oauth_scope",
        None,
        "the access token does not carry a scope that the call needs; roles do not matter until it does",
        &["needed is {need}", "get a token with that scope: log in again, or change the access scopes of the machine"],
    ),
    row(
        "token_scope",
        None,
        "the token does not carry a scope that the call needs",
        &[
            "needed is {need}; compare with the scopes of the token",
            "ask for a new token with that scope; the user may have to consent again",
        ],
    ),
    row(
        "vault",
        None,
        "no policy of the token allows it, one denies it, or the token is not valid: Vault answers all three alike",
        &[
            "look at the token: `vault token lookup` shows its policies and whether it is valid",
            "ask Vault: `vault token capabilities PATH` for the path that was asked, with `data/` in it for a version 2 store",
            "check the namespace",
        ],
    ),
    row(
        "grant",
        None,
        "the database user holds no privilege for it",
        &[
            "check which user the connection has: `SELECT CURRENT_USER`",
            "let the owner of {resource} grant the one privilege that the statement needs, on the schema too",
        ],
    ),
    row(
        "row_level_security",
        None,
        "no row-level security policy of the table admits the row",
        &[
            "read the policies of {resource}; an INSERT or UPDATE must pass WITH CHECK",
            "check which role and claims the connection carries",
        ],
    ),
    row(
        "gated_repository",
        None,
        "the owner admits only accounts that asked for access",
        &[
            "ask for access on the page of {resource}",
            "send a token of the account that was admitted, with the right to read gated repositories",
        ],
    ),
    row(
        "resource_state",
        None,
        "it is set to read-only; no permission is missing",
        &["find out why {resource} is read-only (a full disk does that) and lift the block once the cause is gone"],
    ),
    row(
        "databricks",
        None,
        "the workspace or Unity Catalog has not granted it; the cloud's own roles do not count there",
        &[
            "let the owner grant {action} on {resource}; USE CATALOG and USE SCHEMA are needed on everything above it",
            "check which user or service principal the cluster or warehouse runs as",
        ],
    ),
    row(
        "api_gateway",
        Some(NotAuthorization),
        "no route of the gateway matches; no permission is missing",
        &["compare host, path and method with the gateway's routes"],
    ),
    row(
        "api_gateway",
        Some(ExplicitDeny),
        "a rule of the gateway refuses the caller",
        &["find out which address the gateway sees, and look for its restriction plugin or policy"],
    ),
    row(
        "api_gateway",
        None,
        "the key or consumer is not admitted to this API",
        &["look at the groups or API products of the key, and whether this API and path are among them"],
    ),
    row(
        "",
        Some(MissingGrant),
        "nothing grants it to this caller",
        &[
            "check which account or token made the request, and that it is the one you meant",
            "give {principal} the right to {action} on {resource}, no wider than that",
        ],
    ),
    row("", Some(ExplicitDeny), "a rule refuses it", &["ask its owner which rule matches, with the time of the request"]),
    row("", Some(NotAuthorization), "no permission is missing", &["read the message: it names what to change"]),
    row(
        "",
        None,
        "the text says no more than that it is refused",
        &[
            "get the whole response: `curl -i` or the tool's debug option; headers such as `Server`, `WWW-Authenticate`, `x-amz-request-id`, `x-ms-error-code`, `CF-RAY` and `Via` say who answered",
            "check which credentials were sent, and that the address is the one you meant",
            "look into the log of whoever answered, at the same second",
            "a 401 means that the server does not know who you are, a 403 that it knows and refuses",
        ],
    ),
];
