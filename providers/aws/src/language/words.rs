//! Shortest texts for every way in which a text can fit, or not fit, some patterns at once.

use iam_why_contract::glob::{Case, Glob, Piece};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many ways of fitting are told apart, and how many states are visited for it, at most.
const WORDS: usize = 48;
const STATES: usize = 6_000;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Letter(char, Case),
    /// Any character; within the first fields of an ARN any but a colon.
    One(Within),
    /// Any run of such characters.
    Run(Within),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Text,
    Field,
}

/// A pattern, a step a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Step>);

impl Pattern {
    /// The texts that fit `glob`.
    #[must_use]
    pub fn of(glob: &Glob, case: Case) -> Self {
        Self(steps(glob, case, Within::Text).collect())
    }

    /// Exactly this text.
    #[must_use]
    pub fn exactly(text: &str, case: Case) -> Self {
        Self(text.chars().map(|letter| Step::Letter(letter, case)).collect())
    }

    /// The ARNs whose fields fit (O-7): in the last one anything may stand, in the others no colon.
    #[must_use]
    pub fn arn(fields: &[Glob]) -> Self {
        let mut all = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                all.push(Step::Letter(':', Case::Sensitive));
            }
            all.extend(steps(field, Case::Sensitive, if at < 5 { Within::Field } else { Within::Text }));
        }
        Self(all)
    }

    /// Every ARN.
    #[must_use]
    pub fn any_arn() -> Self {
        let any = || Glob::new("*");
        Self::arn(&[Glob::new("arn"), any(), any(), any(), any(), any()])
    }

    /// The places at which it can stand after `letter`; with `None` those at which it begins.
    fn after(&self, places: &[usize], letter: Option<char>) -> Vec<usize> {
        let mut next = BTreeSet::new();
        match letter {
            None => self.reach(0, &mut next),
            Some(letter) => {
                for &place in places {
                    match self.0.get(place) {
                        Some(step @ Step::Run(_)) if step.takes(letter) => self.reach(place, &mut next),
                        Some(step) if step.takes(letter) => self.reach(place + 1, &mut next),
                        _ => {}
                    }
                }
            }
        }
        next.into_iter().collect()
    }

    /// `place`, and what is reached from there without a character.
    fn reach(&self, place: usize, into: &mut BTreeSet<usize>) {
        let runs = self.0.iter().skip(place).take_while(|step| matches!(step, Step::Run(_))).count();
        into.extend(place..=place + runs);
    }

    fn ends(&self, places: &[usize]) -> bool {
        places.last() == Some(&self.0.len())
    }
}

impl Step {
    fn takes(self, letter: char) -> bool {
        match self {
            Self::Letter(own, Case::Sensitive) => own == letter,
            Self::Letter(own, Case::Insensitive) => own.eq_ignore_ascii_case(&letter),
            Self::One(Within::Text) | Self::Run(Within::Text) => true,
            Self::One(Within::Field) | Self::Run(Within::Field) => letter != ':',
        }
    }
}

fn steps(glob: &Glob, case: Case, within: Within) -> impl Iterator<Item = Step> {
    glob.pieces().iter().flat_map(move |piece| match piece {
        Piece::Text(text) => text.chars().map(|letter| Step::Letter(letter, case)).collect(),
        Piece::One => vec![Step::One(within)],
        Piece::Any => vec![Step::Run(within)],
    })
}

/// A text for each way in which texts fit some of `patterns` and not the others; `None` where there are too many.
#[must_use]
pub fn words(patterns: &[Pattern]) -> Option<Vec<String>> {
    let letters = alphabet(patterns);
    let start: Vec<Vec<usize>> = patterns.iter().map(|pattern| pattern.after(&[], None)).collect();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    let mut ahead = VecDeque::from([(start, String::new())]);
    while let Some((state, word)) = ahead.pop_front() {
        let fits = patterns.iter().zip(&state).map(|(pattern, places)| pattern.ends(places)).collect();
        found.entry(fits).or_insert_with(|| word.clone());
        for &letter in &letters {
            let next: Vec<Vec<usize>> = patterns.iter().zip(&state).map(|(pattern, places)| pattern.after(places, Some(letter))).collect();
            if seen.insert(next.clone()) {
                ahead.push_back((next, format!("{word}{letter}")));
            }
        }
        if seen.len() > STATES || found.len() > WORDS {
            return None;
        }
    }
    Some(found.into_values().collect())
}

/// The characters that patterns tell apart, and one that they do not.
fn alphabet(patterns: &[Pattern]) -> BTreeSet<char> {
    let mut letters = BTreeSet::new();
    for step in patterns.iter().flat_map(|pattern| &pattern.0) {
        match step {
            Step::Letter(letter, Case::Sensitive) => letters.extend([*letter]),
            Step::Letter(letter, Case::Insensitive) => letters.extend([letter.to_ascii_lowercase(), letter.to_ascii_uppercase()]),
            Step::One(Within::Field) | Step::Run(Within::Field) => letters.extend([':']),
            Step::One(Within::Text) | Step::Run(Within::Text) => {}
        }
    }
    let other = ('a'..='z').chain('\u{100}'..='\u{fff}').find(|letter| !letters.contains(letter));
    letters.extend(other);
    letters
}

#[cfg(test)]
mod tests {
    use super::{Pattern, words};
    use iam_why_contract::glob::{Case, Glob};

    fn found(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<Pattern> = patterns.iter().map(|pattern| Pattern::of(&Glob::new(pattern), Case::Sensitive)).collect();
        words(&patterns).unwrap()
    }

    #[test]
    fn there_is_a_word_for_every_way_of_fitting() {
        // Neither, the first, the second, and both, of which neither pattern is an example.
        let both = found(&["team-*", "*-prod"]);
        assert_eq!(both.len(), 4);
        assert!(both.iter().any(|word| word.starts_with("team-") && word.ends_with("-prod")));
        // One fits only what the other fits.
        assert_eq!(found(&["a*", "ab"]).len(), 3);
        assert_eq!(found(&["*"]).len(), 1);
    }

    #[test]
    fn fields_of_an_arn_hold_no_colon() {
        let globs: Vec<Glob> = "arn:aws:iam::1:role/*".splitn(6, ':').map(Glob::new).collect();
        let all = words(&[Pattern::arn(&globs), Pattern::any_arn()]).unwrap();
        assert_eq!(all.len(), 3, "{all:?}");
    }
}
