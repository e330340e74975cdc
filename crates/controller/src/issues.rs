//! The live list of issues, read from the stored reports: what `tagwatch issues` prints.

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::civil::Date;
use k8s_openapi::jiff::tz::TimeZone;
use kube::api::ListParams;
use kube::{Api, Client};
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport, ReportResult};
use thiserror::Error;

use crate::api::{CallError, LIST_LIMIT, ServerClock, call};

/// Reports a page.
const PAGE: u32 = 500;

/// Which issues to list.
#[derive(Debug, Clone, Default)]
pub struct IssueQuery {
    /// One namespace; `None` for all.
    pub namespace: Option<String>,
    /// A label selector on the reports, in addition to our own label.
    pub selector: Option<String>,
    /// Those alone that are about what really runs.
    pub drift: bool,
}

/// One finding that wants a hand: a fail, an error or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Namespace of the workload.
    pub namespace: UntrustedText,
    /// Kind of the workload.
    pub kind: UntrustedText,
    /// Name of the workload.
    pub name: UntrustedText,
    /// Name of the container or image volume.
    pub container: UntrustedText,
    /// The image, as the report has it.
    pub image: UntrustedText,
    /// The rule.
    pub rule: UntrustedText,
    /// Severity: critical, high, medium, low or info.
    pub severity: UntrustedText,
    /// Result: fail, error or warn; `expired` for one that was exempt until a day that is over.
    pub result: UntrustedText,
    /// When it was first seen.
    pub since: Option<Timestamp>,
    /// What was found, in a sentence.
    pub message: UntrustedText,
    /// How sure it is, of findings about digests: likely or proven.
    pub confidence: UntrustedText,
    /// What shows it, as YAML.
    pub evidence: UntrustedText,
}

/// Why there is no list.
#[derive(Debug, Error)]
pub enum IssuesError {
    /// The report API is not there.
    #[error(
        "the cluster does not serve policyreports.wgpolicyk8s.io/v1alpha2: install its \
         CustomResourceDefinition, and run tagwatch in the cluster"
    )]
    NoReportApi,
    /// The API server did not give it.
    #[error("cannot list the reports: {0}")]
    Call(#[from] CallError),
}

/// Lists the issues, most severe first.
///
/// # Errors
/// When the report API is not served, or the API server refuses.
pub async fn issues(
    client: &Client,
    query: &IssueQuery,
    clock: &ServerClock,
) -> Result<Vec<Issue>, IssuesError> {
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
            Err(error) if error.code() == Some(404) => return Err(IssuesError::NoReportApi),
            page => page?,
        };
        // The clock has learnt the server's time from the answer.
        let today = clock.now().to_zoned(TimeZone::UTC).date();
        issues.extend(page.items.iter().flat_map(|report| issues_of(report, query.drift, today)));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    issues.sort_by_cached_key(|issue| {
        let Issue { namespace, kind, name, container, rule, severity, result, .. } = issue;
        (
            severity_rank(severity.raw()),
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

/// What a result asks for: nothing, where it is a pass or exempt. An exemption ends with its last day, whether or not a
/// controller was there to say so in the report.
fn open(result: &ReportResult, today: Date) -> Option<&str> {
    match result.result.as_deref()? {
        open @ ("fail" | "error" | "warn") => Some(open),
        "skip" => {
            let last: Date = property(result, "exemptionExpires").raw().parse().ok()?;
            (last < today).then_some(EXPIRED)
        }
        _ => None,
    }
}

/// The result of what was exempt: the report does not tell what it was before.
const EXPIRED: &str = "expired";

fn issues_of(report: &PolicyReport, drift_alone: bool, today: Date) -> Vec<Issue> {
    let scope = report.scope.as_ref();
    let of_scope = |field: Option<&String>| UntrustedText::from(field.map_or("", String::as_str));
    let namespace = of_scope(report.metadata.namespace.as_ref());
    let kind = of_scope(scope.and_then(|scope| scope.kind.as_ref()));
    let name = of_scope(scope.and_then(|scope| scope.name.as_ref()));
    let results = report.results.iter().flatten();
    results
        .filter(|result| !drift_alone || result.policy == RuleGroup::ImageDrift.as_str())
        .filter_map(|result| Some((result, open(result, today)?)))
        .map(|(result, open)| Issue {
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

/// Most severe first; what we do not know comes last.
fn severity_rank(severity: &str) -> usize {
    let known = tagwatch_core::outcome::Severity::ALL.iter();
    known.map(|known| known.as_str()).position(|known| known == severity).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(today: &str) -> Vec<String> {
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
        assert_eq!(listed("2027-01-31"), ["latest-tag fail"]);
        assert_eq!(listed("2027-02-01"), ["latest-tag fail", "missing-tag expired"]);
    }
}
