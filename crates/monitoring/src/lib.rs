//! tagwatch-monitoring: the Grafana dashboards and the Prometheus rules, each made from one description. What is
//! made here is committed under `config/monitoring` and in the chart, and tested against a real Prometheus.

mod alerts;
mod dashboard;
mod dashboards;
mod promql;

pub use alerts::{Alert, alerts, rule_group_yaml, rule_object_yaml};
pub use dashboards::{DashboardFile, dashboard_files};

/// Where dashboards and alerts look for the console, unless the variable `console` or the chart says otherwise.
pub const CONSOLE_URL: &str = "http://localhost:8090";
/// Where alerts look for Grafana, unless the chart says otherwise.
pub const GRAFANA_URL: &str = "http://localhost:3000";
/// Where alerts look for the runbooks, unless the chart says otherwise.
pub const RUNBOOK_URL: &str = "https://tagwatch.dev/docs/runbooks";
/// Which namespaces `TagwatchFloatingImageInProtectedNamespace` watches over, unless the chart says otherwise.
pub const PROTECTED_NAMESPACES: &str = "(.*-)?prod(uction)?(-.*)?";
