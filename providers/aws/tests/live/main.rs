//! Reading AWS, tried on servers that speak its protocols: moto, which serves what is read; MiniStack, which refuses; and a relay
//! between them and the reader, which counts, slows down, refuses, cuts off and talks nonsense.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::indexing_slicing, reason = "an index that is not there fails the test")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests start servers, which takes files, a clock and an environment"
)]

mod company;
mod fakes;
mod faults;
#[path = "../../../contract/tests/kit/journal.rs"]
mod journal;
mod question;
mod refusals;
mod relay;
mod servers;
mod silence;
mod strangers;
mod table;
mod whole;
