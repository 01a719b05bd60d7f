//! What must never be shown: AWS repeats parts of a request in its errors, the session token among them.

use aws_credential_types::Credentials;
use std::sync::{Mutex, PoisonError};

/// How much of what AWS says is kept.
const LONGEST: usize = 600;

/// The secrets of this run.
#[derive(Default)]
pub(super) struct Secrets(Mutex<Vec<String>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Keeps these credentials out of every text from now on.
    pub(super) fn know(&self, credentials: &Credentials) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = credentials.session_token().map(str::to_owned);
        for secret in [Some(credentials.secret_access_key().to_owned()), token].into_iter().flatten() {
            if secret.len() >= 8 && !known.contains(&secret) {
                known.push(encoded(&secret));
                known.push(secret);
            }
        }
    }

    /// `said` on one line, without secrets, and not longer than a report can bear.
    pub(super) fn scrub(&self, said: &str) -> String {
        let mut clean = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for secret in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            clean = clean.replace(secret.as_str(), "[removed]");
        }
        // The canonical request in an error about a signature shows every signed header.
        if let Some((before, _)) = clean.split_once("The Canonical String for this request should have been") {
            clean = before.trim_end().to_owned();
        }
        if clean.chars().count() > LONGEST {
            clean = clean.chars().take(LONGEST).chain("…".chars()).collect();
        }
        clean
    }
}

/// The secret as it stands in a query string.
fn encoded(secret: &str) -> String {
    percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use aws_credential_types::Credentials;

    #[test]
    fn what_aws_repeats_of_a_request_loses_its_secrets() {
        let secrets = Secrets::default();
        secrets.know(&Credentials::new("AKIAEXAMPLE", "secret/of+mine", Some("token/of+mine==".into()), None, "test"));
        let said = secrets.scrub("bad\ntoken/of+mine== and secret%2Fof%2Bmine here");
        assert_eq!(said, "bad [removed] and [removed] here");
    }
}
