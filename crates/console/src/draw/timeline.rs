//! Intervals and moments on a line, 1000 wide.

use jiff::Timestamp;

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
    pub(crate) open: bool,
}

/// A line from the first interval's begin to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) marks: Vec<Mark>,
}

impl Timeline {
    /// Intervals, of which one without an end is open, and moments with a class of the style sheet.
    pub(crate) fn new(
        intervals: &[(Timestamp, Option<Timestamp>)],
        moments: &[(Timestamp, &'static str)],
        now: Timestamp,
    ) -> Self {
        let begin = intervals.iter().map(|(from, _)| *from).min().unwrap_or(now);
        let whole = seconds(begin, now).max(1);
        let x = |at: Timestamp| (seconds(begin, at) * WIDTH / whole).min(WIDTH);
        let stretch = |&(from, until): &(Timestamp, Option<Timestamp>)| {
            let end = x(until.unwrap_or(now));
            let begin = x(from).min(WIDTH - LEAST);
            Stretch { x: begin, width: end.saturating_sub(begin).max(LEAST), open: until.is_none() }
        };
        Self {
            stretches: intervals.iter().map(stretch).collect(),
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
        let line = Timeline::new(&intervals, &[(at(0), "a"), (at(350), "b"), (at(9999), "c")], now);
        let stretches: Vec<_> =
            line.stretches.iter().map(|stretch| (stretch.x, stretch.width, stretch.open)).collect();
        assert_eq!(stretches, [(0, 500, false), (500, 6, false), (994, 6, true)]);
        assert_eq!(line.marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [2, 250, 998]);
    }
}
