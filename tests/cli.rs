//! The built program as scripts see it: exit codes, streams, formats.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;

fn iam_why() -> Command {
    Command::new(cargo_bin!("iam-why")).env_remove("NO_COLOR")
}

#[test]
fn what_makes_no_question_is_the_usage() {
    iam_why().arg("alice").assert().code(2);
    iam_why().args(["--format", "yaml", "alice", "x"]).assert().code(2);
    iam_why().args(["alice", "no such action", "--snapshot", "-"]).assert().code(2);
}

#[test]
fn help_and_version_are_no_failure() {
    iam_why().arg("--help").assert().code(0).stderr_eq(str![""]);
    iam_why().arg("--version").assert().code(0).stdout_eq("iam-why 0.1.0\n");
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = iam_why().args(["completions", shell]).assert().code(0).get_output().stdout.clone();
        assert!(String::from_utf8(output).unwrap().contains("snapshot"), "{shell} completes options");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut child = std::process::Command::new(cargo_bin!("iam-why"))
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_file_of_cases_that_cannot_be_read_is_not_a_pass() {
    iam_why().args(["test", "no-such-file.json"]).assert().code(3);
}

/// A case in which kim is allowed everything by an identity policy.
fn case(id: &str) -> String {
    format!(
        r#"{{"provider": "aws", "id": "{id}", "principal": "arn:aws:iam::210987654321:user/kim", "action": "s3:GetObject",
"resource": "arn:aws:s3:::shop/k", "resource_account": "210987654321", "context": {{}}, "expect": "allow",
"identity": [{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"}}]}}]}}"#
    )
}

/// Runs `test` on a file of these bytes: the exit code, and what was printed.
fn tested(name: &str, bytes: &[u8]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    let output = std::process::Command::new(cargo_bin!("iam-why")).arg("test").arg(&file).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

#[test]
fn cases_are_read_in_every_encoding_of_unicode() {
    let text = case("kim reads");
    let wide = |bytes: fn(u16) -> [u8; 2]| std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>();
    for bytes in [text.clone().into_bytes(), format!("\u{feff}{text}").into_bytes(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
        assert_eq!(tested("cases.json", &bytes).0, 0);
    }
}

#[test]
fn what_is_wrong_with_a_case_is_said_and_nothing_of_it_is_dropped() {
    let text = case("kim reads");
    let deep = |element: &str| text.replace(element, &format!("{}{element}{}", "[".repeat(10_000), "]".repeat(10_000)));
    let table = [
        (text.replace(r#""Effect": "Allow""#, r#""Effect": "Deny", "Effect": "Allow""#), "`Effect` stands twice"),
        (text.replace(r#""context": {}"#, r#""context": ["aws:SourceIp"]"#), r#"`context` is ["aws:SourceIp"], expected an object"#),
        (text.replace(r#""context": {}"#, r#""context": {"a": {"b": 1}}"#), "`context.a`"),
        (text.replace("s3:GetObject", ""), "an AWS action such as"),
        (text.replace(r#""allow""#, r#""allowed""#), r#""allowed", expected allow, explicit_deny, implicit_deny or unknown"#),
        (text.replace(r#""Resource": "*""#, r#""Resource": "*", "Unless": "x""#), "`Unless` is no element of a statement"),
        (text.replace(r#""expect""#, r#""extra": {"weather": "rain"}, "expect""#), "not modelled: extra.weather"),
        (text.chars().take(text.len() / 2).collect(), "line 2 column"),
        (deep(r#"{"Effect""#), "line 3 column"),
        (deep("{}"), "recursion limit"),
        (String::new(), "EOF"),
    ];
    for (text, says) in table {
        let (code, printed) = tested("cases.json", text.as_bytes());
        assert!(printed.contains(says), "expected `{says}` in:\n{printed}");
        assert!(code != 0 || says.contains("not modelled"), "{printed}");
    }
}

/// What `aws iam get-account-authorization-details` prints of kim, with this policy.
fn details(policy: &str) -> String {
    format!(
        r#"{{"UserDetailList": [{{"Arn": "arn:aws:iam::210987654321:user/kim", "UserName": "kim", "UserId": "AIDAX", "Path": "/", "GroupList": [],
"AttachedManagedPolicies": [], "UserPolicyList": [{{"PolicyName": "p", "PolicyDocument": {policy}}}]}}], "RoleDetailList": [], "GroupDetailList": [], "Policies": []}}"#
    )
}

#[test]
fn a_policy_that_cannot_be_read_is_a_doubt_and_never_an_allow() {
    let statement =
        |more: &str| format!(r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"}}{more}]}}"#);
    let whole = details(&statement(""));
    let table = [
        (
            details(&statement(r#", {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Unless": "x"}"#)),
            "`Unless` is no element of a statement",
        ),
        (
            details(&statement(r#", {"Effect": "Deny", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#)),
            "`Effect` stands there twice",
        ),
        (
            details(&statement(r#", {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringSounds": {"a": "b"}}}"#)),
            "operator",
        ),
        (details(r#""{\"Version\": \"2012-""#), "UserPolicyList/0/PolicyDocument: found a string, expected an object"),
        (details(&statement(&format!(", {}0{}", "[".repeat(10_000), "]".repeat(10_000)))), "recursion limit"),
        (whole.replace(r#""UserPolicyList""#, r#""UserPolicyList": [], "UserPolicyList""#), "`UserPolicyList` stands there twice"),
        (whole.chars().take(whole.len() / 2).collect(), "EOF while parsing"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in table {
        let file = folder.path().join("details.json");
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(cargo_bin!("iam-why"));
        command.args([
            "ask",
            "arn:aws:iam::210987654321:user/kim",
            "s3:ListAllMyBuckets",
            "*",
            "--color",
            "never",
            "--assume-absent",
            "--snapshot",
        ]);
        let output = command.arg(&file).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(printed.contains("UNDETERMINED") && printed.contains(says), "expected `{says}` in:\n{printed}");
    }
}

#[test]
fn a_large_policy_is_read_to_its_end() {
    let many: Vec<String> =
        (0..20_000).map(|at| format!(r#"{{"Effect": "Allow", "Action": "s3:X{at}", "Resource": "arn:aws:s3:::shop-{at}/*"}}"#)).collect();
    let text = case("kim reads").replace(r#""Statement": ["#, &format!(r#""Statement": [{}, "#, many.join(", ")));
    assert_eq!(tested("cases.json", text.as_bytes()).0, 0);
}
