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
pub(crate) struct MissingControllers {
    controllers: HashMap<WorkloadKey, Missing>,
    /// Of pods and objects that name another controller than a missing one since: when the grace time of that began, in Unix
    /// seconds. It goes on with the next missing one: who may write an owner reference could begin it anew for ever.
    moved: HashMap<WorkloadKey, u32>,
}

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
        self.controllers.is_empty()
    }

    /// Whether none is missing, and none was of anything that is there.
    pub(crate) fn is_unused(&self) -> bool {
        self.is_empty() && self.moved.is_empty()
    }

    /// Whether what names it is reported on its own.
    pub(crate) fn is_given_up(&self, key: &WorkloadKey) -> bool {
        !self.is_empty() && self.controllers.get(key) == Some(&Missing::GivenUp)
    }

    /// It is still missing. Returns the rest of its grace time in seconds; at zero it is given up.
    pub(crate) fn mark_missing(&mut self, key: &WorkloadKey, now: u32) -> u32 {
        let state = self.controllers.entry(key.clone()).or_insert(Missing::Since(now));
        let Missing::Since(since) = *state else { return 0 };
        let left = ORPHAN_GRACE.saturating_sub(now.saturating_sub(since));
        if left == 0 {
            *state = Missing::GivenUp;
        }
        left
    }

    /// A pod or an object misses this controller no more, if that is missing.
    pub(crate) fn leave(&mut self, dependent: &WorkloadKey, missed: &WorkloadKey) {
        let since = match self.controllers.get(missed) {
            Some(Missing::Since(since)) => *since,
            Some(Missing::GivenUp) => 0,
            None => return,
        };
        let first = self.moved.entry(dependent.clone()).or_insert(since);
        *first = since.min(*first);
    }

    /// It misses this one: the grace time of an earlier one goes on.
    pub(crate) fn join(&mut self, dependent: &WorkloadKey, missed: &WorkloadKey) {
        let Some(since) = self.moved.get(dependent).copied() else { return };
        match self.controllers.entry(missed.clone()).or_insert(Missing::Since(since)) {
            Missing::Since(other) => *other = since.min(*other),
            Missing::GivenUp => {}
        }
    }

    /// It is there, or nothing names it any more. Returns whether it was given up.
    pub(crate) fn remove(&mut self, key: &WorkloadKey) -> bool {
        self.controllers.remove(key) == Some(Missing::GivenUp)
    }

    /// Those of a kind.
    pub(crate) fn of_kind(&self, kind: &KindName) -> BTreeSet<WorkloadKey> {
        let of_kind = self.controllers.keys().filter(|key| key.is_of(&kind.group, &kind.kind));
        of_kind.cloned().collect()
    }

    /// Forgets those that nothing names any more, and what pods and objects that are gone have named.
    pub(crate) fn retain(
        &mut self,
        is_named: impl Fn(&WorkloadKey) -> bool,
        is_there: impl Fn(&WorkloadKey) -> bool,
    ) {
        self.controllers.retain(|key, state| *state != Missing::GivenUp || is_named(key));
        self.moved.retain(|key, _| is_there(key));
    }
}
