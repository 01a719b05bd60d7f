//! The table of reading calls: one row a call, with what it yields and the permission it takes.
//!
//! What is read, what `doctor` tries and the smallest policy that `doctor` prints all stem from these rows.

use super::{access_points, accounts, endpoints, iam, kms, organizations, s3, services, simulator, testimony};

/// One reading call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The kind of document that it yields or leads to.
    pub kind: &'static str,
    /// The call, as `service:Operation`.
    pub call: &'static str,
    /// The permissions that it takes; empty where AWS asks for none.
    pub needs: &'static [&'static str],
    /// The error codes that say: there is none.
    pub absent: &'static [&'static str],
}

/// Declares the rows of one API family and lists them as `STEPS`.
macro_rules! steps {
    ($($name:ident = $kind:expr, $call:literal, [$($needs:literal),*], absent [$($absent:literal),*];)*) => {
        $(pub(super) const $name: $crate::collect::step::Step =
            $crate::collect::step::Step { kind: $kind, call: $call, needs: &[$($needs),*], absent: &[$($absent),*] };)*

        /// The rows of this family.
        pub(super) const STEPS: &[$crate::collect::step::Step] = &[$($name),*];
    };
}
pub(super) use steps;

/// Every call that is ever sent, family by family.
pub(super) const FAMILIES: &[&[Step]] = &[
    iam::STEPS,
    accounts::STEPS,
    organizations::STEPS,
    s3::STEPS,
    access_points::STEPS,
    kms::STEPS,
    services::STEPS,
    endpoints::STEPS,
    testimony::STEPS,
    simulator::STEPS,
];

/// Every call that is ever sent.
pub fn all() -> impl Iterator<Item = &'static Step> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

impl Step {
    /// How people call what it yields: the title of its kind, without the article.
    pub(super) fn title(&self) -> &'static str {
        let row = crate::documents::KINDS.iter().find(|row| row.id == self.kind);
        row.map_or(self.call, |row| row.title.strip_prefix("the ").unwrap_or(row.title))
    }
}
