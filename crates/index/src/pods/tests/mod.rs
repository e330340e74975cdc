//! The index by itself: what it says changed, and what it remembers.

use jiff::Timestamp;
use tagwatch_core::drift::{Discarded, Platform, PullFailureReason};
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::slim::{ContainerImageStatus, LastRun, NoImageReason, NodeImages};

use super::starts::START_SETTLES_IN;
use super::*;

mod kubelet;
mod names;
mod platforms;
mod proofs;
mod restored;
mod shapes;
mod single;
mod updates;

/// The controllers whose evidence is another one now.
fn apply(index: &mut PodIndex, pod: PodFacts<'_>, now: u32) -> BTreeSet<WorkloadKey> {
    index.apply(pod, now).evidence
}

const NOW: u32 = 1_800_000_000;

fn owner(name: &str) -> WorkloadKey {
    WorkloadKey::new("apps/v1", "ReplicaSet", "shop", name, format!("uid-{name}"))
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn ran(letter: &str) -> ImageStatus {
    ImageStatus::Ran { digest: digest(letter), since: at(NOW - 60), until: None }
}

fn at(seconds: u32) -> Option<Timestamp> {
    Timestamp::from_second(seconds.into()).ok()
}

fn pod<'a>(
    name: &'a str,
    owned: &str,
    node: &'a str,
    image: &str,
    image_status: ImageStatus,
) -> PodFacts<'a> {
    let status = ContainerImageStatus {
        container: "web".into(),
        container_type: ContainerType::Container,
        image: image.into(),
        container_id: None,
        image_status,
        last_run: None,
    };
    PodFacts {
        namespace: "shop",
        name,
        uid: name,
        controller: owner(owned),
        shape: PodShape::default(),
        node: Some(node),
        statuses: vec![status],
        may_have_changed: false,
        settles_in: START_SETTLES_IN,
        is_live: true,
        reported_from: None,
    }
}

fn amd64() -> Platform {
    Platform::new("linux", "amd64", "containerd://2.1.4").unwrap()
}

fn arm64() -> Platform {
    Platform::new("linux", "arm64", "containerd://2.1.4").unwrap()
}

/// What a node lists that has pulled no image twice.
fn nothing() -> NodeImages {
    NodeImages::default()
}

/// What a node lists that knows these as digests of one image.
fn as_one(letters: &[&str]) -> NodeImages {
    NodeImages { of_one_image: vec![letters.iter().map(|letter| digest(letter)).collect()], ..nothing() }
}

/// What a node lists that has each of these as an image of its own.
fn as_several(letters: &[&str]) -> NodeImages {
    let images = letters.iter().map(|letter| [digest(letter)].into()).collect();
    NodeImages { of_one_repository: vec![images], ..nothing() }
}

/// Nodes of one platform, which have pulled images again after their tags moved.
fn index_with_nodes(names: &[&str]) -> PodIndex {
    let mut index = PodIndex::default();
    for name in names {
        index.apply_node(name, Some(&amd64()), &as_several(&["a", "b", "c"]), NOW);
    }
    index
}

fn moved(index: &PodIndex) -> Vec<String> {
    index.moved_references().0.iter().map(Reference::canonical).collect()
}

#[test]
fn one_digest_is_no_news_and_a_second_one_is() {
    let mut index = index_with_nodes(&["a", "b"]);
    for name in ["one", "two", "three"] {
        assert!(apply(&mut index, pod(name, "web", "a", "nginx:1.27", ran("a")), NOW).is_empty());
    }
    let version = index.version();
    assert_eq!(
        apply(&mut index, pod("four", "web", "b", "nginx:1.27", ran("b")), NOW),
        [owner("web")].into()
    );
    assert!(index.version() > version);
    assert_eq!(moved(&index), ["docker.io/library/nginx:1.27"]);
    let version = index.version();
    assert!(apply(&mut index, pod("five", "web", "b", "nginx:1.27", ran("b")), NOW).is_empty());
    assert!(apply(&mut index, pod("five", "web", "b", "nginx:1.27", ran("b")), NOW + 5).is_empty());
    assert_eq!(index.version(), version);
}

#[test]
fn whoever_runs_a_reference_learns_that_it_moved_elsewhere() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx", ran("a")), NOW);
    let affected = apply(&mut index, pod("two", "api", "a", "docker.io/library/nginx:latest", ran("b")), NOW);
    assert_eq!(affected, [owner("api"), owner("web")].into());
}

#[test]
fn a_restart_of_a_container_is_no_news() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", "nginx:1.27", ran("b")), NOW);
    let version = index.version();
    for seen in [
        ImageStatus::Unknown(NoImageReason::NotRun),
        ran("a"),
        ImageStatus::Unknown(NoImageReason::NotRun),
        ran("a"),
    ] {
        assert!(apply(&mut index, pod("one", "web", "a", "nginx:1.27", seen), NOW + 60).is_empty());
    }
    assert_eq!(index.version(), version);
    // Of another image it says nothing.
    let affected = apply(
        &mut index,
        pod("one", "web", "a", "nginx:1.28", ImageStatus::Unknown(NoImageReason::NotRun)),
        NOW + 60,
    );
    assert_eq!(affected, [owner("web")].into());
}

#[test]
fn a_proof_outlives_its_pods_for_thirty_days() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", "nginx:1.27", ran("b")), NOW);
    index.delete("shop", "one", NOW);
    assert_eq!(moved(&index).len(), 1);
    assert!(index.expire(NOW + MEMORY).is_empty());
    assert_eq!(moved(&index).len(), 1);
    index.expire(NOW + MEMORY + 1);
    assert!(moved(&index).is_empty());
    index.delete("shop", "two", NOW + MEMORY + 1);
    index.expire(NOW + 2 * MEMORY + 2);
    assert_eq!((index.references.count(), index.pods.len(), index.controllers.len()), (0, 0, 0));
}

#[test]
fn a_pod_that_has_ended_ran_what_it_ran_and_counts_for_nobody() {
    let mut index = index_with_nodes(&["a"]);
    let ended = |name: &'static str, letter: &str| PodFacts {
        is_live: false,
        ..pod(name, "job", "a", "job:1", ran(letter))
    };
    apply(&mut index, ended("one", "a"), NOW);
    assert!(moved(&index).is_empty());
    apply(&mut index, ended("two", "b"), NOW);
    assert_eq!(moved(&index), ["docker.io/library/job:1"]);
    let version = index.version();
    apply(&mut index, ended("two", "b"), NOW + 60);
    assert_eq!(index.version(), version);
    assert!(index.controllers.is_empty() && index.pods.is_empty());
}

#[test]
fn nodes_that_come_later_make_proof_of_what_was_likely() {
    let mut index = PodIndex::default();
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    assert_eq!((moved(&index).len(), index.moved_references().1), (0, 1));
    index.apply_node("a", Some(&amd64()), &as_several(&["a", "b"]), NOW);
    assert_eq!(index.moved_references().1, 1);
    assert_eq!(index.apply_node("b", Some(&amd64()), &nothing(), NOW), [owner("web")].into());
    assert_eq!((moved(&index).len(), index.moved_references().1), (1, 0));
    // A proof is a proof, also once nodes may not be read any more.
    index.forget_nodes(NOW);
    assert_eq!((moved(&index).len(), index.moved_references().1), (1, 0));
}

#[test]
fn nodes_of_two_platforms_run_two_manifests_of_one_index() {
    let mut index = index_with_nodes(&["a"]);
    index.apply_node("b", Some(&arm64()), &nothing(), NOW);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    assert_eq!(index.moved_references(), (Vec::new(), 0));
}

#[test]
fn what_a_node_knows_as_one_image_did_not_move() {
    let mut index = index_with_nodes(&["a", "b"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", "nginx:1.27", ran("b")), NOW);
    assert_eq!(moved(&index).len(), 1);
    let images = as_one(&["a", "b"]);
    assert_eq!(index.apply_node("b", Some(&amd64()), &images, NOW), [owner("web")].into());
    assert!(moved(&index).is_empty());
    // The node and its list may go, the fact stays.
    assert!(index.apply_node("b", Some(&amd64()), &nothing(), NOW).is_empty());
    assert!(moved(&index).is_empty());
}

#[test]
fn a_pull_that_fails_is_told_once() {
    let mut index = index_with_nodes(&["a"]);
    let fails = || ImageStatus::PullFailing { reason: PullFailureReason::Pull, since: None };
    assert_eq!(apply(&mut index, pod("one", "web", "a", "nginx:1.27", fails()), NOW), [owner("web")].into());
    assert!(apply(&mut index, pod("one", "web", "a", "nginx:1.27", fails()), NOW + 30).is_empty());
    assert_eq!(
        apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW + 60),
        [owner("web")].into()
    );
}

#[test]
fn at_most_eight_digests_are_kept_of_a_reference() {
    let mut index = index_with_nodes(&["a"]);
    for (at, letter) in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].into_iter().enumerate() {
        apply(&mut index, pod(&format!("pod-{at}"), "web", "a", "nginx:1.27", ran(letter)), NOW);
    }
    let id = index.references.find("docker.io/library/nginx:1.27").unwrap();
    assert_eq!(index.references.get(id).unwrap().slots().count(), 8);
    index.delete("shop", "pod-3", NOW + 1);
    apply(&mut index, pod("pod-8", "web", "a", "nginx:1.27", ran("8")), NOW + 1);
    let digests: BTreeSet<String> =
        index.references.get(id).unwrap().slots().map(|slot| slot.digest.to_string()).collect();
    assert!(digests.contains(&digest("8")) && !digests.contains(&digest("3")), "{digests:?}");
}

#[test]
fn a_complete_list_removes_what_it_does_not_name() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", "nginx:1.27", ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", "nginx:1.27", ran("b")), NOW);
    let listed = HashSet::from([(Arc::from("shop"), Box::from("one"))]);
    assert!(index.retain(Some("mail"), &HashSet::new(), NOW).evidence.is_empty());
    assert_eq!(index.retain(None, &listed, NOW).evidence, [owner("web")].into());
    assert_eq!(index.pods.values().map(BTreeSet::len).sum::<usize>(), 1);
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

/// Two containers a pod, as many pods as a large cluster has; in a process of its own, for the memory is that of the
/// process.
#[test]
fn a_pod_takes_less_than_three_hundred_bytes() {
    const PODS: usize = 100_000;
    const ALONE: &str = "TAGWATCH_MEASURED_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let name = "pods::tests::a_pod_takes_less_than_three_hundred_bytes";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let output = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && printed.contains("bytes a pod"), "{printed}");
        return;
    }
    let mut index = index_with_nodes(&["a", "b"]);
    let before = resident();
    for at in 0..PODS {
        let name = format!("checkout-7d4b9c5f6{:03}-{:05}", at / 100, at);
        let workload = format!("checkout-{}", at / 100);
        let mut facts = pod(&name, &workload, "a", "registry.example/shop/checkout:1.27.3", ran("a"));
        let mut sidecar = facts.statuses[0].clone();
        sidecar.container = "mesh".into();
        facts.statuses.push(sidecar);
        apply(&mut index, facts, NOW);
    }
    let each = (resident() - before) / PODS;
    println!("{each} bytes a pod");
    assert!(each <= 300);
    assert_eq!(index.pods["shop"].len(), PODS);
}

#[test]
fn a_record_of_a_pod_stays_within_64_bytes() {
    assert!(size_of::<PodRecord>() <= 64 && size_of::<ContainerState>() <= 32);
}
