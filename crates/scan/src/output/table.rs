//! `-o table`: for people. A block for each container: where it is, its image, the rules that speak, and how to fix it.

use std::io::{self, Write};

use anstyle::AnsiColor;
use tagwatch_core::outcome::{Outcome, Severity};
use unicode_width::UnicodeWidthStr;

use super::blocks::{self, Block};
use super::columns::{Cell, Columns, MAX_TEXT, cut, fold, wrap};
use super::{Style, summary};
use crate::report::{FindingEntry, ScanReport};

const INDENT: &str = "  ";
const GAP: &str = "  ";

/// Shortest width of a cut name, in columns of the terminal.
const MIN_NAME: usize = 8;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write, style: Style) -> io::Result<()> {
    for block in Block::all(report) {
        for line in lines(&block, style) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    let lines = summary::lines(report);
    lines.iter().flat_map(|line| wrap(line, style.width)).try_for_each(|line| writeln!(out, "{line}"))
}

/// The block in lines, also for formats that show one.
pub(super) fn lines(block: &Block<'_>, style: Style) -> Vec<String> {
    let mut lines = head(block, style);
    let image = match block.image.image.terminal() {
        image if image.is_empty() => "no image".to_owned(),
        image => format!("image: {}", cut(&image, MAX_TEXT)),
    };
    // Not folded: people copy it.
    lines.push(format!("{INDENT}{image}"));
    let rows: Vec<Vec<Cell>> = block.findings.iter().map(|finding| cells(finding)).collect();
    let columns = Columns::of(GAP, &rows);
    for (finding, row) in block.findings.iter().zip(&rows) {
        lines.push(format!("{INDENT}{}", columns.line(row, style)));
        let texts = std::iter::once(blocks::reason(finding).to_owned()).chain(blocks::excuse(finding));
        lines.extend(texts.flat_map(|text| fold(&text, "    ", style.width)));
    }
    lines.extend(block.fixes().into_iter().flat_map(|fix| fold(&format!("fix: {fix}"), INDENT, style.width)));
    lines
}

/// The place, the object and the container; on a narrow terminal in two lines, with names cut.
fn head(block: &Block<'_>, style: Style) -> Vec<String> {
    let place = &block.image.place;
    let (object, container) = (blocks::object(place), blocks::name(&place.container));
    if !place.is_in_file {
        // The object says it all.
        let object = style.paint(anstyle::Style::new().bold(), &object);
        return vec![[object.as_str(), &container].join(GAP).trim_end().to_owned()];
    }
    let at = blocks::place(place);
    let at_painted = style.paint(anstyle::Style::new().bold(), &at);
    let whole = || [at.as_str(), &object, &container].map(UnicodeWidthStr::width).iter().sum::<usize>();
    let Some(limit) = style.width.filter(|limit| whole() + 2 * GAP.len() > *limit) else {
        return vec![[at_painted.as_str(), &object, &container].join(GAP).trim_end().to_owned()];
    };
    let room = limit.saturating_sub(INDENT.len() + GAP.len());
    let beside = room.saturating_sub(object.width()).max(MIN_NAME);
    let container = cut(&container, beside);
    let object = cut(&object, room.saturating_sub(container.width()).max(MIN_NAME));
    vec![at_painted, format!("{INDENT}{object}{GAP}{container}").trim_end().to_owned()]
}

fn cells(finding: &FindingEntry) -> Vec<Cell> {
    let FindingEntry { place, result, severity, rule, .. } = finding;
    let at = place.is_in_file.then(|| Cell::from(format!("{}:{}", place.line, place.column)));
    let said = [
        Cell::from(result.as_str()).colored(result_color(*result)),
        Cell::from(severity.as_str()).colored(severity_color(*severity)),
        Cell::from(*rule).colored(anstyle::Style::new().bold()),
    ];
    at.into_iter().chain(said).collect()
}

pub(super) fn result_color(result: Outcome) -> anstyle::Style {
    match result {
        Outcome::Fail | Outcome::Error => AnsiColor::Red.on_default().bold(),
        Outcome::Warn => AnsiColor::Yellow.on_default(),
        Outcome::Pass => AnsiColor::Green.on_default(),
        Outcome::Skip => anstyle::Style::new().dimmed(),
    }
}

pub(super) fn severity_color(severity: Severity) -> anstyle::Style {
    match severity {
        Severity::Critical | Severity::High => AnsiColor::Red.on_default(),
        _ => anstyle::Style::new(),
    }
}
