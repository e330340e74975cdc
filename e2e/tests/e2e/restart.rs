//! A restart of tagwatch writes nothing.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::{
    kinds,
    objects::{CLEAN, LATEST, PASSES, container, deployment, pulled, web, with_image},
    report::Report,
    runner::shared,
    test_env::{AGENT, TestEnv},
};

/// The garbage collector may learn of a new kind as late as 30 s after its definition.
const COLLECTION_LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(restarts_write_nothing), shared(change_while_away_keeps_the_rest)]
}

async fn versions(env: &TestEnv) -> Result<BTreeMap<String, String>> {
    let reports = env.reports().await?;
    Ok(reports.iter().map(|report: &Report| (report.name(), report.version())).collect())
}

/// Every kind is there; ended by SIGTERM, and then by SIGKILL.
async fn restarts_write_nothing(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    kinds::load(env).await?;
    kinds::judged(env).await?;
    tagwatch.end().await?;
    let before = versions(env).await?;
    ensure!(before.len() == kinds::VERDICTS.len(), "{before:?}");

    for run in ["after SIGTERM", "after SIGKILL"] {
        let mark = env.audit_log().mark().await?;
        let mut tagwatch = env.tagwatch().await?;
        tagwatch.counts("tagwatch_workloads", &[], 8.0).await?;
        let writes = env.writes_since(mark).await?;
        assert_eq!(writes.count(), 0, "{run}: {writes}");
        assert_eq!(versions(env).await?, before, "{run}");
        tagwatch.counts("tagwatch_report_writes_total", &[], 0.0).await?;
        let reads = env.audit_log().since(mark).await?.by_agent(AGENT)?.of_resource("policyreports");
        assert!(reads.iter().any(|request| request.verb == "list"), "{reads}");

        // It is not only quiet, it works.
        env.create(web("later", CLEAN)).await?;
        env.reported("Deployment", "later", &PASSES).await?;
        tagwatch
            .counts("tagwatch_report_writes_total", &[("verb", "create"), ("outcome", "ok")], 1.0)
            .await?;
        env.delete("Deployment", "later").await?;
        env.unreported("Deployment", "later").await?;
        tagwatch.kill().await?;
    }
    Ok(())
}

async fn change_while_away_keeps_the_rest(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let containers = [container("steady", LATEST), pulled("web", CLEAN, "IfNotPresent")];
    env.create(deployment("web", 0, &containers)).await?;
    env.create(web("same", CLEAN)).await?;
    env.create(web("gone", CLEAN)).await?;
    let steady = ["steady latest-tag fail", "steady stale-pull-policy pass"];
    let before = env.reported("Deployment", "web", &[steady[0], PASSES[0], steady[1], PASSES[1]]).await?;
    env.reported("Deployment", "same", &PASSES).await?;
    env.reported("Deployment", "gone", &PASSES).await?;
    tagwatch.end().await?;

    let changed = [container("steady", LATEST), pulled("web", LATEST, "IfNotPresent")];
    let patch = serde_json::json!({ "spec": { "template": { "spec": { "containers": changed } } } });
    env.patch("Deployment", "web", patch).await?;
    env.delete("Deployment", "gone").await?;
    env.create(web("new", CLEAN)).await?;
    env.unreported_within(COLLECTION_LIMIT, "Deployment", "gone").await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch().await?;
    let fails = [steady[0], "web latest-tag fail", "web stale-pull-policy fail", steady[1]];
    let after = env.reported("Deployment", "web", &fails).await?;
    env.reported("Deployment", "new", &PASSES).await?;
    for unchanged in steady {
        assert_eq!(after.first_seen()?[unchanged], before.first_seen()?[unchanged], "{unchanged}");
    }
    tagwatch.counts("tagwatch_workloads", &[], 3.0).await?;
    let writes = env.writes_since(mark).await?;
    assert_eq!(writes.count(), 2, "one update and one creation: {writes}");

    // The times that were read from the stored report last, too.
    env.patch("Deployment", "same", with_image(LATEST, "IfNotPresent")).await?;
    env.reported("Deployment", "same", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    tagwatch.end().await
}
