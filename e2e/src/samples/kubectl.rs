//! The real kubectl, as a person would run it.

use std::{ffi::OsStr, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::ControlPlane;

const LIMIT: Duration = Duration::from_mins(2);

/// How kubectl is called for one cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: std::ffi::OsString,
    words: Vec<std::ffi::OsString>,
    env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

impl Kubectl {
    /// That of a control plane, or the machine's own where the control plane has none (`KUBEBUILDER_ASSETS`
    /// names a folder without it).
    pub fn of(control_plane: &ControlPlane) -> Self {
        let Ok(command) = control_plane.kubectl_command() else {
            let kubeconfig = ("KUBECONFIG".into(), control_plane.kubeconfig().into());
            return Self { program: "kubectl".into(), words: Vec::new(), env: vec![kubeconfig] };
        };
        let command = command.as_std();
        Self {
            program: command.get_program().into(),
            words: command.get_args().map(Into::into).collect(),
            env: command.get_envs().filter_map(|(name, value)| Some((name.into(), value?.into()))).collect(),
        }
    }

    /// The machine's own, with this context of its kubeconfig.
    pub fn with_context(context: &str) -> Self {
        let words = vec!["--context".into(), context.into()];
        Self { program: "kubectl".into(), words, env: Vec::new() }
    }

    /// Runs it and returns what it printed.
    ///
    /// # Errors
    /// It failed, with its message, or it did not end within two minutes.
    pub async fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        self.run_with_input(args, &[]).await
    }

    /// `kubectl apply -f` of one object.
    ///
    /// # Errors
    /// It failed, with its message.
    pub async fn apply(&self, object: &Value) -> Result<()> {
        let input = serde_json::to_vec(object)?;
        self.run_with_input(["apply", "-f", "-"], &input).await.map(drop)
    }

    async fn run_with_input<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Result<String> {
        let Self { program, words, env } = self;
        let mut command = Command::new(program);
        command
            .args(words)
            .args(args)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let what = format!("{:?}", command.as_std());
        let exchange = async {
            let mut child = command.spawn()?;
            let mut stdin = child.stdin.take().context("kubectl has no standard input")?;
            stdin.write_all(input).await?;
            drop(stdin);
            anyhow::Ok(child.wait_with_output().await?)
        };
        let output =
            timeout(LIMIT, exchange).await.with_context(|| what.clone())?.with_context(|| what.clone())?;
        ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr).trim_end());
        String::from_utf8(output.stdout).context(what)
    }
}
