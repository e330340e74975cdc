//! The rules' documentation, made from their metadata: the page in docs/rules, what `tagwatch explain`
//! prints, and the tables of the README and of `tagwatch rules`.

use std::fmt::Write as _;

use super::{RuleMeta, registry};

/// The rule of that id.
pub fn find(id: &str) -> Option<&'static RuleMeta> {
    metas().find(|meta| meta.id == id)
}

/// The rule whose id is most like a text that is no rule, where one is close enough to be meant.
pub fn closest(unknown: &str) -> Option<&'static RuleMeta> {
    // Longer than any id by far: comparing takes the product of both lengths.
    if unknown.len() > 64 {
        return None;
    }
    let unknown = unknown.to_ascii_lowercase().replace('_', "-");
    let likeness = |meta: &RuleMeta| strsim::normalized_damerau_levenshtein(&unknown, meta.id);
    metas()
        .map(|meta| (likeness(meta), meta))
        .filter(|&(likeness, _)| likeness >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, meta)| meta)
}

/// A rule's page for docs/rules.
pub fn render_markdown(meta: &RuleMeta) -> String {
    format!(
        "# {id}\n\n{summary}.\n\n\
         | Policy | Category | Severity | Result | Since |\n|---|---|---|---|---|\n\
         | `{policy}` | {category} | {severity} | {result} | {since} |\n\n\
         ## Why it matters\n\n{why}\n\n\
         ## Bad example\n\n```yaml\n{bad}```\n\n\
         ## Good example\n\n```yaml\n{good}```\n\n\
         ## How to fix it\n\n{fix}\n",
        id = meta.id,
        summary = meta.summary,
        policy = meta.policy.as_str(),
        category = meta.policy.category(),
        severity = severity(meta),
        result = meta.outcome.as_str(),
        since = meta.since,
        why = meta.why,
        bad = meta.bad,
        good = meta.good,
        fix = meta.fix,
    )
}

/// A rule's page for a terminal: 80 columns at most, no escape sequences.
pub fn render_text(meta: &RuleMeta) -> String {
    format!(
        "{id}\n\n{summary}.\n\n\
         Policy:    {policy}\nCategory:  {category}\nSeverity:  {severity}\nResult:    {result}\n\
         Since:     {since}\n\n\
         WHY IT MATTERS\n\n{why}\n\
         BAD EXAMPLE\n\n{bad}\n\
         GOOD EXAMPLE\n\n{good}\n\
         HOW TO FIX IT\n\n{fix}",
        id = meta.id,
        summary = meta.summary,
        policy = meta.policy.as_str(),
        category = meta.policy.category(),
        severity = severity(meta),
        result = meta.outcome.as_str(),
        since = meta.since,
        why = indent(meta.why),
        bad = indent(meta.bad),
        good = indent(meta.good),
        fix = indent(meta.fix),
    )
}

/// Every rule as a table for a terminal.
pub fn render_table() -> String {
    let mut table = row(["RULE", "POLICY", "SEVERITY", "RESULT", "SUMMARY"]);
    for meta in metas() {
        table.push_str(&row(cells(meta)));
    }
    table
}

/// Every rule as a Markdown table; `pages` is the path of the rules' pages, such as `docs/rules`.
pub fn render_markdown_table(pages: &str) -> String {
    let mut table =
        String::from("| Rule | Policy | Severity | Result | What it finds |\n|---|---|---|---|---|\n");
    for meta in metas() {
        let [id, policy, severity, result, summary] = cells(meta);
        // Writing to a string cannot fail.
        let _ =
            writeln!(table, "| [`{id}`]({pages}/{id}.md) | `{policy}` | {severity} | {result} | {summary} |");
    }
    table
}

fn metas() -> impl Iterator<Item = &'static RuleMeta> {
    registry().iter().map(|rule| rule.meta())
}

fn severity(meta: &RuleMeta) -> &'static str {
    meta.severity.as_str()
}

fn cells(meta: &RuleMeta) -> [&'static str; 5] {
    [meta.id, meta.policy.as_str(), severity(meta), meta.outcome.as_str(), meta.summary]
}

fn row([id, policy, severity, result, summary]: [&str; 5]) -> String {
    format!("{id:<24} {policy:<18} {severity:<9} {result:<7} {summary}\n")
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") })
        .collect::<String>()
}
