//! What `tagwatch scan` makes of transformers is what `kubectl kustomize` prints: the same images, and no error where it has
//! none.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use tempfile::TempDir;

use super::kustomize_agrees::scan;
use crate::{runner::shared, test_env::TestEnv};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(same_images_as_kubectl_kustomize_with_transformers)]
}

const BASE: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: other, image: "example.com/other:1"}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 2 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: "web:1"}]}}}}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main}
spec: {image: "web:1"}
"#;

const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, resources: {limits: {memory: 1Gi}}}, {name: added, image: 'web:1'}]}}}
";

/// Kind and fields of transformers.
const TRANSFORMERS: [(&str, &str); 8] = [
    ("PatchTransformer", "path: patch.yaml"),
    ("PatchTransformer", "path: patch.yaml\ntarget: {kind: Deployment}"),
    ("PatchStrategicMergeTransformer", "paths: [patch.yaml]"),
    ("ImageTagTransformer", "imageTag: {name: web, newTag: '2'}"),
    ("ImageTagTransformer", "imageTag: {name: web, tagSuffix: -x}"),
    (
        "ImageTagTransformer",
        "imageTag: {name: web, tagSuffix: -x}\nfieldSpecs: [{path: 'spec/template/spec/containers[]/image'}]",
    ),
    (
        "ImageTagTransformer",
        "imageTag: {name: web, newName: api}\nfieldSpecs: [{path: spec/image, kind: Prometheus}]",
    ),
    (
        "ImageTagTransformer",
        "imageTag: {name: api, newTag: '3'}\nfieldSpecs: [{path: spec/image, group: other.example.com}]",
    ),
];

/// Each with each as a second one: as a file, in a folder, and as a text.
async fn same_images_as_kubectl_kustomize_with_transformers(env: &TestEnv) -> Result<()> {
    for first in TRANSFORMERS {
        for second in TRANSFORMERS {
            let [one, other] = [("first", first), ("second", second)].map(|(name, (kind, fields))| {
                format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: {name}}}\n{fields}\n")
            });
            let inline = format!("- |\n  {}", other.trim_end().replace('\n', "\n  "));
            compare(env, &["one.yaml", "folder"], "", [&one, &other]).await?;
            compare(env, &["one.yaml"], &inline, [&one, &other]).await?;
        }
    }
    Ok(())
}

async fn compare(env: &TestEnv, paths: &[&str], inline: &str, [one, other]: [&str; 2]) -> Result<()> {
    let folder = TempDir::with_prefix("transformers-")?;
    let write = |name: &str, text: &str| -> Result<()> {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        Ok(fs::write(path, text)?)
    };
    write("base/objects.yaml", BASE)?;
    write("base/kustomization.yaml", "resources: [objects.yaml]\n")?;
    write("overlay/patch.yaml", PATCH)?;
    write("overlay/one.yaml", one)?;
    // A transformer that nothing names is judged where it stands.
    if paths.contains(&"folder") {
        write("overlay/folder/other.yaml", other)?;
        write("overlay/folder/kustomization.yaml", "resources: [other.yaml]\n")?;
    }
    let transformers = paths.iter().map(|path| format!("- {path}")).collect::<Vec<_>>().join("\n");
    let kustomization = format!(
        "resources: [../base]\nimages: [{{name: example.com/other, newTag: '4'}}]\ntransformers:\n{transformers}\n{inline}\n"
    );
    write("overlay/kustomization.yaml", &kustomization)?;
    let overlay = folder.path().join("overlay").display().to_string();
    let built = env.cluster().control_plane.kubectl(&["kustomize", &overlay]).await?;
    let wanted = scan(Path::new("-"), &built, None)?;
    let mut ours = scan(folder.path(), "", None)?;
    // An entry that changes nothing, and a patch that nothing names.
    ours.retain(|[kind, _, container, _]| {
        kind != "ImageTagTransformer" && (container != "added" || built.contains("name: added"))
    });
    let mut distinct = ours.clone();
    distinct.dedup();
    ensure!(
        wanted == distinct,
        "{kustomization}{one}{other}\nkubectl kustomize: {wanted:#?}\ntagwatch scan: {ours:#?}"
    );
    Ok(())
}
