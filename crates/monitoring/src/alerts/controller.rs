//! Alerts on tagwatch itself.

use super::{Alert, CONTROLLER, Urgency};
use crate::promql::{EVALUATED as LAST, bridged_by, growth};

const GROUP: &str = "tagwatch-controller";
/// Failed writes within a quarter of an hour from which on reports count as not written.
const FAILED_WRITES: u32 = 5;
/// Failures of a watch within ten minutes above which it does not come up.
const WATCH_FAILURES: u32 = 10;
/// The queue is emptied within seconds; seconds from which on it is stuck.
const STUCK: u32 = 300;
/// A full evaluation runs every ten minutes; seconds after which several are missing.
const STALE: u32 = 2_700;
/// For how long a cluster is missed whose tagwatch is gone.
const MEMORY: &str = "7d";

pub(super) fn alerts() -> Vec<Alert> {
    vec![
        absent(),
        no_leader(),
        reports_not_written(),
        report_api_absent(),
        watch_failing(),
        stale(),
        stuck(),
        panicking(),
        capped(),
    ]
}

fn absent() -> Alert {
    // Which of several clusters went; the second part is for where none was seen for as long.
    let gone = format!(
        "max by (cluster) (present_over_time(tagwatch_build_info[{MEMORY}])) unless \
         max by (cluster) (tagwatch_build_info)"
    );
    Alert {
        name: "TagwatchAbsent",
        group: GROUP,
        expression: format!("({gone} or (absent(tagwatch_build_info) unless on () ({gone}))) > 0"),
        hold: "10m",
        urgency: Urgency::Critical,
        about_tagwatch: true,
        summary: "tagwatch is gone",
        description: "Prometheus scrapes no tagwatch: nothing is checked, and every other alert of tagwatch is silent.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn no_leader() -> Alert {
    Alert {
        name: "TagwatchNoLeader",
        group: GROUP,
        expression: "max by (cluster) (tagwatch_leader) == 0".to_owned(),
        // A crash is followed by another leader within 20 s.
        hold: "5m",
        urgency: Urgency::Critical,
        about_tagwatch: true,
        summary: "No replica of tagwatch leads",
        description: "Every replica of tagwatch stands by: no report is written, and there are no series of findings, so \
                      that every other alert on them is silent.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn reports_not_written() -> Alert {
    Alert {
        name: "TagwatchReportsNotWritten",
        group: GROUP,
        expression: format!(
            "sum by (cluster, outcome) ({}) > {FAILED_WRITES}",
            growth(
                "tagwatch_report_writes_total{outcome!~\"ok|conflict|already_gone|namespace_terminating\"}",
                "15m"
            )
        ),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "tagwatch cannot write reports: {{ $labels.outcome }}",
        description: "{{ $value | humanize }} write{{ if ne $value 1.0 }}s{{ end }} of reports {{ if eq $value 1.0 }}has{{ else }}have{{ end }} failed within 15 minutes \
                      ({{ $labels.outcome }}): reports no longer show what runs.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn report_api_absent() -> Alert {
    Alert {
        name: "TagwatchReportAPIAbsent",
        group: GROUP,
        expression: format!("{} == 0", bridged_by("max", "cluster", "tagwatch_report_api_available")),
        hold: "10m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "The cluster does not serve the API of the reports",
        description: "The API server does not serve the group that tagwatch writes its reports in. Metrics go on; \
                      reports are not written until the definition is installed.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn watch_failing() -> Alert {
    Alert {
        name: "TagwatchWatchFailing",
        group: GROUP,
        expression: format!(
            "sum by (cluster, resource, reason) ({}) > {WATCH_FAILURES} or on (cluster, resource) label_replace({} == 0, \
             \"reason\", \"down\", \"\", \"\")",
            growth("tagwatch_watch_errors_total", "10m"),
            bridged_by("min", "cluster, resource", "tagwatch_watch_up")
        ),
        hold: "10m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "tagwatch cannot watch {{ $labels.resource }}: {{ $labels.reason }}",
        description: "The watch of {{ $labels.resource }} keeps failing ({{ $labels.reason }}): changes there are not \
                      checked.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn stale() -> Alert {
    // There is no such series before the first evaluation ends, for which a restart gives as long again.
    let runs = "max by (cluster) (tagwatch_build_info)";
    let never = format!(
        "{runs} and max by (cluster) (tagwatch_build_info offset {STALE}s) unless \
         max by (cluster) (max_over_time({LAST}[{STALE}s]))"
    );
    Alert {
        name: "TagwatchEvaluationStale",
        group: GROUP,
        expression: format!("time() - max by (cluster) ({LAST}) > {STALE} or {STALE} * ({never})"),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "tagwatch has not evaluated everything for {{ $value | humanizeDuration }}",
        description: "Every workload is evaluated every ten minutes, and has not been for {{ $value | \
                      humanizeDuration }}: findings may be out of date.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn stuck() -> Alert {
    Alert {
        name: "TagwatchQueueStuck",
        group: GROUP,
        expression: format!("max by (cluster) (tagwatch_queue_oldest_age_seconds) > {STUCK}"),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "A workload has waited {{ $value | humanizeDuration }} to be checked",
        description: "tagwatch does not keep up: the workload that waits longest has waited {{ $value | \
                      humanizeDuration }}.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn panicking() -> Alert {
    Alert {
        name: "TagwatchPanicking",
        group: GROUP,
        expression: format!("sum by (cluster) ({}) > 0", growth("tagwatch_reconcile_panics_total", "1h")),
        hold: "1m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "tagwatch cannot check a workload because of a bug",
        description: "The evaluation of a workload panicked. The workload counts as an error and the rest goes on; \
                      the log names it.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn capped() -> Alert {
    Alert {
        name: "TagwatchSeriesCapReached",
        group: GROUP,
        expression: format!("{} > 0", bridged_by("max", "cluster", "tagwatch_metrics_series_over_cap")),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "{{ $value }} series of workloads {{ if eq $value 1.0 }}is{{ else }}are{{ end }} over the cap of tagwatch",
        description: "What is over the cap is counted under the workload _other, so alerts no longer name each \
                      workload. Fix findings, exempt them, or raise --workload-series-cap.",
        dashboard: CONTROLLER,
        console: None,
    }
}
