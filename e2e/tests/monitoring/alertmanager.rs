//! From a bad image to a webhook, and back: real tagwatch, Prometheus and Alertmanager.

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{checkout, eventually, monitoring::scrape_config};

use crate::{
    programs::{folder, prometheus},
    rules::shipped_but_held,
    runner::test,
    stage::{LIMIT, Stage},
    webhook::{Deliveries, alertmanager, notifying},
};

const ALERT: &str = "TagwatchCriticalViolation";

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(first_days_are_silent_and_a_critical_violation_reaches_the_webhook_until_its_fix)]
}

/// The shipped rules, but for how long they hold: a test has no five minutes.
fn impatient_rules() -> Result<String> {
    shipped_but_held(|_| "1s".to_owned())
}

/// The same with `alertOnBacklog: true`.
fn rules_for_the_backlog() -> Result<String> {
    let (rules, settling) = (impatient_rules()?, " + 3600)");
    ensure!(rules.contains(settling), "nothing counts as known");
    Ok(rules.replace(settling, " + -10000000000)"))
}

/// What the samples hold when tagwatch is installed raises no alert.
async fn silent(stage: &Stage) -> Result<()> {
    let mut config = scrape_config(stage.tagwatch.address());
    config["rule_files"] = json!(["rules.yaml"]);
    let prometheus = prometheus(&config, &[("rules.yaml", &impatient_rules()?)]).await?;
    prometheus.scrapes().await?;
    let installed = "cluster:tagwatch_first_evaluation_timestamp_seconds:min";
    eventually(LIMIT, "the time of installation is recorded", async || {
        ensure!(!prometheus.query(installed).await?.is_empty(), "it is not");
        Ok(())
    })
    .await?;
    // Several evaluations later, each alert that holds fires.
    prometheus.rules_evaluated_since(Timestamp::now() + SignedDuration::from_secs(5)).await?;
    let firing = prometheus.query("ALERTS{alertstate=\"firing\"}").await?;
    assert_eq!(firing, [Value::Null; 0]);
    prometheus.end().await
}

async fn first_days_are_silent_and_a_critical_violation_reaches_the_webhook_until_its_fix() -> Result<()> {
    folder().await?;
    let deliveries = Deliveries::default();
    let alertmanager = alertmanager(deliveries.serve().await?).await?;
    let stage = Stage::start(&[]).await?;
    silent(&stage).await?;
    let config = notifying(stage.tagwatch.address(), &alertmanager);
    let prometheus = prometheus(&config, &[("rules.yaml", &rules_for_the_backlog()?)]).await?;
    prometheus.scrapes().await?;

    let fired = deliveries.about(ALERT, "shop", "firing").await?;
    for (label, value) in [("severity", "warning"), ("namespace", "shop"), ("rule", "stale-pull-policy")] {
        assert_eq!(fired["labels"][label], value, "{fired:#}");
    }
    let annotations = fired["annotations"].as_object().context("no annotations")?;
    assert_eq!(annotations["summary"], "1 container in namespace shop violates stale-pull-policy");
    let runbook = annotations["runbook_url"].as_str().context("no runbook")?;
    let page = runbook.rsplit('/').next().context("no page")?;
    ensure!(checkout().join("docs/runbooks").join(page).is_file(), "{runbook}");
    // The addresses of Grafana and of the console are not configured.
    let written: Vec<&str> = annotations.keys().map(String::as_str).collect();
    assert_eq!(written, ["description", "runbook_url", "summary"]);

    let pinned = "api=registry.example.com/shop/cart:main-9f8e7d6";
    stage.kubectl.run(["set", "image", "-n", "shop", "deployment/cart", pinned]).await?;
    deliveries.about(ALERT, "shop", "resolved").await?;

    prometheus.end().await?;
    alertmanager.end().await?;
    stage.end().await
}
