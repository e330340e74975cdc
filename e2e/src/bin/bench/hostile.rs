//! A tenant whose objects are as large and as many as the API server takes, beside tenants with ordinary ones: how long
//! their changes take to reach a report, whether probes are answered, and how much memory it costs.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, future::try_join3, stream};
use http::StatusCode;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, ServiceAccount},
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tagwatch_e2e::{TagwatchProcess, eventually};
use tokio::time::sleep;

use crate::{
    change::changes,
    cluster::Cluster,
    deployments::{self, NAMESPACES},
    fill::{self, Usage},
    progress,
    spread::Percentiles,
};

/// The tenant's namespace.
const NAMESPACE: &str = "bench-hostile";
/// Ordinary Deployments of others, in the first of the benchmark's namespaces.
const OTHERS: u32 = 50;
/// Requests of the tenant at the same time.
const CONCURRENCY: usize = 4;
/// Between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_mins(1);
/// How often the tenant tries again what the API server was too slow for.
const TRIES: usize = 20;
const TRY_INTERVAL: Duration = Duration::from_secs(1);
/// How often every pod of the first shape changes once it is there.
const CHURN: u32 = 3;

/// What the tenant does, at 100 percent.
pub(crate) const CROWD_PODS: u32 = 60;
/// Containers of each of them, with images that no other pod has.
pub(crate) const CROWD_CONTAINERS: u32 = 1_000;
/// Deployments with an image of [`LONG_IMAGE`] bytes.
pub(crate) const LONG_IMAGES: u32 = 200;
const LONG_IMAGE: usize = 1_300_000;
/// Pods without a controller that cannot pull their image.
pub(crate) const FAILING_PODS: u32 = 20_000;
/// Pods of one owner.
pub(crate) const OWNED_PODS: u32 = 5_000;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Hostile {
    /// From a change of another tenant to its report, in milliseconds, before the tenant came and meanwhile.
    pub(crate) before: Percentiles,
    pub(crate) meanwhile: Percentiles,
    /// How much later that is than a bare watch shows the change, in milliseconds.
    pub(crate) behind_watch: Percentiles,
    /// How many changes that were.
    pub(crate) changes: usize,
    /// From a request to `/livez` to its answer, in milliseconds, meanwhile.
    pub(crate) probes: Percentiles,
    pub(crate) usage: Usage,
    /// From SIGTERM to the end of the process, right behind the last change, in seconds.
    pub(crate) end: f64,
}

/// Runs the tenant at so many percent of its size.
pub(crate) async fn hostile(cluster: &Cluster, percent: u32) -> Result<Hostile> {
    let tenant = Tenant::create(cluster, percent).await?;
    for other in others() {
        let object = deployments::deployment(other)?;
        let api = cluster.api::<Deployment>(other);
        if api.get_opt(&deployments::name(other)).await?.is_none() {
            api.create(&PostParams::default(), &object).await?;
        }
    }
    let tagwatch = fill::start(cluster).await?;
    fill::ready(&tagwatch).await?;
    let reports = || cluster.report_api_in(&deployments::namespace(0));
    let before = changes(cluster, reports(), (0..).zip(others())).await?;

    progress(&format!("a hostile tenant, at {percent} % of its size"));
    let over = AtomicBool::new(false);
    let is_over = || over.load(Ordering::Relaxed);
    let hostile = async {
        let done = tenant.run().await;
        over.store(true, Ordering::Relaxed);
        done
    };
    let again = (OTHERS..).zip(others().cycle()).take_while(|_| !is_over());
    let meanwhile = changes(cluster, reports(), again);
    let ((), meanwhile, probes) = try_join3(hostile, meanwhile, probes(&tagwatch, is_over)).await?;
    let usage = Usage::of(&tagwatch)?;
    let asked = Instant::now();
    fill::stop(tagwatch).await?;
    let end = asked.elapsed().as_secs_f64();
    Ok(Hostile {
        before: milliseconds(before.iter().map(|change| change.reported))?,
        changes: meanwhile.len(),
        meanwhile: milliseconds(meanwhile.iter().map(|change| change.reported))?,
        behind_watch: milliseconds(meanwhile.iter().map(|change| change.behind_watch))?,
        probes: milliseconds(probes)?,
        usage,
        end,
    })
}

/// The Deployments of other tenants, by number: all in the first namespace.
fn others() -> impl Iterator<Item = u32> + Clone {
    (0..OTHERS).map(|number| number * NAMESPACES)
}

fn milliseconds(times: impl IntoIterator<Item = Duration>) -> Result<Percentiles> {
    let times = times.into_iter().map(|time| time.as_secs_f64() * 1_000.0);
    Percentiles::of(times).context("nothing was measured")
}

/// How long each answer of `/livez` took until this says that it is over.
async fn probes(tagwatch: &TagwatchProcess, is_over: impl Fn() -> bool) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !is_over() || times.is_empty() {
        let asked = Instant::now();
        let (status, text) = tagwatch.get("/livez").await?;
        ensure!(status == StatusCode::OK, "{status}: {text}");
        times.push(asked.elapsed());
        sleep(PROBE_INTERVAL).await;
    }
    Ok(times)
}

/// The hostile tenant.
struct Tenant {
    pods: Api<Pod>,
    deployments: Api<Deployment>,
    percent: u32,
}

impl Tenant {
    async fn create(cluster: &Cluster, percent: u32) -> Result<Self> {
        cluster.create_namespace(NAMESPACE.to_owned()).await?;
        for number in 0..NAMESPACES {
            // They are there if another part has been measured.
            let _ = cluster.create_namespace(deployments::namespace(number)).await;
        }
        let client = cluster.admin();
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAMESPACE);
        // Without it, pods are refused.
        eventually(LIMIT, "a default service account", async || Ok(accounts.get("default").await?)).await?;
        Ok(Self {
            pods: Api::namespaced(client.clone(), NAMESPACE),
            deployments: Api::namespaced(client, NAMESPACE),
            percent,
        })
    }

    fn share(&self, of: u32) -> u32 {
        (of * self.percent).div_ceil(100)
    }

    async fn run(&self) -> Result<()> {
        let containers = self.share(CROWD_CONTAINERS);
        let crowd = self.share(CROWD_PODS);
        progress(&format!("{crowd} pods of {containers} containers"));
        each(crowd, |pod| self.create_pod(crowd_pod(pod, containers))).await?;
        for round in 0..CHURN {
            each(crowd, |pod| self.change_pod(pod, round)).await?;
        }
        let long = self.share(LONG_IMAGES);
        progress(&format!("{long} Deployments with an image of {LONG_IMAGE} bytes"));
        each(long, |number| self.create_deployment(number)).await?;
        let owned = self.share(OWNED_PODS);
        progress(&format!("{owned} pods of one owner"));
        each(owned, |pod| self.create_pod(owned_pod(pod))).await?;
        let failing = self.share(FAILING_PODS);
        progress(&format!("{failing} pods that cannot pull their image"));
        each(failing, |pod| self.fail(pod)).await
    }

    async fn create_pod(&self, pod: Value) -> Result<()> {
        self.pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
        Ok(())
    }

    async fn change_pod(&self, pod: u32, round: u32) -> Result<()> {
        let containers =
            json!([{ "name": "c0", "image": format!("registry.example/crowd/p{pod}:2.0.{round}") }]);
        let patch = Patch::Strategic(json!({ "spec": { "containers": containers } }));
        self.pods.patch(&format!("crowd-{pod}"), &PatchParams::default(), &patch).await?;
        Ok(())
    }

    async fn create_deployment(&self, number: u32) -> Result<()> {
        let labels = json!({ "app": format!("long-{number}") });
        let image = format!("registry.example/{}", "x".repeat(LONG_IMAGE));
        let deployment = json!({
            "metadata": { "name": format!("long-{number}") },
            "spec": {
                "replicas": 0,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "long", "image": image }] },
                },
            },
        });
        self.deployments.create(&PostParams::default(), &serde_json::from_value(deployment)?).await?;
        Ok(())
    }

    async fn fail(&self, pod: u32) -> Result<()> {
        let name = format!("failing-{pod:05}");
        let image = "registry.example/hostile/missing:1.0.0";
        self.create_pod(json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "app", "image": image }] },
        }))
        .await?;
        let waiting = json!({ "waiting": { "reason": "ImagePullBackOff" } });
        let status = json!({ "name": "app", "image": image, "imageID": "", "ready": false, "restartCount": 0, "state": waiting });
        let patch = json!({ "status": { "phase": "Pending", "containerStatuses": [status] } });
        self.pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }
}

/// A pod of a thousand containers, under an owner that all of them share and that is of no kind that exists.
fn crowd_pod(pod: u32, containers: u32) -> Value {
    let container = |number: u32| json!({ "name": format!("c{number}"), "image": format!("registry.example/crowd/p{pod}:1.0.{number}") });
    let containers: Vec<Value> = (0..containers).map(container).collect();
    json!({
        "metadata": { "name": format!("crowd-{pod}"), "ownerReferences": [owner("crowd")] },
        "spec": { "containers": containers },
    })
}

/// One of many pods of one owner, each with an image of its own.
fn owned_pod(pod: u32) -> Value {
    let container = json!({ "name": "app", "image": format!("registry.example/owned:1.0.{pod}") });
    json!({
        "metadata": { "name": format!("owned-{pod}"), "ownerReferences": [owner("fleet")] },
        "spec": { "containers": [container] },
    })
}

fn owner(name: &str) -> Value {
    json!({
        "apiVersion": "hostile.example/v1", "kind": "Fleet", "name": name, "uid": format!("uid-of-{name}"),
        "controller": true,
    })
}

/// Does something for each number, a few at the same time.
async fn each<F: Future<Output = Result<()>>>(count: u32, work: impl Fn(u32) -> F) -> Result<()> {
    let work = &work;
    let persistent = |number| async move {
        let mut tries = 0;
        loop {
            tries += 1;
            match work(number).await {
                Err(error) if tries < TRIES && is_overload(&error) => sleep(TRY_INTERVAL).await,
                // Stored, although the answer to an earlier try said otherwise.
                Err(error) if code(&error) == Some(409) => return Ok(()),
                done => return done,
            }
        }
    };
    stream::iter(0..count).map(persistent).buffer_unordered(CONCURRENCY).try_collect().await
}

/// Whether the API server, or its store, was too slow: the tenant does not give up.
fn is_overload(error: &anyhow::Error) -> bool {
    code(error).is_some_and(|code| code == 429 || code >= 500)
}

fn code(error: &anyhow::Error) -> Option<u16> {
    match error.downcast_ref::<kube::Error>()? {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}
