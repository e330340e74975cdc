//! Reports of workloads that are deleted.

use anyhow::{Result, ensure};
use kube::{ResourceExt, api::DeleteParams};
use libtest_mimic::Trial;
use tagwatch_e2e::eventually;

use crate::{
    checks,
    objects::{CLEAN, PASSES, web},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(report_is_deleted_with_its_workload), shared(namesake_has_a_report_of_its_own)]
}

async fn report_is_deleted_with_its_workload(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.counts("tagwatch_workloads", &[("kind", "Deployment")], 1.0).await?;

    env.delete("Deployment", "web").await?;
    tagwatch.counts("tagwatch_workloads", &[("kind", "Deployment")], 0.0).await?;
    env.unreported("Deployment", "web").await?;

    // tagwatch does not bring it back, and removes it itself only if the garbage collector is slow: that one may
    // learn of a new kind as late as 30 s after its definition.
    env.create(web("later", CLEAN)).await?;
    env.reported("Deployment", "later", &PASSES).await?;
    let writes = env.writes().await?;
    let deletions = writes.matching(|request| request.verb == "delete").count();
    ensure!(deletions <= 1, "{writes}");
    assert_eq!(writes.count() - deletions, 2, "one creation each: {writes}");
    tagwatch.end().await
}

async fn namesake_has_a_report_of_its_own(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let first = env.create(web("web", CLEAN)).await?;
    let old = env.reported("Deployment", "web", &PASSES).await?;
    env.api("Deployment").delete("web", &DeleteParams::background()).await?;
    let second = env.create(web("web", CLEAN)).await?;
    assert_ne!(first.uid(), second.uid());

    let new = eventually(LIMIT, "one report, about the new Deployment", || async {
        let mut reports = env.reports().await?;
        ensure!(reports.len() == 1, "{} reports", reports.len());
        let report = reports.remove(0);
        ensure!(second.uid().as_deref() == Some(report.scope_uid()), "it is about {}", report.scope_uid());
        Ok(report)
    })
    .await?;
    checks::form(&new, &second);
    assert_ne!((new.name(), new.uid()), (old.name(), old.uid()));
    let id = |report: &crate::report::Report| report.results()[0]["properties"]["resultID"].clone();
    assert_ne!(id(&new), id(&old), "its findings are findings of another object");
    tagwatch.counts("tagwatch_workloads", &[], 1.0).await?;
    tagwatch.end().await
}
