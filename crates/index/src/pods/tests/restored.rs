//! Pods of which it is not known from which image they were started, and proofs that were stored.

use super::updates::{ONE, TWO};
use super::*;
use crate::proofs::Proofs;

/// A pod that counts for nothing since its spec may have changed, as after `kubectl debug` and a start of tagwatch.
fn debugged(name: &str, image_status: ImageStatus) -> PodFacts<'_> {
    PodFacts { may_have_changed: true, ..pod(name, "web", "a", ONE, image_status) }
}

/// A reference that is proven to have moved, as it is stored while two pods run its digests.
fn mixed() -> String {
    let mut index = index_with_nodes(&["a"]);
    index.apply_node("a", Some(&amd64()), &as_several(&["1", "2"]), NOW);
    for (name, letter) in [("one", "1"), ("two", "2")] {
        apply(&mut index, pod(name, "web", "a", ONE, ran(letter)), NOW);
    }
    Proofs::render_pods(&index, NOW)
}

/// How many pods run each digest of an image, in the order of the digests.
fn live(index: &PodIndex, image: &str) -> Vec<u32> {
    let record = index.references.find(image).and_then(|id| index.references.get(id));
    let mut slots: Vec<&Slot> = record.into_iter().flat_map(ReferenceRecord::slots).collect();
    slots.sort_by_key(|slot| &slot.digest);
    slots.into_iter().map(|slot| slot.live).collect()
}

#[test]
fn a_digest_that_is_stored_has_not_ended_where_a_pod_of_an_unknown_start_runs_it() {
    let text = mixed();
    let mut index = index_with_nodes(&["a"]);
    assert_eq!(Proofs::restore_pods(&text, &mut index, NOW), (1, 0));
    assert_eq!(live(&index, ONE), [0, 0]);
    apply(&mut index, debugged("one", ran("1")), NOW);
    apply(&mut index, debugged("two", ran("2")), NOW);
    assert_eq!(live(&index, ONE), [1, 1]);
    assert_eq!(index.runs(&owner("web")).map(|run| run.since).collect::<Vec<_>>(), [NOW - 60, NOW - 60]);
    assert_eq!(Proofs::render_pods(&index, NOW), text, "a start is no event");
    // It waits for its next start, and its kubelet has not seen the spec.
    for why in [NoImageReason::NotRun, NoImageReason::Outdated] {
        apply(&mut index, debugged("one", ImageStatus::Unknown(why)), NOW + 60);
        assert_eq!(live(&index, ONE), [1, 1]);
    }
    // What it is started from is as unknown as before.
    let start = |letter| {
        let mut pod = debugged("one", ran(letter));
        pod.statuses[0].container_id = Some(letter.into());
        pod
    };
    apply(&mut index, start("3"), NOW + 120);
    assert_eq!(live(&index, ONE), [0, 1], "a third one would be news");
    apply(&mut index, start("2"), NOW + 180);
    assert_eq!(live(&index, ONE), [0, 2]);
    apply(&mut index, start("2"), NOW + START_SETTLES_IN + 180);
    assert_eq!(live(&index, ONE), [0, 2]);
    index.delete("shop", "one", NOW + START_SETTLES_IN + 240);
    index.delete("shop", "two", NOW + START_SETTLES_IN + 240);
    assert_eq!(live(&index, ONE), [0, 0]);
}

#[test]
fn of_an_unknown_start_nothing_is_said_that_is_not_stored() {
    let mut index = index_with_nodes(&["a"]);
    Proofs::restore_pods(&mixed(), &mut index, NOW);
    apply(&mut index, debugged("one", ran("3")), NOW);
    assert_eq!(live(&index, ONE), [0, 0]);
    // Another image with a digest of this one.
    let other = PodFacts { may_have_changed: true, ..pod("two", "web", "a", TWO, ran("1")) };
    apply(&mut index, other, NOW);
    assert!(live(&index, TWO).is_empty());
    // What pods show is not stored: the order in which they are listed makes no difference.
    let mut index = index_with_nodes(&["a"]);
    apply(&mut index, pod("three", "web", "a", ONE, ran("1")), NOW);
    apply(&mut index, debugged("one", ran("1")), NOW);
    assert_eq!(live(&index, ONE), [1]);
}

#[test]
fn a_pod_of_an_unknown_start_that_ends_was_seen_until_then() {
    let mut index = index_with_nodes(&["a"]);
    Proofs::restore_pods(&mixed(), &mut index, NOW);
    let ended = ImageStatus::Ran { digest: digest("1"), since: at(NOW), until: at(NOW + 600) };
    apply(&mut index, PodFacts { is_live: false, ..debugged("one", ended) }, NOW + 600);
    let record = index.references.find(ONE).and_then(|id| index.references.get(id)).unwrap();
    let last: BTreeSet<u32> = record.slots().map(|slot| slot.last).collect();
    assert!(last.contains(&(NOW + 600)), "{last:?}");
}

#[test]
fn a_container_that_waits_for_its_next_start_ran_what_is_stored() {
    let waiting = |why, letter: &str, was_known: bool| {
        let mut pod = PodFacts { may_have_changed: !was_known, ..debugged("one", ImageStatus::Unknown(why)) };
        pod.statuses[0].container_id = Some("c1".into());
        pod.statuses[0].last_run = Some(LastRun { digest: digest(letter), since: at(NOW - 60) });
        pod
    };
    for (why, was_known) in
        [(NoImageReason::NotRun, true), (NoImageReason::NotRun, false), (NoImageReason::Outdated, false)]
    {
        let text = mixed();
        let mut index = index_with_nodes(&["a"]);
        Proofs::restore_pods(&text, &mut index, NOW);
        apply(&mut index, waiting(why, "3", was_known), NOW);
        assert_eq!(live(&index, ONE), [0, 0], "a third one would be news");
        index.delete("shop", "one", NOW);
        apply(&mut index, waiting(why, "1", was_known), NOW);
        apply(&mut index, debugged("two", ran("2")), NOW);
        assert_eq!(live(&index, ONE), [1, 1]);
        assert_eq!(Proofs::render_pods(&index, NOW), text, "a start is no event");
        // It still waits.
        apply(&mut index, waiting(why, "1", was_known), NOW + 60);
        assert_eq!(live(&index, ONE), [1, 1]);
        let mut started = debugged("one", ran("2"));
        started.statuses[0].container_id = Some("c2".into());
        apply(&mut index, started, NOW + 120);
        assert_eq!(live(&index, ONE), [0, 2]);
    }
}
