//! Quiet hours before a test, as blocks that Prometheus starts on.

use std::{fmt::Write as _, fs, net::SocketAddr};

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use tagwatch_monitoring::FIRST_EVALUATION;
use tempfile::TempDir;

use crate::programs::promtool;

/// The longest offset of an alert is one hour.
const MINUTES: i64 = 90;

/// The blocks of a Prometheus that has scraped these metrics, always the same, for the last hour and a half, and has
/// remembered since `installed` that tagwatch evaluates this cluster.
pub(crate) async fn blocks(metrics: &str, target: SocketAddr, installed: Timestamp) -> Result<TempDir> {
    let folder = TempDir::with_prefix("tagwatch-blocks-")?;
    let file = folder.path().join("history.txt");
    fs::write(&file, open_metrics(metrics, target, installed, Timestamp::now())?)?;
    let mut command = promtool().await?;
    command.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]).arg(&file).arg(folder.path());
    let output = command.output().await?;
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "promtool tsdb create-blocks-from: {words}");
    fs::remove_file(file)?;
    Ok(folder)
}

fn open_metrics(metrics: &str, target: SocketAddr, installed: Timestamp, now: Timestamp) -> Result<String> {
    // With the labels of the target, so that the scrapes of the test go on with these series.
    let of_target = format!("job=\"tagwatch\",instance=\"{target}\"");
    let mut series = vec![format!("{FIRST_EVALUATION} {}", installed.as_second())];
    for line in metrics.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').context("no value")?;
        // As the rules have recorded them since the installation.
        if let Some(labels) = name.strip_prefix("tagwatch_moving_images{") {
            series.push(format!("cluster_namespace_rule:tagwatch_known_moving_images:min{{{labels} {value}"));
        }
        series.push(match name.split_once('{') {
            Some((name, labels)) => format!("{name}{{{of_target},{labels} {value}"),
            None => format!("{name}{{{of_target}}} {value}"),
        });
    }
    let mut text = String::new();
    for minute in (1..=MINUTES).rev() {
        let at = now.as_second() - minute * 60;
        for series in &series {
            writeln!(text, "{series} {at}")?;
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}
