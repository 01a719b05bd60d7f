//! `iam-why completions SHELL`

use super::failure::Failure;
use super::{Cli, output};
use crate::exit::Exit;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "iam-why", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Allowed)
    }
}
