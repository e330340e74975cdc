//! The policy of a cluster: it is created, changed, broken, fixed and deleted.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::eventually;

use crate::{
    objects::{CLEAN, LATEST, PASSES, container, deployment, pulled, web},
    policies::TagPolicy,
    runner::{own, shared},
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(change_is_judged_by_at_once),
        shared(invalid_policy_changes_nothing),
        shared(invalid_policy_from_the_start),
        shared(wrong_apply_is_refused_with_a_reason),
        shared(explain_describes_every_field),
        shared(counts_in_the_status),
        shared(status_is_written_when_it_changes_and_not_otherwise),
        shared(scope_by_the_labels_of_a_namespace),
        shared(parts_that_match_nothing_are_named),
        shared(labels_of_the_namespace_reach_metrics_and_reports),
        shared(kind_that_is_not_read_is_named),
        own(definition_is_installed_later_and_removed),
    ]
}

/// What [`CLEAN`] comes to in the profile `strict`.
const STRICT: [&str; 2] = ["web unpinned-image fail", "web stale-pull-policy pass"];

async fn change_is_judged_by_at_once(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let tagwatch = policy.tagwatch().await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let rule = |rule, state| [("rule", rule), ("state", state)];
    tagwatch.counts("tagwatch_rule_info", &rule("unpinned-image", "off"), 1.0).await?;

    policy.create(json!({ "profile": "strict" })).await?;
    env.reported("Deployment", "web", &STRICT).await?;
    tagwatch.counts("tagwatch_rule_info", &rule("unpinned-image", "on"), 1.0).await?;
    tagwatch.counts("tagwatch_violations", &[("rule", "unpinned-image")], 1.0).await?;
    tagwatch.counts("tagwatch_policy_source", &[("source", "cluster")], 1.0).await?;
    policy.condition("Ready", "True", "Judging").await?;

    let warn = json!({ "rules": { "unpinned-image": { "result": "warn", "severity": "low" } } });
    policy.replace(warn).await?;
    let report =
        env.reported("Deployment", "web", &["web unpinned-image warn", "web stale-pull-policy pass"]).await?;
    assert_eq!(report.results()[0]["severity"], "low");
    let series = [("rule", "unpinned-image")];
    tagwatch.counts("tagwatch_violations", &series, 0.0).await?;
    tagwatch.counts("tagwatch_warnings", &series, 1.0).await?;

    policy.delete().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.logs_once("the policy is gone: judging by the recommended profile").await?;
    tagwatch.end().await
}

async fn invalid_policy_changes_nothing(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({ "profile": "strict" })).await?;
    let tagwatch = policy.tagwatch().await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &STRICT).await?;

    // Valid for the API server, which knows no regular expressions of ours.
    let broken = json!({ "profile": "always", "rules": { "floating-tag": { "patterns": ["("] } } });
    policy.replace(broken).await?;
    let message = policy.condition("Ready", "False", "InvalidSpec").await?;
    ensure!(
        message.contains("spec.rules.floating-tag.patterns[0]: this is no regular expression"),
        "{message}"
    );
    let message = policy.condition("Degraded", "True", "LastGoodInUse").await?;
    ensure!(message.contains("generation 1"), "{message}");
    tagwatch.counts("tagwatch_policy_valid", &[], 0.0).await?;
    tagwatch.counts("tagwatch_policy_source", &[("source", "last_good")], 1.0).await?;
    tagwatch.logs_once("the policy is invalid and not in use").await?;
    env.create(web("late", CLEAN)).await?;
    env.reported("Deployment", "late", &STRICT).await?;
    tagwatch.end().await?;

    // The last good one outlives the process.
    let tagwatch = policy.tagwatch().await?;
    tagwatch.counts("tagwatch_policy_source", &[("source", "last_good")], 1.0).await?;
    env.create(web("later", CLEAN)).await?;
    env.reported("Deployment", "later", &STRICT).await?;

    policy.replace(json!({ "profile": "recommended" })).await?;
    for name in ["web", "late", "later"] {
        env.reported("Deployment", name, &PASSES).await?;
    }
    policy.condition("Ready", "True", "Judging").await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.counts("tagwatch_policy_valid", &[], 1.0).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn invalid_policy_from_the_start(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({ "immutable": ["registry.corp*/app"] })).await?;
    let tagwatch = policy.tagwatch().await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let message = policy.condition("Ready", "False", "InvalidSpec").await?;
    ensure!(message.contains("spec.immutable[0]") && message.contains("boundary"), "{message}");
    policy.condition("Degraded", "True", "RecommendedProfileInUse").await?;
    policy.delete().await?;
    tagwatch.end().await
}

/// What the API server itself says of mistakes, before any of them is stored.
async fn wrong_apply_is_refused_with_a_reason(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let exemption = |fields: serde_json::Value| json!({ "exemptions": [fields] });
    let matches = json!({ "names": ["web"] });
    for (spec, complaint) in [
        (json!({ "profile": "strikt" }), "spec.profile: Unsupported value"),
        (
            json!({ "rules": { "latest-tag": { "result": "maybe" } } }),
            "spec.rules.latest-tag.result: Unsupported value",
        ),
        (
            exemption(json!({ "match": matches, "rules": ["latest-tag"] })),
            "spec.exemptions[0].reason: Required value",
        ),
        (
            exemption(json!({ "match": matches, "rules": ["latest-tag"], "reason": " " })),
            "spec.exemptions[0].reason: Invalid value",
        ),
        (
            exemption(json!({ "match": matches, "rules": ["no-such"], "reason": "x" })),
            "spec.exemptions[0].rules[0]: Unsupported value",
        ),
        (
            exemption(json!({ "match": matches, "rules": ["*"], "reason": "x", "expires": "2027-02-30" })),
            "spec.exemptions[0].expires: Invalid value",
        ),
        (
            exemption(json!({ "match": {}, "rules": ["*"], "reason": "x" })),
            "spec.exemptions[0].match: Invalid value",
        ),
        (json!({ "metricLabels": ["-team"] }), "spec.metricLabels[0]: Invalid value"),
        (
            json!({ "scope": { "namespaceSelector": { "matchExpressions": [{ "key": "a", "operator": "In" }] } } }),
            "In and NotIn need at least one value",
        ),
    ] {
        let refused = policy.create(spec.clone()).await.expect_err("it must not be stored");
        let words = format!("{refused:#}");
        ensure!(words.contains(complaint), "{spec}: {words}");
    }
    // kubectl's own validation names what the API server would prune.
    let file = env.cluster().control_plane.data_dir().join(format!("{}.json", env.namespace()));
    let unknown = json!({ "rules": { "latest-tag": { "allowed": ["Always"] } } });
    std::fs::write(&file, policy.object(&unknown).to_string())?;
    let apply = ["apply", "-f", &file.display().to_string()];
    let words = env.cluster().control_plane.kubectl(&apply).await.expect_err("an unknown field").to_string();
    ensure!(words.contains("unknown field \"spec.rules.latest-tag.allowed\""), "{words}");
    Ok(())
}

async fn explain_describes_every_field(env: &TestEnv) -> Result<()> {
    let explain = ["explain", "tagpolicies.tagwatch.dev", "--recursive"];
    let fields = env.cluster().control_plane.kubectl(&explain).await?;
    for field in ["exemptions", "metricLabels", "stale-pull-policy", "namespaceSelector", "notHonoured"] {
        ensure!(fields.contains(field), "{fields}");
    }
    for path in [
        "spec.exemptions.expires",
        "spec.rules.latest-tag",
        "spec.scope.excludePresets",
        "status.instances.accepted",
    ] {
        let explain = ["explain", &format!("tagpolicies.tagwatch.dev.{path}")];
        let explained = env.cluster().control_plane.kubectl(&explain).await?;
        ensure!(explained.contains("DESCRIPTION:") && !explained.contains("<empty>"), "{explained}");
    }
    Ok(())
}

async fn counts_in_the_status(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let exemption =
        json!({ "match": { "names": ["legacy"] }, "rules": ["*"], "reason": "replaced in spring" });
    policy.create(json!({ "exemptions": [exemption] })).await?;
    env.create(web("web", CLEAN)).await?;
    env.create(deployment("old", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    env.create(deployment("legacy", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    env.create(web("odd", "$IMAGE")).await?;
    let tagwatch = policy.tagwatch().await?;
    let status = policy.status("all four are counted", |status| status["workloads"]["total"] == 4).await?;
    let workloads = json!({ "total": 4, "violating": 1, "error": 1, "exempt": 1, "compliant": 1 });
    assert_eq!(status["workloads"], workloads);
    assert_eq!(status["results"], json!({ "fail": 2, "error": 1, "warn": 0, "skip": 2, "pass": 2 }));
    let critical = json!({
        "rule": "stale-pull-policy", "severity": "critical", "fail": 1, "error": 0, "warn": 0, "skip": 1
    });
    ensure!(status["rules"].as_array().is_some_and(|rules| rules.contains(&critical)), "{status:#}");
    for (state, workloads) in [("violating", 1.0), ("error", 1.0), ("exempt", 1.0), ("compliant", 1.0)] {
        tagwatch.counts("tagwatch_workloads", &[("status", state)], workloads).await?;
    }
    let table = env.cluster().control_plane.kubectl(&["get", "tagpolicies", policy.name()]).await?;
    let columns = ["PROFILE", "READY", "WORKLOADS", "VIOLATING", "FAIL", "WARN", "ERROR", "SKIP", "AGE"];
    ensure!(columns.iter().all(|column| table.contains(column)), "{table}");
    let cells: Vec<&str> = table.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!(cells[1..9], ["recommended", "True", "4", "1", "2", "0", "1", "2"], "{table}");
    policy.delete().await?;
    tagwatch.end().await
}

async fn status_is_written_when_it_changes_and_not_otherwise(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    env.create(web("web", CLEAN)).await?;
    let tagwatch = policy.tagwatch().await?;
    policy.status("it is counted", |status| status["workloads"]["total"] == 1).await?;
    tagwatch.end().await?;
    let mark = env.audit_log().mark().await?;
    let tagwatch = policy.tagwatch().await?;
    // A second look at everything, and a touch that changes nothing.
    let label = json!({ "metadata": { "labels": { "touched": "yes" } } });
    env.patch("Deployment", "web", label).await?;
    env.create(web("other", CLEAN)).await?;
    policy.status("the other one is counted", |status| status["workloads"]["total"] == 2).await?;
    let writes = env
        .audit_log()
        .since(mark)
        .await?
        .of_resource("tagpolicies/status")
        .by_agent(crate::test_env::AGENT)?;
    let ours = writes.matching(|request| request.object().1 == policy.name()).mutating();
    assert_eq!(ours.count(), 1, "{ours}");
    policy.delete().await?;
    tagwatch.end().await
}

async fn scope_by_the_labels_of_a_namespace(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let selector = json!({ "matchLabels": { "tagwatch": "on" } });
    policy.create(json!({ "scope": { "namespaceSelector": selector } })).await?;
    env.create(web("web", CLEAN)).await?;
    let tagwatch = policy.tagwatch().await?;
    assert!(env.reports().await?.is_empty());
    policy.condition("Degraded", "True", "ScopeEmpty").await?;
    let label = |value: Option<&str>| json!({ "metadata": { "labels": { "tagwatch": value } } });
    env.patch_namespace(label(Some("on"))).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.counts("tagwatch_workloads", &[], 1.0).await?;
    env.patch_namespace(label(None)).await?;
    env.unreported("Deployment", "web").await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    policy.delete().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.end().await
}

async fn parts_that_match_nothing_are_named(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    let change =
        |name: &str| json!({ "match": { "names": [name] }, "rules": { "latest-tag": { "result": "warn" } } });
    let namespaces = json!([env.namespace(), "no-such-*"]);
    let spec = json!({ "scope": { "namespaces": namespaces }, "overrides": [change("web"), change("api")] });
    policy.create(spec).await?;
    env.create(web("web", CLEAN)).await?;
    let tagwatch = policy.tagwatch().await?;
    let places = |status: &serde_json::Value| {
        let remarks = status["ineffective"]["remarks"].as_array().into_iter().flatten();
        let places = remarks.filter_map(|remark| remark["place"].as_str());
        places.map(str::to_owned).collect::<Vec<_>>()
    };
    let status = policy
        .status("the parts are named", |seen| {
            places(seen) == ["spec.scope.namespaces[1]", "spec.overrides[1]"]
        })
        .await?;
    assert_eq!(status["ineffective"]["count"], 2);
    policy.condition("Degraded", "False", "AsExpected").await?;

    policy.replace(json!({ "scope": { "namespaces": ["no-such-*"] } })).await?;
    let message = policy.condition("Degraded", "True", "ScopeEmpty").await?;
    ensure!(message.starts_with("spec.scope matches none of 1 namespaces"), "{message}");
    policy
        .status("the scope is named", |seen| places(seen) == ["spec.scope", "spec.scope.namespaces[0]"])
        .await?;

    policy.replace(json!({ "overrides": [change("web")] })).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    policy.status("nothing is named", |seen| seen["ineffective"]["count"] == 0).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn labels_of_the_namespace_reach_metrics_and_reports(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({ "metricLabels": ["example.com/team", "tier"] })).await?;
    let labels = json!({ "metadata": { "labels": { "example.com/team": "payments" } } });
    env.patch_namespace(labels).await?;
    env.create(web("web", "registry.example.com/web:main")).await?;
    let tagwatch = policy.tagwatch().await?;
    let verdicts = ["web floating-tag warn", "web stale-pull-policy fail"];
    let report = env.reported("Deployment", "web", &verdicts).await?;
    assert_eq!(report.label("example.com/team"), Some("payments"));
    for metric in [
        "tagwatch_violations",
        "tagwatch_warnings",
        "tagwatch_workload_violations",
        "tagwatch_workload_warnings",
        "tagwatch_images",
    ] {
        tagwatch.measures(metric, &[("label_example_com_team", "payments")], |sum| sum > 0.0).await?;
    }
    let control_plane = &env.cluster().control_plane;
    let selected = [
        "get",
        "policyreports.wgpolicyk8s.io",
        "-n",
        env.namespace(),
        "-l",
        "example.com/team=payments",
        "-o",
        "name",
    ];
    ensure!(control_plane.kubectl(&selected).await?.lines().count() == 1);

    env.patch_namespace(json!({ "metadata": { "labels": { "example.com/team": "checkout" } } })).await?;
    labelled(env, Some("checkout")).await?;
    for metric in ["tagwatch_violations", "tagwatch_warnings"] {
        tagwatch.counts(metric, &[("label_example_com_team", "checkout")], 1.0).await?;
    }
    policy.replace(json!({})).await?;
    labelled(env, None).await?;
    tagwatch.counts("tagwatch_violations", &[("label_example_com_team", "checkout")], 0.0).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn labelled(env: &TestEnv, team: Option<&str>) -> Result<()> {
    eventually(LIMIT, "the report carries the label", || async {
        let report = env.report("Deployment", "web").await?;
        ensure!(report.label("example.com/team") == team, "{:?}", report.label("example.com/team"));
        Ok(())
    })
    .await
}

async fn kind_that_is_not_read_is_named(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = policy.tagwatch().await?;
    let mut pod = crate::objects::pod("worker", &[container("web", CLEAN)]);
    let owner = env
        .create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "owner" } }))
        .await?;
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid, "controller": true,
    }]);
    env.create(pod).await?;
    policy.status("the kind is named", |status| status["notCovered"] == json!(["ConfigMap.core"])).await?;
    policy.delete().await?;
    tagwatch.end().await
}

async fn definition_is_installed_later_and_removed(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    env.cluster().remove_policy_api().await?;
    env.create(web("web", CLEAN)).await?;
    let tagwatch = policy.tagwatch().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    env.cluster().install_policy_api().await?;
    policy.create(json!({ "profile": "strict" })).await?;
    env.reported("Deployment", "web", &STRICT).await?;
    env.cluster().remove_policy_api().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.is_alive().await?;
    tagwatch.end().await
}
