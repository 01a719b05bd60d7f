//! How fast iam-why decides, explains and scans. All data is made by seeded generators; what a run measures it prints.
//!
//! `cargo bench --no-default-features`; one of them: `cargo bench --no-default-features -- decide`.

mod data;
mod decide;
mod scan;
mod simulate;

fn main() {
    divan::main();
}
