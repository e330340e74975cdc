//! Whatever labels a copy of a series has further, recorded numbers and alerts say the same as without it: two scrape jobs,
//! two replicas, or a federation, which brings copies of recorded metrics too.

use std::fs;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::checkout;

use crate::{labels::ADDED, programs, rules::RULES, runner::test};

/// Labels by which copies are no copies: another namespace is another series, and teams are kept apart.
const DISTINCT: [&str; 2] = ["namespace", "label_team"];
/// What is scraped, with values of five minutes. tagwatch was installed a week before.
const SCRAPED: [(&str, &str, &str); 19] = [
    ("tagwatch_build_info", "version=\"1\"", "1x40"),
    ("tagwatch_last_full_evaluation_timestamp_seconds", "", "-604800x40"),
    ("tagwatch_workloads", "namespace=\"shop\", kind=\"Deployment\", status=\"violating\"", "5x40"),
    ("tagwatch_workloads", "namespace=\"shop\", kind=\"Deployment\", status=\"compliant\"", "15x40"),
    (
        "tagwatch_violations",
        "namespace=\"shop\", policy=\"p\", rule=\"latest-tag\", severity=\"critical\", result=\"fail\"",
        "11x40",
    ),
    (
        "tagwatch_warnings",
        "namespace=\"shop\", policy=\"p\", rule=\"floating-tag\", severity=\"critical\"",
        "2x40",
    ),
    // New, and not as many as are many.
    ("tagwatch_workload_violations", NEW, "11x40"),
    ("tagwatch_workload_violation_start_time_seconds", NEW, "0x40"),
    // From before the installation.
    ("tagwatch_workload_violations", OLD, "7x40"),
    ("tagwatch_workload_violation_start_time_seconds", OLD, "-604810x40"),
    ("tagwatch_workload_warnings", OLD_WARNING, "4x40"),
    ("tagwatch_workload_warning_start_time_seconds", OLD_WARNING, "-604810x40"),
    // New in production.
    ("tagwatch_workload_violations", IN_PRODUCTION, "1x40"),
    ("tagwatch_workload_violation_start_time_seconds", IN_PRODUCTION, "0x40"),
    ("tagwatch_moving_images", "namespace=\"production\", rule=\"latest-tag\"", "5x40"),
    // Fewer failures than raise an alert.
    ("tagwatch_watch_errors_total", "resource=\"jobs\", reason=\"network\"", "0+3x40"),
    ("tagwatch_report_writes_total", "verb=\"update\", outcome=\"failed\"", "0+1x40"),
    ("tagwatch_reconcile_panics_total", "", "0+1x40"),
    ("tagwatch_metrics_series_over_cap", "", "4x40"),
];
const NEW: &str = "namespace=\"shop\", kind=\"Deployment\", workload=\"web\", rule=\"latest-tag\", severity=\"critical\", result=\"fail\"";
const OLD: &str = "namespace=\"mail\", kind=\"Deployment\", workload=\"web\", rule=\"latest-tag\", severity=\"high\", result=\"fail\"";
const OLD_WARNING: &str =
    "namespace=\"mail\", kind=\"Deployment\", workload=\"web\", rule=\"floating-tag\", severity=\"medium\"";
const IN_PRODUCTION: &str = "namespace=\"production\", kind=\"Deployment\", workload=\"web\", rule=\"latest-tag\", severity=\"high\", result=\"fail\"";
const INSTALLED: &str = "cluster:tagwatch_first_evaluation_timestamp_seconds:min";
const KNOWN_VIOLATIONS: &str = "cluster_namespace_kind_workload_rule_severity:tagwatch_known_violations:min";
const KNOWN_WARNINGS: &str = "cluster_namespace_kind_workload_rule_severity:tagwatch_known_warnings:min";
const KNOWN_MOVING_IMAGES: &str = "cluster_namespace_rule:tagwatch_known_moving_images:min";
/// What a federation brings of recorded metrics.
const RECORDED: [(&str, &str, &str); 3] = [
    (
        KNOWN_VIOLATIONS,
        "namespace=\"mail\", kind=\"Deployment\", workload=\"web\", rule=\"latest-tag\", severity=\"high\"",
        "7x40",
    ),
    (KNOWN_WARNINGS, OLD_WARNING, "4x40"),
    (KNOWN_MOVING_IMAGES, "namespace=\"production\", rule=\"latest-tag\"", "2x40"),
];
const LOOK: &str = "195m";

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(no_copy_of_a_series_changes_a_number)]
}

/// The query of an alert.
fn query_of(rules: &Value, alert: &str) -> Result<String> {
    let groups = rules["groups"].as_array().context("no groups")?;
    let mut all = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let found = all.find(|rule| rule["alert"] == alert).and_then(|rule| rule["expr"].as_str());
    Ok(found.context(alert.to_owned())?.to_owned())
}

/// Each series without an added label and twice with it. Recorded metrics have none where the rules record them.
fn series(label: &str, is_federated: bool) -> Vec<Value> {
    let copies = [String::new(), format!("{label}=\"x\""), format!("{label}=\"y\"")];
    let installed = [(INSTALLED, "", "-604800x40")];
    let recorded = installed.into_iter().chain(RECORDED.into_iter().filter(|_| is_federated));
    let recorded = recorded.flat_map(|one| copies[1..].iter().map(move |copy| (one, copy)));
    let scraped = SCRAPED.into_iter().flat_map(|one| copies.iter().map(move |copy| (one, copy)));
    let named = |((name, labels, values), copy): ((&str, &str, &str), &String)| {
        let labels: Vec<&str> = [labels, copy.as_str()].into_iter().filter(|one| !one.is_empty()).collect();
        json!({ "series": format!("{name}{{{}}}", labels.join(", ")), "values": values })
    };
    scraped.chain(recorded).map(named).collect()
}

async fn no_copy_of_a_series_changes_a_number() -> Result<()> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(checkout().join(RULES))?)?;
    let look = |query: &str, samples: &[(&str, f64)]| {
        let samples: Vec<Value> =
            samples.iter().map(|(labels, value)| json!({ "labels": labels, "value": value })).collect();
        json!({ "expr": query, "eval_time": LOOK, "exp_samples": samples })
    };
    let copied = ADDED.into_iter().filter(|label| !DISTINCT.contains(label));
    let mut tests = Vec::new();
    // Every other label with copies of recorded metrics too: with them a sum that doubles would be hidden by their minimum.
    for (label, is_federated) in copied.zip([false, true].into_iter().cycle()) {
        // Beyond the fewest since the installation, which only a federation brings here.
        let moving = if is_federated { 3.0 } else { 5.0 };
        let in_shop = "{namespace=\"shop\", severity=\"critical\"}";
        let mut looks = Vec::new();
        for (recorded, labels, value) in [
            ("cluster_namespace_severity:tagwatch_violations:sum", in_shop, 11.0),
            ("cluster_namespace_severity:tagwatch_findings:sum", in_shop, 13.0),
            ("cluster:tagwatch_score:ratio", "{}", 0.75),
            ("cluster_namespace:tagwatch_score:ratio", "{namespace=\"shop\"}", 0.75),
            (KNOWN_VIOLATIONS, &format!("{{{}}}", RECORDED[0].1), 7.0),
            (KNOWN_WARNINGS, &format!("{{{OLD_WARNING}}}"), 4.0),
        ] {
            // As the rules record it, without its name.
            let recorded = format!("{recorded}{{{label}=\"\"}} + 0");
            looks.push(look(&recorded, &[(labels, value)]));
        }
        for (alert, labels, value) in [
            ("TagwatchCriticalViolation", "{namespace=\"shop\", rule=\"latest-tag\"}", 11.0),
            ("TagwatchBacklog", "{}", 7.0),
            ("TagwatchFloatingImageInProtectedNamespace", "{namespace=\"production\"}", moving),
            ("TagwatchPanicking", "{}", 12.0),
            ("TagwatchSeriesCapReached", "{}", 4.0),
        ] {
            looks.push(look(&query_of(&rules, alert)?, &[(labels, value)]));
        }
        for silent in ["TagwatchManyViolations", "TagwatchWatchFailing", "TagwatchReportsNotWritten"] {
            looks.push(look(&query_of(&rules, silent)?, &[]));
        }
        looks.push(look("count by (alertname) (ALERTS{alertstate=\"firing\"}) > 1", &[]));
        let series = series(label, is_federated);
        tests.push(json!({ "interval": "5m", "input_series": series, "promql_expr_test": looks }));
    }
    programs::rules_hold("5m", &tests).await.context("a copy counts")
}
