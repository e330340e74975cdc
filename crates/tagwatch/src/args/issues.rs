//! Arguments of `tagwatch issues`.

use std::path::PathBuf;

use clap::ValueEnum;
use tagwatch_client::{ClusterChoice, IssueFilter, IssueQuery};
use tagwatch_core::outcome::Severity;

use super::names::{from_severity, namespace, rule, severity};

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

    /// List only these severities
    #[arg(long, value_name = "SEVERITIES", value_delimiter = ',', value_parser = severity())]
    pub(crate) severity: Vec<Severity>,

    /// List only this severity and worse ones
    #[arg(long, value_name = "SEVERITY", conflicts_with = "severity", value_parser = severity())]
    pub(crate) min_severity: Option<Severity>,

    /// List only findings of these rules
    #[arg(long, value_name = "RULES", value_delimiter = ',', hide_possible_values = true, value_parser = rule(|_| true))]
    pub(crate) rule: Vec<String>,

    /// List what really runs alone: tags that moved, pods that differ, images that do not come, with the evidence
    #[arg(long)]
    pub(crate) drift: bool,

    /// How to write the issues; a table by default, and for --drift a block for each with the evidence
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<IssuesFormat>,

    /// After the list, write each issue that opens, changes or resolves, until interrupted
    ///
    /// Works with the formats table and wide, where the result of a resolved issue is `resolved`, and with json, which
    /// is one object a line then.
    #[arg(short, long)]
    pub(crate) watch: bool,

    /// The kubeconfig; by default KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// A context of the kubeconfig other than the current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// How issues are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IssuesFormat {
    /// A table; on a terminal that is too narrow for it, a block for each issue
    Table,
    /// A table with the report and the message, as wide as it gets
    Wide,
    /// For programs: docs/schema/issues-v1.schema.json
    Json,
    /// The same as YAML
    Yaml,
    /// The workloads that have issues, as kubectl names them
    Name,
}

impl IssuesArgs {
    pub(crate) fn cluster(&self) -> ClusterChoice {
        ClusterChoice { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }

    /// The query; `own` is the namespace of the context.
    pub(crate) fn query(&self, own: &str) -> IssueQuery {
        let Self { namespace, all_namespaces, selector, severity, min_severity, rule, drift, .. } = self;
        let namespace = (!all_namespaces).then(|| namespace.clone().unwrap_or_else(|| own.to_owned()));
        let severities = match min_severity {
            Some(least) => from_severity(*least),
            None => severity.clone(),
        };
        let filter = IssueFilter { drift: *drift, severities, rules: rule.clone() };
        IssueQuery { namespace, selector: selector.clone(), filter }
    }
}
