//! An account with many roles, in the two shapes in which people have one.

use super::Seeded;
use super::aws::{identity_statement, policy};
use serde_json::{Value, json};
use std::io::{self, Write};

/// How the account is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As `aws iam get-account-authorization-details` prints it.
    Details,
    /// As `iam-why collect` saves it.
    Snapshot,
}

const ACCOUNT: &str = "111122223333";

/// Writes an account of `roles` roles, each about 10 kB.
pub(crate) fn write(out: &mut impl Write, roles: usize, shape: Shape) -> io::Result<()> {
    let mut seeded = Seeded::new(7);
    match shape {
        Shape::Details => {
            out.write_all(b"{\n  \"UserDetailList\": [],\n  \"GroupDetailList\": [],\n  \"RoleDetailList\": [\n")?;
            separated(out, roles, |out, at| out.write_all(indented(&role(&mut seeded, at)).as_bytes()))?;
            out.write_all(b"\n  ],\n  \"Policies\": [\n")?;
            separated(out, 100, |out, at| out.write_all(indented(&managed(&mut seeded, at)).as_bytes()))?;
            out.write_all(b"\n  ],\n  \"IsTruncated\": false\n}\n")
        }
        Shape::Snapshot => {
            out.write_all(b"{\"format\": \"iam-why/snapshot/1\", \"taken_at\": \"2026-01-01T00:00:00Z\", \"documents\": [\n")?;
            separated(out, roles, |out, at| {
                let role = role(&mut seeded, at);
                document(out, "aws:role", &arn("role", at), &role)
            })?;
            out.write_all(b",\n")?;
            separated(out, 100, |out, at| {
                let managed = managed(&mut seeded, at);
                document(
                    out,
                    "aws:managed-policy",
                    &arn("policy", at),
                    managed.pointer("/PolicyVersionList/0/Document").unwrap_or(&Value::Null),
                )
            })?;
            let searches = json!([
                {"kind": "aws:role", "subject": format!("arn:aws:iam::{ACCOUNT}:role/*"), "outcome": {"result": "found"}},
                {"kind": "aws:organization", "subject": ACCOUNT, "outcome": {"result": "absent"}},
            ]);
            write!(out, "\n], \"searches\": {searches}}}\n")
        }
    }
}

fn separated<W: Write>(out: &mut W, count: usize, mut one: impl FnMut(&mut W, usize) -> io::Result<()>) -> io::Result<()> {
    for at in 0..count {
        if at > 0 {
            out.write_all(b",\n")?;
        }
        one(out, at)?;
    }
    Ok(())
}

fn document(out: &mut impl Write, kind: &str, subject: &str, text: &Value) -> io::Result<()> {
    write!(out, "{{\"kind\": \"{kind}\", \"subject\": \"{subject}\", \"title\": \"{subject}\", \"text\": {}}}", indented(text))
}

fn indented(value: &Value) -> String {
    format!("{value:#}")
}

/// The ARN of the role or policy with this number.
pub(crate) fn arn(noun: &str, at: usize) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{noun}/app-{at}")
}

fn role(seeded: &mut Seeded, at: usize) -> Value {
    let trust = json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let inline: Vec<Value> = (0..2)
        .map(|number| {
            let statements = (0..9).map(|_| identity_statement(seeded)).collect();
            json!({"PolicyName": format!("inline-{number}"), "PolicyDocument": policy(statements)})
        })
        .collect();
    let attached: Vec<Value> = (0..2)
        .map(|_| seeded.below(100))
        .map(|number| json!({"PolicyName": format!("app-{number}"), "PolicyArn": arn("policy", number)}))
        .collect();
    json!({
        "Path": "/", "RoleName": format!("app-{at}"), "RoleId": format!("AROA{}", seeded.hex(16).to_uppercase()), "Arn": arn("role", at),
        "CreateDate": "2024-05-01T12:00:00+00:00", "AssumeRolePolicyDocument": policy(vec![trust]), "InstanceProfileList": [],
        "RolePolicyList": inline, "AttachedManagedPolicies": attached, "Tags": [{"Key": "team", "Value": seeded.hex(6)}],
        "RoleLastUsed": {"LastUsedDate": "2026-01-01T00:00:00+00:00", "Region": "eu-west-1"},
    })
}

fn managed(seeded: &mut Seeded, at: usize) -> Value {
    let statements = (0..12).map(|_| identity_statement(seeded)).collect();
    json!({
        "PolicyName": format!("app-{at}"), "PolicyId": format!("ANPA{}", seeded.hex(16).to_uppercase()), "Arn": arn("policy", at), "Path": "/",
        "DefaultVersionId": "v1", "AttachmentCount": 3, "IsAttachable": true, "CreateDate": "2024-05-01T12:00:00+00:00",
        "PolicyVersionList": [{"Document": policy(statements), "VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2024-05-01T12:00:00+00:00"}],
    })
}
