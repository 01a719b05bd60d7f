//! Dates as `Date…` operators compare them (*Condition operators: Date*): W3C profiles of ISO 8601, or seconds since 1970.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

/// An instant: seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i64, u32);

impl Instant {
    /// Reads `2026-01-01T00:00:00Z`, `2026-01-01T09:30+01:00`, `2026-01-01`, `2026-01`, or epoch seconds (O-3). A time without a zone
    /// is taken as UTC. `None` where the text is no date.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(seconds.strip_prefix('-').unwrap_or(seconds)) && digits(fraction) {
            return Some(Self(seconds.parse().ok()?, nanoseconds(fraction)));
        }
        let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00Z"));
        let (time, offset) = zone(time)?;
        let moment = NaiveDateTime::new(day(date)?, clock(time)?);
        let instant = moment.and_local_timezone(offset).single()?;
        Some(Self(instant.timestamp(), instant.timestamp_subsec_nanos()))
    }

    /// The instant this many seconds later.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds), self.1)
    }

    /// The instant a nanosecond later.
    #[must_use]
    pub fn just_after(self) -> Self {
        if self.1 >= 999_999_999 { Self(self.0.saturating_add(1), 0) } else { Self(self.0, self.1 + 1) }
    }

    /// The instant as epoch seconds.
    #[must_use]
    pub fn epoch(self) -> String {
        if self.1 == 0 { self.0.to_string() } else { format!("{}.{:09}", self.0, self.1) }
    }
}

fn nanoseconds(fraction: &str) -> u32 {
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    padded.parse().unwrap_or(0)
}

fn day(date: &str) -> Option<NaiveDate> {
    let mut fields = date.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next().unwrap_or("1"));
    if fields.next().is_some() || year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Splits the zone off a time of day.
fn zone(time: &str) -> Option<(&str, FixedOffset)> {
    let utc = FixedOffset::east_opt(0)?;
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, utc));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, utc)) };
    let (time, zone) = time.split_at_checked(at)?;
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let minutes = match digits.len() {
        2 => digits.parse::<i32>().ok()? * 60,
        4 => digits.get(..2)?.parse::<i32>().ok()? * 60 + digits.get(2..)?.parse::<i32>().ok()?,
        _ => return None,
    };
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    Some((time, FixedOffset::east_opt(sign * minutes * 60)?))
}

fn clock(time: &str) -> Option<NaiveTime> {
    let mut fields = time.split(':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next().unwrap_or("0"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    if fields.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_nano_opt(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, nanoseconds(fraction))
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn both_forms_name_instants() {
        let at = |text: &str| Instant::parse(text).unwrap();
        assert_eq!(at("2026-01-01T00:00:00Z"), at("1767225600"));
        assert_eq!(at("2026-01-01T01:00:00+01:00"), at("2026-01-01"));
        assert_eq!(at("2026-01"), at("2026-01-01T00:00Z"));
        assert!(at("2026-01-01T00:00:00.5Z") > at("2026-01-01T00:00:00Z"));
        for text in ["yesterday", "2026/01/01", "2026-13-01", "20260101T000000Z", "2026-01-01T25:00:00Z", ""] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
