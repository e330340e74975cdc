//! Asks each listed registry in turn for the references that run, at most one question a second.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tagwatch_core::reference::Reference;
use tagwatch_core::rules::ids;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::allowed::RegistryHost;
use super::ask::Asker;
use crate::controller::Controller;
use crate::drift::seconds;
use crate::options::RunOptions;

/// The budget of a registry: a question for each of these.
const INTERVAL: Duration = Duration::from_secs(1);

/// Spawns a task for each listed registry; none is asked where none is listed.
pub(crate) fn spawn(tasks: &mut JoinSet<&'static str>, controller: &Arc<Controller>, options: &RunOptions) {
    let networks: Arc<[_]> = options.registry_networks.as_slice().into();
    for registry in &options.registries {
        let asker = Asker::new(Arc::clone(&networks), options.user_agent.clone());
        let asking = follow(asker, registry.clone(), Arc::clone(controller));
        tasks.spawn(async move {
            asking.await;
            "registry"
        });
    }
}

async fn follow(asker: Asker, registry: RegistryHost, controller: Arc<Controller>) {
    let mut every = interval(INTERVAL);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    controller.health.synced().await;
    loop {
        every.tick().await;
        let due = {
            let mut index = controller.index.lock();
            let wanted = if controller.engine.current().policy().uses_rule(ids::OUTDATED_IMAGE) {
                index.drift.running(&registry.host)
            } else {
                BTreeSet::new()
            };
            let affected = index.forget_answers(&registry.host, &wanted);
            controller.queue.now(affected);
            let due = index.drift.answers.due(&wanted, seconds(controller.clock.now()));
            if let Some(due) = &due {
                index.drift.answers.asking(due);
            }
            due
        };
        let Some((canonical, reference)) =
            due.and_then(|due| Reference::parse(&due).ok().map(|read| (due, read)))
        else {
            continue;
        };
        let answer = asker.digest(&registry, &reference).await;
        let outcome = if answer.is_ok() { "ok" } else { "unknown" };
        controller.metrics.drift.registry_requests.with_label_values(&[outcome]).inc();
        let affected = controller.index.lock().answered(canonical, answer, seconds(controller.clock.now()));
        controller.queue.now(affected);
    }
}
