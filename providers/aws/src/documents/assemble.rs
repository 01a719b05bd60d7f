//! Puts files together: one says whose the text in another is.

use super::name::{UNRESOLVED, is_account};
use super::reading::{account_of, last_name};
use super::text::Members;
use super::{ATTACHED_POLICIES, CALLER, GROUP, INLINE_POLICY, KMS_KEY, POLICY_FACTS, RESOURCE, ROLE, USER, iam_collect};
use iam_why_contract::{Document, Search, Snapshot};
use std::collections::{BTreeSet, HashMap};

/// Gives every document whose file named only a name (`list-role-policies.app.json`) the ARN that the other files know for it, and
/// makes one of several documents that speak of the same. What stays without an ARN is left out, and said.
#[must_use]
pub fn assemble(snapshot: Snapshot) -> Snapshot {
    let open = |subject: &str| subject.starts_with(UNRESOLVED);
    let documents = snapshot.documents().iter().any(|document| open(&document.subject));
    let placed = if documents || snapshot.searches().iter().any(|search| open(&search.subject)) { place(&snapshot) } else { snapshot };
    let mut single = unite(placed);
    let mut said = BTreeSet::new();
    single.remarks.retain(|remark| said.insert(remark.clone()));
    single
}

fn place(snapshot: &Snapshot) -> Snapshot {
    let known = Known::read(snapshot);
    let mut whole = like(snapshot);
    for document in snapshot.documents() {
        match known.subject(&document.subject) {
            Ok(None) => whole.add(document.clone()),
            Ok(Some(subject)) => whole.add(renamed(document, &subject)),
            Err(needs) => whole.remarks.push(format!("`{}` {needs}", document.origin.source)),
        }
    }
    for search in snapshot.searches() {
        match known.subject(&search.subject) {
            Ok(None) => whole.note(search.clone()),
            Ok(Some(subject)) => whole.note(Search { subject: subject.into(), ..search.clone() }),
            Err(needs) => whole.remarks.push(format!("an output of kind `{}` {needs}", search.kind)),
        }
    }
    whole
}

/// A snapshot with nothing in it yet but what is said of this one as a whole.
fn like(snapshot: &Snapshot) -> Snapshot {
    let mut empty = Snapshot::default();
    empty.taken_at.clone_from(&snapshot.taken_at);
    empty.remarks.clone_from(&snapshot.remarks);
    empty
}

/// Makes one of several documents of the same kind and subject: facts about a resource are put together, of an identity that document
/// counts that lists its policies, of anything else the first, which is said.
fn unite(snapshot: Snapshot) -> Snapshot {
    let mut groups: HashMap<(&str, &str), Vec<&Document>> = HashMap::new();
    // What other clouds keep is theirs to put together.
    let ours = |document: &&Document| document.kind.starts_with("aws:") && *document.kind != *INLINE_POLICY;
    for document in snapshot.documents().iter().filter(ours) {
        groups.entry((&*document.kind, &*document.subject)).or_default().push(document);
    }
    if groups.values().all(|group| group.len() == 1) {
        return snapshot;
    }
    let mut whole = like(&snapshot);
    for document in snapshot.documents() {
        match groups.get(&(&*document.kind, &*document.subject)).map(Vec::as_slice) {
            None | Some([_]) => whole.add(document.clone()),
            Some([first, others @ ..]) if first.id == document.id => {
                let one = one_of(first, others, &mut whole.remarks);
                whole.add(one);
            }
            Some(_) => {}
        }
    }
    snapshot.searches().iter().cloned().for_each(|search| whole.note(search));
    whole
}

fn one_of(first: &Document, others: &[&Document], remarks: &mut Vec<String>) -> Document {
    const LISTS: [&str; 3] = ["RolePolicyList", "UserPolicyList", "GroupPolicyList"];
    let lists = |document: &Document| LISTS.iter().any(|list| document.text.contains(list));
    match &*first.kind {
        RESOURCE => facts(first, others),
        USER | ROLE | GROUP if lists(first) => first.clone(),
        USER | ROLE | GROUP => others.iter().find(|document| lists(document)).map_or_else(|| first.clone(), |document| (*document).clone()),
        kind => {
            let sources: Vec<String> = others.iter().map(|document| format!("`{}`", document.origin.source)).collect();
            remarks.push(format!(
                "`{}` counts for {kind} of {}; {} says something else",
                first.origin.source,
                first.subject,
                sources.join(", ")
            ));
            first.clone()
        }
    }
}

/// Facts about a resource, put together; of two that contradict each other the first counts.
fn facts(first: &Document, others: &[&Document]) -> Document {
    let object =
        |document: &Document| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&document.text).unwrap_or_default();
    let mut all = object(first);
    for (name, value) in others.iter().flat_map(|document| object(document)) {
        all.entry(name).or_insert(value);
    }
    Document { text: serde_json::Value::Object(all).to_string().into(), ..first.clone() }
}

fn renamed(document: &Document, subject: &str) -> Document {
    let mut renamed = Document::new(&document.kind, subject, &document.title, std::sync::Arc::clone(&document.text));
    renamed.origin = document.origin.clone();
    renamed
}

/// The ARNs that the files name, by what they are called: `role/app`.
#[derive(Default)]
struct Known {
    arns: HashMap<String, BTreeSet<String>>,
    accounts: BTreeSet<String>,
    partition: Option<String>,
}

impl Known {
    fn read(snapshot: &Snapshot) -> Self {
        let mut known = Self::default();
        for (kind, noun) in [(ROLE, "role"), (USER, "user"), (GROUP, "group"), (KMS_KEY, "key"), (POLICY_FACTS, "policy")] {
            snapshot.all_of(kind).for_each(|document| known.add(noun, &document.subject));
        }
        for resource in snapshot.all_of(RESOURCE).filter(|document| document.origin.source.ends_with("/metadata.json#")) {
            let folder = iam_collect::folder(&resource.origin.source);
            known.arns.entry(format!("folder/{folder}")).or_default().insert(resource.subject.to_string());
        }
        for attached in snapshot.all_of(ATTACHED_POLICIES) {
            let list = Members::read(&attached.text).unwrap_or_default().list("AttachedPolicies").unwrap_or_default();
            let arns: Vec<_> = list.into_iter().filter_map(|policy| Members::of(policy).string("PolicyArn")).collect();
            arns.iter().for_each(|arn| known.add("policy", arn));
        }
        for caller in snapshot.all_of(CALLER) {
            known.accounts.insert(caller.subject.to_string());
            let arn = Members::read(&caller.text).ok().and_then(|members| members.string("Arn").map(std::borrow::Cow::into_owned));
            known.partition = arn.and_then(|arn| arn.split(':').nth(1).map(str::to_owned));
        }
        known
    }

    fn add(&mut self, noun: &str, arn: &str) {
        if arn.starts_with("arn:") {
            self.arns.entry(format!("{noun}/{}", last_name(arn))).or_default().insert(arn.to_owned());
        }
    }

    /// The subject that an unresolved one stands for; `Ok(None)` for one that is none.
    ///
    /// # Errors
    /// Where the files do not say it: what is missing.
    fn subject(&self, subject: &str) -> Result<Option<String>, String> {
        let Some((account, what)) = subject.strip_prefix(UNRESOLVED).and_then(|rest| rest.split_once(':')) else { return Ok(None) };
        let caller = self.accounts.first().filter(|_| self.accounts.len() == 1);
        if what == "account" {
            let missing = || "does not say of which account it is: put it in a folder named by the account id, or add what `aws sts get-caller-identity` prints";
            return caller.cloned().map(Some).ok_or_else(|| missing().to_owned());
        }
        let named = self.arns.get(what).into_iter().flatten();
        let mut fitting = named.filter(|arn| account.is_empty() || account_of(arn) == Some(account) || what.starts_with("policy/"));
        match (fitting.next(), fitting.next()) {
            (Some(arn), None) => Ok(Some(arn.clone())),
            (Some(one), Some(two)) => {
                Err(format!("is of `{what}`, which may be {one} or {two}: put it in a folder named by the account id"))
            }
            (None, _) => self.in_account(Some(account).filter(|account| is_account(account)).or(caller.map(String::as_str)), what),
        }
    }

    /// A name without a path in a known account. A wrong guess does no harm: names are unique in an account, so no other role has it.
    fn in_account(&self, account: Option<&str>, what: &str) -> Result<Option<String>, String> {
        let partition = self.partition.as_deref().unwrap_or("aws");
        let iam = !what.starts_with("key/") && !what.starts_with("policy/");
        let arn = account.filter(|_| iam).map(|account| format!("arn:{partition}:iam::{account}:{what}"));
        let file = match what.split('/').next() {
            Some("folder") => return Err("has no `metadata.json` beside it that says its ARN".to_owned()),
            Some("key") => "`aws kms describe-key`",
            Some("policy") => "`aws iam get-policy`",
            Some("user") => "`aws iam get-user`",
            Some("group") => "`aws iam get-group`",
            _ => "`aws iam get-role`",
        };
        arn.map(Some).ok_or_else(|| format!("is of `{what}`, whose ARN is not known: add what {file} prints, or name the file by the ARN"))
    }
}
