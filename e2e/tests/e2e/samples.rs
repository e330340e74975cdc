//! `config/samples`: what the demo shows, judged to the last result, and a second run that writes nothing.

use anyhow::Result;
use kube::ResourceExt;
use libtest_mimic::Trial;
use tagwatch_e2e::samples::{Kubectl, Samples, compare, reported};

use crate::{
    cluster::USER,
    runner::own,
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(judged_as_the_table_says_and_not_written_again)]
}

async fn versions(env: &TestEnv) -> Result<Vec<(String, Option<String>)>> {
    let listed = env.api_cluster_wide("PolicyReport").list(&kube::api::ListParams::default()).await?;
    Ok(listed.iter().map(|report| (report.name_any(), report.resource_version())).collect())
}

async fn judged_as_the_table_says_and_not_written_again(env: &TestEnv) -> Result<()> {
    let began = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    let samples = Samples::new(env.client(), Kubectl::of(&env.cluster().control_plane)).await?;
    let kubelet = samples.load().await?;
    samples.judged(LIMIT * 2).await?;
    tagwatch.end().await?;
    let before = versions(env).await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    compare(samples.expected(), &reported(&env.client()).await?)?;
    tagwatch.end().await?;
    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    assert_eq!(
        requests.mutating().without_leases_and_reviews().count(),
        0,
        "an unchanged cluster: {requests}"
    );
    assert_eq!(versions(env).await?, before);

    let refused =
        env.audit_log().since(began).await?.by_user(USER)?.matching(|request| request.code() == 403);
    assert_eq!(refused.count(), 0, "{refused}");
    kubelet.stop().await
}
