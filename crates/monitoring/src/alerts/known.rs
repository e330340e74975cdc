//! What was there when tagwatch was installed. No alert fires for it, but for one reminder of the whole cluster.

use crate::promql::{FINDING, METRIC_LABELS, once, once_labelled};

/// When Prometheus saw the first full evaluation of a cluster: the time of installation, as far as alerts know it.
pub(super) const FIRST_EVALUATION: &str = "cluster:tagwatch_first_evaluation_timestamp_seconds:min";
/// Seconds of a day and of a week.
const DAY: u32 = 86_400;
const WEEK: u32 = 604_800;

/// The metrics of one class of findings of workloads, and the recorded number of containers that were there.
pub(super) struct Class {
    count: &'static str,
    start: &'static str,
    /// The recorded metric.
    pub(super) known: &'static str,
}

pub(super) const VIOLATIONS: Class = Class {
    count: "tagwatch_workload_violations",
    start: "tagwatch_workload_violation_start_time_seconds",
    known: "cluster_namespace_kind_workload_rule_severity:tagwatch_known_violations:min",
};
pub(super) const WARNINGS: Class = Class {
    count: "tagwatch_workload_warnings",
    start: "tagwatch_workload_warning_start_time_seconds",
    known: "cluster_namespace_kind_workload_rule_severity:tagwatch_known_warnings:min",
};

/// When tagwatch was installed in each cluster. A federation brings copies of recorded metrics.
fn installed() -> String {
    format!("min by (cluster) ({FIRST_EVALUATION})")
}

/// Findings that began before tagwatch was installed, or within the hour in which drift has its grace time.
pub(super) fn known(class: &Class, matchers: &str) -> String {
    let start = class.start;
    format!(
        "min by ({FINDING}) ({start}{{{matchers}}}) <= on (cluster) group_left () ({} + <<settlingSeconds>>)",
        installed()
    )
}

/// Containers of each finding that is known, as the recorded metric counts them; all of them before it is recorded, and of
/// the sums over the cap.
pub(super) fn known_containers(class: &Class, matchers: &str) -> String {
    let Class { count, known: recorded, .. } = class;
    format!(
        "min by ({FINDING}) ({recorded}{{{matchers}}}) or sum by ({FINDING}) ({}) and on ({FINDING}) ({})",
        once(&format!("{count}{{{matchers}}}")),
        known(class, matchers)
    )
}

/// Containers of each finding that came after the installation: all of a finding that began later, and of one that is known
/// those beyond the fewest that it has had since.
pub(super) fn new_containers(class: &Class, matchers: &str) -> String {
    let Class { count, known: recorded, .. } = class;
    let containers =
        format!("sum by ({FINDING}{METRIC_LABELS}) ({})", once_labelled(&format!("{count}{{{matchers}}}")));
    format!(
        "{containers} unless on ({FINDING}) ({}) or \
         {containers} - on ({FINDING}) group_left () min by ({FINDING}) ({recorded}{{{matchers}}}) > 0",
        known(class, matchers)
    )
}

/// What is recorded of a class: the fewest containers that a known finding has had. `memory` is for how long it is
/// remembered while it is not recorded.
pub(super) fn fewest(class: &Class, matchers: &str, memory: &str) -> String {
    let Class { count, known: recorded, .. } = class;
    let matchers = format!("{matchers}workload!=\"_other\"");
    let now = format!("sum by ({FINDING}) ({})", once(&format!("{count}{{{matchers}}}")));
    let before = format!("min by ({FINDING}) (last_over_time({recorded}[{memory}]))");
    format!(
        "({now} < {before} or {before} and {now} or {now}) and on ({FINDING}) ({})",
        known(class, &matchers)
    )
}

/// Clusters in which the reminder is on: for a day of each week, from the end of the grace period on.
pub(super) fn alert_day() -> String {
    format!("(time() - {} - <<graceSeconds>> >= 0) % {WEEK} < {DAY}", installed())
}
