//! Intervals and events on a line, 1000 wide.

use jiff::Timestamp;

use crate::text::seconds;

const WIDTH: u64 = 1000;
/// Smallest width of an interval, so that it is visible.
const LEAST: u64 = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) x: u64,
    pub(crate) class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) x: u64,
    pub(crate) width: u64,
    /// `open`, `closed` or `exempt`.
    pub(crate) class: &'static str,
}

/// A line from the start of the first interval to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) marks: Vec<Mark>,
}

impl Timeline {
    /// Intervals without an end are open. `exempt` is the start of an exemption that lasts until now; events have a
    /// class of the style sheet.
    pub(crate) fn new(
        intervals: &[(Timestamp, Option<Timestamp>)],
        exempt: Option<Timestamp>,
        events: &[(Timestamp, &'static str)],
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
            marks: events.iter().map(|&(at, class)| Mark { x: x(at).clamp(2, WIDTH - 2), class }).collect(),
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
    fn intervals_and_events_stay_on_the_line() {
        let now = at(1100);
        let intervals = [(at(100), Some(at(600))), (at(600), Some(at(600))), (at(2000), None)];
        let line = Timeline::new(&intervals, None, &[(at(0), "a"), (at(350), "b"), (at(9999), "c")], now);
        let stretches: Vec<_> =
            line.stretches.iter().map(|stretch| (stretch.x, stretch.width, stretch.class)).collect();
        assert_eq!(stretches, [(0, 500, "closed"), (500, 6, "closed"), (994, 6, "open")]);
        assert_eq!(line.marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [2, 250, 998]);
    }

    #[test]
    fn an_exemption_is_drawn_apart_from_violations() {
        let line = Timeline::new(&[(at(100), Some(at(600)))], Some(at(600)), &[], at(1100));
        let classes: Vec<_> = line.stretches.iter().map(|stretch| (stretch.x, stretch.class)).collect();
        assert_eq!(classes, [(500, "exempt"), (0, "closed")]);
    }
}
