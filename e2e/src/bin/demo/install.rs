//! What `config/` installs, and the controller with the rights of its service account.

use std::{fs, path::Path, time::Duration};

use anyhow::Result;
use kube::{Client, config::Kubeconfig};
use tagwatch_e2e::{
    Identity, TagwatchProcess, eventually, kubeconfig_as,
    samples::{Kubectl, config},
};

use crate::screen;

/// The namespace and the service account of `config/`.
const TAGWATCH: &str = "tagwatch";
const GRANT_LIMIT: Duration = Duration::from_secs(30);
const LISTEN_LIMIT: Duration = Duration::from_secs(30);

/// The custom resource definitions of the report API.
pub(crate) const REPORT_CRDS: [&str; 2] =
    ["clusterpolicyreports.wgpolicyk8s.io", "policyreports.wgpolicyk8s.io"];

/// Installs them, and waits until they are served.
pub(crate) async fn report_api(kubectl: &Kubectl) -> Result<()> {
    screen::step("config/crd: the report API");
    kubectl.run(["apply".as_ref(), "-k".as_ref(), config("crd").as_os_str()]).await?;
    let definitions = REPORT_CRDS.map(|crd| format!("crd/{crd}"));
    let options = ["wait", "--for=condition=established", "--timeout=60s"];
    kubectl.run(options.into_iter().chain(definitions.iter().map(String::as_str))).await?;
    screen::outcome("policyreports.wgpolicyk8s.io is served");
    Ok(())
}

/// The custom resource definition of `TagPolicy`.
pub(crate) async fn policy_api(kubectl: &Kubectl) -> Result<()> {
    screen::step("config/policy: the policy API");
    kubectl.run(["apply".as_ref(), "-k".as_ref(), config("policy").as_os_str()]).await?;
    let established =
        ["wait", "--for=condition=established", "crd/tagpolicies.tagwatch.dev", "--timeout=60s"];
    kubectl.run(established).await?;
    screen::outcome("tagpolicies.tagwatch.dev is served");
    Ok(())
}

/// Namespace, service account, role and binding. The Deployment of `config/controller` needs an image and a
/// kubelet: here the controller runs as a process beside the cluster.
pub(crate) async fn rbac(kubectl: &Kubectl) -> Result<()> {
    screen::step("config/rbac: the service account and its rights");
    kubectl.run(["apply".as_ref(), "-f".as_ref(), config("controller/namespace.yaml").as_os_str()]).await?;
    let applied = kubectl.run(["apply".as_ref(), "-k".as_ref(), config("rbac").as_os_str()]).await?;
    screen::outcome(applied.trim_end());
    Ok(())
}

/// The right to read nodes, by which a moved tag is proven. It counts once the control plane has filled it in.
pub(crate) async fn nodes(kubectl: &Kubectl) -> Result<()> {
    screen::step("config/rbac/nodes: the right to read nodes");
    let applied = kubectl.run(["apply".as_ref(), "-k".as_ref(), config("rbac/nodes").as_os_str()]).await?;
    screen::outcome(applied.trim_end());
    let account = format!("--as=system:serviceaccount:{TAGWATCH}:{TAGWATCH}");
    eventually(GRANT_LIMIT, "the right to read nodes holds", async || {
        kubectl.run(["auth", "can-i", "list", "nodes", &account]).await
    })
    .await
    .map(drop)
}

/// Where the console of [`controller`] is.
pub(crate) fn console_url(folder: &Path) -> Result<String> {
    let address = fs::read_to_string(folder.join("console-address"))?;
    Ok(format!("http://{}", address.trim_end()))
}

/// `tagwatch run` by a token of that service account, which is all that it can do anything with.
pub(crate) async fn controller(
    admin: &Kubeconfig,
    client: &Client,
    folder: &Path,
    arguments: &[String],
) -> Result<TagwatchProcess> {
    screen::step("tagwatch run, as system:serviceaccount:tagwatch:tagwatch");
    let console = folder.join("console-address");
    let serving = [
        "--console-address=127.0.0.1:0".to_owned(),
        "--console-auth=none".to_owned(),
        format!("--console-address-file={}", console.display()),
    ];
    let account = Identity::ServiceAccount { namespace: TAGWATCH, name: TAGWATCH };
    let kubeconfig = kubeconfig_as(admin, client, account, folder).await?;
    let tagwatch = TagwatchProcess::start(&kubeconfig, arguments.iter().chain(&serving)).await?;
    screen::outcome(&format!("metrics on http://{}/metrics", tagwatch.address()));
    // It listens a moment later.
    let console = eventually(LISTEN_LIMIT, "the console listens", async || console_url(folder)).await?;
    screen::outcome(&format!("console on {console}"));
    Ok(tagwatch)
}
