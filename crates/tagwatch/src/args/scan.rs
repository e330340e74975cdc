//! Arguments of `tagwatch scan`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tagwatch_core::outcome::Severity;
use tagwatch_scan::FailOn;
use tagwatch_scan::output::{Format, NoteDetail};

use super::names::{namespace, object_name, rule, severity};
use super::policy::PolicyArgs;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct ScanArgs {
    /// Files and folders with manifests, YAML or JSON; `-` reads standard input
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Leave out files and folders that match, as a line of a .gitignore in each folder; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,

    /// Most threads that read; the default is one for each processor
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// How notes are written to standard error: a line for each kind of note, or for each note
    #[arg(long, value_name = "DETAIL", default_value = NoteDetail::default().as_str(), value_parser = note_detail())]
    pub(crate) notes: NoteDetail,

    /// How to write the results, and where: FORMAT or FORMAT=FILE; may be given several times
    ///
    /// Formats: table, wide, json, yaml, policyreport, sarif, junit, github, gitlab, markdown, name. One of them goes to
    /// standard output, the others to files.
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) output: Vec<Output>,

    /// The least result that makes the exit code 1
    #[arg(long, value_name = "RESULT", default_value = FailOn::default().as_str(), value_parser = fail_on())]
    pub(crate) fail_on: FailOn,

    /// Exit with 0 whatever is found, as by `--fail-on never`; input that is not read is an error all the same
    #[arg(long, conflicts_with = "fail_on")]
    pub(crate) exit_zero: bool,

    /// What is known already, so that only new or worse findings fail: the JSON of an earlier scan, or a TagPolicy
    ///
    /// Of a TagPolicy, as `tagwatch policy baseline` writes it, the exemptions apply beside those of the policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Check by these rules alone, also by those that the policy has off
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        hide_possible_values = true,
        value_parser = rule(|rule| rule.group.gives_passes())
    )]
    pub(crate) rules: Vec<String>,

    /// Leave out findings below this severity: they are not written and do not fail
    #[arg(long, value_name = "SEVERITY", value_parser = severity())]
    pub(crate) min_severity: Option<Severity>,

    /// What places call standard input, for editors and hooks that know the file
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin_filename: Option<PathBuf>,

    /// Write passes too
    #[arg(long)]
    pub(crate) show_passed: bool,

    /// Exit with 3 if nothing was checked: for pipes, whose first command may fail
    #[arg(long)]
    pub(crate) require_workloads: bool,

    /// Check charts and kustomizations as Helm and Kustomize on the PATH render them
    ///
    /// Runs `helm template` with the chart's default values, and `kubectl kustomize` or `kustomize build`, in a temporary
    /// folder, without a network, for 30 seconds at most each. Nothing is run without this option.
    #[arg(long)]
    pub(crate) render: bool,

    /// The namespace of manifests that name none, as those of `helm template`; with --cluster, the one that is checked
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    #[command(flatten)]
    pub(crate) cluster: ScanClusterArgs,
}

/// What to check in place of manifests.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ScanClusterArgs {
    /// Check the workloads of a cluster once, as a controller does, drift included; nothing is installed or changed
    ///
    /// By the TagPolicy of the cluster, unless --policy or --profile names another one. Reads the namespace of the context,
    /// of --namespace, or all.
    #[arg(long, conflicts_with_all = ["paths", "exclude", "threads", "stdin_filename", "render"])]
    pub(crate) cluster: bool,

    /// Check all namespaces
    #[arg(short = 'A', long, requires = "cluster", conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,

    /// The kubeconfig; by default KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// A context of the kubeconfig other than the current one
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) context: Option<String>,

    /// Name of the TagPolicy in the cluster to check by
    #[arg(long, value_name = "NAME", requires = "cluster", conflicts_with_all = ["policy", "profile"], value_parser = object_name)]
    pub(crate) policy_name: Option<String>,
}

/// A format, and a file unless it goes to standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("a file name is missing behind `=`".to_owned()),
            Some((name, "-")) => (name, None),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = Format::ALL.into_iter().find(|format| format.as_str() == name);
        let format = known.ok_or_else(|| {
            let names = Format::ALL.map(Format::as_str).join(", ");
            format!("no such format; expected one of: {names}")
        })?;
        Ok(Self { format, file })
    }
}

fn note_detail() -> impl TypedValueParser<Value = NoteDetail> {
    PossibleValuesParser::new(NoteDetail::ALL.map(NoteDetail::as_str))
        .map(|name| NoteDetail::ALL.into_iter().find(|detail| detail.as_str() == name).unwrap_or_default())
}

fn fail_on() -> impl TypedValueParser<Value = FailOn> {
    PossibleValuesParser::new(FailOn::ALL.map(FailOn::as_str))
        .map(|name| FailOn::ALL.into_iter().find(|fail_on| fail_on.as_str() == name).unwrap_or_default())
}
