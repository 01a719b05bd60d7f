//! `iam-why run -- CMD…`

use super::output::{Output, say};
use clap::Args;
use iam_why::explain::{Explanation, Found, Reading};
use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// Runs a command, passes its output and exit code through, and explains its refusal where it failed with one
///
/// The command reads this program's stdin; what it writes is passed on as it comes, byte for byte, and signals reach it. Only where it fails
/// and its output holds a refusal does an explanation follow on stderr. The command's stdout and stderr are pipes: one that draws on
/// a terminal will behave as if it wrote to a file (no colours, no progress bar, no pager); give it the option that forces them.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What a shell says of a command that is not there, and of one that may not be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// How much is passed on at a time.
const PIECE: usize = 64 * 1024;

/// How long a pipe may stay silent that a process holds open which the command left behind.
const SILENCE: Duration = Duration::from_millis(300);

impl Arguments {
    pub(crate) fn run(self, output: &Output) -> ExitCode {
        let Some((program, arguments)) = self.command.split_first() else { return ExitCode::from(NOT_RUN) };
        let signals = signals::Caught::new();
        let spawned = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                say(&format!("error: cannot run `{}`: {error}", program.display()));
                return ExitCode::from(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN });
            }
        };
        signals.pass_on_to(child.id());
        let streams = copy(&mut child);
        let status = child.wait();
        let found = collect(&streams);
        match status {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            Ok(status) => {
                explain(found, output);
                signals::end_as(status)
            }
            Err(error) => {
                say(&format!("error: cannot wait for `{}`: {error}", program.display()));
                ExitCode::FAILURE
            }
        }
    }
}

/// A stream that is passed on by a thread of its own.
struct Stream {
    ended: Receiver<Found>,
    doing: Arc<Doing>,
}

/// What the thread is doing: how many pieces it has read, and whether it holds one that is not yet written.
#[derive(Default)]
struct Doing {
    pieces: AtomicUsize,
    writing: AtomicBool,
}

/// Passes stdout and stderr on, each as it comes, and reads along.
fn copy(child: &mut Child) -> Vec<Stream> {
    let stderr = child.stderr.take().map(|from| passing(from, std::io::stderr()));
    let stdout = child.stdout.take().map(|from| passing(from, std::io::stdout()));
    stderr.into_iter().chain(stdout).collect()
}

fn passing(from: impl Read + Send + 'static, to: impl Write + Send + 'static) -> Stream {
    let (tell, ended) = mpsc::channel();
    let doing = Arc::new(Doing::default());
    let shared = Arc::clone(&doing);
    std::thread::spawn(move || {
        let found = pass(from, to, &shared);
        // The other end is gone only where nobody waits for it.
        let _ = tell.send(found);
    });
    Stream { ended, doing }
}

/// Where nobody reads on, the pipe is closed, so that the command finds out as it would without us.
fn pass(mut from: impl Read, mut to: impl Write, doing: &Doing) -> Found {
    let mut reading = Reading::default();
    let mut piece = vec![0; PIECE];
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        doing.writing.store(true, Ordering::Release);
        let piece = piece.get(..length).unwrap_or(&[]);
        if to.write_all(piece).and_then(|()| to.flush()).is_err() {
            break;
        }
        reading.push(piece);
        doing.pieces.fetch_add(1, Ordering::AcqRel);
        doing.writing.store(false, Ordering::Release);
    }
    doing.writing.store(true, Ordering::Release);
    reading.finish()
}

/// What the streams held. One that stays open without a word belongs to something the command left behind, and is not waited for;
/// what was read is written, however slow the reader is.
fn collect(streams: &[Stream]) -> Found {
    let mut all = Found::default();
    for Stream { ended, doing } in streams {
        let mut seen = usize::MAX;
        loop {
            match ended.recv_timeout(SILENCE) {
                Ok(found) => {
                    all.refusals.extend(found.refusals);
                    all.more |= found.more;
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let pieces = doing.pieces.load(Ordering::Acquire);
                    if pieces == seen && !doing.writing.load(Ordering::Acquire) {
                        break;
                    }
                    seen = pieces;
                }
            }
        }
    }
    all
}

fn explain(found: Found, output: &Output) {
    let explanations: Vec<Explanation> = found.refusals.into_iter().map(Explanation::of).collect();
    if explanations.is_empty() {
        return;
    }
    say("the command failed with a refusal:");
    if let Err(failure) = output.aside(&explanations) {
        say(&failure.sentence());
    }
}

#[cfg(unix)]
mod signals {
    use super::{ExitCode, ExitStatus};
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::low_level::emulate_default_handler;
    use signal_hook::low_level::siginfo::{Cause, Origin};
    use std::os::unix::process::ExitStatusExt;

    const CAUGHT: [i32; 8] = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

    /// Signals that would have ended this program, or that were meant for the command.
    pub(super) struct Caught(Option<SignalsInfo<WithOrigin>>);

    impl Caught {
        pub(super) fn new() -> Self {
            // Without them the command runs all the same: a signal ends us, and the command finds its pipes closed.
            Self(SignalsInfo::new(CAUGHT).ok())
        }

        /// A key of the terminal reaches the command by itself; what another process sends to us is sent on.
        pub(super) fn pass_on_to(self, child: u32) {
            let Some(mut signals) = self.0 else { return };
            let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) else { return };
            std::thread::spawn(move || {
                for origin in signals.forever().filter(is_sent) {
                    if let Some(signal) = Signal::from_named_raw(origin.signal) {
                        // A command that has ended needs no signal.
                        let _ = kill_process(child, signal);
                    }
                }
            });
        }
    }

    fn is_sent(origin: &Origin) -> bool {
        !matches!(origin.cause, Cause::Kernel)
    }

    /// Ends as the command did: by its exit code, or by the signal that ended it.
    pub(super) fn end_as(status: ExitStatus) -> ExitCode {
        if let Some(signal) = status.signal() {
            // Where it does not end us, the code says what a shell would say.
            let _ = emulate_default_handler(signal);
            return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
        }
        ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

#[cfg(not(unix))]
mod signals {
    use super::{ExitCode, ExitStatus};

    /// The console sends its keys to every process that is attached to it.
    pub(super) struct Caught;

    impl Caught {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn pass_on_to(self, _child: u32) {}
    }

    /// Ends as the command did, as far as eight bits say it.
    pub(super) fn end_as(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
