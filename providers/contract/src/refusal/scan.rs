//! Refusals in a stream of any length, in bounded memory.

use super::Refusal;
use super::catalogue::{Catalogue, Found, settle};
use aho_corasick::AhoCorasick;

/// How much of the stream is looked at together.
const BLOCK: usize = 1024 * 1024;
/// How much of the text before a telling word is read with it.
const BEFORE: usize = 16 * 1024;
/// How much of the text after a telling word is read with it.
const AFTER: usize = 16 * 1024;
/// How many different refusals are kept.
const REFUSALS: usize = 1000;

/// Words of which every refusal has at least one, in lower case and as no wrap tears them.
pub(super) const TELLING: [&str; 40] = [
    "denied",
    "denie",
    "forbid",
    "authori",
    "permission",
    "403",
    "401",
    "blocked",
    "not allowed",
    "privilege",
    "expired",
    "signature",
    "token",
    "disallowed",
    "locked",
    "scope",
    "aadsts",
    "csrf",
    "cors",
    "rate limit",
    "disabled",
    "violat",
    "prohibited",
    "billing",
    "credential",
    "not assume",
    "rbac",
    "skew",
    "unauthenticated",
    "restrict",
    "ciphertext",
    "request id",
    "dryrun",
    "too large",
    "too far",
    "constraint",
    "policy",
    "invalid",
    "reached",
    "required",
];

/// Reads a stream piece by piece.
pub struct Scanner<'c> {
    catalogue: &'c Catalogue,
    telling: Option<AhoCorasick>,
    kept: Vec<u8>,
    /// The line of the first byte kept, from 0.
    lines: usize,
    found: Vec<Found>,
    more: bool,
}

impl<'c> Scanner<'c> {
    /// A scanner of these dialects.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Self {
        let telling = AhoCorasick::builder().ascii_case_insensitive(true).build(TELLING).ok();
        Self { catalogue, telling, kept: Vec::new(), lines: 0, found: Vec::new(), more: false }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        for part in piece.chunks(BLOCK) {
            self.kept.extend_from_slice(part);
            if self.kept.len() >= 2 * BLOCK {
                self.read_block();
            }
        }
    }

    /// Were there more refusals than are kept?
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        self.more
    }

    /// The refusals of the whole stream, in the order they stand there.
    #[must_use]
    pub fn finish(mut self) -> Vec<Refusal> {
        let kept = std::mem::take(&mut self.kept);
        self.read(&kept);
        settle(self.found)
    }

    /// Reads all but the end of what is kept, which may be the beginning of a refusal.
    fn read_block(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let cut = memchr::memrchr(b'\n', kept.get(..kept.len() - BEFORE).unwrap_or(&[])).map_or(BLOCK, |line| line + 1);
        let (block, rest) = kept.split_at(cut.min(kept.len()));
        self.read(block);
        self.lines += memchr::memchr_iter(b'\n', block).count();
        self.kept = rest.to_vec();
    }

    fn read(&mut self, block: &[u8]) {
        if block.len() <= BLOCK / 2 {
            return self.read_region(block, 0, block.len());
        }
        for (start, end) in self.regions(block) {
            self.read_region(block, start, end);
        }
    }

    /// The parts of a block that may hold a refusal.
    fn regions(&self, block: &[u8]) -> Vec<(usize, usize)> {
        let mut regions: Vec<(usize, usize)> = Vec::new();
        let Some(telling) = &self.telling else { return vec![(0, block.len())] };
        let mut from = 0;
        while let Some(hit) = block.get(from..).and_then(|rest| telling.find(rest)) {
            let at = from + hit.start();
            if is_part_of_a_number(block, at, from + hit.end()) {
                from += hit.end();
                continue;
            }
            let start = line_start(block, at.saturating_sub(BEFORE));
            let end = line_end(block, (at + AFTER).min(block.len()));
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
            from = at + AFTER / 2;
        }
        regions
    }

    fn read_region(&mut self, block: &[u8], start: usize, end: usize) {
        let before = memchr::memchr_iter(b'\n', block.get(..start).unwrap_or(&[])).count();
        let text = String::from_utf8_lossy(block.get(start..end).unwrap_or(&[]));
        let lines = self.lines + before;
        for mut found in self.catalogue.sightings(&text) {
            found.refusal.line += lines;
            self.keep(found);
        }
    }

    fn keep(&mut self, found: Found) {
        if self.found.iter().any(|known| known.strength >= found.strength && known.refusal.covers(&found.refusal)) {
            return;
        }
        if self.found.len() >= REFUSALS {
            self.more = true;
            return;
        }
        self.found.push(found);
    }
}

/// Is `403` or `401` a part of an id, an amount, a time? Ids are what logs are full of.
fn is_part_of_a_number(block: &[u8], start: usize, end: usize) -> bool {
    let digit = |at: usize| block.get(at).is_some_and(u8::is_ascii_digit);
    let part = |at: usize| block.get(at).is_some_and(u8::is_ascii_hexdigit);
    digit(start) && (start.checked_sub(1).is_some_and(part) || part(end))
}

fn line_start(block: &[u8], at: usize) -> usize {
    block.get(..at).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |line| line + 1)
}

fn line_end(block: &[u8], at: usize) -> usize {
    let rest = block.get(at..).unwrap_or(&[]);
    memchr::memchr(b'\n', rest.get(..rest.len().min(AFTER)).unwrap_or(&[])).map_or(at + rest.len().min(AFTER), |line| at + line + 1)
}
