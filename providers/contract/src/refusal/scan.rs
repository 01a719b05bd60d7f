//! Refusals in a stream of any length, in bounded memory.
//!
//! The stream is read in blocks, each with some of the text on either side. A block keeps what was told within it and leaves what was
//! told beside it to its neighbour: so a refusal that a border cuts is read whole, and once. Blocks know nothing of each other, which
//! lets several threads read them, and what is found does not depend on how many.

use super::catalogue::{Catalogue, Found, settle};
use super::{Refusal, View};
use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::iter::once;
use std::ops::Range;
use std::panic::resume_unwind;
use std::str::from_utf8;
use std::thread;

/// How much of a stream is read together.
const BLOCK: usize = 256 * 1024;
/// How much of the text before a block or a telling word is read with it; up to twice as much where a line begins there.
const BEFORE: usize = 16 * 1024;
/// How much of the text after a block or a telling word is read with it; up to twice as much where a line ends there.
const AFTER: usize = 16 * 1024;
/// How many threads read at most.
const THREADS: usize = 4;
/// How much must have come before looking for telling words gains more than building what looks for them takes.
const SHORT: usize = 1024 * 1024;
/// How much must have come before the rest is worth a quicker way.
const LONG: usize = 4 * 1024 * 1024;
/// How many different refusals are kept.
const REFUSALS: usize = 1000;
/// How many ways to tell them again are remembered.
const REPEATS: usize = 64 * 1024;

/// Reads a stream piece by piece.
pub struct Scanner<'c> {
    catalogue: &'c Catalogue,
    /// How much is read together.
    block: usize,
    /// The text that is not read yet, behind as much of what is as the next block is read with.
    kept: String,
    /// How much of the text kept is read.
    done: usize,
    /// Where the text kept begins in the stream.
    start: usize,
    /// The line it begins on, from 0.
    lines: usize,
    /// The beginning of a character whose end is in the next piece.
    torn: Vec<u8>,
    /// One for each thread.
    views: Vec<View>,
    known: Distinct,
    more: bool,
}

impl<'c> Scanner<'c> {
    /// A scanner of these dialects.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Self {
        Self::cut(catalogue, BLOCK, thread::available_parallelism().map_or(1, |threads| threads.get().min(THREADS)))
    }

    /// A scanner that reads blocks of so many bytes with so many threads. It finds the same however it cuts the stream.
    #[must_use]
    pub fn cut(catalogue: &'c Catalogue, block: usize, threads: usize) -> Self {
        let views = (0..threads.max(1)).map(|_| View::default()).collect();
        Self {
            catalogue,
            block: block.max(BEFORE),
            kept: String::new(),
            done: 0,
            start: 0,
            lines: 0,
            torn: Vec::new(),
            views,
            known: Distinct::default(),
            more: false,
        }
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        for part in piece.chunks(BLOCK) {
            // Beyond what is kept there is nothing to look for.
            if self.more {
                return;
            }
            self.decode(part);
            while self.kept.len() - self.done >= self.views.len() * self.block + 2 * AFTER {
                self.read_blocks();
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
        if !self.torn.is_empty() {
            self.kept.push(char::REPLACEMENT_CHARACTER);
        }
        while self.done < self.kept.len() && !self.more {
            self.read_blocks();
        }
        settle(self.known.found)
    }

    /// Would a long text that holds `text` be read there? Every refusal must say yes.
    #[must_use]
    pub fn is_telling(&self, text: &str) -> bool {
        self.catalogue.telling().is_some_and(|telling| Telling::new(telling).find(text.as_bytes(), 0).is_some())
    }

    /// What is no UTF-8 becomes U+FFFD, wherever the pieces begin and end.
    fn decode(&mut self, piece: &[u8]) {
        let bytes = [std::mem::take(&mut self.torn).as_slice(), piece].concat();
        let mut rest = bytes.as_slice();
        while let Err(error) = from_utf8(rest) {
            let (text, wrong) = rest.split_at(error.valid_up_to());
            self.kept.push_str(from_utf8(text).unwrap_or_default());
            let Some(length) = error.error_len() else {
                self.torn = wrong.to_vec();
                return;
            };
            self.kept.push(char::REPLACEMENT_CHARACTER);
            rest = wrong.get(length..).unwrap_or_default();
        }
        self.kept.push_str(from_utf8(rest).unwrap_or_default());
    }

    /// Reads one block with each thread.
    fn read_blocks(&mut self) {
        let text = self.kept.as_str();
        let mut counted = Counted { at: 0, lines: self.lines };
        let mut blocks = Vec::with_capacity(self.views.len());
        let mut end = self.done;
        while blocks.len() < self.views.len() && end < text.len() {
            let own = end..block_end(text, end, self.block);
            end = own.end;
            blocks.push(Block::of(text, own, &mut counted, self.start));
        }
        for found in read(self.catalogue, &blocks, &mut self.views) {
            self.keep(found);
        }
        self.forget(end);
    }

    /// Keeps no more of what is read up to `done` than the next block is read with.
    fn forget(&mut self, done: usize) {
        let gone = self.kept.floor_char_boundary(done.saturating_sub(2 * BEFORE));
        self.lines += line_feeds(&self.kept, 0..gone);
        self.kept.drain(..gone);
        self.start += gone;
        self.done = done - gone;
        if self.start >= LONG {
            self.catalogue.hurry();
        }
    }

    fn keep(&mut self, found: Found) {
        let told = fingerprint(&found);
        if self.known.has_told(told, &found) {
            return;
        }
        if let Some(at) = self.known.found.iter().position(|known| known.covers(&found)) {
            self.known.remember(told, at);
            return;
        }
        if self.known.found.len() >= REFUSALS {
            self.more = true;
            return;
        }
        self.known.push(told, found);
    }
}

/// What was found, most of what is told again left out.
#[derive(Default)]
struct Distinct {
    found: Vec<Found>,
    /// By what they say: which of those found has said it before.
    told: HashMap<u64, usize>,
}

impl Distinct {
    fn has_told(&self, told: u64, found: &Found) -> bool {
        self.told.get(&told).and_then(|at| self.found.get(*at)).is_some_and(|known| known.covers(found))
    }

    fn push(&mut self, told: u64, found: Found) {
        self.remember(told, self.found.len());
        self.found.push(found);
    }

    fn remember(&mut self, told: u64, at: usize) {
        if self.told.len() >= REPEATS {
            self.told.clear();
        }
        self.told.insert(told, at);
    }
}

/// What all of the blocks hold, in their order; the first is read by this thread, each other by one of its own.
fn read(catalogue: &Catalogue, blocks: &[Block<'_>], views: &mut [View]) -> Vec<Found> {
    thread::scope(|scope| {
        let mut work = blocks.iter().zip(views);
        let first = work.next();
        let spawn = |(block, view)| (block, thread::Builder::new().spawn_scoped(scope, move || Block::read(block, catalogue, view)));
        let others: Vec<_> = work.map(spawn).collect();
        let mut found = first.map(|(block, view)| block.read(catalogue, view)).unwrap_or_default();
        for (block, thread) in others {
            found.extend(match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // Where no thread is to be had, there is this one.
                Err(_) => block.read(catalogue, &mut View::default()),
            });
        }
        found
    })
}

/// A part of the stream that is read by itself.
struct Block<'t> {
    /// Its text, with some of what stands on either side.
    text: &'t str,
    /// The part that is its own.
    own: Range<usize>,
    /// The line on which the text begins, from 0.
    lines: usize,
    /// Does it come so early that all of it is read?
    early: bool,
}

impl<'t> Block<'t> {
    /// The block of `text` that takes the range `own`; `text` begins at `start` of the stream.
    fn of(text: &'t str, own: Range<usize>, counted: &mut Counted, start: usize) -> Self {
        let read = line_start(text, own.start.saturating_sub(BEFORE))..line_end(text, own.end.saturating_add(AFTER));
        Self {
            lines: counted.up_to(text, read.start),
            early: start + own.start < SHORT,
            own: own.start - read.start..own.end - read.start,
            text: text.get(read).unwrap_or(""),
        }
    }

    fn read(&self, catalogue: &Catalogue, view: &mut View) -> Vec<Found> {
        let mut counted = Counted { at: 0, lines: self.lines };
        let mut distinct = Distinct::default();
        for region in self.regions(catalogue) {
            let (start, lines) = (region.start, counted.up_to(self.text, region.start));
            catalogue.each_sighting(self.text.get(region).unwrap_or(""), view, |mut found| {
                let told = fingerprint(&found);
                if self.own.contains(&(start + found.at)) && !distinct.has_told(told, &found) {
                    found.refusal.line += lines;
                    distinct.push(told, found);
                }
            });
        }
        distinct.found
    }

    /// The parts of the text that may hold a refusal of its own.
    fn regions(&self, catalogue: &Catalogue) -> Vec<Range<usize>> {
        let telling = if self.early { None } else { catalogue.telling() };
        let Some(telling) = telling else { return once(0..self.text.len()).collect() };
        let mut regions: Vec<Range<usize>> = Vec::new();
        let mut from = 0;
        while let Some(at) = Telling::new(telling).find(self.text.as_bytes(), from) {
            let region = line_start(self.text, at.saturating_sub(BEFORE))..line_end(self.text, at.saturating_add(AFTER));
            // What is read anyhow needs no second reason.
            from = region.end.saturating_sub(AFTER / 2).max(at + 1);
            match regions.last_mut() {
                Some(last) if region.start <= last.end => last.end = region.end,
                _ => regions.push(region),
            }
        }
        regions
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

/// Lines are counted once, however many parts of a text are read.
struct Counted {
    at: usize,
    lines: usize,
}

impl Counted {
    /// The line of the byte `at`, which is not before those asked for earlier.
    fn up_to(&mut self, text: &str, at: usize) -> usize {
        self.lines += line_feeds(text, self.at..at);
        self.at = at;
        self.lines
    }
}

fn line_feeds(text: &str, range: Range<usize>) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes().get(range).unwrap_or_default()).count()
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

/// Where the block ends that begins at `start`: with a line where there is one, and with the text where not much more follows.
fn block_end(text: &str, start: usize, block: usize) -> usize {
    let follows = text.len() - start >= block + 2 * AFTER;
    if follows { line_start(text, start + block) } else { text.len() }
}

/// Where the line begins in which `at` stands; `at` itself where that is far before it.
fn line_start(text: &str, at: usize) -> usize {
    let from = at.saturating_sub(BEFORE);
    let before = text.as_bytes().get(from..at).unwrap_or_default();
    memchr::memrchr(b'\n', before).map_or_else(|| text.floor_char_boundary(at), |line| from + line + 1)
}

/// Where the line ends in which `at` stands; `at` itself where that is far after it.
fn line_end(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let after = text.as_bytes().get(at..text.len().min(at + AFTER)).unwrap_or_default();
    memchr::memchr(b'\n', after).map_or_else(|| text.ceil_char_boundary(at), |line| at + line + 1)
}
