//! What the plans of each family do.

use std::time::Duration;

use super::{Action, FaultPlan, SLOW_COLLECTOR};
use crate::clock::ClockError;
use crate::double::Verb;
use crate::fault::{Fault, FaultRule, KillPoint, StreamFault, Trigger};
use crate::random::Random;

/// What the controller watches.
const WATCHED: [&str; 13] = [
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "namespaces",
    "nodes",
    "tagpolicies",
    "policyreports",
    "rollouts",
];
/// What it cannot do without: of the others, their absence has a state of its own.
const NEEDED: [&str; 9] = [
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "policyreports",
];
/// A watch that is refused counts as failing after half a minute of tries.
const REFUSAL_SEEN: Duration = Duration::from_secs(45);
/// Before that, no status is written.
const FIRST_EVALUATION: Duration = Duration::from_secs(2);
/// The status codes with which a request is refused.
const CODES: [u16; 13] = [400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503, 504];
/// Writes of a run without faults, roughly. A plan beyond the last write does nothing.
const WRITES: usize = 60;
/// When the scenario ends, in milliseconds.
const SCENARIO: u64 = 12_500;
/// Images that one Deployment gets in a plan of the endurance family, and the time between two of them.
const BUILDS: usize = 300;
const BETWEEN_BUILDS: Duration = Duration::from_secs(1);
/// Longer than it is remembered what pods ran that are gone.
const REST: Duration = Duration::from_mins(15);
const READS: &[Verb] = &[Verb::Get, Verb::List, Verb::Watch];
const WRITING: &[Verb] = &[Verb::Create, Verb::Update, Verb::Patch, Verb::Delete];

impl FaultPlan {
    fn rule(&mut self, replica: usize, trigger: Trigger, fault: Fault) {
        self.rules.push((replica, FaultRule { trigger, fault }));
    }

    pub(super) fn kill(&mut self, random: &mut Random) {
        let points = [KillPoint::BeforeSending, KillPoint::AfterSending, KillPoint::AfterAnswer];
        let first = 1 + random.below(WRITES);
        self.rule(0, Trigger::Write(first), Fault::Kill(random.pick(&points)));
        if random.below(3) == 0 {
            let second = first + 1 + random.below(20);
            self.rule(0, Trigger::Write(second), Fault::Kill(random.pick(&points)));
        }
        self.bound = Duration::from_secs(3);
    }

    pub(super) fn view(&mut self, random: &mut Random) {
        let lasts = Duration::from_millis(random.between(200, 20_000));
        if random.below(4) == 0 {
            let from = Duration::from_millis(random.between(0, SCENARIO));
            self.actions.push((from, Action::StopCache));
            self.actions.push((from + lasts, Action::ResumeCache));
            if random.below(2) == 0 {
                self.actions.push((from + lasts / 2, Action::Kill(0)));
            }
        }
        let first = random.pick(&WATCHED);
        for number in 0..=random.below(3) {
            // Kinds with few objects have few lines.
            let after = random.pick(&[0, 1, 2, 2, 3, 5, 8, 20]);
            let fault = match random.below(6) {
                0 => StreamFault::Replay { after, count: 1 + random.below(10) },
                1 | 2 => StreamFault::Miss { after, lasts },
                3 => StreamFault::Reset { after },
                4 => StreamFault::Drip { delay: Duration::from_millis(random.between(1, 150)) },
                _ => StreamFault::End { after },
            };
            // The same one again, or another one.
            let (plural, nth) =
                if random.below(2) == 0 { (first, 1 + number) } else { (random.pick(&WATCHED), 1) };
            let trigger = Trigger::Nth { verb: Verb::Watch, plural, nth };
            self.rule(0, trigger, Fault::Stream(fault));
        }
        self.bound = Duration::from_mins(1);
    }

    pub(super) fn server(&mut self, random: &mut Random) {
        let from = Duration::from_millis(random.between(0, SCENARIO));
        let until = from + Duration::from_millis(random.between(500, 40_000));
        let (verbs, fault): (&'static [Verb], Fault) = match random.below(7) {
            0 => (&Verb::ALL, Fault::DropBefore),
            1 => (&Verb::ALL, Fault::Status(503, Some(1))),
            2 | 3 => (&Verb::ALL, Fault::HoldUntil(until)),
            // The store is full.
            4 => (WRITING, Fault::Status(500, None)),
            5 => (WRITING, Fault::HangAfter),
            _ => (READS, Fault::Status(504, None)),
        };
        self.rule(0, Trigger::Window { from, until, verbs, plural: None }, fault);
        if random.below(4) == 0 {
            self.actions.push((from + Duration::from_millis(random.between(0, 2_000)), Action::Kill(0)));
        }
        self.bound = Duration::from_secs(15);
    }

    pub(super) fn expiry(&mut self, random: &mut Random) {
        self.has_watch_lists = random.below(2) == 0;
        for _ in 0..=random.below(3) {
            let at = Duration::from_millis(random.between(0, SCENARIO));
            self.actions.push((at, Action::Compact));
        }
        for _ in 0..=random.below(4) {
            let (plural, nth, after) = (random.pick(&WATCHED), 1 + random.below(2), random.below(20));
            let watch = Trigger::Nth { verb: Verb::Watch, plural, nth };
            match random.below(4) {
                0 => self.rule(0, watch, Fault::Stream(StreamFault::Expire { after })),
                1 => self.rule(0, watch, Fault::Status(410, None)),
                2 => self.rule(0, watch, Fault::Stream(StreamFault::Reset { after })),
                _ => self.rule(0, Trigger::Nth { verb: Verb::List, plural, nth }, Fault::Status(410, None)),
            }
        }
        self.bound = Duration::from_secs(15);
    }

    pub(super) fn requests(&mut self, random: &mut Random) {
        let verb = random.pick(&Verb::ALL);
        let plural = match verb {
            Verb::Get => random.pick(&["policyreports", "configmaps"]),
            Verb::Create | Verb::Update | Verb::Delete => "policyreports",
            Verb::Patch => "tagpolicies",
            Verb::List | Verb::Watch => random.pick(&WATCHED),
        };
        self.has_watch_lists = verb != Verb::List;
        if verb == Verb::Delete {
            // Otherwise tagwatch has nothing to delete.
            self.collects_after = SLOW_COLLECTOR;
        }
        let late = Duration::from_millis(random.between(10, 15_000));
        let code = random.pick(&CODES);
        let fault = match random.below(10) {
            0 => Fault::DropBefore,
            1 => Fault::DropAfter,
            2 => Fault::Delay(late),
            3 => Fault::DelayAnswer(late),
            4 => Fault::Truncate(random.below(400)),
            5 => Fault::HangAfter,
            _ => Fault::Status(code, (code == 429).then_some(2)),
        };
        if random.below(3) == 0 {
            let from = Duration::from_millis(random.between(0, SCENARIO));
            let until = from + Duration::from_millis(random.between(100, 6_000));
            self.rule(0, Trigger::Window { from, until, verbs: only(verb), plural: Some(plural) }, fault);
        } else {
            self.rule(0, Trigger::Nth { verb, plural, nth: 1 + random.below(most(verb)) }, fault);
        }
        // A right that is missing is asked for after half a minute, a request that hangs ends after up to one minute, and a
        // list of a deleted definition after some seconds.
        self.bound = Duration::from_secs(75);
    }

    pub(super) fn writers(&mut self, random: &mut Random) {
        for _ in 0..=random.below(6) {
            let at = Duration::from_millis(random.between(500, SCENARIO + 10_000));
            let report = random.below(24);
            let removes = random.below(2) == 0;
            let action = if removes { Action::DeleteReport(report) } else { Action::EditReport(report) };
            self.actions.push((at, action));
        }
        for _ in 0..random.below(4) {
            let verb = random.pick(&[Verb::Create, Verb::Update, Verb::Update, Verb::Delete]);
            if verb == Verb::Delete {
                self.collects_after = SLOW_COLLECTOR;
            }
            let delay = Duration::from_millis(random.pick(&[0, 20, 500]));
            let fault = Fault::Overtaken { removes: random.below(3) == 0, delay };
            let nth = 1 + random.below(most(verb));
            self.rule(0, Trigger::Nth { verb, plural: "policyreports", nth }, fault);
        }
        // One that is changed again within ten seconds waits for them to be over.
        self.bound = Duration::from_secs(12);
    }

    pub(super) fn leader(&mut self, random: &mut Random) {
        self.replicas = 2;
        self.bound = Duration::from_secs(35);
        if random.below(2) == 0 {
            // Alone, so that it is known when the other one has to take over.
            let (replica, at) = (random.below(2), Duration::from_millis(random.between(4_000, SCENARIO)));
            let action = if random.below(2) == 0 { Action::Kill(replica) } else { Action::Stop(replica) };
            return self.actions.push((at, action));
        }
        if random.below(4) == 0 {
            return self.events_behind_a_term(random);
        }
        for _ in 0..=random.below(3) {
            let (replica, at) = (random.below(2), Duration::from_millis(random.between(500, SCENARIO)));
            let until = at + Duration::from_millis(random.between(500, 30_000));
            let window = Trigger::Window { from: at, until, verbs: &Verb::ALL, plural: None };
            match random.below(5) {
                0 => self.actions.push((at, Action::Kill(replica))),
                1 => self.actions.push((at, Action::Stop(replica))),
                2 => self.rule(replica, window, Fault::DropBefore),
                3 => self.rule(replica, window, Fault::HoldUntil(until)),
                _ => {
                    let trigger = Trigger::Window { from: at, until, verbs: WRITING, plural: Some("leases") };
                    let fault = random.pick(&[
                        Fault::DropAfter,
                        Fault::Status(500, None),
                        Fault::Delay(Duration::from_secs(4)),
                    ]);
                    self.rule(replica, trigger, fault);
                }
            }
        }
    }

    /// The leader cannot renew its lease while events wait behind one whose answer is late: they were due in its term, and
    /// their turn comes behind it.
    fn events_behind_a_term(&mut self, random: &mut Random) {
        self.has_events = true;
        let from = Duration::from_millis(random.between(2_000, 6_000));
        let until = from + Duration::from_secs(random.between(25, 35));
        let slow = Duration::from_millis(random.between(5_000, 9_000));
        let window = |plural| Trigger::Window { from, until, verbs: WRITING, plural: Some(plural) };
        // One of the two leads.
        for replica in 0..2 {
            self.rule(replica, window("events"), Fault::DelayAnswer(slow));
        }
        self.rule(0, window("leases"), Fault::DropBefore);
    }

    pub(super) fn rights(&mut self, random: &mut Random) {
        let from = Duration::from_millis(random.between(0, SCENARIO));
        let until = from + Duration::from_millis(random.between(1_000, 90_000));
        let window = |verbs, plural| Trigger::Window { from, until, verbs, plural };
        match random.below(5) {
            0 => {
                self.actions.push((from, Action::RemoveApi("policyreports")));
                self.actions.push((until, Action::RestoreApi("policyreports")));
            }
            1 => {
                let plural = random.pick(&WATCHED);
                self.rule(0, window(READS, Some(plural)), Fault::Status(403, None));
                let is_seen = until.saturating_sub(from) >= REFUSAL_SEEN && from >= FIRST_EVALUATION;
                if is_seen && NEEDED.contains(&plural) {
                    self.actions.push((
                        until.saturating_sub(Duration::from_millis(500)),
                        Action::LookForRefusal(plural),
                    ));
                }
            }
            2 => self.rule(0, window(WRITING, Some("policyreports")), Fault::Status(403, None)),
            3 => self.rule(0, window(WRITING, Some("tagpolicies")), Fault::Status(403, None)),
            // Discovery has no resource.
            _ => {
                let fault =
                    random.pick(&[Fault::Status(503, None), Fault::Status(403, None), Fault::DropBefore]);
                self.rule(0, window(&[], Some("")), fault);
            }
        }
        self.bound = Duration::from_secs(75);
    }

    pub(super) fn clocks(&mut self, random: &mut Random) {
        self.replicas = 2;
        for replica in 0..2 {
            let seconds = random.pick(&[0, 5, -40, 3_600, -3_600, 86_400, 315_576_000, -315_576_000]);
            self.clocks.push((replica, ClockError { from: Duration::ZERO, seconds }));
            if random.below(2) == 0 {
                let from = Duration::from_millis(random.between(0, SCENARIO));
                let seconds = random.pick(&[0, 3_600, -3_600, 315_576_000, -315_576_000]);
                self.clocks.push((replica, ClockError { from, seconds }));
            }
        }
        let (replica, at) = (random.below(2), Duration::from_millis(random.between(4_000, SCENARIO)));
        let action = if random.below(2) == 0 { Action::Kill(replica) } else { Action::Stop(replica) };
        self.actions.push((at, action));
        self.bound = Duration::from_secs(35);
    }

    /// What is kept of each image, pod, relist, refusal or term would add up.
    pub(super) fn endurance(&mut self, random: &mut Random) {
        self.replicas = 1 + random.below(2);
        self.has_watch_lists = random.below(2) == 0;
        let begin = Duration::from_millis(SCENARIO) + Duration::from_secs(5);
        for build in 0..BUILDS {
            let at = begin + BETWEEN_BUILDS * u32::try_from(build).unwrap_or_default();
            self.actions.push((at, Action::Redeploy(Some(build))));
        }
        let end = begin + BETWEEN_BUILDS * u32::try_from(BUILDS).unwrap_or_default();
        // What ran shortly before is known until another pod ends.
        self.actions.push((end + REST, Action::Redeploy(None)));
        let mut from = begin;
        while from < end {
            let until = from + Duration::from_millis(random.between(500, 6_000));
            let (verbs, plural, fault): (&'static [Verb], _, _) = match random.below(5) {
                0 => {
                    self.actions.push((from, Action::Compact));
                    (&Verb::ALL, None, Fault::DropBefore)
                }
                1 => (WRITING, Some("policyreports"), Fault::Status(403, None)),
                2 => (WRITING, None, Fault::Status(503, None)),
                3 => (WRITING, Some("leases"), Fault::DropBefore),
                _ => (READS, Some(random.pick(&WATCHED)), Fault::Status(410, None)),
            };
            for replica in 0..self.replicas {
                self.rule(replica, Trigger::Window { from, until, verbs, plural }, fault);
            }
            from = until + Duration::from_millis(random.between(2_000, 10_000));
        }
        self.bound = Duration::from_secs(75);
    }

    pub(super) fn reports_server(&mut self, random: &mut Random) {
        self.has_reports_server = true;
        self.has_watch_lists = random.below(2) == 0;
        // What it answers late is not late for the others.
        let slow = Fault::DelayAnswer(Duration::from_millis(random.between(10, 800)));
        let always = |verbs| Trigger::Window {
            from: Duration::ZERO,
            until: Duration::from_secs(30),
            verbs,
            plural: Some("policyreports"),
        };
        match random.below(4) {
            0 => self.kill(random),
            1 => self.writers(random),
            2 => {
                let (from, until) = (Duration::from_secs(3), Duration::from_secs(random.between(4, 20)));
                let trigger =
                    Trigger::Window { from, until, verbs: &Verb::ALL, plural: Some("policyreports") };
                self.rule(0, trigger, Fault::Status(503, None));
            }
            _ => {
                let nth = 1 + random.below(20);
                self.rule(
                    0,
                    Trigger::Nth { verb: Verb::Create, plural: "policyreports", nth },
                    Fault::DropAfter,
                );
            }
        }
        self.rule(0, always(&Verb::ALL), slow);
        // Changes of others are seen by the next list.
        self.bound = Duration::from_secs(75);
    }
}

/// Requests of a verb in a run without faults, at least. A plan beyond the last one does nothing.
fn most(verb: Verb) -> usize {
    match verb {
        Verb::Create => 25,
        Verb::Update => 20,
        Verb::Patch | Verb::Delete => 2,
        Verb::Get | Verb::List | Verb::Watch => 1,
    }
}

fn only(verb: Verb) -> &'static [Verb] {
    static EACH: [Verb; 7] = Verb::ALL;
    let number = EACH.iter().position(|other| *other == verb).unwrap_or_default();
    &EACH[number..=number]
}
