//! The loop from its start on.

use super::*;
use crate::testing::{ReportServer, TestEnv};

/// The lists at the start request every workload, and so does the first sweep.
#[tokio::test]
async fn an_unchanged_workload_is_evaluated_once_after_the_start() {
    const WORKLOADS: u64 = 12;
    // In which order the loop looks at what is ready is a matter of chance.
    for _ in 0..10 {
        let env = TestEnv::new(ReportServer::default().client());
        env.parts.reports.lock().apply_list(None, Vec::new());
        for number in 0..WORKLOADS {
            env.reconciler.queue.request([env.apply_named_pod(&format!("web-{number}"), "nginx:1.27.3")]);
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
