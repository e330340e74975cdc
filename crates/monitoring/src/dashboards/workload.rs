//! *Namespace and workload*: the time in violation, and what runs there.

use super::issues::workloads_in_violation;
use crate::dashboard::{
    Dashboard, Panel, Row, Variable, bars, console, dashboard as link, donut, lines, severity_colors, stat,
    state_timeline, status_colors,
};
use crate::promql::{CLUSTERS, EVALUATED, FINDINGS, NAMESPACES, once, or_zero, start};

/// The dashboard that is not narrowed to workloads.
const ISSUES: &str = super::issues::UID;
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
            Row { title: "Workloads in violation", panels: vec![workloads_in_violation(CHOSEN)] },
        ],
    }
}

/// The workloads that are chosen, behind the matchers of all findings.
const CHOSEN: &str = ", workload=~\"$workload\"";

/// A metric of the chosen workloads; `matchers` follow.
fn of_workloads(metric: &str, matchers: &str) -> String {
    format!("{metric}{{{FINDINGS}{CHOSEN}{matchers}}}")
}

fn totals() -> Vec<Panel> {
    let each = |metric: &str| {
        format!("max by (cluster, namespace, kind, workload) ({}) > 0", of_workloads(metric, ""))
    };
    vec![
        stat("Workloads in violation", "Chosen workloads with at least one violation.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .query(or_zero(&format!("count({})", each("tagwatch_workload_violations"))), "workloads"),
        stat("Workloads with warnings", "Chosen workloads with at least one warning.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "orange")])
            .query(or_zero(&format!("count({})", each("tagwatch_workload_warnings"))), "workloads"),
        stat("Longest in violation", "How long the oldest violation of the chosen workloads has lasted.")
            .unit("s")
            .with("noValue", "none".into())
            .traffic_light(&[(None, "green"), (Some(86_400.0), "orange"), (Some(604_800.0), "red")])
            .query(format!("time() - min({})", start(CHOSEN)), "longest"),
        donut("Workloads by status", "All checked workloads of the chosen namespaces.")
            .size(12, 8)
            .unit("short")
            .overrides(status_colors())
            .links(&[
                link("Issues", ISSUES, "${namespace:queryparam}"),
                console("Issues in the console", "/issues?namespace=${namespace:csv}"),
            ])
            .query(
                format!("sum by (status) ({})", once(&format!("tagwatch_workloads{{{NAMESPACES}}}"))),
                "{{status}}",
            ),
    ]
}

/// What the state timeline calls each result.
const STATES: [(u32, &str, &str); 4] = [
    (0, "no finding", "green"),
    (1, "warning", "orange"),
    (2, "in violation", "red"),
    (3, "error", "purple"),
];

/// The state of each finding. It is known to be gone where a tagwatch that has evaluated the cluster is scraped, and names
/// every finding.
fn states() -> String {
    let by = "cluster, namespace, kind, workload, rule";
    let (violations, warnings) = ("tagwatch_workload_violations", "tagwatch_workload_warnings");
    let state = |factor: u32, metric: &str, matchers: &str| {
        format!("{factor} * ({} > bool 0)", of_workloads(metric, matchers))
    };
    let found = [
        state(3, violations, ", result=\"error\""),
        state(2, violations, ", result=\"fail\""),
        state(1, warnings, ""),
    ]
    .join(" or ");
    let before = [violations, warnings]
        .map(|metric| format!("last_over_time({}[$__range])", of_workloads(metric, "")))
        .join(" or ");
    let known = format!(
        "max by (cluster) (tagwatch_metrics_series_over_cap{{{CLUSTERS}}}) == 0 and on (cluster) {EVALUATED}"
    );
    format!("max by ({by}) ({found}) or 0 * max by ({by}) ({before}) and on (cluster) {known}")
}

fn time() -> Vec<Panel> {
    let (start, warned) = (start(CHOSEN), of_workloads("tagwatch_workload_warning_start_time_seconds", ""));
    vec![
        state_timeline(
            "Findings over time",
            "Which rule found something in which workload, and when. A gap says that nothing is known: tagwatch was \
             not scraped or had not evaluated the cluster yet, or there were more findings than the cap of series.",
            &STATES,
        )
        .unit("none")
        .links(&[
            link("Issues", ISSUES, "var-namespace=${__field.labels.namespace}"),
            console(
                "This workload in the console",
                "/workloads/${__field.labels.namespace}/${__field.labels.kind}/${__field.labels.workload}",
            ),
        ])
        .query(states(), "{{namespace}} / {{kind}} {{workload}} / {{rule}}"),
        lines("Age of violations", "How long the oldest violation of each severity has lasted.")
            .unit("s")
            .overrides(severity_colors())
            .query(format!("time() - min by (severity) ({start})"), "{{severity}}"),
        lines("Age of warnings", "How long the oldest warning of each severity has lasted.")
            .unit("s")
            .overrides(severity_colors())
            .query(format!("time() - min by (severity) ({warned})"), "{{severity}}"),
    ]
}

fn images() -> Vec<Panel> {
    let images = once(&format!("tagwatch_images{{{NAMESPACES}}}"));
    vec![
        donut("Images by class", "Checked containers by the class of their image's tag.")
            .unit("short")
            .links(&[
                link("Issues", ISSUES, "${namespace:queryparam}"),
                console("Issues in the console", "/issues?namespace=${namespace:csv}"),
            ])
            .query(format!("sum by (tag_class) ({images})"), "{{tag_class}}"),
        donut("Images by pull policy", "Checked containers by the pull policy that applies.")
            .unit("short")
            .links(&[
                link("Issues", ISSUES, "${namespace:queryparam}"),
                console("Issues in the console", "/issues?namespace=${namespace:csv}"),
            ])
            .query(format!("sum by (pull_policy) ({images})"), "{{pull_policy}}"),
        bars(
            "Mutable images that are not pulled again",
            "Containers with a moving tag whose nodes keep what they have.",
        )
        .size(8, 9)
        .unit("short")
        .traffic_light(&[(None, "orange"), (Some(10.0), "red")])
        .links(&[
            link("Issues", ISSUES, "var-namespace=${__field.labels.namespace}"),
            console("This namespace in the console", "/namespaces/${__field.labels.namespace}"),
        ])
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
            .unit("short")
            .query(format!("sum by (tag_class) ({images})"), "{{tag_class}}"),
        lines(
            "Moving images over time",
            "Containers whose tag is known to move and is not exempt, by the rule that reports them.",
        )
        .unit("short")
        .query(
            format!("sum by (rule) ({})", once(&format!("tagwatch_moving_images{{{NAMESPACES}}}"))),
            "{{rule}}",
        ),
    ]
}
