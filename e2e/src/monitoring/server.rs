//! A server as a process with a folder and a port of its own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use http::{StatusCode, Uri};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{eventually, get, process};

const END_LIMIT: Duration = Duration::from_secs(20);
/// The port is free when it is chosen, but another process may take it first.
const ATTEMPTS: usize = 3;

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts a program on a free port, and waits until a GET of `ready` is answered by 200. `arguments` gets the
    /// command, a folder that is removed with the server, and the address.
    ///
    /// # Errors
    /// It ended, or was not ready within `limit`; the error then holds what it printed.
    pub async fn start(
        program: &Path,
        limit: Duration,
        ready: &str,
        arguments: impl Fn(&mut Command, &Path, SocketAddr) -> Result<()>,
    ) -> Result<Self> {
        let mut failure = anyhow!("no attempt");
        for _ in 0..ATTEMPTS {
            let folder = TempDir::with_prefix("tagwatch-monitoring-")?;
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let output = File::create(folder.path().join("log"))?;
            let mut command = Command::new(program);
            // The root of its package, where the copies of Debian's programs look for their templates.
            command.current_dir(program.ancestors().nth(3).unwrap_or(Path::new("/")));
            command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
            arguments(&mut command, folder.path(), address)?;
            let child = command.spawn().with_context(|| format!("{command:?}"))?;
            let mut server = Self { child, address, folder };
            match server.ready(limit, ready).await {
                Ok(()) => return Ok(server),
                Err(error) => failure = error.context(server.log()),
            }
        }
        Err(failure)
    }

    async fn ready(&mut self, limit: Duration, path: &str) -> Result<()> {
        let url: Uri = format!("http://{}{path}", self.address).parse()?;
        let answers = eventually(limit, "the server is ready", || {
            let url = url.clone();
            async move {
                let answer = get(url).await?;
                ensure!(answer.status() == StatusCode::OK, "{}: {}", answer.status(), answer.body());
                Ok(())
            }
        });
        tokio::select! {
            ready = answers => ready,
            status = self.child.wait() => bail!("it ended: {}", status?),
        }
    }

    /// The address on loopback.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Standard output and standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// It did not end in order.
    pub async fn end(mut self) -> Result<()> {
        // A Ctrl-C may have ended it already. Its id is not reused before it has been waited for.
        process::signal(self.child.id().context("the server has ended")?, Signal::TERM)?;
        match timeout(END_LIMIT, self.child.wait()).await {
            Ok(status) => ensure!(status?.success(), "the server did not end in order: {}", self.log()),
            Err(_) => bail!("the server still runs after {END_LIMIT:?}: {}", self.log()),
        }
        Ok(())
    }
}
