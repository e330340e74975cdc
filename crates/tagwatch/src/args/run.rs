//! Arguments of `tagwatch run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use tagwatch_controller::{Network, RegistryHost};

use super::lease::LeaseArgs;
use super::names::{audience, instance, namespace, object_name};

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Look only at these namespaces, each with a watch of its own
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "exclude_namespaces", value_parser = namespace)]
    pub(crate) namespaces: Vec<String>,

    /// Look at all namespaces but these
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = namespace)]
    pub(crate) exclude_namespaces: Vec<String>,

    /// Name of the TagPolicy to check by; without one in the cluster it is the recommended profile
    #[arg(long, value_name = "NAME", default_value = "default", env = "TAGWATCH_POLICY", value_parser = object_name)]
    pub(crate) policy: String,

    /// Name of this installation, such as the Helm release
    ///
    /// Reports carry it as the label app.kubernetes.io/instance. Those of another name are never changed or deleted, so each
    /// installation in a cluster needs a name of its own.
    #[arg(long, value_name = "NAME", default_value = "tagwatch", env = "TAGWATCH_INSTANCE", value_parser = instance)]
    pub(crate) instance: String,

    /// Where to serve /livez and /readyz alone, over plain HTTP, for the kubelet; port 0 lets the operating system choose
    ///
    /// Clients of the metrics or of the console cannot take up its connections.
    #[arg(long, value_name = "ADDRESS", env = "TAGWATCH_HEALTH_ADDRESS")]
    pub(crate) health_address: Option<SocketAddr>,

    /// A file that receives the address of the probes once it is bound
    #[arg(long, value_name = "FILE", requires = "health_address")]
    pub(crate) health_address_file: Option<PathBuf>,

    /// Audience of tokens that open nothing but tagwatch, as `kubectl create token --audience` makes them
    ///
    /// The metrics and the console take these tokens beside those for the Kubernetes API.
    #[arg(long, value_name = "NAME", default_value = "tagwatch", env = "TAGWATCH_TOKEN_AUDIENCE", value_parser = audience)]
    pub(crate) token_audience: String,

    /// Where to serve /metrics, /livez and /readyz; port 0 lets the operating system choose
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080", env = "TAGWATCH_METRICS_ADDRESS")]
    pub(crate) metrics_address: SocketAddr,

    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    /// The namespace that tagwatch itself runs in, where it keeps the proofs that tags moved; without it, they end
    /// with the process
    #[arg(long, value_name = "NAME", value_parser = namespace, env = "TAGWATCH_NAMESPACE")]
    pub(crate) own_namespace: Option<String>,

    #[command(flatten)]
    pub(crate) lease: LeaseArgs,

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
    /// that breaks; so it is silent unless it is asked for. Warnings of its watcher (`kube_runtime`) are left out unless
    /// the filter names it.
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
    /// Callers with a bearer token that the API server accepts, whose user may read what is requested; over TLS
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
