//! What a pod and a workload take in memory: the slope between two counts, each in a process of its own.

use std::env;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::progress;

/// The counts between which the slope is taken.
pub(crate) const COUNTS: [u32; 2] = [10_000, 50_000];

/// Retained memory, in bytes an object, in tagwatch's stores and in kube's.
#[derive(Debug)]
pub(crate) struct Footprint {
    pub(crate) pod: f64,
    pub(crate) kube_pod: f64,
    pub(crate) workload: f64,
    pub(crate) kube_workload: f64,
}

/// Measures one store after the other.
pub(crate) async fn footprint() -> Result<Footprint> {
    progress("memory of pods and workloads, in processes of their own");
    Ok(Footprint {
        pod: slope("pods").await?,
        kube_pod: slope("kube-pods").await?,
        workload: slope("workloads").await?,
        kube_workload: slope("kube-workloads").await?,
    })
}

/// Bytes that one more object takes.
async fn slope(store: &str) -> Result<f64> {
    let [few, many] = COUNTS;
    let (small, large) = (filled(store, few).await?, filled(store, many).await?);
    let bytes = (large - small) / f64::from(many - few);
    progress(&format!("{store}: {bytes:.0} bytes an object"));
    Ok(bytes)
}

/// Anonymous resident bytes of a process with this store.
async fn filled(store: &str, count: u32) -> Result<f64> {
    let program = env::current_exe()?.with_file_name("footprint");
    let output = Command::new(&program).arg(store).arg(count.to_string()).kill_on_drop(true).output().await;
    let output = output.with_context(|| program.display().to_string())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}
