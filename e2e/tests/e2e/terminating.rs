//! A namespace that is being deleted.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use libtest_mimic::Trial;
use serde_json::json;
use tagwatch_e2e::eventually;
use tokio::time::sleep;

use crate::{
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(is_no_error)]
}

const WRITES: &str = "tagwatch_report_writes_total";
/// Longer than tagwatch's longest pause before another try, so that repeated tries would be seen.
const QUIET: Duration = Duration::from_secs(6);

/// One Deployment is held back by a finalizer, so that its report is wanted while no report can be created.
async fn is_no_error(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    let mut held = web("held", CLEAN);
    held["metadata"]["finalizers"] = json!(["e2e.tagwatch.dev/hold"]);
    env.create(held).await?;
    env.create(web("free", CLEAN)).await?;
    env.reported("Deployment", "held", &PASSES).await?;
    env.reported("Deployment", "free", &PASSES).await?;

    let namespaces: Api<Namespace> = Api::all(env.client());
    namespaces.delete(env.namespace(), &DeleteParams::default()).await?;
    // The namespace's end takes the report away, and tagwatch wants it back.
    let refused = [("verb", "create"), ("outcome", "namespace_terminating")];
    tagwatch.measures(WRITES, &refused, |refused| refused >= 1.0).await?;
    env.patch("Deployment", "held", with_image(LATEST, "IfNotPresent")).await?;
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], 1.0).await?;
    tagwatch.measures(WRITES, &refused, |refused| refused >= 2.0).await?;
    eventually(LIMIT, "no try without a reason", || async {
        let before = tagwatch.samples().await?.sum(WRITES, &refused);
        sleep(QUIET).await;
        let after = tagwatch.samples().await?.sum(WRITES, &refused);
        ensure!(before == after, "{before} tries became {after}");
        Ok(())
    })
    .await?;

    let released = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    env.api("Deployment").patch("held", &PatchParams::default(), &released).await?;
    eventually(2 * LIMIT, "the namespace is gone", || async {
        let left = namespaces.get_opt(env.namespace()).await?;
        ensure!(left.is_none(), "{:?}", left.and_then(|namespace| namespace.status));
        Ok(())
    })
    .await?;
    tagwatch.counts("tagwatch_workloads", &[], 0.0).await?;
    tagwatch.counts("tagwatch_reconciles_total", &[("result", "failed")], 0.0).await?;
    ensure!(!tagwatch.log_text()?.contains("cannot write the report"), "no failure is logged");
    tagwatch.is_alive().await?;
    tagwatch.is_ready(LIMIT).await?;
    tagwatch.end().await
}
