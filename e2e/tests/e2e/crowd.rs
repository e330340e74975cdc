//! A tenant whose objects are as large as the API server takes, beside one with a single workload.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::future::try_join;
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Namespace, eventually};
use tokio::time::sleep;

use crate::{
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, container, pod, web, with_image},
    report::Report,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(a_crowd_of_containers_stops_nobody)]
}

const PODS: usize = 25;
/// Of each pod; no two pods have an image in common.
const CONTAINERS: usize = 1_000;
const ROUNDS: usize = 4;
/// SIGTERM ends it within this.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// The slowest probe. A debug build beside a control plane on two cores is no place for the 100 ms that `make bench-hostile`
/// asks of the 99th percentile; one that waits for the index waits longer than this.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// The most memory that was ever resident.
const MEMORY_LIMIT: u64 = 256 << 20;

/// A pod under an owner that all of them share, of a kind that does not exist.
fn crowd_pod(number: usize) -> Value {
    let image = |place: usize| format!("registry.example.com/crowd/p{number}:1.0.{place}");
    let containers: Vec<Value> =
        (0..CONTAINERS).map(|place| container(&format!("c{place}"), &image(place))).collect();
    let mut crowd = pod(&format!("crowd-{number}"), &containers);
    crowd["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "crowd.example.com/v1", "kind": "Crowd", "name": "crowd", "uid": "uid-of-the-crowd",
        "controller": true,
    }]);
    crowd
}

/// The other tenant's workload changes again and again, and so does every pod of the crowd.
async fn change_beside_the_crowd(env: &TestEnv, crowd: &Namespace) -> Result<()> {
    for number in 0..PODS {
        env.create_in(crowd.name(), crowd_pod(number)).await?;
    }
    let pods = env.api_in(crowd.name(), "Pod");
    for round in 0..ROUNDS {
        for number in 0..PODS {
            let containers = json!([{ "name": "c0", "image": format!("registry.example.com/crowd/p{number}:2.0.{round}") }]);
            let patch = Patch::Strategic(json!({ "spec": { "containers": containers } }));
            pods.patch(&format!("crowd-{number}"), &PatchParams::default(), &patch).await?;
        }
        let (image, policy, verdicts): (_, _, &[&str]) = if round % 2 == 0 {
            (LATEST, "IfNotPresent", &["web latest-tag fail", "web stale-pull-policy fail"])
        } else {
            (CLEAN, "IfNotPresent", &PASSES)
        };
        env.patch("Deployment", "web", with_image(image, policy)).await?;
        env.reported("Deployment", "web", verdicts).await.context("beside the crowd")?;
    }
    Ok(())
}

/// Probes it until it is over, and returns how long the slowest answer took.
async fn slowest_probe(tagwatch: &Controller, is_over: &Cell<bool>) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    while !is_over.get() {
        let began = Instant::now();
        tagwatch.is_alive().await?;
        slowest = slowest.max(began.elapsed());
        sleep(PROBE_INTERVAL).await;
    }
    Ok(slowest)
}

async fn a_crowd_of_containers_stops_nobody(env: &TestEnv) -> Result<()> {
    let crowd = Namespace::create(&env.client(), "crowd").await?;
    let both = format!("{},{}", env.namespace(), crowd.name());
    let tagwatch = env.tagwatch_with(&["--namespaces", &both]).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;

    let is_over = Cell::new(false);
    let hostile = async {
        let done = change_beside_the_crowd(env, &crowd).await;
        is_over.set(true);
        done
    };
    let ((), slowest) = try_join(hostile, slowest_probe(&tagwatch, &is_over)).await?;
    ensure!(slowest <= PROBE_LIMIT, "/livez took {slowest:?}");
    let peak = tagwatch.memory()?.peak;
    ensure!(peak <= MEMORY_LIMIT, "{} MiB were resident", peak >> 20);

    // What was left out is named, so that it does not look compliant.
    eventually(LIMIT, "the report of the crowd", || async {
        let reports = env.api_in(crowd.name(), "PolicyReport").list(&ListParams::default()).await?.items;
        let [report] = &reports[..] else { anyhow::bail!("{} reports", reports.len()) };
        let report = Report::from(report.clone());
        let last = report.results().last().context("no results")?;
        let limits = &last["properties"]["limits"];
        ensure!(
            *limits == json!("there are more containers than are checked of one workload"),
            "{} has {limits}",
            report.0.name_any()
        );
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", crowd.name()), ("status", "error")], 1.0).await?;
    tagwatch.counts("tagwatch_reconcile_panics_total", &[], 0.0).await?;

    // While it is at work.
    let pods = env.api_in(crowd.name(), "Pod");
    let patch = Patch::Strategic(json!({ "spec": { "containers": [{ "name": "c0", "image": CLEAN }] } }));
    for number in 0..PODS {
        pods.patch(&format!("crowd-{number}"), &PatchParams::default(), &patch).await?;
    }
    tagwatch.end_within(END_LIMIT).await?;
    crowd.delete().await
}
