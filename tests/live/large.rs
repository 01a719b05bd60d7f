//! An account with ten thousand roles, made up page by page: it must pass through without ever standing in memory.

use super::program::{program, run, said, start};
use super::relay::{Relay, Seen, Treatment};
use std::fmt::Write;

const ROLES: usize = 10_000;
const PAGE: usize = 500;

/// A page of GetAccountAuthorizationDetails: five hundred roles with a trust policy, two inline policies and tags, as large as real ones.
fn page(number: usize) -> String {
    let encoded = |text: &str| text.replace('"', "%22").replace(' ', "%20").replace('{', "%7B").replace('}', "%7D");
    let trust = encoded(
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#,
    );
    let policy = encoded(&format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [{}]}}]}}"#,
        (0..12).map(|bucket| format!(r#""arn:aws:s3:::acme-bucket-number-{bucket}/*""#)).collect::<Vec<_>>().join(", ")
    ));
    let mut roles = String::new();
    for role in number * PAGE..(number + 1) * PAGE {
        write!(
            roles,
            "<member><Path>/</Path><RoleName>role-{role}</RoleName><RoleId>AROA{role:017}</RoleId><Arn>arn:aws:iam::111122223333:role/role-{role}</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument><RolePolicyList>\
             <member><PolicyName>one</PolicyName><PolicyDocument>{policy}</PolicyDocument></member>\
             <member><PolicyName>two</PolicyName><PolicyDocument>{policy}</PolicyDocument></member></RolePolicyList>\
             <AttachedManagedPolicies/><Tags><member><Key>team</Key><Value>t{role}</Value></member></Tags></member>"
        )
        .expect("a string takes it");
    }
    let more = (number + 1) * PAGE < ROLES;
    let marker = if more { format!("<Marker>p{}</Marker>", number + 1) } else { String::new() };
    format!(
        "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountAuthorizationDetailsResult>\
         <IsTruncated>{more}</IsTruncated>{marker}<RoleDetailList>{roles}</RoleDetailList></GetAccountAuthorizationDetailsResult>\
         </GetAccountAuthorizationDetailsResponse>"
    )
}

/// The page that a request asks for.
fn wanted(seen: &Seen) -> usize {
    let marker = seen.body.split('&').find_map(|pair| pair.strip_prefix("Marker=p"));
    marker.map_or(0, |number| number.parse().expect("a page"))
}

fn account(seen: &Seen) -> Treatment {
    match seen.operation.as_str() {
        "GetAccountAuthorizationDetails" => Treatment::Answer(200, "text/xml", page(wanted(seen))),
        "GetCallerIdentity" => Treatment::Answer(
            200,
            "text/xml",
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ana</Arn><UserId>AIDAANA</UserId>\
             <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                .into(),
        ),
        _ => Treatment::Refuse,
    }
}

/// The most memory that a process has had, in megabytes, as Linux tells it.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_roles_pass_through_in_less_than_300_megabytes() {
    let relay = Relay::new(None);
    relay.treat(account);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("account.json");
    let mut child = start(program(&relay, &["collect", "aws", "-o", target.to_str().unwrap()]));
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
    let size = std::fs::metadata(&target).unwrap().len() >> 20;
    println!("{ROLES} roles, {size} MB written, at most {most} MB of memory");
    assert!(most > 0 && most < 300, "{most} MB");
    let text = super::program::file(&target);
    assert_eq!(text.matches("\"kind\":\"aws:role\",\"subject\":\"arn:aws:iam::111122223333:role/role-").count(), ROLES);
}

#[test]
fn an_interruption_among_the_pages_goes_on_with_the_next_page() {
    let relay = Relay::new(None);
    relay.treat(
        |seen| if seen.operation == "GetAccountAuthorizationDetails" && wanted(seen) == 7 { Treatment::Silence } else { account(seen) },
    );
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("account.json");
    let words = ["collect", "aws", "-o", target.to_str().unwrap()];
    let mut child = start(program(&relay, &words));
    let pages = || relay.seen().iter().filter(|seen| seen.operation == "GetAccountAuthorizationDetails").map(wanted).collect::<Vec<_>>();
    while pages().last() != Some(&7) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before page 7");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    relay.treat(account);
    let output = run(program(&relay, &words));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(pages(), (7..ROLES / PAGE).collect::<Vec<_>>());
    let text = super::program::file(&target);
    assert_eq!(text.matches("\"kind\":\"aws:role\",\"subject\":\"arn:aws:iam::111122223333:role/role-").count(), ROLES);
}
