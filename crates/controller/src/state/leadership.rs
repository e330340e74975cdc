//! Whether this replica may write. With several replicas, the one that holds the lease may, while it can be sure of that.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

/// Asked before every write; the room `lease` keeps it up to date. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Leadership(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    term: Mutex<Term>,
    /// How many terms have begun.
    terms: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Term {
    /// The only replica: it always leads.
    Unlimited,
    /// Another replica leads, or may.
    Standby,
    Leading(TermLimits),
}

/// How long a leader may act on one renewal of the lease, on the monotonic clock: no other clock says when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TermLimits {
    /// From then on no write begins.
    pub(crate) begin_before: Instant,
    /// By then a write has ended or is given up: another replica may lead soon after.
    pub(crate) end_before: Instant,
}

impl Default for Leadership {
    fn default() -> Self {
        Self::new(Term::Unlimited)
    }
}

impl Leadership {
    /// A replica among several, before it holds the lease.
    pub(crate) fn standby() -> Self {
        Self::new(Term::Standby)
    }

    fn new(term: Term) -> Self {
        Self(Arc::new(Shared { term: Mutex::new(term), terms: watch::Sender::new(0) }))
    }

    /// Whether a write may begin now.
    pub(crate) fn may_write(&self) -> bool {
        self.write_limit(Duration::MAX).is_some()
    }

    /// The time limit of a write that begins now and would otherwise get `limit`. `None` if it may not begin.
    pub(crate) fn write_limit(&self, limit: Duration) -> Option<Duration> {
        match *self.0.term.lock() {
            Term::Unlimited => Some(limit),
            Term::Standby => None,
            Term::Leading(TermLimits { begin_before, end_before }) => {
                let now = Instant::now();
                (now < begin_before).then(|| limit.min(end_before.saturating_duration_since(now)))
            }
        }
    }

    /// The lease is held until these limits. After a time without it, a new term begins.
    pub(crate) fn extend(&self, limits: TermLimits) {
        let mut term = self.0.term.lock();
        let now = Instant::now();
        let goes_on = matches!(*term, Term::Leading(TermLimits { begin_before, .. }) if now < begin_before);
        *term = Term::Leading(limits);
        drop(term);
        if !goes_on && now < limits.begin_before {
            self.0.terms.send_modify(|terms| *terms += 1);
        }
    }

    /// The lease is held no longer. Returns whether it was.
    pub(crate) fn give_up(&self) -> bool {
        let was = std::mem::replace(&mut *self.0.term.lock(), Term::Standby);
        !matches!(was, Term::Standby)
    }

    /// How many terms have begun, to be waited on: what was refused before a term is due again in it.
    pub(crate) fn terms(&self) -> watch::Receiver<u64> {
        self.0.terms.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const CALL: Duration = Duration::from_secs(10);

    fn limits(begin: u64, end: u64) -> TermLimits {
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        TermLimits { begin_before: after(begin), end_before: after(end) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_replica_always_writes() {
        let leadership = Leadership::default();
        advance(Duration::from_hours(1_000)).await;
        assert_eq!((leadership.may_write(), leadership.write_limit(CALL)), (true, Some(CALL)));
        assert_eq!(*leadership.terms().borrow(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_begins_within_the_term_and_ends_before_another_replica_may_lead() {
        let leadership = Leadership::standby();
        assert_eq!((leadership.may_write(), leadership.write_limit(CALL)), (false, None));
        leadership.extend(limits(10, 14));
        assert_eq!(leadership.write_limit(CALL), Some(CALL));
        advance(Duration::from_secs(9)).await;
        assert_eq!(leadership.write_limit(CALL), Some(Duration::from_secs(5)));
        advance(Duration::from_secs(1)).await;
        assert_eq!((leadership.may_write(), leadership.write_limit(CALL)), (false, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_in_time_goes_on_with_the_term_and_a_late_one_begins_another() {
        let leadership = Leadership::standby();
        let terms = leadership.terms();
        leadership.extend(limits(10, 14));
        advance(Duration::from_secs(9)).await;
        leadership.extend(limits(10, 14));
        assert_eq!(*terms.borrow(), 1);
        advance(Duration::from_secs(10)).await;
        assert!(!leadership.may_write());
        leadership.extend(limits(10, 14));
        assert_eq!((*terms.borrow(), leadership.may_write()), (2, true));
        // A renewal whose answer took longer than it lasts.
        advance(Duration::from_secs(10)).await;
        leadership.extend(limits(0, 4));
        assert_eq!((*terms.borrow(), leadership.may_write()), (2, false));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_lease_nothing_is_written() {
        let leadership = Leadership::standby();
        assert!(!leadership.give_up());
        leadership.extend(limits(10, 14));
        assert!(leadership.give_up());
        assert!(!leadership.may_write());
    }
}
