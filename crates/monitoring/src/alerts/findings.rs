//! Alerts on what is found.

use tagwatch_core::rules::ids;

use super::known::{
    VIOLATIONS as OF_WORKLOADS, WARNINGS, alert_day, known, known_containers, new_containers,
    new_moving_images,
};
use super::{Alert, ISSUES, NAMESPACE_PAGE, OVERVIEW, Urgency, VIOLATIONS, WORKLOADS};
use crate::promql::{FINDING, METRIC_LABELS, bridged, bridged_ago, evaluated, evaluated_ago, once_labelled};

const GROUP: &str = "tagwatch-findings";
/// Rules with alerts of their own.
const ALERTED: [&str; 3] = [ids::MOVED_TAG, ids::MIXED_DIGESTS, ids::IMAGE_PULL_FAILING];

pub(super) fn alerts() -> Vec<Alert> {
    vec![critical(), many(), rising(), overdue(), protected(), backlog()]
}

/// Containers of a finding, without those that were there when tagwatch was installed.
pub(super) fn new_violations(matchers: &str) -> String {
    new_containers(&OF_WORKLOADS, matchers)
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
            "sum by (cluster, namespace, rule{METRIC_LABELS}) ({}) > 0",
            new_violations(&format!("severity=\"critical\", {}", unalerted()))
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

fn many() -> Alert {
    Alert {
        name: "TagwatchManyViolations",
        group: GROUP,
        expression: format!(
            "sum by (cluster, namespace{METRIC_LABELS}) ({}) > <<manyViolations>>",
            new_violations(&unalerted())
        ),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} new violation{{ if ne $value 1.0 }}s{{ end }} in namespace {{ $labels.namespace }}",
        description: "Namespace {{ $labels.namespace }} has more than <<manyViolations>> violations that were not there \
                      when tagwatch was installed. The dashboard shows by which rules; one chart or pipeline often \
                      causes most of them.",
        dashboard: ISSUES,
        console: VIOLATIONS,
    }
}

fn rising() -> Alert {
    let violations = format!("tagwatch_violations{{{}}}", unalerted());
    let sum = |series: &str, further: &str| {
        format!("sum by (cluster, namespace{further}) ({})", once_labelled(series))
    };
    let (series, ago) = (bridged(&violations), bridged_ago(&violations, "1h"));
    // A namespace without a violation an hour ago, or without a workload, counts as zero if tagwatch had evaluated the
    // cluster by then.
    let before =
        format!("{} or 0 * {} and on (cluster) {}", sum(&ago, ""), sum(&series, ""), evaluated_ago("1h"));
    let before = format!("({before}) + on (cluster, namespace) {} or {before}", turned_since("1h"));
    let now = sum(&series, METRIC_LABELS);
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

/// Violations of each namespace that were warnings so long ago, as where the policy has made a rule fail: no deployment
/// brought them. Over the cap of series it is not known which they are.
fn turned_since(ago: &str) -> String {
    let of = "on (cluster, namespace, kind, workload, rule)";
    let [violations, warnings] = ["violations", "warnings"]
        .map(|findings| format!("tagwatch_workload_{findings}{{workload!=\"_other\", {}}}", unalerted()));
    format!(
        "sum by (cluster, namespace) ({} and {of} ({}) unless {of} ({}))",
        once_labelled(&bridged(&violations)),
        bridged_ago(&warnings, ago),
        bridged_ago(&violations, ago),
    )
}

fn overdue() -> Alert {
    let of = |severity: &str| {
        let start = format!("tagwatch_workload_violation_start_time_seconds{{severity=\"{severity}\"}}");
        format!("min by ({FINDING}{METRIC_LABELS}) ({})", bridged(&start))
    };
    let over = [
        ("critical", "<<overdueCriticalSeconds>>"),
        ("high", "<<overdueHighSeconds>>"),
        ("medium", "<<overdueMediumSeconds>>"),
    ]
    .map(|(severity, limit)| format!("{} < time() - {limit}", of(severity)))
    .join(" or ");
    let known = known(&OF_WORKLOADS, "");
    Alert {
        name: "TagwatchViolationOverdue",
        group: GROUP,
        expression: format!(
            "count by (cluster, namespace{METRIC_LABELS}) (({over}) unless on ({FINDING}) ({known})) > 0"
        ),
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
    let namespaces = "namespace=~\"<<protectedNamespaces>>\"";
    let matchers = format!("{namespaces}, rule=~\"{}\"", ids::OF_MOVING_TAGS.join("|"));
    let found = [OF_WORKLOADS, WARNINGS].map(|class| new_containers(&class, &matchers)).join(" or ");
    // Counts images, since findings are also of ephemeral containers, which are there to debug, and of tags that may
    // just as well be pushed once. That there is a finding says that its rule is on, and that it was not there before.
    let moving = new_moving_images(namespaces);
    Alert {
        name: "TagwatchFloatingImageInProtectedNamespace",
        group: GROUP,
        expression: format!(
            "sum by (cluster, namespace{METRIC_LABELS}) ({moving}) > 0 and on (cluster, namespace) ({found})"
        ),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ $value }} new container{{ if ne $value 1.0 }}s{{ end }} with a moving tag in namespace \
                  {{ $labels.namespace }}",
        description: "Namespace {{ $labels.namespace }} is protected, and {{ $value }} container{{ if ne $value 1.0 }}s{{ end }} \
                      of its workloads {{ if eq $value 1.0 }}has{{ else }}have{{ end }} begun to run an image whose tag moves. Pin it by digest or by a unique tag, or exempt \
                      it.",
        dashboard: WORKLOADS,
        console: NAMESPACE_PAGE,
    }
}

/// What was there at the installation: a reminder for the whole cluster, on one day of a week.
fn backlog() -> Alert {
    Alert {
        name: "TagwatchBacklog",
        group: GROUP,
        expression: format!(
            "sum by (cluster) ({}) > 0 and on (cluster) {} and on (cluster) {}",
            known_containers(&OF_WORKLOADS, ""),
            evaluated(),
            alert_day()
        ),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "{{ $value }} violation{{ if ne $value 1.0 }}s{{ end }} from before tagwatch was installed \
                  {{ if eq $value 1.0 }}remains{{ else }}remain{{ end }}",
        description: "{{ $value }} violation{{ if ne $value 1.0 }}s{{ end }} that tagwatch found when it was installed \
                      {{ if eq $value 1.0 }}is{{ else }}are{{ end }} still there. No other alert counts them. This one \
                      is on for a day of each week: plan the next fixes, or exempt what shall stay.",
        dashboard: OVERVIEW,
        console: Some("/issues?result=fail,error"),
    }
}
