//! Issues as rows of a table.

use anstyle::AnsiColor;
use k8s_openapi::jiff::Timestamp;
use tagwatch_client::StoredIssue;
use tagwatch_core::outcome::Severity;
use tagwatch_scan::output::Style;
use tagwatch_scan::output::columns::{Cell, Columns};

use super::age::age_of;
use super::block;

const GAP: &str = "   ";
/// Narrowest image before a table gives way to blocks, in columns.
const MIN_IMAGE: usize = 24;

/// A table of issues, as wide as the terminal permits.
pub(super) struct Rows {
    columns: Columns,
    with_namespace: bool,
    is_wide: bool,
    /// Whether the terminal is wide enough for a table.
    is_table: bool,
    style: Style,
}

impl Rows {
    /// The layout for these issues.
    pub(super) fn new(
        issues: &[StoredIssue],
        with_namespace: bool,
        is_wide: bool,
        now: Timestamp,
        style: Style,
    ) -> Self {
        let mut rows = vec![header(with_namespace, is_wide)];
        rows.extend(issues.iter().map(|issue| cells(issue, with_namespace, is_wide, now)));
        let mut columns = Columns::of(GAP, &rows);
        let is_table = is_wide || columns.fit(style.width, MIN_IMAGE);
        Self { columns, with_namespace, is_wide, is_table, style }
    }

    /// The header and a row for each issue, or blocks; nothing without an issue.
    pub(super) fn text(&self, issues: &[StoredIssue], now: Timestamp) -> String {
        let mut text = if issues.is_empty() { String::new() } else { self.header() };
        text.extend(issues.iter().map(|issue| self.issue(issue, now)));
        text
    }

    /// The header of a table; blocks have none.
    pub(super) fn header(&self) -> String {
        if self.is_table { self.line(&header(self.with_namespace, self.is_wide)) } else { String::new() }
    }

    /// An issue as a row or as a block.
    pub(super) fn issue(&self, issue: &StoredIssue, now: Timestamp) -> String {
        if self.is_table { self.line(&self.cells(issue, now)) } else { block::short(issue, now, self.style) }
    }

    fn cells(&self, issue: &StoredIssue, now: Timestamp) -> Vec<Cell> {
        cells(issue, self.with_namespace, self.is_wide, now)
    }

    /// Whether two states of an issue are shown alike.
    pub(super) fn are_alike(&self, one: &StoredIssue, other: &StoredIssue, now: Timestamp) -> bool {
        self.cells(one, now) == self.cells(other, now)
    }

    fn line(&self, row: &[Cell]) -> String {
        self.columns.line(row, self.style) + "\n"
    }
}

fn header(with_namespace: bool, is_wide: bool) -> Vec<Cell> {
    let names = ["KIND", "NAME", "CONTAINER", "RULE", "SEVERITY", "RESULT", "AGE", "IMAGE"];
    let first = with_namespace.then_some("NAMESPACE");
    let wide = if is_wide { &["REPORT", "MESSAGE"][..] } else { &[] };
    first.into_iter().chain(names).chain(wide.iter().copied()).map(Cell::from).collect()
}

fn cells(issue: &StoredIssue, with_namespace: bool, is_wide: bool, now: Timestamp) -> Vec<Cell> {
    let StoredIssue { namespace, kind, name, container, image, rule, report, message, .. } = issue;
    let mut cells: Vec<Cell> = with_namespace.then(|| namespace.into()).into_iter().collect();
    cells.extend([kind, name, container, rule].map(Cell::from));
    cells.push(Cell::from(&issue.severity).colored(severity_color(issue)));
    cells.push(Cell::from(&issue.result).colored(result_color(issue)));
    cells.push(age_of(issue, now).into());
    cells.push(image.into());
    if is_wide {
        cells.extend([report, message].map(Cell::from));
    }
    cells
}

/// As in the table of a scan.
pub(super) fn severity_color(issue: &StoredIssue) -> anstyle::Style {
    match Severity::parse(issue.severity.raw()) {
        Some(Severity::Critical | Severity::High) => AnsiColor::Red.on_default(),
        _ => anstyle::Style::new(),
    }
}

fn result_color(issue: &StoredIssue) -> anstyle::Style {
    match issue.result.raw() {
        "fail" | "error" => AnsiColor::Red.on_default().bold(),
        "warn" | "expired" => AnsiColor::Yellow.on_default(),
        super::watch::RESOLVED => AnsiColor::Green.on_default(),
        _ => anstyle::Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn issue(name: &str, image: &str) -> StoredIssue {
        StoredIssue {
            namespace: "shop".into(),
            kind: "Deployment".into(),
            name: name.into(),
            container: "api".into(),
            image: image.into(),
            rule: "stale-pull-policy".into(),
            severity: "critical".into(),
            result: "fail".into(),
            since: Some(Timestamp::UNIX_EPOCH),
            message: "a message".into(),
            ..StoredIssue::default()
        }
    }

    fn text(issues: &[StoredIssue], is_wide: bool, width: Option<usize>) -> String {
        let now = Timestamp::from_second(300).unwrap();
        Rows::new(issues, true, is_wide, now, Style { color: false, width }).text(issues, now)
    }

    #[test]
    fn a_narrow_terminal_gets_blocks_that_keep_the_image() {
        let issues = [
            issue("cart", "registry.example.com/shop/cart:latest"),
            issue("名前", &format!("registry.example.com/{}:1\u{1b}[31m", "deep/".repeat(12))),
        ];
        insta::assert_snapshot!(text(&issues, false, Some(60)), @"
        shop/Deployment/cart: stale-pull-policy (critical, fail) for
          5m
          container api: registry.example.com/shop/cart:latest
        shop/Deployment/名前: stale-pull-policy (critical, fail) for
          5m
          container api:
            registry.example.com/deep/deep/deep/deep/deep/deep/deep/
            deep/deep/deep/deep/deep/:1\\u{1b}[31m
        ");
        for width in [20, 40, 60, 80, 100, 120] {
            let text = text(&issues, false, Some(width));
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
        }
    }

    #[test]
    fn an_image_gives_way_in_the_middle_where_the_rest_fits() {
        let issues = [issue("cart", "registry.example.com/shop/cart:latest")];
        insta::assert_snapshot!(text(&issues, false, Some(115)), @"
        NAMESPACE   KIND         NAME   CONTAINER   RULE                SEVERITY   RESULT   AGE   IMAGE
        shop        Deployment   cart   api         stale-pull-policy   critical   fail     5m    registry.exa…/cart:latest
        ");
        assert!(text(&issues, false, None).contains("registry.example.com/shop/cart:latest\n"));
        assert!(
            text(&issues, true, Some(60))
                .ends_with("registry.example.com/shop/cart:latest            a message\n")
        );
    }
}
