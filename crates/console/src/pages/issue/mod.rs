//! The page of one issue.

mod history;
mod neighbours;
mod resolved;
mod title;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::issue::Issue;

use super::evidence::Evidence;
use super::owner::Owner;
use super::rows::{ContainerRow, WorkloadLink, container_type, issue_address, rule_address};
use crate::auth::AuthenticatedRequest;
use crate::files::{DEFAULT_DAYS, MAX_DAYS, MAX_REASON, file_address};
use crate::filter::{Filter, QueryFilter, UnknownFields};
use crate::frame::Frame;
use crate::http::html;
use crate::record::ExemptionRecord;
use crate::remedy::{Remedy, remedies, why_none};
use crate::snapshot::{WorkloadIssue, evidence_line};
use crate::text::{Block, DisplayTime, HtmlText, Piece, blocks, message};
use crate::url::{address, with_query};
use crate::view::View;
use history::{EventKind, History};
use neighbours::Neighbours;
use resolved::ResolvedPage;

#[derive(Template)]
#[template(path = "issue.html")]
struct IssuePage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    neighbours: Option<Neighbours>,
    owner: Owner,
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
    why_no_remedy: Option<&'static str>,
    history: History,
    image: Option<ContainerRow>,
    exemption: Option<Exemption>,
    /// Value of the annotation `tagwatch.dev/ignore` that would exempt the issue.
    annotation: HtmlText,
    json_href: String,
    files: Files,
}

/// Addresses of what can be copied.
struct Files {
    fix: String,
    patch: String,
    exemption: String,
    default_days: u16,
    max_days: u16,
    max_reason: usize,
}

struct Exemption {
    reason: HtmlText,
    source: String,
    expires: Option<String>,
}

pub(super) async fn issue(
    request: AuthenticatedRequest,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let AuthenticatedRequest { view, frame } = &request;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if let Some(issue) = view.issue(&id) {
        // Of the table that led here. An address that holds no valid filter still leads to the issue.
        let filter = Filter::parse(query.as_deref(), UnknownFields::Ignored).unwrap_or_default();
        return html(StatusCode::OK, &IssuePage::new(frame, view, &filter, issue));
    }
    // First, because an issue that continues with another result is not resolved. The redirect is temporary because the
    // result can change back.
    if let Some(successor) = view.successor(&id) {
        let address = issue_address(successor.issue.id);
        return Redirect::temporary(&with_query(&address, query.as_deref().unwrap_or_default()))
            .into_response();
    }
    if let Some((workload, interval)) = view.resolved(&id) {
        return html(StatusCode::OK, &ResolvedPage::new(frame, view, workload, interval));
    }
    request.not_found(
        "There is no such issue: it was resolved too long ago, its workload is gone, or you may not see its namespace.",
    )
}

impl<'a> IssuePage<'a> {
    fn new(frame: &'a Frame, view: &View, filter: &Filter, of_workload: WorkloadIssue<'a>) -> Self {
        let WorkloadIssue { workload, issue } = of_workload;
        let now = view.now;
        Self {
            frame,
            title: title::open(of_workload),
            neighbours: Neighbours::new(view, filter, of_workload),
            owner: Owner::new(view, workload),
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
            files: Files::new(issue),
        }
    }
}

impl Files {
    fn new(issue: &Issue) -> Self {
        let [fix, patch, exemption] =
            ["fix.sh", "patch.yaml", "exemption.yaml"].map(|name| file_address(issue.id, name));
        Self { fix, patch, exemption, default_days: DEFAULT_DAYS, max_days: MAX_DAYS, max_reason: MAX_REASON }
    }
}
