//! Values of open condition keys that stand for all values: one for every way in which the comparisons on a key can turn out.
//!
//! Of texts they are found by walking all patterns at once ([`words`]); of numbers, dates and addresses they are the listed ones and
//! what lies between them. Where neither is possible the candidates are said not to be complete, and settle nothing.

use crate::catalog;
use crate::language::arn;
use crate::language::condition::{Comparison, Condition, Letters, Meaning};
use crate::language::date::Instant;
use crate::language::facts::Fact;
use crate::language::numeric::Decimal;
use crate::language::open::Suppositions;
use crate::language::statement::Statement;
use crate::language::template::{Expanded, Template};
use crate::language::view::View;
use crate::language::words::{Pattern, words};
use iam_why_contract::glob::{Case, Glob};
use iam_why_contract::{Doubt, Lookup, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The ways in which one key can turn out.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The ways.
    pub facts: Vec<Fact>,
    /// Whether they stand for all.
    pub complete: bool,
}

impl Candidates {
    /// No way is known.
    #[must_use]
    pub fn none() -> Self {
        Self { facts: vec![Fact::NotKnown], complete: false }
    }
}

/// How many texts a key is tried with whose sets are tried too, and how long a text may be of which parts are tried.
const SETS: usize = 6;
const LONG: usize = 160;
const PARTS: usize = 24;

/// The ways in which each of `keys` can turn out, as far as `open` statements tell the difference.
#[must_use]
pub fn candidates(keys: &BTreeSet<&str>, open: &[&Statement], view: &View<'_>) -> Vec<Candidates> {
    let mut found: BTreeMap<&str, Candidates> = BTreeMap::new();
    // Keys that stand as variables in conditions on other open keys come first.
    let (first, rest): (Vec<&str>, Vec<&str>) = keys.iter().partition(|key| is_variable(key, open));
    for key in first.into_iter().chain(rest) {
        let scene = Scene { key, open, view, keys, found: &found };
        let one = scene.candidates();
        found.insert(key, one);
    }
    keys.iter().map(|key| found.remove(key).unwrap_or_else(Candidates::none)).collect()
}

fn conditions<'s>(open: &'s [&Statement]) -> impl Iterator<Item = &'s Condition> {
    open.iter().flat_map(|statement| &statement.conditions)
}

fn is_variable(key: &str, open: &[&Statement]) -> bool {
    conditions(open).any(|condition| condition.variables().any(|variable| variable == key))
}

/// One key and what compares it.
struct Scene<'c, 'v> {
    key: &'c str,
    open: &'c [&'c Statement],
    view: &'c View<'v>,
    keys: &'c BTreeSet<&'c str>,
    found: &'c BTreeMap<&'c str, Candidates>,
}

/// What a key is compared with.
#[derive(Default)]
struct Gathered {
    patterns: Vec<Pattern>,
    /// Values of numbers, dates, addresses and bytes.
    values: BTreeSet<String>,
    families: BTreeSet<Family>,
    incomplete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Text,
    /// Numbers and dates.
    Ordered,
    Address,
    Bytes,
}

impl Gathered {
    fn pattern(&mut self, pattern: Pattern) {
        self.families.insert(Family::Text);
        if !self.patterns.contains(&pattern) {
            self.patterns.push(pattern);
        }
    }
}

impl Scene<'_, '_> {
    fn candidates(&self) -> Candidates {
        let mut gathered = Gathered { patterns: vec![Pattern::exactly("", Case::Sensitive)], ..Gathered::default() };
        conditions(self.open).filter(|condition| *condition.key.lower == *self.key).for_each(|one| self.compared(one, &mut gathered));
        self.as_variable(&mut gathered);
        let mut complete = !gathered.incomplete && gathered.families.len() <= 1;
        let found = words(&gathered.patterns).unwrap_or_else(|| {
            complete = false;
            vec![String::new(), "x".to_owned()]
        });
        gathered.values.extend(found);
        let values: Vec<String> = gathered.values.into_iter().collect();
        let mut facts = vec![Fact::Absent];
        complete &= self.sets(&values, &mut facts);
        Candidates { facts, complete }
    }

    /// Adds the values, and sets of them where one request may have several. Says whether those are all.
    fn sets(&self, values: &[String], facts: &mut Vec<Fact>) -> bool {
        let own = || conditions(self.open).filter(|condition| *condition.key.lower == *self.key);
        let listed = catalog::key_type(self.key).map(|kind| kind.multivalued);
        let many = listed.unwrap_or_else(|| own().any(Condition::quantified));
        if !many || values.len() > SETS {
            facts.extend(values.iter().map(|value| Fact::Known(vec![value.clone()])));
            return !many;
        }
        for chosen in 1_usize..1 << values.len() {
            let set = values.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, value)| value.clone());
            facts.push(Fact::Known(set.collect()));
        }
        // Of a key that AWS's reference does not list, two values may fit alike, which plain operators mind.
        listed.is_some() || own().all(Condition::quantified)
    }

    fn compared(&self, condition: &Condition, into: &mut Gathered) {
        match condition.comparison() {
            Comparison::Unknown => {}
            Comparison::Null => into.pattern(Pattern::exactly("", Case::Sensitive)),
            Comparison::Bool => {
                into.pattern(Pattern::exactly("true", Case::Insensitive));
                into.pattern(Pattern::exactly("false", Case::Insensitive));
            }
            Comparison::Arn { .. } => into.pattern(Pattern::any_arn()),
            _ => {}
        }
        for wanted in &condition.values {
            match (&wanted.value, condition.comparison()) {
                (Meaning::Text(template), Comparison::Arn { .. }) => {
                    self.template(template, into, |glob| Some(Pattern::arn(&arn::fields(glob.pieces().to_vec())?)))
                }
                (Meaning::Text(template), Comparison::Text { case: Letters::Exact, .. }) => {
                    self.template(template, into, |glob| Some(Pattern::of(glob, Case::Sensitive)));
                }
                (Meaning::Text(template) | Meaning::BoolVariable(template), _) => {
                    self.template(template, into, |glob| Some(Pattern::of(glob, Case::Insensitive)));
                }
                (Meaning::Number(_), _) => numbers(&wanted.text, into),
                (Meaning::Instant(instant), _) => dates(*instant, into),
                (Meaning::Network(network), _) => addresses(network, into),
                (Meaning::Bytes(_), _) => bytes(&wanted.text, into),
                (Meaning::Bool(_) | Meaning::Nothing, _) => {}
            }
        }
    }

    /// The patterns that `template` can stand for, whatever other open keys in it turn out to be.
    fn template(&self, template: &Template, into: &mut Gathered, pattern: impl Fn(&Glob) -> Option<Pattern>) {
        let mut take = |expanded: Expanded| match expanded {
            Expanded::Pieces(pieces) => pattern(&Glob::from_pieces(pieces)).into_iter().for_each(|one| into.pattern(one)),
            Expanded::Null => {}
            Expanded::Open(_) => into.incomplete = true,
        };
        let open: BTreeSet<&str> =
            template.variables().map(|variable| &*variable.key).filter(|key| self.view.fact(key) == Lookup::NotKnown).collect();
        let other = open.first().and_then(|key| self.found.get(key)).filter(|_| open.len() == 1);
        match (open.first(), other) {
            (Some(key), Some(other)) => {
                for fact in &other.facts {
                    let supposed = supposing(key, fact.clone());
                    take(template.expand(&with(self.view, &supposed)));
                }
            }
            _ => take(template.expand(self.view)),
        }
    }

    /// Where the key stands as a variable: the parts of the compared text that make a difference.
    fn as_variable(&self, into: &mut Gathered) {
        let has = |template: &Template| template.variables().any(|variable| *variable.key == *self.key);
        let patterns = self.open.iter().flat_map(|statement| &statement.resources).flat_map(|list| &list.entries);
        for pattern in patterns.filter(|pattern| pattern.template().is_some_and(has)) {
            for resource in self.view.resources {
                self.parts(resource, into, |view| pattern.matches(resource, view));
            }
        }
        for condition in conditions(self.open).filter(|condition| condition.variables().any(|variable| variable == self.key)) {
            match self.view.fact(&condition.key.lower) {
                Lookup::Known(values) => {
                    values.iter().for_each(|value| self.parts(value, into, |view| condition.on(view.fact(&condition.key.lower), view)));
                }
                Lookup::Absent => {}
                Lookup::NotKnown => self.against_open(condition, into),
            }
        }
    }

    /// The other key is open too: it is tried with each candidate of this one, and this one with each text that the other is compared
    /// with. That stands for all where only whole texts are compared.
    fn against_open(&self, condition: &Condition, into: &mut Gathered) {
        let alone = |template: &Template| template.text.starts_with("${") && template.text.find('}') == Some(template.text.len() - 1);
        let acyclic = !is_variable(&condition.key.lower, self.open) && self.keys.contains(&*condition.key.lower);
        into.incomplete |= !acyclic;
        for other in conditions(self.open).filter(|other| other.key.lower == condition.key.lower) {
            let exact = matches!(other.comparison(), Comparison::Text { case: Letters::Exact, .. } | Comparison::Null);
            into.incomplete |= !exact;
            for wanted in &other.values {
                match &wanted.value {
                    Meaning::Text(template) if template.variables().next().is_some() => into.incomplete |= !alone(template),
                    Meaning::Text(template) => {
                        let wild = template
                            .fixed()
                            .is_none_or(|glob| Glob::new(&template.text).pieces() == glob.pieces() && template.text.contains(['*', '?']));
                        into.incomplete |= wild;
                        into.pattern(Pattern::exactly(&template.text, Case::Sensitive));
                    }
                    _ => {}
                }
            }
        }
    }

    /// The parts of `text` with which `holds` turns out otherwise than with a value that nothing names.
    fn parts(&self, text: &str, into: &mut Gathered, holds: impl Fn(&View<'_>) -> Truth) {
        let on = |value: &str| holds(&with(self.view, &supposing(self.key, Fact::Known(vec![value.to_owned()]))));
        let nothing = on("\u{1}");
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        if ends.len() > LONG {
            into.incomplete = true;
            return;
        }
        let parts = ends.iter().enumerate().flat_map(|(at, from)| ends.iter().skip(at).filter_map(|to| text.get(*from..*to)));
        let parts: BTreeSet<&str> = parts.collect();
        let differ: Vec<&str> = parts.into_iter().filter(|part| on(part) != nothing).collect();
        // A text that no part makes fit can fit by no value at all; one that every value makes fit is not open.
        into.incomplete |= differ.len() > PARTS || nothing.is_unknown();
        differ.into_iter().take(PARTS).for_each(|part| into.pattern(Pattern::exactly(part, Case::Sensitive)));
    }
}

fn supposing(key: &str, fact: Fact) -> Suppositions {
    Suppositions { keys: vec![(key.into(), fact)], ..Suppositions::default() }
}

fn with<'v>(view: &View<'v>, supposed: &'v Suppositions) -> View<'v> {
    View::new(view.action, view.resources, view.caller, view.facts, (view.flags, supposed))
}

/// The number itself, what lies just beside it, and no number.
fn numbers(text: &str, into: &mut Gathered) {
    into.families.insert(Family::Ordered);
    let trimmed = text.trim();
    let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, ""));
    // Appending digits goes away from zero; the neighbour on the other side is found by comparing.
    let beside = format!("{}.{fraction}{}1", if whole.is_empty() { "0" } else { whole }, "0".repeat(12));
    into.values.extend([trimmed.to_owned(), beside, "x".to_owned()]);
    if let Some(nearer) = nearer_to_zero(trimmed) {
        into.values.insert(nearer);
    }
    into.values.extend(["-99999999999999999999999".to_owned(), "99999999999999999999999".to_owned()]);
}

/// A number a little nearer to zero: the digits minus one, and nines.
fn nearer_to_zero(text: &str) -> Option<String> {
    let unsigned = text.trim_start_matches(['-', '+']);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let zero = Decimal::parse(text)? == Decimal::parse("0")?;
    if zero {
        return Some("-0.0000000000001".to_owned());
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    for digit in digits.iter_mut().rev() {
        if *digit > b'0' {
            *digit -= 1;
            break;
        }
        *digit = b'9';
    }
    let digits = String::from_utf8(digits).ok()?;
    let (whole, fraction) = digits.split_at_checked(whole.len())?;
    Some(format!("{sign}{}.{fraction}999999999999", if whole.is_empty() { "0" } else { whole }))
}

fn dates(instant: Instant, into: &mut Gathered) {
    into.families.insert(Family::Ordered);
    let around = [instant.plus(-1), instant, instant.just_after(), instant.plus(1)];
    into.values.extend(around.map(Instant::epoch));
    into.values.extend(["x", "0", "99999999999"].map(str::to_owned));
}

/// Where ranges begin, and what comes behind their ends.
fn addresses(network: &ipnet::IpNet, into: &mut Gathered) {
    into.families.insert(Family::Address);
    let next = |address: IpAddr| match address {
        IpAddr::V4(address) => u32::from(address).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(address) => u128::from(address).checked_add(1).map(|next| IpAddr::V6(next.into())),
    };
    let mut all = vec![network.network()];
    all.extend(next(network.broadcast()));
    let mapped = all.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(IpAddr::V6(address.to_ipv6_mapped())),
        IpAddr::V6(address) => address.to_ipv4_mapped().map(IpAddr::V4),
    });
    let mapped: Vec<IpAddr> = mapped.collect();
    into.values.extend(all.into_iter().chain(mapped).map(|address| address.to_string()));
    into.values.extend(["0.0.0.0", "::", "x"].map(str::to_owned));
}

fn bytes(text: &str, into: &mut Gathered) {
    into.families.insert(Family::Bytes);
    into.values.extend([text.to_owned(), format!("{}AAAA", text.trim_end_matches('=')), "*".to_owned()]);
}

/// The doubt about a key.
#[must_use]
pub fn doubt(key: &str, open: &[&Statement]) -> Doubt {
    let written = open.iter().flat_map(|statement| &statement.conditions).find(|condition| *condition.key.lower == *key);
    let name = written.map_or(key, |condition| &condition.key.text);
    Doubt { about: name.to_string(), needs: format!("--context {name}=VALUE, or {name}! if the request does not carry it") }
}
