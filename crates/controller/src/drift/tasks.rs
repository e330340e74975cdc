//! The tasks of drift: the watch of nodes, proofs to and from their store, and what time alone changes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_core::rules;
use tagwatch_k8s::slim::SlimNode;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::store;
use crate::controller::Controller;
use crate::watch::{Flow, Sink, WatchStats, watch};

/// What [`crate::health::Health`] calls the watch of nodes.
const NODES: &str = "nodes";
/// And the stored proofs.
pub(super) const PROOFS: &str = "proofs that tags moved";
/// How long until a watch of nodes is tried again that was refused, or is not wanted.
const RETRY: Duration = Duration::from_secs(30);
/// How often it is looked whether anything else is proven.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
/// How often proofs are looked at that may be over.
const EXPIRE_INTERVAL: Duration = Duration::from_mins(10);

/// What the first evaluation waits for.
pub(crate) fn wait_names() -> [String; 2] {
    [NODES.to_owned(), PROOFS.to_owned()]
}

/// Spawns the tasks; `namespace` is our own, where proofs are stored.
pub(crate) fn spawn(
    tasks: &mut JoinSet<&'static str>,
    controller: &Arc<Controller>,
    client: &Client,
    namespace: Option<String>,
) {
    let following = follow_nodes(client.clone(), Arc::clone(controller));
    tasks.spawn(async move {
        following.await;
        "nodes"
    });
    let keeping = store::keep(client.clone(), Arc::clone(controller), namespace);
    tasks.spawn(async move {
        keeping.await;
        "proofs"
    });
    let passing = follow_time(Arc::clone(controller));
    tasks.spawn(async move {
        passing.await;
        "drift"
    });
}

/// Judges by what the initial state of the cluster proves. To be called before the first evaluation, which would
/// else write reports twice.
pub(crate) fn settle(controller: &Controller) {
    publish(controller);
}

/// Tells the engine and the metrics what is proven.
pub(super) fn publish(controller: &Controller) {
    let (proven, likely) = controller.index.lock().drift.moved_references();
    controller.metrics.drift.set_moved(proven.len(), likely);
    if controller.engine.set_proven(proven) {
        controller.rejudge();
    }
}

async fn follow_time(controller: Arc<Controller>) {
    let (mut publishing, mut expiring) = (interval(PUBLISH_INTERVAL), interval(EXPIRE_INTERVAL));
    publishing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = 0;
    controller.health.synced().await;
    loop {
        tokio::select! {
            _ = publishing.tick() => {
                let version = controller.index.lock().drift.version();
                if version != seen {
                    seen = version;
                    publish(&controller);
                }
            }
            _ = expiring.tick() => {
                let affected = controller.index.lock().expire_drift(controller.clock.now());
                controller.queue.now(affected);
            }
        }
    }
}

/// Watches nodes for as long as anybody judges drift and we may.
async fn follow_nodes(client: Client, controller: Arc<Controller>) {
    let stats = WatchStats::new(NODES, controller.metrics.clone());
    let mut is_told = false;
    loop {
        if is_on(&controller) {
            let sink = NodeSink { controller: Arc::clone(&controller), listed: HashSet::new(), is_told };
            watch(Api::<SlimNode>::all(client.clone()), watcher::Config::default(), sink, stats.clone())
                .await;
            is_told = true;
        }
        controller.health.in_sync(NODES);
        controller.metrics.drift.nodes_available.set(0);
        sleep(RETRY).await;
    }
}

fn is_on(controller: &Controller) -> bool {
    controller.engine.current().policy().uses(rules::Policy::ImageDrift)
}

/// Feeds the drift index from the watch of nodes.
struct NodeSink {
    controller: Arc<Controller>,
    listed: HashSet<Box<str>>,
    /// The refusal was logged.
    is_told: bool,
}

impl Sink<SlimNode> for NodeSink {
    fn event(&mut self, event: Event<SlimNode>) -> Flow {
        let now = self.controller.clock.now();
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(node) => {
                self.listed.insert(node.name().into());
                let affected = self.controller.index.lock().see_node(&node, now);
                self.controller.queue.now(affected);
            }
            Event::Apply(node) => {
                let affected = self.controller.index.lock().apply_node(&node, now);
                self.controller.queue.now(affected);
            }
            Event::Delete(node) => self.controller.index.lock().delete_node(&node),
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let affected = self.controller.index.lock().retain_nodes(&listed, now);
                self.controller.queue.now(affected);
                self.controller.metrics.drift.nodes_available.set(1);
                self.controller.health.in_sync(NODES);
            }
        }
        if is_on(&self.controller) { Flow::Continue } else { Flow::Stop }
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if !is_forbidden(error) {
            return Flow::Continue;
        }
        if !self.is_told {
            tracing::info!("nodes may not be read; that a tag moved stays likely and is never proven");
        }
        let affected = self.controller.index.lock().forget_nodes(self.controller.clock.now());
        self.controller.queue.now(affected);
        Flow::Stop
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            matches!(error, kube::Error::Api(status) if status.code == 403)
        }
        WatchError(status) => status.code == 403,
        NoResourceVersion => false,
    }
}
