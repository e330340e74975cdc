//! `tagwatch explain`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_core::{docs, rules};

use crate::args::ExplainArgs;
use crate::status::Failure;

pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    match rules::find(&args.rule) {
        Some(rule) => {
            io::stdout().write_all(docs::render_rule_text(rule).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        None => Err(Failure::Usage(unknown(&args.rule))),
    }
}

fn unknown(rule: &str) -> anyhow::Error {
    match rules::closest(rule) {
        Some(closest) => anyhow!("no rule is named {rule:?}; did you mean {}?", closest.id),
        None => anyhow!("no rule is named {rule:?}; `tagwatch rules` lists them"),
    }
}
