//! Azure for iam-why: its authorization as a pure function, and what reads it.

pub mod documents;
mod decide;
mod facts;
mod language;
mod layers;
mod operations;
mod request;
mod scope;
mod world;
