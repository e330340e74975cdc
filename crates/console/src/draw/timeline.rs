//! Intervals and moments on a line, 1000 wide.

use jiff::Timestamp;

use crate::snapshot::Span;
use crate::text::seconds;

const WIDTH: u64 = 1000;
/// The least that an interval takes, so that one sees it.
const LEAST: u64 = 6;

/// A moment on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) x: u64,
    pub(crate) class: &'static str,
}

/// An interval on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) x: u64,
    pub(crate) width: u64,
    /// `open`, `closed` or `exempt`.
    pub(crate) class: &'static str,
}

/// A line from the first interval's begin to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) marks: Vec<Mark>,
}

impl Timeline {
    /// Intervals, of which one without an end is open, since when it is exempt, and moments with a class of the style
    /// sheet.
    pub(crate) fn new(
        intervals: &[Span],
        exempt: Option<Timestamp>,
        moments: &[(Timestamp, &'static str)],
        now: Timestamp,
    ) -> Self {
        let begin = intervals.iter().map(|(from, _)| *from).chain(exempt).min().unwrap_or(now);
        let whole = seconds(begin, now).max(1);
        let x = |at: Timestamp| (seconds(begin, at) * WIDTH / whole).min(WIDTH);
        let stretch = |from: Timestamp, until: Option<Timestamp>, class| {
            let end = x(until.unwrap_or(now));
            let begin = x(from).min(WIDTH - LEAST);
            Stretch { x: begin, width: end.saturating_sub(begin).max(LEAST), class }
        };
        let violated = intervals
            .iter()
            .map(|&(from, until)| stretch(from, until, if until.is_none() { "open" } else { "closed" }));
        Self {
            stretches: exempt
                .map(|since| stretch(since, None, "exempt"))
                .into_iter()
                .chain(violated)
                .collect(),
            marks: moments.iter().map(|&(at, class)| Mark { x: x(at).clamp(2, WIDTH - 2), class }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn everything_stays_on_the_line() {
        let now = at(1100);
        let intervals = [(at(100), Some(at(600))), (at(600), Some(at(600))), (at(2000), None)];
        let line = Timeline::new(&intervals, None, &[(at(0), "a"), (at(350), "b"), (at(9999), "c")], now);
        let stretches: Vec<_> =
            line.stretches.iter().map(|stretch| (stretch.x, stretch.width, stretch.class)).collect();
        assert_eq!(stretches, [(0, 500, "closed"), (500, 6, "closed"), (994, 6, "open")]);
        assert_eq!(line.marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [2, 250, 998]);
    }

    #[test]
    fn what_is_exempt_is_no_violation() {
        let line = Timeline::new(&[(at(100), Some(at(600)))], Some(at(600)), &[], at(1100));
        let classes: Vec<_> = line.stretches.iter().map(|stretch| (stretch.x, stretch.class)).collect();
        assert_eq!(classes, [(500, "exempt"), (0, "closed")]);
    }
}
