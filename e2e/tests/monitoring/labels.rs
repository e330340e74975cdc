//! No labels stop a rule. Prometheus gives up a rule whose results become the same once its alert has set its own labels,
//! or whose sides match many to many; then nothing fires for anybody, and only its log says so.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::checkout;

use crate::{programs, rules, runner::test};

/// Labels that a target, a scrape job, a federation or `metricLabels` adds.
const ADDED: [&str; 11] = [
    "namespace",
    "instance",
    "pod",
    "node",
    "endpoint",
    "container",
    "service",
    "job",
    "prometheus",
    "prometheus_replica",
    "label_team",
];
/// Simulated steps of five minutes. What fires begins in the middle.
const STEPS: u32 = 26;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(no_combination_of_labels_stops_a_rule)]
}

/// A metric with its labels, as docs/metrics.md describes it.
struct Metric {
    name: String,
    labels: Vec<String>,
}

/// The metrics that the rules use.
fn metrics() -> Result<Vec<Metric>> {
    let page = fs::read_to_string(checkout().join("docs/metrics.md"))?;
    let rules = fs::read_to_string(checkout().join(rules::RULES))?;
    let words: BTreeSet<&str> =
        rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').collect();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let metrics: Vec<Metric> = rows
        .filter_map(|row| {
            let mut cells = row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`']));
            let (name, _kind, labels) = (cells.next()?, cells.next()?, cells.next()?);
            let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
            let labels = labels.filter(|label| !label.is_empty()).collect();
            words.contains(name).then(|| Metric { name: name.to_owned(), labels })
        })
        .collect();
    ensure!(metrics.len() > 12, "{} metrics", metrics.len());
    Ok(metrics)
}

/// Values of a label: those by which rules choose, or any two.
fn values(label: &str) -> &'static [&'static str] {
    match label {
        "namespace" => &["production", "shop"],
        "rule" => &["moved-tag", "mixed-digests", "image-pull-failing", "latest-tag", "stale-pull-policy"],
        "severity" => &["critical", "high", "medium"],
        "result" => &["fail", "error"],
        "source" => &["policy", "annotation"],
        "confidence" => &["proven", "likely"],
        "outcome" => &["failed", "ok"],
        _ => &["a", "b"],
    }
}

/// Every combination of a metric's own labels.
fn own(labels: &[String]) -> Vec<String> {
    labels.iter().fold(vec![String::new()], |combinations, label| {
        let with = |combination: &String| {
            values(label)
                .iter()
                .map(|value| format!("{combination}{label}=\"{value}\", "))
                .collect::<Vec<_>>()
        };
        combinations.iter().flat_map(with).collect()
    })
}

/// No added label, each of them alone, and all of them with one value and with another; with and without a cluster.
fn added(own: &[String]) -> Vec<String> {
    let free: Vec<&str> = ADDED.into_iter().filter(|label| !own.iter().any(|one| one == label)).collect();
    let all = |value: &str| free.iter().map(|label| format!("{label}=\"{value}\", ")).collect::<String>();
    let mut sets = vec![String::new(), all("x"), all("y")];
    sets.extend(free.iter().map(|label| format!("{label}=\"x\", ")));
    sets.iter().flat_map(|set| ["", "cluster=\"east\", "].map(|cluster| format!("{cluster}{set}"))).collect()
}

/// Values by which every alert of the metric fires.
fn firing(name: &str) -> String {
    let half = STEPS / 2;
    match name {
        // Tagwatch is gone in the second half.
        "tagwatch_build_info" => format!("1x{half} _x{half}"),
        "tagwatch_last_full_evaluation_timestamp_seconds" => format!("-99999999x{STEPS}"),
        "tagwatch_exemption_expiry_timestamp_seconds" => format!("300000x{STEPS}"),
        "tagwatch_report_api_available" | "tagwatch_policy_valid" => format!("0x{STEPS}"),
        _ if name.ends_with("_start_time_seconds") => format!("-9999999x{STEPS}"),
        _ if name.ends_with("_total") => format!("0+1000x{STEPS}"),
        _ => format!("0x{half} 1000x{half}"),
    }
}

/// Values of a cluster in its grace period, with findings of before and after.
fn in_grace(name: &str) -> String {
    match name {
        "tagwatch_last_full_evaluation_timestamp_seconds" => format!("60+300x{STEPS}"),
        _ if name.ends_with("_start_time_seconds") => format!("5+300x{STEPS}"),
        _ => firing(name),
    }
}

fn series(metrics: &[Metric], values: fn(&str) -> String) -> Vec<Value> {
    let of = |metric: &Metric| {
        let (own, added) = (own(&metric.labels), added(&metric.labels));
        let name = metric.name.clone();
        let sets = own
            .into_iter()
            .flat_map(move |own| added.clone().into_iter().map(move |added| own.clone() + &added));
        sets.map(move |labels| {
            let labels = labels.trim_end_matches(", ");
            json!({ "series": format!("{name}{{{labels}}}"), "values": values(&name) })
        })
        .collect::<Vec<_>>()
    };
    metrics.iter().flat_map(of).collect()
}

/// promtool fails where a rule does. That each alert fires shows that the series reach it.
async fn no_combination_of_labels_stops_a_rule() -> Result<()> {
    let metrics = metrics()?;
    let firing_series = series(&metrics, firing);
    ensure!(firing_series.len() > 10_000, "{} series", firing_series.len());
    let names: Vec<Value> = rules::names()?
        .into_iter()
        .map(|name| json!({ "labels": format!("{{alertname=\"{name}\"}}"), "value": 1 }))
        .collect();
    let all_fire = json!({
        "expr": "group by (alertname) (ALERTS{alertstate=\"firing\"})", "eval_time": "100m", "exp_samples": names,
    });
    let tests = [
        json!({ "interval": "5m", "input_series": firing_series, "promql_expr_test": [all_fire] }),
        json!({ "interval": "5m", "input_series": series(&metrics, in_grace), "promql_expr_test": [
            { "expr": "absent(nothing)", "eval_time": "130m", "exp_samples": [{ "labels": "{}", "value": 1 }] },
        ] }),
    ];
    programs::rules_hold("5m", &tests).await.context("a rule stops")
}
