//! When a kind is read anew because an event could not be decoded: kube-runtime goes on behind the event, and what it said
//! would be missed until the next change of its object.

use std::time::Duration;

use tokio::time::Instant;

/// Before the first time. Each further wait is twice as long: an object that cannot be decoded at all is met at each list.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait between two.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Without such an event for this long, waits begin anew.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// The next time, if there is one.
#[derive(Debug)]
pub(super) struct Relist {
    at: Option<Instant>,
    wait: Duration,
    last: Option<Instant>,
}

impl Default for Relist {
    fn default() -> Self {
        Self { at: None, wait: FIRST_WAIT, last: None }
    }
}

impl Relist {
    /// An event could not be decoded.
    pub(super) fn plan(&mut self) {
        let now = Instant::now();
        if self.last.replace(now).is_some_and(|last| now.duration_since(last) >= FORGOTTEN_AFTER) {
            self.wait = FIRST_WAIT;
        }
        if self.at.is_none() {
            self.at = Some(now + self.wait);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
    }

    /// How long until the kind is to be read anew; `None` while every event was decoded.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// It is read anew.
    pub(super) fn begin(&mut self) {
        self.at = None;
    }
}
