//! Whether a condition holds, as far as it is known.
//!
//! An attribute is known, known to be absent, or not known (C-13). A condition never denies: one that does not hold makes its role
//! assignment silent for the request (E-3).

use crate::facts::{Facts, Probe, doubt};
use crate::language::action::ActionPattern;
use crate::language::condition::{Attribute, Base, Comparison, Condition, Expression, Family, Operand, Relation, Source, Span, listed};
use crate::language::operators;
use crate::request::Attributes;
use iam_why_contract::{Lookup, Place, Recorder, Test, Truth};
use std::borrow::Cow;

/// The request as a condition sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    /// The action asked for.
    pub(crate) action: &'a str,
    /// Which of the operations that share the action it is.
    pub(crate) sub_operation: Lookup<'a>,
    /// What is known of the attributes.
    pub(crate) attributes: &'a Attributes,
    /// What is not known.
    pub(crate) facts: &'a Facts,
    /// Whether the service is known to look at conditions (C-2).
    pub(crate) understood: bool,
    /// Whether this is a data action of storage, where GUIDs cannot be compared.
    pub(crate) storage_data: bool,
}

/// Whether the condition at `place` holds.
pub(crate) fn holds<R: Recorder>(condition: &Condition, place: &Place, asked: &Circumstances<'_>, recorder: &mut R) -> Truth {
    let expression = match &condition.parsed {
        Ok(expression) => expression,
        Err(unreadable) => {
            // C-9: what cannot be read is unknown, never true.
            let said = format!("cannot be read: {} expected", unreadable.expected);
            let key = format!("condition {} {}", place.document, place.pointer);
            let about = format!("a condition that cannot be read at character {}: {} expected", unreadable.at + 1, unreadable.expected);
            let truth = asked.facts.ask(&key, || doubt(about, format!("a corrected condition in {}", place.document)));
            recorder.test(|| Test::new(place.within(unreadable.at, unreadable.at), "condition", "a readable condition", said, truth));
            return truth;
        }
    };
    let evaluate = |guids: Option<Truth>, parts: &mut R| Evaluation { place, asked, guids }.holds(expression, parts);
    let mut parts = R::default();
    let truth = if asked.storage_data && compares_guids(expression) {
        // "Troubleshoot Azure role assignment conditions": GUID comparisons cannot be used with storage data actions, the request fails.
        let either = (evaluate(Some(Truth::No), &mut parts), evaluate(Some(Truth::Yes), &mut R::default()));
        if either.0 == either.1 { either.0 } else { Truth::No }
    } else {
        evaluate(None, &mut parts)
    };
    recorder.test(|| {
        let parts = parts.into_tests();
        let got = summary(&parts, truth);
        Test::new(place.clone(), "condition", condition.text.clone(), got, truth).of(parts)
    });
    truth
}

fn compares_guids(expression: &Expression) -> bool {
    expression.comparisons().iter().any(|comparison| comparison.operator.base.family == Family::Guid)
}

/// The comparisons that made a condition fail (or left it open), the outermost first. Targets are no part of them.
pub(crate) fn blamed(tests: &[Test]) -> Vec<&Test> {
    let mut found = Vec::new();
    tests.iter().for_each(|test| blame(test, Truth::Yes, &mut found));
    let certain = found.iter().any(|test| !test.holds.is_unknown());
    found.retain(|test| !certain || !test.holds.is_unknown());
    found
}

fn blame<'t>(test: &'t Test, wanted: Truth, found: &mut Vec<&'t Test>) {
    if test.holds == wanted {
        return;
    }
    let inner = if test.about == NOT { !wanted } else { wanted };
    match test.parts.is_empty() {
        false => test.parts.iter().for_each(|part| blame(part, inner, found)),
        true if test.about.starts_with('@') => found.push(test),
        true => {}
    }
}

fn summary(parts: &[Test], truth: Truth) -> String {
    let blamed = blamed(parts);
    let shown: Vec<String> = blamed.iter().take(2).map(|test| format!("{} is {}", test.about, test.got)).collect();
    match (truth, shown.is_empty()) {
        (Truth::Yes, _) => "true".to_owned(),
        (_, false) => shown.join(", "),
        (Truth::No, true) => "false".to_owned(),
        (Truth::Unknown, true) => "not known".to_owned(),
    }
}

const NOT: &str = "not";

struct Evaluation<'a> {
    place: &'a Place,
    asked: &'a Circumstances<'a>,
    guids: Option<Truth>,
}

/// The values of one side of a comparison.
enum Side<'a> {
    Known(Cow<'a, [String]>),
    Absent,
    NotKnown(&'a Attribute),
}

impl Evaluation<'_> {
    fn holds<R: Recorder>(&self, expression: &Expression, recorder: &mut R) -> Truth {
        match expression {
            Expression::All(items, span) => self.several(items, *span, "all of", recorder, Truth::all),
            Expression::Any(items, span) => self.several(items, *span, "any of", recorder, Truth::any),
            Expression::Ambiguous(items, ands, span) => self.ambiguous(items, ands, *span, recorder),
            Expression::Not(inner, span) => {
                let mut parts = R::default();
                let truth = !self.holds(inner, &mut parts);
                recorder.test(|| self.test(*span, NOT, "", "", truth).of(parts.into_tests()));
                truth
            }
            Expression::ActionMatches(patterns, span) => {
                let truth = Truth::from(patterns.iter().any(|pattern| pattern.matches(self.asked.action)));
                recorder.test(|| self.test(*span, "action", &texts(patterns), self.asked.action, truth));
                truth
            }
            Expression::SubOperationMatches(patterns, span) => self.sub_operation(patterns, *span, recorder),
            Expression::Exists(attribute, span) => self.exists(attribute, *span, recorder),
            Expression::Compare(comparison) => self.compare(comparison, recorder),
        }
    }

    fn several<R: Recorder>(
        &self,
        items: &[Expression],
        span: Span,
        about: &str,
        recorder: &mut R,
        join: fn(Vec<Truth>) -> Truth,
    ) -> Truth {
        let mut parts = R::default();
        let truth = join(items.iter().map(|item| self.holds(item, &mut parts)).collect());
        recorder.test(|| self.test(span, about, "", "", truth).of(parts.into_tests()));
        truth
    }

    /// C-4: both readings; where they differ nobody knows.
    fn ambiguous<R: Recorder>(&self, items: &[Expression], ands: &[bool], span: Span, recorder: &mut R) -> Truth {
        let mut parts = R::default();
        let truths: Vec<Truth> = items.iter().map(|item| self.holds(item, &mut parts)).collect();
        let (and_first, or_first) = (and_first(&truths, ands), or_first(&truths, ands));
        let truth = if and_first == or_first { and_first } else { self.which_reading(span, and_first, or_first) };
        recorder.test(|| self.test(span, "either reading", "parentheses around AND or OR", "none", truth).of(parts.into_tests()));
        truth
    }

    fn which_reading(&self, span: Span, and_first: Truth, or_first: Truth) -> Truth {
        let key = format!("reading {} {} {}", self.place.document, self.place.pointer, span.0);
        let about = "AND and OR stand side by side without parentheses, and the two readings differ";
        match self.asked.facts.ask(&key, || doubt(about, format!("parentheses in the condition of {}", self.place.document))) {
            Truth::Yes => and_first,
            Truth::No => or_first,
            Truth::Unknown => Truth::Unknown,
        }
    }

    fn sub_operation<R: Recorder>(&self, patterns: &[ActionPattern], span: Span, recorder: &mut R) -> Truth {
        let (truth, got) = match self.asked.sub_operation {
            Lookup::Known(names) => {
                (Truth::from(names.iter().any(|name| patterns.iter().any(|pattern| pattern.matches(name)))), names.join(", "))
            }
            Lookup::Absent => (Truth::No, "none".to_owned()),
            Lookup::NotKnown => {
                let about = format!("whether the request is the suboperation {}", texts(patterns));
                let asked = self.asked.facts.ask_of("subOperation", Probe::Matches(patterns.to_vec()), || {
                    doubt(about, "--context subOperation=NAME, or subOperation! for none")
                });
                (asked, "not known".to_owned())
            }
        };
        recorder.test(|| self.test(span, "suboperation", &texts(patterns), &got, truth));
        truth
    }

    fn exists<R: Recorder>(&self, attribute: &Attribute, span: Span, recorder: &mut R) -> Truth {
        let (truth, got) = match self.asked.attributes.get(attribute) {
            Lookup::Known([]) if !attribute.garbled => {
                let about = format!("whether {attribute} exists where it has no values: it is not documented");
                (
                    self.asked.facts.ask(&format!("exists empty {attribute}"), || doubt(about, "a test against Azure")),
                    "no values".to_owned(),
                )
            }
            Lookup::Known(values) if !attribute.garbled => (Truth::Yes, listed(values)),
            Lookup::Absent if !attribute.garbled => (Truth::No, "absent".to_owned()),
            _ => {
                let asked = self.asked.facts.ask_of(&attribute.to_string(), Probe::Exists, || self.not_known(attribute));
                (asked, "not known".to_owned())
            }
        };
        let truth = self.trusted(truth);
        recorder.test(|| self.test(span, &attribute.to_string(), "Exists", &got, truth));
        truth
    }

    fn compare<R: Recorder>(&self, comparison: &Comparison, recorder: &mut R) -> Truth {
        if let Some(suboperation) = legacy_sub_operation(comparison) {
            return self.sub_operation(&suboperation, comparison.span, recorder);
        }
        let (left, right) = (self.side(&comparison.left), self.side(&comparison.right));
        let truth = match self.guids.filter(|_| comparison.operator.base.family == Family::Guid) {
            Some(as_if) => as_if,
            None => self.trusted(self.outcome(comparison, &left, &right)),
        };
        recorder.test(|| {
            let (about, wanted, got) = self.words(comparison, &left, &right);
            self.test(comparison.span, &about, &wanted, &got, truth)
        });
        truth
    }

    fn side<'s>(&'s self, operand: &'s Operand) -> Side<'s> {
        match operand {
            Operand::Literals(values) => Side::Known(Cow::Borrowed(values)),
            Operand::Attribute(attribute) => match self.asked.attributes.get(attribute) {
                _ if attribute.garbled => Side::NotKnown(attribute),
                Lookup::Known(values) => Side::Known(Cow::Borrowed(values)),
                Lookup::Absent => Side::Absent,
                Lookup::NotKnown => Side::NotKnown(attribute),
            },
        }
    }

    fn outcome(&self, comparison: &Comparison, left: &Side<'_>, right: &Side<'_>) -> Truth {
        let base = comparison.operator.base;
        match (left, right) {
            (Side::NotKnown(attribute), _) | (_, Side::NotKnown(attribute)) => {
                // Comparisons of one attribute with literals are settled together, all others each by itself.
                self.asked.facts.ask_of(&attribute.to_string(), Probe::Compare(Box::new(comparison.clone())), || self.not_known(attribute))
            }
            // C-14: a positive comparison with what is not there is false, and the rest goes on.
            (Side::Absent, _) | (_, Side::Absent) if !base.negated => Truth::No,
            // C-16: of a negated one the documentation says nothing.
            (Side::Absent, _) | (_, Side::Absent) => {
                let about = format!("what `{comparison}` comes to when the attribute is absent: it is not documented");
                self.asked.facts.ask(&format!("absent {comparison}"), || doubt(about, "a test against Azure, or a value for the attribute"))
            }
            (Side::Known(left), Side::Known(right)) => self.compare_known(comparison, base, left, right),
        }
    }

    fn compare_known(&self, comparison: &Comparison, base: Base, left: &[String], right: &[String]) -> Truth {
        let quantifier = comparison.operator.quantifier;
        let clock = !matches!(base.relation, Relation::GreaterThan | Relation::LessThan)
            && [&comparison.left, &comparison.right].into_iter().any(is_clock);
        let compared = operators::compare(quantifier, base, left, right).filter(|_| !clock);
        compared.map(Truth::from).unwrap_or_else(|| {
            let why = if clock {
                "UtcNow is documented for DateTimeGreaterThan and DateTimeLessThan only"
            } else if quantifier.is_none() && (left.len() > 1 || right.len() > 1) {
                "a plain operator against several values has no documented meaning"
            } else {
                "the values are not of the operator's type, or there are none"
            };
            let about = format!("what `{comparison}` comes to: {why}");
            self.asked
                .facts
                .ask(&format!("undefined {comparison}"), || doubt(about, "a quantifier such as ForAnyOfAnyValues, or other values"))
        })
    }

    /// C-2: what a service does with a condition that it is not documented to look at is not known.
    fn trusted(&self, truth: Truth) -> Truth {
        if self.asked.understood {
            return truth;
        }
        let service = self.asked.action.split('/').next().unwrap_or_default();
        let about = format!("whether {service} looks at conditions: it is not documented");
        self.asked.facts.ask(&format!("conditions {} {}", self.place.document, self.place.pointer), || {
            doubt(about, "an assignment without a condition, or a test against Azure")
        })
    }

    fn not_known(&self, attribute: &Attribute) -> iam_why_contract::Doubt {
        if attribute.garbled {
            let about = format!("{attribute}: the name holds the escape of a shell, it was saved wrong");
            return doubt(about, "the condition saved again with <$key_case_sensitive$>");
        }
        doubt(format!("{attribute} is not known"), format!("--context '{attribute}=VALUE', or '{attribute}!' if the request has none"))
    }

    fn words(&self, comparison: &Comparison, left: &Side<'_>, right: &Side<'_>) -> (String, String, String) {
        let value = |side: &Side<'_>| match side {
            Side::Known(values) => listed(values),
            Side::Absent => "absent".to_owned(),
            Side::NotKnown(_) => "not known".to_owned(),
        };
        match (&comparison.left, &comparison.right) {
            (Operand::Attribute(attribute), Operand::Attribute(other)) => {
                (attribute.to_string(), format!("{} {other}, which is {}", comparison.operator, value(right)), value(left))
            }
            (Operand::Attribute(attribute), _) => (attribute.to_string(), format!("{} {}", comparison.operator, value(right)), value(left)),
            (_, Operand::Attribute(attribute)) => {
                (attribute.to_string(), format!("{} {} of it", value(left), comparison.operator), value(right))
            }
            _ => ("@literal".to_owned(), format!("{} {}", comparison.operator, value(right)), value(left)),
        }
    }

    fn test(&self, span: Span, about: &str, wanted: &str, got: &str, truth: Truth) -> Test {
        Test::new(self.place.within(span.0, span.1), about.to_owned(), wanted, got, truth)
    }
}

/// `@Environment[UtcNow]`
fn is_clock(operand: &Operand) -> bool {
    matches!(operand, Operand::Attribute(attribute) if attribute.source == Source::Environment && attribute.name.eq_ignore_ascii_case("UtcNow"))
}

fn and_first(truths: &[Truth], ands: &[bool]) -> Truth {
    let mut groups = Vec::new();
    let mut group = truths.first().copied().unwrap_or(Truth::Yes);
    for (truth, and) in truths.iter().skip(1).zip(ands) {
        if *and {
            group = group.and(*truth);
        } else {
            groups.push(std::mem::replace(&mut group, *truth));
        }
    }
    groups.push(group);
    Truth::any(groups)
}

/// OR binds tighter. Every other way to set parentheses lies between this reading and the one in which AND does.
fn or_first(truths: &[Truth], ands: &[bool]) -> Truth {
    let turned: Vec<Truth> = truths.iter().map(|truth| !*truth).collect();
    let ors: Vec<bool> = ands.iter().map(|and| !and).collect();
    !and_first(&turned, &ors)
}

fn texts(patterns: &[ActionPattern]) -> String {
    patterns.iter().map(ActionPattern::text).collect::<Vec<_>>().join(", ")
}

/// C-8: `@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'…'}` is how previews wrote a suboperation.
fn legacy_sub_operation(comparison: &Comparison) -> Option<Vec<ActionPattern>> {
    let Operand::Attribute(attribute) = &comparison.left else { return None };
    let Operand::Literals(names) = &comparison.right else { return None };
    let base = comparison.operator.base;
    let plain = base.family == Family::String && base.relation == Relation::Equals && !base.negated;
    let named = attribute.source == Source::Request && attribute.name.eq_ignore_ascii_case("subOperation");
    (plain && named).then(|| names.iter().map(|name| ActionPattern::new(name)).collect())
}
