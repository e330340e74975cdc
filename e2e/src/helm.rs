//! The real Helm, and other programs that scripts of this repository build.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use tokio::{process::Command, sync::OnceCell};

use crate::checkout;

/// Helm, built from its module.
///
/// # Errors
/// It cannot be built.
pub async fn helm() -> Result<&'static Path> {
    static HELM: OnceCell<PathBuf> = OnceCell::const_new();
    HELM.get_or_try_init(async || built("e2e/tools/build.sh").await).await.map(PathBuf::as_path)
}

/// What a build script, named from the checkout, makes and prints.
///
/// # Errors
/// It failed, or printed nothing.
pub async fn built(script: &str) -> Result<PathBuf> {
    let output = Command::new(checkout().join(script)).stderr(Stdio::inherit()).output().await?;
    ensure!(output.status.success(), "{script}: {}", output.status);
    let printed = String::from_utf8(output.stdout)?;
    Ok(PathBuf::from(printed.lines().next_back().with_context(|| format!("{script} printed no path"))?))
}
