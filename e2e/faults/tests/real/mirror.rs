//! The scenario on a real server: it is played in a double, and each of its changes is repeated there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use tagwatch_faults::{ApiDouble, Change, ChangeKind, EndState, Resource, resource_named};

const POLICY: &str = "default";

/// One run's part of the real server: its namespaces have names of their own.
pub(crate) struct Mirror {
    client: Client,
    double: ApiDouble,
    suffix: String,
    position: u64,
    /// UIDs on the real server, by those in the double.
    uids: BTreeMap<String, String>,
}

impl Mirror {
    pub(crate) fn new(client: Client, double: ApiDouble, number: usize) -> Self {
        Self { client, double, suffix: format!("-run{number}"), position: 0, uids: BTreeMap::new() }
    }

    pub(crate) fn namespace(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    pub(crate) fn policy(&self) -> String {
        self.namespace(POLICY)
    }

    /// Repeats what has changed in the double since.
    pub(crate) async fn follow(&mut self) -> Result<()> {
        let changes: Vec<Change> = self.double.read(|store| {
            store.log().iter().filter(|change| change.revision > self.position).cloned().collect()
        });
        for change in changes {
            self.position = change.revision;
            self.repeat(&change).await.with_context(|| format!("{:?} {}", change.kind, change.object))?;
        }
        Ok(())
    }

    async fn repeat(&mut self, change: &Change) -> Result<()> {
        let object = self.to_real(change.resource, &change.object);
        let path = self.path(change.resource, &object);
        let named = format!("{path}/{}", text(&object["metadata"]["name"]));
        match change.kind {
            ChangeKind::Added => {
                let created = self.send("POST", &path, &object).await?;
                let uids = (uid(&change.object), uid(&created));
                self.uids.insert(uids.0, uids.1);
                if change.resource.plural == "namespaces" {
                    let path =
                        format!("/api/v1/namespaces/{}/serviceaccounts", text(&object["metadata"]["name"]));
                    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" } });
                    self.send("POST", &path, &account).await?;
                }
                self.write_status(&named, &Value::Null, &object).await
            }
            ChangeKind::Modified => {
                let before = change.before.as_deref().map(|before| self.to_real(change.resource, before));
                let before = before.unwrap_or_default();
                let metadata = json!({
                    "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
                });
                if before["spec"] != object["spec"]
                    || before["metadata"]["annotations"] != metadata["annotations"]
                {
                    let patch = json!({ "metadata": metadata, "spec": object["spec"] });
                    self.send("PATCH", &named, &patch).await?;
                }
                self.write_status(&named, &before["status"], &object).await
            }
            ChangeKind::Deleted => {
                let options = json!({ "gracePeriodSeconds": 0, "propagationPolicy": "Background" });
                self.send("DELETE", &named, &options).await.map(drop)
            }
        }
    }

    async fn write_status(&self, named: &str, before: &Value, object: &Value) -> Result<()> {
        if object["status"].is_null() || object["status"] == *before {
            return Ok(());
        }
        let patch = json!({ "status": object["status"] });
        self.send("PATCH", &format!("{named}/status"), &patch).await.map(drop)
    }

    /// Deletes the reports of owners that are gone, as the controller manager would.
    pub(crate) async fn collect_reports(&self) -> Result<()> {
        let alive: BTreeSet<String> = self.double.read(|store| {
            let alive = |double: &&String| {
                store
                    .log()
                    .iter()
                    .rev()
                    .find(|change| uid(&change.object) == **double)
                    .is_some_and(|change| change.kind != ChangeKind::Deleted)
            };
            self.uids.iter().filter(|(double, _)| alive(double)).map(|(_, real)| real.clone()).collect()
        });
        for report in self.reports().await? {
            let mut owners =
                report["metadata"]["ownerReferences"].as_array().into_iter().flatten().peekable();
            if owners.peek().is_some() && owners.all(|owner| !alive.contains(text(&owner["uid"]))) {
                self.remove_report(&report).await?;
            }
        }
        Ok(())
    }

    /// Another client changes the report of this number, or removes it.
    pub(crate) async fn meddle(&self, number: usize, removes: bool) -> Result<()> {
        let mut reports = self.reports().await?;
        if reports.is_empty() {
            return Ok(());
        }
        let number = number % reports.len();
        let mut report = reports.swap_remove(number);
        if removes {
            return self.remove_report(&report).await;
        }
        report["summary"] = json!({ "pass": 99, "fail": 0, "warn": 0, "error": 0, "skip": 0 });
        report["results"] = json!([]);
        let named = self.report_path(&report);
        // tagwatch may have written it in between.
        drop(self.send("PUT", &named, &report).await);
        Ok(())
    }

    async fn remove_report(&self, report: &Value) -> Result<()> {
        // It may be gone.
        drop(self.send("DELETE", &self.report_path(report), &json!({})).await);
        Ok(())
    }

    fn report_path(&self, report: &Value) -> String {
        format!(
            "{}/{}",
            self.path(resource_named("policyreports"), report),
            text(&report["metadata"]["name"])
        )
    }

    async fn reports(&self) -> Result<Vec<Value>> {
        let mut reports = Vec::new();
        for namespace in ["shop", "bank"] {
            let namespace = self.namespace(namespace);
            let path = format!("/apis/wgpolicyk8s.io/v1alpha2/namespaces/{namespace}/policyreports");
            let list = self.get(&path).await?;
            reports.extend(list["items"].as_array().cloned().unwrap_or_default());
        }
        Ok(reports)
    }

    /// What tagwatch has written, with the names and UIDs of the double.
    pub(crate) async fn end(&self) -> Result<EndState> {
        let policy = self.get(&format!("/apis/tagwatch.dev/v1alpha1/tagpolicies/{}", self.policy())).await?;
        let objects = self.to_double(&json!({ "reports": self.reports().await?, "policy": policy }))?;
        let reports = objects["reports"].as_array().into_iter().flatten();
        Ok(EndState::new(reports, Some(&objects["policy"])))
    }

    fn to_double(&self, value: &Value) -> Result<Value> {
        let mut text = value.to_string().replace(&self.suffix, "");
        for (double, real) in &self.uids {
            text = text.replace(&**real, double);
            // Names of reports end with the first digits.
            let [real, double] =
                [real, double].map(|uid| format!("-{}", uid.split('-').next().unwrap_or_default()));
            text = text.replace(&real, &double);
        }
        Ok(serde_json::from_str(&text)?)
    }

    fn to_real(&self, resource: &Resource, object: &Value) -> Value {
        let mut object = object.clone();
        let metadata = &mut object["metadata"];
        if let Some(fields) = metadata.as_object_mut() {
            for field in ["uid", "resourceVersion", "generation", "creationTimestamp"] {
                fields.remove(field);
            }
        }
        for field in ["namespace", "name"] {
            let is_of_cluster = field == "name" && !resource.namespaced;
            if (field == "namespace" || is_of_cluster) && metadata[field].is_string() {
                metadata[field] = json!(self.namespace(text(&metadata[field])));
            }
        }
        for owner in metadata["ownerReferences"].as_array_mut().into_iter().flatten() {
            if let Some(real) = self.uids.get(text(&owner["uid"])) {
                owner["uid"] = json!(real);
            }
        }
        object
    }

    fn path(&self, resource: &Resource, object: &Value) -> String {
        let version = resource.api_version();
        let root = if resource.group.is_empty() { "api" } else { "apis" };
        match text(&object["metadata"]["namespace"]) {
            "" => format!("/{root}/{version}/{}", resource.plural),
            namespace => format!("/{root}/{version}/namespaces/{namespace}/{}", resource.plural),
        }
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn uid(object: &Value) -> String {
    text(&object["metadata"]["uid"]).to_owned()
}
