//! Copying an object: the target is written and the source is read (S3-8; S3 API Reference, *CopyObject: Permissions*).

use super::{Need, given, need};
use crate::request::Request;
use iam_why_contract::Doubt;
use percent_encoding::percent_decode_str;

/// The header, and condition key, that names the source: `/BUCKET/KEY`, maybe with `?versionId=…`, or an access point's ARN.
const SOURCE: &str = "s3:x-amz-copy-source";

/// The reading of the source, where a put names one.
pub(super) fn source(request: &Request) -> Option<Need> {
    let source = given(request, SOURCE).filter(|_| &*request.action.lower == "s3:putobject")?;
    let (object, version) = source.split_once("?versionId=").map_or((source, None), |(object, version)| (object, Some(version)));
    // The header is URL-encoded; policies see the key as it is (G-17).
    let object = percent_decode_str(object).decode_utf8_lossy();
    let partition = request.arn().map_or("aws", |arn| arn.partition);
    let arn =
        if object.starts_with("arn:") { object.into_owned() } else { format!("arn:{partition}:s3:::{}", object.trim_start_matches('/')) };
    let mut reading = request.also(if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" }, &arn);
    // The keys of the put say nothing of the reading.
    reading.context.entries.retain(|key, _| !key.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("s3:")));
    reading.context.entries.remove("aws:ResourceAccount");
    if let Some(version) = version {
        reading.context = reading.context.with("s3:VersionId", [version]);
    }
    Some(need(reading, "a copy reads its source"))
}

/// The source of a copy, where nobody named it.
pub(super) fn unnamed(request: &Request) -> Option<Doubt> {
    let copies = request
        .operation
        .as_deref()
        .is_some_and(|operation| ["s3:copyobject", "s3:uploadpartcopy"].iter().any(|copy| operation.eq_ignore_ascii_case(copy)));
    (copies && given(request, SOURCE).is_none()).then(|| Doubt {
        about: "whether the caller may read the object that is copied (s3:GetObject on the source)".to_owned(),
        needs: format!("--context {SOURCE}=/BUCKET/KEY, and the policies of that bucket"),
    })
}
