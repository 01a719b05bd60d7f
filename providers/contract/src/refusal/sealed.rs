//! What a text holds that only its cloud may see.

use std::fmt;

/// A text that is handed to the cloud that made it and to nobody else: it is never shown, written or compared with anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sealed(Option<String>);

impl Sealed {
    /// Seals `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Some(text.into()))
    }

    /// The text, for the call that sends it back to where it comes from.
    #[must_use]
    pub fn open(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Sealed(…)" } else { "Sealed" })
    }
}

#[cfg(test)]
mod tests {
    use super::Sealed;

    #[test]
    fn what_is_sealed_is_not_shown() {
        assert_eq!(format!("{:?}", Sealed::new("AQABencoded")), "Sealed(…)");
    }
}
