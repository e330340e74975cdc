//! The last lines of what is written for people.

use crate::report::{ScanReport, Summary};

/// What was read and found, what was left out, and what was not judged.
pub(super) fn lines(report: &ScanReport) -> Vec<String> {
    let summary = &report.summary;
    let left_out = (summary.left_out > 0)
        .then(|| format!("left out by --min-severity: {}", count(summary.left_out, "finding")));
    let known = (summary.known > 0)
        .then(|| format!("known to the baseline, so no reason to fail: {}", count(summary.known, "finding")));
    [Some(read(report)), left_out, known, not_judged(summary), report.nothing_judged()]
        .into_iter()
        .flatten()
        .collect()
}

fn read(report: &ScanReport) -> String {
    let Summary { files, documents, workloads, images, results, .. } = &report.summary;
    let inputs = if report.is_of_cluster {
        count(*documents, "object")
    } else {
        format!("{}, {}", count(*files, "file"), count(*documents, "document"))
    };
    format!(
        "{inputs}, {} and {} read: {} fail, {} error, {} warn, {} skip, {} pass",
        count(*workloads, "workload"),
        count(*images, "image"),
        results.fail,
        results.error,
        results.warn,
        results.skip,
        results.pass,
    )
}

/// What was met and not judged.
fn not_judged(summary: &Summary) -> Option<String> {
    let mut parts = Vec::new();
    if summary.templates > 0 {
        parts.push(format!("{} skipped", count(summary.templates, "raw template")));
    }
    if summary.uncovered_images > 0 {
        let of = match summary.uncovered_kinds {
            0 => String::new(),
            kinds => format!(", of {} not covered", count(kinds, "kind")),
        };
        parts.push(format!("{}{of}", count(summary.uncovered_images, "image")));
    }
    (!parts.is_empty()).then(|| format!("not judged: {}", parts.join("; ")))
}

pub(super) fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
