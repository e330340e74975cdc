//! A server as a process with a folder and a port of its own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rustix::process::{Pid, Signal, kill_process};
use tagwatch_e2e::eventually;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const GET_LIMIT: Duration = Duration::from_secs(10);
const END_LIMIT: Duration = Duration::from_secs(20);
/// The port is free when it is chosen; somebody else may be faster.
const ATTEMPTS: usize = 3;

/// A running server. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts a program on a free port, and waits until a GET of `ready` is answered by 200. `arguments` gets the
    /// command, a folder that goes with the server, and the address.
    pub(crate) async fn start(
        program: Command,
        limit: Duration,
        ready: &str,
        arguments: impl Fn(&mut Command, &Path, SocketAddr) -> Result<()>,
    ) -> Result<Self> {
        let mut failure = anyhow!("no attempt");
        for _ in 0..ATTEMPTS {
            let folder = TempDir::with_prefix("tagwatch-monitoring-")?;
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let output = File::create(folder.path().join("log"))?;
            let binary = Path::new(program.as_std().get_program());
            let mut command = Command::new(binary);
            // The root of its package, where the copy of Alertmanager looks for its templates.
            command.current_dir(binary.ancestors().nth(3).unwrap_or(Path::new("/")));
            command.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
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
                let (status, body) = get(url).await?;
                ensure!(status == StatusCode::OK, "{status}: {body}");
                Ok(())
            }
        });
        tokio::select! {
            ready = answers => ready,
            status = self.child.wait() => bail!("it ended: {}", status?),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks it to end, and waits for that.
    pub(crate) async fn end(mut self) -> Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.context("the server has ended")?, Signal::TERM)?;
        match timeout(END_LIMIT, self.child.wait()).await {
            Ok(status) => ensure!(status?.success(), "the server did not end in order: {}", self.log()),
            Err(_) => bail!("the server still runs after {END_LIMIT:?}: {}", self.log()),
        }
        Ok(())
    }
}

/// GET over plain HTTP: status and body.
pub(crate) async fn get(url: Uri) -> Result<(StatusCode, String)> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let exchange = async {
        let response = client.get(url).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::Ok((status, String::from_utf8(body.to_vec())?))
    };
    timeout(GET_LIMIT, exchange).await.context("no answer")?
}
