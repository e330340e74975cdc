//! The open issues of a cluster, read from the stored reports: `tagwatch issues` prints them.

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::civil::Date;
use k8s_openapi::jiff::tz::TimeZone;
use kube::api::ListParams;
use kube::{Api, Client};
use tagwatch_core::outcome::Severity;
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport, ReportResult};
use thiserror::Error;

use crate::call::{CallError, LIST_LIMIT, call};
use crate::clock::ServerClock;

/// Reports that one request of the list asks for (`limit`).
const PAGE: u32 = 500;

/// Which issues to list.
#[derive(Debug, Clone, Default)]
pub struct IssueQuery {
    /// One namespace; `None` for all.
    pub namespace: Option<String>,
    /// A label selector on the reports, in addition to tagwatch's own label.
    pub selector: Option<String>,
    /// Only findings about the digests that really run.
    pub drift: bool,
}

/// An open finding: a fail, an error or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StoredIssue {
    pub namespace: UntrustedText,
    pub kind: UntrustedText,
    pub name: UntrustedText,
    /// Name of the container or image volume.
    pub container: UntrustedText,
    /// The image as the report names it.
    pub image: UntrustedText,
    pub rule: UntrustedText,
    /// Severity: critical, high, medium, low or info.
    pub severity: UntrustedText,
    /// Result: fail, error or warn; `expired` when the exemption of the finding has expired.
    pub result: UntrustedText,
    /// When it was first seen.
    pub since: Option<Timestamp>,
    pub message: UntrustedText,
    /// Confidence of findings about digests: likely or proven.
    pub confidence: UntrustedText,
    /// The evidence as YAML.
    pub evidence: UntrustedText,
}

/// Why the issues could not be listed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ListIssuesError {
    #[error(
        "the cluster does not serve policyreports.wgpolicyk8s.io/v1alpha2: install its \
         CustomResourceDefinition, and run tagwatch in the cluster"
    )]
    NoReportApi,
    #[error("cannot list the reports: {0}")]
    Call(#[from] CallError),
}

/// Lists the issues, most severe first.
///
/// # Errors
/// When the report API is not served, or a request fails.
pub async fn list_issues(
    client: &Client,
    query: &IssueQuery,
    clock: &ServerClock,
) -> Result<Vec<StoredIssue>, ListIssuesError> {
    let api: Api<PolicyReport> = match &query.namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let selector = match &query.selector {
        Some(selector) => format!("{MANAGED_BY_SELECTOR},{selector}"),
        None => MANAGED_BY_SELECTOR.to_owned(),
    };
    let mut params = ListParams::default().labels(&selector).limit(PAGE);
    let mut issues = Vec::new();
    loop {
        let page = match call(LIST_LIMIT, api.list(&params)).await {
            Err(error) if error.code() == Some(404) => return Err(ListIssuesError::NoReportApi),
            page => page?,
        };
        // After the answer, which may have corrected the clock.
        let today = clock.now().to_zoned(TimeZone::UTC).date();
        issues.extend(page.items.iter().flat_map(|report| issues_of(report, query.drift, today)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    issues.sort_by_cached_key(|issue| {
        let StoredIssue { namespace, kind, name, container, rule, severity, result, .. } = issue;
        // Unknown severities come last.
        let severity = Severity::parse(severity.raw());
        (
            severity.is_none(),
            severity,
            result.clone(),
            namespace.clone(),
            kind.clone(),
            name.clone(),
            container.clone(),
            rule.clone(),
        )
    });
    Ok(issues)
}

/// The result of an issue; `None` for a pass and for what is exempt. An exemption expires with its last day, even if no
/// controller ran since then to update the report.
fn open_result(result: &ReportResult, today: Date) -> Option<&str> {
    match result.result.as_deref()? {
        open @ ("fail" | "error" | "warn") => Some(open),
        "skip" => {
            let last: Date = property(result, "exemptionExpires").raw().parse().ok()?;
            (last < today).then_some(EXPIRED)
        }
        _ => None,
    }
}

/// The result after an exemption has expired: the report no longer holds the original result.
const EXPIRED: &str = "expired";

fn issues_of(report: &PolicyReport, drift_alone: bool, today: Date) -> Vec<StoredIssue> {
    let scope = report.scope.as_ref();
    let of_scope = |field: Option<&String>| UntrustedText::from(field.map_or("", String::as_str));
    let namespace = of_scope(report.metadata.namespace.as_ref());
    let kind = of_scope(scope.and_then(|scope| scope.kind.as_ref()));
    let name = of_scope(scope.and_then(|scope| scope.name.as_ref()));
    let results = report.results.iter().flatten();
    results
        .filter(|result| !drift_alone || result.policy == RuleGroup::ImageDrift.as_str())
        .filter_map(|result| Some((result, open_result(result, today)?)))
        .map(|(result, open)| StoredIssue {
            namespace: namespace.clone(),
            kind: kind.clone(),
            name: name.clone(),
            container: property(result, "container"),
            image: property(result, "image"),
            rule: result.rule.as_deref().unwrap_or_default().into(),
            severity: result.severity.as_deref().unwrap_or_default().into(),
            result: open.into(),
            since: result.timestamp.and_then(|time| Timestamp::from_second(time.seconds).ok()),
            message: result.message.as_deref().unwrap_or_default().into(),
            confidence: property(result, "confidence"),
            evidence: property(result, "evidence"),
        })
        .collect()
}

fn property(result: &ReportResult, name: &str) -> UntrustedText {
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
        let issues = issues_of(&report, false, today.parse().unwrap());
        issues.iter().map(|issue| format!("{} {}", issue.rule.raw(), issue.result.raw())).collect()
    }

    #[test]
    fn an_exemption_hides_a_finding_through_its_last_day_and_no_longer() {
        assert_eq!(issues_on("2027-01-31"), ["latest-tag fail"]);
        assert_eq!(issues_on("2027-02-01"), ["latest-tag fail", "missing-tag expired"]);
    }
}
