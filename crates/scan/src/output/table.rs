//! `-o table`: for people. Findings are grouped by file; each has a row of aligned cells, and its message below.

use std::io::{self, Write};

use anstyle::AnsiColor;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;
use unicode_width::UnicodeWidthStr;

use super::Style;
use crate::report::{Exemption, FindingEntry, ScanReport, Summary};

const INDENT: &str = "  ";
const GAP: &str = "  ";

/// Columns that are cut when a row is too wide: names. The message repeats the container's.
const WORKLOAD: usize = 4;
const CONTAINER: usize = 5;
const COLUMNS: usize = 6;

/// Shortest width of a cut name, in columns of the terminal.
const MIN_NAME: usize = 8;

/// Longest name without a terminal, in characters.
const MAX_NAME: usize = 253;

/// Smallest width to which messages are folded.
const MIN_MESSAGE: usize = 20;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    for group in report.findings.chunk_by(|one, other| one.place.file == other.place.file) {
        write_group(group, out, style)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", summary_line(&report.summary))?;
    for line in not_judged_line(&report.summary).into_iter().chain(report.nothing_judged()) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn write_group(group: &[FindingEntry], out: &mut dyn Write, style: Style) -> io::Result<()> {
    let rows: Vec<[String; COLUMNS]> = group.iter().map(cells).collect();
    let layout = Layout::of(&rows, style.width);
    for (finding, row) in group.iter().zip(&rows) {
        layout.write_row(finding, row, out, style)?;
        for text in std::iter::once(finding.message.clone()).chain(finding.exemption.as_ref().map(exempt)) {
            for line in fold(&text, style.width) {
                writeln!(out, "{INDENT}{line}")?;
            }
        }
    }
    Ok(())
}

fn exempt(exemption: &Exemption) -> String {
    match &exemption.expires {
        Some(last) => format!("exempt until {last}: {}", exemption.reason),
        None => format!("exempt: {}", exemption.reason),
    }
}

fn cells(finding: &FindingEntry) -> [String; COLUMNS] {
    let place = &finding.place;
    let object = match &place.namespace {
        Some(namespace) => format!("{} {}/{}", name(&place.kind), name(namespace), name(&place.name)),
        None => format!("{} {}", name(&place.kind), name(&place.name)),
    };
    [
        format!("{}:{}:{}", place.file.terminal(), place.line, place.column),
        finding.result.as_str().to_owned(),
        finding.severity.as_str().to_owned(),
        finding.rule.to_owned(),
        object,
        name(&place.container),
    ]
}

/// Kubernetes limits names to 253 characters; a manifest can contain longer ones.
fn name(text: &UntrustedText) -> String {
    let text = text.terminal();
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Widths of a group's columns, in cells of a terminal.
struct Layout {
    widths: [usize; COLUMNS],
    /// Whether the position is on its own line: it is never cut, because people copy it.
    split: bool,
}

impl Layout {
    fn of(rows: &[[String; COLUMNS]], limit: Option<usize>) -> Self {
        let mut widths = [0; COLUMNS];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut layout = Self { widths, split: false };
        if let Some(limit) = limit {
            layout.shrink(limit);
            if layout.excess(limit) > 0 {
                layout = Self { widths, split: true };
                layout.shrink(limit);
            }
        }
        layout
    }

    fn excess(&self, limit: usize) -> usize {
        let first = usize::from(self.split);
        let indent = if self.split { INDENT.len() } else { 0 };
        let cells: usize = self.widths.iter().skip(first).sum();
        (indent + cells + GAP.len() * (COLUMNS - first - 1)).saturating_sub(limit)
    }

    fn shrink(&mut self, limit: usize) {
        for column in [WORKLOAD, CONTAINER] {
            let spare = self.widths[column].saturating_sub(MIN_NAME);
            self.widths[column] -= spare.min(self.excess(limit));
        }
    }

    fn write_row(
        &self,
        finding: &FindingEntry,
        row: &[String; COLUMNS],
        out: &mut dyn Write,
        style: Style,
    ) -> io::Result<()> {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&self.widths).enumerate() {
            let cell = cut(cell, width);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            line.push_str(&style.paint(cell_style(column, finding), &cell));
            match column {
                0 if self.split => line.extend(["\n", INDENT]),
                CONTAINER => {}
                _ => line.extend([padding.as_str(), GAP]),
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

fn cell_style(column: usize, finding: &FindingEntry) -> anstyle::Style {
    match column {
        0 | 3 => anstyle::Style::new().bold(),
        1 => match finding.result {
            Outcome::Fail | Outcome::Error => AnsiColor::Red.on_default().bold(),
            Outcome::Warn => AnsiColor::Yellow.on_default(),
            Outcome::Pass => AnsiColor::Green.on_default(),
            Outcome::Skip => anstyle::Style::new().dimmed(),
        },
        2 if matches!(finding.severity, Severity::Critical | Severity::High) => AnsiColor::Red.on_default(),
        _ => anstyle::Style::new(),
    }
}

/// The start of a text that fits, with an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut head = String::new();
    for c in text.chars() {
        head.push(c);
        if head.width() >= width {
            head.pop();
            break;
        }
    }
    head.push('…');
    head
}

fn fold(message: &str, width: Option<usize>) -> Vec<String> {
    match width {
        None => vec![message.to_owned()],
        Some(width) => {
            let width = width.saturating_sub(INDENT.len()).max(MIN_MESSAGE);
            textwrap::wrap(message, width).into_iter().map(std::borrow::Cow::into_owned).collect()
        }
    }
}

fn summary_line(summary: &Summary) -> String {
    let Summary { files, documents, workloads, images, results, .. } = summary;
    format!(
        "{}, {}, {} and {} read: {} fail, {} error, {} warn, {} skip, {} pass",
        count(*files, "file"),
        count(*documents, "document"),
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
fn not_judged_line(summary: &Summary) -> Option<String> {
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

fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
