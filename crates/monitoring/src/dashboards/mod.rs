//! The dashboards that tagwatch ships.

mod controller;
mod issues;
mod workload;

use serde_json::Value;

use crate::dashboard::without_console;

/// A dashboard as a file.
#[derive(Debug, Clone)]
pub struct DashboardFile {
    /// Its name, which is the dashboard's uid.
    pub name: String,
    /// The dashboard in the JSON format that Grafana imports.
    pub json: Value,
}

/// Whether dashboards lead to the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// With a variable for its address, and links.
    Linked,
    /// Without a link: it would lead to a page of Grafana.
    Unknown,
}

/// All dashboards that tagwatch ships, as `tagwatch generate` writes them.
pub fn dashboard_files(console: Console) -> Vec<DashboardFile> {
    [issues::dashboard(), workload::dashboard(), controller::dashboard()]
        .map(|dashboard| {
            let name = format!("{}.json", dashboard.uid);
            let mut json = dashboard.json();
            if console == Console::Unknown {
                without_console(&mut json);
            }
            DashboardFile { name, json }
        })
        .into()
}
