//! A control plane without its controllers: the scenario plays their part, so that each run is the same.

use std::time::Duration;

use anyhow::{Result, ensure};
use kube::Client;
use serde_json::json;
use tagwatch_e2e::samples::config;
use tagwatch_e2e::{Component, ControlPlane, Options, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const DEFINITIONS: [&str; 2] =
    ["crd/wgpolicyk8s.io_policyreports.yaml", "policy/tagwatch.dev_tagpolicies.yaml"];
const SERVED: [(&str, &str); 3] = [
    ("wgpolicyk8s.io/v1alpha2", "policyreports"),
    ("tagwatch.dev/v1alpha1", "tagpolicies"),
    ("argoproj.io/v1alpha1", "rollouts"),
];

pub(crate) struct Cluster {
    control_plane: ControlPlane,
    pub(crate) client: Client,
}

impl Cluster {
    pub(crate) async fn start() -> Result<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        control_plane.stop(Component::ControllerManager).await?;
        let client = control_plane.client().await?;
        for file in DEFINITIONS {
            control_plane.kubectl(&["apply", "-f", &config(file).display().to_string()]).await?;
        }
        let rollouts = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "rollouts.argoproj.io" },
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced",
                "names": { "kind": "Rollout", "plural": "rollouts", "singular": "rollout" },
                "versions": [{
                    "name": "v1alpha1", "served": true, "storage": true, "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": {
                        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    } },
                }],
            },
        });
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let request = http::Request::post(path).header("content-type", "application/json");
        client.request_text(request.body(rollouts.to_string().into_bytes())?).await?;
        for (group_version, plural) in SERVED {
            eventually(LIMIT, &format!("{plural} are served"), || async {
                let list = client.list_api_group_resources(group_version).await?;
                ensure!(list.resources.iter().any(|resource| resource.name == plural), "not yet");
                Ok(())
            })
            .await?;
        }
        Ok(Self { control_plane, client })
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.control_plane.shutdown().await
    }
}
