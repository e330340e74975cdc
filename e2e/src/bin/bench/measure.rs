//! The measurement from start to end.

use std::sync::Arc;

use anyhow::{Context, Result};
use tagwatch_e2e::Browser;

use crate::{
    args::{Args, Part},
    audit,
    change::changes,
    cluster::Cluster,
    console::{Console, console},
    fill::{self, AGENT, Fill, Usage},
    footprint::{Footprint, footprint},
    hostile::{Hostile, hostile},
    post_loop::{self, Body},
    progress,
    restart::{Restart, restart},
    scale::{Scale, scale},
    scrape::{Scrape, scrape},
    spread::Percentiles,
};

/// Everything that the table shows: what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Measurement {
    /// The version of the control plane, if one was needed.
    pub(crate) kubernetes: Option<String>,
    pub(crate) reports: Option<Reports>,
    /// Or why there is no browser to measure it with.
    pub(crate) console: Option<Result<Console, String>>,
    pub(crate) scrape: Option<Scrape>,
    pub(crate) hostile: Option<Hostile>,
    pub(crate) footprint: Option<Footprint>,
    pub(crate) scale: Option<Scale>,
}

/// How fast reports are written, and what that takes.
#[derive(Debug)]
pub(crate) struct Reports {
    pub(crate) rounds: Vec<Round>,
    /// Time from a change to its stored report, in milliseconds.
    pub(crate) changes: Percentiles,
    pub(crate) change_writes: usize,
    pub(crate) after_changes: Usage,
    pub(crate) restart: Restart,
}

/// One fill by each side.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) tagwatch: Fill,
    /// Time of the bare POST loop that the round is compared with, in seconds.
    pub(crate) post_loop: f64,
}

impl Round {
    pub(crate) fn ratio(&self) -> f64 {
        self.tagwatch.seconds / self.post_loop
    }
}

/// Measures all that is asked for, on a control plane of its own where that needs one.
pub(crate) async fn measure(args: &Args) -> Result<Measurement> {
    // First, so that a missing browser is reported early.
    let browser = if args.asks_for(Part::Console) { Some(Browser::install().await?) } else { None };
    if let Some(Err(reason)) = &browser {
        progress(&format!("NO BROWSER, SO THE CONSOLE IS NOT MEASURED: {reason}"));
    }
    let mut measurement = Measurement::default();
    if Part::ON_CLUSTER.iter().any(|part| args.asks_for(*part)) {
        progress("starting a control plane");
        let cluster = Cluster::start().await?;
        if args.asks_for(Part::Reports) {
            measurement.reports = Some(reports(&cluster, args).await?);
        }
        // Before the scrape, whose many workloads are no part of what the console is to show.
        measurement.console = match browser {
            Some(Ok(browser)) => Some(Ok(console(&cluster, &browser).await?)),
            Some(Err(reason)) => Some(Err(reason)),
            None => None,
        };
        if args.asks_for(Part::Scrape) {
            measurement.scrape = Some(scrape(&cluster, args.series.get()).await?);
        }
        if args.asks_for(Part::Hostile) {
            measurement.hostile = Some(hostile(&cluster, args.hostile_percent.get()).await?);
        }
        measurement.kubernetes = Some(cluster.version().await?);
        cluster.shutdown().await?;
    }
    if args.asks_for(Part::Footprint) {
        measurement.footprint = Some(footprint().await?);
    }
    if args.asks_for(Part::Scale) {
        let (kubernetes, measured) = scale(args.scale_percent.get()).await?;
        measurement.kubernetes = Some(kubernetes);
        measurement.scale = Some(measured);
    }
    Ok(measurement)
}

async fn reports(cluster: &Cluster, args: &Args) -> Result<Reports> {
    let workloads = args.workloads.get();
    progress(&format!("creating {workloads} Deployments"));
    cluster.deploy(workloads).await?;

    let bodies = warm_up(cluster, workloads).await?;
    let mut rounds = Vec::new();
    let mut running = None;
    for number in 1..=args.rounds.get() {
        if let Some(tagwatch) = running.take() {
            fill::stop(tagwatch).await?;
        }
        cluster.delete_reports().await?;
        let post_loop = post_loop::fill(cluster, &bodies).await?;
        cluster.delete_reports().await?;
        let (tagwatch, process) = fill::fill(cluster, workloads).await?;
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
    let mark = cluster.audit_log().mark().await?;
    let deployments = (0..args.changes.get()).map(|change| (change, change % workloads));
    let times = changes(cluster, cluster.report_api(), deployments).await?;
    let after_changes = Usage::of(&tagwatch)?;
    fill::stop(tagwatch).await?;
    let change_writes = audit::writes(&cluster.audit_log(), mark, AGENT).await?.count();

    progress("a restart on the unchanged cluster");
    let restart = restart(cluster, workloads).await?;
    let times = times.iter().map(|change| change.reported.as_secs_f64() * 1_000.0);
    let changes = Percentiles::of(times).context("no change")?;
    Ok(Reports { rounds, changes, change_writes, after_changes, restart })
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
