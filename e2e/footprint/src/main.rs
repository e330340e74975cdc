//! What objects of a cluster take in memory, by the slope between two counts: `make bench` runs it once for each count,
//! so that each measurement has a process of its own. It decodes JSON as the API server sends it, object by object, and
//! prints the anonymous resident bytes once they have settled.

mod objects;
mod stores;

use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

/// The allocator of release builds, as the controller has it.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Longer than jemalloc keeps freed pages (`.cargo/config.toml`).
const SETTLE_INTERVAL: Duration = Duration::from_millis(1_500);
/// jemalloc returns pages that are due when it allocates, about once in a thousand times, and never while a program is
/// idle, as this one is while it settles. A controller at work makes that many allocations with every scrape.
const ALLOCATIONS: u32 = 10_000;
/// After this many readings the last one is taken, whether or not it has settled.
const MAX_READINGS: u32 = 8;

/// Fills a store with objects, and prints the anonymous resident bytes of this process.
#[derive(Debug, Parser)]
struct Args {
    /// What to fill
    store: StoreKind,
    /// With how many objects
    count: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StoreKind {
    /// tagwatch's index, with pods of two containers that run by digest
    Pods,
    /// The same pods in kube's reflector store of `k8s_openapi` Pods
    KubePods,
    /// tagwatch's reflector stores and index, with Deployments of one ReplicaSet each
    Workloads,
    /// The same Deployments and ReplicaSets in kube's reflector stores of `k8s_openapi` types
    KubeWorkloads,
}

fn main() -> Result<()> {
    let Args { store, count } = Args::parse();
    // Whatever is filled lives until the bytes have been read.
    let filled: Box<dyn std::any::Any> = match store {
        StoreKind::Pods => Box::new(stores::pods(count)?),
        StoreKind::KubePods => Box::new(stores::kube_pods(count)?),
        StoreKind::Workloads => Box::new(stores::workloads(count)?),
        StoreKind::KubeWorkloads => Box::new(stores::kube_workloads(count)?),
    };
    let bytes = settled()?;
    drop(filled);
    writeln!(io::stdout(), "{bytes}")?;
    Ok(())
}

/// The anonymous resident bytes, once freed pages have been returned to the system.
fn settled() -> Result<u64> {
    let mut last = anonymous()?;
    for _ in 0..MAX_READINGS {
        sleep(SETTLE_INTERVAL);
        for number in 0..ALLOCATIONS {
            drop(black_box(Box::new(number)));
        }
        let now = anonymous()?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}

/// Anonymous resident memory of this process, in bytes: `RssAnon` of `proc_pid_status(5)`.
fn anonymous() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
