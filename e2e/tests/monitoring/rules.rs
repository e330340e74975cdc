//! The alerts in promtool: each fires, and each resolves.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use tagwatch_e2e::checkout;

use crate::{programs, runner::test};

pub(crate) const RULES: &str = "config/monitoring/rules.yaml";
/// One file for each alert.
const CASES: &str = "e2e/tests/monitoring/alerts";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(promtool_accepts_the_rules),
        test(every_alert_has_a_case_of_firing_and_of_resolving),
        test(every_alert_fires_and_resolves),
    ]
}

async fn promtool(arguments: &[&str]) -> Result<()> {
    let output = programs::promtool().await?.args(arguments).output().await?;
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "promtool {}: {words}", arguments.join(" "));
    Ok(())
}

async fn promtool_accepts_the_rules() -> Result<()> {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES]).await
}

pub(crate) fn names() -> Result<BTreeSet<String>> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(checkout().join(RULES))?)?;
    let groups = rules["groups"].as_array().context("no groups")?;
    let alerts = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    Ok(alerts.filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect())
}

async fn every_alert_has_a_case_of_firing_and_of_resolving() -> Result<()> {
    let mut cases = BTreeSet::new();
    for entry in fs::read_dir(checkout().join(CASES))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).context("no name")?.to_owned();
        let file: Value = serde_saphyr::from_str(&fs::read_to_string(&path)?)?;
        ensure!(fires_and_resolves(&file, &name), "{name}: no case in which it fires, and later does not");
        cases.insert(name);
    }
    assert_eq!(cases, names()?);
    Ok(())
}

/// Whether in one case the alert fires at one time, and at a later one no more.
fn fires_and_resolves(file: &Value, name: &str) -> bool {
    file["tests"].as_array().into_iter().flatten().any(|case| {
        let looks = case["promql_expr_test"].as_array().into_iter().flatten();
        let fires: Vec<bool> = looks
            .filter(|look| look["expr"].as_str().is_some_and(|query| query.contains(&format!("\"{name}\""))))
            .filter_map(|look| look["exp_samples"].as_array().map(|samples| !samples.is_empty()))
            .collect();
        let first = fires.iter().position(|fires| *fires);
        first.is_some_and(|first| fires[first..].contains(&false))
    })
}

async fn every_alert_fires_and_resolves() -> Result<()> {
    let files: Vec<String> = names()?.iter().map(|name| format!("{CASES}/{name}.yaml")).collect();
    let arguments: Vec<&str> =
        ["test", "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
    promtool(&arguments).await
}
