//! What there is to see once the samples are judged.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use tagwatch_e2e::{
    TagwatchProcess, eventually,
    samples::{Kubectl, Samples, config},
    tagwatch_binary,
};
use tokio::{process::Command, time::Instant};

use crate::screen;

const REPORTS: &str = "policyreports.wgpolicyk8s.io";
const JUDGED_LIMIT: Duration = Duration::from_mins(1);
const TURN_LIMIT: Duration = Duration::from_secs(30);

/// The workload that the demo fixes, and an image that fixes it.
const NAMESPACE: &str = "shop";
const NAME: &str = "cart";
const MENDED: &str = "api=registry.example.com/shop/cart:main-9f8e7d6";

/// The workload that a policy exempts, and that policy.
const EXEMPT: &str = "gift-cards";
const POLICY: &str = "policy/samples/gift-cards.yaml";

/// Holds every report against the table of what the rules say.
pub(crate) async fn wait_until_judged(samples: &Samples) -> Result<()> {
    samples.judged(JUDGED_LIMIT).await?;
    let workloads = samples.expected().len();
    let results: usize = samples.expected().values().map(Vec::len).sum();
    screen::outcome(&format!("all judged: {workloads} reports, {results} results, each as the rules say"));
    Ok(())
}

pub(crate) struct Tour<'a> {
    pub(crate) client: Client,
    pub(crate) kubectl: Kubectl,
    /// The kubeconfig, where it is not that of the environment.
    pub(crate) kubeconfig: Option<&'a Path>,
    /// The kubeconfig context, where it is not the current one.
    pub(crate) context: Option<&'a str>,
    pub(crate) tagwatch: &'a TagwatchProcess,
}

impl Tour<'_> {
    pub(crate) async fn show(&self) -> Result<()> {
        // A cluster that was there before may hold reports of other engines.
        let ours: &[&str] =
            if self.context.is_some() { &["-l", "app.kubernetes.io/managed-by=tagwatch"] } else { &[] };
        self.kubectl(&[&["get", REPORTS, "-A"], ours].concat()).await?;
        let report = self.report(NAME).await?.name_any();
        self.kubectl(&["describe", REPORTS, "-n", NAMESPACE, &report]).await?;
        self.issues().await?;
        self.metrics().await?;
        self.mend(&report).await?;
        self.exempt().await
    }

    /// Prints the command as one would type it, and what it printed.
    async fn kubectl(&self, args: &[&str]) -> Result<()> {
        let output = self.kubectl.run(args).await?;
        let context = self.context.map(|name| format!(" --context {name}")).unwrap_or_default();
        screen::command(&format!("kubectl{context} {}", args.join(" ")), &output);
        Ok(())
    }

    async fn report(&self, name: &str) -> Result<DynamicObject> {
        let kind = GroupVersionKind::gvk("wgpolicyk8s.io", "v1alpha2", "PolicyReport");
        let reports: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind));
        let found = reports.list(&kube::api::ListParams::default()).await?.items;
        let about = |report: &DynamicObject| {
            report.data["scope"]["name"] == name && report.data["scope"]["kind"] == "Deployment"
        };
        found.into_iter().find(about).with_context(|| format!("no report about {NAMESPACE}/{name}"))
    }

    async fn issues(&self) -> Result<()> {
        let mut args = vec!["issues", "-n", NAMESPACE];
        args.extend(self.context.iter().flat_map(|name| ["--context", name]));
        let output = Command::new(tagwatch_binary()?)
            .args(&args)
            .envs(self.kubeconfig.map(|path| ("KUBECONFIG", path)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tagwatch {}: {}: {words}", args.join(" "), output.status);
        screen::command(&format!("tagwatch {}", args.join(" ")), &String::from_utf8_lossy(&output.stdout));
        Ok(())
    }

    async fn metrics(&self) -> Result<()> {
        let all = self.tagwatch.metrics().await?;
        let shown = ["tagwatch_violations{", "tagwatch_workloads{"];
        let ours = format!("namespace=\"{NAMESPACE}\"");
        let lines: Vec<&str> = all
            .lines()
            .filter(|line| shown.iter().any(|name| line.starts_with(name)) && line.contains(&ours))
            .collect();
        ensure!(!lines.is_empty(), "no tagwatch_violations of {NAMESPACE} among the metrics:\n{all}");
        let address = self.tagwatch.address();
        let command = format!(
            "curl -s http://{address}/metrics | grep -E 'tagwatch_(violations|workloads).*{NAMESPACE}'"
        );
        screen::command(&command, &lines.join("\n"));
        Ok(())
    }

    async fn mend(&self, report: &str) -> Result<()> {
        screen::say(&format!(
            "{NAMESPACE}/{NAME} runs `latest` with IfNotPresent: each node keeps whatever it pulled first.\n\
             A tag that names the commit fixes it, and its report turns:"
        ));
        let before = self.report(NAME).await?.resource_version();
        let begin = Instant::now();
        self.kubectl(&["set", "image", "-n", NAMESPACE, &format!("deployment/{NAME}"), MENDED]).await?;
        eventually(TURN_LIMIT, "the report turns", async || {
            let report = self.report(NAME).await?;
            let fails = &report.data["summary"]["fail"];
            ensure!(report.resource_version() != before && fails == 0, "{fails} results fail");
            Ok(())
        })
        .await?;
        let seconds = begin.elapsed().as_secs_f64();
        self.kubectl(&["get", REPORTS, "-n", NAMESPACE, report]).await?;
        screen::say(&format!(
            "{seconds:.1} s from the command to the stored report, kubectl's own start included."
        ));
        Ok(())
    }

    /// A policy says what is to stay, why, and until when.
    async fn exempt(&self) -> Result<()> {
        screen::say(&format!(
            "{NAMESPACE}/{EXEMPT} stays as it is for a while: a TagPolicy says why and until when, and everything is \
             judged anew."
        ));
        let policy = config(POLICY);
        let shown = Path::new("config").join(POLICY);
        let output = self.kubectl.run(["apply".as_ref(), "-f".as_ref(), policy.as_os_str()]).await?;
        screen::command(&format!("kubectl apply -f {}", shown.display()), &output);
        let report = eventually(TURN_LIMIT, "its findings are exempt", async || {
            let report = self.report(EXEMPT).await?;
            ensure!(report.data["summary"]["fail"] == 0, "{}", report.data["summary"]);
            Ok(report)
        });
        self.kubectl(&["get", REPORTS, "-n", NAMESPACE, &report.await?.name_any()]).await?;
        let ready = ["wait", "--for=condition=Ready", "tagpolicy/default", "--timeout=30s"];
        self.kubectl.run(ready).await?;
        self.kubectl(&["get", "tagpolicies.tagwatch.dev"]).await
    }
}
