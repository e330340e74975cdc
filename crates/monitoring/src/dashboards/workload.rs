//! *Namespace and workload*: the time in violation, and what runs there.

use super::issues::entities;
use crate::dashboard::{
    Dashboard, Panel, Row, Variable, bars, console, donut, lines, severity_colors, stat, state_timeline,
    status_colors,
};
use crate::promql::{FINDINGS, NAMESPACES, once, or_zero};

/// Other dashboards link here by it.
pub(super) const UID: &str = "tagwatch-workload";

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: UID,
        title: "tagwatch / Namespace and workload",
        description: "Which workloads of a namespace were in violation when, and the images that they run.",
        variables: vec![
            Variable::Datasource,
            Variable::Cluster,
            Variable::Namespace,
            Variable::Workload,
            Variable::Severity,
            Variable::Rule,
            Variable::Console,
        ],
        rows: vec![
            Row { title: "Now", panels: totals() },
            Row { title: "Time in violation", panels: time() },
            Row { title: "Images", panels: images() },
            Row { title: "Entities in violation", panels: vec![entities()] },
        ],
    }
}

/// A metric of the chosen workloads.
fn of_workloads(metric: &str, result: &str) -> String {
    format!("{metric}{{{FINDINGS}, workload=~\"$workload\", result=\"{result}\"}}")
}

fn totals() -> Vec<Panel> {
    let violations = |result: &str| of_workloads("tagwatch_workload_violations", result);
    let start = of_workloads("tagwatch_workload_violation_start_time_seconds", "fail");
    let each =
        |result: &str| format!("count by (cluster, namespace, kind, workload) ({} > 0)", violations(result));
    vec![
        stat("Workloads in violation", "Chosen workloads with at least one violation.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .query(or_zero(&format!("count({})", each("fail"))), "workloads"),
        stat("Workloads with warnings", "Chosen workloads with at least one warning.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "orange")])
            .query(or_zero(&format!("count({})", each("warn"))), "workloads"),
        stat("Longest in violation", "How long the oldest violation of the chosen workloads has lasted.")
            .unit("s")
            .with("noValue", "none".into())
            .traffic_light(&[(None, "green"), (Some(86_400.0), "orange"), (Some(604_800.0), "red")])
            .query(format!("time() - min({start})"), "longest"),
        donut("Workloads by status", "All judged workloads of the chosen namespaces.")
            .size(12, 8)
            .unit("short")
            .overrides(status_colors())
            .links(&[console("Issues in the console", "/issues?namespace=${namespace:csv}")])
            .query(
                format!("sum by (status) ({})", once(&format!("tagwatch_workloads{{{NAMESPACES}}}"))),
                "{{status}}",
            ),
    ]
}

/// What the state timeline calls each result.
const STATES: [(u32, &str, &str); 3] =
    [(1, "warning", "orange"), (2, "in violation", "red"), (3, "error", "purple")];

fn time() -> Vec<Panel> {
    let by = "cluster, namespace, kind, workload, rule";
    let state = |factor: u32, result| {
        let violations = of_workloads("tagwatch_workload_violations", result);
        format!("{factor} * ({violations} > bool 0)")
    };
    let states =
        format!("max by ({by}) ({} or {} or {})", state(3, "error"), state(2, "fail"), state(1, "warn"));
    let start = of_workloads("tagwatch_workload_violation_start_time_seconds", "fail");
    vec![
        state_timeline(
            "Findings over time",
            "When which rule fired for which workload; a gap is compliance.",
            &STATES,
        )
        .unit("none")
        .links(&[console(
            "This workload in the console",
            "/workloads/${__field.labels.namespace}/${__field.labels.kind}/${__field.labels.workload}",
        )])
        .query(states, "{{namespace}} / {{kind}} {{workload}} / {{rule}}"),
        lines("Age of violations", "How long the oldest violation of each severity has lasted.")
            .size(24, 8)
            .unit("s")
            .overrides(severity_colors())
            .query(format!("time() - min by (severity) ({start})"), "{{severity}}"),
    ]
}

fn images() -> Vec<Panel> {
    let images = once(&format!("tagwatch_images{{{NAMESPACES}}}"));
    vec![
        donut("Images by class", "Judged containers by the class of their image's tag.")
            .unit("short")
            .links(&[console("Issues in the console", "/issues?namespace=${namespace:csv}")])
            .query(format!("sum by (tag_class) ({images})"), "{{tag_class}}"),
        donut("Images by pull policy", "Judged containers by the pull policy that applies.")
            .unit("short")
            .links(&[console("Issues in the console", "/issues?namespace=${namespace:csv}")])
            .query(format!("sum by (pull_policy) ({images})"), "{{pull_policy}}"),
        bars(
            "Mutable images that are not pulled again",
            "Containers with a moving tag whose nodes keep what they have.",
        )
        .size(8, 9)
        .unit("short")
        .traffic_light(&[(None, "orange"), (Some(10.0), "red")])
        .links(&[console("This namespace in the console", "/namespaces/${__field.labels.namespace}")])
        .query(
            format!(
                "sort_desc(topk(20, sum by (cluster, namespace) ({})))",
                once(&format!(
                    "tagwatch_images{{{NAMESPACES}, pull_policy!=\"Always\", \
                         tag_class=~\"latest|implicit-latest|floating|proven-mutable\"}}"
                ))
            ),
            "{{namespace}} {{cluster}}",
        ),
        lines("Images by class over time", "Whether the moving ones become fewer.")
            .size(24, 8)
            .unit("short")
            .query(format!("sum by (tag_class) ({images})"), "{{tag_class}}"),
    ]
}
