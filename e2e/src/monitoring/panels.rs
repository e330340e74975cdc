//! The panels of a dashboard, with their queries as Grafana asks them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Values of the dashboards' variables.
const VARIABLES: [&str; 5] = ["cluster", "namespace", "workload", "severity", "rule"];

/// A panel that shows data.
#[derive(Debug)]
pub struct Panel {
    /// The heading in Grafana.
    pub title: String,
    /// The text behind the info icon.
    pub description: String,
    /// Grafana's name of the unit of its values.
    pub unit: String,
    /// In the order of their letters, `A` first.
    pub queries: Vec<Query>,
}

/// A query of a panel.
#[derive(Debug)]
pub struct Query {
    /// The query, with every variable set to All.
    pub expression: String,
    /// How Grafana names a series of its result; Grafana replaces `{{label}}` by the label's value.
    pub legend: String,
    /// Whether the query is for the time range instead of now.
    pub range: bool,
}

/// The panels of a dashboard in the JSON that Grafana imports.
///
/// # Errors
/// A query has no expression, or uses a variable that is not known here.
pub fn panels(dashboard: &Value) -> Result<Vec<Panel>> {
    let all = dashboard["panels"].as_array().context("a dashboard without panels")?;
    all.iter().filter(|panel| panel["type"] != "row").map(panel).collect()
}

fn panel(panel: &Value) -> Result<Panel> {
    let text = |pointer| panel.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let targets = panel["targets"].as_array().into_iter().flatten();
    let title = text("/title");
    Ok(Panel {
        queries: targets.map(query).collect::<Result<_>>().with_context(|| title.clone())?,
        title,
        description: text("/description"),
        unit: text("/fieldConfig/defaults/unit"),
    })
}

fn query(target: &Value) -> Result<Query> {
    Ok(Query {
        expression: filled(target["expr"].as_str().context("a target without a query")?)?,
        legend: target["legendFormat"].as_str().unwrap_or_default().to_owned(),
        range: target["range"] == true,
    })
}

/// An expression with every variable set to All.
///
/// # Errors
/// It uses a variable that is not known here.
pub fn filled(expression: &str) -> Result<String> {
    let mut filled = expression.replace("$__rate_interval", "10s").replace("$__interval", "10s");
    filled = filled.replace("$__range", "1m");
    for variable in VARIABLES {
        filled = filled.replace(&format!("${variable}"), ".*");
    }
    ensure!(!filled.contains('$'), "an unknown variable: {expression}");
    Ok(filled)
}

impl Query {
    /// The expression without the matchers that match everything: the same result, shorter to read.
    pub fn short(&self) -> String {
        VARIABLES.iter().fold(self.expression.clone(), |text, variable| {
            let idle = format!("{variable}=~\".*\"");
            text.replace(&format!("{idle}, "), "").replace(&idle, "")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_that_let_everything_through_go() {
        let expression =
            filled(r#"sum(a{cluster=~"$cluster", rule=~"$rule", b="c"} / d{rule=~"$rule"})"#).unwrap();
        assert_eq!(expression, r#"sum(a{cluster=~".*", rule=~".*", b="c"} / d{rule=~".*"})"#);
        let query = Query { expression, legend: String::new(), range: false };
        assert_eq!(query.short(), r#"sum(a{b="c"} / d{})"#);
        filled("a{b=~\"$unknown\"}").unwrap_err();
    }
}
