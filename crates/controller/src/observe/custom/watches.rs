//! The watches of custom kinds that run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::Client;
use kube::core::ApiResource;
use kube_runtime::watcher;
use tagwatch_client::object_api;
use tagwatch_core::kinds::{KindName, WorkloadKind};
use tagwatch_k8s::served::ServedKind;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::sleep;

use super::progress::CustomProgress;
use crate::observe::Observer;
use crate::observe::objects::ObjectSink;
use crate::observe::rights::{OptionalRight, Refusals};
use crate::observe::stats::WatchStats;
use crate::observe::watch::watch;
use crate::state::{CustomWatches, Need, WatchScope, WatchState};

/// How often the API server is asked what it serves.
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

/// A watch that is wanted.
struct Running {
    served: Arc<ServedKind>,
    /// Shared with its sink.
    wanted: Arc<AtomicBool>,
    /// The API server said that there is no such resource.
    stopped: Arc<AtomicBool>,
    task: AbortHandle,
}

pub(super) struct Watches {
    observer: Observer,
    pub(super) custom: Arc<CustomWatches>,
    client: Client,
    config: watcher::Config,
    scopes: Vec<Option<String>>,
    running: BTreeMap<WatchScope, Running>,
    tasks: JoinSet<()>,
}

impl Watches {
    pub(super) fn new(
        observer: Observer,
        custom: Arc<CustomWatches>,
        client: Client,
        config: watcher::Config,
        scopes: Vec<Option<String>>,
    ) -> Self {
        Self { observer, custom, client, config, scopes, running: BTreeMap::new(), tasks: JoinSet::new() }
    }

    /// Waits for the end of a watch; `None` while there is none.
    pub(super) async fn join_next(&mut self) -> Option<Result<(), JoinError>> {
        self.tasks.join_next().await
    }

    pub(super) fn kinds(&self) -> Vec<KindName> {
        let mut kinds: Vec<KindName> = self.running.keys().map(|scope| scope.kind.clone()).collect();
        kinds.dedup();
        kinds
    }

    fn of<'a>(&'a self, kind: &'a KindName) -> impl Iterator<Item = &'a Running> {
        self.running.iter().filter(move |(scope, _)| scope.kind == *kind).map(|(_, running)| running)
    }

    pub(super) fn is_running(&self, kind: &KindName) -> bool {
        self.of(kind).next().is_some()
    }

    pub(super) fn has_stopped(&self, kind: &KindName) -> bool {
        self.of(kind).all(|running| running.stopped.load(Ordering::Relaxed))
    }

    /// Watches a kind in this version, if it does not yet. A watch of another one gives way; its objects stay until the
    /// new list is there.
    pub(super) fn ensure(&mut self, kind: &Arc<WorkloadKind>, resource: &ApiResource, gone: &Arc<Notify>) {
        let served = Arc::new(ServedKind::new(Arc::clone(kind), resource.clone()));
        for namespace in self.scopes.clone() {
            let scope = WatchScope { kind: kind.name.clone(), namespace };
            if self.running.get(&scope).is_some_and(|running| running.served == served) {
                continue;
            }
            if let Some(before) = self.running.remove(&scope) {
                self.cut_off(&before);
            }
            self.begin(scope, &served, Arc::clone(gone));
        }
    }

    fn begin(&mut self, scope: WatchScope, served: &Arc<ServedKind>, gone: Arc<Notify>) {
        let stopped = Arc::new(AtomicBool::new(false));
        let wanted = Arc::new(AtomicBool::new(true));
        let watch = OneWatch {
            observer: self.observer.clone(),
            custom: Arc::clone(&self.custom),
            client: self.client.clone(),
            config: self.config.clone(),
            served: Arc::clone(served),
            scope: scope.clone(),
            wanted: Arc::clone(&wanted),
            stopped: Arc::clone(&stopped),
            gone,
            stats: WatchStats::new(
                served.watch_name(),
                scope.namespace.as_deref(),
                Need::Optional,
                &self.observer.watches,
                self.observer.metrics.clone(),
            ),
        };
        self.custom.set(&scope, Some(WatchState::Listing));
        let task = self.tasks.spawn(watch.run());
        self.running.insert(scope, Running { served: Arc::clone(served), wanted, stopped, task });
    }

    /// Ends the watches of a kind. Its objects leave the index, and everything is judged without them.
    pub(super) fn end(&mut self, kind: &KindName) {
        let scopes: Vec<WatchScope> =
            self.running.keys().filter(|scope| scope.kind == *kind).cloned().collect();
        for scope in scopes {
            if let Some(running) = self.running.remove(&scope) {
                self.cut_off(&running);
                forget(&self.observer, &scope);
                self.custom.set(&scope, None);
                tracing::info!(%kind, "a custom kind is not watched any more");
            }
        }
    }

    fn cut_off(&self, running: &Running) {
        let index = self.observer.index.lock();
        running.wanted.store(false, Ordering::Relaxed);
        drop(index);
        running.task.abort();
    }
}

/// Takes the objects of a kind out of the index, and judges everything without them. A kind of which nothing was read
/// changes nothing.
fn forget(observer: &Observer, scope: &WatchScope) {
    let (kind, namespace) = (&scope.kind, scope.namespace.as_deref());
    let mut index = observer.index.lock();
    if !observer.stores.remove(kind, namespace) {
        return;
    }
    let affected = index.end_kind(kind, namespace);
    drop(index);
    observer.queue.request(affected);
    observer.queue.request_all();
}

/// One watch with all that it needs to begin again.
struct OneWatch {
    observer: Observer,
    custom: Arc<CustomWatches>,
    client: Client,
    config: watcher::Config,
    served: Arc<ServedKind>,
    scope: WatchScope,
    wanted: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    gone: Arc<Notify>,
    stats: WatchStats,
}

impl OneWatch {
    async fn run(self) {
        let resource = &self.served.resource;
        let mut right = OptionalRight::new(
            self.client.clone(),
            &resource.group,
            &resource.plural,
            self.scope.namespace.as_deref(),
        );
        loop {
            self.stopped.store(false, Ordering::Relaxed);
            right.granted(|is_first| self.note_forbidden(is_first)).await;
            self.watch_once(right.refusals()).await;
            if !self.wanted.load(Ordering::Relaxed) {
                return;
            }
            if self.custom.state(&self.scope) == Some(WatchState::Forbidden) {
                forget(&self.observer, &self.scope);
            } else {
                self.stopped.store(true, Ordering::Relaxed);
                self.gone.notify_one();
                sleep(INTERVAL).await;
            }
        }
    }

    /// The right is missing. Nothing was read by it, or what was read is forgotten already.
    fn note_forbidden(&self, is_first: bool) {
        self.custom.set(&self.scope, Some(WatchState::Forbidden));
        if is_first {
            self.log_forbidden();
        }
    }

    async fn watch_once(&self, refusals: Refusals) {
        let served = Arc::clone(&self.served);
        let scope = self.scope.namespace.clone();
        let api = object_api(&self.client, &served, scope.as_deref());
        let (custom, watched) = (Arc::clone(&self.custom), Arc::clone(&served));
        let progress = CustomProgress::new(custom, watched, self.scope.clone(), refusals);
        let sink = ObjectSink::new(
            self.observer.clone(),
            served,
            scope,
            Arc::clone(&self.wanted),
            Box::new(progress),
        );
        watch(api, self.config.clone(), sink, self.stats.clone()).await;
    }

    fn log_forbidden(&self) {
        tracing::warn!(
            kind = %self.scope.kind,
            resource = self.stats.resource(),
            "no right to list and watch a custom kind; its pods are judged as those of an owner without a watch, and \
             a right that is granted is used within ten minutes. A ClusterRole with the label \
             tagwatch.dev/aggregate-to-controller: \"true\" grants it"
        );
    }
}
