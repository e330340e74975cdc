//! The demo on a control plane of its own, which is gone when the demo ends.

use std::{env, fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use kube::config::Kubeconfig;
use tagwatch_e2e::{
    ControlPlane, KubeletTask, Options, TagwatchProcess,
    monitoring::Prometheus,
    samples::{Kubectl, NAMESPACES, Samples},
    tagwatch_binary,
};
use tokio::time::timeout;

use crate::{
    drift, install, monitoring, screen,
    settings::{Settings, interrupted},
    tour::{self, Tour},
};

/// How long tagwatch may take to end (`SIGTERM` ends it within 5 s).
const END_LIMIT: Duration = Duration::from_secs(5);
/// Between the end of a process and our own copy of the signal that ended it.
const SIGNAL_LIMIT: Duration = Duration::from_secs(1);

pub(crate) async fn show(settings: &Settings) -> Result<()> {
    let mut stage = tokio::select! {
        shown = Stage::with_tour() => shown?,
        // Dropping the other branch ends all that it started.
        () = interrupted() => bail!("interrupted before everything was shown"),
    };
    if !settings.once {
        let tagwatch = tagwatch_binary()?;
        screen::say(&format!(
            "It stays up until Ctrl-C. In another terminal:\n\n  export KUBECONFIG={}\n  \
             kubectl get policyreports.wgpolicyk8s.io -A\n  {} issues -A\n  curl http://{}/metrics\n\n\
             {}",
            stage.control_plane.kubeconfig().display(),
            tagwatch.strip_prefix(env::current_dir()?).unwrap_or(&tagwatch).display(),
            stage.tagwatch.address(),
            pages(stage.control_plane.data_dir(), stage.prometheus.as_ref())?,
        ));
        until_interrupted(&mut stage.tagwatch).await?;
    }
    stage.end().await
}

/// The processes and tasks of the demo, which end with it.
struct Stage {
    control_plane: ControlPlane,
    tagwatch: TagwatchProcess,
    kubelet: KubeletTask,
    prometheus: Option<Prometheus>,
}

impl Stage {
    async fn with_tour() -> Result<Self> {
        screen::step("A control plane: etcd, kube-apiserver, kube-controller-manager");
        let control_plane = ControlPlane::start(Options::default()).await?;
        let seconds = control_plane.time_to_ready().as_secs_f64();
        screen::outcome(&format!("{}, ready after {seconds:.1} s", control_plane.server()));
        let kubectl = Kubectl::of(&control_plane);
        let client = control_plane.client().await?;

        install::report_api(&kubectl).await?;
        install::policy_api(&kubectl).await?;
        install::rbac(&kubectl).await?;
        install::nodes(&kubectl).await?;
        let admin = Kubeconfig::read_from(control_plane.kubeconfig())?;
        let tagwatch = install::controller(&admin, &client, control_plane.data_dir(), &[]).await?;

        let samples = Samples::new(client.clone(), kubectl.clone()).await?;
        let (workloads, namespaces) = (samples.expected().len(), NAMESPACES.join(", "));
        screen::step(&format!("config/samples: {workloads} workloads in {namespaces}"));
        screen::outcome("there is no kubelet: a stand-in reports their pods as running");
        let kubelet = samples.load().await?;
        tour::wait_until_judged(&samples).await?;

        let kubeconfig = Some(control_plane.kubeconfig());
        let tour = Tour { client, kubectl: kubectl.clone(), kubeconfig, context: None, tagwatch: &tagwatch };
        tour.show().await?;
        drift::show(&control_plane, &kubectl, &tagwatch).await?;
        let prometheus = monitoring::show(&tagwatch).await?;
        Ok(Self { control_plane, tagwatch, kubelet, prometheus })
    }

    async fn end(self) -> Result<()> {
        let Self { control_plane, tagwatch, kubelet, prometheus } = self;
        end(tagwatch, prometheus).await?;
        kubelet.stop().await?;
        control_plane.shutdown().await
    }
}

/// Where there is more to look at; the console of a tagwatch with this folder.
pub(crate) fn pages(folder: &Path, prometheus: Option<&Prometheus>) -> Result<String> {
    let console = format!("The console, with everything that was found: {}", install::console_url(folder)?);
    Ok(match prometheus {
        Some(prometheus) => format!("{console}\nPrometheus, with the queries above: {}", prometheus.url()),
        None => console,
    })
}

/// Ctrl-C reaches every process of the terminal, so tagwatch may end before we hear of it.
pub(crate) async fn until_interrupted(tagwatch: &mut TagwatchProcess) -> Result<()> {
    tokio::select! {
        biased;
        () = interrupted() => Ok(()),
        ended = tagwatch.wait(Duration::MAX) => match timeout(SIGNAL_LIMIT, interrupted()).await {
            Ok(()) => Ok(()),
            Err(_) => bail!("tagwatch ended by itself: {}", ended?),
        },
    }
}

/// The demo ends in order only if tagwatch does.
pub(crate) async fn end(mut tagwatch: TagwatchProcess, prometheus: Option<Prometheus>) -> Result<()> {
    if let Some(prometheus) = prometheus {
        prometheus.end().await?;
    }
    // It may have ended by the same Ctrl-C.
    let _ = tagwatch.sigterm();
    let status = tagwatch.wait(END_LIMIT).await.context("SIGTERM to tagwatch")?;
    let log = || fs::read_to_string(tagwatch.log()).unwrap_or_default();
    ensure!(status.success(), "tagwatch ended with {status}; its log:\n{}", log());
    Ok(())
}
