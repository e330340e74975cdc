//! *Issues*: what is wrong in the cluster, where, and since when.

use super::workload::UID as WORKLOAD;
use crate::dashboard::{
    Column, Dashboard, Link, Panel, Row, Variable, bars, console, dashboard as link, donut, lines,
    severity_colors, stat, status_colors, table,
};
use crate::promql::{CLUSTERS, FINDING, FINDINGS, NAMESPACES, findings, once, or_zero, start};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tagwatch-issues",
        title: "tagwatch / Issues",
        description: "Violations of image tags and pull policies: how many, of which rules, where, since when.",
        variables: vec![
            Variable::Datasource,
            Variable::Cluster,
            Variable::Namespace,
            Variable::Severity,
            Variable::Rule,
            Variable::Console,
        ],
        rows: vec![
            Row { title: "At a glance", panels: totals() },
            Row { title: "Violations", panels: donuts() },
            Row { title: "Where", panels: places() },
            Row { title: "Entities in violation", panels: vec![entities()] },
        ],
    }
}

/// What is chosen, with this result, in the console. A variable that is not narrowed says `.*` there, which the console
/// takes for any.
fn issues_of(title: &'static str, result: &str) -> Link {
    let chosen = "namespace=${namespace:csv}&severity=${severity:csv}&rule=${rule:csv}";
    console(title, &format!("/issues?result={result}&{chosen}"))
}

fn totals() -> Vec<Panel> {
    let workloads = |status: &str| {
        format!("sum({})", once(&format!("tagwatch_workloads{{{NAMESPACES}, status=~\"{status}\"}}")))
    };
    let count = |result| or_zero(&format!("sum({})", findings(result)));
    let bad = or_zero(&workloads("violating|error"));
    vec![
        stat("Score", "Workloads without a fail or an error, of all that were judged.")
            .unit("percentunit")
            .with("noValue", "n/a".into())
            .traffic_light(&[(None, "red"), (Some(0.8), "orange"), (Some(0.95), "green")])
            .query(format!("1 - ({bad}) / {}", workloads(".*")), "score"),
        stat("Violations", "Findings that fail, one for each rule and container.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .links(&[issues_of("Issues in the console", "fail")])
            .query(count("fail"), "violations"),
        stat("Warnings", "Findings that advise; they are not scored.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "orange")])
            .links(&[issues_of("Warnings in the console", "warn")])
            .query(count("warn"), "warnings"),
        stat("Errors", "Images that could not be judged, since their references do not parse.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "purple")])
            .links(&[issues_of("Errors in the console", "error")])
            .query(count("error"), "errors"),
        stat("Workloads judged", "Workloads in the chosen namespaces.")
            .unit("short")
            .query(or_zero(&workloads(".*")), "workloads"),
        stat("Oldest violation", "How long the violation that is there longest has lasted.")
            .unit("s")
            .with("noValue", "none".into())
            .traffic_light(&[(None, "green"), (Some(86_400.0), "orange"), (Some(604_800.0), "red")])
            .query(format!("time() - min({})", start("fail")), "oldest"),
    ]
}

fn donuts() -> Vec<Panel> {
    let rules =
        format!("tagwatch_rule_info{{{CLUSTERS}, rule=~\"$rule\", severity=~\"$severity\", state=\"on\"}}");
    let violated = format!("count by (rule) ({} > 0)", findings("fail"));
    vec![
        donut(
            "All violations by severity",
            "Violations of the chosen namespaces and rules; a slice leads to the console.",
        )
        .unit("short")
        .overrides(severity_colors())
        .links(&[console(
            "Issues of this severity",
            "/issues?result=fail&severity=${__field.labels.severity}&namespace=${namespace:csv}&rule=${rule:csv}",
        )])
        .query(format!("sum by (severity) ({})", findings("fail")), "{{severity}}"),
        donut(
            "Rules in violation, of all rules",
            "Rules that are on: how many are violated, and how many are clean.",
        )
        .unit("short")
        .overrides(status_colors())
        .links(&[console("Rules in the console", "/rules")])
        .query(or_zero(&format!("count({violated})")), "in violation")
        .query(or_zero(&format!("count(max by (rule) ({rules}) unless on (rule) {violated})")), "clean"),
        donut("Violations by rule", "Violations of the chosen namespaces; a slice leads to its rule.")
            .unit("short")
            .links(&[console("This rule in the console", "/rules/${__field.labels.rule}")])
            .query(format!("sum by (rule) ({})", findings("fail")), "{{rule}}"),
    ]
}

fn places() -> Vec<Panel> {
    vec![
        bars("Violations by namespace", "The namespaces with most violations first.")
            .unit("short")
            .traffic_light(&[(None, "orange"), (Some(10.0), "red")])
            .links(&[
                link("Namespace and workload", WORKLOAD, "var-namespace=${__field.labels.namespace}"),
                console("This namespace in the console", "/namespaces/${__field.labels.namespace}"),
            ])
            .query(
                format!("sort_desc(topk(20, sum by (cluster, namespace) ({})))", findings("fail")),
                "{{namespace}} {{cluster}}",
            ),
        lines("Violations over time", "Violations of each severity.")
            .unit("short")
            .overrides(severity_colors())
            .query(format!("sum by (severity) ({})", findings("fail")), "{{severity}}"),
    ]
}

/// Longest first; each row leads to the workload, the namespace and the rule.
pub(super) fn entities() -> Panel {
    let columns = [
        Column::value("Value #A", "In violation for", "s"),
        Column::value("Value #B", "Containers", "short"),
        Column::label("severity", "Severity", vec![]),
        Column::label(
            "rule",
            "Rule",
            vec![console("This rule in the console", "/rules/${__data.fields.rule:percentencode}")],
        ),
        Column::label(
            "namespace",
            "Namespace",
            vec![
                link(
                    "Namespace and workload",
                    WORKLOAD,
                    "var-namespace=${__data.fields.namespace:percentencode}",
                ),
                console(
                    "This namespace in the console",
                    "/namespaces/${__data.fields.namespace:percentencode}",
                ),
            ],
        ),
        Column::label("kind", "Kind", vec![]),
        Column::label(
            "workload",
            "Workload",
            vec![console(
                "This workload in the console",
                "/workloads/${__data.fields.namespace:percentencode}/${__data.fields.kind:percentencode}/\
                 ${__data.fields.workload:percentencode}",
            )],
        ),
    ];
    let containers =
        format!("max by ({FINDING}) (tagwatch_workload_violations{{{FINDINGS}, result=\"fail\"}})");
    table(
        "Entities in violation, longest first",
        "One row for each workload and rule. Beyond the series cap, the rest stands under the workload _other.",
        &columns,
        "In violation for",
    )
    .unit("short")
    .query(format!("time() - {}", start("fail")), "")
    .query(containers, "")
}
