//! A control plane with the samples on it, and tagwatch that has judged them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tagwatch_e2e::{
    Component, ControlPlane, KubeletTask, Options, TagwatchProcess, eventually,
    samples::{Kubectl, Samples, config},
};

pub(crate) const LIMIT: Duration = Duration::from_mins(2);

pub(crate) struct Stage {
    pub(crate) control_plane: ControlPlane,
    pub(crate) kubectl: Kubectl,
    pub(crate) tagwatch: TagwatchProcess,
    kubelet: KubeletTask,
}

impl Stage {
    /// Starts all of it with further arguments of tagwatch.
    pub(crate) async fn start(arguments: &[&str]) -> Result<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let kubectl = Kubectl::of(&control_plane);
        kubectl.run(["apply".as_ref(), "-k".as_ref(), config("crd").as_os_str()]).await?;
        let established = ["wait", "--for=condition=established", "crd", "--all", "--timeout=60s"];
        kubectl.run(established).await?;
        let tagwatch = TagwatchProcess::start(control_plane.kubeconfig(), arguments).await?;
        let samples = Samples::new(control_plane.client().await?, kubectl.clone()).await?;
        let kubelet = samples.load().await?;
        samples.judged(LIMIT).await?;
        Ok(Self { control_plane, kubectl, tagwatch, kubelet })
    }

    /// What a healthy cluster does not have: watches that fail.
    pub(crate) async fn break_the_watches(&self) -> Result<()> {
        self.control_plane.kill(Component::ApiServer).await?;
        eventually(LIMIT, "a watch has failed", async || {
            let metrics = self.tagwatch.metrics().await?;
            ensure!(metrics.contains("\ntagwatch_watch_errors_total{"), "no failure is counted");
            Ok(())
        })
        .await?;
        self.control_plane.restart(Component::ApiServer).await
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        self.tagwatch.sigterm()?;
        let status = self.tagwatch.wait(LIMIT).await.context("tagwatch")?;
        ensure!(status.success(), "tagwatch ended with {status}");
        self.kubelet.stop().await?;
        self.control_plane.shutdown().await
    }
}
