//! VPC endpoints, where the question says that the request comes through one.

use super::connection::Clients;
use super::reader::{Reader, lacks};
use super::shapes::{pretty, raw};
use super::step::steps;
use super::wire::{Call, Service};
use super::xml::Element;
use crate::documents::VPC_ENDPOINT;
use iam_why_contract::Outcome;
use serde::Serialize;
use serde_json::value::RawValue;

steps! {
    DESCRIBE_VPC_ENDPOINTS = VPC_ENDPOINT, "ec2:DescribeVpcEndpoints", ["ec2:DescribeVpcEndpoints"], absent [];
}

const EC2: Service = Service { host: "ec2", signing: "ec2", id: "EC2" };
const VERSION: &str = "2016-11-15";

/// The endpoint as `aws ec2 describe-vpc-endpoints` prints it, its policy as JSON and not as a string.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint<'a> {
    vpc_endpoint_id: &'a str,
    vpc_endpoint_type: Option<&'a str>,
    vpc_id: Option<&'a str>,
    service_name: Option<&'a str>,
    state: Option<&'a str>,
    owner_id: Option<&'a str>,
    policy_document: Option<Box<RawValue>>,
}

/// One endpoint. That it is not in this account and region does not mean that there is none: requests come from other accounts' networks
/// too.
pub(super) async fn read(reader: &Reader<'_>, clients: &Clients, id: &str, region: &str) {
    let call = Call::query(EC2, region, &[("Action", "DescribeVpcEndpoints"), ("Version", VERSION), ("VpcEndpointId.1", id)]);
    match reader.attempt(&DESCRIBE_VPC_ENDPOINTS, id, clients.wire.xml(&call)).await {
        Ok(answer) => match items(&answer).iter().find(|item| item.text_of("vpcEndpointId") == Some(id)) {
            Some(item) => hand_in(reader, item),
            None => reader.note(VPC_ENDPOINT, id, lacks(&DESCRIBE_VPC_ENDPOINTS, "vpcEndpointSet")),
        },
        Err(failure) if failure.says_there_is_none() => {
            let needs = format!(
                "{} in the account and region in which {id} is, which is not region {region} of this one",
                DESCRIBE_VPC_ENDPOINTS.call
            );
            reader.note(VPC_ENDPOINT, id, Outcome::Refused { needs, said: failure.said(&reader.secrets) });
        }
        Err(failure) => reader.note(VPC_ENDPOINT, id, reader.failed(&DESCRIBE_VPC_ENDPOINTS, &failure)),
    }
}

/// Every endpoint of one region, for a whole account.
pub(super) async fn all(reader: &Reader<'_>, clients: &Clients, region: &str) -> Result<(), Outcome> {
    let mut token: Option<String> = None;
    for _ in 0..super::reader::MOST_PAGES {
        let mut parameters = vec![("Action", "DescribeVpcEndpoints"), ("Version", VERSION), ("MaxResults", "1000")];
        parameters.extend(token.as_deref().map(|token| ("NextToken", token)));
        let call = Call::query(EC2, region, &parameters);
        let answer = reader.attempt(&DESCRIBE_VPC_ENDPOINTS, &format!("* in {region}"), clients.wire.xml(&call)).await;
        let page = answer.map_err(|failure| reader.failed(&DESCRIBE_VPC_ENDPOINTS, &failure))?;
        items(&page).iter().for_each(|item| hand_in(reader, item));
        let next = page.text_of("nextToken").map(str::to_owned);
        if next.is_none() || next == token {
            return Ok(());
        }
        token = next;
    }
    Err(super::reader::endless(&DESCRIBE_VPC_ENDPOINTS))
}

fn items(answer: &Element) -> &[Element] {
    answer.child("vpcEndpointSet").map(|set| set.children.as_slice()).unwrap_or_default()
}

fn hand_in(reader: &Reader<'_>, item: &Element) {
    let Some(id) = item.text_of("vpcEndpointId") else { return };
    let endpoint = Endpoint {
        vpc_endpoint_id: id,
        vpc_endpoint_type: item.text_of("vpcEndpointType"),
        vpc_id: item.text_of("vpcId"),
        service_name: item.text_of("serviceName"),
        state: item.text_of("state"),
        owner_id: item.text_of("ownerId"),
        policy_document: item.text_of("policyDocument").map(raw),
    };
    reader.found(&DESCRIBE_VPC_ENDPOINTS, id, &format!("VPC endpoint {id}"), pretty(&endpoint));
}
