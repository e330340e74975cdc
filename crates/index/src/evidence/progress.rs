//! Since when rollouts make no progress whose status has no time: those of `StatefulSet`s, of `DaemonSet`s, and of `Deployment`s
//! without a deadline.

use std::collections::HashMap;

use jiff::Timestamp;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::{SlimObject, UntimedRollout};

use crate::pods::seconds;

/// How long no pod counts for a template that the controller of its object has not seen, in seconds. Where that is away, it
/// would be for ever.
const UNSEEN_FOR: u32 = 3_600;

/// The times of a rollout, in Unix seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// From when on it counts as stalled; `None` if none is under way.
    pub(crate) stalled_from: Option<u32>,
    /// Until when no pod counts for its template; `None` if that has been seen.
    pub(crate) unseen_until: Option<u32>,
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
    /// The times of the rollout of an object.
    pub(crate) fn timing(&mut self, key: &WorkloadKey, object: Option<&SlimObject>, now: u32) -> Timing {
        Timing {
            stalled_from: self.stalled_from(key, object, now),
            unseen_until: self.unseen_until(key, object, now),
        }
    }

    fn unseen_until(&mut self, key: &WorkloadKey, object: Option<&SlimObject>, now: u32) -> Option<u32> {
        let Some(object) = object.filter(|object| !object.is_template_seen()) else {
            self.unseen.remove(key);
            return None;
        };
        let written = not_after(now, object.unseen_written());
        Some(self.unseen.entry(key.clone()).or_insert(written).saturating_add(UNSEEN_FOR))
    }

    fn stalled_from(&mut self, key: &WorkloadKey, object: Option<&SlimObject>, now: u32) -> Option<u32> {
        let Some(rollout) = object.and_then(SlimObject::untimed_rollout) else {
            self.rollouts.remove(key);
            return object?.stalled_from();
        };
        Some(self.observe(key, rollout, now))
    }

    fn observe(&mut self, key: &WorkloadKey, rollout: &UntimedRollout, now: u32) -> u32 {
        let UntimedRollout { template, outdated, written, deadline } = rollout;
        let written = not_after(now, *written);
        let progress = Progress { template: template.clone(), least: *outdated, since: written };
        let known = self.rollouts.entry(key.clone()).or_insert(progress);
        if known.template != *template || *outdated < known.least {
            *known = Progress { template: template.clone(), least: *outdated, since: written };
        }
        known.since.saturating_add(*deadline)
    }

    /// No rollout of a workload is followed any more.
    pub(crate) fn forget(&mut self, key: &WorkloadKey) {
        self.rollouts.remove(key);
        self.unseen.remove(key);
    }
}

/// When an object was written: now, if that is not known. None is written in the future, but clocks differ.
fn not_after(now: u32, written: Option<Timestamp>) -> u32 {
    written.map_or(now, |written| seconds(written).min(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pods::time;

    const HOUR: u32 = 3_600;
    /// How long a rollout of these tests may make no progress: an hour, five minutes of `minReadySeconds` and one of grace.
    const DEADLINE: u32 = HOUR + 360;

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
                written: Some(time(self.written)),
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

    fn is_stalled(progress: &mut RolloutProgress, set: &Set, now: u32) -> bool {
        set.rollout().is_some_and(|rollout| progress.observe(&key(), &rollout, now) <= now)
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
        for written in [None, Some(time(2_000_000))] {
            let mut progress = RolloutProgress::default();
            let rollout = UntimedRollout { written, ..set.rollout().unwrap() };
            assert_eq!(progress.observe(&key(), &rollout, 1_500_000), 1_500_000 + DEADLINE);
            assert_eq!(progress.observe(&key(), &rollout, 1_600_000), 1_500_000 + DEADLINE);
        }
    }
}
