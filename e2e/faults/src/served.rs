//! What a replica serves once everything is right: metrics, health and the JSON of the console.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagwatch_controller::InProcessEndpoints;

use crate::oracle::{EndState, Oracle, Violation};

/// Gauges that a state of the cluster determines. Counters and times depend on the way to it, and what is known of moved
/// tags on what was seen of it.
const GAUGES: [&str; 23] = [
    "tagwatch_custom_kinds",
    "tagwatch_exemptions",
    "tagwatch_images",
    "tagwatch_metrics_series",
    "tagwatch_metrics_series_cap",
    "tagwatch_metrics_series_over_cap",
    "tagwatch_mixed_workloads",
    "tagwatch_moving_images",
    "tagwatch_nodes_available",
    "tagwatch_policy_source",
    "tagwatch_policy_valid",
    "tagwatch_queue_depth",
    "tagwatch_queue_oldest_age_seconds",
    "tagwatch_report_api_available",
    "tagwatch_rule_info",
    "tagwatch_server_connections",
    "tagwatch_stray_reports",
    "tagwatch_violations",
    "tagwatch_warnings",
    "tagwatch_watch_up",
    "tagwatch_workload_violations",
    "tagwatch_workload_warnings",
    "tagwatch_workloads",
];
/// Gauges of objects, which come from the leader alone.
const OF_LEADER: [&str; 4] =
    ["tagwatch_violations", "tagwatch_warnings", "tagwatch_workload_violations", "tagwatch_workloads"];
/// The run without faults has no lease.
const OF_REPLICAS: &str = "tagwatch_watch_up{resource=\"leases\"}";
/// What of the console is compared.
pub const CONSOLE_PATHS: [&str; 3] =
    ["/api/v1/workloads?per_page=100", "/api/v1/issues?per_page=100", "/api/v1/namespaces"];
/// Fields of the console that depend on when something was seen, or on when it is asked.
const TIMES: [&str; 3] = ["firstSeen", "ageSeconds", "evaluated"];

/// What one replica serves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// By name and labels.
    metrics: BTreeMap<String, f64>,
    /// By path.
    console: BTreeMap<&'static str, Value>,
    ready: String,
    leads: bool,
}

impl Served {
    /// Asks a replica.
    pub(crate) async fn of(endpoints: &InProcessEndpoints) -> Result<Self> {
        let (status, text) = endpoints.get("/metrics").await.context("no metrics are served")?;
        ensure!(status == 200, "the metrics are answered with {status}: {text}");
        let mut console = BTreeMap::new();
        for path in CONSOLE_PATHS {
            let (status, text) = endpoints.get_console(path).await.context("no console is served")?;
            ensure!(status == 200, "the console answers {path} with {status}: {text}");
            console.insert(path, serde_json::from_str(&text)?);
        }
        Ok(Self::new(&text, console, is_ready(endpoints).await))
    }

    /// What is compared of these metrics, pages of the console, and answer of `/readyz`.
    pub fn new(metrics: &str, mut console: BTreeMap<&'static str, Value>, ready: String) -> Self {
        let samples = || metrics.lines().filter(|line| !line.starts_with('#')).filter_map(sample);
        let leads = samples().any(|(name, value)| name == "tagwatch_leader" && value > 0.0);
        let is_compared = |name: &str| GAUGES.contains(&family(name)) && name != OF_REPLICAS;
        let metrics = samples()
            .filter(|(name, value)| is_compared(name) && *value > 0.0)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        console.values_mut().for_each(normalise);
        Self { metrics, console, ready, leads }
    }

    /// What differs from a leader in a run without faults.
    fn differences(&self, expected: &Self) -> Vec<Violation> {
        let mut found = Vec::new();
        let names = self
            .metrics
            .keys()
            .chain(expected.metrics.keys().filter(|name| !self.metrics.contains_key(*name)));
        for name in names {
            let (is, was) = (self.metrics.get(name), expected.metrics.get(name));
            if is != was {
                found.push(Oracle::Metrics.violated(format!("{name} is {is:?}, expected {was:?}")));
            }
        }
        for (path, page) in &expected.console {
            if self.console.get(path) != Some(page) {
                let found_page = self.console.get(path).cloned().unwrap_or_default();
                found.push(Oracle::Console.violated(format!("{path} is {found_page}, expected {page}")));
            }
        }
        if self.ready != expected.ready {
            found.push(Oracle::Health.violated(format!("/readyz says {}", self.ready.trim_end())));
        }
        found
    }

    /// Where the metrics do not agree with the reports that are stored.
    fn disagreements(&self, end: &EndState) -> Vec<Violation> {
        let sum = |wanted: &str| -> f64 {
            self.metrics.iter().filter(|(name, _)| family(name) == wanted).map(|(_, value)| value).sum()
        };
        let counted = |reports: i64| reports.to_string();
        let of = |name: &str| sum(name).to_string();
        let reports = i64::try_from(end.reports()).unwrap_or(i64::MAX);
        let violations = end.sum(&["fail", "error"]);
        let pairs = [
            ("tagwatch_workloads", reports),
            ("tagwatch_violations", violations),
            ("tagwatch_workload_violations", violations),
            ("tagwatch_warnings", end.sum(&["warn"])),
        ];
        let wrong = pairs.into_iter().filter(|(name, reports)| of(name) != counted(*reports));
        wrong
            .map(|(name, reports)| {
                Oracle::Metrics.violated(format!("{name} adds up to {}, the reports to {reports}", of(name)))
            })
            .collect()
    }

    /// What a standby serves that the leader alone should.
    fn of_standby(&self) -> Vec<Violation> {
        let shown = self.metrics.keys().filter(|name| OF_LEADER.contains(&family(name)));
        shown.map(|name| Oracle::Metrics.violated(format!("a standby shows {name}"))).collect()
    }
}

/// Compares what the replicas serve with a run without faults, and with the reports. Returns what the leader serves.
pub fn compare(replicas: Vec<Served>, end: &EndState, expected: Option<&Served>) -> (Served, Vec<Violation>) {
    let (mut leaders, standbys): (Vec<_>, Vec<_>) = replicas.into_iter().partition(|served| served.leads);
    let mut violations: Vec<Violation> = standbys.iter().flat_map(Served::of_standby).collect();
    if leaders.len() != 1 {
        violations.push(Oracle::Metrics.violated(format!("{} replicas say that they lead", leaders.len())));
    }
    let leader = leaders.pop().unwrap_or_default();
    violations.extend(leader.disagreements(end));
    violations.extend(expected.into_iter().flat_map(|expected| leader.differences(expected)));
    (leader, violations)
}

/// What `/readyz` says.
pub(crate) async fn is_ready(endpoints: &InProcessEndpoints) -> String {
    endpoints
        .get("/readyz")
        .await
        .map_or_else(|| "nothing".to_owned(), |(status, text)| format!("{status} {text}"))
}

fn sample(line: &str) -> Option<(&str, f64)> {
    let (name, value) = line.rsplit_once(' ')?;
    Some((name, value.parse().ok()?))
}

/// The name of a metric without its labels.
fn family(name: &str) -> &str {
    name.split('{').next().unwrap_or(name)
}

/// Without times, and with lists in an order that does not depend on them.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !TIMES.contains(&&**name));
            fields.values_mut().for_each(normalise);
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(normalise);
            elements.sort_by_cached_key(Value::to_string);
        }
        _ => {}
    }
}
