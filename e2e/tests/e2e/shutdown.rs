//! SIGTERM, whatever state the API server is in.

use std::time::Duration;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use tagwatch_e2e::{Component, eventually};

use crate::{
    bench::{Bench, LIMIT},
    objects::{CLEAN, PASSES, web},
    runner::own,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![own(ends_within_five_seconds)]
}

/// SIGTERM ends it within this.
const END_LIMIT: Duration = Duration::from_secs(5);

/// While it works, while the API server answers nothing, and while there is none, with exit code 0.
async fn ends_within_five_seconds(bench: &Bench) -> Result<()> {
    let working = bench.tagwatch_with(&[]).await?;
    working.is_ready(LIMIT).await?;
    bench.create(web("web", CLEAN)).await?;
    bench.reported("Deployment", "web", &PASSES).await?;
    let beside = bench.tagwatch().await?;
    working.end_within(END_LIMIT).await?;

    let control_plane = &bench.cluster().control_plane;
    control_plane.freeze(Component::ApiServer)?;
    let starting = bench.tagwatch_with(&[]).await?;
    starting.is_alive().await?;
    beside.is_alive().await?;
    beside.end_within(END_LIMIT).await?;
    starting.end_within(END_LIMIT).await?;
    control_plane.resume(Component::ApiServer)?;

    let left_alone = bench.tagwatch().await?;
    control_plane.kill(Component::ApiServer).await?;
    let without = bench.tagwatch_with(&[]).await?;
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
