//! `-o policyreport`: what the controller would write, as far as manifests tell it: a PolicyReport for each workload, in a
//! `List` that `kubectl apply` takes. It has no owner and no times, and another manager than the controller's reports, so
//! that a controller leaves it alone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::structured;
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::{
    MANAGED_BY_LABEL, MANAGER, PolicyReport, ReportResult, ReportSummary, report_name_without_uid,
};

use crate::report::{FindingEntry, ImageEntry, ScanReport, SourceLocation};

/// Value of [`MANAGED_BY_LABEL`] in the reports of a scan.
const SCAN: &str = "tagwatch-scan";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<PolicyReport>,
}

/// What names a workload: API version, kind, namespace and name.
type Key<'r> = (&'r UntrustedText, &'r UntrustedText, Option<&'r UntrustedText>, &'r UntrustedText);

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let images: BTreeMap<u64, &ImageEntry> =
        report.images.iter().map(|image| (image.place.subject, image)).collect();
    // Workloads without findings have a report too, as in a cluster.
    let mut workloads: BTreeMap<Key<'_>, Vec<&FindingEntry>> =
        report.images.iter().map(|image| (key(&image.place), Vec::new())).collect();
    for finding in &report.findings {
        workloads.entry(key(&finding.place)).or_default().push(finding);
    }
    let items = workloads.iter().map(|(key, findings)| of_workload(*key, findings, &images)).collect();
    let list = List { api_version: "v1", kind: "List", items };
    out.write_all(structured::yaml(&list)?.as_bytes())
}

fn key(place: &SourceLocation) -> Key<'_> {
    (&place.api_version, &place.kind, place.namespace.as_ref(), &place.name)
}

fn of_workload(
    (api_version, kind, namespace, name): Key<'_>,
    findings: &[&FindingEntry],
    images: &BTreeMap<u64, &ImageEntry>,
) -> PolicyReport {
    let namespace = namespace.map(|namespace| namespace.raw().to_owned());
    let report = report_name_without_uid(api_version.raw(), kind.raw(), namespace.as_deref(), name.raw());
    let metadata = ObjectMeta {
        name: Some(report),
        namespace: namespace.clone(),
        labels: Some(BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), SCAN.to_owned())])),
        ..ObjectMeta::default()
    };
    let scope = ObjectReference {
        api_version: Some(api_version.terminal()),
        kind: Some(kind.terminal()),
        namespace,
        name: Some(name.terminal()),
        ..ObjectReference::default()
    };
    PolicyReport {
        metadata,
        scope: Some(scope),
        summary: Some(summary(findings)),
        results: Some(findings.iter().map(|finding| result(finding, images)).collect()),
        ..PolicyReport::default()
    }
}

fn summary(findings: &[&FindingEntry]) -> ReportSummary {
    let count = |outcome: Outcome| {
        let findings = findings.iter().filter(|finding| finding.result == outcome);
        i64::try_from(findings.count()).unwrap_or(i64::MAX)
    };
    ReportSummary {
        pass: count(Outcome::Pass),
        fail: count(Outcome::Fail),
        warn: count(Outcome::Warn),
        error: count(Outcome::Error),
        skip: count(Outcome::Skip),
    }
}

/// The properties have the names that the controller gives them.
fn result(finding: &FindingEntry, images: &BTreeMap<u64, &ImageEntry>) -> ReportResult {
    let FindingEntry { place, rule, policy, category, severity, message, .. } = finding;
    let mut properties: BTreeMap<Cow<'static, str>, String> = BTreeMap::from([
        ("container".into(), place.container.terminal()),
        ("containerType".into(), place.container_type.as_str().to_owned()),
        ("image".into(), finding.image.terminal()),
        ("fieldPath".into(), UntrustedText::from(place.field_path.as_str()).terminal()),
        ("evidence".into(), finding.evidence.clone()),
        ("resultID".into(), finding.fingerprint.clone()),
        ("file".into(), format!("{}:{}:{}", place.file.terminal(), place.line, place.column)),
    ]);
    if let Some(image) = images.get(&place.subject) {
        let written = image.image_pull_policy.as_ref().map_or("unset".to_owned(), UntrustedText::terminal);
        properties.insert("imagePullPolicy".into(), written);
        properties.insert("effectivePullPolicy".into(), image.effective_pull_policy.as_str().to_owned());
        properties.insert("tagClass".into(), image.tag_class.as_str().to_owned());
    }
    if !finding.resolution.is_empty() {
        properties.insert("resolution".into(), finding.resolution.clone());
    }
    if let Some(exemption) = &finding.exemption {
        properties.insert("exemption".into(), exemption.reason.clone());
        properties.extend(exemption.expires.clone().map(|last| ("exemptionExpires".into(), last)));
    }
    ReportResult {
        source: Some(MANAGER.into()),
        policy: policy.as_str().into(),
        rule: Some((*rule).into()),
        category: Some((*category).into()),
        severity: Some(severity.as_str().into()),
        result: Some(finding.result.as_str().into()),
        scored: Some(!matches!(finding.result, Outcome::Warn | Outcome::Skip)),
        message: Some(message.clone()),
        properties: Some(properties),
        ..ReportResult::default()
    }
}
