//! AWS for iam-why: its authorization as a pure function, and what reads it.

pub mod catalog;
#[cfg(feature = "collect")]
pub mod collect;
pub mod documents;
pub mod refusal;
