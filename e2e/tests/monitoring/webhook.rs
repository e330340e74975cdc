//! A real Alertmanager, and the webhook that it notifies.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use axum::{Router, extract::State, routing::post};
use serde_json::{Value, json};
use tagwatch_e2e::{
    eventually,
    monitoring::{Server, scrape_config},
};
use tokio::net::TcpListener;

use crate::{programs::folder, stage::LIMIT};

const READY_LIMIT: Duration = Duration::from_secs(30);

/// What was delivered: each alert as Alertmanager sent it.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Vec<Value>>>);

impl Deliveries {
    pub(crate) async fn serve(&self) -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/", post(delivered)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(address)
    }

    fn all(&self) -> Result<Vec<Value>> {
        Ok(self.0.lock().map_err(|_| anyhow!("poisoned"))?.clone())
    }

    /// Waits until this alert about this namespace has been delivered with this status.
    pub(crate) async fn about(&self, alert: &str, namespace: &str, status: &str) -> Result<Value> {
        eventually(LIMIT, "the webhook is called", async || {
            let all = self.all()?;
            let is_wanted = |delivered: &Value| {
                let labels = &delivered["labels"];
                labels["alertname"] == alert && labels["namespace"] == namespace
            };
            let found = all.iter().rev().find(|alert| is_wanted(alert) && alert["status"] == status);
            found.cloned().with_context(|| format!("delivered so far: {all:#?}"))
        })
        .await
    }

    /// The groups of Alertmanager, by alert and namespace, of which a notification has said that they fire.
    pub(crate) fn groups(&self) -> Result<BTreeSet<(String, String)>> {
        let firing = self.all()?.into_iter().filter(|alert| alert["status"] == "firing");
        Ok(firing.map(|alert| group_of(&alert["labels"])).collect())
    }
}

/// Name and namespace among the labels of an alert.
pub(crate) fn group_of(labels: &Value) -> (String, String) {
    let label = |name: &str| labels[name].as_str().unwrap_or_default().to_owned();
    (label("alertname"), label("namespace"))
}

async fn delivered(State(deliveries): State<Deliveries>, body: String) {
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
    deliveries.0.lock().expect("no holder panics").extend(alerts);
}

/// An Alertmanager that repeats and inhibits as that of kube-prometheus, and groups by alert and namespace, sooner.
/// <https://github.com/prometheus-operator/kube-prometheus/blob/main/manifests/alertmanager-secret.yaml>
pub(crate) async fn alertmanager(webhook: SocketAddr) -> Result<Server> {
    let config = json!({
        "route": {
            "receiver": "webhook",
            "group_by": ["alertname", "namespace"], "group_wait": "1s", "group_interval": "1s", "repeat_interval": "12h",
        },
        "inhibit_rules": [
            inhibits("severity = critical", "severity =~ warning|info", &["namespace", "alertname"]),
            inhibits("severity = warning", "severity = info", &["namespace", "alertname"]),
            inhibits("alertname = InfoInhibitor", "severity = info", &["namespace"]),
        ],
        "receivers": [{ "name": "webhook", "webhook_configs": [{ "url": format!("http://{webhook}/") }] }],
    });
    let program = folder().await?.join("prometheus-alertmanager");
    Server::start(&program, READY_LIMIT, "/-/ready", |command, folder, address| {
        // JSON is YAML.
        fs::write(folder.join("alertmanager.yaml"), config.to_string())?;
        command
            .arg(format!("--config.file={}", folder.join("alertmanager.yaml").display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=");
        Ok(())
    })
    .await
}

fn inhibits(source: &str, target: &str, equal: &[&str]) -> Value {
    json!({ "source_matchers": [source], "target_matchers": [target], "equal": equal })
}

/// The configuration of a Prometheus that scrapes this tagwatch and notifies this Alertmanager by `rules.yaml`.
pub(crate) fn notifying(tagwatch: SocketAddr, alertmanager: &Server) -> Value {
    let mut config = scrape_config(tagwatch);
    config["rule_files"] = json!(["rules.yaml"]);
    let target = alertmanager.address().to_string();
    config["alerting"] = json!({ "alertmanagers": [{ "static_configs": [{ "targets": [target] }] }] });
    config
}
