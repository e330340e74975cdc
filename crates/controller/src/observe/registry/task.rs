//! Asks each listed registry for the digests of the references that run, at most one request a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tagwatch_client::ServerClock;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::ids;
use tagwatch_index::Index;
use tokio::time::{MissedTickBehavior, interval};

use super::allowed::{Network, RegistryHost};
use super::client::RegistryClient;
use crate::state::metrics::DriftMetrics;
use crate::state::{EngineHandle, Queue, Readiness};

/// The rate limit of a registry: one request for each interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the task of each registry works on.
#[derive(Clone)]
pub(crate) struct RegistryTask {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) clock: ServerClock,
    pub(crate) metrics: DriftMetrics,
    pub(crate) readiness: Readiness,
}

impl RegistryTask {
    /// Asks a registry. Never returns.
    pub(crate) async fn run(self, registry: RegistryHost, networks: Arc<[Network]>, user_agent: String) {
        let client = RegistryClient::new(networks, user_agent);
        let mut every = interval(INTERVAL);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.readiness.synced().await;
        loop {
            every.tick().await;
            let Some(canonical) = self.next_due(&registry) else { continue };
            let Ok(reference) = Reference::parse(&canonical) else { continue };
            let answer = client.digest(&registry, &reference).await;
            let outcome = if answer.is_ok() { "ok" } else { "unknown" };
            self.metrics.registry_requests.with_label_values(&[outcome]).inc();
            let affected = self.index.lock().apply_answer(canonical, answer, self.clock.now());
            self.queue.request(affected);
        }
    }

    /// The canonical reference to ask for now. Answers that no workload needs are dropped; without the rule, that is all
    /// of them.
    fn next_due(&self, registry: &RegistryHost) -> Option<String> {
        let mut index = self.index.lock();
        let wanted = if self.engine.current().policy().uses_rule(ids::OUTDATED_IMAGE) {
            index.running_references(&registry.host)
        } else {
            BTreeSet::new()
        };
        self.queue.request(index.retain_answers(&registry.host, &wanted));
        index.take_question(&wanted, self.clock.now())
    }
}
