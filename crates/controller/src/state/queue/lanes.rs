//! Which workload is evaluated next: namespaces take turns, so that one with twenty thousand workloads delays the others by
//! one evaluation, and not by all of its own.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tagwatch_index::WorkloadKey;
use tokio::time::Instant;

use crate::state::ReportKey;

/// Workloads of one namespace that are evaluated at the same time: there is always room for those of another.
pub(crate) const MAX_PER_NAMESPACE: usize = 6;
/// Shorter rests are none: most evaluations take less than a millisecond, and nothing is to be remembered of them.
const MIN_REST: Duration = Duration::from_millis(20);
/// Workloads whose rest is remembered before those whose rest is over are forgotten.
const MIN_RESTING: usize = 1_000;

/// Workloads for which there is always room.
const MIN_ROOM: usize = 1_000;

/// How a workload waits.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// For its turn, since then.
    Ready(Instant),
    /// For a time.
    Later(Instant),
    /// For the end of its evaluation, and then for this time.
    Held(Instant),
}

/// Workloads that wait, and those that are being evaluated. Each waits once, however often it is requested.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    waiting: HashMap<WorkloadKey, Waiting>,
    /// Those that are ready, by namespace, in the order in which they came.
    ready: HashMap<Box<str>, VecDeque<WorkloadKey>>,
    /// The namespaces of `ready`, in turn.
    turns: VecDeque<Box<str>>,
    later: BTreeSet<(Instant, WorkloadKey)>,
    running: HashSet<WorkloadKey>,
    running_in: HashMap<Box<str>, usize>,
    /// Workloads that are not taken before this time.
    resting: HashMap<WorkloadKey, Instant>,
    /// The reports of all that wait or are being evaluated, each with the number of those. A sweep requests every workload, so
    /// they are kept as numbers.
    open: HashMap<u64, u32>,
}

impl Lanes {
    /// Requests an evaluation at a time, or at once. The earlier of two times applies.
    pub(super) fn request(&mut self, key: WorkloadKey, at: Instant, now: Instant) {
        let at = self.resting.get(&key).map_or(at, |until| at.max(*until));
        match self.waiting.get_mut(&key) {
            Some(Waiting::Ready(_)) => return,
            Some(Waiting::Held(known)) => {
                *known = at.min(*known);
                return;
            }
            Some(Waiting::Later(known)) if *known <= at => return,
            Some(Waiting::Later(known)) => {
                let known = *known;
                self.later.remove(&(known, key.clone()));
            }
            None => {}
        }
        if self.running.contains(&key) {
            self.waiting.insert(key, Waiting::Held(at));
            return;
        }
        if !self.waiting.contains_key(&key) {
            *self.open.entry(number_of(&ReportKey::of(&key))).or_default() += 1;
        }
        if at <= now {
            self.make_ready(key, now);
        } else {
            self.waiting.insert(key.clone(), Waiting::Later(at));
            self.later.insert((at, key));
        }
    }

    /// The next workload, whose evaluation begins.
    pub(super) fn take(&mut self, now: Instant) -> Option<WorkloadKey> {
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.later.pop_first() else { break };
            self.make_ready(key, now);
        }
        for _ in 0..self.turns.len() {
            let namespace = self.turns.pop_front()?;
            if self.running_in.get(&namespace).is_some_and(|running| *running >= MAX_PER_NAMESPACE) {
                self.turns.push_back(namespace);
                continue;
            }
            let lane = self.ready.get_mut(&namespace)?;
            let key = lane.pop_front()?;
            *self.running_in.entry(namespace.clone()).or_default() += 1;
            if lane.is_empty() {
                self.ready.remove(&namespace);
            } else {
                self.turns.push_back(namespace);
            }
            self.waiting.remove(&key);
            self.running.insert(key.clone());
            return Some(key);
        }
        None
    }

    /// An evaluation ended. The workload rests for a while before the next one.
    pub(super) fn finish(&mut self, key: &WorkloadKey, rest: Duration, now: Instant) {
        if self.running.remove(key) {
            self.close(key);
        }
        if let Some(running) = self.running_in.get_mut(key.namespace()) {
            *running -= 1;
            if *running == 0 {
                self.running_in.remove(key.namespace());
            }
        }
        if self.resting.len() >= MIN_RESTING {
            self.resting.retain(|_, until| *until > now);
        }
        self.resting.remove(key);
        if rest >= MIN_REST {
            self.resting.insert(key.clone(), now + rest);
        }
        if let Some(Waiting::Held(at)) = self.waiting.get(key).copied() {
            self.waiting.remove(key);
            self.request(key.clone(), at, now);
        }
        // A sweep has made room for every workload.
        if self.waiting.is_empty() && self.waiting.capacity() > MIN_ROOM {
            self.waiting.shrink_to(MIN_ROOM);
            self.open.shrink_to(MIN_ROOM);
        }
    }

    /// Forgets everything, while nothing is evaluated.
    pub(super) fn clear(&mut self) {
        if self.running.is_empty() {
            *self = Self::default();
        }
    }

    /// Whether a workload waits or is being evaluated whose report is this one, or has the same number.
    pub(super) fn is_open(&self, report: &ReportKey) -> bool {
        self.open.contains_key(&number_of(report))
    }

    /// When the first workload that waits for a time is ready.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    /// How many workloads are ready, and since when the first of them is.
    pub(super) fn backlog(&self) -> (usize, Option<Instant>) {
        let ready = || {
            self.waiting.values().filter_map(|waiting| match waiting {
                Waiting::Ready(since) => Some(*since),
                Waiting::Later(_) | Waiting::Held(_) => None,
            })
        };
        (ready().count(), ready().min())
    }

    fn close(&mut self, key: &WorkloadKey) {
        let report = number_of(&ReportKey::of(key));
        if let Some(workloads) = self.open.get_mut(&report) {
            *workloads -= 1;
            if *workloads == 0 {
                self.open.remove(&report);
            }
        }
    }

    fn make_ready(&mut self, key: WorkloadKey, now: Instant) {
        let namespace = key.namespace();
        if let Some(lane) = self.ready.get_mut(namespace) {
            lane.push_back(key.clone());
        } else {
            let namespace: Box<str> = namespace.into();
            self.turns.push_back(namespace.clone());
            self.ready.insert(namespace, VecDeque::from([key.clone()]));
        }
        self.waiting.insert(key, Waiting::Ready(now));
    }
}

/// A report as a number that stays the same for as long as the process lives.
fn number_of(report: &ReportKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    report.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(namespace: &str, name: &str) -> WorkloadKey {
        WorkloadKey::new("apps/v1", "Deployment", namespace, name, name)
    }

    fn names(lanes: &mut Lanes, now: Instant, most: usize) -> Vec<String> {
        let taken = std::iter::from_fn(|| lanes.take(now)).take(most);
        taken.map(|key| format!("{}/{}", key.namespace(), key.name())).collect()
    }

    #[test]
    fn a_namespace_with_many_workloads_delays_others_by_one_turn() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..20_000 {
            lanes.request(key("crowd", &number.to_string()), now, now);
        }
        lanes.request(key("shop", "web"), now, now);
        assert_eq!(names(&mut lanes, now, 3), ["crowd/0", "shop/web", "crowd/1"]);
        assert_eq!(lanes.backlog().0, 19_998);
    }

    #[test]
    fn a_namespace_never_takes_every_place() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..10 {
            lanes.request(key("crowd", &number.to_string()), now, now);
        }
        assert_eq!(names(&mut lanes, now, 10).len(), MAX_PER_NAMESPACE);
        lanes.request(key("shop", "web"), now, now);
        assert_eq!(names(&mut lanes, now, 10), ["shop/web"]);
        lanes.finish(&key("crowd", "0"), Duration::ZERO, now);
        assert_eq!(names(&mut lanes, now, 10), ["crowd/6"]);
    }

    #[test]
    fn each_waits_once_and_the_earlier_time_applies() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let web = key("shop", "web");
        for seconds in [30, 10, 20] {
            lanes.request(web.clone(), at(seconds), now);
        }
        assert_eq!((lanes.take(now), lanes.next_due(), lanes.backlog().0), (None, Some(at(10)), 0));
        assert_eq!(lanes.take(at(10)), Some(web.clone()));
        assert_eq!((lanes.take(at(30)), lanes.next_due()), (None, None));
        // What is requested during its evaluation follows it, once.
        lanes.request(web.clone(), at(10), at(10));
        lanes.request(web.clone(), at(10), at(10));
        assert_eq!(lanes.take(at(11)), None);
        lanes.finish(&web, Duration::ZERO, at(11));
        assert_eq!(lanes.take(at(11)), Some(web.clone()));
        lanes.finish(&web, Duration::ZERO, at(11));
        assert_eq!(lanes.take(at(11)), None);
    }

    #[test]
    fn a_report_is_open_from_the_request_to_the_end_of_the_evaluation() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let web = key("shop", "web");
        let report = ReportKey::of(&web);
        let later = now + Duration::from_secs(1);
        assert!(!lanes.is_open(&report));
        lanes.request(web.clone(), later, now);
        lanes.request(web.clone(), now, now);
        assert!(lanes.is_open(&report));
        assert_eq!(lanes.take(now), Some(web.clone()));
        lanes.request(web.clone(), later, now);
        lanes.finish(&web, Duration::ZERO, now);
        assert!(lanes.is_open(&report), "another evaluation was requested meanwhile");
        assert_eq!(lanes.take(later), Some(web.clone()));
        assert!(lanes.is_open(&report));
        lanes.finish(&web, Duration::ZERO, later);
        assert!(!lanes.is_open(&report));
        assert_eq!(lanes.open.len(), 0);
    }

    #[test]
    fn a_workload_that_took_long_rests_while_others_go_on() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let (crowd, web) = (key("shop", "crowd"), key("shop", "web"));
        lanes.request(crowd.clone(), now, now);
        assert_eq!(lanes.take(now), Some(crowd.clone()));
        // Five thousand pods change meanwhile.
        for _ in 0..5_000 {
            lanes.request(crowd.clone(), now, now);
        }
        lanes.finish(&crowd, Duration::from_secs(2), now);
        lanes.request(web.clone(), now, now);
        assert_eq!((lanes.take(now), lanes.take(now)), (Some(web), None));
        lanes.request(crowd.clone(), now, now);
        assert_eq!(lanes.next_due(), Some(now + Duration::from_secs(2)));
        assert_eq!(lanes.take(now + Duration::from_secs(2)), Some(crowd));
    }
}
