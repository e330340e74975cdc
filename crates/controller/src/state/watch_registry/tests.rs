use futures::FutureExt;
use tokio::time::advance;

use super::*;
use crate::state::Readiness;
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

/// Two namespaces, each with a watch of pods and one of jobs.
fn divided(registry: &WatchRegistry, readiness: &Readiness) -> Vec<Arc<Watch>> {
    let names = ["bank", "shop"];
    registry.divide(names.map(str::to_owned), readiness.expect("any"));
    readiness.complete();
    let watch = |scope, resource: &str| registry.begin(&resource.into(), Some(scope), Need::Required);
    names.into_iter().flat_map(|scope| ["pods", "jobs"].map(|resource| watch(scope, resource))).collect()
}

fn names(names: &[&str]) -> BTreeSet<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_refused_is_left_out_and_the_others_go_on() {
    let ((registry, status), readiness) = (registry(), Readiness::default());
    let watches = divided(&registry, &readiness);
    let [bank_pods, bank_jobs, shop_pods, shop_jobs] = watches.as_slice() else { panic!("four") };
    let followed = || ["bank", "shop", "elsewhere"].map(|name| registry.is_followed(name));
    assert_eq!(followed(), [false, false, true], "nothing is listed");
    registry.mark_listed(shop_pods);
    registry.mark_listed(bank_pods);
    assert_eq!(followed(), [false, false, true], "a kind is missing");
    registry.mark_forbidden(bank_jobs, "forbidden");
    assert!(readiness.synced().now_or_never().is_none(), "no namespace is followed");
    assert_eq!(registry.refused(), ["the watch of jobs in bank is refused: forbidden"]);
    registry.mark_listed(shop_jobs);
    assert_eq!(followed(), [false, true, true]);
    readiness.synced().await;
    assert_eq!((registry.refused(), registry.lost()), (Vec::new(), vec!["bank".into()]));
    let before = status.version();
    assert_eq!(
        registry.review(),
        names(&["shop"]),
        "it may have been evaluated before the last kind was listed"
    );
    assert_eq!(status.version(), before + 1);
    // However long that lasts.
    advance(Duration::from_hours(1)).await;
    registry.review();
    let failing: Vec<String> = registry.failing().into_iter().map(|watch| watch.name()).collect();
    assert_eq!(failing, ["jobs in bank"]);

    bank_jobs.mark_settled();
    registry.mark_listed(bank_jobs);
    assert_eq!(followed(), [true; 3]);
    assert_eq!(registry.review(), names(&["bank"]), "it is evaluated now");
    assert_eq!(registry.review(), names(&[]), "once");
    assert!(registry.lost().is_empty() && registry.failing().is_empty());

    // Both at once.
    for watch in [bank_pods, shop_pods] {
        registry.mark_forbidden(watch, "forbidden");
    }
    assert_eq!(followed(), [false, false, true]);
    assert_eq!(registry.refused().len(), 2, "not ready");
}

#[tokio::test(start_paused = true)]
async fn each_of_several_namespaces_has_a_series() {
    let ((registry, _), readiness) = (registry(), Readiness::default());
    let mut metrics = Metrics::default();
    metrics.add(WatchCollector::new(registry.clone()).unwrap()).unwrap();
    assert!(!metrics.encode().unwrap().contains("tagwatch_namespace_up"));
    let watches = divided(&registry, &readiness);
    registry.mark_forbidden(&watches[0], "forbidden");
    registry.mark_listed(&watches[2]);
    registry.mark_listed(&watches[3]);
    let text = metrics.encode().unwrap();
    for line in [
        "tagwatch_namespace_up{namespace=\"bank\"} 0",
        "tagwatch_namespace_up{namespace=\"shop\"} 1",
        "tagwatch_watch_up{resource=\"pods\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}
