//! The loop from its start on.

use tagwatch_core::policy::{Policy, Profile};
use tokio::time::sleep;

use super::*;
use crate::state::{FailureKind, Need};
use crate::testing::{ReportServer, TestEnv};

const WORKLOADS: usize = 200;

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_once_a_minute_by_one_workload_for_all() {
    let server = ReportServer::default();
    server.refuse(Some(403));
    let TestEnv { parts, reconciler, events } = {
        let env = TestEnv::new(server.client());
        env.parts.reports.lock().apply_list(None, Vec::new());
        for number in 0..WORKLOADS {
            env.apply_pod_named(&format!("pod-{number}"), "nginx");
        }
        env
    };
    assert!(events.is_none());
    // The first sweep requests every workload.
    let running = tokio::spawn(Arc::new(reconciler).run());
    sleep(Duration::from_mins(1)).await;
    let asked = || server.requests.lock().len();
    let first = asked();
    assert!((WORKLOADS..WORKLOADS + 10).contains(&first), "each once: {first}");
    sleep(Duration::from_mins(8)).await;
    assert!(asked() - first <= 9, "{} requests in eight minutes", asked() - first);

    server.refuse(None);
    let refused = asked();
    sleep(Duration::from_secs(62)).await;
    assert_eq!(asked() - refused, WORKLOADS, "each is written");
    assert!(parts.states.lock().keys().count() == WORKLOADS && !running.is_finished());
    running.abort();
}

/// New Deployments are not seen then, so that not every workload is evaluated.
#[tokio::test(start_paused = true)]
async fn while_a_watch_that_is_needed_is_refused_the_time_of_the_last_evaluation_stays() {
    let env = TestEnv::new(ReportServer::default().client());
    env.parts.reports.lock().apply_list(None, Vec::new());
    env.apply_pod_named("web", "nginx");
    let (time, readiness) =
        (env.reconciler.metrics.last_full_evaluation.clone(), env.reconciler.readiness.clone());
    let registry = env.reconciler.watches.clone();
    let deployments = registry.begin(&"deployments".into(), None, Need::Required);
    let running = tokio::spawn(Arc::new(env.reconciler).run());
    readiness.first_evaluation().await;
    // Long ago.
    let moved_in = async |interval: Duration| {
        time.set(1.0);
        sleep(interval + Duration::from_secs(1)).await;
        time.get() != Some(1.0)
    };
    assert!(moved_in(SWEEP_INTERVAL).await);
    registry.mark_forbidden(&deployments, "forbidden");
    assert!(!moved_in(SWEEP_INTERVAL * 3).await);
    deployments.mark_settled();
    assert!(moved_in(SWEEP_INTERVAL).await);
    // A watch that fails for a moment is behind by a moment.
    deployments.mark_failed("unreachable", FailureKind::Passing);
    assert!(moved_in(SWEEP_INTERVAL).await);
    running.abort();
}

/// The lists at the start request every workload, and so does the first sweep.
#[tokio::test]
async fn an_unchanged_workload_is_evaluated_once_after_the_start() {
    const WORKLOADS: u64 = 12;
    // In which order the loop looks at what is ready is a matter of chance.
    for _ in 0..10 {
        let env = TestEnv::new(ReportServer::default().client());
        env.parts.reports.lock().apply_list(None, Vec::new());
        for number in 0..WORKLOADS {
            env.reconciler.queue.request([env.apply_pod_named(&format!("web-{number}"), "nginx:1.27.3")]);
        }
        // A pod was listed before its ReplicaSet, and that before its Deployment.
        env.reconciler.queue.request([WorkloadKey::new("apps/v1", "ReplicaSet", "shop", "web-1", "uid")]);
        let (metrics, readiness) = (env.reconciler.metrics.clone(), env.reconciler.readiness.clone());
        let running = tokio::spawn(Arc::new(env.reconciler).run());
        readiness.first_evaluation().await;
        running.abort();
        let evaluated = ["written", "unchanged", "gone", "failed"]
            .map(|result| metrics.reconciles.with_label_values(&[result]).get());
        assert_eq!(evaluated, [WORKLOADS, 0, 0, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_policy_is_evaluated_at_once_and_known_to_be() {
    let env = TestEnv::new(ReportServer::default().client());
    env.parts.reports.lock().apply_list(None, Vec::new());
    env.apply_pod_named("web", "nginx");
    let (metrics, engine) = (env.reconciler.metrics.clone(), Arc::clone(&env.parts.engine));
    let is_evaluated = || engine.current_and_evaluated().1;
    let (readiness, tracker) = (env.reconciler.readiness.clone(), Arc::clone(&env.reconciler.status));
    assert!(!is_evaluated());
    let running = tokio::spawn(Arc::new(env.reconciler).run());
    readiness.first_evaluation().await;
    assert!(is_evaluated());
    let version = tracker.version();
    engine.set_policy(Policy::of(Profile::Strict));
    assert!(!is_evaluated());
    sleep(Duration::from_secs(1)).await;
    assert!(is_evaluated() && tracker.version() > version, "the status of the policy is notified");
    assert_eq!(metrics.reconciles.with_label_values(&["written"]).get(), 2);
    running.abort();
}
