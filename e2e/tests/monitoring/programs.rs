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

/// In which order `promtool test rules` evaluates the groups of one moment. Without an order promtool takes a random one.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// As the file lists them: what is recorded is there when an alert asks for it.
    Listed,
    /// An alert asks for what was recorded a step earlier. A Prometheus, which spreads its groups over their interval,
    /// does either.
    Reversed,
}

/// Runs a file of tests for `promtool test rules` on the shipped rules, their groups in this order.
///
/// # Errors
/// A rule fails, or a test finds something else than it expects; the error says what.
pub(crate) async fn file_holds(mut file: Value, order: Order) -> Result<()> {
    let rules = checkout().join("config/monitoring/rules.yaml");
    let groups: Value = serde_saphyr::from_str(&fs::read_to_string(&rules)?)?;
    let mut names: Vec<Value> =
        groups["groups"].as_array().into_iter().flatten().map(|group| group["name"].clone()).collect();
    ensure!(!names.is_empty(), "no groups in {}", rules.display());
    if matches!(order, Order::Reversed) {
        names.reverse();
    }
    file["rule_files"] = json!([rules]);
    file["group_eval_order"] = Value::from(names);
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

/// Runs tests of `promtool test rules` on the shipped rules, evaluated in these intervals. They may be longer than
/// Prometheus looks back, so what is recorded is recorded first.
///
/// # Errors
/// A rule fails, or a test finds something else than it expects; the error says what.
pub(crate) async fn rules_hold(interval: &str, tests: &[Value]) -> Result<()> {
    file_holds(json!({ "evaluation_interval": interval, "tests": tests }), Order::Listed).await
}
