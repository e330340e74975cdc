//! The command line. Doc comments of arguments are the text of `--help` and `docs/cli.md`.

mod names;
mod policy;
mod run;
mod scan;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use names::namespace;
pub(crate) use policy::{
    PolicyArgs, PolicyBaselineArgs, PolicyCheckArgs, PolicyCommand, PolicyShowArgs, WorkloadName,
};
pub(crate) use run::{Auth, ConsoleArgs, LogFormat, MetricsArgs, RunArgs};
pub(crate) use scan::{Output, ScanArgs};

/// Finds workloads whose images can change under them: mutable tags, and pull policies that decide by accident
/// which code a node runs.
#[derive(Debug, Parser)]
#[command(name = "tagwatch", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a cluster: keep a PolicyReport for each workload, and metrics
    Run(Box<RunArgs>),
    /// Judge manifests before they are deployed
    Scan(ScanArgs),
    /// List what is wrong in a cluster, from the reports
    Issues(IssuesArgs),
    /// List the rules
    Rules,
    /// Explain a rule: why it matters, what violates it, how to fix it
    Explain(ExplainArgs),
    /// Check, explain and start policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Write the generated files of this repository
    Generate(GenerateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct IssuesArgs {
    /// The namespace to list; the context's own by default
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    /// List all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,

    /// Label selector on the reports
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,

    /// List what really runs alone: tags that moved, pods that differ, images that do not come, with the evidence
    #[arg(long)]
    pub(crate) drift: bool,

    /// A context of the kubeconfig other than the current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Name of the rule, as reports show it
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GenerateArgs {
    /// What to write; everything by default
    #[arg(value_enum)]
    pub(crate) target: Vec<Target>,

    /// Write nothing; fail when a file differs from what would be written
    #[arg(long)]
    pub(crate) check: bool,

    /// The repository
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) root: PathBuf,
}

/// A group of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Custom resource definitions, in config/ and in the chart
    Crds,
    /// The role for custom kinds, in config/ and in the chart
    Rbac,
    /// Pages of the rules, profiles and custom kinds, the command line reference, and the tables in README.md
    Docs,
    /// JSON Schema of `scan -o json`
    Schema,
    /// Grafana dashboards, in config/ and in the chart
    Dashboards,
    /// Prometheus rules: the alerts, in config/ and in the chart
    Rules,
}
