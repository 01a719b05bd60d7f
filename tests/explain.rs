//! `iam-why explain` and `iam-why run` as people at three in the morning use them.

use boon::{Compiler, Schemas};
use iam_why::cases::{self, Result};
use serde_json::Value;
use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;
use std::path::Path;

const SENTENCE: &str = "An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::444455556666:assumed-role/reports-api/web-7 is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::acme-reports/2026/q1.csv\" because no identity-based policy allows the s3:GetObject action\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn explain(text: &str) -> Command {
    Command::new(cargo_bin!("iam-why")).current_dir(root()).env_remove("NO_COLOR").arg("explain").stdin(text.to_owned())
}

fn run(command: &[&str]) -> Command {
    Command::new(cargo_bin!("iam-why")).current_dir(root()).args(["run", "--"]).args(command)
}

/// The report, held to the published schema.
fn report(text: &str, more: &[&str], exit: i32) -> Value {
    let output = explain(text).args(["--format", "json"]).args(more).assert().code(exit);
    let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(root().join("docs/schema/refusal-1.json")).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    assert_eq!(schemas.validate(&report, index).err().map(|error| error.to_string()), None);
    report
}

#[test]
fn every_text_of_our_own_is_read_as_what_it_is() {
    let folder = std::fs::read_dir(root().join("tests/scenarios/refusals")).unwrap().map(|entry| entry.unwrap().path());
    let outcomes: Vec<_> = folder.flat_map(|file| cases::run(&file).unwrap()).collect();
    let wrong: Vec<String> = outcomes
        .iter()
        .filter(|outcome| outcome.result != Result::Pass)
        .map(|outcome| format!("{}: {}", outcome.id, outcome.says))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(outcomes.len() > 700);
}

/// What surrounds a refusal in a log: policies, manifests and requests that were served.
const LOG: &str = "2026-01-01 00:00:00 INFO  starting job 17\n\
    {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"s3:DeleteBucket\",\"Resource\":\"*\"}]}\n\
    kind: Role\nrules:\n- resources: [\"pods\"]\n  verbs: [\"get\", \"list\"]\n\
    127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /health HTTP/1.1\" 200 2 \"-\" \"kube-probe/1.29\"\n\
    {\"level\":\"info\",\"msg\":\"token refreshed\",\"user\":\"system\"}\n";

type Paste<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn a_text_says_the_same_however_it_was_pasted() {
    let each_line = |text: &str, mark: &str| text.split('\n').map(|line| format!("{mark}{line}\n")).collect::<String>();
    let entities = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    let within = |text: &str| serde_json::json!({ "message": text }).to_string();
    let pasted: [(&str, Paste); 14] = [
        ("quoted in a mail", &|text| each_line(text, "> ")),
        ("behind the bars of Terraform", &|text| each_line(text, "│ ")),
        ("with the time stamps of a build", &|text| each_line(text, "2026-01-01T00:00:00.1234567Z ")),
        ("as a string of JSON", &|text| serde_json::json!({ "level": "error", "log": text }).to_string()),
        ("as a string of JSON, three times", &|text| within(&within(&within(text)))),
        ("as the output of a pod", &|text| each_line(text, "[pod/web-7d9f-abcde/app] ")),
        ("as the output of a container", &|text| each_line(text, "web-1  | ")),
        ("as errors of a build", &|text| each_line(text, "2026-01-01T00:00:00.1234567Z ##[error]")),
        ("in the journal", &|text| each_line(text, "Jan  1 00:00:00 host-1 deploy[2231]: ")),
        ("in a log with columns", &|text| each_line(text, "2026-01-01 00:00:00.123 ERROR 1 --- [main] c.e.App   : ")),
        ("in a page", &|text| entities(text)),
        ("as JSON in a page", &|text| entities(&within(text))),
        ("in colours", &|text| text.split('\n').map(|line| format!("\u{1b}[31m│\u{1b}[0m \u{1b}[1m{line}\u{1b}[0m\n")).collect()),
        ("within a log", &|text| format!("{LOG}{LOG}{text}\n{LOG}")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(root().join("tests/scenarios/refusals")).unwrap().map(|entry| entry.unwrap().path()) {
        let cases = std::fs::read_to_string(&file).unwrap();
        for (how, paste) in pasted {
            let lines = cases.lines().map(|line| {
                let mut case: Value = serde_json::from_str(line).unwrap();
                case["raw"] = Value::from(paste(case["raw"].as_str().unwrap()));
                format!("{case}\n")
            });
            let copy = folder.path().join("pasted.jsonl");
            std::fs::write(&copy, lines.collect::<String>()).unwrap();
            let outcomes = cases::run(&copy).unwrap();
            assert_eq!(outcomes.len(), cases.lines().count());
            let failed = outcomes.into_iter().filter(|outcome| outcome.result != Result::Pass);
            wrong.extend(failed.map(|outcome| format!("{how}, {}: {}", outcome.id, outcome.says)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Sentences in which words of refusals stand and nothing is refused.
const HARMLESS: &[&str] = &[
    "bash: ./deploy.sh: Permission denied",
    "docker: Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    "job finished: 403 items processed, 0 forbidden words",
    "pod web-0 was not started because no service account was found",
    "build failed because no identity file was given",
    "session closed because no session was open",
    "HTTP/1.1 404 Not Found",
    "{ ($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\") }",
    "  + alarm_description = \"Alarms when an AccessDenied or UnauthorizedOperation API call is made\"",
    "except ClientError as e:\n    if e.response[\"Error\"][\"Code\"] == \"AccessDenied\":\n        return None",
    "a1b2c3d Retry on AccessDenied when the role is missing",
    "kim: did anyone get AccessDenied on staging today?",
    "An explicit deny in any policy overrides an allow. If the SCP denies it, no identity-based policy allows you to get it back.",
    "for example \"because no identity-based policy allows the action\"",
    "kind: Role\nmetadata:\n  name: forbidden-reader",
    "configmap/forbidden created",
    "198.51.100.7 - - [01/May/2026:10:00:00 +0000] \"GET /docs/403-forbidden HTTP/1.1\" 200 403 \"-\" \"curl/8\"",
    "{\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"PutRolePolicy\",\"requestParameters\":{\"policyDocument\":\"{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Deny\\\"}]}\"}}",
    "test_access_denied_returns_403 PASSED",
    "Downloaded 403 MB",
    "{\"user\":\"system\",\"msg\":\"saved\"}\nthe clerk is not authorized to perform audits",
];

#[test]
fn words_of_refusals_are_no_refusal() {
    for text in HARMLESS {
        assert_eq!(iam_why::explain::text(text).len(), 0, "{text}");
    }
}

#[test]
fn a_code_that_others_send_too_names_no_cloud() {
    let told = |text: &str| {
        let first = iam_why::explain::text(text).remove(0);
        (first.provider, first.reason.id())
    };
    let nobody = || ("generic".to_owned(), "unknown");
    assert_eq!(told("java.nio.file.AccessDeniedException: /srv/data"), nobody());
    assert_eq!(told("rpc error: code = PermissionDenied desc = not allowed"), nobody());
    assert_eq!(told("User: iam::1:user:nadia is not authorized to perform: vpc:vpcs:list"), nobody());
    assert_eq!(told("{\"error\":{\"code\":\"accessDenied\",\"message\":\"Access denied\"}}"), ("azure".to_owned(), "unknown"));
    assert_eq!(told("An error occurred (AccessDenied) when calling the GetUser operation"), ("aws".to_owned(), "unknown"));
}

#[test]
fn the_exit_code_is_the_reason() {
    explain(SENTENCE).assert().code(11);
    explain("with an explicit deny in a service control policy").assert().code(10);
    explain("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied").assert().code(12);
    explain("The security token included in the request is expired").assert().code(13);
    explain("all is well").assert().code(12).stdout_eq(str![[r#"
no refusal was recognised: the text holds none, or one in words that are not known

"#]]);
    explain(SENTENCE).arg("--exit-zero").assert().code(0);
    explain("").arg("no-such-file").assert().code(3);
    explain(SENTENCE).args(["-", "--snapshot", "-"]).assert().code(2);
}

#[test]
fn a_refusal_fits_one_screen() {
    explain(SENTENCE).arg("--color=never").assert().code(11).stdout_eq(str![[r#"
NOT GRANTED: AWS refused `arn:aws:sts::444455556666:assumed-role/reports-api/web-7` the action
  `s3:GetObject` on `arn:aws:s3:::acme-reports/2026/q1.csv`: no policy of the identity allows it
  refused by aws / iam (HTTP 403)
  principal  arn:aws:sts::444455556666:assumed-role/reports-api/web-7
  action     s3:GetObject
  resource   arn:aws:s3:::acme-reports/2026/q1.csv

What to do next
  1. allow `s3:GetObject` on `arn:aws:s3:::acme-reports/2026/q1.csv` for
     `arn:aws:sts::444455556666:assumed-role/reports-api/web-7`, no wider than that
  2. if a policy seems to allow it already, compare its Resource and Condition with the request
     letter by letter
  3. check that `arn:aws:sts::444455556666:assumed-role/reports-api/web-7` is who you meant to be:
     `aws sts get-caller-identity` with the same profile, in the same shell or container
  4. the action that is refused may be another than the one you called: the call needs both

"#]]);
}

#[test]
fn a_ticket_gets_markdown() {
    let text = "Error from server (Forbidden): pods is forbidden: User \"system:serviceaccount:shop:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"";
    explain(text).args(["--format", "markdown"]).assert().code(11).stdout_eq(str![[r#"
**NOT GRANTED**: Kubernetes refused `system:serviceaccount:shop:default` the action `list pods` on `namespace shop`: no Role or ClusterRole bound to this caller allows it (RBAC has no deny rules)

| | |
|---|---|
| refused by | `kubernetes / rbac (HTTP 403)` |
| principal | `system:serviceaccount:shop:default` |
| action | `list pods` |
| resource | `namespace shop` |

### What to do next

1. check that `system:serviceaccount:shop:default` is who you meant to be: a pod without `serviceAccountName` runs as `default`, and `kubectl config current-context` may be another cluster or user
2. ask the cluster itself: `kubectl auth can-i` with the verb and resource of `list pods` and `--as` `system:serviceaccount:shop:default`
3. look for the binding: `kubectl get rolebindings,clusterrolebindings -A -o wide` and search for `system:serviceaccount:shop:default`
4. bind a Role that allows `list pods` to `system:serviceaccount:shop:default` in `namespace shop`, no wider than that; subresources such as `pods/log` and `pods/exec` are granted by their own name
5. who hands out rights must hold them: a Role or binding can grant only what its author has, or the author needs the verbs `escalate` and `bind`

"#]]);
}

#[test]
fn with_a_snapshot_it_goes_on_to_the_policies() {
    let report = report(SENTENCE, &["--snapshot", "examples/snapshots/aws"], 11);
    let refusal = &report["refusals"][0];
    assert_eq!(refusal["question"]["action"], "s3:GetObject");
    assert_eq!(refusal["verdict"]["schema"], "iam-why/report/1");
}

#[test]
fn a_message_that_the_policies_contradict_is_said_so() {
    let blames = SENTENCE
        .replace("because no identity-based policy allows the s3:GetObject action", "with an explicit deny in a service control policy");
    let report = report(&blames, &["--snapshot", "examples/snapshots/aws"], 10);
    let contradiction = report["refusals"][0]["contradiction"].as_str().unwrap_or_default();
    assert!(contradiction.starts_with("the message contradicts the policies"), "{report}");
}

#[test]
fn the_facts_of_a_record_are_put_into_the_question() {
    let record = r#"{"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.9","vpcEndpointId":"vpce-0abc",
        "eventTime":"2026-02-03T04:05:06Z","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"acme-reports","key":"q1.csv"},
        "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::444455556666:assumed-role/reports-api/web-7","sessionContext":{"attributes":{"mfaAuthenticated":"false"}}}}"#;
    let report = report(record, &[], 12);
    let question = &report["refusals"][0]["question"];
    assert_eq!(question["resource"], "arn:aws:s3:::acme-reports/q1.csv");
    for (key, value) in [
        ("aws:SourceIp", "203.0.113.9"),
        ("aws:SourceVpce", "vpce-0abc"),
        ("aws:CurrentTime", "2026-02-03T04:05:06Z"),
        ("aws:MultiFactorAuthPresent", "false"),
    ] {
        assert_eq!(question["context"][key][0], value, "{key}");
    }
    assert!(question["context"].get("operation").is_none());
}

#[test]
fn the_facts_of_azure_and_google_cloud_are_put_into_the_question() {
    let log = r#"{"time":"2026-02-03T04:05:06.7Z","resourceId":"/subscriptions/1aaaaaaa-1111-4222-8333-444444444444/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/acme",
        "operationName":"Microsoft.KeyVault/vaults/secrets/getSecret/action","resultSignature":"Forbidden","callerIpAddress":"203.0.113.9:4352",
        "identity":{"claim":{"http://schemas.microsoft.com/identity/claims/objectidentifier":"0aaaaaaa-1111-4222-8333-444444444444","appid":"7bbbbbbb-1111-4222-8333-444444444444"}},
        "properties":{"httpStatusCode":403,"message":"Caller is not authorized to perform action on resource.\\r\\nInner error: { \\\"code\\\": \\\"ForbiddenByRbac\\\" }"}}"#;
    let found = report(log, &[], 11);
    let question = &found["refusals"][0]["question"];
    assert_eq!(question["principal"], "0aaaaaaa-1111-4222-8333-444444444444", "{found:#}");
    for (key, value) in [("clientIp", "203.0.113.9"), ("now", "2026-02-03T04:05:06.7Z"), ("appId", "7bbbbbbb-1111-4222-8333-444444444444")]
    {
        assert_eq!(question["context"][key][0], value, "{key}: {found:#}");
    }
    let entry = |source: &str| {
        let text = format!(
            r#"{{"protoPayload":{{"status":{{"code":7}},"serviceName":"iap.googleapis.com","methodName":"AuthorizeUser","authenticationInfo":{{"principalEmail":"nadia@example.com"}},
            "requestMetadata":{{{source},"requestAttributes":{{"path":"/admin","auth":{{"accessLevels":["//accesscontextmanager.googleapis.com/accessPolicies/1/accessLevels/corp","accessPolicies/1/accessLevels/eu"]}}}},"destinationAttributes":{{"ip":"10.0.0.9","port":"22"}}}},
            "authorizationInfo":[{{"resource":"projects/1/iap_tunnel/zones/z/instances/2","permission":"iap.tunnelInstances.accessViaIAP"}}]}},"timestamp":"2026-02-03T04:05:06Z"}}"#
        );
        report(&text, &[], 11)["refusals"][0]["question"]["context"].clone()
    };
    let context = entry(r#""callerIp":"203.0.113.9""#);
    for (key, value) in
        [("source.ip", "203.0.113.9"), ("request.time", "2026-02-03T04:05:06Z"), ("request.path", "/admin"), ("destination.port", "22")]
    {
        assert_eq!(context[key][0], value, "{key}: {context:#}");
    }
    assert_eq!(
        context["request.auth.access_levels"],
        serde_json::json!(["accessPolicies/1/accessLevels/corp", "accessPolicies/1/accessLevels/eu"])
    );
    // A private address without its network says nothing about where the request came from; with it, it came from no internet.
    assert!(entry(r#""callerIp":"10.1.2.3""#).get("source.ip").is_none());
    let within = entry(r#""callerIp":"10.1.2.3","callerNetwork":"//compute.googleapis.com/projects/acme/global/networks/main""#);
    assert_eq!(
        (&within["source.kind"][0], &within["source.network"][0]),
        (&"network".into(), &"projects/acme/global/networks/main".into())
    );
}

#[test]
fn secrets_of_the_text_never_come_out() {
    let blob = "QUJD".repeat(80);
    let key = "AKIAIOSFODNN7EXAMPLE";
    let signed = "https://acme.s3.amazonaws.com/q1.csv?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=deadbeefcafe&X-Amz-Security-Token=IQoJb3Jp";
    let texts = [
        format!(
            "UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:iam::444455556666:user/{key} is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:444455556666:instance/* Encoded authorization failure message: {blob}"
        ),
        format!("Error executing \"GetObject\" on \"{signed}\"; AWS HTTP error: Client error: 403 Forbidden AccessDenied: Access Denied"),
        format!(
            "Access to fetch at '{signed}' from origin 'https://u:hunter2@shop.example.com' has been blocked by CORS policy: no header"
        ),
        format!("x-deny-reason: token ghp_0123456789abcdefghij0123456789abcdef\nAuthorization: Bearer {blob}\nCookie: session=hunter2"),
        "PUT https://orders.blob.core.windows.net/a?sv=2020&sig=hunter2%3D&se=2026 AuthorizationPermissionMismatch".to_owned(),
        "access forbidden by rule, client: 203.0.113.9, server: _, request: \"GET /a?token=hunter2&x=1 HTTP/1.1\"".to_owned(),
    ];
    for text in texts {
        for format in ["text", "json", "markdown"] {
            let output = explain(&text).args(["--format", format]).assert();
            let shown = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
            for secret in [&blob, key, "deadbeefcafe", "IQoJb3Jp", "hunter2", "ghp_0123456789"] {
                assert!(!shown.contains(secret), "{secret} of {text} in {shown}");
            }
        }
    }
}

#[test]
fn nothing_that_identifies_is_left_when_redacted() {
    let kubernetes = "pods is forbidden: User \"system:serviceaccount:shop:checkout\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"";
    let cors = "Access to fetch at 'https://api.acme.example/v1' from origin 'https://www.acme.example' has been blocked by CORS policy: no header";
    let texts = [
        (SENTENCE, ["444455556666", "reports-api", "acme-reports"]),
        (kubernetes, ["shop", "checkout", "shop"]),
        (cors, ["acme", "api.acme", "www.acme"]),
    ];
    for (text, secrets) in texts {
        for format in ["text", "json", "markdown"] {
            let output = explain(text).args(["--redact", "--format", format]).assert();
            let shown = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
            secrets.iter().for_each(|secret| assert!(!shown.contains(secret), "{secret} in {shown}"));
        }
    }
}

#[test]
fn terminal_codes_of_the_text_are_not_obeyed() {
    let output = explain("User: arn:aws:iam::444455556666:user/\u{202e}\u{7}x is not authorized to perform: s3:GetObject")
        .arg("--color=never")
        .assert();
    assert!(!String::from_utf8_lossy(&output.get_output().stdout).contains(['\u{202e}', '\u{7}']));
}

#[test]
fn bytes_that_are_no_text_and_json_without_end_are_no_trouble() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    Command::new(cargo_bin!("iam-why")).arg("explain").stdin(bytes).assert().code(12);
    explain(&"{\"a\":[".repeat(100_000)).assert().code(12);
    explain(&"\\".repeat(300_000)).assert().code(12);
    explain(&format!("{}{SENTENCE}", "{\"a\":".repeat(50_000))).assert().code(11);
    explain(&format!("{}{}", "x".repeat(5_000_000), SENTENCE)).assert().code(11);
}

#[cfg(unix)]
mod run {
    use super::{SENTENCE, run};
    use snapbox::cmd::{Command, cargo_bin};
    use std::os::unix::process::ExitStatusExt;
    use std::process::Stdio;

    #[test]
    fn a_command_that_succeeds_is_left_alone() {
        run(&["sh", "-c", "cat; echo AccessDenied: Access Denied >&2"])
            .stdin("in")
            .assert()
            .code(0)
            .stdout_eq("in")
            .stderr_eq("AccessDenied: Access Denied\n");
    }

    #[test]
    fn a_refusal_is_explained_after_the_output_and_the_exit_code_stays() {
        let output = run(&["sh", "-c", "echo out; printf '%s' \"$1\" >&2; exit 254", "sh", SENTENCE]).assert().code(254).stdout_eq("out\n");
        let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(told.starts_with(SENTENCE) && told.contains("NOT GRANTED"), "{told}");
    }

    #[test]
    fn another_failure_is_not_explained() {
        run(&["sh", "-c", "echo no such file >&2; exit 3"]).assert().code(3).stderr_eq("no such file\n");
        run(&["no-such-command-at-all"]).assert().code(127);
    }

    #[test]
    fn options_behind_the_command_are_its_own() {
        run(&["echo", "--format", "json", "--redact", "--help"]).assert().code(0).stdout_eq("--format json --redact --help\n");
    }

    #[test]
    fn bytes_pass_through_unchanged_however_many() {
        let output = run(&["sh", "-c", "head -c 5000000 /dev/zero; printf '\\377\\376\\033[31m'"]).assert().code(0);
        let stdout = &output.get_output().stdout;
        assert_eq!(stdout.len(), 5_000_007);
        assert_eq!(stdout.get(5_000_000..), Some(&b"\xff\xfe\x1b[31m"[..]));
    }

    #[test]
    fn a_signal_reaches_the_command_and_ends_us_as_it_ended_it() {
        let mut child = std::process::Command::new(cargo_bin!("iam-why"))
            .args(["run", "--", "sh", "-c", "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.1; done"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "caught");
        assert_eq!(child.wait().unwrap().code(), Some(7));
        let killed = std::process::Command::new(cargo_bin!("iam-why")).args(["run", "--", "sh", "-c", "kill -TERM $$"]).status().unwrap();
        assert_eq!(killed.signal(), Some(15));
    }

    #[test]
    fn what_a_command_leaves_behind_does_not_hold_us() {
        let folder = tempfile::tempdir().unwrap();
        let flag = folder.path().join("go");
        // It keeps the pipe open until we are back, so that waiting for it would never end.
        let script = "while [ ! -e \"$1\" ]; do sleep 0.1; done & echo done";
        run(&["sh", "-c", script, "sh", &flag.display().to_string()]).assert().code(0).stdout_eq("done\n");
        std::fs::write(flag, "").unwrap();
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_command() {
        let line = format!("{} run -- yes | head -n 1", cargo_bin!("iam-why").display());
        Command::new("sh").args(["-c", &line]).assert().code(0).stdout_eq("y\n");
    }
}
