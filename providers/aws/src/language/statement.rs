//! Statements: does this one apply to the request?

use crate::language::action::{ActionPattern, Services};
use crate::language::condition::Condition;
use crate::language::listed;
use crate::language::principal::{Admission, Named, spared};
use crate::language::resource::{NOT_GIVEN, ResourcePattern};
use crate::language::view::View;
use iam_why_contract::{Effect, Place, Recorder, Test, Truth};
use std::sync::Arc;

/// A statement, ready to match.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Where it stands.
    pub place: Place,
    /// Its `Sid`; may be empty.
    pub sid: std::sync::Arc<str>,
    /// What it does when it applies.
    pub effect: Effect,
    /// `Action` or `NotAction`.
    pub actions: List<ActionPattern>,
    /// The services that those may be about.
    pub services: Services,
    /// `Resource` or `NotResource`; none where AWS fills it in.
    pub resources: Option<List<ResourcePattern>>,
    /// `Principal` or `NotPrincipal`.
    pub principals: Principals,
    /// `Condition`.
    pub conditions: Vec<Condition>,
}

/// A list, or all but a list.
#[derive(Debug, Clone)]
pub struct List<T> {
    /// `Not…`
    pub negated: bool,
    /// The entries.
    pub entries: Vec<T>,
}

/// A list of `entries`.
pub fn list<T>(negated: bool, entries: impl IntoIterator<Item = T>) -> List<T> {
    List { negated, entries: entries.into_iter().collect() }
}

/// Whom a statement speaks of.
#[derive(Debug, Clone)]
pub enum Principals {
    /// It has no such element: whoever the policy is attached to; in a resource policy nobody (E-35).
    Unspoken,
    /// `Principal`
    Named(Vec<Named>),
    /// `NotPrincipal`
    Not(Vec<Named>),
}

/// Whether a statement applies, and in which form it names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Whether it applies.
    pub applies: Truth,
    /// The form; meaningful for statements with a `Principal`.
    pub admission: Admission,
}

impl Matched {
    const NO: Self = Self { applies: Truth::No, admission: Admission::NONE };
}

impl Statement {
    /// Does it apply to the request?
    ///
    /// Where nothing is recorded it stops at the first certain *no*. A statement about another service is recorded with its action
    /// alone.
    pub fn matches<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> Matched {
        let consulted = view.consulted();
        let matched = self.all::<R>(view, tests);
        if R::KEEPS && !matched.applies.is_unknown() {
            view.forget_to(consulted);
        }
        matched
    }

    fn all<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> Matched {
        let action = self.action(view, tests);
        if !action && (!R::KEEPS || !self.about_service(view)) {
            return Matched::NO;
        }
        let admission = self.principal(view, tests);
        if !R::KEEPS && admission.any().is_no() {
            return Matched::NO;
        }
        let mut rest = Truth::from(action).and(self.resource(view, tests));
        for condition in &self.conditions {
            if !R::KEEPS && rest.is_no() {
                return Matched::NO;
            }
            rest = rest.and(condition.holds(view, tests));
        }
        let admission = admission.and(rest);
        Matched { applies: admission.any(), admission }
    }

    fn action<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> bool {
        let listed = self.actions.entries.iter().position(|pattern| pattern.matches(view.action));
        // G-5: an empty list has no effect.
        let holds = listed.is_some() != self.actions.negated && !self.actions.entries.is_empty();
        tests.test(|| {
            let name = if self.actions.negated { "NotAction" } else { "Action" };
            let place = self.entry(name, self.actions.entries.len(), listed);
            let wanted = wanted(&self.actions, listed, |pattern| &pattern.text);
            Test::new(place, "action", wanted, Arc::clone(&view.action.text), holds.into())
        });
        holds
    }

    fn about_service(&self, view: &View<'_>) -> bool {
        self.actions.entries.iter().any(|pattern| pattern.same_service(view.action))
    }

    fn resource<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> Truth {
        let Some(resources) = &self.resources else { return Truth::Yes };
        let fits = |pattern: &ResourcePattern| Truth::any(view.resources.iter().map(|resource| pattern.matches(resource, view)));
        let listed = Truth::any(resources.entries.iter().map(fits));
        let holds = match (resources.negated, resources.entries.is_empty()) {
            (_, true) => Truth::No,
            (false, _) => listed,
            (true, _) => !listed,
        };
        tests.test(|| {
            let name = if resources.negated { "NotResource" } else { "Resource" };
            let at = if listed.is_yes() { resources.entries.iter().position(|pattern| fits(pattern).is_yes()) } else { None };
            let wanted = wanted(resources, at, |pattern| &pattern.text);
            Test::new(self.entry(name, resources.entries.len(), at), "resource", wanted, resources_of(view), holds)
        });
        holds
    }

    fn principal<R: Recorder>(&self, view: &View<'_>, tests: &mut R) -> Admission {
        let everyone = Admission { direct: Truth::Yes, ..Admission::NONE };
        match &self.principals {
            Principals::Unspoken => everyone,
            Principals::Named(named) => {
                let admission = named.iter().fold(Admission::NONE, |all, one| all.or(one.admits(view)));
                tests.test(|| {
                    let at = if admission.any().is_yes() { named.iter().find(|one| one.admits(view).any().is_yes()) } else { None };
                    let pointer = at.map_or("", |one| &one.pointer);
                    let wanted = match (at, named.as_slice()) {
                        (Some(one), _) | (None, [one]) => Arc::clone(&one.text),
                        (None, many) => listed(many.iter().map(|one| &*one.text)).into(),
                    };
                    self.principal_test("Principal", pointer, wanted, view, admission.any())
                });
                admission
            }
            Principals::Not(named) => {
                // E-36: a caller with a permissions boundary is denied whoever is named.
                let denied = if named.is_empty() { Truth::No } else { (!spared(named, view)).or(view.caller.bounded) };
                tests.test(|| {
                    let wanted = format!("anyone but {}", listed(named.iter().map(|one| &*one.text)));
                    self.principal_test("NotPrincipal", "", wanted.into(), view, denied)
                });
                Admission { direct: denied, ..Admission::NONE }
            }
        }
    }

    fn principal_test(&self, name: &str, pointer: &str, wanted: Arc<str>, view: &View<'_>, holds: Truth) -> Test {
        let mut place = self.place.member(name);
        place.pointer.push_str(pointer);
        Test::new(place, "principal", wanted, &*view.caller.text, holds)
    }

    /// The place of an entry of an element; the element itself where none is meant. A text that stands alone has no index, and a list
    /// of one is pointed at as a whole.
    fn entry(&self, name: &str, entries: usize, at: Option<usize>) -> Place {
        match at {
            Some(at) if entries > 1 => self.place.member_element(name, at),
            _ => self.place.member(name),
        }
    }

    /// The condition keys it looks at, variables included, in lower case.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().flat_map(|condition| std::iter::once(&*condition.key.lower).chain(condition.variables()));
        let templates = self.resources.iter().flat_map(|resources| &resources.entries).filter_map(ResourcePattern::template);
        conditions.chain(templates.flat_map(|template| template.variables().map(|variable| &*variable.key)))
    }
}

/// What a list wants: the entry at `at` where one is meant, else all of them in words.
fn wanted<T>(list: &List<T>, at: Option<usize>, text: impl Fn(&T) -> &Arc<str>) -> Arc<str> {
    let entries = || listed(list.entries.iter().map(|entry| &**text(entry)));
    match (at.and_then(|at| list.entries.get(at)), list.entries.as_slice()) {
        _ if list.negated => format!("anything but {}", entries()).into(),
        (Some(one), _) | (None, [one]) => Arc::clone(text(one)),
        (None, _) => entries().into(),
    }
}

fn resources_of(view: &View<'_>) -> Arc<str> {
    match view.resources {
        [one] if **one == *NOT_GIVEN => "not given".into(),
        [one] => Arc::from(&**one),
        many => listed(many.iter().map(|resource| &**resource)).into(),
    }
}
