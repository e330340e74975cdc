//! Parts of queries that several panels and rules share.
//!
//! Every query is right with and without a `cluster` label. Sums are right when Prometheus has a series several times:
//! from two replicas, from two scrape jobs, or federated from a second Prometheus. [`once`] takes each series once. So does
//! a query that takes a recorded metric: by an aggregation, since a federation brings copies of those too.

use crate::metric::own_labels;

/// What the variables of the dashboards choose from the findings.
pub(crate) const FINDINGS: &str =
    "cluster=~\"$cluster\", namespace=~\"$namespace\", severity=~\"$severity\", rule=~\"$rule\"";
/// What they choose from the workloads and images.
pub(crate) const NAMESPACES: &str = "cluster=~\"$cluster\", namespace=~\"$namespace\"";
/// The clusters whose controller metrics they choose.
pub(crate) const CLUSTERS: &str = "cluster=~\"$cluster\"";
/// The labels that name a finding of a workload.
pub(crate) const FINDING: &str = "cluster, namespace, kind, workload, rule, severity";
/// Further labels of the series of findings in the rules, as `metricLabels` of the policy adds them.
pub(crate) const METRIC_LABELS: &str = "<<metricLabels>>";

/// Each series once, with the own labels of its metric alone.
pub(crate) fn once(selector: &str) -> String {
    format!("max by ({}) ({selector})", own_labels(selector).join(", "))
}

/// As [`once`], with the labels that `metricLabels` adds.
pub(crate) fn once_labelled(selector: &str) -> String {
    format!("max by ({}{METRIC_LABELS}) ({selector})", own_labels(selector).join(", "))
}

/// By how much a counter grew. With several replicas it is that of the busiest, which is the leader.
pub(crate) fn growth(counter: &str, range: &str) -> String {
    once(&format!("increase({counter}[{range}])"))
}

/// The number of violations that are chosen: findings that fail, and errors.
pub(crate) fn violations() -> String {
    once(&format!("tagwatch_violations{{{FINDINGS}}}"))
}

/// The number of warnings that are chosen.
pub(crate) fn warnings() -> String {
    once(&format!("tagwatch_warnings{{{FINDINGS}}}"))
}

/// A count of processes, which is 0 where none is scraped.
pub(crate) fn or_none(expression: &str) -> String {
    format!("({expression}) or vector(0)")
}

/// A count of what is found, that is 0 where nothing is found, and nothing where nothing is known: before the first full
/// evaluation, and while no leader is scraped. An outage does not read as compliance.
pub(crate) fn or_zero(expression: &str) -> String {
    format!("({expression}) or 0 * max(tagwatch_last_full_evaluation_timestamp_seconds{{{CLUSTERS}}})")
}

/// A count that is 0 while tagwatch is scraped, for what may never have happened, and nothing while it is not.
pub(crate) fn or_never(expression: &str) -> String {
    format!("({expression}) or 0 * max(tagwatch_build_info{{{CLUSTERS}}})")
}

/// Since when the violations that are chosen last, by finding: Unix seconds. `matchers` follow those of the variables.
pub(crate) fn start(matchers: &str) -> String {
    format!("min by ({FINDING}) (tagwatch_workload_violation_start_time_seconds{{{FINDINGS}{matchers}}})")
}
