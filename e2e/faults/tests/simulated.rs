//! Tier 1 of the fault bench: seeded plans under paused time.
//!
//! `TAGWATCH_FAULT_PLANS` is the number of plans, `TAGWATCH_FAULT_SEED` makes other ones, `TAGWATCH_FAULT_FAMILY` takes
//! those of one family alone, `TAGWATCH_FAULT_PLAN` names one, as a failure does, to run it again, and with `TAGWATCH_FAULT_STOP=1` the first failure is the last plan.

// clippy knows a test by `#[test]`, which what tests share does not have.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tagwatch_allocations::CountingAllocator;
use tagwatch_faults::{FaultPlan, Oracle, Simulated, Violation, sample, sample_of, simulate};

/// Each run is on one thread, so that what it frees at its end is what it held.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Plans of a run of all tests.
const PLANS: usize = 64;
/// Failures that are shown in full.
const SHOWN: usize = 5;

fn number(variable: &str, otherwise: usize) -> usize {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn plans() -> Vec<FaultPlan> {
    if let Ok(plan) = env::var("TAGWATCH_FAULT_PLAN") {
        return vec![plan.parse().unwrap()];
    }
    let seed = number("TAGWATCH_FAULT_SEED", 1).try_into().unwrap();
    let plans = number("TAGWATCH_FAULT_PLANS", PLANS);
    match env::var("TAGWATCH_FAULT_FAMILY") {
        Ok(family) => sample_of(family.parse().unwrap(), plans, seed),
        Err(_) => sample(plans, seed),
    }
}

/// What a failure shows of its plan.
fn describe(plan: &FaultPlan, run: &Simulated) -> String {
    let mut text = format!("--- TAGWATCH_FAULT_PLAN={plan}\n{plan:?}\n");
    writeln!(text, "  {} bytes are held in the end", run.memory).unwrap();
    let violations: Vec<String> = run.violations.iter().map(Violation::to_string).collect();
    for line in run.fired.iter().take(40).chain(&violations) {
        let line: String = line.chars().take(2_000).collect();
        writeln!(text, "  {line}").unwrap();
    }
    text
}

fn without_faults() -> Simulated {
    let run = simulate(&FaultPlan::none(), None).unwrap();
    assert!(run.violations.is_empty(), "{}", describe(&FaultPlan::none(), &run));
    run
}

#[test]
fn without_faults_each_workload_has_one_report_and_nothing_is_written_twice() {
    let run = without_faults();
    assert_eq!(run.end.reports(), 24);
    assert!(run.memory > 100_000, "{} bytes", run.memory);
    let again = simulate(&FaultPlan::none(), Some(&run)).unwrap();
    assert!(again.violations.is_empty(), "{:?}", again.violations);
}

#[test]
fn whatever_goes_wrong_the_end_is_the_same() {
    let (expected, plans) = (without_faults(), plans());
    let stops = env::var("TAGWATCH_FAULT_STOP").is_ok();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let oracles = Mutex::new(BTreeSet::<Oracle>::new());
    let counts = Mutex::new(BTreeMap::<String, (usize, usize)>::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stops && !failures.lock().unwrap().is_empty() {
                        break;
                    }
                    let run = simulate(plan, Some(&expected)).unwrap();
                    let mut counts = counts.lock().unwrap();
                    let (all, fired) = counts.entry(format!("{:?}", plan.family)).or_default();
                    *all += 1;
                    *fired += usize::from(!run.fired.is_empty() || !plan.actions.is_empty());
                    drop(counts);
                    if !run.violations.is_empty() {
                        oracles
                            .lock()
                            .unwrap()
                            .extend(run.violations.iter().map(|violation| violation.oracle));
                        failures.lock().unwrap().push(describe(plan, &run));
                    }
                }
            });
        }
    });
    println!("{} writes in a run without faults", expected.writes);
    let counts = counts.into_inner().unwrap();
    let sum = |of: fn(&(usize, usize)) -> usize| counts.values().map(of).sum::<usize>();
    let (all, fired) = (sum(|(all, _)| *all), sum(|(_, fired)| *fired));
    for (family, (all, fired)) in &counts {
        println!("{family}: {all} plans, in {fired} of which something went wrong");
    }
    let failures = failures.into_inner().unwrap();
    let shown: String = failures.iter().take(SHOWN).map(String::as_str).collect();
    let oracles: Vec<String> = oracles.into_inner().unwrap().iter().map(Oracle::to_string).collect();
    let found = oracles.join(", ");
    assert!(failures.is_empty(), "{} of {all} plans fail, found by {found}:\n{shown}", failures.len());
    // A plan whose requests never come tests nothing.
    assert!(all == 1 || fired * 3 >= all * 2, "something went wrong in {fired} of {all} plans only");
}
