//! The one integration binary: what users and embedders see, and what holds the house together.

mod architecture;
mod cli;
mod conformance;
