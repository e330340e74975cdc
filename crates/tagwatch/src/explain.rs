//! `tagwatch explain`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::rules::RuleMeta;
use tagwatch_core::{docs, rules, structured};
use tagwatch_scan::output::columns::wrap;

use crate::args::{ExplainArgs, ExplainFormat};
use crate::rules::RuleEntry;
use crate::status::Failure;
use crate::style::style;

/// One rule with its texts. Fields are only ever added.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainedRule {
    /// Name and version of this contract.
    #[schemars(extend("const" = ExplainedRule::SCHEMA))]
    schema: &'static str,
    /// As in the list of rules.
    #[serde(flatten)]
    rule: RuleEntry,
    /// Why it matters: Markdown.
    why: &'static str,
    /// YAML with a finding.
    bad: &'static str,
    /// YAML without one.
    good: &'static str,
    /// How to fix it: Markdown.
    fix: &'static str,
}

impl ExplainedRule {
    /// Value of [`Self::schema`].
    pub(crate) const SCHEMA: &'static str = "tagwatch.dev/rule/v1";

    fn new(rule: &'static RuleMeta) -> Self {
        let RuleMeta { why, bad, good, fix, .. } = *rule;
        Self { schema: Self::SCHEMA, rule: RuleEntry::new(rule), why, bad, good, fix }
    }
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let rule = rules::find(&args.rule).ok_or_else(|| Failure::Usage(unknown(&args.rule)))?;
    let text = match args.output {
        ExplainFormat::Text => narrowed(&docs::render_rule_text(rule), style(&io::stdout()).width),
        ExplainFormat::Json => structured::json(&ExplainedRule::new(rule))?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
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
