//! Comma-separated values (RFC 4180).

use tagwatch_core::text::UntrustedText;

use crate::record::IssueRecord;

const COLUMNS: [&str; 15] = [
    "severity",
    "result",
    "policy",
    "rule",
    "namespace",
    "kind",
    "name",
    "container",
    "containerType",
    "image",
    "firstSeen",
    "ageSeconds",
    "exemption",
    "message",
    "id",
];

/// A header and a line for each issue.
pub(super) fn table(issues: &[IssueRecord]) -> String {
    let mut table = line(COLUMNS.map(str::to_owned));
    for issue in issues {
        table.push_str(&line(cells(issue)));
    }
    table
}

fn cells(issue: &IssueRecord) -> [String; 15] {
    let exemption = issue.exemption.as_ref().map(|exemption| exemption.reason.clone());
    [
        issue.severity.to_owned(),
        issue.result.to_owned(),
        issue.policy.to_owned(),
        issue.rule.to_owned(),
        issue.namespace.clone(),
        issue.kind.clone(),
        issue.name.clone(),
        issue.container.clone(),
        issue.container_type.to_owned(),
        issue.image.clone(),
        issue.first_seen.clone(),
        issue.age_seconds.to_string(),
        exemption.unwrap_or_default(),
        issue.message.clone(),
        issue.id.clone(),
    ]
}

fn line(cells: [String; 15]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// A cell that no spreadsheet takes for a formula: those begin with one of four signs, and an apostrophe before makes
/// text of them (OWASP, "CSV Injection"). Control characters, which some programs skip before they look, are escaped.
fn cell(text: String) -> String {
    let text = UntrustedText::from(text).label();
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', '"', ' ', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let cells = ["=1+1", "+1", "-1", "@A1", " =1", "\t=1", "\r=1", "a,b", "a\"b", "plain"];
        assert_eq!(
            cells.map(|text| cell(text.to_owned())),
            [
                "\"'=1+1\"",
                "\"'+1\"",
                "\"'-1\"",
                "\"'@A1\"",
                "\"' =1\"",
                "\\u{9}=1",
                "\\u{d}=1",
                "\"a,b\"",
                "\"a\"\"b\"",
                "plain"
            ]
        );
    }
}
