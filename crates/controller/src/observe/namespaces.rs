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
    let sink = NamespaceSink { observer, ready, listed: BTreeSet::new() };
    watch(Api::<SlimNamespace>::all(client), watcher::Config::default(), sink, stats).await;
}

struct NamespaceSink {
    observer: Observer,
    ready: ReadyToken,
    listed: BTreeSet<Box<str>>,
}

impl NamespaceSink {
    fn apply(&self, namespace: &SlimNamespace) {
        let is_new = {
            let mut index = self.observer.index.lock();
            index.apply_namespace(namespace.name(), namespace.to_namespace())
        };
        if is_new {
            self.observer.queue.request_namespace(namespace.name());
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
                self.observer.index.lock().retain_namespaces(&listed);
                self.observer.status.set_namespaces_forbidden(false);
                self.ready.ready();
            }
            Event::Apply(namespace) => self.apply(&namespace),
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
