//! Names that users give to containers, and images that cannot be pulled: what is kept of them when their pods are gone.

use super::*;

/// A pod with so many containers, whose names no other pod has.
fn crowd<'a>(name: &'a str, count: usize, image_status: &ImageStatus) -> PodFacts<'a> {
    let facts = pod(name, "web", "a", "nginx:1.27", image_status.clone());
    let status = |at: usize| ContainerImageStatus {
        container: format!("{name}-{at}").into(),
        image: format!("registry.example/{name}:{at}").into(),
        ..facts.statuses[0].clone()
    };
    PodFacts { statuses: (0..count).map(status).collect(), ..facts }
}

#[test]
fn a_pod_that_is_never_scheduled_leaves_no_names() {
    let mut index = index_with_nodes(&["a"]);
    for number in 0..10 {
        let name = format!("pod-{number}");
        index.apply(crowd(&name, 100, &ImageStatus::Unknown(NoImageReason::NoStatus)), NOW);
        index.delete("shop", &name, NOW);
    }
    assert_eq!((index.places.len(), index.failing.len()), (0, 0));
}

#[test]
fn names_of_pods_that_come_and_go_are_forgotten_between_two_expiries() {
    let mut index = index_with_nodes(&["a"]);
    let fails = ImageStatus::PullFailing { reason: PullFailureReason::Pull, since: None };
    index.apply(crowd("stays", 10, &fails), NOW);
    for number in 0..50 {
        let name = format!("pod-{number}");
        index.apply(crowd(&name, 1_000, &fails), NOW);
        index.delete("shop", &name, NOW);
    }
    assert!(index.places.len() <= MIN_NAMES + 1_000, "{} places", index.places.len());
    assert!(index.failing.len() <= MIN_NAMES + 1_000, "{} images", index.failing.len());
    assert!(index.place("containers/stays-0").is_some());
}

#[test]
fn a_reference_knows_who_runs_it() {
    let mut index = index_with_nodes(&["a"]);
    let users = |index: &PodIndex| index.users_of("docker.io/library/nginx:1.27");
    for name in ["one", "two"] {
        index.apply(pod(name, "web", "a", "nginx:1.27", ran("a")), NOW);
    }
    index.apply(pod("three", "api", "a", "nginx:1.27", ran("b")), NOW);
    assert_eq!(users(&index), [owner("api"), owner("web")].into());
    index.delete("shop", "one", NOW);
    index.delete("shop", "three", NOW);
    assert_eq!(users(&index), [owner("web")].into());
    index.apply(pod("two", "web", "a", "nginx:1.28", ran("c")), NOW);
    assert!(users(&index).is_empty());
}
