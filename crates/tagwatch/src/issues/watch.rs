//! `tagwatch issues --watch`: what becomes of the issues after the list.

use std::io::{self, Write};

use anyhow::Error;
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use tagwatch_client::{
    IssueChange, IssueQuery, IssueUpdate, IssueWatch, ListedIssues, ServerClock, StoredIssue,
};
use tagwatch_core::structured::json_line;

use super::View;
use super::document::IssueEntry;
use super::rows::Rows;
use crate::messages;
use crate::status::Failure;
use crate::style::style;

/// The result of an issue that is over.
pub(super) const RESOLVED: &str = "resolved";

/// A line of `--watch -o json`.
#[derive(Debug, Serialize)]
struct ChangeRecord {
    change: &'static str,
    issue: IssueEntry,
}

/// Writes the list, and then each change until the reader closes the pipe.
pub(super) async fn follow(
    view: View,
    query: &IssueQuery,
    listed: &ListedIssues,
    mut changes: IssueWatch,
    clock: &ServerClock,
) -> Result<(), Failure> {
    let is_wide = view == View::Rows { is_wide: true };
    let rows =
        Rows::new(&listed.issues, query.namespace.is_none(), is_wide, clock.now(), style(&io::stdout()));
    let mut has_header = false;
    let mut opened: Vec<IssueChange> = listed.issues.iter().cloned().map(IssueChange::Opened).collect();
    loop {
        let now = clock.now();
        let mut text = String::new();
        for change in std::mem::take(&mut opened) {
            match view {
                View::Json => text.push_str(&json_line(&record(&change))?),
                _ => text.extend(row(&rows, change, now)),
            }
        }
        if !text.is_empty() {
            let header = if has_header || view == View::Json { String::new() } else { rows.header() };
            has_header = true;
            let mut out = io::stdout().lock();
            out.write_all((header + &text).as_bytes())?;
            out.flush()?;
        }
        match changes.next().await.map_err(|error| Failure::Api(Error::new(error)))? {
            IssueUpdate::Changes(changes) => opened = changes,
            IssueUpdate::Interrupted(error) => {
                messages::warning(&format!("the watch is interrupted: {error}; trying again"));
            }
        }
    }
}

/// The row of a change; `None` where nothing that a row shows has changed.
fn row(rows: &Rows, change: IssueChange, now: Timestamp) -> Option<String> {
    let shown = match change {
        IssueChange::Opened(issue) => issue,
        IssueChange::Changed { before, now: issue } if rows.are_alike(&before, &issue, now) => return None,
        IssueChange::Changed { now: issue, .. } => *issue,
        IssueChange::Resolved(issue) => StoredIssue { result: RESOLVED.into(), ..issue },
    };
    Some(rows.issue(&shown, now))
}

fn record(change: &IssueChange) -> ChangeRecord {
    let (change, issue) = match change {
        IssueChange::Opened(issue) => ("opened", issue),
        IssueChange::Changed { now, .. } => ("changed", &**now),
        IssueChange::Resolved(issue) => (RESOLVED, issue),
    };
    ChangeRecord { change, issue: IssueEntry::new(issue) }
}
