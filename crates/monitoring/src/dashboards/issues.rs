//! *Issues*: what is wrong in the cluster, where, and since when.

use super::workload::UID as WORKLOAD;
use crate::dashboard::{
    Column, Dashboard, Link, Panel, Row, Variable, bars, console, dashboard as link, donut, lines,
    severity_colors, stat, status_colors, steps, table,
};
use crate::promql::{
    CLUSTERS, EVALUATED, FINDING, FINDINGS, NAMESPACES, once, or_zero, start, violations, warnings,
};

/// Other dashboards link here by it.
pub(super) const UID: &str = "tagwatch-issues";

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: UID,
        title: "tagwatch / Issues",
        description: "Findings about image tags and pull policies: how many, of which rules, where, since when.",
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
            Row { title: "Trend", panels: trend() },
            Row { title: "Workloads in violation", panels: vec![workloads_in_violation("")] },
        ],
    }
}

/// What is chosen, with this result, in the console. A variable that is not narrowed says `.*` there, which the console
/// takes for any.
fn issues_of(title: &'static str, result: &str) -> Link {
    let chosen = "namespace=${namespace:csv}&severity=${severity:csv}&rule=${rule:csv}";
    console(title, &format!("/issues?result={result}&{chosen}"))
}

/// The workloads of a status (a regular expression) in the chosen namespaces.
fn workloads(status: &str) -> String {
    format!("sum({})", once(&format!("tagwatch_workloads{{{NAMESPACES}, status=~\"{status}\"}}")))
}

/// Workloads without a violation, of all.
fn score() -> String {
    format!("1 - ({}) / {}", or_zero(&workloads("violating|error")), workloads(".*"))
}

fn totals() -> Vec<Panel> {
    let count = |findings: &str| or_zero(&format!("sum({findings})"));
    let errors = once(&format!("tagwatch_violations{{{FINDINGS}, result=\"error\"}}"));
    vec![
        stat("Score", "Workloads without a violation, of all that were checked.")
            .unit("percentunit")
            .with("noValue", "n/a".into())
            .traffic_light(&[(None, "red"), (Some(0.8), "orange"), (Some(0.95), "green")])
            .query(score(), "score"),
        stat("Violations", "Findings that fail, and errors: one for each rule and container.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "red")])
            .links(&[issues_of("Violations in the console", "fail,error")])
            .query(count(&violations()), "violations"),
        stat("Warnings", "Findings that advise; they do not lower the score.")
            .unit("short")
            .traffic_light(&[(None, "green"), (Some(1.0), "orange")])
            .links(&[issues_of("Warnings in the console", "warn")])
            .query(count(&warnings()), "warnings"),
        stat(
            "Errors",
            "Violations of which nothing could be checked, since the image reference does not parse.",
        )
        .unit("short")
        .traffic_light(&[(None, "green"), (Some(1.0), "purple")])
        .links(&[issues_of("Errors in the console", "error")])
        .query(count(&errors), "errors"),
        stat("Workloads checked", "Workloads in the chosen namespaces.")
            .unit("short")
            .query(or_zero(&workloads(".*")), "workloads"),
        stat("Oldest violation", "How long the violation that is there longest has lasted.")
            .unit("s")
            .with("noValue", "none".into())
            .traffic_light(&[(None, "green"), (Some(86_400.0), "orange"), (Some(604_800.0), "red")])
            .query(format!("time() - min({})", start("")), "oldest"),
    ]
}

fn donuts() -> Vec<Panel> {
    // Not narrowed by severity: a finding may have another one than its rule. None is clean before it is checked.
    let rules = format!(
        "max by (rule) (tagwatch_rule_info{{{CLUSTERS}, rule=~\"$rule\", state=\"on\"}} and on (cluster) {EVALUATED})"
    );
    let violated = format!("count by (rule) ({} > 0)", violations());
    let warned = format!("count by (rule) ({} > 0)", warnings());
    vec![
        donut(
            "All violations by severity",
            "Violations of the chosen namespaces and rules.",
        )
        .unit("short")
        .overrides(severity_colors())
        .links(&[console(
            "Violations of this severity",
            "/issues?result=fail,error&severity=${__field.labels.severity}&namespace=${namespace:csv}&rule=${rule:csv}",
        )])
        .query(format!("sum by (severity) ({})", violations()), "{{severity}}"),
        donut(
            "Rules in violation, of all rules",
            "Rules that are on: how many are violated, how many only warn, and how many are clean.",
        )
        .unit("short")
        .overrides(status_colors())
        .links(&[console("Rules in the console", "/rules")])
        .query(or_zero(&format!("count({violated})")), "in violation")
        .query(or_zero(&format!("count({warned} unless on (rule) {violated})")), "warnings only")
        .query(
            or_zero(&format!("count({rules} unless on (rule) ({violated} or {warned}))")),
            "clean",
        ),
        donut("Violations by rule", "Violations of the chosen namespaces.")
            .unit("short")
            .links(&[console("This rule in the console", "/rules/${__field.labels.rule}")])
            .query(format!("sum by (rule) ({})", violations()), "{{rule}}"),
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
                format!("sort_desc(topk(20, sum by (cluster, namespace) ({})))", violations()),
                "{{namespace}} {{cluster}}",
            ),
        bars(
            "Moving images by namespace",
            "Containers whose tag is known to move and is not exempt; the namespaces with most of them first.",
        )
        .unit("short")
        .traffic_light(&[(None, "orange"), (Some(10.0), "red")])
        .links(&[
            link("Namespace and workload", WORKLOAD, "var-namespace=${__field.labels.namespace}"),
            console("This namespace in the console", "/namespaces/${__field.labels.namespace}"),
        ])
        .query(
            format!(
                "sort_desc(topk(20, sum by (cluster, namespace) ({})))",
                once(&format!("tagwatch_moving_images{{{NAMESPACES}}}"))
            ),
            "{{namespace}} {{cluster}}",
        ),
    ]
}

fn trend() -> Vec<Panel> {
    let evaluated = |offset: &str| format!("max by (cluster) ({EVALUATED}{{{CLUSTERS}}}{offset})");
    let found =
        |offset: &str| format!("max by ({FINDING}) (tagwatch_workload_violations{{{FINDINGS}}}{offset})");
    // Compared are the beginning and the end of a step, where tagwatch had evaluated the cluster at both.
    let step = " offset $__interval";
    let at_both = format!("and on (cluster) {} and on (cluster) {}", evaluated(step), evaluated(""));
    let [now, before] = ["", step].map(|offset| format!("({} {at_both})", found(offset)));
    let more = |these: &str, than: &str| {
        or_zero(&format!("count({these}) - ({})", or_zero(&format!("count({these} and {than})"))))
    };
    vec![
        lines("Score over time", "Workloads without a violation, of all that were checked.")
            .unit("percentunit")
            .with("max", 1.into())
            .query(score(), "score"),
        lines("Violations over time", "Violations of each severity.")
            .unit("short")
            .overrides(severity_colors())
            .query(format!("sum by (severity) ({})", violations()), "{{severity}}"),
        steps(
            "Opened and resolved",
            "Violations that began and ended in each step, one for each workload, rule and severity. What moved across the cap \
             of series is counted too.",
            "1h",
        )
        .size(24, 8)
        .unit("short")
        .query(more(&now, &before), "opened")
        .query(more(&before, &now), "resolved"),
    ]
}

/// Longest first; each row leads to the workload, the namespace and the rule. `matchers` narrow them further.
pub(super) fn workloads_in_violation(matchers: &str) -> Panel {
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
    let containers = once(&format!("tagwatch_workload_violations{{{FINDINGS}{matchers}}}"));
    // Those that fail and those that could not be checked, as the alerts count them.
    let containers = format!("sum by ({FINDING}) ({containers})");
    table(
        "Workloads in violation, longest first",
        "One row for each workload and rule. Beyond the series cap, the rest stands under the workload _other.",
        &columns,
        "In violation for",
    )
    .unit("short")
    .query(format!("time() - {}", start(matchers)), "")
    .query(containers, "")
}
