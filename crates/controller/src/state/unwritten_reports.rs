//! Workloads whose report is not stored as it should be, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tagwatch_console::UnwrittenInNamespace;
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::ReportFailure;
use tokio::time::Instant;

/// How long the API server may be away before that is reported: a restart takes less.
const UNAVAILABLE_GRACE: Duration = Duration::from_secs(30);

/// How the last evaluations ended whose report was not stored.
#[derive(Debug, Default)]
pub(crate) struct UnwrittenReports {
    workloads: HashMap<WorkloadKey, ReportFailure>,
    failures: BTreeMap<ReportFailure, Extent>,
    reported: BTreeSet<ReportFailure>,
}

/// How far a failure reaches.
#[derive(Debug)]
struct Extent {
    /// From then on there always was a workload with it.
    since: Instant,
    /// Workloads by namespace.
    namespaces: BTreeMap<Box<str>, usize>,
}

/// What a note changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Noted {
    /// The evaluation of the workload before did not end with this failure.
    pub(crate) is_news: bool,
    /// Other failures are to be reported than before.
    pub(crate) has_changed: bool,
}

impl UnwrittenReports {
    /// Notes how the evaluation of a workload ended; `None` where its report is stored, or need not be.
    pub(crate) fn note(&mut self, key: &WorkloadKey, failure: Option<ReportFailure>) -> Noted {
        let before = match failure {
            Some(failure) => self.workloads.insert(key.clone(), failure),
            None => self.workloads.remove(key),
        };
        if before != failure {
            self.count(key.namespace(), before, failure);
        }
        let reported = || {
            let due = self.failures.iter().filter(|(failure, extent)| {
                failure.is_refusal() || extent.since.elapsed() >= UNAVAILABLE_GRACE
            });
            due.map(|(failure, _)| *failure).collect()
        };
        // Nearly always nothing fails.
        let reported = if self.failures.is_empty() { BTreeSet::new() } else { reported() };
        let has_changed = reported != self.reported;
        self.reported = reported;
        Noted { is_news: before != failure, has_changed }
    }

    /// What is to be reported.
    pub(crate) fn reported(&self) -> &BTreeSet<ReportFailure> {
        &self.reported
    }

    /// The same with the workloads of each namespace.
    pub(crate) fn by_namespace(&self) -> Vec<UnwrittenInNamespace> {
        let mut unwritten = Vec::new();
        for (&failure, Extent { namespaces, .. }) in &self.failures {
            if self.reported.contains(&failure) {
                unwritten.extend(namespaces.iter().map(|(namespace, &workloads)| UnwrittenInNamespace {
                    failure,
                    namespace: (&**namespace).into(),
                    workloads,
                }));
            }
        }
        unwritten
    }

    fn count(&mut self, namespace: &str, before: Option<ReportFailure>, now: Option<ReportFailure>) {
        if let Some(now) = now {
            let extent = self
                .failures
                .entry(now)
                .or_insert_with(|| Extent { since: Instant::now(), namespaces: BTreeMap::new() });
            match extent.namespaces.get_mut(namespace) {
                Some(workloads) => *workloads += 1,
                None => drop(extent.namespaces.insert(namespace.into(), 1)),
            }
        }
        let Some(before) = before else { return };
        let Some(extent) = self.failures.get_mut(&before) else { return };
        if let Some(workloads) = extent.namespaces.get_mut(namespace) {
            *workloads -= 1;
            if *workloads == 0 {
                extent.namespaces.remove(namespace);
            }
        }
        if extent.namespaces.is_empty() {
            self.failures.remove(&before);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn key(namespace: &str, name: &str) -> WorkloadKey {
        WorkloadKey::new("apps/v1", "Deployment", namespace, name, name)
    }

    fn shown(unwritten: &UnwrittenReports) -> Vec<String> {
        let line = |UnwrittenInNamespace { failure, namespace, workloads }: UnwrittenInNamespace| {
            format!("{failure:?} {} {workloads}", namespace.raw())
        };
        unwritten.by_namespace().into_iter().map(line).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_reported_until_the_last_report_is_stored() {
        let mut unwritten = UnwrittenReports::default();
        let (web, api, mail) = (key("shop", "web"), key("shop", "api"), key("mail", "mail"));
        assert!(!unwritten.note(&web, None).has_changed, "nothing to report");
        assert!(unwritten.note(&web, Some(ReportFailure::Forbidden)).has_changed);
        assert!(!unwritten.note(&web, Some(ReportFailure::Forbidden)).has_changed, "the same again");
        assert!(!unwritten.note(&api, Some(ReportFailure::Forbidden)).has_changed);
        assert!(unwritten.note(&mail, Some(ReportFailure::QuotaExceeded)).has_changed);
        assert_eq!(shown(&unwritten), ["Forbidden shop 2", "QuotaExceeded mail 1"]);
        // Each failure of each workload is news once.
        assert!(!unwritten.note(&api, Some(ReportFailure::Forbidden)).is_news);
        assert!(unwritten.note(&api, Some(ReportFailure::NameTaken)).is_news);
        assert!(!unwritten.note(&api, Some(ReportFailure::NameTaken)).is_news);
        assert!(unwritten.note(&api, Some(ReportFailure::Forbidden)).is_news);
        assert!(
            !unwritten.note(&web, Some(ReportFailure::QuotaExceeded)).has_changed,
            "for another reason now"
        );
        assert_eq!(shown(&unwritten), ["Forbidden shop 1", "QuotaExceeded mail 1", "QuotaExceeded shop 1"]);
        assert!(unwritten.note(&api, None).has_changed);
        assert!(!unwritten.note(&mail, None).has_changed);
        assert!(unwritten.note(&web, None).has_changed);
        assert!(unwritten.workloads.is_empty() && unwritten.failures.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_restarts_is_not_reported_and_one_that_stays_away_is() {
        let mut unwritten = UnwrittenReports::default();
        let (web, api) = (key("shop", "web"), key("shop", "api"));
        assert!(!unwritten.note(&web, Some(ReportFailure::Unavailable)).has_changed);
        advance(UNAVAILABLE_GRACE / 2).await;
        assert!(!unwritten.note(&api, Some(ReportFailure::Unavailable)).has_changed);
        assert_eq!(shown(&unwritten), [""; 0]);
        advance(UNAVAILABLE_GRACE / 2).await;
        assert!(unwritten.note(&web, Some(ReportFailure::Unavailable)).has_changed);
        assert_eq!(shown(&unwritten), ["Unavailable shop 2"]);
        unwritten.note(&web, None);
        assert!(unwritten.note(&api, None).has_changed);
        assert!(!unwritten.note(&api, Some(ReportFailure::Unavailable)).has_changed, "another outage");
    }
}
