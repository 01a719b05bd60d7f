//! Role assignments: the union of what every assignment of the caller and of the caller's groups grants (E-1: "What is Azure RBAC").

use crate::documents;
use crate::layers::{Asked, Look, statement};
use crate::world::{Assignment, Listed, Stated, dashed};
use iam_why_contract::{Effect, Recorder, Statement, Test, Truth};

/// The id of the layer.
pub(crate) const ID: &str = "role_assignment";

/// The id of the layer that is blamed where only a condition stands in the way.
pub(crate) const CONDITION: &str = "condition";

/// Does an assignment grant?
pub(crate) fn look<R: Recorder>(asked: &Asked<'_>) -> Look {
    let mut look = Look::new(ID, Effect::Allow, Truth::No);
    for assignment in &asked.world.assignments {
        let (truth, statement) = one::<R>(asked, assignment);
        look.truth = look.truth.or(truth);
        if let Some(statement) = statement.filter(|_| concerns(asked, assignment)) {
            look = look.shown(statement);
        }
        if !R::KEEPS && look.truth.is_yes() {
            return look;
        }
    }
    look.truth = look.truth.or(not_read(asked));
    look
}

/// Is it made to the caller, or to what was mistaken for the caller (P-2)? Others are not worth showing.
fn concerns(asked: &Asked<'_>, assignment: &Assignment) -> bool {
    let mistaken = asked.caller.app_id.as_ref() == Some(&assignment.principal);
    mistaken || !asked.is(&assignment.principal, assignment.principal_type).is_no()
}

/// Whether one assignment grants, and what was compared.
pub(crate) fn one<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment) -> (Truth, Option<Statement>) {
    let mut tests = R::default();
    let truth = asked.facts.unless_certain(|| applies(asked, assignment, &mut tests));
    let statement = R::KEEPS.then(|| statement(assignment.place(""), &label(asked, assignment), Effect::Allow, truth, tests.into_tests()));
    (truth, statement)
}

/// What people call an assignment: its role.
pub(crate) fn label(asked: &Asked<'_>, assignment: &Assignment) -> String {
    let role = asked.world.role(&assignment.role).map(|role| role.name.clone()).or_else(|| assignment.role_name.clone());
    role.unwrap_or_else(|| assignment.role.clone())
}

fn applies<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    let steps: [&dyn Fn(&mut R) -> Truth; 5] = [
        &|tests| action(asked, assignment, tests),
        &|tests| scope(asked, assignment, tests),
        &|tests| in_force(asked, assignment, tests),
        &|tests| principal(asked, assignment, tests),
        &|tests| condition(asked, assignment, tests),
    ];
    let mut all = Truth::Yes;
    for step in steps {
        all = all.and(step(tests));
        if all.is_no() && !R::KEEPS {
            return Truth::No;
        }
    }
    all
}

fn action<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    let Some(role) = asked.world.role(&assignment.role) else {
        let name = assignment.role_name.clone().unwrap_or_else(|| assignment.role.clone());
        let key = format!("role {} grants {}", assignment.role.to_ascii_lowercase(), asked.access.action.to_ascii_lowercase());
        let truth = asked.ask(
            &key,
            format!("what the role {name} grants: its definition was not read"),
            documents::permissions(documents::ROLE_DEFINITION),
        );
        tests.test(|| Test::new(assignment.place("roleDefinitionId"), "action", "not known", asked.access.action.clone(), truth));
        return truth;
    };
    asked.permitted(&role.permissions, &role.document, tests)
}

fn scope<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    let truth = asked.world.covers(&assignment.scope, asked.scope.as_ref(), asked.facts);
    tests.test(|| {
        let got = asked.scope.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
        Test::new(assignment.place("scope"), "resource", assignment.scope.to_string(), got, truth)
    });
    truth
}

/// what Privileged Identity Management made has a beginning and an end.
fn in_force<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    let schedule = asked.world.schedule(assignment);
    let dated = schedule.unwrap_or(assignment);
    let now = asked.request.now();
    // The lists of Privileged Identity Management hold what is in force at the moment they are read.
    let current = now.is_none() && dated.instance;
    if current || (dated.start.is_none() && dated.end.is_none()) {
        return Truth::Yes;
    }
    let truth = match now {
        Some(now) => {
            let begun = dated.start.is_none_or(|start| start <= now);
            Truth::from(begun && dated.end.is_none_or(|end| now < end))
        }
        None => asked.ask(&format!("in force {}", assignment.document), "when the request was made", "--context now=2026-01-31T12:00:00Z"),
    };
    tests.test(|| {
        let bound = |at: Option<chrono::DateTime<chrono::FixedOffset>>, word: &str| at.map(|at| format!("{word} {}", at.to_rfc3339()));
        let wanted: Vec<String> = bound(dated.start, "from").into_iter().chain(bound(dated.end, "until")).collect();
        let got = now.map_or_else(|| "not known".to_owned(), |now| now.to_rfc3339());
        Test::new(dated.place(""), "time", wanted.join(" "), got, truth)
    });
    truth
}

fn principal<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    let truth = asked.is(&assignment.principal, assignment.principal_type);
    tests.test(|| {
        let name = asked.world.name_of(&assignment.principal).map(|name| format!(" ({name})")).unwrap_or_default();
        let wanted = format!("{}{name}", dashed(&assignment.principal));
        Test::new(assignment.place("principalId"), "principal", wanted, asked.caller.shown.clone(), truth)
    });
    truth
}

fn condition<R: Recorder>(asked: &Asked<'_>, assignment: &Assignment, tests: &mut R) -> Truth {
    match &assignment.condition {
        Stated::None => Truth::Yes,
        Stated::Some(condition) => asked.condition(condition, &assignment.place("condition"), false, tests),
        Stated::Unsaid => {
            let about = format!("whether the assignment of {} has a condition: the list does not say", label(asked, assignment));
            let truth = asked.ask(
                &format!("condition stated {}", assignment.document),
                about,
                "a list printed by a version of az that knows conditions",
            );
            tests.test(|| Test::new(assignment.place(""), "condition", "stated", "not stated", truth));
            truth
        }
    }
}

/// What was not read could grant.
fn not_read(asked: &Asked<'_>) -> Truth {
    if asked.caller.is_anonymous() {
        return Truth::No;
    }
    let unreadable = asked.world.unreadable.iter().filter(|(kind, _)| kind == documents::ROLE_ASSIGNMENT).map(|(_, id)| {
        asked.ask(
            &format!("unreadable {id}"),
            format!("`{id}` is not of the shape of a role assignment"),
            "the document as Azure returns it",
        )
    });
    let broken = Truth::any(unreadable.collect::<Vec<_>>());
    match asked.world.listed(documents::ROLE_ASSIGNMENT, asked.scope.as_ref(), asked.caller) {
        Listed::Yes => broken,
        Listed::No(doubt) => broken.or(asked.facts.ask("role assignments unread", || doubt)),
    }
}
