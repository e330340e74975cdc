//! `tagwatch rules`.

use std::io::{self, Write};
use std::process::ExitCode;

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::docs;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::policy::Profile;
use tagwatch_core::rules::{self, Parameter, RuleGroup, RuleMeta};
use tagwatch_core::structured;
use tagwatch_scan::output::columns::fold;
use unicode_width::UnicodeWidthStr;

use crate::args::{RulesArgs, RulesFormat};
use crate::status::Failure;
use crate::style::style;

/// All rules. Fields are only ever added.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RuleList {
    /// Name and version of this contract.
    #[schemars(extend("const" = RuleList::SCHEMA))]
    schema: &'static str,
    /// Every rule, in the order of a report.
    rules: Vec<RuleEntry>,
}

impl RuleList {
    /// Value of [`Self::schema`].
    pub(crate) const SCHEMA: &'static str = "tagwatch.dev/rules/v1";

    fn new() -> Self {
        Self { schema: Self::SCHEMA, rules: rules::all().map(RuleEntry::new).collect() }
    }
}

/// A rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleEntry {
    /// Name of the rule, as reports and policies use it.
    id: &'static str,
    /// The group it belongs to: `policy` of its results.
    #[schemars(extend("enum" = RuleGroup::ALL.map(RuleGroup::as_str)))]
    policy: &'static str,
    /// Category of its results.
    category: &'static str,
    /// The highest severity that it gives.
    #[schemars(extend("enum" = Severity::ALL.map(Severity::as_str)))]
    severity: &'static str,
    /// The worst result that it gives.
    #[schemars(extend("enum" = Outcome::ALL.map(Outcome::as_str)))]
    result: &'static str,
    /// Whether the recommended profile has it on.
    default: bool,
    /// The profiles that have it on.
    profiles: Vec<&'static str>,
    /// The parameters that a policy can set.
    parameters: Vec<&'static str>,
    /// What it finds, in one line.
    summary: &'static str,
    /// First version of tagwatch that has it.
    since: &'static str,
}

impl RuleEntry {
    pub(crate) fn new(meta: &'static RuleMeta) -> Self {
        let on = Profile::ALL.into_iter().filter(|profile| profile.rules().is_enabled(meta.id));
        Self {
            id: meta.id,
            policy: meta.group.as_str(),
            category: meta.category,
            severity: meta.severity.as_str(),
            result: meta.outcome.as_str(),
            default: meta.enabled,
            profiles: on.map(Profile::as_str).collect(),
            parameters: meta.parameters.iter().copied().map(Parameter::as_str).collect(),
            summary: meta.summary,
            since: meta.since,
        }
    }
}

pub(crate) fn rules(args: &RulesArgs) -> Result<ExitCode, Failure> {
    let text = match args.output {
        RulesFormat::Table => table(style(&io::stdout()).width),
        RulesFormat::Json => structured::json(&RuleList::new())?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A table, or blocks on a terminal that is too narrow for it.
fn table(width: Option<usize>) -> String {
    let table = docs::render_rule_table();
    let fits = |width: usize| table.lines().all(|line| line.width() <= width);
    if width.is_none_or(fits) {
        table
    } else {
        rules::all().map(|meta| block(meta, width)).collect::<Vec<_>>().join("\n")
    }
}

fn block(meta: &RuleMeta, width: Option<usize>) -> String {
    let RuleMeta { id, group, severity, outcome, enabled, summary, .. } = meta;
    let state = if *enabled { "on" } else { "off" };
    let (group, severity, outcome) = (group.as_str(), severity.as_str(), outcome.as_str());
    let mut lines = fold(id, "", width);
    lines.extend(fold(&format!("{group}, {severity}, {outcome}, {state} by default"), "  ", width));
    lines.extend(fold(summary, "  ", width));
    lines.join("\n") + "\n"
}
