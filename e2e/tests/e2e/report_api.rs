//! A cluster without the report API, with it, without it again.

use anyhow::{Result, ensure};
use kube::api::DeleteParams;
use libtest_mimic::Trial;

use crate::{
    bench::{Bench, LIMIT},
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, web},
    runner::without_report_api,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![without_report_api(comes_and_goes)]
}

const AVAILABLE: &str = "tagwatch_report_api_available";
const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy pass"];

async fn is_healthy(tagwatch: &Controller) -> Result<()> {
    tagwatch.is_alive().await?;
    tagwatch.is_ready(LIMIT).await
}

async fn comes_and_goes(bench: &Bench) -> Result<()> {
    bench.create(web("first", CLEAN)).await?;
    let tagwatch = bench.tagwatch_with(&["--namespaces", bench.namespace()]).await?;
    is_healthy(&tagwatch).await?;
    tagwatch.counts(AVAILABLE, &[], 0.0).await?;
    let said = "does not serve the PolicyReport API";
    assert_eq!(tagwatch.logged(said)?, 1, "said once");
    // What is found is told all the same.
    tagwatch.counts("tagwatch_workloads", &[("status", "compliant")], 1.0).await?;
    bench.create(web("second", LATEST)).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    tagwatch.counts("tagwatch_report_writes_total", &[], 0.0).await?;
    is_healthy(&tagwatch).await?;

    bench.cluster().install_report_api().await?;
    bench.reported("Deployment", "first", &PASSES).await?;
    bench.reported("Deployment", "second", &FAILS).await?;
    tagwatch.counts(AVAILABLE, &[], 1.0).await?;
    let writes = bench.writes().await?;
    assert_eq!(writes.count(), 2, "{writes}");

    // Its removal takes all reports along.
    let definitions = bench.api_cluster_wide("CustomResourceDefinition");
    definitions.delete("policyreports.wgpolicyk8s.io", &DeleteParams::default()).await?;
    bench.cluster().report_api_is_served(false).await?;
    tagwatch.counts(AVAILABLE, &[], 0.0).await?;
    bench.create(web("third", CLEAN)).await?;
    tagwatch.counts("tagwatch_workloads", &[], 3.0).await?;
    is_healthy(&tagwatch).await?;
    ensure!(tagwatch.logged(said)? <= 2, "said once each time");

    bench.cluster().install_report_api().await?;
    bench.reported("Deployment", "first", &PASSES).await?;
    bench.reported("Deployment", "second", &FAILS).await?;
    bench.reported("Deployment", "third", &PASSES).await?;
    tagwatch.counts(AVAILABLE, &[], 1.0).await?;
    is_healthy(&tagwatch).await?;
    tagwatch.end().await
}
