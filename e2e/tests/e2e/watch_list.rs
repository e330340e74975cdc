//! An API server that does not stream initial lists (before Kubernetes 1.34, or with the feature gate off), and
//! the rights that this takes.

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::Options;

use crate::{
    objects::{CLEAN, LATEST, PASSES, container, pod_spec, template, web, with_image},
    runner::own_with,
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    let off = Options { feature_gates: Some("WatchList=false".to_owned()), ..Options::default() };
    vec![own_with(off.clone(), falls_back_to_lists), own_with(off, lists_come_in_pages)]
}

/// More objects than fit into a page.
const MANY: u32 = 501;

async fn lists_come_in_pages(env: &TestEnv) -> Result<()> {
    for number in 0..MANY {
        let mut spec = pod_spec(&[container("web", CLEAN)]);
        spec["restartPolicy"] = json!("Never");
        let name = format!("job-{number}");
        let job = json!({ "spec": { "template": template(&name, &spec) } });
        env.create(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": name },
            "spec": { "schedule": "0 0 * * *", "suspend": true, "jobTemplate": job },
        }))
        .await?;
    }
    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", env.namespace())], f64::from(MANY)).await?;
    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    let lists = requests.of_resource("cronjobs").matching(|request| request.verb == "list");
    let continued: Vec<bool> = lists.iter().map(|list| list.uri.contains("continue=")).collect();
    assert_eq!(continued, [false, true], "{requests}");
    tagwatch.end().await
}

async fn falls_back_to_lists(env: &TestEnv) -> Result<()> {
    env.create(web("first", CLEAN)).await?;
    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    // It names each kind.
    tagwatch.logs("does not stream initial lists", 8).await?;
    env.reported("Deployment", "first", &PASSES).await?;
    env.create(web("second", CLEAN)).await?;
    env.reported("Deployment", "second", &PASSES).await?;
    env.patch("Deployment", "first", with_image(LATEST, "IfNotPresent")).await?;
    env.reported("Deployment", "first", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    env.delete("Deployment", "second").await?;
    env.unreported("Deployment", "second").await?;

    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    let lists = requests.of_resource("deployments").matching(|request| request.verb == "list");
    assert_eq!(lists.count(), 1, "one page: {requests}");
    assert!(lists.iter().all(|list| list.uri.contains("limit=500") && !list.uri.contains("resourceVersion")));
    tagwatch.end().await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", env.namespace())], 1.0).await?;
    let writes = env.audit_log().since(mark).await?.by_agent(AGENT)?.mutating().without_leases_and_reviews();
    assert_eq!(writes.count(), 0, "after a restart: {writes}");
    tagwatch.end().await
}
