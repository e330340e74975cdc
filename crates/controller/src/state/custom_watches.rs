//! What is wanted of custom kinds, and how far it has come: shared by the watches and the status of the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGaugeVec;
use tagwatch_core::kinds::{CustomWorkload, KindName, Kinds};
use tokio::sync::watch;

use super::readiness::ReadyToken;
use super::status_tracker::StatusTracker;

/// A kind in one watched namespace, or in all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WatchScope {
    pub(crate) kind: KindName,
    pub(crate) namespace: Option<String>,
}

/// How far a watch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchState {
    /// It has begun, and nothing is known yet.
    Listing,
    /// The API server does not answer as it should.
    Failing,
    /// We have no right to list or to watch.
    Forbidden,
    /// The watch has listed all objects and follows their changes.
    Watching,
}

#[derive(Debug, Default)]
struct States {
    /// Discovery has answered, or refused to.
    discovered: bool,
    /// What the policy declares.
    declared: BTreeSet<KindName>,
    /// What is wanted and was not served when discovery last knew.
    absent: BTreeSet<KindName>,
    watches: BTreeMap<WatchScope, WatchState>,
}

/// The wanted kinds, and the states of their watches.
pub(crate) struct CustomWatches {
    wanted: watch::Sender<Arc<Kinds>>,
    states: Mutex<States>,
    gauge: IntGaugeVec,
    ready: ReadyToken,
    status: Arc<StatusTracker>,
}

impl CustomWatches {
    /// The kinds of the table are wanted from the start. Changes that the policy's status names wake `status`.
    pub(crate) fn new(ready: ReadyToken, gauge: IntGaugeVec, status: Arc<StatusTracker>) -> Self {
        let wanted = watch::Sender::new(Arc::new(Kinds::default()));
        let watches = Self { wanted, states: Mutex::default(), gauge, ready, status };
        watches.publish(&States::default());
        watches
    }

    /// Takes over what a policy declares, in addition to the table: watches begin and end within seconds.
    pub(crate) fn declare(&self, workloads: &[CustomWorkload]) {
        let wanted = Kinds::new(workloads);
        self.states.lock().declared = workloads
            .iter()
            .map(|workload| KindName::new(workload.group.as_str(), workload.kind.as_str()))
            .collect();
        self.wanted.send_if_modified(|current| {
            let changed = **current != wanted;
            *current = Arc::new(wanted);
            changed
        });
    }

    /// The wanted kinds, with a notification of each change.
    pub(crate) fn wanted(&self) -> watch::Receiver<Arc<Kinds>> {
        self.wanted.subscribe()
    }

    /// The kinds that are wanted and served, and that we have no right to read, as `Kind.group`.
    pub(crate) fn forbidden(&self) -> BTreeSet<String> {
        let states = self.states.lock();
        let forbidden = states.watches.iter().filter(|(_, state)| **state == WatchState::Forbidden);
        // A watch ends some seconds after its definition is gone, and until then it is refused in whatever way.
        let forbidden = forbidden.filter(|(scope, _)| !states.absent.contains(&scope.kind));
        forbidden.map(|(scope, _)| scope.kind.to_string()).collect()
    }

    /// Discovery leaves these out.
    pub(crate) fn set_absent(&self, kinds: BTreeSet<KindName>) {
        let before = self.unserved();
        self.states.lock().absent = kinds;
        if before != self.unserved() {
            self.status.notify();
        }
    }

    /// The kinds that the policy declares and that the API server does not serve in a version that is declared, as
    /// `Kind.group`.
    pub(crate) fn unserved(&self) -> BTreeSet<String> {
        let states = self.states.lock();
        states.declared.intersection(&states.absent).map(ToString::to_string).collect()
    }

    /// A watch has come this far; `None` is its end.
    pub(crate) fn set(&self, scope: &WatchScope, state: Option<WatchState>) {
        let mut states = self.states.lock();
        let before = match state {
            Some(state) => states.watches.insert(scope.clone(), state),
            None => states.watches.remove(scope),
        };
        self.publish(&states);
        drop(states);
        if before != state {
            self.status.notify();
        }
    }

    /// How far a watch has come.
    pub(crate) fn state(&self, scope: &WatchScope) -> Option<WatchState> {
        self.states.lock().watches.get(scope).copied()
    }

    /// Discovery has answered, and the watches of what is served have begun.
    pub(crate) fn mark_discovered(&self) {
        let mut states = self.states.lock();
        states.discovered = true;
        self.publish(&states);
    }

    /// Custom kinds are waited for no longer.
    pub(crate) fn give_up_waiting(&self) {
        self.ready.mark_ready();
    }

    fn publish(&self, states: &States) {
        for (label, state) in [("watching", WatchState::Watching), ("forbidden", WatchState::Forbidden)] {
            let watches = states.watches.iter().filter(|(_, found)| **found == state);
            let kinds: BTreeSet<&KindName> = watches.map(|(scope, _)| &scope.kind).collect();
            self.gauge.with_label_values(&[label]).set(i64::try_from(kinds.len()).unwrap_or(i64::MAX));
        }
        if states.discovered && !states.watches.values().any(|state| *state == WatchState::Listing) {
            self.ready.mark_ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Readiness;
    use crate::state::metrics::{ControllerMetrics, Metrics};

    const CUSTOM_KINDS: &str = "custom kinds";

    fn watches() -> (CustomWatches, Readiness) {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let readiness = Readiness::default();
        let ready = readiness.expect(CUSTOM_KINDS);
        (CustomWatches::new(ready, metrics.custom_kinds, Arc::default()), readiness)
    }

    fn scope_of(kind: &str, namespace: Option<&str>) -> WatchScope {
        WatchScope { kind: KindName::new("argoproj.io", kind), namespace: namespace.map(str::to_owned) }
    }

    #[test]
    fn readiness_waits_for_lists_and_not_for_rights() {
        let (watches, readiness) = watches();
        let waits = || readiness.missing().iter().any(|reason| reason.ends_with(CUSTOM_KINDS));
        watches.set(&scope_of("Rollout", None), Some(WatchState::Listing));
        watches.set(&scope_of("Experiment", None), Some(WatchState::Listing));
        watches.mark_discovered();
        assert!(waits());
        watches.set(&scope_of("Rollout", None), Some(WatchState::Watching));
        assert!(waits());
        watches.set(&scope_of("Experiment", None), Some(WatchState::Forbidden));
        assert!(!waits());
    }

    #[test]
    fn nothing_served_is_nothing_to_wait_for() {
        let (watches, readiness) = watches();
        watches.mark_discovered();
        assert_eq!(readiness.missing(), ["workloads are being evaluated for the first time"]);
    }

    #[test]
    fn a_kind_counts_once_however_many_namespaces_are_watched() {
        let (watches, _) = watches();
        let count = |state: &str| watches.gauge.with_label_values(&[state]).get();
        watches.set(&scope_of("Rollout", Some("shop")), Some(WatchState::Watching));
        watches.set(&scope_of("Rollout", Some("mail")), Some(WatchState::Watching));
        watches.set(&scope_of("Experiment", Some("shop")), Some(WatchState::Forbidden));
        assert_eq!((count("watching"), count("forbidden")), (1, 1));
        assert_eq!(watches.forbidden(), BTreeSet::from(["Experiment.argoproj.io".to_owned()]));
        let version = watches.status.version();
        watches.set(&scope_of("Experiment", Some("shop")), None);
        assert_eq!(watches.status.version(), version + 1);
        assert_eq!(count("forbidden"), 0);
    }

    #[test]
    fn what_is_declared_and_not_served_is_named() {
        let (watches, _) = watches();
        let name = |kind: &str| KindName::new("example.com", kind);
        let declared = CustomWorkload {
            group: "example.com".to_owned(),
            version: "v1".to_owned(),
            kind: "Shwo".to_owned(),
            template_path: "spec.template".to_owned(),
        };
        watches.declare(&[declared]);
        assert_eq!(watches.unserved(), BTreeSet::new(), "discovery has not answered yet");
        let rollout = KindName::new("argoproj.io", "Rollout");
        let version = watches.status.version();
        watches.set_absent([name("Shwo"), rollout].into());
        assert_eq!(watches.status.version(), version + 1, "the table's own may be absent");
        assert_eq!(watches.unserved(), ["Shwo.example.com".to_owned()].into());
        watches.set_absent([name("Shwo")].into());
        assert_eq!(watches.status.version(), version + 1, "the declared kinds that are absent stay the same");
        watches.declare(&[]);
        assert_eq!(watches.unserved(), BTreeSet::new());
    }

    #[test]
    fn only_another_declaration_is_a_change() {
        let (watches, _) = watches();
        let mut wanted = watches.wanted();
        let declared = CustomWorkload {
            group: "example.com".to_owned(),
            version: "v1".to_owned(),
            kind: "Show".to_owned(),
            template_path: "spec.template".to_owned(),
        };
        watches.declare(&[]);
        assert!(!wanted.has_changed().unwrap());
        watches.declare(std::slice::from_ref(&declared));
        assert!(wanted.borrow_and_update().get(&KindName::new("example.com", "Show")).is_some());
        watches.declare(&[declared]);
        assert!(!wanted.has_changed().unwrap());
    }
}
