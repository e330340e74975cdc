//! What the panels say while tagwatch starts, and of what has never happened, in simulated time.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::monitoring::{Query, panels};

use crate::{programs, queries::dashboards, runner::test};

/// Panels of the dashboard of the controller that count what is found in the cluster.
const OF_OBJECTS: [&str; 2] = ["Mixed workloads", "Exemptions that end within 30 days"];
const FINDING: &str = "namespace=\"shop\", kind=\"Deployment\", workload=\"cart\", rule=\"latest-tag\", severity=\"high\", result=\"fail\"";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(no_panel_reads_as_compliance_before_the_first_evaluation),
        test(what_never_happened_is_one_line_and_none_beside_others),
    ]
}

pub(crate) fn series(name: &str, values: &str) -> Value {
    json!({ "series": name, "values": values })
}

fn look(query: &Query, samples: &Value) -> Value {
    json!({ "expr": query.expression, "eval_time": "6m", "exp_samples": samples })
}

/// A finding is there until a restart, after which a process is scraped that has evaluated nothing. Where one has, the finding
/// is gone, unless it may be counted under the sum over the cap of series.
async fn no_panel_reads_as_compliance_before_the_first_evaluation() -> Result<()> {
    let scraped = |evaluated: &str, over_cap: &str| {
        [
            series("tagwatch_build_info{version=\"0.1.0\"}", "1x10"),
            series("tagwatch_metrics_series_over_cap", over_cap),
            series("tagwatch_rule_info{rule=\"latest-tag\", state=\"on\"}", "1x10"),
            series("tagwatch_last_full_evaluation_timestamp_seconds", evaluated),
            series(&format!("tagwatch_workload_violations{{{FINDING}}}"), "1x5 stale"),
        ]
    };
    let (mut silent, mut resolved, mut over_cap) = (Vec::new(), Vec::new(), Vec::new());
    for (file, dashboard) in dashboards()? {
        for panel in panels(&dashboard)? {
            if file.contains("controller") && !OF_OBJECTS.contains(&panel.title.as_str()) {
                continue;
            }
            silent.extend(panel.queries.iter().map(|query| look(query, &json!([]))));
            if panel.title == "Findings over time" {
                let labels = FINDING.replace(", severity=\"high\", result=\"fail\"", "");
                let gone = json!([{ "labels": format!("{{{labels}}}"), "value": 0 }]);
                resolved.extend(panel.queries.iter().map(|query| look(query, &gone)));
                over_cap.extend(panel.queries.iter().map(|query| look(query, &json!([]))));
            }
        }
    }
    ensure!(silent.len() > 20 && resolved.len() == 1, "{} and {} queries", silent.len(), resolved.len());
    let test = |series: [Value; 5], looks| json!({ "interval": "1m", "input_series": series, "promql_expr_test": looks });
    let tests = [
        test(scraped("0x5 stale", "0x10"), silent),
        test(scraped("0x10", "0x10"), resolved),
        test(scraped("0x10", "4x10"), over_cap),
    ];
    programs::rules_hold("1m", &tests).await
}

/// Counts by labels, of which there may be none.
async fn what_never_happened_is_one_line_and_none_beside_others() -> Result<()> {
    let scraped = [series("tagwatch_build_info{version=\"0.1.0\"}", "1x100")];
    let happened = [
        series("tagwatch_policy_status_writes_total{outcome=\"ok\"}", "0+1x100"),
        series("tagwatch_registry_requests_total{outcome=\"ok\"}", "0+1x100"),
        series("tagwatch_events_total{outcome=\"published\"}", "0+1x100"),
        series("tagwatch_stray_reports{owner=\"none\"}", "1x100"),
        series("tagwatch_custom_kinds{state=\"watching\"}", "1x100"),
        series("tagwatch_server_connections_closed_total{server=\"metrics\", reason=\"full\"}", "0+1x100"),
    ];
    let (mut lines, mut zeros) = (Vec::new(), Vec::new());
    for (_, dashboard) in dashboards()? {
        let panels = panels(&dashboard)?;
        let queries = panels.iter().flat_map(|panel| &panel.queries);
        for Query { expression, .. } in queries.filter(|query| {
            query.legend.contains("{{") && query.expression.contains("0 * max(tagwatch_build_info")
        }) {
            let look = |query: String, value: u32| {
                let sample = json!([{ "labels": "{}", "value": value }]);
                json!({ "expr": query, "eval_time": "6m", "exp_samples": sample })
            };
            lines.push(look(format!("count({expression})"), 1));
            lines.push(look(format!("count({expression} > 0)"), 1));
            zeros.push(look(format!("count({expression} == 0)"), 1));
        }
    }
    ensure!(zeros.len() == happened.len(), "{} queries", zeros.len());
    let all: Vec<Value> = scraped.iter().chain(&happened).cloned().collect();
    let test = |series: &[Value], looks: Vec<Value>| json!({ "interval": "5s", "input_series": series, "promql_expr_test": looks });
    programs::rules_hold("1m", &[test(&scraped, zeros), test(&all, lines)]).await
}
