//! The labels of tagwatch's own metrics. A query that keeps these alone takes a series once, whatever labels the target,
//! the scrape job, a relabelling or a federation adds to its copies.

/// Metrics with labels of their own; the others have none. docs/metrics.md, which is generated from the collectors, holds
/// the same: a test compares them.
const LABELS: [(&str, &[&str]); 31] = [
    ("tagwatch_violations", &["namespace", "policy", "rule", "severity", "result"]),
    ("tagwatch_warnings", &["namespace", "policy", "rule", "severity"]),
    ("tagwatch_workloads", &["namespace", "kind", "status"]),
    ("tagwatch_images", &["namespace", "tag_class", "pull_policy"]),
    ("tagwatch_moving_images", &["namespace", "rule"]),
    ("tagwatch_workload_violations", &["namespace", "kind", "workload", "rule", "severity", "result"]),
    (
        "tagwatch_workload_violation_start_time_seconds",
        &["namespace", "kind", "workload", "rule", "severity", "result"],
    ),
    ("tagwatch_workload_warnings", &["namespace", "kind", "workload", "rule", "severity"]),
    ("tagwatch_workload_warning_start_time_seconds", &["namespace", "kind", "workload", "rule", "severity"]),
    ("tagwatch_rule_info", &["rule", "policy", "severity", "state"]),
    ("tagwatch_exemptions", &["state"]),
    ("tagwatch_exemption_expiry_timestamp_seconds", &["source", "index", "namespace"]),
    ("tagwatch_mixed_workloads", &["namespace"]),
    ("tagwatch_kube_requests_total", &["verb", "code"]),
    ("tagwatch_build_info", &["version"]),
    ("tagwatch_reconciles_total", &["result"]),
    ("tagwatch_report_writes_total", &["verb", "outcome"]),
    ("tagwatch_watch_starts_total", &["resource"]),
    ("tagwatch_watch_errors_total", &["resource", "reason"]),
    ("tagwatch_stray_reports", &["owner"]),
    ("tagwatch_custom_kinds", &["state"]),
    ("tagwatch_policy_source", &["source"]),
    ("tagwatch_policy_status_writes_total", &["outcome"]),
    ("tagwatch_events_total", &["outcome"]),
    ("tagwatch_server_connections", &["server"]),
    ("tagwatch_server_connections_closed_total", &["server", "reason"]),
    ("tagwatch_moved_tags", &["confidence"]),
    ("tagwatch_registry_requests_total", &["outcome"]),
    ("tagwatch_watch_up", &["resource"]),
    ("tagwatch_namespace_up", &["namespace"]),
    ("tagwatch_watch_last_event_age_seconds", &["resource"]),
];
/// What Prometheus names the series of a histogram, and the label that they have.
const BUCKETS: (&str, &str) = ("_bucket", "le");

/// The cluster, and the own labels of the first metric of tagwatch that a query names.
pub(crate) fn own_labels(query: &str) -> Vec<&'static str> {
    let mut words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let name = words.find(|word| word.starts_with("tagwatch_")).unwrap_or_default();
    let (name, bucket) = match name.strip_suffix(BUCKETS.0) {
        Some(name) => (name, Some(BUCKETS.1)),
        None => (name, None),
    };
    let own = LABELS.iter().find(|(metric, _)| *metric == name).map_or(&[][..], |(_, labels)| labels);
    ["cluster"].into_iter().chain(own.iter().copied()).chain(bucket).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A label that a collector gains and this list does not would be summed up without a word.
    #[test]
    fn the_labels_are_those_of_the_collectors() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        let page = fs::read_to_string(page).unwrap();
        let mut metrics = 0;
        for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
            let mut cells = row.split(" | ");
            let name = cells.next().unwrap().trim_matches('`');
            let labels = cells.nth(1).unwrap().split(", ").map(|label| label.trim_matches(['`', ' ']));
            let labels: Vec<&str> =
                ["cluster"].into_iter().chain(labels.filter(|label| !label.is_empty())).collect();
            if name.starts_with("tagwatch_") {
                assert_eq!(own_labels(&format!("rate({name}{{job=\"a\"}}[5m])")), labels, "{name}");
                metrics += 1;
            }
        }
        assert!(metrics > 30, "{metrics}");
        assert_eq!(own_labels("tagwatch_reconcile_duration_seconds_bucket"), ["cluster", "le"]);
        for (name, _) in LABELS {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
