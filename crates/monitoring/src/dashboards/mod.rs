//! The dashboards that tagwatch ships.

mod controller;
mod issues;
mod workload;

use serde_json::Value;

use crate::dashboard::Dashboard;

/// A dashboard as a file.
#[derive(Debug, Clone)]
pub struct DashboardFile {
    /// Its name, which is the dashboard's uid.
    pub name: String,
    /// The dashboard in the JSON format that Grafana imports.
    pub json: Value,
}

/// All dashboards that tagwatch ships, as `tagwatch generate` writes them.
pub fn dashboard_files() -> Vec<DashboardFile> {
    [issues::dashboard(), workload::dashboard(), controller::dashboard()].map(file).into()
}

fn file(dashboard: Dashboard) -> DashboardFile {
    DashboardFile { name: format!("{}.json", dashboard.uid), json: dashboard.json() }
}
