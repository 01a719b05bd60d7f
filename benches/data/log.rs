//! A log of a busy program with a refusal here and there.

use super::Seeded;

const PLAIN: [&str; 6] = [
    "INFO  http: GET /orders/{} 200 in 12 ms",
    "DEBUG cache: hit for key orders:{} (ttl 300 s)",
    "INFO  worker: job {} done, 3 rows written",
    "WARN  pool: connection {} was idle for 60 s and is closed",
    "INFO  http: POST /orders 201 in 48 ms, order {}",
    "DEBUG sql: select * from orders where id = '{}' -- 1 row",
];

const REFUSALS: [&str; 3] = [
    "ERROR An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:iam::111122223333:user/{} is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::acme/report.csv\" because no identity-based policy allows the s3:GetObject action",
    "ERROR googleapi: Error 403: Permission 'storage.objects.get' denied on resource '//storage.googleapis.com/projects/_/buckets/{}' (or it may not exist)., forbidden",
    "ERROR (AuthorizationFailed) The client '{}' with object id '0000' does not have authorization to perform action 'Microsoft.Storage/storageAccounts/read' over scope '/subscriptions/0/resourceGroups/rg' or the scope is invalid.",
];

/// A CloudTrail event, refused; `{}` is a caller, `{id}` differs in each.
const EVENT: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROA{id}:i-0abc","arn":"arn:aws:sts::111122223333:assumed-role/{}/i-0abc","accountId":"111122223333","accessKeyId":"ASIA{id}","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/{}","accountId":"111122223333","userName":"{}"},"attributes":{"creationDate":"2026-03-01T11:58:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-01T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-sdk-go/1.44.0 (go1.19; linux; amd64)","errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/{}/i-0abc is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::acme/{}.csv\" because no identity-based policy allows the s3:GetObject action","requestParameters":{"bucketName":"acme","Host":"acme.s3.eu-central-1.amazonaws.com","key":"{}.csv"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"x-amz-id-2":"{id}{id}{id}"},"requestID":"{id}","eventID":"{id}","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::acme/{}.csv"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}"#;

/// An entry of a Google Cloud audit log, refused.
const ENTRY: &str = r#"{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","status":{"code":7,"message":"{}@acme.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist)."},"authenticationInfo":{"principalEmail":"{}@acme.iam.gserviceaccount.com"},"requestMetadata":{"callerIp":"198.51.100.7","callerSuppliedUserAgent":"gcloud-python/2.1","requestAttributes":{"time":"2026-03-01T12:00:00Z","auth":{"claims":"{}"}},"destinationAttributes":{"region":"eu"}},"serviceName":"storage.googleapis.com","methodName":"storage.objects.get","authorizationInfo":[{"resource":"projects/_/buckets/acme/objects/{}","permission":"storage.objects.get","resourceAttributes":{"type":"object"}}],"resourceName":"projects/_/buckets/acme/objects/{}"},"insertId":"{id}","resource":{"type":"gcs_bucket","labels":{"project_id":"acme","location":"eu","bucket_name":"acme"}},"timestamp":"2026-03-01T12:00:00Z","severity":"ERROR","logName":"projects/acme/logs/cloudaudit.googleapis.com%2Fdata_access"}"#;

/// At least `bytes` bytes of CloudTrail events, one on each line.
pub(crate) fn trail(bytes: usize) -> Vec<u8> {
    records(bytes, EVENT, "\n").into_bytes()
}

/// At least `bytes` bytes of CloudTrail events as they are delivered: all on one line.
pub(crate) fn delivery(bytes: usize) -> Vec<u8> {
    format!("{{\"Records\":[{}{{}}]}}", records(bytes, EVENT, ",")).into_bytes()
}

/// At least `bytes` bytes of audit log entries, one on each line.
pub(crate) fn audit(bytes: usize) -> Vec<u8> {
    records(bytes, ENTRY, "\n").into_bytes()
}

/// Records that end with `end`. Few names, so that they repeat as they do in logs.
fn records(bytes: usize, record: &str, end: &str) -> String {
    let mut seeded = Seeded::new(7);
    let mut records = String::with_capacity(bytes + 4096);
    while records.len() < bytes {
        let name = format!("app-{}", seeded.below(20));
        records.push_str(&record.replace("{id}", &seeded.hex(16)).replace("{}", &name));
        records.push_str(end);
    }
    records
}

/// At least `bytes` bytes of log; every `every`th line is a refusal.
pub(crate) fn log(bytes: usize, every: usize) -> Vec<u8> {
    let mut seeded = Seeded::new(5);
    let mut log = String::with_capacity(bytes + 1024);
    let mut number = 0;
    while log.len() < bytes {
        number += 1;
        let line = if number % every == 0 { seeded.pick(&REFUSALS) } else { seeded.pick(&PLAIN) };
        // Few names, so that the refusals repeat as they do in logs.
        let name = if number % every == 0 { format!("app-{}", seeded.below(20)) } else { seeded.hex(12) };
        log.push_str("2026-03-01T12:00:00.000Z ");
        log.push_str(&line.replace("{}", &name));
        log.push('\n');
    }
    log.into_bytes()
}
