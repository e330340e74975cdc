//! SIGTERM in every state of the API server.

use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::{Component, eventually};

use crate::{
    objects::{CLEAN, PASSES, web},
    runner::own,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(ends_within_five_seconds)]
}

/// SIGTERM ends it within this.
const END_LIMIT: Duration = Duration::from_secs(5);

/// While it works, while the API server answers nothing, and while there is none, with exit code 0.
async fn ends_within_five_seconds(env: &TestEnv) -> Result<()> {
    let working = env.tagwatch_with(&[]).await?;
    working.is_ready(LIMIT).await?;
    env.create(web("web", CLEAN)).await?;
    env.reported("Deployment", "web", &PASSES).await?;
    let beside = env.tagwatch().await?;
    working.end_within(END_LIMIT).await?;

    let control_plane = &env.cluster().control_plane;
    control_plane.freeze(Component::ApiServer)?;
    let starting = env.tagwatch_with(&[]).await?;
    starting.is_alive().await?;
    beside.is_alive().await?;
    beside.end_within(END_LIMIT).await?;
    starting.end_within(END_LIMIT).await?;
    control_plane.resume(Component::ApiServer)?;

    let left_alone = env.tagwatch().await?;
    control_plane.kill(Component::ApiServer).await?;
    let without = env.tagwatch_with(&[]).await?;
    eventually(LIMIT, "it has found that there is no API server", || async {
        let failed = without.samples().await?.sum("tagwatch_kube_requests_total", &[("code", "error")]);
        ensure!(failed >= 1.0, "it has not");
        Ok(())
    })
    .await?;
    without.is_alive().await?;
    without.end_within(END_LIMIT).await?;
    left_alone.end_within(END_LIMIT).await?;
    control_plane.restart(Component::ApiServer).await
}
