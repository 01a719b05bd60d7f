//! Chores of the iam-why repository: `cargo xtask NAME`.

mod catalog;

use std::process::ExitCode;

fn main() -> ExitCode {
    let chore = std::env::args().nth(1);
    let done = match chore.as_deref() {
        Some("catalog") => catalog::refresh(),
        _ => Err("usage: cargo xtask catalog    refreshes what the AWS provider knows of services, actions and keys".into()),
    };
    done.map_or_else(|error| fail(&*error), |()| ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a chore speaks to the terminal")]
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("xtask: {error}");
    ExitCode::FAILURE
}
