//! Explains why a cloud principal got an HTTP 403.
//!
//! A [`Question`] is answered from a [`Snapshot`]: a pure function of the two. [`Words`] makes a question of what a person types,
//! [`load`] makes a snapshot of files, [`report`] makes text, JSON or Markdown of the [`Verdict`].
//!
//! ```
//! use iam_why::{Decision, Snapshot, Words};
//!
//! let words = Words { action: "s3:GetObject".into(), ..Words::default() };
//! assert!(words.question().is_err(), "a question needs a principal");
//! ```

mod ask;
#[cfg(feature = "live")]
pub mod cache;
pub mod cases;
pub mod explain;
#[cfg(feature = "live")]
pub mod journal;
#[cfg(feature = "live")]
pub mod live;
pub mod load;
pub mod providers;
pub mod report;

pub use ask::{AskError, Words, ask};
pub use iam_why_contract as contract;
pub use iam_why_contract::{Context, Decision, Document, Kind, Provider, Question, Snapshot, Verdict};
