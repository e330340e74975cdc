//! `tagwatch scan --render` with the real Helm.

use std::{env, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tagwatch_e2e::{checkout, helm, tagwatch_binary};
use tempfile::TempDir;
use tokio::process::Command;

use crate::shell::finish;

/// The report of a scan with `--render`, with nothing but Helm on the PATH, and the exit code.
async fn rendered(path: &Path) -> Result<(Value, Option<i32>)> {
    let mut command = Command::new(tagwatch_binary()?);
    command.args(["scan", "--render", "--profile", "recommended", "-o", "json"]).arg(path).env_clear();
    command.env("PATH", helm().await?.parent().context("no folder")?).env("TMPDIR", env::temp_dir());
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let output = finish(command, "").await?;
    Ok((serde_json::from_slice(&output.stdout)?, output.status.code()))
}

fn write(folder: &TempDir, name: &str, text: &str) -> Result<()> {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().context("no folder")?)?;
    Ok(fs::write(path, text)?)
}

#[tokio::test]
async fn helm_renders_a_chart_with_its_subcharts_and_without_its_tests() -> Result<()> {
    let folder = TempDir::with_prefix("render-")?;
    write(
        &folder,
        "web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 1.4.2\ndependencies:\n- {name: db, version: 1.0.0, repository: 'https://charts.example.com'}\n",
    )?;
    write(&folder, "web/values.yaml", "image: {repository: shop/web, tag: ''}\n")?;
    let pod = |name: &str, image: &str, annotations: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\nspec:\n  containers:\n    \
             - name: app\n      image: {image}\n"
        )
    };
    let web = "\"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}\"";
    write(&folder, "web/templates/web.yaml", &pod("web", web, ""))?;
    write(&folder, "web/templates/test.yaml", &pod("test", "{{ print \"a\" }}", "helm.sh/hook: test"))?;
    write(&folder, "web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n")?;
    write(&folder, "web/charts/db/templates/db.yaml", &pod("db", "{{ print \"postgres:latest\" }}", ""))?;
    let (report, code) = rendered(folder.path()).await?;
    let images = report["images"].as_array().context("no images")?;
    let found: Vec<_> =
        images.iter().map(|image| (&image["image"], &image["line"], &image["file"])).collect();
    ensure!(found.len() == 2 && code == Some(1), "{found:?} {code:?} {}", report["notes"]);
    for (image, file) in
        [("postgres:latest", "web/charts/db/templates/db.yaml"), ("shop/web:1.4.2", "web/templates/web.yaml")]
    {
        let path = folder.path().join(file).display().to_string();
        ensure!(
            found.contains(&(&Value::from(image), &Value::from(9), &Value::from(path))),
            "{image}: {found:?}"
        );
    }
    ensure!(report["notes"] == Value::Array(Vec::new()), "{}", report["notes"]);

    fs::remove_dir_all(folder.path().join("web/charts/db"))?;
    let (report, code) = rendered(folder.path()).await?;
    ensure!(report["notes"][0]["code"] == "not-rendered" && code == Some(0), "{report:#}");
    ensure!(
        report["notes"][0]["message"].as_str().is_some_and(|message| message.contains("since db is not"))
    );
    Ok(())
}

#[tokio::test]
async fn the_chart_of_this_project_is_rendered() -> Result<()> {
    let (report, code) = rendered(&checkout().join("charts/tagwatch")).await?;
    ensure!(report["images"].as_array().is_some_and(|images| !images.is_empty()), "{report:#}");
    ensure!(report["summary"]["templates"] == 0 && matches!(code, Some(0 | 1)), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn helm_says_why_it_does_not_render() -> Result<()> {
    let folder = TempDir::with_prefix("render-")?;
    write(&folder, "Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")?;
    write(&folder, "templates/a.yaml", "{{ required \"which image?\" .Values.image }}\n")?;
    let (report, code) = rendered(folder.path()).await?;
    ensure!(report["notes"][0]["code"] == "render-failed" && code == Some(3), "{report:#}");
    ensure!(report["notes"][0]["message"].as_str().is_some_and(|message| message.contains("which image?")));
    Ok(())
}
