//! The programs of Prometheus, where they can be had.

use std::{path::PathBuf, process::Stdio};

use anyhow::Result;
use serde_json::Value;
use tagwatch_e2e::{checkout, monitoring::Prometheus};
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

/// `promtool`, ready to be given arguments. Files that it is given are found from the checkout.
pub(crate) async fn promtool() -> Result<Command> {
    let mut command = Command::new(folder().await?.join("promtool"));
    command.current_dir(checkout()).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}
