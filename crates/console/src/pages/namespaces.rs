//! The table of namespaces, and the page of one.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::issue::Tally;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::rows::{NamespaceRow, RuleRow, WorkloadRow, ranked_namespaces, severities};
use super::workload::OTHER;
use crate::auth::AuthenticatedRequest;
use crate::filter::{Filter, Pagination, WorkloadFilter};
use crate::frame::Frame;
use crate::http::{Problem, html};
use crate::text::HtmlText;
use crate::url::{field, key};
use crate::view::View;

/// Workloads on the page of a namespace.
const WORKLOADS: usize = 50;

#[derive(Template)]
#[template(path = "namespaces.html")]
struct NamespacesPage<'a> {
    frame: &'a Frame,
    rows: Vec<NamespaceRow>,
    total: usize,
    pages: Pagination,
    is_blind: bool,
}

#[derive(Template)]
#[template(path = "namespace.html")]
struct NamespacePage<'a> {
    frame: &'a Frame,
    name: HtmlText,
    score: Option<usize>,
    sound: usize,
    total: usize,
    violations: usize,
    /// Severities that occur, with the number of issues and a link to them.
    severities: Vec<(Severity, usize, String)>,
    rules: Vec<RuleRow>,
    rows: Vec<WorkloadRow>,
    more: usize,
    workloads_href: String,
    issues_href: String,
}

pub(super) async fn namespaces(
    AuthenticatedRequest { view, frame }: AuthenticatedRequest,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(number) = field(query.as_deref(), "page").as_deref().unwrap_or("1").parse() else {
        return frame.refuse(&Problem::bad_request(vec!["page: expected a number".to_owned()]));
    };
    let (namespaces, most) = ranked_namespaces(&view);
    let pages = Pagination::new(number, namespaces.len(), |page| format!("/namespaces?page={page}"));
    let rows = pages.rows(&namespaces).iter();
    let page = NamespacesPage {
        frame: &frame,
        rows: rows.map(|(name, tally)| NamespaceRow::new(name, tally, most)).collect(),
        total: namespaces.len(),
        pages,
        is_blind: view.is_blind(),
    };
    html(StatusCode::OK, &page)
}

pub(super) async fn namespace(
    request: AuthenticatedRequest,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = UntrustedText::from(name.map(|Path(name)| name).unwrap_or_default());
    if name.raw() == OTHER {
        return Redirect::to("/namespaces").into_response();
    }
    let AuthenticatedRequest { view, frame } = &request;
    let Some((name, tally)) = view.namespaces().find(|(known, _)| key(known) == name) else {
        return request
            .not_found("There is no such namespace with a judged workload, or you may not see it.");
    };
    let mut workloads: Vec<_> = view.workloads().filter(|workload| workload.namespace == *name).collect();
    workloads.sort_by_key(|workload| (workload.status, Reverse(workload.open().count())));
    let of_severity = |severity| Filter::of_severity(severity).within(name).address();
    let page = NamespacePage {
        frame,
        name: HtmlText::short(name),
        score: tally.score(),
        sound: tally.sound(),
        total: tally.workloads(),
        violations: tally.violations(),
        severities: severities(|severity| tally.of_severity(severity))
            .into_iter()
            .map(|(severity, count)| (severity, count, of_severity(severity)))
            .collect(),
        rules: rules(view, name, tally),
        more: workloads.len().saturating_sub(WORKLOADS),
        rows: workloads.iter().take(WORKLOADS).map(|workload| WorkloadRow::new(workload, view.now)).collect(),
        workloads_href: WorkloadFilter::of_namespace(name).address(),
        issues_href: Filter::default().within(name).address(),
    };
    html(StatusCode::OK, &page)
}

/// The rules that found something in a namespace.
fn rules(view: &View, namespace: &UntrustedText, tally: &Tally) -> Vec<RuleRow> {
    let mut rules: Vec<_> = view.facts().rules.iter().map(|&state| RuleRow::new(state, tally)).collect();
    rules.retain(|row| row.entities > 0 || row.exempt > 0);
    rules.sort_by_key(|row| Reverse(row.entities));
    for row in &mut rules {
        row.issues_href = Filter::of_rules(vec![row.state.rule.id]).within(namespace).address();
    }
    rules
}
