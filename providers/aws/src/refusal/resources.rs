//! From the parameters of a request to the ARN that policies name: by the ARN formats of AWS's service authorization reference.

use crate::catalog;
use iam_why_contract::refusal::{Pair, Pairs};
use std::collections::BTreeSet;

/// The resource of `action` in the event that `name` stands in. `None` where the parameters do not name one, name several, or where
/// the action asks about several types of resource, of which the event does not say which was refused.
#[must_use]
pub(super) fn resource_of(pairs: &Pairs, name: &Pair, action: &str) -> Option<String> {
    let types = catalog::action(action)?.resources;
    let required = types.iter().filter(|kind| kind.required).count();
    if required > 1 {
        return None;
    }
    let request = Request { pairs, name, service: action.split_once(':')?.0 };
    let asked = types.iter().filter(|kind| kind.required || required == 0);
    let arns = asked.filter_map(|kind| request.fill(&kind.arn)).collect::<BTreeSet<_>>();
    let mut arns = arns.into_iter();
    arns.next().filter(|_| arns.next().is_none())
}

struct Request<'p> {
    pairs: &'p Pairs<'p>,
    name: &'p Pair<'p>,
    service: &'p str,
}

impl Request<'_> {
    /// `arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}` with its variables filled in.
    fn fill(&self, template: &str) -> Option<String> {
        let mut arn = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}')?;
            let value = self.value(variable)?;
            if value.starts_with("arn:") {
                return Some(value);
            }
            arn.push_str(before);
            arn.push_str(&value);
            rest = after;
        }
        Some(arn + rest)
    }

    fn value(&self, variable: &str) -> Option<String> {
        let read = |path: &str| self.pairs.beside(self.name, 0, path).filter(|value| !value.is_empty()).map(str::to_owned);
        match variable {
            "Partition" => Some(partition(&read("awsRegion")?).to_owned()),
            "Region" => read("awsRegion"),
            "Account" => read("recipientAccountId").or_else(|| read("userIdentity.accountId")),
            _ => self.parameter(variable),
        }
    }

    /// The one value of the parameter that a variable of an ARN stands for.
    fn parameter(&self, variable: &str) -> Option<String> {
        let alias = ALIASES.iter().find(|(service, named, _)| *service == self.service && *named == variable);
        let wanted = alias.map_or(variable, |(_, _, parameter)| parameter);
        let (start, end) = self.pairs.extent(self.name, 0);
        let within = |pair: &&Pair<'_>| self.pairs.around(pair).any(|key| key.eq_ignore_ascii_case("requestParameters"));
        let named = self.pairs.between(start, end).filter(|pair| pair.is(wanted)).filter(within);
        let values = named.map(|pair| pair.value.as_ref()).collect::<BTreeSet<_>>();
        let mut values = values.into_iter();
        let value = values.next().filter(|value| !value.is_empty() && values.next().is_none())?;
        match (self.service, variable) {
            _ if value.starts_with("arn:") => Some(value.to_owned()),
            // The ARN of a secret ends in six characters that its name does not tell; an alias is not the key.
            ("secretsmanager", _) => None,
            ("kms", "KeyId") if value.starts_with("alias/") => None,
            ("ssm", _) => Some(value.trim_start_matches('/').to_owned()),
            ("sqs" | "route53", _) => value.rsplit('/').next().map(str::to_owned),
            _ => Some(value.to_owned()),
        }
    }
}

/// Parameters whose name is not the one that the ARN has for it.
const ALIASES: &[(&str, &str, &str)] = &[
    ("ssm", "ParameterNameWithoutLeadingSlash", "name"),
    ("sqs", "QueueName", "queueUrl"),
    ("route53", "Id", "hostedZoneId"),
    ("eks", "ClusterName", "name"),
    ("rds", "DbInstanceName", "dBInstanceIdentifier"),
];

fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
