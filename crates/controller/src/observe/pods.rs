//! The watch of pods, which fills the compact index; no pod is kept.

use std::collections::HashSet;
use std::sync::Arc;

use kube_runtime::watcher::{self, Event};
use tagwatch_index::{Index, PodFacts, WorkloadKey};
use tagwatch_k8s::slim::SlimPod;

use super::Observer;
use super::rights::Refusals;
use super::watch::{Flow, Sink};
use crate::state::ReadyToken;

/// Feeds the pod index from one watch.
pub(super) struct PodSink {
    observer: Observer,
    scope: Option<String>,
    ready: ReadyToken,
    listed: HashSet<(Arc<str>, Box<str>)>,
    refusals: Refusals,
}

impl PodSink {
    pub(super) fn new(observer: Observer, scope: Option<String>, ready: ReadyToken) -> Self {
        Self { observer, scope, ready, listed: HashSet::new(), refusals: Refusals::default() }
    }

    fn change<A: IntoIterator<Item = WorkloadKey>>(&self, act: impl FnOnce(&mut Index) -> A) {
        let affected = act(&mut self.observer.index.lock());
        self.observer.queue.request(affected);
    }
}

impl Sink<SlimPod> for PodSink {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn event(&mut self, event: Event<SlimPod>) -> Flow {
        let now = self.observer.clock.now();
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                let (namespace, name) = pod.place();
                self.listed.insert((namespace.into(), name.into()));
                let facts = PodFacts::from(&pod);
                self.change(|index| index.apply_pod(facts, now));
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.change(|index| index.retain_pods(self.scope.as_deref(), &listed, now));
                self.ready.mark_ready();
            }
            Event::Apply(pod) => {
                let facts = PodFacts::from(&pod);
                self.change(|index| index.apply_pod(facts, now));
            }
            Event::Delete(pod) => self.change(|index| index.delete_pod(&pod, now)),
        }
        Flow::Continue
    }

    /// Ends without its right.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        self.refusals.mark_failed(error)
    }
}
