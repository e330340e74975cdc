//! Tier 2 of the fault bench: the built tagwatch against a real control plane, with a proxy between the two that lets go
//! wrong what seeded plans say. Each plan is a test of its own, named by its family and seed.
//!
//! `TAGWATCH_FAULT_REAL_PLANS` is the number of plans, `TAGWATCH_FAULT_SEED` makes other ones, and
//! `TAGWATCH_FAULT_REAL_PLAN` names one, as a failure does, to run it again.

// clippy knows a test by `#[test]`, which has no place here.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cluster;
mod mirror;
mod names;
mod proxy;
mod run;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use parking_lot::Mutex;
use tagwatch_faults::{FaultPlan, sample_real, simulate};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use cluster::Cluster;
use run::{Expected, Outcome};

/// Plans of a run of all tests: 13, since each family has one at least.
const PLANS: usize = 10;
/// How many run at the same time, unless `--test-threads` says otherwise: most of each is waiting.
const AT_ONCE: usize = 16;

/// What all plans share, once one of them has asked for it.
struct Stage {
    ready: OnceCell<Result<Ready, String>>,
    /// Plans that ran, and those of them in which something went wrong, by family.
    counts: Mutex<BTreeMap<String, (usize, usize)>>,
}

struct Ready {
    cluster: Cluster,
    expected: Expected,
}

fn main() -> ExitCode {
    match run_plans() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_plans() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    let at_once = *arguments.test_threads.get_or_insert(AT_ONCE);
    let seed = number("TAGWATCH_FAULT_SEED", 1)?;
    let plans = plans(seed)?;
    let runtime = Arc::new(Builder::new_multi_thread().worker_threads(2).enable_all().build()?);
    let stage = Arc::new(Stage { ready: OnceCell::new(), counts: Mutex::default() });
    if !arguments.list {
        println!("seed {seed}: {} plans on a real control plane, {at_once} at a time", plans.len());
    }
    let trials = plans.into_iter().enumerate().map(|(number, plan)| {
        let (runtime, stage) = (Arc::clone(&runtime), Arc::clone(&stage));
        // 0 is the run without faults.
        Trial::test(plan.to_string(), move || test(&runtime, &stage, &plan, number + 1))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let stage = Arc::into_inner(stage).context("a plan still runs")?;
    let counts = stage.counts.into_inner();
    for (family, (all, fired)) in &counts {
        println!("{family}: {all} plans on a real control plane, in {fired} of which something went wrong");
    }
    if let Some(Ok(ready)) = stage.ready.into_inner() {
        runtime.block_on(ready.cluster.end())?;
    }
    let sum = |of: fn(&(usize, usize)) -> usize| counts.values().map(of).sum::<usize>();
    let (all, fired) = (sum(|(all, _)| *all), sum(|(_, fired)| *fired));
    // A plan whose requests never come tests nothing.
    ensure!(all <= 1 || fired * 3 >= all * 2, "something went wrong in {fired} of {all} plans only");
    Ok(conclusion.exit_code())
}

fn number(variable: &str, otherwise: u64) -> Result<u64> {
    env::var(variable)
        .map_or(Ok(otherwise), |text| text.parse().with_context(|| format!("{variable}={text}")))
}

fn plans(seed: u64) -> Result<Vec<FaultPlan>> {
    if let Ok(plan) = env::var("TAGWATCH_FAULT_REAL_PLAN") {
        let plan: FaultPlan = plan.parse().map_err(anyhow::Error::msg)?;
        return Ok(vec![plan.on_real_server().context("only the double can do this")?]);
    }
    let plans = number("TAGWATCH_FAULT_REAL_PLANS", PLANS.try_into()?)?;
    Ok(sample_real(plans.try_into()?, seed))
}

fn test(runtime: &Runtime, stage: &Stage, plan: &FaultPlan, number: usize) -> Result<(), Failed> {
    let outcome = runtime.block_on(async {
        let ready = stage.ready.get_or_init(async || start().await.map_err(|failure| format!("{failure:#}")));
        let Ready { cluster, expected } =
            ready.await.as_ref().map_err(|failure| anyhow::anyhow!("{failure}"))?;
        run::run(cluster, plan, expected, number).await
    });
    let told = || format!("TAGWATCH_FAULT_REAL_PLAN={plan}\n{plan:?}");
    let Outcome { violations, story, has_fired, .. } =
        outcome.map_err(|failure| format!("{}\n  {failure:#}", told()))?;
    let mut counts = stage.counts.lock();
    let (all, fired) = counts.entry(format!("{:?}", plan.family)).or_default();
    *all += 1;
    *fired += usize::from(has_fired);
    drop(counts);
    if violations.is_empty() {
        return Ok(());
    }
    let violations = violations.iter().map(ToString::to_string);
    let lines: Vec<String> = violations.chain(story).collect();
    Err(format!("{}\n  {}", told(), lines.join("\n  ")).into())
}

/// Starts the control plane. What is expected of reports and policy comes from the double, the rest from a run without
/// faults.
async fn start() -> Result<Ready> {
    let simulated = spawn_blocking(|| simulate(&FaultPlan::none(), None)).await??;
    ensure!(simulated.violations.is_empty(), "{:?}", simulated.violations);
    let cluster = Cluster::start().await?;
    let mut expected = Expected { end: simulated.end.without_hashes(), plain: None };
    let plain = run::run(&cluster, &FaultPlan::none(), &expected, 0).await.context("without faults")?;
    ensure!(
        plain.violations.is_empty(),
        "without faults: {:?}\n{}",
        plain.violations,
        plain.story.join("\n")
    );
    expected.plain = Some(plain);
    Ok(Ready { cluster, expected })
}
