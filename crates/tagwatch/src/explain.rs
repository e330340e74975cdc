//! `tagwatch explain`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_core::{docs, rules};
use tagwatch_scan::output::columns::wrap;

use crate::args::ExplainArgs;
use crate::status::Failure;
use crate::style::style;

pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    match rules::find(&args.rule) {
        Some(rule) => {
            let text = narrowed(&docs::render_rule_text(rule), style(&io::stdout()).width);
            io::stdout().write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        None => Err(Failure::Usage(unknown(&args.rule))),
    }
}

/// Headings of a rule's text whose paragraphs are prose; the other ones have manifests below them.
const PROSE: [&str; 2] = ["WHY IT MATTERS", "HOW TO FIX IT"];

/// The text with its paragraphs joined and wrapped, for a terminal that is narrower than they are.
fn narrowed(text: &str, width: Option<usize>) -> String {
    if text.lines().all(|line| wrap(line, width).len() <= 1) {
        return text.to_owned();
    }
    let mut lines: Vec<String> = Vec::new();
    let (mut is_prose, mut is_open) = (false, false);
    for line in text.lines() {
        let words = line.trim_start();
        if !words.is_empty() && words.len() == line.len() {
            is_prose = PROSE.contains(&words);
        }
        let is_item = words.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        match lines.last_mut() {
            Some(paragraph) if is_open && is_prose && !words.is_empty() && !is_item => {
                paragraph.push(' ');
                paragraph.push_str(words);
            }
            _ => lines.push(line.to_owned()),
        }
        is_open = !words.is_empty() && words.len() < line.len();
    }
    lines.iter().flat_map(|line| wrap(line, width)).map(|line| line + "\n").collect()
}

fn unknown(rule: &str) -> anyhow::Error {
    match rules::closest(rule) {
        Some(closest) => anyhow!("no rule is named {rule:?}; did you mean {}?", closest.id),
        None => anyhow!("no rule is named {rule:?}; `tagwatch rules` lists them"),
    }
}
