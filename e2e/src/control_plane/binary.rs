//! Finds the binary of the control plane launcher, and builds it where it is missing.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

const VARIABLE: &str = "TAGWATCH_CONTROL_PLANE";

/// The file named by `TAGWATCH_CONTROL_PLANE`, or else what `build.sh` builds and prints. The script's
/// messages are written to our standard error.
pub(super) async fn find(optimised: bool) -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        let path = PathBuf::from(named);
        ensure!(path.is_file(), "{VARIABLE}: there is no file {}", path.display());
        return Ok(path);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("control-plane/build.sh");
    let output = Command::new(&script)
        .args(optimised.then_some("--optimised"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| script.display().to_string())?;
    ensure!(output.status.success(), "{}: {}", script.display(), output.status);
    let text = String::from_utf8(output.stdout).context("build.sh printed no UTF-8")?;
    let path = text.lines().next_back().context("build.sh printed no path")?;
    Ok(PathBuf::from(path))
}
