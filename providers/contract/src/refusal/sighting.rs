//! Marks that belong to one refusal, before it is read.

use super::{Form, Pairs, Reason, Record, Refusal, Sealed, View, scrub};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A Form that was found.
#[derive(Debug, Clone)]
pub struct Mark<'a> {
    /// The Form.
    pub form: &'static Form,
    /// Where it begins in the clean text.
    pub start: usize,
    /// Where it ends in the clean text.
    pub end: usize,
    /// Its holes and what filled them.
    pub fields: Vec<(&'static str, Cow<'a, str>)>,
    pub(super) dialect: usize,
}

impl Mark<'_> {
    /// What filled the hole `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_ref())
    }
}

/// Marks that stand together, with the text around them.
pub struct Sighting<'a> {
    /// The marks, in the order of the text.
    pub marks: Vec<Mark<'a>>,
    /// The log record they stand in.
    pub record: Option<&'a Record>,
    /// The text.
    pub view: &'a View,
    pub(super) pairs: &'a LazyPairs<'a>,
}

/// Keys and values, read when they are first asked for: most texts are prose.
pub(super) struct LazyPairs<'a> {
    raw: &'a str,
    /// Where the text without gutters, colours and entities is kept, if it has any.
    structure: Option<&'a OnceCell<View>>,
    pairs: OnceCell<Pairs<'a>>,
}

impl<'a> LazyPairs<'a> {
    pub(super) const fn new(raw: &'a str, structure: Option<&'a OnceCell<View>>) -> Self {
        Self { raw, structure, pairs: OnceCell::new() }
    }

    pub(super) fn get(&self) -> &Pairs<'a> {
        let read = || match self.structure {
            Some(cell) => Pairs::of_view(cell.get_or_init(|| View::structure(self.raw))),
            None => Pairs::new(self.raw),
        };
        self.pairs.get_or_init(read)
    }
}

impl<'a> Sighting<'a> {
    /// The keys and values of the text.
    #[must_use]
    pub fn pairs(&self) -> &'a Pairs<'a> {
        self.pairs.get()
    }

    /// The Form that says who refused: the strongest, the first of equals.
    #[must_use]
    pub fn verdict(&self) -> Option<&Mark<'a>> {
        let deciding = self.marks.iter().filter(|mark| mark.form.decides());
        deciding.fold(None, |best: Option<&Mark<'a>>, mark| match best {
            Some(best) if best.form.strength >= mark.form.strength => Some(best),
            _ => Some(mark),
        })
    }

    /// The Form of [`Sighting::verdict`].
    #[must_use]
    pub fn form(&self) -> Option<&'static Form> {
        self.verdict().map(|mark| mark.form)
    }

    /// Was the Form of this name found here?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.marks.iter().any(|mark| mark.form.name == name)
    }

    /// What filled the hole `name`: in the deciding mark, else in the strongest of the others, else in the log record.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut best: Option<(&Mark<'a>, &str)> = None;
        let verdict = self.verdict().and_then(|mark| mark.field(name));
        for mark in &self.marks {
            if let Some(value) = mark.field(name)
                && best.is_none_or(|(known, _)| known.form.strength < mark.form.strength)
            {
                best = Some((mark, value));
            }
        }
        verdict.or(best.map(|(_, value)| value)).or_else(|| self.record.and_then(|record| record.field(name)))
    }

    /// Every value that filled the hole `name`.
    pub fn fields<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.marks.iter().filter_map(move |mark| mark.field(name))
    }

    /// Where the sighting begins and ends in the clean text.
    #[must_use]
    pub fn extent(&self) -> (usize, usize) {
        let start = self.marks.iter().map(|mark| mark.start).min().unwrap_or(0);
        let end = self.marks.iter().map(|mark| mark.end).max().unwrap_or(0);
        (start, end)
    }

    /// Where the sighting stands in the raw text, `margin` bytes wider on either side; or its log record.
    #[must_use]
    pub fn raw_extent(&self, margin: usize) -> (usize, usize) {
        if let Some(record) = self.record {
            return (record.start, record.end);
        }
        let (start, end) = self.extent();
        (self.view.raw_of_clean(start).saturating_sub(margin), self.view.raw_of_clean(end).saturating_add(margin))
    }

    /// Does the text hold `needle` (dense: lower case, no spaces or quotation marks) within `margin` bytes of the sighting?
    #[must_use]
    pub fn near(&self, margin: usize, needle: &str) -> bool {
        let (start, end) = self.extent();
        self.view.holds(start.saturating_sub(margin), end.saturating_add(margin), needle)
    }

    /// The value of `key` near the sighting, or in its log record.
    #[must_use]
    pub fn pair(&self, key: &str) -> Option<&'a str> {
        let (start, end) = self.raw_extent(1200);
        self.pairs().between(start, end).find(|pair| pair.is(key)).map(|pair| pair.value.as_ref())
    }

    /// The line on which the deciding mark stands.
    #[must_use]
    pub fn line(&self) -> usize {
        self.view.line_of_raw(self.at())
    }

    /// Where the deciding mark begins in the raw text.
    pub(super) fn at(&self) -> usize {
        self.view.raw_of_clean(self.verdict().map_or(0, |mark| mark.start))
    }

    /// The refusal as far as the marks state it; `says` and `next` are empty.
    #[must_use]
    pub fn draft(&self) -> Option<Refusal> {
        let form = self.form()?;
        let implied = |name: &str| form.implies.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
        let mut derived = Vec::new();
        let mut field = |name: &'static str| {
            if let Some(read) = self.field(name).filter(|value| is_said(value)) {
                if self.record.is_some_and(|record| record.derives(name)) && self.fields(name).next().is_none() {
                    derived.push(name);
                }
                return Some(scrub(read));
            }
            implied(name).map(|value| {
                derived.push(name);
                value.to_owned()
            })
        };
        let (principal, action, resource, policy) = (field("principal"), field("action"), field("resource"), field("policy"));
        let printed = self.field("status").and_then(|status| status.parse().ok()).filter(|status| (400..600).contains(status));
        if printed.is_none() && form.status.is_some() {
            derived.push("status");
        }
        Some(Refusal {
            provider: form.provider.to_owned(),
            refused_by: form.refused_by.to_owned(),
            status: printed.or(form.status),
            principal,
            action,
            resource,
            reason: form.reason,
            policy_kind: form.policy_kind.map(str::to_owned),
            policy,
            line: self.line(),
            says: String::new(),
            next: Vec::new(),
            derived,
            context: self.context(),
            sealed: Sealed::default(),
        })
    }

    fn context(&self) -> BTreeMap<String, String> {
        let known = self.record.map(|record| record.context.clone()).unwrap_or_default();
        known.into_iter().map(|(key, value)| (key, scrub(&value))).filter(|(_, value)| is_said(value)).collect()
    }

    /// Is the reason this one?
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.form().map_or(Reason::Unknown, |form| form.reason)
    }
}

/// `...` and `…` stand for what was left out.
fn is_said(value: &str) -> bool {
    value.chars().any(|piece| !matches!(piece, '.' | '…' | ' ' | '"' | '\'' | '(' | ')'))
}
