//! Nodes and pods for the tests of drift: each node resolves every tag to a digest of its own.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::ContainerImage;
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tagwatch_e2e::{Kubelet, eventually};

use crate::{
    controller::Controller,
    policies::TagPolicy,
    test_env::{LIMIT, TestEnv},
};

/// A full version, whose tag should not move.
pub(crate) const IMAGE: &str = "registry.example.com/web:1.27.3";
/// What a report says of a container `web` with [`IMAGE`] whose tag is proven to have moved, drift apart.
pub(crate) const PROVEN: [&str; 2] = ["web floating-tag fail", "web stale-pull-policy fail"];

/// `sha256:` and 64 times this digit.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", String::from(digit).repeat(64))
}

/// A node of the test, not registered yet, on which each tag resolves to the digest of this digit.
pub(crate) fn kubelet(env: &TestEnv, node: &str, digit: char) -> Kubelet {
    let name = format!("{}-{node}", env.namespace());
    Kubelet::new(env.client(), &name).with_digests(move |_| digest(digit)).binding()
}

/// The same, registered: Linux on amd64 with containerd. It has pulled the images of other nodes too, before and after
/// their tag moved.
pub(crate) async fn node(env: &TestEnv, node: &str, digit: char) -> Result<Kubelet> {
    let kubelet = kubelet(env, node, digit);
    let digests = BTreeSet::from(['a', 'b', 'c', digit].map(self::digest));
    kubelet.register_node(known_apart("registry.example.com/web", digests)).await?;
    Ok(kubelet)
}

/// An image that a node knows by these names.
pub(crate) fn known_as(names: &[String]) -> Vec<ContainerImage> {
    vec![ContainerImage { names: Some(names.to_vec()), size_bytes: Some(1) }]
}

/// Images of one repository, each with one digest.
pub(crate) fn known_apart(
    repository: &str,
    digests: impl IntoIterator<Item = String>,
) -> Vec<ContainerImage> {
    digests.into_iter().flat_map(|digest| known_as(&[format!("{repository}@{digest}")])).collect()
}

/// The names of a workload's pods once there are so many, in order.
pub(crate) async fn pods_of(env: &TestEnv, app: &str, count: usize) -> Result<Vec<String>> {
    let labelled = ListParams::default().labels(&format!("app={app}"));
    eventually(LIMIT, &format!("{count} pods of {app}"), || async {
        let found = env.api("Pod").list(&labelled).await?.items;
        ensure!(found.len() == count, "there are {}", found.len());
        let mut names: Vec<String> = found.iter().map(ResourceExt::name_any).collect();
        names.sort();
        Ok(names)
    })
    .await
}

/// The pods of a workload beside these.
pub(crate) async fn pods_beside(
    env: &TestEnv,
    app: &str,
    others: &[String],
    count: usize,
) -> Result<Vec<String>> {
    let mut pods = pods_of(env, app, others.len() + count).await?;
    pods.retain(|pod| !others.contains(pod));
    Ok(pods)
}

/// A patch of a pod's status.
pub(crate) async fn patch_status(env: &TestEnv, pod: &str, status: Value) -> Result<()> {
    let patch = Patch::Merge(json!({ "status": status }));
    env.api("Pod").patch_status(pod, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// tagwatch by a policy that gives drift no time.
pub(crate) async fn hasty(env: &TestEnv) -> Result<Controller> {
    let policy = TagPolicy::of(env);
    let grace = json!({ "grace": "0s" });
    policy.create(json!({ "rules": { "mixed-digests": grace, "image-pull-failing": grace } })).await?;
    policy.tagwatch().await
}
