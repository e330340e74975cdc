//! One watch for each kind and each watched namespace (or for all namespaces at once).

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::ReplicationController;
use kube::{Api, Client, Resource};
use kube_runtime::reflector::store::{Writer, store};
use kube_runtime::watcher;
use serde::de::DeserializeOwned;
use tagwatch_k8s::kind::{TemplateKind, WatchedKind};
use tagwatch_k8s::slim::SlimWorkload;

use super::{PodSink, Sink, WatchStats, WorkloadSink, watch};
use crate::controller::Controller;
use crate::metrics::ControllerMetrics;
use crate::readiness::{Readiness, ReadyToken};
use crate::stores::Stores;
use crate::tasks::Tasks;

/// Makes the watches of one namespace, or of all, and the stores that they fill.
pub(crate) fn feeds(scope: Option<&str>, stores: &mut Stores, readiness: &Readiness) -> Vec<Box<dyn Feed>> {
    let ready = |kind| readiness.expect(watch_name(kind, scope));
    let scope = || scope.map(str::to_owned);
    vec![
        workload_feed::<Deployment>(stores, scope(), &ready),
        workload_feed::<StatefulSet>(stores, scope(), &ready),
        workload_feed::<DaemonSet>(stores, scope(), &ready),
        workload_feed::<ReplicaSet>(stores, scope(), &ready),
        workload_feed::<ReplicationController>(stores, scope(), &ready),
        workload_feed::<Job>(stores, scope(), &ready),
        workload_feed::<CronJob>(stores, scope(), &ready),
        Box::new(PodFeed { scope: scope(), ready: ready(WatchedKind::Pod) }),
    ]
}

/// A watch to be spawned.
pub(crate) trait Feed: Send {
    fn spawn(
        self: Box<Self>,
        tasks: &mut Tasks,
        controller: &Arc<Controller>,
        client: &Client,
        config: watcher::Config,
    );
}

/// The name of a watch in `/readyz`.
fn watch_name(kind: WatchedKind, scope: Option<&str>) -> String {
    scope.map_or_else(|| kind.plural().to_owned(), |namespace| format!("{} in {namespace}", kind.plural()))
}

struct WorkloadFeed<K: TemplateKind> {
    scope: Option<String>,
    ready: ReadyToken,
    writer: Writer<SlimWorkload<K>>,
}

fn workload_feed<K: TemplateKind>(
    stores: &mut Stores,
    scope: Option<String>,
    ready: &impl Fn(WatchedKind) -> ReadyToken,
) -> Box<dyn Feed> {
    let (reader, writer) = store::<SlimWorkload<K>>();
    stores.add(K::WATCHED, Box::new(reader));
    Box::new(WorkloadFeed { scope, ready: ready(K::WATCHED), writer })
}

impl<K: TemplateKind> Feed for WorkloadFeed<K> {
    fn spawn(
        self: Box<Self>,
        tasks: &mut Tasks,
        controller: &Arc<Controller>,
        client: &Client,
        config: watcher::Config,
    ) {
        let Self { scope, ready, writer } = *self;
        let api = api(client, scope.as_deref());
        let sink = WorkloadSink::new(Arc::clone(controller), scope, ready, writer);
        spawn_watch(tasks, K::WATCHED, api, config, sink, &controller.metrics);
    }
}

struct PodFeed {
    scope: Option<String>,
    ready: ReadyToken,
}

impl Feed for PodFeed {
    fn spawn(
        self: Box<Self>,
        tasks: &mut Tasks,
        controller: &Arc<Controller>,
        client: &Client,
        config: watcher::Config,
    ) {
        let Self { scope, ready } = *self;
        let api = api(client, scope.as_deref());
        let sink = PodSink::new(Arc::clone(controller), scope, ready);
        spawn_watch(tasks, WatchedKind::Pod, api, config, sink, &controller.metrics);
    }
}

fn spawn_watch<K, S>(
    tasks: &mut Tasks,
    kind: WatchedKind,
    api: Api<K>,
    config: watcher::Config,
    sink: S,
    metrics: &ControllerMetrics,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    S: Sink<K> + Send + 'static,
{
    let stats = WatchStats::new(kind.plural(), metrics.clone());
    tasks.spawn(kind.plural(), watch(api, config, sink, stats));
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
