//! *Controller health*: whether the other dashboards can be trusted.

use crate::dashboard::{Dashboard, Panel, Row, Variable, lines, stat};
use crate::promql::{CLUSTERS, EVALUATED, once, or_never, or_never_by, or_none, or_zero};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tagwatch-controller",
        title: "tagwatch / Controller health",
        description: "Whether tagwatch sees the cluster, keeps up with it, and can write its reports.",
        variables: vec![Variable::Datasource, Variable::Cluster],
        rows: vec![
            Row { title: "Now", panels: now() },
            Row { title: "Policy and exemptions", panels: policy() },
            Row { title: "Drift", panels: drift() },
            Row { title: "Registries", panels: registries() },
            Row { title: "Work", panels: work() },
            Row { title: "API server", panels: api_server() },
            Row { title: "Metrics and connections", panels: metrics() },
            Row { title: "Process", panels: process() },
        ],
    }
}

fn of(metric: &str) -> String {
    format!("{metric}{{{CLUSTERS}}}")
}

/// A gauge of the clusters, each once.
fn sum(metric: &str) -> String {
    format!("sum({})", once(&of(metric)))
}

/// Events a second, by labels.
fn rate(metric: &str, by: &str) -> String {
    format!("sum by ({by}) ({})", once(&format!("rate({}[$__rate_interval])", of(metric))))
}

/// Events of a kind that may never have happened, a second, by labels.
fn rate_or_never(metric: &str, by: &[&str]) -> String {
    or_never_by(by, &rate(metric, &by.join(", ")))
}

/// Each process once, however many scrape jobs find it.
fn processes() -> String {
    format!("max by (cluster, instance, version) ({})", of("tagwatch_build_info"))
}

/// A metric that other programs have too, of each process of tagwatch once, however many scrape jobs find it.
fn of_process(metric: &str) -> String {
    format!(
        "max by (cluster, instance) ({metric} and on (cluster, job, instance) {})",
        of("tagwatch_build_info")
    )
}

/// A lamp that is green at 1.
fn lamp(title: &'static str, description: &'static str, metric: &str) -> Panel {
    stat(title, description)
        .unit("bool_yes_no")
        .traffic_light(&[(None, "red"), (Some(1.0), "green")])
        .query(format!("min(max by (cluster) ({}))", of(metric)), "")
}

fn now() -> Vec<Panel> {
    vec![
        stat("Controllers", "Processes that are scraped.")
            .unit("short")
            .traffic_light(&[(None, "red"), (Some(1.0), "green")])
            .query(or_none(&format!("count({})", processes())), "controllers"),
        stat("Version", "The version that runs.")
            .unit("string")
            .option("textMode", "name")
            .query(format!("count by (version) ({})", processes()), "{{version}}"),
        lamp("Leader", "Whether one of the replicas writes, in every cluster.", "tagwatch_leader"),
        lamp(
            "Report API",
            "Whether the API server serves the reports' API, in every cluster.",
            "tagwatch_report_api_available",
        ),
        stat(
            "Last full evaluation",
            "How long ago every workload had been evaluated, in the cluster where that is longest; at most ten minutes.",
        )
        .unit("s")
        .with("noValue", "not yet".into())
        .traffic_light(&[(None, "green"), (Some(900.0), "orange"), (Some(1_800.0), "red")])
        .query(
            format!(
                "time() - min(max by (cluster) ({}))",
                of(EVALUATED)
            ),
            "age",
        ),
        stat("Panics", "Evaluations that ended in a panic, since the start; each is a bug.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .query(or_never(&sum("tagwatch_reconcile_panics_total")), "panics"),
        stat("Waiting longest", "How long the workload at the head of the queue has waited.")
            .unit("s")
            .traffic_light(&[(None, "green"), (Some(10.0), "orange"), (Some(60.0), "red")])
            .query(format!("max({})", of("tagwatch_queue_oldest_age_seconds")), "oldest"),
    ]
}

fn policy() -> Vec<Panel> {
    let exemptions = |by: &str| format!("sum by ({by}) ({})", once(&of("tagwatch_exemptions")));
    let ends = format!(
        "min by (cluster, source, index, namespace) ({}) - time()",
        of("tagwatch_exemption_expiry_timestamp_seconds")
    );
    vec![
        lamp(
            "Policy valid",
            "No while a TagPolicy is invalid; then the last valid one applies, or the recommended profile.",
            "tagwatch_policy_valid",
        ),
        stat("Policy in use", "The TagPolicy, its last valid spec, or the recommended profile.")
            .unit("string")
            .option("textMode", "name")
            .query(
                format!(
                    "count by (source) (max by (cluster, source) ({}) > 0)",
                    of("tagwatch_policy_source")
                ),
                "{{source}}",
            ),
        stat("Rules that are on", "Rules that are on in one of the clusters, overrides apart.")
            .unit("short")
            .query(format!("count(max by (rule) (tagwatch_rule_info{{{CLUSTERS}, state=\"on\"}}))"), "rules"),
        stat("Exemptions that end within 30 days", "Then what they exempt is reported again.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "orange")])
            .query(or_zero(&format!("count(({ends}) > 0 < 2592000)")), "exemptions"),
        lines("Exemptions", "Exemptions of the policy and of annotations, by state.")
            .unit("short")
            .query(exemptions("state"), "{{state}}"),
        lines("Policy status writes", "Writes of the status of the TagPolicy a second, by outcome.")
            .unit("wps")
            .query(rate_or_never("tagwatch_policy_status_writes_total", &["outcome"]), "{{outcome}}"),
    ]
}

fn drift() -> Vec<Panel> {
    vec![
        lamp(
            "Nodes watched",
            "Whether nodes are watched, so that a moved tag can be proven rather than likely.",
            "tagwatch_nodes_available",
        ),
        stat("Mixed workloads", "Workloads whose pods run different images of one reference.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .query(or_zero(&sum("tagwatch_mixed_workloads")), "workloads"),
        lines("Moved tags", "References that ran as more than one image in the last 30 days.")
            .size(16, 8)
            .unit("short")
            .query(format!("sum by (confidence) ({})", once(&of("tagwatch_moved_tags"))), "{{confidence}}"),
    ]
}

fn registries() -> Vec<Panel> {
    vec![
        lines(
            "Registry requests",
            "Requests to registries a second, by outcome; none unless they are enabled.",
        )
        .size(24, 8)
        .unit("reqps")
        .query(rate_or_never("tagwatch_registry_requests_total", &["outcome"]), "{{outcome}}"),
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
        lines("Time of an evaluation", "Checking a workload and writing its report.")
            .unit("s")
            .query(quantile("0.5"), "median")
            .query(quantile("0.99"), "99th percentile"),
        lines("Queue", "Workloads that wait to be evaluated.")
            .unit("short")
            .query(sum("tagwatch_queue_depth"), "waiting"),
        lines("Report writes", "Writes of reports a second; nothing is written where nothing changed.")
            .unit("wps")
            .query(rate("tagwatch_report_writes_total", "verb, outcome"), "{{verb}}: {{outcome}}"),
        lines(
            "Events",
            "Kubernetes Events about workloads a second, by outcome; none unless they are enabled.",
        )
        .unit("ops")
        .query(rate_or_never("tagwatch_events_total", &["outcome"]), "{{outcome}}"),
        lines(
            "Reports of others",
            "Reports with the label of tagwatch that are not of this instance, by owner.",
        )
        .unit("short")
        .query(
            or_never_by(&["owner"], &format!("sum by (owner) ({})", once(&of("tagwatch_stray_reports")))),
            "{{owner}}",
        ),
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
                format!(
                    "sum by (resource) ({})",
                    once(&format!("increase({}[1h])", of("tagwatch_watch_starts_total")))
                ),
                "{{resource}}",
            ),
        lines("Watch failures", "Failures of watches a second, by reason; none is the normal state.")
            .unit("ops")
            .query(rate("tagwatch_watch_errors_total", "resource, reason"), "{{resource}}: {{reason}}"),
        lines("Watches", "1 while the watch of a resource follows the cluster, in the cluster where it does not.")
            .unit("short")
            .query(
                format!("min by (resource) (min by (cluster, resource) ({}))", of("tagwatch_watch_up")),
                "{{resource}}",
            )
            .query(
                format!("min by (namespace) (min by (cluster, namespace) ({}))", of("tagwatch_namespace_up")),
                "{{namespace}}",
            ),
        lines(
            "Last events",
            "How long ago the watch of a resource showed something, at most. Nothing happens to some for hours.",
        )
        .unit("s")
        .query(
            format!(
                "max by (resource) (max by (cluster, resource) ({}))",
                of("tagwatch_watch_last_event_age_seconds")
            ),
            "{{resource}}",
        ),
        lines("Custom kinds", "Custom kinds that the API server serves: watched, or forbidden.")
            .unit("short")
            .query(
                or_never_by(&["state"], &format!("sum by (state) ({})", once(&of("tagwatch_custom_kinds")))),
                "{{state}}",
            ),
    ]
}

fn metrics() -> Vec<Panel> {
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
            .query(of_process("scrape_duration_seconds"), "{{instance}} {{cluster}}"),
        lines("Connections", "Open connections to the endpoints of tagwatch.")
            .unit("short")
            .query(format!("sum by (server) ({})", once(&of("tagwatch_server_connections"))), "{{server}}"),
        lines("Connections closed", "Connections a second that tagwatch closed, by endpoint and reason.")
            .unit("ops")
            .query(
                rate_or_never("tagwatch_server_connections_closed_total", &["server", "reason"]),
                "{{server}}: {{reason}}",
            ),
    ]
}

fn process() -> Vec<Panel> {
    let series = "{{instance}} {{cluster}}";
    vec![
        lines("Memory", "Resident memory of each process.")
            .unit("bytes")
            .query(of_process("process_resident_memory_bytes"), series),
        lines("CPU", "Processor cores that each process uses.")
            .unit("short")
            .query(of_process("rate(process_cpu_seconds_total[$__rate_interval])"), series),
        lines("Open files", "Open file descriptors of each process, of which connections are most.")
            .unit("short")
            .query(of_process("process_open_fds"), series),
        lines("Time since the start", "How long each process has run; it falls to zero at a restart.")
            .unit("s")
            .query(format!("time() - ({})", of_process("process_start_time_seconds")), series),
    ]
}
