//! Numbers as `Numeric…` operators compare them (*Condition operators: Numeric*): integers and decimals of any length, exactly.

use std::cmp::Ordering;

/// A decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: Box<str>,
    /// Digits behind the point, without trailing zeros.
    fraction: Box<str>,
}

impl Decimal {
    /// Reads `-12.5`, `7`, `+3`, `.5`. `None` where the text is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if !all_digits || whole.len() + fraction.len() == 0 {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: text.starts_with('-') && !zero, whole: whole.into(), fraction: fraction.into() })
    }

    fn size(&self, other: &Self) -> Ordering {
        let by_length = self.whole.len().cmp(&other.whole.len());
        by_length.then_with(|| self.whole.cmp(&other.whole)).then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size(other),
            (true, true) => other.size(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn numbers_compare_as_numbers() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        assert!(number("9") < number("10"));
        assert!(number("-10") < number("-9.5"));
        assert!(number("0.10") == number(".1"));
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert!(number("1.05") < number("1.5"));
        assert_eq!(number("-0"), number("0"));
        for text in ["", "-", ".", "1e3", "ten", "0x10", "1.2.3"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
