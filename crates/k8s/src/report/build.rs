//! From issues to a report.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use tagwatch_core::issue::{ImageChange, Issue, ResultId, ResultKeys};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::Policy;
use tagwatch_core::workload::{Workload, WorkloadId};

use super::bounds::{self, MAX_REPORT, MAX_RESULTS, MAX_SHORT};
use super::carried;
use super::ending::Endings;
use super::entry;
use super::property::{LIMITS, OMITTED_RESULTS, UNFOLLOWED_CONTROLLER};
use super::{
    CONTENT_HASH_ANNOTATION, FirstSeen, HISTORY_ANNOTATION, History, INSTANCE_LABEL, MANAGED_BY_LABEL,
    MANAGER, PolicyReport, ReportResult, ReportSummary, content_hash, report_name,
};

/// Room in a report for what is filled in last: the counters, the content hash, the mark of the cut and the limits.
const RESERVE: usize = 1_024;

/// Everything that a report is made of.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ReportInput<'a, 'i> {
    /// The workload that was evaluated; its namespace is the report's.
    pub workload: &'a Workload,
    /// The installation that the report belongs to.
    pub instance: &'a str,
    /// UID of the object that the report is about.
    pub uid: &'a str,
    pub issues: &'i [Issue],
    /// The policy by which they were found.
    pub policy: &'a Policy,
    /// Names of the namespace's labels that the report carries too.
    pub namespace_labels: &'a [String],
    /// When the results of the report that is stored were first seen.
    pub first_seen: &'a FirstSeen,
    pub history: &'a History,
    pub image_changes: &'a [ImageChange],
    pub now: Timestamp,
}

/// A report with the issues that it is made of.
#[derive(Debug)]
pub struct BuiltReport<'a> {
    /// The report, ready to be written.
    pub report: PolicyReport,
    /// What it says, and what it has no room for.
    pub issues: ReportedIssues<'a>,
}

/// The issues of a report, in its order.
#[derive(Debug)]
pub struct ReportedIssues<'a> {
    all: Vec<&'a Issue>,
    /// How many of them, from the first, are in the report.
    shown: usize,
}

impl<'a> ReportedIssues<'a> {
    /// Every issue once, also those that are left out.
    pub(super) fn all(&self) -> &[&'a Issue] {
        &self.all
    }

    pub(super) fn in_report(&self) -> &[&'a Issue] {
        &self.all[..self.shown]
    }

    /// Whether some are left out.
    pub(super) fn is_cut(&self) -> bool {
        self.shown < self.all.len()
    }
}

/// Makes the report of a workload, violations first, within the limits of a report. The counters count the results that
/// are in it.
pub fn build<'i>(input: &ReportInput<'_, 'i>) -> BuiltReport<'i> {
    let id = &input.workload.id;
    let mut report = PolicyReport {
        metadata: metadata(input),
        scope: Some(scope(id, input.uid)),
        ..PolicyReport::default()
    };
    let all = entry::in_order(input.issues);
    let found: BTreeSet<ResultId> = all.iter().map(|issue| issue.id).collect();
    // Also under another key, which it has once its outcome is another, or pods run several images under the name of its
    // container.
    let former = LazyCell::new(|| -> BTreeSet<ResultId> {
        let keys = ResultKeys::new(input.uid, &input.workload.containers);
        let former = all.iter().flat_map(|issue| input.first_seen.former(issue, &keys, &found));
        former.map(|(id, _)| id).collect()
    });
    let is_left = |id| found.contains(&id) || former.contains(&id);
    let endings = LazyCell::new(|| Endings::new(input.workload, input.policy, &all));
    let ending = |open: &_| endings.of(open);
    let history = input.history.after(input.first_seen, is_left, ending, input.image_changes, input.now);
    if let Some(history) = history.annotation() {
        report.metadata.annotations.get_or_insert_default().insert(HISTORY_ANNOTATION.to_owned(), history);
    }
    let note =
        input.workload.unfollowed.as_ref().map(|controller| bounds::cut(controller.words(), MAX_SHORT));
    let mut results = bounded(&all, note.as_deref(), MAX_REPORT - RESERVE - bounds::json_len(&report));
    if let Some(last) = results.last_mut().filter(|_| !input.workload.limits.is_empty()) {
        let limits: Vec<&str> = input.workload.limits.iter().map(|limit| limit.words()).collect();
        last.properties.get_or_insert_default().insert(LIMITS.into(), limits.join("; "));
    }
    let shown = results.len();
    report.summary = Some(summary(&all[..shown]));
    report.results = Some(results);
    let hash = content_hash(&report);
    report.metadata.annotations.get_or_insert_default().insert(CONTENT_HASH_ANNOTATION.to_owned(), hash);
    BuiltReport { report, issues: ReportedIssues { all, shown } }
}

fn metadata(input: &ReportInput<'_, '_>) -> ObjectMeta {
    let (id, uid) = (&input.workload.id, input.uid);
    let mut labels = carried::labels(input.workload, input.namespace_labels);
    let annotations = carried::annotation(&labels);
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned());
    labels.insert(INSTANCE_LABEL.to_owned(), input.instance.to_owned());
    ObjectMeta {
        name: Some(report_name(id.api_version.raw(), id.kind.raw(), id.name.raw(), uid)),
        namespace: id.namespace.as_ref().map(|namespace| namespace.raw().to_owned()),
        labels: Some(labels),
        annotations,
        owner_references: owner_reference(id, uid).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The garbage collector compares these as they are, so they are not escaped. An owner reference of a pod may
/// hold anything; what no object can be called has no report to collect.
fn owner_reference(id: &WorkloadId, uid: &str) -> Option<OwnerReference> {
    let fields = [id.api_version.raw(), id.kind.raw(), id.name.raw(), uid];
    fields.iter().all(|field| (1..=MAX_SHORT).contains(&field.len())).then(|| OwnerReference {
        api_version: id.api_version.raw().to_owned(),
        kind: id.kind.raw().to_owned(),
        name: id.name.raw().to_owned(),
        uid: uid.to_owned(),
        ..OwnerReference::default()
    })
}

fn scope(id: &WorkloadId, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(bounds::shown(&id.api_version, MAX_SHORT)),
        kind: Some(bounds::shown(&id.kind, MAX_SHORT)),
        namespace: id.namespace.as_ref().map(|namespace| bounds::shown(namespace, MAX_SHORT)),
        name: Some(bounds::shown(&id.name, MAX_SHORT)),
        uid: Some(bounds::shown(&uid.into(), MAX_SHORT)),
        ..ObjectReference::default()
    }
}

/// As many results as there is room for, with a mark on the last one where some are left out.
fn bounded(issues: &[&Issue], unfollowed: Option<&str>, mut room: usize) -> Vec<ReportResult> {
    let mut results = Vec::with_capacity(issues.len().min(MAX_RESULTS));
    for issue in issues.iter().take(MAX_RESULTS) {
        let mut result = entry::to_result(issue);
        if let Some(note) = unfollowed {
            result.properties.get_or_insert_default().insert(UNFOLLOWED_CONTROLLER.into(), note.to_owned());
        }
        let separator = 1;
        let Some(left) = room.checked_sub(bounds::json_len(&result) + separator) else { break };
        room = left;
        results.push(result);
    }
    let omitted = issues.len() - results.len();
    if let Some(last) = results.last_mut().filter(|_| omitted > 0) {
        last.properties.get_or_insert_default().insert(OMITTED_RESULTS.into(), omitted.to_string());
    }
    results
}

fn summary(issues: &[&Issue]) -> ReportSummary {
    let count = |outcome: Outcome| {
        // At most MAX_RESULTS.
        i64::try_from(issues.iter().filter(|issue| issue.outcome == outcome).count()).unwrap_or(i64::MAX)
    };
    ReportSummary {
        pass: count(Outcome::Pass),
        fail: count(Outcome::Fail),
        warn: count(Outcome::Warn),
        error: count(Outcome::Error),
        skip: count(Outcome::Skip),
    }
}
