//! The definitions of the report API that others install serve tagwatch as well as its own.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use kube::api::DeleteParams;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::samples::Kubectl;

use crate::{
    kinds,
    objects::{CLEAN, LATEST, PASSES, web, with_image},
    report::Report,
    runner::own,
    test_env::{Skipped, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(canonical_definitions_take_the_reports)]
}

const VARIABLE: &str = "TAGWATCH_CANONICAL_CRDS";
const DEFINITION: &str = "policyreports.wgpolicyk8s.io";

/// Their files: in the folder that the variable names, or beside the checkout.
fn definitions() -> Result<Vec<PathBuf>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/crds");
    let folder = env::var_os(VARIABLE).map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        let reason = format!(
            "no canonical definitions: {VARIABLE} names no folder, and there is none beside the checkout"
        );
        return Err(Skipped(reason).into());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if fs::read_to_string(&path).is_ok_and(|text| text.contains(&format!("name: {DEFINITION}"))) {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no definition of {DEFINITION}", folder.display());
    Ok(files)
}

/// Paths of all fields in a report, with list indices left out.
fn fields(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields(value, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, into)),
        _ => drop(into.insert(path.to_owned())),
    }
}

fn fields_of(reports: &[Report]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for report in reports {
        fields(&report.0.data, "", &mut all);
    }
    all
}

/// A copy of a stored report, as a client writes it that treats unknown fields as errors.
async fn accepted_strictly(env: &TestEnv, report: &Report, name: &str) -> Result<()> {
    let mut copy = report.0.data.clone();
    copy["apiVersion"] = json!("wgpolicyk8s.io/v1alpha2");
    copy["kind"] = json!("PolicyReport");
    copy["metadata"] = json!({ "name": name, "namespace": env.namespace() });
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &copy)?;
    let path = file.path().to_str().context("a path in UTF-8")?;
    env.cluster().control_plane.kubectl(&["create", "--validate=strict", "-f", path]).await?;
    env.delete("PolicyReport", name).await
}

async fn canonical_definitions_take_the_reports(env: &TestEnv) -> Result<()> {
    let definitions = definitions()?;
    kinds::load(env).await?;
    let tagwatch = env.tagwatch().await?;
    kinds::judged(env).await?;
    tagwatch.end().await?;
    let ours = env.reports().await?;

    for definition in definitions {
        let what = || definition.display().to_string();
        let definitions = env.api_cluster_wide("CustomResourceDefinition");
        definitions.delete(DEFINITION, &DeleteParams::default()).await?;
        env.cluster().report_api_is_served(false).await?;
        Kubectl::of(&env.cluster().control_plane)
            .run(["create".as_ref(), "-f".as_ref(), definition.as_os_str()])
            .await?;
        env.cluster().report_api_is_served(true).await?;

        let tagwatch = env.tagwatch().await?;
        kinds::judged(env).await.with_context(what)?;
        env.create(web("web-2", CLEAN)).await?;
        env.reported("Deployment", "web-2", &PASSES).await.with_context(what)?;
        env.patch("Deployment", "web-2", with_image(LATEST, "IfNotPresent")).await?;
        let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
        env.reported("Deployment", "web-2", &fails).await.with_context(what)?;
        env.delete("Deployment", "web-2").await?;
        env.unreported("Deployment", "web-2").await?;
        tagwatch.end().await?;

        // Nothing was dropped on the way in, so a second run finds what the first one wrote.
        let theirs = env.reports().await?;
        assert_eq!(fields_of(&theirs), fields_of(&ours), "{}", what());
        let mark = env.audit_log().mark().await?;
        let tagwatch = env.tagwatch().await?;
        let writes = env.writes_since(mark).await?;
        assert_eq!(writes.count(), 0, "{}: {writes}", what());
        tagwatch.end().await?;
        for (report, number) in ours.iter().zip(0..) {
            accepted_strictly(env, report, &format!("copy-{number}")).await.with_context(what)?;
        }
    }
    Ok(())
}
