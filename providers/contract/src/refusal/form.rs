//! One wording of a refusal and what it yields.

use super::Reason;

/// One wording of a refusal.
///
/// The template is compared without regard to case, white space, quotation marks and Markdown emphasis, so that a wording needs
/// one Form however it was quoted, wrapped or escaped. `{field}` is a hole up to the words that follow it; `{field:word}` ends with the
/// token, `{field:pair}` with one that has a colon, `{field:dotted}` with one that
/// has a full stop, `{field:number}` with the digits, `{field:line}` with the line, `{field:target}` where a resource name ends;
/// `{_}` is a gap. `[[…]]` may be missing.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// A short name, unique in its provider.
    pub name: &'static str,
    /// The wording, with `{field}` where it varies.
    pub template: &'static str,
    /// A text of this wording, with invented identifiers.
    pub example: &'static str,
    /// The vendor's page, or where the wording was met.
    pub source: &'static str,
    /// Who answers so; empty for a wording that only holds facts.
    pub provider: &'static str,
    /// The layer that refuses so; empty for a wording that only holds facts.
    pub refused_by: &'static str,
    /// Why it refuses.
    pub reason: Reason,
    /// The type of policy it blames.
    pub policy_kind: Option<&'static str>,
    /// The HTTP status that comes with it, where the vendor documents one.
    pub status: Option<u16>,
    /// Fields that the wording implies without printing them.
    pub implies: &'static [(&'static str, &'static str)],
    /// How much it weighs against another Form in the same place: 90 a machine code, 80 a sentence that names the layer,
    /// 60 a sentence that does not, 40 a code that many layers send, 20 a bare word. 0 decides nothing.
    pub strength: u8,
    /// Does it stand at the beginning of an error, so that after a verdict it begins another?
    pub opens: bool,
}

/// A Form that holds facts of the request and no verdict, until [`Form::blames`] says otherwise.
#[must_use]
pub const fn form(name: &'static str, template: &'static str, example: &'static str, source: &'static str) -> Form {
    Form {
        name,
        template,
        example,
        source,
        provider: "",
        refused_by: "",
        reason: Reason::Unknown,
        policy_kind: None,
        status: None,
        implies: &[],
        strength: 0,
        opens: false,
    }
}

impl Form {
    /// The same wording as the verdict of `layer` of `provider`.
    #[must_use]
    pub const fn blames(mut self, provider: &'static str, layer: &'static str, reason: Reason, strength: u8) -> Self {
        self.provider = provider;
        self.refused_by = layer;
        self.reason = reason;
        self.strength = strength;
        self
    }

    /// The same wording, which blames this type of policy.
    #[must_use]
    pub const fn kind(mut self, policy_kind: &'static str) -> Self {
        self.policy_kind = Some(policy_kind);
        self
    }

    /// The same wording, which comes with this HTTP status.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same wording, which implies these fields.
    #[must_use]
    pub const fn implies(mut self, fields: &'static [(&'static str, &'static str)]) -> Self {
        self.implies = fields;
        self
    }

    /// The same wording, which stands at the beginning of an error.
    #[must_use]
    pub const fn opens(mut self) -> Self {
        self.opens = true;
        self
    }

    /// Does it say who refused?
    #[must_use]
    pub const fn decides(&self) -> bool {
        self.strength > 0
    }
}
