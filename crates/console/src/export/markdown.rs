//! A Markdown table, for a ticket or a wiki.

use tagwatch_core::text::UntrustedText;

use crate::record::IssueRecord;

pub(super) fn table(issues: &[IssueRecord]) -> String {
    let mut table = String::from(
        "| Severity | Result | Rule | Workload | Container | Image | First seen |\n|---|---|---|---|---|---|---|\n",
    );
    for issue in issues {
        table.push_str(&row(issue));
    }
    table
}

fn row(issue: &IssueRecord) -> String {
    let cell = |text: &str| UntrustedText::from(text).markdown();
    format!(
        "| {} | {} | {} | {} {}/{} | {} | {} | {} |\n",
        issue.severity,
        issue.result,
        issue.rule,
        cell(&issue.kind),
        cell(&issue.namespace),
        cell(&issue.name),
        cell(&issue.container),
        cell(&issue.image),
        issue.first_seen,
    )
}
