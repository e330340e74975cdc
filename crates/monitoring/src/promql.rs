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

/// There from the first full evaluation of a leader on, and while one is scraped.
pub(crate) const EVALUATED: &str = "tagwatch_last_full_evaluation_timestamp_seconds";
/// For how long rules use the last values while no leader that has evaluated the cluster is scraped. A crash of the leader
/// takes 15 to 30 s until another one leads; as long as Prometheus itself looks back.
const GAP: &str = "5m";

/// What is found of objects, bridged over a short time without it: a restart of tagwatch, or another leader. The series of
/// a target that is gone end at once, so an alert would end, and begin anew. Where the cluster is evaluated, what is not
/// there is fixed, and nothing is bridged.
pub(crate) fn bridged(selector: &str) -> String {
    bridged_over(selector, GAP, "")
}

/// What was found so long ago, as [`bridged`], over as long a time before that: what is compared with it would else change
/// for a time at which tagwatch was away, long after it is back.
pub(crate) fn bridged_ago(selector: &str, ago: &str) -> String {
    bridged_over(selector, ago, &format!(" offset {ago}"))
}

fn bridged_over(selector: &str, gap: &str, offset: &str) -> String {
    format!(
        "{selector}{offset} or last_over_time({selector}[{gap}]{offset}) unless on (cluster) {EVALUATED}{offset}"
    )
}

/// A gauge of the process, aggregated by these labels and bridged as [`bridged`]. What is scraped wins over what was.
pub(crate) fn bridged_by(aggregation: &str, by: &str, metric: &str) -> String {
    format!(
        "({aggregation} by ({by}) ({metric}) or {aggregation} by ({by}) (last_over_time({metric}[{GAP}])) unless \
         on (cluster) {EVALUATED})"
    )
}

/// Clusters of which the findings are known, or were a moment ago.
pub(crate) fn evaluated() -> String {
    format!("max by (cluster) (last_over_time({EVALUATED}[{GAP}]))")
}

/// Clusters of which the findings were known so long ago, or in as long a time before that.
pub(crate) fn evaluated_ago(ago: &str) -> String {
    format!("max by (cluster) (last_over_time({EVALUATED}[{ago}] offset {ago}))")
}

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
    format!("({expression}) or 0 * max({EVALUATED}{{{CLUSTERS}}})")
}

/// A count that is 0 while tagwatch is scraped, for what may never have happened, and nothing while it is not.
pub(crate) fn or_never(expression: &str) -> String {
    format!("({expression}) or 0 * max(tagwatch_build_info{{{CLUSTERS}}})")
}

/// As [`or_never`], of counts by labels: where there is none, one line of zeros whose labels say so.
pub(crate) fn or_never_by(labels: &[&str], expression: &str) -> String {
    let none = labels.iter().fold(format!("0 * max(tagwatch_build_info{{{CLUSTERS}}})"), |none, label| {
        format!("label_replace({none}, \"{label}\", \"none\", \"\", \"\")")
    });
    format!("({expression}) or ({none} unless on () ({expression}))")
}

/// Since when the violations that are chosen last, by finding: Unix seconds. `matchers` follow those of the variables.
pub(crate) fn start(matchers: &str) -> String {
    format!("min by ({FINDING}) (tagwatch_workload_violation_start_time_seconds{{{FINDINGS}{matchers}}})")
}
