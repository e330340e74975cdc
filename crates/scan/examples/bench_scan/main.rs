//! `make bench-scan`: what a scan costs beside a bare read of the same files, and beside other tools.
//!
//! Usage: `bench_scan TAGWATCH`, with the path of an optimised binary. The trees are made up from a seed, so that every run
//! reads the same bytes. Both sides of a comparison take turns in one run, with the same number of threads. It prints the
//! tables of `docs/benchmarks.md`, with one of all goals, and exits with 1 if one is missed.

mod corpus;
mod goals;
mod measure;
mod peers;

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use goals::{Goals, mebibytes, milliseconds};
use measure::{Measured, against_read, alone};

/// The goals: the whole command beside the bare read, one file in milliseconds, and memory in MiB.
const MAX_RATIO: f64 = 1.5;
const MAX_ONE_FILE_MS: f64 = 3.0;
const MAX_ONE_FILE_MIB: f64 = 8.0;
const MAX_MIB: f64 = 64.0;

fn main() -> io::Result<ExitCode> {
    let Some(tagwatch) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: bench_scan TAGWATCH"));
    };
    let folder = env::temp_dir().join(format!("tagwatch-bench-scan-{}", std::process::id()));
    let measured = report(&tagwatch, &folder);
    std::fs::remove_dir_all(&folder)?;
    let goals = measured?;
    io::stdout().lock().write_all(goals.summary().as_bytes())?;
    Ok(if goals.are_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(tagwatch: &Path, folder: &Path) -> io::Result<Goals> {
    let threads = thread::available_parallelism()?.get();
    let mut goals = Goals::default();
    print(&format!(
        "{threads} threads; medians of {} runs, files in the page cache\n\n\
         | Input | Bare read | `tagwatch scan` | Ratio | Goal | Peak memory | Goal |\n|---|---|---|---|---|---|---|\n",
        measure::RUNS
    ))?;
    let workloads = corpus::workloads(&folder.join("workloads"))?;
    for corpus in [
        &workloads,
        &corpus::mixed(&folder.join("mixed"))?,
        &corpus::stream(&folder.join("stream"), &workloads)?,
    ] {
        let Measured { read, command, peak } = against_read(tagwatch, corpus, threads)?;
        let ratio = command.as_secs_f64() / read.as_secs_f64();
        goals.at_most(&format!("{}: times the bare read", corpus.name), ratio, MAX_RATIO);
        goals.at_most(&format!("{}: MiB", corpus.name), mebibytes(peak), MAX_MIB);
        print(&format!(
            "| {}: {} files, {:.1} MiB | {:.1} ms | {:.1} ms | {ratio:.1} | {MAX_RATIO} | {:.1} MiB | {MAX_MIB:.0} MiB |\n",
            corpus.name,
            corpus.files.len(),
            mebibytes(corpus.bytes),
            milliseconds(read),
            milliseconds(command),
            mebibytes(peak),
        ))?;
    }
    let one = corpus::one(&folder.join("one"))?;
    let (time, peak) = alone(tagwatch, &[one.as_os_str()])?;
    let (time, peak) = (milliseconds(time), mebibytes(peak));
    goals.at_most("one file: ms", time, MAX_ONE_FILE_MS);
    goals.at_most("one file: MiB", peak, MAX_ONE_FILE_MIB);
    print(&format!(
        "\n| | Time | Goal | Peak memory | Goal |\n|---|---|---|---|---|\n\
         | One file, with the start of the process | {time:.1} ms | {MAX_ONE_FILE_MS} ms | {peak:.1} MiB | {MAX_ONE_FILE_MIB} MiB |\n\n"
    ))?;
    peers::compare(tagwatch, &workloads, &mut goals)?;
    Ok(goals)
}

/// Prints a part of the report as soon as it is known.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
