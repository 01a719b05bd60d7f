//! AWS for iam-why: its authorization as a pure function, and what reads it.

pub mod catalog;
pub mod documents;
