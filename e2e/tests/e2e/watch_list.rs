//! An API server that does not stream initial lists (before Kubernetes 1.34, or with the feature gate off), and
//! the rights that this takes.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::Options;

use crate::{
    bench::{AGENT, Bench, LIMIT},
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::own_with,
};

pub(crate) fn tests() -> Vec<Trial> {
    let off = Options { feature_gates: Some("WatchList=false".to_owned()), ..Options::default() };
    vec![own_with(off, falls_back_to_lists)]
}

async fn falls_back_to_lists(bench: &Bench) -> Result<()> {
    bench.create(web("first", CLEAN)).await?;
    let mark = bench.audit_log().mark().await?;
    let tagwatch = bench.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    ensure!(tagwatch.logged("does not stream initial lists")? >= 8, "the log tells of it for each kind");
    bench.reported("Deployment", "first", &PASSES).await?;
    bench.create(web("second", CLEAN)).await?;
    bench.reported("Deployment", "second", &PASSES).await?;
    bench.patch("Deployment", "first", with_image(LATEST, "IfNotPresent")).await?;
    bench.reported("Deployment", "first", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    bench.delete("Deployment", "second").await?;
    bench.unreported("Deployment", "second").await?;

    let requests = bench.audit_log().since(mark).await?.by_agent(AGENT)?;
    let lists = requests.of_resource("deployments").matching(|request| request.verb == "list");
    assert_eq!(lists.count(), 1, "one list, from the server's cache: {requests}");
    assert!(lists.iter().all(|list| list.uri.contains("resourceVersion=0") && !list.uri.contains("limit=")));
    tagwatch.end().await?;

    let mark = bench.audit_log().mark().await?;
    let tagwatch = bench.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", bench.namespace())], 1.0).await?;
    let writes = bench.audit_log().since(mark).await?.by_agent(AGENT)?.mutating();
    assert_eq!(writes.count(), 0, "after a restart: {writes}");
    tagwatch.end().await
}
