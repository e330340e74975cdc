//! Each kind that tagwatch watches, and what it does not report.

use std::path::Path;

use anyhow::{Result, ensure};
use kube::{
    ResourceExt,
    api::{DynamicObject, ListParams},
};
use libtest_mimic::Trial;
use tagwatch_e2e::eventually;

use crate::{
    checks,
    objects::{CLEAN, PASSES, container, pod},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(each_kind_has_its_report), shared(metrics_count_what_reports_say)]
}

/// What the reports say of `fixtures/kinds.yaml`, worked out by hand from the rules. An image volume is the container
/// [`VOLUME`] there.
pub(crate) const VERDICTS: [(&str, &str, &[&str]); 8] = [
    (
        "Deployment",
        "web",
        &[
            "migrate missing-tag fail",
            "web stale-pull-policy fail",
            "model floating-tag warn",
            "web floating-tag warn",
            "proxy floating-tag pass",
            "migrate stale-pull-policy pass",
            "model stale-pull-policy pass",
            "proxy stale-pull-policy pass",
        ],
    ),
    ("StatefulSet", "db", &["db floating-tag pass", "db stale-pull-policy pass"]),
    ("DaemonSet", "agent", &["agent floating-tag warn", "agent stale-pull-policy pass"]),
    ("ReplicaSet", "canary", &["canary pull-policy-never warn", "canary floating-tag pass"]),
    (
        "ReplicationController",
        "terminal",
        &["terminal unclassified-tag warn", "terminal stale-pull-policy pass"],
    ),
    ("Job", "import", &["import latest-tag fail", "import stale-pull-policy pass"]),
    ("CronJob", "backup", &["backup invalid-image-reference error"]),
    ("Pod", "shell", &["shell missing-tag fail", "shell pull-policy-never fail"]),
];

/// The image volume of the fixture.
const VOLUME: &str = "model ";

/// The same on this API server, which may drop image volumes.
pub(crate) fn verdicts(env: &TestEnv) -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let is_stored = |verdict: &&str| env.cluster().stores_image_volumes || !verdict.starts_with(VOLUME);
    let of = |verdicts: &[&'static str]| verdicts.iter().copied().filter(is_stored).collect();
    VERDICTS.iter().map(|(kind, name, verdicts)| (*kind, *name, of(verdicts))).collect()
}

/// Path of `fixtures/kinds.yaml`, which holds a workload of each kind.
pub(crate) fn fixture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/fixtures/kinds.yaml");
    path.display().to_string()
}

/// Applies `fixtures/kinds.yaml` in the namespace of the test.
pub(crate) async fn load(env: &TestEnv) -> Result<()> {
    env.cluster().control_plane.kubectl(&["apply", "-n", env.namespace(), "-f", &fixture()]).await.map(drop)
}

/// Waits until each of them has the report that it should have.
pub(crate) async fn judged(env: &TestEnv) -> Result<()> {
    for (kind, name, verdicts) in verdicts(env) {
        env.reported(kind, name, &verdicts).await?;
    }
    Ok(())
}

async fn each_kind_has_its_report(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    load(env).await?;
    judged(env).await?;
    for (kind, name, verdicts) in verdicts(env) {
        let owner = env.api(kind).get(name).await?;
        checks::form(&env.reported(kind, name, &verdicts).await?, &owner);
    }

    // What has a controller is there by now, and has no report of its own; a later pod's report shows that
    // tagwatch has seen it.
    eventually(LIMIT, "pods of all workloads that have some", || async {
        let pods = env.api("Pod").list(&ListParams::default()).await?.items;
        // A DaemonSet has a pod on each node, and other tests have nodes.
        let of_daemon_sets =
            |pod: &&DynamicObject| pod.owner_references().iter().any(|owner| owner.kind == "DaemonSet");
        let others = pods.iter().filter(|pod| !of_daemon_sets(pod)).count();
        ensure!(others == 6, "{others} pods");
        Ok(())
    })
    .await?;
    env.create(pod("last", &[container("web", CLEAN)])).await?;
    env.reported("Pod", "last", &PASSES).await?;
    let mut about: Vec<String> =
        env.reports().await?.iter().map(|report| report.scope()["kind"].to_string()).collect();
    about.sort();
    let mut wanted: Vec<String> = VERDICTS.iter().map(|(kind, ..)| format!("{kind:?}")).collect();
    wanted.push("\"Pod\"".to_owned());
    wanted.sort();
    assert_eq!(about, wanted);
    let writes = env.writes().await?;
    assert_eq!(writes.count(), wanted.len(), "one write each: {writes}");
    tagwatch.end().await
}

async fn metrics_count_what_reports_say(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    load(env).await?;
    judged(env).await?;
    let samples = tagwatch.samples().await?;
    let namespace = env.namespace();
    let sum = |name: &str, labels: &[(&str, &str)]| {
        let here: Vec<_> = labels.iter().copied().chain([("namespace", namespace)]).collect();
        samples.sum(name, &here)
    };
    // The image volume is a warning and an image.
    let volumes = f64::from(u8::from(env.cluster().stores_image_volumes));
    assert_eq!(sum("tagwatch_workloads", &[]), 8.0);
    assert_eq!(sum("tagwatch_workloads", &[("status", "violating")]), 3.0);
    assert_eq!(sum("tagwatch_workloads", &[("status", "error"), ("kind", "CronJob")]), 1.0);
    assert_eq!(sum("tagwatch_workloads", &[("status", "compliant")]), 4.0);
    assert_eq!(sum("tagwatch_violations", &[("result", "fail")]), 5.0);
    assert_eq!(sum("tagwatch_violations", &[("result", "error")]), 1.0);
    assert_eq!(sum("tagwatch_violations", &[]), 6.0);
    assert_eq!(sum("tagwatch_warnings", &[]), 4.0 + volumes);
    assert_eq!(sum("tagwatch_workload_warnings", &[]), 4.0 + volumes);
    assert_eq!(sum("tagwatch_warnings", &[("rule", "floating-tag"), ("severity", "medium")]), 2.0 + volumes);
    assert_eq!(sum("tagwatch_images", &[]), 10.0 + volumes);
    assert_eq!(sum("tagwatch_images", &[("tag_class", "floating"), ("pull_policy", "IfNotPresent")]), 1.0);

    let violation =
        [("kind", "Deployment"), ("workload", "web"), ("rule", "stale-pull-policy"), ("severity", "high")];
    assert_eq!(sum("tagwatch_workload_violations", &violation), 1.0);
    let report = env.report("Deployment", "web").await?;
    let since = report.first_seen()?["web stale-pull-policy fail"];
    #[allow(clippy::cast_precision_loss)] // seconds since 1970
    let since = since as f64;
    assert_eq!(sum("tagwatch_workload_violation_start_time_seconds", &violation), since);

    env.delete("Deployment", "web").await?;
    tagwatch.counts("tagwatch_workload_violations", &violation[..2], 0.0).await?;
    tagwatch.end().await
}
