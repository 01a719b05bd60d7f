//! All Forms of all dialects, looked for in one pass.

use super::mention::is_mention;
use super::sighting::{LazyPairs, Mark, Sighting};
use super::template::Template;
use super::{Form, Pairs, Reason, Refusal, View, fold};
use aho_corasick::dfa::DFA;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

/// How far from a refusal a verdict may stand that belongs to it, in bytes of clean text.
const VERDICT_REACH: usize = 1500;
/// How far from a refusal a fact may stand that belongs to it.
const FACT_REACH: usize = 900;
/// How far the class of an exception stands from its message.
const HEADING: usize = 48;
/// How far apart the halves of one sentence stand: `because` may be between them.
const ADJACENT: usize = 16;
/// How far behind the words of a client the answer stands that it was given.
const ANSWER: usize = 200;
/// How many marks are kept of one text.
const MARKS: usize = 100_000;
/// Words of refusals as no escape or gutter tears them, and keys that only log records have.
const LETTERS: [&str; 9] = ["denied", "forbid", "authoriz", "permission", "disallow", "prohibit", "methodname", "auditid", "explicitdeny"];
/// How much of the words of a wording is looked for: a small automaton is a quick one.
const BEGINNING: usize = 20;
/// A code below this strength is a word that many write.
const BARE: u8 = 40;
/// A verdict of at most this strength is dropped where a stronger one stands in the same text.
const WEAK: u8 = 25;

/// How one cloud, or all that is no cloud, speaks.
pub struct Dialect {
    /// Its wordings.
    pub forms: &'static [Form],
    /// Keys that its log records have, in lower case; text without any of them holds none.
    pub record_keys: &'static [&'static str],
    /// The log records of this cloud.
    pub records: fn(&Pairs<'_>) -> Vec<Record>,
    /// The refusal that a sighting of one of its Forms is, without advice; `None` where it turns out to be none.
    pub read: fn(&Sighting<'_>) -> Option<Refusal>,
    /// Says it in a sentence, and what to do next.
    pub advise: fn(&mut Refusal),
}

/// One log record: what it says of the request beyond its message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Where it begins in the raw text.
    pub start: usize,
    /// Where it ends in the raw text.
    pub end: usize,
    /// What it says: `principal`, `action`, `resource`, `status` and others by the names of holes.
    pub fields: Vec<(&'static str, String)>,
    /// Which of its fields are worked out.
    pub derived: Vec<&'static str>,
    /// What it says of the request, by the cloud's own key names.
    pub context: BTreeMap<String, String>,
    /// The Form that it is itself, where its structure says who refused.
    pub verdict: Option<&'static str>,
}

impl Record {
    /// The value of the field `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    }

    /// Is this field worked out?
    #[must_use]
    pub fn derives(&self, name: &str) -> bool {
        self.derived.contains(&name)
    }
}

/// A refusal with the strength of the words that told it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The refusal, without advice.
    pub refusal: Refusal,
    /// The strength of its Form.
    pub strength: u8,
    /// The name of its Form.
    pub form: &'static str,
    /// Where the words that told it stand in the raw text.
    pub(super) at: usize,
    /// Gives the advice: late, since most of a long log is told again.
    pub(super) advise: fn(&mut Refusal),
}

impl Found {
    /// Is `other` told again by words that weigh no more?
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.strength >= other.strength && self.refusal.covers(&other.refusal)
    }
}

/// Dialects, compiled.
pub struct Catalogue {
    dialects: Vec<&'static Dialect>,
    templates: Vec<Compiled>,
    /// For each pattern of the automaton, the templates that it may begin. Patterns beyond these are keys that log records have.
    patterns: Vec<Vec<usize>>,
    automaton: Option<AhoCorasick>,
    /// The same automaton, quicker to run and slower to build; built when the first long text comes.
    quick: OnceLock<Option<AhoCorasick>>,
    /// What a long text is looked through for before it is read; built when the first long text comes.
    telling: OnceLock<Option<DFA>>,
}

struct Compiled {
    template: Template,
    form: &'static Form,
    dialect: usize,
}

impl Compiled {
    /// What is looked for in the dense text: the rest of the words is compared where this stands.
    fn anchor(&self) -> &[u8] {
        let words = self.template.anchor();
        words.get(..BEGINNING).unwrap_or(words)
    }
}

impl Catalogue {
    /// Compiles dialects.
    #[must_use]
    pub fn new(dialects: &[&'static Dialect]) -> Self {
        let mut templates = Vec::new();
        for (dialect, words) in dialects.iter().enumerate() {
            let compiled = words.forms.iter().filter_map(|form| Some(Compiled { template: Template::new(form.template)?, form, dialect }));
            templates.extend(compiled);
        }
        let mut patterns: Vec<Vec<usize>> = Vec::new();
        let mut anchors: Vec<&[u8]> = Vec::new();
        let mut known = HashMap::new();
        for (at, compiled) in templates.iter().enumerate() {
            let pattern = *known.entry(compiled.anchor()).or_insert_with(|| {
                anchors.push(compiled.anchor());
                patterns.push(Vec::new());
                patterns.len() - 1
            });
            if let Some(templates) = patterns.get_mut(pattern) {
                templates.push(at);
            }
        }
        anchors.extend(record_keys(dialects));
        let automaton = AhoCorasick::new(&anchors).ok();
        Self { dialects: dialects.to_vec(), templates, patterns, automaton, quick: OnceLock::new(), telling: OnceLock::new() }
    }

    /// What every text with a refusal holds, once all but letters and digits are gone from it: the words of a wording that decides, or a
    /// word that log records have.
    pub(super) fn telling(&self) -> Option<&DFA> {
        let build = || {
            let deciding = self.templates.iter().filter(|compiled| compiled.form.decides());
            let words =
                deciding.map(|compiled| compiled.template.anchor().iter().copied().filter(u8::is_ascii_alphanumeric).collect::<Vec<u8>>());
            // Words that hold one of these tell nothing more.
            let letters = LETTERS.map(memchr::memmem::Finder::new);
            let words = words.filter(|word| !letters.iter().any(|part| part.find(word).is_some()));
            let words = words.chain(LETTERS.iter().map(|word| word.as_bytes().to_vec()));
            // Their beginnings tell as well, and take less room.
            let words: BTreeSet<Vec<u8>> = words.map(|word| word.into_iter().take(BEGINNING).collect()).collect();
            DFA::builder().build(words).ok()
        };
        self.telling.get_or_init(build).as_ref()
    }

    /// The refusals that `text` holds, in the order they stand there; one that is told twice is there once.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Refusal> {
        settle(self.sightings(text))
    }

    /// Every refusal that `text` holds, weak ones and repeats too.
    #[must_use]
    pub fn sightings(&self, text: &str) -> Vec<Found> {
        let mut all = Vec::new();
        self.each_sighting(text, &mut View::default(), |found| all.push(found));
        all
    }

    /// Takes every refusal that `text` holds, weak ones and repeats too, in the memory of a view.
    pub(super) fn each_sighting(&self, text: &str, view: &mut View, take: impl FnMut(Found)) {
        view.turn_to(text);
        let view = &*view;
        let (marks, keyed) = self.marks(view);
        if marks.is_empty() && !(keyed && text.contains('{')) {
            return;
        }
        let structure = OnceCell::new();
        let pairs = LazyPairs::new(text, view.is_dressed().then_some(&structure));
        let records = if keyed { self.records(pairs.get()) } else { Vec::new() };
        let groups = self.group(marks, &records, view);
        groups.into_iter().filter_map(|(marks, record)| self.read(marks, record, view, &pairs)).for_each(take);
    }

    /// The names of the Forms of `dialect` whose example is not read as themselves: another Form takes it, or nothing does.
    #[must_use]
    pub fn misread(&self, dialect: &Dialect) -> Vec<String> {
        let reads = |form: &Form| {
            let view = View::new(form.example);
            let (marks, _) = self.marks(&view);
            let strongest = marks.iter().map(|mark| mark.form.strength).max().unwrap_or(0);
            let itself = marks.iter().find(|mark| std::ptr::eq(mark.form, form));
            itself.is_some_and(|mark| !form.decides() || mark.form.strength == strongest)
        };
        dialect.forms.iter().filter(|form| !reads(form)).map(|form| form.name.to_owned()).collect()
    }

    fn read<'a>(&self, marks: Vec<Mark<'a>>, record: Option<&'a Record>, view: &'a View, pairs: &'a LazyPairs<'a>) -> Option<Found> {
        let sighting = Sighting { marks, record, view, pairs };
        let verdict = sighting.verdict()?;
        let dialect = self.dialects.get(verdict.dialect)?;
        let (form, strength) = (verdict.form.name, verdict.form.strength);
        let refusal = (dialect.read)(&sighting)?;
        let advise = self.speaker(&refusal, dialect).advise;
        Some(Found { refusal, strength, form, at: sighting.at(), advise })
    }

    /// Who advises: where a dialect found that the refusal is another's, that one.
    fn speaker(&self, refusal: &Refusal, found: &'static Dialect) -> &'static Dialect {
        let speaks = |dialect: &Dialect| dialect.forms.iter().any(|form| form.decides() && form.provider == refusal.provider);
        let others = || self.dialects.iter().copied().find(|dialect| speaks(dialect));
        if refusal.provider == "generic" || speaks(found) { found } else { others().unwrap_or(found) }
    }

    /// Makes what follows quicker, which takes as long as a few megabytes of it.
    pub(super) fn hurry(&self) {
        let anchors = self.patterns.iter().filter_map(|templates| self.templates.get(*templates.first()?));
        let anchors = anchors.map(Compiled::anchor);
        let anchors = anchors.chain(record_keys(&self.dialects));
        let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(anchors).ok();
        self.quick.get_or_init(build);
    }

    /// The marks of a text, and whether it holds a key that log records have.
    fn marks<'v>(&self, view: &'v View) -> (Vec<Mark<'v>>, bool) {
        let mut marks: Vec<Mark<'v>> = Vec::new();
        let mut keyed = false;
        let quick = self.quick.get().and_then(Option::as_ref);
        let Some(automaton) = quick.or(self.automaton.as_ref()) else { return (marks, true) };
        for hit in automaton.find_overlapping_iter(view.dense()) {
            keyed |= hit.pattern().as_usize() >= self.patterns.len();
            let templates = self.patterns.get(hit.pattern().as_usize()).into_iter().flatten();
            for compiled in templates.filter_map(|at| self.templates.get(*at)) {
                if let Some(found) = compiled.template.matches(view, hit.start()) {
                    let code = view.clean().get(found.start..found.end).is_some_and(|text| !text.contains([' ', '\n']));
                    if code && is_mention(view, found.start, found.end, compiled.form.strength < BARE) {
                        continue;
                    }
                    let (form, dialect) = (compiled.form, compiled.dialect);
                    marks.push(Mark { form, start: found.start, end: found.end, fields: found.fields, dialect });
                }
            }
            if marks.len() >= MARKS {
                keyed = true;
                break;
            }
        }
        marks.sort_by_key(|mark| (mark.start, mark.end));
        marks.dedup_by(|one, other| std::ptr::eq(one.form, other.form) && one.start == other.start);
        (without_shadows(marks), keyed)
    }

    fn records(&self, pairs: &Pairs<'_>) -> Vec<(usize, Record)> {
        let mut records = Vec::new();
        for (dialect, words) in self.dialects.iter().enumerate() {
            records.extend((words.records)(pairs).into_iter().map(|record| (dialect, record)));
        }
        records.sort_by_key(|(_, record)| (record.start, record.end));
        records
    }

    fn group<'a>(&self, marks: Vec<Mark<'a>>, records: &'a [(usize, Record)], view: &View) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut of_record: HashMap<usize, usize> = HashMap::new();
        for (at, (dialect, record)) in records.iter().enumerate() {
            if let Some(mark) = self.mark_of_record(*dialect, record, view) {
                of_record.insert(at, groups.len());
                groups.push((vec![mark], Some(record)));
            }
        }
        let mut open: Option<usize> = None;
        for mark in marks {
            let raw = view.raw_of_clean(mark.start);
            if let Some(at) = record_around(records, raw) {
                let group = *of_record.entry(at).or_insert_with(|| {
                    groups.push((Vec::new(), records.get(at).map(|(_, record)| record)));
                    groups.len() - 1
                });
                push(&mut groups, group, mark);
                continue;
            }
            let joins = open.and_then(|at| groups.get(at)).is_some_and(|(group, _)| joins(group, &mark, view));
            if !joins {
                open = Some(groups.len());
                groups.push((Vec::new(), None));
            }
            if let Some(at) = open {
                push(&mut groups, at, mark);
            }
        }
        groups.sort_by_key(|(marks, _)| marks.iter().map(|mark| mark.start).min());
        groups
    }

    fn mark_of_record(&self, dialect: usize, record: &Record, view: &View) -> Option<Mark<'static>> {
        let name = record.verdict?;
        let form = self.dialects.get(dialect)?.forms.iter().find(|form| form.name == name)?;
        let (start, end) = (view.clean_of_raw(record.start), view.clean_of_raw(record.end));
        Some(Mark { form, start, end, fields: Vec::new(), dialect })
    }
}

fn record_keys<'d>(dialects: &'d [&'static Dialect]) -> impl Iterator<Item = &'d [u8]> {
    dialects.iter().flat_map(|dialect| dialect.record_keys).map(|key| key.as_bytes())
}

/// Marks that stand together, and the log record around them.
type Group<'a> = (Vec<Mark<'a>>, Option<&'a Record>);

/// Drops marks that a stronger mark of the same provider covers: half of a sentence within the sentence.
fn without_shadows(mut marks: Vec<Mark<'_>>) -> Vec<Mark<'_>> {
    let covers = |one: &Mark<'_>, other: &Mark<'_>| {
        let within = one.start <= other.start && other.end <= one.end && !std::ptr::eq(one.form, other.form);
        within && one.form.strength > other.form.strength && other.form.decides() && one.form.provider == other.form.provider
    };
    let shadowed = |(at, mark): (usize, &Mark<'_>)| {
        let near = marks.iter().skip(at.saturating_sub(8)).take(17);
        near.into_iter().any(|other| covers(other, mark))
    };
    let shadowed: Vec<bool> = marks.iter().enumerate().map(shadowed).collect();
    let mut shadowed = shadowed.into_iter();
    marks.retain(|_| !shadowed.next().unwrap_or(false));
    marks
}

/// Drops what is weak beside something strong, and what is told twice.
#[must_use]
pub(super) fn settle(found: Vec<Found>) -> Vec<Refusal> {
    let strong = found.iter().any(|found| found.strength > WEAK);
    let mut refusals = Vec::new();
    for mut found in found.into_iter().filter(|found| !strong || found.strength > WEAK) {
        (found.advise)(&mut found.refusal);
        fold(&mut refusals, found.refusal);
    }
    let explained: Vec<bool> = refusals.iter().map(|refusal| refusals.iter().any(|other| other.explains(refusal))).collect();
    let mut explained = explained.into_iter();
    refusals.retain(|_| !explained.next().unwrap_or(false));
    refusals
}

fn push<'a>(groups: &mut [Group<'a>], at: usize, mark: Mark<'a>) {
    if let Some((marks, _)) = groups.get_mut(at) {
        marks.push(mark);
    }
}

/// The innermost of the records around a byte of the raw text: the last that begins before it and has not ended.
fn record_around(records: &[(usize, Record)], raw: usize) -> Option<usize> {
    let before = records.partition_point(|(_, record)| record.start <= raw);
    let near = records.iter().enumerate().take(before).rev().take(8);
    near.filter(|(_, (_, record))| raw <= record.end).map(|(at, _)| at).next()
}

/// Is `mark` part of the refusal that `group` is so far?
fn joins(group: &[Mark<'_>], mark: &Mark<'_>, view: &View) -> bool {
    let end = group.iter().rev().take(32).map(|known| known.end).max().unwrap_or(0);
    let gap = mark.start.saturating_sub(end);
    let decided = group.iter().rev().take(32).any(|known| known.form.decides());
    let reach = if mark.form.decides() || !decided { VERDICT_REACH } else { FACT_REACH };
    if gap > reach || (decided && mark.form.opens && gap > 0 && !(gap <= HEADING && is_heading(group))) {
        return false;
    }
    let near = || group.iter().rev().take(32);
    told(mark).all(|(name, value)| near().filter_map(|known| known.field(name)).all(|known| same(known, value)))
        && near().all(|known| same_verdict(known.form, mark.form) || gap <= ADJACENT || may_refine(known, mark, view))
}

/// Is this no more than the class of an exception, which stands before its message: `KMSAccessDeniedException: An error occurred`,
/// `"errorType": "AccessDeniedException", "errorMessage": "An error occurred`?
fn is_heading(group: &[Mark<'_>]) -> bool {
    group.iter().all(|mark| mark.form.strength < 60 && told(mark).next().is_none())
}

/// The fields of `mark` that tell one request from another.
fn told<'m>(mark: &'m Mark<'_>) -> impl Iterator<Item = (&'static str, &'m str)> {
    ["principal", "action", "resource", "operation", "policy", "object"].into_iter().filter_map(|name| Some((name, mark.field(name)?)))
}

/// One may be cut off, or written in another case.
fn same(one: &str, other: &str) -> bool {
    let shorter = one.len().min(other.len());
    let heads = one.get(..shorter).zip(other.get(..shorter));
    shorter > 2 && heads.is_some_and(|(one, other)| one.eq_ignore_ascii_case(other)) || one.eq_ignore_ascii_case(other)
}

fn same_verdict(one: &Form, other: &Form) -> bool {
    let same = || one.reason == other.reason && one.provider == other.provider && one.refused_by == other.refused_by;
    !one.decides() || !other.decides() || std::ptr::eq(one, other) || same()
}

/// A sentence and a code may be two ways to tell one refusal; two sentences on two lines that differ are two refusals.
fn may_refine(known: &Mark<'_>, mark: &Mark<'_>, view: &View) -> bool {
    let sentence = |form: &Form| (60..90).contains(&form.strength);
    let strong = |form: &Form| form.strength >= 60;
    let (one, other) = (known.form, mark.form);
    // What many send refines what one product says: `insufficient_scope` beside the sentence of a forge.
    // What a client of registries prints of itself is refined by what the registry answered it.
    let of_client = one.provider == "docker_registry" && one.reason == Reason::Unknown && mark.start.saturating_sub(known.end) <= ANSWER;
    let of_many = one.provider == "generic" || other.provider == "generic" || of_client;
    if one.provider != other.provider && strong(one) && strong(other) && !of_many {
        return mark.start < known.end;
    }
    // A code of the layer says more of a sentence that says nothing: `The caller does not have permission`, `IAM_PERMISSION_DENIED`.
    let code = |form: &Form| !form.template.contains(' ');
    let says_nothing = |form: &Form| form.reason == Reason::Unknown;
    if one.refused_by == other.refused_by && (says_nothing(one) && code(other) || code(one) && says_nothing(other)) {
        return true;
    }
    let between = view.clean().get(known.end..mark.start).unwrap_or("");
    !(sentence(one) && sentence(other) && begins_another(between, view.clean().get(mark.start..).unwrap_or("")))
}

/// Is there a line between the two that begins something new? One that was wrapped goes on in small letters.
fn begins_another(between: &str, after: &str) -> bool {
    let next = |at: usize| between.get(at..).unwrap_or("").chars().chain(after.chars()).find(|piece| !piece.is_whitespace());
    between.match_indices('\n').any(|(at, _)| next(at).is_none_or(|piece| !piece.is_lowercase()))
}
