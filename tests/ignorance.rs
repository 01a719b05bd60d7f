//! What is not read may make an answer undetermined; it never makes it another one.

use iam_why::contract::{Case, Outcome, Search, Verdict};
use iam_why::{Decision, Question, Snapshot, Words, ask, load::load, providers};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The questions of the runbooks, each with the snapshot it is asked of.
fn questions() -> Vec<(Question, String)> {
    let pages = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/runbooks")).unwrap();
    let mut questions = Vec::new();
    for page in pages.map(|page| page.unwrap().path()).filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        questions.extend(text.lines().filter_map(|line| line.strip_prefix("$ iam-why ")).filter_map(question));
    }
    questions
}

/// `None` for another command than a question.
fn question(command: &str) -> Option<(Question, String)> {
    let (mut plain, mut words, mut snapshot) = (Vec::new(), Words::default(), None);
    let mut typed = command.split(' ').map(|word| word.trim_matches('\'').to_owned());
    while let Some(word) = typed.next() {
        match word.as_str() {
            "--context" => words.context.push(typed.next().unwrap()),
            "--snapshot" => snapshot = typed.next(),
            "--provider" => words.provider = typed.next(),
            "--assume-absent" => words.assume_absent = true,
            _ => plain.push(word),
        }
    }
    let mut plain = plain.into_iter();
    (words.principal, words.action, words.resource) = (plain.next()?, plain.next()?, plain.next());
    Some((words.question().ok()?, snapshot?))
}

fn without(snapshot: &Snapshot, left_out: usize) -> Snapshot {
    let kept = snapshot.documents().iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, document)| document.clone());
    // What Azure prints are lists: one that lacks an element is not the whole list.
    let list = snapshot.documents().get(left_out).map(|document| document.kind.clone()).filter(|kind| kind.starts_with("azure:"));
    let searches = snapshot.searches().iter().filter(|search| Some(&search.kind) != list.as_ref());
    Snapshot::new(kept, searches.cloned())
}

#[test]
fn an_answer_without_one_of_its_documents_is_the_same_or_undetermined() {
    let mut snapshots: HashMap<String, Snapshot> = HashMap::new();
    let (mut asked, mut changed) = (0, 0);
    for (question, source) in questions() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&source);
        let snapshot = snapshots.entry(source).or_insert_with(|| load([folder]).unwrap().snapshot);
        let whole = ask(&question, snapshot).unwrap().decision;
        for left_out in 0..snapshot.documents().len() {
            let decision = ask(&question, &without(snapshot, left_out)).unwrap().decision;
            let document = snapshot.documents()[left_out].id.clone();
            assert!(
                decision == whole || decision == Decision::Undetermined || whole == Decision::Undetermined,
                "{} {} {:?}: {whole:?}, without {document} {decision:?}",
                question.principal,
                question.action,
                question.resource
            );
            asked += 1;
            changed += usize::from(decision != whole);
        }
    }
    assert!(asked > 500 && changed > 10, "{asked} asked, {changed} changed");
}

/// Scenarios in which a document is not what AWS would hold beside the others, or where the case itself says that what is not given is
/// absent: there leaving out the document tells the simulator something else.
const CONTRIVED: [&str; 5] = [
    "across accounts, a key of AWS's",
    "a key of AWS's",
    "the bucket's owner owns all objects",
    "the id of this role",
    "a tag of the resource",
];

/// The scenarios of a provider, each as a question and its world.
fn scenarios(provider: &str) -> Vec<Case> {
    let reader = providers::named(provider).unwrap();
    let mut cases = Vec::new();
    let topics = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(provider)).unwrap();
    for file in topics.flat_map(|topic| std::fs::read_dir(topic.unwrap().path()).unwrap()) {
        let mut whole: Value = serde_saphyr::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        let own = whole.as_object_mut().unwrap().remove("cases").unwrap();
        for case in own.as_array().unwrap() {
            let mut value = whole.clone();
            value.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
            cases.push(reader.case(&value).unwrap().unwrap());
        }
    }
    cases.retain(|case| !CONTRIVED.contains(&case.id.as_str()));
    cases
}

/// The snapshot of somebody who could not read one of its documents, and was told so.
fn refused(snapshot: &Snapshot, left_out: usize) -> Snapshot {
    let mut poorer = without(snapshot, left_out);
    for document in snapshot.documents().iter().skip(left_out).take(1) {
        let outcome = Outcome::Refused { needs: "the right to read it".into(), said: "403".into() };
        poorer.note(Search { kind: document.kind.clone(), subject: document.subject.clone(), outcome });
    }
    poorer
}

#[test]
fn a_scenario_of_google_cloud_one_of_whose_documents_was_refused_is_answered_the_same_or_not_at_all() {
    let (mut asked, mut changed) = (0, 0);
    let mut wrong = Vec::new();
    for (number, case) in scenarios("gcp").iter().enumerate() {
        let whole = ask(&case.question, &case.snapshot).unwrap().decision;
        // Nobody is refused what the caller itself holds; and an account that is disabled cannot even sign in.
        let kinds = ["gcp:credential-access-boundary", "gcp:service-account"];
        let read = |at: &usize| !kinds.contains(&&*case.snapshot.documents()[*at].kind);
        for left_out in (0..case.snapshot.documents().len()).filter(read).filter(|at| (at + number) % 4 == 0) {
            let verdict = ask(&case.question, &refused(&case.snapshot, left_out)).unwrap();
            let document = case.snapshot.documents()[left_out].id.clone();
            let same = [whole, Decision::Undetermined].contains(&verdict.decision) || whole == Decision::Undetermined;
            let settles = verdict.decision != Decision::Undetermined || !verdict.doubts.is_empty();
            if !same || !settles {
                wrong.push(format!("{}: {whole:?}, without {document} {:?}", case.id, verdict.decision));
            }
            asked += 1;
            changed += usize::from(verdict.decision != whole);
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}: {}", wrong.len(), wrong.join("\n"));
    assert!(asked > 900 && changed > 100, "{asked} asked, {changed} changed");
}

#[test]
fn a_scenario_of_google_cloud_of_whose_request_less_is_said_is_answered_the_same_or_not_at_all() {
    let (mut asked, mut changed) = (0, 0);
    let mut wrong = Vec::new();
    for case in scenarios("gcp") {
        let whole = ask(&case.question, &case.snapshot).unwrap().decision;
        let mut silent = case.question.clone();
        silent.context.complete.clear();
        let mut poorer = vec![(String::new(), silent.clone())];
        for key in case.question.context.entries.keys() {
            let mut question = silent.clone();
            question.context.entries.remove(key);
            poorer.push((key.clone(), question));
        }
        for (key, question) in poorer {
            let verdict = ask(&question, &case.snapshot).unwrap();
            let same = [whole, Decision::Undetermined].contains(&verdict.decision) || whole == Decision::Undetermined;
            if !same && !takes_for_granted(&verdict) {
                wrong.push(format!("{}: {whole:?}, without `{key}` {:?}", case.id, verdict.decision));
            }
            asked += 1;
            changed += usize::from(verdict.decision != whole);
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}: {}", wrong.len(), wrong.join("\n"));
    assert!(asked > 500 && changed > 100, "{asked} asked, {changed} changed");
}

/// Does the answer say that it takes for granted what was not read?
fn takes_for_granted(verdict: &Verdict) -> bool {
    verdict.notes.iter().any(|note| note.starts_with("taken that"))
}

#[test]
fn a_scenario_without_one_of_its_documents_is_answered_the_same_or_not_at_all() {
    let (mut asked, mut changed) = (0, 0);
    for (number, case) in scenarios("aws").iter().enumerate() {
        let whole = ask(&case.question, &case.snapshot).unwrap().decision;
        // Every document of a few scenarios would do less than a few of every scenario.
        for left_out in (0..case.snapshot.documents().len()).filter(|at| (at + number) % 12 == 0) {
            let verdict = ask(&case.question, &without(&case.snapshot, left_out)).unwrap();
            let document = case.snapshot.documents()[left_out].id.clone();
            assert!(
                [whole, Decision::Undetermined].contains(&verdict.decision)
                    || whole == Decision::Undetermined
                    || takes_for_granted(&verdict),
                "{}: {whole:?}, without {document} {:?}",
                case.id,
                verdict.decision
            );
            let settles = verdict.decision != Decision::Undetermined || !verdict.doubts.is_empty();
            assert!(settles, "{} without {document}: nothing would settle it", case.id);
            asked += 1;
            changed += usize::from(verdict.decision != whole);
        }
    }
    assert!(asked > 700 && changed > 150, "{asked} asked, {changed} changed");
}
