//! What must never be shown: clouds and gateways repeat parts of a request in their errors, the token among them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::{Mutex, PoisonError};

/// How much of what a cloud says is kept, in characters.
const LONGEST: usize = 600;

/// What is shorter than this is no secret, and would be found in every word.
const SHORTEST: usize = 8;

/// The secrets of one run. Its `Debug` shows none of them.
#[derive(Default)]
pub struct Secrets(Mutex<Vec<String>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Keeps `secret` out of every text from now on, also as it stands in a query string.
    pub fn know(&self, secret: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= SHORTEST && !known.iter().any(|other| other == secret) {
            known.push(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
            known.push(secret.to_owned());
        }
    }

    /// `text` without secrets.
    #[must_use]
    pub fn without(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[removed]"))
    }

    /// `said` on one line, without secrets, and not longer than a report can bear.
    #[must_use]
    pub fn scrub(&self, said: &str) -> String {
        let clean = self.without(&said.split_whitespace().collect::<Vec<_>>().join(" "));
        if clean.chars().count() > LONGEST { clean.chars().take(LONGEST).chain("…".chars()).collect() } else { clean }
    }
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn what_a_cloud_repeats_of_a_request_loses_its_secrets() {
        let secrets = Secrets::default();
        secrets.know("token/of+mine==");
        secrets.know("secret/of+mine");
        let said = secrets.scrub("bad\ntoken/of+mine== and secret%2Fof%2Bmine here");
        assert_eq!(said, "bad [removed] and [removed] here");
        assert_eq!(format!("{secrets:?}"), "Secrets(..)");
    }
}
