//! Days as columns, in a drawing 700 wide and 120 high: the open issues above; below, what opened rises from a line and
//! what was resolved hangs from it.

use crate::changes::{DAYS, Day, DayCounts};

const WIDTH: usize = 700;
/// Height of the columns of open issues, and of each half below.
const OPEN: usize = 52;
const HALF: usize = 30;
/// Where the line of the lower half is.
const BASE: usize = 90;
/// Smallest height of what is not 0.
const LEAST: usize = 2;
const GAP: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// `open`, `opened`, `resolved` or `unknown`.
    pub(crate) class: &'static str,
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trend {
    pub(crate) columns: Vec<Column>,
}

impl Trend {
    /// Each half has a scale of its own: there can be ten thousand open issues, and three new ones.
    pub(crate) fn new(days: &[Day]) -> Self {
        let most = |count: fn(&DayCounts) -> usize| {
            days.iter().filter_map(|day| day.counts.as_ref()).map(count).max().unwrap_or(0)
        };
        let most_open = most(|day| day.open);
        let most_new = most(|day| day.opened.max(day.resolved));
        let width = WIDTH / DAYS - GAP;
        let mut columns = Vec::new();
        for (at, day) in days.iter().enumerate() {
            let x = at * WIDTH / DAYS + GAP / 2;
            let mut add = |class, y, height| columns.push(Column { class, x, y, width, height });
            let Some(DayCounts { opened, resolved, open }) = day.counts else {
                add("unknown", 0, OPEN);
                continue;
            };
            let [open, opened, resolved] =
                [(open, most_open, OPEN), (opened, most_new, HALF), (resolved, most_new, HALF)]
                    .map(|(count, most, whole)| height(count, most, whole));
            add("open", OPEN - open, open);
            add("opened", BASE - opened, opened);
            add("resolved", BASE, resolved);
        }
        columns.retain(|column| column.height > 0);
        Self { columns }
    }
}

fn height(count: usize, most: usize, whole: usize) -> usize {
    if count == 0 {
        return 0;
    }
    (count * whole).checked_div(most).unwrap_or_default().clamp(LEAST, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_a_scale_of_their_own_and_unknown_days_none() {
        let day = |counts| Day { date: "2026-11-27".parse().unwrap(), counts };
        let counts = |opened, resolved, open| Some(DayCounts { opened, resolved, open });
        let drawn = Trend::new(&[day(None), day(counts(0, 0, 10_000)), day(counts(3, 1, 5_000))]).columns;
        let drawn: Vec<_> =
            drawn.iter().map(|column| (column.class, column.x, column.y, column.height)).collect();
        assert_eq!(
            drawn,
            [
                ("unknown", 4, 0, 52),
                ("open", 54, 0, 52),
                ("open", 104, 26, 26),
                ("opened", 104, 60, 30),
                ("resolved", 104, 90, 10),
            ]
        );
        assert_eq!(Trend::new(&[day(counts(0, 0, 0))]).columns, []);
    }
}
