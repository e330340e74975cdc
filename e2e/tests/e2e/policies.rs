//! Policies in a cluster, as the tests of them make and look at them.

use anyhow::{Context, Result, ensure};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use tagwatch_e2e::eventually;

use crate::{
    controller::Controller,
    test_env::{LIMIT, TestEnv},
};

/// The policy of a test: policies know no namespaces, so it is called as the test's.
pub(crate) struct TagPolicy<'a> {
    env: &'a TestEnv,
    api: Api<DynamicObject>,
}

impl<'a> TagPolicy<'a> {
    /// None is there yet.
    pub(crate) fn of(env: &'a TestEnv) -> Self {
        Self { env, api: env.api_cluster_wide("TagPolicy") }
    }

    pub(crate) fn name(&self) -> &str {
        self.env.namespace()
    }

    /// `tagwatch run` by this policy in the test's namespace, ready.
    pub(crate) async fn tagwatch(&self) -> Result<Controller> {
        let arguments = ["--namespaces", self.env.namespace(), "--policy", self.name()];
        let tagwatch = self.env.tagwatch_with(&arguments).await?;
        tagwatch.is_ready(LIMIT).await?;
        Ok(tagwatch)
    }

    pub(crate) fn object(&self, spec: &Value) -> Value {
        json!({
            "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy",
            "metadata": { "name": self.name() }, "spec": spec,
        })
    }

    pub(crate) async fn create(&self, spec: Value) -> Result<()> {
        self.env.create_cluster_wide(self.object(&spec)).await.map(drop)
    }

    /// Puts another spec in place of the one that is there.
    pub(crate) async fn replace(&self, spec: Value) -> Result<()> {
        let patch = json!([{ "op": "replace", "path": "/spec", "value": spec }]);
        let patch: Patch<Value> = Patch::Json(serde_json::from_value(patch)?);
        self.api.patch(self.name(), &PatchParams::default(), &patch).await.map(drop).context("the new spec")
    }

    pub(crate) async fn delete(&self) -> Result<()> {
        self.api.delete(self.name(), &DeleteParams::default()).await.map(drop).context("the policy")
    }

    /// Waits until what an installation says in the status is as wanted, and returns it. The one of most tests has the
    /// default name.
    pub(crate) async fn status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        self.status_of("tagwatch", what, wanted).await
    }

    pub(crate) async fn status_of(
        &self,
        instance: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        eventually(LIMIT, what, || async {
            let policy = self.api.get(self.name()).await?;
            let entries = policy.data["status"]["instances"].as_array().map_or(&[][..], Vec::as_slice);
            let entry = entries.iter().find(|entry| entry["name"] == instance);
            let status = entry.cloned().unwrap_or_default();
            ensure!(wanted(&status), "{status:#}");
            Ok(status)
        })
        .await
    }

    /// Waits until a condition has this status and reason, and returns its message.
    pub(crate) async fn condition(&self, type_: &str, status: &str, reason: &str) -> Result<String> {
        let what = format!("condition {type_} {status} {reason}");
        let found = self.status(&what, |seen| condition(seen, type_) == Some((status, reason))).await?;
        Ok(find(&found, type_).and_then(|found| found["message"].as_str()).unwrap_or_default().to_owned())
    }
}

fn find<'a>(status: &'a Value, type_: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

fn condition<'a>(status: &'a Value, type_: &str) -> Option<(&'a str, &'a str)> {
    let found = find(status, type_)?;
    Some((found["status"].as_str()?, found["reason"].as_str()?))
}
