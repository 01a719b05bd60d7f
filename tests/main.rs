//! The one integration binary: what users and embedders see, and what holds the house together.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod architecture;
mod cli;
mod conformance;
mod fuzz;
mod ignorance;
#[cfg(feature = "live")]
mod live;
mod readme;
mod scenarios;
