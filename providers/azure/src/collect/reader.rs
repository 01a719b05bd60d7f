//! Sends the calls: so many at once, each noted before it is sent and when it is answered.

use super::connection::{Connection, Service};
use super::outcome::Failure;
use super::step::Step;
use azure_core::http::Url;
use iam_why_contract::collect::{Ledger, Progress, Secrets, Sink};
use iam_why_contract::{Document, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};

/// No list is followed further than this: a server whose pages never end does not keep us for ever.
pub(super) const MOST_PAGES: usize = 500;

/// An object that is read once; `None` where it could not be.
type Object = Arc<OnceCell<Option<Value>>>;

/// A page of a list.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// The link to the next one.
    pub(super) next: Option<String>,
}

/// What every part of the collector reads through.
pub(super) struct Reader<'r> {
    pub(super) connection: Connection,
    pub(super) secrets: Secrets,
    pub(super) ledger: Ledger<'r>,
    permits: Semaphore,
    /// What was read by its id, so that it is read once.
    objects: Mutex<BTreeMap<String, Object>>,
    /// How long one call may take, where no longer limit stands over all.
    patience: Option<Duration>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(connection: Connection, concurrency: usize, sink: &'r dyn Sink, progress: &'r dyn Progress) -> Self {
        Self {
            connection,
            secrets: Secrets::default(),
            ledger: Ledger::new(sink, progress),
            permits: Semaphore::new(concurrency.max(1)),
            objects: Mutex::default(),
            patience: None,
        }
    }

    /// The same, giving up on a call after so long.
    pub(super) fn each_within(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Where the object of this id goes when it was read.
    pub(super) fn once(&self, id: &str) -> Object {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(objects.entry(id.to_ascii_lowercase()).or_default())
    }

    /// Gets one object of Resource Manager.
    pub(super) async fn get(&self, step: &Step, path: &str) -> Result<Value, Failure> {
        let object = self.object(step, path, &version(step)).await?;
        // Every resource says its own id; whatever does not is the word of something in between.
        if object.get("id").is_some_and(Value::is_string) { Ok(object) } else { Err(self.malformed(step, "the answer has no `id`")) }
    }

    /// Gets one object of Resource Manager, with a query of its own.
    pub(super) async fn object(&self, step: &Step, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        self.sent(step, Service::Manager, self.url(Service::Manager, path, query)?, None).await
    }

    /// Gets all elements of a list of Resource Manager; `filter` as OData.
    pub(super) async fn list(&self, step: &Step, path: &str, filter: Option<&str>) -> Result<Vec<Value>, Failure> {
        let mut query = version(step);
        query.extend(filter.map(|filter| ("$filter", filter.to_owned())));
        self.pages(step, Service::Manager, path, &query).await
    }

    /// Gets one object of Microsoft Graph.
    pub(super) async fn graph(&self, step: &Step, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        self.sent(step, Service::Graph, self.url(Service::Graph, path, query)?, None).await
    }

    /// Sends a query to Azure Resource Graph: a POST that reads.
    pub(super) async fn query(&self, step: &Step, query: &str, subscription: Option<&str>) -> Result<Vec<Value>, Failure> {
        let mut body = serde_json::json!({"query": query, "options": {"resultFormat": "objectArray"}});
        if let (Some(subscription), Some(members)) = (subscription, body.as_object_mut()) {
            members.insert("subscriptions".into(), serde_json::json!([subscription]));
        }
        let path = "/providers/Microsoft.ResourceGraph/resources";
        let answer = self.post(step, Service::Manager, (path, &[("api-version", "2021-03-01".to_owned())]), &body).await?;
        match answer.get("data").and_then(Value::as_array) {
            Some(rows) => Ok(rows.clone()),
            None => Err(Failure::Malformed("the answer has no `data`".into())),
        }
    }

    /// Sends what is documented as a POST and reads all the same.
    pub(super) async fn post(
        &self,
        step: &Step,
        service: Service,
        (path, query): (&str, &[(&str, String)]),
        body: &Value,
    ) -> Result<Value, Failure> {
        self.sent(step, service, self.url(service, path, query)?, Some(body)).await
    }

    /// All pages of a list.
    pub(super) async fn pages(&self, step: &Step, service: Service, path: &str, query: &[(&str, String)]) -> Result<Vec<Value>, Failure> {
        let mut url = self.url(service, path, query)?;
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.page(step, service, &url).await?;
            all.extend(page.items);
            let Some(next) = page.next else { return Ok(all) };
            url = self.follow(step, service, &next)?;
        }
        Err(self.endless(step))
    }

    /// One page of a list.
    pub(super) async fn page(&self, step: &Step, service: Service, url: &Url) -> Result<Page, Failure> {
        let mut page = self.sent(step, service, url.clone(), None).await?;
        let next = ["nextLink", "@odata.nextLink"].iter().find_map(|name| page.get(name)).and_then(Value::as_str);
        let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
        let Some(items) = page.get_mut("value").and_then(Value::as_array_mut).map(std::mem::take) else {
            return Err(self.malformed(step, "the answer has no `value`"));
        };
        // What cannot be understood cannot be left out either: the list would pass for whole.
        if let Some(lacking) = items.iter().find_map(|item| step.lacks(item)) {
            return Err(self.malformed(step, &format!("an element of the list has no `{lacking}`")));
        }
        match next {
            Some(next) if next == url.as_str() => Err(self.malformed(step, "the link to the next page leads to the same page")),
            next => Ok(Page { items, next }),
        }
    }

    /// Where a link to the next page leads. One to another host is not followed: the token goes nowhere else.
    pub(super) fn follow(&self, step: &Step, service: Service, next: &str) -> Result<Url, Failure> {
        let next: Url = next.parse().map_err(|_| self.malformed(step, "the link to the next page is no address"))?;
        if next.origin() == self.connection.base(service).origin() {
            Ok(next)
        } else {
            Err(self.malformed(step, "the link to the next page leads to another host"))
        }
    }

    /// What is said of a list that does not end.
    pub(super) fn endless(&self, step: &Step) -> Failure {
        self.malformed(step, &format!("there were more than {MOST_PAGES} pages"))
    }

    fn malformed(&self, step: &Step, said: &str) -> Failure {
        let failure = Failure::Malformed(said.into());
        self.count(step, Some(&failure));
        failure
    }

    async fn sent(&self, step: &Step, service: Service, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        // The semaphore is never closed; were it, calls would go out unbounded rather than not at all.
        let permit = self.permits.acquire().await.ok();
        self.ledger.progress().began(step.title());
        let sending = Box::pin(self.connection.send(service, url, body, &self.secrets));
        let answer = match self.patience {
            Some(patience) => tokio::time::timeout(patience, sending)
                .await
                .unwrap_or_else(|_| Err(Failure::Connection(format!("no answer within {} s", patience.as_secs_f64())))),
            None => sending.await,
        };
        self.ledger.progress().ended(step.title());
        drop(permit);
        self.count(step, answer.as_ref().err());
        answer
    }

    /// The address of a call.
    pub(super) fn url(&self, service: Service, path: &str, query: &[(&str, String)]) -> Result<Url, Failure> {
        let mut url = self.connection.base(service).clone();
        // Neither a query nor another host comes in through a name.
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        if url.origin() == self.connection.base(service).origin() {
            Ok(url)
        } else {
            Err(Failure::Malformed("the address is another one".into()))
        }
    }

    fn count(&self, step: &Step, failure: Option<&Failure>) {
        self.ledger.count(step.call, failure.map_or(Outcome::Found, |failure| failure.outcome(step, &self.secrets)));
    }

    /// Says that something will be noted of `kind` of `subject`; if time runs out first, that is noted.
    pub(super) fn expect(&self, step: &Step, subject: &str) {
        self.ledger.expect(step.kind, subject, step.call);
    }

    /// Nothing has to be noted any more of `kind` of `subject`.
    pub(super) fn settle(&self, step: &Step, subject: &str) {
        self.ledger.settled(step.kind, subject);
    }

    /// Hands in a document.
    pub(super) fn document(&self, step: &Step, subject: &str, title: &str, value: &Value) {
        let text = self.secrets.without(&serde_json::to_string_pretty(value).unwrap_or_default());
        self.ledger.document(Document::new(step.kind, subject, &self.secrets.without(title), text).from_source(step.call, 1));
    }

    /// Hands in a document and notes that it was found.
    pub(super) fn found(&self, step: &Step, subject: &str, title: &str, value: &Value) {
        self.document(step, subject, title, value);
        self.note(step, subject, Outcome::Found);
    }

    /// Notes what became of looking for what a step yields.
    pub(super) fn note(&self, step: &Step, subject: &str, outcome: Outcome) {
        self.ledger.settled(step.kind, subject);
        self.ledger.note(step.kind, subject, outcome);
    }

    /// Notes that a list was not read.
    pub(super) fn unlisted(&self, step: &Step, subject: &str, failure: &Failure) {
        self.note(step, subject, failure.outcome_of_list(step, &self.secrets));
    }

    /// Notes that looking failed.
    pub(super) fn failed(&self, step: &Step, subject: &str, failure: &Failure) {
        self.note(step, subject, failure.outcome(step, &self.secrets));
    }
}

/// The version of the API, as the query has it.
pub(super) fn version(step: &Step) -> Vec<(&'static str, String)> {
    vec![("api-version", step.version.to_owned())]
}
