//! What was measured on.

use std::{fs, thread};

use anyhow::{Context, Result};

/// The machine as Linux describes it (proc(5)).
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) model: String,
    /// Physical memory, in bytes.
    pub(crate) memory: u64,
    /// The one-minute load average before anything began: what else the machine was busy with.
    pub(crate) load: String,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let memory = read("/proc/meminfo")?;
        let load = read("/proc/loadavg")?;
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            model: model(&read("/proc/cpuinfo")?),
            memory: total(&memory).context("/proc/meminfo: no MemTotal in kB")?,
            load: load.split(' ').next().context("/proc/loadavg is empty")?.to_owned(),
        })
    }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}

/// Not every architecture names its model.
fn model(cpuinfo: &str) -> String {
    let named = field(cpuinfo, "model name").or_else(|| field(cpuinfo, "Hardware"));
    named.map_or_else(|| std::env::consts::ARCH.to_owned(), str::to_owned)
}

fn total(meminfo: &str) -> Option<u64> {
    let kilobytes: u64 = field(meminfo, "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\n\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model(cpuinfo), "Some CPU @ 2.0GHz");
        assert_eq!(model("processor\t: 0\n"), std::env::consts::ARCH);
        assert_eq!(total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
    }
}
