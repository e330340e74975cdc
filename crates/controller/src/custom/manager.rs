//! Begins and ends watches of custom kinds as these come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::core::{ApiResource, PartialObjectMeta};
use kube::{Api, Client};
use kube_runtime::watcher;
use tagwatch_core::kinds::{CustomKind, CustomKinds, KindName};
use tagwatch_k8s::slim::CustomObject;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::discovery::Discovery;
use super::sink::{CustomSink, Target};
use super::states::{Place, State};
use crate::backoff::Backoff;
use crate::controller::Controller;
use crate::watch::{WatchStats, watch as keep_watch};

/// How often the API server is asked what it serves.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long after a refusal a watch is tried again: rights that somebody grants are used within a minute.
const RETRY_FORBIDDEN: Duration = Duration::from_secs(50);
/// How long the first evaluation waits for the first lists.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often in a row discovery must leave out a kind whose watch is in order: that of an API server which is starting
/// is not complete.
const ABSENCES: u32 = 2;

/// Watches custom kinds for ever.
pub(crate) async fn run(
    controller: Arc<Controller>,
    client: Client,
    config: watcher::Config,
    scopes: Vec<Option<String>>,
) -> &'static str {
    let wanted = controller.custom.wanted();
    let discovery = Discovery::new(client.clone());
    let watches =
        Watches { controller, client, config, scopes, running: BTreeMap::new(), tasks: JoinSet::new() };
    Manager {
        watches,
        discovery,
        wanted,
        absent: BTreeMap::new(),
        backoff: Backoff::new(),
        first_answer: None,
    }
    .run()
    .await;
    "custom kinds"
}

struct Manager {
    watches: Watches,
    discovery: Discovery,
    wanted: watch::Receiver<Arc<CustomKinds>>,
    /// How often in a row discovery has left out a kind that is watched.
    absent: BTreeMap<KindName, u32>,
    backoff: Backoff,
    first_answer: Option<Instant>,
}

impl Manager {
    /// Returns only when a watch panicked.
    async fn run(mut self) {
        let gone = Arc::new(Notify::new());
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = sleep_until(next) => next = self.ask(&gone).await,
                // The policy declares others. Fails only when the controller is gone.
                _ = self.wanted.changed() => next = Instant::now(),
                () = gone.notified() => next = Instant::now(),
                Some(ended) = self.watches.tasks.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        return;
                    }
                }
            }
        }
    }

    /// Asks what is served, and acts on it. Returns when to ask again.
    async fn ask(&mut self, gone: &Arc<Notify>) -> Instant {
        let wanted = Arc::clone(&self.wanted.borrow_and_update());
        let states = &self.watches.controller.custom;
        let pause = match self.discovery.ask(&wanted).await {
            Ok(()) => {
                self.backoff.reset();
                self.first_answer.get_or_insert_with(Instant::now);
                self.follow(&wanted, gone);
                INTERVAL
            }
            Err(error) => {
                let answered = error.code().is_some();
                let refused = error.code().is_some_and(|code| code < 500);
                tracing::warn!(%error, reason = error.category(), "cannot ask which custom kinds are served; trying again");
                if refused {
                    states.discovered();
                }
                self.backoff.after(answered)
            }
        };
        if self.first_answer.is_some_and(|first| first.elapsed() >= PATIENCE) {
            self.watches.controller.custom.give_up_waiting();
        }
        Instant::now() + pause
    }

    fn follow(&mut self, wanted: &CustomKinds, gone: &Arc<Notify>) {
        for kind in self.watches.kinds() {
            if wanted.get(&kind).is_none() {
                self.watches.end(&kind);
            }
        }
        for kind in wanted.iter() {
            match self.discovery.served().resource(kind) {
                Some(resource) => {
                    self.absent.remove(&kind.name);
                    self.watches.ensure(kind, &resource, gone);
                }
                None if self.is_gone(&kind.name) => {
                    self.absent.remove(&kind.name);
                    self.watches.end(&kind.name);
                }
                None => {}
            }
        }
        let served = self.discovery.served();
        let is_absent = |kind: &&Arc<CustomKind>| {
            served.resource(kind).is_none() && !served.is_uncertain(&kind.name.group)
        };
        let absent = wanted.iter().filter(is_absent).map(|kind| kind.name.clone()).collect();
        let controller = &self.watches.controller;
        if controller.custom.are_absent(absent) {
            controller.notify_policy_changed();
        }
        controller.custom.discovered();
    }

    /// Whether a kind that discovery left out is to be given up.
    fn is_gone(&mut self, kind: &KindName) -> bool {
        if !self.watches.is_running(kind) || self.discovery.served().is_uncertain(&kind.group) {
            return false;
        }
        let absences = self.absent.entry(kind.clone()).or_default();
        *absences += 1;
        *absences >= ABSENCES || self.watches.has_stopped(kind)
    }
}

/// A watch that somebody wants.
struct Running {
    target: Arc<Target>,
    /// Shared with its sink.
    wanted: Arc<AtomicBool>,
    /// The API server said that there is no such resource.
    stopped: Arc<AtomicBool>,
    task: AbortHandle,
}

struct Watches {
    controller: Arc<Controller>,
    client: Client,
    config: watcher::Config,
    scopes: Vec<Option<String>>,
    running: BTreeMap<Place, Running>,
    tasks: JoinSet<()>,
}

impl Watches {
    fn kinds(&self) -> Vec<KindName> {
        let mut kinds: Vec<KindName> = self.running.keys().map(|(kind, _)| kind.clone()).collect();
        kinds.dedup();
        kinds
    }

    fn of<'a>(&'a self, kind: &'a KindName) -> impl Iterator<Item = &'a Running> {
        self.running.iter().filter(move |((running, _), _)| running == kind).map(|(_, running)| running)
    }

    fn is_running(&self, kind: &KindName) -> bool {
        self.of(kind).next().is_some()
    }

    fn has_stopped(&self, kind: &KindName) -> bool {
        self.of(kind).all(|running| running.stopped.load(Ordering::Relaxed))
    }

    /// Sees to it that a kind is watched in this version. A watch of another one gives way; its objects stay until the
    /// new list is there.
    fn ensure(&mut self, kind: &Arc<CustomKind>, resource: &ApiResource, gone: &Arc<Notify>) {
        let paths = kind.templates(&resource.version).unwrap_or_default().to_vec();
        let target =
            Arc::new(Target { kind: Arc::clone(kind), api_version: resource.api_version.clone(), paths });
        for scope in self.scopes.clone() {
            let place: Place = (kind.name.clone(), scope);
            if self.running.get(&place).is_some_and(|running| running.target == target) {
                continue;
            }
            if let Some(before) = self.running.remove(&place) {
                self.cut_off(&before);
            }
            self.begin(place, &target, resource.clone(), Arc::clone(gone));
        }
    }

    fn begin(&mut self, place: Place, target: &Arc<Target>, resource: ApiResource, gone: Arc<Notify>) {
        let stopped = Arc::new(AtomicBool::new(false));
        let wanted = Arc::new(AtomicBool::new(true));
        let name = format!("{}.{}", resource.plural, resource.group);
        let watch = OneWatch {
            controller: Arc::clone(&self.controller),
            client: self.client.clone(),
            config: self.config.clone(),
            resource,
            target: Arc::clone(target),
            place: place.clone(),
            wanted: Arc::clone(&wanted),
            stopped: Arc::clone(&stopped),
            gone,
            stats: WatchStats::new(name, self.controller.metrics.clone()),
        };
        self.controller.mark_custom_kind(&place, Some(State::Listing));
        let task = self.tasks.spawn(watch.run());
        self.running.insert(place, Running { target: Arc::clone(target), wanted, stopped, task });
    }

    /// Ends the watches of a kind. Its objects leave the index, and everything is judged without them.
    fn end(&mut self, kind: &KindName) {
        let places: Vec<Place> =
            self.running.keys().filter(|(running, _)| running == kind).cloned().collect();
        for place in places {
            if let Some(running) = self.running.remove(&place) {
                self.cut_off(&running);
                forget(&self.controller, &place);
                self.controller.mark_custom_kind(&place, None);
                tracing::info!(%kind, "a custom kind is not watched any more");
            }
        }
    }

    fn cut_off(&self, running: &Running) {
        let index = self.controller.index.lock();
        running.wanted.store(false, Ordering::Relaxed);
        drop(index);
        running.task.abort();
    }
}

/// Takes the objects of a kind out of the index, and judges everything without them.
fn forget(controller: &Controller, (kind, scope): &Place) {
    let mut index = controller.index.lock();
    let affected = index.end_custom(kind, scope.as_deref());
    drop(index);
    controller.queue.now(affected);
    controller.queue.now(controller.everything());
}

/// One watch with all that it needs to begin again.
struct OneWatch {
    controller: Arc<Controller>,
    client: Client,
    config: watcher::Config,
    resource: ApiResource,
    target: Arc<Target>,
    place: Place,
    wanted: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    gone: Arc<Notify>,
    stats: WatchStats,
}

impl OneWatch {
    async fn run(self) {
        let mut told = false;
        loop {
            self.stopped.store(false, Ordering::Relaxed);
            self.watch_once().await;
            if !self.wanted.load(Ordering::Relaxed) {
                return;
            }
            if self.controller.custom.state(&self.place) == Some(State::Forbidden) {
                if !told {
                    told = true;
                    self.tell_forbidden();
                }
                forget(&self.controller, &self.place);
                sleep(RETRY_FORBIDDEN).await;
            } else {
                self.stopped.store(true, Ordering::Relaxed);
                self.gone.notify_one();
                sleep(INTERVAL).await;
            }
        }
    }

    async fn watch_once(&self) {
        let sink = CustomSink::new(
            Arc::clone(&self.controller),
            Arc::clone(&self.target),
            self.place.clone(),
            Arc::clone(&self.wanted),
        );
        let (config, stats) = (self.config.clone(), self.stats.clone());
        if self.target.paths.is_empty() {
            keep_watch(self.api::<PartialObjectMeta<CustomObject>>(), config, sink, stats).await;
        } else {
            keep_watch(self.api::<CustomObject>(), config, sink, stats).await;
        }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = kube::core::DynamicResourceScope>,
    {
        match &self.place.1 {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &self.resource),
            None => Api::all_with(self.client.clone(), &self.resource),
        }
    }

    fn tell_forbidden(&self) {
        tracing::warn!(
            kind = %self.place.0,
            resource = self.stats.resource(),
            "no right to list and watch a custom kind; its pods are judged as those of an owner that nobody reads, and \
             the right is looked for every minute. A ClusterRole with the label \
             tagwatch.dev/aggregate-to-controller: \"true\" grants it"
        );
    }
}
