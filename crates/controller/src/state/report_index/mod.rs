//! What the API server holds of the reports of tagwatch, as far as is known: ours, which of them others changed, and
//! those that are not ours.

mod removals;
mod strays;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tagwatch_k8s::report::{ReportOwner, StoredReport};
use tokio::time::Instant;

use crate::state::report_key::ReportKey;
use removals::Removals;
pub(crate) use strays::Strays;

/// How long after a restoration the same report is left alone, so that two writers do not fight without a pause.
const RESTORE_INTERVAL: Duration = Duration::from_secs(10);

/// Our reports, kept up to date by our own writes and by a metadata watch.
#[derive(Debug, Default)]
pub(crate) struct ReportIndex {
    entries: HashMap<ReportKey, Entry>,
    /// Reports that another client changed or removed, and that are not evaluated since.
    foreign: HashSet<ReportKey>,
    restored: HashMap<ReportKey, Instant>,
    /// Reports that another client changed again soon after a restoration.
    contested: BTreeSet<ReportKey>,
    removals: Removals,
    in_flight: HashMap<ReportKey, Option<WatchedChange>>,
    ready: BTreeSet<Option<String>>,
    strays: Strays,
}

#[derive(Debug)]
struct Entry {
    /// `None` for a report that the watch alone has shown.
    stored: Option<Arc<StoredReport>>,
    /// Another client wrote it since it was read: its body is no longer known.
    stale: bool,
}

impl Entry {
    fn version(&self) -> Option<&str> {
        self.stored.as_ref()?.resource_version()
    }
}

/// What the watch showed of a report while a write of ours was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum WatchedChange {
    Version(String),
    /// The report was deleted; this is its last resource version.
    Deleted(String),
    /// It was not in a complete list.
    Unlisted,
}

/// What is known before a write.
#[derive(Debug)]
pub(crate) enum Known {
    /// The API server holds no report of this name.
    Absent,
    /// A report with a body that we know.
    Fresh(Arc<StoredReport>),
    /// A report that has to be read again first; this is what it was.
    Stale(Arc<StoredReport>),
    /// A report that has to be read first, such as one that another replica made.
    Unread,
}

impl ReportIndex {
    /// Takes over a complete list of one watched namespace, or of all.
    pub(crate) fn apply_list(&mut self, scope: Option<&str>, reports: Vec<StoredReport>) {
        self.entries.retain(|key, _| !in_scope(key, scope));
        self.strays.retain(|key| !in_scope(key, scope));
        for stored in reports {
            let key = key_of(&stored);
            self.strays.set(&key, stored.owner().clone());
            self.removals.mark_present(&key, stored.resource_version().unwrap_or_default());
            self.entries.insert(key, Entry { stored: Some(Arc::new(stored)), stale: false });
        }
        self.ready.insert(scope.map(str::to_owned));
    }

    /// The report API went away, and the reports with it.
    pub(crate) fn mark_lost(&mut self, scope: Option<&str>) {
        self.ready.remove(&scope.map(str::to_owned));
        self.entries.retain(|key, _| !in_scope(key, scope));
        self.foreign.retain(|key| !in_scope(key, scope));
        self.strays.retain(|key| !in_scope(key, scope));
    }

    /// The watch shows whose a report is; `None` when it is deleted. Returns whether that is news of a stray.
    pub(crate) fn mark_owner(&mut self, key: &ReportKey, owner: Option<ReportOwner>) -> bool {
        match owner {
            Some(owner) => self.strays.set(key, owner),
            None => self.strays.remove(key),
        }
    }

    /// Reports with the label of tagwatch that are not ours.
    pub(crate) fn strays(&self) -> &Strays {
        &self.strays
    }

    /// Whether reports of a namespace can be written: the API is there and what it holds is known.
    pub(crate) fn is_ready(&self, namespace: &str) -> bool {
        self.ready.contains(&None) || self.ready.contains(&Some(namespace.to_owned()))
    }

    pub(crate) fn known(&self, key: &ReportKey) -> Known {
        match self.entries.get(key) {
            None => Known::Absent,
            Some(Entry { stored: None, .. }) => Known::Unread,
            Some(Entry { stored: Some(stored), stale: true }) => Known::Stale(Arc::clone(stored)),
            Some(Entry { stored: Some(stored), stale: false }) => Known::Fresh(Arc::clone(stored)),
        }
    }

    /// The key as it is held already, so that a report has one.
    pub(crate) fn shared(&self, key: ReportKey) -> ReportKey {
        self.entries.get_key_value(&key).map(|(known, _)| known.clone()).unwrap_or(key)
    }

    /// Names of all known reports of ours, in order.
    pub(crate) fn ours(&self) -> BTreeSet<ReportKey> {
        // What was not read has our label, and is a stray unless it names our instance.
        let ours = self.entries.iter().filter(|(key, entry)| match &entry.stored {
            Some(stored) => stored.is_ours(),
            None => !self.strays.contains(key),
        });
        ours.map(|(key, _)| key.clone()).collect()
    }

    /// A write of ours begins: what the watch shows of the report from now on may be its echo.
    pub(crate) fn begin(&mut self, key: &ReportKey) {
        self.in_flight.insert(key.clone(), None);
    }

    /// A write of ours ended with this report stored (`None`: with none). Returns whether another client changed
    /// the report after it.
    pub(crate) fn finish(&mut self, key: &ReportKey, stored: Option<StoredReport>) -> bool {
        let seen = self.in_flight.remove(key).flatten();
        match stored {
            Some(stored) => {
                self.entries.insert(key.clone(), Entry { stored: Some(Arc::new(stored)), stale: false })
            }
            None => self.entries.remove(key),
        };
        match seen {
            Some(WatchedChange::Version(version)) => self.mark_changed(key, &version),
            Some(WatchedChange::Deleted(version)) => self.mark_deleted(key, &version),
            Some(WatchedChange::Unlisted) => self.mark_unlisted(key),
            None => false,
        }
    }

    /// A write of ours failed, and may have been carried out: the report is read before the next write.
    pub(crate) fn mark_uncertain(&mut self, key: &ReportKey) {
        let seen = self.in_flight.remove(key).flatten();
        if let Some(entry) = self.entries.get_mut(key) {
            entry.stale = true;
        } else if let Some(WatchedChange::Version(_)) = seen {
            // It was made, and the watch showed that while its answer was waited for.
            self.entries.insert(key.clone(), Entry { stored: None, stale: true });
        }
    }

    /// The watch shows a report with this version. Returns whether another client did it.
    pub(crate) fn mark_changed(&mut self, key: &ReportKey, version: &str) -> bool {
        if let Some(seen) = self.in_flight.get_mut(key) {
            *seen = Some(WatchedChange::Version(version.to_owned()));
            return false;
        }
        match self.entries.get_mut(key) {
            Some(entry) if is_older(version, entry.version()) => return false,
            Some(entry) => entry.stale = true,
            // A report with our label that we did not write.
            None => {
                self.entries.insert(key.clone(), Entry { stored: None, stale: true });
                self.removals.mark_present(key, version);
            }
        }
        self.foreign.insert(key.clone());
        true
    }

    /// The watch shows that a report went at this version. Returns whether another client did it.
    pub(crate) fn mark_deleted(&mut self, key: &ReportKey, version: &str) -> bool {
        if let Some(seen) = self.in_flight.get_mut(key) {
            *seen = Some(WatchedChange::Deleted(version.to_owned()));
            return false;
        }
        match self.entries.get(key) {
            None => return false,
            // An earlier report of that name, which we have made anew since.
            Some(entry) if is_older(version, entry.version()) => return false,
            Some(_) => self.entries.remove(key),
        };
        self.foreign.insert(key.clone());
        true
    }

    /// Every known report of the scope that a complete list did not name is to be read again: it may be gone. The list
    /// may as well be older than a write of ours, since a watch begins with what the API server's cache holds.
    pub(crate) fn retain(&mut self, scope: Option<&str>, listed: &HashSet<ReportKey>) -> BTreeSet<ReportKey> {
        // Those, too, that a write of ours is about to make known.
        let mut missing: BTreeSet<_> = self.entries.keys().chain(self.in_flight.keys()).cloned().collect();
        missing.retain(|key| in_scope(key, scope) && !listed.contains(key));
        self.strays.retain(|key| !in_scope(key, scope) || listed.contains(key));
        missing.retain(|key| self.mark_unlisted(key));
        missing
    }

    fn mark_unlisted(&mut self, key: &ReportKey) -> bool {
        if let Some(seen) = self.in_flight.get_mut(key) {
            // What the watch shows of our write counts for more.
            seen.get_or_insert(WatchedChange::Unlisted);
            return false;
        }
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.stale = true;
        self.foreign.insert(key.clone());
        true
    }

    /// Allows the restoration of a report that another client changed: at once the first time, and then once in ten seconds.
    /// `Err` holds the time to wait.
    pub(crate) fn try_restore(&mut self, key: &ReportKey, now: Instant) -> Result<(), Duration> {
        if !self.foreign.contains(key) {
            return Ok(());
        }
        if let Some(last) = self.restored.get(key) {
            let since = now.duration_since(*last);
            if since < RESTORE_INTERVAL {
                self.contested.insert(key.clone());
                return Err(RESTORE_INTERVAL.saturating_sub(since));
            }
        }
        self.foreign.remove(key);
        self.restored.insert(key.clone(), now);
        Ok(())
    }

    /// Allows the removal of a report that nothing wants: at once the first time, and where another client made it anew,
    /// once in an hour. `Err` holds the time to wait.
    pub(crate) fn try_remove(&self, key: &ReportKey, now: Instant) -> Result<(), Duration> {
        self.removals.try_remove(key, now)
    }

    /// We removed a report of this version, since nothing wants it.
    pub(crate) fn mark_removed(&mut self, key: &ReportKey, version: Option<String>, now: Instant) {
        self.removals.mark_removed(key, version, now);
    }

    /// The report is wanted, and stored.
    pub(crate) fn mark_wanted(&mut self, key: &ReportKey) {
        self.removals.forget(key);
    }

    /// Reports that nothing wants here, and that another client made anew after we had removed them.
    pub(crate) fn returned(&self) -> &BTreeSet<ReportKey> {
        self.removals.returned()
    }

    /// Whether another client made a report of a namespace anew within the last hour, after we had removed it.
    pub(crate) fn is_removal_contested(&self, namespace: &str, now: Instant) -> bool {
        self.removals.is_held(namespace, now)
    }

    /// This replica leads now: what was written before is the work of the leader before it, and no contest.
    pub(crate) fn begin_term(&mut self) {
        self.removals = Removals::default();
        self.foreign.clear();
        self.restored.clear();
        self.contested.clear();
    }

    /// The report is as it is wanted, whatever another client did.
    pub(crate) fn mark_settled(&mut self, key: &ReportKey) {
        self.foreign.remove(key);
    }

    /// Reports that another client keeps changing.
    pub(crate) fn contested(&self) -> &BTreeSet<ReportKey> {
        &self.contested
    }

    /// Forgets restorations that no longer limit anything, and contests that have come to rest. Returns whether any has, or a
    /// report that we removed came back.
    pub(crate) fn forget_old(&mut self, now: Instant) -> bool {
        self.restored.retain(|_, last| now.duration_since(*last) < RESTORE_INTERVAL);
        let before = self.contested.len();
        self.contested.retain(|key| self.restored.contains_key(key) || self.foreign.contains(key));
        let has_changed = self.removals.forget_old(now, |key| self.entries.contains_key(key));
        has_changed || self.contested.len() < before
    }
}

fn in_scope(key: &ReportKey, scope: Option<&str>) -> bool {
    scope.is_none_or(|only| *only == *key.namespace)
}

fn key_of(stored: &StoredReport) -> ReportKey {
    ReportKey { namespace: Arc::clone(stored.namespace()), name: Arc::clone(stored.name()) }
}

/// Whether a watch event shows a version that is not newer than the one we hold. Resource versions are
/// comparable as numbers (KEP-5504); what is no number counts as newer, and costs one read.
fn is_older(version: &str, held: Option<&str>) -> bool {
    let Some(held) = held else { return false };
    match (version.parse::<u128>(), held.parse::<u128>()) {
        (Ok(version), Ok(held)) => version <= held,
        _ => version == held,
    }
}

#[cfg(test)]
mod tests;
