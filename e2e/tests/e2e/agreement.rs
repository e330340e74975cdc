//! Every fixture of the rules, of the verdicts and of the profiles is judged by the scan and by the controller, a
//! real API server with its defaulting in between, and gets the same findings. The one difference allowed is what the
//! API server fills in: a rule that reads the pull policy as it is written finds one where the manifest has none.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::eventually;

use crate::{
    policies::TagPolicy,
    report::Report,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(every_fixture_offline_and_in_the_cluster)]
}

const FOLDERS: [&str; 3] = ["verdicts", "rules", "profiles"];
/// Rules that read the pull policy as it is written.
const READ_WHAT_IS_WRITTEN: [&str; 2] =
    ["pull-policy-not-allowed", "kubernetes-image-pull-policy-of-container-is-not-always"];
/// What a fixture shows that no manifest can bring into a cluster: the proof comes from pods.
const NEEDS_PROOF: &str = "proven-mutable.yaml";
/// Containers that the API server refuses, by the reason: only the scan meets them.
const REFUSED: [(&str, usize); 3] = [
    ("an image is required", 2),
    ("ephemeral containers are added to running pods", 2),
    ("no such pull policy", 4),
];

/// What is compared of a finding: container, its type, rule, result, severity, tag class, effective pull policy.
type Finding = [String; 7];

struct Fixture {
    name: String,
    policy: Value,
    manifest: Value,
    refused: Vec<&'static str>,
}

fn fixtures() -> Result<Vec<Fixture>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/core/tests/fixtures");
    let mut fixtures = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
            let fixture = fixture(&name, &fs::read_to_string(&path)?).with_context(|| name.clone())?;
            fixtures.push(Fixture { name: format!("{folder}/{name}"), ..fixture });
        }
    }
    fixtures.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(fixtures)
}

fn fixture(name: &str, text: &str) -> Result<Fixture> {
    let mut manifest: Value = serde_saphyr::from_str(text)?;
    let stem = name.trim_end_matches(".yaml");
    manifest["metadata"]["name"] = json!(stem);
    let mut refused = Vec::new();
    let spec = if manifest["kind"] == "Pod" {
        &mut manifest["spec"]
    } else {
        manifest["spec"]["replicas"] = json!(0);
        manifest["spec"]["selector"] = json!({ "matchLabels": { "app": stem } });
        manifest["spec"]["template"]["metadata"] = json!({ "labels": { "app": stem } });
        &mut manifest["spec"]["template"]["spec"]
    };
    make_acceptable(spec, &mut refused);
    Ok(Fixture { name: name.to_owned(), policy: policy(text), manifest, refused })
}

/// Leaves out what the API server would refuse, and says why.
fn make_acceptable(spec: &mut Value, refused: &mut Vec<&'static str>) {
    if let Some(ephemeral) = spec.as_object_mut().and_then(|spec| spec.remove("ephemeralContainers")) {
        let count = ephemeral.as_array().map_or(0, Vec::len);
        refused.extend(std::iter::repeat_n("ephemeral containers are added to running pods", count));
    }
    for list in ["containers", "initContainers"] {
        let Some(containers) = spec[list].as_array_mut() else { continue };
        containers.retain(|container| {
            let reason = match (container["image"].as_str(), container["imagePullPolicy"].as_str()) {
                (None | Some(""), _) => "an image is required",
                (_, None | Some("" | "Always" | "IfNotPresent" | "Never")) => return true,
                _ => "no such pull policy",
            };
            refused.push(reason);
            false
        });
    }
}

/// The policy that the head of a fixture asks for.
fn policy(text: &str) -> Value {
    let head = |key: &str| {
        let prefix = format!("# {key}: ");
        text.lines().filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned)).collect::<Vec<_>>()
    };
    let profile = head("profile").pop().unwrap_or_else(|| "recommended".to_owned());
    let on = head("on").into_iter().flat_map(|list| list.split(", ").map(str::to_owned).collect::<Vec<_>>());
    let rules: serde_json::Map<String, Value> = on.map(|rule| (rule, json!({}))).collect();
    json!({ "profile": profile, "rules": rules, "immutable": head("immutable") })
}

fn texts(values: [&Value; 7]) -> Finding {
    values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn scan(
    env: &TestEnv,
    policy: &TagPolicy<'_>,
    fixture: &Fixture,
    manifest: &Value,
) -> Result<BTreeSet<Finding>> {
    let folder = tempfile::tempdir_in(env.cluster().control_plane.data_dir())?;
    let [policy_file, file] = ["policy.json", "manifest.json"].map(|name| folder.path().join(name));
    fs::write(&policy_file, policy.object(&fixture.policy).to_string())?;
    fs::write(&file, manifest.to_string())?;
    let mut scan = Command::new(tagwatch_e2e::tagwatch_binary()?);
    scan.args(["scan", "-o", "json", "--show-passed", "--policy"]).arg(policy_file).arg(file).env_clear();
    let output = scan.output()?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let images: Vec<&Value> = report["images"].as_array().into_iter().flatten().collect();
    let found = report["findings"].as_array().into_iter().flatten().map(|finding| {
        let image =
            images.iter().find(|image| image["fieldPath"] == finding["fieldPath"]).context("its image")?;
        let place = ["container", "containerType", "rule", "result", "severity"].map(|field| &finding[field]);
        let [container, kind, rule, result, severity] = place;
        Ok(texts([
            container,
            kind,
            rule,
            result,
            severity,
            &image["tagClass"],
            &image["effectivePullPolicy"],
        ]))
    });
    found.collect()
}

fn live(report: &Report) -> BTreeSet<Finding> {
    let finding = |result: &Value| {
        let properties = &result["properties"];
        texts([
            &properties["container"],
            &properties["containerType"],
            &result["rule"],
            &result["result"],
            &result["severity"],
            &properties["tagClass"],
            &properties["effectivePullPolicy"],
        ])
    };
    report.results().iter().map(finding).collect()
}

/// Containers of a manifest without a pull policy.
fn unset(manifest: &Value) -> BTreeSet<String> {
    let spec =
        if manifest["kind"] == "Pod" { &manifest["spec"] } else { &manifest["spec"]["template"]["spec"] };
    let lists = ["containers", "initContainers"].map(|list| spec[list].as_array());
    let containers = lists.into_iter().flatten().flatten();
    let without =
        containers.filter(|container| matches!(container["imagePullPolicy"].as_str(), None | Some("")));
    without.map(|container| container["name"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn every_fixture_offline_and_in_the_cluster(env: &TestEnv) -> Result<()> {
    let policy = TagPolicy::of(env);
    policy.create(json!({})).await?;
    let tagwatch = policy.tagwatch().await?;
    let fixtures = fixtures()?;
    ensure!(fixtures.len() > 20, "{} fixtures", fixtures.len());
    let mut explained = BTreeSet::new();
    for fixture in fixtures.iter().filter(|fixture| !fixture.name.ends_with(NEEDS_PROOF)) {
        agree(env, &policy, fixture, &mut explained).await.with_context(|| fixture.name.clone())?;
    }
    // Both rules that read what is written meet at least one default, and nothing else differs.
    assert_eq!(explained, READ_WHAT_IS_WRITTEN.map(str::to_owned).into());
    let refused: Vec<&str> = fixtures.iter().flat_map(|fixture| fixture.refused.iter().copied()).collect();
    for (reason, count) in REFUSED {
        assert_eq!(refused.iter().filter(|other| **other == reason).count(), count, "{reason}");
    }
    policy.delete().await?;
    tagwatch.end().await
}

async fn agree(
    env: &TestEnv,
    policy: &TagPolicy<'_>,
    fixture: &Fixture,
    explained: &mut BTreeSet<String>,
) -> Result<()> {
    policy.replace(fixture.policy.clone()).await?;
    let stored = env.create(fixture.manifest.clone()).await?;
    let (kind, name) = (stored.types.clone().context("its kind")?.kind, stored.name_any());

    // The object with the API server's defaults gets the same findings from both.
    let defaulted = scan(env, policy, fixture, &serde_json::to_value(&stored)?)?;
    let found = eventually(LIMIT, "the report says what the scan says", || async {
        let found = live(&env.report(&kind, &name).await?);
        let differing: Vec<_> = defaulted.symmetric_difference(&found).collect();
        ensure!(differing.is_empty(), "{differing:#?}");
        Ok(found)
    })
    .await?;

    // The manifest itself differs where the API server filled in what a rule wants to be written.
    let mut offline = scan(env, policy, fixture, &fixture.manifest)?;
    // An older one drops image volumes.
    offline.retain(|[_, kind, ..]| env.cluster().stores(kind));
    let unset = unset(&fixture.manifest);
    for [container, _, rule, ..] in offline.symmetric_difference(&found) {
        let by_default = unset.contains(container);
        // Where one of them fires on the manifest alone, the policy's pass is that of the live object alone.
        let pass = rule == "stale-pull-policy" || READ_WHAT_IS_WRITTEN.contains(&rule.as_str());
        ensure!(by_default && pass, "{container} {rule} differs: {offline:#?}\n{found:#?}");
        explained
            .extend(READ_WHAT_IS_WRITTEN.iter().filter(|read| *read == rule).map(|read| (*read).to_owned()));
    }
    env.delete(&kind, &name).await
}
