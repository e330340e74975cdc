//! The console in a real Chromium, by the scripts in `e2e/browser/checks`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::checkout;

/// Exit status of `hack/browser.sh` where no browser can be installed.
const CANNOT_INSTALL: i32 = 3;
/// Time limit of a check; each step has a limit of its own.
const CHECK_LIMIT: Duration = Duration::from_mins(15);

/// A Chromium, and the packages that drive it.
#[derive(Clone, Debug)]
pub struct Browser {
    packages: PathBuf,
}

/// Output of a check.
#[derive(Debug)]
pub struct Checked {
    /// What the check printed before the line with its result.
    pub said: String,
    /// Its result; null if there is none.
    pub value: Value,
}

impl Browser {
    /// Installs missing packages (`hack/browser.sh`), with its messages on our standard error. The inner error is the
    /// reason why this machine cannot have a browser.
    ///
    /// # Errors
    /// The script failed in another way.
    pub async fn install() -> Result<Result<Self, String>> {
        let script = checkout().join("hack/browser.sh");
        let mut command = Command::new(&script);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| script.display().to_string())?;
        let mut talk = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let mut last = String::new();
        while let Some(line) = talk.next_line().await? {
            // The reader may be gone, which is no failure.
            let _ = writeln!(io::stderr(), "{line}");
            line.trim_start_matches("browser: ").clone_into(&mut last);
        }
        let output = child.wait_with_output().await?;
        if output.status.code() == Some(CANNOT_INSTALL) {
            return Ok(Err(last));
        }
        ensure!(output.status.success(), "{}: {}", script.display(), output.status);
        Ok(Ok(Self { packages: PathBuf::from(String::from_utf8(output.stdout)?.trim()) }))
    }

    /// Runs a check, which takes the fields of `given`.
    ///
    /// # Errors
    /// It failed, or took too long.
    pub async fn check(&self, name: &str, given: &Value) -> Result<Checked> {
        let mut child = Command::new("node")
            .arg(checkout().join("e2e/browser/check.mjs"))
            .arg(name)
            .env("TAGWATCH_BROWSER", &self.packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node")?;
        // On standard input, because it holds tokens and other users may read the environment.
        let mut input = child.stdin.take().context("no standard input")?;
        input.write_all(given.to_string().as_bytes()).await?;
        drop(input);
        let output = timeout(CHECK_LIMIT, child.wait_with_output())
            .await
            .map_err(|_| anyhow!("{name} still runs after {CHECK_LIMIT:?}"))??;
        let said = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            bail!("{name}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        let (said, value) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim_end()));
        let value = serde_json::from_str(value).with_context(|| format!("{name} ended with {value:?}"))?;
        Ok(Checked { said: said.to_owned(), value })
    }
}
