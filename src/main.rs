//! The `iam-why` command.

mod cli;
mod exit;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os())
}
