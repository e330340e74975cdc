//! `-o markdown`: a table and the fixes, for a comment on a change or the summary of a job. Text of manifests is in code
//! spans and a code block alone, where it is no link, mention, image or markup.

use std::fmt::Write as _;
use std::io::{self, Write};

use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::UntrustedText;

use super::blocks::{self, Block};
use super::columns::{MAX_TEXT, cut};
use super::{Style, summary, table};
use crate::report::{FindingEntry, ScanReport};

/// Most findings in the table. A comment on GitHub holds 65,536 characters, a job summary 1 MiB.
const MAX_ROWS: usize = 100;
/// Most bytes of the fixes.
const MAX_FIXES: usize = 24 << 10;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let results = &report.summary.results;
    writeln!(out, "### tagwatch: {} fail, {} error, {} warn\n", results.fail, results.error, results.warn)?;
    let open: Vec<&FindingEntry> =
        report.findings.iter().filter(|finding| finding.result != Outcome::Pass).collect();
    if !open.is_empty() {
        writeln!(out, "| Severity | Result | Rule | Workload | Container | Image | Place |")?;
        writeln!(out, "|---|---|---|---|---|---|---|")?;
        open.iter().take(MAX_ROWS).try_for_each(|finding| writeln!(out, "{}", row(finding)))?;
        if let Some(more) = open.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
            writeln!(out, "\n{more} more are not shown: `tagwatch scan -o table` lists all.")?;
        }
        write_fixes(report, out)?;
    }
    for line in summary::lines(report) {
        writeln!(out, "\n{line}")?;
    }
    let errors = report.notes.iter().filter(|note| note.code.is_error()).count();
    let errors = u64::try_from(errors).unwrap_or(u64::MAX);
    if errors > 0 {
        writeln!(out, "\n**Not everything was read: {}.**", summary::count(errors, "error"))?;
    }
    Ok(())
}

fn row(finding: &FindingEntry) -> String {
    let FindingEntry { place, image, rule, severity, .. } = finding;
    let result = match finding.known {
        Some(true) => format!("{} (known)", finding.result.as_str()),
        _ => finding.result.as_str().to_owned(),
    };
    let cells = [
        blocks::object(place),
        blocks::name(&place.container),
        cut(&image.terminal(), MAX_TEXT),
        blocks::place(place),
    ];
    let [object, container, image, place] = cells.map(|cell| code(&cell));
    format!(
        "| {} | {result} | {} | {object} | {container} | {image} | {place} |",
        severity.as_str(),
        code(rule)
    )
}

/// The table's own words, in a code block behind a fold.
fn write_fixes(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    let blocks = Block::all(report);
    let mut shown = 0;
    for block in &blocks {
        let lines = table::lines(block, Style::default()).join("\n");
        if text.len() + lines.len() > MAX_FIXES {
            break;
        }
        shown += 1;
        text.extend([lines.as_str(), "\n\n"]);
    }
    if shown < blocks.len() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} more containers are not shown", blocks.len() - shown);
    }
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    writeln!(
        out,
        "\n<details><summary>Why, and how to fix it</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>",
        text.trim_end()
    )
}

/// A code span in a cell of a table, which reads as the text (GFM, sections 4.10 and 6.3): its fence is longer than any
/// run of backticks within, and a pipe is escaped.
fn code(text: &str) -> String {
    let text = UntrustedText::from(text).terminal();
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// Length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}
