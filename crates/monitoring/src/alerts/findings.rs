//! Alerts on what is found.

use tagwatch_core::rules::ids;

use super::record::FIRST_EVALUATION;
use super::{Alert, ISSUES, NAMESPACE_PAGE, Urgency, VIOLATIONS};
use crate::promql::{earliest, once};

const GROUP: &str = "tagwatch-findings";
/// Seconds after the first evaluation within which a finding counts as one that was there at the installation: drift
/// has a grace time of its own, and Prometheus may see the evaluation late.
const SETTLING: u32 = 3_600;
/// Labels of a finding below its namespace and rule.
const OF_WORKLOAD: &str = "kind, workload, severity, result";
/// Rules with alerts of their own.
const ALERTED: [&str; 3] = [ids::MOVED_TAG, ids::MIXED_DIGESTS, ids::IMAGE_PULL_FAILING];
/// Rules that report a tag that moves.
const MOVING: [&str; 3] = [ids::MISSING_TAG, ids::LATEST_TAG, ids::FLOATING_TAG];

pub(super) fn alerts() -> Vec<Alert> {
    vec![critical(), many(), rising(), overdue(), protected()]
}

/// Start times that lie before the installation, while its grace period lasts.
fn was_there(start: &str) -> String {
    format!(
        "{start} <= on (cluster) group_left () (({FIRST_EVALUATION} > time() - <<graceSeconds>>) + {SETTLING})"
    )
}

/// Violations of workloads, without those that are in their grace period.
pub(super) fn violations(matchers: &str) -> String {
    let start = earliest(&format!("tagwatch_workload_violation_start_time_seconds{{{matchers}}}"));
    format!(
        "({} unless ({}))",
        once(&format!("tagwatch_workload_violations{{{matchers}}}")),
        was_there(&start)
    )
}

/// Matches the rules without an alert of their own.
fn unalerted() -> String {
    format!("rule!~\"{}\"", ALERTED.join("|"))
}

fn critical() -> Alert {
    Alert {
        name: "TagwatchCriticalViolation",
        group: GROUP,
        expression: format!(
            "sum without ({OF_WORKLOAD}) {} > 0",
            violations(&format!("severity=\"critical\", {}", unalerted()))
        ),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} container{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }} \
                  violate{{ if eq $value 1.0 }}s{{ end }} {{ $labels.rule }}",
        description: "{{ $value }} container{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }} \
                      violate{{ if eq $value 1.0 }}s{{ end }} {{ $labels.rule }}, with severity critical: two nodes can run different builds of one image reference, and no status \
                      shows it.",
        dashboard: ISSUES,
        console: Some(
            "/issues?result=fail,error&namespace={{ $labels.namespace | urlquery }}&rule={{ $labels.rule | urlquery }}",
        ),
    }
}

/// Violations of a namespace that need a change of its manifests.
fn of_namespace() -> String {
    let metric = format!("tagwatch_violations{{{}}}", unalerted());
    format!("sum without (policy, rule, severity, result) ({})", once(&metric))
}

fn many() -> Alert {
    let count = of_namespace();
    Alert {
        name: "TagwatchManyViolations",
        group: GROUP,
        expression: format!(
            "{count} > <<manyViolations>> unless on (cluster) {FIRST_EVALUATION} > time() - <<graceSeconds>>"
        ),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} violation{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }}",
        description: "Namespace {{ $labels.namespace }} has more than <<manyViolations>> violations. The dashboard \
                      shows by which rules; one chart or pipeline often causes most of them.",
        dashboard: ISSUES,
        console: VIOLATIONS,
    }
}

fn rising() -> Alert {
    let by_namespace = |offset: &str| {
        let metric = format!("tagwatch_violations{{{}}}{offset}", unalerted());
        format!("sum by (cluster, namespace) ({})", once(&metric))
    };
    // A namespace without a violation an hour ago, or without a workload, counts as zero if tagwatch had evaluated the
    // cluster by then.
    let evaluated = "max by (cluster) (tagwatch_last_full_evaluation_timestamp_seconds offset 1h)";
    let before =
        format!("{} or 0 * {} and on (cluster) {evaluated}", by_namespace(" offset 1h"), by_namespace(""));
    let now = of_namespace();
    Alert {
        name: "TagwatchViolationsRising",
        group: GROUP,
        expression: format!(
            "{now} - on (cluster, namespace) group_left () ({before}) >= <<risingViolations>>"
        ),
        hold: "10m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} more violation{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }} \
                  than an hour ago",
        description: "Violations in namespace {{ $labels.namespace }} have risen by {{ $value }} within an hour: \
                      look for the deployment that brought them.",
        dashboard: ISSUES,
        console: VIOLATIONS,
    }
}

fn overdue() -> Alert {
    let of = |severity: &str| {
        earliest(&format!("tagwatch_workload_violation_start_time_seconds{{severity=\"{severity}\"}}"))
    };
    let over = [
        ("critical", "<<overdueCriticalSeconds>>"),
        ("high", "<<overdueHighSeconds>>"),
        ("medium", "<<overdueMediumSeconds>>"),
    ]
    .map(|(severity, limit)| format!("{} < time() - {limit}", of(severity)))
    .join(" or ");
    let known = was_there(&earliest("tagwatch_workload_violation_start_time_seconds"));
    Alert {
        name: "TagwatchViolationOverdue",
        group: GROUP,
        expression: format!("count without (rule, {OF_WORKLOAD}) (({over}) unless ({known})) > 0"),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} overdue violation{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }}",
        description: "{{ $value }} violation{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }} {{ if eq $value 1.0 }}is{{ else }}are{{ end }} \
                      older than allowed. Limits in days: critical <<overdueCriticalDays>>, high <<overdueHighDays>>, medium \
                      <<overdueMediumDays>>. The dashboard lists the oldest first.",
        dashboard: ISSUES,
        console: VIOLATIONS,
    }
}

fn protected() -> Alert {
    let matchers = format!("namespace=~\"<<protectedNamespaces>>\", rule=~\"{}\"", MOVING.join("|"));
    let start = earliest(&format!(
        "tagwatch_workload_violation_start_time_seconds{{{matchers}}} or \
         tagwatch_workload_warning_start_time_seconds{{{matchers}}}"
    ));
    let new = format!("{start} > on (cluster) group_left () ({FIRST_EVALUATION} + {SETTLING})");
    // Leaves out a namespace in which only ephemeral containers have such an image: they are there to debug.
    let moving = "max by (cluster, namespace) (tagwatch_moving_images) > 0";
    Alert {
        name: "TagwatchFloatingImageInProtectedNamespace",
        group: GROUP,
        expression: format!(
            "count without (rule, {OF_WORKLOAD}) ({new}) > 0 and on (cluster, namespace) {moving}"
        ),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} new finding{{ if ne $value 1.0 }}s{{ end }} of a moving tag in namespace \
                  {{ $labels.namespace }}",
        description: "Namespace {{ $labels.namespace }} is protected, and {{ $value }} workload{{ if ne $value 1.0 }}s{{ end }} \
                      {{ if eq $value 1.0 }}has{{ else }}have{{ end }} begun to run an image whose tag moves. Pin it by digest or by a unique tag, or exempt \
                      it.",
        dashboard: ISSUES,
        console: NAMESPACE_PAGE,
    }
}
