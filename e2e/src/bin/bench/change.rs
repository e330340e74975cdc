//! From a changed image to the report that says so.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::{Stream, StreamExt, future};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event, watcher},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    cluster::{Cluster, REPORT_SELECTOR},
    deployments::{self, CONTAINER},
    progress,
};

/// A change takes this long at most: longer than an API server that is flooded shows it.
const LIMIT: Duration = Duration::from_mins(5);

type Item<K> = watcher::Result<Event<K>>;

/// One change, from just before its PATCH is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// Until a watch of the reports shows the new image.
    pub(crate) reported: Duration,
    /// How much later that is than a bare watch of the Deployments of the cluster, such as tagwatch has one, shows it.
    pub(crate) behind_watch: Duration,
}

/// Makes one change after another, each with the number of its Deployment, and waits each time until a watch of these
/// reports and one of Deployments show the new image.
pub(crate) async fn changes(
    cluster: &Cluster,
    reports: Api<DynamicObject>,
    changes: impl IntoIterator<Item = (u32, u32)>,
) -> Result<Vec<Change>> {
    let config = watcher::Config::default().labels(REPORT_SELECTOR);
    let mut reports = pin!(watcher(reports, config).default_backoff());
    let deployments: Api<Deployment> = Api::all(cluster.admin());
    let mut deployments = pin!(watcher(deployments, watcher::Config::default()).default_backoff());
    let initial =
        async { future::try_join(initial_state(&mut reports), initial_state(&mut deployments)).await };
    timeout(LIMIT, initial).await.context("no initial state")??;
    let mut made = Vec::new();
    for (change, number) in changes {
        let image = deployments::changed_image(number, change);
        let one = one_change(cluster, &mut reports, &mut deployments, number, &image);
        let one = timeout(LIMIT, one).await.with_context(|| format!("change {change} had no effect"))??;
        made.push(one);
    }
    Ok(made)
}

async fn initial_state<K>(objects: &mut (impl Stream<Item = Item<K>> + Unpin)) -> Result<()> {
    while !matches!(next(objects).await?, Event::InitDone) {}
    Ok(())
}

/// A watch that fails, as it may beside a tenant that floods the API server, begins again by itself.
async fn next<K>(objects: &mut (impl Stream<Item = Item<K>> + Unpin)) -> Result<Event<K>> {
    loop {
        match objects.next().await {
            Some(Ok(event)) => return Ok(event),
            Some(Err(failure)) => progress(&format!("a watch of the benchmark begins again: {failure}")),
            None => bail!("a watch has ended"),
        }
    }
}

async fn one_change(
    cluster: &Cluster,
    reports: &mut (impl Stream<Item = Item<DynamicObject>> + Unpin),
    deployments: &mut (impl Stream<Item = Item<Deployment>> + Unpin),
    number: u32,
    image: &str,
) -> Result<Change> {
    let api = cluster.api::<Deployment>(number);
    let name = deployments::name(number);
    let containers = json!([{ "name": CONTAINER, "image": image }]);
    let patch = Patch::Strategic(json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    let params = PatchParams::default();
    let sent = Instant::now();
    let patched = async { Ok(api.patch(&name, &params, &patch).await?) };
    // The report can be there before the answer to the PATCH is.
    let reported = arrival(reports, |report| speaks_of(&report.data, image));
    let watched = arrival(deployments, |deployment| names(deployment, image));
    let (_, reported, watched) = future::try_join3(patched, reported, watched).await?;
    let behind_watch = reported.saturating_duration_since(watched);
    Ok(Change { reported: reported - sent, behind_watch })
}

/// When an object arrives that is as wanted. It may come with a new list, where the watch had to begin again.
async fn arrival<K>(
    objects: &mut (impl Stream<Item = Item<K>> + Unpin),
    is_wanted: impl Fn(&K) -> bool,
) -> Result<Instant> {
    loop {
        if let Event::Apply(object) | Event::InitApply(object) = next(objects).await?
            && is_wanted(&object)
        {
            return Ok(Instant::now());
        }
    }
}

fn names(deployment: &Deployment, image: &str) -> bool {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.is_some_and(|pod| pod.containers.iter().any(|container| container.image.as_deref() == Some(image)))
}

fn speaks_of(report: &Value, image: &str) -> bool {
    let results = report["results"].as_array();
    results.is_some_and(|results| results.iter().any(|result| result["properties"]["image"] == image))
}
