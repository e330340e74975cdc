//! The programs of Prometheus, and one Prometheus as a process.

use std::{fs, net::SocketAddr, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use http::Uri;
use serde_json::Value;
use tagwatch_e2e::eventually;
use tokio::{process::Command, sync::OnceCell};

use crate::{
    runner::Skipped,
    server::{Server, get},
};

const READY_LIMIT: Duration = Duration::from_secs(30);

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A program of Prometheus, ready to be given arguments. Files that it is given are found from the checkout.
///
/// # Errors
/// [`Skipped`] where the machine has none and cannot download them.
pub(crate) async fn program(name: &str) -> Result<Command> {
    static FOLDER: OnceCell<Result<String, String>> = OnceCell::const_new();
    let folder = FOLDER.get_or_init(async || folder().await.map_err(|failure| format!("{failure:#}"))).await;
    let folder = folder.as_ref().map_err(|reason| Skipped(reason.clone()))?;
    let mut command = Command::new(Path::new(folder).join(name));
    command.current_dir(root()).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

async fn folder() -> Result<String> {
    let output = Command::new(root().join("hack/prometheus.sh")).output().await?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "hack/prometheus.sh: {}", words.trim_end());
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().next_back().context("hack/prometheus.sh printed no folder")?.to_owned())
}

/// A running Prometheus.
pub(crate) struct Prometheus(Server);

impl Prometheus {
    /// Starts one with this configuration, which may name files beside it.
    pub(crate) async fn start(config: &str, files: &[(&str, &str)]) -> Result<Self> {
        let command = program("prometheus").await?;
        let server = Server::start(command, READY_LIMIT, "/-/ready", |command, folder, address| {
            fs::write(folder.join("prometheus.yaml"), config)?;
            for (name, content) in files {
                fs::write(folder.join(name), content)?;
            }
            command
                .arg(format!("--config.file={}", folder.join("prometheus.yaml").display()))
                .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=warn");
            Ok(())
        });
        server.await.map(Self)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The result of a query, now.
    pub(crate) async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        self.results(&format!("/api/v1/query?query={}", encoded(expression))).await
    }

    /// The result of a query over the last minute.
    pub(crate) async fn query_range(&self, expression: &str) -> Result<Vec<Value>> {
        let now = k8s_openapi::jiff::Timestamp::now().as_second();
        let range = format!("start={}&end={now}&step=1", now - 60);
        self.results(&format!("/api/v1/query_range?query={}&{range}", encoded(expression))).await
    }

    async fn results(&self, path: &str) -> Result<Vec<Value>> {
        let data = self.api(path).await?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// The values of a label over the series that match.
    pub(crate) async fn label_values(&self, selector: &str, label: &str) -> Result<Vec<String>> {
        let data = self.api(&format!("/api/v1/label/{label}/values?match[]={}", encoded(selector))).await?;
        Ok(serde_json::from_value(data)?)
    }

    /// Waits until its only target is scraped.
    pub(crate) async fn scrapes(&self) -> Result<()> {
        eventually(READY_LIMIT, "Prometheus scrapes tagwatch", async || {
            let targets = self.api("/api/v1/targets").await?;
            let target = &targets["activeTargets"][0];
            ensure!(target["health"] == "up", "{target}");
            Ok(())
        })
        .await
    }

    pub(crate) async fn api(&self, path: &str) -> Result<Value> {
        let url: Uri = format!("http://{}{path}", self.address()).parse()?;
        let (status, body) = get(url).await?;
        let answer: Value = serde_json::from_str(&body).with_context(|| format!("{status}: {body}"))?;
        ensure!(answer["status"] == "success", "{path}: {body}");
        Ok(answer["data"].clone())
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.0.end().await
    }
}

/// For a URL's query.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
