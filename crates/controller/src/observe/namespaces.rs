//! The watch of namespaces: their labels and annotations count for what is in them.

use std::collections::BTreeSet;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_k8s::slim::SlimNamespace;

use super::Observer;
use super::rights::{OptionalRight, Refusals};
use super::stats::WatchStats;
use super::watch::{Flow, Sink, watch};
use crate::state::{Need, ReadyToken};

/// What the task and readiness are called.
pub(crate) const NAMESPACES: &str = "namespaces";

/// Watches all namespaces: they have no namespace to watch them in. An installation with rights in some namespaces only
/// cannot read namespaces themselves. Never returns.
pub(crate) async fn follow(client: Client, observer: Observer, ready: ReadyToken) {
    let (registry, metrics) = (&observer.watches, observer.metrics.clone());
    let stats = WatchStats::new(NAMESPACES, None, Need::Optional, registry, metrics);
    let mut right = OptionalRight::new(client.clone(), "", NAMESPACES, None);
    loop {
        let missing = |is_first| {
            observer.status.set_namespaces_forbidden(true);
            ready.mark_ready();
            if is_first {
                tracing::warn!(
                    "no right to list and watch namespaces: their labels and annotations do not count, nor do \
                     annotations that the policy allows by namespaceSelector"
                );
            }
        };
        right.granted(missing).await;
        let sink = NamespaceSink {
            observer: observer.clone(),
            ready: ready.clone(),
            listed: BTreeSet::new(),
            changed: BTreeSet::new(),
            refusals: right.refusals(),
        };
        watch(Api::<SlimNamespace>::all(client.clone()), watcher::Config::default(), sink, stats.clone())
            .await;
    }
}

struct NamespaceSink {
    observer: Observer,
    ready: ReadyToken,
    listed: BTreeSet<Box<str>>,
    /// Of these, those that are other ones for judging. Their workloads are looked for once, when the list is complete.
    changed: BTreeSet<Box<str>>,
    refusals: Refusals,
}

impl NamespaceSink {
    fn apply(&mut self, namespace: &SlimNamespace) {
        let is_changed = {
            let mut index = self.observer.index.lock();
            index.apply_namespace(namespace.name(), namespace.to_namespace())
        };
        if is_changed {
            self.changed.insert(namespace.name().into());
            self.observer.status.mark_changed();
        }
    }

    fn request_changed(&mut self) {
        self.observer.queue.request_namespaces(&std::mem::take(&mut self.changed));
    }
}

impl Sink<SlimNamespace> for NamespaceSink {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

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
                self.observer.status.mark_changed();
                self.ready.mark_ready();
            }
            Event::Apply(namespace) => {
                self.apply(&namespace);
                self.request_changed();
            }
            Event::Delete(namespace) => {
                self.observer.index.lock().delete_namespace(namespace.name());
                self.observer.status.mark_changed();
            }
        }
        Flow::Continue
    }

    /// What is known of namespaces is kept: labels change rarely.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        self.refusals.mark_failed(error)
    }
}
