//! One watch for each built-in kind and each watched namespace (or for all namespaces at once).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use kube_runtime::watcher;
use tagwatch_core::kinds::{WorkloadKind, watched};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimPod, WireObject};

use super::{ObjectSink, PodSink, WatchProgress, WatchStats, watch};
use crate::controller::Controller;
use crate::readiness::ReadyToken;
use crate::tasks::Tasks;

/// Spawns the watches of built-in kinds in one namespace, or in all.
pub(crate) fn spawn(
    tasks: &mut Tasks,
    controller: &Arc<Controller>,
    client: &Client,
    config: &watcher::Config,
    scope: Option<&str>,
) {
    for kind in watched() {
        let (controller, config) = (Arc::clone(controller), config.clone());
        let ready = controller.readiness.expect(watch_name(kind, scope));
        let stats = WatchStats::new(kind.plural, controller.metrics.clone());
        let scope = scope.map(str::to_owned);
        if kind.is_pod() {
            let api: Api<SlimPod> = api(client, scope.as_deref());
            let sink = PodSink::new(controller, scope, ready);
            tasks.spawn(kind.plural, watch(api, config, sink, stats));
        } else {
            let served = Arc::new(ServedKind::built_in(kind));
            let api = object_api(client, &served, scope.as_deref());
            let progress = Box::new(InitialList(ready));
            let sink = ObjectSink::new(controller, served, scope, Arc::new(AtomicBool::new(true)), progress);
            tasks.spawn(kind.plural, watch(api, config, sink, stats));
        }
    }
}

/// What `/readyz` calls a watch.
fn watch_name(kind: &WorkloadKind, scope: Option<&str>) -> String {
    scope.map_or_else(|| kind.plural.to_owned(), |namespace| format!("{} in {namespace}", kind.plural))
}

/// Readiness waits for the list of a built-in kind.
struct InitialList(ReadyToken);

impl WatchProgress for InitialList {
    fn listed(&mut self, _objects: usize, _is_new: bool) {
        self.0.ready();
    }
}

/// The objects of one namespace, or of all.
pub(crate) fn api<K>(client: &Client, scope: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scope {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// The objects of a watched kind in one namespace, or in all.
pub(crate) fn object_api(client: &Client, served: &ServedKind, scope: Option<&str>) -> Api<WireObject> {
    match scope {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &served.resource),
        None => Api::all_with(client.clone(), &served.resource),
    }
}
