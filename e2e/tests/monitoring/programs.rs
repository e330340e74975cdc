//! The programs of Prometheus, where they can be had.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tagwatch_e2e::{checkout, monitoring::Prometheus};
use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

use crate::runner::Skipped;

/// The folder of the programs.
///
/// # Errors
/// [`Skipped`] where the machine has none and cannot download them.
pub(crate) async fn folder() -> Result<PathBuf> {
    static FOLDER: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let find = async || Prometheus::programs().await.map_err(|failure| format!("{failure:#}"));
    let folder = FOLDER.get_or_init(find).await;
    Ok(folder.clone().map_err(Skipped)?)
}

/// A Prometheus with this configuration, which may name files beside it.
pub(crate) async fn prometheus(config: &Value, files: &[(&str, &str)]) -> Result<Prometheus> {
    Prometheus::start(&folder().await?, config, files).await
}

/// The same on the blocks of this folder.
pub(crate) async fn prometheus_on(
    blocks: &Path,
    config: &Value,
    files: &[(&str, &str)],
) -> Result<Prometheus> {
    Prometheus::start_on(&folder().await?, config, files, Some(blocks)).await
}

/// `promtool`, ready to be given arguments. Files that it is given are found from the checkout.
pub(crate) async fn promtool() -> Result<Command> {
    let mut command = Command::new(folder().await?.join("promtool"));
    command.current_dir(checkout()).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

/// Runs tests of `promtool test rules` on the shipped rules, evaluated in these intervals.
///
/// # Errors
/// A rule fails, or a test finds something else than it expects; the error says what.
pub(crate) async fn rules_hold(interval: &str, tests: &[Value]) -> Result<()> {
    let file = json!({
        "rule_files": [checkout().join("config/monitoring/rules.yaml")],
        "evaluation_interval": interval,
        "tests": tests,
    });
    let folder = TempDir::new()?;
    let path = folder.path().join("tests.yaml");
    // JSON is YAML.
    fs::write(&path, serde_json::to_vec(&file)?)?;
    let output = promtool().await?.args(["test", "rules"]).arg(&path).output().await?;
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "promtool test rules: {words}");
    Ok(())
}
