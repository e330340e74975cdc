//! An issue as a report holds it.

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::civil::Date;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::{PolicyReport, ReportResult, property};

/// The result after an exemption has expired: the report no longer holds the original result.
const EXPIRED: &str = "expired";

/// An open finding: a fail, an error or a warning. Texts are as the report holds them, and empty where it holds none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StoredIssue {
    /// Key of the result in its report.
    pub id: UntrustedText,
    /// Name of the report.
    pub report: UntrustedText,
    pub namespace: UntrustedText,
    pub api_version: UntrustedText,
    pub kind: UntrustedText,
    pub name: UntrustedText,
    /// Name of the container or image volume.
    pub container: UntrustedText,
    pub container_type: UntrustedText,
    /// Path of the image field from the object's root.
    pub field_path: UntrustedText,
    /// The image as the report names it.
    pub image: UntrustedText,
    pub tag_class: UntrustedText,
    /// The pull policy as written; `unset` where it is not.
    pub image_pull_policy: UntrustedText,
    pub effective_pull_policy: UntrustedText,
    /// The group of the rule.
    pub policy: UntrustedText,
    pub rule: UntrustedText,
    pub category: UntrustedText,
    /// Severity: critical, high, medium, low or info.
    pub severity: UntrustedText,
    /// Result: fail, error or warn; `expired` when the exemption of the finding has expired.
    pub result: UntrustedText,
    /// When it was first seen.
    pub since: Option<Timestamp>,
    pub message: UntrustedText,
    /// How to fix it.
    pub resolution: UntrustedText,
    /// Confidence of findings about digests: likely or proven.
    pub confidence: UntrustedText,
    /// The evidence as YAML.
    pub evidence: UntrustedText,
}

impl StoredIssue {
    /// The order of a list: most severe first, unknown severities last.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let Self { namespace, kind, name, container, rule, severity, result, .. } = self.clone();
        let severity = Severity::parse(severity.raw());
        (severity.is_none(), severity, result, namespace, kind, name, container, rule)
    }

    /// Whether both are the same rule on the same container of one workload.
    pub(super) fn is_about_the_same(&self, other: &Self) -> bool {
        let key = |issue: &Self| {
            (issue.rule.clone(), issue.container_type.clone(), issue.container.clone(), issue.policy.clone())
        };
        key(self) == key(other)
    }
}

/// The result of an issue; `None` for a pass and for what is exempt. An exemption expires with its last day, even if no
/// controller ran since then to update the report.
fn open_result(result: &ReportResult, today: Date) -> Option<&'static str> {
    match Outcome::parse(result.result.as_deref()?)? {
        open if open.is_open() => Some(open.as_str()),
        Outcome::Skip => {
            let last: Date = value(result, property::EXEMPTION_EXPIRES).raw().parse().ok()?;
            (last < today).then_some(EXPIRED)
        }
        _ => None,
    }
}

/// The open issues of a report.
pub(super) fn issues_of(report: &PolicyReport, today: Date) -> Vec<StoredIssue> {
    let scope = report.scope.as_ref();
    let text = |field: Option<&String>| UntrustedText::from(field.map_or("", String::as_str));
    let workload = StoredIssue {
        report: text(report.metadata.name.as_ref()),
        namespace: text(report.metadata.namespace.as_ref()),
        api_version: text(scope.and_then(|scope| scope.api_version.as_ref())),
        kind: text(scope.and_then(|scope| scope.kind.as_ref())),
        name: text(scope.and_then(|scope| scope.name.as_ref())),
        ..StoredIssue::default()
    };
    let results = report.results.iter().flatten();
    results
        .filter_map(|result| Some((result, open_result(result, today)?)))
        .map(|(result, open)| StoredIssue {
            id: value(result, property::RESULT_ID),
            container: value(result, property::CONTAINER),
            container_type: value(result, property::CONTAINER_TYPE),
            field_path: value(result, property::FIELD_PATH),
            image: value(result, property::IMAGE),
            tag_class: value(result, property::TAG_CLASS),
            image_pull_policy: value(result, property::IMAGE_PULL_POLICY),
            effective_pull_policy: value(result, property::EFFECTIVE_PULL_POLICY),
            policy: UntrustedText::from(&*result.policy),
            rule: result.rule.as_deref().unwrap_or_default().into(),
            category: result.category.as_deref().unwrap_or_default().into(),
            severity: result.severity.as_deref().unwrap_or_default().into(),
            result: open.into(),
            since: first_seen(result),
            message: result.message.as_deref().unwrap_or_default().into(),
            resolution: value(result, property::RESOLUTION),
            confidence: value(result, property::CONFIDENCE),
            evidence: value(result, property::EVIDENCE),
            ..workload.clone()
        })
        .collect()
}

/// Older than the time of the result where that has turned.
fn first_seen(result: &ReportResult) -> Option<Timestamp> {
    let written = value(result, property::FIRST_SEEN).raw().parse().ok();
    written.or_else(|| Timestamp::from_second(result.timestamp?.seconds).ok())
}

fn value(result: &ReportResult, name: &str) -> UntrustedText {
    let properties = result.properties.as_ref();
    properties.and_then(|properties| properties.get(name)).map_or("", String::as_str).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issues_on(today: &str) -> Vec<String> {
        let result = |rule: &str, result: &str, expires: Option<&str>| {
            let mut properties = json!({ "container": "app" });
            if let Some(expires) = expires {
                properties["exemptionExpires"] = json!(expires);
            }
            json!({ "policy": "image-tag", "rule": rule, "result": result, "properties": properties })
        };
        let report: PolicyReport = serde_json::from_value(json!({
            "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
            "metadata": { "name": "web", "namespace": "shop" },
            "results": [
                result("latest-tag", "fail", None),
                result("missing-tag", "skip", Some("2027-01-31")),
                result("floating-tag", "skip", None),
                result("unclassified-tag", "skip", Some("some day")),
                result("stale-pull-policy", "pass", None),
            ],
        }))
        .unwrap();
        let issues = issues_of(&report, today.parse().unwrap());
        issues.iter().map(|issue| format!("{} {}", issue.rule.raw(), issue.result.raw())).collect()
    }

    #[test]
    fn an_exemption_hides_a_finding_through_its_last_day_and_no_longer() {
        assert_eq!(issues_on("2027-01-31"), ["latest-tag fail"]);
        assert_eq!(issues_on("2027-02-01"), ["latest-tag fail", "missing-tag expired"]);
    }
}
