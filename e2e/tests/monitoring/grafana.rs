//! The dashboards against Grafana's own published types.

use std::process::Stdio;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::checkout;
use tokio::process::Command;

use crate::runner::{Skipped, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(grafanas_types_accept_the_dashboards)]
}

async fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let folder = checkout().join("e2e/grafana");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await?;
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {words}", arguments.join(" "));
    Ok(words)
}

/// Also that they refuse what is wrong: a check that accepts everything checks nothing.
async fn grafanas_types_accept_the_dashboards() -> Result<()> {
    // Fetched by `make test` beforehand: no test talks to a registry.
    if !checkout().join("e2e/grafana/node_modules").is_dir() {
        return Err(Skipped("Grafana's types are missing: run `npm ci` in e2e/grafana".to_owned()).into());
    }
    let words = run("node", &["check.mjs"]).await?;
    ensure!(words.contains("3 dashboards, "), "{words}");
    Ok(())
}
