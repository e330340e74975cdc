//! *Controller health*: whether the other dashboards can be trusted.

use crate::dashboard::{Dashboard, Panel, Row, Variable, lines, stat};
use crate::promql::CLUSTERS;

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tagwatch-controller",
        title: "tagwatch / Controller health",
        description: "Whether tagwatch sees the cluster, keeps up with it, and can write its reports.",
        variables: vec![Variable::Datasource, Variable::Cluster],
        rows: vec![
            Row { title: "Now", panels: now() },
            Row { title: "Work", panels: work() },
            Row { title: "API server", panels: api_server() },
            Row { title: "Metrics", panels: metrics() },
        ],
    }
}

fn of(metric: &str) -> String {
    format!("{metric}{{{CLUSTERS}}}")
}

/// Events a second, by labels.
fn rate(metric: &str, by: &str) -> String {
    format!("sum by ({by}) (rate({}[$__rate_interval]))", of(metric))
}

fn now() -> Vec<Panel> {
    vec![
        stat("Controllers", "Processes that are scraped.")
            .unit("short")
            .traffic_light(&[(None, "red"), (Some(1.0), "green")])
            .query(format!("count({})", of("tagwatch_build_info")), "controllers"),
        stat("Version", "The version that runs.")
            .unit("string")
            .option("textMode", "name")
            .query(format!("count by (version) ({})", of("tagwatch_build_info")), "{{version}}"),
        stat("Report API", "Whether the API server serves the reports' API.")
            .unit("bool_yes_no")
            .traffic_light(&[(None, "red"), (Some(1.0), "green")])
            .query(format!("min({})", of("tagwatch_report_api_available")), "served"),
        stat("Last full evaluation", "How long ago every workload had been evaluated; at most ten minutes.")
            .unit("s")
            .with("noValue", "not yet".into())
            .traffic_light(&[(None, "green"), (Some(900.0), "orange"), (Some(1_800.0), "red")])
            .query(format!("time() - max({})", of("tagwatch_last_full_evaluation_timestamp_seconds")), "age"),
        stat("Panics", "Evaluations that ended in a panic, since the start; each is a bug.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .query(format!("sum({})", of("tagwatch_reconcile_panics_total")), "panics"),
        stat("Waiting longest", "How long the workload at the head of the queue has waited.")
            .unit("s")
            .traffic_light(&[(None, "green"), (Some(10.0), "orange"), (Some(60.0), "red")])
            .query(format!("max({})", of("tagwatch_queue_oldest_age_seconds")), "oldest"),
    ]
}

fn work() -> Vec<Panel> {
    let quantile = |quantile: &str| {
        format!(
            "histogram_quantile({quantile}, {})",
            rate("tagwatch_reconcile_duration_seconds_bucket", "le")
        )
    };
    vec![
        lines("Evaluations", "Evaluations of a workload a second, by result.")
            .unit("ops")
            .query(rate("tagwatch_reconciles_total", "result"), "{{result}}"),
        lines("Time of an evaluation", "Judging a workload and writing its report.")
            .unit("s")
            .query(quantile("0.5"), "median")
            .query(quantile("0.99"), "99th percentile"),
        lines("Queue", "Workloads that wait to be evaluated.")
            .unit("short")
            .query(format!("sum({})", of("tagwatch_queue_depth")), "waiting"),
        lines("Report writes", "Writes of reports a second; nothing is written where nothing changed.")
            .unit("wps")
            .query(rate("tagwatch_report_writes_total", "verb, outcome"), "{{verb}}: {{outcome}}"),
    ]
}

fn api_server() -> Vec<Panel> {
    vec![
        lines("Requests", "Requests to the API server a second, by verb and answer.")
            .unit("reqps")
            .query(rate("tagwatch_kube_requests_total", "verb, code"), "{{verb}}: {{code}}"),
        lines("Watches begun", "Watches begun anew in an hour; each lists everything of its resource.")
            .unit("short")
            .query(
                format!("sum by (resource) (increase({}[1h]))", of("tagwatch_watch_starts_total")),
                "{{resource}}",
            ),
        lines("Watch failures", "Failures of watches a second, by reason; none is the normal state.")
            .size(24, 8)
            .unit("ops")
            .query(rate("tagwatch_watch_errors_total", "resource, reason"), "{{resource}}: {{reason}}"),
    ]
}

fn metrics() -> Vec<Panel> {
    let scrape = |metric: &str| format!("{metric} and on (job, instance) {}", of("tagwatch_build_info"));
    vec![
        lines("Series of workloads", "Series used, their cap, and what is counted under _other instead.")
            .unit("short")
            .query(format!("max by (cluster) ({})", of("tagwatch_metrics_series")), "used {{cluster}}")
            .query(format!("max by (cluster) ({})", of("tagwatch_metrics_series_cap")), "cap {{cluster}}")
            .query(
                format!("max by (cluster) ({})", of("tagwatch_metrics_series_over_cap")),
                "over the cap {{cluster}}",
            ),
        lines("Time of a scrape", "As Prometheus measures it.")
            .unit("s")
            .query(scrape("scrape_duration_seconds"), "{{instance}}"),
    ]
}
