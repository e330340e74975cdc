//! The largest clusters: memory, starts and latency with as many objects as one cluster can hold.
//!
//! The load is made straight through the API while the controller manager is stopped, so that minutes are enough. All
//! of it shares the machine with etcd and the API server; what is compared with an aim is memory, a count, or a ratio
//! to a raw client in the same run.

mod fleet;
mod rows;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join;
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::{Namespace, Pod, ReplicationController},
};
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams},
};
use serde::de::DeserializeOwned;
use tagwatch_e2e::{Component, Memory, TagwatchProcess};
use tokio::time::sleep;

use crate::{
    audit,
    change::{Change, changes},
    cluster::Cluster,
    fill::{self, AGENT},
    post_loop, progress,
    restart::restart,
    spread::Percentiles,
};
use fleet::{Fleet, PODS};
pub(crate) use rows::{note, rows};

/// Deployments of the two sizes of a cluster of Deployments, at 100 percent: 10,000 and 150,000 pods.
const DEPLOYMENTS: [u32; 2] = [500, 7_500];
/// Workloads of the cluster in which each has a report, at 100 percent.
const BARE_PODS: u32 = 10_000;
const BARE_DEPLOYMENTS: u32 = 1_000;
/// Heartbeats of pods that change nothing, at 100 percent.
const HEARTBEATS: u32 = 5_000;
/// Image changes beside pods that change all the time.
const CHANGES: u32 = 200;
/// Pods that change meanwhile, a second, as far as the API server takes so many.
const CHURN: u32 = 1_000;
/// The page size of the raw list: that of kubectl.
const PAGE: u32 = 500;
const READY_LIMIT: Duration = Duration::from_mins(15);
/// Memory has settled once it stays within a percent for so long: longer than jemalloc keeps pages that are free.
const SETTLED: Duration = Duration::from_secs(15);
const SETTLED_LIMIT: Duration = Duration::from_mins(2);

/// What was measured.
#[derive(Debug)]
pub(crate) struct Scale {
    percent: u32,
    sizes: Vec<Size>,
    reports: WithReports,
}

/// tagwatch on a cluster of Deployments with pods.
#[derive(Debug)]
struct Size {
    deployments: u32,
    pods: u32,
    memory: Memory,
}

/// tagwatch on a cluster in which each workload has a report.
#[derive(Debug)]
struct WithReports {
    workloads: u32,
    /// Seconds until all reports are stored, by tagwatch and by the POST loop.
    fill: f64,
    post_loop: f64,
    /// Bytes that a workload with its report takes beyond an empty cluster, without the console and with it.
    retained: [f64; 2],
    /// Until it is ready, and what the restart has written.
    restart: Duration,
    restart_writes: usize,
    /// A raw list of the same objects.
    raw_list: Duration,
    heartbeats: u32,
    heartbeat_writes: usize,
    /// CPU time of tagwatch and of the API server during the heartbeats.
    heartbeat_cpu: [Duration; 2],
    beside_others: BesideOthers,
}

/// Image changes while pods of others change.
#[derive(Debug)]
struct BesideOthers {
    /// From a change to its report, in milliseconds.
    reported: Percentiles,
    /// How much later that is than a bare watch of the Deployments shows the change, in milliseconds.
    behind_watch: Percentiles,
    /// How many other pods changed a second.
    churn: f64,
}

/// Measures both clusters, one after the other, at so many percent of their sizes.
pub(crate) async fn scale(percent: u32) -> Result<(String, Scale)> {
    let share = |of: u32| (of * percent).div_ceil(100);
    let cluster = without_controllers().await?;
    let version = cluster.version().await?;
    let fleet = Fleet::new(&cluster).await?;
    let mut sizes = Vec::new();
    let mut made = 0;
    for deployments in DEPLOYMENTS.map(share) {
        progress(&format!("{deployments} Deployments with {} pods", deployments * PODS));
        fleet.rolled_out(made..deployments).await?;
        made = deployments;
        // The first start writes the reports; what is measured is a start on a cluster that has them.
        fill::stop(ready(&cluster, &[]).await?).await?;
        let tagwatch = ready(&cluster, &[]).await?;
        let memory = settled(&tagwatch).await?;
        fill::stop(tagwatch).await?;
        sizes.push(Size { deployments, pods: deployments * PODS, memory });
    }
    cluster.shutdown().await?;

    let cluster = without_controllers().await?;
    let counts = Counts {
        pods: share(BARE_PODS),
        deployments: share(BARE_DEPLOYMENTS),
        heartbeats: share(HEARTBEATS),
    };
    let reports = with_reports(&cluster, &counts).await?;
    cluster.shutdown().await?;
    Ok((version, Scale { percent, sizes, reports }))
}

async fn without_controllers() -> Result<Cluster> {
    progress("starting a control plane without controllers");
    let cluster = Cluster::start().await?;
    cluster.stop(Component::ControllerManager).await?;
    Ok(cluster)
}

struct Counts {
    pods: u32,
    deployments: u32,
    heartbeats: u32,
}

async fn with_reports(cluster: &Cluster, counts: &Counts) -> Result<WithReports> {
    let &Counts { pods, deployments, heartbeats } = counts;
    let workloads = pods + deployments;
    let fleet = Fleet::new(cluster).await?;
    let empty = retained(cluster).await?;
    progress(&format!("{pods} pods and {deployments} Deployments, each with a report"));
    fleet.deployments(0..deployments).await?;
    fleet.bare_pods(0..pods).await?;

    // Once without counting: the API server meets so many reports for the first time, and these are the POST loop's.
    let (_, tagwatch) = fill::fill(cluster, workloads).await?;
    fill::stop(tagwatch).await?;
    let bodies = post_loop::bodies(cluster.reports().await?)?;
    cluster.delete_reports().await?;
    let post_loop = post_loop::fill(cluster, &bodies).await?;
    cluster.delete_reports().await?;
    let (filled, tagwatch) = fill::fill(cluster, workloads).await?;
    fill::stop(tagwatch).await?;
    progress(&format!("POST loop {post_loop:.1} s, tagwatch {:.1} s", filled.seconds));

    progress("a restart, beside a raw list of the same objects");
    let raw_list = raw_list(&cluster.admin(), &cluster.report_api()).await?;
    let restarted = restart(cluster, workloads).await?;
    let full = retained(cluster).await?;

    let tagwatch = ready(cluster, &[]).await?;
    progress(&format!("{heartbeats} heartbeats"));
    let mark = cluster.audit_log().mark().await?;
    let cpu = || Ok::<_, anyhow::Error>([tagwatch.cpu_time()?, cluster.cpu_time(Component::ApiServer)?]);
    let before = cpu()?;
    fleet.heartbeats((0..heartbeats).map(|number| number % pods)).await?;
    let after = cpu()?;
    let heartbeat_writes = audit::writes_or_none(&cluster.audit_log(), mark, AGENT).await?;

    progress(&format!("{CHANGES} changes beside {CHURN} pods that change a second"));
    let beside_others = changes_beside_others(cluster, &fleet, pods, deployments).await?;
    fill::stop(tagwatch).await?;
    Ok(WithReports {
        workloads,
        fill: filled.seconds,
        post_loop,
        retained: [0, 1].map(|console| (full[console] - empty[console]) / f64::from(workloads)),
        restart: restarted.ready,
        restart_writes: restarted.writes,
        raw_list,
        heartbeats,
        heartbeat_writes,
        heartbeat_cpu: [0, 1].map(|process| after[process].saturating_sub(before[process])),
        beside_others,
    })
}

/// Makes image changes, one after another, while pods of others change.
async fn changes_beside_others(
    cluster: &Cluster,
    fleet: &Fleet<'_>,
    pods: u32,
    deployments: u32,
) -> Result<BesideOthers> {
    let over = std::cell::Cell::new(false);
    let others = async {
        let (started, mut made) = (Instant::now(), 0);
        while !over.get() {
            let second = Instant::now();
            fleet.heartbeats((made..made + CHURN / 10).map(|number| number % pods)).await?;
            made += CHURN / 10;
            sleep(Duration::from_millis(100).saturating_sub(second.elapsed())).await;
        }
        anyhow::Ok(f64::from(made) / started.elapsed().as_secs_f64())
    };
    let measured = async {
        let numbers = (0..CHANGES).map(|change| (change, change % deployments));
        let done = changes(cluster, cluster.report_api(), numbers).await;
        over.set(true);
        done
    };
    let (churn, times) = try_join(others, measured).await?;
    let percentiles = |time: fn(&Change) -> Duration| {
        Percentiles::of(times.iter().map(|change| time(change).as_secs_f64() * 1_000.0)).context("no change")
    };
    Ok(BesideOthers {
        reported: percentiles(|change| change.reported)?,
        behind_watch: percentiles(|change| change.behind_watch)?,
        churn,
    })
}

/// tagwatch, once it is ready.
async fn ready(cluster: &Cluster, more: &[&str]) -> Result<TagwatchProcess> {
    let arguments = ["--log-level", "warn"].iter().chain(more);
    let tagwatch = TagwatchProcess::start(cluster.kubeconfig(), arguments).await?;
    fill::ready_within(&tagwatch, READY_LIMIT).await?;
    Ok(tagwatch)
}

/// Resident bytes of a process that has settled, without the console and with it.
async fn retained(cluster: &Cluster) -> Result<[f64; 2]> {
    let mut found = [0.0; 2];
    let console = ["--console-address=127.0.0.1:0", "--console-auth=none"];
    for (resident, arguments) in found.iter_mut().zip([&[][..], &console[..]]) {
        let tagwatch = ready(cluster, arguments).await?;
        let memory = settled(&tagwatch).await?;
        fill::stop(tagwatch).await?;
        *resident = f64::from(u32::try_from(memory.resident / 1_024)?) * 1_024.0;
    }
    Ok(found)
}

/// Memory once it no longer changes much.
async fn settled(tagwatch: &TagwatchProcess) -> Result<Memory> {
    let started = Instant::now();
    let mut last = tagwatch.memory()?;
    let mut since = Instant::now();
    while since.elapsed() < SETTLED && started.elapsed() < SETTLED_LIMIT {
        sleep(Duration::from_millis(500)).await;
        let now = tagwatch.memory()?;
        if now.resident.abs_diff(last.resident) > last.resident / 100 {
            (last, since) = (now, Instant::now());
        }
    }
    tagwatch.memory()
}

/// How long a client takes that reads each object which tagwatch watches, page by page, and does nothing with it.
async fn raw_list(client: &Client, reports: &Api<DynamicObject>) -> Result<Duration> {
    let started = Instant::now();
    pages::<Namespace>(&Api::all(client.clone())).await?;
    pages::<Deployment>(&Api::all(client.clone())).await?;
    pages::<ReplicaSet>(&Api::all(client.clone())).await?;
    pages::<StatefulSet>(&Api::all(client.clone())).await?;
    pages::<DaemonSet>(&Api::all(client.clone())).await?;
    pages::<ReplicationController>(&Api::all(client.clone())).await?;
    pages::<Job>(&Api::all(client.clone())).await?;
    pages::<CronJob>(&Api::all(client.clone())).await?;
    pages::<Pod>(&Api::all(client.clone())).await?;
    pages(reports).await?;
    Ok(started.elapsed())
}

async fn pages<K>(api: &Api<K>) -> Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await?;
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}
