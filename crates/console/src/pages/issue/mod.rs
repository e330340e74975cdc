//! The page of one issue.

mod history;

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use tagwatch_core::issue::{Interval, Issue};

use super::evidence::Evidence;
use super::rows::{ContainerRow, WorkloadLink, container_type, issue_address, rule_address};
use crate::auth::AuthenticatedRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::record::ExemptionRecord;
use crate::remedy::{Remedy, remedies, why_none};
use crate::snapshot::{Workload, WorkloadIssue, evidence_line};
use crate::text::{Block, DisplayInterval, DisplayTime, HtmlText, Piece, blocks, message};
use crate::url::address;
use history::{EventKind, History};

#[derive(Template)]
#[template(path = "issue.html")]
struct IssuePage<'a> {
    frame: &'a Frame,
    issue: &'a Issue,
    group: &'static str,
    rule_href: String,
    workload: WorkloadLink,
    namespace_href: String,
    container: HtmlText,
    container_type: Option<&'static str>,
    since: DisplayTime,
    message: Vec<Piece>,
    why: Vec<Block>,
    evidence: Evidence,
    resolution: Vec<Piece>,
    remedies: Vec<Remedy>,
    /// Why there are no remedies.
    why_no_remedy: Option<&'static str>,
    history: History,
    image: Option<ContainerRow>,
    exemption: Option<Exemption>,
    /// Value of the annotation `tagwatch.dev/ignore` that would exempt the issue.
    annotation: HtmlText,
    json_href: String,
}

struct Exemption {
    reason: HtmlText,
    source: String,
    expires: Option<String>,
}

#[derive(Template)]
#[template(path = "resolved.html")]
struct ResolvedPage<'a> {
    frame: &'a Frame,
    rule: HtmlText,
    workload: WorkloadLink,
    container: HtmlText,
    interval: DisplayInterval,
    until: DisplayTime,
}

pub(super) async fn issue(
    request: AuthenticatedRequest,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let AuthenticatedRequest { view, frame } = &request;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if let Some(issue) = view.issue(&id) {
        return html(StatusCode::OK, &IssuePage::new(frame, issue, view.now));
    }
    // First, because an issue that continues with another result is not resolved. The redirect is temporary because the
    // result can change back.
    if let Some(successor) = view.successor(&id) {
        return Redirect::temporary(&issue_address(successor.issue.id)).into_response();
    }
    if let Some((workload, interval)) = view.resolved(&id) {
        return html(StatusCode::OK, &ResolvedPage::new(frame, workload, interval, view.now));
    }
    request.not_found(
        "There is no such issue: it was resolved too long ago, its workload is gone, or you may not see its namespace.",
    )
}

impl<'a> IssuePage<'a> {
    fn new(frame: &'a Frame, of_workload: WorkloadIssue<'a>, now: Timestamp) -> Self {
        let WorkloadIssue { workload, issue } = of_workload;
        Self {
            frame,
            issue,
            group: issue.rule.group.as_str(),
            rule_href: rule_address(issue.rule),
            workload: WorkloadLink::new(workload),
            namespace_href: address("/namespaces", &[&workload.namespace]),
            container: HtmlText::short(&issue.container),
            container_type: container_type(issue.container_type),
            since: DisplayTime::new(issue.first_seen, now),
            message: message(&issue.message),
            why: blocks(issue.rule.why),
            evidence: Evidence::new(&issue.evidence, Some(evidence_line(issue))),
            resolution: message(&issue.resolution),
            remedies: remedies(workload, issue),
            why_no_remedy: why_none(workload, issue),
            history: History::new(of_workload, now),
            image: workload.container(issue).map(ContainerRow::new),
            exemption: issue.exemption.as_ref().map(|exemption| {
                let ExemptionRecord { reason, source, expires } = ExemptionRecord::new(exemption);
                Exemption { reason: HtmlText::long(&reason.into()), source, expires }
            }),
            annotation: HtmlText::line(&format!("{}/{}", issue.container.raw(), issue.rule.id)),
            json_href: format!("/api/v1{}", issue_address(issue.id)),
        }
    }
}

impl<'a> ResolvedPage<'a> {
    fn new(frame: &'a Frame, workload: &Workload, closed: &Interval, now: Timestamp) -> Self {
        Self {
            frame,
            rule: HtmlText::short(&closed.rule),
            workload: WorkloadLink::new(workload),
            container: HtmlText::short(&closed.container),
            interval: DisplayInterval::new(closed.from, Some(closed.until), now),
            until: DisplayTime::new(closed.until, now),
        }
    }
}
