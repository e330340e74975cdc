//! The rules' documentation, rendered from their metadata: their pages, what `tagwatch explain` prints, and the tables
//! of the README and of `tagwatch rules`.

use std::fmt::Write as _;

use crate::policy::Profile;
use crate::rules::{self, RuleMeta};

/// A rule's page for docs/rules.
pub fn render_rule_markdown(meta: &RuleMeta) -> String {
    let RuleMeta { id, summary, category, since, why, bad, good, fix, .. } = meta;
    format!(
        "# {id}\n\n{summary}.\n\n\
         | Policy | Category | Severity | Result | Since |\n|---|---|---|---|---|\n\
         | `{policy}` | {category} | {severity} | {result} | {since} |\n\n\
         On in the profiles: {profiles}.\n\n\
         ## Why it matters\n\n{why}\n\n{parameters}\
         ## Bad example\n\n```yaml\n{bad}```\n\n\
         ## Good example\n\n```yaml\n{good}```\n\n\
         ## How to fix it\n\n{fix}\n",
        policy = meta.group.as_str(),
        severity = severity(meta),
        result = meta.outcome.as_str(),
        profiles = profiles(meta),
        parameters = parameters(meta),
    )
}

/// A rule's page for a terminal: 80 columns at most, no escape sequences.
pub fn render_rule_text(meta: &RuleMeta) -> String {
    let RuleMeta { id, summary, category, since, .. } = meta;
    format!(
        "{id}\n\n{summary}.\n\n\
         Policy:    {policy}\nCategory:  {category}\nSeverity:  {severity}\nResult:    {result}\n\
         Since:     {since}\nProfiles:  {profiles}\n\n\
         WHY IT MATTERS\n\n{why}\n\
         BAD EXAMPLE\n\n{bad}\n\
         GOOD EXAMPLE\n\n{good}\n\
         HOW TO FIX IT\n\n{fix}",
        policy = meta.group.as_str(),
        severity = severity(meta),
        result = meta.outcome.as_str(),
        profiles = profiles(meta),
        why = indent(meta.why),
        bad = indent(meta.bad),
        good = indent(meta.good),
        fix = indent(meta.fix),
    )
}

/// Every rule as a table for a terminal.
pub fn render_rule_table() -> String {
    let width = rules::all().map(|meta| meta.id.len()).max().unwrap_or_default();
    let mut table = row(width, ["RULE", "POLICY", "SEVERITY", "RESULT", "DEFAULT", "SUMMARY"]);
    for meta in rules::all() {
        table.push_str(&row(width, cells(meta)));
    }
    table
}

/// Every rule as a Markdown table; `pages` is the path of the rules' pages, such as `docs/rules`.
pub fn render_rule_markdown_table(pages: &str) -> String {
    let mut table = String::from(
        "| Rule | Policy | Severity | Result | Default | What it finds |\n|---|---|---|---|---|---|\n",
    );
    for meta in rules::all() {
        let [id, policy, severity, result, default, summary] = cells(meta);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| [`{id}`]({pages}/{id}.md) | `{policy}` | {severity} | {result} | {default} | {summary} |"
        );
    }
    table
}

fn severity(meta: &RuleMeta) -> &'static str {
    meta.severity.as_str()
}

/// The profiles that have a rule on.
fn profiles(meta: &RuleMeta) -> String {
    let on = Profile::ALL.into_iter().filter(|profile| profile.rules().is_enabled(meta.id));
    let names: Vec<&str> = on.map(Profile::as_str).collect();
    if names.is_empty() { "none; a policy can switch it on".to_owned() } else { names.join(", ") }
}

fn parameters(meta: &RuleMeta) -> String {
    if meta.parameters.is_empty() {
        return String::new();
    }
    let mut section = String::from("## Parameters\n\n");
    for parameter in meta.parameters {
        // Writing to a string cannot fail.
        let _ = writeln!(section, "- `{}`: {}", parameter.as_str(), parameter.description());
    }
    section + "\n"
}

fn cells(meta: &RuleMeta) -> [&'static str; 6] {
    let default = if meta.enabled { "on" } else { "off" };
    [meta.id, meta.group.as_str(), severity(meta), meta.outcome.as_str(), default, meta.summary]
}

fn row(width: usize, [id, policy, severity, result, default, summary]: [&str; 6]) -> String {
    format!("{id:<width$}  {policy:<17}  {severity:<8}  {result:<6}  {default:<7}  {summary}\n")
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") })
        .collect::<String>()
}
