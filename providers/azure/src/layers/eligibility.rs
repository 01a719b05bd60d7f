//! Eligible assignments: they grant nothing until they are activated, and show no trace in the list of role assignments.

use crate::layers::role_assignment;
use crate::layers::{Asked, Look};
use iam_why_contract::trace::Tests;
use iam_why_contract::{Effect, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "eligibility";

/// Which eligible assignments would grant, once activated. Only shown, never decided on.
pub(crate) fn look(asked: &Asked<'_>) -> Look {
    let mut look = Look::new(ID, Effect::Allow, Truth::No);
    for assignment in &asked.world.eligible {
        let provisioned = assignment.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case("Provisioned"));
        let (truth, statement) = role_assignment::one::<Tests>(asked, assignment);
        let mine = !asked.is(&assignment.principal, assignment.principal_type).is_no();
        if let Some(statement) = statement.filter(|_| provisioned && mine) {
            look.truth = look.truth.or(truth);
            look = look.shown(statement);
        }
    }
    look.binds = !look.statements.is_empty();
    look
}
