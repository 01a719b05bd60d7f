//! The built program reading AWS (moto behind a relay that counts and disturbs, and an account made up here) Azure (a tenant made up
//! here) and Google Cloud (a server that stands in for it).
//!
//! The servers and the relay are those with which the reader itself is tested.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

#[path = "../../providers/aws/tests/live/company.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod company;
#[path = "../../providers/aws/tests/live/relay.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod relay;
#[path = "../../providers/aws/tests/live/servers.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod servers;

#[path = "../../providers/azure/tests/live/fake.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod fake;
#[path = "../../providers/azure/tests/live/tenant.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod tenant;

#[path = "../../providers/gcp/tests/live/server.rs"]
#[expect(dead_code, reason = "the tests of the reader use more of it")]
mod stand_in;

mod aws;
mod azure;
mod credentials;
mod explain;
mod gcp;
mod large;
mod program;
mod time;
