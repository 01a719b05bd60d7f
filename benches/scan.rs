//! Refusals in a log, all dialects in one pass.

use crate::data::log;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use iam_why_contract::refusal::{Catalogue, Dialect, Refusal, Scanner};

const BYTES: usize = 100_000_000;

/// A log of 100 MB in which one line in so many is a refusal.
#[divan::bench(args = [100_000, 1000], sample_count = 3, sample_size = 1)]
fn log(bencher: Bencher<'_, '_>, every: usize) {
    let log = log::log(BYTES, every);
    bencher.counter(BytesCount::new(log.len())).bench(|| black_box(scan(&log)));
}

/// Every dialect there is, as `iam-why explain` hears them.
static DIALECTS: [&Dialect; 3] = [&iam_why_aws::refusal::DIALECT, &iam_why_azure::refusal::DIALECT, &iam_why_gcp::refusal::DIALECT];

/// How much is read at once, as from a pipe.
const PIECE: usize = 64 * 1024;

fn scan(log: &[u8]) -> Vec<Refusal> {
    let catalogue = Catalogue::new(&DIALECTS);
    let mut scanner = Scanner::new(&catalogue);
    log.chunks(PIECE).for_each(|piece| scanner.push(piece));
    scanner.finish()
}
