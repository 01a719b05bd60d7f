//! The program asked about Google Cloud: a small company on a loopback server, or behind a proxy that answers for Google's own names.

#[path = "../../../providers/gcp/tests/live/company.rs"]
mod company;
#[path = "../../../providers/gcp/tests/live/server.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod server;

mod cache;
mod credentials;
mod explain;
// Where the certificates that a program trusts are those of a file is a matter of Linux.
#[cfg(target_os = "linux")]
mod internet;

use super::program::{run, said};
use std::process::{Command, Output, Stdio};

/// The program, with nothing of the environment that could be a credential, a home of its own, and nothing kept from run to run.
fn bare(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iam-why"));
    let of_google = |name: &str| ["GOOGLE_", "GCE_", "CLOUDSDK_", "SSL_CERT_"].iter().any(|start| name.starts_with(start));
    for (name, _) in std::env::vars().filter(|(name, _)| of_google(name) || name.to_ascii_lowercase().ends_with("_proxy")) {
        command.env_remove(name);
    }
    command.args(words).env("HOME", env!("CARGO_TARGET_TMPDIR")).env("XDG_CACHE_HOME", "/nowhere/at/all").stdin(Stdio::null());
    command
}

/// Runs it to its end. What is marked as a secret is in nothing that it writes.
fn discreet(command: Command) -> Output {
    let output = run(command);
    assert!(!said(&output).contains("MARKED"), "{}", said(&output));
    output
}
