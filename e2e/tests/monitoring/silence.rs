//! A default installation on a healthy cluster raises no alert: what it shows is run through every alert for half an
//! hour of simulated time.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime},
};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{
    ControlPlane, Identity, Options, TagwatchProcess, eventually,
    samples::{Kubectl, config},
};
use tempfile::TempDir;

use crate::{
    programs::{self, Order},
    runner::test,
    stage::LIMIT,
};

/// Simulated minutes: longer than any alert of the controller waits.
const MINUTES: u32 = 30;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(no_alert_fires_on_a_default_installation)]
}

/// What `/metrics` showed, and when.
struct Scrape {
    at: Instant,
    /// Series with their values.
    series: BTreeMap<String, f64>,
    /// Types of metrics by their names.
    types: BTreeMap<String, String>,
}

impl Scrape {
    async fn of(tagwatch: &TagwatchProcess) -> Result<Self> {
        let (at, text) = (Instant::now(), tagwatch.metrics().await?);
        let kind = |line: &str| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            Some((name.to_owned(), kind.to_owned()))
        };
        let types = text.lines().filter_map(kind).collect();
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').context("no value")?;
            series
                .insert(name.to_owned(), value.parse::<f64>().with_context(|| format!("no number: {line}"))?);
        }
        Ok(Self { at, series, types })
    }

    /// The type of a series' metric; those of a histogram's parts are counters.
    fn grows(&self, series: &str) -> bool {
        let name = series.split('{').next().unwrap_or_default();
        match self.types.get(name) {
            Some(kind) => kind == "counter",
            None => true,
        }
    }

    fn sum(&self, metric: &str, label: &str) -> f64 {
        let of = self.series.iter().filter(|(name, _)| name.starts_with(metric) && name.contains(label));
        of.map(|(_, value)| value).sum()
    }
}

/// The series of promtool: counters go on growing as they grew between two scrapes, gauges stay. Times of the clock are
/// moved, since simulated time begins at zero.
fn input_series(before: &Scrape, after: &Scrape, now: f64) -> Vec<Value> {
    let minutes = after.at.duration_since(before.at).as_secs_f64() / 60.0;
    let series = after.series.iter().map(|(name, &value)| {
        let of = name.split('{').next().unwrap_or_default();
        let values = if after.grows(name) {
            let growth = value - before.series.get(name).copied().unwrap_or_default();
            format!("{value}+{}x{MINUTES}", growth / minutes)
        } else if of.ends_with("_timestamp_seconds") || of.ends_with("_time_seconds") {
            format!("{}+0x{MINUTES}", value - now)
        } else {
            format!("{value}+0x{MINUTES}")
        };
        json!({ "series": name, "values": values })
    });
    series.collect()
}

/// A cluster with what many have and a default installation has no rights to: nodes, and a custom kind.
async fn install(kubectl: &Kubectl) -> Result<()> {
    kubectl.run(["apply".as_ref(), "-k".as_ref(), config("crd").as_os_str()]).await?;
    kubectl.run(["apply".as_ref(), "-k".as_ref(), config("default").as_os_str()]).await?;
    kubectl.run(["wait", "--for=condition=established", "crd", "--all", "--timeout=60s"]).await?;
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    kubectl
        .apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "rollouts.argoproj.io" },
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced",
                "names": { "kind": "Rollout", "plural": "rollouts" },
                "versions": [{
                    "name": "v1alpha1", "served": true, "storage": true, "schema": { "openAPIV3Schema": any },
                }],
            },
        }))
        .await?;
    // From then on nothing of the cluster changes: there is no node to run anything.
    let settled = ["--for=jsonpath={.status.unavailableReplicas}=2", "--timeout=60s"];
    kubectl.run(["wait", "deployment/tagwatch", "-n", "tagwatch"].into_iter().chain(settled)).await.map(drop)
}

async fn no_alert_fires_on_a_default_installation() -> Result<()> {
    // Before a control plane is started for nothing.
    programs::folder().await?;
    let control_plane = ControlPlane::start(Options::default()).await?;
    let kubectl = Kubectl::of(&control_plane);
    install(&kubectl).await?;
    let account = Identity::ServiceAccount { namespace: "tagwatch", name: "tagwatch" };
    let folder = TempDir::new()?;
    let kubeconfig = control_plane.kubeconfig_as(account, folder.path()).await?;
    let arguments = ["--policy", "default", "--own-namespace", "tagwatch"];
    let mut tagwatch = TagwatchProcess::start(&kubeconfig, arguments).await?;
    eventually(LIMIT, "the custom kind is known to be out of reach", async || {
        let scrape = Scrape::of(&tagwatch).await?;
        ensure!(scrape.sum("tagwatch_custom_kinds", "forbidden") == 1.0, "it is not");
        ensure!(scrape.sum("tagwatch_workloads", "") > 0.0, "nothing is judged");
        Ok(())
    })
    .await?;
    let before = Scrape::of(&tagwatch).await?;
    // Reviews of rights are the only objects that a controller with nothing to report creates.
    let asked = |scrape: &Scrape| scrape.sum("tagwatch_kube_requests_total", "create");
    eventually(LIMIT, "the missing rights are asked for again", async || {
        let scrape = Scrape::of(&tagwatch).await?;
        ensure!(asked(&scrape) >= asked(&before) + 2.0, "{} creates", asked(&scrape));
        Ok(())
    })
    .await?;
    let after = Scrape::of(&tagwatch).await?;
    let evaluated = |scrape: &Scrape| scrape.sum("tagwatch_reconciles_total", "");
    assert_eq!(evaluated(&after), evaluated(&before), "nothing has changed");
    // A definition that is a moment old can refuse a first list.
    let errors = |scrape: &Scrape| scrape.sum("tagwatch_watch_errors_total", "");
    assert_eq!(errors(&after), errors(&before), "no watch goes on failing");
    let refused = after.sum("tagwatch_watch_errors_total", "reason=\"forbidden\"");
    assert_eq!(refused, 0.0, "a missing right is no error");
    assert_eq!(after.sum("tagwatch_kube_requests_total", "code=\"403\""), 0.0, "no request is refused");
    silent(&before, &after).await?;
    tagwatch.sigterm()?;
    tagwatch.wait(LIMIT).await?;
    control_plane.shutdown().await
}

/// Runs the series through the alerts.
async fn silent(before: &Scrape, after: &Scrape) -> Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
    let looks: Vec<Value> = (1..=MINUTES)
        .map(|minute| {
            let expression = "ALERTS{alertstate=\"firing\"}";
            json!({ "expr": expression, "eval_time": format!("{minute}m"), "exp_samples": [] })
        })
        .collect();
    let test = json!({
        "interval": "1m", "input_series": input_series(before, after, now), "promql_expr_test": looks,
    });
    let file = json!({ "evaluation_interval": "1m", "tests": [test] });
    for order in [Order::Listed, Order::Reversed] {
        programs::file_holds(file.clone(), order).await.context("an alert fires")?;
    }
    Ok(())
}
