//! Alerts on tagwatch itself.

use super::{Alert, CONTROLLER, Urgency};

const GROUP: &str = "tagwatch-controller";
/// Failed writes within a quarter of an hour from which on reports count as not written.
const FAILED_WRITES: u32 = 5;
/// The queue is emptied within seconds; seconds from which on it is stuck.
const STUCK: u32 = 300;
/// A full evaluation runs every ten minutes; seconds after which several are missing.
const STALE: u32 = 2_700;
/// For how long a cluster is missed whose tagwatch is gone.
const MEMORY: &str = "7d";

pub(super) fn alerts() -> Vec<Alert> {
    vec![
        absent(),
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
        expression: format!("{gone} or (absent(tagwatch_build_info) unless on () ({gone}))"),
        hold: "10m",
        urgency: Urgency::Critical,
        summary: "tagwatch is gone",
        description: "Prometheus scrapes no tagwatch: nothing is judged, and every other alert of tagwatch is silent.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn reports_not_written() -> Alert {
    Alert {
        name: "TagwatchReportsNotWritten",
        group: GROUP,
        expression: format!(
            "sum by (cluster, outcome) (increase(tagwatch_report_writes_total\
             {{outcome!~\"ok|conflict|already_gone|namespace_terminating\"}}[15m])) > {FAILED_WRITES}"
        ),
        hold: "5m",
        urgency: Urgency::Warning,
        summary: "tagwatch cannot write reports: {{ $labels.outcome }}",
        description: "{{ $value | humanize }} writes of reports have failed within 15 minutes ({{ $labels.outcome }}): \
                      reports no longer show what runs.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn report_api_absent() -> Alert {
    Alert {
        name: "TagwatchReportAPIAbsent",
        group: GROUP,
        expression: "max by (cluster) (tagwatch_report_api_available) == 0".to_owned(),
        hold: "10m",
        urgency: Urgency::Warning,
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
        expression: "sum by (cluster, resource, reason) (increase(tagwatch_watch_errors_total[10m])) > 10"
            .to_owned(),
        hold: "10m",
        urgency: Urgency::Warning,
        summary: "tagwatch cannot watch {{ $labels.resource }}: {{ $labels.reason }}",
        description: "The watch of {{ $labels.resource }} fails again and again ({{ $labels.reason }}): what changes \
                      there is not judged.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn stale() -> Alert {
    let last = "tagwatch_last_full_evaluation_timestamp_seconds";
    // There is no such series before the first evaluation ends.
    let runs = "max by (cluster) (tagwatch_build_info)";
    let never = format!(
        "{runs} and max by (cluster) (tagwatch_build_info offset {STALE}s) unless \
         max by (cluster) (max_over_time({last}[{STALE}s]))"
    );
    Alert {
        name: "TagwatchEvaluationStale",
        group: GROUP,
        expression: format!("time() - max by (cluster) ({last}) > {STALE} or {STALE} * ({never})"),
        hold: "5m",
        urgency: Urgency::Warning,
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
        summary: "A workload has waited {{ $value | humanizeDuration }} to be judged",
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
        expression: "sum by (cluster) (increase(tagwatch_reconcile_panics_total[1h])) > 0".to_owned(),
        hold: "1m",
        urgency: Urgency::Warning,
        summary: "tagwatch cannot judge a workload, for a bug of its own",
        description: "Judging a workload ended in a panic. The workload counts as an error and the rest goes on; the \
                      log names it.",
        dashboard: CONTROLLER,
        console: None,
    }
}

fn capped() -> Alert {
    Alert {
        name: "TagwatchSeriesCapReached",
        group: GROUP,
        expression: "max by (cluster) (tagwatch_metrics_series_over_cap) > 0".to_owned(),
        hold: "15m",
        urgency: Urgency::Info,
        summary: "{{ $value }} series of workloads are over tagwatch's cap",
        description: "What is over the cap is counted under the workload _other, so alerts no longer name each \
                      workload. Fix findings, exempt them, or raise --workload-series-cap.",
        dashboard: CONTROLLER,
        console: None,
    }
}
