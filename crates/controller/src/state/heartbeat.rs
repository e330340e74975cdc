//! Whether the threads that do the controller's work still do it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Without a beat for so long, the process is stuck: a busy one beats every second or so.
pub(crate) const STUCK_AFTER: Duration = Duration::from_mins(1);

/// Beats while tasks make progress. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat(Arc<Mutex<Instant>>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Heartbeat {
    /// Tasks make progress.
    pub(crate) fn beat(&self) {
        *self.0.lock() = Instant::now();
    }

    /// For how long they have made none, where that is too long.
    pub(crate) fn stuck_for(&self) -> Option<Duration> {
        let time = self.0.lock().elapsed();
        (time >= STUCK_AFTER).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_no_end() {
        let heartbeat = Heartbeat::default();
        advance(Duration::from_secs(59)).await;
        assert_eq!(heartbeat.stuck_for(), None);
        advance(Duration::from_secs(1)).await;
        assert_eq!(heartbeat.stuck_for(), Some(STUCK_AFTER));
        heartbeat.beat();
        assert_eq!(heartbeat.stuck_for(), None);
    }
}
