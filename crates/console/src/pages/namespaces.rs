//! The table of namespaces, and the page of one.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::issue::Tally;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::absence::Missing;
use super::heading::Heading;
use super::owner::Owner;
use super::rows::{NamespaceRow, RuleRow, WorkloadRow, severities};
use super::select::{Select, team_select};
use crate::auth::AuthenticatedRequest;
use crate::filter::{
    Filter, ListedNamespace, NamespaceColumn, NamespaceFilter, OTHER, Pagination, Sort, WorkloadFilter,
};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::{Console, html};
use crate::text::HtmlText;
use crate::url::key;
use crate::view::View;

/// Workloads on the page of a namespace.
const WORKLOADS: usize = 50;

#[derive(Template)]
#[template(path = "namespaces.html")]
struct NamespacesPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    headings: Vec<Heading>,
    rows: Vec<NamespaceRow>,
    total: usize,
    teams: Option<Select>,
    text: HtmlText,
    per_page: Select,
    sort: Option<String>,
    pages: Pagination,
    is_narrow: bool,
    is_blind: bool,
}

#[derive(Template)]
#[template(path = "namespace.html")]
struct NamespacePage<'a> {
    frame: &'a Frame,
    name: HtmlText,
    owner: Owner,
    score: Option<usize>,
    sound: usize,
    total: usize,
    findings: usize,
    /// Severities that occur, with the number of issues and a link to them.
    severities: Vec<(Severity, usize, String)>,
    rules: Vec<RuleRow>,
    rows: Vec<WorkloadRow>,
    more: usize,
    workloads_href: String,
    issues_href: String,
}

pub(super) async fn namespaces(
    FilteredRequest { view, frame, filter }: FilteredRequest<NamespaceFilter>,
) -> Response {
    let listed = |(name, tally)| ListedNamespace {
        name,
        tally,
        team: view.workload_in(name).and_then(|workload| workload.team.as_ref()),
    };
    let namespaces = filter.select(view.namespaces().map(listed));
    let most = view.namespaces().map(|(_, tally)| tally.findings()).max().unwrap_or_default();
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, namespaces.len(), address);
    let rows = pages.rows(&namespaces).iter();
    let text = (!filter.text.is_empty()).then_some(filter.text.as_str());
    let page = NamespacesPage {
        frame: &frame,
        title: pages.title("Namespaces", filter.teams.iter().map(UntrustedText::raw).chain(text)),
        headings: headings(&filter),
        rows: rows.map(|listed| NamespaceRow::new(listed.name, listed.tally, most)).collect(),
        total: namespaces.len(),
        teams: team_select(&view, &filter.teams),
        text: HtmlText::line(&filter.text),
        per_page: Select::of_rows(filter.per_page),
        sort: (filter.sort != Sort::default()).then(|| filter.sort.to_query()),
        pages,
        is_narrow: filter.is_narrow(),
        is_blind: view.is_blind(),
    };
    html(StatusCode::OK, &page)
}

fn headings(filter: &NamespaceFilter) -> Vec<Heading> {
    let columns = [
        (NamespaceColumn::Name, "Namespace", ""),
        (NamespaceColumn::Findings, "Findings", ""),
        (NamespaceColumn::Workloads, "Workloads", "number"),
        (NamespaceColumn::Score, "Score", "number"),
    ];
    columns.map(|column| Heading::new(filter.sort, column, |sort| filter.sorted(sort).address())).into()
}

pub(super) async fn namespace(
    State(console): State<Arc<Console>>,
    request: AuthenticatedRequest,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = UntrustedText::from(name.map(|Path(name)| name).unwrap_or_default());
    if name.raw() == OTHER {
        return Redirect::to("/namespaces").into_response();
    }
    let AuthenticatedRequest { view, frame } = &request;
    let Some((name, tally)) = view.namespaces().find(|(known, _)| key(known) == name) else {
        let missing = Missing { namespace: name.raw(), workload: None };
        return missing.refuse(&request, &*console.source);
    };
    let mut workloads: Vec<_> = view.workloads().filter(|workload| workload.namespace == *name).collect();
    workloads.sort_by_key(|workload| (workload.status, Reverse(workload.open().count())));
    let of_severity = |severity| Filter::of_severity(severity).within(name).address();
    let page = NamespacePage {
        frame,
        name: HtmlText::short(name),
        owner: workloads.first().map(|workload| Owner::new(view, workload)).unwrap_or_default(),
        score: tally.score(),
        sound: tally.sound(),
        total: tally.workloads(),
        findings: tally.findings(),
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
    rules.retain(|row| row.workloads > 0 || row.exempt > 0);
    rules.sort_by_key(|row| Reverse(row.workloads));
    for row in &mut rules {
        row.issues_href = Filter::of_rules(vec![row.state.rule.id]).within(namespace).address();
    }
    rules
}
