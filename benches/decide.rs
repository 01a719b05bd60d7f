//! AWS: many decisions over policies that are compiled once.

use crate::data::aws;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use iam_why::{Decision, Question, Snapshot};
use iam_why_aws::cases;
use iam_why_aws::decide::{decide as decided, record};
use iam_why_aws::library::Library;
use iam_why_aws::request::Request;
use iam_why_aws::world::World;
use serde_json::Value;

/// One statement and one level of service control policies.
const SMALL: &str = "small";
/// 500 identity statements, 10 levels of 5 service control policies, 10 of resource control policies, a bucket policy of 50 statements.
const LARGE: &str = "large";

/// How many requests are decided in turn.
const REQUESTS: usize = 16;

/// The decision, over worlds that threads share.
#[divan::bench(args = [SMALL, LARGE], threads = [1, 2])]
fn decide(bencher: Bencher<'_, '_>, size: &str) {
    let worlds = worlds(size);
    bencher.counter(ItemsCount::new(REQUESTS)).bench(|| {
        for (request, world) in &worlds {
            black_box(decided(black_box(request), black_box(world)));
        }
    });
}

/// The same decision with everything that was compared.
#[divan::bench(args = [SMALL, LARGE])]
fn trace(bencher: Bencher<'_, '_>, size: &str) {
    let worlds = worlds(size);
    bencher.counter(ItemsCount::new(REQUESTS)).bench(|| {
        for (request, world) in &worlds {
            black_box(record(black_box(request), black_box(world)));
        }
    });
}

/// A question that is new, over a snapshot whose policies are compiled.
#[divan::bench(args = [SMALL, LARGE])]
fn ask(bencher: Bencher<'_, '_>, size: &str) {
    let (questions, snapshot) = questions(size);
    let library = Library::new(&snapshot);
    bencher.counter(ItemsCount::new(REQUESTS)).bench(|| {
        for question in &questions {
            black_box(answer(question, &library));
        }
    });
}

/// The policies, compiled anew for one question.
#[divan::bench(args = [SMALL, LARGE])]
fn compile(bencher: Bencher<'_, '_>, size: &str) {
    let (questions, snapshot) = questions(size);
    bencher.bench(|| questions.first().map(|question| answer(question, &Library::new(&snapshot))));
}

fn answer(question: &Question, library: &Library<'_>) -> Option<Decision> {
    let request = Request::parse(question).ok()?;
    Some(decided(&request, &World::of(&request, library)).decision)
}

fn worlds(size: &str) -> Vec<(Request, World)> {
    let (questions, snapshot) = questions(size);
    let library = Library::new(&snapshot);
    let requests = questions.iter().filter_map(|question| Request::parse(question).ok());
    let worlds: Vec<(Request, World)> = requests.map(|request| (request.clone(), World::of(&request, &library))).collect();
    let allowed = worlds.iter().all(|(request, world)| decided(request, world).decision == Decision::Allow);
    assert!(allowed && worlds.len() == REQUESTS, "the data is not what it is meant to be");
    worlds
}

/// Questions that differ in their object only, and the snapshot that all of them are asked of.
fn questions(size: &str) -> (Vec<Question>, Snapshot) {
    let made: fn(usize) -> Value = if size == SMALL { aws::small } else { aws::large };
    let mut read: Vec<_> = (0..REQUESTS).filter_map(|number| cases::read(&made(number))?.ok()).collect();
    let questions = read.iter().map(|case| case.question.clone()).collect();
    (questions, read.pop().map(|case| case.snapshot).unwrap_or_default())
}
