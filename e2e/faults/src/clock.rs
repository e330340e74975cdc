//! The wall clock of a run, which follows tokio's clock: where that is paused, both pass together.

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

/// When every run begins, in Unix seconds: noon, so that no run reaches the next day, on which exemptions would expire.
const BEGIN: i64 = 1_800_014_400;

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
        let start = Timestamp::from_second(BEGIN).unwrap_or_default();
        start.saturating_add(self.begun.elapsed()).unwrap_or(start)
    }
}
