//! Refusals in a stream, as `iam-why explain` reads it: all dialects, all threads there are.

use crate::data::log;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use iam_why::explain;

const BYTES: usize = 100_000_000;

/// 100 MB of log in which one line in so many is a refusal.
#[divan::bench(args = [100_000, 1000, 10, 1], sample_count = 3, sample_size = 1)]
fn log(bencher: Bencher<'_, '_>, every: usize) {
    scan(bencher, &log::log(BYTES, every));
}

/// 100 MB of records, each of them a refusal.
#[divan::bench(args = ["trail", "delivery", "audit"], sample_count = 3, sample_size = 1)]
fn records(bencher: Bencher<'_, '_>, kind: &str) {
    let make = match kind {
        "trail" => log::trail,
        "delivery" => log::delivery,
        _ => log::audit,
    };
    scan(bencher, &make(BYTES));
}

fn scan(bencher: Bencher<'_, '_>, log: &[u8]) {
    bencher.counter(BytesCount::new(log.len())).bench(|| black_box(explain::stream(log)));
}
