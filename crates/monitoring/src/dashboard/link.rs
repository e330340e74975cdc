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

/// A page of the console, whose address is the variable `console`.
pub(crate) fn console(title: &'static str, path: &str) -> Link {
    Link { title, url: format!("${{console:raw}}{path}") }
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
