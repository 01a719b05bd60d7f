//! Keys, tokens and signed addresses never leave.

use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// What stands in the place of a secret.
const GONE: &str = "[secret removed]";

/// `text` without anything that opens a door: access keys, tokens, signed queries, encoded messages.
#[must_use]
pub fn scrub(text: &str) -> String {
    if !may_hold_a_secret(text) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((token, separator, after)) = next_token(rest) {
        safe.push_str(&scrub_token(token));
        safe.push_str(separator);
        rest = after;
    }
    safe
}

/// Most texts have nothing that every secret has: the marks of an address or a query, an access key's beginning, a token's, its length.
fn may_hold_a_secret(text: &str) -> bool {
    static SIGNS: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::new(["=", "?", "&", "://", "AKIA", "ASIA"].iter().chain(&PREFIXES)).ok());
    text.len() >= BLOB || SIGNS.as_ref().is_none_or(|signs| signs.is_match(text))
}

fn next_token(rest: &str) -> Option<(&str, &str, &str)> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.find(|piece: char| piece.is_whitespace() || matches!(piece, '"' | '\'' | ',' | ';')).unwrap_or(rest.len());
    let (token, after) = rest.split_at(end);
    let width = after.chars().next().map_or(0, char::len_utf8);
    let (separator, after) = after.split_at(width);
    Some((token, separator, after))
}

fn scrub_token(token: &str) -> String {
    if token.contains("AKIA") || token.contains("ASIA") {
        return without_keys(token);
    }
    scrub_plain(token)
}

/// A key may stand anywhere: in a name, behind a sign, in a query.
fn without_keys(token: &str) -> String {
    let runs = token.split_inclusive(|piece: char| !piece.is_ascii_alphanumeric());
    let hidden: String = runs
        .map(|run| {
            let bare = run.trim_end_matches(|piece: char| !piece.is_ascii_alphanumeric());
            if is_access_key(bare) { run.replace(bare, GONE) } else { run.to_owned() }
        })
        .collect();
    scrub_plain(&hidden)
}

fn scrub_plain(token: &str) -> String {
    if let Some((address, query)) = token.split_once('?').filter(|(address, _)| address.contains("://") || address.starts_with('/')) {
        return if is_signed(query) { format!("{}?{GONE}", without_login(address)) } else { format!("{}?{query}", without_login(address)) };
    }
    if is_secret(token) {
        return GONE.to_owned();
    }
    if token.contains('&') && is_signed(token) {
        return GONE.to_owned();
    }
    if let Some((name, value)) = token.split_once('=').filter(|(name, _)| is_secret_name(name)) {
        return if value.is_empty() { token.to_owned() } else { format!("{name}={GONE}") };
    }
    without_login(token)
}

/// `https://user:password@host` without the password.
fn without_login(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..host_end).and_then(|host| host.rsplit_once('@')) {
        Some((login, host)) if login.contains(':') => format!("{scheme}://{host}{}", rest.get(host_end..).unwrap_or("")),
        _ => address.to_owned(),
    }
}

fn is_signed(query: &str) -> bool {
    query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, value)| is_secret_name(name) || is_secret(value)))
}

fn is_secret_name(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "sig",
        "signature",
        "x-amz-signature",
        "x-amz-credential",
        "x-amz-security-token",
        "x-goog-signature",
        "x-goog-credential",
        "awsaccesskeyid",
        "googleaccessid",
        "key-pair-id",
        "policy",
        "token",
        "access_token",
        "id_token",
        "refresh_token",
        "client_secret",
        "password",
        "key",
        "api_key",
        "apikey",
        "code",
        "secret",
    ];
    let name = name.trim_start_matches(['-', '&', '?']).to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// What tokens begin with.
const PREFIXES: [&str; 14] =
    ["eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "ya29.", "AIza", "xoxb-", "xoxp-", "sk-", "hvs."];

fn is_secret(token: &str) -> bool {
    let bare = token.trim_matches(|edge: char| !edge.is_ascii_alphanumeric());
    let prefixed = PREFIXES.iter().any(|prefix| bare.starts_with(prefix)) && bare.len() >= 20;
    prefixed || is_access_key(bare) || is_blob(bare)
}

fn is_access_key(token: &str) -> bool {
    let known = ["AKIA", "ASIA"].iter().any(|prefix| token.starts_with(prefix));
    known && token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// How long a run of base 64 is at least that is none of a name.
const BLOB: usize = 120;

/// A long run of base 64: an encoded message, a signature, a session token.
fn is_blob(token: &str) -> bool {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'_' | b'-' | b'=');
    let runs = token.split('/').map(|run| (run.len(), run.bytes().all(alphabet)));
    runs.filter(|(_, base64)| *base64).any(|(length, _)| length >= BLOB)
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn secrets_are_removed_and_names_stay() {
        assert_eq!(scrub("key AKIAIOSFODNN7EXAMPLE of role/app"), "key [secret removed] of role/app");
        assert_eq!(scrub("https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&X-Amz-Date=1"), "https://b.s3.amazonaws.com/k?[secret removed]");
        assert_eq!(scrub("https://a.blob.core.windows.net/?comp=list"), "https://a.blob.core.windows.net/?comp=list");
        assert_eq!(scrub("https://x:pw@host/p"), "https://host/p");
        assert_eq!(scrub("arn:aws:iam::111122223333:role/app"), "arn:aws:iam::111122223333:role/app");
        assert_eq!(scrub(&format!("blob {}", "a1B2".repeat(40))), "blob [secret removed]");
    }
}
