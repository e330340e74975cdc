//! The measurement as a Markdown table.

use std::fmt::{Display, Write};

use anyhow::{Context, Result};

use crate::{
    args::Args,
    console::{self, Console, Page},
    fill::{Fill, Usage},
    footprint::{COUNTS, Footprint},
    hostile::{CROWD_CONTAINERS, CROWD_PODS, FAILING_PODS, Hostile, LONG_IMAGES, OWNED_PODS},
    machine::Machine,
    measure::{Measurement, Reports, Round},
    post_loop::CONNECTIONS,
    scale,
    scrape::Scrape,
    spread::{Percentiles, Spread},
};

const MAX_RATIO: f64 = 1.3;
const MAX_SCRAPE_RATIO: f64 = 1.3;
const MAX_CHANGE_MILLISECONDS: f64 = 100.0;
const MAX_RESIDENT_MEBIBYTES: f64 = 20.0;
const MAX_PAINT_MILLISECONDS: f64 = 500.0;
const MAX_PAGE_KIBIBYTES: f64 = 150.0;
const MAX_POD_BYTES: f64 = 300.0;
const MAX_WORKLOAD_BYTES: f64 = 1_024.0;
const MAX_HOSTILE_CHANGE_MILLISECONDS: f64 = 1_000.0;
const MAX_PROBE_MILLISECONDS: f64 = 100.0;
const MAX_HOSTILE_MEBIBYTES: f64 = 256.0;
const MAX_END_SECONDS: f64 = 5.0;
const MEBIBYTE: f64 = 1_048_576.0;

/// The measurement in words.
#[derive(Debug)]
pub(crate) struct Summary {
    /// The table, with what it was measured on above it and what each row means below it.
    pub(crate) markdown: String,
    /// The rows whose aim was missed, each with what was measured.
    pub(crate) missed: Vec<String>,
}

/// Rows of a table, in order.
pub(crate) struct Table {
    text: String,
    missed: Vec<String>,
}

/// What a value should be, and whether it is.
pub(crate) struct Aim {
    text: String,
    met: bool,
}

/// Of a row that is for information.
pub(crate) const NO_AIM: Option<Aim> = None;

impl Table {
    pub(crate) fn row(&mut self, measure: &str, value: impl Display, aim: impl Into<Option<Aim>>) {
        let aim = aim.into();
        let shown = match &aim {
            Some(Aim { text, met: true }) => format!("{text}: met"),
            Some(Aim { text, met: false }) => format!("{text}: **missed**"),
            None => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "| {measure} | {value} | {shown} |");
        let missed = aim.filter(|aim| !aim.met);
        self.missed.extend(missed.map(|aim| format!("{measure}: {value}; aim: {}", aim.text)));
    }
}

pub(crate) fn aim(text: &str, met: bool) -> Aim {
    Aim { text: text.to_owned(), met }
}

impl Measurement {
    /// The table and its notes, and what was missed.
    pub(crate) fn summary(&self, args: &Args, machine: &Machine) -> Result<Summary> {
        let mut table = Table {
            text: format!("{}\n| Measure | Value | Aim |\n|---|---|---|\n", self.heading(machine)),
            missed: Vec::new(),
        };
        let mut notes = Vec::new();
        if let Some(reports) = &self.reports {
            reports.rows(&mut table, args)?;
            notes.push(reports_note(args));
        }
        match &self.console {
            Some(Ok(console)) => {
                console_rows(console, &mut table)?;
                notes.push(console_note());
            }
            Some(Err(reason)) => {
                table.row(
                    "First paint of the console, ms",
                    format!("**not measured**, for want of a browser: {reason}"),
                    NO_AIM,
                );
            }
            None => {}
        }
        if let Some(scrape) = &self.scrape {
            scrape_rows(scrape, &mut table)?;
            notes.push(SCRAPE_NOTE.to_owned());
        }
        if let Some(hostile) = &self.hostile {
            hostile_rows(hostile, &mut table, args);
            notes.push(hostile_note(args));
        }
        if let Some(footprint) = &self.footprint {
            footprint_rows(footprint, &mut table);
            notes.push(footprint_note());
        }
        if let Some(scale) = &self.scale {
            scale::rows(scale, &mut table);
            notes.push(scale::note(scale));
        }
        let markdown = format!("{}\n{}\n", table.text, notes.join("\n\n"));
        Ok(Summary { markdown, missed: table.missed })
    }

    fn heading(&self, machine: &Machine) -> String {
        let Machine { cores, model, memory, load } = machine;
        let cluster = self.kubernetes.as_ref().map_or_else(String::new, |version| {
            format!(
                ", on Kubernetes {version} (etcd, kube-apiserver and kube-controller-manager on the same machine)"
            )
        });
        format!(
            "tagwatch {}, release build{cluster}: {cores} cores of {model}, {:.1} GiB of memory, load average {load} \
             before the start.\n",
            env!("CARGO_PKG_VERSION"),
            mebibytes(*memory) / 1024.0,
        )
    }
}

impl Reports {
    fn rows(&self, table: &mut Table, args: &Args) -> Result<()> {
        self.fill_rows(table, args)?;
        self.write_rows(table, args)?;
        self.change_rows(table, args);
        self.usage_rows(table)
    }

    fn fills<T>(&self, value: impl Fn(&Fill) -> T) -> Vec<T> {
        self.rounds.iter().map(|round| value(&round.tagwatch)).collect()
    }

    fn fill_rows(&self, table: &mut Table, args: &Args) -> Result<()> {
        let Args { workloads, .. } = args;
        let seconds = spread(self.fills(|fill| fill.seconds))?;
        let post_loop = spread(self.rounds.iter().map(|round| round.post_loop))?;
        let ratio = spread(self.rounds.iter().map(Round::ratio))?;
        let met = ratio.median <= MAX_RATIO;
        table.row(&format!("Start → all {workloads} reports stored, s"), format!("{seconds:.2}"), NO_AIM);
        table.row(
            &format!("The same reports by a POST loop, {CONNECTIONS} connections, s"),
            format!("{post_loop:.2}"),
            NO_AIM,
        );
        table.row(
            "tagwatch / POST loop, by round",
            format!("{ratio:.2}"),
            aim(&format!("≤ {MAX_RATIO:.2}"), met),
        );
        Ok(())
    }

    fn write_rows(&self, table: &mut Table, args: &Args) -> Result<()> {
        let reports = args.workloads.get();
        let per_report = spread(self.fills(|fill| count(fill.writes) / f64::from(reports)))?;
        let exactly_one = self.rounds.iter().all(|round| u32::try_from(round.tagwatch.writes) == Ok(reports));
        table.row(
            "Mutating requests a report while filling",
            format!("{per_report:.2}"),
            aim("1.00", exactly_one),
        );
        let writes = self.restart.writes;
        table.row("Mutating requests over a restart, nothing changed", writes, aim("0", writes == 0));
        table.row("Restart → ready, s", format!("{:.2}", self.restart.ready.as_secs_f64()), NO_AIM);
        Ok(())
    }

    fn change_rows(&self, table: &mut Table, args: &Args) {
        let Percentiles { p50, p99, max } = self.changes;
        let met = p99 <= MAX_CHANGE_MILLISECONDS;
        table.row(
            &format!("Changed image → report at an observer, {} changes, ms: p50 / p99 / max", args.changes),
            format!("{p50:.1} / {p99:.1} / {max:.1}"),
            aim(&format!("p99 ≤ {MAX_CHANGE_MILLISECONDS:.0}"), met),
        );
        let per_change = count(self.change_writes) / f64::from(args.changes.get());
        table.row("Mutating requests a change", format!("{per_change:.2}"), NO_AIM);
    }

    fn usage_rows(&self, table: &mut Table) -> Result<()> {
        let cpu = |usage: &Usage| usage.cpu.as_secs_f64();
        let resident = |usage: &Usage| mebibytes(usage.memory.resident);
        let peak = |usage: &Usage| mebibytes(usage.memory.peak);
        let fill_cpu = spread(self.fills(|fill| cpu(&fill.usage)))?;
        let fill_resident = spread(self.fills(|fill| resident(&fill.usage)))?;
        let fill_peak = spread(self.fills(|fill| peak(&fill.usage)))?;
        let (changes, restart) = (&self.after_changes, &self.restart.usage);
        let within = |mebibytes: f64| {
            aim(&format!("≤ {MAX_RESIDENT_MEBIBYTES:.0}"), mebibytes <= MAX_RESIDENT_MEBIBYTES)
        };
        table.row("CPU time of a fill, s", format!("{fill_cpu:.2}"), NO_AIM);
        table.row("CPU time of the last fill and all changes, s", format!("{:.2}", cpu(changes)), NO_AIM);
        table.row("CPU time of a restart, s", format!("{:.2}", cpu(restart)), NO_AIM);
        table.row("Resident after a fill, MiB", format!("{fill_resident:.1}"), within(fill_resident.max));
        table.row("Peak resident of a fill, MiB", format!("{fill_peak:.1}"), NO_AIM);
        for (when, usage) in [("all changes", changes), ("a restart", restart)] {
            let value = format!("{:.1} / {:.1}", resident(usage), peak(usage));
            table.row(&format!("Resident / peak after {when}, MiB"), value, within(resident(usage)));
        }
        Ok(())
    }
}

/// One row for each page: there are many.
fn console_rows(console: &Console, table: &mut Table) -> Result<()> {
    for Page { path, bytes, first_bytes, paints, bare_paints } in &console.pages {
        let (first_byte, paint) = (spread(first_bytes.iter().copied())?, spread(paints.iter().copied())?);
        let bare = spread(bare_paints.iter().copied())?;
        let size = mebibytes(*bytes) * 1024.0;
        let is_met = paint.median <= MAX_PAINT_MILLISECONDS && size <= MAX_PAGE_KIBIBYTES;
        table.row(
            &format!(
                "`{path}` of the console with {} issues: first byte, ms / first paint, ms / that of a bare page, ms / KiB",
                console.issues
            ),
            format!("{first_byte:.0} / {paint:.0} / {bare:.0} / {size:.1}"),
            aim(&format!("paint ≤ {MAX_PAINT_MILLISECONDS:.0}, KiB ≤ {MAX_PAGE_KIBIBYTES:.0}"), is_met),
        );
    }
    Ok(())
}

fn scrape_rows(scrape: &Scrape, table: &mut Table) -> Result<()> {
    let Scrape { series, bytes, scrapes, encodings } = scrape;
    let ratios = scrapes.iter().zip(encodings).map(|(scrape, encoding)| scrape / encoding);
    let ratio = spread(ratios)?;
    let met = ratio.median <= MAX_SCRAPE_RATIO;
    let size = mebibytes(u64::try_from(*bytes)?);
    let what = format!("Scrape of {series} series of workloads ({size:.1} MiB), ms");
    table.row(&what, format!("{:.0}", spread(scrapes.iter().copied())?), NO_AIM);
    table.row(
        "The same series by the prometheus crate's gather and encoding, ms",
        format!("{:.0}", spread(encodings.iter().copied())?),
        NO_AIM,
    );
    table.row(
        "Scrape / gather and encoding, by round",
        format!("{ratio:.2}"),
        aim(&format!("≤ {MAX_SCRAPE_RATIO:.2}"), met),
    );
    Ok(())
}

fn hostile_rows(hostile: &Hostile, table: &mut Table, args: &Args) {
    let Hostile { before, meanwhile, behind_watch, changes, probes, usage, end } = hostile;
    let times = |Percentiles { p50, p99, max }: &Percentiles| format!("{p50:.1} / {p99:.1} / {max:.1}");
    let percent = args.hostile_percent;
    table.row("Changed image → report before a hostile tenant, ms: p50 / p99 / max", times(before), NO_AIM);
    table.row(
        &format!(
            "The same of other tenants beside a hostile one ({percent} %), {changes} changes, ms: p50 / p99 / max"
        ),
        times(meanwhile),
        aim(
            &format!("p99 ≤ {MAX_HOSTILE_CHANGE_MILLISECONDS:.0}"),
            meanwhile.p99 <= MAX_HOSTILE_CHANGE_MILLISECONDS,
        ),
    );
    table.row(
        "Of this, behind a bare watch of all Deployments, ms: p50 / p99 / max",
        times(behind_watch),
        aim(
            &format!("max ≤ {MAX_HOSTILE_CHANGE_MILLISECONDS:.0}"),
            behind_watch.max <= MAX_HOSTILE_CHANGE_MILLISECONDS,
        ),
    );
    table.row(
        "`/livez` meanwhile, ms: p50 / p99 / max",
        times(probes),
        aim(&format!("p99 ≤ {MAX_PROBE_MILLISECONDS:.0}"), probes.p99 <= MAX_PROBE_MILLISECONDS),
    );
    let [resident, peak] = [usage.memory.resident, usage.memory.peak].map(mebibytes);
    table.row(
        "Resident / peak beside a hostile tenant, MiB",
        format!("{resident:.1} / {peak:.1}"),
        aim(&format!("≤ {MAX_HOSTILE_MEBIBYTES:.0}"), peak <= MAX_HOSTILE_MEBIBYTES),
    );
    table.row("CPU time beside a hostile tenant, s", format!("{:.1}", usage.cpu.as_secs_f64()), NO_AIM);
    let within = aim(&format!("≤ {MAX_END_SECONDS:.0}"), *end <= MAX_END_SECONDS);
    table.row("SIGTERM → end beside a hostile tenant, s", format!("{end:.2}"), within);
}

fn footprint_rows(footprint: &Footprint, table: &mut Table) {
    let Footprint { pod, kube_pod, workload, kube_workload } = *footprint;
    let within = |bytes: f64, limit: f64| aim(&format!("≤ {limit:.0}"), bytes <= limit);
    table.row(
        "Memory of a pod, two containers by digest, bytes",
        format!("{pod:.0}"),
        within(pod, MAX_POD_BYTES),
    );
    table.row("The same pod in kube's `Store<Pod>`, bytes", format!("{kube_pod:.0}"), NO_AIM);
    table.row(
        "Memory of a workload, a Deployment with its ReplicaSet, bytes",
        format!("{workload:.0}"),
        within(workload, MAX_WORKLOAD_BYTES),
    );
    table.row("The same two objects in kube's stores, bytes", format!("{kube_workload:.0}"), NO_AIM);
}

/// What is inside each number of the reports and what is not.
fn reports_note(args: &Args) -> String {
    let Args { rounds, .. } = args;
    format!(
        "Values with a range are median (smallest–largest), those of reports of {rounds} rounds after one that is not \
         counted; each round deletes all reports, lets the POST loop write them, deletes them, and lets tagwatch write \
         them. Both sides use the service account of `config/rbac` and end when the audit log has the last creation. \
         tagwatch's time begins before its process does, and includes reading what is in the cluster, judging it and \
         building the reports. The POST loop's time begins before its clients are made, and includes TLS and \
         connections; its bodies are what tagwatch stored, ready to be sent. A change is timed from sending the PATCH \
         of one image until a watch of the reports shows a result with that image; the next one follows then. Leases \
         and reviews are not counted as mutating requests."
    )
}

fn console_note() -> String {
    format!(
        "A first paint is Chromium's first contentful paint, a first byte that of the page, both from the start of the \
         navigation, on the same machine: the median of {} looks after one that is not counted, each with nothing \
         cached. The size is that of the bodies of the page and of all that it loads. A bare page is text of the same \
         size, from memory and without a style sheet, after each look at a page: what the browser itself takes then.",
        console::ROUNDS
    )
}

fn footprint_note() -> String {
    let [few, many] = COUNTS;
    format!(
        "The memory of a pod or workload is the slope of a process's anonymous resident memory between {few} and {many} \
         of them, decoded from JSON as the API server sends it into what the watches fill: the index, and for workloads \
         kube-runtime's reflector stores of slim objects. It holds no verdicts and no reports."
    )
}

fn hostile_note(args: &Args) -> String {
    format!(
        "The hostile tenant, at {} % here, has {CROWD_PODS} pods of {CROWD_CONTAINERS} containers with one owner, which \
         change all the time; {LONG_IMAGES} Deployments with an image of 1.3 MB; {OWNED_PODS} pods of one owner with an \
         image each; and {FAILING_PODS} pods that cannot pull their image. It creates them one after another, four \
         requests at a time, while the Deployments of another tenant change, one at a time. All of it shares the \
         machine: how fast the API server answers is part of every number. Most of all beside the large Deployments: \
         each change of their status is an event of 1.3 MB in the watch of all Deployments, and the API server sends \
         one after another. A bare watch in the benchmark shows how late that is; what is behind it is \
         tagwatch's evaluation and the write of the report.",
        args.hostile_percent
    )
}

/// What is inside the numbers of the scrape.
const SCRAPE_NOTE: &str = "A scrape is timed at the client, from sending the GET until the last byte of the answer; the \
                           gather and encoding are of a collector that always shows the same series, in this \
                           process, without HTTP.";

fn spread(values: impl IntoIterator<Item = f64>) -> Result<Spread> {
    Spread::of(values).context("no round")
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// Memory stays far below 2^53 bytes, up to which a float is exact.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_aim_is_named_with_what_was_measured() {
        let mut table = Table { text: String::new(), missed: Vec::new() };
        table.row("Start, s", 3, NO_AIM);
        table.row("Peak, MiB", "80.0", aim("≤ 256", true));
        table.row("Change, ms", "1200.0", aim("p99 ≤ 1000", false));
        assert_eq!(table.missed, ["Change, ms: 1200.0; aim: p99 ≤ 1000"]);
        assert_eq!(
            table.text,
            "| Start, s | 3 |  |\n| Peak, MiB | 80.0 | ≤ 256: met |\n\
             | Change, ms | 1200.0 | p99 ≤ 1000: **missed** |\n"
        );
    }
}
