//! One pod: which it is, what its status says when, and how often it counts.

use super::super::references::Slot;
use super::*;

const IMAGE: &str = "nginx:1.27";

fn fails() -> ImageStatus {
    ImageStatus::PullFailing { reason: PullFailureReason::Pull, since: at(NOW - 3_600) }
}

/// Since when pods of a workload wait for their image.
fn failing(index: &PodIndex) -> Option<u32> {
    let owner = owner("web");
    let mut runs = index.runs(&owner);
    runs.find(|run| matches!(run.image_state, ImageState::PullFailing(..))).map(|run| run.since)
}

fn slots<'a>(index: &'a PodIndex, canonical: &str) -> Vec<&'a Slot> {
    let id = index.references.find(canonical).and_then(|id| index.references.get(id));
    id.map(|record| record.slots().collect()).unwrap_or_default()
}

#[test]
fn a_pod_that_ended_long_ago_is_not_found_again_and_again() {
    let mut index = index_with_nodes(&["a"]);
    let ended = |name: &'static str, letter: &str, until: u32| {
        let seen = ImageStatus::Ran { digest: digest(letter), since: at(NOW - 2 * MEMORY), until: at(until) };
        PodFacts { is_live: false, ..pod(name, "job", "a", "job:1", seen) }
    };
    apply(&mut index, ended("one", "a", NOW), NOW);
    let version = index.version();
    assert!(apply(&mut index, ended("two", "b", NOW - MEMORY - 1), NOW).is_empty());
    assert_eq!((index.version(), slots(&index, "docker.io/library/job:1").len()), (version, 1));
    // One that ran for longer than that, and ended within it, counts until then.
    apply(&mut index, ended("three", "b", NOW - MEMORY + 10), NOW);
    assert_eq!(moved(&index).len(), 1);
    index.expire(NOW + 10);
    assert_eq!(moved(&index).len(), 1);
    index.expire(NOW + 11);
    assert!(moved(&index).is_empty());
    apply(&mut index, ended("three", "b", NOW - MEMORY + 10), NOW + 11);
    assert!(moved(&index).is_empty());
    // A pod that is being deleted and still runs was seen last now.
    let seen = ImageStatus::Ran { digest: digest("c"), since: at(NOW - 2 * MEMORY), until: None };
    apply(&mut index, PodFacts { is_live: false, ..pod("four", "job", "a", "job:1", seen) }, NOW);
    assert_eq!(moved(&index).len(), 1);
}

#[test]
fn an_old_digest_takes_no_place_of_a_newer_one() {
    let mut index = index_with_nodes(&["a"]);
    let ended = |letter: &str, until: u32| {
        let seen = ImageStatus::Ran { digest: digest(letter), since: at(until), until: at(until) };
        PodFacts { is_live: false, ..pod("one", "job", "a", "job:1", seen) }
    };
    for (day, letter) in (0..).zip(["1", "2", "3", "4", "5", "6", "7", "8", "9"]) {
        apply(&mut index, ended(letter, NOW - 86_400 * (10 - day)), NOW);
    }
    let version = index.version();
    assert!(apply(&mut index, ended("1", NOW - 86_400 * 10), NOW).is_empty());
    assert_eq!(index.version(), version);
}

#[test]
fn a_status_of_an_older_spec_changes_nothing() {
    let outdated = || ImageStatus::Unknown(NoImageReason::Outdated);
    let mut index = index_with_nodes(&["a", "b"]);
    apply(&mut index, pod("one", "web", "a", IMAGE, ran("a")), NOW);
    apply(&mut index, pod("two", "web", "b", IMAGE, ran("b")), NOW);
    apply(&mut index, pod("three", "web", "b", IMAGE, fails()), NOW);
    let version = index.version();
    for (name, node) in [("one", "a"), ("two", "b"), ("three", "b")] {
        assert!(apply(&mut index, pod(name, "web", node, IMAGE, outdated()), NOW).is_empty());
    }
    assert_eq!((index.version(), failing(&index)), (version, Some(NOW - 3_600)));
    // Of another image the status that is known says nothing.
    assert_eq!(
        apply(&mut index, pod("one", "web", "a", "nginx:1.28", outdated()), NOW),
        [owner("web")].into()
    );
    assert_eq!(
        apply(&mut index, pod("three", "web", "b", "nginx:1.28", outdated()), NOW),
        [owner("web")].into()
    );
    assert_eq!(failing(&index), None);
}

#[test]
fn another_pod_of_the_same_name_is_another_pod() {
    let waits = |uid: &'static str| PodFacts {
        uid,
        ..pod("web-0", "web", "a", IMAGE, ImageStatus::Unknown(NoImageReason::NotRun))
    };
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, PodFacts { uid: "first", ..pod("web-0", "web", "a", IMAGE, ran("a")) }, NOW);
    apply(&mut index, pod("other", "web", "a", IMAGE, ran("b")), NOW);
    assert!(apply(&mut index, waits("first"), NOW).is_empty());
    let live = |index: &PodIndex| -> Vec<u32> {
        slots(index, "docker.io/library/nginx:1.27").iter().map(|slot| slot.live).collect()
    };
    assert_eq!(live(&index), [1, 1]);
    assert_eq!(apply(&mut index, waits("second"), NOW), [owner("web")].into());
    assert_eq!(live(&index), [0, 1]);
}

#[test]
fn a_pod_counts_once_for_an_image_however_many_containers_run_it() {
    let mut index = index_with_nodes(&["a"]);
    let twice = |name: &'static str, letter: &str| {
        let mut facts = pod(name, "web", "a", IMAGE, ran(letter));
        let mut init = facts.statuses[0].clone();
        init.container_type = ContainerType::Init;
        init.image_status =
            ImageStatus::Ran { digest: digest(letter), since: at(NOW - 90), until: at(NOW - 80) };
        facts.statuses.insert(0, init);
        facts
    };
    apply(&mut index, twice("one", "a"), NOW);
    apply(&mut index, twice("two", "a"), NOW);
    apply(&mut index, twice("three", "b"), NOW);
    let counted = |index: &PodIndex| -> Vec<(u32, u32)> {
        let slots = slots(index, "docker.io/library/nginx:1.27");
        slots.iter().map(|slot| (slot.live, slot.platforms[0].1)).collect()
    };
    assert_eq!(counted(&index), [(2, 2), (1, 1)]);
    assert_eq!(slots(&index, "docker.io/library/nginx:1.27")[0].first, NOW - 90);
    // One of its containers runs another image: the other still runs the first.
    let mut changed = twice("one", "a");
    changed.statuses[1].image_status = ran("b");
    apply(&mut index, changed, NOW);
    assert_eq!(counted(&index), [(2, 2), (2, 2)]);
    index.delete("shop", "one", NOW);
    index.delete("shop", "three", NOW);
    assert_eq!(counted(&index), [(1, 1), (0, 0)]);
}

#[test]
fn a_running_container_that_names_no_digest_is_not_counted_for_its_last_one() {
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", IMAGE, ran("a")), NOW);
    apply(&mut index, pod("two", "web", "a", IMAGE, ran("b")), NOW);
    for why in [Discarded::ConfigId, Discarded::OtherRepository] {
        let seen = ImageStatus::Unknown(NoImageReason::ImageId(why));
        assert_eq!(apply(&mut index, pod("one", "web", "a", IMAGE, seen), NOW), [owner("web")].into());
        apply(&mut index, pod("one", "web", "a", IMAGE, ran("a")), NOW);
    }
}

#[test]
fn a_pull_that_begins_to_fail_is_given_its_time_from_then_on() {
    let since = |seen: ImageStatus, then: ImageStatus| {
        let mut index = index_with_nodes(&["a"]);
        apply(&mut index, pod("one", "web", "a", IMAGE, seen), NOW - 30);
        apply(&mut index, pod("one", "web", "a", IMAGE, then), NOW);
        failing(&index)
    };
    // What is seen first may have failed for as long as the pod is not ready.
    assert_eq!(since(fails(), fails()), Some(NOW - 3_600));
    // The pod was not ready for another reason.
    for seen in
        [ran("a"), ImageStatus::Unknown(NoImageReason::NotRun), ImageStatus::Unknown(NoImageReason::NoStatus)]
    {
        assert_eq!(since(seen, fails()), Some(NOW));
    }
    // Of a new pod that is near enough, and the same after a restart.
    let soon = ImageStatus::PullFailing { reason: PullFailureReason::Pull, since: at(NOW - 60) };
    assert_eq!(since(ImageStatus::Unknown(NoImageReason::NotRun), soon), Some(NOW - 60));
    // Another image of the same pod begins anew.
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("one", "web", "a", IMAGE, fails()), NOW - 30);
    apply(&mut index, pod("one", "web", "a", "nginx:1.28", fails()), NOW);
    assert_eq!(index.pods["shop"].get("one").unwrap().0.states[0].since, NOW);
}
