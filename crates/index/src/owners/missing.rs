//! Controllers that objects and pods name, and that are not there.
//!
//! A watch may lag behind another one, and garbage collection needs its time with what depends on a deleted object. What
//! still names a missing controller after a grace time stays: the garbage collector leaves it alone where it cannot look the
//! owner up, for example in a version that is not served. From then on it is reported on its own.

use std::collections::{BTreeSet, HashMap};

use tagwatch_core::kinds::KindName;
use tagwatch_k8s::key::WorkloadKey;

/// How long a controller may be missing before what names it is reported on its own, in seconds.
pub(crate) const ORPHAN_GRACE: u32 = 30;

/// The missing controllers that something names.
#[derive(Debug, Default)]
pub(crate) struct MissingControllers(HashMap<WorkloadKey, Missing>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Since this time, in Unix seconds.
    Since(u32),
    /// For longer than the grace time.
    GivenUp,
}

impl MissingControllers {
    /// Whether no controller is missing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what names it is reported on its own.
    pub(crate) fn is_given_up(&self, key: &WorkloadKey) -> bool {
        !self.is_empty() && self.0.get(key) == Some(&Missing::GivenUp)
    }

    /// It is still missing. Returns the rest of its grace time in seconds; at zero it is given up.
    pub(crate) fn mark_missing(&mut self, key: &WorkloadKey, now: u32) -> u32 {
        let state = self.0.entry(key.clone()).or_insert(Missing::Since(now));
        let Missing::Since(since) = *state else { return 0 };
        let left = ORPHAN_GRACE.saturating_sub(now.saturating_sub(since));
        if left == 0 {
            *state = Missing::GivenUp;
        }
        left
    }

    /// Whether it is known to be missing.
    pub(crate) fn contains(&self, key: &WorkloadKey) -> bool {
        self.0.contains_key(key)
    }

    /// What was missing this controller misses another one: the older grace time goes on. Who may write an owner reference could
    /// begin it anew for ever.
    pub(crate) fn inherit(&mut self, before: &WorkloadKey, missed: &WorkloadKey) {
        let Some(known) = self.0.get(before).filter(|_| before != missed) else { return };
        let since = match *known {
            Missing::Since(since) => since,
            Missing::GivenUp => 0,
        };
        match self.0.entry(missed.clone()).or_insert(Missing::Since(since)) {
            Missing::Since(other) => *other = since.min(*other),
            Missing::GivenUp => {}
        }
    }

    /// It is there, or nothing names it any more. Returns whether it was given up.
    pub(crate) fn remove(&mut self, key: &WorkloadKey) -> bool {
        self.0.remove(key) == Some(Missing::GivenUp)
    }

    /// Those of a kind.
    pub(crate) fn of_kind(&self, kind: &KindName) -> BTreeSet<WorkloadKey> {
        let of_kind = self.0.keys().filter(|key| key.is_of(&kind.group, &kind.kind));
        of_kind.cloned().collect()
    }

    /// Forgets those that nothing names any more.
    pub(crate) fn retain(&mut self, is_named: impl Fn(&WorkloadKey) -> bool) {
        self.0.retain(|key, state| *state != Missing::GivenUp || is_named(key));
    }
}
