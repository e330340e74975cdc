//! The API server or its store fails and comes back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::{Component, eventually};
use tokio::time::timeout;

use crate::{
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::own,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(api_server_killed), own(missed_deletion_is_found_later), own(etcd_stopped)]
}

const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];
/// An API server without its store lets a write wait longer than this.
const UNANSWERED: Duration = Duration::from_secs(2);
/// One for each of eight kinds, for reports, namespaces, policies and nodes, and one that asks for the served kinds.
const WATCHES: f64 = 13.0;

/// Waits until every watch has failed this often.
async fn every_watch_failed(tagwatch: &Controller, times: f64) -> Result<()> {
    eventually(LIMIT, "every watch has failed, and tried again", || async {
        let samples = tagwatch.samples().await?;
        let resources = samples.values("tagwatch_watch_starts_total", &[], "resource");
        ensure!(resources.len() >= 8, "{resources:?}");
        for resource in resources {
            let failed = samples.sum("tagwatch_watch_errors_total", &[("resource", resource)]);
            ensure!(failed >= times, "{resource}: {failed}");
        }
        Ok(())
    })
    .await
}

async fn api_server_killed(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.create(web("web", CLEAN)).await?;
    env.create(web("steady", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let steady = env.reported("Deployment", "steady", &PASSES).await?;
    let control_plane = &env.cluster().control_plane;

    for outage in 1..=2 {
        control_plane.kill(Component::ApiServer).await?;
        let (down, asked) =
            (Instant::now(), tagwatch.samples().await?.sum("tagwatch_kube_requests_total", &[]));
        every_watch_failed(&tagwatch, f64::from(3 * outage)).await?;
        tagwatch.is_alive().await?;
        tagwatch.is_ready(LIMIT).await?;
        let asked = tagwatch.samples().await?.sum("tagwatch_kube_requests_total", &[]) - asked;
        // Three quick tries, and then one in five seconds.
        let allowed = WATCHES * (5.0 + down.elapsed().as_secs_f64() / 5.0);
        ensure!(asked <= allowed, "{asked} requests in {:?} to a server that is away", down.elapsed());

        control_plane.restart(Component::ApiServer).await?;
        let (image, verdicts) = if outage == 1 { (LATEST, &FAILS) } else { (CLEAN, &PASSES) };
        let name = format!("new-{outage}");
        env.patch("Deployment", "web", with_image(image, "IfNotPresent")).await?;
        env.create(web(&name, CLEAN)).await?;
        env.reported("Deployment", "web", verdicts).await?;
        env.reported("Deployment", &name, &PASSES).await?;
    }
    assert_eq!(env.report("Deployment", "steady").await?.version(), steady.version(), "not written again");
    let writes = env.writes().await?;
    assert_eq!(writes.count(), 6, "{writes}");
    tagwatch.is_alive().await?;
    tagwatch.end().await
}

/// tagwatch is frozen while the object is deleted. Then the API server forgets the event too: a new one begins its
/// history at its start.
async fn missed_deletion_is_found_later(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    for name in ["gone", "again", "stays"] {
        env.create(web(name, LATEST)).await?;
        env.reported("Deployment", name, &["web latest-tag fail", "web stale-pull-policy pass"]).await?;
    }
    let control_plane = &env.cluster().control_plane;
    tagwatch.freeze()?;
    env.delete("Deployment", "gone").await?;
    env.delete("Deployment", "again").await?;
    env.create(web("again", CLEAN)).await?;
    control_plane.stop(Component::ApiServer).await?;
    control_plane.restart(Component::ApiServer).await?;
    env.create(web("later", CLEAN)).await?;
    tagwatch.resume()?;

    env.reported("Deployment", "later", &PASSES).await?;
    env.unreported("Deployment", "gone").await?;
    env.reported("Deployment", "again", &PASSES).await?;
    let here = ("namespace", env.namespace());
    tagwatch.counts("tagwatch_workloads", &[here], 3.0).await?;
    tagwatch.counts("tagwatch_workload_violations", &[here, ("workload", "gone")], 0.0).await?;
    tagwatch.counts("tagwatch_workload_violations", &[here, ("workload", "again")], 0.0).await?;
    tagwatch.counts("tagwatch_workload_violations", &[here, ("workload", "stays")], 1.0).await?;
    tagwatch.end().await
}

async fn etcd_stopped(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.create(web("web", CLEAN)).await?;
    let before = env.reported("Deployment", "web", &PASSES).await?;
    let control_plane = &env.cluster().control_plane;
    control_plane.stop(Component::Etcd).await?;
    let stored = timeout(UNANSWERED, env.create(web("lost", CLEAN))).await;
    ensure!(!matches!(stored, Ok(Ok(_))), "the API server stores without its store");
    tagwatch.is_alive().await?;
    tagwatch.is_ready(LIMIT).await?;

    control_plane.restart(Component::Etcd).await?;
    eventually(LIMIT, "the store is back", || async {
        env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await.map(drop)
    })
    .await?;
    env.reported("Deployment", "web", &FAILS).await?;
    assert_eq!(env.report("Deployment", "web").await?.uid(), before.uid());
    tagwatch.is_alive().await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.end().await
}
