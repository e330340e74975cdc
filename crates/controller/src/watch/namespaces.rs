//! The watch of namespaces: their labels and annotations count for what is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_k8s::slim::SlimNamespace;

use super::{Flow, Sink, WatchStats, refusal_code, watch};
use crate::controller::Controller;
use crate::readiness::ReadyToken;
use crate::tasks::Tasks;

const NAMESPACES: &str = "namespaces";

/// Watches all namespaces: they have no namespace to watch them in.
pub(crate) fn spawn(tasks: &mut Tasks, controller: &Arc<Controller>, client: &Client) {
    let api: Api<SlimNamespace> = Api::all(client.clone());
    let ready = controller.readiness.expect(NAMESPACES);
    let sink = NamespaceSink { controller: Arc::clone(controller), ready, listed: BTreeSet::new() };
    let stats = WatchStats::new(NAMESPACES, controller.metrics.clone());
    tasks.spawn(NAMESPACES, watch(api, watcher::Config::default(), sink, stats));
}

struct NamespaceSink {
    controller: Arc<Controller>,
    ready: ReadyToken,
    listed: BTreeSet<Box<str>>,
}

impl NamespaceSink {
    fn apply(&self, namespace: &SlimNamespace) {
        let is_new = {
            let mut index = self.controller.index.lock();
            index.apply_namespace(namespace.name(), namespace.to_namespace())
        };
        if is_new {
            self.controller.rejudge_namespace(namespace.name());
        }
    }
}

impl Sink<SlimNamespace> for NamespaceSink {
    fn event(&mut self, event: Event<SlimNamespace>) -> Flow {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(namespace) => {
                self.listed.insert(namespace.name().into());
                self.apply(&namespace);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.controller.index.lock().retain_namespaces(&listed);
                self.controller.set_namespaces_readable(true);
                self.ready.ready();
            }
            Event::Apply(namespace) => self.apply(&namespace),
            Event::Delete(namespace) => self.controller.index.lock().delete_namespace(namespace.name()),
        }
        Flow::Continue
    }

    /// An installation with rights in some namespaces only cannot read namespaces themselves.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(403) {
            self.controller.set_namespaces_readable(false);
            self.ready.ready();
        }
        Flow::Continue
    }
}
