//! `cargo xtask company`: an AWS account of any size, to try reading on.

use crate::data::company::{self, Shape};
use std::error::Error;
use std::io::{BufWriter, Write};

/// Writes the account that the words ask for.
pub(crate) fn write(words: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut roles, mut shape, mut path) = (10_000, Shape::Details, None);
    let mut words = words.iter();
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{name}` is without a value"))?;
        match (name.as_str(), value.as_str()) {
            ("--roles", count) => roles = count.parse()?,
            ("--shape", "details") => shape = Shape::Details,
            ("--shape", "snapshot") => shape = Shape::Snapshot,
            ("-o", file) => path = Some(file),
            (name, value) => {
                return Err(format!("`{name} {value}` is not known, expected --roles N, --shape details|snapshot, -o FILE").into());
            }
        }
    }
    let mut file = BufWriter::new(std::fs::File::create(path.ok_or("expected -o FILE")?)?);
    company::write(&mut file, roles, shape)?;
    Ok(file.flush()?)
}
