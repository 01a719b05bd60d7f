//! Services of which one reading call yields the resource policy: a row each.

use super::accounts::Accounts;
use super::arn::Arn;
use super::connection::Clients;
use super::outcome::Failure;
use super::reader::{MOST_PAGES, Reader, unlike};
use super::shapes::pretty;
use super::step::{Step, steps};
use super::wire::{Call, Service, encode, suffix};
use crate::documents::{FUNCTION_URL, RESOURCE_POLICY};
use iam_why_contract::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;

steps! {
    GET_QUEUE = RESOURCE_POLICY, "sqs:GetQueueAttributes", ["sqs:GetQueueAttributes"], absent [];
    GET_TOPIC = RESOURCE_POLICY, "sns:GetTopicAttributes", ["sns:GetTopicAttributes"], absent [];
    GET_FUNCTION = RESOURCE_POLICY, "lambda:GetPolicy", ["lambda:GetPolicy"], absent ["ResourceNotFoundException"];
    GET_FUNCTION_URL = FUNCTION_URL, "lambda:GetFunctionUrlConfig", ["lambda:GetFunctionUrlConfig"], absent ["ResourceNotFoundException"];
    GET_SECRET = RESOURCE_POLICY, "secretsmanager:GetResourcePolicy", ["secretsmanager:GetResourcePolicy"], absent [];
    GET_TABLE = RESOURCE_POLICY, "dynamodb:GetResourcePolicy", ["dynamodb:GetResourcePolicy"], absent ["PolicyNotFoundException"];
    GET_REPOSITORY = RESOURCE_POLICY, "ecr:GetRepositoryPolicy", ["ecr:GetRepositoryPolicy"], absent ["RepositoryPolicyNotFoundException"];
    LIST_QUEUES = RESOURCE_POLICY, "sqs:ListQueues", ["sqs:ListQueues"], absent [];
    LIST_TOPICS = RESOURCE_POLICY, "sns:ListTopics", ["sns:ListTopics"], absent [];
    LIST_FUNCTIONS = RESOURCE_POLICY, "lambda:ListFunctions", ["lambda:ListFunctions"], absent [];
    LIST_SECRETS = RESOURCE_POLICY, "secretsmanager:ListSecrets", ["secretsmanager:ListSecrets"], absent [];
    LIST_TABLES = RESOURCE_POLICY, "dynamodb:ListTables", ["dynamodb:ListTables"], absent [];
    LIST_REPOSITORIES = RESOURCE_POLICY, "ecr:DescribeRepositories", ["ecr:DescribeRepositories"], absent [];
}

const SQS: Service = Service { host: "sqs", signing: "sqs", id: "SQS" };
const SNS: Service = Service { host: "sns", signing: "sns", id: "SNS" };
const LAMBDA: Service = Service { host: "lambda", signing: "lambda", id: "Lambda" };
const SECRETS_MANAGER: Service = Service { host: "secretsmanager", signing: "secretsmanager", id: "Secrets Manager" };
const DYNAMODB: Service = Service { host: "dynamodb", signing: "dynamodb", id: "DynamoDB" };
const ECR: Service = Service { host: "api.ecr", signing: "ecr", id: "ECR" };

/// How the resource policies of one service are read.
pub(super) struct Row {
    /// The service in ARNs and actions: `sqs`.
    pub(super) service: &'static str,
    /// The call that reads one policy.
    get: Step,
    /// The call that lists what may have one.
    list: Step,
    /// The ARN of what holds the policy: an index belongs to its table. `None` where this kind of resource has none.
    holder: fn(&Arn<'_>) -> Option<String>,
    policy: fn(&Arn<'_>, &str, &Clients) -> Call,
    /// `None` where the answer holds no policy.
    text: fn(&Value) -> Option<String>,
    /// The resource that the answer is about, for services that say with silence that there is no policy; the others send an error.
    about: fn(&Value) -> Option<String>,
    page: fn(&str, Option<&str>) -> Call,
    /// The ARNs of a page; the account is needed where a list has names only.
    arns: fn(&Value, &Place<'_>) -> Vec<String>,
    /// The member that holds the token of the next page.
    next: &'static str,
}

/// Where a list was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) partition: &'p str,
    pub(super) account: &'p str,
    pub(super) region: &'p str,
}

/// Every service whose policies are read in this way.
pub(super) const ROWS: &[Row] = &[
    Row {
        service: "sqs",
        get: GET_QUEUE,
        list: LIST_QUEUES,
        holder: |arn| Some(whole(arn, arn.resource)),
        policy: |arn, _, clients| {
            let host = clients.wire.endpoint(SQS.id).unwrap_or_else(|| format!("https://sqs.{}.{}", arn.region, suffix(arn.region)));
            let body = json!({"QueueUrl": format!("{host}/{}/{}", arn.account, arn.resource), "AttributeNames": ["Policy", "QueueArn"]});
            Call::json(SQS, arn.region, "1.0", "AmazonSQS.GetQueueAttributes", &body)
        },
        text: |answer| member(answer, &["Attributes", "Policy"]),
        about: |answer| member(answer, &["Attributes", "QueueArn"]),
        page: |region, token| {
            let mut body = json!({"MaxResults": 1000});
            set(&mut body, "NextToken", token);
            Call::json(SQS, region, "1.0", "AmazonSQS.ListQueues", &body)
        },
        arns: |page, place| {
            let name = |url: &Value| {
                Some(format!("arn:{}:sqs:{}:{}:{}", place.partition, place.region, place.account, url.as_str()?.rsplit('/').next()?))
            };
            list(page, "QueueUrls").filter_map(name).collect()
        },
        next: "NextToken",
    },
    Row {
        service: "sns",
        get: GET_TOPIC,
        list: LIST_TOPICS,
        // A subscription is `topic:uuid`.
        holder: |arn| Some(whole(arn, arn.resource.split(':').next()?)),
        policy: |arn, holder, _| {
            Call::query(SNS, arn.region, &[("Action", "GetTopicAttributes"), ("Version", "2010-03-31"), ("TopicArn", holder)])
        },
        text: |answer| topic_attribute(answer, "Policy"),
        about: |answer| topic_attribute(answer, "TopicArn"),
        page: |region, token| {
            let mut parameters = vec![("Action", "ListTopics"), ("Version", "2010-03-31")];
            parameters.extend(token.map(|token| ("NextToken", token)));
            Call::query(SNS, region, &parameters)
        },
        arns: |page, _| {
            let topics = page.get("ListTopicsResult").and_then(|result| result.get("Topics")).and_then(|topics| topics.get("member"));
            topics
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|topic| topic.get("TopicArn")?.as_str())
                .map(str::to_owned)
                .collect()
        },
        next: "NextToken",
    },
    Row {
        service: "lambda",
        get: GET_FUNCTION,
        list: LIST_FUNCTIONS,
        holder: |arn| arn.resource.starts_with("function:").then(|| whole(arn, arn.resource)),
        policy: |arn, _, _| {
            let mut parts = arn.resource.splitn(3, ':').skip(1);
            let name = parts.next().unwrap_or_default();
            let function = whole(arn, &format!("function:{name}"));
            let qualifier = parts.next().map(|qualifier| format!("?Qualifier={}", encode(qualifier))).unwrap_or_default();
            Call::get(LAMBDA, arn.region, format!("/2015-03-31/functions/{}/policy{qualifier}", encode(&function)))
        },
        text: |answer| member(answer, &["Policy"]),
        about: |_| None,
        page: |region, token| {
            let marker = token.map(|token| format!("&Marker={}", encode(token))).unwrap_or_default();
            Call::get(LAMBDA, region, format!("/2015-03-31/functions/?MaxItems=50{marker}"))
        },
        arns: |page, _| list(page, "Functions").filter_map(|function| function.get("FunctionArn")?.as_str()).map(str::to_owned).collect(),
        next: "NextMarker",
    },
    Row {
        service: "secretsmanager",
        get: GET_SECRET,
        list: LIST_SECRETS,
        holder: |arn| arn.resource.starts_with("secret:").then(|| whole(arn, arn.resource)),
        policy: |arn, holder, _| {
            Call::json(SECRETS_MANAGER, arn.region, "1.1", "secretsmanager.GetResourcePolicy", &json!({"SecretId": holder}))
        },
        text: |answer| member(answer, &["ResourcePolicy"]),
        about: |answer| member(answer, &["ARN"]),
        page: |region, token| {
            let mut body = json!({"MaxResults": 100});
            set(&mut body, "NextToken", token);
            Call::json(SECRETS_MANAGER, region, "1.1", "secretsmanager.ListSecrets", &body)
        },
        arns: |page, _| list(page, "SecretList").filter_map(|secret| secret.get("ARN")?.as_str()).map(str::to_owned).collect(),
        next: "NextToken",
    },
    Row {
        service: "dynamodb",
        get: GET_TABLE,
        list: LIST_TABLES,
        holder: |arn| {
            // `table/T`, `table/T/index/I`, `table/T/stream/LABEL`: a stream has a policy of its own, an index has its table's.
            let mut parts = arn.resource.split('/');
            let (kind, name, sub, label) = (parts.next()?, parts.next()?, parts.next(), parts.next());
            let holder = match (sub, label) {
                (Some("stream"), Some(label)) => format!("table/{name}/stream/{label}"),
                _ => format!("table/{name}"),
            };
            (kind == "table").then(|| whole(arn, &holder))
        },
        policy: |arn, holder, _| {
            Call::json(DYNAMODB, arn.region, "1.0", "DynamoDB_20120810.GetResourcePolicy", &json!({"ResourceArn": holder}))
        },
        text: |answer| member(answer, &["Policy"]),
        about: |_| None,
        page: |region, token| {
            let mut body = json!({"Limit": 100});
            set(&mut body, "ExclusiveStartTableName", token);
            Call::json(DYNAMODB, region, "1.0", "DynamoDB_20120810.ListTables", &body)
        },
        arns: |page, place| {
            let name = |name: &Value| {
                Some(format!("arn:{}:dynamodb:{}:{}:table/{}", place.partition, place.region, place.account, name.as_str()?))
            };
            list(page, "TableNames").filter_map(name).collect()
        },
        next: "LastEvaluatedTableName",
    },
    Row {
        service: "ecr",
        get: GET_REPOSITORY,
        list: LIST_REPOSITORIES,
        holder: |arn| arn.resource.starts_with("repository/").then(|| whole(arn, arn.resource)),
        policy: |arn, _, _| {
            let name = arn.resource.strip_prefix("repository/").unwrap_or(arn.resource);
            let body = json!({"registryId": arn.account, "repositoryName": name});
            Call::json(ECR, arn.region, "1.1", "AmazonEC2ContainerRegistry_V20150921.GetRepositoryPolicy", &body)
        },
        text: |answer| member(answer, &["policyText"]),
        about: |_| None,
        page: |region, token| {
            let mut body = json!({"maxResults": 1000});
            set(&mut body, "nextToken", token);
            Call::json(ECR, region, "1.1", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", &body)
        },
        arns: |page, _| {
            list(page, "repositories").filter_map(|repository| repository.get("repositoryArn")?.as_str()).map(str::to_owned).collect()
        },
        next: "nextToken",
    },
];

/// Reads the policy of one resource of these services; says which account it belongs to. `None` where it is of another service.
pub(super) async fn read(reader: &Reader<'_>, accounts: &Accounts<'_>, arn: &str, action: &str) -> Option<()> {
    let parsed = Arn::parse(arn)?;
    let row = ROWS.iter().find(|row| row.service == parsed.service)?;
    let Some(holder) = (row.holder)(&parsed) else { return Some(()) };
    // These services answer for a resource of another account where its policy lets us ask; so our own credentials are worth a try.
    let (clients, reader) = match accounts.clients(parsed.account).await {
        Ok(clients) => (clients, reader.clone()),
        Err(_) => (Arc::new(accounts.home().clone()), reader.away(parsed.account_id())),
    };
    row.read(&reader, &clients, &holder).await;
    if action.eq_ignore_ascii_case("lambda:InvokeFunctionUrl") {
        function_url(&reader, &clients, &holder).await;
    }
    Some(())
}

impl Row {
    /// Reads one policy.
    pub(super) async fn read(&self, reader: &Reader<'_>, clients: &Clients, holder: &str) {
        let Some(arn) = Arn::parse(holder) else { return };
        let call = (self.policy)(&arn, holder, clients);
        match reader.attempt(&self.get, holder, clients.wire.value(&call)).await {
            Ok(answer) => match (self.text)(&answer).filter(|policy| !policy.trim().is_empty()) {
                Some(policy) => reader.found(&self.get, holder, &format!("resource policy of {}", arn.resource), policy),
                // The ARN of a secret may be said without the six characters at its end.
                None if (self.about)(&answer).is_some_and(|about| about.starts_with(holder)) => {
                    reader.note(RESOURCE_POLICY, holder, Outcome::Absent);
                }
                None => reader.note(RESOURCE_POLICY, holder, unlike(&self.get)),
            },
            Err(failure) => reader.note(RESOURCE_POLICY, holder, reader.failed(&self.get, &failure)),
        }
    }

    /// The ARNs of everything of this service in one region.
    pub(super) async fn list(&self, reader: &Reader<'_>, clients: &Clients, place: &Place<'_>) -> Result<Vec<String>, Outcome> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let (arns, next) = self.some(reader, clients, place, token.as_deref()).await?;
            all.extend(arns);
            if next.is_none() || next == token {
                return Ok(all);
            }
            token = next;
        }
        Err(super::reader::endless(&self.list))
    }

    /// One page of that list, and where the next one begins.
    pub(super) async fn some(
        &self,
        reader: &Reader<'_>,
        clients: &Clients,
        place: &Place<'_>,
        token: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Outcome> {
        let call = (self.page)(place.region, token);
        let answer = reader.attempt(&self.list, &format!("* in {}", place.region), clients.wire.value(&call)).await;
        let page = answer.map_err(|failure: Failure| reader.failed(&self.list, &failure))?;
        let inner = page.as_object().and_then(|page| page.values().find_map(|value| value.get(self.next)));
        let next = page.get(self.next).or(inner).and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(((self.arns)(&page, place), next))
    }
}

async fn function_url(reader: &Reader<'_>, clients: &Clients, arn: &str) {
    let Some(parsed) = Arn::parse(arn) else { return };
    let call = Call::get(LAMBDA, parsed.region, format!("/2021-10-31/functions/{}/url", encode(arn)));
    match reader.attempt(&GET_FUNCTION_URL, arn, clients.wire.value(&call)).await {
        Ok(answer) => match member(&answer, &["AuthType"]) {
            Some(kind) => {
                let text = pretty(&json!({"AuthType": kind, "FunctionArn": arn}));
                reader.found(&GET_FUNCTION_URL, arn, &format!("URL of {}", parsed.resource), text);
            }
            None => reader.note(FUNCTION_URL, arn, unlike(&GET_FUNCTION_URL)),
        },
        Err(failure) => reader.note(FUNCTION_URL, arn, reader.failed(&GET_FUNCTION_URL, &failure)),
    }
}

/// One of the attributes of a topic, which come as `entry` elements with `key` and `value`.
fn topic_attribute(answer: &Value, name: &str) -> Option<String> {
    let entries = answer.get("GetTopicAttributesResult")?.get("Attributes")?.get("entry")?;
    let listed = std::slice::from_ref(entries);
    let mut entries = entries.as_array().map_or(listed, Vec::as_slice).iter();
    let entry = entries.find(|entry| entry.get("key").and_then(Value::as_str) == Some(name))?;
    entry.get("value")?.as_str().map(str::to_owned)
}

fn whole(arn: &Arn<'_>, resource: &str) -> String {
    format!("arn:{}:{}:{}:{}:{resource}", arn.partition, arn.service, arn.region, arn.account)
}

fn member(answer: &Value, path: &[&str]) -> Option<String> {
    path.iter().try_fold(answer, |value, name| value.get(name))?.as_str().map(str::to_owned)
}

fn list<'v>(page: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    page.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn set(body: &mut Value, name: &str, token: Option<&str>) {
    if let (Some(body), Some(token)) = (body.as_object_mut(), token) {
        body.insert(name.to_owned(), token.into());
    }
}

#[cfg(test)]
mod tests {
    use super::ROWS;
    use crate::collect::arn::Arn;

    fn holder(arn: &str) -> Option<String> {
        let arn = Arn::parse(arn).unwrap();
        let row = ROWS.iter().find(|row| row.service == arn.service).unwrap();
        (row.holder)(&arn)
    }

    #[test]
    fn the_policy_stands_on_the_table_and_not_on_its_index() {
        assert_eq!(
            holder("arn:aws:dynamodb:eu-west-1:111122223333:table/T/index/I").as_deref(),
            Some("arn:aws:dynamodb:eu-west-1:111122223333:table/T")
        );
        assert_eq!(
            holder("arn:aws:dynamodb:eu-west-1:111122223333:table/T/stream/2026").as_deref(),
            Some("arn:aws:dynamodb:eu-west-1:111122223333:table/T/stream/2026")
        );
        assert_eq!(
            holder("arn:aws:sns:eu-west-1:111122223333:topic:6b0e71bd").as_deref(),
            Some("arn:aws:sns:eu-west-1:111122223333:topic")
        );
        assert_eq!(holder("arn:aws:lambda:eu-west-1:111122223333:event-source-mapping:x"), None);
    }
}
