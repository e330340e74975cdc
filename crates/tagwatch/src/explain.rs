//! `tagwatch rules` and `tagwatch explain`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_core::{docs, rules};

use crate::args::ExplainArgs;
use crate::status::Failure;

pub(crate) fn rules() -> Result<ExitCode, Failure> {
    print(&docs::render_rule_table())
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    match rules::find(&args.rule) {
        Some(rule) => print(&docs::render_rule_text(rule)),
        None => Err(Failure::Usage(unknown(&args.rule))),
    }
}

fn unknown(rule: &str) -> anyhow::Error {
    match rules::closest(rule) {
        Some(closest) => anyhow!("no rule is named {rule:?}; did you mean {}?", closest.id),
        None => anyhow!("no rule is named {rule:?}; `tagwatch rules` lists them"),
    }
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
