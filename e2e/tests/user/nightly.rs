//! The scheduled job: that it is scheduled, and reads as many files as it is to.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tagwatch_e2e::checkout;

/// Files that the nightly comparison with kubectl's reader reads at least.
const MIN_FILES: u32 = 100_000;

fn read(path: &str) -> Result<String> {
    fs::read_to_string(checkout().join(path)).with_context(|| path.to_owned())
}

#[test]
fn the_comparison_with_kubectl_is_scheduled() -> Result<()> {
    let workflow: Value = serde_saphyr::from_str(&read(".github/workflows/nightly.yml")?)?;
    ensure!(workflow["on"]["schedule"][0]["cron"].is_string(), "{workflow}");
    let steps = workflow["jobs"]["differential"]["steps"].as_array().context("no steps")?;
    ensure!(steps.iter().any(|step| step["run"] == ".ci/nightly"), "{workflow}");
    let script = read(".ci/nightly")?;
    ensure!(script.lines().any(|line| line == "make differential"), "{script}");
    let makefile = read("Makefile")?;
    let number = "differential: export TAGWATCH_DIFFERENTIAL_FILES ?= ";
    let files = makefile.lines().find_map(|line| line.strip_prefix(number)).context("no number of files")?;
    ensure!(files.parse::<u32>()? >= MIN_FILES, "{files}");
    Ok(())
}

#[test]
fn a_hostile_tenant_is_measured_at_full_size_each_night_and_within_a_bounded_time() -> Result<()> {
    let script = read(".ci/nightly")?;
    let full = "make bench-hostile HOSTILE_PERCENT=100 HOSTILE_TIME=45m";
    ensure!(script.lines().any(|line| line == full), "{script}");
    let makefile = read("Makefile")?;
    for bound in ["bench-hostile: HOSTILE_PERCENT ?= 20", "bench-hostile: HOSTILE_TIME ?= 30m"] {
        ensure!(makefile.lines().any(|line| line == bound), "{bound}");
    }
    let recipe = "timeout --kill-after=30s $(HOSTILE_TIME)";
    ensure!(
        makefile.contains(recipe) && makefile.contains("--hostile-percent $(HOSTILE_PERCENT)"),
        "{recipe}"
    );
    Ok(())
}
