//! What each command prints, with invented names, and what becomes of it.

use super::{assemble, recognise};
use iam_why_contract::snapshot::SourceFile;
use iam_why_contract::{Document, Outcome, Snapshot};

fn read(path: &str, text: &str) -> Snapshot {
    recognise(SourceFile { path, text }).unwrap_or_else(|| panic!("{path} is not recognised"))
}

/// The only document of a file: kind, subject, title.
fn told(path: &str, text: &str) -> (String, String, String) {
    let snapshot = read(path, text);
    assert_eq!((snapshot.remarks.as_slice(), snapshot.documents().len()), ([].as_slice(), 1), "{path}");
    let document = &snapshot.documents()[0];
    (document.kind.to_string(), document.subject.to_string(), document.title.to_string())
}

fn kind_and_subject(path: &str, text: &str) -> String {
    let (kind, subject, _) = told(path, text);
    format!("{kind} {subject}")
}

fn remark(path: &str, text: &str) -> String {
    let snapshot = read(path, text);
    assert!(snapshot.documents().is_empty(), "{path}");
    snapshot.remarks.join("\n")
}

fn folder(files: &[(&str, &str)]) -> Snapshot {
    let mut all = Snapshot::default();
    files.iter().for_each(|(path, text)| all.merge(read(path, text)));
    assemble(all)
}

fn excerpt(document: &Document) -> (&str, u32) {
    (&document.origin.source, document.origin.line)
}

const GAAD: &str = r#"{
    "UserDetailList": [
        {"UserName": "ana", "Arn": "arn:aws:iam::111122223333:user/ana", "GroupList": ["readers"]}
    ],
    "GroupDetailList": [
        {"GroupName": "readers", "Arn": "arn:aws:iam::111122223333:group/readers", "GroupPolicyList": []}
    ],
    "RoleDetailList": [
        {
            "RoleName": "app",
            "Arn": "arn:aws:iam::111122223333:role/team/app",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
            "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement": {"Effect": "Allow"}}}]
        }
    ],
    "Policies": [
        {
            "PolicyName": "reports",
            "Arn": "arn:aws:iam::111122223333:policy/reports",
            "PolicyVersionList": [
                {"Document": {"Statement": "new"}, "VersionId": "v2", "IsDefaultVersion": false},
                {
                    "Document": {"Statement": "old"},
                    "VersionId": "v1", "IsDefaultVersion": true
                }
            ]
        },
        {
            "PolicyName": "ReadOnlyAccess",
            "Arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "PolicyVersionList": [{"Document": {}, "VersionId": "v9", "IsDefaultVersion": true}]
        }
    ]
}"#;

#[test]
fn an_account_is_cut_into_identities_and_policies_where_they_stand() {
    let snapshot = read("gaad.json", GAAD);
    let role = snapshot.of("aws:role", "arn:aws:iam::111122223333:role/team/app").next().unwrap();
    assert_eq!((excerpt(role), &*role.title), (("gaad.json", 9), "role app"));
    assert!(role.text.starts_with("{\n            \"RoleName\""));
    let policy = snapshot.of("aws:managed-policy", "arn:aws:iam::111122223333:policy/reports").next().unwrap();
    assert_eq!((&*policy.text, excerpt(policy), &*policy.title), (r#"{"Statement": "old"}"#, ("gaad.json", 23), "reports"));
    assert_eq!(snapshot.documents().len(), 5);
}

#[test]
fn an_account_says_who_is_not_in_it_and_nothing_of_others() {
    let snapshot = read("gaad.json", GAAD);
    let absent = Some(&Outcome::Absent);
    assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::111122223333:role/gone"), absent);
    assert_eq!(snapshot.outcome("aws:user", "arn:aws:iam::111122223333:user/gone"), absent);
    assert_eq!(snapshot.outcome("aws:managed-policy", "arn:aws:iam::111122223333:policy/gone"), absent);
    assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::444455556666:role/gone"), None);
    assert_eq!(snapshot.outcome("aws:managed-policy", "arn:aws:iam::aws:policy/AdministratorAccess"), None, "listed only where attached");
}

#[test]
fn a_list_that_may_have_been_left_out_says_nothing() {
    let roles =
        r#"{"UserDetailList": [], "RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/a"}], "GroupDetailList": [], "Policies": []}"#;
    let snapshot = read("gaad.json", roles);
    assert_eq!(snapshot.outcome("aws:user", "arn:aws:iam::111122223333:user/ana"), None, "--filter Role prints no users");
    let page = r#"{"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/a"}], "IsTruncated": true, "Marker": "x"}"#;
    let snapshot = read("gaad.json", page);
    assert_eq!(snapshot.outcome("aws:role", "arn:aws:iam::111122223333:role/b"), None);
    assert_eq!(snapshot.remarks, ["`gaad.json` is one page of get-account-authorization-details; what the other pages hold is not known"]);
}

#[test]
fn policies_that_the_api_returned_encoded_are_decoded_inside_their_role() {
    let text = r#"{"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleId": 1.0,
        "AssumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%7D",
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": "{\"Statement\":[]}"}]}]}"#;
    let snapshot = read("gaad.json", text);
    let role = &snapshot.documents()[0];
    assert_eq!(excerpt(role), ("gaad.json#/RoleDetailList/0", 1));
    let value: serde_json::Value = serde_json::from_str(&role.text).unwrap();
    assert_eq!(value["AssumeRolePolicyDocument"]["Version"], "2012-10-17");
    assert_eq!(value["RolePolicyList"][0]["PolicyDocument"]["Statement"], serde_json::json!([]));
    assert!(role.text.contains("\"RoleId\": 1.0,"), "the rest is untouched: {}", role.text);
}

#[test]
fn outputs_that_say_whose_they_are() {
    let arn = "arn:aws:iam::111122223333";
    let role = format!(r#"{{"Role": {{"RoleName": "app", "Arn": "{arn}:role/app", "AssumeRolePolicyDocument": {{}}}}}}"#);
    assert_eq!(told("r.json", &role), ("aws:role".into(), format!("{arn}:role/app"), "role app".into()));
    let user = format!(r#"{{"User": {{"UserName": "ana", "Arn": "{arn}:user/ana"}}}}"#);
    assert_eq!(kind_and_subject("u.json", &user), format!("aws:user {arn}:user/ana"));
    let group = format!(r#"{{"Users": [], "Group": {{"GroupName": "readers", "Arn": "{arn}:group/readers"}}}}"#);
    assert_eq!(kind_and_subject("g.json", &group), format!("aws:group {arn}:group/readers"));
    let scp = r#"{"Policy": {"PolicySummary": {"Id": "p-1a2b3c4d", "Name": "Guard", "Type": "SERVICE_CONTROL_POLICY"}, "Content": "{\"Statement\": []}"}}"#;
    assert_eq!(told("x.json", scp), ("aws:scp".into(), "p-1a2b3c4d".into(), "Guard".into()));
    let rcp = scp.replace("SERVICE_", "RESOURCE_");
    assert_eq!(kind_and_subject("x.json", &rcp), "aws:rcp p-1a2b3c4d");
    let key = r#"{"KeyMetadata": {"KeyId": "1234", "Arn": "arn:aws:kms:eu-west-1:111122223333:key/1234"}}"#;
    assert_eq!(kind_and_subject("x.json", key), "aws:kms-key arn:aws:kms:eu-west-1:111122223333:key/1234");
    let grants = r#"{"Grants": [{"KeyId": "arn:aws:kms:eu-west-1:111122223333:key/1234", "GrantId": "a"}]}"#;
    assert_eq!(kind_and_subject("x.json", grants), "aws:kms-grants arn:aws:kms:eu-west-1:111122223333:key/1234");
    let queue = r#"{"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "Policy": "{\"Statement\":[]}"}}"#;
    assert_eq!(kind_and_subject("x.json", queue), "aws:resource-policy arn:aws:sqs:eu-west-1:111122223333:jobs");
    let topic = queue.replace("QueueArn", "TopicArn").replace(":sqs:", ":sns:");
    assert_eq!(kind_and_subject("x.json", &topic), "aws:resource-policy arn:aws:sns:eu-west-1:111122223333:jobs");
    let secret = r#"{"ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", "Name": "db", "ResourcePolicy": "{}"}"#;
    assert_eq!(kind_and_subject("x.json", secret), "aws:resource-policy arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf");
    let endpoints = r#"{"VpcEndpoints": [{"VpcEndpointId": "vpce-0a1b", "PolicyDocument": "{\"Statement\":[]}"}]}"#;
    assert_eq!(told("x.json", endpoints), ("aws:vpc-endpoint".into(), "vpce-0a1b".into(), "VPC endpoint vpce-0a1b".into()));
    let point = r#"{"Name": "ap", "Bucket": "acme-reports", "NetworkOrigin": "Internet", "PublicAccessBlockConfiguration": {},
        "AccessPointArn": "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap"}"#;
    assert_eq!(kind_and_subject("x.json", point), "aws:access-point arn:aws:s3:eu-west-1:111122223333:accesspoint/ap");
    let url = r#"{"FunctionUrl": "https://x", "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "AuthType": "AWS_IAM"}"#;
    assert_eq!(kind_and_subject("x.json", url), "aws:function-url arn:aws:lambda:eu-west-1:111122223333:function:f");
    let caller = r#"{"UserId": "AIDAEXAMPLE", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/ana"}"#;
    assert_eq!(kind_and_subject("x.json", caller), "aws:caller 111122223333");
}

#[test]
fn outputs_whose_file_says_whose_they_are() {
    let cases = [
        ("get-public-access-block.acme.json", r#"{"PublicAccessBlockConfiguration": {}}"#, "aws:public-access-block arn:aws:s3:::acme"),
        ("get-public-access-block.111122223333.json", r#"{"PublicAccessBlockConfiguration": {}}"#, "aws:public-access-block 111122223333"),
        ("get-bucket-acl.acme.json", r#"{"Owner": {}, "Grants": []}"#, "aws:bucket-acl arn:aws:s3:::acme"),
        ("get-object-acl.acme%2Fa.csv.json", r#"{"Owner": {}, "Grants": []}"#, "aws:object-acl arn:aws:s3:::acme/a.csv"),
        (
            "s3/acme/get-bucket-ownership-controls.json",
            r#"{"OwnershipControls": {"Rules": []}}"#,
            "aws:ownership-controls arn:aws:s3:::acme",
        ),
        ("bucket-encryption--acme.json", r#"{"ServerSideEncryptionConfiguration": {}}"#, "aws:bucket-encryption arn:aws:s3:::acme"),
        ("get-bucket-request-payment.acme.json", r#"{"Payer": "Requester"}"#, "aws:request-payment arn:aws:s3:::acme"),
        ("get-bucket-policy-status.acme.json", r#"{"PolicyStatus": {"IsPublic": false}}"#, "aws:policy-status arn:aws:s3:::acme"),
        (
            "head-object.acme%2Fa.csv.json",
            r#"{"ETag": "x", "LastModified": "2026-01-02T03:04:05+00:00"}"#,
            "aws:object arn:aws:s3:::acme/a.csv",
        ),
        ("list-parents.111122223333.json", r#"{"Parents": [{"Id": "r-a1b2", "Type": "ROOT"}]}"#, "aws:parents 111122223333"),
        (
            "list-policies-for-target.ou-a1b2-c3d4e5f6.json",
            r#"{"Policies": [{"Id": "p-1", "Type": "SERVICE_CONTROL_POLICY"}]}"#,
            "aws:attached-scps ou-a1b2-c3d4e5f6",
        ),
        ("list-policies-for-target.r-a1b2--RESOURCE_CONTROL_POLICY.json", r#"{"Policies": []}"#, "aws:attached-rcps r-a1b2"),
        ("111122223333/describe-organization.json", r#"{"Organization": {"Id": "o-a1"}}"#, "aws:organization 111122223333"),
        (
            "111122223333/eu-west-1/get-repository-policy.json",
            r#"{"registryId": "111122223333", "repositoryName": "web/api", "policyText": "{}"}"#,
            "aws:resource-policy arn:aws:ecr:eu-west-1:111122223333:repository/web/api",
        ),
        (
            "111122223333/eu-west-1/dynamodb/orders/get-resource-policy.json",
            r#"{"Policy": "{}", "RevisionId": "1"}"#,
            "aws:resource-policy arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        ),
        ("scp--p-1a2b3c4d.json", r#"{"Version": "2012-10-17", "Statement": []}"#, "aws:scp p-1a2b3c4d"),
        ("bucket-policy--acme.json", r#"{"Version": "2012-10-17", "Statement": []}"#, "aws:resource-policy arn:aws:s3:::acme"),
    ];
    for (path, text, expected) in cases {
        assert_eq!(kind_and_subject(path, text), expected, "{path}");
    }
}

#[test]
fn a_bucket_policy_is_decoded_and_its_lines_are_its_own() {
    let snapshot = read("get-bucket-policy.acme.json", r#"{"Policy": "{\"Statement\":[{\"Effect\":\"Deny\"}]}"}"#);
    let policy = &snapshot.documents()[0];
    assert_eq!(&*policy.text, "{\n  \"Statement\": [\n    {\n      \"Effect\": \"Deny\"\n    }\n  ]\n}");
    assert_eq!((excerpt(policy), &*policy.title), (("get-bucket-policy.acme.json#/Policy", 1), "bucket policy of acme"));
    let plain = read("get-bucket-policy.acme.json", "{\n \"Policy\":\n {\"Statement\": []}}");
    assert_eq!(excerpt(&plain.documents()[0]), ("get-bucket-policy.acme.json", 3));
}

#[test]
fn a_policy_that_names_its_resource_needs_no_file_name() {
    let bucket = r#"{"Policy": "{\"Statement\":[{\"Resource\":[\"arn:aws:s3:::acme\",\"arn:aws:s3:::acme/*\"]}]}"}"#;
    assert_eq!(kind_and_subject("x.json", bucket), "aws:resource-policy arn:aws:s3:::acme");
    let function =
        r#"{"Policy": "{\"Statement\":[{\"Resource\":\"arn:aws:lambda:eu-west-1:111122223333:function:f\"}]}", "RevisionId": "1"}"#;
    assert_eq!(kind_and_subject("x.json", function), "aws:resource-policy arn:aws:lambda:eu-west-1:111122223333:function:f");
    let anything = r#"{"Policy": "{\"Statement\":[{\"Resource\":\"*\"}]}"}"#;
    assert_eq!(
        remark("x.json", anything),
        "`x.json` holds what `aws s3api get-bucket-policy` prints, which does not say whose it is: call the file `get-bucket-policy.BUCKET.json`"
    );
}

const ROLE: (&str, &str) = ("get-role.json", r#"{"Role": {"Arn": "arn:aws:iam::111122223333:role/team/app"}}"#);

#[test]
fn what_belongs_to_a_role_finds_it_among_the_other_files() {
    let snapshot = folder(&[
        ROLE,
        ("p.json", r#"{"RoleName": "app", "PolicyName": "own", "PolicyDocument": {"Statement": []}}"#),
        ("list-role-policies.app.json", r#"{"PolicyNames": ["own"]}"#),
        (
            "list-attached-role-policies.app.json",
            r#"{"AttachedPolicies": [{"PolicyName": "reports", "PolicyArn": "arn:aws:iam::111122223333:policy/reports"}]}"#,
        ),
        (
            "get-policy-version.reports.json",
            r#"{"PolicyVersion": {"Document": {"Statement": []}, "VersionId": "v1", "IsDefaultVersion": true}}"#,
        ),
    ]);
    let arn = "arn:aws:iam::111122223333:role/team/app";
    assert_eq!(snapshot.remarks, [""; 0]);
    assert_eq!(snapshot.of("aws:inline-policy", arn).map(|document| &*document.title).collect::<Vec<_>>(), ["own"]);
    assert!(matches!(snapshot.outcome("aws:inline-policy", arn), Some(Outcome::NotTried { .. })), "one policy is not all policies");
    assert_eq!(snapshot.of("aws:inline-policy-names", arn).count(), 1);
    assert_eq!(snapshot.of("aws:attached-policies", arn).count(), 1);
    assert_eq!(snapshot.of("aws:managed-policy", "arn:aws:iam::111122223333:policy/reports").count(), 1);
}

#[test]
fn the_account_comes_from_the_folder_or_the_caller() {
    let names = r#"{"PolicyNames": []}"#;
    let snapshot = folder(&[("111122223333/list-role-policies.app.json", names)]);
    assert_eq!(snapshot.of("aws:inline-policy-names", "arn:aws:iam::111122223333:role/app").count(), 1);
    let caller = r#"{"UserId": "x", "Account": "444455556666", "Arn": "arn:aws:iam::444455556666:user/ana"}"#;
    let snapshot = folder(&[
        ("me.json", caller),
        ("list-role-policies.app.json", names),
        ("describe-organization.json", r#"{"Organization": {"Id": "o-1", "MasterAccountId": "111122223333"}}"#),
    ]);
    assert_eq!(snapshot.of("aws:inline-policy-names", "arn:aws:iam::444455556666:role/app").count(), 1);
    assert_eq!(snapshot.of("aws:organization", "444455556666").count(), 1);
    assert_eq!(snapshot.of("aws:organization", "111122223333").count(), 1);
}

#[test]
fn a_bucket_in_the_folder_of_an_account_belongs_to_it() {
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let tags = r#"{"ResourceTagMappingList": [{"ResourceARN": "arn:aws:s3:::acme", "Tags": [{"Key": "team", "Value": "data"}]}]}"#;
    let snapshot = folder(&[
        ("111122223333/s3/acme/bucket-policy.json", policy),
        ("111122223333/s3/acme/get-bucket-acl.json", r#"{"Owner": {}, "Grants": []}"#),
        ("tags.json", tags),
    ]);
    let facts: Vec<&str> = snapshot.of("aws:resource", "arn:aws:s3:::acme").map(|document| &*document.text).collect();
    assert_eq!(facts, [r#"{"Account":"111122223333","Tags":{"team":"data"}}"#]);
}

#[test]
fn of_two_files_about_the_same_one_counts() {
    let arn = "arn:aws:iam::111122223333:role/team/app";
    let snapshot = folder(&[ROLE, ("gaad.json", GAAD)]);
    let roles: Vec<&Document> = snapshot.of("aws:role", arn).collect();
    assert_eq!((roles.len(), roles[0].text.contains("RolePolicyList")), (1, true), "the detail says more than get-role");
    let policy = |sid: &str| format!(r#"{{"Version": "2012-10-17", "Id": "{sid}", "Statement": []}}"#);
    let snapshot = folder(&[("scp--p-1.json", &policy("new")), ("old/scp--p-1.json", &policy("old"))]);
    assert_eq!(snapshot.of("aws:scp", "p-1").count(), 1);
    assert_eq!(snapshot.remarks, ["`scp--p-1.json` counts for aws:scp of p-1; `old/scp--p-1.json` says something else"]);
}

#[test]
fn several_documents_of_one_subject_are_left_to_the_cloud_they_belong_to() {
    let deny = |text: &str| Document::new("gcp:deny-policy", "projects/shop", text, text);
    let snapshot = assemble(Snapshot::new([deny("one"), deny("two")], []));
    assert_eq!(snapshot.of("gcp:deny-policy", "projects/shop").count(), 2);
    assert!(snapshot.remarks.is_empty());
}

#[test]
fn what_nobody_places_is_left_out_and_said() {
    let names = r#"{"PolicyNames": []}"#;
    let snapshot = folder(&[("list-role-policies.app.json", names)]);
    assert!(snapshot.documents().is_empty());
    assert_eq!(
        snapshot.remarks,
        [
            "`list-role-policies.app.json` is of `role/app`, whose ARN is not known: add what `aws iam get-role` prints, or name the file by the ARN"
        ]
    );
    let two = r#"{"Role": {"Arn": "arn:aws:iam::444455556666:role/app"}}"#;
    let snapshot = folder(&[ROLE, ("other.json", two), ("list-role-policies.app.json", names)]);
    assert_eq!(snapshot.documents().len(), 2);
    assert!(snapshot.remarks[0].contains("may be arn:aws:iam::111122223333:role/team/app or arn:aws:iam::444455556666:role/app"));
    assert_eq!(
        remark("some.json", r#"{"PolicyNames": []}"#),
        "`some.json` holds what `aws iam list-role-policies` prints, which does not say whose it is: call the file `list-role-policies.NAME.json`"
    );
    assert!(
        remark("policy.json", r#"{"Version": "2012-10-17", "Statement": []}"#).starts_with("`policy.json` holds a bare policy document")
    );
}

#[test]
fn an_error_that_says_there_is_none_is_a_fact() {
    let none = "\nAn error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: The bucket policy does not exist\n";
    let snapshot = read("get-bucket-policy.acme.json", none);
    assert_eq!(snapshot.outcome("aws:resource-policy", "arn:aws:s3:::acme"), Some(&Outcome::Absent));
    let refused = "An error occurred (AccessDenied) when calling the GetBucketPolicy operation: Access Denied";
    let snapshot = read("get-bucket-policy.acme.json", refused);
    let expected = Outcome::Refused { needs: "s3:GetBucketPolicy".into(), said: refused.into() };
    assert_eq!(snapshot.outcome("aws:resource-policy", "arn:aws:s3:::acme"), Some(&expected));
    let gone = "An error occurred (NoSuchBucket) when calling the GetBucketPolicy operation: The specified bucket does not exist";
    assert!(matches!(
        read("get-bucket-policy.acme.json", gone).outcome("aws:resource-policy", "arn:aws:s3:::acme"),
        Some(Outcome::NotTried { .. })
    ));
    let alone = r#"{"ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", "Name": "db"}"#;
    let snapshot = read("x.json", alone);
    assert_eq!(
        snapshot.outcome("aws:resource-policy", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"),
        Some(&Outcome::Absent)
    );
}

#[test]
fn damaged_files_are_named_and_never_half_read() {
    assert_eq!(
        remark("get-bucket-policy.acme.json", "{\n  \"Policy\": \"{"),
        "`get-bucket-policy.acme.json` is not what `aws s3api get-bucket-policy` prints: EOF while parsing a string at line 2 column 14"
    );
    assert!(
        remark("gaad.json", GAAD.split_at(900).0)
            .starts_with("`gaad.json` is not what `aws iam get-account-authorization-details` prints: EOF")
    );
    assert_eq!(
        remark("get-bucket-policy.acme.json", " \n"),
        "`get-bucket-policy.acme.json` is empty, expected what `aws s3api get-bucket-policy` prints"
    );
    assert!(remark("gaad.json", r#"{"RoleDetailList": {}}"#).contains("has no list at `/RoleDetailList`"));
    let large = format!("{{\"Policy\": \"{}\"}}", "x".repeat(3 << 20));
    assert!(remark("get-bucket-policy.acme.json", &large).contains("more than 2 MiB"));
    let twice = r#"{"RoleDetailList": [{"Arn": "arn:aws:iam::1:role/a", "Arn": "arn:aws:iam::1:role/b"}]}"#;
    assert!(remark("gaad.json", twice).contains("has no `Arn` at `/RoleDetailList/0`"));
}

#[test]
fn other_files_are_nobody_s() {
    for text in ["", "hello", "[]", "null", "{}", r#"{"bindings": []}"#, "{\"a\": ", "\u{feff}"] {
        assert!(recognise(SourceFile { path: "x.json", text }).is_none(), "{text}");
    }
    let bom = format!("\u{feff}{}", ROLE.1);
    assert_eq!(kind_and_subject("x.json", &bom), "aws:role arn:aws:iam::111122223333:role/team/app");
}

#[test]
fn an_output_that_happens_to_look_alike_says_nothing() {
    let described = r#"{"ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", "Name": "db", "KmsKeyId": "alias/x"}"#;
    assert!(recognise(SourceFile { path: "x.json", text: described }).is_none(), "describe-secret prints no policy");
    let some = r#"{"Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "VisibilityTimeout": "30"}}"#;
    let snapshot = read("x.json", some);
    assert_eq!(
        snapshot.outcome("aws:resource-policy", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
        None,
        "not all attributes were asked for"
    );
    assert!(remark("get-bucket-policy.acme.json", r#"{"PublicAccessBlockConfiguration": {}}"#).contains("does not say whose it is"));
}

#[test]
fn tags_of_resources() {
    let tagged = r#"{"ResourceTagMappingList": [{"ResourceARN": "arn:aws:s3:::acme", "Tags": [{"Key": "team", "Value": "data"}]}]}"#;
    assert_eq!(kind_and_subject("x.json", tagged), "aws:resource arn:aws:s3:::acme");
    assert_eq!(&*read("x.json", tagged).documents()[0].text, r#"{"Tags":{"team":"data"}}"#);
}

#[test]
fn a_folder_of_iam_collect_as_far_as_it_is_documented() {
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let queue = "arn:aws:sqs:eu-west-1:111122223333:Jobs";
    let metadata = format!(r#"{{"arn": "{queue}", "name": "Jobs"}}"#);
    let snapshot = folder(&[
        ("data/aws/aws/accounts/111122223333/s3/acme/policy.json", policy),
        ("data/aws/aws/accounts/111122223333/sqs/eu-west-1/jobs/metadata.json", &metadata),
        ("data/aws/aws/accounts/111122223333/sqs/eu-west-1/jobs/policy.json", policy),
        ("data/aws/aws/accounts/111122223333/sqs/eu-west-1/lost/policy.json", policy),
        ("data/aws/aws/accounts/111122223333/iam/role/app/trust-policy.json", policy),
        ("data/aws/aws/accounts/111122223333/iam/role/web/trust-policy.json", policy),
        ("data/aws/aws/organizations/o-a1/scps/p-1a2b3c4d/policy.json", policy),
    ]);
    let found: Vec<String> = snapshot.documents().iter().map(|document| format!("{} {}", document.kind, document.subject)).collect();
    let expected = [
        "aws:resource-policy arn:aws:s3:::acme".to_owned(),
        format!("aws:resource {queue}"),
        format!("aws:resource-policy {queue}"),
        "aws:scp p-1a2b3c4d".to_owned(),
    ];
    assert_eq!(found, expected);
    assert_eq!(snapshot.remarks.len(), 2, "{:?}", snapshot.remarks);
}

#[test]
fn no_part_of_a_file_is_taken_for_the_whole() {
    for at in (0..GAAD.len()).filter(|&at| GAAD.is_char_boundary(at)) {
        let cut = recognise(SourceFile { path: "gaad.json", text: GAAD.split_at(at).0 });
        assert!(cut.is_none_or(|snapshot| snapshot.documents().is_empty() && snapshot.searches().is_empty()), "cut at {at}");
    }
}

#[test]
fn deep_nesting_is_taken_in_as_it_is() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let role = format!(r#"{{"Role": {{"Arn": "arn:aws:iam::111122223333:role/app", "AssumeRolePolicyDocument": {deep}}}}}"#);
    assert_eq!(read("x.json", &role).documents().len(), 1);
}
