//! Action strings as role definitions, deny assignments and conditions write them.

use iam_why_contract::glob::{Case, Glob, Piece};

/// An action or a pattern of actions: `Microsoft.Compute/*/read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionPattern {
    text: String,
    glob: Glob,
}

impl ActionPattern {
    /// Reads a pattern. `*` is any run of characters, `/` included; nothing else is special, `?` is not.
    /// "Azure custom roles", wildcard permissions.) A blank at the end is no part of it (R-8: one built-in role has one).
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim();
        let mut pieces = Vec::new();
        for (index, literal) in text.split('*').enumerate() {
            if index > 0 && pieces.last() != Some(&Piece::Any) {
                pieces.push(Piece::Any);
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal.into()));
            }
        }
        Self { text: text.to_owned(), glob: Glob::from_pieces(pieces) }
    }

    /// Does it cover `action`? Letters fold (R-7: "Understand Azure role definitions").
    pub(crate) fn matches(&self, action: &str) -> bool {
        self.glob.matches(action, Case::Insensitive)
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Has it a wildcard?
    pub(crate) fn is_wild(&self) -> bool {
        self.text.contains('*')
    }
}

#[cfg(test)]
mod tests {
    use super::ActionPattern;

    fn covers(pattern: &str, action: &str) -> bool {
        ActionPattern::new(pattern).matches(action)
    }

    #[test]
    fn a_star_crosses_slashes_and_a_dot_is_a_dot() {
        assert!(covers("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/extensions/write"));
        assert!(covers("Microsoft.Network/*/read", "microsoft.network/virtualNetworks/subnets/READ"));
        assert!(covers("Microsoft.CostManagement/*/query/*", "Microsoft.CostManagement/views/query/action"));
        assert!(!covers("Microsoft.Compute/*", "MicrosoftXCompute/virtualMachines/read"));
        assert!(!covers("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachineScaleSets/read"));
    }

    #[test]
    fn a_question_mark_is_no_wildcard_and_a_trailing_blank_is_no_letter() {
        assert!(!covers("Microsoft.Compute/disk?/read", "Microsoft.Compute/disks/read"));
        assert!(covers("Microsoft.Network/virtualNetworks/read ", "Microsoft.Network/virtualNetworks/read"));
    }

    #[test]
    fn a_post_is_no_read() {
        assert!(!covers("*/read", "Microsoft.Storage/storageAccounts/listKeys/action"));
    }
}
