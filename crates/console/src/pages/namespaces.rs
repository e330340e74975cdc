//! All namespaces, and one.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::Frame;
use super::issues::Pages;
use super::rows::{NamespaceRow, RuleRow, WorkloadRow, severities};
use super::workload::OTHER;
use crate::filter::{Filter, key, pairs};
use crate::http::{Guest, Problem, html};
use crate::text::Shown;

/// Workloads that the page of a namespace lists.
const WORKLOADS: usize = 50;

#[derive(Template)]
#[template(path = "namespaces.html")]
struct NamespacesPage<'a> {
    frame: &'a Frame,
    rows: Vec<NamespaceRow>,
    total: usize,
    pages: Pages,
    is_blind: bool,
}

#[derive(Template)]
#[template(path = "namespace.html")]
struct NamespacePage<'a> {
    frame: &'a Frame,
    name: Shown,
    score: Option<usize>,
    sound: usize,
    total: usize,
    violations: usize,
    /// Severities that occur, with their issues.
    severities: Vec<(Severity, usize, String)>,
    rules: Vec<RuleRow>,
    rows: Vec<WorkloadRow>,
    more: usize,
    workloads_href: String,
    issues_href: String,
}

pub(super) async fn namespaces(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let written = pairs(query.as_deref()).find(|(name, _)| name == "page").map(|(_, value)| value);
    let Ok(number) = written.as_deref().unwrap_or("1").parse() else {
        return frame.refuse(&Problem::bad_request(vec!["page: expected a number".to_owned()]));
    };
    let mut namespaces: Vec<_> = view.namespaces().collect();
    namespaces.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.violations()));
    let most = namespaces.first().map_or(0, |(_, tally)| tally.violations());
    let pages = Pages::new(number, namespaces.len(), |page| format!("/namespaces?page={page}"));
    let rows = pages.of(&namespaces).iter();
    let page = NamespacesPage {
        frame: &frame,
        rows: rows.map(|(name, tally)| NamespaceRow::new(name, tally, most)).collect(),
        total: namespaces.len(),
        pages,
        is_blind: view.is_blind(),
    };
    html(StatusCode::OK, &page)
}

pub(super) async fn namespace(guest: Guest, name: Result<Path<String>, PathRejection>) -> Response {
    let name = UntrustedText::from(name.map(|Path(name)| name).unwrap_or_default());
    if name.raw() == OTHER {
        return Redirect::to("/namespaces").into_response();
    }
    let Guest { view, frame } = &guest;
    let Some((name, tally)) = view.namespaces().find(|(known, _)| key(known) == name) else {
        return guest.not_found("There is no such namespace with a judged workload, or you may not see it.");
    };
    let mut workloads: Vec<_> = view.workloads().filter(|workload| workload.namespace == *name).collect();
    workloads.sort_by_key(|workload| (workload.status, std::cmp::Reverse(workload.open().count())));
    let of_severity = |severity| Filter::of_severity(severity).within(name).address();
    let mut rules: Vec<_> = view.facts().rules.iter().map(|&state| RuleRow::new(state, tally)).collect();
    rules.retain(|row| row.entities > 0 || row.exempt > 0);
    rules.sort_by_key(|row| std::cmp::Reverse(row.entities));
    for row in &mut rules {
        row.issues_href = Filter::of_rule(row.state.rule.id).within(name).address();
    }
    let page = NamespacePage {
        frame,
        name: Shown::short(name),
        score: tally.score(),
        sound: tally.sound(),
        total: tally.workloads(),
        violations: tally.violations(),
        severities: severities(tally)
            .into_iter()
            .map(|(severity, count)| (severity, count, of_severity(severity)))
            .collect(),
        rules,
        more: workloads.len().saturating_sub(WORKLOADS),
        rows: workloads.iter().take(WORKLOADS).map(|workload| WorkloadRow::new(workload, view.now)).collect(),
        workloads_href: super::WorkloadFilter::of_namespace(name).address(),
        issues_href: Filter::default().within(name).address(),
    };
    html(StatusCode::OK, &page)
}
