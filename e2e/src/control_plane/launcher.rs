//! The launcher process and its line protocol: one command per line, answered by one line of JSON.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::{sync::mpsc, time::timeout};

use super::{Component, Options};

/// The launcher gives each component a minute to become ready and 20 s to end, and answers then. Its own
/// limits are shorter than ours, because its errors say what went wrong.
const ANSWER_LIMIT: Duration = Duration::from_mins(3);
const END_LIMIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(10);

/// Standard pipes and a thread instead of tokio's: those belong to one runtime, and a control plane is shared
/// by tests that each have their own.
#[derive(Debug)]
pub(super) struct Launcher {
    child: Mutex<Child>,
    stdin: Mutex<Option<ChildStdin>>,
    answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>,
}

#[derive(Deserialize)]
struct Answer {
    event: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    error: String,
}

impl Launcher {
    /// Starts the launcher and returns it with its first line.
    pub(super) async fn start(binary: &Path, options: &Options) -> Result<(Self, String)> {
        let mut child = Command::new(binary)
            .args(arguments(options))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the launcher has no standard output")?;
        let launcher = Self {
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            answers: tokio::sync::Mutex::new(lines(stdout)),
        };
        let (first, line) = next(&mut *launcher.answers.lock().await).await?;
        ensure!(first.event == "ready", "the launcher's first line: {line}");
        Ok((launcher, line))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    pub(super) async fn command(&self, verb: &str, component: Component) -> Result<()> {
        let command = format!("{verb} {}", component.name());
        // Held over write and read, so that each answer belongs to its command.
        let mut answers = self.answers.lock().await;
        self.send(&command)?;
        let (answer, _) = next(&mut answers).await.with_context(|| command.clone())?;
        ensure!(answer.command == command, "{command}: the launcher answered to {}", answer.command);
        ensure!(answer.event == "done", "{command}: {}", answer.error);
        Ok(())
    }

    fn send(&self, command: &str) -> Result<()> {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = stdin.as_mut().context("the launcher is already ending")?;
        writeln!(pipe, "{command}").with_context(|| format!("{command}: the launcher has ended"))
    }

    /// Asks the launcher to end and waits for it.
    pub(super) async fn shutdown(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.end()).await.context("waiting for the launcher")?
    }

    /// The end of its standard input makes the launcher end all components and remove its folder.
    fn end(&self) -> Result<()> {
        drop(self.stdin.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + END_LIMIT;
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "the launcher: {status}");
                return Ok(());
            }
            if Instant::now() > deadline {
                // Its components die with it.
                child.kill()?;
                child.wait()?;
                bail!("the launcher did not end within {END_LIMIT:?} and was killed");
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if let Err(failure) = self.end() {
            tracing::error!("the control plane did not end in order: {failure:#}");
        }
    }
}

fn arguments(options: &Options) -> Vec<String> {
    let Options { feature_gates, apiserver_args, optimised: _ } = options;
    let mut arguments = vec!["up".to_owned(), "--control-stdin".to_owned()];
    arguments.extend(feature_gates.iter().map(|gates| format!("--feature-gates={gates}")));
    arguments.extend(apiserver_args.iter().map(|argument| format!("--apiserver-arg={argument}")));
    arguments
}

/// The launcher's next answer, parsed and as it came. That the launcher itself has failed is an error.
async fn next(answers: &mut mpsc::UnboundedReceiver<String>) -> Result<(Answer, String)> {
    let line = timeout(ANSWER_LIMIT, answers.recv()).await.context("no answer from the launcher")?;
    let line = line.context("the launcher has ended")?;
    let answer: Answer = serde_json::from_str(&line).with_context(|| format!("no answer: {line}"))?;
    if answer.command == "up" {
        bail!("the control plane has failed: {}", answer.error);
    }
    Ok((answer, line))
}

/// The lines of the launcher's output; the channel closes at its end.
fn lines(stdout: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
