//! A control plane as a test fixture.

mod binary;
mod identity;
mod launcher;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use rustix::process::Signal;
use serde::Deserialize;
use tokio::process::Command;

use crate::{AuditLog, process};
pub use identity::{Identity, kubeconfig_as};
use launcher::Launcher;

/// How a control plane is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Feature gates of the API server, as in `WatchList=false`.
    pub feature_gates: Option<String>,
    /// Further arguments of the API server. They override those of the launcher.
    pub apiserver_args: Vec<String>,
    /// Built with all of Go's optimisations, for measurements; tests take the build that is compiled sooner.
    pub optimised: bool,
}

/// One program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The store of the API server.
    Etcd,
    /// Stores and serves every object: `kube-apiserver`.
    ApiServer,
    /// The controllers: pods for Deployments, garbage collection, the end of namespaces.
    ControllerManager,
}

impl Component {
    /// The name of the upstream program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
        }
    }
}

/// Addresses and files: the first line that the launcher prints.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    kubeconfig: PathBuf,
    server: String,
    audit_log: PathBuf,
    data_dir: PathBuf,
    #[serde(default)]
    kubectl: Vec<String>,
    components: BTreeMap<String, Process>,
    /// Seconds from the start until the API server was ready.
    seconds: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Process {
    pid: u32,
}

/// A running control plane. It ends with [`shutdown`](Self::shutdown), when it is dropped, and also when the
/// process that started it is killed.
#[derive(Debug)]
pub struct ControlPlane {
    launcher: Launcher,
    ready: Ready,
    kubeconfig: Kubeconfig,
    audit_log: AuditLog,
}

impl ControlPlane {
    /// Starts a control plane and waits until its API server is ready.
    ///
    /// The launcher is the file named by `TAGWATCH_CONTROL_PLANE`; without that variable it is built first,
    /// which takes minutes the first time.
    ///
    /// # Errors
    /// There is no launcher and it cannot be built, or a component did not become ready; the error then holds
    /// the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let binary = binary::find(options.optimised).await.context("the control plane's launcher")?;
        let (launcher, first_line) = Launcher::start(&binary, &options).await?;
        let ready: Ready = serde_json::from_str(&first_line)
            .with_context(|| format!("the launcher's first line: {first_line}"))?;
        let kubeconfig = Kubeconfig::read_from(&ready.kubeconfig)?;
        let audit_log = AuditLog::at(&ready.audit_log);
        Ok(Self { launcher, ready, kubeconfig, audit_log })
    }

    /// The administrator's kubeconfig, with the CA and the token inline.
    pub fn kubeconfig(&self) -> &Path {
        &self.ready.kubeconfig
    }

    /// The URL of the API server.
    pub fn server(&self) -> &str {
        &self.ready.server
    }

    /// The folder with the logs of the components. It is removed when the control plane ends.
    pub fn data_dir(&self) -> &Path {
        &self.ready.data_dir
    }

    /// The process ids of the launcher and of the components it started first.
    pub fn processes(&self) -> Vec<u32> {
        let components = self.ready.components.values().map(|process| process.pid);
        components.chain([self.launcher.pid()]).collect()
    }

    /// From the start of the first component until the API server was ready.
    pub fn time_to_ready(&self) -> Duration {
        Duration::from_secs_f64(self.ready.seconds)
    }

    /// The API server's audit log.
    pub fn audit_log(&self) -> AuditLog {
        self.audit_log.clone()
    }

    /// A new client with the administrator's rights. Its connections live as long as the runtime it is first
    /// used on, so tests with runtimes of their own do not share one.
    ///
    /// # Errors
    /// The kubeconfig does not make a client.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.admin_config().await?)?)
    }

    async fn admin_config(&self) -> Result<Config> {
        let mut config =
            Config::from_custom_kubeconfig(self.kubeconfig.clone(), &KubeConfigOptions::default()).await?;
        let agent = http::HeaderValue::from_static(concat!("tagwatch-e2e/", env!("CARGO_PKG_VERSION")));
        config.headers.push((http::header::USER_AGENT, agent));
        // No retries: a test sees the first failure, and waits itself where it expects one.
        config.default_retry = false;
        Ok(config)
    }

    /// A `kubectl` with the administrator's kubeconfig, for the caller to add arguments and run.
    ///
    /// # Errors
    /// There is none: `KUBEBUILDER_ASSETS` names a folder without it.
    pub fn kubectl_command(&self) -> Result<Command> {
        let (program, words) =
            self.ready.kubectl.split_first().context("there is no kubectl in KUBEBUILDER_ASSETS")?;
        let mut command = Command::new(program);
        command
            .args(words)
            .env("KUBECONFIG", self.kubeconfig())
            // Its cache of an API server is keyed by the address, and ports are reused.
            .env("KUBECACHEDIR", self.data_dir().join("kubectl-cache"))
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs `kubectl` and returns what it printed.
    ///
    /// # Errors
    /// It failed, with its message, or it did not end within a minute.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        let mut command = self.kubectl_command()?;
        command.args(args).stdin(std::process::Stdio::null());
        let what = || format!("kubectl {}", args.join(" "));
        let output = tokio::time::timeout(Duration::from_mins(1), command.output())
            .await
            .with_context(what)?
            .with_context(what)?;
        ensure!(
            output.status.success(),
            "{}: {}",
            what(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
        String::from_utf8(output.stdout).with_context(what)
    }

    /// Ends a component by SIGTERM and waits for its exit.
    ///
    /// # Errors
    /// It does not run.
    pub async fn stop(&self, component: Component) -> Result<()> {
        self.launcher.command("stop", component).await
    }

    /// Ends a component by SIGKILL and waits for its exit.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill(&self, component: Component) -> Result<()> {
        self.launcher.command("kill", component).await
    }

    /// Starts a component again, on the port and data it had, and waits until it is ready.
    ///
    /// # Errors
    /// It runs already, or did not become ready; the error then holds the end of its log.
    pub async fn restart(&self, component: Component) -> Result<()> {
        self.launcher.command("start", component).await
    }

    /// Freezes a component that has not been restarted: its connections stay open and nothing is answered.
    ///
    /// # Errors
    /// There is none.
    pub fn freeze(&self, component: Component) -> Result<()> {
        self.signal(component, Signal::STOP)
    }

    /// Resumes a component after [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// There is none.
    pub fn resume(&self, component: Component) -> Result<()> {
        self.signal(component, Signal::CONT)
    }

    /// CPU time that a component has used, user and system together.
    ///
    /// # Errors
    /// There is none that was started first, it has ended, or the system has no `/proc`.
    pub fn cpu_time(&self, component: Component) -> Result<Duration> {
        process::cpu_time(self.pid(component)?)
    }

    fn signal(&self, component: Component, signal: Signal) -> Result<()> {
        process::signal(self.pid(component)?, signal)
    }

    fn pid(&self, component: Component) -> Result<u32> {
        let name = component.name();
        let process = self.ready.components.get(name).with_context(|| format!("there is no {name}"))?;
        Ok(process.pid)
    }

    /// Ends the control plane and waits until nothing of it is left: no process and no file.
    ///
    /// # Errors
    /// A component had to be killed after its time was over, or the launcher itself.
    pub async fn shutdown(self) -> Result<()> {
        let data_dir = self.ready.data_dir.clone();
        self.launcher.shutdown().await?;
        if data_dir.exists() {
            bail!("the data folder of the control plane is still there: {}", data_dir.display());
        }
        Ok(())
    }
}
