//! The page of one workload.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use tagwatch_core::issue::{ImageChange, Interval};

use super::absence::Missing;
use super::containers::Containers;
use super::owner::Owner;
use super::rows::{IssueRow, WorkloadRow, interval_address};
use crate::auth::AuthenticatedRequest;
use crate::filter::{Filter, OTHER};
use crate::frame::Frame;
use crate::http::{Console, html};
use crate::snapshot::{Workload, WorkloadIssue};
use crate::text::{DisplayInterval, DisplayTime, HtmlText, ImageText};
use crate::url::address;
use crate::view::View;

/// Rows of the table of exempt issues.
const MAX_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "workload.html")]
struct WorkloadPage<'a> {
    frame: &'a Frame,
    row: WorkloadRow,
    owner: Owner,
    namespace_href: String,
    reason: Option<HtmlText>,
    containers: Containers,
    exempt: Table<IssueRow>,
    issues_href: String,
    resolved: Vec<Resolved>,
    changes: Vec<Change>,
}

/// The first [`MAX_ROWS`] rows.
struct Table<T> {
    rows: Vec<T>,
    more: usize,
}

struct Resolved {
    href: String,
    rule: HtmlText,
    container: HtmlText,
    interval: DisplayInterval,
}

struct Change {
    container: HtmlText,
    from: ImageText,
    to: ImageText,
    at: DisplayTime,
}

pub(super) async fn workload(
    State(console): State<Arc<Console>>,
    request: AuthenticatedRequest,
    name: Result<Path<(String, String, String)>, PathRejection>,
) -> Response {
    let (namespace, kind, name) = name.map(|Path(name)| name).unwrap_or_default();
    if kind == OTHER && name == OTHER {
        return Redirect::to(&violations(&namespace)).into_response();
    }
    let full_name = (namespace.as_str().into(), kind.as_str().into(), name.as_str().into());
    let Some(workload) = request.view.workload(&full_name) else {
        if let Some(spelled) = request.view.workload_written_otherwise(&full_name) {
            let Workload { namespace, kind, name, .. } = spelled;
            return Redirect::temporary(&address("/workloads", &[namespace, kind, name])).into_response();
        }
        let missing = Missing { namespace: &namespace, workload: Some((&kind, &name)) };
        return missing.refuse(&request, &*console.source);
    };
    html(StatusCode::OK, &WorkloadPage::new(&request.frame, &request.view, workload))
}

/// Where a dashboard's row for [`OTHER`] workloads leads: the violations of the namespace, or of all.
fn violations(namespace: &str) -> String {
    let namespaces = if namespace == OTHER { Vec::new() } else { vec![namespace.into()] };
    Filter { namespaces, ..Filter::of_violations() }.address()
}

impl<'a> WorkloadPage<'a> {
    fn new(frame: &'a Frame, view: &View, workload: &Workload) -> Self {
        let now = view.now;
        let mut issues: Vec<_> = workload.issues.iter().collect();
        issues.sort_by_key(|issue| (issue.severity, issue.outcome));
        issues.retain(|issue| issue.is_exempt());
        let row = |issue| IssueRow::new(WorkloadIssue { workload, issue }, now);
        let resolved = workload.resolved().into_iter();
        let mut changes: Vec<_> = workload.image_changes.iter().collect();
        changes.sort_by_key(|change| Reverse(change.at));
        Self {
            frame,
            row: WorkloadRow::new(workload, now),
            owner: Owner::new(view, workload),
            namespace_href: address("/namespaces", &[&workload.namespace]),
            reason: workload.reason.as_deref().map(HtmlText::line),
            containers: Containers::new(workload, now),
            exempt: Table::new(&issues, |issue| row(issue)),
            issues_href: Filter::of_workload(workload).address(),
            resolved: resolved
                .map(|(closed, (from, _))| Resolved::new(workload, closed, from, now))
                .collect(),
            changes: changes.into_iter().map(|change| Change::new(change, now)).collect(),
        }
    }
}

impl<T> Table<T> {
    fn new<'a, S>(all: &'a [S], row: impl Fn(&'a S) -> T) -> Self {
        Self { rows: all.iter().take(MAX_ROWS).map(row).collect(), more: all.len().saturating_sub(MAX_ROWS) }
    }
}

impl Resolved {
    /// `from` is the start of the whole time of the finding, of which the closed interval can be a part.
    fn new(workload: &Workload, closed: &Interval, from: Timestamp, now: Timestamp) -> Self {
        Self {
            href: interval_address(workload, closed),
            rule: HtmlText::short(&closed.rule),
            container: HtmlText::short(&closed.container),
            interval: DisplayInterval::new(from, Some(closed.until), now),
        }
    }
}

impl Change {
    fn new(change: &ImageChange, now: Timestamp) -> Self {
        Self {
            container: HtmlText::short(&change.container),
            from: ImageText::new(&change.from),
            to: ImageText::new(&change.to),
            at: DisplayTime::new(change.at, now),
        }
    }
}
