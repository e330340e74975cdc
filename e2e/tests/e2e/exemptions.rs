//! Findings that are exempt: by the policy and by annotations on the workload, its pod template and its namespace.

use anyhow::{Result, ensure};
use k8s_openapi::jiff::{Timestamp, ToSpan, tz::TimeZone};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    controller::Controller,
    objects::{LATEST, container, deployment, pod, pulled, web},
    policies::TagPolicy,
    runner::shared,
    test_env::TestEnv,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(by_the_policy),
        shared(by_annotations),
        shared(on_pods_that_stand_alone),
        shared(annotations_that_do_not_count),
        shared(annotations_where_the_policy_allows_them),
        shared(expired_ones_count_no_more),
        shared(baseline_of_a_cluster_leaves_nothing_open),
    ]
}

/// A Deployment with one container whose tag floats.
fn floating(name: &str) -> Value {
    deployment(name, 0, &[pulled("web", LATEST, "Always")])
}

/// What is found in it, and when that is exempt.
const FOUND: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy pass"];
const EXEMPT: [&str; 2] = ["web latest-tag skip", "web stale-pull-policy pass"];

fn ignore(rules: &str, reason: &str) -> Value {
    json!({ "tagwatch.dev/ignore": rules, "tagwatch.dev/ignore-reason": reason })
}

fn day(days_ahead: i64) -> String {
    Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_add(days_ahead.days()).to_string()
}

async fn counted(tagwatch: &Controller, states: [(&str, f64); 4]) -> Result<()> {
    for (state, count) in states {
        tagwatch.counts("tagwatch_exemptions", &[("state", state)], count).await?;
    }
    Ok(())
}

async fn by_the_policy(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let last = day(30);
    let legacy = json!({
        "match": { "names": ["legacy-*"], "containers": ["web"] }, "rules": ["latest-tag"],
        "reason": "replaced in spring", "expires": last,
    });
    let unused = json!({ "match": { "names": ["no-workload"] }, "rules": ["*"], "reason": "of no use" });
    policy.create(json!({ "exemptions": [legacy, unused] })).await?;
    env.create(floating("legacy-web")).await?;
    env.create(floating("other")).await?;
    let tagwatch = policy.tagwatch().await?;
    let report = env.reported("Deployment", "legacy-web", &EXEMPT).await?;
    env.reported("Deployment", "other", &FOUND).await?;
    let skip = &report.results()[0];
    let properties = &skip["properties"];
    assert_eq!(properties["exemption"], "replaced in spring");
    assert_eq!(properties["exemptionSource"], "spec.exemptions[0]");
    assert_eq!(properties["exemptionExpires"], last);
    assert_eq!(skip["scored"], false);
    assert_eq!(report.summary()["skip"], 1);
    tagwatch.counts("tagwatch_workloads", &[("status", "exempt")], 1.0).await?;
    tagwatch.counts("tagwatch_violations", &[("rule", "latest-tag")], 1.0).await?;
    counted(&tagwatch, [("active", 1.0), ("unused", 1.0), ("expired", 0.0), ("not_honoured", 0.0)]).await?;
    let expiry = [("source", "policy"), ("index", "0")];
    tagwatch.measures("tagwatch_exemption_expiry_timestamp_seconds", &expiry, |at| at > 0.0).await?;
    let unused = json!({ "place": "spec.exemptions[1]", "state": "unused", "message": "\"of no use\": it exempts nothing" });
    policy
        .status("the unused one is named", |status| status["exemptions"]["remarks"] == json!([unused]))
        .await?;

    // Without it, what it exempted counts again.
    policy.replace(json!({})).await?;
    env.reported("Deployment", "legacy-web", &FOUND).await?;
    counted(&tagwatch, [("active", 0.0), ("unused", 0.0), ("expired", 0.0), ("not_honoured", 0.0)]).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn by_annotations(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(floating("on-workload")).await?;
    env.create(floating("on-template")).await?;
    env.create(deployment("one-container", 0, &[container("web", LATEST), container("side", LATEST)]))
        .await?;
    env.reported("Deployment", "on-workload", &FOUND).await?;
    env.reported("Deployment", "on-template", &FOUND).await?;

    let note = json!({ "metadata": { "annotations": ignore("latest-tag", "ticket OPS-12") } });
    env.patch("Deployment", "on-workload", note.clone()).await?;
    let report = env.reported("Deployment", "on-workload", &EXEMPT).await?;
    assert_eq!(report.results()[0]["properties"]["exemption"], "ticket OPS-12");
    assert_eq!(report.results()[0]["properties"]["exemptionSource"], "annotation on the workload");
    env.patch("Deployment", "on-template", json!({ "spec": { "template": note } })).await?;
    let report = env.reported("Deployment", "on-template", &EXEMPT).await?;
    assert_eq!(report.results()[0]["properties"]["exemptionSource"], "annotation on the pod template");
    let note = json!({ "metadata": { "annotations": ignore("side/latest-tag", "only a sidecar") } });
    env.patch("Deployment", "one-container", note).await?;
    let verdicts = [
        "web latest-tag fail",
        "side latest-tag skip",
        "side stale-pull-policy pass",
        "web stale-pull-policy pass",
    ];
    env.reported("Deployment", "one-container", &verdicts).await?;

    let removed = json!({ "tagwatch.dev/ignore": null });
    env.patch("Deployment", "on-workload", json!({ "metadata": { "annotations": removed } })).await?;
    env.reported("Deployment", "on-workload", &FOUND).await?;
    let note = json!({ "metadata": { "annotations": ignore("latest-tag", "the whole namespace goes") } });
    env.patch_namespace(note).await?;
    let report = env.reported("Deployment", "on-workload", &EXEMPT).await?;
    assert_eq!(report.results()[0]["properties"]["exemptionSource"], "annotation on the namespace");
    // One namespace, one pod template, one workload.
    counted(&tagwatch, [("active", 3.0), ("unused", 0.0), ("expired", 0.0), ("not_honoured", 0.0)]).await?;
    tagwatch.end().await
}

async fn on_pods_that_stand_alone(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let mut alone = pod("alone", &[pulled("web", LATEST, "Always")]);
    alone["metadata"]["annotations"] = ignore("latest-tag", "a shell for today");
    env.create(alone).await?;
    env.reported("Pod", "alone", &EXEMPT).await?;
    tagwatch.end().await
}

async fn annotations_that_do_not_count(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({ "annotations": { "maxDays": 30 } })).await?;
    let tagwatch = policy.tagwatch().await?;
    let too_late = json!({
        "tagwatch.dev/ignore": "latest-tag", "tagwatch.dev/ignore-reason": "x", "tagwatch.dev/ignore-until": day(60),
    });
    let over = json!({
        "tagwatch.dev/ignore": "latest-tag", "tagwatch.dev/ignore-reason": "x", "tagwatch.dev/ignore-until": day(-1),
    });
    for (name, annotations) in [
        ("no-reason", json!({ "tagwatch.dev/ignore": "latest-tag", "tagwatch.dev/ignore-until": day(1) })),
        ("too-late", too_late),
        ("over", over),
    ] {
        let mut object = floating(name);
        object["metadata"]["annotations"] = annotations;
        env.create(object).await?;
        env.reported("Deployment", name, &FOUND).await?;
    }
    counted(&tagwatch, [("active", 0.0), ("unused", 0.0), ("expired", 1.0), ("not_honoured", 2.0)]).await?;
    let status = policy.status("all three are named", |status| {
        status["exemptions"]["remarks"].as_array().is_some_and(|remarks| remarks.len() == 3)
    });
    let remarks = status.await?["exemptions"]["remarks"].to_string();
    for expected in
        ["tagwatch.dev/ignore-reason is missing", "at most 30 days ahead", "expired: its last day was"]
    {
        ensure!(remarks.contains(expected), "{remarks}");
    }
    policy.delete().await?;
    tagwatch.end().await
}

async fn annotations_where_the_policy_allows_them(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let selector = json!({ "matchLabels": { "may-ignore": "yes" } });
    policy.create(json!({ "annotations": { "namespaceSelector": selector } })).await?;
    let tagwatch = policy.tagwatch().await?;
    let mut object = floating("web");
    object["metadata"]["annotations"] = ignore("latest-tag", "ticket OPS-12");
    env.create(object).await?;
    env.reported("Deployment", "web", &FOUND).await?;
    env.patch_namespace(json!({ "metadata": { "labels": { "may-ignore": "yes" } } })).await?;
    env.reported("Deployment", "web", &EXEMPT).await?;
    policy.replace(json!({ "annotations": { "enabled": false } })).await?;
    env.reported("Deployment", "web", &FOUND).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn expired_ones_count_no_more(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let exemption = |last: String| json!({ "match": { "names": ["web"] }, "rules": ["*"], "reason": "x", "expires": last });
    policy.create(json!({ "exemptions": [exemption(day(0))] })).await?;
    env.create(web("web", LATEST)).await?;
    let tagwatch = policy.tagwatch().await?;
    // Its last day counts too.
    env.reported("Deployment", "web", &EXEMPT).await?;
    policy.replace(json!({ "exemptions": [exemption(day(-1))] })).await?;
    env.reported("Deployment", "web", &FOUND).await?;
    counted(&tagwatch, [("active", 0.0), ("unused", 0.0), ("expired", 1.0), ("not_honoured", 0.0)]).await?;
    policy.delete().await?;
    tagwatch.end().await
}

/// What `tagwatch policy baseline --cluster` prints, applied as it is.
async fn baseline_of_a_cluster_leaves_nothing_open(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let tagwatch = policy.tagwatch().await?;
    env.create(floating("one")).await?;
    env.create(deployment("two", 0, &[container("web", LATEST), pulled("side", LATEST, "Never")])).await?;
    env.reported("Deployment", "one", &FOUND).await?;
    let open = [
        "web latest-tag fail",
        "side latest-tag fail",
        "side pull-policy-never fail",
        "web stale-pull-policy pass",
    ];
    env.reported("Deployment", "two", &open).await?;

    let mut baseline = std::process::Command::new(tagwatch_e2e::tagwatch_binary()?);
    baseline.args(["policy", "baseline", "--cluster", "--namespace", env.namespace(), "--reason", "day one"]);
    let output = baseline.env("KUBECONFIG", env.cluster().control_plane.kubeconfig()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_saphyr::from_slice(&output.stdout)?;
    policy.create(printed["spec"].clone()).await?;
    env.reported("Deployment", "one", &EXEMPT).await?;
    let exempt = [
        "web latest-tag skip",
        "side latest-tag skip",
        "side pull-policy-never skip",
        "web stale-pull-policy pass",
    ];
    let report = env.reported("Deployment", "two", &exempt).await?;
    assert_eq!(report.results()[0]["properties"]["exemption"], "day one");
    tagwatch.counts("tagwatch_violations", &[("result", "fail")], 0.0).await?;

    // What is new is open.
    env.create(floating("three")).await?;
    env.reported("Deployment", "three", &FOUND).await?;
    policy.delete().await?;
    tagwatch.end().await
}
