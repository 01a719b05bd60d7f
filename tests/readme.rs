//! What the README and the runbooks show is what the program prints.

#[test]
fn every_console_block_prints_what_it_shows() {
    trycmd::TestCases::new().case("README.md").case("examples/runbooks/*.md").run();
}
