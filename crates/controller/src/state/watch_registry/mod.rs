//! What is known of each watch: whether it follows the cluster, and when it last showed something. And whose turn it is to
//! list a whole kind.

mod collector;

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::status_tracker::StatusTracker;
pub(crate) use collector::WatchCollector;

/// Whole kinds that are listed at the same time, where the API server does not stream them: each holds a page of objects.
const LISTS: usize = 1;
/// How long a list waits for its turn. One that is not answered holds up the others no longer than this.
const TURN_LIMIT: Duration = Duration::from_secs(10);
/// How long a watch may go on failing before it counts: a restart of the API server takes less.
const FAILURE_GRACE: Duration = Duration::from_secs(30);
/// A watch that has not failed for this long is back. kube-runtime does not show that a watch goes on where it had
/// stopped, and one that fails is tried again at least this often: a list has a minute, and the pause behind it 5 s.
const SETTLED_AFTER: Duration = Duration::from_secs(90);
/// The same of a watch that is refused: the API server answers at once, so the next try follows the pause.
const REFUSED_SETTLED_AFTER: Duration = Duration::from_secs(15);

/// The same where an object cannot be decoded: its kind is read anew at least every five minutes.
const UNDECODABLE_SETTLED_AFTER: Duration = Duration::from_mins(10);

/// Every watch that runs. Clones share it.
#[derive(Clone)]
pub(crate) struct WatchRegistry {
    lists: Arc<Semaphore>,
    watches: Arc<Mutex<Watches>>,
    status: Arc<StatusTracker>,
}

#[derive(Default)]
struct Watches {
    running: Vec<Weak<Watch>>,
    /// What the last review found.
    failing: BTreeSet<FailingWatch>,
}

/// Whether tagwatch can do its work without a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Without it, changes of workloads or of reports are missed.
    Required,
    /// Its owner reports that it is missing.
    Optional,
}

/// A watch that fails.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FailingWatch {
    /// The plural name of its resource.
    pub(crate) resource: Arc<str>,
    /// The namespace, where it is one of several.
    pub(crate) scope: Option<String>,
    /// The category of the last failure.
    pub(crate) reason: &'static str,
    kind: FailureKind,
    is_required: bool,
}

/// What the failure of a watch says of the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureKind {
    /// It may work: an API server that is away, or an expired watch.
    Passing,
    /// The API server answers, and refuses: waiting does not help.
    Refused,
    /// An object cannot be decoded. The others are followed.
    Undecodable,
}

impl FailureKind {
    /// A watch that has not failed for this long is back.
    fn settled_after(self) -> Duration {
        match self {
            Self::Passing => SETTLED_AFTER,
            Self::Refused => REFUSED_SETTLED_AFTER,
            Self::Undecodable => UNDECODABLE_SETTLED_AFTER,
        }
    }
}

impl FailingWatch {
    /// The resource, with the namespace where it is one of several.
    pub(crate) fn name(&self) -> String {
        match &self.scope {
            Some(namespace) => format!("{} in {namespace}", self.resource),
            None => self.resource.to_string(),
        }
    }
}

/// One watch; its entry ends with it.
#[derive(Debug)]
pub(crate) struct Watch {
    resource: Arc<str>,
    scope: Option<String>,
    need: Need,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// It is wanted, and there is the right to it.
    is_running: bool,
    last_event: Instant,
    failing: Option<Failing>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since: Instant,
    last: Instant,
    reason: &'static str,
    kind: FailureKind,
}

impl WatchRegistry {
    pub(crate) fn new(status: Arc<StatusTracker>) -> Self {
        Self { lists: Arc::new(Semaphore::new(LISTS)), watches: Arc::default(), status }
    }

    /// Enters a watch of a resource in one namespace, or in all.
    pub(crate) fn begin(&self, resource: &Arc<str>, scope: Option<&str>, need: Need) -> Arc<Watch> {
        let state = State { is_running: false, last_event: Instant::now(), failing: None };
        let watch = Watch {
            resource: Arc::clone(resource),
            scope: scope.map(str::to_owned),
            need,
            state: Mutex::new(state),
        };
        let watch = Arc::new(watch);
        self.watches.lock().running.push(Arc::downgrade(&watch));
        watch
    }

    /// Waits for the turn to list a whole kind, which lasts until the permit is dropped. `None` when that took too long.
    pub(crate) async fn list_turn(&self) -> Option<OwnedSemaphorePermit> {
        // Closed it never is.
        timeout(TURN_LIMIT, Arc::clone(&self.lists).acquire_owned()).await.ok()?.ok()
    }

    /// Looks which watches fail, for the status of the policy.
    pub(crate) fn review(&self) {
        let failing: BTreeSet<FailingWatch> =
            self.running().iter().filter_map(|watch| watch.failing()).collect();
        let mut watches = self.watches.lock();
        if watches.failing != failing {
            watches.failing = failing;
            drop(watches);
            self.status.notify();
        }
    }

    /// The watches that failed at the last review.
    pub(crate) fn failing(&self) -> BTreeSet<FailingWatch> {
        self.watches.lock().failing.clone()
    }

    /// Why the cluster is not followed, for `/readyz`: the API server answers, and refuses what is needed.
    pub(crate) fn refused(&self) -> Vec<String> {
        let failing = self.running().into_iter().filter_map(|watch| watch.failing());
        failing
            .filter(|watch| watch.kind == FailureKind::Refused && watch.is_required)
            .map(|watch| format!("the watch of {} is refused: {}", watch.name(), watch.reason))
            .collect()
    }

    fn running(&self) -> Vec<Arc<Watch>> {
        let mut watches = self.watches.lock();
        watches.running.retain(|watch| watch.strong_count() > 0);
        watches.running.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Watch {
    /// The watch has shown something.
    pub(crate) fn mark_event(&self) {
        self.state.lock().last_event = Instant::now();
    }

    /// It begins, or begins again.
    pub(crate) fn mark_running(&self) {
        self.state.lock().is_running = true;
    }

    /// It follows the cluster.
    pub(crate) fn mark_settled(&self) {
        self.state.lock().failing = None;
    }

    /// It is not wanted for now, or there is no right to it.
    pub(crate) fn mark_ended(&self) {
        let mut state = self.state.lock();
        state.is_running = false;
        state.failing = None;
    }

    /// It failed, and will be tried again.
    pub(crate) fn mark_failed(&self, reason: &'static str, kind: FailureKind) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let settled_after = kind.settled_after().max(SETTLED_AFTER);
        let before = state.failing.filter(|failing| now.duration_since(failing.last) < settled_after);
        // A server that is starting refuses what it did not answer before.
        let since = before.filter(|before| before.kind == kind).map_or(now, |before| before.since);
        state.failing = Some(Failing { since, last: now, reason, kind });
    }

    fn failing(&self) -> Option<FailingWatch> {
        let Failing { since, last, reason, kind } = self.state.lock().failing?;
        if last.duration_since(since) < FAILURE_GRACE || last.elapsed() >= kind.settled_after() {
            return None;
        }
        Some(FailingWatch {
            resource: Arc::clone(&self.resource),
            scope: self.scope.clone(),
            reason,
            kind,
            is_required: self.need == Need::Required,
        })
    }
}

#[cfg(test)]
mod tests;
