//! The watch of namespaces: their labels and annotations count for what is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_k8s::slim::SlimNamespace;
use tokio::task::JoinSet;

use super::{Flow, Sink, WatchStats, watch};
use crate::controller::Controller;

/// What [`crate::health::Health`] calls this watch.
pub(crate) const NAMESPACES: &str = "namespaces";

/// Watches all namespaces: they have no namespace to watch them in.
pub(crate) fn spawn(tasks: &mut JoinSet<&'static str>, controller: &Arc<Controller>, client: &Client) {
    let api: Api<SlimNamespace> = Api::all(client.clone());
    let sink = NamespaceSink { controller: Arc::clone(controller), listed: BTreeSet::new() };
    let stats = WatchStats::new(NAMESPACES, controller.metrics.clone());
    tasks.spawn(async move {
        watch(api, watcher::Config::default(), sink, stats).await;
        NAMESPACES
    });
}

struct NamespaceSink {
    controller: Arc<Controller>,
    listed: BTreeSet<Box<str>>,
}

impl NamespaceSink {
    fn apply(&self, namespace: &SlimNamespace) {
        let is_new = {
            let mut index = self.controller.index.lock();
            index.namespaces.apply(namespace.name(), namespace.to_namespace())
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
                self.controller.index.lock().namespaces.retain(&listed);
                self.controller.set_namespaces_readable(true);
                self.controller.health.in_sync(NAMESPACES);
            }
            Event::Apply(namespace) => self.apply(&namespace),
            Event::Delete(namespace) => self.controller.index.lock().namespaces.delete(namespace.name()),
        }
        Flow::Continue
    }

    /// Whoever runs tagwatch with rights in some namespaces only cannot let it look at namespaces themselves.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if let watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) = error
            && status.code == 403
        {
            self.controller.set_namespaces_readable(false);
            self.controller.health.in_sync(NAMESPACES);
        }
        Flow::Continue
    }
}
