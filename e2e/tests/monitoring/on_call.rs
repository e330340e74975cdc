//! A first day, quiet weeks and a bad hour as they reach those on call: real tagwatch on a real control plane, Prometheus with the
//! shipped rules, Alertmanager and its webhook. docs/monitoring.md says the numbers, and `scenarios` simulates the same.
//!
//! Ages, windows and offsets of the rules are the shipped ones. What a test has no time for: alerts hold for a second instead
//! of a minute, findings are given their age in the reports from which tagwatch learns it, and Prometheus begins with blocks
//! of a quiet hour.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use k8s_openapi::{
    api::core::v1::{ContainerImage, Pod},
    jiff::{SignedDuration, Timestamp, tz::TimeZone},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
    core::GroupVersionKind,
};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{
    Component, ControlPlane, Kubelet, Options, TagwatchProcess, eventually,
    monitoring::{Prometheus, Server},
    samples::{Kubectl, config},
};
use tempfile::TempDir;

use crate::{
    history, programs,
    rules::shipped_but_held,
    runner::test,
    scenarios::{NAMESPACES, documented, namespace},
    stage::LIMIT,
    webhook::{Deliveries, alertmanager, group_of, notifying},
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A tag that moves.
const LATEST: &str = "registry.example.com/shop/web:latest";
/// A full version.
const VERSION: &str = "registry.example.com/shop/web:1.27.3";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(first_day_reaches_the_webhook),
        test(quiet_week_reaches_the_webhook),
        test(quiet_week_with_a_backlog_reaches_the_webhook),
        test(bad_hour_reaches_the_webhook),
    ]
}

/// A Deployment with one container.
fn deployment(namespace: &str, name: &str, replicas: u32, image: &str, pull_policy: &str) -> Value {
    let container = json!({ "name": "web", "image": image, "imagePullPolicy": pull_policy });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [container] } },
        },
    })
}

/// What a team that has fixed everything still has.
fn warning(namespace: &str) -> Value {
    deployment(namespace, "cache", 0, "registry.example.com/shop/cache:stable", "Always")
}

/// What tagwatch finds in a cluster that never had it.
fn backlog() -> Vec<Value> {
    let mut workloads = Vec::new();
    for name in (0..NAMESPACES).map(namespace).chain(["production".to_owned()]) {
        workloads.extend(["web", "worker"].map(|web| deployment(&name, web, 0, LATEST, "IfNotPresent")));
        workloads.push(warning(&name));
    }
    workloads.extend((0..30).map(legacy));
    workloads
}

fn legacy(number: usize) -> Value {
    deployment("legacy", &format!("job-{number}"), 0, LATEST, "Always")
}

fn list(items: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// A control plane with workloads in namespaces of their own, and a policy.
struct Cluster {
    control_plane: ControlPlane,
    client: Client,
    kubectl: Kubectl,
}

impl Cluster {
    async fn start(policy: &Value, workloads: &[Value]) -> Result<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let (client, kubectl) = (control_plane.client().await?, Kubectl::of(&control_plane));
        for definitions in ["crd", "policy"] {
            kubectl.run(["apply".as_ref(), "-k".as_ref(), config(definitions).as_os_str()]).await?;
        }
        kubectl.run(["wait", "--for=condition=established", "crd", "--all", "--timeout=60s"]).await?;
        let namespaces: BTreeSet<&str> =
            workloads.iter().filter_map(|workload| workload["metadata"]["namespace"].as_str()).collect();
        let object = |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        kubectl.apply(&list(&namespaces.into_iter().map(object).collect::<Vec<_>>())).await?;
        kubectl.apply(&list(workloads)).await?;
        let metadata = json!({ "name": "default" });
        let policy = json!({
            "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy", "metadata": metadata, "spec": policy,
        });
        kubectl.apply(&policy).await?;
        Ok(Self { control_plane, client, kubectl })
    }

    /// tagwatch once it shows so many workloads.
    async fn tagwatch(&self, workloads: usize) -> Result<TagwatchProcess> {
        let tagwatch =
            TagwatchProcess::start(self.control_plane.kubeconfig(), ["--policy", "default"]).await?;
        eventually(LIMIT, "every workload is evaluated", async || {
            let metrics = tagwatch.metrics().await?;
            let shown: f64 = values(&metrics, "tagwatch_workloads{").sum();
            ensure!(shown == f64::from(u32::try_from(workloads)?), "{shown} of {workloads}");
            ensure!(metrics.contains("\ntagwatch_last_full_evaluation_timestamp_seconds "), "not in full");
            Ok(())
        })
        .await?;
        Ok(tagwatch)
    }

    /// Puts the findings of each report at the time that `since` says of a namespace and a workload.
    async fn age(&self, reports: usize, since: impl Fn(&str, &str) -> Timestamp) -> Result<()> {
        let kind =
            ApiResource::from_gvk(&GroupVersionKind::gvk("wgpolicyk8s.io", "v1alpha2", "PolicyReport"));
        let all: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
        let stored = eventually(LIMIT, "every report is stored", async || {
            let stored = all.list(&ListParams::default()).await?.items;
            ensure!(stored.len() == reports, "{} of {reports}", stored.len());
            Ok(stored)
        })
        .await?;
        let aged = stored.into_iter().map(|mut report| {
            let namespace = report.namespace().unwrap_or_default();
            let name = report.data["scope"]["name"].as_str().unwrap_or_default();
            let seconds = since(&namespace, name).as_second();
            for result in report.data["results"].as_array_mut().into_iter().flatten() {
                result["timestamp"] = json!({ "seconds": seconds, "nanos": 0 });
            }
            let patch = Patch::Merge(json!({ "results": report.data["results"] }));
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &namespace, &kind);
            async move { api.patch(&report.name_any(), &PatchParams::default(), &patch).await }
        });
        stream::iter(aged).buffer_unordered(8).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    /// tagwatch once each of so many workloads has the findings that it had at the time that `since` says of a namespace and
    /// a workload.
    async fn aged(
        &self,
        workloads: usize,
        since: impl Fn(&str, &str) -> Timestamp,
    ) -> Result<TagwatchProcess> {
        ends(self.tagwatch(workloads).await?).await?;
        self.age(workloads, since).await?;
        self.tagwatch(workloads).await
    }

    /// The names of the pods of a Deployment once there are so many.
    async fn pods_of(&self, namespace: &str, name: &str, count: usize) -> Result<Vec<String>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let labelled = ListParams::default().labels(&format!("app={name}"));
        eventually(LIMIT, &format!("{count} pods of {namespace}/{name}"), async || {
            let found = pods.list(&labelled).await?.items;
            ensure!(found.len() == count, "there are {}", found.len());
            Ok(found.iter().map(ResourceExt::name_any).collect())
        })
        .await
    }
}

/// The values of the series whose lines begin so.
fn values<'a>(metrics: &'a str, beginning: &'a str) -> impl Iterator<Item = f64> + 'a {
    let lines = metrics.lines().filter(move |line| line.starts_with(beginning));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse().ok())
}

async fn ends(mut tagwatch: TagwatchProcess) -> Result<()> {
    tagwatch.sigterm()?;
    let status = tagwatch.wait(LIMIT).await.context("tagwatch")?;
    ensure!(status.success(), "tagwatch ended with {status}");
    Ok(())
}

/// Prometheus and Alertmanager after a quiet hour, and what they have delivered.
struct OnCall {
    prometheus: Prometheus,
    alertmanager: Server,
    deliveries: Deliveries,
    /// Removed after Prometheus has ended.
    _blocks: TempDir,
}

impl OnCall {
    /// `installed` is when Prometheus first saw this tagwatch.
    async fn start(tagwatch: &TagwatchProcess, installed: Timestamp) -> Result<Self> {
        let deliveries = Deliveries::default();
        let alertmanager = alertmanager(deliveries.serve().await?).await?;
        let blocks = history::blocks(&tagwatch.metrics().await?, tagwatch.address(), installed).await?;
        // A second for each minute.
        let rules = shipped_but_held(|duration| duration.replace('m', "s"))?;
        let config = notifying(tagwatch.address(), &alertmanager);
        let prometheus = programs::prometheus_on(blocks.path(), &config, &[("rules.yaml", &rules)]).await?;
        prometheus.scrapes().await?;
        Ok(Self { prometheus, alertmanager, deliveries, _blocks: blocks })
    }

    async fn alerts(&self, state: &str) -> Result<BTreeSet<(String, String)>> {
        let found = self.prometheus.query(&format!("ALERTS{{alertstate=\"{state}\"}}")).await?;
        Ok(found.iter().map(|alert| group_of(&alert["metric"])).collect())
    }

    /// Waits until a query has a result, or has none.
    async fn shows(&self, query: &str, any: bool) -> Result<()> {
        eventually(LIMIT, &format!("{query}: any result: {any}"), async || {
            let found = self.prometheus.query(query).await?;
            ensure!(found.is_empty() != any, "{found:?}");
            Ok(())
        })
        .await
    }

    /// Waits for these notifications, by alert and namespace, and until nothing is about to fire. There are no others.
    async fn notified(&self, expected: &[(&str, &str)]) -> Result<()> {
        for (alert, namespace) in expected {
            self.deliveries.about(alert, namespace, "firing").await?;
        }
        eventually(LIMIT, "what fires is delivered, and nothing is about to fire", async || {
            self.prometheus.rules_evaluated_since(Timestamp::now()).await?;
            let (pending, firing) = (self.alerts("pending").await?, self.alerts("firing").await?);
            let delivered = self.deliveries.notifications()?;
            ensure!(
                pending.is_empty() && firing.iter().all(|group| delivered.contains_key(group)),
                "{pending:?} {firing:?}"
            );
            Ok(())
        })
        .await?;
        let once = |(alert, namespace): &(&str, &str)| (((*alert).to_owned(), (*namespace).to_owned()), 1);
        assert_eq!(self.deliveries.notifications()?, expected.iter().map(once).collect());
        Ok(())
    }

    async fn end(self) -> Result<()> {
        self.prometheus.end().await?;
        self.alertmanager.end().await
    }
}

/// The sixth hour after the installation, in which three mistakes are made and an image is missing, as `scenarios` simulates it.
async fn first_day_reaches_the_webhook() -> Result<()> {
    programs::folder().await?;
    let mut workloads = backlog();
    let new = [("ns-05", "IfNotPresent"), ("ns-06", "IfNotPresent"), ("production", "Always")];
    workloads.extend(new.map(|(namespace, policy)| deployment(namespace, "shop", 0, VERSION, policy)));
    workloads.push(deployment("ns-07", "shop", 1, VERSION, "IfNotPresent"));
    let policy = json!({ "rules": { "image-pull-failing": { "grace": "3s" } } });
    let cluster = Cluster::start(&policy, &workloads).await?;
    let kubelet = node(&cluster.client, "node-a", 'a').await?;
    let pods = cluster.pods_of("ns-07", "shop", 1).await?;
    let installed = Timestamp::now() - SignedDuration::from_hours(6);
    let found = installed + SignedDuration::from_secs(30);
    let tagwatch = cluster.aged(workloads.len(), |_, _| found).await?;
    let on_call = OnCall::start(&tagwatch, installed).await?;
    // What was there at the installation is known before anything is new.
    on_call
        .shows("cluster_namespace_rule:tagwatch_known_moving_images:min{namespace=\"production\"}", true)
        .await?;

    for (namespace, policy) in new {
        cluster.kubectl.apply(&deployment(namespace, "shop", 0, LATEST, policy)).await?;
    }
    kubelet.fail_pull("ns-07", &pods[0]).await?;
    // Its author sees one of them.
    let pending =
        "ALERTS{alertstate=\"pending\", alertname=\"TagwatchCriticalViolation\", namespace=\"ns-06\"}";
    on_call.shows(pending, true).await?;
    cluster.kubectl.apply(&deployment("ns-06", "shop", 0, VERSION, "IfNotPresent")).await?;
    on_call.shows("tagwatch_workload_violations{namespace=\"ns-06\", workload=\"shop\"}", false).await?;

    let expected = [
        ("TagwatchCriticalViolation", "ns-05"),
        ("TagwatchFloatingImageInProtectedNamespace", "production"),
        ("TagwatchImagePullFailing", "ns-07"),
    ];
    on_call.notified(&expected).await?;
    // And another after an hour.
    cluster.kubectl.apply(&deployment("ns-05", "shop", 0, VERSION, "IfNotPresent")).await?;
    let (alert, namespace) = expected[0];
    on_call.deliveries.about(alert, namespace, "resolved").await?;
    on_call.notified(&expected).await?;
    documented("A first day", expected.len())?;
    on_call.end().await?;
    ends(tagwatch).await?;
    cluster.control_plane.shutdown().await
}

async fn quiet_week_reaches_the_webhook() -> Result<()> {
    let mut workloads: Vec<Value> = (0..NAMESPACES).map(|number| warning(&namespace(number))).collect();
    // It is exempt.
    workloads.push(legacy(0));
    let expected = [("TagwatchViolationOverdue", "ns-01"), ("TagwatchExemptionExpiring", "tagwatch")];
    quiet_week(workloads, &expected).await?;
    documented("A quiet week", expected.len())
}

async fn quiet_week_with_a_backlog_reaches_the_webhook() -> Result<()> {
    let expected = [
        ("TagwatchViolationOverdue", "ns-01"),
        ("TagwatchExemptionExpiring", "tagwatch"),
        ("TagwatchBacklog", "tagwatch"),
    ];
    quiet_week(backlog(), &expected).await?;
    documented("A quiet week with a backlog", expected.len())
}

/// A week, 42 days after the installation, as `scenarios` simulates it. These workloads were there at the installation and are
/// as they were.
async fn quiet_week(mut workloads: Vec<Value>, expected: &[(&str, &str)]) -> Result<()> {
    programs::folder().await?;
    let now = Timestamp::now();
    workloads.push(deployment("ns-01", "shop", 0, LATEST, "Always"));
    workloads.push(deployment("ns-02", "shop", 0, VERSION, "IfNotPresent"));
    workloads.push(deployment("ns-03", "shop", 0, VERSION, "Always"));
    let ends_at = (now + DAY * 4).to_zoned(TimeZone::UTC).date();
    let exemption = json!({
        "match": { "namespaces": ["legacy"], "names": ["job-0"] },
        "rules": ["latest-tag"], "reason": "is replaced next week", "expires": ends_at.to_string(),
    });
    let cluster = Cluster::start(&json!({ "exemptions": [exemption] }), &workloads).await?;
    // The day of the reminder, and that on which a finding is overdue, begin in the test.
    let soon = Timestamp::now() + SignedDuration::from_secs(30);
    let installed = soon - DAY * 42;
    let since = |namespace: &str, workload: &str| match (namespace, workload) {
        ("ns-01", "shop") => soon - DAY * 7,
        _ => installed - DAY,
    };
    let tagwatch = cluster.aged(workloads.len(), since).await?;
    let aged = values(&tagwatch.metrics().await?, "tagwatch_workload_violation_start_time_seconds{")
        .all(|start| start <= (soon - DAY * 7).as_duration().as_secs_f64());
    ensure!(aged, "a finding is not as old as its report says");
    let on_call = OnCall::start(&tagwatch, installed).await?;

    // A mistake that is critical, and one that is not: their authors see both by themselves.
    let mistakes = [("ns-02", "IfNotPresent"), ("ns-03", "Always")];
    for (namespace, policy) in mistakes {
        cluster.kubectl.apply(&deployment(namespace, "shop", 0, LATEST, policy)).await?;
    }
    let pending =
        "ALERTS{alertstate=\"pending\", alertname=\"TagwatchCriticalViolation\", namespace=\"ns-02\"}";
    on_call.shows(pending, true).await?;
    on_call.shows("tagwatch_workload_violations{namespace=\"ns-03\", workload=\"shop\"}", true).await?;
    for (namespace, policy) in mistakes {
        cluster.kubectl.apply(&deployment(namespace, "shop", 0, VERSION, policy)).await?;
    }
    on_call
        .shows("tagwatch_workload_violations{namespace=~\"ns-02|ns-03\", workload=\"shop\"}", false)
        .await?;

    on_call.notified(expected).await?;
    on_call.end().await?;
    ends(tagwatch).await?;
    cluster.control_plane.shutdown().await
}

/// `sha256:` and 64 times this digit.
fn digest(digit: char) -> String {
    format!("sha256:{}", String::from(digit).repeat(64))
}

/// A node on which each tag resolves to the digest of this digit. It has pulled the images of the others, too.
async fn node(client: &Client, name: &str, digit: char) -> Result<Kubelet> {
    let kubelet = Kubelet::new(client.clone(), name).with_digests(move |_| digest(digit)).binding();
    let image = |digit| ContainerImage {
        names: Some(vec![format!("registry.example.com/shop/web@{}", digest(digit))]),
        size_bytes: Some(1),
    };
    kubelet.register_node(['a', 'b'].map(image).to_vec()).await?;
    Ok(kubelet)
}

/// A registry is down, a tag is pushed again, a pipeline loses its tags, and the API server is down, as `scenarios`
/// simulates it.
async fn bad_hour_reaches_the_webhook() -> Result<()> {
    programs::folder().await?;
    let mut workloads: Vec<Value> = (0..NAMESPACES).map(|number| warning(&namespace(number))).collect();
    let failing: Vec<(String, String)> =
        (0..30).map(|number| (namespace(10 + number % 6), format!("web-{number}"))).collect();
    for (namespace, name) in &failing {
        let image = format!("registry.example.com/shop/{name}:1.4.2");
        workloads.push(deployment(namespace, name, 1, &image, "IfNotPresent"));
    }
    workloads.push(deployment("ns-01", "web-0", 2, VERSION, "Always"));
    workloads
        .extend((1..3).map(|number| deployment("ns-01", &format!("web-{number}"), 0, VERSION, "Always")));
    // The last to be seen to have moved. A fifth workload in this namespace would be a rise of violations, too.
    let last = "registry.example.com/shop/last:1.0.0";
    workloads.push(deployment("ns-01", "last", 2, last, "Always"));
    // A pull that fails becomes a finding while the API server is down.
    let grace = |time: &str| json!({ "grace": time });
    let policy = json!({ "rules": { "mixed-digests": grace("3s"), "image-pull-failing": grace("30s") } });
    let cluster = Cluster::start(&policy, &workloads).await?;
    let (old, new) =
        (node(&cluster.client, "node-a", 'a').await?, node(&cluster.client, "node-b", 'b').await?);
    let [moved, marker] =
        [cluster.pods_of("ns-01", "web-0", 2).await?, cluster.pods_of("ns-01", "last", 2).await?];
    let without_images = failing.iter().map(async |(namespace, name)| {
        let pods = cluster.pods_of(namespace, name, 1).await?;
        anyhow::Ok((namespace.as_str(), pods.into_iter().next().context("no pod")?))
    });
    let without_images = try_join_all(without_images).await?;
    for pod in [&moved[0], &marker[0]] {
        old.run_pod("ns-01", pod).await?;
    }
    let tagwatch = cluster.tagwatch(workloads.len()).await?;
    let on_call = OnCall::start(&tagwatch, Timestamp::now() - DAY * 40).await?;

    let new_ones = (0..8).map(|number| {
        let policy = if number < 3 { "IfNotPresent" } else { "Always" };
        deployment("ns-02", &format!("new-{number}"), 0, "registry.example.com/shop/new", policy)
    });
    cluster.kubectl.apply(&list(&new_ones.collect::<Vec<_>>())).await?;
    new.run_pod("ns-01", &moved[1]).await?;
    on_call.shows("tagwatch_workload_violations{rule=\"mixed-digests\", workload=\"web-0\"}", true).await?;
    on_call.shows("count(tagwatch_workload_violations{rule=\"missing-tag\"}) == 8", true).await?;
    let fail = without_images.iter().map(|(namespace, pod)| new.fail_pull(namespace, pod));
    try_join_all(fail).await?;
    new.run_pod("ns-01", &marker[1]).await?;
    // Seen after the failing ones, in the same watch.
    on_call
        .shows("tagwatch_workload_violations{rule=~\"moved-tag|mixed-digests\", workload=\"last\"}", true)
        .await?;
    cluster.control_plane.kill(Component::ApiServer).await?;

    // While the API server is down, tagwatch shows no new findings: those of the failing pulls come after it.
    let outage = [("TagwatchWatchFailing", "tagwatch"), ("TagwatchReportsNotWritten", "tagwatch")];
    for (alert, namespace) in outage {
        on_call.deliveries.about(alert, namespace, "firing").await?;
    }
    cluster.control_plane.restart(Component::ApiServer).await?;
    let pulls: Vec<String> = (10..16).map(namespace).collect();
    let mut expected: Vec<(&str, &str)> =
        pulls.iter().map(|namespace| ("TagwatchImagePullFailing", namespace.as_str())).collect();
    expected.extend([
        ("TagwatchTagMoved", "ns-01"),
        ("TagwatchMixedDigests", "ns-01"),
        ("TagwatchViolationsRising", "ns-02"),
        ("TagwatchCriticalViolation", "ns-02"),
    ]);
    expected.extend(outage);
    on_call.notified(&expected).await?;
    documented("A bad hour", expected.len())?;
    on_call.end().await?;
    ends(tagwatch).await?;
    cluster.control_plane.shutdown().await
}
