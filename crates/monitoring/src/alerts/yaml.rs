//! The rules as YAML: a rule file of Prometheus, a PrometheusRule object of its operator, and the file of the chart.

use std::fmt::Write;

use super::parameter::with_defaults;
use super::{Alert, Recording, alerts, recordings};

const WRITTEN_BY: &str = "# Written by `tagwatch generate rules`.\n";
const RECORDINGS: &str = "tagwatch.rules";
/// Behind every summary, where series name their cluster.
const IN_CLUSTER: &str = "{{ with $labels.cluster }} in cluster {{ . }}{{ end }}";

/// A rule file of Prometheus.
pub fn rule_group_yaml() -> String {
    format!("{WRITTEN_BY}{}", groups("", false))
}

/// A PrometheusRule object, without a namespace.
pub fn rule_object_yaml() -> String {
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: tagwatch\n  labels:\n    \
                app.kubernetes.io/name: tagwatch\n    app.kubernetes.io/instance: tagwatch\nspec:\n";
    format!("{WRITTEN_BY}{head}{}", groups("  ", false))
}

/// The rules as the chart reads them: with the parameters in their brackets, and with links to Grafana and to the
/// console, whose addresses only the chart knows.
pub fn chart_rules_yaml() -> String {
    format!("{WRITTEN_BY}{}", groups("", true))
}

/// `groups:`, each line behind `indent`.
fn groups(indent: &str, of_chart: bool) -> String {
    let mut yaml = format!("{indent}groups:\n");
    let mut group = "";
    let mut head = |yaml: &mut String, name: &'static str| {
        if name != group {
            group = name;
            // Writing to a String cannot fail.
            let _ = write!(yaml, "{indent}  - name: {name}\n{indent}    rules:\n");
        }
    };
    let indent_of_rules = format!("{indent}      ");
    for Recording { name, expression } in recordings() {
        head(&mut yaml, RECORDINGS);
        let lines = [format!("- record: {name}"), format!("  expr: {}", quoted(&expression))];
        write_lines(&mut yaml, &indent_of_rules, lines);
    }
    for alert in alerts() {
        head(&mut yaml, alert.group);
        write_lines(&mut yaml, &indent_of_rules, lines_of(&alert, of_chart));
    }
    if of_chart { yaml } else { with_defaults(&yaml) }
}

fn write_lines(yaml: &mut String, indent: &str, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let _ = writeln!(yaml, "{indent}{line}");
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn lines_of(alert: &Alert, of_chart: bool) -> Vec<String> {
    let Alert {
        name,
        group: _,
        expression,
        hold,
        urgency,
        about_tagwatch,
        summary,
        description,
        dashboard,
        console,
    } = alert;
    let mut lines = vec![
        format!("- alert: {name}"),
        format!("  expr: {}", quoted(expression)),
        format!("  for: {hold}"),
        "  labels:".to_owned(),
        format!("    severity: {}", urgency.as_str()),
    ];
    if *about_tagwatch {
        lines.push("    namespace: <<namespace>>".to_owned());
    }
    lines.extend([
        "  annotations:".to_owned(),
        format!("    summary: {}", quoted(&format!("{summary}{IN_CLUSTER}"))),
        format!("    description: {}", quoted(description)),
        format!("    runbook_url: <<runbookUrl>>/{name}.md"),
    ]);
    if of_chart {
        lines.push(format!("    dashboard_url: {}", quoted(&format!("<<grafanaUrl>>{dashboard}"))));
        lines.extend(
            console.map(|page| format!("    console_url: {}", quoted(&format!("<<consoleUrl>>{page}")))),
        );
    }
    lines
}
