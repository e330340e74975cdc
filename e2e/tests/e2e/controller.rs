//! A running tagwatch, with its log kept for the case of a failure.

use std::{
    cell::RefCell,
    fs,
    ops::{Deref, DerefMut},
    rc::Rc,
    time::Duration,
};

use anyhow::{Result, ensure};
use tagwatch_e2e::{TagwatchProcess, eventually};

use crate::{metrics::Samples, test_env::LIMIT};

/// The logs of the processes that have ended.
pub(crate) type Transcript = Rc<RefCell<Vec<String>>>;

const LOG_TAIL: usize = 60;
/// A running `tagwatch run`. It is killed when this is dropped.
pub(crate) struct Controller {
    process: TagwatchProcess,
    transcript: Transcript,
}

impl Controller {
    pub(crate) fn new(process: TagwatchProcess, transcript: Transcript) -> Self {
        Self { process, transcript }
    }

    /// Waits until `/readyz` says so.
    pub(crate) async fn is_ready(&self, limit: Duration) -> Result<()> {
        eventually(limit, "tagwatch is ready", || async {
            let (status, body) = self.get("/readyz").await?;
            ensure!(status.is_success(), "{status}: {}", body.trim_end());
            Ok(())
        })
        .await
    }

    /// Asserts that `/livez` says so.
    pub(crate) async fn is_alive(&self) -> Result<()> {
        let (status, body) = self.get("/livez").await?;
        ensure!(status.is_success(), "/livez: {status}: {body}");
        Ok(())
    }

    /// Its metrics as they are now.
    pub(crate) async fn samples(&self) -> Result<Samples> {
        Samples::parse(&self.metrics().await?)
    }

    /// Waits until the samples of a metric with these labels add up to this.
    pub(crate) async fn counts(&self, name: &str, labels: &[(&str, &str)], wanted: f64) -> Result<()> {
        self.measures(name, labels, |sum| sum == wanted).await.map(drop)
    }

    /// Waits until the sum of the samples of a metric with these labels is as wanted, and returns it.
    pub(crate) async fn measures(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        wanted: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        eventually(LIMIT, &format!("{name}{labels:?}"), || async {
            let sum = self.samples().await?.sum(name, labels);
            ensure!(wanted(sum), "it is {sum}");
            Ok(sum)
        })
        .await
    }

    /// What it has logged so far.
    pub(crate) fn log_text(&self) -> Result<String> {
        Ok(fs::read_to_string(self.log())?)
    }

    /// Waits until its log has a text, which it must have once.
    pub(crate) async fn logs_once(&self, text: &str) -> Result<()> {
        let times = self.logs(text, 1).await?;
        ensure!(times == 1, "\"{text}\" is logged {times} times");
        Ok(())
    }

    /// Waits until its log has a text at least so many times, and returns how often it has it.
    ///
    /// What a test has seen of the process until then, such as a metric, says nothing of when a line is written.
    pub(crate) async fn logs(&self, text: &str, least: usize) -> Result<usize> {
        eventually(LIMIT, &format!("\"{text}\" is logged"), || async {
            let times = self.logged(text)?;
            ensure!(times >= least, "{times} times");
            Ok(times)
        })
        .await
    }

    /// How often its log has a text.
    pub(crate) fn logged(&self, text: &str) -> Result<usize> {
        Ok(self.log_text()?.matches(text).count())
    }

    /// Ends it by SIGTERM and asserts that it ended well.
    pub(crate) async fn end(self) -> Result<()> {
        self.end_within(LIMIT).await
    }

    /// Likewise, and in time.
    pub(crate) async fn end_within(mut self, limit: Duration) -> Result<()> {
        self.sigterm()?;
        let status = self.wait(limit).await?;
        ensure!(status.code() == Some(0), "tagwatch ended with {status}");
        Ok(())
    }
}

impl Deref for Controller {
    type Target = TagwatchProcess;

    fn deref(&self) -> &TagwatchProcess {
        &self.process
    }
}

impl DerefMut for Controller {
    fn deref_mut(&mut self) -> &mut TagwatchProcess {
        &mut self.process
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let log = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        self.transcript.borrow_mut().push(lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n"));
    }
}
