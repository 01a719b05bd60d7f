//! `cargo run --release -p xtask -- versus`: iam-why and the npm package `@cloud-copilot/iam-simulate`, one core, the same inputs, the
//! same run.
//!
//! The package (AGPL) is installed under `target/` and run by `node` as anybody would; nothing of it comes into iam-why.

use crate::data::aws;
use iam_why_aws::cases;
use iam_why_aws::decide::{Answer, decide, record};
use iam_why_aws::library::Library;
use iam_why_aws::request::Request;
use iam_why_aws::world::World;
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PACKAGE: &str = "@cloud-copilot/iam-simulate";
const SCRIPT: &str = include_str!("versus.mjs");

/// How long each is run.
const TIME: Duration = Duration::from_secs(3);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Times both and prints how often each decides in a second.
pub(crate) fn run() -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("this build is not optimized: cargo run --release -p xtask -- versus".into());
    }
    let folder = install()?;
    let inputs = [("small", aws::small(0)), ("large", aws::large(0))];
    for (name, case) in &inputs {
        fs::write(folder.join(format!("{name}.json")), case.to_string())?;
    }
    let theirs = theirs(&folder)?;
    say("input  who                        decision        decisions/s     iam-why decide is faster by");
    for (name, case) in &inputs {
        let ours = ours(case)?;
        for (who, answer, rate) in &ours {
            say(&format!("{name:6} {who:26} {:15} {rate:>13.0}", format!("{:?}", answer.decision)));
        }
        let decide = ours.first().map_or(0.0, |(_, _, rate)| *rate);
        for row in theirs.iter().filter(|row| row.input == *name && row.rate == 0.0) {
            say(&format!("{name:6} {:26} fails on this input", format!("iam-simulate, {}", row.variant)));
        }
        for row in theirs.iter().filter(|row| row.input == *name && row.rate > 0.0) {
            say(&format!(
                "{name:6} {:26} {:15} {:>13.0} {:>21.0} times",
                format!("iam-simulate, {}", row.variant),
                row.decision,
                row.rate,
                decide / row.rate
            ));
        }
    }
    Ok(())
}

fn install() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/versus");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("versus.mjs"), SCRIPT)?;
    if !folder.join("node_modules").join(PACKAGE).exists() {
        let npm = Command::new("npm")
            .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix", ".", PACKAGE])
            .current_dir(&folder)
            .status()?;
        if !npm.success() {
            return Err(format!("npm could not install {PACKAGE}").into());
        }
    }
    Ok(folder)
}

struct Row {
    input: String,
    variant: String,
    decision: String,
    rate: f64,
}

fn theirs(folder: &Path) -> Result<Vec<Row>> {
    let seconds = TIME.as_secs().to_string();
    let output = Command::new("node").args(["versus.mjs", &seconds, "small", "large"]).current_dir(folder).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        [input, variant, decision, rate] => {
            Ok(Row { input: (*input).into(), variant: (*variant).into(), decision: (*decision).into(), rate: rate.parse()? })
        }
        _ => Err(format!("node said `{line}`").into()),
    }
}

/// Deciding and tracing, in decisions a second.
fn ours(case: &Value) -> Result<[(&'static str, Answer, f64); 2]> {
    let case = cases::read(case).ok_or("not a case")??;
    let request = Request::parse(&case.question)?;
    let world = World::of(&request, &Library::new(&case.snapshot));
    let decided = time(|| decide(black_box(&request), black_box(&world)));
    let traced = time(|| record(black_box(&request), black_box(&world)).answer);
    Ok([("iam-why, decide", decided.0, decided.1), ("iam-why, trace", traced.0, traced.1)])
}

fn time<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    const BATCH: u32 = 1000;
    let begun = Instant::now();
    let (start, mut runs) = (on_core(begun), 0_u32);
    loop {
        for _ in 0..BATCH {
            black_box(run());
        }
        runs += BATCH;
        let spent = on_core(begun).saturating_sub(start);
        if spent >= TIME {
            return (run(), f64::from(runs) / spent.as_secs_f64());
        }
    }
}

/// How long this thread was on a core, where the system says it (Linux); elsewhere the time since `begun`.
fn on_core(begun: Instant) -> Duration {
    let said = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = said.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

#[expect(clippy::print_stdout, reason = "a chore speaks to the terminal")]
fn say(line: &str) {
    println!("{line}");
}
