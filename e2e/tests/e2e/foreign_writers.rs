//! Another client deletes, edits or holds a report.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Requests, eventually};

use crate::{
    events,
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    policies::TagPolicy,
    report::Report,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(deleted_report_is_restored),
        shared(edited_report_is_restored),
        shared(foreign_metadata_stays),
        shared(repeated_deletions_are_restored_once_in_ten_seconds),
        shared(report_of_another_client_is_left_alone),
        shared(report_without_our_label_is_no_longer_ours),
    ]
}

/// A report that another client deleted or edited is back within this time.
const RESTORE_LIMIT: Duration = Duration::from_secs(5);
/// After that it is not written again for this time.
const HOLD: SignedDuration = SignedDuration::from_secs(10);

async fn reported_web(env: &TestEnv) -> Result<Report> {
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await
}

async fn restored(env: &TestEnv, before: &Report) -> Result<Report> {
    eventually(RESTORE_LIMIT, "the report is restored", || async {
        let after = env.report("Deployment", "web").await?;
        ensure!(after.0.data == before.0.data, "it says {}", after.0.data);
        Ok(after)
    })
    .await
}

async fn deleted_report_is_restored(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let before = reported_web(env).await?;
    env.delete("PolicyReport", &before.name()).await?;
    // With the times of the results, which the deleted report held.
    let after = restored(env, &before).await?;
    assert_ne!(after.uid(), before.uid());
    let writes = env.writes().await?;
    assert_eq!(writes.matching(|request| request.verb == "create").count(), 2, "{writes}");
    assert_eq!(writes.count(), 2, "{writes}");
    tagwatch.end().await
}

async fn edited_report_is_restored(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let before = reported_web(env).await?;
    let edits = json!({ "summary": { "fail": 7 }, "results": [{ "policy": "mine", "result": "fail" }] });
    env.patch("PolicyReport", &before.name(), edits).await?;
    let after = restored(env, &before).await?;
    assert_eq!(after.uid(), before.uid(), "updated, not made anew");
    let writes = env.writes().await?;
    assert_eq!(writes.matching(|request| request.verb == "update").count(), 1, "{writes}");
    assert_eq!(writes.count(), 2, "{writes}");
    tagwatch.end().await
}

/// Labels and annotations of other clients are kept, and cause no write.
async fn foreign_metadata_stays(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let before = reported_web(env).await?;
    let metadata = json!({ "metadata": { "labels": { "team": "a" }, "annotations": { "note": "b" } } });
    let patched = Report::from(env.patch("PolicyReport", &before.name(), metadata).await?);
    // tagwatch has seen it when it has read it: it cannot know what the edit was without that.
    eventually(LIMIT, "tagwatch reads the report", || async {
        let reads = env.reads_of(&before.name()).await?;
        ensure!(reads >= 1, "{reads} reads");
        Ok(())
    })
    .await?;
    env.create(web("later", CLEAN)).await?;
    env.reported("Deployment", "later", &PASSES).await?;
    assert_eq!(env.report("Deployment", "web").await?.version(), patched.version(), "no write since");

    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    let turned =
        env.reported("Deployment", "web", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    assert_eq!(turned.0.labels().get("team").map(String::as_str), Some("a"));
    assert_eq!(turned.0.annotations().get("note").map(String::as_str), Some("b"));
    assert!(turned.is_ours());
    let writes = env.writes().await?;
    assert_eq!(writes.count(), 3, "two creations and the update: {writes}");
    tagwatch.end().await
}

/// A client that deletes a report repeatedly does not make tagwatch write as often.
async fn repeated_deletions_are_restored_once_in_ten_seconds(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let arguments = ["--namespaces", env.namespace(), "--events", "--policy", policy.name()];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    let before = reported_web(env).await?;
    env.delete("PolicyReport", &before.name()).await?;
    restored(env, &before).await?;
    env.delete("PolicyReport", &before.name()).await?;
    let held_back = [("result", "held_back")];
    tagwatch.measures("tagwatch_reconciles_total", &held_back, |looks| looks >= 1.0).await?;
    policy.condition("Degraded", "True", "ReportsContested").await?;
    eventually(LIMIT, "an event names it", || async {
        let found = events::on(env, before.scope_uid()).await?;
        ensure!(found.iter().any(|(_, reason, _)| reason == "ReportContested"), "{found:?}");
        Ok(())
    })
    .await?;
    env.reported("Deployment", "web", &PASSES).await?;

    let writes = env.writes().await?.of_resource("policyreports");
    let times = |requests: &Requests| -> Result<Vec<Timestamp>> {
        requests.iter().map(|request| Ok(request.request_received_timestamp.parse()?)).collect()
    };
    let [_created, _first, second] = times(&writes)?[..] else { bail!("three creations: {writes}") };
    let deletions = env.requests().await?.of_resource("policyreports").matching(|request| {
        request.verb == "delete" && request.object() == (env.namespace(), before.name().as_str())
    });
    let [deleted, _again] = times(&deletions)?[..] else { bail!("two deletions: {deletions}") };
    // The first restoration was not decided on before its reason.
    let pause = second.duration_since(deleted);
    ensure!(pause >= HOLD, "restored for the second time {pause:#} after the first deletion");

    // A change of the workload is not held back.
    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
    env.reported_within(RESTORE_LIMIT, "Deployment", "web", &fails).await?;
    tagwatch.end().await
}

/// A report without our label, under the name that ours would have.
fn theirs(name: &str) -> Value {
    json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport", "metadata": { "name": name },
        "summary": { "pass": 1 },
        "results": [{ "source": "other-engine", "policy": "mine", "rule": "r", "result": "pass" }],
    })
}

async fn report_of_another_client_is_left_alone(env: &TestEnv) -> Result<()> {
    let owner = env.create(web("web", CLEAN)).await?;
    let uid = owner.uid().context("a uid")?;
    let name = format!("tagwatch-deployment-web-{}", &uid[..8]);
    let before = Report::from(env.create(theirs(&name)).await?);

    let tagwatch = env.tagwatch().await?;
    tagwatch
        .measures("tagwatch_reconciles_total", &[("result", "blocked")], |blocked| blocked >= 1.0)
        .await?;
    tagwatch.logs("without our label exists; leaving it alone", 1).await?;
    // It is judged all the same.
    tagwatch.counts("tagwatch_workloads", &[("status", "compliant")], 1.0).await?;
    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    env.delete("Deployment", "web").await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;

    let after = env.reports().await?;
    assert_eq!(after.iter().map(Report::version).collect::<Vec<_>>(), [before.version()], "untouched");
    let stored = env.writes().await?.matching(|request| request.code() < 400);
    assert_eq!(stored.count(), 0, "{stored}");
    tagwatch.end().await
}

/// A client that removes our label from a report takes it over.
async fn report_without_our_label_is_no_longer_ours(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let before = reported_web(env).await?;
    let unlabelled = json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": null } } });
    let taken = Report::from(env.patch("PolicyReport", &before.name(), unlabelled).await?);
    tagwatch
        .measures("tagwatch_reconciles_total", &[("result", "blocked")], |blocked| blocked >= 1.0)
        .await?;
    assert_eq!(env.report("Deployment", "web").await?.version(), taken.version());
    tagwatch.end().await
}
