//! `pull_policy` of a Compose service.

use std::fmt;
use std::time::Duration;

use crate::text::UntrustedText;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// When Compose pulls the image of a service (<https://github.com/compose-spec/compose-spec/blob/main/05-services.md#pull_policy>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComposePullPolicy {
    /// If the machine has no copy: the default. `if_not_present` is the same.
    Missing,
    /// Each time the service is started.
    Always,
    /// Not at all: without a copy the service fails.
    Never,
    /// Not at all: the image is built.
    Build,
    /// Where the last pull is older than this: `daily`, `weekly`, `every_<duration>`.
    Refresh(Duration),
}

impl ComposePullPolicy {
    /// What may be written, for messages.
    pub const ALLOWED: &'static str = "always, never, missing, if_not_present, build, daily, weekly or every_<duration>, \
                                       a duration in w, d, h, m and s such as every_12h";

    /// Reads a written value. `None` for one that Compose does not know.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "missing" | "if_not_present" => Some(Self::Missing),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            "build" => Some(Self::Build),
            "daily" => Some(Self::Refresh(Duration::from_secs(DAY))),
            "weekly" => Some(Self::Refresh(Duration::from_secs(WEEK))),
            _ => parse_duration(text.strip_prefix("every_")?).map(Self::Refresh),
        }
    }

    /// The one that applies to a service: what is written, where Compose knows it, else `missing`.
    pub fn of(written: Option<&UntrustedText>) -> Self {
        written.and_then(|written| Self::parse(written.raw())).unwrap_or(Self::Missing)
    }

    /// Whether Compose goes without asking the registry again for more than a day.
    pub(crate) fn is_older_than_a_day(self) -> bool {
        matches!(self, Self::Refresh(every) if every > Duration::from_secs(DAY))
    }
}

/// Numbers, each with a unit, such as `1d12h`.
fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut seconds) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let mut behind = behind.chars();
        let unit = match behind.next()? {
            'w' => WEEK,
            'd' => DAY,
            'h' => HOUR,
            'm' => MINUTE,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = behind.as_str();
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// The word of Compose. A time is written as Go writes it, with hours as the largest unit and without zero parts:
/// `refresh(48h)`, `refresh(1h30m)`.
impl fmt::Display for ComposePullPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = match self {
            Self::Missing => return f.write_str("missing"),
            Self::Always => return f.write_str("always"),
            Self::Never => return f.write_str("never"),
            Self::Build => return f.write_str("build"),
            Self::Refresh(every) => every.as_secs(),
        };
        f.write_str("refresh(")?;
        for (number, unit) in [(every / HOUR, 'h'), (every % HOUR / MINUTE, 'm'), (every % MINUTE, 's')] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        f.write_str(if every == 0 { "0s)" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_durations_are_read_as_compose_reads_them() {
        for (written, expected) in [
            ("missing", "missing"),
            ("if_not_present", "missing"),
            ("always", "always"),
            ("never", "never"),
            ("build", "build"),
            ("daily", "refresh(24h)"),
            ("weekly", "refresh(168h)"),
            ("every_2d", "refresh(48h)"),
            ("every_1w", "refresh(168h)"),
            ("every_90m", "refresh(1h30m)"),
            ("every_1h30m", "refresh(1h30m)"),
            ("every_1d1s", "refresh(24h1s)"),
            ("every_0s", "refresh(0s)"),
        ] {
            let policy = ComposePullPolicy::parse(written);
            assert_eq!(policy.map(|policy| policy.to_string()).as_deref(), Some(expected), "{written}");
        }
        for wrong in [
            "",
            "Always",
            "IfNotPresent",
            "if-not-present",
            "refresh",
            "every_",
            "every_5",
            "every_h",
            "every_1y",
            "every_1.5h",
            "every_-1h",
            "every_1h ",
            "every_99999999999999999999w",
            "every_30500568904944w",
        ] {
            assert_eq!(ComposePullPolicy::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_is_not_more_than_a_day() {
        let is_older = |text: &str| ComposePullPolicy::parse(text).unwrap().is_older_than_a_day();
        assert!(!is_older("daily") && !is_older("every_24h") && !is_older("always") && !is_older("missing"));
        assert!(is_older("weekly") && is_older("every_1d1s"));
    }
}
