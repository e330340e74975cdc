//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Parser, Subcommand, ValueEnum};
use k8s_openapi::jiff::civil::Date;
use tagwatch_controller::{Network, RegistryHost};
use tagwatch_core::policy::{ExemptionSpec, MatchSpec, Policy, Profile, TagPolicySpec};
use tagwatch_scan::FailOn;
use tagwatch_scan::output::Format;

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
    /// Explain a rule: why it matters, what violates it, how to mend it
    Explain(ExplainArgs),
    /// Check, explain and start policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Write the generated files of this repository
    Generate(GenerateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Look only at these namespaces, each with a watch of its own
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "exclude_namespaces", value_parser = namespace)]
    pub(crate) namespaces: Vec<String>,

    /// Look at all namespaces but these
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = namespace)]
    pub(crate) exclude_namespaces: Vec<String>,

    /// Name of the TagPolicy to judge by; without one in the cluster it is the recommended profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TAGWATCH_POLICY", value_parser = object_name)]
    pub(crate) policy: String,

    /// Where to serve /metrics, /livez and /readyz; port 0 lets the operating system choose
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080", env = "TAGWATCH_METRICS_ADDRESS")]
    pub(crate) metrics_address: SocketAddr,

    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    /// The namespace that tagwatch itself runs in, where it keeps the proofs that tags moved; without it, they end
    /// with the process
    #[arg(long, value_name = "NAME", value_parser = namespace, env = "TAGWATCH_NAMESPACE")]
    pub(crate) own_namespace: Option<String>,

    /// Registries that may be asked what a tag means now, as images name them; with http:// before one, without TLS
    ///
    /// They are asked for the rule `outdated-image` alone, without credentials, once an hour for each tag.
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    pub(crate) registries: Vec<RegistryHost>,

    /// Private networks in which those registries may be, such as 10.0.0.0/8; without one, no private address is
    /// connected to
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',')]
    pub(crate) registry_networks: Vec<Network>,

    /// A file that receives the address once it is bound
    #[arg(long, value_name = "FILE")]
    pub(crate) address_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,

    /// Tell of each issue that opens or is resolved by a Kubernetes Event on the workload
    ///
    /// At most 100 at once and then one a second; the rest is counted by `tagwatch_events_total`. Needs the right to create
    /// and patch events.k8s.io.
    #[arg(long, env = "TAGWATCH_EVENTS")]
    pub(crate) events: bool,

    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "TAGWATCH_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,

    /// What is logged: a level, or a filter such as `info,tagwatch_controller=debug`
    ///
    /// The client library logs an error for every connection that fails, beside our own line for every watch
    /// that breaks; so it is silent unless it is asked for.
    #[arg(long, value_name = "FILTER", default_value = "info,kube_client=off", env = "TAGWATCH_LOG_LEVEL")]
    pub(crate) log_level: String,
}

/// Who may read /metrics, and how much it shows.
#[derive(Debug, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Who may read /metrics; /livez and /readyz are for everybody
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Auth::Token, env = "TAGWATCH_METRICS_AUTH")]
    pub(crate) metrics_auth: Auth,

    /// The certificate of the metrics and of the console as PEM, read again when it changes; self-signed by default
    #[arg(long, value_name = "FILE", requires = "metrics_tls_key")]
    pub(crate) metrics_tls_cert: Option<PathBuf>,

    /// The certificate's private key as PEM
    #[arg(long, value_name = "FILE", requires = "metrics_tls_cert")]
    pub(crate) metrics_tls_key: Option<PathBuf>,

    /// How many series of /metrics may name a workload
    ///
    /// A finding of a workload is two series. What is over the cap is counted under workload="_other"; the worst and
    /// oldest findings keep series of their own.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) workload_series_cap: usize,
}

/// The console: pages and JSON about what is found.
#[derive(Debug, clap::Args)]
pub(crate) struct ConsoleArgs {
    /// Where to serve the console; without it there is none; port 0 lets the operating system choose
    #[arg(long, value_name = "ADDRESS", env = "TAGWATCH_CONSOLE_ADDRESS")]
    pub(crate) console_address: Option<SocketAddr>,

    /// A file that receives the console's address once it is bound
    #[arg(long, value_name = "FILE", requires = "console_address")]
    pub(crate) console_address_file: Option<PathBuf>,

    /// Who may see the console; over TLS with the certificate of the metrics, or everybody on a loopback address
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Auth::Token, env = "TAGWATCH_CONSOLE_AUTH")]
    pub(crate) console_auth: Auth,

    /// Name of the cluster, as the console's pages show it
    #[arg(long, value_name = "NAME", env = "TAGWATCH_CLUSTER_NAME")]
    pub(crate) cluster_name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Whoever sends a bearer token that the API server knows, of an account that may read what is asked for; over TLS
    Token,
    /// Everybody, over plain HTTP
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text for people
    Text,
    /// One JSON object a line
    Json,
}

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

    /// The namespace of manifests that name none, as those of `helm template`
    #[arg(short, long, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// What to judge by.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// The policy to judge by: a TagPolicy as YAML or JSON; `-` reads standard input
    ///
    /// By default the file .tagwatch.yaml in the working folder, or in the nearest one above; without one, the
    /// recommended profile.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    pub(crate) policy: Option<PathBuf>,

    /// A profile to judge by, and no policy: recommended, strict, always, datadog, magalix
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<Profile>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a policy is valid, or all that is wrong with it
    Check(PolicyCheckArgs),
    /// Show what applies, and why
    Show(PolicyShowArgs),
    /// Write a policy that exempts all that is found today
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
    /// Show every rule as it applies, the profile's own included
    #[arg(long, required = true)]
    pub(crate) effective: bool,

    /// Show what applies to this workload
    #[arg(long = "for", value_name = "NAMESPACE/KIND/NAME")]
    pub(crate) workload: Option<WorkloadName>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyBaselineArgs {
    /// Files and folders with manifests, YAML or JSON; `-` reads standard input
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_name = "PATH")]
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

    /// A context of the kubeconfig other than the current one
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) context: Option<String>,

    /// Why they are exempt
    #[arg(long, value_name = "TEXT", default_value = "found when tagwatch was introduced")]
    pub(crate) reason: String,

    /// The last day of the exemptions, YYYY-MM-DD in UTC; 90 days ahead by default
    #[arg(long, value_name = "DATE", value_parser = last_day)]
    pub(crate) expires: Option<Date>,

    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// `NAMESPACE/KIND/NAME`.
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

/// The last day of an exemption, by the rules of the policy that will hold it.
fn last_day(text: &str) -> Result<Date, String> {
    let exemption = ExemptionSpec {
        matches: MatchSpec { names: vec!["*".to_owned()], ..MatchSpec::default() },
        rules: vec!["*".to_owned()],
        reason: "a date to be checked".to_owned(),
        expires: Some(text.to_owned()),
    };
    let spec = TagPolicySpec { exemptions: vec![exemption], ..TagPolicySpec::default() };
    let policy = Policy::compile(&spec)
        .map_err(|errors| errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; "))?;
    let date = policy.exemptions().first().and_then(|exemption| exemption.expires);
    date.ok_or_else(|| "expected a date".to_owned())
}

/// A namespace's name is a DNS label (RFC 1123); anything else would end up in a URL or a selector.
fn namespace(name: &str) -> Result<String, String> {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inside = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if inside && name.len() <= 63 && ends(name.chars().next()) && ends(name.chars().last()) {
        return Ok(name.to_owned());
    }
    Err("expected the name of a namespace: at most 63 lower-case letters, digits and `-`".to_owned())
}

/// The name of a custom resource is a DNS subdomain (RFC 1123); anything else would end up in a selector.
fn object_name(name: &str) -> Result<String, String> {
    if name.len() <= 253 && name.split('.').all(|label| namespace(label).is_ok()) {
        return Ok(name.to_owned());
    }
    Err("expected the name of an object: lower-case letters, digits, `-` and `.`".to_owned())
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
