//! Links onward: to the console, and from dashboard to dashboard.

use serde_json::{Value, json};

/// A link of a panel's data. Its URL may use Grafana's variables.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    title: &'static str,
    url: String,
}

impl Link {
    pub(crate) fn json(&self) -> Value {
        json!({ "title": self.title, "url": self.url, "targetBlank": true })
    }
}

/// The address of the console in a link.
const CONSOLE: &str = "${console:raw}";

/// A page of the console, whose address is the variable `console`.
pub(crate) fn console(title: &'static str, path: &str) -> Link {
    Link { title, url: format!("{CONSOLE}{path}") }
}

/// Takes the variable `console`, and every link that uses it, out of a dashboard.
pub(crate) fn without_console(dashboard: &mut Value) {
    let is_variable = |value: &Value| value["type"] == "textbox" && value["name"] == "console";
    let is_link = |value: &Value| value["url"].as_str().is_some_and(|url| url.starts_with(CONSOLE));
    match dashboard {
        Value::Object(fields) => fields.values_mut().for_each(without_console),
        Value::Array(values) => {
            values.retain(|value| !is_variable(value) && !is_link(value));
            values.iter_mut().for_each(without_console);
        }
        _ => {}
    }
}

/// Another dashboard, with the data source, cluster and time range of this one.
pub(crate) fn dashboard(title: &'static str, uid: &str, variables: &str) -> Link {
    let kept = "${datasource:queryparam}&${cluster:queryparam}&${__url_time_range}";
    Link { title, url: format!("/d/{uid}?{kept}&{variables}") }
}

/// The menu of tagwatch's dashboards at the top of each.
pub(super) fn to_all_dashboards() -> Value {
    json!({
        "title": "tagwatch", "type": "dashboards", "tags": ["tagwatch"], "icon": "external link", "tooltip": "",
        "url": "", "asDropdown": true, "includeVars": true, "keepTime": true, "targetBlank": false,
    })
}
