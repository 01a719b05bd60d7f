//! The one integration binary: what users and embedders see.

mod cli;
