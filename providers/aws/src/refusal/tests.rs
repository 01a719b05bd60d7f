//! What users would miss if it broke.

use super::{DIALECT, FORMS, find};
use iam_why_contract::refusal::{Catalogue, Reason};

#[test]
fn every_form_reads_its_own_example() {
    let catalogue = Catalogue::new(&[&DIALECT]);
    assert_eq!(catalogue.misread(&DIALECT), Vec::<String>::new());
    assert!(FORMS.len() > 100);
}

#[test]
fn the_action_that_the_reason_names_is_the_missing_one() {
    let text = "operation error S3: PutObject, https response error StatusCode: 403, api error AccessDenied: User: arn:aws:iam::111122223333:user/nadia is not \
                authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no identity-based policy allows the \
                kms:GenerateDataKey action";
    let found = find(text);
    let [refusal] = found.as_slice() else { panic!("one refusal, not {found:?}") };
    assert_eq!(refusal.action.as_deref(), Some("kms:GenerateDataKey"));
    assert_eq!((refusal.refused_by.as_str(), refusal.policy_kind.as_deref()), ("iam", Some("identity")));
    assert_eq!(refusal.derived, Vec::<&str>::new());
}

#[test]
fn names_that_sound_like_verdicts_decide_nothing() {
    let text = "User: arn:aws:iam::111122223333:user/explicit-deny-tester is not authorized to perform: lambda:GetFunction on resource: \
                arn:aws:lambda:eu-west-1:111122223333:function:scp-deny because no identity-based policy allows the lambda:GetFunction action";
    assert_eq!(find(text).first().map(|refusal| refusal.reason), Some(Reason::MissingGrant));
}

#[test]
fn each_error_of_a_log_is_answered_and_repeats_are_folded() {
    let one = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied\n";
    let two = "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.\n";
    let found = find(&[one, two, one, two].concat());
    let layers = found.iter().map(|refusal| (refusal.refused_by.as_str(), refusal.line)).collect::<Vec<_>>();
    assert_eq!(layers, [("s3", 1), ("expired_credentials", 2)]);
}

#[test]
fn a_cloudtrail_record_gives_the_whole_request() {
    let text = r#"{"Records":[{"eventSource":"s3.amazonaws.com","eventName":"ListObjectsV2","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.9",
        "vpcEndpointId":"vpce-0abc","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"orders"},
        "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/app/one","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/app"},
        "attributes":{"mfaAuthenticated":"false"}}}},{"eventSource":"s3.amazonaws.com","eventName":"PutObject","userIdentity":{"arn":"x"}}]}"#;
    let found = find(text);
    let [refusal] = found.as_slice() else { panic!("one refusal, not {found:?}") };
    assert_eq!(refusal.action.as_deref(), Some("s3:ListBucket"));
    assert_eq!(refusal.principal.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/app/one"));
    assert_eq!(refusal.context.get("aws:SourceVpce").map(String::as_str), Some("vpce-0abc"));
    assert_eq!(refusal.context.get("aws:MultiFactorAuthPresent").map(String::as_str), Some("false"));
}

/// The formats are those of the service authorization reference; what the parameters do not settle stays open.
#[test]
fn the_parameters_of_an_event_name_its_resource() {
    let resource = |source: &str, name: &str, parameters: &str| {
        let event = format!(
            r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","errorCode":"AccessDenied",
            "requestParameters":{parameters},"recipientAccountId":"111122223333","userIdentity":{{"arn":"arn:aws:iam::111122223333:user/nadia"}}}}"#
        );
        find(&event).first().and_then(|refusal| refusal.resource.clone()).unwrap_or_default()
    };
    assert_eq!(resource("dynamodb", "PutItem", r#"{"tableName":"orders"}"#), "arn:aws:dynamodb:eu-west-1:111122223333:table/orders");
    assert_eq!(
        resource("sqs", "SendMessage", r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q"}"#),
        "arn:aws:sqs:eu-west-1:111122223333:q"
    );
    assert_eq!(resource("ssm", "GetParameter", r#"{"name":"/app/url"}"#), "arn:aws:ssm:eu-west-1:111122223333:parameter/app/url");
    assert_eq!(
        resource("ec2", "StopInstances", r#"{"instancesSet":{"items":[{"instanceId":"i-1"}]}}"#),
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
    );
    assert_eq!(resource("ec2", "StopInstances", r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#), "");
    assert_eq!(resource("ec2", "RunInstances", r#"{"instancesSet":{"items":[{"imageId":"ami-1"}]},"subnetId":"subnet-1"}"#), "");
    assert_eq!(resource("secretsmanager", "GetSecretValue", r#"{"secretId":"prod/db"}"#), "");
    assert_eq!(resource("kms", "Encrypt", r#"{"keyId":"alias/app"}"#), "");
}

#[test]
fn an_encoded_message_and_keys_never_come_out() {
    let blob = "Zm9v".repeat(60);
    let text = format!(
        "UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/AKIAIOSFODNN7EXAMPLE is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* Encoded authorization failure message: {blob}"
    );
    let shown = format!("{:?}", find(&text));
    assert!(!shown.contains(&blob) && shown.contains("decode-authorization-message"), "{shown}");
}
