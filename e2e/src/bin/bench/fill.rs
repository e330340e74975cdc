//! One fill: tagwatch starts on a cluster without reports, and writes all of them.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use http::StatusCode;
use k8s_openapi::jiff::Timestamp;
use tagwatch_e2e::{Memory, TagwatchProcess, eventually};

use crate::{audit, cluster::Cluster};

/// What tagwatch's `User-Agent` begins with.
pub(crate) const AGENT: &str = "tagwatch/";
/// SIGTERM ends it within this.
const END_LIMIT: Duration = Duration::from_secs(5);
const READY_LIMIT: Duration = Duration::from_mins(2);

/// What one fill took.
#[derive(Debug)]
pub(crate) struct Fill {
    /// From just before the process is started until the API server had answered the last creation.
    pub(crate) seconds: f64,
    /// Requests of any kind that write.
    pub(crate) writes: usize,
    pub(crate) usage: Usage,
}

/// What a process has used since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) memory: Memory,
}

impl Usage {
    pub(crate) fn of(tagwatch: &TagwatchProcess) -> Result<Self> {
        Ok(Self { cpu: tagwatch.cpu_time()?, memory: tagwatch.memory()? })
    }
}

/// Fills the cluster. tagwatch keeps running.
pub(crate) async fn fill(cluster: &Cluster, workloads: u32) -> Result<(Fill, TagwatchProcess)> {
    let log = cluster.audit_log();
    let mark = log.mark().await?;
    let started = Timestamp::now();
    let tagwatch = start(cluster).await?;
    let last = audit::last_created(&log, mark, AGENT, workloads).await?;
    ready(&tagwatch).await?;
    let usage = Usage::of(&tagwatch)?;
    let writes = audit::writes(&log, mark, AGENT).await?.count();
    Ok((Fill { seconds: audit::seconds(started, last), writes, usage }, tagwatch))
}

/// Starts `tagwatch run` with the rights of its service account.
pub(crate) async fn start(cluster: &Cluster) -> Result<TagwatchProcess> {
    TagwatchProcess::start(cluster.kubeconfig(), ["--log-level", "warn"]).await
}

/// Waits until every workload has been evaluated.
pub(crate) async fn ready(tagwatch: &TagwatchProcess) -> Result<()> {
    ready_within(tagwatch, READY_LIMIT).await
}

/// The same on a cluster that takes longer.
pub(crate) async fn ready_within(tagwatch: &TagwatchProcess, limit: Duration) -> Result<()> {
    eventually(limit, "tagwatch is ready", || async {
        let (status, text) = tagwatch.get("/readyz").await?;
        ensure!(status == StatusCode::OK, "{text}");
        Ok(())
    })
    .await
}

/// Ends tagwatch, and waits for that: its watches are in the audit log then.
pub(crate) async fn stop(mut tagwatch: TagwatchProcess) -> Result<()> {
    tagwatch.sigterm()?;
    let status = tagwatch.wait(END_LIMIT).await?;
    if !status.success() {
        bail!("tagwatch ended with {status}; its log:\n{}", std::fs::read_to_string(tagwatch.log())?);
    }
    Ok(())
}
