//! Times and durations as pages show them.

use jiff::Timestamp;

/// A time as a page shows it, with its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisplayTime {
    /// The age in its two largest units, such as `12 d 4 h`.
    pub(crate) ago: String,
    /// The time in UTC to the minute, such as `2026-11-15 10:04 UTC`.
    pub(crate) words: String,
    /// The time to the second, in RFC 3339.
    pub(crate) exact: String,
}

impl DisplayTime {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self {
            ago: span(seconds(at, now)),
            words: at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            exact: at.to_string(),
        }
    }
}

/// Two times and the duration between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisplayInterval {
    pub(crate) from: DisplayTime,
    /// `None` while the interval is open.
    pub(crate) until: Option<DisplayTime>,
    pub(crate) lasted: String,
}

impl DisplayInterval {
    pub(crate) fn new(from: Timestamp, until: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            from: DisplayTime::new(from, now),
            until: until.map(|until| DisplayTime::new(until, now)),
            lasted: span(seconds(from, until.unwrap_or(now))),
        }
    }
}

/// Seconds from one time to a later one; 0 if the order is reversed, as when clocks differ.
pub(crate) fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.as_second() - from.as_second()).unwrap_or(0)
}

/// A duration in its two largest units: `12 d 4 h`.
pub(crate) fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(units.len() - 1);
    let (length, unit) = units[first];
    let head = format!("{} {unit}", seconds / length);
    let rest = units.get(first + 1).map(|(next, unit)| (seconds % length / next, unit));
    match rest {
        Some((count, unit)) if count > 0 => format!("{head} {count} {unit}"),
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        let spans = [0, 59, 60, 61, 3600, 3661, 86_399, 86_400, 1_051_200].map(span);
        assert_eq!(
            spans,
            ["0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "23 h 59 min", "1 d", "12 d 4 h"]
        );
    }

    #[test]
    fn a_time_in_the_future_has_no_age() {
        let [earlier, later] = [5, 9].map(|second| Timestamp::from_second(second).unwrap());
        assert_eq!((seconds(earlier, later), seconds(later, earlier)), (4, 0));
        assert_eq!(DisplayTime::new(earlier, later).words, "1970-01-01 00:00 UTC");
    }
}
