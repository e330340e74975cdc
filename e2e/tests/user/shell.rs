//! A shell as a user has one: `tagwatch`, `kubectl` and `helm` on its PATH, and perhaps a cluster.

use std::{
    env,
    ffi::OsStr,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use tagwatch_e2e::{ControlPlane, built, checkout, helm, tagwatch_binary};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command, sync::OnceCell, time::timeout};

pub(crate) const LIMIT: Duration = Duration::from_mins(5);

/// The launcher of the control plane. The demo would build it again, in the caches of its own HOME.
async fn control_plane() -> Result<&'static PathBuf> {
    static CONTROL_PLANE: OnceCell<PathBuf> = OnceCell::const_new();
    let find = async || match env::var_os("TAGWATCH_CONTROL_PLANE") {
        Some(path) => Ok(path.into()),
        None => built("e2e/control-plane/build.sh").await,
    };
    CONTROL_PLANE.get_or_try_init(find).await
}

pub(crate) struct Shell {
    home: TempDir,
    /// On the PATH, before the folders of ours.
    programs: Option<PathBuf>,
    control_plane: &'static Path,
    kubeconfig: Option<PathBuf>,
}

impl Shell {
    /// Without a cluster and without `kubectl`.
    pub(crate) async fn new() -> Result<Self> {
        let home = TempDir::with_prefix("tagwatch-shell-")?;
        let bin = home.path().join("bin");
        fs::create_dir(&bin)?;
        symlink(tagwatch_binary()?, bin.join("tagwatch"))?;
        symlink(helm().await?, bin.join("helm"))?;
        Ok(Self { home, programs: None, control_plane: control_plane().await?, kubeconfig: None })
    }

    /// With the kubectl and the kubeconfig of a cluster.
    pub(crate) async fn on(cluster: &ControlPlane) -> Result<Self> {
        let mut shell = Self::new().await?;
        let command = cluster.kubectl_command()?;
        let command = command.as_std();
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let kubectl = shell.home.path().join("bin/kubectl");
        fs::write(&kubectl, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")))?;
        fs::set_permissions(&kubectl, Permissions::from_mode(0o755))?;
        shell.kubeconfig = Some(cluster.kubeconfig().to_owned());
        Ok(shell)
    }

    /// With the programs of a folder on its PATH.
    pub(crate) fn with_programs(self, folder: PathBuf) -> Self {
        Self { programs: Some(folder), ..self }
    }

    /// A program in the checkout, with nothing of our environment but the PATH.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut path = vec![self.home.path().join("bin")];
        path.extend(self.programs.clone());
        path.extend(env::split_paths(&env::var_os("PATH").context("no PATH")?));
        let mut command = Command::new(program);
        command
            .current_dir(checkout())
            .env_clear()
            .env("PATH", env::join_paths(path)?)
            .env("HOME", self.home.path())
            .env("TAGWATCH_CONTROL_PLANE", self.control_plane)
            .envs(self.kubeconfig.iter().map(|path| ("KUBECONFIG", path)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in ["KUBEBUILDER_ASSETS", "TAGWATCH_BIN"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        Ok(command)
    }

    /// A script for bash, with standard error in standard output.
    pub(crate) async fn run(&self, script: &str) -> Result<Output> {
        let mut bash = self.command("bash")?;
        bash.arg("-c").arg(format!("exec 2>&1\n{script}"));
        finish(bash, "").await
    }
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command, input: &str) -> Result<Output> {
    let what = format!("{:?}", command.as_std());
    let exchange = async {
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        anyhow::Ok(child.wait_with_output().await?)
    };
    timeout(LIMIT, exchange).await.with_context(|| what.clone())?.with_context(|| what.clone())
}
