//! What must never be shown.

use std::sync::{Mutex, PoisonError};

/// How much of what Google Cloud says is kept.
const LONGEST: usize = 600;

/// The tokens of this run.
#[derive(Default)]
pub(super) struct Secrets(Mutex<Vec<String>>);

impl Secrets {
    /// Keeps this token out of every text from now on.
    pub(super) fn know(&self, token: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if token.len() >= 8 && !known.iter().any(|other| other == token) {
            known.push(token.to_owned());
        }
    }

    /// `text` without tokens.
    pub(super) fn without(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[removed]"))
    }

    /// `said` on one line, without tokens, and not longer than a report can bear.
    pub(super) fn scrub(&self, said: &str) -> String {
        let clean = self.without(&said.split_whitespace().collect::<Vec<_>>().join(" "));
        if clean.chars().count() > LONGEST { clean.chars().take(LONGEST).chain("…".chars()).collect() } else { clean }
    }
}
