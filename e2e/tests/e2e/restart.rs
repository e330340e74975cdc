//! A restart is no event for the cluster.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::{
    bench::{AGENT, Bench},
    kinds,
    objects::{CLEAN, LATEST, PASSES, container, deployment, pulled, web, with_image},
    report::Report,
    runner::shared,
};

/// The garbage collector may learn of a new kind as late as 30 s after its definition.
const COLLECTION_LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(restarts_write_nothing), shared(change_while_away_keeps_the_rest)]
}

async fn versions(bench: &Bench) -> Result<BTreeMap<String, String>> {
    let reports = bench.reports().await?;
    Ok(reports.iter().map(|report: &Report| (report.name(), report.version())).collect())
}

/// Every kind is there; ended by SIGTERM, and then by SIGKILL.
async fn restarts_write_nothing(bench: &Bench) -> Result<()> {
    let tagwatch = bench.tagwatch().await?;
    kinds::load(bench).await?;
    kinds::judged(bench).await?;
    tagwatch.end().await?;
    let before = versions(bench).await?;
    ensure!(before.len() == kinds::VERDICTS.len(), "{before:?}");

    for run in ["after SIGTERM", "after SIGKILL"] {
        let mark = bench.audit_log().mark().await?;
        let mut tagwatch = bench.tagwatch().await?;
        tagwatch.counts("tagwatch_workloads", &[], 8.0).await?;
        let writes = bench.writes_since(mark).await?;
        assert_eq!(writes.count(), 0, "{run}: {writes}");
        assert_eq!(versions(bench).await?, before, "{run}");
        tagwatch.counts("tagwatch_report_writes_total", &[], 0.0).await?;
        let reads = bench.audit_log().since(mark).await?.by_agent(AGENT)?.of_resource("policyreports");
        assert!(reads.iter().any(|request| request.verb == "list"), "{reads}");

        // It is not only quiet, it works.
        bench.create(web("later", CLEAN)).await?;
        bench.reported("Deployment", "later", &PASSES).await?;
        tagwatch
            .counts("tagwatch_report_writes_total", &[("verb", "create"), ("outcome", "ok")], 1.0)
            .await?;
        bench.delete("Deployment", "later").await?;
        bench.unreported("Deployment", "later").await?;
        tagwatch.kill().await?;
    }
    Ok(())
}

async fn change_while_away_keeps_the_rest(bench: &Bench) -> Result<()> {
    let tagwatch = bench.tagwatch().await?;
    let containers = [container("steady", LATEST), pulled("web", CLEAN, "IfNotPresent")];
    bench.create(deployment("web", 0, &containers)).await?;
    bench.create(web("same", CLEAN)).await?;
    bench.create(web("gone", CLEAN)).await?;
    let steady = ["steady latest-tag fail", "steady stale-pull-policy pass"];
    let before = bench.reported("Deployment", "web", &[steady[0], PASSES[0], steady[1], PASSES[1]]).await?;
    bench.reported("Deployment", "same", &PASSES).await?;
    bench.reported("Deployment", "gone", &PASSES).await?;
    tagwatch.end().await?;

    let changed = [container("steady", LATEST), pulled("web", LATEST, "IfNotPresent")];
    let patch = serde_json::json!({ "spec": { "template": { "spec": { "containers": changed } } } });
    bench.patch("Deployment", "web", patch).await?;
    bench.delete("Deployment", "gone").await?;
    bench.create(web("new", CLEAN)).await?;
    bench.unreported_within(COLLECTION_LIMIT, "Deployment", "gone").await?;

    let mark = bench.audit_log().mark().await?;
    let tagwatch = bench.tagwatch().await?;
    let fails = [steady[0], "web latest-tag fail", "web stale-pull-policy fail", steady[1]];
    let after = bench.reported("Deployment", "web", &fails).await?;
    bench.reported("Deployment", "new", &PASSES).await?;
    for unchanged in steady {
        assert_eq!(after.first_seen()?[unchanged], before.first_seen()?[unchanged], "{unchanged}");
    }
    tagwatch.counts("tagwatch_workloads", &[], 3.0).await?;
    let writes = bench.writes_since(mark).await?;
    assert_eq!(writes.count(), 2, "one update and one creation: {writes}");

    // The times that were read from the stored report last, too.
    bench.patch("Deployment", "same", with_image(LATEST, "IfNotPresent")).await?;
    bench.reported("Deployment", "same", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    tagwatch.end().await
}
