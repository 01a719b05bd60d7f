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
