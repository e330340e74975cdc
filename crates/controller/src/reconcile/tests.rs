//! The loop in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

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
