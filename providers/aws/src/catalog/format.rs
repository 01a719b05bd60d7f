//! The file of the catalogue: text in sorted records, so that a lookup is a binary search and a refresh is a readable diff.
//!
//! ```text
//! iam-why aws catalog 1
//! source⇥where the facts come from
//! as-of⇥2026-09-26
//! keys-elsewhere⇥sts,…            sections with condition keys of foreign namespaces
//!
//! @*⇥-⇥global condition keys      a section: @PREFIX, `rcp` or `-`, TITLE; sections are sorted by prefix
//! %aws:CalledVia⇥[]String         a condition key and its type
//! /object⇥s3:::${BucketName}…⇥1   a resource type: name, ARN without `arn:${Partition}:`, its set of keys
//! +0,3                            a set of keys, by their numbers in the section
//! .
//! GetObject⇥R⇥0?,3?⇥2             an action: name, access, resource types (`?`: optional), set of keys; sorted, case folded
//! ```
//!
//! Neither `@` nor a line break stands anywhere else. `~REST` stands for the ARN `SECTION:${Region}:${Account}:REST`.

use iam_why_contract::glob::{Case, Glob, Piece};
use std::cmp::Ordering;
use std::fmt::{self, Write};

const FORMAT: &str = "iam-why aws catalog 1";
const GLOBALS: &str = "*";
const ANY_PARTITION: &str = "arn:${Partition}:";

/// A catalogue, opened: its head is read, its sections are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog<'t> {
    /// Where the facts come from.
    pub source: &'t str,
    /// The day whose facts these are, `2026-09-26`.
    pub as_of: &'t str,
    /// The sections that hold condition keys of foreign namespaces.
    pub keys_elsewhere: Vec<&'t str>,
    body: &'t str,
}

/// The text of one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section<'t> {
    text: &'t str,
}

/// A section, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts<'t> {
    /// The service's prefix.
    pub prefix: &'t str,
    /// The service's name.
    pub title: &'t str,
    /// Whether resource control policies apply.
    pub rcp: bool,
    /// Its condition keys.
    pub keys: Vec<Key<'t>>,
    /// Its resource types.
    pub types: Vec<ResourceType<'t>>,
    /// Its actions.
    pub actions: Vec<Row<'t>>,
}

/// A condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'t> {
    /// `aws:RequestTag/${TagKey}`
    pub name: &'t str,
    /// What its values are.
    pub kind: KeyType,
}

/// A resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType<'t> {
    /// `object`
    pub name: &'t str,
    /// `arn:${Partition}:s3:::${BucketName}/${ObjectName}`
    pub arn: String,
    /// Its condition keys, by number.
    pub keys: Vec<usize>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'t> {
    /// `GetObject`
    pub name: &'t str,
    /// What kind of thing it does.
    pub access: AccessLevel,
    /// Its resource types, by number, and whether one is required.
    pub resources: Vec<(usize, bool)>,
    /// Its condition keys, by number.
    pub keys: Vec<usize>,
}

/// What the values of a condition key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyType {
    /// The type of one value.
    pub base: BaseType,
    /// Whether one request may have several (`ArrayOf…` in AWS's reference).
    pub multivalued: bool,
}

/// The type of one value of a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BaseType {
    /// Text.
    String,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A point in time.
    Date,
    /// An address or a network.
    IpAddress,
}

/// What kind of thing an action does, in the words of AWS's reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessLevel {
    /// It names what there is.
    List,
    /// It reads.
    Read,
    /// It changes.
    Write,
    /// It changes tags only.
    Tagging,
    /// It changes who may do what.
    PermissionsManagement,
}

/// Why a catalogue could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the line `{0}` in the head of the catalogue")]
pub struct NoCatalog(&'static str);

impl<'t> Catalog<'t> {
    /// Opens the text of a catalogue.
    ///
    /// # Errors
    /// Where the head is not that of this format.
    pub fn open(text: &'t str) -> Result<Self, NoCatalog> {
        let (head, _) = text.split_once("\n\n").ok_or(NoCatalog(""))?;
        let body = text.get(head.len() + 1..).unwrap_or_default();
        let mut lines = head.lines();
        if lines.next() != Some(FORMAT) {
            return Err(NoCatalog(FORMAT));
        }
        let mut field = |name: &'static str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix('\t'));
            value.ok_or(NoCatalog(name))
        };
        let (source, as_of, elsewhere) = (field("source")?, field("as-of")?, field("keys-elsewhere")?);
        Ok(Self { source, as_of, keys_elsewhere: list(elsewhere).collect(), body })
    }

    /// The section of a service.
    #[must_use]
    pub fn section(&self, prefix: &str) -> Option<Section<'t>> {
        let found = find(self.body, '@', prefix).filter(|_| prefix != GLOBALS);
        found.map(|text| Section { text })
    }

    /// The section of the keys that belong to no service.
    #[must_use]
    pub fn globals(&self) -> Section<'t> {
        Section { text: find(self.body, '@', GLOBALS).unwrap_or_default() }
    }

    /// All sections, that of the global keys first.
    pub fn sections(&self) -> impl Iterator<Item = Section<'t>> + use<'t> {
        self.body.split('@').skip(1).map(|text| Section { text })
    }
}

impl<'t> Section<'t> {
    /// Prefix, title, and whether resource control policies apply.
    #[must_use]
    pub fn head(&self) -> Option<(&'t str, &'t str, bool)> {
        let mut fields = self.text.lines().next()?.split('\t');
        let (prefix, rcp, title) = (fields.next()?, fields.next()?, fields.next()?);
        Some((prefix, title, rcp == "rcp"))
    }

    /// The condition key that `name` is, in whichever case it is written; a tag key stands for `${TagKey}`.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<Key<'t>> {
        let lines = self.records().filter_map(|line| line.strip_prefix('%'));
        let mut found = lines.filter(|line| line.split_once('\t').is_some_and(|(template, _)| is_key(template, name)));
        read_key(found.next()?)
    }

    /// The condition keys.
    #[must_use]
    pub fn keys(&self) -> Vec<Key<'t>> {
        self.records().filter_map(|line| read_key(line.strip_prefix('%')?)).collect()
    }

    /// The action called `name`, in whichever case it is written.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<Row<'t>> {
        let line = find(self.actions(), '\n', name)?;
        read_action(line, &self.sets())
    }

    /// The action called `name` as it is spelled here.
    #[must_use]
    pub fn action_name(&self, name: &str) -> Option<&'t str> {
        find(self.actions(), '\n', name)?.split('\t').next()
    }

    /// Whether the action called `name` acts on any type of resource.
    #[must_use]
    pub fn has_resources(&self, name: &str) -> Option<bool> {
        let line = find(self.actions(), '\n', name)?;
        line.split('\t').nth(2).map(|resources| !resources.is_empty())
    }

    /// The names of the actions.
    pub fn action_names(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.actions().lines().skip(1).map(|line| line.split_once('\t').map_or(line, |(name, _)| name))
    }

    /// The resource types.
    #[must_use]
    pub fn types(&self) -> Vec<ResourceType<'t>> {
        let sets = self.sets();
        let prefix = self.head().map_or("", |head| head.0);
        self.records().filter_map(|line| read_type(line.strip_prefix('/')?, prefix, &sets)).collect()
    }

    /// All of it.
    #[must_use]
    pub fn facts(&self) -> Facts<'t> {
        let (prefix, title, rcp) = self.head().unwrap_or_default();
        let sets = self.sets();
        let actions = self.actions().lines().skip(1).filter_map(|line| read_action(line, &sets)).collect();
        Facts { prefix, title, rcp, keys: self.keys(), types: self.types(), actions }
    }

    fn records(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.text.lines().skip(1).take_while(|line| *line != ".")
    }

    fn sets(&self) -> Vec<Vec<usize>> {
        self.records().filter_map(|line| line.strip_prefix('+')).map(numbers).collect()
    }

    /// The lines of the actions, each with the line break before it.
    fn actions(&self) -> &'t str {
        self.text.find("\n.\n").and_then(|at| self.text.get(at + 2..)).unwrap_or_default()
    }
}

/// The record called `name` among sorted records that each begin with `separator`; what stands behind the separator.
fn find<'t>(records: &'t str, separator: char, name: &str) -> Option<&'t str> {
    let (mut low, mut high) = (0, records.len());
    while low < high {
        let middle = records.ceil_char_boundary(low.midpoint(high) + 1).min(high);
        let start = low + records.get(low..middle)?.rfind(separator).or_else(|| records.get(low..high)?.find(separator))?;
        let inside = start + separator.len_utf8();
        let end = records.get(inside..high)?.find(separator).map_or(high, |length| inside + length);
        let record = records.get(inside..end)?.trim_end_matches('\n');
        match compare(record.split('\t').next()?, name) {
            Ordering::Equal => return Some(record),
            Ordering::Less => low = end,
            Ordering::Greater => high = start,
        }
    }
    None
}

/// The order of the records: by name, ASCII case folded.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let folded = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(folded).cmp(other.bytes().map(folded))
}

/// Is `name` the key `template`, whose `${…}` stand for any text?
fn is_key(template: &str, name: &str) -> bool {
    let Some((start, _)) = template.split_once("${") else { return template.eq_ignore_ascii_case(name) };
    let begins = name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    begins && (template.eq_ignore_ascii_case(name) || pattern(template).matches(name, Case::Insensitive))
}

/// The pattern of a template: each `${…}` is a run of at least one character.
#[must_use]
pub fn pattern(template: &str) -> Glob {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, (_, behind))) = rest.split_once("${").and_then(|(text, tail)| Some((text, tail.split_once('}')?))) {
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        pieces.extend([Piece::One, Piece::Any]);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Glob::from_pieces(pieces)
}

fn read_key(line: &str) -> Option<Key<'_>> {
    let (name, kind) = line.split_once('\t')?;
    Some(Key { name, kind: kind.parse().ok()? })
}

fn read_type<'t>(line: &'t str, prefix: &str, sets: &[Vec<usize>]) -> Option<ResourceType<'t>> {
    let mut fields = line.split('\t');
    let (name, arn, keys) = (fields.next()?, fields.next()?, fields.next()?);
    let arn = match arn.strip_prefix('~') {
        Some(rest) => format!("{ANY_PARTITION}{prefix}:${{Region}}:${{Account}}:{rest}"),
        None => format!("{ANY_PARTITION}{arn}"),
    };
    Some(ResourceType { name, arn, keys: set(keys, sets) })
}

fn read_action<'t>(line: &'t str, sets: &[Vec<usize>]) -> Option<Row<'t>> {
    let mut fields = line.split('\t');
    let (name, access, resources, keys) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let resource = |text: &str| match text.strip_suffix('?') {
        Some(optional) => Some((optional.parse().ok()?, false)),
        None => Some((text.parse().ok()?, true)),
    };
    let resources = list(resources).map(resource).collect::<Option<Vec<_>>>()?;
    Some(Row { name, access: AccessLevel::from_letter(access)?, resources, keys: set(keys, sets) })
}

fn set(number: &str, sets: &[Vec<usize>]) -> Vec<usize> {
    number.parse::<usize>().ok().and_then(|at| sets.get(at)).cloned().unwrap_or_default()
}

fn numbers(text: &str) -> Vec<usize> {
    list(text).filter_map(|number| number.parse().ok()).collect()
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|element| !element.is_empty())
}

/// The text of a catalogue of these sections, which are sorted by prefix and have their actions sorted by [`compare`].
#[must_use]
pub fn render<'t>(source: &str, as_of: &str, keys_elsewhere: impl IntoIterator<Item = &'t str>, sections: &[Facts<'_>]) -> String {
    let elsewhere: Vec<&str> = keys_elsewhere.into_iter().collect();
    let mut text = format!("{FORMAT}\nsource\t{source}\nas-of\t{as_of}\nkeys-elsewhere\t{}\n", elsewhere.join(","));
    for section in sections {
        // Writing to a string cannot fail.
        let _ = write_section(&mut text, section);
    }
    text.push('\n');
    text
}

fn write_section(text: &mut String, facts: &Facts<'_>) -> fmt::Result {
    let mut sets: Vec<&[usize]> = Vec::new();
    write!(text, "\n@{}\t{}\t{}", facts.prefix, if facts.rcp { "rcp" } else { "-" }, facts.title)?;
    for key in &facts.keys {
        write!(text, "\n%{}\t{}", key.name, key.kind)?;
    }
    for of in &facts.types {
        write!(text, "\n/{}\t{}\t{}", of.name, short_arn(facts.prefix, &of.arn), number(&of.keys, &mut sets))?;
    }
    let numbers: Vec<String> = facts.actions.iter().map(|action| number(&action.keys, &mut sets)).collect();
    for keys in &sets {
        write!(text, "\n+{}", joined(keys.iter()))?;
    }
    text.push_str("\n.");
    for (action, keys) in facts.actions.iter().zip(numbers) {
        let resources = action.resources.iter().map(|(at, required)| format!("{at}{}", if *required { "" } else { "?" }));
        write!(text, "\n{}\t{}\t{}\t{keys}", action.name, action.access.letter(), joined(resources))?;
    }
    Ok(())
}

fn short_arn(prefix: &str, arn: &str) -> String {
    let arn = arn.strip_prefix(ANY_PARTITION).unwrap_or(arn);
    let regional = format!("{prefix}:${{Region}}:${{Account}}:");
    arn.strip_prefix(&regional).map_or_else(|| arn.to_owned(), |rest| format!("~{rest}"))
}

/// The number of a set of keys; empty for the empty set.
fn number<'k>(keys: &'k [usize], sets: &mut Vec<&'k [usize]>) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let known = sets.iter().position(|set| *set == keys);
    let at = known.unwrap_or_else(|| {
        sets.push(keys);
        sets.len() - 1
    });
    at.to_string()
}

fn joined(elements: impl Iterator<Item = impl fmt::Display>) -> String {
    elements.map(|element| element.to_string()).collect::<Vec<_>>().join(",")
}

impl AccessLevel {
    const LETTERS: [(Self, &str); 5] =
        [(Self::List, "L"), (Self::Read, "R"), (Self::Write, "W"), (Self::Tagging, "T"), (Self::PermissionsManagement, "P")];

    fn from_letter(letter: &str) -> Option<Self> {
        Self::LETTERS.iter().find(|(_, written)| *written == letter).map(|(level, _)| *level)
    }

    fn letter(self) -> &'static str {
        Self::LETTERS.iter().find(|(level, _)| *level == self).map_or("", |(_, written)| written)
    }
}

impl BaseType {
    const NAMES: [(Self, &str); 6] = [
        (Self::String, "String"),
        (Self::Arn, "ARN"),
        (Self::Bool, "Bool"),
        (Self::Numeric, "Numeric"),
        (Self::Date, "Date"),
        (Self::IpAddress, "IPAddress"),
    ];
}

impl fmt::Display for KeyType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = BaseType::NAMES.iter().find(|(base, _)| *base == self.base).map_or("", |(_, name)| name);
        write!(formatter, "{}{name}", if self.multivalued { "[]" } else { "" })
    }
}

/// Not the name of a type of condition keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no type of condition keys, expected one of AWS's reference such as `String` or `ArrayOfARN`")]
pub struct NoKeyType(String);

impl std::str::FromStr for KeyType {
    type Err = NoKeyType;

    fn from_str(text: &str) -> Result<Self, NoKeyType> {
        let single = text.strip_prefix("[]").or_else(|| text.strip_prefix("ArrayOf"));
        let name = single.unwrap_or(text);
        let base = BaseType::NAMES.iter().find(|(_, written)| *written == name).map(|(base, _)| *base);
        base.map(|base| Self { base, multivalued: single.is_some() }).ok_or_else(|| NoKeyType(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessLevel, Catalog, Facts, Key, ResourceType, Row, render};

    fn small<'t>(prefix: &'t str, actions: &[&'t str]) -> Facts<'t> {
        let keys = vec![Key { name: "x:Tag/${TagKey}", kind: "ArrayOfString".parse().unwrap() }];
        let types = vec![ResourceType { name: "thing", arn: "arn:${Partition}:x:::${Name}".to_owned(), keys: vec![0] }];
        let row = |name: &&'t str| Row { name, access: AccessLevel::Tagging, resources: vec![(0, false)], keys: Vec::new() };
        Facts { prefix, title: "A service", rcp: true, keys, types, actions: actions.iter().map(row).collect() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let sections = [Facts { prefix: "*", ..Facts::default() }, small("x", &["Get", "GetAll", "put"]), small("x-ray", &["Get"])];
        let text = render("invented", "2026-01-02", ["x"], &sections);
        let catalog = Catalog::open(&text).unwrap();
        assert_eq!(catalog.sections().map(|section| section.facts()).collect::<Vec<_>>(), sections);
        assert_eq!(catalog.section("X").unwrap().action("GETALL").unwrap().name, "GetAll");
        assert_eq!(catalog.section("x").unwrap().action("GetAl"), None);
        assert_eq!(catalog.section("*"), None);
        assert!(catalog.section("x").unwrap().key("x:tag/Team").is_some());
        assert!(catalog.section("x").unwrap().key("x:tag/").is_none(), "a tag key is not empty");
    }

    #[test]
    fn another_file_is_not_opened() {
        assert!(Catalog::open("").is_err());
        assert!(Catalog::open("iam-why aws catalog 2\n\n").is_err());
    }
}
