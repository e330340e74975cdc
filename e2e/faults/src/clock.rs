//! The wall clock of a run, which follows tokio's clock: where that is paused, both pass together.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// When every run begins, in Unix seconds: noon, so that no run reaches the next day, on which exemptions would expire.
const BEGIN: i64 = 1_800_014_400;

/// The clock of a machine is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockError {
    /// Since when, from the start.
    pub from: Duration,
    /// By how much.
    pub seconds: i64,
}

/// A wall clock that begins at a fixed time.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedClock {
    begun: Instant,
}

impl SimulatedClock {
    /// Begins now. Inside a runtime.
    pub fn start() -> Self {
        Self { begun: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// When it began.
    pub(crate) fn began(&self) -> Timestamp {
        self.at(self.begun)
    }

    /// The time at an instant.
    pub(crate) fn at(&self, instant: Instant) -> Timestamp {
        let start = Timestamp::from_second(BEGIN).unwrap_or_default();
        start.saturating_add(instant.saturating_duration_since(self.begun)).unwrap_or(start)
    }

    /// What a clock shows that is set wrong, the last time by the last of these that is over.
    pub(crate) fn now_if_wrong(&self, wrong: &[ClockError]) -> Timestamp {
        let (now, elapsed) = (self.now(), self.begun.elapsed());
        let error = wrong.iter().filter(|error| error.from <= elapsed).max_by_key(|error| error.from);
        let seconds = error.map_or(0, |error| error.seconds);
        now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
    }
}
