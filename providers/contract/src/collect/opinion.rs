//! What the cloud's own simulator says, beside the verdict.

use crate::verdict::Decision;

/// What the cloud's own simulator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondOpinion {
    /// Whose it is: `iam:SimulatePrincipalPolicy`.
    pub by: String,
    /// What it decides; `None` where it could not be asked.
    pub decision: Option<Decision>,
    /// Does it agree with the verdict? `None` where the two cannot be compared: it leaves out what the verdict rests on.
    pub agrees: Option<bool>,
    /// The layers that it does not look at for this question.
    pub leaves_out: Vec<String>,
    /// One plain sentence.
    pub says: String,
}

impl SecondOpinion {
    /// The opinion of `by`, which was asked for and not given; `says` why.
    #[must_use]
    pub fn none(by: &str, says: String) -> Self {
        Self { by: by.into(), decision: None, agrees: None, leaves_out: Vec::new(), says }
    }

    /// The opinion that `says` begins to tell, with how it stands to the answer. `changed` is what may have changed meanwhile: `a policy`.
    #[must_use]
    pub fn beside(self, changed: &str) -> Self {
        let mut says = self.says;
        says.push_str(&match self.agrees {
            Some(true) => ", which agrees".to_owned(),
            Some(false) => {
                format!(", which contradicts this answer: {changed} changed meanwhile, was not read, or one of the two is wrong")
            }
            None => ", which neither confirms nor contradicts this answer".to_owned(),
        });
        if self.agrees.is_none() && !self.leaves_out.is_empty() {
            says.push_str(&format!(": it does not look at {}", self.leaves_out.join(", ")));
        }
        Self { says, ..self }
    }
}

/// Do the two agree? Where they differ, ours is contradicted only if theirs leaves out nothing that ours rests on: it is `incomplete`
/// where it lacks a layer or a fact of the request.
#[must_use]
pub fn agreement(ours: Decision, theirs: Decision, incomplete: bool) -> Option<bool> {
    match (ours, theirs) {
        (Decision::Undetermined, _) | (_, Decision::Undetermined) => None,
        (ours, theirs) if ours == theirs => Some(true),
        _ if incomplete => None,
        _ => Some(false),
    }
}
