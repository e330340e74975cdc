//! The demo on a cluster that is there already. It asks first, touches nothing that it did not make, and
//! removes what it made.

use std::io;

use anyhow::{Context, Result, anyhow, ensure};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tagwatch_e2e::{
    TagwatchProcess,
    monitoring::Prometheus,
    samples::{Kubectl, NAMESPACES, Samples, expected},
};
use tempfile::TempDir;

use crate::{
    install, monitoring, own, screen,
    settings::{Settings, interrupted},
    tour::{self, Tour},
};

const CUSTOM_KIND: &str = "trainingruns.ml.example.com";

pub(crate) async fn show(context: &str, settings: &Settings) -> Result<()> {
    let cluster = Cluster::connect(context).await?;
    cluster.refuse_conflicts().await?;
    cluster.ask()?;
    // A failure removes what was made too.
    let shown = cluster.tour_and_wait(settings).await;
    let removed = cluster.remove().await;
    shown.and(removed)
}

struct Cluster<'a> {
    context: &'a str,
    admin: Kubeconfig,
    client: Client,
    kubectl: Kubectl,
    /// The report API was installed before the demo, and stays.
    has_report_api: bool,
}

impl<'a> Cluster<'a> {
    async fn connect(context: &'a str) -> Result<Self> {
        let mut admin = Kubeconfig::read().context("DEMO_CONTEXT needs a kubeconfig")?;
        let known = admin.contexts.iter().any(|named| named.name == context);
        ensure!(known, "DEMO_CONTEXT: the kubeconfig has no context {context:?}");
        admin.contexts.retain(|named| named.name == context);
        admin.current_context = Some(context.to_owned());
        let config = Config::from_custom_kubeconfig(admin.clone(), &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let groups =
            client.list_api_groups().await.with_context(|| format!("the cluster of context {context}"))?;
        let has_report_api = groups.groups.iter().any(|group| group.name == "wgpolicyk8s.io");
        Ok(Self { context, admin, client, kubectl: Kubectl::with_context(context), has_report_api })
    }

    /// What the demo makes, by kind and name.
    fn makes(&self) -> Vec<String> {
        let mut makes = vec!["namespace/tagwatch".to_owned()];
        makes.extend(NAMESPACES.map(|name| format!("namespace/{name}")));
        makes.extend(
            [
                "clusterrole/tagwatch",
                "clusterrole/tagwatch-extensions",
                "clusterrole/tagwatch-metrics-reader",
                "clusterrole/tagwatch-view",
                "clusterrolebinding/tagwatch",
                "clusterrolebinding/tagwatch-extensions",
            ]
            .map(str::to_owned),
        );
        makes.push(format!("crd/{CUSTOM_KIND}"));
        makes.push("crd/tagpolicies.tagwatch.dev".to_owned());
        if !self.has_report_api {
            makes.extend(install::REPORT_CRDS.map(|crd| format!("crd/{crd}")));
        }
        makes
    }

    /// The demo removes by name in the end: nothing of those names may be there before.
    async fn refuse_conflicts(&self) -> Result<()> {
        let mut args = vec!["get".to_owned(), "--ignore-not-found".to_owned(), "--output=name".to_owned()];
        args.extend(self.makes());
        let there = self.kubectl.run(args).await?;
        ensure!(
            there.is_empty(),
            "the cluster of context {} has already:\n{}",
            self.context,
            there.trim_end()
        );
        Ok(())
    }

    fn ask(&self) -> Result<()> {
        screen::step(&format!("The cluster of context {}", self.context));
        screen::outcome(&format!(
            "The demo makes the following there, and removes it in the end:\n  {}\n\
             Your nodes will try to pull the images of {} workloads; most name registry.example.com, and fail.\n\
             Type yes to go on:",
            self.makes().join("\n  "),
            expected()?.len(),
        ));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        ensure!(answer.trim() == "yes", "not confirmed: nothing was done");
        Ok(())
    }

    async fn tour_and_wait(&self, settings: &Settings) -> Result<()> {
        // Outlives the controller, which reads its token from there.
        let folder = TempDir::with_prefix("tagwatch-demo-")?;
        let (mut tagwatch, prometheus) = tokio::select! {
            shown = self.tour(&folder) => shown?,
            () = interrupted() => return Err(anyhow!("interrupted before everything was shown")),
        };
        if !settings.once {
            let address = tagwatch.address();
            let pages = own::pages(folder.path(), prometheus.as_ref())?;
            screen::say(&format!("It stays up until Ctrl-C; metrics on http://{address}/metrics\n\n{pages}"));
            own::until_interrupted(&mut tagwatch).await?;
        }
        own::end(tagwatch, prometheus).await
    }

    async fn tour(&self, folder: &TempDir) -> Result<(TagwatchProcess, Option<Prometheus>)> {
        if !self.has_report_api {
            install::report_api(&self.kubectl).await?;
        }
        install::policy_api(&self.kubectl).await?;
        install::rbac(&self.kubectl).await?;
        let only = [format!("--namespaces={}", NAMESPACES.join(","))];
        let tagwatch = install::controller(&self.admin, &self.client, folder.path(), &only).await?;

        screen::step(&format!("config/samples in {}", NAMESPACES.join(", ")));
        let mut samples = Samples::new(self.client.clone(), self.kubectl.clone()).await?;
        samples.load_beside_kubelets().await?;
        tour::wait_until_judged(&samples).await?;
        let (client, kubectl) = (self.client.clone(), self.kubectl.clone());
        let tour =
            Tour { client, kubectl, kubeconfig: None, context: Some(self.context), tagwatch: &tagwatch };
        tour.show().await?;
        let prometheus = monitoring::show(&tagwatch).await?;
        Ok((tagwatch, prometheus))
    }

    async fn remove(&self) -> Result<()> {
        screen::step("Removing what was made");
        let mut args = vec!["delete".to_owned(), "--ignore-not-found".to_owned()];
        args.extend(self.makes());
        let removed = self.kubectl.run(args).await.context("removing what was made")?;
        screen::outcome(removed.trim_end());
        Ok(())
    }
}
