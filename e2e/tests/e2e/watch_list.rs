//! An API server that does not stream initial lists (before Kubernetes 1.34, or with the feature gate off), and
//! the rights that this takes.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::Options;

use crate::{
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::own_with,
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    let off = Options { feature_gates: Some("WatchList=false".to_owned()), ..Options::default() };
    vec![own_with(off, falls_back_to_lists)]
}

async fn falls_back_to_lists(env: &TestEnv) -> Result<()> {
    env.create(web("first", CLEAN)).await?;
    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    ensure!(tagwatch.logged("does not stream initial lists")? >= 8, "the log names it for each kind");
    env.reported("Deployment", "first", &PASSES).await?;
    env.create(web("second", CLEAN)).await?;
    env.reported("Deployment", "second", &PASSES).await?;
    env.patch("Deployment", "first", with_image(LATEST, "IfNotPresent")).await?;
    env.reported("Deployment", "first", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    env.delete("Deployment", "second").await?;
    env.unreported("Deployment", "second").await?;

    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    let lists = requests.of_resource("deployments").matching(|request| request.verb == "list");
    assert_eq!(lists.count(), 1, "one list, from the server's cache: {requests}");
    assert!(lists.iter().all(|list| list.uri.contains("resourceVersion=0") && !list.uri.contains("limit=")));
    tagwatch.end().await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", env.namespace())], 1.0).await?;
    let writes = env.audit_log().since(mark).await?.by_agent(AGENT)?.mutating().without_leases_and_reviews();
    assert_eq!(writes.count(), 0, "after a restart: {writes}");
    tagwatch.end().await
}
