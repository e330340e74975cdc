//! Three hundred workloads at once.

use anyhow::{Result, ensure};
use futures::{TryStreamExt, stream};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams},
};
use libtest_mimic::Trial;
use tagwatch_e2e::{Requests, eventually};

use crate::{
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(three_hundred_workloads)]
}

const WORKLOADS: usize = 300;
/// Requests of the test at the same time.
const CONCURRENCY: usize = 16;

async fn all_say(env: &TestEnv, verdicts: &[&str]) -> Result<()> {
    eventually(LIMIT * 2, "every report says so", || async {
        let reports = env.reports().await?;
        let saying = reports.iter().filter(|report| report.says(verdicts)).count();
        ensure!(saying == WORKLOADS, "{saying} of {} say {verdicts:?}", reports.len());
        Ok(())
    })
    .await
}

fn by_verb(writes: &Requests) -> [usize; 3] {
    ["create", "update", "delete"].map(|verb| writes.matching(|request| request.verb == verb).count())
}

async fn three_hundred_workloads(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let names: Vec<String> = (0..WORKLOADS).map(|number| format!("web-{number}")).collect();
    stream::iter(names.iter().map(Ok))
        .try_for_each_concurrent(CONCURRENCY, async |name| env.create(web(name, CLEAN)).await.map(drop))
        .await?;
    all_say(env, &PASSES).await?;
    tagwatch.counts("tagwatch_workloads", &[("kind", "Deployment"), ("status", "compliant")], 300.0).await?;
    let writes = env.writes().await?;
    assert_eq!(by_verb(&writes), [WORKLOADS, 0, 0], "{writes}");

    stream::iter(names.iter().map(Ok))
        .try_for_each_concurrent(CONCURRENCY, async |name| {
            env.patch("Deployment", name, with_image(LATEST, "IfNotPresent")).await.map(drop)
        })
        .await?;
    all_say(env, &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    tagwatch.counts("tagwatch_violations", &[("rule", "latest-tag")], 300.0).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 300.0).await?;
    let writes = env.writes().await?;
    assert_eq!(by_verb(&writes), [WORKLOADS, WORKLOADS, 0], "{writes}");
    let mut written: Vec<_> = writes.iter().map(|request| request.object().1.to_owned()).collect();
    written.sort();
    // A creation is logged without a name where the body holds it.
    written.retain(|name| !name.is_empty());
    let mut reports: Vec<_> = env.reports().await?.iter().map(|report| report.0.name_any()).collect();
    reports.sort();
    written.dedup();
    assert_eq!(written, reports, "each of them");

    env.api("Deployment").delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    tagwatch.counts("tagwatch_violations", &[], 0.0).await?;
    eventually(LIMIT * 2, "every report is gone", || async {
        let left = env.reports().await?.len();
        ensure!(left == 0, "{left} are left");
        Ok(())
    })
    .await?;
    let [created, updated, _] = by_verb(&env.writes().await?);
    assert_eq!([created, updated], [WORKLOADS, WORKLOADS], "nothing came back");
    tagwatch.counts("tagwatch_reconciles_total", &[("result", "failed")], 0.0).await?;
    tagwatch.end().await
}
