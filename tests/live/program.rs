//! The program, with credentials that must never be seen and nothing of the user's own settings.

use super::relay::Relay;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A secret key and a session token as they stand in the environment.
pub(crate) const SECRET: &str = "MARKEDsecret/of+the/environment+MARKEDsec";
pub(crate) const TOKEN: &str = "MARKEDtoken/of+the/environment==MARKEDtokenMARKEDtoken";

/// The program, as a user who has keys in the environment starts it.
pub(crate) fn program(relay: &Relay, words: &[&str]) -> Command {
    let mut command = bare(words);
    command.args(["--endpoint-url", &relay.url()]);
    command
}

/// The same without an endpoint.
pub(crate) fn bare(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iam-why"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy")) {
        command.env_remove(name);
    }
    command
        .args(words)
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAMARKEDMARKEDMARK")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN)
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

/// Starts it, for who wants to look on or to end it.
pub(crate) fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Everything it wrote.
pub(crate) fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The standard output as JSON.
pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// Reads a file.
pub(crate) fn file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
