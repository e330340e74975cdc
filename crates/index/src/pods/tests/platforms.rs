//! Nodes and their platforms: what is one image where, and when that becomes known.

use tagwatch_core::drift::SameImage;

use super::*;

/// Two indexes with one manifest for arm64 in common, which an arm64 node lists as one image.
#[test]
fn two_indexes_that_share_a_manifest_are_two_images_on_other_platforms() {
    let mut index = index_with_nodes(&["amd", "bmd"]);
    index.apply_node("amd", Some(&amd64()), &as_several(&["1", "2"]), NOW);
    index.apply_node("arm", Some(&arm64()), &as_one(&["1", "2", "f"]), NOW);
    apply(&mut index, pod("one", "web", "amd", "nginx:1.27", ran("1")), NOW);
    apply(&mut index, pod("three", "web", "arm", "nginx:1.27", ran("1")), NOW);
    apply(&mut index, pod("four", "web", "arm", "nginx:1.27", ran("f")), NOW);
    assert_eq!(index.moved_references(), (Vec::new(), 0));
    apply(&mut index, pod("five", "web", "arm", "nginx:1.27", ran("2")), NOW);
    assert_eq!(index.moved_references(), (Vec::new(), 0));
    let affected = apply(&mut index, pod("two", "web", "bmd", "nginx:1.27", ran("2")), NOW);
    assert_eq!(affected, [owner("web")].into());
    assert_eq!(moved(&index), ["docker.io/library/nginx:1.27"]);
    // Reported as two images: what ran on arm64 alone is one of them.
    let id = index.references.find("docker.io/library/nginx:1.27").unwrap();
    let images = index.references.get(id).unwrap().images(&index.same);
    let reported: BTreeSet<&str> = images.into_values().collect();
    assert_eq!(reported, [&*digest("1"), &*digest("2")].into());
    // A node of the platform itself may know better.
    index.apply_node("bmd", Some(&amd64()), &as_one(&["1", "2"]), NOW);
    assert!(moved(&index).is_empty());
}

#[test]
fn nodes_of_two_platforms_that_come_late_leave_nothing_likely() {
    let mut index = PodIndex::default();
    for (name, node, letter) in [("one", "a", "a"), ("two", "a", "a"), ("three", "b", "b")] {
        apply(&mut index, pod(name, "web", node, "nginx:1.27", ran(letter)), NOW);
    }
    assert_eq!(index.moved_references(), (Vec::new(), 1));
    index.apply_node("a", Some(&amd64()), &nothing(), NOW);
    assert_eq!(index.moved_references(), (Vec::new(), 1));
    let version = index.version();
    assert_eq!(index.apply_node("b", Some(&arm64()), &nothing(), NOW), [owner("web")].into());
    assert!(index.version() > version);
    assert_eq!(index.moved_references(), (Vec::new(), 0));
}

#[test]
fn an_image_that_comes_to_the_platform_of_another_is_news() {
    let mut index = index_with_nodes(&["a"]);
    index.apply_node("b", Some(&arm64()), &nothing(), NOW);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "api", "b", "nginx:1.27", ran("b")), NOW);
    let version = index.version();
    let affected = apply(&mut index, pod("three", "api", "a", "nginx:1.27", ran("b")), NOW);
    assert_eq!((affected, index.version() > version), ([owner("api"), owner("web")].into(), true));
    assert_eq!(moved(&index), ["docker.io/library/nginx:1.27"]);
}

#[test]
fn a_list_of_nodes_counts_their_pods_when_it_is_complete() {
    let mut index = PodIndex::default();
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    assert!(index.apply_listed_node("b", Some(&amd64()), &nothing(), NOW).is_empty());
    // Its images are news at once, and the platforms of the pods are not.
    let affected = index.apply_listed_node("a", Some(&amd64()), &as_several(&["a", "b"]), NOW);
    assert_eq!(affected, [owner("web")].into());
    assert_eq!(index.moved_references(), (Vec::new(), 1));
    assert_eq!(index.count_nodes(NOW), [owner("web")].into());
    assert_eq!(moved(&index).len(), 1);
    assert!(index.count_nodes(NOW).is_empty());
}

#[test]
fn a_node_is_known_for_as_long_as_it_or_a_pod_on_it_is_there() {
    let mut index = index_with_nodes(&["a", "b", "c"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "nobody", "nginx:1.27", ran("a")), NOW);
    apply(
        &mut index,
        PodFacts { is_live: false, ..pod("ended", "web", "gone", "nginx:1.27", ran("a")) },
        NOW,
    );
    assert_eq!(index.nodes.count(), 4);
    index.delete_node("a");
    index.retain_nodes(&[Box::from("b")].into());
    assert_eq!(index.nodes.count(), 3);
    // What runs on a node that is gone runs on its platform all the same.
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("b")), NOW);
    assert_eq!(moved(&index).len(), 1);
    index.delete("shop", "one", NOW);
    index.delete("shop", "two", NOW);
    assert_eq!(index.nodes.count(), 1);
    // Its number is used again, and its platform is not.
    apply(&mut index, pod("three", "web", "d", "redis:7", ran("a")), NOW);
    let node = index.nodes.find("d").unwrap();
    assert_eq!((index.nodes.name(node), index.nodes.platform_of(node)), ("d", None));
    index.forget_nodes(NOW);
    assert_eq!(index.nodes.count(), 1);
}

#[test]
fn room_for_digests_of_one_image_is_made_of_those_that_no_pod_runs() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    let numbered = |at: usize| format!("sha256:{at:064}");
    let mut images = as_one(&["a", "c"]);
    images
        .of_one_image
        .extend((0..SameImage::<PlatformId>::MAX).map(|at| [numbered(2 * at), numbered(2 * at + 1)].into()));
    index.apply_node("a", Some(&amd64()), &images, NOW);
    let class = |index: &PodIndex, letter: &str| {
        let platform = index.nodes.platform_of(index.nodes.find("a").unwrap());
        index.same.class_of(platform, &digest(letter)).to_owned()
    };
    // What came first went, what runs stayed.
    assert_eq!(class(&index, "c"), digest("a"));
    let platform = index.nodes.platform_of(index.nodes.find("a").unwrap());
    assert_eq!(index.same.class_of(platform, &numbered(1)), numbered(1));
    // Room is made every now and then.
    index.apply_node("a", Some(&amd64()), &images, NOW);
    assert_eq!(index.made_room, Some(NOW));
    index.apply_node(
        "a",
        Some(&amd64()),
        &as_one(&["d", "e"]),
        NOW + super::super::platforms::MAKES_ROOM_EVERY,
    );
    assert_eq!((class(&index, "c"), class(&index, "e")), (digest("a"), digest("d")));
}

/// A tag that was pushed again with fresh attestations: two indexes, whose manifest for the platform is equal. Each node
/// pulled one of them. A pull on one of the nodes shows whether they are one image.
#[test]
fn two_indexes_are_likely_two_images_until_a_node_has_both() {
    for (pulled, expected) in [(as_one(&["a", "b"]), (0, 0)), (as_several(&["a", "b"]), (1, 0))] {
        let mut index = PodIndex::default();
        for name in ["a", "b"] {
            index.apply_node(name, Some(&amd64()), &nothing(), NOW);
        }
        apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
        apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
        assert_eq!(index.moved_references(), (Vec::new(), 1));
        let version = index.version();
        assert_eq!(index.apply_node("a", Some(&amd64()), &pulled, NOW), [owner("web")].into());
        assert!(index.version() > version);
        assert_eq!((moved(&index).len(), index.moved_references().1), expected);
        // Said again, it is no news.
        assert!(index.apply_node("a", Some(&amd64()), &pulled, NOW).is_empty());
    }
}

/// Docker may list an image for each index, whatever manifests the indexes have.
#[test]
fn images_that_docker_lists_prove_nothing() {
    let docker = Platform::new("linux", "amd64", "docker://29.0.1").unwrap();
    let mut index = PodIndex::default();
    index.apply_node("a", Some(&docker), &as_several(&["a", "b"]), NOW);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", "nginx:1.27", ran("b")), NOW);
    assert_eq!(index.moved_references(), (Vec::new(), 1));
}
