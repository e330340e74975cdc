//! Arguments of `tagwatch policy`, and the choice of a policy.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use k8s_openapi::jiff::civil::Date;
use tagwatch_core::outcome::Severity;
use tagwatch_core::policy::{Profile, parse_date};

use super::help;
use super::names::{namespace, object_name, severity};

/// What to check by.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// The policy to check by: a TagPolicy as YAML or JSON; `-` reads standard input
    ///
    /// By default the file .tagwatch.yaml in the working folder, or in the nearest one above; without one, the
    /// recommended profile.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    pub(crate) policy: Option<PathBuf>,

    /// A profile to check by, and no policy: recommended, strict, always, datadog, magalix
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a policy is valid, or all that is wrong with it
    #[command(after_long_help = help::POLICY_CHECK)]
    Check(PolicyCheckArgs),
    /// Show every rule as it applies, the profile's own included, and why
    #[command(after_long_help = help::POLICY_SHOW)]
    Show(PolicyShowArgs),
    /// Write a policy that exempts all that is found today
    #[command(after_long_help = help::POLICY_BASELINE)]
    Baseline(PolicyBaselineArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyCheckArgs {
    /// The policy; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyShowArgs {
    /// Show what applies to this workload
    #[arg(long = "for", value_name = "NAMESPACE/KIND/NAME")]
    pub(crate) workload: Option<WorkloadName>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyBaselineArgs {
    /// Files and folders with manifests, YAML or JSON; `-` reads standard input
    #[arg(default_value = ".", conflicts_with = "cluster", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Where to write it; standard output by default
    ///
    /// An existing file is the policy to start from, unless --policy, --profile or --cluster says otherwise. It is
    /// replaced as a whole when the baseline is complete. A shell's `>` empties it first instead.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Exempt what the reports of a cluster hold, and start from its TagPolicy
    #[arg(long)]
    pub(crate) cluster: bool,

    /// Name of the TagPolicy: the one in the cluster to start from, and that of the one that is written
    ///
    /// By default that of the policy to start from; `default` without one.
    #[arg(long, value_name = "NAME", value_parser = object_name)]
    pub(crate) policy_name: Option<String>,

    /// Of a cluster, only what is found in this namespace; else the namespace of manifests that name none
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    /// The kubeconfig; by default KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// A context of the kubeconfig other than the current one
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) context: Option<String>,

    /// Exempt no findings below this severity
    #[arg(long, value_name = "SEVERITY", value_parser = severity())]
    pub(crate) min_severity: Option<Severity>,

    /// Why they are exempt
    #[arg(long, value_name = "TEXT", default_value = "found when tagwatch was introduced")]
    pub(crate) reason: String,

    /// The last day of the exemptions, YYYY-MM-DD in UTC; 90 days ahead by default
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub(crate) expires: Option<Date>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// A workload as the command line names it: `NAMESPACE/KIND/NAME`.
#[derive(Debug, Clone)]
pub(crate) struct WorkloadName {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl FromStr for WorkloadName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [namespace, kind, name] if ![namespace, kind, name].contains(&"") => {
                Ok(Self { namespace: namespace.into(), kind: kind.into(), name: name.into() })
            }
            _ => Err("expected NAMESPACE/KIND/NAME, such as shop/Deployment/web".to_owned()),
        }
    }
}
