//! VPC endpoint policies (*Control access to VPC endpoints using endpoint policies*, AWS PrivateLink guide).

use crate::documents::VPC_ENDPOINT;
use crate::language::facts::Facts;
use crate::language::policy::Grammar;
use crate::layers::{Called, Level};
use crate::library::Read;
use crate::request::Request;
use crate::world::Reader;
use iam_why_contract::json::Json;
use iam_why_contract::{Document, Doubt, Lookup};

/// The policy of the endpoint that the request goes through; `None` where it goes through none, or one without a policy (E-24).
///
/// Where nobody said whether the request goes through an endpoint, it is taken to go through none, unless the snapshot holds an endpoint
/// for this service whose policy is more than the default (E-27): then it is open.
#[must_use]
pub fn read(reader: &mut Reader<'_>, request: &Request, facts: &Facts) -> Option<Level> {
    match facts.get("aws:sourcevpce") {
        Lookup::Known([id]) => traversed(reader, id),
        Lookup::Known(_) | Lookup::Absent => None,
        Lookup::NotKnown => candidates(reader, request),
    }
}

fn traversed(reader: &mut Reader<'_>, id: &str) -> Option<Level> {
    let mut level = Level::new("vpce", id);
    match reader.library.read(VPC_ENDPOINT, id) {
        Read::Found(document, json) => {
            let policy = json.get("PolicyDocument").filter(|policy| **policy != Json::Null)?;
            let gateway = json.get("VpcEndpointType").and_then(Json::as_str) == Some("Gateway");
            let grammar = if gateway { Grammar::Gateway } else { Grammar::Endpoint };
            level.add(reader, document, ("/PolicyDocument", policy), grammar);
        }
        Read::Absent => return None,
        Read::Unread(doubt) => level.not_read(reader, doubt),
    }
    Some(level)
}

fn candidates(reader: &mut Reader<'_>, request: &Request) -> Option<Level> {
    let suffix = format!(".{}", request.action.service());
    let restricts = |document: &&Document| {
        let json = reader.library.json(document).ok();
        json.is_some_and(|json| {
            let serves = json.get("ServiceName").and_then(Json::as_str).is_some_and(|name| name.ends_with(&suffix));
            serves && json.get("PolicyDocument").is_some_and(|policy| !is_default(policy))
        })
    };
    let found: Vec<&Document> = reader.library.snapshot().all_of(VPC_ENDPOINT).filter(restricts).collect();
    let names: Vec<&str> = found.iter().map(|document| document.title_or_id()).collect();
    if names.is_empty() {
        reader.notes.push("taken not to go through a VPC endpoint; if it does: --context aws:SourceVpce=vpce-…".to_owned());
        return None;
    }
    let mut level = Level::new("vpce", "");
    let about = format!("whether the request goes through a VPC endpoint with a policy of its own ({})", names.join(", "));
    level.not_read(reader, Doubt { about, needs: "--context aws:SourceVpce=vpce-…, or aws:SourceVpce! if through none".to_owned() });
    Some(level)
}

/// Is it the policy that endpoints have unless somebody writes another?
fn is_default(policy: &Json) -> bool {
    let statements = match policy.get("Statement") {
        Some(Json::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return false,
    };
    let star = |statement: &Json, name: &str| statement.get(name).and_then(Json::as_str) == Some("*");
    let everything = |statement: &Json| {
        statement.get("Effect").and_then(Json::as_str) == Some("Allow")
            && ["Action", "Resource", "Principal"].iter().all(|name| star(statement, name))
            && statement.get("Condition").is_none()
    };
    !statements.is_empty() && statements.iter().all(everything)
}
