//! The connection between one tagwatch and the API server, which can be cut as a network is: nothing arrives, and nothing says
//! so.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use kube::config::Kubeconfig;
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// A relay to the API server.
pub(crate) struct Line {
    folder: TempDir,
    is_cut: watch::Sender<bool>,
    relay: AbortHandle,
}

impl Line {
    /// A line to the server of a kubeconfig.
    pub(crate) async fn new(kubeconfig: &Path) -> Result<Self> {
        let config = Kubeconfig::read_from(kubeconfig)?;
        let cluster = config.clusters.first().and_then(|cluster| cluster.cluster.as_ref());
        let server = cluster.and_then(|cluster| cluster.server.clone()).context("no server")?;
        let address = server.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let text = fs::read_to_string(kubeconfig)?;
        let folder = TempDir::with_prefix("tagwatch-line-")?;
        let ours = format!("https://{}", listener.local_addr()?);
        fs::write(folder.path().join(KUBECONFIG), text.replace(&server, &ours))?;
        let is_cut = watch::Sender::new(false);
        let relay = tokio::spawn(relay(listener, address, is_cut.subscribe())).abort_handle();
        Ok(Self { folder, is_cut, relay })
    }

    /// The same account by way of the line.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join(KUBECONFIG)
    }

    pub(crate) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Connections that were cut end.
    pub(crate) fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

const KUBECONFIG: &str = "kubeconfig";

async fn relay(listener: TcpListener, server: String, is_cut: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(carry(client, server.clone(), is_cut.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Ends with the connection, or with the cut. An error of either side ends it, too.
async fn carry(mut client: TcpStream, server: String, mut is_cut: watch::Receiver<bool>) {
    let connecting = async {
        is_cut.wait_for(|is_cut| !is_cut).await.ok()?;
        TcpStream::connect(server).await.ok()
    };
    let Some(mut server) = connecting.await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
    }
    // Neither side sees an end before.
    let _ = is_cut.wait_for(|is_cut| !is_cut).await;
}
