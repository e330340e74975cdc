//! Arguments of `tagwatch scan`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tagwatch_scan::FailOn;
use tagwatch_scan::output::Format;

use super::names::namespace;
use super::policy::PolicyArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct ScanArgs {
    /// Files and folders with manifests, YAML or JSON; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// How to write the results, and where: FORMAT or FORMAT=FILE; may be given several times
    ///
    /// Formats: table, json.
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) output: Vec<Output>,

    /// The least result that makes the exit code 1
    #[arg(long, value_name = "RESULT", default_value = FailOn::default().as_str(), value_parser = fail_on())]
    pub(crate) fail_on: FailOn,

    /// Write passes too
    #[arg(long)]
    pub(crate) show_passed: bool,

    /// Exit with 3 if nothing was judged: for pipes, whose first command may fail
    #[arg(long)]
    pub(crate) require_workloads: bool,

    /// Judge charts and kustomizations as Helm and Kustomize on the PATH render them
    ///
    /// Runs `helm template` with the chart's default values, and `kubectl kustomize` or `kustomize build`, in a temporary
    /// folder, without a network, for 30 seconds at most each. Nothing is run without this option.
    #[arg(long)]
    pub(crate) render: bool,

    /// The namespace of manifests that name none, as those of `helm template`
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
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

fn fail_on() -> impl TypedValueParser<Value = FailOn> {
    PossibleValuesParser::new(FailOn::ALL.map(FailOn::as_str))
        .map(|name| FailOn::ALL.into_iter().find(|fail_on| fail_on.as_str() == name).unwrap_or_default())
}
