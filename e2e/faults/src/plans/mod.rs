//! From a seed to what goes wrong in one run.

mod families;
mod real;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::ClockError;
use crate::fault::{Fault, FaultRule, Trigger};
use crate::random::Random;
pub use real::sample_real;

/// How finely the plans of families are mixed.
const PLACES: u64 = 1_000_000;
/// Longer than tagwatch leaves reports of what is gone to the garbage collector.
const SLOW_COLLECTOR: Duration = Duration::from_secs(15);

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
    /// The clocks of tagwatch's machines are wrong, or set anew.
    Clocks,
    /// An aggregated API on its own database stores the reports, and answers slowly.
    ReportsServer,
    /// For five minutes images change and the API server is away again and again.
    Endurance,
}

impl Family {
    /// Every family, with the number of its plans among 1,820.
    pub const ALL: [(Self, usize); 11] = [
        (Self::Kill, 900),
        (Self::View, 350),
        (Self::Server, 90),
        (Self::Expiry, 40),
        (Self::Requests, 140),
        (Self::Writers, 60),
        (Self::Leader, 70),
        (Self::Rights, 50),
        (Self::Clocks, 50),
        (Self::ReportsServer, 50),
        (Self::Endurance, 20),
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
            Self::Clocks => "clocks",
            Self::ReportsServer => "reports-server",
            Self::Endurance => "endurance",
        }
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|(family, _)| family.name() == name);
        named.map(|(family, _)| family).ok_or_else(|| format!("{name:?} is no family of plans"))
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
    /// The watch of a resource has been refused for so long that `/readyz` and the status of the policy name it.
    LookForRefusal(&'static str),
    /// A user brings a Deployment to the image of this build, or back to that of the scenario.
    Redeploy(Option<usize>),
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
    /// Whose clocks are wrong.
    pub clocks: Vec<(usize, ClockError)>,
    /// Whether initial states can be streamed.
    pub has_watch_lists: bool,
    /// Whether an aggregated API stores the reports.
    pub has_reports_server: bool,
    /// Whether an event is published of each issue that opens or resolves.
    pub has_events: bool,
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
        let (family, seed) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Self::new(family.parse()?, seed.parse().map_err(|_| wrong())?))
    }
}

/// So many plans of all families, in their shares. Those of each family are spread over the whole, so that the first ones
/// are a sample, too.
pub fn sample(plans: usize, seed: u64) -> Vec<FaultPlan> {
    mixed(&Family::ALL, plans, seed, |family, seed| Some(FaultPlan::new(family, seed)))
}

/// So many plans of one family: those of a larger [`sample`].
pub fn sample_of(family: Family, plans: usize, seed: u64) -> Vec<FaultPlan> {
    mixed(&[(family, 1)], plans, seed, |family, seed| Some(FaultPlan::new(family, seed)))
}

fn mixed(
    shares: &[(Family, usize)],
    plans: usize,
    seed: u64,
    make: impl Fn(Family, u64) -> Option<FaultPlan>,
) -> Vec<FaultPlan> {
    let total: usize = shares.iter().map(|(_, share)| share).sum();
    let mut mixed: Vec<(u64, FaultPlan)> = Vec::new();
    for (family, share) in shares {
        let count = u64::try_from((share * plans).div_ceil(total)).unwrap_or_default();
        let placed = (0..count).filter_map(|number| {
            let place = (number * 2 + 1) * PLACES / (count * 2);
            Some((place, make(*family, seed.wrapping_mul(1_000_003).wrapping_add(number))?))
        });
        mixed.extend(placed);
    }
    mixed.sort_by_key(|(place, _)| *place);
    mixed.into_iter().map(|(_, plan)| plan).collect()
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
            clocks: Vec::new(),
            has_watch_lists: true,
            has_reports_server: false,
            has_events: false,
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
            Family::Clocks => plan.clocks(&mut random),
            Family::ReportsServer => plan.reports_server(&mut random),
            Family::Endurance => plan.endurance(&mut random),
        }
        plan
    }

    /// The action, where nothing else goes wrong but clocks.
    pub fn only_action(&self) -> Option<(Duration, Action)> {
        match (&*self.rules, &*self.actions) {
            ([], [only]) => Some(*only),
            _ => None,
        }
    }

    /// How the clock of a replica is wrong.
    pub(crate) fn clocks_of(&self, number: usize) -> Vec<ClockError> {
        self.clocks.iter().filter(|(replica, _)| *replica == number).map(|(_, error)| *error).collect()
    }

    /// Whether a status may be written that is stored already, which no client can see: the policy comes from a watch cache
    /// that is late, or a server carries out what was given up and sent again. Reports have no such excuse: a write names
    /// the version that it replaces.
    pub(crate) fn hides_status(&self) -> bool {
        let late =
            self.rules.iter().any(|(_, rule)| matches!(rule.fault, Fault::HoldUntil(_) | Fault::Delay(_)));
        late || self.actions.iter().any(|(_, action)| *action == Action::StopCache)
    }

    /// Whether the waits before further tries begin anew: a process is started again, or the server is back in between.
    pub fn restarts(&self) -> bool {
        if self.family == Family::Endurance {
            return true;
        }
        let kills = self.rules.iter().any(|(_, rule)| matches!(rule.fault, Fault::Kill(_)));
        kills || self.actions.iter().any(|(_, action)| matches!(action, Action::Kill(_) | Action::Stop(_)))
    }

    /// When the last action is over, and the last time in which requests fail.
    pub fn ends(&self) -> Duration {
        let actions = self.actions.iter().map(|(at, _)| *at);
        let windows = self.rules.iter().filter_map(|(_, rule)| match rule.trigger {
            Trigger::Window { until, .. } => Some(until),
            _ => None,
        });
        actions.chain(windows).max().unwrap_or_default()
    }
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
        assert_eq!(sample(1_820, 1).len(), 1_820);
        let few = sample(10, 1);
        assert!(Family::ALL.iter().all(|(family, _)| few.iter().any(|plan| plan.family == *family)));
    }
}
