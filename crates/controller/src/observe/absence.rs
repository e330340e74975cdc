//! How often the API server must say that it does not serve something before that is acted on: an API server that is
//! starting, or that is behind a proxy with others, does not know every definition yet.

use std::time::Duration;

/// Answers in a row.
const ANSWERS: u32 = 2;
/// Between two answers that say so for the first times.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(1);

/// Counts the answers in a row that left something out.
#[derive(Debug, Default)]
pub(super) struct Absence(u32);

impl Absence {
    /// It was left out again.
    pub(super) fn count(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// It was left out often enough.
    pub(super) fn is_confirmed(&self) -> bool {
        self.0 >= ANSWERS
    }

    /// When to ask again; `interval` is for what is known to be absent.
    pub(super) fn pause(&self, interval: Duration) -> Duration {
        if self.is_confirmed() { interval } else { CONFIRM_INTERVAL }
    }
}
