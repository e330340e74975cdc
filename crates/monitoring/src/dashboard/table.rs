//! Tables: one row for each set of labels, one column for each label and query.

use serde_json::{Map, Value, json};

use super::{
    Link,
    panel::{Panel, QueryMode},
};

/// A column: the label, or `Value #A` for the first query, and what is written above it.
pub(crate) struct Column {
    pub(crate) field: &'static str,
    pub(crate) title: &'static str,
    /// Grafana's unit, where it is a number.
    pub(crate) unit: Option<&'static str>,
    pub(crate) links: Vec<Link>,
}

impl Column {
    /// A label, with links onward.
    pub(crate) fn label(field: &'static str, title: &'static str, links: Vec<Link>) -> Self {
        Self { field, title, unit: None, links }
    }

    /// The value of a query.
    pub(crate) fn value(field: &'static str, title: &'static str, unit: &'static str) -> Self {
        Self { field, title, unit: Some(unit), links: Vec::new() }
    }

    /// The field keeps its name, by which links find it; only what is shown changes.
    fn json(&self) -> Value {
        let mut properties = vec![json!({ "id": "displayName", "value": self.title })];
        properties.extend(self.unit.map(|unit| json!({ "id": "unit", "value": unit })));
        if !self.links.is_empty() {
            let links: Vec<Value> = self.links.iter().map(Link::json).collect();
            properties.push(json!({ "id": "links", "value": links }));
        }
        json!({ "matcher": { "id": "byName", "options": self.field }, "properties": properties })
    }
}

/// A table of these columns in this order, the rows with the largest value of `sort_by` first.
pub(crate) fn table(
    title: &'static str,
    description: &'static str,
    columns: &[Column],
    sort_by: &str,
) -> Panel {
    let options = json!({
        "frameIndex": 0, "showHeader": true, "cellHeight": "sm",
        "sortBy": [{ "displayName": sort_by, "desc": true }],
        "footer": { "show": false, "reducer": ["sum"], "countRows": false, "enablePagination": true },
    });
    let order: Map<String, Value> =
        columns.iter().zip(0..).map(|(column, place)| (column.field.to_owned(), json!(place))).collect();
    let organized = json!({ "excludeByName": { "Time": true }, "indexByName": order, "renameByName": {} });
    Panel::new("table", title, description, QueryMode::Rows, options)
        .size(24, 14)
        .with("custom", json!({ "align": "auto", "inspect": false, "filterable": true }))
        .overrides(columns.iter().map(Column::json).collect())
        .transform("merge", &json!({}))
        .transform("organize", &organized)
}
