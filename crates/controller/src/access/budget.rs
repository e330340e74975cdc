//! A token bucket that refuses rather than waits.

use parking_lot::Mutex;
use tokio::time::Instant;

/// Reviews that may be asked for at once.
const BURST: f64 = 10.0;
/// Reviews a second after that.
const RATE: f64 = 1.0;

/// Reviews that may be asked for.
pub(crate) struct Budget {
    burst: f64,
    rate: f64,
    /// What is left, and when that was counted.
    state: Mutex<(f64, Option<Instant>)>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self::of(BURST, RATE)
    }

    /// So many at once, and so many a second after that.
    pub(crate) fn of(burst: f64, rate: f64) -> Self {
        Self { burst, rate, state: Mutex::new((burst, None)) }
    }

    /// Takes one, if one is left.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let (left, counted) = *state;
        let passed = counted.map_or(0.0, |counted| now.saturating_duration_since(counted).as_secs_f64());
        let left = (left + passed * self.rate).min(self.burst);
        let enough = left >= 1.0;
        *state = (if enough { left - 1.0 } else { left }, Some(now));
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_gets_the_burst_and_then_the_rate() {
        let (budget, start) = (Budget::new(), Instant::now());
        let taken = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            (0..10_000).filter(|_| budget.take(now)).count()
        };
        assert_eq!(taken(0), 10);
        assert_eq!(taken(3), 3);
        assert_eq!(taken(1_000), 10);
    }
}
