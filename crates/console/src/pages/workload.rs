//! The page of one workload.

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use tagwatch_core::finding::Outcome;
use tagwatch_core::issue::{ImageChange, Interval};
use tagwatch_core::tag::TagClass;

use super::Frame;
use super::rows::{IssueRow, WorkloadRow, interval_address, place};
use crate::filter::{Filter, address};
use crate::http::{Guest, html};
use crate::snapshot::{ContainerFacts, Found, Workload};
use crate::text::{Moment, Piece, Shown, own_words, seconds, span};

/// Containers, open issues and exempt ones that the page lists, of each.
const LISTED: usize = 50;

#[derive(Template)]
#[template(path = "workload.html")]
struct WorkloadPage<'a> {
    frame: &'a Frame,
    row: WorkloadRow,
    namespace_href: String,
    reason: Option<Shown>,
    containers: Listed<Container>,
    open: Listed<IssueRow>,
    exempt: Listed<IssueRow>,
    /// All of its issues.
    issues_href: String,
    closed: Vec<Closed>,
    changes: Vec<Change>,
}

/// As many as a page can bear.
struct Listed<T> {
    rows: Vec<T>,
    more: usize,
}

struct Container {
    name: Shown,
    place: Option<&'static str>,
    image: Shown,
    class: TagClass,
    matched: Option<Vec<Piece>>,
    /// As written, where that is not what counts.
    written: Option<Shown>,
    effective: &'static str,
}

struct Closed {
    href: String,
    rule: Shown,
    container: Shown,
    from: Moment,
    until: Moment,
    lasted: String,
}

struct Change {
    container: Shown,
    from: Shown,
    to: Shown,
    at: Moment,
}

/// What metrics call everything that is over the cap of series, and where no namespace is told, the namespace too. No
/// object has this name.
pub(super) const OTHER: &str = "_other";

pub(super) async fn workload(
    guest: Guest,
    name: Result<Path<(String, String, String)>, PathRejection>,
) -> Response {
    let (namespace, kind, name) = name.map(|Path(name)| name).unwrap_or_default();
    if kind == OTHER && name == OTHER {
        return Redirect::to(&all_that_fails(&namespace)).into_response();
    }
    let found = guest.view.workload(&(namespace.into(), kind.into(), name.into()));
    let Some(workload) = found else {
        return guest.not_found("There is no such judged workload, or you may not see its namespace.");
    };
    html(StatusCode::OK, &WorkloadPage::new(&guest.frame, workload, guest.view.now))
}

/// What a row of a dashboard stands for that sums up a namespace, or all.
fn all_that_fails(namespace: &str) -> String {
    let namespaces = if namespace == OTHER { Vec::new() } else { vec![namespace.into()] };
    Filter { namespaces, outcomes: vec![Outcome::Fail], ..Filter::default() }.address()
}

impl<'a> WorkloadPage<'a> {
    fn new(frame: &'a Frame, workload: &Workload, now: Timestamp) -> Self {
        let mut issues: Vec<_> = workload.issues.iter().collect();
        issues.sort_by_key(|issue| (issue.severity, issue.outcome));
        let (exempt, open): (Vec<_>, Vec<_>) = issues.into_iter().partition(|issue| issue.is_exempt());
        let row = |issue| IssueRow::new(Found { workload, issue }, now);
        let mut changes: Vec<_> = workload.image_changes.iter().collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        Self {
            frame,
            row: WorkloadRow::new(workload, now),
            namespace_href: address("/namespaces", &[&workload.namespace]),
            reason: workload.reason.as_deref().map(Shown::line),
            containers: Listed::new(&workload.containers, Container::new),
            open: Listed::new(&open, |issue| row(issue)),
            exempt: Listed::new(&exempt, |issue| row(issue)),
            issues_href: Filter::of_workload(workload).address(),
            closed: workload
                .resolved()
                .into_iter()
                .map(|(interval, span)| Closed::new(workload, interval, span.0, now))
                .collect(),
            changes: changes.into_iter().map(|change| Change::new(change, now)).collect(),
        }
    }
}

impl<T> Listed<T> {
    fn new<'a, S>(all: &'a [S], row: impl Fn(&'a S) -> T) -> Self {
        Self { rows: all.iter().take(LISTED).map(row).collect(), more: all.len().saturating_sub(LISTED) }
    }
}

impl Container {
    fn new(container: &ContainerFacts) -> Self {
        let effective = container.effective_pull_policy.as_str();
        let written = container.pull_policy.as_ref().filter(|written| written.raw() != effective);
        Self {
            name: Shown::short(&container.name),
            place: place(container.container_type),
            image: Shown::long(&container.image),
            class: container.tag_class,
            matched: container.matched.as_ref().map(own_words),
            written: written.map(Shown::short),
            effective,
        }
    }
}

impl Closed {
    /// An interval that is part of a longer time, from the begin of that.
    fn new(workload: &Workload, interval: &Interval, from: Timestamp, now: Timestamp) -> Self {
        Self {
            href: interval_address(workload, interval),
            rule: Shown::short(&interval.rule),
            container: Shown::short(&interval.container),
            from: Moment::new(from, now),
            until: Moment::new(interval.until, now),
            lasted: span(seconds(from, interval.until)),
        }
    }
}

impl Change {
    fn new(change: &ImageChange, now: Timestamp) -> Self {
        Self {
            container: Shown::short(&change.container),
            from: Shown::short(&change.from),
            to: Shown::short(&change.to),
            at: Moment::new(change.at, now),
        }
    }
}
