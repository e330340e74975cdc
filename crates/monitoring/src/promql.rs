//! Parts of queries that several panels and rules share.
//!
//! Every query is right with and without a `cluster` label. Sums are right when Prometheus has a series several times:
//! from two replicas, from two scrape jobs, or federated from a second Prometheus. [`once`] takes each series once.

/// What the variables of the dashboards choose from the findings.
pub(crate) const FINDINGS: &str =
    "cluster=~\"$cluster\", namespace=~\"$namespace\", severity=~\"$severity\", rule=~\"$rule\"";
/// What they choose from the workloads and images.
pub(crate) const NAMESPACES: &str = "cluster=~\"$cluster\", namespace=~\"$namespace\"";
/// The clusters whose controller metrics they choose.
pub(crate) const CLUSTERS: &str = "cluster=~\"$cluster\"";
/// The labels that name a finding of a workload.
pub(crate) const FINDING: &str = "cluster, namespace, kind, workload, rule, severity";
/// Labels that the target, the scrape or a federation attaches: they differ between copies of one series. A rule that
/// kept one would end its alert and start another with each restart of tagwatch.
pub(crate) const TARGET: &str =
    "instance, pod, node, endpoint, container, service, job, prometheus, prometheus_replica";

/// Each series once. The labels of the finding, and those that `metricLabels` adds, are kept.
pub(crate) fn once(selector: &str) -> String {
    format!("max without ({TARGET}) ({selector})")
}

/// As [`once`], for times of which the earliest applies.
pub(crate) fn earliest(selector: &str) -> String {
    format!("min without ({TARGET}) ({selector})")
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

/// A count that is 0, rather than nothing, where there is nothing to count.
pub(crate) fn or_zero(expression: &str) -> String {
    format!("({expression}) or vector(0)")
}

/// A count that is 0 while tagwatch is scraped, for what may never have happened, and nothing while it is not.
pub(crate) fn or_never(expression: &str) -> String {
    format!("({expression}) or 0 * max(tagwatch_build_info{{{CLUSTERS}}})")
}

/// Since when the violations that are chosen last, by finding: Unix seconds. `matchers` follow those of the variables.
pub(crate) fn start(matchers: &str) -> String {
    format!("min by ({FINDING}) (tagwatch_workload_violation_start_time_seconds{{{FINDINGS}{matchers}}})")
}
