//! The arguments of the benchmark.

use std::{num::NonZeroU32, path::PathBuf};

/// Measures tagwatch on a control plane of its own, beside a bare POST loop, and prints a Markdown table.
///
/// A missed aim is marked in the table and named at the end, with the exit code 3. A measurement that fails ends with 1.
#[derive(Debug, clap::Parser)]
#[command(name = "bench", max_term_width = 100)]
pub(crate) struct Args {
    /// Deployments, each of which gets one report
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) workloads: NonZeroU32,

    /// Image changes, one after another
    #[arg(long, value_name = "N", default_value = "500")]
    pub(crate) changes: NonZeroU32,

    /// How often all reports are written, by either side
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) rounds: NonZeroU32,

    /// Series of workloads in the scrape, at least
    #[arg(long, value_name = "N", default_value = "100000")]
    pub(crate) series: NonZeroU32,

    /// How large the tenant of the part `hostile` is, in percent of the sizes that its rows name
    #[arg(long, value_name = "PERCENT", default_value = "100")]
    pub(crate) hostile_percent: NonZeroU32,

    /// How large the clusters of the part `scale` are, in percent of the sizes that its rows name
    #[arg(long, value_name = "PERCENT", default_value = "100")]
    pub(crate) scale_percent: NonZeroU32,

    /// What to measure
    #[arg(long = "part", value_name = "PARTS", value_enum, value_delimiter = ',', default_values_t = Part::DEFAULT)]
    pub(crate) parts: Vec<Part>,

    /// A file that receives the table, too
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// How fast reports are written, and what that takes
    Reports,
    /// The first paint of the console, in a real Chromium
    Console,
    /// A scrape of very many series
    Scrape,
    /// What a tenant does to the others by the size and the number of its objects
    Hostile,
    /// The memory that a pod and a workload take
    Footprint,
    /// The largest clusters: memory, starts and latency; many minutes
    Scale,
}

impl Part {
    /// All but those that take many minutes.
    const DEFAULT: [Self; 5] = [Self::Reports, Self::Console, Self::Scrape, Self::Hostile, Self::Footprint];
    /// Those that share a control plane.
    pub(crate) const ON_CLUSTER: [Self; 4] = [Self::Reports, Self::Console, Self::Scrape, Self::Hostile];
}

impl Args {
    pub(crate) fn asks_for(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}
