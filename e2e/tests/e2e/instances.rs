//! Two installations of tagwatch in one cluster, and reports that name no installation.

use anyhow::{Result, ensure};
use kube::ResourceExt;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Namespace, eventually};

use crate::{
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    policies::TagPolicy,
    report::Report,
    runner::{own, shared},
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        own(two_installations_delete_no_report_of_each_other),
        shared(two_installations_share_a_policy),
        shared(a_report_of_another_installation_is_left_alone_and_named),
        shared(reports_without_an_instance_are_taken_over_or_named),
    ]
}

const INSTANCE: &str = "app.kubernetes.io/instance";

fn instance_of(report: &Report) -> Option<&str> {
    report.0.labels().get(INSTANCE).map(String::as_str)
}

/// Each checks one of two namespaces, and watches the reports of all.
async fn two_installations_delete_no_report_of_each_other(env: &TestEnv) -> Result<()> {
    let second = Namespace::create(&env.client(), "second").await?;
    env.create(web("web", CLEAN)).await?;
    env.create_in(second.name(), web("web", CLEAN)).await?;
    let first = env.tagwatch_with(&["--instance=first", "--exclude-namespaces", second.name()]).await?;
    let other = env.tagwatch_with(&["--instance=other", "--exclude-namespaces", env.namespace()]).await?;
    for tagwatch in [&first, &other] {
        tagwatch.is_ready(LIMIT).await?;
    }
    let ours = env.reported("Deployment", "web", &PASSES).await?;
    assert_eq!(instance_of(&ours), Some("first"));
    let theirs = eventually(LIMIT, "the other report", async || {
        let mut reports = env.reports_in(second.name()).await?;
        ensure!(reports.len() == 1, "{} reports", reports.len());
        Ok(reports.remove(0))
    })
    .await?;
    assert_eq!(instance_of(&theirs), Some("other"));
    first.end().await?;

    // A new start looks through all reports of the cluster, and cleans up after the first evaluation of everything.
    let again = env.tagwatch_with(&["--instance=first", "--exclude-namespaces", second.name()]).await?;
    again.is_ready(LIMIT).await?;
    let of_others = [("owner", "another_instance")];
    again.measures("tagwatch_stray_reports", &of_others, |count| count >= 1.0).await?;
    env.delete("Deployment", "web").await?;
    env.unreported("Deployment", "web").await?;
    let stays = env.reports_in(second.name()).await?;
    assert_eq!(stays.iter().map(Report::uid).collect::<Vec<_>>(), [theirs.uid()]);
    again.end().await?;
    other.end().await?;
    second.delete().await
}

/// Each says in the status what it has found, and leaves alone what the other says.
async fn two_installations_share_a_policy(env: &TestEnv) -> Result<()> {
    let second = Namespace::create(&env.client(), "second").await?;
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    env.create(web("web", CLEAN)).await?;
    env.create_in(second.name(), web("web", CLEAN)).await?;
    env.create_in(second.name(), web("other", CLEAN)).await?;
    let start = async |instance: &str, namespace: &str| {
        let instance = format!("--instance={instance}");
        env.tagwatch_with(&[&instance, "--namespaces", namespace, "--policy", policy.name()]).await
    };
    let (first, other) = (start("first", env.namespace()).await?, start("other", second.name()).await?);
    let counts = async |instance: &str, workloads: u32| {
        let wanted = |status: &Value| status["workloads"]["total"] == workloads;
        policy.status_of(instance, &format!("{instance} counts {workloads}"), wanted).await
    };
    counts("first", 1).await?;
    counts("other", 2).await?;

    // Each write of counts waits for ten seconds after the last: an installation that answered writes would be seen.
    let mark = env.audit_log().mark().await?;
    env.create(web("second", CLEAN)).await?;
    counts("first", 2).await?;
    env.create_in(second.name(), web("third", CLEAN)).await?;
    counts("other", 3).await?;
    env.create(web("third", CLEAN)).await?;
    let said = counts("first", 3).await?;
    counts("other", 3).await?;
    let conditions = said["conditions"].as_array().map_or(0, Vec::len);
    assert_eq!(conditions, 2, "{said:#}");
    let whole = env.api_cluster_wide("TagPolicy").get(policy.name()).await?;
    assert_eq!(whole.data["status"]["conditions"], said["conditions"], "those of the first by name");
    let writes = env.audit_log().since(mark).await?.of_resource("tagpolicies/status").by_agent(AGENT)?;
    let writes = writes.matching(|request| request.object().1 == policy.name()).mutating();
    assert_eq!(writes.count(), 3, "one for each change: {writes}");

    policy.delete().await?;
    first.end().await?;
    other.end().await?;
    second.delete().await
}

async fn a_report_of_another_installation_is_left_alone_and_named(env: &TestEnv) -> Result<()> {
    env.create(web("web", CLEAN)).await?;
    let earlier = env.tagwatch_with(&["--instance=earlier", "--namespaces", env.namespace()]).await?;
    let theirs = env.reported("Deployment", "web", &PASSES).await?;
    earlier.end().await?;

    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let arguments = ["--namespaces", env.namespace(), "--policy", policy.name()];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.measures("tagwatch_reconciles_total", &[("result", "blocked")], |count| count >= 1.0).await?;
    policy.condition("Degraded", "True", "ReportsOfAnotherInstance").await?;
    // It is checked all the same.
    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    let stays = env.report("Deployment", "web").await?;
    assert_eq!((stays.version(), instance_of(&stays)), (theirs.version(), Some("earlier")));
    let logged = tagwatch.logged("another instance of tagwatch has written the report of this workload")?;
    assert_eq!(logged, 1, "once, however often it is evaluated");

    // A label hands it over.
    let label = json!({ "metadata": { "labels": { INSTANCE: "tagwatch" } } });
    env.patch("PolicyReport", &stays.name(), label).await?;
    let ours =
        env.reported("Deployment", "web", &["web latest-tag fail", "web stale-pull-policy fail"]).await?;
    assert_eq!((ours.uid(), instance_of(&ours)), (theirs.uid(), Some("tagwatch")));
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.end().await
}

/// A report as versions wrote it that named no instance.
fn unassigned(name: &str) -> Value {
    json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
        "metadata": { "name": name, "labels": { "app.kubernetes.io/managed-by": "tagwatch" } },
    })
}

async fn reports_without_an_instance_are_taken_over_or_named(env: &TestEnv) -> Result<()> {
    env.create(web("web", LATEST)).await?;
    // The API server fills in the pull policy Always for this tag.
    let verdicts = ["web latest-tag fail", "web stale-pull-policy pass"];
    let tagwatch = env.tagwatch().await?;
    let before = env.reported("Deployment", "web", &verdicts).await?;
    tagwatch.end().await?;
    let unlabelled = json!({ "metadata": { "labels": { INSTANCE: null } } });
    env.patch("PolicyReport", &before.name(), unlabelled).await?;
    let stray = Report::from(env.create(unassigned("tagwatch-deployment-gone-12345678")).await?);

    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let arguments = ["--namespaces", env.namespace(), "--policy", policy.name()];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    let taken = eventually(LIMIT, "the report of a workload is taken over", async || {
        let report = env.report("Deployment", "web").await?;
        ensure!(instance_of(&report) == Some("tagwatch"), "{:?}", instance_of(&report));
        Ok(report)
    })
    .await?;
    assert_eq!(taken.uid(), before.uid(), "updated, not made anew");
    assert_eq!(taken.0.data, before.0.data, "the times of its results stay");
    let named = policy.condition("Degraded", "True", "StrayReports").await?;
    ensure!(named.contains("tagwatch-deployment-gone-12345678"), "{named}");
    tagwatch.counts("tagwatch_stray_reports", &[("owner", "none")], 1.0).await?;
    // The log names it after the first evaluation of everything, when clean-up has been.
    tagwatch.logs("tagwatch-deployment-gone-12345678", 1).await?;
    let stays = env.reports().await?.into_iter().find(|report| report.name() == stray.name());
    assert_eq!(stays.map(|report| report.version()), Some(stray.version()), "untouched");
    // Nothing is wrong once it is gone.
    env.delete("PolicyReport", &stray.name()).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.end().await
}
