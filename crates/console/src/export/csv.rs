//! Comma-separated values (RFC 4180).

use tagwatch_core::text::UntrustedText;

use crate::record::IssueRecord;

type Column = (&'static str, fn(&IssueRecord) -> String);

const COLUMNS: [Column; 15] = [
    ("severity", |issue| issue.severity.to_owned()),
    ("result", |issue| issue.result.to_owned()),
    ("policy", |issue| issue.policy.to_owned()),
    ("rule", |issue| issue.rule.to_owned()),
    ("namespace", |issue| issue.namespace.clone()),
    ("kind", |issue| issue.kind.clone()),
    ("name", |issue| issue.name.clone()),
    ("container", |issue| issue.container.clone()),
    ("containerType", |issue| issue.container_type.to_owned()),
    ("image", |issue| issue.image.clone()),
    ("firstSeen", |issue| issue.first_seen.clone()),
    ("ageSeconds", |issue| issue.age_seconds.to_string()),
    ("exemption", |issue| {
        issue.exemption.as_ref().map_or_else(String::new, |exemption| exemption.reason.clone())
    }),
    ("message", |issue| issue.message.clone()),
    ("id", |issue| issue.id.clone()),
];

pub(super) fn table(issues: &[IssueRecord]) -> String {
    let mut table = line(COLUMNS.map(|(name, _)| name.to_owned()));
    for issue in issues {
        table.push_str(&line(COLUMNS.map(|(_, value)| value(issue))));
    }
    table
}

fn line(cells: [String; 15]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// A cell that spreadsheets do not run as a formula. Formulas begin with one of four characters; an apostrophe before it
/// marks the cell as text (OWASP, "CSV Injection"). Some programs skip control characters first, so those are escaped.
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
