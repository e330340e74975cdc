//! What is stored of proofs, and what is read of it.

use super::super::references::MAX_IDLE;
use super::*;
use crate::proofs::{MAX_BYTES, Proofs};

#[test]
fn proofs_read_back_as_they_were_written() {
    let mut index = index_with_nodes(&["a", "b"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    apply(&mut index, pod("three", "api", "b", "redis:7", ran("c")), NOW);
    index.delete("shop", "one", NOW);
    let text = Proofs::render_pods(&index, NOW);
    assert!(!text.contains("redis"), "{text}");
    let mut restored = PodIndex::default();
    assert_eq!(Proofs::restore_pods(&text, &mut restored, NOW), (1, 0));
    assert_eq!(moved(&restored), moved(&index));
    restored.apply_node("b", Some(&amd64()), &nothing(), NOW);
    apply(&mut restored, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    assert_eq!(Proofs::render_pods(&restored, NOW), text);
    // What was merged stays merged.
    index.apply_node("b", Some(&amd64()), &as_one(&["b", "d"]), NOW);
    apply(&mut index, pod("four", "web", "b", "nginx:1.27", ran("d")), NOW);
    let mut restored = PodIndex::default();
    Proofs::restore_pods(&Proofs::render_pods(&index, NOW), &mut restored, NOW);
    let platform = restored.nodes.intern_platform(&amd64());
    assert_eq!(restored.same.class_of(platform, &digest("d")), digest("b"));
    // Of other platforms that says nothing.
    let platform = restored.nodes.intern_platform(&arm64());
    assert_eq!(restored.same.class_of(platform, &digest("d")), digest("d"));
}

#[test]
fn what_is_stored_is_read_with_suspicion() {
    let entry = |reference: &str, digest: &str, last: u32| {
        format!(
            r#"{{"reference":"{reference}","digests":[
                {{"digest":"{digest}","first":1,"last":{last},"platforms":["linux/amd64/containerd"]}},
                {{"digest":"sha256:{b}","first":1,"last":{last},"platforms":["linux/amd64/containerd"]}}]}}"#,
            b = "b".repeat(64)
        )
    };
    let good = digest("a");
    for (text, expected) in [
        (String::new(), (0, 1)),
        ("[]".to_owned(), (0, 1)),
        (format!(r#"{{"references":[{}]}}"#, entry("docker.io/library/nginx:1", &good, NOW)), (1, 0)),
        (format!(r#"{{"references":[{}]}}"#, entry("nginx:1", &good, NOW)), (0, 1)),
        (format!(r#"{{"references":[{}]}}"#, entry("$X", &good, NOW)), (0, 1)),
        (format!(r#"{{"references":[{}]}}"#, entry("docker.io/library/nginx:1", "sha256:1", NOW)), (0, 1)),
        (format!(r#"{{"references":[{}]}}"#, entry("docker.io/library/nginx:1", &good, 5)), (0, 1)),
        (r#"{"references":[{"reference":"docker.io/library/nginx:1","digests":[]}]}"#.to_owned(), (0, 1)),
    ] {
        assert_eq!(Proofs::restore_pods(&text, &mut PodIndex::default(), NOW), expected, "{text}");
    }
}

#[test]
fn the_store_is_bounded_and_the_oldest_goes_first() {
    let mut index = index_with_nodes(&["a"]);
    for at in 0..1_200_u32 {
        let image = format!("registry.example/{}:{at:04}", "x".repeat(100));
        for letter in ["a", "b"] {
            // A pod of its own for each: an image that changes in place is another matter.
            let pod = PodFacts { uid: &image, ..pod("one", "web", "a", &image, ran(letter)) };
            apply(&mut index, pod, NOW + at);
        }
    }
    let text = Proofs::render_pods(&index, NOW + 2_000);
    assert!(text.len() <= MAX_BYTES, "{} bytes", text.len());
    assert!(text.contains(":1199\"") && !text.contains(":0000\""));
}

/// Versions before wrote no digests that are apart: two on one platform were proof to them, and may be two indexes of equal
/// manifests.
#[test]
fn a_proof_of_an_earlier_version_is_likely_until_a_node_has_both_images() {
    let text = reference(&[stored("a", NOW, AMD64), stored("b", NOW, AMD64)]);
    let mut index = PodIndex::default();
    assert_eq!(Proofs::restore_pods(&text, &mut index, NOW), (1, 0));
    assert_eq!(index.moved_references(), (Vec::new(), 1));
    let likely = Proofs::render_pods(&index, NOW);
    assert!(likely.contains("nginx:1") && !likely.contains("apart_from"), "{likely}");
    index.apply_node("a", Some(&amd64()), &as_several(&["a", "b"]), NOW);
    assert_eq!(moved(&index), ["docker.io/library/nginx:1"]);
    let now = Proofs::render_pods(&index, NOW);
    let apart = format!(r#""apart_from":{{"linux/amd64/containerd":["{}"]}}"#, digest("a"));
    assert!(now.contains(&apart), "{now}");
    let mut restored = PodIndex::default();
    assert_eq!(Proofs::restore_pods(&now, &mut restored, NOW), (1, 0));
    assert_eq!(moved(&restored), moved(&index));
    // Only of digests that are stored with it, on a platform on which it ran.
    for bad in [
        now.replace(&apart, &apart.replace(&digest("a"), &digest("c"))),
        now.replace(r#"{"linux/amd64/containerd":["#, r#"{"linux/arm64/containerd":["#),
    ] {
        let mut index = PodIndex::default();
        assert_eq!(Proofs::restore_pods(&bad, &mut index, NOW), (1, 0));
        assert_eq!(index.moved_references(), (Vec::new(), 1), "{bad}");
    }
}

/// A digest of a stored reference.
fn stored(letter: &str, last: u32, rest: &str) -> String {
    format!(r#"{{"digest":"{}","first":1,"last":{last},{rest}}}"#, digest(letter))
}

const AMD64: &str = r#""platforms":["linux/amd64/containerd"]"#;

fn reference(digests: &[String]) -> String {
    let digests = digests.join(",");
    format!(r#"{{"references":[{{"reference":"docker.io/library/nginx:1","digests":[{digests}]}}]}}"#)
}

#[test]
fn one_digest_that_proves_nothing_costs_no_proof() {
    for bad in [
        stored("c", NOW, r#""platforms":["linux"]"#),
        stored("c", NOW - MEMORY - 1, AMD64),
        stored("c", NOW, AMD64).replace("sha256", "$"),
    ] {
        let apart = format!(r#"{AMD64},"apart_from":{{"linux/amd64/containerd":["{}"]}}"#, digest("a"));
        let text = reference(&[stored("a", NOW, AMD64), bad.clone(), stored("b", NOW, &apart)]);
        let mut index = PodIndex::default();
        assert_eq!(Proofs::restore_pods(&text, &mut index, NOW), (1, 0), "{bad}");
        assert_eq!(moved(&index), ["docker.io/library/nginx:1"], "{bad}");
        let id = index.references.find("docker.io/library/nginx:1").unwrap();
        assert_eq!(index.references.get(id).unwrap().slots().count(), 2, "{bad}");
        // One that is left alone is no proof.
        let text = reference(&[stored("a", NOW, AMD64), bad]);
        assert_eq!(Proofs::restore_pods(&text, &mut PodIndex::default(), NOW), (0, 1));
    }
}

#[test]
fn what_is_likely_is_as_likely_after_a_restart() {
    for node in ["a", "nobody"] {
        let mut index = PodIndex::default();
        index.apply_node("a", Some(&amd64()), &nothing(), NOW);
        apply(&mut index, pod("one", "web", node, "nginx:1", ran("a")), NOW);
        apply(&mut index, pod("two", "web", node, "nginx:1", ran("b")), NOW);
        index.delete("shop", "one", NOW);
        assert_eq!(index.moved_references(), (Vec::new(), 1));
        let text = Proofs::render_pods(&index, NOW);
        let mut restored = PodIndex::default();
        assert_eq!(Proofs::restore_pods(&text, &mut restored, NOW), (1, 0), "{text}");
        assert_eq!(restored.moved_references(), (Vec::new(), 1));
        apply(&mut restored, pod("two", "web", "nobody", "nginx:1", ran("b")), NOW);
        assert_eq!(restored.moved_references(), (Vec::new(), 1));
        // Nor do nodes that are known later make more of it than it was.
        for name in ["a", "nobody"] {
            restored.apply_node(name, Some(&amd64()), &nothing(), NOW);
        }
        assert_eq!(restored.moved_references(), (Vec::new(), 1));
    }
}

#[test]
fn where_there_is_too_much_what_is_proven_is_stored_first() {
    let mut index = index_with_nodes(&["a"]);
    let mut ended = |image: &str, letters: [&str; 2], now: u32| {
        for letter in letters {
            let pod = PodFacts { is_live: false, ..pod("one", "job", "a", image, ran(letter)) };
            apply(&mut index, pod, now);
        }
    };
    ended("proven:1", ["a", "b"], NOW);
    for at in 0..1_100 {
        ended(&format!("likely:{at}"), ["1", "2"], NOW + 60);
    }
    assert_eq!(index.moved_references().1, 1_100);
    let text = Proofs::render_pods(&index, NOW + 60);
    assert!(text.len() <= MAX_BYTES && text.contains("proven:1") && text.contains("likely:"));
}

#[test]
fn a_digest_that_ran_on_unknown_nodes_costs_no_proof() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", "nginx:1", ran("b")), NOW);
    apply(&mut index, pod("three", "web", "nobody", "nginx:1", ran("c")), NOW);
    let mut restored = PodIndex::default();
    assert_eq!(Proofs::restore_pods(&Proofs::render_pods(&index, NOW), &mut restored, NOW), (1, 0));
    assert_eq!(moved(&restored), moved(&index));
}

#[test]
fn what_an_earlier_version_merged_is_merged_where_it_ran() {
    let same = format!(r#""sameAs":"x","same_as":"{}",{AMD64}"#, digest("a"));
    let text = reference(&[stored("a", NOW, AMD64), stored("b", NOW, &same), stored("c", NOW, AMD64)]);
    let mut index = PodIndex::default();
    assert_eq!(Proofs::restore_pods(&text, &mut index, NOW), (1, 0));
    let platform = index.nodes.intern_platform(&amd64());
    assert_eq!(index.same.class_of(platform, &digest("b")), digest("a"));
    let platform = index.nodes.intern_platform(&arm64());
    assert_eq!(index.same.class_of(platform, &digest("b")), digest("b"));
    index.apply_node("a", Some(&amd64()), &as_several(&["b", "c"]), NOW);
    let now = Proofs::render_pods(&index, NOW);
    assert!(now.contains(&format!(r#""same_as":{{"linux/amd64/containerd":"{}"}}"#, digest("a"))), "{now}");
    // Neither form is believed whatever it says.
    let text = reference(&[stored("a", NOW, AMD64), stored("b", NOW, &same).replace(&digest("a"), "$")]);
    assert_eq!(Proofs::restore_pods(&text, &mut PodIndex::default(), NOW), (0, 1));
}

#[test]
fn of_too_many_references_without_a_pod_proofs_stay() {
    let mut index = index_with_nodes(&["a"]);
    let mut ended = |image: &str, letter: &str, now: u32| {
        let pod = PodFacts { is_live: false, ..pod("one", "job", "a", image, ran(letter)) };
        apply(&mut index, pod, now);
    };
    // The oldest of all.
    ended("proven:1", "a", NOW);
    ended("proven:1", "b", NOW);
    for at in 0..=u32::try_from(MAX_IDLE).unwrap() {
        ended(&format!("job:{at}"), "a", NOW + 1 + at);
    }
    index.expire(NOW + 1);
    assert_eq!(index.references.count(), MAX_IDLE);
    assert_eq!(moved(&index), ["docker.io/library/proven:1"]);
    let is_known = |at: usize| index.references.find(&format!("docker.io/library/job:{at}")).is_some();
    assert_eq!((is_known(0), is_known(1), is_known(2), is_known(MAX_IDLE)), (false, false, true, true));
}
