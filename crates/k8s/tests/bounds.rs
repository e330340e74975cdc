//! What is kept of objects that are as large as an API server takes them.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]

use serde_json::{Value, json};
use tagwatch_core::kinds::watched;
use tagwatch_core::reference::{Reference, ReferenceError};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{MAX_PLACES, MAX_TEXT_BYTES, SlimObject, SlimPod, WireObject};

fn pod(value: &Value) -> SlimPod {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn with_containers(containers: &[Value]) -> Value {
    json!({ "metadata": { "name": "web", "namespace": "shop", "uid": "u" }, "spec": { "containers": containers } })
}

fn bytes(pod: &SlimPod) -> usize {
    pod.containers().iter().map(|container| container.name.raw().len() + container.image.raw().len()).sum()
}

#[test]
fn of_a_long_image_no_more_is_kept_than_shows_that_it_is_too_long() {
    for image in ["x".repeat(1_300_000), "\u{202e}".repeat(400_000)] {
        let pod = pod(&with_containers(&[json!({ "name": "web", "image": image })]));
        let containers = pod.containers();
        let kept = containers[0].image.raw();
        assert!(kept.len() <= 4_100 && image.starts_with(kept), "{} bytes", kept.len());
        assert_eq!(Reference::parse(kept), Err(ReferenceError::TooLong));
        assert!(!pod.images().is_cut());
    }
    let policy = "p".repeat(1_300_000);
    let pod = pod(&with_containers(&[json!({ "name": "web", "image": "web:1", "imagePullPolicy": policy })]));
    assert!(pod.containers()[0].pull_policy.as_ref().unwrap().raw().len() <= 4_100);
}

#[test]
fn containers_beyond_the_limits_are_left_out_and_it_is_told() {
    let many: Vec<Value> =
        (0..=MAX_PLACES).map(|at| json!({ "name": format!("c{at}"), "image": "web:1.2.3" })).collect();
    let cut = pod(&with_containers(&many));
    assert_eq!((cut.containers().len(), cut.images().is_cut()), (MAX_PLACES, true));
    let whole = pod(&with_containers(&many[..MAX_PLACES]));
    assert_eq!((whole.containers().len(), whole.images().is_cut()), (MAX_PLACES, false));

    let large: Vec<Value> = (0..500)
        .map(|at| json!({ "name": format!("c{at}"), "image": format!("{}:{at}", "i/".repeat(1_000)) }))
        .collect();
    let cut = pod(&with_containers(&large));
    assert!(bytes(&cut) <= MAX_TEXT_BYTES && cut.images().is_cut(), "{} bytes", bytes(&cut));
}

#[test]
fn an_object_whose_template_is_cut_says_so() {
    let read = |count: usize| {
        let containers: Vec<Value> =
            (0..count).map(|at| json!({ "name": format!("c{at}"), "image": "a" })).collect();
        let object = json!({
            "metadata": { "name": "web", "namespace": "shop", "uid": "u" },
            "spec": { "template": { "spec": { "containers": containers } } },
        });
        let wire: WireObject = serde_json::from_str(&object.to_string()).unwrap();
        let kind = watched().find(|known| known.kind() == "Deployment").unwrap();
        SlimObject::read(&wire, &ServedKind::built_in(kind))
    };
    let (whole, cut) = (read(MAX_PLACES), read(MAX_PLACES + 1));
    assert_eq!((whole.is_cut(), cut.is_cut(), cut.place_count()), (false, true, MAX_PLACES));
    assert!(!whole.is_judged_alike(&cut));
}

#[test]
fn an_owner_that_no_object_can_be_is_none() {
    let owned = |name: &str| {
        let owner = json!({ "apiVersion": "example.com/v1", "kind": "Owner", "name": name, "uid": "u", "controller": true });
        pod(
            &json!({ "metadata": { "name": "web", "namespace": "shop", "uid": "u", "ownerReferences": [owner] } }),
        )
    };
    assert!(owned(&"n".repeat(253)).owner().is_some());
    assert_eq!(owned(&"n".repeat(1_300_000)).owner(), None);
}
