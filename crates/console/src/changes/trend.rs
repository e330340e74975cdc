//! Issues that opened, were resolved and stayed open, day by day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::FirstLook;
use crate::filter::ChangeFilter;
use crate::snapshot::ChangeKind;
use crate::view::View;

/// Days of a trend, with today.
pub(crate) const DAYS: usize = 14;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// One day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) date: Date,
    /// `None` for a day before tagwatch first looked at the cluster.
    pub(crate) counts: Option<DayCounts>,
}

/// What happened on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DayCounts {
    pub(crate) opened: usize,
    pub(crate) resolved: usize,
    /// Issues that were open at the end of the day, or are now.
    pub(crate) open: usize,
}

/// The last [`DAYS`] days, the oldest first, of what a filter admits, whatever its time and its kinds of change.
pub(crate) fn trend(view: &View, filter: &ChangeFilter) -> Vec<Day> {
    let today = number(view.now);
    let mut counts = [DayCounts::default(); DAYS];
    let mut left = [0_usize; DAYS];
    let first_look = FirstLook::of(view);
    let age = |at: Timestamp| usize::try_from(today - number(at)).unwrap_or(0);
    let recent = view.changes().take_while(|change| age(change.at) < DAYS);
    for change in recent.filter(|change| filter.admits(change)) {
        let day = age(change.at);
        match ChangeKind::of(&change) {
            ChangeKind::Opened if first_look.found(&change) => left[day] += 1,
            ChangeKind::Opened => counts[day].opened += 1,
            ChangeKind::Resolved => counts[day].resolved += 1,
            ChangeKind::Image => {}
        }
    }
    let mut open = filter.open(view);
    let known = view.known_since().map_or(today + 1, number);
    let mut days = Vec::with_capacity(DAYS);
    for (ago, day) in (0_i64..).zip(&mut counts) {
        day.open = open;
        let found = usize::try_from(ago).map_or(0, |ago| left[ago]);
        open = (open + day.resolved).saturating_sub(day.opened + found);
        let number = today - ago;
        days.push(Day { date: date(number), counts: (number >= known).then_some(*day) });
    }
    days.reverse();
    days
}

/// Days since 1970 in UTC.
fn number(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_OF_A_DAY)
}

fn date(number: i64) -> Date {
    let at = Timestamp::from_second(number.saturating_mul(SECONDS_OF_A_DAY)).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date()
}
