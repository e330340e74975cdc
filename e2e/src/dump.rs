//! Output of a failed test.

use std::{fmt::Write, path::Path};

use anyhow::{Context, Result};

use crate::{ControlPlane, TagwatchProcess};

const WORKLOADS: &str =
    "deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,jobs,cronjobs,pods";
const REPORTS: &str = "policyreports.wgpolicyk8s.io";
const LOG_TAIL: usize = 60;

impl ControlPlane {
    /// The reports and workloads of a namespace and the end of the controller's log, as text. What cannot be
    /// read is replaced by the reason.
    pub async fn dump(&self, namespace: &str, tagwatch: Option<&TagwatchProcess>) -> String {
        let mut text = String::new();
        for (kinds, format) in [(REPORTS, "yaml"), (WORKLOADS, "wide"), (WORKLOADS, "yaml")] {
            let listed = self.kubectl(&["get", kinds, "-n", namespace, "-o", format]).await;
            let listed = listed.unwrap_or_else(|failure| format!("{failure:#}"));
            section(&mut text, &format!("kubectl get {kinds} -n {namespace} -o {format}"), &listed);
        }
        if let Some(tagwatch) = tagwatch {
            section(&mut text, &format!("the end of {}", tagwatch.log().display()), &tail(tagwatch.log()));
        }
        text
    }

    /// Adds a [`dump`](Self::dump) to a failure, and leaves success as it is.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub async fn explain<T>(
        &self,
        outcome: Result<T>,
        namespace: &str,
        tagwatch: Option<&TagwatchProcess>,
    ) -> Result<T> {
        if outcome.is_ok() {
            return outcome;
        }
        let state = self.dump(namespace, tagwatch).await;
        outcome.with_context(|| format!("state at the failure:\n{state}"))
    }
}

fn section(text: &mut String, title: &str, body: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "--- {title}\n{}", body.trim_end());
}

/// The last lines of a log file.
pub(crate) fn tail(path: &Path) -> String {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
        }
        Err(failure) => failure.to_string(),
    }
}
