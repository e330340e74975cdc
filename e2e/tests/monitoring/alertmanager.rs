//! From a bad image to a webhook, and back: real tagwatch, Prometheus and Alertmanager.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use axum::{Router, extract::State, routing::post};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{
    checkout, eventually,
    monitoring::{Server, scrape_config},
};
use tokio::net::TcpListener;

use crate::{
    programs::{folder, prometheus},
    runner::test,
    stage::Stage,
};

const LIMIT: Duration = Duration::from_mins(2);
const READY_LIMIT: Duration = Duration::from_secs(30);
const ALERT: &str = "TagwatchCriticalViolation";

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(first_days_are_silent_and_a_critical_violation_reaches_the_webhook_until_its_fix)]
}

/// What was delivered: each alert as Alertmanager sent it.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Vec<Value>>>);

impl Deliveries {
    async fn serve(&self) -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/", post(delivered)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(address)
    }

    /// Waits until our alert about this namespace has been delivered with this status.
    async fn about(&self, namespace: &str, status: &str) -> Result<Value> {
        eventually(LIMIT, "the webhook is called", async || {
            let all = self.0.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.clone();
            let labels = |alert: &Value| {
                alert["labels"]["alertname"] == ALERT && alert["labels"]["namespace"] == namespace
            };
            let found = all.iter().rev().find(|alert| labels(alert) && alert["status"] == status);
            found.cloned().with_context(|| format!("delivered so far: {all:#?}"))
        })
        .await
    }
}

async fn delivered(State(deliveries): State<Deliveries>, body: String) {
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
    deliveries.0.lock().expect("no holder panics").extend(alerts);
}

async fn alertmanager(webhook: SocketAddr) -> Result<Server> {
    let config = format!(
        "route: {{ receiver: webhook, group_by: [alertname, namespace], group_wait: 1s, group_interval: 1s }}
receivers:
  - name: webhook
    webhook_configs: [{{ url: 'http://{webhook}/' }}]
"
    );
    let program = folder().await?.join("prometheus-alertmanager");
    Server::start(&program, READY_LIMIT, "/-/ready", |command, folder, address| {
        fs::write(folder.join("alertmanager.yaml"), &config)?;
        command
            .arg(format!("--config.file={}", folder.join("alertmanager.yaml").display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=");
        Ok(())
    })
    .await
}

/// The shipped rules, but for how long they hold: a test has no five minutes.
fn impatient_rules() -> Result<String> {
    let rules = fs::read_to_string(checkout().join("config/monitoring/rules.yaml"))?;
    let hold = |line: &str| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s"),
        _ => line.to_owned(),
    };
    Ok(rules.lines().map(hold).collect::<Vec<_>>().join("\n"))
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
    let mut config = scrape_config(stage.tagwatch.address());
    config["rule_files"] = json!(["rules.yaml"]);
    let target = alertmanager.address().to_string();
    config["alerting"] = json!({ "alertmanagers": [{ "static_configs": [{ "targets": [target] }] }] });
    let prometheus = prometheus(&config, &[("rules.yaml", &rules_for_the_backlog()?)]).await?;
    prometheus.scrapes().await?;

    let fired = deliveries.about("shop", "firing").await?;
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
    deliveries.about("shop", "resolved").await?;

    prometheus.end().await?;
    alertmanager.end().await?;
    stage.end().await
}
