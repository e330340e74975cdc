//! What is known of each watch: whether it follows the cluster, and when it last showed something. And whose turn it is to
//! list a whole kind.

mod collector;
mod units;

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::readiness::ReadyToken;
use super::status_tracker::StatusTracker;
pub(crate) use collector::WatchCollector;
use units::{Changes, Unit, Units};

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
    units: Units,
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
    /// There is no right to it, and it is not tried before there is.
    Forbidden,
    /// An object cannot be decoded. The others are followed.
    Undecodable,
}

impl FailureKind {
    /// Whether the API server says no each time that it is asked.
    fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::Forbidden)
    }

    /// A watch that has not failed for this long is back.
    fn settled_after(self) -> Duration {
        match self {
            Self::Passing => SETTLED_AFTER,
            Self::Refused => REFUSED_SETTLED_AFTER,
            Self::Forbidden => Duration::MAX,
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
    /// Its initial state is known, or not waited for.
    is_listed: bool,
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
        let state = State { is_running: false, is_listed: false, last_event: Instant::now(), failing: None };
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

    /// From now on each of these namespaces is a unit: what happens in one changes nothing in the others. `any` is ready
    /// when the first one is followed. For two namespaces or more.
    pub(crate) fn divide(&self, namespaces: impl IntoIterator<Item = String>, any: ReadyToken) {
        self.watches.lock().units = Units::new(namespaces, any);
    }

    /// Whether what is known of a namespace is worth judging: no watch of it is refused, and each has listed its kind.
    pub(crate) fn is_followed(&self, namespace: &str) -> bool {
        self.watches.lock().units.is_followed(namespace)
    }

    /// The initial state of a watch is known, or not waited for.
    pub(crate) fn mark_listed(&self, watch: &Watch) {
        watch.state.lock().is_listed = true;
        self.update_units();
    }

    /// There is no right to a watch, and it is not tried before there is.
    pub(crate) fn mark_forbidden(&self, watch: &Watch, reason: &'static str) {
        watch.mark_forbidden(reason);
        self.update_units();
    }

    fn update_units(&self) {
        let running = self.running();
        self.watches.lock().units.update(&running);
    }

    /// Looks which watches fail, for the status of the policy. Returns the namespaces that are followed now and were not
    /// before: nothing in them was evaluated meanwhile.
    pub(crate) fn review(&self) -> BTreeSet<Box<str>> {
        let running = self.running();
        let failing: BTreeSet<FailingWatch> = running.iter().filter_map(|watch| watch.failing()).collect();
        let mut watches = self.watches.lock();
        watches.units.update(&running);
        let Changes { lost, mut begun, found } = watches.units.take_changes();
        let is_changed = watches.failing != failing;
        if is_changed {
            watches.failing = failing;
        }
        drop(watches);
        for namespace in lost {
            tracing::warn!(
                %namespace,
                "the API server refuses to let tagwatch watch this namespace, or it is gone: its workloads are not judged, \
                 and their reports stay as they are"
            );
        }
        for namespace in &found {
            tracing::info!(%namespace, "this namespace is watched again");
        }
        if is_changed {
            self.status.notify();
        }
        begun.extend(found);
        begun
    }

    /// The namespaces whose watches are refused, and that are left out.
    pub(crate) fn lost(&self) -> Vec<Box<str>> {
        self.watches.lock().units.lost()
    }

    /// The watches that failed at the last review.
    pub(crate) fn failing(&self) -> BTreeSet<FailingWatch> {
        self.watches.lock().failing.clone()
    }

    /// Why the cluster is not followed, for `/readyz`: the API server answers, and refuses what is needed. A namespace that
    /// is one of several is not needed while another one is followed.
    pub(crate) fn refused(&self) -> Vec<String> {
        if self.watches.lock().units.is_any_followed() {
            return Vec::new();
        }
        let failing = self.running().into_iter().filter_map(|watch| watch.failing());
        failing
            .filter(|watch| watch.kind.is_refusal() && watch.is_required)
            .map(|watch| format!("the watch of {} is refused: {}", watch.name(), watch.reason))
            .collect()
    }

    /// Whether the cluster is known as it is: no watch that is needed is behind it, but for those of namespaces that are left
    /// out. An object that cannot be decoded is one that is not known; the others of its kind are.
    pub(crate) fn is_current(&self) -> bool {
        let running = self.running();
        let leaves_out = self.watches.lock().units.is_any_followed();
        running.iter().filter_map(|watch| watch.failing()).all(|watch| {
            !watch.is_required
                || watch.kind == FailureKind::Undecodable
                || leaves_out && watch.kind.is_refusal()
        })
    }

    fn running(&self) -> Vec<Arc<Watch>> {
        let mut watches = self.watches.lock();
        watches.running.retain(|watch| watch.strong_count() > 0);
        watches.running.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Watch {
    /// The namespace, where it is one of several.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

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

    /// It has ended, and is wanted.
    fn mark_forbidden(&self, reason: &'static str) {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.is_running = true;
        state.failing = Some(Failing { since: now, last: now, reason, kind: FailureKind::Forbidden });
    }

    /// Whether it says that its namespace cannot be judged: `None` where it says nothing, `Some(true)` where it is refused.
    fn blocks(&self) -> Option<bool> {
        if self.need != Need::Required {
            return None;
        }
        let is_refused = self.failing().is_some_and(|failing| failing.kind.is_refusal());
        let is_listed = self.state.lock().is_listed;
        (is_refused || !is_listed).then_some(is_refused)
    }

    fn failing(&self) -> Option<FailingWatch> {
        let Failing { since, last, reason, kind } = self.state.lock().failing?;
        let is_brief = kind != FailureKind::Forbidden && last.duration_since(since) < FAILURE_GRACE;
        if is_brief || last.elapsed() >= kind.settled_after() {
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
