//! Figures of one process, from `/proc`.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to the process with this id.
pub(crate) fn signal(pid: u32, signal: Signal) -> Result<()> {
    let id =
        i32::try_from(pid).ok().and_then(Pid::from_raw).with_context(|| format!("no process id: {pid}"))?;
    kill_process(id, signal).with_context(|| format!("{signal:?} to process {pid}"))
}

/// Memory in use by a process, in bytes (proc(5), `/proc/PID/status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory now (`VmRSS`).
    pub resident: u64,
    /// The most that was ever resident (`VmHWM`).
    pub peak: u64,
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let field = |name| kilobytes(&status, name).with_context(|| format!("{path}: no {name} in kB"));
    Ok(Memory { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(number * 1024)
}

/// CPU time that a process has used, in user and kernel mode together.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("{path}: no utime and stime"))?;
    let per_second = rustix::param::clock_ticks_per_second();
    ensure!(per_second > 0, "the system has no clock tick");
    Ok(Duration::from_millis(ticks * 1000 / per_second))
}

/// Fields 14 and 15 of proc(5) `/proc/PID/stat`. The command, field 2, may hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ticks_behind_a_hostile_command_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 120 30 0 0 20 0 9 0 55 1 2";
        assert_eq!(cpu_ticks(stat), Some(150));
    }

    #[test]
    fn reads_memory_in_bytes() {
        assert_eq!(kilobytes("Name:\ta\nVmHWM:\t    2048 kB\n", "VmHWM:"), Some(2 << 20));
        assert_eq!(kilobytes("Name:\ta\n", "VmHWM:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn measures_this_process() {
        let Memory { resident, peak } = memory(std::process::id()).unwrap();
        assert!(resident > 0 && peak >= resident, "{resident} resident, {peak} peak");
        cpu_time(std::process::id()).unwrap();
    }
}
