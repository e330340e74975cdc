//! When an evaluation is tried again after its report could not be written or read.
//!
//! What refuses one report refuses most others too: a right or an API server that is missing, a webhook. While nothing of
//! such a class succeeds, one workload at a time is tried for all of it, each time another one. The others are parked.
//!
//! A webhook or a quota may keep one namespace from an API server that works for all others. Writes that are not answered
//! are the class of their namespace, until a second namespace fails before anything succeeds: then the server is away.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tagwatch_index::WorkloadKey;

use super::writer::WriteError;

/// Before the second try. Each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait of a workload that goes on failing while others of its class succeed.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Longest wait between two tries while the API server does not do its work: it is back within this time.
pub(super) const UNAVAILABLE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait between two tries while writes are refused: a right that is granted is used within this time.
const REFUSED_WAIT: Duration = Duration::from_mins(1);
/// When a parked workload is tried in any case. It stays in the queue, so that its evaluation counts as open.
const PARKED: Duration = Duration::from_mins(10);

/// What fails together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The API server does not answer, has an error of its own, or asks to wait, in every namespace that was tried.
    Unavailable,
    /// The same of what is sent into one namespace.
    UnavailableIn(Box<str>),
    /// It refuses what is sent into a namespace, for this reason: rights and webhooks can differ by namespace.
    Refused(Box<str>, &'static str),
}

impl Class {
    /// Of a write into this namespace; `None` of what concerns one object alone.
    pub(super) fn of(error: &WriteError, namespace: &str) -> Option<Self> {
        match error.category() {
            reason @ ("forbidden" | "invalid") => Some(Self::Refused(namespace.into(), reason)),
            "throttled" | "server_error" | "timeout" | "unreachable" => {
                Some(Self::UnavailableIn(namespace.into()))
            }
            _ => None,
        }
    }

    pub(super) fn longest_wait(&self) -> Duration {
        match self {
            Self::Unavailable | Self::UnavailableIn(_) => UNAVAILABLE_WAIT,
            Self::Refused(..) => REFUSED_WAIT,
        }
    }

    /// Whether a write into a namespace that succeeded shows that the class is over.
    fn ends_with(&self, written: &str) -> bool {
        match self {
            Self::Unavailable => true,
            Self::UnavailableIn(namespace) | Self::Refused(namespace, _) => **namespace == *written,
        }
    }
}

/// Why an evaluation is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `None` of what concerns one report alone.
    class: Option<Class>,
    /// For how long the API server asks to wait.
    retry_after: Option<Duration>,
}

impl Failure {
    /// Of a report in this namespace.
    pub(crate) fn of(error: &WriteError, namespace: &str) -> Self {
        Self { class: Class::of(error, namespace), retry_after: error.retry_after() }
    }
}

/// A workload that is to be evaluated after a time.
pub(crate) type Planned = (WorkloadKey, Duration);

/// The workloads whose last evaluation failed.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    failing: HashMap<WorkloadKey, Failing>,
    classes: BTreeMap<Class, Refusals>,
    parked: u64,
    /// Writes that succeeded.
    successes: u64,
}

#[derive(Debug, Default)]
struct Failing {
    /// Failures without a success between.
    failures: u32,
    class: Option<Class>,
    /// Its number among the parked ones of its class.
    parked: Option<u64>,
}

/// A class of which nothing has succeeded since its first failure.
#[derive(Debug)]
struct Refusals {
    /// The workload that is tried for all.
    probe: WorkloadKey,
    /// Tries that failed.
    failures: u32,
    /// How many writes had succeeded, in any namespace, when one failed last.
    successes: u64,
    /// In the order in which they come to be the probe.
    parked: BTreeMap<u64, WorkloadKey>,
}

impl Refusals {
    /// Of one workload, after so many successes.
    fn of(probe: WorkloadKey, successes: u64) -> Self {
        Self { probe, failures: 1, successes, parked: BTreeMap::new() }
    }
}

impl Retries {
    /// An evaluation failed. Returns what is to be evaluated when: this workload, or another one in its place, too.
    pub(crate) fn failed(&mut self, key: &WorkloadKey, failure: Failure) -> Vec<Planned> {
        let Failure { class, retry_after } = failure;
        let class = class.map(|class| self.widened(class));
        let mut planned = self.leave_class(key, class.as_ref());
        let failing = self.failing.entry(key.clone()).or_default();
        failing.failures = failing.failures.saturating_add(1);
        failing.class.clone_from(&class);
        let at_least = retry_after.unwrap_or_default().min(LONGEST_WAIT);
        let own = wait(failing.failures, LONGEST_WAIT).max(at_least);
        let Some(class) = class else {
            planned.push((key.clone(), own));
            return planned;
        };
        let Some(refusals) = self.classes.get_mut(&class) else {
            // The first one, or one that fails alone: others succeed.
            self.classes.insert(class, Refusals::of(key.clone(), self.successes));
            planned.push((key.clone(), own));
            return planned;
        };
        refusals.successes = self.successes;
        let is_probe = refusals.probe == *key;
        if failing.parked.is_none() {
            self.parked += 1;
            failing.parked = Some(self.parked);
            refusals.parked.insert(self.parked, key.clone());
        }
        planned.push((key.clone(), PARKED));
        if is_probe {
            refusals.failures = refusals.failures.saturating_add(1);
            let wait = wait(refusals.failures, class.longest_wait()).max(at_least);
            planned.extend(self.next_probe(&class, wait));
        }
        planned
    }

    /// An evaluation came to an end. Returns what is tried in its place, where it was tried for others.
    pub(crate) fn ended(&mut self, key: &WorkloadKey) -> Vec<Planned> {
        let planned = self.leave_class(key, None);
        self.failing.remove(key);
        planned
    }

    /// A write into a namespace succeeded. Returns what was parked only for what is over now; of other namespaces, one
    /// workload each, which shows whether it is over there.
    pub(crate) fn succeeded(&mut self, namespace: &str) -> Vec<Planned> {
        self.successes += 1;
        let over: Vec<Class> =
            self.classes.keys().filter(|class| class.ends_with(namespace)).cloned().collect();
        let mut planned = Vec::new();
        for class in over {
            let Some(Refusals { probe, parked, .. }) = self.classes.remove(&class) else { continue };
            // One of this namespace is planned already, or is what succeeded.
            let probe = Some(probe).filter(|probe| probe.namespace() != namespace);
            for key in probe.into_iter().chain(parked.into_values()) {
                planned.extend(self.release(key, namespace));
            }
        }
        planned
    }

    /// A workload failed with its class, however often it was tried for all of it: an outage that is over costs no more.
    fn release(&mut self, key: WorkloadKey, over_in: &str) -> Option<Planned> {
        let failing = self.failing.get_mut(&key)?;
        failing.parked = None;
        failing.failures = 1;
        if key.namespace() == over_in {
            return Some((key, FIRST_WAIT));
        }
        let class = Class::UnavailableIn(key.namespace().into());
        failing.class = Some(class.clone());
        match self.classes.entry(class) {
            Entry::Vacant(entry) => {
                // Nothing has failed since the success.
                entry.insert(Refusals::of(key.clone(), self.successes - 1));
                Some((key, FIRST_WAIT))
            }
            Entry::Occupied(mut entry) => {
                self.parked += 1;
                failing.parked = Some(self.parked);
                entry.get_mut().parked.insert(self.parked, key);
                None
            }
        }
    }

    /// The class of a failure, as far as is known: of all namespaces, once two have failed without a success between. What
    /// has failed in those is of that class from then on.
    fn widened(&mut self, class: Class) -> Class {
        let Class::UnavailableIn(_) = &class else { return class };
        let failed_since = |(other, refusals): (&Class, &Refusals)| {
            let is_of_namespace = *other != class && matches!(other, Class::UnavailableIn(_));
            (is_of_namespace && refusals.successes == self.successes).then(|| other.clone())
        };
        let elsewhere: Vec<Class> = self.classes.iter().filter_map(failed_since).collect();
        if elsewhere.is_empty() && !self.classes.contains_key(&Class::Unavailable) {
            return class;
        }
        for class in elsewhere.into_iter().chain([class]) {
            if let Some(refusals) = self.classes.remove(&class) {
                self.join(refusals);
            }
        }
        Class::Unavailable
    }

    /// Makes what failed in one namespace part of what fails in all.
    fn join(&mut self, joining: Refusals) {
        let whole = Some(Class::Unavailable);
        for key in joining.parked.values().chain([&joining.probe]) {
            if let Some(failing) = self.failing.get_mut(key) {
                failing.class.clone_from(&whole);
            }
        }
        match self.classes.entry(Class::Unavailable) {
            Entry::Vacant(entry) => drop(entry.insert(joining)),
            Entry::Occupied(mut entry) => {
                let Refusals { probe, failures, parked, .. } = joining;
                let refusals = entry.get_mut();
                refusals.failures = refusals.failures.max(failures);
                refusals.parked.extend(parked);
                // It was planned, and is tried once more.
                if let Some(failing) = self.failing.get_mut(&probe) {
                    self.parked += 1;
                    failing.parked = Some(self.parked);
                    refusals.parked.insert(self.parked, probe);
                }
            }
        }
    }

    /// Takes a workload out of its class, unless that is this one.
    fn leave_class(&mut self, key: &WorkloadKey, unless: Option<&Class>) -> Vec<Planned> {
        let Some(failing) = self.failing.get_mut(key) else { return Vec::new() };
        if failing.class.as_ref() == unless {
            return Vec::new();
        }
        let (parked, Some(class)) = (failing.parked.take(), failing.class.take()) else { return Vec::new() };
        let Some(refusals) = self.classes.get_mut(&class) else { return Vec::new() };
        if let Some(number) = parked {
            refusals.parked.remove(&number);
        }
        if refusals.probe != *key {
            return Vec::new();
        }
        let wait = wait(refusals.failures, class.longest_wait());
        self.next_probe(&class, wait).into_iter().collect()
    }

    /// The parked workload whose turn it is becomes the probe. A class without any is over.
    fn next_probe(&mut self, class: &Class, wait: Duration) -> Option<Planned> {
        let refusals = self.classes.get_mut(class)?;
        let Some((_, key)) = refusals.parked.pop_first() else {
            self.classes.remove(class);
            return None;
        };
        refusals.probe = key.clone();
        if let Some(failing) = self.failing.get_mut(&key) {
            failing.parked = None;
        }
        Some((key, wait))
    }
}

/// The wait after so many failures.
pub(super) fn wait(failures: u32, longest: Duration) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(doubled).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(namespace: &str, name: &str) -> WorkloadKey {
        WorkloadKey::new("apps/v1", "Deployment", namespace, name, name)
    }

    fn refused(namespace: &str) -> Failure {
        Failure { class: Some(Class::Refused(namespace.into(), "forbidden")), retry_after: None }
    }

    fn unavailable(namespace: &str, retry_after: Option<u64>) -> Failure {
        let class = Some(Class::UnavailableIn(namespace.into()));
        Failure { class, retry_after: retry_after.map(Duration::from_secs) }
    }

    /// What is planned before parked workloads are tried in any case, with the milliseconds.
    fn soon(planned: &[Planned]) -> Vec<(String, u128)> {
        let soon = planned.iter().filter(|(_, wait)| *wait < PARKED);
        soon.map(|(key, wait)| (key.name().to_owned(), wait.as_millis())).collect()
    }

    #[test]
    fn fifty_thousand_refusals_are_one_try_a_minute_each_time_of_another_workload() {
        let mut retries = Retries::default();
        let keys: Vec<WorkloadKey> = (0..50_000).map(|number| key("shop", &number.to_string())).collect();
        let planned: Vec<Planned> =
            keys.iter().flat_map(|key| retries.failed(key, refused("shop"))).collect();
        assert_eq!(soon(&planned), [("0".to_owned(), 500)]);
        assert_eq!(planned.len(), keys.len(), "each stays in the queue");
        let mut waits = Vec::new();
        for (number, key) in keys.iter().take(10).enumerate() {
            let planned = soon(&retries.failed(key, refused("shop")));
            assert_eq!(planned[0].0, (number + 1).to_string());
            waits.push(planned[0].1);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);

        // The right is back: the one that was tried shows it.
        let released = retries.succeeded("shop");
        assert_eq!(released.len(), keys.len() - 1);
        assert!(released.iter().all(|(_, wait)| *wait <= Duration::from_secs(1)));
        for key in &keys {
            assert_eq!(retries.ended(key), []);
        }
        assert!(retries.failing.is_empty() && retries.classes.is_empty());
    }

    #[test]
    fn one_report_that_is_refused_alone_is_tried_ever_more_rarely_and_holds_up_no_other() {
        let (mut retries, web) = (Retries::default(), key("shop", "web"));
        let waits: Vec<u128> = (0..12)
            .map(|_| {
                let planned = soon(&retries.failed(&web, refused("shop")));
                assert_eq!(retries.succeeded("shop"), []);
                planned[0].1
            })
            .collect();
        assert_eq!(waits[..3], [500, 1_000, 2_000]);
        assert_eq!(waits[10..], [300_000, 300_000]);
        assert_eq!(
            soon(&retries.failed(&key("shop", "other"), refused("shop"))),
            [("other".to_owned(), 500)]
        );
    }

    #[test]
    fn a_namespace_that_is_refused_leaves_others_alone() {
        let mut retries = Retries::default();
        retries.failed(&key("shop", "web"), refused("shop"));
        assert_eq!(soon(&retries.failed(&key("bank", "web"), refused("bank"))), [("web".to_owned(), 500)]);
        retries.failed(&key("shop", "other"), refused("shop"));
        assert_eq!(retries.succeeded("bank"), []);
        assert_eq!(retries.succeeded("shop").len(), 1);
    }

    #[test]
    fn an_api_server_that_is_back_is_found_within_five_seconds_and_one_that_asks_to_wait_is_left_alone() {
        let (mut retries, web) = (Retries::default(), key("shop", "web"));
        let waits: Vec<u128> =
            (0..6).map(|_| soon(&retries.failed(&web, unavailable("shop", None)))[0].1).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(soon(&retries.failed(&web, unavailable("shop", Some(40))))[0].1, 40_000);
        assert_eq!(
            soon(&retries.failed(&web, unavailable("shop", Some(40_000))))[0].1,
            LONGEST_WAIT.as_millis()
        );
        // Another one meanwhile, one of another namespace, and then a success there.
        assert_eq!(soon(&retries.failed(&key("shop", "other"), unavailable("shop", None))), []);
        assert_eq!(soon(&retries.failed(&key("bank", "ledger"), unavailable("bank", None))), []);
        let planned = soon(&retries.succeeded("bank"));
        assert_eq!(planned, [("web".to_owned(), 500), ("ledger".to_owned(), 500)]);
        assert_eq!(soon(&retries.succeeded("shop")), [("other".to_owned(), 500)]);
    }

    #[test]
    fn what_keeps_one_namespace_from_the_api_server_holds_up_no_other_and_is_tried_once_in_five_seconds() {
        let mut retries = Retries::default();
        let keys: Vec<WorkloadKey> = (0..1_000).map(|number| key("shop", &number.to_string())).collect();
        for key in &keys {
            retries.failed(key, unavailable("shop", None));
        }
        let mut waits = Vec::new();
        for key in keys.iter().take(7) {
            // Others are written all the time.
            assert_eq!(retries.succeeded("bank"), []);
            waits.push(soon(&retries.failed(key, unavailable("shop", None)))[0].1);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]);
        // A second namespace that fails, too, while others do not.
        let ledger = key("bank", "ledger");
        assert_eq!(retries.succeeded("library"), []);
        assert_eq!(soon(&retries.failed(&ledger, unavailable("bank", None))), [("ledger".to_owned(), 500)]);
        assert_eq!(retries.succeeded("shop").len(), keys.len() - 1);
        assert_eq!(retries.succeeded("shop"), []);
        for key in keys.iter().chain([&ledger]) {
            retries.ended(key);
        }
        assert!(retries.failing.is_empty() && retries.classes.is_empty());
    }

    #[test]
    fn while_the_api_server_is_away_one_workload_of_all_namespaces_is_tried() {
        let mut retries = Retries::default();
        let keys: Vec<WorkloadKey> =
            (0..5_000).map(|number| key(&format!("team-{}", number / 10), &number.to_string())).collect();
        let fail = |retries: &mut Retries, key: &WorkloadKey| {
            soon(&retries.failed(key, unavailable(key.namespace(), None)))
        };
        let planned: usize = keys.iter().map(|key| fail(&mut retries, key).len()).sum();
        assert_eq!((planned, retries.classes.len()), (1, 1));
        let planned = fail(&mut retries, &keys[0]);
        assert_eq!(planned, [("1".to_owned(), 1_000)]);
        // It is back: each namespace shows whether it is so for its own.
        let planned = soon(&retries.succeeded("team-0"));
        assert_eq!(planned.len(), 9 + 499, "{planned:?}");
        assert!(planned.iter().all(|(_, wait)| *wait == 500));
        for number in 1..500 {
            assert_eq!(retries.succeeded(&format!("team-{number}")).len(), 9);
        }
        assert!(keys.iter().all(|key| retries.ended(key).is_empty()));
        assert!(retries.failing.is_empty() && retries.classes.is_empty());
    }

    #[test]
    fn after_a_long_outage_nothing_waits_for_as_long_as_it_has_failed() {
        let mut retries = Retries::default();
        let keys = ["web", "other", "third"].map(|name| key("shop", name));
        // Each of them is tried for all, in turn.
        for _ in 0..40 {
            for key in &keys {
                retries.failed(key, unavailable("shop", None));
            }
        }
        let released = retries.succeeded("shop");
        assert_eq!(released.len(), 2, "the third one is being tried");
        assert!(released.iter().all(|(_, wait)| *wait == FIRST_WAIT), "{released:?}");
    }

    #[test]
    fn where_the_workload_that_is_tried_for_others_is_gone_another_one_is_tried() {
        let mut retries = Retries::default();
        let [web, other, third] = ["web", "other", "third"].map(|name| key("shop", name));
        for key in [&web, &other, &third] {
            retries.failed(key, refused("shop"));
        }
        assert_eq!(soon(&retries.ended(&web)), [("other".to_owned(), 500)]);
        assert_eq!(retries.ended(&third), []);
        // Refused for another reason now.
        assert_eq!(soon(&retries.failed(&other, unavailable("shop", None))), [("other".to_owned(), 1_000)]);
        assert_eq!(retries.classes.len(), 1);
        assert_eq!(soon(&retries.ended(&other)), []);
        assert!(retries.failing.is_empty() && retries.classes.is_empty());
    }
}
