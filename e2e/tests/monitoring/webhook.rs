//! A real Alertmanager, and the webhook that it notifies.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use axum::{Router, extract::State, routing::post};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{
    eventually,
    monitoring::{Server, scrape_config},
};
use tokio::net::TcpListener;

use crate::{programs::folder, runner::test, stage::LIMIT};

const READY_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(a_group_counts_each_time_that_it_begins_to_fire)]
}

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

    /// How often each group of Alertmanager has begun to fire.
    pub(crate) fn notifications(&self) -> Result<BTreeMap<(String, String), usize>> {
        Ok(notifications(&self.all()?))
    }
}

/// How often each group of Alertmanager, an alert and a namespace, has begun to fire by these deliveries: from silence, or by
/// an alert that has a later start than before. What joins a group that fires is not counted: within the seconds of a test
/// that is what begins together.
fn notifications(delivered: &[Value]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    let mut firing: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
    for alert in delivered {
        let group = group_of(&alert["labels"]);
        let (labels, start) = (alert["labels"].to_string(), alert["startsAt"].to_string());
        let of_group = firing.entry(group.clone()).or_default();
        if alert["status"] == "firing" {
            let is_silent = of_group.is_empty();
            let before = of_group.insert(labels, start.clone());
            if is_silent || before.is_some_and(|before| before != start) {
                *counts.entry(group).or_default() += 1;
            }
        } else {
            of_group.remove(&labels);
        }
    }
    counts
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

async fn a_group_counts_each_time_that_it_begins_to_fire() -> Result<()> {
    let alert = |workload: &str, status: &str, start: u32| {
        let labels = json!({ "alertname": "Moved", "namespace": "shop", "workload": workload });
        json!({ "labels": labels, "status": status, "startsAt": start })
    };
    let mut delivered =
        vec![alert("web", "firing", 1), alert("web", "firing", 1), alert("worker", "firing", 2)];
    let group = ("Moved".to_owned(), "shop".to_owned());
    assert_eq!(notifications(&delivered)[&group], 1, "what is sent again, or joins, is no other");
    delivered.extend([
        alert("web", "resolved", 1),
        alert("worker", "resolved", 2),
        alert("web", "firing", 3),
    ]);
    assert_eq!(notifications(&delivered)[&group], 2, "it has fired, resolved and fired again");
    delivered.push(alert("web", "firing", 4));
    assert_eq!(notifications(&delivered)[&group], 3, "its end was not delivered");
    Ok(())
}
