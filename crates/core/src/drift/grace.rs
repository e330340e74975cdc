//! Grace times: how long a state may last before a rule fires.

use std::fmt::Write as _;
use std::time::Duration;

use thiserror::Error;

use crate::text::UntrustedText;

/// The longest grace time; to wait longer, switch the rule off.
const MAX: Duration = Duration::from_hours(7 * 24);
/// Units, in the order in which they are written, in seconds.
const UNITS: [(char, u64); 3] = [('h', 3_600), ('m', 60), ('s', 1)];

/// A text that is no grace time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is no duration; expected whole hours, minutes and seconds up to seven days, such as 15m, 90s or 1h30m"
)]
pub struct InvalidGrace(String);

/// Reads `15m`, `90s`, `1h30m` or `0s`.
pub fn parse_grace(text: &str) -> Result<Duration, InvalidGrace> {
    let invalid = || InvalidGrace(UntrustedText::from(text.chars().take(40).collect::<String>()).terminal());
    let (mut rest, mut seconds, mut units) = (text, 0_u64, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let unit = behind.chars().next().ok_or_else(invalid)?;
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let number: u64 = number.parse().map_err(|_| invalid())?;
        seconds =
            number.checked_mul(*length).and_then(|part| seconds.checked_add(part)).ok_or_else(invalid)?;
        rest = &behind[1..];
    }
    let grace = Duration::from_secs(seconds);
    if text.is_empty() || grace > MAX { Err(invalid()) } else { Ok(grace) }
}

/// Writes a duration as [`parse_grace`] reads it, to the second.
pub fn render_grace(grace: Duration) -> String {
    let (mut text, mut left) = (String::new(), grace.as_secs());
    for (unit, length) in UNITS {
        if left >= length {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{unit}", left / length);
            left %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, seconds) in [("15m", 900), ("90s", 90), ("1h30m", 5_400), ("0s", 0), ("168h", 604_800)] {
            assert_eq!(parse_grace(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(render_grace(Duration::from_mins(90)), "1h30m");
        assert_eq!(render_grace(Duration::from_secs(90)), "1m30s");
        assert_eq!(render_grace(Duration::ZERO), "0s");
    }

    #[test]
    fn refuses_anything_else() {
        for text in [
            "",
            "15",
            "m",
            "15 m",
            "15d",
            "5m1h",
            "1m1m",
            "-1s",
            "169h",
            "1.5h",
            "99999999999999999999s",
            "1ü",
        ] {
            assert!(parse_grace(text).is_err(), "{text}");
        }
        let error = parse_grace("\u{1b}[31m").unwrap_err().to_string();
        assert!(error.starts_with("\"\\u{1b}[31m\" is no duration; expected whole hours"), "{error}");
    }
}
