//! The variables at the top of a dashboard.

use serde_json::{Value, json};
use tagwatch_core::outcome::Severity;

use super::datasource;
use crate::CONSOLE_URL;

/// A variable of a Grafana dashboard, which the reader of the dashboard chooses.
pub(crate) enum Variable {
    /// Which Prometheus is asked.
    Datasource,
    /// Which clusters; all where the series have no such label.
    Cluster,
    /// Which namespaces of the workloads.
    Namespace,
    /// Which workloads, by kind and name.
    Workload,
    /// Which severities of findings.
    Severity,
    /// Which rules, by id.
    Rule,
    /// The address of the console, for links.
    Console,
}

impl Variable {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Datasource => json!({
                "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
                "description": "The Prometheus that scrapes tagwatch.", "hide": 0,
                "current": { "selected": false, "text": "default", "value": "default" }, "refresh": 1,
                "includeAll": false, "multi": false, "options": [], "regex": "",
            }),
            Self::Cluster => query(
                "cluster",
                "Cluster",
                "An external or target label of Prometheus; leave at All without one.",
                "label_values(tagwatch_build_info, cluster)",
            ),
            Self::Namespace => query(
                "namespace",
                "Namespace",
                "Namespace of the checked workloads.",
                "label_values(tagwatch_workloads{cluster=~\"$cluster\"}, namespace)",
            ),
            Self::Workload => query(
                "workload",
                "Workload",
                "Workloads with findings in the chosen namespaces.",
                "label_values({__name__=~\"tagwatch_workload_(violations|warnings)\", cluster=~\"$cluster\", \
                 namespace=~\"$namespace\"}, workload)",
            ),
            Self::Severity => severity(),
            Self::Rule => query(
                "rule",
                "Rule",
                "Rules that are on.",
                "label_values(tagwatch_rule_info{cluster=~\"$cluster\", state=\"on\"}, rule)",
            ),
            Self::Console => json!({
                "type": "textbox", "name": "console", "label": "Console", "query": CONSOLE_URL, "hide": 0,
                "description": "Where tagwatch's console is, as this browser reaches it: links lead there.",
                "current": { "selected": true, "text": CONSOLE_URL, "value": CONSOLE_URL },
                "options": [{ "selected": true, "text": CONSOLE_URL, "value": CONSOLE_URL }],
            }),
        }
    }
}

fn all() -> Value {
    json!({ "selected": true, "text": ["All"], "value": ["$__all"] })
}

/// All, some or one of the values that a label has.
fn query(name: &str, label: &str, description: &str, query: &str) -> Value {
    json!({
        "type": "query", "name": name, "label": label, "description": description, "datasource": datasource(),
        "query": { "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
        "definition": query, "current": all(), "includeAll": true, "multi": true,
        // A label that is missing counts as empty, and is chosen too.
        "allValue": ".*",
        "refresh": 2, "sort": 1, "hide": 0, "options": [], "regex": "",
    })
}

/// Every severity, those that are not found today included.
fn severity() -> Value {
    let names = Severity::ALL.map(Severity::as_str);
    let mut options = vec![json!({ "selected": true, "text": "All", "value": "$__all" })];
    options.extend(names.map(|name| json!({ "selected": false, "text": name, "value": name })));
    json!({
        "type": "custom", "name": "severity", "label": "Severity", "query": names.join(","),
        "description": "Severity of the findings.", "current": all(), "includeAll": true, "multi": true,
        "allValue": ".*", "hide": 0, "options": options,
    })
}
