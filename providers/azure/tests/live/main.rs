//! Reading Azure, tried on a server on loopback that answers in the documented shapes of Resource Manager and Microsoft Graph: it counts,
//! refuses, throttles, cuts off and talks nonsense.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "these tests start a server and read a clock")]

mod credentials;
mod doctor;
mod fake;
mod faults;
#[path = "../../../contract/tests/kit/journal.rs"]
mod journal;
mod question;
mod second_opinion;
mod server;
mod tenant;
mod whole;
