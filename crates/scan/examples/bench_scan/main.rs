//! `make bench-scan`: what a scan costs beside a bare read of the same files, and beside other tools.
//!
//! Usage: `bench_scan TAGWATCH`, with the path of an optimised binary. The trees are made up from a seed, so that every run
//! reads the same bytes. Both sides of a comparison take turns in one run, with the same number of threads.

mod corpus;
mod measure;
mod peers;

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use corpus::Corpus;
use measure::{Measured, against_read, alone};

/// The goals: the whole command beside the bare read, one file in milliseconds, and memory in MiB.
const MAX_RATIO: f64 = 1.5;
const MAX_ONE_FILE_MS: f64 = 3.0;
const MAX_ONE_FILE_MIB: f64 = 8.0;
const MAX_MIB: f64 = 64.0;

const MIB: f64 = 1_048_576.0;

fn main() -> io::Result<()> {
    let Some(tagwatch) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: bench_scan TAGWATCH"));
    };
    let folder = env::temp_dir().join(format!("tagwatch-bench-scan-{}", std::process::id()));
    let measured = report(&tagwatch, &folder);
    std::fs::remove_dir_all(&folder)?;
    io::stdout().lock().write_all(measured?.as_bytes())
}

fn report(tagwatch: &Path, folder: &Path) -> io::Result<String> {
    let threads = thread::available_parallelism()?.get();
    let mut text =
        format!("{threads} threads; medians of {} runs, files in the page cache\n\n", measure::RUNS);
    text.push_str("| Input | Bare read | `tagwatch scan` | Ratio | Goal | Peak memory | Goal |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    let workloads = corpus::workloads(&folder.join("workloads"))?;
    for corpus in [
        &workloads,
        &corpus::mixed(&folder.join("mixed"))?,
        &corpus::stream(&folder.join("stream"), &workloads)?,
    ] {
        let Measured { read, command, peak } = against_read(tagwatch, corpus, threads)?;
        let ratio = command.as_secs_f64() / read.as_secs_f64();
        writeln_to(
            &mut text,
            format_args!(
                "| {} | {} | {} | {ratio:.1} | {MAX_RATIO} | {} | {MAX_MIB:.0} MiB |",
                described(corpus),
                shown(read),
                shown(command),
                mebibytes(peak),
            ),
        );
    }
    let one = corpus::one(&folder.join("one"))?;
    let (time, peak) = alone(tagwatch, &[one.as_os_str()])?;
    writeln_to(
        &mut text,
        format_args!(
            "\nOne file: {} (goal {MAX_ONE_FILE_MS} ms), {} (goal {MAX_ONE_FILE_MIB} MiB)\n",
            shown(time),
            mebibytes(peak),
        ),
    );
    text.push_str(&peers::compare(tagwatch, &workloads)?);
    Ok(text)
}

/// Writing to a String does not fail.
fn writeln_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}

fn described(corpus: &Corpus) -> String {
    format!("{}: {} files, {}", corpus.name, corpus.files.len(), mebibytes(corpus.bytes))
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB)
}
