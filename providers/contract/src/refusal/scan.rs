//! Refusals in a stream of any length, in bounded memory.

use super::Refusal;
use super::catalogue::{Catalogue, Found, settle};

/// How much of the stream is looked at together.
const BLOCK: usize = 1024 * 1024;
/// How much of the text before a telling word is read with it.
const BEFORE: usize = 16 * 1024;
/// How much of the text after a telling word is read with it.
const AFTER: usize = 16 * 1024;
/// How many different refusals are kept.
const REFUSALS: usize = 1000;

/// Reads a stream piece by piece.
pub struct Scanner<'c> {
    catalogue: &'c Catalogue,
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
        Self { catalogue, kept: Vec::new(), lines: 0, found: Vec::new(), more: false }
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

    /// Would a long text that holds `text` be read there? Every refusal must say yes.
    #[must_use]
    pub fn is_telling(&self, text: &str) -> bool {
        self.catalogue.telling().is_some_and(|telling| telling.is_match(&Letters::new(text.as_bytes()).text))
    }

    /// The parts of a block that may hold a refusal.
    fn regions(&self, block: &[u8]) -> Vec<(usize, usize)> {
        let mut regions: Vec<(usize, usize)> = Vec::new();
        let Some(telling) = self.catalogue.telling() else { return vec![(0, block.len())] };
        let letters = Letters::new(block);
        for hit in telling.find_iter(&letters.text) {
            let at = letters.raw(hit.start());
            if regions.last().is_some_and(|last| at + AFTER / 2 <= last.1) {
                continue;
            }
            let start = line_start(block, at.saturating_sub(BEFORE));
            let end = line_end(block, (at + AFTER).min(block.len()));
            match regions.last_mut() {
                Some(last) if start <= last.1 => last.1 = end,
                _ => regions.push((start, end)),
            }
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

/// The letters and digits of a text, in lower case: what is left of it however it was wrapped, quoted and put behind gutters.
struct Letters {
    text: Vec<u8>,
    /// Where every [`STEP`]th of them stands in the text.
    places: Vec<usize>,
}

/// A place is known to so many letters: near enough to know what to read.
const STEP: usize = 64;

impl Letters {
    fn new(block: &[u8]) -> Self {
        let mut letters = Self { text: Vec::with_capacity(block.len()), places: Vec::with_capacity(block.len() / STEP + 1) };
        for (at, byte) in block.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            if letters.text.len().is_multiple_of(STEP) {
                letters.places.push(at);
            }
            letters.text.push(byte.to_ascii_lowercase());
        }
        letters
    }

    /// Where a letter stands in the text, or a little before.
    fn raw(&self, at: usize) -> usize {
        self.places.get(at / STEP).copied().unwrap_or(0)
    }
}

fn line_start(block: &[u8], at: usize) -> usize {
    block.get(..at).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |line| line + 1)
}

fn line_end(block: &[u8], at: usize) -> usize {
    let rest = block.get(at..).unwrap_or(&[]);
    memchr::memchr(b'\n', rest.get(..rest.len().min(AFTER)).unwrap_or(&[])).map_or(at + rest.len().min(AFTER), |line| at + line + 1)
}
