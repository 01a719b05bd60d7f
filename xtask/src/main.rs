//! Chores of the iam-why repository: `cargo xtask NAME`.

mod catalog;
mod company;
#[path = "../../benches/data/mod.rs"]
mod data;
mod versus;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask NAME
    catalog                                           refreshes what the AWS provider knows of services, actions and keys
    company [--roles N] [--shape details|snapshot] -o FILE
                                                      writes a made-up AWS account, the same one every time
    versus                                            times iam-why and the npm package @cloud-copilot/iam-simulate on the same inputs
                                                      (cargo run --release -p xtask -- versus)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first().map(|(chore, rest)| (chore.as_str(), rest)) {
        Some(("catalog", [])) => catalog::refresh(),
        Some(("company", rest)) => company::write(rest),
        Some(("versus", [])) => versus::run(),
        _ => Err(USAGE.into()),
    };
    done.map_or_else(|error| fail(&*error), |()| ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a chore speaks to the terminal")]
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("xtask: {error}");
    ExitCode::FAILURE
}
