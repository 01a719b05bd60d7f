//! Refusals in a stream of any length, in bounded memory.

use super::catalogue::{Catalogue, Found, settle};
use super::{Refusal, View};
use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

/// How much of the stream is looked at together.
const BLOCK: usize = 1024 * 1024;
/// How much of the text before a telling word is read with it.
const BEFORE: usize = 16 * 1024;
/// How much of the text after a telling word is read with it.
const AFTER: usize = 16 * 1024;
/// How much must have come before the rest is worth a quicker way.
const LONG: usize = 16 * 1024 * 1024;
/// How many different refusals are kept.
const REFUSALS: usize = 1000;
/// How many ways to tell them again are remembered.
const REPEATS: usize = 64 * 1024;

/// Reads a stream piece by piece.
pub struct Scanner<'c> {
    catalogue: &'c Catalogue,
    kept: Vec<u8>,
    view: View,
    /// The line of the first byte kept, from 0.
    lines: usize,
    /// How much has been read.
    read: usize,
    found: Vec<Found>,
    /// By what they say: which of those found has said it before.
    repeats: HashMap<u64, usize>,
    more: bool,
}

impl<'c> Scanner<'c> {
    /// A scanner of these dialects.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Self {
        Self {
            catalogue,
            kept: Vec::new(),
            view: View::default(),
            lines: 0,
            read: 0,
            found: Vec::new(),
            repeats: HashMap::new(),
            more: false,
        }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        // Beyond what is kept there is nothing to look for.
        if self.more {
            return;
        }
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
        self.read += block.len();
        if self.read >= LONG {
            self.catalogue.hurry();
        }
        self.lines += memchr::memchr_iter(b'\n', block).count();
        self.kept = rest.to_vec();
    }

    fn read(&mut self, block: &[u8]) {
        let mut counted = Counted { at: 0, lines: self.lines };
        if block.len() <= BLOCK / 2 {
            return self.read_region(block, (0, block.len()), &mut counted);
        }
        for region in self.regions(block) {
            self.read_region(block, region, &mut counted);
        }
    }

    /// Would a long text that holds `text` be read there? Every refusal must say yes.
    #[must_use]
    pub fn is_telling(&self, text: &str) -> bool {
        self.catalogue.telling().is_some_and(|telling| Telling::new(telling).find(text.as_bytes(), 0).is_some())
    }

    /// The parts of a block that may hold a refusal.
    fn regions(&self, block: &[u8]) -> Vec<(usize, usize)> {
        let mut regions: Vec<(usize, usize)> = Vec::new();
        let Some(telling) = self.catalogue.telling() else { return vec![(0, block.len())] };
        let mut from = 0;
        while let Some(at) = Telling::new(telling).find(block, from) {
            let start = line_start(block, at.saturating_sub(BEFORE));
            let end = line_end(block, (at + AFTER).min(block.len()));
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
            // What is read anyhow needs no second reason.
            from = end.saturating_sub(AFTER / 2).max(at + 1);
        }
        regions
    }

    fn read_region(&mut self, block: &[u8], (start, end): (usize, usize), counted: &mut Counted) {
        let lines = counted.up_to(block, start);
        let text = String::from_utf8_lossy(block.get(start..end).unwrap_or(&[]));
        for mut found in self.catalogue.sightings_in(&text, &mut self.view) {
            found.refusal.line += lines;
            self.keep(found);
        }
    }

    fn keep(&mut self, found: Found) {
        let told = fingerprint(&found);
        let covers = |known: &Found| known.strength >= found.strength && known.refusal.covers(&found.refusal);
        if self.repeats.get(&told).and_then(|at| self.found.get(*at)).is_some_and(covers) {
            return;
        }
        if self.repeats.len() >= REPEATS {
            self.repeats.clear();
        }
        if let Some(at) = self.found.iter().position(covers) {
            self.repeats.insert(told, at);
            return;
        }
        if self.found.len() >= REFUSALS {
            self.more = true;
            return;
        }
        self.repeats.insert(told, self.found.len());
        self.found.push(found);
    }
}

/// A number for what a refusal says, to find one like it. Two that say different things may share it.
fn fingerprint(found: &Found) -> u64 {
    let refusal = &found.refusal;
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(found.strength);
    let fields = [&refusal.principal, &refusal.action, &refusal.resource, &refusal.policy];
    for field in fields.into_iter().flatten().chain([&refusal.refused_by]) {
        hasher.write(field.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

/// Lines are counted once, however many parts of a block are read.
struct Counted {
    at: usize,
    lines: usize,
}

impl Counted {
    fn up_to(&mut self, block: &[u8], at: usize) -> usize {
        self.lines += memchr::memchr_iter(b'\n', block.get(self.at..at).unwrap_or(&[])).count();
        self.at = at.max(self.at);
        self.lines
    }
}

/// Looks for telling words by their letters and digits alone: what is left of them however they were wrapped, quoted and put behind
/// gutters.
struct Telling<'c> {
    words: &'c DFA,
    state: Option<StateID>,
}

impl<'c> Telling<'c> {
    fn new(words: &'c DFA) -> Self {
        Self { words, state: words.start_state(Anchored::No).ok() }
    }

    /// Where the first word ends that begins at `from` or after.
    fn find(self, block: &[u8], from: usize) -> Option<usize> {
        let mut state = self.state?;
        for (at, &byte) in block.iter().enumerate().skip(from) {
            let next = self.words.next_state(Anchored::No, state, byte.to_ascii_lowercase());
            // Chosen without a branch: letters and other bytes come in no order.
            state = if byte.is_ascii_alphanumeric() { next } else { state };
            if self.words.is_special(state) && self.words.is_match(state) {
                return Some(at);
            }
        }
        None
    }
}

fn line_start(block: &[u8], at: usize) -> usize {
    block.get(..at).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |line| line + 1)
}

fn line_end(block: &[u8], at: usize) -> usize {
    let rest = block.get(at..).unwrap_or(&[]);
    memchr::memchr(b'\n', rest.get(..rest.len().min(AFTER)).unwrap_or(&[])).map_or(at + rest.len().min(AFTER), |line| at + line + 1)
}
