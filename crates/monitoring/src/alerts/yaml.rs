//! The alerts as YAML: a rule file of Prometheus, and a PrometheusRule object of its operator.

use std::fmt::Write;

use super::{Alert, alerts};
use crate::{CONSOLE_URL, GRAFANA_URL, RUNBOOK_URL};

const WRITTEN_BY: &str = "# Written by `tagwatch generate rules`.\n";

/// A rule file of Prometheus.
pub fn rule_group_yaml() -> String {
    format!("{WRITTEN_BY}{}", groups(""))
}

/// A PrometheusRule object, without a namespace.
pub fn rule_object_yaml() -> String {
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: tagwatch\n  labels:\n    \
                app.kubernetes.io/name: tagwatch\n    app.kubernetes.io/instance: tagwatch\nspec:\n";
    format!("{WRITTEN_BY}{head}{}", groups("  "))
}

/// `groups:`, each line behind `indent`.
fn groups(indent: &str) -> String {
    let mut yaml = format!("{indent}groups:\n");
    let mut group = "";
    for alert in alerts() {
        if alert.group != group {
            group = alert.group;
            // Writing to a String cannot fail.
            let _ = write!(yaml, "{indent}  - name: {group}\n{indent}    rules:\n");
        }
        rule(&mut yaml, &alert, &format!("{indent}      "));
    }
    yaml
}

fn rule(yaml: &mut String, alert: &Alert, indent: &str) {
    let Alert { name, expression, hold, urgency, summary, description, dashboard, console, .. } = alert;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let lines = [
        format!("- alert: {name}"),
        format!("  expr: {}", quoted(expression)),
        format!("  for: {hold}"),
        "  labels:".to_owned(),
        format!("    severity: {}", urgency.as_str()),
        "  annotations:".to_owned(),
        format!("    summary: {}", quoted(summary)),
        format!("    description: {}", quoted(description)),
        format!("    runbook_url: {RUNBOOK_URL}/{name}.md"),
        format!("    dashboard_url: {}", quoted(&format!("{GRAFANA_URL}{dashboard}"))),
    ];
    let console = console.map(|page| format!("    console_url: {}", quoted(&format!("{CONSOLE_URL}{page}"))));
    for line in lines.into_iter().chain(console) {
        let _ = writeln!(yaml, "{indent}{line}");
    }
}
