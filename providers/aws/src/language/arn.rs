//! `ArnEquals`, `ArnLike` and their negations (*Condition operators: Amazon Resource Name*), and ARNs themselves.

use crate::language::template::{Expanded, Template};
use crate::language::view::View;
use iam_why_contract::Truth;
use iam_why_contract::glob::{Case, Glob, Piece};

/// The six fields of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// `s3`
    pub service: &'a str,
    /// Empty for global services and for S3.
    pub region: &'a str,
    /// Empty where the ARN does not say.
    pub account: &'a str,
    /// All the rest.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text` at its first five colons.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        match [fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?] {
            ["arn", partition, service, region, account, resource] => Some(Self { partition, service, region, account, resource }),
            _ => None,
        }
    }
}

/// How people call what an ARN names: `role app` of `arn:aws:iam::111122223333:role/team/app`, `bucket reports`, `key 0f1e2d3c-…`. An
/// ARN of any other kind, and what is no ARN, is called by its own text.
#[must_use]
pub fn called(text: &str) -> String {
    let Some(arn) = Arn::parse(text) else { return text.to_owned() };
    let (kind, path) = arn.resource.split_once('/').unwrap_or(("", arn.resource));
    let name = path.rsplit('/').next().unwrap_or(path);
    match (arn.service, kind, path) {
        ("iam", "", "root") => format!("the root user of account {}", arn.account),
        ("iam", "user" | "role" | "group", _) => format!("{kind} {name}"),
        ("sts", "assumed-role", _) => format!("session {name} of role {}", path.split('/').next().unwrap_or(path)),
        ("s3", "", bucket) if arn.account.is_empty() => format!("bucket {bucket}"),
        ("kms", "key", id) => format!("key {id}"),
        _ => text.to_owned(),
    }
}

/// How a value compares with a pattern, both of which should be ARNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Both are ARNs.
    Arns(Truth),
    /// One of them is none.
    NotArns,
}

/// Does the ARN `value` fit `pattern` field by field? A `*` stays within its field, but covers anything in the last (O-7).
#[must_use]
pub fn compare(pattern: &Template, value: &str, view: &View<'_>) -> Compared {
    if Arn::parse(value).is_none() {
        return Compared::NotArns;
    }
    if let Some(fixed) = pattern.fixed_fields() {
        return fixed.as_ref().map_or(Compared::NotArns, |fields| Compared::Arns(fits(fields, value).into()));
    }
    let fits = |pieces: Vec<Piece>| fields(pieces).map(|fields| fits(&fields, value));
    match pattern.expand(view) {
        Expanded::Null => Compared::Arns(Truth::No),
        Expanded::Pieces(pieces) => fits(pieces).map_or(Compared::NotArns, |fits| Compared::Arns(fits.into())),
        Expanded::Open(_) => Compared::Arns(Truth::Unknown),
    }
}

/// The six fields of a pattern.
#[must_use]
pub fn fields(pieces: Vec<Piece>) -> Option<Vec<Glob>> {
    let mut fields: Vec<Vec<Piece>> = vec![Vec::new()];
    for piece in pieces {
        let Piece::Text(text) = piece else {
            fields.last_mut()?.push(piece);
            continue;
        };
        let mut rest = &*text;
        while fields.len() < 6
            && let Some((head, tail)) = rest.split_once(':')
        {
            push(fields.last_mut()?, head);
            fields.push(Vec::new());
            rest = tail;
        }
        push(fields.last_mut()?, rest);
    }
    let is_arn = fields.len() == 6 && matches!(fields.first().map(Vec::as_slice), Some([Piece::Text(text)]) if **text == *"arn");
    is_arn.then(|| fields.into_iter().map(Glob::from_pieces).collect())
}

fn push(field: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        field.push(Piece::Text(text.into()));
    }
}

/// Does each field of `value` fit?
#[must_use]
pub fn fits(fields: &[Glob], value: &str) -> bool {
    fields.iter().zip(value.splitn(6, ':')).all(|(glob, field)| glob.matches(field, Case::Sensitive))
}
