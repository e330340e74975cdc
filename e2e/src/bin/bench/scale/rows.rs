//! The rows of the largest clusters.

use tagwatch_e2e::Memory;

use super::{BesideOthers, CHURN, Scale, Size, WithReports};
use crate::{
    spread::Percentiles,
    table::{NO_AIM, Table, aim, mebibytes},
};

/// Resident memory of the two sizes, in MiB.
const MAX_RESIDENT_MEBIBYTES: [f64; 2] = [20.0, 64.0];
const MAX_PEAK_RATIO: f64 = 1.25;
/// Bytes of a workload with its report, without the console and with it.
const MAX_RETAINED_BYTES: [f64; 2] = [1_024.0, 2_048.0];
/// Of a fill against a POST loop, and of a restart against a raw list.
const MAX_RATIO: f64 = 1.1;
const MAX_HEARTBEAT_CPU: f64 = 0.2;
const MAX_CHANGE_MILLISECONDS: f64 = 100.0;

/// Adds the rows. An aim is that of the full size.
pub(crate) fn rows(scale: &Scale, table: &mut Table) {
    let Scale { sizes, reports, .. } = scale;
    for (Size { deployments, pods, memory: Memory { resident, peak } }, limit) in
        sizes.iter().zip(MAX_RESIDENT_MEBIBYTES)
    {
        let [resident, peak] = [*resident, *peak].map(mebibytes);
        let what = format!("{pods} pods of {deployments} Deployments");
        let within = aim(&format!("≤ {limit:.0}"), resident <= limit);
        table.row(&format!("{what}: resident once settled, MiB"), format!("{resident:.1}"), within);
        let ratio = peak / resident;
        let within = aim(&format!("≤ {MAX_PEAK_RATIO:.2}"), ratio <= MAX_PEAK_RATIO);
        table.row(&format!("{what}: peak of the start / settled"), format!("{ratio:.2}"), within);
    }
    report_rows(reports, table);
}

fn report_rows(reports: &WithReports, table: &mut Table) {
    let workloads = reports.workloads;
    for (retained, (limit, console)) in
        reports.retained.into_iter().zip(MAX_RETAINED_BYTES.into_iter().zip(["off", "on"]))
    {
        table.row(
            &format!("{workloads} workloads, each with a report: retained for one, console {console}, bytes"),
            format!("{retained:.0}"),
            aim(&format!("≤ {limit:.0}"), retained <= limit),
        );
    }
    let ratio = |what: &str, ours: f64, raw: f64, table: &mut Table| {
        let ratio = ours / raw;
        let within = aim(&format!("≤ {MAX_RATIO:.1}"), ratio <= MAX_RATIO);
        table.row(what, format!("{ratio:.2} ({ours:.1} s / {raw:.1} s)"), within);
    };
    ratio(
        &format!("Start → all {workloads} reports stored / a POST loop of the same bodies"),
        reports.fill,
        reports.post_loop,
        table,
    );
    ratio(
        &format!("Restart with {workloads} reports → ready / a raw list of the same objects"),
        reports.restart.as_secs_f64(),
        reports.raw_list.as_secs_f64(),
        table,
    );
    let none = |count: usize| aim("0", count == 0);
    table.row("Mutating requests of this restart", reports.restart_writes, none(reports.restart_writes));
    let heartbeats = reports.heartbeats;
    table.row(
        &format!("Mutating requests over {heartbeats} heartbeats of pods"),
        reports.heartbeat_writes,
        none(reports.heartbeat_writes),
    );
    let [ours, server] = reports.heartbeat_cpu.map(|time| time.as_secs_f64());
    let share = ours / server;
    table.row(
        "CPU time over these heartbeats / that of the API server",
        format!("{share:.2} ({ours:.1} s / {server:.1} s)"),
        aim(&format!("≤ {MAX_HEARTBEAT_CPU:.1}"), share <= MAX_HEARTBEAT_CPU),
    );
    let BesideOthers { reported, behind_watch, churn } = &reports.beside_others;
    let spread = |Percentiles { p50, p99, max }: &Percentiles| format!("{p50:.1} / {p99:.1} / {max:.1}");
    table.row(
        &format!("Changed image → report, while {churn:.0} other pods change a second, ms: p50 / p99 / max"),
        spread(reported),
        aim(&format!("p99 ≤ {MAX_CHANGE_MILLISECONDS:.0}"), reported.p99 <= MAX_CHANGE_MILLISECONDS),
    );
    table.row(
        "A bare watch of the Deployments → report, of the same changes, ms: p50 / p99 / max",
        spread(behind_watch),
        NO_AIM,
    );
    table.row("Other pods wanted to change a second", CHURN, NO_AIM);
}

/// What is inside the numbers.
pub(crate) fn note(scale: &Scale) -> String {
    format!(
        "The large clusters, at {} % of their sizes, are made through the API while no controller runs. Memory has \
         settled once it stays within a percent for 15 seconds; its peak is that of the process since its start, on a \
         cluster that has all reports. What a workload retains is the difference to a process on an empty cluster. The \
         raw list reads every watched kind and the reports page by page, 500 objects each, one kind after another, \
         and decodes them. The POST loop and the fill are as above.",
        scale.percent
    )
}
