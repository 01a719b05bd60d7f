//! Chores of the iam-why repository.
fn main() {}
