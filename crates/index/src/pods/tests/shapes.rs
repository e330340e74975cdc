//! What the specs of pods say, counted by controller.

use tagwatch_k8s::slim::{PodImages, SlimPod};

use super::*;

fn running(image: &str) -> PodShape {
    let container = serde_json::json!({ "name": "web", "image": image, "imagePullPolicy": "IfNotPresent" });
    let pod: SlimPod =
        serde_json::from_value(serde_json::json!({ "metadata": {}, "spec": { "containers": [container] } }))
            .unwrap();
    let images: PodImages = pod.images();
    PodShape { images, ..PodShape::default() }
}

fn facts<'a>(namespace: &'a str, name: &'a str, owned: &str, image: &str) -> PodFacts<'a> {
    PodFacts {
        namespace,
        name,
        uid: name,
        controller: owner(owned),
        shape: running(image),
        node: None,
        statuses: Vec::new(),
        may_have_changed: false,
        settles_in: START_SETTLES_IN,
        is_live: true,
        reported_from: None,
    }
}

const NGINX: &str = "nginx:1.27.3";

/// The controllers for which another set of shapes runs.
fn changed(changes: PodChanges) -> Vec<WorkloadKey> {
    changes.shapes.into_iter().collect()
}

#[test]
fn only_a_new_set_of_shapes_is_a_change() {
    let mut index = PodIndex::default();
    assert_eq!(changed(index.apply(facts("shop", "a", "web", NGINX), NOW)), [owner("web")]);
    assert!(changed(index.apply(facts("shop", "a", "web", NGINX), NOW)).is_empty());
    assert!(changed(index.apply(facts("shop", "b", "web", NGINX), NOW)).is_empty());
    assert_eq!(index.shapes(&owner("web")).next().unwrap().1, 2);
    assert!(changed(index.delete("shop", "a", NOW)).is_empty());
    assert_eq!(changed(index.delete("shop", "b", NOW)), [owner("web")]);
    assert!(index.shapes(&owner("web")).next().is_none());
}

#[test]
fn a_pod_that_changes_hands_affects_both_controllers() {
    let mut index = PodIndex::default();
    index.apply(facts("shop", "a", "old", NGINX), NOW);
    let changed = changed(index.apply(facts("shop", "a", "new", NGINX), NOW));
    assert_eq!(changed, [owner("new"), owner("old")]);
}

#[test]
fn a_complete_list_removes_what_it_does_not_name() {
    let mut index = PodIndex::default();
    index.apply(facts("shop", "a", "web", NGINX), NOW);
    index.apply(facts("mail", "b", "smtp", "postfix:3.9.1"), NOW);
    let listed = HashSet::from([(Arc::from("mail"), Box::from("b"))]);
    assert!(changed(index.retain(Some("mail"), &listed, NOW)).is_empty());
    assert_eq!(changed(index.retain(None, &listed, NOW)), [owner("web")]);
    assert_eq!(index.controllers().collect::<Vec<_>>(), [&owner("smtp")]);
}

#[test]
fn shapes_are_shared_and_dropped_with_their_last_pod() {
    let mut index = PodIndex::default();
    for pod in 0..100 {
        index.apply(facts("shop", &pod.to_string(), "web", NGINX), NOW);
    }
    assert_eq!(index.shapes.len(), 1);
    for pod in 0..100 {
        index.delete("shop", &pod.to_string(), NOW);
    }
    assert_eq!((index.shapes.len(), index.pods.len(), index.controllers.len()), (0, 0, 0));
}
