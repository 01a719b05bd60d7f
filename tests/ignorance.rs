//! What is not read may make an answer undetermined; it never makes it another one.

use iam_why::{Decision, Question, Snapshot, Words, ask, load::load};
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
    Snapshot::new(kept, snapshot.searches().iter().cloned())
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
