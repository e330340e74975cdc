//! Reports that we removed because nothing wants them, and that another client made anew: most likely a second installation
//! with the same name, for which they are its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::is_older;
use crate::state::report_key::ReportKey;

/// How long a report that came back is left alone before it is removed once more: the other installation may be gone.
const REMOVAL_INTERVAL: Duration = Duration::from_hours(1);
/// How long after a removal it counts whether the report comes back. A restoration takes seconds, and a minute where writes
/// had failed.
const RETURN_LIMIT: Duration = Duration::from_mins(10);

/// What became of the reports that we removed.
#[derive(Debug, Default)]
pub(super) struct Removals {
    removed: HashMap<ReportKey, Removed>,
    /// Those that came back. Each is in `removed`, too.
    returned: BTreeSet<ReportKey>,
    /// Until when the reports of a namespace are left alone, since one of them came back.
    held: BTreeMap<Arc<str>, Instant>,
    /// One has come back since the last look.
    is_news: bool,
}

#[derive(Debug)]
struct Removed {
    at: Instant,
    /// The last version that is known of it: events of the time before the removal may come late.
    version: Option<String>,
}

impl Removals {
    pub(super) fn mark_removed(&mut self, key: &ReportKey, version: Option<String>, at: Instant) {
        self.removed.insert(key.clone(), Removed { at, version });
    }

    /// The API server holds a report that we did not write, with this version.
    pub(super) fn mark_present(&mut self, key: &ReportKey, version: &str) {
        let Some(removed) = self.removed.get(key) else { return };
        if is_older(version, removed.version.as_deref()) {
            return;
        }
        self.held.insert(Arc::clone(&key.namespace), removed.at + REMOVAL_INTERVAL);
        self.is_news |= self.returned.insert(key.clone());
    }

    /// We wrote the report: it is wanted.
    pub(super) fn forget(&mut self, key: &ReportKey) {
        self.removed.remove(key);
        self.returned.remove(key);
    }

    /// Allows the removal of a report. `Err` holds the time to wait where it came back.
    pub(super) fn try_remove(&self, key: &ReportKey, now: Instant) -> Result<(), Duration> {
        let removed = self.removed.get(key).filter(|_| self.returned.contains(key));
        let left = removed.map(|removed| REMOVAL_INTERVAL.saturating_sub(now.duration_since(removed.at)));
        left.filter(|left| !left.is_zero()).map_or(Ok(()), Err)
    }

    /// Whether a report of a namespace came back.
    pub(super) fn is_held(&self, namespace: &str, now: Instant) -> bool {
        self.held.get(namespace).is_some_and(|until| now < *until)
    }

    /// Those that came back, in order.
    pub(super) fn returned(&self) -> &BTreeSet<ReportKey> {
        &self.returned
    }

    /// Forgets removals that no client undid, and contests that have come to rest. Returns whether the reports that came back are
    /// others than before.
    pub(super) fn forget_old(&mut self, now: Instant, is_there: impl Fn(&ReportKey) -> bool) -> bool {
        let Self { removed, returned, held, is_news } = self;
        held.retain(|_, until| now < *until);
        removed.retain(|key, removed| {
            now.duration_since(removed.at) < RETURN_LIMIT || returned.contains(key) && is_there(key)
        });
        let before = returned.len();
        returned.retain(|key| removed.contains_key(key));
        std::mem::take(is_news) || returned.len() < before
    }
}
