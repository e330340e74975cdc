//! What the console reads: the published states of workloads, put together at most once a second.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tagwatch_console::{Facts, RuleState, Snapshot, Source};
use tokio::time::Instant;

use crate::controller::Controller;

/// How old a snapshot may be while things change: a page is not put together anew for each of a thousand changes.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The controller, as the console sees it.
pub(crate) struct ConsoleSource {
    controller: Arc<Controller>,
    cluster: Option<String>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    /// What it was made of, as far as counters tell.
    version: (u64, u64, u64),
    made: Instant,
    snapshot: Arc<Snapshot>,
}

impl ConsoleSource {
    /// A source for a cluster that may have a name.
    pub(crate) fn new(controller: Arc<Controller>, cluster: Option<String>) -> Self {
        Self { controller, cluster, kept: Mutex::new(None) }
    }

    fn version(&self) -> (u64, u64, u64) {
        let controller = &self.controller;
        let evaluated = controller.metrics.last_full_evaluation.get().map_or(0, f64::to_bits);
        (controller.states.lock().changes(), controller.policy_version(), evaluated)
    }

    fn facts(&self) -> Facts {
        let controller = &self.controller;
        let engine = controller.engine.current();
        let states = controller.states.lock();
        Facts {
            cluster: self.cluster.as_deref().map(Into::into),
            policy: controller.policy.lock().name().map(Into::into),
            profile: engine.policy().profile().as_str(),
            evaluated: controller.metrics.last_full_evaluation.get().and_then(timestamp),
            rules: RuleState::all_of(engine.policy().rules()),
            workloads: states.iter().filter_map(|(_, state)| state.console.clone()).collect(),
        }
    }
}

impl Source for ConsoleSource {
    fn snapshot(&self) -> Arc<Snapshot> {
        let mut kept = self.kept.lock();
        let version = self.version();
        if let Some(kept) = &*kept
            && (kept.version == version || kept.made.elapsed() < MAX_AGE)
        {
            return Arc::clone(&kept.snapshot);
        }
        let snapshot = Arc::new(Snapshot::new(self.facts()));
        *kept = Some(Kept { version, made: Instant::now(), snapshot: Arc::clone(&snapshot) });
        snapshot
    }

    fn now(&self) -> Timestamp {
        self.controller.clock.now()
    }
}

/// From Unix seconds.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a clock fit by far")]
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}
