//! Parts of queries that several panels and alerts share.
//!
//! Every query is right with and without a `cluster` label, and sums are right while two pods of tagwatch are
//! scraped: [`once`] takes each series once, whichever pod showed it.

/// What the variables of the dashboards choose from the findings.
pub(crate) const FINDINGS: &str =
    "cluster=~\"$cluster\", namespace=~\"$namespace\", severity=~\"$severity\", rule=~\"$rule\"";
/// What they choose from the workloads and images.
pub(crate) const NAMESPACES: &str = "cluster=~\"$cluster\", namespace=~\"$namespace\"";
/// The clusters whose controller metrics they choose.
pub(crate) const CLUSTERS: &str = "cluster=~\"$cluster\"";
/// The labels that name a finding of a workload.
pub(crate) const FINDING: &str = "cluster, namespace, kind, workload, rule, severity";

/// Each series once. Labels of the target that differ from pod to pod are dropped; those of the finding, and labels
/// that `metricLabels` adds, are kept.
pub(crate) fn once(selector: &str) -> String {
    format!("max without (instance, pod, node, endpoint) ({selector})")
}

/// Findings of workloads for an alert. Labels of the pod and of the scrape are dropped, since they would end an alert
/// and start it again with each restart of tagwatch. Labels that route it (`metricLabels`) are kept.
pub(crate) fn for_alert(aggregation: &str, selector: &str) -> String {
    format!(
        "{aggregation} without (instance, pod, node, endpoint, container, service, job, result) ({selector})"
    )
}

/// The number of findings with this result (a regular expression) that are chosen.
pub(crate) fn findings(result: &str) -> String {
    once(&format!("tagwatch_violations{{{FINDINGS}, result=~\"{result}\"}}"))
}

/// A count that is 0, rather than nothing, where there is nothing to count.
pub(crate) fn or_zero(expression: &str) -> String {
    format!("({expression}) or vector(0)")
}

/// Since when findings with this result last, by finding: Unix seconds.
pub(crate) fn start(result: &str) -> String {
    format!(
        "min by ({FINDING}) (tagwatch_workload_violation_start_time_seconds{{{FINDINGS}, result=~\"{result}\"}})"
    )
}
