//! What `tagwatch scan` makes of kustomizations is what `kubectl kustomize` prints.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;

use crate::{runner::shared, test_env::TestEnv};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(same_images_as_kubectl_kustomize), shared(values_that_kubectl_kustomize_refuses_are_errors)]
}

/// Images in every form, at places that Kustomize changes and at places that it does not.
const BASE: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: none, image: web}
      - {name: tag, image: "web:1"}
      containers:
      - {name: digest, image: "web@sha256:aaaa"}
      - {name: both, image: "web:1@sha256:aaaa"}
      - {name: host, image: "docker.io/web:1"}
      - {name: port, image: "registry.example.com:5000/shop/web:1"}
      - {name: other, image: "wxb:1"}
      volumes:
      - {name: data, image: {reference: web}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 2 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: job, image: "web:1"}
          volumes:
          - {name: data, image: {reference: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  containers: [{name: main, image: "web:1"}]
  ephemeralContainers: [{name: debug, image: "web:1"}]
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec: {steps: [{name: step, image: "web:1"}]}
"#;

/// Image volumes in it.
const VOLUME: &str = "data";

/// A patch that adds a container, so that `images:` change it too.
const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: digest, resources: {limits: {memory: 1Gi}}}, {name: added, image: 'web:1'}]}}}
";

/// Entries of `images:`.
const ENTRIES: &[&str] = &[
    "{name: web, newName: registry.example.com/shop/web, newTag: 1.4.2}",
    "{name: web, newTag: latest}",
    "{name: web, newName: api}",
    "{name: web, digest: 'sha256:bbbb'}",
    "{name: web, newTag: '3', digest: 'sha256:bbbb'}",
    "{name: web, tagSuffix: -x}",
    "{name: 'web:1', newTag: '5'}",
    "{name: w.b, newTag: '6'}",
    "{name: 'registry.example.com:5000/shop/web', newName: web}",
    "{name: 'docker.io/web', newTag: '7'}",
    "{name: '.*', newTag: '8'}",
    "{newTag: '10'}",
];

/// The images of a report: kind, name, container and image, sorted.
fn images(stdout: &[u8]) -> Result<Vec<[String; 4]>> {
    let report: Value = serde_json::from_slice(stdout)?;
    let images = report["images"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut images: Vec<_> =
        images.map(|image| ["kind", "name", "container", "image"].map(|field| text(&image[field]))).collect();
    images.sort();
    Ok(images)
}

/// A `kubectl` in a folder of its own.
fn kubectl(env: &TestEnv) -> Result<TempDir> {
    let folder = TempDir::with_prefix("kubectl-")?;
    let command = env.cluster().control_plane.kubectl_command()?;
    let words = [command.as_std().get_program()].into_iter().chain(command.as_std().get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    let path = folder.path().join("kubectl");
    fs::write(&path, format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// The images of a scan, without entries of kustomizations that change none: they are judged where they stand.
pub(crate) fn scan(path: &Path, input: &str, programs: Option<&Path>) -> Result<Vec<[String; 4]>> {
    let mut command = Command::new(tagwatch_e2e::tagwatch_binary()?);
    command.args(["scan", "-o", "json"]).arg(path).env_clear();
    command.args(programs.map(|_| "--render")).envs(programs.map(|folder| ("PATH", folder)));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let notes = String::from_utf8_lossy(&output.stderr);
    ensure!(matches!(output.status.code(), Some(0 | 1)), "{}: {notes}", output.status);
    let mut images = images(&output.stdout)?;
    images.retain(|[kind, ..]| kind != "Kustomization");
    Ok(images)
}

async fn compare(env: &TestEnv, inner: &str, component: &str, outer: &str) -> Result<()> {
    let folder = TempDir::with_prefix("kustomize-")?;
    let write = |name: &str, text: &str| -> Result<()> {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        Ok(fs::write(path, text)?)
    };
    write("base/objects.yaml", BASE)?;
    write("base/kustomization.yaml", &format!("resources: [objects.yaml]\nimages: [{inner}]\n"))?;
    write(
        "component/kustomization.yaml",
        &format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{component}]\n"),
    )?;
    write("overlay/patch.yaml", PATCH)?;
    write(
        "overlay/kustomization.yaml",
        &format!(
            "resources: [../base]\ncomponents: [../component]\npatches: [{{path: patch.yaml}}]\nimages: [{outer}]\n"
        ),
    )?;
    let overlay = folder.path().join("overlay").display().to_string();
    let built = env.cluster().control_plane.kubectl(&["kustomize", &overlay]).await?;
    let (mut wanted, mut ours) = (scan(Path::new("-"), &built, None)?, scan(folder.path(), "", None)?);
    let count = wanted.len();
    // The Kustomize in a kubectl that came before image volumes leaves them as they are.
    let is_compared =
        |[_, _, container, _]: &[String; 4]| env.cluster().stores_image_volumes || container != VOLUME;
    wanted.retain(is_compared);
    ours.retain(is_compared);
    ensure!(
        wanted == ours,
        "images {inner} | {component} | {outer}\nkubectl kustomize: {wanted:#?}\ntagwatch scan: {ours:#?}"
    );
    ensure!(count == 14, "{wanted:#?}");
    let mut rendered = scan(folder.path(), "", Some(kubectl(env)?.path()))?;
    rendered.retain(is_compared);
    ensure!(wanted == rendered, "kubectl kustomize: {wanted:#?}\ntagwatch scan --render: {rendered:#?}");
    Ok(())
}

async fn same_images_as_kubectl_kustomize(env: &TestEnv) -> Result<()> {
    for (index, entry) in ENTRIES.iter().enumerate() {
        let next = |by: usize| ENTRIES[(index + by) % ENTRIES.len()];
        compare(env, "", "", entry).await?;
        compare(env, entry, "", next(1)).await?;
        compare(env, next(3), entry, &format!("{}, {}", next(5), next(2))).await?;
    }
    Ok(())
}

/// Values of other types than those that Kustomize wants, and valid ones in the same form.
const VALUES: [&str; 14] = [
    "resources: [objects.yaml]\nimages: [{name: web, newTag: 1.10}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, newTag: 7}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, newTag: true}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, newTag: null}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, newTag: '1.10'}]\n",
    "resources: [objects.yaml]\nimages: [{name: 1, newTag: a}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, newName: [a]}]\n",
    "resources: [objects.yaml]\nimages: [{name: web, digest: {a: b}}]\n",
    "resources: [objects.yaml]\nimages: [web]\n",
    "resources: [objects.yaml]\nimages: {name: web}\n",
    "resources: [objects.yaml]\nimages: null\n",
    "resources: objects.yaml\n",
    "resources: [objects.yaml, 7]\n",
    "resources: [objects.yaml]\n",
];

async fn values_that_kubectl_kustomize_refuses_are_errors(env: &TestEnv) -> Result<()> {
    let folder = TempDir::with_prefix("kustomize-")?;
    fs::write(folder.path().join("objects.yaml"), BASE)?;
    let path = folder.path().display().to_string();
    let mut refused = 0;
    for kustomization in VALUES {
        fs::write(folder.path().join("kustomization.yaml"), kustomization)?;
        let built = env.cluster().control_plane.kubectl(&["kustomize", &path]).await;
        let mut scan = Command::new(tagwatch_e2e::tagwatch_binary()?);
        let output = scan.args(["scan", "--exit-zero", "-o", "json", &path]).env_clear().output()?;
        let expected = if built.is_ok() { 0 } else { 3 };
        ensure!(
            output.status.code() == Some(expected),
            "{kustomization}{built:?}\n{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        refused += usize::from(built.is_err());
    }
    assert_eq!(refused, 10);
    Ok(())
}
