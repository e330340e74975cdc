//! Metrics of the process, by the names that all client libraries of Prometheus use
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, IntGauge, Result};

/// Clock ticks in a second of the times in `/proc/PID/stat`: the same on every architecture of Linux that Rust
/// supports (`USER_HZ` in proc(5)).
const TICKS_PER_SECOND: u32 = 100;
/// Fields of `/proc/PID/stat` behind the program's name, from the state on: user and system time are the 14th and the
/// 15th of the line (proc(5)).
const USER_TIME: usize = 11;

/// Reads `/proc/self` when it is scraped. Where there is none it has no series. Clones share the counters.
#[derive(Debug, Clone)]
pub(super) struct ProcessCollector {
    cpu: Counter,
    memory: IntGauge,
    files: IntGauge,
    start: Gauge,
}

impl ProcessCollector {
    /// Takes the time of now as that of the start.
    pub(super) fn new() -> Result<Self> {
        let start = Gauge::new("process_start_time_seconds", "Unix time at which the process started.")?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        start.set(since_epoch.as_secs_f64());
        Ok(Self {
            cpu: Counter::new("process_cpu_seconds_total", "User and system CPU time of the process.")?,
            memory: IntGauge::new("process_resident_memory_bytes", "Resident memory of the process.")?,
            files: IntGauge::new("process_open_fds", "Open file descriptors of the process.")?,
            start,
        })
    }
}

/// User and system time, from the text of `/proc/PID/stat`. The name of the program may hold blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut times = behind_name.split_ascii_whitespace().skip(USER_TIME).map(str::parse::<u32>);
    let ticks = f64::from(times.next()?.ok()?) + f64::from(times.next()?.ok()?);
    Some(ticks / f64::from(TICKS_PER_SECOND))
}

/// Resident memory in bytes, from the text of `/proc/PID/status`.
fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1024)
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.cpu.desc(), self.memory.desc(), self.files.desc(), self.start.desc()].concat()
    }

    /// Every family is there in any case: it names the type.
    fn collect(&self) -> Vec<MetricFamily> {
        let read = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).ok();
        let cpu = read("stat").and_then(|stat| cpu_seconds(&stat));
        let memory = read("status").and_then(|status| resident_bytes(&status));
        let files = fs::read_dir("/proc/self/fd").ok().and_then(|files| i64::try_from(files.count()).ok());
        if let Some(seconds) = cpu {
            // Two scrapes at once may each see the other's addition; a counter never falls.
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Some(bytes) = memory {
            self.memory.set(bytes);
        }
        if let Some(count) = files {
            self.files.set(count);
        }
        [
            (self.cpu.collect(), cpu.is_some()),
            (self.memory.collect(), memory.is_some()),
            (self.files.collect(), files.is_some()),
            (self.start.collect(), true),
        ]
        .into_iter()
        .flat_map(|(mut families, known)| {
            if !known {
                for family in &mut families {
                    family.set_metric(Vec::new());
                }
            }
            families
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::metrics::Metrics;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 100 1000 200";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("42 (tagwatch) S 1"), None);
        assert_eq!(resident_bytes("Name:\ttagwatch\nVmRSS:\t    2048 kB\nThreads:\t3\n"), Some(2_097_152));
        assert_eq!(resident_bytes("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn this_process_uses_memory_and_files_and_its_time_grows() {
        let mut metrics = Metrics::default();
        metrics.add(ProcessCollector::new().unwrap()).unwrap();
        let value = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap();
            line.parse::<f64>().unwrap()
        };
        let before = metrics.encode().unwrap();
        assert!(value(&before, "process_resident_memory_bytes") > 100_000.0, "{before}");
        assert!(value(&before, "process_open_fds") > 2.0, "{before}");
        assert!(value(&before, "process_start_time_seconds") > 1_700_000_000.0, "{before}");
        let cpu = |text: &str| value(text, "process_cpu_seconds_total");
        // Busy until a tick has passed.
        while cpu(&metrics.encode().unwrap()) <= cpu(&before) {}
    }
}
