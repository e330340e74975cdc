//! From when on something counts.

use jiff::{SignedDuration, Timestamp};

use super::parse::quoted;

/// The longest time before now, in hours: about ten years.
const MAX_HOURS: u32 = 24 * 3650;

/// A start: some hours or days before now, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Hours(u32),
    Days(u32),
    At(Timestamp),
}

impl Since {
    /// Reads `24h`, `7d`, or an instant in RFC 3339.
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let count = |unit: char| {
            let count = value.strip_suffix(unit)?;
            count.bytes().all(|byte| byte.is_ascii_digit()).then(|| count.parse::<u32>().ok())?
        };
        let is_bounded = |hours: &u32| (1..=MAX_HOURS).contains(hours);
        let hours = count('h').filter(is_bounded).map(Self::Hours);
        let days = || {
            let days = count('d')?;
            days.checked_mul(24).filter(is_bounded).map(|_| Self::Days(days))
        };
        let instant = || value.parse().ok().map(Self::At);
        hours.or_else(days).or_else(instant).ok_or_else(|| {
            format!(
                "since: {} is no time: expected hours or days up to {MAX_HOURS}h, such as 24h or 7d, or an instant such as \
                 2026-11-20T08:00:00Z",
                quoted(value)
            )
        })
    }

    pub(crate) fn start(self, now: Timestamp) -> Timestamp {
        let before = |hours: u32| {
            now.checked_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MIN)
        };
        match self {
            Self::Hours(hours) => before(hours),
            Self::Days(days) => before(days.saturating_mul(24)),
            Self::At(at) => at,
        }
    }

    /// The value in an address.
    pub(crate) fn to_query(self) -> String {
        match self {
            Self::Hours(hours) => format!("{hours}h"),
            Self::Days(days) => format!("{days}d"),
            Self::At(at) => at.to_string(),
        }
    }

    /// In words, behind "in".
    pub(crate) fn words(self) -> String {
        let count = |count: u32, unit: &str| match count {
            1 => format!("the last {unit}"),
            _ => format!("the last {count} {unit}s"),
        };
        match self {
            Self::Hours(hours) => count(hours, "hour"),
            Self::Days(days) => count(days, "day"),
            Self::At(at) => format!("the time since {}", at.strftime("%Y-%m-%d %H:%M UTC")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_duration_or_an_instant() {
        let now: Timestamp = "2026-11-27T15:00:00Z".parse().unwrap();
        for (written, start, query) in [
            ("24h", "2026-11-26T15:00:00Z", "24h"),
            ("7d", "2026-11-20T15:00:00Z", "7d"),
            ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"),
            ("2026-11-20T08:00:00+01:00", "2026-11-20T07:00:00Z", "2026-11-20T07:00:00Z"),
        ] {
            let since = Since::parse(written).unwrap();
            assert_eq!(since.start(now).to_string(), start, "{written}");
            assert_eq!(since.to_query(), query, "{written}");
            assert_eq!(Since::parse(&since.to_query()), Ok(since), "{written}");
        }
        assert_eq!(Since::Days(3650).start(Timestamp::MIN), Timestamp::MIN);
    }

    #[test]
    fn anything_else_is_named_with_what_was_expected() {
        for written in [
            "",
            "0h",
            "0d",
            "-1h",
            "+1h",
            "1w",
            "24",
            "h",
            "24 h",
            "yesterday",
            "2026-11-20",
            "87601h",
            "4294967295d",
        ] {
            let problem = Since::parse(written).unwrap_err();
            assert!(problem.starts_with(&format!("since: `{written}` is no time")), "{problem}");
        }
    }
}
