//! Which namespaces are looked at.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::{Namespace, eventually};

use crate::{
    bench::{AGENT, Bench, LIMIT},
    objects::{CLEAN, PASSES, web},
    report::Report,
    runner::{own, shared},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(chosen_namespaces_alone), own(excluded_namespaces_lose_their_reports)]
}

/// A report in another namespace by somebody else, and one that looks like ours.
async fn reports_in(bench: &Bench, namespace: &str) -> Result<Vec<Report>> {
    for (name, manager) in [("theirs", "other-engine"), ("ours", "tagwatch")] {
        let report = json!({
            "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
            "metadata": { "name": name, "labels": { "app.kubernetes.io/managed-by": manager } },
        });
        bench.create_in(namespace, report).await?;
    }
    bench.reports_in(namespace).await
}

fn versions(reports: &[Report]) -> Vec<(String, String)> {
    reports.iter().map(|report| (report.name(), report.version())).collect()
}

async fn chosen_namespaces_alone(bench: &Bench) -> Result<()> {
    let second = Namespace::create(&bench.client(), "second").await?;
    let other = Namespace::create(&bench.client(), "other").await?;
    let before = reports_in(bench, other.name()).await?;
    bench.create_in(other.name(), web("web", CLEAN)).await?;

    let mark = bench.audit_log().mark().await?;
    let both = format!("{},{}", bench.namespace(), second.name());
    let tagwatch = bench.tagwatch_with(&["--namespaces", &both]).await?;
    tagwatch.is_ready(LIMIT).await?;
    bench.create_in(other.name(), web("later", CLEAN)).await?;
    bench.create(web("web", CLEAN)).await?;
    bench.create_in(second.name(), web("web", CLEAN)).await?;
    bench.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "a report in the second namespace", || async {
        let reports = bench.reports_in(second.name()).await?;
        ensure!(reports.len() == 1, "{} reports", reports.len());
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[], 2.0).await?;
    assert_eq!(versions(&bench.reports_in(other.name()).await?), versions(&before), "untouched");

    // Rights in those namespaces would be enough: nothing was asked of any other, or of all at once.
    tagwatch.end().await?;
    let requests = bench.audit_log().since(mark).await?.by_agent(AGENT)?;
    let process = requests.matching(|request| !request.resource().is_empty());
    let elsewhere = process.matching(|request| request.object().0 == other.name());
    assert_eq!(elsewhere.count(), 0, "{elsewhere}");
    second.delete().await?;
    other.delete().await
}

async fn excluded_namespaces_lose_their_reports(bench: &Bench) -> Result<()> {
    let excluded = Namespace::create(&bench.client(), "excluded").await?;
    bench.create(web("web", CLEAN)).await?;
    bench.create_in(excluded.name(), web("web", CLEAN)).await?;
    let tagwatch = bench.tagwatch_with(&[]).await?;
    tagwatch.is_ready(LIMIT).await?;
    let kept = bench.reported("Deployment", "web", &PASSES).await?;
    eventually(LIMIT, "a report in the namespace to be excluded", || async {
        ensure!(bench.reports_in(excluded.name()).await?.len() == 1, "there is none");
        Ok(())
    })
    .await?;
    tagwatch.end().await?;

    let with_others = reports_in(bench, excluded.name()).await?;
    let theirs: Vec<Report> = with_others.into_iter().filter(|report| !report.is_ours()).collect();
    let mark = bench.audit_log().mark().await?;
    let tagwatch = bench.tagwatch_with(&["--exclude-namespaces", excluded.name()]).await?;
    tagwatch.is_ready(LIMIT).await?;
    eventually(LIMIT, "our reports in the excluded namespace are gone", || async {
        let left = bench.reports_in(excluded.name()).await?;
        ensure!(!left.iter().any(Report::is_ours), "{:?}", versions(&left));
        assert_eq!(versions(&left), versions(&theirs), "those of others stay");
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", excluded.name())], 0.0).await?;
    tagwatch.counts("tagwatch_workloads", &[("namespace", bench.namespace())], 1.0).await?;
    assert_eq!(bench.report("Deployment", "web").await?.version(), kept.version());

    // What comes there later is not looked at.
    bench.create_in(excluded.name(), web("later", CLEAN)).await?;
    bench.create(web("later", CLEAN)).await?;
    bench.reported("Deployment", "later", &PASSES).await?;
    assert_eq!(versions(&bench.reports_in(excluded.name()).await?), versions(&theirs));
    let writes = bench.audit_log().since(mark).await?.by_agent(AGENT)?.mutating();
    let there = writes.matching(|request| request.object().0 == excluded.name());
    assert!(there.iter().all(|request| request.verb == "delete"), "{there}");
    tagwatch.end().await?;
    excluded.delete().await
}
