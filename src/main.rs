//! The `iam-why` command.
fn main() {}
