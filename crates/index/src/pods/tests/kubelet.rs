//! Generated lives of a pod against a plain model of a kubelet: whatever order changes of the image, crashes, ends of
//! containers, statuses that come late, and restarts of tagwatch have, no tag is seen to run as a digest that it never had.

use std::collections::VecDeque;

use super::updates::{ONE, Scripted, THREE, TWO};
use super::*;

const TAGS: [&str; 3] = [ONE, TWO, THREE];
const LIVES: u64 = 200;
const STEPS: usize = 60;
/// After so many steps of a minute, the kubelet has followed: no lag is near the time in which a start settles.
const LONGEST_LAG: usize = 10;

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// A container that was started.
#[derive(Clone, Copy)]
struct Started {
    id: &'static str,
    tag: usize,
    has_ended: bool,
}

/// A kubelet that is behind, and the pod as its user and tagwatch see it.
struct Life {
    pod: Scripted,
    /// The digest of each tag.
    digests: [&'static str; 3],
    /// What the spec named, by tag; the generation of each is its place, from 1 on.
    specs: Vec<usize>,
    /// Up to which generation the kubelet starts containers, and which one it says it has observed.
    synced: usize,
    observed: usize,
    running: Option<Started>,
    starts: usize,
    /// Statuses that are under way, with the generation that each names.
    statuses: VecDeque<(Started, usize)>,
}

impl Life {
    fn new(generations: (Option<i64>, Option<i64>), digests: [&'static str; 3]) -> Self {
        let mut pod = Scripted::new(&[ONE]);
        pod.generations = generations;
        let mut life = Self {
            pod,
            digests,
            specs: vec![0],
            synced: 1,
            observed: 1,
            running: None,
            starts: 0,
            statuses: VecDeque::new(),
        };
        life.pod.index.apply_node("a", Some(&amd64()), &as_several(&["1", "2", "3", "4"]), NOW);
        life.pod.show();
        life
    }

    fn start(&mut self) {
        let id = Box::leak(format!("c{}", self.starts).into_boxed_str());
        self.starts += 1;
        self.running = Some(Started { id, tag: self.specs[self.synced - 1], has_ended: false });
        self.report();
    }

    /// The kubelet writes a status.
    fn report(&mut self) {
        self.statuses.extend(self.running.map(|running| (running, self.observed)));
    }

    /// The kubelet sees a spec up to this generation, and restarts what it was not started from.
    fn sync(&mut self, generation: usize) {
        self.synced = generation.max(self.synced);
        self.observed = self.synced.max(self.observed);
        let tag = self.specs[self.synced - 1];
        if self.running.is_none_or(|running| running.tag != tag && !running.has_ended) {
            self.start();
        }
    }

    /// The oldest status arrives.
    fn deliver(&mut self) {
        let Some((started, observed)) = self.statuses.pop_front() else { return };
        self.pod.has_ended = started.has_ended;
        self.pod.generations.1 = self.pod.generations.1.map(|_| i64::try_from(observed).unwrap());
        self.pod.status(0, started.id, self.digests[started.tag]);
        self.assert_sound();
    }

    fn follow(&mut self) {
        self.sync(self.specs.len());
        self.observed = self.specs.len();
        self.report();
        while !self.statuses.is_empty() {
            self.deliver();
        }
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(14) {
            0..3 => {
                self.specs.push(random.below(3));
                self.pod.set_image(0, TAGS[self.specs[self.specs.len() - 1]]);
            }
            3..5 => {
                let behind = self.specs.len() - self.synced;
                self.sync(self.synced + random.below(behind + 1));
            }
            // It may name a generation whose image it has not got to.
            5 => {
                self.observed = self.specs.len();
                self.report();
            }
            6 if self.running.is_some_and(|running| !running.has_ended) => self.start(),
            7 if self.running.is_some() && random.below(4) == 0 => {
                self.running = self.running.map(|running| Started { has_ended: true, ..running });
                self.report();
            }
            8 if random.below(4) == 0 => self.pod.restart_of_tagwatch(),
            9 => self.report(),
            _ => self.deliver(),
        }
        self.assert_sound();
    }

    fn assert_sound(&self) {
        for (tag, digest) in TAGS.iter().zip(self.digests) {
            let ran = self.pod.ran(tag);
            assert!(ran.iter().all(|ran| ran == digest), "{tag} ran as {ran:?}, and is {digest}");
        }
        self.pod.assert_never_moved();
    }
}

#[test]
fn no_life_of_a_pod_proves_a_move_that_was_none() {
    for (with, counted) in [(Some(1), Some(1)), (Some(1), None), (None, None)].into_iter().enumerate() {
        for seed in 0..LIVES {
            let mut random = Random(seed * 3 + with as u64);
            // Tags of one image are many.
            let digests = [["1", "2", "3"], ["1", "1", "2"], ["1", "2", "1"]][random.below(3)];
            let mut life = Life::new(counted, digests);
            for step in 1..=STEPS {
                life.step(&mut random);
                if step % LONGEST_LAG == 0 {
                    life.follow();
                }
            }
        }
    }
}

/// Once everything has followed, a tag that moves is seen to have moved.
#[test]
fn a_move_is_proven_after_any_life_of_a_pod() {
    for (with, counted) in [(Some(1), Some(1)), (Some(1), None), (None, None)].into_iter().enumerate() {
        for seed in 0..LIVES {
            let mut random = Random(seed * 3 + with as u64);
            let mut life = Life::new(counted, ["1", "2", "3"]);
            for _ in 0..LONGEST_LAG {
                life.step(&mut random);
            }
            life.follow();
            life.pod.index.apply_node("a", Some(&amd64()), &as_several(&["1", "2", "3", "4"]), NOW);
            life.start();
            life.follow();
            life.pod.now += START_SETTLES_IN;
            life.follow();
            let tag = *life.specs.last().unwrap();
            assert_eq!(life.pod.ran(TAGS[tag]), [life.digests[tag]], "{seed}");
            // Pushed again, and pulled at the next start.
            life.pod.status(0, "after the push", "4");
            assert_eq!(moved(&life.pod.index), [TAGS[tag]], "{seed}");
        }
    }
}
