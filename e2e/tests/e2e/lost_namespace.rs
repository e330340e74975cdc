//! One of several watched namespaces loses its Role: the others go on, and nothing is asked at a fast rate.

use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Component, Identity, Namespace, eventually};

use crate::{
    controller::Controller,
    objects::{CLEAN, PASSES, web},
    policies::TagPolicy,
    rbac,
    report::Report,
    runner::own,
    test_env::{AGENT, LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(one_namespace_without_its_role_stops_no_other)]
}

/// A right is asked for once a minute at least.
const GRANTED: Duration = Duration::from_mins(2);
/// Eight kinds of workloads, and reports.
const WATCHES: usize = 9;
/// Those of rights that are asked for until the waits have grown to ten seconds and more.
const REVIEWS: usize = 10;

fn binding(env: &TestEnv) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": env.namespace() }],
    })
}

/// An account with a Role in each namespace, and the rights on the whole cluster that the chart gives.
async fn grant(env: &TestEnv, second: &str) -> Result<()> {
    env.create(json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "reader" } }))
        .await?;
    for namespace in [env.namespace(), second] {
        env.create_in(namespace, rbac::role(&["jobs", "cronjobs"])).await?;
        env.create_in(namespace, binding(env)).await?;
    }
    let group = "rbac.authorization.k8s.io";
    env.create_cluster_wide(json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": { "name": "policy-reader" },
        "rules": [
            { "apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"] },
            { "apiGroups": ["tagwatch.dev"], "resources": ["tagpolicies"], "verbs": ["list", "watch"] },
            { "apiGroups": ["tagwatch.dev"], "resources": ["tagpolicies/status"], "verbs": ["patch"] },
        ],
    }))
    .await?;
    env.create_cluster_wide(json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": "policy-reader" },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "policy-reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": env.namespace() }],
    }))
    .await?;
    Ok(())
}

async fn reported_in(env: &TestEnv, namespace: &str, count: usize) -> Result<Vec<Report>> {
    eventually(GRANTED, "reports in the second namespace", || async {
        let reports = env.reports_in(namespace).await?;
        ensure!(reports.len() == count, "{} reports", reports.len());
        Ok(reports)
    })
    .await
}

/// The second namespace is left out, and named; the test's own is checked.
async fn goes_on_without(env: &TestEnv, tagwatch: &Controller, second: &str, name: &str) -> Result<()> {
    tagwatch.is_ready(LIMIT).await?;
    env.create(web(name, CLEAN)).await?;
    env.reported("Deployment", name, &PASSES).await?;
    let up = [second, env.namespace()].map(|namespace| [("namespace", namespace)]);
    tagwatch.counts("tagwatch_namespace_up", &up[0], 0.0).await?;
    tagwatch.counts("tagwatch_namespace_up", &up[1], 1.0).await?;
    tagwatch.is_ready(LIMIT).await
}

async fn one_namespace_without_its_role_stops_no_other(env: &TestEnv) -> Result<()> {
    let second = Namespace::create(&env.client(), "second").await?;
    grant(env, second.name()).await?;
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    for namespace in [env.namespace(), second.name()] {
        env.create_in(namespace, web("web", CLEAN)).await?;
    }
    let control_plane = &env.cluster().control_plane;
    let identity = Identity::ServiceAccount { namespace: env.namespace(), name: "reader" };
    let kubeconfig = control_plane.kubeconfig_as(identity, control_plane.data_dir()).await?;
    let both = format!("{},{}", env.namespace(), second.name());
    let arguments = ["--namespaces", &both, "--policy", policy.name()];
    let tagwatch = env.tagwatch_as(&kubeconfig, &arguments).await?;
    tagwatch.is_ready(LIMIT).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let kept = reported_in(env, second.name(), 1).await?;
    let is_kept = async || -> Result<()> {
        let reports = env.reports_in(second.name()).await?;
        let versions = |reports: &[Report]| reports.iter().map(Report::version).collect::<Vec<_>>();
        ensure!(versions(&reports) == versions(&kept), "it was changed or deleted");
        Ok(())
    };

    // Watches outlast their right, and end with the API server here.
    env.api_in(second.name(), "RoleBinding").delete("reader", &kube::api::DeleteParams::default()).await?;
    control_plane.stop(Component::ApiServer).await?;
    control_plane.restart(Component::ApiServer).await?;
    let lost = "the API server refuses to let tagwatch watch this namespace";
    eventually(GRANTED, "the namespace is left out", || async {
        ensure!(tagwatch.logged(lost)? == 1, "{} times", tagwatch.logged(lost)?);
        Ok(())
    })
    .await?;
    goes_on_without(env, &tagwatch, second.name(), "while-running").await?;
    let message = policy.condition("Degraded", "True", "WatchesFailing").await?;
    ensure!(message.contains(&format!("the namespaces {} are left out", second.name())), "{message}");
    is_kept().await?;
    assert_eq!(tagwatch.logged(lost)?, 1, "logged once");
    tagwatch.end().await?;

    let mark = env.audit_log().mark().await?;
    let tagwatch = env.tagwatch_as(&kubeconfig, &arguments).await?;
    goes_on_without(env, &tagwatch, second.name(), "after-a-start").await?;
    let message = policy.condition("Degraded", "True", "WatchesFailing").await?;
    ensure!(message.contains(second.name()), "{message}");
    eventually(GRANTED, "the right is asked for again and again", || async {
        let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
        let reviews = requests.of_resource("selfsubjectaccessreviews").count();
        ensure!(reviews >= REVIEWS, "{reviews} reviews");
        Ok(())
    })
    .await?;
    let requests = env.audit_log().since(mark).await?.by_agent(AGENT)?;
    let refused = requests.matching(|request| request.code() == 403 && request.object().0 == second.name());
    ensure!(refused.count() <= WATCHES, "each watch is refused once: {refused}");
    is_kept().await?;
    assert_eq!(tagwatch.logged("cannot list our reports")?, 0, "that is a state");

    env.create_in(second.name(), web("later", CLEAN)).await?;
    env.create_in(second.name(), binding(env)).await?;
    reported_in(env, second.name(), 2).await?;
    tagwatch.counts("tagwatch_namespace_up", &[("namespace", second.name())], 1.0).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.logs_once("this namespace is watched again").await?;
    tagwatch.end().await?;
    second.delete().await
}
