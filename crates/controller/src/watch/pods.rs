//! The watch of pods, which fills the compact index; no pod is kept.

use std::collections::HashSet;
use std::sync::Arc;

use kube_runtime::watcher::Event;
use tagwatch_k8s::slim::{SlimObject, SlimPod};

use super::{Flow, Sink};
use crate::controller::Controller;
use crate::index::place;
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

    fn apply(&self, pod: &SlimPod) {
        let mut index = self.controller.index.lock();
        let mut affected = index.apply_pod(pod);
        affected.extend(index.apply_pod_drift(pod, self.controller.clock.now()));
        drop(index);
        self.controller.queue.now(affected);
    }
}

impl Sink<SlimPod> for PodSink {
    fn event(&mut self, event: Event<SlimPod>) -> Flow {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                let (namespace, name) = place(SlimObject::metadata(&pod));
                self.listed.insert((namespace.into(), name.into()));
                self.apply(&pod);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let mut index = self.controller.index.lock();
                let mut affected = index.retain_pods(self.scope.as_deref(), &listed);
                affected.extend(index.retain_pods_drift(
                    self.scope.as_deref(),
                    &listed,
                    self.controller.clock.now(),
                ));
                drop(index);
                self.controller.queue.now(affected);
                self.ready.ready();
            }
            Event::Apply(pod) => self.apply(&pod),
            Event::Delete(pod) => {
                let mut index = self.controller.index.lock();
                let mut affected = index.delete_pod(&pod);
                affected.extend(index.delete_pod_drift(&pod, self.controller.clock.now()));
                drop(index);
                self.controller.queue.now(affected);
            }
        }
        Flow::Continue
    }
}
