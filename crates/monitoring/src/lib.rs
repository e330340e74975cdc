//! tagwatch-monitoring: the Grafana dashboards and the Prometheus rules, each made from one description. What is
//! made here is committed under `config/monitoring` and in the chart, and tested against a real Prometheus.

mod alerts;
mod dashboard;
mod dashboards;
mod metric;
mod promql;

pub use alerts::{
    Alert, FIRST_EVALUATION, PARAMETERS, Parameter, Recording, alerts, chart_rules_yaml, recordings,
    rule_group_yaml, rule_object_yaml,
};
pub use dashboards::{Console, DashboardFile, dashboard_files};

/// Where dashboards that link to the console look for it. The chart puts the configured address in its place.
pub const CONSOLE_URL: &str = "http://localhost:8090";
