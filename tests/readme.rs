//! What the README and the runbooks show is what the program prints.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::{Assert, Data, IntoData};
use std::path::Path;

#[test]
fn every_console_block_prints_what_it_shows() {
    trycmd::TestCases::new().case("README.md").case("examples/runbooks/*.md").run();
}

#[test]
fn the_picture_of_the_terminal_is_what_it_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let question = [
        "arn:aws:iam::444455556666:role/batch",
        "ec2:TerminateInstances",
        "arn:aws:ec2:us-east-1:444455556666:instance/i-0a1b2c3d4e5f60718",
    ];
    let command = Command::new(cargo_bin!("iam-why")).current_dir(root).args(question);
    let answer = command.args(["--snapshot", "examples/snapshots/aws", "--color", "always"]).assert().code(10);
    let text = format!(
        "$ iam-why {} \\\n    --snapshot examples/snapshots/aws\n{}",
        question.join(" \\\n    "),
        String::from_utf8_lossy(&answer.get_output().stdout)
    );
    let picture = anstyle_svg::Term::new().render_svg(&text);
    Assert::new().action_env("SNAPSHOTS").eq(picture.raw(), Data::read_from(&root.join("docs/answer.svg"), None).raw());
}
