//! The tasks of drift: the watch of nodes, proofs to and from their store, and what time alone changes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_core::rules;
use tagwatch_k8s::slim::SlimNode;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::store;
use crate::controller::Controller;
use crate::readiness::ReadyToken;
use crate::tasks::Tasks;
use crate::watch::{Flow, Sink, WatchStats, refusal_code, watch};

const NODES: &str = "nodes";
/// How long until a watch of nodes is tried again that was refused, or is not wanted.
const RETRY: Duration = Duration::from_secs(30);
/// How often it is looked whether anything else is proven.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
/// How often proofs are looked at that may be over.
const EXPIRE_INTERVAL: Duration = Duration::from_mins(10);

/// Spawns the tasks; `namespace` is our own, where proofs are stored.
pub(crate) fn spawn(
    tasks: &mut Tasks,
    controller: &Arc<Controller>,
    client: &Client,
    namespace: Option<String>,
) {
    let nodes_ready = controller.readiness.expect(NODES);
    tasks.spawn("nodes", follow_nodes(client.clone(), Arc::clone(controller), nodes_ready));
    let proofs_ready = controller.readiness.expect("proofs that tags moved");
    tasks.spawn("proofs", store::keep(client.clone(), Arc::clone(controller), namespace, proofs_ready));
    tasks.spawn("drift", follow_time(Arc::clone(controller)));
}

/// Judges by what the initial state of the cluster proves. To be called before the first evaluation, which would
/// else write reports twice.
pub(crate) fn settle(controller: &Controller) {
    publish(controller);
}

/// Gives the engine and the metrics what is proven.
pub(super) fn publish(controller: &Controller) {
    let (proven, likely) = controller.index.lock().moved_references();
    controller.metrics.drift.set_moved(proven.len(), likely);
    if controller.engine.set_proven(proven) {
        controller.rejudge();
    }
}

async fn follow_time(controller: Arc<Controller>) {
    let (mut publishing, mut expiring) = (interval(PUBLISH_INTERVAL), interval(EXPIRE_INTERVAL));
    publishing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = 0;
    controller.readiness.synced().await;
    loop {
        tokio::select! {
            _ = publishing.tick() => {
                let version = controller.index.lock().proofs_version();
                if version != seen {
                    seen = version;
                    publish(&controller);
                }
            }
            _ = expiring.tick() => {
                let affected = controller.index.lock().expire(controller.clock.now());
                controller.queue.now(affected);
            }
        }
    }
}

/// Watches nodes while the policy judges drift and we have the right.
async fn follow_nodes(client: Client, controller: Arc<Controller>, ready: ReadyToken) {
    let stats = WatchStats::new(NODES, controller.metrics.clone());
    let mut is_logged = false;
    loop {
        if is_on(&controller) {
            let sink = NodeSink {
                controller: Arc::clone(&controller),
                ready: ready.clone(),
                listed: HashSet::new(),
                is_logged,
            };
            watch(Api::<SlimNode>::all(client.clone()), watcher::Config::default(), sink, stats.clone())
                .await;
            is_logged = true;
        }
        ready.ready();
        controller.metrics.drift.nodes_available.set(0);
        sleep(RETRY).await;
    }
}

fn is_on(controller: &Controller) -> bool {
    controller.engine.current().policy().uses(rules::RuleGroup::ImageDrift)
}

/// Feeds the drift index from the watch of nodes.
struct NodeSink {
    controller: Arc<Controller>,
    ready: ReadyToken,
    listed: HashSet<Box<str>>,
    /// The refusal was logged.
    is_logged: bool,
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
                self.ready.ready();
            }
        }
        if is_on(&self.controller) { Flow::Continue } else { Flow::Stop }
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) != Some(403) {
            return Flow::Continue;
        }
        if !self.is_logged {
            tracing::info!("nodes may not be read; that a tag moved stays likely and is never proven");
        }
        let affected = self.controller.index.lock().forget_nodes(self.controller.clock.now());
        self.controller.queue.now(affected);
        Flow::Stop
    }
}
