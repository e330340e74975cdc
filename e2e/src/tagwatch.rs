//! The real binary as a process.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

pub use crate::process::Memory;
use crate::{
    dump, eventually,
    get::{HttpClient, get_by, http_client},
    process,
};

const LISTEN_LIMIT: Duration = Duration::from_secs(30);
const VARIABLE: &str = "TAGWATCH_BIN";

/// A running `tagwatch run`. It is killed when this is dropped.
#[derive(Debug)]
pub struct TagwatchProcess {
    child: Child,
    pid: u32,
    log: PathBuf,
    address: SocketAddr,
    http: HttpClient,
    /// Holds the log and the address file.
    _folder: TempDir,
}

impl TagwatchProcess {
    /// Starts `tagwatch run` with this kubeconfig and further arguments, and waits until it listens. It takes
    /// a port from the system for its metrics, and nothing of our environment but the log level (`RUST_LOG`).
    ///
    /// # Errors
    /// There is no binary, or it ended or did not listen within 30 s; the error then holds the end of its log.
    pub async fn start<A: AsRef<OsStr>>(
        kubeconfig: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        Self::start_binary(&binary()?, kubeconfig, args).await
    }

    async fn start_binary<A: AsRef<OsStr>>(
        binary: &Path,
        kubeconfig: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        let folder = TempDir::with_prefix("tagwatch-process-")?;
        let log = folder.path().join("log");
        let address_file = folder.path().join("address");
        let output = File::create(&log)?;
        let mut command = Command::new(binary);
        command
            .args(["run", "--metrics-address", "127.0.0.1:0", "--address-file"])
            .arg(&address_file)
            .args(args)
            .env_clear()
            .envs(env::vars_os().filter(|(name, _)| name == "RUST_LOG"))
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", folder.path())
            // As on a laptop; a test of the authentication overrides it by an argument.
            .env("TAGWATCH_METRICS_AUTH", "none")
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let pid = child.id().context("tagwatch has no process id")?;
        let address = address(&mut child, &address_file)
            .await
            .with_context(|| format!("tagwatch run; the end of its log:\n{}", dump::tail(&log)))?;
        Ok(Self { child, pid, log, address, http: http_client(), _folder: folder })
    }

    /// The address of the metrics.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id, for signals.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The file with everything that it printed. It is removed with this value.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// GET of a path of its HTTP server: status and body.
    ///
    /// # Errors
    /// There was no answer within 10 s, or no text.
    pub async fn get(&self, path: &str) -> Result<(http::StatusCode, String)> {
        let url = format!("http://{}{path}", self.address).parse()?;
        let (head, body) = get_by(&self.http, url).await?.into_parts();
        Ok((head.status, body))
    }

    /// Its metrics, in the text format of Prometheus.
    ///
    /// # Errors
    /// There was no answer within 10 s, or no text.
    pub async fn metrics(&self) -> Result<String> {
        let (status, body) = self.get("/metrics").await?;
        ensure!(status == http::StatusCode::OK, "GET /metrics of tagwatch: {status}: {body}");
        Ok(body)
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// It has ended already.
    pub fn sigterm(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Freezes it until [`resume`](Self::resume).
    ///
    /// # Errors
    /// It has ended already.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Resumes it after [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// It has ended already.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        // The id is not reused before the child has been waited for.
        ensure!(self.child.id().is_some(), "tagwatch has ended");
        process::signal(self.pid, signal)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It still runs after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        match timeout(limit, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => {
                bail!("tagwatch still runs after {limit:?}; the end of its log:\n{}", dump::tail(&self.log))
            }
        }
    }

    /// Ends it by SIGKILL and waits for that.
    ///
    /// # Errors
    /// It could not be waited for.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Memory in use, in bytes.
    ///
    /// # Errors
    /// It has ended, or the system has no `/proc`.
    pub fn memory(&self) -> Result<Memory> {
        process::memory(self.pid)
    }

    /// CPU time used so far, user and system together.
    ///
    /// # Errors
    /// It has ended, or the system has no `/proc`.
    pub fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.pid)
    }
}

/// The address that tagwatch writes to its address file once it listens.
async fn address(child: &mut Child, file: &Path) -> Result<SocketAddr> {
    let listens = eventually(LISTEN_LIMIT, "tagwatch listens", || async {
        let text = fs::read_to_string(file)?;
        text.trim_end().parse().with_context(|| format!("no address: {text:?}"))
    });
    tokio::select! {
        address = listens => address,
        status = child.wait() => bail!("it ended: {}", status?),
    }
}

/// The file named by `TAGWATCH_BIN`, or else the one beside the program that runs: cargo puts both into one
/// folder, tests one level below it.
///
/// # Errors
/// It has not been built.
pub fn binary() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Ok(PathBuf::from(named));
    }
    let ours = env::current_exe()?;
    let folder =
        ours.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("no target folder")?;
    let path = folder.join(format!("tagwatch{}", env::consts::EXE_SUFFIX));
    ensure!(
        path.is_file(),
        "there is no {}: build it by `cargo build -p tagwatch`, or name another by {VARIABLE}",
        path.display()
    );
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_binary_that_ends_is_reported_with_its_log() {
        let args = ["-c", "echo no such cluster >&2; exit 3"];
        let failure =
            TagwatchProcess::start_binary(Path::new("/bin/false"), Path::new("/"), args).await.unwrap_err();
        assert!(format!("{failure:#}").ends_with("it ended: exit status: 1"), "{failure:#}");
    }
}
