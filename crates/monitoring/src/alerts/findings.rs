//! Alerts on what is found.

use super::{Alert, FAILING, ISSUES, NAMESPACE_PAGE, Urgency, WORKLOAD, WORKLOAD_PAGE};
use crate::PROTECTED_NAMESPACES;
use crate::promql::{for_alert, once};

const GROUP: &str = "tagwatch-findings";
/// Violations of one namespace from which on there are many.
const MANY: u32 = 20;
/// By how many violations of one namespace have risen within an hour.
const RISE: u32 = 5;
/// How long a violation may last, in seconds: a day, a week, a month.
const LIMITS: [(&str, u32); 3] = [("critical", 86_400), ("high", 604_800), ("medium", 2_592_000)];

pub(super) fn alerts() -> Vec<Alert> {
    vec![critical(), many(), rising(), overdue(), protected()]
}

fn critical() -> Alert {
    Alert {
        name: "TagwatchCriticalViolation",
        group: GROUP,
        expression: format!(
            "{} > 0",
            for_alert("max", "tagwatch_workload_violations{severity=\"critical\", result=\"fail\"}")
        ),
        hold: "5m",
        urgency: Urgency::Critical,
        summary: "{{ $labels.namespace }}/{{ $labels.workload }} violates {{ $labels.rule }}",
        description: "{{ $value }} containers of {{ $labels.kind }} {{ $labels.workload }} in namespace \
                      {{ $labels.namespace }} violate {{ $labels.rule }}: two nodes can run different code under \
                      one reference, and nothing will show it.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}

fn by_namespace(expression: &str) -> String {
    format!("sum by (cluster, namespace) ({})", once(expression))
}

fn many() -> Alert {
    Alert {
        name: "TagwatchManyViolations",
        group: GROUP,
        expression: format!("{} > {MANY}", by_namespace("tagwatch_violations{result=\"fail\"}")),
        hold: "15m",
        urgency: Urgency::Warning,
        summary: "{{ $value }} violations in namespace {{ $labels.namespace }}",
        description: "More than 20 findings fail in namespace {{ $labels.namespace }}. The dashboard shows by which \
                      rules; one chart or pipeline is often behind most of them.",
        dashboard: ISSUES,
        console: FAILING,
    }
}

fn rising() -> Alert {
    let now = by_namespace("tagwatch_violations{result=\"fail\"}");
    let before = by_namespace("tagwatch_violations{result=\"fail\"} offset 1h");
    // A namespace that had no violation an hour ago has no series of then: its workloads of that hour count as zero.
    let none = format!("0 * {}", by_namespace("tagwatch_workloads offset 1h"));
    Alert {
        name: "TagwatchViolationsRising",
        group: GROUP,
        expression: format!("{now} - ({before} or {none}) >= {RISE}"),
        hold: "10m",
        urgency: Urgency::Warning,
        summary: "{{ $value }} more violations in namespace {{ $labels.namespace }} than an hour ago",
        description: "Violations in namespace {{ $labels.namespace }} have risen by {{ $value }} within an hour: \
                      look for a deployment that brought them.",
        dashboard: ISSUES,
        console: FAILING,
    }
}

fn overdue() -> Alert {
    let over = |(severity, seconds): (&str, u32)| {
        let metric = "tagwatch_workload_violation_start_time_seconds";
        let start = for_alert("min", &format!("{metric}{{severity=\"{severity}\", result=\"fail\"}}"));
        format!("time() - {start} > {seconds}")
    };
    Alert {
        name: "TagwatchViolationOverdue",
        group: GROUP,
        expression: LIMITS.map(over).join(" or "),
        hold: "15m",
        urgency: Urgency::Warning,
        summary: "{{ $labels.namespace }}/{{ $labels.workload }} has violated {{ $labels.rule }} for \
                  {{ $value | humanizeDuration }}",
        description: "A {{ $labels.severity }} violation of {{ $labels.rule }} by {{ $labels.kind }} \
                      {{ $labels.workload }} in namespace {{ $labels.namespace }} is older than it may be: a day \
                      for critical, a week for high, 30 days for medium ones.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}

fn protected() -> Alert {
    // Exempt containers and ephemeral ones are left out of this metric.
    let moving = |offset: &str| {
        by_namespace(&format!("tagwatch_moving_images{{namespace=~\"{PROTECTED_NAMESPACES}\"}}{offset}"))
    };
    let (now, before) = (moving(""), moving(" offset 1h"));
    // Where tagwatch did not run an hour ago, everything would look new.
    let ran = "on (cluster) group_left () max by (cluster) (tagwatch_build_info offset 1h)";
    Alert {
        name: "TagwatchFloatingImageInProtectedNamespace",
        group: GROUP,
        expression: format!("({now} - ({before} or 0 * {now})) * {ran} > 0"),
        hold: "5m",
        urgency: Urgency::Warning,
        summary: "{{ $value }} new images with a moving tag in namespace {{ $labels.namespace }}",
        description: "Namespace {{ $labels.namespace }} is protected, and {{ $value }} more containers than an hour \
                      ago run an image whose tag moves. Pin them by digest or by a unique tag. Exempt and \
                      ephemeral containers are not counted.",
        dashboard: ISSUES,
        console: NAMESPACE_PAGE,
    }
}
