//! One Prometheus as a process.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use form_urlencoded::byte_serialize;
use http::{Uri, header::LOCATION};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::process::Command;

use super::Server;
use crate::{checkout, eventually, get};

const READY_LIMIT: Duration = Duration::from_secs(30);

/// The configuration of a Prometheus that scrapes this tagwatch every second, for the caller to add to.
pub fn scrape_config(tagwatch: SocketAddr) -> Value {
    json!({
        "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
        "scrape_configs": [{
            "job_name": "tagwatch",
            "honor_labels": true,
            "static_configs": [{ "targets": [tagwatch.to_string()] }],
        }],
    })
}

/// A running Prometheus. It is killed when this is dropped.
#[derive(Debug)]
pub struct Prometheus(Server);

impl Prometheus {
    /// The folder of Prometheus and its companions. They are downloaded into a cache where the machine has none.
    ///
    /// # Errors
    /// There are none, and they cannot be downloaded.
    pub async fn programs() -> Result<PathBuf> {
        folder(&[]).await
    }

    /// The folder of a Prometheus that is installed already.
    ///
    /// # Errors
    /// There is none; the error says how to get one.
    pub async fn installed() -> Result<PathBuf> {
        folder(&["--installed"]).await
    }

    /// Starts the Prometheus of a folder with this configuration, which may name files beside it.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn start(programs: &Path, config: &Value, files: &[(&str, &str)]) -> Result<Self> {
        Self::start_on(programs, config, files, None).await
    }

    /// The same on the blocks of this folder, to which it adds; on none for `None`.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn start_on(
        programs: &Path,
        config: &Value,
        files: &[(&str, &str)],
        blocks: Option<&Path>,
    ) -> Result<Self> {
        let program = programs.join("prometheus");
        let server = Server::start(&program, READY_LIMIT, "/-/ready", |command, folder, address| {
            // JSON is YAML.
            fs::write(folder.join("prometheus.yaml"), config.to_string())?;
            for (name, content) in files {
                fs::write(folder.join(name), content)?;
            }
            command
                .arg(format!("--config.file={}", folder.join("prometheus.yaml").display()))
                .arg(format!("--storage.tsdb.path={}", blocks.unwrap_or(&folder.join("data")).display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=warn");
            Ok(())
        });
        server.await.map(Self)
    }

    /// The address of its pages.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }

    /// The address of its page with the results of these queries.
    ///
    /// # Errors
    /// It does not say where that page is.
    pub async fn link(&self, expressions: &[&str]) -> Result<String> {
        // The tab with the table: there is not yet anything to draw.
        let query = |(index, text): (usize, &&str)| format!("g{index}.expr={}&g{index}.tab=1", encoded(text));
        let queries: Vec<String> = expressions.iter().enumerate().map(query).collect();
        Ok(format!("{}?{}", self.query_page().await?, queries.join("&")))
    }

    /// The address of its page with the alerts.
    ///
    /// # Errors
    /// It does not say where that page is.
    pub async fn alerts_link(&self) -> Result<String> {
        let page = self.query_page().await?;
        let (folder, _) = page.rsplit_once('/').context("a page without a folder")?;
        Ok(format!("{folder}/alerts"))
    }

    /// Where this page is differs from version to version and from packager to packager; `/` leads there.
    async fn query_page(&self) -> Result<String> {
        let answer = get(format!("{}/", self.url()).parse()?).await?;
        let page = answer.headers().get(LOCATION).context("/ of Prometheus leads nowhere")?.to_str()?;
        Ok(format!("{}{page}", self.url()))
    }

    /// The result of a query, now.
    ///
    /// # Errors
    /// Prometheus does not answer, or refuses the query.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>> {
        self.query_at(expression, Timestamp::now()).await
    }

    /// The result of a query at a time. It stays the same once that time has passed.
    ///
    /// # Errors
    /// Prometheus does not answer, or refuses the query.
    pub async fn query_at(&self, expression: &str, time: Timestamp) -> Result<Vec<Value>> {
        self.results(&format!("/api/v1/query?query={}&time={time}", encoded(expression))).await
    }

    /// The result of a query over the last minute.
    ///
    /// # Errors
    /// Prometheus does not answer, or refuses the query.
    pub async fn query_range(&self, expression: &str) -> Result<Vec<Value>> {
        let now = Timestamp::now().as_second();
        let range = format!("start={}&end={now}&step=1", now - 60);
        self.results(&format!("/api/v1/query_range?query={}&{range}", encoded(expression))).await
    }

    async fn results(&self, path: &str) -> Result<Vec<Value>> {
        let data = self.api(path).await?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// The values of a label over the series that match.
    ///
    /// # Errors
    /// Prometheus does not answer.
    pub async fn label_values(&self, selector: &str, label: &str) -> Result<Vec<String>> {
        let data = self.api(&format!("/api/v1/label/{label}/values?match[]={}", encoded(selector))).await?;
        Ok(serde_json::from_value(data)?)
    }

    /// Waits until its only target is up.
    ///
    /// # Errors
    /// It stays down; the error holds the reason.
    pub async fn scrapes(&self) -> Result<()> {
        self.target_is("up").await.map(drop)
    }

    /// Waits until its only target is `up` or `down`, and returns it.
    ///
    /// # Errors
    /// It does not become so.
    pub async fn target_is(&self, health: &str) -> Result<Value> {
        eventually(READY_LIMIT, &format!("the target is {health}"), async || {
            let targets = self.api("/api/v1/targets").await?;
            let target = &targets["activeTargets"][0];
            ensure!(target["health"] == health, "{target}");
            Ok(target.clone())
        })
        .await
    }

    /// Waits until each rule has been evaluated without an error after this time, and returns the rules.
    ///
    /// # Errors
    /// One of them fails, or there is none.
    pub async fn rules_evaluated_since(&self, since: Timestamp) -> Result<Vec<Value>> {
        let evaluated = |rule: &&Value| {
            let last = rule["lastEvaluation"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            rule["health"] == "ok" && last.is_some_and(|last| last > since)
        };
        eventually(READY_LIMIT, "the rules are evaluated", async || {
            let data = self.api("/api/v1/rules").await?;
            let groups = data["groups"].as_array().context("no groups")?;
            let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
            let rules: Vec<Value> = rules.cloned().collect();
            let waiting = rules.iter().find(|rule| !evaluated(rule));
            ensure!(!rules.is_empty() && waiting.is_none(), "{} rules, of which {waiting:?}", rules.len());
            Ok(rules)
        })
        .await
    }

    async fn api(&self, path: &str) -> Result<Value> {
        let url: Uri = format!("{}{path}", self.url()).parse()?;
        let (head, body) = get(url).await?.into_parts();
        let answer: Value =
            serde_json::from_str(&body).with_context(|| format!("{}: {body}", head.status))?;
        ensure!(answer["status"] == "success", "{path}: {body}");
        Ok(answer["data"].clone())
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// It did not end in order.
    pub async fn end(self) -> Result<()> {
        self.0.end().await
    }
}

/// The folder of the programs, which `hack/prometheus.sh` prints after installing them.
async fn folder(arguments: &[&str]) -> Result<PathBuf> {
    let mut script = Command::new(checkout().join("hack/prometheus.sh"));
    let output = script.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", words.trim_end());
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().next_back().context("hack/prometheus.sh printed no folder")?.into())
}

/// For a URL's query.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
