//! What is proposed for a denied request, and that it lets through nothing else.

use crate::Aws;
use crate::documents::KINDS;
use iam_why_contract::{Context, Decision, Document, Fix, Outcome, Provider, Question, Search, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/i-0abc";
const OTHER: &str = "arn:aws:iam::111122223333:role/other";
const FOREIGN: &str = "arn:aws:iam::444455556666:role/partner";
const OBJECT: &str = "arn:aws:s3:::acme-reports/2026/a.csv";
const BUCKET: &str = "arn:aws:s3:::acme-reports";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A world in which what is not named is known not to be there.
struct World(Snapshot);

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let documents = self.0.documents().iter().filter(|document| {
            document.subject.contains("app")
                || *document.kind == *"aws:scp"
                || document.subject.contains("limits")
                || document.subject.contains("acme")
        });
        documents.into_iter().try_for_each(|document| writeln!(formatter, "{}: {}", document.id, document.text))
    }
}

impl World {
    fn new() -> Self {
        let absent = |kind: &str| Search { kind: kind.into(), subject: "*".into(), outcome: Outcome::Absent };
        Self(Snapshot::new([], KINDS.iter().map(|kind| absent(kind.id))))
    }

    fn with(mut self, kind: &str, subject: &str, title: &str, text: &Value) -> Self {
        self.0.note(Search { kind: kind.into(), subject: subject.into(), outcome: Outcome::Found });
        self.0.add(Document::new(kind, subject, title, serde_json::to_string_pretty(text).unwrap()));
        self
    }

    fn role(self, arn: &str, policies: &[Value], boundary: Option<&str>) -> Self {
        let inline: Vec<Value> =
            policies.iter().enumerate().map(|(at, policy)| json!({"PolicyName": format!("p{at}"), "PolicyDocument": policy})).collect();
        let mut detail = json!({"Arn": arn, "RoleName": arn.rsplit('/').next(), "RoleId": "AROAEXAMPLE", "RolePolicyList": inline, "AttachedManagedPolicies": [],
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}});
        if let Some(boundary) = boundary {
            detail["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary});
        }
        self.with("aws:role", arn, &format!("role {}", arn.rsplit('/').next().unwrap()), &detail)
    }

    fn bucket(self, policy: &Value) -> Self {
        self.with("aws:resource-policy", BUCKET, "bucket policy of acme-reports", policy).owned()
    }

    /// The bucket belongs to account 111122223333, and so do its objects.
    fn owned(self) -> Self {
        self.owned_by("111122223333")
    }

    fn owned_by(self, account: &str) -> Self {
        let enforced = json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}});
        self.with("aws:resource", BUCKET, "acme-reports", &json!({"Account": account})).with(
            "aws:ownership-controls",
            BUCKET,
            "",
            &enforced,
        )
    }

    /// Account 111122223333 in an organization of one unit whose policies are these.
    fn organization(self, policies: &[Value]) -> Self {
        let listed: Vec<Value> = policies
            .iter()
            .enumerate()
            .map(|(at, _)| json!({"Id": format!("p-{at}"), "Name": format!("Guard{at}"), "Type": "SERVICE_CONTROL_POLICY"}))
            .collect();
        let full = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let everything = json!({"Policies": [{"Id": "p-FullAWSAccess", "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY"}]});
        let world = self
            .with(
                "aws:organization",
                "111122223333",
                "the organization",
                &json!({"Id": "o-a1", "MasterAccountId": "999988887777", "FeatureSet": "ALL"}),
            )
            .with("aws:parents", "111122223333", "", &json!({"Parents": [{"Id": "ou-a1-prod", "Type": "ORGANIZATIONAL_UNIT"}]}))
            .with("aws:parents", "ou-a1-prod", "", &json!({"Parents": [{"Id": "r-a1", "Type": "ROOT"}]}))
            .with("aws:attached-scps", "111122223333", "", &everything)
            .with("aws:attached-scps", "r-a1", "", &everything)
            .with("aws:attached-scps", "ou-a1-prod", "", &json!({"Policies": listed}))
            .with("aws:scp", "p-FullAWSAccess", "FullAWSAccess", &full);
        policies
            .iter()
            .enumerate()
            .fold(world, |world, (at, policy)| world.with("aws:scp", &format!("p-{at}"), &format!("Guard{at}"), policy))
    }

    fn decide(&self, question: &Question) -> Decision {
        Aws.simulate(question, &self.0).unwrap().decision
    }

    fn fixes(&self, question: &Question) -> Vec<Fix> {
        let verdict = Aws.simulate(question, &self.0).unwrap();
        assert_eq!(verdict.decision, Decision::Deny, "{:?}", verdict.doubts);
        for fix in &verdict.fixes {
            assert_eq!(World(self.0.with(fix.edits()).unwrap()).decide(question), Decision::Allow, "{}", fix.says());
        }
        verdict.fixes
    }
}

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    policy(json!([{"Effect": "Allow", "Action": action, "Resource": resource}]))
}

fn ask(principal: &str, action: &str, resource: &str) -> Question {
    let mut context = Context::complete();
    for (key, value) in [("aws:SecureTransport", "true"), ("aws:RequestedRegion", "eu-west-1")] {
        context = context.with(key, [value]);
    }
    Question { provider: "aws".into(), principal: principal.into(), action: action.into(), resource: Some(resource.into()), context }
}

fn says(fixes: &[Fix]) -> Vec<&str> {
    fixes.iter().map(Fix::says).collect()
}

#[test]
fn a_role_without_the_permission_gets_an_inline_policy_or_a_statement_on_the_bucket() {
    let world = World::new().role(ROLE, &[allow("s3:PutObject", "*")], None).bucket(&policy(json!([])));
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    assert_eq!(
        says(&fixes),
        [
            "add to role app the inline policy AllowS3GetObject that allows s3:GetObject on arn:aws:s3:::acme-reports/2026/a.csv",
            "add to the resource policy of bucket acme-reports a statement that allows role app to s3:GetObject on arn:aws:s3:::acme-reports/2026/a.csv",
        ]
    );
    assert_eq!(
        fixes[0].commands(),
        ["aws iam put-role-policy --role-name app --policy-name AllowS3GetObject --policy-document \
          '{\"Statement\":[{\"Action\":\"s3:GetObject\",\"Effect\":\"Allow\",\"Resource\":\"arn:aws:s3:::acme-reports/2026/a.csv\"}],\"Version\":\"2012-10-17\"}'"]
    );
    assert_eq!(
        fixes[1].edits()[0].patch,
        [json!({"op": "add", "path": "/Statement/-", "value":
        {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:GetObject", "Resource": OBJECT}})]
    );
    assert!(fixes.iter().all(|fix| fix.widens().is_none()));
}

#[test]
fn across_accounts_both_sides_are_one_fix() {
    let world = World::new().role(FOREIGN, &[], None).owned();
    let fixes = world.fixes(&ask(FOREIGN, "s3:GetObject", OBJECT));
    assert_eq!(fixes.len(), 1);
    let documents: Vec<&str> = fixes[0].edits().iter().map(|edit| edit.document.as_str()).collect();
    assert_eq!(documents.len(), 2, "{documents:?}");
    assert!(fixes[0].says().contains("; and add to the resource policy of bucket acme-reports"));
}

#[test]
fn a_resource_that_takes_no_policy_gets_none() {
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc";
    let fixes = World::new().role(ROLE, &[], None).fixes(&ask(SESSION, "ec2:StopInstances", instance));
    assert_eq!(
        says(&fixes),
        [format!("add to role app the inline policy AllowEc2StopInstances that allows ec2:StopInstances on {instance}")]
    );
}

#[test]
fn a_service_control_policy_that_denies_gets_an_exemption_that_says_how_wide_it_is() {
    let everything = policy(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let guard = policy(
        json!([{"Sid": "NoReports", "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}}]),
    );
    let world = World::new().role(ROLE, &[allow("s3:GetObject", "*")], None).owned().organization(&[everything, guard]);
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    assert_eq!(says(&fixes), ["exempt role app from statement NoReports of Guard1"]);
    assert_eq!(
        fixes[0].edits()[0].patch,
        [json!({"op": "replace", "path": "/Statement/0/Condition/ArnNotLike/aws:PrincipalArn",
        "value": ["arn:aws:iam::*:role/admin", ROLE]})]
    );
    assert_eq!(
        fixes[0].widens(),
        Some("role app is then exempt from all that statement NoReports of Guard1 denies, not from this request alone")
    );
}

#[test]
fn a_silent_service_control_policy_allows_the_action_for_the_caller_alone() {
    let world = World::new().role(ROLE, &[allow("s3:GetObject", "*")], None).owned().organization(&[allow("ec2:*", "*")]);
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    assert_eq!(says(&fixes), ["let service control policy Guard0 on ou-a1-prod allow s3:GetObject for role app"]);
    assert_eq!(
        fixes[0].edits()[0].patch[0]["value"],
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT,
        "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}})
    );
}

#[test]
fn everything_that_stands_in_the_way_is_one_fix() {
    let boundary = "arn:aws:iam::111122223333:policy/limits";
    let world = World::new()
        .role(ROLE, &[], Some(boundary))
        .with("aws:managed-policy", boundary, "limits", &allow("ec2:*", "*"))
        .owned()
        .organization(&[allow("ec2:*", "*")]);
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    assert_eq!(fixes[0].edits().len(), 3, "{:?}", says(&fixes));
    assert!(fixes[0].says().contains("the permissions boundary limits"));
}

#[test]
fn a_key_that_delegates_to_nobody_is_opened_in_its_own_policy() {
    let world =
        World::new().role(ROLE, &[allow("kms:Decrypt", "*")], None).with("aws:resource-policy", KEY, "key policy", &policy(json!([])));
    let fixes = world.fixes(&ask(SESSION, "kms:Decrypt", KEY));
    assert_eq!(fixes.len(), 1);
    assert_eq!(
        fixes[0].edits()[0].patch[0]["value"],
        json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"})
    );
}

#[test]
fn a_role_s_own_deny_spares_the_resource() {
    let deny = policy(json!({"Sid": "Nothing", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}));
    let world = World::new().role(ROLE, &[allow("s3:*", "*"), deny], None).owned();
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    assert_eq!(says(&fixes), [format!("let statement Nothing of role app spare {OBJECT}")]);
}

#[test]
fn a_role_s_own_deny_that_cannot_be_narrowed_is_removed() {
    let deny = |sid: &str| json!({"Sid": sid, "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-reports/*"});
    let several = policy(json!([deny("One"), {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, deny("Two")]));
    let world = World::new().role(ROLE, &[several, policy(json!([deny("Three")]))], None).owned();
    let fixes = world.fixes(&ask(SESSION, "s3:GetObject", OBJECT));
    let paths: Vec<&Value> = fixes[0].edits().iter().flat_map(|edit| &edit.patch).map(|operation| &operation["path"]).collect();
    assert_eq!(
        paths,
        ["/RolePolicyList/1", "/RolePolicyList/0/PolicyDocument/Statement/2", "/RolePolicyList/0/PolicyDocument/Statement/0"]
    );
    assert!(fixes[0].widens().unwrap().starts_with("statement Three of role app then denies role app nothing any more"));
}

#[test]
fn nobody_is_exempted_from_encryption_in_transit() {
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, "arn:aws:s3:::acme-reports/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    let world = World::new().role(ROLE, &[allow("s3:*", "*")], None).bucket(&policy(json!([deny])));
    let mut question = ask(SESSION, "s3:GetObject", OBJECT);
    question.context = question.context.with("aws:SecureTransport", ["false"]);
    assert!(world.fixes(&question).is_empty());
}

#[test]
fn passing_a_role_is_allowed_to_this_service_only() {
    let world = World::new().role(ROLE, &[], None).role(OTHER, &[], None);
    let mut question = ask(SESSION, "iam:PassRole", OTHER);
    question.context = question.context.with("iam:PassedToService", ["ec2.amazonaws.com"]);
    let fixes = world.fixes(&question);
    let statement = &fixes[0].edits()[0].patch[0]["value"]["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Condition"], json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}));
}

#[test]
fn a_role_that_does_not_trust_the_caller_gets_a_statement_in_its_trust_policy() {
    let world = World::new().role(ROLE, &[allow("sts:AssumeRole", OTHER)], None).role(OTHER, &[], None);
    let fixes = world.fixes(&ask(SESSION, "sts:AssumeRole", OTHER));
    assert_eq!(says(&fixes), ["add to the trust policy of role other a statement that allows role app to sts:AssumeRole"]);
    let patch = &fixes[0].edits()[0].patch[0];
    assert_eq!(patch["path"], "/AssumeRolePolicyDocument/Statement/-");
    assert_eq!(patch["value"], json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}));
}

#[test]
fn roles_that_aws_keeps_are_not_edited() {
    let sso = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef";
    let world = World::new().role(sso, &[], None).owned();
    let fixes = world.fixes(&ask(sso, "s3:GetObject", OBJECT));
    let own = fixes.iter().find(|fix| fix.says().contains("permission set")).unwrap();
    assert_eq!((own.commands().len(), own.who()), (0, "whoever administers IAM Identity Center"));
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let world = World::new().role(linked, &[], None).owned();
    assert!(world.fixes(&ask(linked, "s3:GetObject", OBJECT)).iter().all(|fix| !fix.says().contains("inline policy")));
}

/// Statements that may stand in a role's, bucket's or organization's policy.
fn statement() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(vec!["s3:*", "s3:GetObject", "s3:PutObject", "*"]);
    let resource = prop::sample::select(vec!["*", "arn:aws:s3:::acme-reports/*", OBJECT, "arn:aws:s3:::acme-reports/other"]);
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    let negated =
        prop::sample::select(vec![("Action", "Resource"), ("Action", "NotResource"), ("NotAction", "Resource"), ("Action", "Resource")]);
    (effect, action, resource, negated).prop_map(
        |(effect, action, resource, (actions, resources))| json!({"Sid": "S", "Effect": effect, actions: action, resources: resource}),
    )
}

fn principal(mut statement: Value, principal: &str) -> Value {
    statement["Principal"] = if principal == "*" { json!("*") } else { json!({"AWS": principal}) };
    statement
}

fn worlds() -> impl Strategy<Value = World> {
    let statements = || prop::collection::vec(statement(), 0..3);
    let named = prop::collection::vec((statement(), prop::sample::select(vec!["*", ROLE, OTHER, "arn:aws:iam::111122223333:root"])), 0..3);
    (statements(), named, statements(), prop::option::of(statements()), any::<bool>()).prop_map(|(own, bucket, scp, boundary, foreign)| {
        let limits = "arn:aws:iam::111122223333:policy/limits";
        let full = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let scp: Vec<Value> = scp
            .into_iter()
            .map(|mut one| {
                if one["Effect"] == "Allow" {
                    one = full.clone();
                }
                one
            })
            .collect();
        let bucket: Vec<Value> = bucket.into_iter().map(|(one, whom)| principal(one, whom)).collect();
        let mut world = World::new()
            .role(ROLE, &[policy(json!(own))], boundary.as_ref().map(|_| limits))
            .role(OTHER, &[allow("s3:*", "*")], boundary.as_ref().map(|_| limits))
            .organization(&[policy(json!(scp))]);
        if let Some(statements) = boundary {
            world = world.with("aws:managed-policy", limits, "limits", &policy(json!(statements)));
        }
        let world = world.with("aws:resource-policy", BUCKET, "bucket policy of acme-reports", &policy(json!(bucket)));
        world.owned_by(if foreign { "444455556666" } else { "111122223333" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_fix_lets_the_request_through_and_nothing_else_unless_it_says_so(world in worlds()) {
        let question = ask(SESSION, "s3:GetObject", OBJECT);
        let verdict = Aws.simulate(&question, &world.0).unwrap();
        let others = [
            ask(OTHER, "s3:GetObject", OBJECT),
            ask(FOREIGN, "s3:GetObject", OBJECT),
            ask(SESSION, "s3:PutObject", OBJECT),
            ask(SESSION, "s3:DeleteObject", OBJECT),
            ask(SESSION, "s3:GetObject", "arn:aws:s3:::acme-reports/other"),
            ask(SESSION, "s3:GetObject", "arn:aws:s3:::elsewhere/a.csv"),
        ];
        for fix in &verdict.fixes {
            let after = World(world.0.with(fix.edits()).unwrap());
            prop_assert_eq!(after.decide(&question), Decision::Allow);
            for other in others.iter().filter(|_| fix.widens().is_none()) {
                prop_assert_eq!(world.decide(other), after.decide(other), "{} lets through {:?}", fix.says(), other);
            }
        }
    }
}
