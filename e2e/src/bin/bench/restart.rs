//! A restart on a cluster that has not changed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    audit,
    cluster::Cluster,
    fill::{self, AGENT, Usage},
};

/// What a restart took.
#[derive(Debug)]
pub(crate) struct Restart {
    /// From just before the process is started until it is ready: every workload evaluated.
    pub(crate) ready: Duration,
    /// Requests of any kind that write.
    pub(crate) writes: usize,
    pub(crate) usage: Usage,
}

/// Starts tagwatch, lets it evaluate everything, and ends it.
pub(crate) async fn restart(cluster: &Cluster, workloads: u32) -> Result<Restart> {
    let log = cluster.audit_log();
    let mark = log.mark().await?;
    let started = Instant::now();
    let tagwatch = fill::start(cluster).await?;
    fill::ready(&tagwatch).await?;
    let ready = started.elapsed();
    let usage = Usage::of(&tagwatch)?;
    let evaluated = evaluated(&tagwatch.metrics().await?)?;
    ensure!(evaluated >= u64::from(workloads), "{evaluated} evaluations of {workloads} workloads");
    fill::stop(tagwatch).await?;
    let writes = audit::writes(&log, mark, AGENT).await?.count();
    Ok(Restart { ready, writes, usage })
}

/// Evaluations of any result: that nothing was written says nothing where nothing was looked at.
fn evaluated(metrics: &str) -> Result<u64> {
    let counters = metrics.lines().filter(|line| line.starts_with("tagwatch_reconciles_total{"));
    counters
        .map(|line| -> Result<u64> {
            let (_, value) = line.rsplit_once(' ').context("a metric without a value")?;
            value.parse().with_context(|| line.to_owned())
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_evaluations_of_all_results() {
        let metrics = "# TYPE tagwatch_reconciles_total counter\n\
                       tagwatch_reconciles_total{result=\"gone\"} 1\n\
                       tagwatch_reconciles_total{result=\"unchanged\"} 30\n\
                       tagwatch_queue_depth 7\n";
        assert_eq!(evaluated(metrics).unwrap(), 31);
        assert!(evaluated("tagwatch_reconciles_total{result=\"gone\"} many\n").is_err());
    }
}
