//! The manifests that `tagwatch scan` judges, and the objects that the API server makes of them, get the same
//! findings.

use std::{collections::BTreeSet, process::Command};

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::{kinds, runner::shared, test_env::TestEnv};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(same_findings_offline_and_in_the_cluster)]
}

/// Every field that both have: kind, name, container, its type, field path, image, effective pull policy, tag
/// class, rule, policy, category, severity, result, evidence, resolution.
type Finding = Vec<String>;

fn texts<const N: usize>(fields: [&Value; N]) -> Finding {
    // A pass has no resolution: an empty one offline, none in a report.
    let text = |field: &Value| match field {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    fields.map(text).to_vec()
}

fn scanned() -> Result<BTreeSet<Finding>> {
    let mut scan = Command::new(tagwatch_e2e::tagwatch_binary()?);
    let output =
        scan.args(["scan", "-o", "json", "--show-passed", &kinds::fixture()]).env_clear().output()?;
    ensure!(
        output.status.code() == Some(1),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let images = report["images"].as_array().into_iter().flatten();
    let images: Vec<&Value> = images.collect();
    let mut findings = BTreeSet::new();
    for finding in report["findings"].as_array().into_iter().flatten() {
        let place = |image: &&&Value| {
            ["kind", "name", "container", "fieldPath"].iter().all(|at| image[*at] == finding[*at])
        };
        let image = images.iter().find(place).copied().unwrap_or(&Value::Null);
        let fields =
            ["kind", "name", "container", "containerType", "fieldPath", "image"].map(|at| &finding[at]);
        let judged = [&image["effectivePullPolicy"], &image["tagClass"]];
        let said = ["rule", "policy", "category", "severity", "result", "evidence", "resolution"]
            .map(|at| &finding[at]);
        findings.insert([texts(fields), texts(judged), texts(said)].concat());
    }
    Ok(findings)
}

async fn stored(env: &TestEnv) -> Result<BTreeSet<Finding>> {
    let mut findings = BTreeSet::new();
    for report in env.reports().await? {
        for result in report.results() {
            let properties = &result["properties"];
            let scope = ["kind", "name"].map(|at| &report.scope()[at]);
            let place =
                ["container", "containerType", "fieldPath", "image", "effectivePullPolicy", "tagClass"];
            let said = ["rule", "policy", "category", "severity", "result"].map(|at| &result[at]);
            let help = ["evidence", "resolution"].map(|at| &properties[at]);
            findings.insert(
                [texts(scope), texts(place.map(|at| &properties[at])), texts(said), texts(help)].concat(),
            );
        }
    }
    Ok(findings)
}

async fn same_findings_offline_and_in_the_cluster(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    kinds::load(env).await?;
    kinds::judged(env).await?;
    let (mut offline, live) = (scanned()?, stored(env).await?);
    // The manifest has the image volume, whatever becomes of it. The fourth field is the type of a container.
    offline.retain(|finding| env.cluster().stores(&finding[3]));
    let wanted: usize = kinds::verdicts(env).iter().map(|(.., verdicts)| verdicts.len()).sum();
    assert_eq!(live.len(), wanted);
    let differing: Vec<_> = offline.symmetric_difference(&live).collect();
    ensure!(differing.is_empty(), "{differing:#?}");
    tagwatch.end().await
}
