//! A release for chosen namespaces has rights in them alone, and works with these.

use std::{collections::BTreeSet, fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tagwatch_e2e::{ControlPlane, Identity, Options, TagwatchProcess, eventually, samples::config};
use tempfile::TempDir;

use crate::install::{chart, objects, rendered};

const LIMIT: Duration = Duration::from_secs(30);
const USER: &str = "system:serviceaccount:tagwatch:tagwatch";
const ACCOUNT: Identity<'static> = Identity::ServiceAccount { namespace: "tagwatch", name: "tagwatch" };
/// Kinds that no namespace has.
const CLUSTER_WIDE: [&str; 2] = ["ClusterRole", "ClusterRoleBinding"];

/// API groups, and what is granted of each.
fn granted(role: &Value) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let rules = role["rules"].as_array().into_iter().flatten();
    rules.flat_map(|rule| texts(&rule["resources"])).collect()
}

#[tokio::test]
async fn chosen_namespaces_get_roles() -> Result<()> {
    let everything = "controller.namespaces={shop},controller.events=true,rbac.customKinds=true";
    let objects = chart(&["--set", everything]).await?;
    let role = granted(&objects[&("Role".to_owned(), "tagwatch-workloads".to_owned())]);
    for resource in ["pods", "deployments", "jobs", "policyreports", "events", "rollouts"] {
        ensure!(role.contains(resource), "{resource}: {role:?}");
    }
    let cluster_wide = granted(&objects[&("ClusterRole".to_owned(), "tagwatch".to_owned())]);
    let expected =
        ["namespaces", "subjectaccessreviews", "tagpolicies", "tagpolicies/status", "tokenreviews"];
    assert_eq!(cluster_wide, expected.map(str::to_owned).into());
    let bound: Vec<_> = objects.keys().filter(|(kind, _)| kind == "ClusterRoleBinding").collect();
    assert_eq!(bound, [&("ClusterRoleBinding".to_owned(), "tagwatch".to_owned())]);

    let two = rendered(&["--set", "controller.namespaces={shop,mail}"]).await?.map_err(anyhow::Error::msg)?;
    for namespace in ["shop", "mail"] {
        assert_eq!(two.matches(&format!("\n  namespace: {namespace}\n")).count(), 2, "{two}");
    }
    Ok(())
}

#[tokio::test]
async fn rights_on_the_whole_cluster_can_be_left_out() -> Result<()> {
    let values =
        "controller.namespaces={shop},rbac.clusterWide=false,controller.events=true,rbac.customKinds=true";
    for (kind, name) in chart(&["--set", values]).await?.keys() {
        ensure!(!CLUSTER_WIDE.contains(&kind.as_str()), "{kind} {name}");
    }
    let words = rendered(&["--set", &format!("{values},rbac.nodes=true")]).await?.expect_err("nodes");
    ensure!(words.contains("rbac.nodes is a right on the whole cluster"), "{words}");
    Ok(())
}

/// The rights of the chart alone, for a release that checks the namespace `shop`.
async fn grant(cluster: &ControlPlane, folder: &TempDir, values: &str) -> Result<()> {
    let values = format!("controller.namespaces={{shop}},controller.events=true{values}");
    let yaml = rendered(&["--set", &values]).await?.map_err(anyhow::Error::msg)?;
    let of_rights = ["ServiceAccount", "Role", "RoleBinding", CLUSTER_WIDE[0], CLUSTER_WIDE[1]];
    let mut list = Vec::new();
    for ((kind, _), object) in objects(&yaml)? {
        if of_rights.contains(&kind.as_str()) {
            list.push(object);
        }
    }
    let file = folder.path().join("rights.json");
    fs::write(&file, serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": list }).to_string())?;
    cluster.kubectl(&["apply", "-f", &file.display().to_string()]).await.map(drop)
}

async fn reports(cluster: &ControlPlane, namespace: &str) -> Result<usize> {
    let listed = ["get", "policyreports.wgpolicyk8s.io", "-n", namespace, "-o", "name"];
    Ok(cluster.kubectl(&listed).await?.lines().count())
}

/// Reports are written in the namespace with the Role, and nothing is refused but what the Role cannot grant.
#[tokio::test]
async fn roles_are_enough_on_a_real_api_server() -> Result<()> {
    let cluster = ControlPlane::start(Options::default()).await?;
    let folder = TempDir::with_prefix("tagwatch-rights-")?;
    for part in ["crd", "policy"] {
        cluster.kubectl(&["apply", "-k", &config(part).display().to_string()]).await?;
    }
    for namespace in ["tagwatch", "shop", "other"] {
        cluster.kubectl(&["create", "namespace", namespace]).await?;
    }
    for namespace in ["shop", "other"] {
        let create = ["create", "deployment", "web", "--image=nginx:latest", "--replicas=0", "-n", namespace];
        cluster.kubectl(&create).await?;
    }
    for (values, may_be_refused) in
        [("", &["nodes"] as &[&str]), (",rbac.clusterWide=false", &["nodes", "namespaces", "tagpolicies"])]
    {
        grant(&cluster, &folder, values).await?;
        if values.contains("clusterWide=false") {
            for kind in CLUSTER_WIDE {
                cluster.kubectl(&["delete", kind, "-l", "app.kubernetes.io/name=tagwatch"]).await?;
            }
        }
        eventually(LIMIT, "the rights hold", || {
            cluster.kubectl(&["auth", "can-i", "create", "policyreports", "-n", "shop", "--as", USER])
        })
        .await?;
        let kubeconfig = cluster.kubeconfig_as(ACCOUNT, folder.path()).await?;
        let mark = cluster.audit_log().mark().await?;
        let arguments = ["--namespaces=shop", "--own-namespace=tagwatch", "--events"];
        let mut tagwatch = TagwatchProcess::start(&kubeconfig, arguments).await?;
        eventually(LIMIT, "tagwatch is ready", || async {
            let (status, body) = tagwatch.get("/readyz").await?;
            ensure!(status.is_success(), "{body}");
            Ok(())
        })
        .await?;
        eventually(LIMIT, "a report", || async {
            ensure!(reports(&cluster, "shop").await? == 1, "there is none");
            Ok(())
        })
        .await?;
        assert_eq!(reports(&cluster, "other").await?, 0);
        tagwatch.sigterm()?;
        tagwatch.wait(LIMIT).await?;

        let requests = cluster.audit_log().since(mark).await?.by_user(USER)?;
        let refused = requests.matching(|request| {
            request.code() == 403 && !may_be_refused.contains(&request.resource().as_str())
        });
        assert_eq!(refused.count(), 0, "{values}: {refused}");
        for (verb, resource) in [("list", "pods"), ("delete", "policyreports.wgpolicyk8s.io")] {
            let elsewhere = ["auth", "can-i", verb, resource, "-n", "other", "--as", USER];
            ensure!(cluster.kubectl(&elsewhere).await.is_err(), "it may {verb} {resource} elsewhere");
        }
        cluster.kubectl(&["delete", "policyreports.wgpolicyk8s.io", "--all", "-n", "shop"]).await?;
    }
    cluster.shutdown().await.context("the control plane did not end in order")
}
