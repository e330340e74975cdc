//! The verdicts as they stand, by workload: what `/metrics` counts, and when each result was first seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::civil::Date;
use tagwatch_core::engine::Judgement;
use tagwatch_core::exemption::{AnnotationLevel, ExemptionSource};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::AnnotationRemark;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, Namespace, Workload};
use tagwatch_k8s::report::{
    FirstSeen, History, ImageChange, PolicyReport, ReportInput, ResultKeys, StoredReport,
};

use crate::report::ReportKey;
use tagwatch_index::WorkloadKey;

/// Whether a workload is fine, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// At least one fail.
    Violating,
    /// No fail, and something that could not be judged.
    Error,
    /// Neither, and something that is exempt.
    Exempt,
    /// None of these; a warning alone is compliant.
    Compliant,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Violating => "violating",
            Self::Error => "error",
            Self::Exempt => "exempt",
            Self::Compliant => "compliant",
        }
    }
}

/// Rule, its policy, severity and result: the labels of a violation, or of one that is exempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Violation {
    pub(crate) policy: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) result: &'static str,
}

/// How many containers share a violation, and since when the first of them does, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) containers: u64,
    pub(crate) since: i64,
}

/// What is known of one judged workload.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) report: ReportKey,
    pub(crate) status: Status,
    /// In order. Of these there is one list for every workload, and most are short: a map would take several
    /// times the memory.
    pub(crate) violations: Box<[(Violation, Extent)]>,
    /// Results with nothing to mend.
    pub(crate) passes: u32,
    /// What exemptions came to; few workloads have any.
    pub(crate) exempting: Option<Box<Exempting>>,
    /// Containers by tag class and effective pull policy, in order.
    pub(crate) images: Box<[((&'static str, &'static str), u64)]>,
    /// Its namespace, where it is known.
    pub(crate) namespace: Option<Arc<Namespace>>,
    pub(crate) past: Past,
    /// What the console shows of it, where there is a console.
    pub(crate) shown: Option<Arc<tagwatch_console::Workload>>,
}

/// What is remembered of a workload from one evaluation to the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    pub(crate) first_seen: FirstSeen,
    pub(crate) history: History,
    /// The image of each container, where an evaluation of ours has seen it.
    pub(crate) images: Box<[(ContainerType, UntrustedText, UntrustedText)]>,
    /// It began while no report could be read, so there may be one that says more.
    pub(crate) is_unread: bool,
}

impl Past {
    /// The same, beginning with what the API server holds of it.
    pub(crate) fn behind(self, stored: &StoredReport) -> Self {
        let first_seen = self.first_seen.joined(stored.first_seen(), &self.history);
        let history = self.history.behind(stored.history(), stored.first_seen());
        Self { first_seen: first_seen.shared_with(stored.first_seen()), history, is_unread: false, ..self }
    }

    fn of(input: &ReportInput<'_>, report: &PolicyReport, before: &Self) -> Self {
        let image = |container: &Container| {
            (container.container_type, container.name.clone(), container.image.clone())
        };
        Self {
            first_seen: FirstSeen::after(input, report).shared_with(&before.first_seen),
            history: History::of(report),
            images: input.workload.containers.iter().map(image).collect(),
            is_unread: before.is_unread,
        }
    }

    /// Containers that name another image now. Where pods of one workload run several images under one name, which
    /// one came from which cannot be told.
    pub(crate) fn image_changes(&self, workload: &Workload, now: Timestamp) -> Vec<ImageChange> {
        let change = |container: &Container| {
            let mut before = self
                .images
                .iter()
                .filter(|(kind, name, _)| (kind, name) == (&container.container_type, &container.name));
            let (Some((_, name, image)), None) = (before.next(), before.next()) else { return None };
            let is_new = *image != container.image;
            is_new.then(|| ImageChange::new(name, image, &container.image, now))
        };
        workload.containers.iter().filter_map(change).collect()
    }
}

/// What exemptions came to in a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exempting {
    /// Exemptions of the policy that exempted something, by their index.
    pub(crate) used: Box<[usize]>,
    /// Where annotations stand that exempted something.
    pub(crate) annotations: Box<[AnnotationLevel]>,
    /// The last day of the first of these to end.
    pub(crate) until: Option<Date>,
    /// Annotations that exempted nothing.
    pub(crate) remarks: Box<[AnnotationRemark]>,
}

impl Exempting {
    fn of(judgement: &Judgement) -> Option<Box<Self>> {
        let findings = judgement.verdicts.iter().flat_map(|verdict| &verdict.findings);
        let by_annotation = findings.filter_map(|finding| {
            let exemption = finding.exemption.as_ref()?;
            match exemption.source {
                ExemptionSource::Annotation(level) => Some((level, exemption.expires)),
                ExemptionSource::Policy(_) => None,
            }
        });
        let (annotations, until): (BTreeSet<AnnotationLevel>, Vec<Option<Date>>) = by_annotation.unzip();
        let exempting = Self {
            until: until.into_iter().flatten().min(),
            used: judgement.exemptions_used.iter().copied().collect(),
            annotations: annotations.into_iter().collect(),
            remarks: judgement.remarks.clone().into(),
        };
        (exempting != Self::default()).then(|| Box::new(exempting))
    }
}

impl Judged {
    /// A label of its namespace.
    pub(crate) fn namespace_label(&self, name: &str) -> Option<&str> {
        self.namespace.as_ref()?.labels.get(name).map(String::as_str)
    }

    /// Sums up the judgement of a workload, the report that was built of it, and what is remembered of the one before.
    pub(crate) fn new(
        key: ReportKey,
        input: &ReportInput<'_>,
        judgement: &Judgement,
        report: &PolicyReport,
        past: &Past,
    ) -> Self {
        let verdicts = input.verdicts;
        let past = Past::of(input, report, past);
        let mut images: BTreeMap<_, u64> = BTreeMap::new();
        for verdict in verdicts {
            let labels = (verdict.classification.class.as_str(), verdict.effective_pull_policy.as_str());
            *images.entry(labels).or_default() += 1;
        }
        let violations = violations(input, &past.first_seen);
        let passes = verdicts.iter().flat_map(|verdict| &verdict.findings);
        let passes = passes.filter(|finding| finding.outcome == Outcome::Pass).count();
        let status = violations.keys().map(|violation| status_of(violation.result)).min();
        Self {
            report: key,
            status: status.unwrap_or(Status::Compliant),
            violations: violations.into_iter().collect(),
            passes: u32::try_from(passes).unwrap_or(u32::MAX),
            exempting: Exempting::of(judgement),
            namespace: input.workload.namespace.clone(),
            images: images.into_iter().collect(),
            past,
            shown: None,
        }
    }

    /// A workload on which the judging code failed: counted as an error, with whatever report it had.
    pub(crate) fn failed(key: ReportKey, past: Past) -> Self {
        Self {
            report: key,
            status: Status::Error,
            violations: Box::default(),
            passes: 0,
            exempting: None,
            namespace: None,
            images: Box::default(),
            past,
            shown: None,
        }
    }
}

fn status_of(result: &str) -> Status {
    match result {
        "fail" => Status::Violating,
        "error" => Status::Error,
        "skip" => Status::Exempt,
        _ => Status::Compliant,
    }
}

/// Fails, errors, warnings and what is exempt, each since the first of its containers has it.
fn violations(input: &ReportInput<'_>, first_seen: &FirstSeen) -> BTreeMap<Violation, Extent> {
    let mut violations: BTreeMap<Violation, Extent> = BTreeMap::new();
    let containers = &input.workload.containers;
    let keys = ResultKeys::new(input.uid, containers);
    for verdict in input.verdicts {
        let Some(container) = containers.get(verdict.container) else { continue };
        for finding in verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass) {
            let violation = Violation {
                policy: finding.rule.group.as_str(),
                rule: finding.rule.id,
                severity: finding.severity.as_str(),
                result: finding.outcome.as_str(),
            };
            let since = first_seen.get(keys.of(container, finding), input.now).as_second();
            let extent = violations.entry(violation).or_insert(Extent { containers: 0, since });
            extent.containers += 1;
            extent.since = extent.since.min(since);
        }
    }
    violations
}

/// Every judged workload.
#[derive(Debug, Default)]
pub(crate) struct LiveVerdicts {
    workloads: HashMap<WorkloadKey, Judged>,
    reports: HashMap<ReportKey, WorkloadKey>,
    changes: u64,
}

impl LiveVerdicts {
    pub(crate) fn insert(&mut self, key: WorkloadKey, judged: Judged) {
        self.changes += 1;
        self.reports.insert(judged.report.clone(), key.clone());
        self.workloads.insert(key, judged);
    }

    pub(crate) fn remove(&mut self, key: &WorkloadKey) {
        if let Some(judged) = self.workloads.remove(key) {
            self.changes += 1;
            self.reports.remove(&judged.report);
        }
    }

    /// Counts up with every change: whoever sums up need not look again while it stays.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn get(&self, key: &WorkloadKey) -> Option<&Judged> {
        self.workloads.get(key)
    }

    /// Whose report it is, if the report is wanted.
    pub(crate) fn workload_of(&self, report: &ReportKey) -> Option<&WorkloadKey> {
        self.reports.get(report)
    }

    /// When the results of a report that is wanted were first seen.
    pub(crate) fn first_seen(&self, report: &ReportKey) -> Option<&FirstSeen> {
        Some(&self.get(self.workload_of(report)?)?.past.first_seen)
    }

    /// Every workload with what is known of it, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&WorkloadKey, &Judged)> {
        let mut all: Vec<_> = self.workloads.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter()
    }
}
