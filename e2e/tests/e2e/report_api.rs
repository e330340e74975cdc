//! A cluster without the report API, with it, without it again.

use anyhow::{Result, ensure};
use kube::api::DeleteParams;
use libtest_mimic::Trial;

use crate::{
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, web},
    runner::without_report_api,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![without_report_api(report_api_is_installed_and_removed)]
}

const AVAILABLE: &str = "tagwatch_report_api_available";
const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy pass"];

async fn is_healthy(tagwatch: &Controller) -> Result<()> {
    tagwatch.is_alive().await?;
    tagwatch.is_ready(LIMIT).await
}

async fn report_api_is_installed_and_removed(env: &TestEnv) -> Result<()> {
    env.create(web("first", CLEAN)).await?;
    let tagwatch = env.tagwatch_with(&["--namespaces", env.namespace()]).await?;
    is_healthy(&tagwatch).await?;
    tagwatch.counts(AVAILABLE, &[], 0.0).await?;
    let said = "does not serve the PolicyReport API";
    tagwatch.logs_once(said).await?;
    // Findings are in the metrics all the same.
    tagwatch.counts("tagwatch_workloads", &[("status", "compliant")], 1.0).await?;
    env.create(web("second", LATEST)).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    tagwatch.counts("tagwatch_report_writes_total", &[], 0.0).await?;
    is_healthy(&tagwatch).await?;

    env.cluster().install_report_api().await?;
    env.reported("Deployment", "first", &PASSES).await?;
    env.reported("Deployment", "second", &FAILS).await?;
    tagwatch.counts(AVAILABLE, &[], 1.0).await?;
    let writes = env.writes().await?;
    assert_eq!(writes.count(), 2, "{writes}");

    // Its removal takes all reports along.
    let definitions = env.api_cluster_wide("CustomResourceDefinition");
    definitions.delete("policyreports.wgpolicyk8s.io", &DeleteParams::default()).await?;
    env.cluster().report_api_is_served(false).await?;
    tagwatch.counts(AVAILABLE, &[], 0.0).await?;
    env.create(web("third", CLEAN)).await?;
    tagwatch.counts("tagwatch_workloads", &[], 3.0).await?;
    is_healthy(&tagwatch).await?;
    ensure!(tagwatch.logged(said)? <= 2, "said once each time");

    env.cluster().install_report_api().await?;
    env.reported("Deployment", "first", &PASSES).await?;
    env.reported("Deployment", "second", &FAILS).await?;
    env.reported("Deployment", "third", &PASSES).await?;
    tagwatch.counts(AVAILABLE, &[], 1.0).await?;
    is_healthy(&tagwatch).await?;
    tagwatch.end().await
}
