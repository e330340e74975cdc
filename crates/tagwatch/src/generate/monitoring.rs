//! Dashboards and alerts, for `config/` and the chart.

use std::path::Path;

use anyhow::anyhow;
use tagwatch_monitoring::{Console, chart_rules_yaml, dashboard_files, rule_group_yaml, rule_object_yaml};

use super::Files;
use crate::status::Failure;

const CONFIG: &str = "config/monitoring";
const CHART: &str = "charts/tagwatch/files";

/// The dashboards, and for the chart also those with links to the console, whose address only the chart knows.
pub(super) fn dashboards() -> Result<Files, Failure> {
    let mut files = Files::new();
    for (folder, console) in [
        (format!("{CONFIG}/dashboards"), Console::Unknown),
        (format!("{CHART}/dashboards"), Console::Unknown),
        (format!("{CHART}/dashboards-with-console"), Console::Linked),
    ] {
        for file in dashboard_files(console) {
            let json =
                serde_json::to_string_pretty(&file.json).map_err(|error| Failure::Other(anyhow!(error)))?;
            files.insert(Path::new(&folder).join(&file.name), format!("{json}\n"));
        }
    }
    Ok(files)
}

/// The rules: an object for the Prometheus operator, a rule file for Prometheus, and the file of the chart.
pub(super) fn rules() -> Files {
    Files::from([
        (Path::new(CONFIG).join("prometheus_rule.yaml"), rule_object_yaml()),
        (Path::new(CONFIG).join("rules.yaml"), rule_group_yaml()),
        (Path::new(CHART).join("rules.yaml"), chart_rules_yaml()),
    ])
}
