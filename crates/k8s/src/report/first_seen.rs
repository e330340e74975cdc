//! When each result of a report was first seen.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::finding::Verdict;
use tagwatch_core::issue::{Interval, Issue, ResultId, ResultKeys};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{ContainerType, Workload};

use super::bounds::{self, MAX_LONG, MAX_MESSAGE, MAX_SHORT};
use super::{History, PolicyReport, ReportResult, ReportedIssues, property};

/// How many results beyond those that fit into a report are remembered.
const MAX_OMITTED: usize = 10_000;

/// When each result of a stored report was first seen, to the second. The report is the only place that holds
/// it, so that it survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstSeen(
    /// Sorted by key. There is one of these for every report, and most have a handful of results: a map would
    /// take several times the memory. Equal ones share it.
    Arc<[SeenResult]>,
);

#[derive(Debug, Clone, PartialEq, Eq)]
struct SeenResult {
    id: ResultId,
    /// When it was first seen, in Unix seconds.
    seconds: i64,
    /// How many seconds later it got the outcome that it has.
    turned_after: u32,
    /// What is needed once it is over; nothing for a pass and for what is exempt.
    open: Option<Box<Open>>,
}

/// A finding in a report, as its properties name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) rule: UntrustedText,
    pub(super) container: UntrustedText,
    pub(super) container_type: Option<ContainerType>,
    pub(super) image: UntrustedText,
    pub(super) severity: Option<Severity>,
    pub(super) pull_policy: Option<UntrustedText>,
    pub(super) message: UntrustedText,
}

impl Open {
    fn has_image_of(&self, issue: &Issue) -> bool {
        self.image.json() == bounds::shown(&issue.image, MAX_LONG)
    }
}

/// What a finding is about and since when it is seen, which stays where only its key changes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject<'a> {
    since: i64,
    rule: &'a str,
    container_type: Option<ContainerType>,
    container: Cow<'a, str>,
    image: Cow<'a, str>,
}

impl<'a> Subject<'a> {
    /// Of a finding that was seen since this time, in Unix seconds.
    pub(super) fn of_seen(since: i64, open: &'a Open) -> Self {
        let Open { rule, container, container_type, image, .. } = open;
        Self {
            since,
            rule: rule.json(),
            container_type: *container_type,
            container: container.json().into(),
            image: image.json().into(),
        }
    }

    /// Of an issue, in the words of a report.
    pub(super) fn of(issue: &'a Issue) -> Self {
        Self {
            since: issue.first_seen.as_second(),
            rule: issue.rule.id,
            container_type: Some(issue.container_type),
            container: bounds::shown(&issue.container, MAX_SHORT).into(),
            image: bounds::shown(&issue.image, MAX_LONG).into(),
        }
    }
}

impl FirstSeen {
    /// Reads the timestamps of a stored report. Entries that were edited into nonsense are left out.
    pub fn of(report: &PolicyReport) -> Self {
        let results = report.results.iter().flatten();
        // The last of two results with one key counts.
        let seen: BTreeMap<ResultId, SeenResult> =
            results.filter_map(seen).map(|seen| (seen.id, seen)).collect();
        Self(seen.into_values().collect())
    }

    /// The times after an evaluation: those of the report that was built, and of as many results that found no room in
    /// it as memory can bear. Those are known by their time alone: what is over of them leaves no interval.
    pub fn after(report: &PolicyReport, issues: &ReportedIssues<'_>) -> Self {
        let seen = Self::of(report);
        if !issues.is_cut() {
            return seen;
        }
        let mut all: BTreeMap<ResultId, SeenResult> =
            seen.0.iter().map(|seen| (seen.id, seen.clone())).collect();
        for issue in issues.all().iter().take(all.len() + MAX_OMITTED) {
            let seconds = issue.first_seen.as_second();
            let turned_after = seconds_between(seconds, issue.turned.as_second());
            all.entry(issue.id).or_insert(SeenResult { id: issue.id, seconds, turned_after, open: None });
        }
        Self(all.into_values().collect())
    }

    /// What is remembered since a time from which no report could be read, with what the report says now that it is
    /// read: the older time counts, and what is open in the report and not known to be `over` is known again.
    #[must_use]
    pub fn joined(&self, stored: &Self, over: &History) -> Self {
        let mut all: BTreeMap<ResultId, SeenResult> =
            self.0.iter().map(|seen| (seen.id, seen.clone())).collect();
        let over: BTreeSet<ResultId> = over.closed.iter().map(|interval| interval.id).collect();
        for seen in &*stored.0 {
            match all.get_mut(&seen.id) {
                Some(known) => {
                    let turned = known.turned().min(seen.turned());
                    known.seconds = known.seconds.min(seen.seconds);
                    known.turned_after = seconds_between(known.seconds, turned);
                }
                None if over.contains(&seen.id) => {}
                None => {
                    all.insert(seen.id, seen.clone());
                }
            }
        }
        Self(all.into_values().collect())
    }

    /// Every result of a workload, with its times. They stay where only the keys change: pods have come to run several images
    /// under the name of a container, or run one again. Where a finding has another outcome, it turned now.
    pub fn issues(
        &self,
        workload: &Workload,
        verdicts: &[Verdict],
        keys: &ResultKeys<'_>,
        now: Timestamp,
    ) -> Vec<Issue> {
        let mut issues = Issue::all(workload, verdicts, keys, |id| self.get(id, now));
        for issue in &mut issues {
            issue.turned = self.turned(issue.id, now);
        }
        let ids: BTreeSet<ResultId> = issues.iter().map(|issue| issue.id).collect();
        // Most evaluations find what the one before did. Keys cost a hash each.
        let is_known = |issue: &Issue| self.seen(issue.id).is_some();
        if issues.iter().all(is_known) && self.0.iter().all(|seen| ids.contains(&seen.id)) {
            return issues;
        }
        for issue in &mut issues {
            let (mut first_seen, mut turned) = (issue.first_seen, issue.turned);
            for (id, outcome) in self.former(issue, keys, &ids) {
                first_seen = first_seen.min(self.get(id, now));
                if outcome == issue.outcome {
                    turned = turned.min(self.turned(id, now));
                }
            }
            (issue.first_seen, issue.turned) = (first_seen, turned);
        }
        issues
    }

    /// The keys under which an issue was known before this evaluation, apart from the one that it has now, with its outcome
    /// then. `ids` are those of every issue of now.
    pub(super) fn former<'f>(
        &'f self,
        issue: &'f Issue,
        keys: &'f ResultKeys<'_>,
        ids: &'f BTreeSet<ResultId>,
    ) -> impl Iterator<Item = (ResultId, Outcome)> + use<'f> {
        // What is exempt, or passes, is no finding that goes on.
        let goes_on =
            move |outcome: &Outcome| *outcome == issue.outcome || issue.is_open() && outcome.is_open();
        let is_over = move |id: &ResultId| !ids.contains(id);
        Outcome::ALL.into_iter().filter(goes_on).flat_map(move |outcome| {
            let turned = Some(keys.under_outcome(issue, outcome));
            // Another image can have come to have this key: then the one that was seen under it says which it was.
            let moved = Some(keys.under_other_images(issue, outcome)).filter(|id| {
                self.seen(*id).is_some_and(|seen| match &seen.open {
                    Some(open) => open.has_image_of(issue),
                    None => is_over(id),
                })
            });
            let turned = turned.filter(|id| is_over(id) && self.seen(*id).is_some());
            turned.into_iter().chain(moved).map(move |id| (id, outcome))
        })
    }

    /// Whether a finding is known under this key.
    pub(super) fn has_open(&self, id: ResultId) -> bool {
        self.seen(id).is_some_and(|seen| seen.open.is_some())
    }

    /// What the findings are about.
    pub(super) fn subjects(&self) -> BTreeSet<Subject<'_>> {
        self.open().map(|(_, since, open)| Subject::of_seen(since, open)).collect()
    }

    /// When a result was first seen, in Unix seconds, where that is known.
    pub(super) fn since(&self, id: ResultId) -> Option<i64> {
        self.seen(id).map(|seen| seen.seconds)
    }

    fn seen(&self, id: ResultId) -> Option<&SeenResult> {
        self.0.binary_search_by_key(&id, |seen| seen.id).ok().and_then(|at| self.0.get(at))
    }

    /// The same, in the memory of `other` where that says the same.
    #[must_use]
    pub fn shared_with(self, other: &Self) -> Self {
        if self == *other { other.clone() } else { self }
    }

    /// When a result was first seen; `now` for one that is new. A time that lies ahead was edited or came from
    /// a clock that was wrong: `now` then, too.
    pub fn get(&self, id: ResultId, now: Timestamp) -> Timestamp {
        until_now(self.since(id), now)
    }

    /// Since when a result has its outcome, likewise.
    fn turned(&self, id: ResultId, now: Timestamp) -> Timestamp {
        until_now(self.seen(id).map(SeenResult::turned), now)
    }

    /// The findings, with the time at which each was first seen.
    pub(super) fn open(&self) -> impl Iterator<Item = (ResultId, i64, &Open)> {
        self.0.iter().filter_map(|seen| Some((seen.id, seen.seconds, seen.open.as_deref()?)))
    }
}

impl SeenResult {
    /// Since when it has its outcome, in Unix seconds.
    fn turned(&self) -> i64 {
        self.seconds.saturating_add(self.turned_after.into())
    }
}

/// Whole seconds from one time to a later one.
fn seconds_between(first: i64, later: i64) -> u32 {
    u32::try_from(later.saturating_sub(first).max(0)).unwrap_or(u32::MAX)
}

/// A stored time in Unix seconds, but none that lies ahead.
fn until_now(stored: Option<i64>, now: Timestamp) -> Timestamp {
    let stored = stored.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    stored.map_or(now, |stored| stored.min(now))
}

fn value<'a>(result: &'a ReportResult, name: &str) -> Option<&'a str> {
    result.properties.as_ref()?.get(name).map(String::as_str)
}

/// A pull policy as written. Those that Kubernetes knows share their memory: each open result has one.
fn pull_policy(written: &str) -> UntrustedText {
    static KNOWN: LazyLock<Vec<UntrustedText>> = LazyLock::new(|| {
        let known = PullPolicy::ALL.iter().map(|policy| policy.as_str());
        known.chain([Interval::UNSET]).map(UntrustedText::from).collect()
    });
    let known = KNOWN.iter().find(|known| known.raw() == written).cloned();
    known.unwrap_or_else(|| bounds::read(written, MAX_SHORT))
}

fn seen(result: &ReportResult) -> Option<SeenResult> {
    let id = ResultId::parse(value(result, property::RESULT_ID)?)?;
    let turned = result.timestamp.and_then(|time| Timestamp::from_second(time.seconds).ok());
    let written = value(result, property::FIRST_SEEN).and_then(|time| time.parse::<Timestamp>().ok());
    let first_seen = [written, turned].into_iter().flatten().min()?;
    let seconds = first_seen.as_second();
    let turned_after = seconds_between(seconds, turned.unwrap_or(first_seen).as_second());
    let is_open = result.result.as_deref().and_then(Outcome::parse).is_some_and(Outcome::is_open);
    let open = is_open.then(|| {
        // Within our own limits: a user may have edited the report.
        let text = |text: Option<&str>, max| bounds::read(text.unwrap_or_default(), max);
        Box::new(Open {
            rule: text(result.rule.as_deref(), MAX_SHORT),
            container: text(value(result, property::CONTAINER), MAX_SHORT),
            container_type: value(result, property::CONTAINER_TYPE).and_then(ContainerType::parse),
            image: text(value(result, property::IMAGE), MAX_LONG),
            severity: result.severity.as_deref().and_then(Severity::parse),
            pull_policy: value(result, property::IMAGE_PULL_POLICY).map(pull_policy),
            message: text(result.message.as_deref(), MAX_MESSAGE),
        })
    });
    Some(SeenResult { id, seconds, turned_after, open })
}

#[cfg(test)]
mod tests {
    use kube_core::ObjectMeta;

    use super::*;
    use crate::report::{MANAGED_BY_LABEL, MANAGER, ReportTimestamp, StoredReport};

    fn report(seconds: i64) -> PolicyReport {
        let result = ReportResult {
            result: Some("fail".into()),
            timestamp: Some(ReportTimestamp { seconds, nanos: 0 }),
            properties: Some([(property::RESULT_ID.into(), "0123456789abcdef0123".to_owned())].into()),
            ..ReportResult::default()
        };
        let labels = [(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned())].into();
        let metadata = ObjectMeta { labels: Some(labels), ..ObjectMeta::default() };
        PolicyReport { metadata, results: Some(vec![result]), ..PolicyReport::default() }
    }

    #[test]
    fn what_is_the_same_is_remembered_once() {
        let known = FirstSeen::of(&report(100));
        let stored = StoredReport::new(report(100), "tagwatch").shared_with(&known);
        assert!(Arc::ptr_eq(&stored.first_seen().0, &known.0));
        let other = StoredReport::new(report(200), "tagwatch").shared_with(&known);
        assert_eq!(*other.first_seen(), FirstSeen::of(&report(200)));
    }
}
