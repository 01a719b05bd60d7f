//! From words to a question, and from a question to its answer.

use crate::providers;
use iam_why_contract::{Context, Provider, Question, QuestionError, Snapshot, Verdict};

/// A question as a person types it.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// The id of a provider; where it is `None` the provider is told by the grammar of the other words.
    pub provider: Option<String>,
    /// The caller, in the cloud's own spelling.
    pub principal: String,
    /// The action, in the cloud's own spelling.
    pub action: String,
    /// The resource, in the cloud's own spelling.
    pub resource: Option<String>,
    /// `KEY=VALUE` (again for more values), `KEY=` for a key known to be empty, `KEY!` for a key known to be absent.
    pub context: Vec<String>,
    /// Is every key that is not given known to be absent?
    pub assume_absent: bool,
}

/// Why words make no question, or a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The principal or the action is missing.
    #[error("the {0} is empty, expected one in the cloud's own spelling")]
    Empty(&'static str),
    /// There is no such provider.
    #[error("`{found}` is no provider, expected one of {}", providers::ids())]
    NoProvider {
        /// What was given.
        found: String,
    },
    /// No provider knows such words.
    #[error("no provider knows an action spelled like `{action}`: check its spelling, or name one with --provider ({})", providers::ids())]
    Unclaimed {
        /// The action.
        action: String,
    },
    /// Several providers know such words.
    #[error("`{action}` could belong to {claimants}: say which with --provider")]
    Ambiguous {
        /// The action.
        action: String,
        /// The ids of the providers.
        claimants: String,
    },
    /// A fact of the request that is not of the form.
    #[error("`{found}` is no fact of the request, expected KEY=VALUE, KEY= (known to be empty) or KEY! (known to be absent)")]
    Fact {
        /// What was given.
        found: String,
    },
    /// A key that is said to have a value and to be absent.
    #[error("`{key}` is said to be absent and to have a value, expected one of the two")]
    Contradiction {
        /// The key.
        key: String,
    },
    /// The provider does not understand the words.
    #[error(transparent)]
    Question(#[from] QuestionError),
}

/// Answers a question from a snapshot.
///
/// # Errors
/// Where no provider knows the words. What is not known is no error: the verdict is undetermined and says what would settle it.
pub fn ask(question: &Question, snapshot: &Snapshot) -> Result<Verdict, AskError> {
    Ok(provider(question)?.simulate(question, snapshot)?)
}

impl Words {
    /// The question these words ask.
    ///
    /// # Errors
    /// Where a word is missing, no provider (or more than one) knows them, or a fact is not of its form.
    pub fn question(&self) -> Result<Question, AskError> {
        let word = |name, word: &str| if word.trim().is_empty() { Err(AskError::Empty(name)) } else { Ok(word.trim().to_owned()) };
        let mut question = Question {
            provider: self.provider.clone().unwrap_or_default(),
            principal: word("principal", &self.principal)?,
            action: word("action", &self.action)?,
            resource: self.resource.as_deref().map(|resource| word("resource", resource)).transpose()?,
            context: context(&self.context, self.assume_absent)?,
        };
        question.provider = provider(&question)?.id().to_owned();
        Ok(question)
    }
}

/// The provider that answers a question: the one it names, else the only one that claims it.
pub(crate) fn provider(question: &Question) -> Result<&'static dyn Provider, AskError> {
    if !question.provider.is_empty() {
        return providers::named(&question.provider).ok_or_else(|| AskError::NoProvider { found: question.provider.clone() });
    }
    let claimants: Vec<&dyn Provider> = providers::claiming(question).collect();
    match claimants.as_slice() {
        [only] => Ok(*only),
        [] => Err(AskError::Unclaimed { action: question.action.clone() }),
        several => Err(AskError::Ambiguous {
            action: question.action.clone(),
            claimants: several.iter().map(|provider| provider.id()).collect::<Vec<_>>().join(" or "),
        }),
    }
}

fn context(facts: &[String], assume_absent: bool) -> Result<Context, AskError> {
    let mut context = if assume_absent { Context::complete() } else { Context::default() };
    for fact in facts {
        add(&mut context, fact)?;
    }
    Ok(context)
}

fn add(context: &mut Context, fact: &str) -> Result<(), AskError> {
    let (key, value) = match fact.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (fact.strip_suffix('!').ok_or_else(|| AskError::Fact { found: fact.to_owned() })?, None),
    };
    if key.is_empty() {
        return Err(AskError::Fact { found: fact.to_owned() });
    }
    let entry = context.entries.entry(key.to_owned()).or_insert_with(|| value.map(|_| Vec::new()));
    match (entry, value) {
        (Some(values), Some(value)) => values.extend((!value.is_empty()).then(|| value.to_owned())),
        (None, None) => {}
        _ => return Err(AskError::Contradiction { key: key.to_owned() }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{AskError, context};
    use iam_why_contract::Lookup;

    fn facts(facts: &[&str]) -> Result<iam_why_contract::Context, AskError> {
        context(&facts.iter().map(|&fact| fact.to_owned()).collect::<Vec<_>>(), false)
    }

    #[test]
    fn a_key_may_be_known_empty_absent_or_not_known() {
        let context = facts(&["team=red", "team=blue", "empty=", "gone!", "url=https://x/?a=b!"]).unwrap();
        assert_eq!(context.get("team"), Lookup::Known(&["red".to_owned(), "blue".to_owned()]));
        assert_eq!(context.get("empty"), Lookup::Known(&[]));
        assert_eq!(context.get("gone"), Lookup::Absent);
        assert_eq!(context.get("url"), Lookup::Known(&["https://x/?a=b!".to_owned()]));
        assert_eq!(context.get("other"), Lookup::NotKnown);
    }

    #[test]
    fn a_fact_that_contradicts_itself_is_refused() {
        assert_eq!(facts(&["mfa!", "mfa=true"]), Err(AskError::Contradiction { key: "mfa".into() }));
        assert_eq!(facts(&["mfa"]), Err(AskError::Fact { found: "mfa".into() }));
        assert_eq!(facts(&["=x"]), Err(AskError::Fact { found: "=x".into() }));
    }
}
