//! The alerts in promtool: each fires, and each resolves.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{checkout, helm};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    programs::{self, Order},
    runner::test,
};

pub(crate) const RULES: &str = "config/monitoring/rules.yaml";
/// One file for each alert.
const CASES: &str = "e2e/tests/monitoring/alerts";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(promtool_accepts_the_rules),
        test(where_alerts_count_the_backlog_nothing_reminds_of_it),
        test(every_alert_has_a_case_of_silence_of_firing_and_of_resolving),
        test(every_alert_fires_and_resolves),
        test(an_absent_cluster_is_missed_by_name_for_a_week),
    ]
}

async fn promtool(arguments: &[&str]) -> Result<()> {
    let output = programs::promtool().await?.args(arguments).output().await?;
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "promtool {}: {words}", arguments.join(" "));
    Ok(())
}

/// Values of the chart that change its rules, apart and together.
const VALUES: [&str; 6] = [
    "monitoring.consoleUrl=https://c.example.com,monitoring.grafanaUrl=https://g.example.com/grafana",
    "monitoring.prometheusRule.alertOnBacklog=true",
    "monitoring.prometheusRule.disabled={TagwatchBacklog,TagwatchTagMoved,TagwatchMixedDigests,TagwatchImagePullFailing}",
    "monitoring.prometheusRule.metricLabels=null,monitoring.prometheusRule.graceDays=0",
    "monitoring.prometheusRule.protectedNamespaces=live-.*|(a(b|c)*)?,monitoring.prometheusRule.thresholds.manyViolations=0",
    "monitoring.prometheusRule.metricLabels={example.com/team,tier},policy.spec.metricLabels={cost-center},\
     monitoring.prometheusRule.severities.TagwatchMixedDigests=page,monitoring.prometheusRule.thresholds.overdueDays.high=1,\
     monitoring.consoleUrl=https://c.example.com,monitoring.grafanaUrl=https://g.example.com,\
     monitoring.runbookUrl=https://r.example.com/a",
];

/// The groups of a PrometheusRule, which is the only document, as a file of rules.
fn file_of(object: &str) -> Result<String> {
    let object: Value = serde_saphyr::from_str(object)?;
    ensure!(object["kind"] == "PrometheusRule", "{}", object["kind"]);
    // JSON is YAML.
    Ok(json!({ "groups": object["spec"]["groups"] }).to_string())
}

/// What the chart makes of these values.
async fn rendered(values: &str) -> Result<String> {
    let chart = checkout().join("charts/tagwatch");
    let mut template = Command::new(helm().await?);
    template.args(["template", "tagwatch"]).arg(chart).args(["--namespace", "tagwatch"]).kill_on_drop(true);
    template.args(["--show-only", "templates/prometheusrule.yaml"]);
    let output =
        template.args(["--set", "monitoring.prometheusRule.enabled=true", "--set", values]).output().await?;
    ensure!(output.status.success(), "{values}: {}", String::from_utf8_lossy(&output.stderr));
    file_of(&String::from_utf8(output.stdout)?).with_context(|| values.to_owned())
}

/// Those without the chart, and those of the chart by its own values and by others.
async fn promtool_accepts_the_rules() -> Result<()> {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES]).await?;
    let mut files =
        vec![file_of(&fs::read_to_string(checkout().join("config/monitoring/prometheus_rule.yaml"))?)?];
    for values in ["monitoring.prometheusRule.graceDays=7"].into_iter().chain(VALUES) {
        files.push(rendered(values).await?);
    }
    let folder = TempDir::new()?;
    for (number, file) in files.iter().enumerate() {
        ensure!(!file.contains("<<"), "file {number}: a parameter of the chart is left");
        let path = folder.path().join(format!("{number}.yaml"));
        fs::write(&path, file)?;
        let path = path.to_str().context("a path that is no text")?;
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", path]).await.context(file.clone())?;
    }
    Ok(())
}

/// Nor is anything remembered that alerts would leave out.
async fn where_alerts_count_the_backlog_nothing_reminds_of_it() -> Result<()> {
    for (value, reminds) in [(false, true), (true, false)] {
        let file = rendered(&format!("monitoring.prometheusRule.alertOnBacklog={value}")).await?;
        let groups: Value = serde_json::from_str(&file)?;
        let groups = groups["groups"].as_array().into_iter().flatten();
        let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let names: Vec<&str> =
            rules.filter_map(|rule| rule["alert"].as_str().or_else(|| rule["record"].as_str())).collect();
        ensure!(names.len() > 20, "{names:?}");
        assert_eq!(names.contains(&"TagwatchBacklog"), reminds, "{value}");
        assert_eq!(names.iter().any(|name| name.contains(":tagwatch_known_")), reminds, "{value}");
    }
    Ok(())
}

/// The shipped rules, but for how long each alert holds before it fires: as long as this function makes of it.
pub(crate) fn shipped_but_held(hold: impl Fn(&str) -> String) -> Result<String> {
    let rules = fs::read_to_string(checkout().join(RULES))?;
    let rewrite = |line: &str| match line.split_once("for: ") {
        Some((indent, duration)) if indent.trim().is_empty() => format!("{indent}for: {}", hold(duration)),
        _ => line.to_owned(),
    };
    Ok(rules.lines().map(rewrite).collect::<Vec<_>>().join("\n"))
}

pub(crate) fn names() -> Result<BTreeSet<String>> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(checkout().join(RULES))?)?;
    let groups = rules["groups"].as_array().context("no groups")?;
    let alerts = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    Ok(alerts.filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect())
}

async fn every_alert_has_a_case_of_silence_of_firing_and_of_resolving() -> Result<()> {
    let mut cases = BTreeSet::new();
    for entry in fs::read_dir(checkout().join(CASES))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).context("no name")?.to_owned();
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(&path)?)?;
        ensure!(
            is_silent_fires_and_resolves(&file, &name),
            "{name}: no case in which it is silent, fires, and resolves"
        );
        cases.insert(name);
    }
    assert_eq!(cases, names()?);
    Ok(())
}

/// Whether in one case the alert is silent at first, fires at a later time, and at a still later one no more.
fn is_silent_fires_and_resolves(file: &Value, name: &str) -> bool {
    file["tests"].as_array().into_iter().flatten().any(|case| {
        let looks = case["promql_expr_test"].as_array().into_iter().flatten();
        let firing = format!("ALERTS{{alertname=\"{name}\", alertstate=\"firing\"}}");
        let mut fires: Vec<(u32, bool)> = looks
            .filter(|look| look["expr"] == firing.as_str())
            .filter_map(|look| {
                let minutes = look["eval_time"].as_str()?.strip_suffix('m')?.parse().ok()?;
                Some((minutes, !look["exp_samples"].as_array()?.is_empty()))
            })
            .collect();
        fires.sort_unstable();
        let mut states: Vec<bool> = fires.into_iter().map(|(_, fires)| fires).collect();
        states.dedup();
        states.windows(3).any(|three| three == [false, true, false])
    })
}

async fn every_alert_fires_and_resolves() -> Result<()> {
    for name in names()? {
        let file = checkout().join(CASES).join(format!("{name}.yaml"));
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
        let listed = programs::file_holds(file.clone(), Order::Listed);
        tokio::try_join!(listed, programs::file_holds(file, Order::Reversed)).with_context(|| name)?;
    }
    Ok(())
}

/// Once, and also after tagwatch has been gone for longer. In longer steps than the cases of the other alerts: a week of
/// minutes takes promtool a minute and a half.
async fn an_absent_cluster_is_missed_by_name_for_a_week() -> Result<()> {
    let fires = |time: &str, cluster: &str| {
        let labels = format!(
            "ALERTS{{alertname=\"TagwatchAbsent\", alertstate=\"firing\", namespace=\"tagwatch\", severity=\"critical\"{cluster}}}"
        );
        let expression = "ALERTS{alertname=\"TagwatchAbsent\", alertstate=\"firing\"}";
        json!({ "expr": expression, "eval_time": time, "exp_samples": [{ "labels": labels, "value": 1 }] })
    };
    let test = json!({
        "interval": "1h",
        "input_series": [{ "series": "tagwatch_build_info{cluster=\"east\"}", "values": "1x2 stale" }],
        "promql_expr_test": [fires("5h", ", cluster=\"east\""), fires("173h", "")],
    });
    programs::rules_hold("10m", &[test]).await
}
