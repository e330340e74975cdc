//! The watch of pods, which fills the compact index; no pod is kept.

use std::collections::HashSet;
use std::sync::Arc;

use kube_runtime::watcher::Event;
use tagwatch_index::Index;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimPod;

use super::{Flow, Sink};
use crate::controller::Controller;
use crate::readiness::ReadyToken;

/// Feeds the pod index from one watch.
pub(crate) struct PodSink {
    controller: Arc<Controller>,
    scope: Option<String>,
    ready: ReadyToken,
    listed: HashSet<(Arc<str>, Box<str>)>,
}

impl PodSink {
    pub(crate) fn new(controller: Arc<Controller>, scope: Option<String>, ready: ReadyToken) -> Self {
        Self { controller, scope, ready, listed: HashSet::new() }
    }

    fn change<A: IntoIterator<Item = WorkloadKey>>(&self, act: impl FnOnce(&mut Index) -> A) {
        let affected = act(&mut self.controller.index.lock());
        self.controller.queue.now(affected);
    }
}

impl Sink<SlimPod> for PodSink {
    fn event(&mut self, event: Event<SlimPod>) -> Flow {
        let now = self.controller.clock.now();
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                let (namespace, name) = pod.place();
                self.listed.insert((namespace.into(), name.into()));
                self.change(|index| index.apply_pod(&pod, now));
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.change(|index| index.retain_pods(self.scope.as_deref(), &listed, now));
                self.ready.ready();
            }
            Event::Apply(pod) => self.change(|index| index.apply_pod(&pod, now)),
            Event::Delete(pod) => self.change(|index| index.delete_pod(&pod, now)),
        }
        Flow::Continue
    }
}
