//! The watch of namespaces: their labels and annotations count for what is in them.

use std::collections::BTreeSet;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_k8s::slim::SlimNamespace;

use super::Observer;
use super::stats::{WatchStats, refusal_code};
use super::watch::{Flow, Sink, watch};
use crate::state::ReadyToken;

/// What the task and readiness are called.
pub(crate) const NAMESPACES: &str = "namespaces";

/// Watches all namespaces: they have no namespace to watch them in. Never returns.
pub(crate) async fn follow(client: Client, observer: Observer, ready: ReadyToken) {
    let stats = WatchStats::new(NAMESPACES, observer.metrics.clone());
    let sink = NamespaceSink { observer, ready, listed: BTreeSet::new(), changed: BTreeSet::new() };
    watch(Api::<SlimNamespace>::all(client), watcher::Config::default(), sink, stats).await;
}

struct NamespaceSink {
    observer: Observer,
    ready: ReadyToken,
    listed: BTreeSet<Box<str>>,
    /// Of these, those that are other ones for judging. Their workloads are looked for once, when the list is complete.
    changed: BTreeSet<Box<str>>,
}

impl NamespaceSink {
    fn apply(&mut self, namespace: &SlimNamespace) {
        let mut index = self.observer.index.lock();
        if index.apply_namespace(namespace.name(), namespace.to_namespace()) {
            self.changed.insert(namespace.name().into());
        }
    }

    fn request_changed(&mut self) {
        self.observer.queue.request_namespaces(&std::mem::take(&mut self.changed));
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
                self.observer.index.lock().retain_namespaces(&listed);
                self.request_changed();
                self.observer.status.set_namespaces_forbidden(false);
                self.ready.ready();
            }
            Event::Apply(namespace) => {
                self.apply(&namespace);
                self.request_changed();
            }
            Event::Delete(namespace) => self.observer.index.lock().delete_namespace(namespace.name()),
        }
        Flow::Continue
    }

    /// An installation with rights in some namespaces only cannot read namespaces themselves.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(403) {
            self.observer.status.set_namespaces_forbidden(true);
            self.ready.ready();
        }
        Flow::Continue
    }
}
