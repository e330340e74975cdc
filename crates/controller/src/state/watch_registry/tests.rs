use futures::FutureExt;
use tokio::time::advance;

use super::*;
use crate::state::metrics::Metrics;

fn registry() -> (WatchRegistry, Arc<StatusTracker>) {
    let status = Arc::new(StatusTracker::default());
    (WatchRegistry::new(Arc::clone(&status)), status)
}

#[tokio::test(start_paused = true)]
async fn kinds_are_listed_in_turn_and_one_without_an_answer_holds_up_the_next_for_ten_seconds() {
    let (registry, _) = registry();
    let first = registry.list_turn().await;
    assert!(first.is_some());
    assert!(registry.list_turn().now_or_never().is_none());
    let begun = Instant::now();
    assert!(registry.list_turn().await.is_none());
    assert_eq!(begun.elapsed(), TURN_LIMIT);
    drop(first);
    assert!(registry.list_turn().now_or_never().flatten().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_refused_for_long_is_reported_until_it_is_back() {
    let (registry, status) = registry();
    let deployments = registry.begin(&"deployments".into(), Some("shop"), Need::Required);
    let nodes = registry.begin(&"nodes".into(), None, Need::Optional);
    let refuse = || [&deployments, &nodes].map(|watch| watch.mark_failed("forbidden", FailureKind::Refused));
    refuse();
    registry.review();
    assert!(registry.failing().is_empty() && registry.refused().is_empty(), "for a moment");
    let before = status.version();
    advance(FAILURE_GRACE).await;
    refuse();
    registry.review();
    registry.review();
    assert_eq!(status.version(), before + 1, "once");
    let names: Vec<String> = registry.failing().into_iter().map(|watch| watch.name()).collect();
    assert_eq!(names, ["deployments in shop", "nodes"]);
    assert_eq!(registry.refused(), ["the watch of deployments in shop is refused: forbidden"]);

    deployments.mark_settled();
    registry.review();
    assert_eq!((status.version(), registry.failing().len()), (before + 2, 1));
    assert!(registry.refused().is_empty());
    // A watch that goes on where it stopped shows nothing before the next event.
    advance(REFUSED_SETTLED_AFTER).await;
    registry.review();
    assert!(registry.failing().is_empty());
    drop(nodes);
    assert_eq!(registry.running().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_reported_and_does_not_change_readiness() {
    let (registry, _) = registry();
    let pods = registry.begin(&"pods".into(), None, Need::Required);
    pods.mark_failed("unreachable", FailureKind::Passing);
    advance(FAILURE_GRACE).await;
    pods.mark_failed("unreachable", FailureKind::Passing);
    registry.review();
    assert_eq!(registry.failing().len(), 1);
    assert!(registry.refused().is_empty());
    // It is back, and refuses for as long as it does not know the roles.
    pods.mark_failed("forbidden", FailureKind::Refused);
    assert!(registry.refused().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_resource_has_a_state_and_an_age() {
    let (registry, _) = registry();
    let mut metrics = Metrics::default();
    metrics.add(WatchCollector::new(registry.clone()).unwrap()).unwrap();
    let nodes = registry.begin(&"nodes".into(), None, Need::Optional);
    let [pods, elsewhere] =
        ["shop", "bank"].map(|scope| registry.begin(&"pods".into(), Some(scope), Need::Required));
    for watch in [&pods, &elsewhere, &nodes] {
        watch.mark_running();
    }
    nodes.mark_ended();
    elsewhere.mark_failed("unreachable", FailureKind::Passing);
    advance(FAILURE_GRACE).await;
    elsewhere.mark_failed("unreachable", FailureKind::Passing);
    pods.mark_event();
    let text = metrics.encode().unwrap();
    for line in [
        "tagwatch_watch_up{resource=\"pods\"} 0",
        "tagwatch_watch_last_event_age_seconds{resource=\"pods\"} 30",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(!text.contains("nodes"), "there may be no right to them: {text}");
    elsewhere.mark_settled();
    assert!(metrics.encode().unwrap().contains("tagwatch_watch_up{resource=\"pods\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_decoded_is_reported_until_its_kind_was_read_without_it() {
    let (registry, _) = registry();
    let pods = registry.begin(&"pods".into(), None, Need::Required);
    // It is met again at each list, and these grow rare.
    for wait in [0, 60, 300, 300] {
        advance(Duration::from_secs(wait)).await;
        pods.mark_failed("undecodable", FailureKind::Undecodable);
        assert_eq!(registry.running()[0].failing().is_some(), wait > 0);
        assert!(registry.refused().is_empty(), "the other objects are followed");
    }
    pods.mark_settled();
    assert!(registry.running()[0].failing().is_none());
}
