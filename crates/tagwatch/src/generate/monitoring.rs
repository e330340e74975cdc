//! Dashboards and alerts, for `config/` and the chart.

use std::path::Path;

use anyhow::anyhow;
use tagwatch_monitoring::{dashboard_files, rule_group_yaml, rule_object_yaml};

use super::Files;
use crate::status::Failure;

const CONFIG: &str = "config/monitoring";
const CHART: &str = "charts/tagwatch/files";

pub(super) fn dashboards() -> Result<Files, Failure> {
    let mut files = Files::new();
    for file in dashboard_files() {
        let json =
            serde_json::to_string_pretty(&file.json).map_err(|error| Failure::Other(anyhow!(error)))?;
        for folder in [CONFIG, CHART] {
            files.insert(Path::new(folder).join("dashboards").join(&file.name), format!("{json}\n"));
        }
    }
    Ok(files)
}

/// The alerts: an object for the Prometheus operator, and a rule file for promtool, Prometheus and the chart.
pub(super) fn rules() -> Files {
    let file = rule_group_yaml();
    Files::from([
        (Path::new(CONFIG).join("prometheus_rule.yaml"), rule_object_yaml()),
        (Path::new(CONFIG).join("rules.yaml"), file.clone()),
        (Path::new(CHART).join("rules.yaml"), file),
    ])
}
