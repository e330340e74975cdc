//! Since when rollouts make no progress whose status has no time: those of `StatefulSet`s, of `DaemonSet`s, of `Deployment`s
//! without a deadline, and of custom objects that number what they make. And since when any rollout is not over.

use std::collections::HashMap;

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{SlimObject, UntimedRollout};

use crate::pods::LONG_DELETION;

/// How long no pod counts for a template that the controller of its object has not seen, in seconds. Where that is away, it
/// would be for ever.
const UNSEEN_FOR: u32 = 3_600;
/// How long pods of earlier templates are waited for at most, in seconds, whatever progress the rollout makes. Who may change
/// the template begins another rollout as often as they like, and each of them has its deadline from then on.
pub(crate) const UNFINISHED_FOR: u32 = 24 * 3_600;

/// The times of a rollout, in Unix seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// From when on it counts as stalled; `None` if none is under way.
    pub(crate) stalled_from: Option<u32>,
    /// Until when no pod counts for its template; `None` if that has been seen.
    pub(crate) unseen_until: Option<u32>,
}

/// What is seen of the rollout of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed<'a> {
    /// `None` of an object of which only its place among its owners is known.
    pub(crate) object: Option<&'a SlimObject>,
    /// No rollout is in progress, by its status or by what depends on it.
    pub(crate) is_over: bool,
    /// The rollout in progress, if nothing says when that made progress.
    pub(crate) untimed: Option<&'a UntimedRollout>,
    /// When its oldest living pod of the newest template has started, in Unix seconds; 0 if that is not known.
    pub(crate) first_start: u32,
}

/// The progress of the rollouts that are under way, one entry for each object. It is not stored: after a restart, a rollout
/// counts from the time at which the spec or the status of its object was last written, since a status is written when a pod
/// is replaced.
#[derive(Debug, Default)]
pub(crate) struct RolloutProgress {
    rollouts: HashMap<WorkloadKey, Progress>,
    /// Since when the controllers of objects have not seen the newest template, in Unix seconds. Further writes until they do
    /// change nothing of that.
    unseen: HashMap<WorkloadKey, u32>,
    /// Since when a rollout of an object is in progress or its template is not seen, in Unix seconds, whichever template that
    /// is.
    unfinished: HashMap<WorkloadKey, u32>,
    /// Since when `ReplicaSet`s that ask for no pods have some, in Unix seconds.
    left_behind: HashMap<WorkloadKey, u32>,
    /// Whether everything is looked at once.
    is_of_one_look: bool,
}

/// The progress of one rollout.
#[derive(Debug)]
struct Progress {
    /// What names its template.
    template: Box<str>,
    /// The fewest pods that were still to be replaced. More of them later, as after an eviction, are no new rollout, and
    /// fewer again no progress.
    least: u32,
    /// When that was reached, in Unix seconds.
    since: u32,
}

impl RolloutProgress {
    /// Of a cluster that is looked at once: nothing is seen before or after.
    pub(crate) fn of_one_look() -> Self {
        Self { is_of_one_look: true, ..Self::default() }
    }

    /// Whether [`Observed::first_start`] may be needed.
    pub(crate) fn needs_start(&self, object: Option<&SlimObject>) -> bool {
        self.is_of_one_look && object.is_none_or(|object| object.written().is_none())
    }

    /// The times of the rollout of an object.
    pub(crate) fn timing(&mut self, key: &WorkloadKey, observed: Observed<'_>, now: u32) -> Timing {
        let Observed { object, is_over, untimed, first_start } = observed;
        // If that is not known, from now on; an index of one look goes by what there is. None is written in the future,
        // but clocks differ.
        let unknown =
            || if self.is_of_one_look { object.map_or(0, SlimObject::changed).max(first_start) } else { now };
        let written = object.and_then(SlimObject::written).unwrap_or_else(unknown).min(now);
        let unseen = object.is_some_and(|object| !object.is_template_seen());
        let unseen_until = self.unseen_until(key, unseen.then_some(written));
        let stalled_from = if let Some(rollout) = untimed.filter(|_| !is_over) {
            Some(self.observe(key, rollout, written))
        } else {
            self.rollouts.remove(key);
            object.filter(|_| !is_over).and_then(SlimObject::stalled_from)
        };
        if is_over && !unseen {
            self.unfinished.remove(key);
            return Timing { stalled_from: None, unseen_until: None };
        }
        let began = self.unfinished.entry(key.clone()).or_insert(written);
        let latest = began.saturating_add(UNFINISHED_FOR);
        Timing {
            stalled_from: (!is_over).then(|| stalled_from.map_or(latest, |from| from.min(latest))),
            unseen_until: unseen_until.map(|until| until.min(latest)),
        }
    }

    /// `written` is when the object was, if its template is not seen.
    fn unseen_until(&mut self, key: &WorkloadKey, written: Option<u32>) -> Option<u32> {
        let Some(written) = written else {
            self.unseen.remove(key);
            return None;
        };
        Some(self.unseen.entry(key.clone()).or_insert(written).saturating_add(UNSEEN_FOR))
    }

    fn observe(&mut self, key: &WorkloadKey, rollout: &UntimedRollout, written: u32) -> u32 {
        let UntimedRollout { template, outdated, deadline } = rollout;
        let progress = Progress { template: template.clone(), least: *outdated, since: written };
        let known = self.rollouts.entry(key.clone()).or_insert(progress);
        if known.template != *template || *outdated < known.least {
            *known = Progress { template: template.clone(), least: *outdated, since: written };
        }
        known.since.saturating_add(*deadline)
    }

    /// From when on the pods of a `ReplicaSet` that asks for none count again, in Unix seconds. Its controller deletes them at
    /// once, if it is not away, and if nothing refuses it.
    pub(crate) fn left_behind_from(&mut self, set: &WorkloadKey, now: u32) -> u32 {
        self.left_behind.entry(set.clone()).or_insert(now).saturating_add(LONG_DELETION)
    }

    /// It asks for pods, or has none.
    pub(crate) fn is_not_left_behind(&mut self, set: &WorkloadKey) {
        self.left_behind.remove(set);
    }

    /// No rollout of an object is followed any more.
    pub(crate) fn forget(&mut self, key: &WorkloadKey) {
        self.left_behind.remove(key);
        self.rollouts.remove(key);
        self.unseen.remove(key);
        self.unfinished.remove(key);
    }

    /// Forgets the objects that are gone.
    pub(crate) fn retain(&mut self, is_there: impl Fn(&WorkloadKey) -> bool) {
        self.left_behind.retain(|key, _| is_there(key));
        self.rollouts.retain(|key, _| is_there(key));
        self.unseen.retain(|key, _| is_there(key));
        self.unfinished.retain(|key, _| is_there(key));
    }
}

#[cfg(test)]
mod tests {
    use tagwatch_k8s::slim::STALLED_AFTER;

    use super::*;

    /// How long a rollout of these tests may make no progress: an hour, five minutes of `minReadySeconds` and one of grace.
    const DEADLINE: u32 = STALLED_AFTER + 360;

    /// A `StatefulSet` as its controller rolls it out, one pod after the other, and what happens beside that.
    struct Set {
        old: u32,
        new: u32,
        written: u32,
        revision: u32,
    }

    impl Set {
        fn rollout(&self) -> Option<UntimedRollout> {
            (self.old > 0).then(|| UntimedRollout {
                template: format!("db-{}", self.revision).into(),
                outdated: self.old,
                deadline: DEADLINE,
            })
        }

        fn replace_one(&mut self, at: u32) {
            (self.old, self.new, self.written) = (self.old - 1, self.new + 1, at);
        }

        fn change_template(&mut self, at: u32) {
            (self.old, self.new) = (self.old + self.new, 0);
            (self.revision, self.written) = (self.revision + 1, at);
        }
    }

    /// Numbers that look random, and are the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
        }
    }

    fn key() -> WorkloadKey {
        WorkloadKey::new("apps/v1", "StatefulSet", "shop", "db", "uid")
    }

    fn observed(rollout: &UntimedRollout) -> Observed<'_> {
        Observed { object: None, is_over: false, untimed: Some(rollout), first_start: 0 }
    }

    fn is_stalled(progress: &mut RolloutProgress, set: &Set, now: u32) -> bool {
        let written = set.written.min(now);
        set.rollout().is_some_and(|rollout| progress.observe(&key(), &rollout, written) <= now)
    }

    #[test]
    fn a_slow_rollout_is_never_stalled_and_one_that_stops_is_after_its_deadline() {
        for seed in 0..500 {
            let mut numbers = Numbers(seed);
            let mut progress = RolloutProgress::default();
            let pods = 1 + numbers.below(10);
            let mut now = 1_700_000_000 + numbers.below(1_000_000);
            let mut set = Set { old: 0, new: pods, written: now, revision: 1 };
            set.change_template(now);
            let stops_at = numbers.below(pods);
            // Each pod takes up to an hour to become ready, then `minReadySeconds`, and the next one its grace period to end.
            while set.old > stops_at {
                let next = now + 1 + numbers.below(DEADLINE - 1);
                while now < next {
                    assert!(!is_stalled(&mut progress, &set, now), "seed {seed}: {} of {pods} left", set.old);
                    now += 1 + numbers.below(600);
                    if numbers.below(20) == 0 {
                        // tagwatch starts again.
                        progress = RolloutProgress::default();
                    }
                }
                now = next;
                set.replace_one(now);
                if numbers.below(30) == 0 && set.old > 0 {
                    set.change_template(now);
                }
            }
            if set.old == 0 {
                assert!(set.rollout().is_none());
                continue;
            }
            // It stops. Pods of either template come and go, and the object is scaled and written.
            let stopped = now;
            while now < stopped + DEADLINE {
                assert!(!is_stalled(&mut progress, &set, now), "seed {seed}");
                now += 1 + numbers.below(600);
                (set.old, set.new) = (stops_at + numbers.below(3), set.new + numbers.below(3));
                set.written = now;
            }
            assert!(is_stalled(&mut progress, &set, now), "seed {seed}");
        }
    }

    #[test]
    fn a_rollout_that_stopped_before_the_start_of_the_process_is_stalled_at_once() {
        let set = Set { old: 2, new: 1, written: 1_000_000, revision: 7 };
        assert!(!is_stalled(&mut RolloutProgress::default(), &set, 1_000_000 + DEADLINE - 1));
        assert!(is_stalled(&mut RolloutProgress::default(), &set, 1_000_000 + DEADLINE));
        // Without a time, or with one in the future, it counts from now on.
        let mut progress = RolloutProgress::default();
        let rollout = set.rollout().unwrap();
        for now in [1_500_000, 1_503_000] {
            let timing = progress.timing(&key(), observed(&rollout), now);
            assert_eq!(timing.stalled_from, Some(1_500_000 + DEADLINE));
        }
    }
    #[test]
    fn neither_another_template_nor_progress_puts_the_end_off_for_more_than_a_day() {
        let begin = 1_700_000_000;
        for gap in [STALLED_AFTER - 600, STALLED_AFTER / 2, UNFINISHED_FOR - 1] {
            let mut progress = RolloutProgress::default();
            let mut set = Set { old: u32::MAX, new: 0, written: begin, revision: 1 };
            let mut now = begin;
            loop {
                let rollout = UntimedRollout { deadline: 25 * 3_600, ..set.rollout().unwrap() };
                let from = progress.timing(&key(), observed(&rollout), now).stalled_from.unwrap();
                assert!(from <= begin + UNFINISHED_FOR, "{gap}");
                assert_eq!(from <= now, now >= begin + UNFINISHED_FOR, "{gap}");
                if from <= now {
                    break;
                }
                now += gap;
                if set.revision.is_multiple_of(2) {
                    set.replace_one(now);
                }
                set.revision += 1;
            }
            // It is over, and another one begins.
            let over = Observed { object: None, is_over: true, untimed: None, first_start: 0 };
            assert_eq!(progress.timing(&key(), over, now).stalled_from, None);
            let next = set.rollout().unwrap();
            assert!(progress.timing(&key(), observed(&next), now).stalled_from.unwrap() > now);
        }
    }
}
