//! What tagwatch may do, and what it does of that.

use std::{collections::BTreeSet, fs, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{Component, Identity, Kubelet, Options, Request, Requests, eventually, samples::config};

use crate::{
    cluster::USER,
    custom_kinds, events, kinds, metrics_auth,
    objects::{CLEAN, PASSES, container, job, web},
    policies::TagPolicy,
    runner::{own, own_with, shared},
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    // Lists are asked for only where initial lists are not streamed.
    let off = Options { feature_gates: Some("WatchList=false".to_owned()), ..Options::default() };
    vec![
        own_with(off, every_right_is_used_and_none_is_missing),
        shared(missing_right_is_reported_and_waited_for),
        own(a_right_that_is_lost_is_reported),
        own(a_right_of_choice_that_is_lost_is_a_state),
        shared(viewers_read_and_only_administrators_write),
    ]
}

/// API group, resource and verb.
type Right = (String, String, String);

/// What `config/rbac` grants. Wildcards stay as they are, and so are never used.
fn granted() -> Result<BTreeSet<Right>> {
    let mut rights = BTreeSet::new();
    for file in ["rbac/cluster_role.yaml", "rbac/nodes/cluster_role.yaml", "rbac/events/cluster_role.yaml"] {
        let role: ClusterRole = serde_saphyr::from_str(&fs::read_to_string(config(file))?)?;
        for rule in role.rules.context("a role without rules")? {
            for group in rule.api_groups.iter().flatten() {
                for resource in rule.resources.iter().flatten() {
                    let right = |verb: &String| (group.clone(), resource.clone(), verb.clone());
                    rights.extend(rule.verbs.iter().map(right));
                }
            }
        }
    }
    Ok(rights)
}

fn used(requests: &Requests) -> BTreeSet<Right> {
    let of_resources = requests.matching(|request| !request.resource().is_empty());
    let right = |request: &Request| (request.group().to_owned(), request.resource(), request.verb.clone());
    of_resources.iter().map(right).collect()
}

/// Everything that it ever does: all kinds, a report created, updated, read again after another client edited it, and
/// deleted; two starts; and a scrape with a token.
async fn every_right_is_used_and_none_is_missing(env: &TestEnv) -> Result<()> {
    let mark = env.audit_log().mark().await?;
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = env.tagwatch_with(&["--policy", policy.name()]).await?;
    tagwatch.is_ready(LIMIT).await?;
    policy.condition("Ready", "True", "Judging").await?;
    kinds::load(env).await?;
    kinds::judged(env).await?;
    let report = env.report("Pod", "shell").await?;
    let edit = json!({ "results": [] });
    env.patch("PolicyReport", &report.name(), edit).await?;
    env.reported("Pod", "shell", kinds::VERDICTS[7].2).await?;
    env.create(job("done", &[container("web", CLEAN)])).await?;
    env.reported("Job", "done", &PASSES).await?;
    let pod = env.pod_of("done").await?;
    Kubelet::new(env.client(), "nowhere").succeed_pod(env.namespace(), &pod).await?;
    env.unreported("Job", "done").await?;
    tagwatch.end().await?;
    events::opens_resolves_and_opens_again(env).await?;
    metrics_auth::asks_for_a_review(env).await?;

    let requests = env.audit_log().since(mark).await?.by_user(USER)?;
    let refused = requests.matching(|request| request.code() == 403);
    assert_eq!(refused.count(), 0, "{refused}");
    let (granted, used) = (granted()?, used(&requests));
    let unused: Vec<_> = granted.difference(&used).collect();
    ensure!(unused.is_empty(), "granted and never used: {unused:#?}");
    Ok(())
}

/// Accounts with the roles that Kubernetes ships, for the whole cluster.
async fn viewers_read_and_only_administrators_write(env: &TestEnv) -> Result<()> {
    let control_plane = &env.cluster().control_plane;
    for role in ["view", "edit", "admin"] {
        let user = format!("{role}-of-{}", env.namespace());
        let binding = format!("{}-{role}", env.namespace());
        env.create_cluster_wide(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": binding },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        }))
        .await?;
        let may = async |verb: &str, resource: &str| {
            let ask = ["auth", "can-i", verb, resource, "--as", &user];
            control_plane.kubectl(&ask).await.is_ok()
        };
        for resource in ["tagpolicies.tagwatch.dev", "policyreports.wgpolicyk8s.io"] {
            eventually(LIMIT, "the view role is taken in", async || {
                ensure!(may("list", resource).await, "{role} may not list {resource}");
                Ok(())
            })
            .await?;
            for verb in ["create", "update", "patch", "delete"] {
                ensure!(!may(verb, resource).await, "{role} may {verb} {resource}");
            }
        }
        control_plane.kubectl(&["delete", "clusterrolebinding", &binding]).await?;
    }
    Ok(())
}

/// A watch that works outlasts its right: it ends with the API server here. New Deployments are not seen from then on.
async fn a_right_that_is_lost_is_reported(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = policy.tagwatch().await?;
    policy.condition("Degraded", "False", "AsExpected").await?;

    let roles: Api<ClusterRole> = Api::all(env.client());
    let complete = roles.get("tagwatch").await?.rules.context("a role without rules")?;
    let mut lacking = complete.clone();
    for resources in lacking.iter_mut().filter_map(|rule| rule.resources.as_mut()) {
        resources.retain(|resource| resource != "deployments");
    }
    let set = async |rules| {
        let patch = Patch::Merge(json!({ "rules": rules }));
        roles.patch("tagwatch", &PatchParams::default(), &patch).await
    };
    set(&lacking).await?;
    let control_plane = &env.cluster().control_plane;
    control_plane.stop(Component::ApiServer).await?;
    control_plane.restart(Component::ApiServer).await?;
    eventually(GRANTED, "/readyz says it", || async {
        let (status, body) = tagwatch.get("/readyz").await?;
        let text = format!("the watch of deployments in {} is refused: forbidden", env.namespace());
        ensure!(status.as_u16() == 503 && body.contains(&text), "{status} {body}");
        Ok(())
    })
    .await?;
    tagwatch.is_alive().await?;
    tagwatch.counts("tagwatch_watch_up", &[("resource", "deployments")], 0.0).await?;
    let message = policy.condition("Degraded", "True", "WatchesFailing").await?;
    ensure!(message.contains(&format!("deployments in {} (forbidden)", env.namespace())), "{message}");

    set(&complete).await?;
    env.create(web("web", CLEAN)).await?;
    tagwatch.is_ready(GRANTED).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    tagwatch.counts("tagwatch_watch_up", &[("resource", "deployments")], 1.0).await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.end().await
}

/// Those to nodes and custom kinds. Everything else goes on, and the grant is used.
async fn a_right_of_choice_that_is_lost_is_a_state(env: &TestEnv) -> Result<()> {
    custom_kinds::define(env, "argoproj.io", "Rollout", "rollouts", &["v1alpha1"]).await?;
    custom_kinds::grant(env).await?;
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = policy.tagwatch().await?;
    let (nodes, kinds) = ("tagwatch_nodes_available", "tagwatch_custom_kinds");
    tagwatch.counts(nodes, &[], 1.0).await?;
    tagwatch.counts(kinds, &[("state", "watching")], 1.0).await?;

    let roles: Api<ClusterRole> = Api::all(env.client());
    let names = ["tagwatch-nodes", "tagwatch-custom-kinds"];
    let mut complete = Vec::new();
    for name in names {
        complete.push(roles.get(name).await?.rules.context("a role without rules")?);
    }
    let set = async |name: &str, rules: &[PolicyRule]| {
        let patch = Patch::Merge(json!({ "rules": rules }));
        roles.patch(name, &PatchParams::default(), &patch).await.map(drop).context("the rules of a role")
    };
    for name in names {
        set(name, &[]).await?;
    }
    let control_plane = &env.cluster().control_plane;
    control_plane.stop(Component::ApiServer).await?;
    control_plane.restart(Component::ApiServer).await?;
    eventually(GRANTED, "both are missing", || async {
        let samples = tagwatch.samples().await?;
        let (read, missing) = (samples.sum(nodes, &[]), samples.sum(kinds, &[("state", "forbidden")]));
        ensure!((read, missing) == (0.0, 1.0), "nodes: {read}, kinds that may not be read: {missing}");
        Ok(())
    })
    .await?;
    tagwatch.logs_once("nodes may not be read").await?;
    tagwatch.logs_once("no right to list and watch a custom kind").await?;
    tagwatch.is_ready(GRANTED).await?;
    let message = policy.condition("Degraded", "True", "CustomKindsForbidden").await?;
    ensure!(message.contains("no right to list and watch Rollout.argoproj.io"), "{message}");
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;

    for (name, rules) in names.into_iter().zip(&complete) {
        set(name, rules).await?;
    }
    eventually(custom_kinds::GRANTED, "both are read again", || async {
        let samples = tagwatch.samples().await?;
        let (read, watched) = (samples.sum(nodes, &[]), samples.sum(kinds, &[("state", "watching")]));
        ensure!((read, watched) == (1.0, 1.0), "nodes: {read}, kinds that are watched: {watched}");
        Ok(())
    })
    .await?;
    policy.condition("Degraded", "False", "AsExpected").await?;
    tagwatch.end().await
}

/// A right that is missing is asked for once a minute at least.
const GRANTED: Duration = Duration::from_mins(2);

pub(crate) fn role(resources_of_batch: &[&str]) -> Value {
    let read = ["get", "list", "watch"];
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
        "rules": [
            { "apiGroups": [""], "resources": ["pods", "replicationcontrollers"], "verbs": read },
            { "apiGroups": ["apps"], "resources": ["*"], "verbs": read },
            { "apiGroups": ["batch"], "resources": resources_of_batch, "verbs": read },
            { "apiGroups": ["wgpolicyk8s.io"], "resources": ["policyreports"], "verbs": ["*"] },
        ],
    })
}

/// Rights in one namespace are enough for `--namespaces`; here those on Jobs are missing at first.
async fn missing_right_is_reported_and_waited_for(env: &TestEnv) -> Result<()> {
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "reader" } });
    env.create(account).await?;
    env.create(role(&["cronjobs"])).await?;
    env.create(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": env.namespace() }],
    }))
    .await?;
    env.create(web("web", CLEAN)).await?;
    env.create(job("import", &[container("web", CLEAN)])).await?;

    let control_plane = &env.cluster().control_plane;
    let identity = Identity::ServiceAccount { namespace: env.namespace(), name: "reader" };
    let kubeconfig = control_plane.kubeconfig_as(identity, control_plane.data_dir()).await?;
    let tagwatch = env.tagwatch_as(&kubeconfig, &["--namespaces", env.namespace()]).await?;
    let errors = "tagwatch_watch_errors_total";
    let forbidden = [("resource", "jobs"), ("reason", "forbidden")];
    tagwatch.measures(errors, &forbidden, |errors| errors >= 1.0).await?;
    let failed = "watch failed; trying again once there is a right to it resource=\"jobs\"";
    tagwatch.logs_once(failed).await?;
    let (status, body) = tagwatch.get("/readyz").await?;
    assert_eq!(status.as_u16(), 503, "{body}");
    let missing = format!("waiting for the initial state of jobs in {}", env.namespace());
    ensure!(body.contains(&missing), "{body}");
    tagwatch.is_alive().await?;
    // Nothing waits for namespaces, nodes and policies, which a Role cannot grant. That these are missing is a state.
    for (resource, message) in [
        ("namespaces", "no right to list and watch namespaces"),
        ("tagpolicies", "no right to list and watch TagPolicies"),
        ("nodes", "nodes may not be read"),
    ] {
        tagwatch.logs_once(message).await?;
        assert_eq!(tagwatch.samples().await?.sum(errors, &[("resource", resource)]), 0.0, "{resource}");
    }
    assert_eq!(tagwatch.logged("kube_runtime")?, 0, "the client library says nothing beside it");

    let patch = Patch::Merge(role(&["cronjobs", "jobs"]));
    env.api("Role").patch("reader", &PatchParams::default(), &patch).await?;
    tagwatch.is_ready(GRANTED).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    env.reported("Job", "import", &PASSES).await?;
    assert_eq!(tagwatch.logged(failed)?, 1, "logged once");
    assert_eq!(tagwatch.samples().await?.sum(errors, &forbidden), 1.0, "it was not tried without the right");
    tagwatch.end().await
}
