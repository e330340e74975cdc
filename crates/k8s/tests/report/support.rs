//! Workloads, verdicts and reports to test with.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tagwatch_core::engine::Engine;
use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::issue::{ImageChange, Issue, ResultKeys};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::policy::{Policy, Profile};
use tagwatch_core::reference::Reference;
use tagwatch_core::rules;
use tagwatch_core::tag::{Classification, Confidence, TagClass};
use tagwatch_core::workload::{Container, ContainerType, Origin, Workload, WorkloadId};
use tagwatch_k8s::report::{FirstSeen, History, PolicyReport, ReportInput, StoredReport, build};

/// The installation that the reports are of.
pub(crate) const INSTANCE: &str = "tagwatch";
pub(crate) const UID: &str = "0f5d7c3e-6a55-4a8c-9f10-2f1a6a3c9b01";
pub(crate) const MONDAY: &str = "2026-01-12T08:30:00Z";
pub(crate) const TUESDAY: &str = "2026-01-13T08:30:00Z";
pub(crate) const WEDNESDAY: &str = "2026-01-14T08:30:00Z";

pub(crate) fn container(name: &str, image: &str) -> Container {
    Container {
        name: name.into(),
        container_type: ContainerType::Container,
        image: image.into(),
        pull_policy: Some("IfNotPresent".into()),
        field_path: "spec.template.spec.containers[0].image".to_owned(),
        observed: None,
        drift: None,
    }
}

/// The Deployment `web` in the namespace `shop`, with these containers.
pub(crate) fn workload(containers: Vec<Container>) -> Workload {
    let id = WorkloadId {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    Workload::new(id, Origin::Cluster, containers)
}

pub(crate) fn finding(rule: &str, outcome: Outcome) -> Finding {
    let rule = rules::all().find(|meta| meta.id == rule).unwrap();
    let resolution = if outcome == Outcome::Pass { "" } else { "Use a unique tag." };
    Finding {
        rule,
        outcome,
        severity: if outcome == Outcome::Pass { Severity::Info } else { rule.severity },
        message: format!("container web: {}", rule.id),
        resolution: resolution.to_owned(),
        exemption: None,
    }
}

pub(crate) fn verdict(workload: &Workload, container: usize, findings: Vec<Finding>) -> Verdict {
    let judged = &workload.containers[container];
    Verdict {
        container,
        reference: Reference::parse(judged.image.raw()),
        classification: Classification {
            class: TagClass::Latest,
            confidence: Confidence::Pattern,
            matched: None,
        },
        effective_pull_policy: judged.effective_pull_policy(),
        findings,
    }
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(crate) fn report_at(
    workload: &Workload,
    verdicts: &[Verdict],
    seen: &FirstSeen,
    now: &str,
) -> PolicyReport {
    report_after(workload, verdicts, (seen, &History::default(), &[]), now)
}

/// The report after what is remembered of the one before: first seen, what is over, images that have changed.
pub(crate) fn report_after(
    workload: &Workload,
    verdicts: &[Verdict],
    before: (&FirstSeen, &History, &[ImageChange]),
    now: &str,
) -> PolicyReport {
    report_by(&Policy::of(Profile::Recommended), workload, verdicts, before, now)
}

/// The same, by a policy.
pub(crate) fn report_by(
    policy: &Policy,
    workload: &Workload,
    verdicts: &[Verdict],
    (first_seen, history, image_changes): (&FirstSeen, &History, &[ImageChange]),
    now: &str,
) -> PolicyReport {
    let input = ReportInput {
        workload,
        instance: INSTANCE,
        uid: UID,
        issues: &issues(workload, UID, verdicts, first_seen, now),
        policy,
        namespace_labels: &[],
        first_seen,
        history,
        image_changes,
        now: at(now),
    };
    build(&input).report
}

/// The report of what the recommended policy says of a workload, as it is first built on Monday, with these labels of the
/// namespace.
pub(crate) fn recommended_report(
    workload: &Workload,
    uid: &str,
    namespace_labels: &[String],
) -> PolicyReport {
    let verdicts = Engine::recommended().judge(workload);
    let first_seen = FirstSeen::default();
    let input = ReportInput {
        workload,
        instance: INSTANCE,
        uid,
        issues: &issues(workload, uid, &verdicts, &first_seen, MONDAY),
        policy: &Policy::of(Profile::Recommended),
        namespace_labels,
        first_seen: &first_seen,
        history: &History::default(),
        image_changes: &[],
        now: at(MONDAY),
    };
    build(&input).report
}

/// Every result of a workload, each seen since what is remembered says.
pub(crate) fn issues(
    workload: &Workload,
    uid: &str,
    verdicts: &[Verdict],
    first_seen: &FirstSeen,
    now: &str,
) -> Vec<Issue> {
    let keys = ResultKeys::new(uid, &workload.containers);
    first_seen.issues(workload, verdicts, &keys, at(now))
}

/// The report of `shop/web` with one container `web`, as it is first built on Monday.
pub(crate) fn report_of(image: &str, findings: Vec<Finding>) -> PolicyReport {
    report_later(image, findings, &FirstSeen::default(), MONDAY)
}

pub(crate) fn report_later(image: &str, findings: Vec<Finding>, seen: &FirstSeen, now: &str) -> PolicyReport {
    let workload = workload(vec![container("web", image)]);
    let verdicts = [verdict(&workload, 0, findings)];
    report_at(&workload, &verdicts, seen, now)
}

/// The report as an API server hands it back: through JSON, with the fields that the server fills in.
pub(crate) fn stored_body(report: &PolicyReport) -> PolicyReport {
    let mut body: PolicyReport = serde_json::from_value(json(report)).unwrap();
    body.metadata.uid = Some("44444444-0000-4000-8000-000000000000".to_owned());
    body.metadata.resource_version = Some("900".to_owned());
    body
}

pub(crate) fn stored(report: &PolicyReport) -> StoredReport {
    StoredReport::new(stored_body(report), INSTANCE)
}

pub(crate) fn json(report: &PolicyReport) -> Value {
    serde_json::to_value(report).unwrap()
}

/// A property of a result of the report, by the result's index.
pub(crate) fn property<'a>(report: &'a PolicyReport, index: usize, name: &str) -> &'a str {
    &report.results.as_ref().unwrap()[index].properties.as_ref().unwrap()[name]
}
