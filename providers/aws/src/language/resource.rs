//! `Resource` and `NotResource` (*IAM JSON policy elements: Resource*).

use crate::language::open::Flag;
use crate::language::policy::Grammar;
use crate::language::template::{Reading, Template};
use crate::language::view::View;
use iam_why_contract::Truth;
use iam_why_contract::glob::Case;

/// What a question without a resource has in its place.
pub const NOT_GIVEN: &str = "";

/// How many fields an ARN has.
const FIELDS: usize = 6;

/// One resource of a statement, ready to match.
#[derive(Debug, Clone)]
pub struct ResourcePattern {
    /// As it was written.
    pub text: Box<str>,
    template: Option<Template>,
    /// Wildcards in the partition or the service, which are not wildcards or not surely (G-12).
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Plain,
    WildcardPartition,
    WildcardService,
}

impl ResourcePattern {
    /// Reads `text` as a policy of this grammar has it.
    #[must_use]
    pub fn new(text: &str, grammar: Grammar, variables: bool) -> Self {
        let padded = padded(text, grammar);
        let head = padded.as_deref().map_or(Head::Plain, head);
        // V-1: variables stand from the sixth field on.
        let template = padded.map(|text| Template::after(FIELDS - 1, &text, Reading { wildcards: true, variables }));
        Self { text: text.into(), template, head }
    }

    /// Does `resource` fit? Case counts, `*` runs over `/` and `:` (G-11).
    #[must_use]
    pub fn matches(&self, resource: &str, view: &View<'_>) -> Truth {
        let Some(template) = &self.template else { return Truth::No };
        if template.is_any() {
            return Truth::Yes;
        }
        match resource {
            // G-14: an action without resource types has the resource `*`, which only `*` covers.
            "*" => Truth::No,
            NOT_GIVEN => view.flag(Flag::Resource),
            _ => self.beyond_head(template.matches(resource, view, Case::Sensitive), view),
        }
    }

    /// G-12: the service is never a wildcard; of the partition the documentation does not say.
    fn beyond_head(&self, matches: Truth, view: &View<'_>) -> Truth {
        match self.head {
            Head::Plain => matches,
            Head::WildcardService => Truth::No,
            Head::WildcardPartition if matches.is_no() => Truth::No,
            Head::WildcardPartition => matches.and(view.flag(Flag::PartitionWildcard)),
        }
    }

    /// The template, for who looks for values that make it match.
    #[must_use]
    pub fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }
}

/// G-13: an ARN with fewer than six fields.
fn padded(text: &str, grammar: Grammar) -> Option<String> {
    let missing = FIELDS.saturating_sub(text.split(':').count());
    if missing == 0 || text.bytes().all(|byte| byte == b'*') {
        return Some(text.to_owned());
    }
    match grammar {
        Grammar::Identity | Grammar::Boundary => Some(format!("{text}{}", ":*".repeat(missing))),
        Grammar::Session | Grammar::Rcp => None,
        _ if text.ends_with('*') => Some(text.to_owned()),
        _ => None,
    }
}

fn head(text: &str) -> Head {
    let mut fields = text.split(':').skip(1);
    let wild = |field: Option<&str>| field.is_some_and(|field| field.contains(['*', '?']));
    match (text.split(':').count() >= FIELDS, wild(fields.next()), wild(fields.next())) {
        (true, _, true) => Head::WildcardService,
        (true, true, false) => Head::WildcardPartition,
        _ => Head::Plain,
    }
}
