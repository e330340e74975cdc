//! Times and peak memory of a command, and the time of a bare read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::Corpus;

/// Timed runs, after one that is not.
pub(crate) const RUNS: usize = 11;

/// Timed runs of what ends within milliseconds.
const SHORT_RUNS: usize = 101;

/// Runs whose memory is looked at.
const MEMORY_RUNS: usize = 3;

/// How often the memory of a process is looked at. The kernel keeps the peak as long as the process lives.
const LOOK_EVERY: Duration = Duration::from_micros(200);

pub(crate) struct Measured {
    pub(crate) read: Duration,
    pub(crate) command: Duration,
    /// In bytes.
    pub(crate) peak: u64,
}

pub(crate) fn against_read(tagwatch: &Path, corpus: &Corpus, threads: usize) -> io::Result<Measured> {
    let arguments = [corpus.folder.as_os_str()];
    let (mut reads, mut commands) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (read, command) =
            (timed(|| read_all(&corpus.files, threads))?, timed(|| scan(tagwatch, &arguments))?);
        if run > 0 {
            reads.push(read);
            commands.push(command);
        }
    }
    Ok(Measured { read: median(reads), command: median(commands), peak: peak(tagwatch, &arguments)? })
}

/// Time and peak memory of a command that nothing is compared with.
pub(crate) fn alone(tagwatch: &Path, arguments: &[&OsStr]) -> io::Result<(Duration, u64)> {
    let times: io::Result<Vec<_>> = (0..SHORT_RUNS).map(|_| timed(|| scan(tagwatch, arguments))).collect();
    Ok((median(times?), peak(tagwatch, arguments)?))
}

pub(crate) fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn command(tagwatch: &Path, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(tagwatch);
    // No policy of the working folder has a say.
    command.args(["scan", "--profile", "recommended"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub(crate) fn scan(tagwatch: &Path, arguments: &[&OsStr]) -> io::Result<()> {
    let status = command(tagwatch, arguments).status()?;
    // Findings are what the trees are made for; input that cannot be read would be read too fast.
    if matches!(status.code(), Some(0 | 1)) {
        Ok(())
    } else {
        Err(io::Error::other(format!("scan: {status}")))
    }
}

fn read_all(files: &[PathBuf], threads: usize) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let read = || -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            buffer.clear();
            File::open(path)?.read_to_end(&mut buffer)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..threads.min(files.len())).map(|_| scope.spawn(read)).collect();
        readers
            .into_iter()
            .try_for_each(|reader| reader.join().map_err(|_| io::Error::other("a reader failed"))?)
    })
}

fn peak(tagwatch: &Path, arguments: &[&OsStr]) -> io::Result<u64> {
    let mut peak = 0;
    for _ in 0..MEMORY_RUNS {
        let mut child = command(tagwatch, arguments).spawn()?;
        while child.try_wait()?.is_none() {
            peak = peak.max(high_water_mark(child.id()).unwrap_or(0));
            thread::sleep(LOOK_EVERY);
        }
    }
    Ok(peak)
}

/// `VmHWM` of proc(5), in bytes; `None` once the process has ended.
fn high_water_mark(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}
