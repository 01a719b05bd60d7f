//! What must never be shown: a gateway may repeat parts of a request in its errors, the token among them.

use std::sync::{Mutex, PoisonError};

/// How much of what Azure says is kept.
const LONGEST: usize = 600;

/// The secrets of this run.
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

    /// `said` without secrets.
    pub(super) fn without(&self, said: &str) -> String {
        let mut clean = said.to_owned();
        for secret in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            clean = clean.replace(secret.as_str(), "[removed]");
        }
        clean
    }

    /// `said` on one line, without secrets, and not longer than a report can bear.
    pub(super) fn scrub(&self, said: &str) -> String {
        let mut clean = self.without(&said.split_whitespace().collect::<Vec<_>>().join(" "));
        if clean.chars().count() > LONGEST {
            clean = clean.chars().take(LONGEST).chain("…".chars()).collect();
        }
        clean
    }
}
