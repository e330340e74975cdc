//! The scenario on a real server: it is played in a double, and each of its changes is repeated there.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use tagwatch_faults::{
    ApiDouble, Change, ChangeKind, EndState, GARBAGE_COLLECTOR, Record, Resource, SCENARIO, resource_named,
};

use crate::names::{Names, text};

const POLICY: &str = "default";
const NAMESPACES: [&str; 3] = ["shop", "bank", "tagwatch"];

/// One run's part of the real server.
pub(crate) struct Mirror {
    client: Client,
    double: ApiDouble,
    names: Arc<Names>,
    record: Arc<Record>,
    position: u64,
}

impl Mirror {
    pub(crate) fn new(client: Client, double: ApiDouble, names: Arc<Names>, record: Arc<Record>) -> Self {
        Self { client, double, names, record, position: 0 }
    }

    pub(crate) fn policy(&self) -> String {
        self.names.of(POLICY)
    }

    /// Repeats what users and controllers have changed in the double since.
    pub(crate) async fn follow(&mut self) -> Result<()> {
        let changes: Vec<Change> = self.double.read(|store| {
            let changes = store.log().iter().filter(|change| change.revision > self.position);
            changes.filter(|change| matches!(&*change.agent, SCENARIO | GARBAGE_COLLECTOR)).cloned().collect()
        });
        for change in changes {
            self.position = change.revision;
            self.repeat(&change).await.with_context(|| format!("{:?} {}", change.kind, change.object))?;
        }
        Ok(())
    }

    async fn repeat(&self, change: &Change) -> Result<()> {
        let object = self.names.to_real(change.resource, &change.object);
        let path = path(change.resource, &object);
        let named = format!("{path}/{}", text(&object["metadata"]["name"]));
        if change.resource.plural == "policyreports" {
            let answer = match change.kind {
                ChangeKind::Deleted => self.send("DELETE", &named, &json!({})).await,
                ChangeKind::Added | ChangeKind::Modified => {
                    let spoilt = json!({ "summary": object["summary"], "results": object["results"] });
                    self.send("PATCH", &named, &spoilt).await
                }
            };
            // tagwatch may have removed it in between.
            return match answer {
                Err(failure) if is_not_found(&failure) => Ok(()),
                answer => answer.map(drop),
            };
        }
        match change.kind {
            ChangeKind::Added => {
                // tagwatch may write about it before its UID is answered. Policies are noted themselves, and have no report.
                let is_reported = change.resource.plural != "tagpolicies";
                let held = if is_reported { Some(self.record.hold().await) } else { None };
                let created = self.send("POST", &path, &object).await?;
                self.names.note(change.resource, &change.object, &created);
                drop(held);
                if change.resource.plural == "namespaces" {
                    self.make_account(&named).await?;
                }
                self.write_status(&named, &Value::Null, &object).await
            }
            ChangeKind::Modified => {
                let before =
                    change.before.as_deref().map(|before| self.names.to_real(change.resource, before));
                let before = before.unwrap_or_default();
                let annotations = &object["metadata"]["annotations"];
                if before["spec"] != object["spec"] || before["metadata"]["annotations"] != *annotations {
                    let changed =
                        json!({ "metadata": { "annotations": annotations }, "spec": object["spec"] });
                    self.send("PATCH", &named, &changed).await?;
                }
                self.write_status(&named, &before["status"], &object).await
            }
            ChangeKind::Deleted => {
                let options = json!({ "gracePeriodSeconds": 0, "propagationPolicy": "Background" });
                self.send("DELETE", &named, &options).await.map(drop)
            }
        }
    }

    /// The account of a namespace's pods, which a controller makes elsewhere.
    async fn make_account(&self, namespace: &str) -> Result<()> {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" },
        });
        self.send("POST", &format!("{namespace}/serviceaccounts"), &account).await.map(drop)
    }

    async fn write_status(&self, named: &str, before: &Value, object: &Value) -> Result<()> {
        if object["status"].is_null() || object["status"] == *before {
            return Ok(());
        }
        let status = json!({ "status": object["status"] });
        self.send("PATCH", &format!("{named}/status"), &status).await.map(drop)
    }

    /// What tagwatch has written, with the names and UIDs of the double.
    pub(crate) async fn end(&self) -> Result<EndState> {
        let policy = format!("/apis/tagwatch.dev/v1alpha1/tagpolicies/{}", self.policy());
        let policy: Value = self.get(&policy).await?;
        let mut reports = Vec::new();
        for namespace in NAMESPACES {
            let metadata = json!({ "metadata": { "namespace": self.names.of(namespace) } });
            let list: Value = self.get(&path(resource_named("policyreports"), &metadata)).await?;
            reports.extend(list["items"].as_array().cloned().unwrap_or_default());
        }
        let objects = json!({ "reports": reports, "policy": policy }).to_string();
        let objects: Value = serde_json::from_str(&self.names.to_double(&objects))?;
        let reports = objects["reports"].as_array().into_iter().flatten();
        Ok(EndState::new(reports, Some(&objects["policy"])).without_hashes())
    }

    /// Removes what would burden other runs: what their tagwatch sees of the whole cluster.
    pub(crate) async fn remove(&self) -> Result<()> {
        self.send("DELETE", &format!("/api/v1/nodes/{}", self.names.of("node-1")), &json!({})).await?;
        for namespace in NAMESPACES {
            let named = format!("/api/v1/namespaces/{}", self.names.of(namespace));
            let mut namespace = self.send("DELETE", &named, &json!({})).await?;
            // As the controller manager does, once the namespace is empty. These objects are never looked at again.
            namespace["spec"]["finalizers"] = json!([]);
            self.send("PUT", &format!("{named}/finalize"), &namespace).await?;
        }
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.client.request(Request::get(path).body(Vec::new())?).await?)
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let content_type =
            if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        Ok(self.client.request(request.body(body.to_string().into_bytes())?).await?)
    }
}

fn is_not_found(failure: &anyhow::Error) -> bool {
    matches!(failure.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 404)
}

fn path(resource: &Resource, object: &Value) -> String {
    let version = resource.api_version();
    let root = if resource.group.is_empty() { "api" } else { "apis" };
    match text(&object["metadata"]["namespace"]) {
        "" => format!("/{root}/{version}/{}", resource.plural),
        namespace => format!("/{root}/{version}/namespaces/{namespace}/{}", resource.plural),
    }
}
