//! A dashboard as a description: variables, and rows of panels that are laid out by their size.

mod color;
mod layout;
mod link;
mod panel;
mod table;
mod variable;

use serde_json::{Value, json};

pub(crate) use color::{severity_colors, status_colors};
pub(crate) use link::{Link, console, dashboard, without_console};
pub(crate) use panel::{Panel, bars, donut, lines, stat, state_timeline, steps};
pub(crate) use table::{Column, table};
pub(crate) use variable::Variable;

/// The version of Grafana's dashboard schema that this is written in: that of Grafana 9, which later ones migrate.
const SCHEMA_VERSION: u32 = 38;

/// The data source of every panel and query: the one that the variable names.
fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// The description of a Grafana dashboard, from which its JSON is built.
pub(crate) struct Dashboard {
    pub(crate) uid: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) variables: Vec<Variable>,
    pub(crate) rows: Vec<Row>,
}

/// Panels under a heading.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

impl Dashboard {
    /// The JSON that Grafana imports.
    pub(crate) fn json(self) -> Value {
        let variables: Vec<Value> = self.variables.iter().map(Variable::json).collect();
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["tagwatch"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "1m",
            "time": { "from": "now-24h", "to": "now" },
            "annotations": { "list": [] },
            "links": [link::to_all_dashboards()],
            "templating": { "list": variables },
            "panels": layout::place(self.rows),
        })
    }
}
