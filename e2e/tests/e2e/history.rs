//! What was in violation, and until when: reports remember it over a restart.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;
use tagwatch_e2e::eventually;

use crate::{
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, with_image},
    report::Report,
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(intervals_survive_a_restart)]
}

const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];

fn history(report: &Report) -> Result<Value> {
    let text = report.annotation("tagwatch.dev/history").context("no history")?;
    Ok(serde_json::from_str(text)?)
}

/// Rule, container and image of each closed interval, whose times must be times.
fn closed(report: &Report) -> Result<Vec<String>> {
    let history = history(report)?;
    let mut lines = Vec::new();
    for interval in history["closed"].as_array().context("no intervals")? {
        let [from, until] = ["from", "until"].map(|field| interval[field].as_i64());
        ensure!(from.is_some() && from <= until, "{interval}");
        let text = |field: &str| interval[field].as_str().unwrap_or_default().to_owned();
        lines.push(format!("{} {} {}", text("rule"), text("container"), text("image")));
    }
    Ok(lines)
}

async fn intervals_survive_a_restart(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let first = env.reported("Deployment", "web", &FAILS).await?;
    ensure!(first.annotation("tagwatch.dev/history").is_none(), "nothing is over yet");
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    let mended = env.reported("Deployment", "web", &PASSES).await?;
    let once = [format!("latest-tag web {LATEST}"), format!("stale-pull-policy web {LATEST}")];
    assert_eq!(closed(&mended)?, once);
    let change = &history(&mended)?["images"][0];
    assert_eq!((&change["from"], &change["to"]), (&LATEST.into(), &CLEAN.into()), "{change}");
    tagwatch.end().await?;

    // What ended while tagwatch did not run is over at its next evaluation.
    let tagwatch = env.tagwatch().await?;
    env.patch("Deployment", "web", with_image(LATEST, "IfNotPresent")).await?;
    let again = env.reported("Deployment", "web", &FAILS).await?;
    assert_eq!(closed(&again)?, once, "a violation that is open is not over");
    tagwatch.end().await?;
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    let tagwatch = env.tagwatch().await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let twice = [once.clone(), once].concat();
    eventually(LIMIT, "four intervals", || async {
        let found = closed(&env.report("Deployment", "web").await?)?;
        ensure!(found == twice, "{found:?}");
        Ok(())
    })
    .await?;
    tagwatch.end().await
}
