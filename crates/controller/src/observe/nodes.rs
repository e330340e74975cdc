//! The watch of nodes, which know the digests of their images: with them it is proven that a tag moved.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_core::rules::RuleGroup;
use tagwatch_k8s::slim::SlimNode;
use tokio::time::sleep;

use super::Observer;
use super::rights::{OptionalRight, Refusals};
use super::stats::WatchStats;
use super::watch::{Flow, Sink, watch};
use crate::state::{EngineHandle, Need, ReadyToken};

/// What the task and readiness are called.
pub(crate) const NODES: &str = "nodes";
/// How often it is checked whether the policy judges drift now.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Watches nodes while the policy judges drift and we have the right. Never returns.
pub(crate) async fn follow(client: Client, observer: Observer, engine: Arc<EngineHandle>, ready: ReadyToken) {
    let (registry, metrics) = (&observer.watches, observer.metrics.clone());
    let stats = WatchStats::new(NODES, None, Need::Optional, registry, metrics);
    let mut right = OptionalRight::new(client.clone(), "", NODES, None);
    loop {
        while !is_wanted(&engine) {
            ready.mark_ready();
            sleep(LOOK_INTERVAL).await;
        }
        let missing = |is_first| {
            ready.mark_ready();
            if is_first {
                tracing::info!("nodes may not be read; that a tag moved stays likely and is never proven");
            }
        };
        right.granted(missing).await;
        let sink = NodeSink {
            observer: observer.clone(),
            engine: Arc::clone(&engine),
            ready: ready.clone(),
            listed: HashSet::new(),
            refusals: right.refusals(),
        };
        watch(Api::<SlimNode>::all(client.clone()), watcher::Config::default(), sink, stats.clone()).await;
        observer.metrics.drift.nodes_available.set(0);
    }
}

fn is_wanted(engine: &EngineHandle) -> bool {
    engine.current().policy().uses(RuleGroup::ImageDrift)
}

struct NodeSink {
    observer: Observer,
    engine: Arc<EngineHandle>,
    ready: ReadyToken,
    listed: HashSet<Box<str>>,
    refusals: Refusals,
}

impl Sink<SlimNode> for NodeSink {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn event(&mut self, event: Event<SlimNode>) -> Flow {
        let Observer { index, queue, clock, metrics, .. } = &self.observer;
        let now = clock.now();
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(node) => {
                self.listed.insert(node.name().into());
                let affected = index.lock().apply_listed_node(&node, now);
                queue.request(affected);
            }
            Event::Apply(node) => {
                let affected = index.lock().apply_node(&node, now);
                queue.request(affected);
            }
            Event::Delete(node) => index.lock().delete_node(&node),
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let affected = index.lock().retain_nodes(&listed, now);
                queue.request(affected);
                metrics.drift.nodes_available.set(1);
                self.ready.mark_ready();
            }
        }
        if is_wanted(&self.engine) { Flow::Continue } else { Flow::Stop }
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        let flow = self.refusals.mark_failed(error);
        if flow == Flow::Stop {
            let Observer { index, queue, clock, .. } = &self.observer;
            let affected = index.lock().forget_nodes(clock.now());
            queue.request(affected);
        }
        flow
    }
}
