//! Tier 2 of the fault bench: the built tagwatch against a real control plane, with a proxy between the two that lets go
//! wrong what seeded plans say.
//!
//! `TAGWATCH_FAULT_REAL_PLANS` is the number of plans, `TAGWATCH_FAULT_SEED` makes other ones, and
//! `TAGWATCH_FAULT_REAL_PLAN` names one, as a failure does, to run it again.

// clippy knows a test by `#[test]`, which what tests share does not have.
#![allow(clippy::unwrap_used)]

mod cluster;
mod mirror;
mod proxy;
mod run;

use std::env;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};
use tagwatch_faults::{FaultPlan, sample_real, simulate};

use cluster::Cluster;

/// Plans of a run of all tests.
const PLANS: usize = 4;
/// How many run at the same time: most of each is waiting.
const AT_ONCE: usize = 12;
/// Failures that are shown in full.
const SHOWN: usize = 5;

fn plans() -> Result<Vec<FaultPlan>> {
    if let Ok(plan) = env::var("TAGWATCH_FAULT_REAL_PLAN") {
        let plan: FaultPlan = plan.parse().map_err(anyhow::Error::msg)?;
        return Ok(vec![plan.on_real_server().context("only the double can do this")?]);
    }
    let number = |variable, otherwise: usize| env::var(variable).map_or(Ok(otherwise), |text| text.parse());
    let seed = number("TAGWATCH_FAULT_SEED", 1)?.try_into()?;
    Ok(sample_real(number("TAGWATCH_FAULT_REAL_PLANS", PLANS)?, seed))
}

/// What is expected comes from a run against the double.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_the_end_is_the_same_on_a_real_server() -> Result<()> {
    let plans = plans()?;
    let expected = tokio::task::spawn_blocking(|| simulate(&FaultPlan::none(), None)).await??;
    assert!(expected.violations.is_empty(), "{:?}", expected.violations);
    let (cluster, expected) = (Arc::new(Cluster::start().await?), Arc::new(expected.end));
    let running = plans.iter().enumerate().map(|(number, plan)| {
        let (cluster, expected, plan) = (Arc::clone(&cluster), Arc::clone(&expected), plan.clone());
        async move {
            let outcome = run::run(&cluster, &plan, &expected, number).await;
            let outcome = outcome.unwrap_or_else(|failure| vec![format!("{failure:#}")]);
            (plan, outcome)
        }
    });
    let outcomes: Vec<_> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|(_, violations)| !violations.is_empty())
        .map(|(plan, violations)| {
            format!("--- TAGWATCH_FAULT_REAL_PLAN={plan}\n{plan:?}\n  {}\n", violations.join("\n  "))
        })
        .collect();
    println!("{} plans on a real control plane, {} fail", outcomes.len(), failed.len());
    let cluster = Arc::into_inner(cluster).context("a plan still runs")?;
    cluster.end().await?;
    let shown: String = failed.iter().take(SHOWN).map(String::as_str).collect();
    assert!(failed.is_empty(), "{} of {} plans fail:\n{shown}", failed.len(), outcomes.len());
    Ok(())
}
