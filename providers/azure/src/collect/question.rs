//! What one question needs. The lists that decide most cases go out first and together, whoever asks is looked up meanwhile; what the
//! lists name comes second. Graph is asked for groups only where a group could matter.

use super::assignments::{self, Named, Who};
use super::connection::connect;
use super::directory;
use super::gates;
use super::hierarchy;
use super::principal::Resolved;
use super::reader::Reader;
use super::step::{self, Step};
use crate::documents::KINDS;
use crate::language::permission::Plane;
use crate::operations::{self, Verb};
use crate::request::{Access, Request, Target};
use crate::scope::Scope;
use crate::world::{guid, id_key, last};
use azure_core::credentials::TokenCredential;
use futures_util::future::{join, join_all, join3};
use iam_why_contract::Gathered;
use iam_why_contract::collect::{Options, Progress};
use iam_why_contract::{CollectError, Collected, Lookup, Outcome, Question};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Reads what `question` needs, within the time that `options` allows.
pub(super) async fn read(
    given: Option<Arc<dyn TokenCredential>>,
    question: &Question,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Collected, CollectError> {
    let sink = Gathered::default();
    let reader = Reader::new(connect(given, options)?, options.concurrency, &sink, progress);
    let in_time = tokio::time::timeout(options.timeout, Box::pin(whole(&reader, question, options))).await;
    let late = in_time.is_err();
    let (question, notes) = match in_time {
        Ok(done) => done?,
        Err(_) => {
            reader.ledger.give_up(options.timeout);
            let seconds = options.timeout.as_secs_f64();
            let note = format!("reading took longer than {seconds} s (--timeout): what was not read by then is noted as such");
            (question.clone(), vec![note])
        }
    };
    if let Some(said) = reader.connection.reach.silence() {
        return Err(CollectError::NothingRead { cloud: "Azure", said: reader.secrets.scrub(&said) });
    }
    if late && !reader.connection.reach.is_proven() {
        let said = format!("no answer within {} s (--timeout)", options.timeout.as_secs_f64());
        return Err(CollectError::NothingRead { cloud: "Azure", said });
    }
    drop(reader);
    let snapshot = sink.into_snapshot(KINDS, now());
    Ok(Collected { question, snapshot, notes })
}

async fn whole(reader: &Reader<'_>, question: &Question, options: &Options) -> Result<(Question, Vec<String>), CollectError> {
    let request = Request::new(question).map_err(|error| CollectError::Question(error.to_string()))?;
    let who = Who::new(&question.principal, is_stated(question));
    let early = async {
        // While a host name is looked up, so is whoever asks; otherwise that goes out with the lists.
        if request.needs.iter().flat_map(|need| &need.any_of).any(|access| matches!(access.target, Target::Below { .. })) {
            // What came of it is asked for again where it is needed.
            let _ = who.get(reader).await;
        }
    };
    let (targets, ()) = join(Box::pin(targets(reader, &request, options)), Box::pin(early)).await;
    if targets.is_empty() {
        let why = "the question names no subscription: give the resource id, or --subscription";
        reader.note(&step::ROLE_ASSIGNMENTS, "*", Outcome::NotTried { why: why.into() });
    }
    let judged = targets.iter().any(|wanted| wanted.judged);
    let mut done = BTreeSet::new();
    let bases: Vec<Scope> = targets.iter().map(|wanted| base(&wanted.scope)).filter(|base| done.insert(base.key().to_owned())).collect();
    let decisive = decisive(reader, &bases, &targets, &who);
    let gates = join_all(bases.iter().map(|base| Box::pin(beside(reader, base, judged))));
    let namespaces = join_all(targets.iter().map(|wanted| Box::pin(gates::namespaces(reader, wanted))));
    let (decided, _, _) = join3(Box::pin(decisive), gates, namespaces).await;
    decided?;
    let resolved = who.get(reader).await?;
    Ok((completed(question, resolved), resolved.notes.clone()))
}

/// The question as Azure spells it, with what the token says of whoever asks.
fn completed(question: &Question, resolved: &Resolved) -> Question {
    let mut context = question.context.clone();
    if let Some(tenant) = resolved.tenant.as_deref().filter(|_| context.get_ignoring_case("tenant") == Lookup::NotKnown) {
        context = context.with("tenant", [tenant]);
    }
    Question { principal: resolved.id.clone(), context, ..question.clone() }
}

/// An error or a token called it an object id.
fn is_stated(question: &Question) -> bool {
    let said = |ids: &[String]| ids.iter().any(|id| id_key(id) == id_key(&question.principal));
    matches!(question.context.get_ignoring_case("objectId"), Lookup::Known(ids) if said(ids))
}

/// What decides: assignments, deny assignments, the settings of the resource; then what they name.
async fn decisive(reader: &Reader<'_>, bases: &[Scope], targets: &[Wanted], who: &Who<'_>) -> Result<(), CollectError> {
    let (lists, delegated, settings) = join3(
        join_all(bases.iter().map(|base| Box::pin(assignments::access(reader, base, who)))),
        join_all(targets.iter().map(|wanted| Box::pin(assignments::lighthouse(reader, &wanted.scope)))),
        join_all(targets.iter().map(|wanted| Box::pin(gates::settings(reader, wanted)))),
    )
    .await;
    let mut named = Named::default();
    for (list, base) in lists.into_iter().zip(bases) {
        let (list, above) = list?;
        hierarchy::keep(reader, base, above, &list.above);
        named.extend(list);
    }
    delegated.into_iter().for_each(|other| named.extend(other));
    named.groups.extend(settings.into_iter().flatten());
    let known = who.get(reader).await?;
    let memberships = async {
        if guid(&known.id).is_some() && gates::others(&named.groups, &known.id) {
            directory::member_of(reader, known, &named).await;
        }
    };
    join(Box::pin(assignments::definitions(reader, &named.roles)), Box::pin(memberships)).await;
    Ok(())
}

/// What refuses whoever asks.
async fn beside(reader: &Reader<'_>, base: &Scope, judged: bool) {
    let locks = async {
        // Resource Manager keeps no locks on management groups ("Lock your Azure resources").
        base.subscription().is_none() || gates::listed(reader, &step::LOCKS, base, "Microsoft.Authorization/locks").await
    };
    let policies = async { !judged || gates::policies(reader, base).await };
    join3(Box::pin(hierarchy::subscription(reader, base)), Box::pin(locks), Box::pin(policies)).await;
}

/// One scope that the question touches, and for what.
pub(super) struct Wanted {
    pub(super) scope: Scope,
    pub(super) actions: BTreeSet<String>,
    /// The namespaces of actions whose plane nobody said and nothing here knows.
    pub(super) open_planes: BTreeSet<String>,
    /// Whether Azure Policy looks at it: at writes and deletions of the control plane.
    judged: bool,
    /// Resource Graph said where it is.
    pub(super) looked_up: bool,
}

impl Wanted {
    fn wants(&mut self, access: &Access) {
        self.actions.insert(access.action.clone());
        let plane = access.plane.or_else(|| operations::plane(&access.action));
        self.judged |= plane != Some(Plane::Data) && matches!(operations::verb(&access.action), Verb::Write | Verb::Delete);
        if plane.is_none() {
            self.open_planes.insert(operations::namespace(&access.action).to_owned());
        }
    }
}

async fn targets(reader: &Reader<'_>, request: &Request, options: &Options) -> Vec<Wanted> {
    let accesses: Vec<_> = request.needs.iter().flat_map(|need| &need.any_of).collect();
    let located = join_all(accesses.iter().map(|access| Box::pin(locate(reader, &access.target)))).await;
    let mut targets: BTreeMap<String, Wanted> = BTreeMap::new();
    for (access, scope) in accesses.iter().zip(located) {
        let scope = scope.or_else(|| options.get("subscription").map(|id| Scope::new(&format!("/subscriptions/{id}"))));
        if let Some(scope) = scope {
            let looked_up = matches!(access.target, Target::Below { .. });
            let empty =
                || Wanted { scope: scope.clone(), actions: BTreeSet::new(), open_planes: BTreeSet::new(), judged: false, looked_up };
            targets.entry(scope.key().to_owned()).or_insert_with(empty).wants(access);
        }
    }
    targets.into_values().collect()
}

/// Lists are read of the whole subscription: they hold what is at, above and below it (F-3, F-4).
fn base(scope: &Scope) -> Scope {
    scope.subscription_scope().unwrap_or_else(|| scope.in_management_group().map_or_else(|| scope.clone(), Scope::of_management_group))
}

/// The scope that a target is; a host name is looked up in Resource Graph.
pub(super) async fn locate(reader: &Reader<'_>, target: &Target) -> Option<Scope> {
    let (kind, name, path) = match target {
        Target::Scope(scope) => return Some(scope.clone()),
        Target::NotSaid => return None,
        Target::Below { kind, name, path } => (kind, name, path),
    };
    let row = if kind.ends_with("vaults") { &step::KEY_VAULT } else { &step::STORAGE_ACCOUNT };
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    let query = format!("resources | where type =~ '{kind}' and name =~ '{name}' | project id");
    reader.expect(row, name);
    let rows = if plain { reader.query(row, &query, None).await } else { Ok(Vec::new()) };
    let ids: Vec<String> = match rows {
        Ok(rows) => rows.iter().filter_map(|row| row.get("id")?.as_str()).map(str::to_owned).collect(),
        Err(failure) => {
            reader.unlisted(row, name, &failure);
            return None;
        }
    };
    // Names of accounts and vaults are unique in a cloud; Resource Graph shows one twice for a while after it was moved.
    match ids.as_slice() {
        [id] => {
            reader.settle(row, name);
            Some(Scope::new(&format!("{id}{path}")))
        }
        several => {
            let said = if several.is_empty() { "Resource Graph does not show it" } else { "Resource Graph shows more than one" };
            reader.unlisted(row, name, &super::outcome::Failure::Unseen(said.into()));
            None
        }
    }
}

/// Hands in an element of a list, of the scope that it is at.
pub(super) fn element(reader: &Reader<'_>, step: &Step, base: &Scope, item: &Value) {
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    let above = id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/").and_then(|at| id.get(..at));
    let above = above.map(|scope| if scope.is_empty() { "/" } else { scope });
    let scope = member(item, "scope").or(above).unwrap_or_else(|| base.text());
    reader.document(step, scope, &gates::title_of(step, item), item);
}

/// What people call an element; its own name behind it where that is another, so that two of one name are told apart.
pub(super) fn definition_title(what: &str, name: &str, id: &str) -> String {
    let own = last(id);
    if own.is_empty() || own.eq_ignore_ascii_case(name) { format!("{what} {name}") } else { format!("{what} {name} ({own})") }
}

/// The subject of the search of a list: what was listed, with its filter.
pub(super) fn subject(base: &Scope, filter: Option<&str>) -> String {
    filter.map_or_else(|| base.text().to_owned(), |filter| format!("{}?$filter={filter}", base.text()))
}

/// The root is the empty path.
pub(super) fn path_of(base: &Scope) -> &str {
    if base.is_root() { "" } else { base.text() }
}

/// A member of an element of Resource Manager.
pub(super) fn member<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get("properties")
        .and_then(|inner| inner.get(name))
        .or_else(|| item.get(name))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The moment, RFC 3339 in whole seconds.
fn now() -> String {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{base, definition_title, subject};
    use crate::scope::Scope;

    #[test]
    fn lists_are_read_of_the_whole_subscription_or_of_the_management_group() {
        let disk = Scope::new("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d");
        assert_eq!(base(&disk).text(), "/subscriptions/s");
        assert_eq!(subject(&base(&disk), Some("assignedTo('x')")), "/subscriptions/s?$filter=assignedTo('x')");
    }

    #[test]
    fn two_of_one_name_are_told_apart() {
        assert_eq!(definition_title("policy assignment", "Baseline", "/x/policyAssignments/b1"), "policy assignment Baseline (b1)");
        assert_eq!(definition_title("lock", "keep", "/x/locks/keep"), "lock keep");
    }
}
