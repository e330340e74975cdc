//! Recording rules: what alerts share, and what is worth keeping for longer than the metrics. Names follow
//! `level:metric:operations` (<https://prometheus.io/docs/practices/rules/>).

use tagwatch_core::rules::ids;

use super::known::{
    FIRST_EVALUATION, KNOWN_MOVING_IMAGES, VIOLATIONS, WARNINGS, fewest, fewest_moving_images,
};
use crate::promql::{EVALUATED, once};

/// For how long the first evaluation is remembered when tagwatch is gone or Prometheus is down.
const MEMORY: &str = "1w";
/// For how long known findings are remembered while Prometheus is down: there are thousands in a large cluster, and each
/// evaluation reads all.
const MEMORY_OF_FINDINGS: &str = "6h";

/// A recording rule of Prometheus.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The metric that it records.
    pub name: &'static str,
    /// Its query.
    pub expression: String,
}

/// Every recording rule, in the order in which they are written.
pub fn recordings() -> Vec<Recording> {
    let rule = |name, expression| Recording { name, expression };
    let score = |level: &str| {
        let workloads =
            |status: &str| format!("sum by ({level}) ({})", once(&format!("tagwatch_workloads{status}")));
        let (bad, all) = (workloads("{status=~\"violating|error\"}"), workloads(""));
        format!("1 - ({bad} or 0 * {all}) / {all}")
    };
    let findings = |metrics: &str| format!("sum by (cluster, namespace, severity) ({metrics})");
    let (violations, warnings) = (once("tagwatch_violations"), once("tagwatch_warnings"));
    vec![
        rule(
            FIRST_EVALUATION,
            format!(
                "min by (cluster) (last_over_time({FIRST_EVALUATION}[{MEMORY}])) and on (cluster) \
                 present_over_time(tagwatch_build_info[{MEMORY}]) or \
                 min by (cluster) ({EVALUATED})"
            ),
        ),
        rule(VIOLATIONS.known, fewest(&VIOLATIONS, "", MEMORY_OF_FINDINGS)),
        rule(
            WARNINGS.known,
            fewest(&WARNINGS, &format!("rule=~\"{}\"", ids::OF_MOVING_TAGS.join("|")), MEMORY_OF_FINDINGS),
        ),
        rule(KNOWN_MOVING_IMAGES, fewest_moving_images(MEMORY_OF_FINDINGS)),
        rule("cluster:tagwatch_score:ratio", score("cluster")),
        rule("cluster_namespace:tagwatch_score:ratio", score("cluster, namespace")),
        rule("cluster_namespace_severity:tagwatch_violations:sum", findings(&violations)),
        rule(
            "cluster_namespace_severity:tagwatch_findings:sum",
            findings(&format!("{violations} or {warnings}")),
        ),
    ]
}
