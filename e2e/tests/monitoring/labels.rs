//! No labels stop a rule. Prometheus gives up a rule whose results become the same once its alert has set its own labels,
//! or whose sides match many to many; then nothing fires for anybody, and only its log says so.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::checkout;

use crate::{programs, rules, runner::test};

/// Labels that a target, a scrape job, a map of the labels of pods, a federation or `metricLabels` adds.
pub(crate) const ADDED: [&str; 17] = [
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
    "exported_job",
    "exported_instance",
    "exported_namespace",
    "app_kubernetes_io_name",
    "pod_template_hash",
    "helm_sh_chart",
    "label_team",
];
/// Simulated steps of five minutes. What fires begins in the middle.
const STEPS: u32 = 26;
/// When tagwatch was installed: as many weeks before the simulation as put its beginning on a day of the reminder.
const INSTALLED: i64 = -200 * 604_800;

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

/// The recorded metrics, as a federation brings them. The first part of a name says the labels.
fn recorded() -> Result<Vec<Metric>> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(checkout().join(rules::RULES))?)?;
    let groups = rules["groups"].as_array().context("no groups")?;
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let names = rules.filter_map(|rule| rule["record"].as_str());
    let labels = |name: &str| {
        let level = name.split(':').next().unwrap_or_default();
        level.split('_').filter(|label| *label != "cluster").map(str::to_owned).collect()
    };
    let metrics: Vec<Metric> =
        names.map(|name| Metric { name: name.to_owned(), labels: labels(name) }).collect();
    ensure!(metrics.len() > 5, "{} recorded metrics", metrics.len());
    Ok(metrics)
}

/// Values of a label: those by which rules choose, or any two.
fn values(label: &str) -> &'static [&'static str] {
    match label {
        "namespace" => &["production", "shop"],
        "rule" => &["moved-tag", "mixed-digests", "image-pull-failing", "latest-tag"],
        "severity" => &["critical", "high", "medium"],
        "result" => &["fail", "error"],
        "source" => &["policy", "annotation"],
        "confidence" => &["proven", "likely"],
        "outcome" => &["failed", "ok"],
        // Which workload it is makes no difference that its kind does not make.
        "workload" => &["web"],
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

/// A series without these added labels, with all of them, and with other values of all; with and without a cluster.
fn added(labels: &[&str]) -> Vec<String> {
    let all = |value: &str| {
        labels.iter().map(|label| format!("{label}=\"{value}\", ")).collect::<Vec<_>>().concat()
    };
    let sets = [String::new(), all("x"), all("y")];
    sets.iter().flat_map(|set| ["", "cluster=\"east\", "].map(|cluster| format!("{cluster}{set}"))).collect()
}

/// Values by which every alert of the metric fires. Findings of one kind were there at the installation.
fn firing(name: &str, labels: &str) -> String {
    let is_known = labels.contains("kind=\"a\"");
    let half = STEPS / 2;
    match name {
        // Tagwatch is gone in the second half.
        "tagwatch_build_info" => format!("1x{half} _x{half}"),
        "tagwatch_last_full_evaluation_timestamp_seconds" => format!("{INSTALLED}x{STEPS}"),
        "tagwatch_exemption_expiry_timestamp_seconds" => format!("300000x{STEPS}"),
        "tagwatch_leader" | "tagwatch_report_api_available" | "tagwatch_policy_valid" => format!("0x{STEPS}"),
        _ if name.contains(":tagwatch_first_") => format!("{INSTALLED}x{STEPS}"),
        // Nothing is recorded of a finding that came later.
        _ if name.contains(":tagwatch_known_") && labels.contains("kind=\"b\"") => format!("_x{STEPS}"),
        _ if name.contains(":tagwatch_") => format!("3x{STEPS}"),
        _ if name.ends_with("_start_time_seconds") && is_known => format!("{INSTALLED}x{STEPS}"),
        _ if name.ends_with("_start_time_seconds") => format!("-9999999x{STEPS}"),
        _ if is_known => format!("1000x{STEPS}"),
        _ if name.ends_with("_total") => format!("0+1000x{STEPS}"),
        _ => format!("0x{half} 1000x{half}"),
    }
}

/// Values of a cluster in its grace period, with findings of before and after.
fn in_grace(name: &str, labels: &str) -> String {
    match name {
        "tagwatch_last_full_evaluation_timestamp_seconds" => format!("60+300x{STEPS}"),
        _ if name.ends_with("_start_time_seconds") => format!("5+300x{STEPS}"),
        _ if name.contains(":tagwatch_first_") => format!("60x{STEPS}"),
        _ => firing(name, labels),
    }
}

/// Each metric with every combination of its own labels, and with and without these added ones.
fn series(metrics: &[Metric], labels: &[&str], values: fn(&str, &str) -> String) -> Vec<Value> {
    let mut all = Vec::new();
    for Metric { name, labels: own_labels } in metrics {
        // The scrape keeps the namespace of a workload.
        let free: Vec<&str> =
            labels.iter().copied().filter(|label| !own_labels.iter().any(|own| own == label)).collect();
        for own in own(own_labels) {
            // Two of the sets are the same where the metric has the only label already.
            let sets: BTreeSet<String> = added(&free).into_iter().collect();
            // What the rules record themselves has no added label.
            let is_recorded = name.contains(':');
            let foreign = |set: &String| !is_recorded || !set.replace("cluster=\"east\", ", "").is_empty();
            for added in sets.into_iter().filter(foreign) {
                let labels = format!("{own}{added}");
                let labels = labels.trim_end_matches(", ");
                all.push(json!({ "series": format!("{name}{{{labels}}}"), "values": values(name, labels) }));
            }
        }
    }
    all
}

/// promtool fails where a rule does. That each alert fires shows that the series reach it.
async fn no_combination_of_labels_stops_a_rule() -> Result<()> {
    let metrics: Vec<Metric> = metrics()?.into_iter().chain(recorded()?).collect();
    let names: Vec<Value> = rules::names()?
        .into_iter()
        .map(|name| json!({ "labels": format!("{{alertname=\"{name}\"}}"), "value": 1 }))
        .collect();
    let all_fire = json!({
        "expr": "group by (alertname) (ALERTS{alertstate=\"firing\"})", "eval_time": "100m", "exp_samples": names,
    });
    let mut tests = Vec::new();
    // One label at a time, since promtool loads few samples, and all of them together.
    for labels in ADDED.chunks(1).chain([ADDED.as_slice()]) {
        let series = series(&metrics, labels, firing);
        ensure!(series.len() > 500, "{} series", series.len());
        tests.push(json!({ "interval": "5m", "input_series": series, "promql_expr_test": [all_fire] }));
    }
    // An evaluation in the grace period; whatever fires, every rule runs.
    let runs = json!({
        "expr": "absent(nothing)", "eval_time": "130m", "exp_samples": [{ "labels": "{}", "value": 1 }],
    });
    for labels in [["job"].as_slice(), ADDED.as_slice()] {
        let series = series(&metrics, labels, in_grace);
        tests.push(json!({ "interval": "5m", "input_series": series, "promql_expr_test": [runs] }));
    }
    programs::rules_hold("5m", &tests).await.context("a rule stops")
}
