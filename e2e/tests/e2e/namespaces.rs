//! Which namespaces are looked at.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::{Namespace, eventually};

use crate::{
    objects::{CLEAN, PASSES, web},
    report::Report,
    runner::{own, shared},
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(chosen_namespaces_alone), own(excluded_namespaces_lose_their_reports)]
}

/// A report of another client in another namespace, and one that looks like ours.
async fn reports_in(env: &TestEnv, namespace: &str) -> Result<Vec<Report>> {
    for (name, manager) in [("theirs", "other-engine"), ("ours", "tagwatch")] {
        let report = json!({
            "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
            "metadata": {
                "name": name,
                "labels": { "app.kubernetes.io/managed-by": manager, "app.kubernetes.io/instance": "tagwatch" },
            },
        });
        env.create_in(namespace, report).await?;
    }
    env.reports_in(namespace).await
}

fn versions(reports: &[Report]) -> Vec<(String, String)> {
    reports.iter().map(|report| (report.name(), report.version())).collect()
}

async fn chosen_namespaces_alone(env: &TestEnv) -> Result<()> {
    let second = Namespace::create(&env.client(), "second").await?;
    let other = Namespace::create(&env.client(), "other").await?;
    let before = reports_in(env, other.name()).await?;
    env.create_in(other.name(), web("web", CLEAN)).await?;

    let mark = env.audit_log().mark().await?;
    let both = format!("{},{}", env.namespace(), second.name());
    let tagwatch = env.tagwatch_with(&["--namespaces", &both]).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.create_in(other.name(), web("later", CLEAN)).await?;
    env.create(web("web", CLEAN)).await?;
    env.create_in(second.name(), web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "a report in the second namespace", || async {
        let reports = env.reports_in(second.name()).await?;
        ensure!(reports.len() == 1, "{} reports", reports.len());
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[], 2.0).await?;
    assert_eq!(versions(&env.reports_in(other.name()).await?), versions(&before), "untouched");

    // Rights in those namespaces would be enough: nothing was asked of any other, or of all at once.
    tagwatch.end().await?;
    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    let process = requests.matching(|request| !request.resource().is_empty());
    let elsewhere = process.matching(|request| request.object().0 == other.name());
    assert_eq!(elsewhere.count(), 0, "{elsewhere}");
    second.delete().await?;
    other.delete().await
}

async fn excluded_namespaces_lose_their_reports(env: &TestEnv) -> Result<()> {
    let excluded = Namespace::create(&env.client(), "excluded").await?;
    env.create(web("web", CLEAN)).await?;
    env.create_in(excluded.name(), web("web", CLEAN)).await?;
    let tagwatch = env.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    let kept = env.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "a report in the namespace to be excluded", || async {
        ensure!(env.reports_in(excluded.name()).await?.len() == 1, "there is none");
        Ok(())
    })
    .await?;
    tagwatch.end().await?;

    let with_others = reports_in(env, excluded.name()).await?;
    let theirs: Vec<Report> = with_others.into_iter().filter(|report| !report.is_ours()).collect();
    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_with(&["--exclude-namespaces", excluded.name()]).await?;
    tagwatch.is_ready(LIMIT).await?;
    eventually(LIMIT, "our reports in the excluded namespace are gone", || async {
        let left = env.reports_in(excluded.name()).await?;
        ensure!(!left.iter().any(Report::is_ours), "{:?}", versions(&left));
        assert_eq!(versions(&left), versions(&theirs), "those of others stay");
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", excluded.name())], 0.0).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", env.namespace())], 1.0).await?;
    assert_eq!(env.report("Deployment", "web").await?.version(), kept.version());

    // What comes there later is not looked at.
    env.create_in(excluded.name(), web("later", CLEAN)).await?;
    env.create(web("later", CLEAN)).await?;
    env.reported("Deployment", "later", &PASSES).await?;
    assert_eq!(versions(&env.reports_in(excluded.name()).await?), versions(&theirs));
    let writes = env.audit_log().since(mark).await?.by_agent(AGENT)?.mutating().without_leases_and_reviews();
    let there = writes.matching(|request| request.object().0 == excluded.name());
    assert!(there.iter().all(|request| request.verb == "delete"), "{there}");
    tagwatch.end().await?;
    excluded.delete().await
}
