//! The built program reading AWS (moto behind a relay that counts and disturbs, and an account made up here), Azure (a tenant made up
//! here) and Google Cloud (a company made up here).
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

mod aws;
mod azure;
mod azure_explain;
mod credentials;
mod explain;
mod google;
mod large;
mod program;
mod time;
