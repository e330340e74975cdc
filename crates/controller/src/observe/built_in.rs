//! One watch for each built-in kind and each watched namespace (or for all namespaces at once).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kube::{Api, Client};
use kube_runtime::watcher;
use tagwatch_client::{api, object_api};
use tagwatch_core::kinds::{WorkloadKind, watched};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::SlimPod;

use super::Observer;
use super::objects::{ObjectSink, WatchProgress};
use super::pods::PodSink;
use super::stats::WatchStats;
use super::watch::watch;
use crate::state::{Need, Readiness, ReadyToken};

/// A watch by the plural name of its resource.
pub(crate) type NamedWatch = (&'static str, Pin<Box<dyn Future<Output = ()> + Send>>);

/// The watches of built-in kinds in one namespace, or in all.
pub(crate) fn watches(
    observer: &Observer,
    readiness: &Readiness,
    client: &Client,
    config: &watcher::Config,
    scope: Option<&str>,
) -> Vec<NamedWatch> {
    let start = |kind: &'static Arc<WorkloadKind>| -> NamedWatch {
        let (observer, config) = (observer.clone(), config.clone());
        let ready = readiness.expect(watch_name(kind, scope));
        let (registry, metrics) = (&observer.watches, observer.metrics.clone());
        let stats = WatchStats::new(kind.plural, scope, Need::Required, registry, metrics);
        let scope = scope.map(str::to_owned);
        if kind.is_pod() {
            let api: Api<SlimPod> = api(client, scope.as_deref());
            let sink = PodSink::new(observer, scope, ready);
            return (kind.plural, Box::pin(watch(api, config, sink, stats)));
        }
        let served = Arc::new(ServedKind::built_in(kind));
        let api = object_api(client, &served, scope.as_deref());
        let progress = Box::new(InitialList(ready));
        let sink = ObjectSink::new(observer, served, scope, Arc::new(AtomicBool::new(true)), progress);
        (kind.plural, Box::pin(watch(api, config, sink, stats)))
    };
    watched().map(start).collect()
}

/// What `/readyz` calls a watch.
fn watch_name(kind: &WorkloadKind, scope: Option<&str>) -> String {
    scope.map_or_else(|| kind.plural.to_owned(), |namespace| format!("{} in {namespace}", kind.plural))
}

/// Readiness waits for the list of a built-in kind.
struct InitialList(ReadyToken);

impl WatchProgress for InitialList {
    fn mark_listed(&mut self, _objects: usize, _is_new: bool) {
        self.0.mark_ready();
    }
}
