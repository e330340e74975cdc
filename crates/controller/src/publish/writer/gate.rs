//! Whether this process may write.

use std::sync::atomic::{AtomicBool, Ordering};

/// Asked before every write. One replica runs and is always let through; with several, the holder of the lease is.
#[derive(Debug)]
pub(super) struct WriteGate {
    open: AtomicBool,
}

impl Default for WriteGate {
    fn default() -> Self {
        Self { open: AtomicBool::new(true) }
    }
}

impl WriteGate {
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    #[cfg(test)]
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }
}
