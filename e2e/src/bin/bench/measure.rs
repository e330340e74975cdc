//! The measurement from start to end.

use anyhow::{Context, Result};
use std::sync::Arc;

use crate::{
    args::Args,
    audit,
    change::changes,
    cluster::Cluster,
    fill::{self, AGENT, Fill, Usage},
    post_loop::{self, Body},
    progress,
    restart::{Restart, restart},
    scrape::{Scrape, scrape},
    spread::Percentiles,
};

/// Everything that the table shows.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) kubernetes: String,
    pub(crate) rounds: Vec<Round>,
    /// Milliseconds.
    pub(crate) changes: Percentiles,
    pub(crate) change_writes: usize,
    pub(crate) after_changes: Usage,
    pub(crate) restart: Restart,
    pub(crate) scrape: Scrape,
}

/// One fill by each side.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) tagwatch: Fill,
    /// Seconds.
    pub(crate) post_loop: f64,
}

impl Round {
    pub(crate) fn ratio(&self) -> f64 {
        self.tagwatch.seconds / self.post_loop
    }
}

/// Measures all of it on a control plane of its own.
pub(crate) async fn measure(args: &Args) -> Result<Measurement> {
    let workloads = args.workloads.get();
    progress("starting a control plane");
    let cluster = Cluster::start().await?;
    progress(&format!("creating {workloads} Deployments"));
    cluster.deploy(workloads).await?;

    let bodies = warm_up(&cluster, workloads).await?;
    let mut rounds = Vec::new();
    let mut running = None;
    for number in 1..=args.rounds.get() {
        if let Some(tagwatch) = running.take() {
            fill::stop(tagwatch).await?;
        }
        cluster.delete_reports().await?;
        let post_loop = post_loop::fill(&cluster, &bodies).await?;
        cluster.delete_reports().await?;
        let (tagwatch, process) = fill::fill(&cluster, workloads).await?;
        running = Some(process);
        let round = Round { tagwatch, post_loop };
        progress(&format!(
            "round {number}: POST loop {:.2} s, tagwatch {:.2} s, ratio {:.2}",
            round.post_loop,
            round.tagwatch.seconds,
            round.ratio()
        ));
        rounds.push(round);
    }
    let tagwatch = running.context("no round")?;

    progress(&format!("{} changes", args.changes));
    let mark = cluster.audit_log().mark()?;
    let times = changes(&cluster, workloads, args.changes.get()).await?;
    let after_changes = Usage::of(&tagwatch)?;
    fill::stop(tagwatch).await?;
    let change_writes = audit::writes(&cluster.audit_log(), mark, AGENT)?.count();

    progress("a restart on the unchanged cluster");
    let restart = restart(&cluster, workloads).await?;
    let scrape = scrape(&cluster, args.series.get()).await?;
    let kubernetes = cluster.version().await?;
    cluster.shutdown().await?;
    let times = times.iter().map(|time| time.as_secs_f64() * 1_000.0);
    let changes = Percentiles::of(times).context("no change")?;
    Ok(Measurement { kubernetes, rounds, changes, change_writes, after_changes, restart, scrape })
}

/// A round that is not counted: the API server meets the report API for the first time. tagwatch's reports
/// become the bodies of the POST loop.
async fn warm_up(cluster: &Cluster, workloads: u32) -> Result<Arc<[Body]>> {
    let (fill, tagwatch) = fill::fill(cluster, workloads).await?;
    fill::stop(tagwatch).await?;
    let bodies = post_loop::bodies(cluster.check_reports().await?)?;
    cluster.delete_reports().await?;
    let post_loop = post_loop::fill(cluster, &bodies).await?;
    progress(&format!("warm-up, not counted: tagwatch {:.2} s, POST loop {post_loop:.2} s", fill.seconds));
    Ok(bodies)
}
