//! From a changed image to the report that says so.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::{Stream, TryStreamExt, future};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use kube_runtime::watcher::{self, Event, watcher};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    cluster::{Cluster, REPORT_SELECTOR},
    deployments::{self, CONTAINER},
};

const LIMIT: Duration = Duration::from_mins(1);

type Item = watcher::Result<Event<DynamicObject>>;

/// Makes one change after another, each with the number of its Deployment, and waits each time until a watch of these
/// reports shows the new image. Returns the time of each change, from just before the PATCH is sent.
pub(crate) async fn changes(
    cluster: &Cluster,
    reports: Api<DynamicObject>,
    changes: impl IntoIterator<Item = (u32, u32)>,
) -> Result<Vec<Duration>> {
    let config = watcher::Config::default().labels(REPORT_SELECTOR);
    let mut reports = pin!(watcher(reports, config));
    timeout(LIMIT, initial_state(&mut reports)).await.context("no initial state of the reports")??;
    let mut times = Vec::new();
    for (change, number) in changes {
        let image = deployments::changed_image(number, change);
        let one = one_change(cluster, &mut reports, number, &image);
        let time = timeout(LIMIT, one).await.with_context(|| format!("change {change} had no effect"))??;
        times.push(time);
    }
    Ok(times)
}

async fn initial_state(reports: &mut (impl Stream<Item = Item> + Unpin)) -> Result<()> {
    while let Some(event) = reports.try_next().await? {
        if matches!(event, Event::InitDone) {
            return Ok(());
        }
    }
    bail!("the watch of the reports has ended")
}

async fn one_change(
    cluster: &Cluster,
    reports: &mut (impl Stream<Item = Item> + Unpin),
    number: u32,
    image: &str,
) -> Result<Duration> {
    let api = cluster.api::<Deployment>(number);
    let name = deployments::name(number);
    let containers = json!([{ "name": CONTAINER, "image": image }]);
    let patch = Patch::Strategic(json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    let params = PatchParams::default();
    let sent = Instant::now();
    let patched = async { Ok(api.patch(&name, &params, &patch).await?) };
    // The report can be there before the answer to the PATCH is.
    let (_, arrived) = future::try_join(patched, arrival(reports, image)).await?;
    Ok(arrived - sent)
}

/// When a report arrives that speaks of the image.
async fn arrival(reports: &mut (impl Stream<Item = Item> + Unpin), image: &str) -> Result<Instant> {
    while let Some(event) = reports.try_next().await? {
        if let Event::Apply(report) = event
            && speaks_of(&report.data, image)
        {
            return Ok(Instant::now());
        }
    }
    bail!("the watch of the reports has ended")
}

fn speaks_of(report: &Value, image: &str) -> bool {
    let results = report["results"].as_array();
    results.is_some_and(|results| results.iter().any(|result| result["properties"]["image"] == image))
}
