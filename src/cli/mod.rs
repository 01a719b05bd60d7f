//! The command line: what was typed, one file a command.

mod ask;
#[cfg(feature = "live")]
mod collect;
mod completions;
#[cfg(feature = "live")]
mod doctor;
mod explain;
mod failure;
#[cfg(feature = "live")]
mod live;
mod output;
mod run;
mod source;
mod test;

use crate::exit::{Exit, TABLE};
use clap::{CommandFactory, Parser, Subcommand};
use output::Output;
use std::ffi::OsString;
use std::process::ExitCode;

/// Explains why a cloud principal got an HTTP 403.
#[derive(Debug, Parser)]
#[command(name = "iam-why", version, after_help = TABLE, disable_help_subcommand = true)]
#[command(override_usage = "iam-why [OPTIONS] <PRINCIPAL> <ACTION> [RESOURCE]\n       iam-why <COMMAND>")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ask(ask::Arguments),
    Explain(explain::Arguments),
    Run(run::Arguments),
    #[cfg(feature = "live")]
    Collect(collect::Arguments),
    #[cfg(feature = "live")]
    Doctor(doctor::Arguments),
    Test(test::Arguments),
    Completions(completions::Arguments),
}

/// Does what was typed and says how it ended.
pub(crate) fn run(typed: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(with_default_command(typed.into_iter().collect())) {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    cli.output.colour();
    let done = match cli.command {
        Command::Ask(arguments) => arguments.run(&cli.output),
        Command::Explain(arguments) => arguments.run(&cli.output),
        Command::Run(arguments) => return arguments.run(&cli.output),
        #[cfg(feature = "live")]
        Command::Collect(arguments) => arguments.run(&cli.output),
        #[cfg(feature = "live")]
        Command::Doctor(arguments) => arguments.run(&cli.output),
        Command::Test(arguments) => arguments.run(&cli.output),
        Command::Completions(arguments) => arguments.run(),
    };
    match done {
        Ok(exit) if cli.output.exit_zero && exit.is_answer() => Exit::Allowed.into(),
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::say(&failure.sentence());
            failure.exit().into()
        }
    }
}

/// Help and version are no failure; everything else clap refuses is the usage.
fn usage(error: &clap::Error) -> Exit {
    // Where even this cannot be printed there is nobody to tell.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Allowed }
}

/// `iam-why PRINCIPAL ACTION` is `iam-why ask PRINCIPAL ACTION`. The first word decides: where it is the name of a command, that is
/// meant; to ask about a principal of that name, write `iam-why ask NAME …`.
fn with_default_command(mut typed: Vec<OsString>) -> Vec<OsString> {
    let root = Cli::command();
    let named = |word: &OsString| root.get_subcommands().any(|command| word == command.get_name());
    match first_word(&typed, &root) {
        Some(at) if typed.get(at).is_some_and(named) => {}
        None if asks_for_help(&typed) => {}
        _ => typed.insert(1.min(typed.len()), "ask".into()),
    }
    typed
}

/// Where the first word stands that is neither an option nor an option's value.
fn first_word(typed: &[OsString], root: &clap::Command) -> Option<usize> {
    let mut value_follows = false;
    for (at, word) in typed.iter().enumerate().skip(1) {
        let text = word.to_string_lossy();
        if std::mem::take(&mut value_follows) {
            continue;
        }
        if text == "--" || text == "-" || !text.starts_with('-') {
            return Some(at);
        }
        value_follows = takes_value(&text, root);
    }
    None
}

fn takes_value(option: &str, root: &clap::Command) -> bool {
    let commands = std::iter::once(root).chain(root.get_subcommands().filter(|command| command.get_name() == "ask"));
    let named = |argument: &clap::Arg| {
        let long = option.strip_prefix("--").is_some_and(|long| argument.get_long() == Some(long));
        let short = option.strip_prefix('-').is_some_and(|short| argument.get_short().is_some_and(|known| *short == *known.to_string()));
        (long || short) && argument.get_action().takes_values()
    };
    commands.flat_map(clap::Command::get_arguments).any(named)
}

fn asks_for_help(typed: &[OsString]) -> bool {
    typed.len() < 2 || typed.iter().any(|word| ["-h", "--help", "-V", "--version"].iter().any(|flag| word == flag))
}

#[cfg(test)]
mod tests {
    use super::{Cli, with_default_command};
    use clap::CommandFactory;

    fn typed(words: &str) -> String {
        let words = with_default_command(words.split(' ').map(Into::into).collect());
        words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn asking_is_what_iam_why_does_without_a_command() {
        assert_eq!(typed("iam-why alice s3:GetObject"), "iam-why ask alice s3:GetObject");
        assert_eq!(typed("iam-why --snapshot test alice s3:GetObject"), "iam-why ask --snapshot test alice s3:GetObject");
        assert_eq!(typed("iam-why --snapshot=test alice x"), "iam-why ask --snapshot=test alice x");
        assert_eq!(typed("iam-why --format json test a.json"), "iam-why --format json test a.json");
        assert_eq!(typed("iam-why --redact ask test x"), "iam-why --redact ask test x");
        assert_eq!(typed("iam-why alice s3:GetObject test"), "iam-why ask alice s3:GetObject test");
        assert_eq!(typed("iam-why -- test s3:GetObject"), "iam-why ask -- test s3:GetObject");
        assert_eq!(typed("iam-why --format json"), "iam-why ask --format json");
        assert_eq!(typed("iam-why --help"), "iam-why --help");
        assert_eq!(typed("iam-why"), "iam-why");
    }
}
