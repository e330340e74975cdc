//! A kubelet in the background.

use std::time::Duration;

use anyhow::{Result, bail};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event, watcher},
};
use tokio::task::JoinHandle;

use super::{Kubelet, status};
use crate::eventually;

/// Status writes that are in flight at once.
const CONCURRENCY: usize = 8;
/// A write is retried for this long; a test may have stopped the API server or etcd.
const WRITE_LIMIT: Duration = Duration::from_mins(1);

/// Which pods a background kubelet manages.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Pods of all namespaces.
    All,
    /// Pods of these namespaces.
    Namespaces(Vec<String>),
}

/// How pods of Jobs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobPods {
    /// They keep running until they are deleted.
    Run,
    /// They succeed at once, and so do their Jobs.
    Succeed,
}

/// A kubelet that brings every pod in its scope to its state as soon as it appears, reports changed images
/// and new ephemeral containers, and removes deleted pods. It stops when this is dropped.
#[derive(Debug)]
pub struct KubeletTask(JoinHandle<()>);

impl Kubelet {
    /// Starts managing pods in the background.
    pub fn watch(self, scope: Scope, jobs: JobPods) -> KubeletTask {
        KubeletTask(tokio::spawn(async move { self.serve(scope, jobs).await }))
    }

    async fn serve(self, scope: Scope, jobs: JobPods) {
        let apis = match scope {
            Scope::All => vec![Api::all(self.client.clone())],
            Scope::Namespaces(names) => names.iter().map(|name| self.pods(name)).collect(),
        };
        let streams =
            apis.into_iter().map(|pods| watcher(pods, watcher::Config::default()).default_backoff().boxed());
        let tend = |event| async {
            match event {
                Ok(Event::Apply(pod) | Event::InitApply(pod)) => self.tend(&pod, jobs).await,
                Ok(Event::Delete(_) | Event::Init | Event::InitDone) => {}
                // It watches again: tests stop the API server.
                Err(failure) => tracing::debug!("watch of pods: {failure}"),
            }
        };
        stream::select_all(streams).for_each_concurrent(CONCURRENCY, tend).await;
    }

    async fn tend(&self, pod: &Pod, jobs: JobPods) {
        let tended = eventually(WRITE_LIMIT, "the pod is tended", || async {
            match self.tend_once(pod, jobs).await {
                // Deleted, or replaced by a pod of the same name, which has an event of its own.
                Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
                outcome => Ok(outcome?),
            }
        });
        if let Err(failure) = tended.await {
            tracing::warn!("pod {}/{}: {failure:#}", pod.namespace().unwrap_or_default(), pod.name_any());
        }
    }

    async fn tend_once(&self, pod: &Pod, jobs: JobPods) -> Result<(), kube::Error> {
        if pod.metadata.deletion_timestamp.is_some() {
            return self.remove(pod).await;
        }
        let succeeds =
            jobs == JobPods::Succeed && pod.owner_references().iter().any(|owner| owner.kind == "Job");
        let phase = if succeeds { "Succeeded" } else { "Running" };
        let ended = matches!(phase_of(pod), Some("Succeeded" | "Failed"));
        if ended || status::is_current(pod, phase) {
            return Ok(());
        }
        let write = if succeeds { status::succeeded } else { status::running };
        self.write_status(pod, write).await.map(drop)
    }
}

fn phase_of(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

impl KubeletTask {
    /// Ends the task.
    ///
    /// # Errors
    /// It had ended by itself.
    pub async fn stop(mut self) -> Result<()> {
        self.0.abort();
        match (&mut self.0).await {
            Err(failure) if failure.is_cancelled() => Ok(()),
            outcome => bail!("the kubelet ended by itself: {outcome:?}"),
        }
    }
}

impl Drop for KubeletTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
