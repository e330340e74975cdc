//! From a seed to what goes wrong in one run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

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
/// The status codes with which a request is refused.
const CODES: [u16; 13] = [400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503, 504];
/// Writes of a run without faults, roughly. A plan beyond the last write does nothing.
const WRITES: usize = 60;
/// Longer than tagwatch leaves reports of what is gone to the garbage collector.
const SLOW_COLLECTOR: Duration = Duration::from_secs(15);
/// How finely the plans of families are mixed.
const PLACES: u64 = 1_000_000;
/// When the scenario ends, in milliseconds.
const SCENARIO: u64 = 12_500;
const READS: &[Verb] = &[Verb::Get, Verb::List, Verb::Watch];
const WRITING: &[Verb] = &[Verb::Create, Verb::Update, Verb::Patch, Verb::Delete];

/// What the plans of a family have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The process is killed at one of its writes, once or twice.
    Kill,
    /// What the watches show is late, incomplete, or shown twice.
    View,
    /// The API server or its store does not answer, answers late, or takes no writes.
    Server,
    /// Watches expire, the history is compacted, lists come in pages.
    Expiry,
    /// Single requests are refused, lost, late or broken off.
    Requests,
    /// Other clients change and remove reports.
    Writers,
    /// Two replicas, of which the leader is killed, ended or cut off.
    Leader,
    /// Definitions and rights come and go.
    Rights,
}

impl Family {
    /// Every family, with the number of its plans among 1,800.
    pub const ALL: [(Self, usize); 8] = [
        (Self::Kill, 1_000),
        (Self::View, 350),
        (Self::Server, 90),
        (Self::Expiry, 40),
        (Self::Requests, 140),
        (Self::Writers, 60),
        (Self::Leader, 70),
        (Self::Rights, 50),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::View => "view",
            Self::Server => "server",
            Self::Expiry => "expiry",
            Self::Requests => "requests",
            Self::Writers => "writers",
            Self::Leader => "leader",
            Self::Rights => "rights",
        }
    }
}

/// What happens at a time, whatever the requests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The history is forgotten.
    Compact,
    /// The watch cache stops where it is.
    StopCache,
    /// It catches up.
    ResumeCache,
    /// Another client changes the report of this number.
    EditReport(usize),
    /// Another client removes it.
    DeleteReport(usize),
    /// A definition is removed, with its objects.
    RemoveApi(&'static str),
    /// It is there again.
    RestoreApi(&'static str),
    /// A replica is killed, and started again a moment later.
    Kill(usize),
    /// A replica is ended in order, and started again once it has ended.
    Stop(usize),
}

/// What goes wrong in one run, and how soon it has to be over.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// With others like it.
    pub family: Family,
    /// Repeats it.
    pub seed: u64,
    /// How many processes run. With more than one, one leads.
    pub replicas: usize,
    /// What goes wrong with requests, by replica.
    pub rules: Vec<(usize, FaultRule)>,
    /// What else happens, and when.
    pub actions: Vec<(Duration, Action)>,
    /// Whether initial states can be streamed.
    pub has_watch_lists: bool,
    /// How long the garbage collector takes.
    pub collects_after: Duration,
    /// How long after the last fault the reports are right.
    pub bound: Duration,
}

/// `family:seed`, as a failure names a plan.
impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family.name(), self.seed)
    }
}

impl FromStr for FaultPlan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no plan: give family:seed, such as kill:7");
        let (name, seed) = text.split_once(':').ok_or_else(wrong)?;
        let (family, _) =
            Family::ALL.into_iter().find(|(family, _)| family.name() == name).ok_or_else(wrong)?;
        Ok(Self::new(family, seed.parse().map_err(|_| wrong())?))
    }
}

/// So many plans of all families, in their shares. Those of each family are spread over the whole, so that the first ones
/// are a sample, too.
pub fn sample(plans: usize, seed: u64) -> Vec<FaultPlan> {
    let total: usize = Family::ALL.iter().map(|(_, share)| share).sum();
    let of = |(family, share): (Family, usize)| {
        let count = u64::try_from((share * plans).div_ceil(total)).unwrap_or_default();
        (0..count).map(move |number| {
            let place = (number * 2 + 1) * PLACES / (count * 2);
            (place, FaultPlan::new(family, seed.wrapping_mul(1_000_003).wrapping_add(number)))
        })
    };
    let mut plans: Vec<(u64, FaultPlan)> = Family::ALL.into_iter().flat_map(of).collect();
    plans.sort_by_key(|(place, _)| *place);
    plans.into_iter().map(|(_, plan)| plan).collect()
}

impl FaultPlan {
    /// A run in which nothing goes wrong.
    pub fn none() -> Self {
        Self {
            family: Family::Kill,
            seed: 0,
            replicas: 1,
            rules: Vec::new(),
            actions: Vec::new(),
            has_watch_lists: true,
            collects_after: Duration::from_secs(1),
            bound: Duration::from_secs(3),
        }
    }

    /// The plan of a family that a seed makes.
    pub fn new(family: Family, seed: u64) -> Self {
        let mut random = Random::new(seed ^ (u64::from(family as u8) << 56));
        let mut plan = Self { family, seed, ..Self::none() };
        let fast = Duration::from_millis(random.between(100, 2_000));
        plan.collects_after = if random.below(4) == 0 { SLOW_COLLECTOR } else { fast };
        match family {
            Family::Kill => plan.kill(&mut random),
            Family::View => plan.view(&mut random),
            Family::Server => plan.server(&mut random),
            Family::Expiry => plan.expiry(&mut random),
            Family::Requests => plan.requests(&mut random),
            Family::Writers => plan.writers(&mut random),
            Family::Leader => plan.leader(&mut random),
            Family::Rights => plan.rights(&mut random),
        }
        plan
    }

    fn rule(&mut self, replica: usize, trigger: Trigger, fault: Fault) {
        self.rules.push((replica, FaultRule { trigger, fault }));
    }

    fn kill(&mut self, random: &mut Random) {
        let points = [KillPoint::BeforeSending, KillPoint::AfterSending, KillPoint::AfterAnswer];
        let first = 1 + random.below(WRITES);
        self.rule(0, Trigger::Write(first), Fault::Kill(random.pick(&points)));
        if random.below(3) == 0 {
            let second = first + 1 + random.below(20);
            self.rule(0, Trigger::Write(second), Fault::Kill(random.pick(&points)));
        }
        self.bound = Duration::from_secs(3);
    }

    fn view(&mut self, random: &mut Random) {
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

    fn server(&mut self, random: &mut Random) {
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

    fn expiry(&mut self, random: &mut Random) {
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

    fn requests(&mut self, random: &mut Random) {
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
            let most = match verb {
                Verb::Create => 25,
                Verb::Update => 20,
                Verb::Patch | Verb::Delete => 2,
                Verb::Get | Verb::List | Verb::Watch => 1,
            };
            self.rule(0, Trigger::Nth { verb, plural, nth: 1 + random.below(most) }, fault);
        }
        // A right that is missing is asked for after half a minute, a request that hangs ends after up to one minute, and a
        // list of a deleted definition after some seconds.
        self.bound = Duration::from_secs(75);
    }

    fn writers(&mut self, random: &mut Random) {
        for _ in 0..=random.below(6) {
            let at = Duration::from_millis(random.between(500, SCENARIO + 10_000));
            let report = random.below(24);
            let removes = random.below(2) == 0;
            let action = if removes { Action::DeleteReport(report) } else { Action::EditReport(report) };
            self.actions.push((at, action));
        }
        // One that is changed again within ten seconds waits for them to be over.
        self.bound = Duration::from_secs(12);
    }

    fn leader(&mut self, random: &mut Random) {
        self.replicas = 2;
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
        self.bound = Duration::from_secs(35);
    }

    fn rights(&mut self, random: &mut Random) {
        let from = Duration::from_millis(random.between(0, SCENARIO));
        let until = from + Duration::from_millis(random.between(1_000, 50_000));
        let window = |verbs, plural| Trigger::Window { from, until, verbs, plural };
        match random.below(5) {
            0 => {
                self.actions.push((from, Action::RemoveApi("policyreports")));
                self.actions.push((until, Action::RestoreApi("policyreports")));
            }
            1 => self.rule(0, window(READS, Some(random.pick(&WATCHED))), Fault::Status(403, None)),
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

    /// Whether a status may be written that is stored already, which no client can see: the policy comes from a watch cache
    /// that is late, or a server carries out what was given up and sent again. Reports have no such excuse: a write names
    /// the version that it replaces.
    pub(crate) fn hides_status(&self) -> bool {
        let late =
            self.rules.iter().any(|(_, rule)| matches!(rule.fault, Fault::HoldUntil(_) | Fault::Delay(_)));
        late || self.actions.iter().any(|(_, action)| *action == Action::StopCache)
    }

    /// Whether a process is started again.
    pub(crate) fn restarts(&self) -> bool {
        let kills = self.rules.iter().any(|(_, rule)| matches!(rule.fault, Fault::Kill(_)));
        kills || self.actions.iter().any(|(_, action)| matches!(action, Action::Kill(_) | Action::Stop(_)))
    }

    /// When the last action is over, and the last time in which requests fail.
    pub(crate) fn ends(&self) -> Duration {
        let actions = self.actions.iter().map(|(at, _)| *at);
        let windows = self.rules.iter().filter_map(|(_, rule)| match rule.trigger {
            Trigger::Window { until, .. } => Some(until),
            _ => None,
        });
        actions.chain(windows).max().unwrap_or_default()
    }
}

fn only(verb: Verb) -> &'static [Verb] {
    static EACH: [Verb; 7] = Verb::ALL;
    let number = EACH.iter().position(|other| *other == verb).unwrap_or_default();
    &EACH[number..=number]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_plan_and_its_name_finds_it() {
        for (family, _) in Family::ALL {
            let plan = FaultPlan::new(family, 12);
            let again: FaultPlan = plan.to_string().parse().unwrap();
            assert_eq!(format!("{plan:?}"), format!("{again:?}"));
            assert_ne!(format!("{:?}", FaultPlan::new(family, 13)), format!("{plan:?}"));
        }
        assert!("kill".parse::<FaultPlan>().is_err());
        assert!("other:1".parse::<FaultPlan>().is_err());
    }

    #[test]
    fn a_sample_has_plans_of_every_family() {
        assert_eq!(sample(1_800, 1).len(), 1_800);
        let few = sample(10, 1);
        assert!(Family::ALL.iter().all(|(family, _)| few.iter().any(|plan| plan.family == *family)));
    }
}
