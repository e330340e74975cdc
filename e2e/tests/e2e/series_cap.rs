//! More findings than `--workload-series-cap` has room for.

use anyhow::Result;
use libtest_mimic::Trial;

use crate::{
    controller::Controller,
    metrics::Samples,
    objects::{CLEAN, LATEST, deployment, pulled, with_image},
    runner::shared,
    test_env::TestEnv,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(over_the_cap_the_rest_is_summed_up_and_below_it_each_is_named)]
}

const COUNT: &str = "tagwatch_workload_violations";
const START: &str = "tagwatch_workload_violation_start_time_seconds";
const OVER: &str = "tagwatch_metrics_series_over_cap";
const OTHER: (&str, &str) = ("workload", "_other");
/// Each workload violates both.
const RULES: [&str; 2] = ["latest-tag", "stale-pull-policy"];
const WORKLOADS: u32 = 6;
/// Five findings of two series each: three of their own, and a sum for each rule.
const CAP: &str = "10";

/// Waits until so many workloads are in violation, and returns the metrics as they are then.
async fn violating(tagwatch: &Controller, workloads: u32) -> Result<Samples> {
    let wanted = f64::from(workloads);
    tagwatch.counts("tagwatch_workloads", &[("status", "violating")], wanted).await?;
    let samples = tagwatch.samples().await?;
    // Nothing is lost: named and summed findings together are all findings.
    for rule in RULES.map(|rule| [("rule", rule)]) {
        assert_eq!(samples.sum("tagwatch_violations", &rule), wanted);
        assert_eq!(samples.sum(COUNT, &rule), wanted);
    }
    Ok(samples)
}

async fn over_the_cap_the_rest_is_summed_up_and_below_it_each_is_named(env: &TestEnv) -> Result<()> {
    let arguments = ["--namespaces", env.namespace(), "--workload-series-cap", CAP];
    let tagwatch = env.tagwatch_with(&arguments).await?;
    for number in 0..WORKLOADS {
        let containers = [pulled("web", LATEST, "IfNotPresent")];
        env.create(deployment(&format!("web-{number}"), 0, &containers)).await?;
    }
    let samples = violating(&tagwatch, WORKLOADS).await?;
    // The worst keep their own: the critical ones, of which three have room.
    assert_eq!(samples.sum(COUNT, &[OTHER, ("rule", "stale-pull-policy")]), 3.0);
    assert_eq!(samples.sum(COUNT, &[OTHER, ("rule", "latest-tag")]), 6.0);
    for metric in [COUNT, START] {
        let mut named = samples.values(metric, &[("namespace", env.namespace())], "workload");
        named.retain(|workload| *workload != OTHER.1);
        assert_eq!(named.len(), 3, "{metric}");
        assert_eq!(samples.values(metric, &[OTHER], "kind"), [OTHER.1; 2], "{metric}");
    }
    // A sum lasts since its oldest finding, which is that of a workload named for the worse one.
    let workloads = samples.values(START, &[("kind", "Deployment")], "workload");
    let starts = workloads.iter().map(|workload| samples.sum(START, &[("workload", workload)]));
    let oldest = starts.min_by(f64::total_cmp);
    assert_eq!(Some(samples.sum(START, &[OTHER, ("rule", "latest-tag")])), oldest);
    // What the alert TagwatchSeriesCapReached looks at: nine findings of two series each.
    assert_eq!(samples.sum(OVER, &[]), 18.0);
    assert_eq!(samples.sum("tagwatch_metrics_series", &[]), 10.0);
    assert_eq!(samples.sum("tagwatch_metrics_series_cap", &[]), 10.0);

    for number in 2..WORKLOADS {
        env.patch("Deployment", &format!("web-{number}"), with_image(CLEAN, "IfNotPresent")).await?;
    }
    let samples = violating(&tagwatch, 2).await?;
    for metric in [COUNT, START] {
        assert_eq!(samples.values(metric, &[OTHER], "rule"), [""; 0]);
        let named = samples.values(metric, &[("kind", "Deployment")], "workload");
        assert_eq!(named, ["web-0", "web-0", "web-1", "web-1"]);
    }
    assert_eq!(samples.sum(OVER, &[]), 0.0);
    assert_eq!(samples.sum("tagwatch_metrics_series", &[]), 8.0);
    tagwatch.end().await
}
