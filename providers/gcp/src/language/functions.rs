//! The functions of IAM's condition language on values that are known.
//!
//! Attribute reference for IAM Conditions: docs.cloud.google.com/iam/docs/conditions-attribute-reference.

use super::value::Value;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};

/// How large a compiled regular expression may become, in bytes.
const REGEX: usize = 1 << 20;

/// What became of a call.
pub(crate) type Called = Result<Value, String>;

/// Calls a function, `target.name(arguments)` or `name(arguments)`.
///
/// # Errors
/// Where the function does not exist, does not take these values, or fails on them: what CEL calls an error.
pub(crate) fn call(name: &str, target: Option<&Value>, arguments: &[Value]) -> Called {
    match (target, arguments) {
        (Some(Value::Text(text)), _) => on_text(name, text, arguments),
        (Some(Value::Time(time)), _) => getter(name, *time, arguments),
        (Some(Value::List(list)), [Value::List(others)]) if name == "hasOnly" => {
            // C21: true for an empty receiver.
            Ok(Value::Bool(list.iter().all(|element| others.iter().any(|other| other.equals(element)))))
        }
        (Some(value), []) | (None, [value]) if name == "size" => size(value),
        (None, [argument]) => convert(name, argument),
        _ => Err(no_such(name)),
    }
}

fn no_such(name: &str) -> String {
    format!("there is no function `{name}` for these values")
}

fn on_text(name: &str, text: &str, arguments: &[Value]) -> Called {
    match (name, arguments) {
        ("startsWith", [Value::Text(prefix)]) => Ok(Value::Bool(text.starts_with(prefix.as_str()))),
        ("endsWith", [Value::Text(suffix)]) => Ok(Value::Bool(text.ends_with(suffix.as_str()))),
        ("contains", [Value::Text(part)]) => Ok(Value::Bool(text.contains(part.as_str()))),
        ("matches", [Value::Text(pattern)]) => matches(text, pattern),
        ("extract", [Value::Text(template)]) => extract(text, template),
        ("size", []) => size(&Value::Text(text.to_owned())),
        _ => Err(no_such(name)),
    }
}

fn matches(text: &str, pattern: &str) -> Called {
    let regex = regex::RegexBuilder::new(pattern).size_limit(REGEX).dfa_size_limit(REGEX).build();
    regex.map(|regex| Value::Bool(regex.is_match(text))).map_err(|_| format!("`{pattern}` is no regular expression, or too large a one"))
}

/// C24: from the first occurrence of the prefix up to the next of the suffix; no match is the empty string.
fn extract(text: &str, template: &str) -> Called {
    let parts = template.split_once('{').and_then(|(prefix, rest)| rest.split_once('}').map(|(_, suffix)| (prefix, suffix)));
    let (prefix, suffix) = parts.ok_or_else(|| format!("`{template}` has no {{name}}"))?;
    let behind = text.find(prefix).and_then(|at| text.get(at + prefix.len()..));
    let found = behind.and_then(|rest| if suffix.is_empty() { Some(rest) } else { rest.split_once(suffix).map(|(before, _)| before) });
    Ok(Value::Text(found.unwrap_or_default().to_owned()))
}

fn size(value: &Value) -> Called {
    let count = match value {
        Value::Text(text) => text.chars().count(),
        Value::List(list) => list.len(),
        _ => return Err(no_such("size")),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn convert(name: &str, argument: &Value) -> Called {
    match (name, argument) {
        // C15: what is no timestamp is an error, so that the condition is never satisfied.
        ("timestamp", Value::Text(text)) => {
            // RFC 3339 lets others put a space between date and time; CEL wants the T.
            let time = DateTime::parse_from_rfc3339(if text.as_bytes().get(10) == Some(&b'T') { text } else { "" });
            time.map(|time| Value::Time(time.to_utc())).map_err(|_| format!("`{text}` is not an RFC 3339 time"))
        }
        ("timestamp", Value::Time(_)) | ("duration", Value::Span(_)) | ("string", Value::Text(_)) | ("int", Value::Int(_)) => {
            Ok(argument.clone())
        }
        ("date", Value::Text(text)) => date(text),
        ("duration", Value::Text(text)) => {
            duration(text).map(Value::Span).ok_or_else(|| format!("`{text}` is not a duration such as `3600s`"))
        }
        ("int", Value::Text(text)) => text.parse().map(Value::Int).map_err(|_| format!("`{text}` is no integer")),
        ("int", Value::Time(time)) => Ok(Value::Int(time.timestamp())),
        ("string", Value::Int(_) | Value::Bool(_) | Value::Time(_)) => Ok(Value::Text(argument.to_string())),
        _ => Err(no_such(name)),
    }
}

/// C14: midnight UTC of the day.
fn date(text: &str) -> Called {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("`{text}` is not a date YYYY-MM-DD"))?;
    Ok(Value::Time(day.and_time(NaiveTime::MIN).and_utc()))
}

/// Durations as CEL and protobuf write them: numbers with the units h, m, s, ms, us, ns.
fn duration(text: &str) -> Option<TimeDelta> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut sum = TimeDelta::zero();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let unit_length = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(unit_length)?;
        sum = sum.checked_add(&nanoseconds(number, unit)?)?;
        rest = behind;
    }
    Some(if negative { -sum } else { sum })
}

fn nanoseconds(number: &str, unit: &str) -> Option<TimeDelta> {
    let unit: i64 = match unit {
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "µs" => 1_000,
        "ns" => 1,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = TimeDelta::seconds(0);
    let mut scale = unit;
    for digit in fraction.chars() {
        scale /= 10;
        nanos = nanos.checked_add(&TimeDelta::nanoseconds(i64::from(digit.to_digit(10)?).checked_mul(scale)?))?;
    }
    let seconds = i128::from(whole).checked_mul(i128::from(unit))?;
    let whole = TimeDelta::new(i64::try_from(seconds / 1_000_000_000).ok()?, u32::try_from(seconds % 1_000_000_000).ok()?)?;
    whole.checked_add(&nanos)
}

/// C14: months, days of the month and of the year count from 0, Sunday is 0, `getDate` counts from 1.
fn getter(name: &str, time: DateTime<Utc>, arguments: &[Value]) -> Called {
    let local = match arguments {
        [] => time.fixed_offset(),
        [Value::Text(zone)] => in_zone(time, zone)?,
        _ => return Err(no_such(name)),
    };
    let value: u32 = match name {
        "getFullYear" => return Ok(Value::Int(i64::from(local.year()))),
        "getMonth" => local.month0(),
        "getDate" => local.day(),
        "getDayOfMonth" => local.day0(),
        "getDayOfWeek" => local.weekday().num_days_from_sunday(),
        "getDayOfYear" => local.ordinal0(),
        "getHours" => local.hour(),
        "getMinutes" => local.minute(),
        "getSeconds" => local.second(),
        "getMilliseconds" => local.timestamp_subsec_millis(),
        _ => return Err(no_such(name)),
    };
    Ok(Value::Int(i64::from(value)))
}

/// An IANA name, or `+HH:MM`.
fn in_zone(time: DateTime<Utc>, zone: &str) -> Result<DateTime<FixedOffset>, String> {
    if let Ok(named) = zone.parse::<chrono_tz::Tz>() {
        let offset = named.offset_from_utc_datetime(&time.naive_utc()).fix();
        return Ok(time.with_timezone(&offset));
    }
    let offset = offset(zone).ok_or_else(|| format!("`{zone}` is not a time zone"))?;
    Ok(time.with_timezone(&offset))
}

fn offset(zone: &str) -> Option<FixedOffset> {
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let sane = (0..24).contains(&hours) && (0..60).contains(&minutes);
    sane.then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}

#[cfg(test)]
mod tests {
    use super::{call, duration};
    use crate::language::value::Value;

    fn text(value: &str) -> Value {
        Value::Text(value.into())
    }

    #[test]
    fn extract_takes_from_the_first_prefix_to_the_next_suffix() {
        let extract = |on: &str, template: &str| call("extract", Some(&text(on)), &[text(template)]).map(|value| value.to_string());
        let name = "projects/_/buckets/b/objects/team/red/2026/q1";
        assert_eq!(extract(name, "/team/{t}/").as_deref(), Ok("red"));
        assert_eq!(extract(name, "/team/{rest}").as_deref(), Ok("red/2026/q1"));
        assert_eq!(extract(name, "{start}/buckets/").as_deref(), Ok("projects/_"));
        assert_eq!(extract(name, "/group/{g}/").as_deref(), Ok(""));
        assert_eq!(extract(name, "/q1{g}/").as_deref(), Ok(""));
    }

    #[test]
    fn parts_of_a_time_count_as_the_page_says() {
        let time = call("timestamp", None, &[text("2026-03-01T12:30:15.250Z")]).unwrap();
        let part = |name: &str, zone: &[Value]| call(name, Some(&time), zone).map(|value| value.to_string());
        for (name, wanted) in [
            ("getFullYear", "2026"),
            ("getMonth", "2"),
            ("getDate", "1"),
            ("getDayOfMonth", "0"),
            ("getDayOfWeek", "0"),
            ("getDayOfYear", "59"),
            ("getHours", "12"),
            ("getMilliseconds", "250"),
        ] {
            assert_eq!(part(name, &[]).as_deref(), Ok(wanted), "{name}");
        }
        assert_eq!(part("getHours", &[text("Europe/Berlin")]).as_deref(), Ok("13"));
        assert_eq!(part("getHours", &[text("-07:30")]).as_deref(), Ok("5"));
        assert!(part("getHours", &[text("Nowhere")]).is_err());
    }

    #[test]
    fn durations_have_units_and_times_are_rfc_3339() {
        assert_eq!(duration("1h30m").map(|span| span.num_seconds()), Some(5400));
        assert_eq!(duration("1.5s").map(|span| span.num_milliseconds()), Some(1500));
        assert_eq!(duration("-20s").map(|span| span.num_seconds()), Some(-20));
        assert!(duration("20").is_none() && duration("").is_none() && duration("99999999999999999999h").is_none());
        assert!(call("timestamp", None, &[text("2030-13-01")]).is_err());
        assert!(call("date", None, &[text("2026-02-30")]).is_err());
    }

    #[test]
    fn has_only_is_true_of_nothing() {
        let list = |names: &[&str]| Value::texts(names.iter().copied());
        assert_eq!(call("hasOnly", Some(&list(&[])), &[list(&["a"])]), Ok(Value::Bool(true)));
        assert_eq!(call("hasOnly", Some(&list(&["a", "b"])), &[list(&["a"])]), Ok(Value::Bool(false)));
    }

    #[test]
    fn a_regular_expression_is_linear_and_bounded() {
        let long = "a".repeat(5000);
        assert_eq!(call("matches", Some(&text(&long)), &[text("(a+)+$")]), Ok(Value::Bool(true)));
        assert!(call("matches", Some(&text("a")), &[text("(a{1000}){1000}")]).is_err());
    }
}
