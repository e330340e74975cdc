//! `-o wide`: a line for each finding, as wide as it gets, for `grep` and a large screen.

use std::io::{self, Write};

use super::blocks;
use super::columns::{Cell, Columns, wrap};
use super::table::{result_color, severity_color};
use super::{Style, summary};
use crate::report::{FindingEntry, ScanReport};

const HEADINGS: [&str; 8] =
    ["PLACE", "RESULT", "SEVERITY", "RULE", "WORKLOAD", "CONTAINER", "IMAGE", "MESSAGE"];

pub(super) fn write(report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    if !report.findings.is_empty() {
        let headings = HEADINGS.map(Cell::from).to_vec();
        let rows: Vec<Vec<Cell>> =
            std::iter::once(headings).chain(report.findings.iter().map(cells)).collect();
        let columns = Columns::of("  ", &rows);
        for row in &rows {
            writeln!(out, "{}", columns.line(row, style))?;
        }
        writeln!(out)?;
    }
    let lines = summary::lines(report);
    lines.iter().flat_map(|line| wrap(line, style.width)).try_for_each(|line| writeln!(out, "{line}"))
}

fn cells(finding: &FindingEntry) -> Vec<Cell> {
    let place = &finding.place;
    let reason = blocks::reason(finding);
    let message = match blocks::excuse(finding) {
        Some(excuse) => format!("{reason}; {excuse}"),
        None => reason.to_owned(),
    };
    vec![
        Cell::from(blocks::place(place)),
        Cell::from(finding.result.as_str()).colored(result_color(finding.result)),
        Cell::from(finding.severity.as_str()).colored(severity_color(finding.severity)),
        Cell::from(finding.rule),
        Cell::from(blocks::object(place)),
        Cell::from(&place.container),
        Cell::from(&finding.image),
        Cell::from(message),
    ]
}
