//! The table of workloads.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::issue::Status;
use tagwatch_core::text::UntrustedText;

use super::heading::Heading;
use super::rows::{Tab, WorkloadRow};
use super::select::{Select, team_select};
use crate::filter::{Pagination, Sort, WorkloadColumn, WorkloadFilter};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::text::HtmlText;
use crate::view::View;

#[derive(Template)]
#[template(path = "workloads.html")]
struct WorkloadsPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    headings: Vec<Heading>,
    rows: Vec<WorkloadRow>,
    total: usize,
    namespaces: Select,
    teams: Option<Select>,
    text: HtmlText,
    per_page: Select,
    sort: Option<String>,
    tabs: Vec<Tab>,
    status: Option<&'static str>,
    pages: Pagination,
}

pub(super) async fn workloads(
    FilteredRequest { view, frame, filter }: FilteredRequest<WorkloadFilter>,
) -> Response {
    let workloads = filter.select(view.workloads());
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, workloads.len(), address);
    let selected: Vec<UntrustedText> = filter.namespace.iter().cloned().collect();
    let page = WorkloadsPage {
        frame: &frame,
        title: title(&filter, &pages),
        headings: headings(&filter),
        rows: pages.rows(&workloads).iter().map(|workload| WorkloadRow::new(workload, view.now)).collect(),
        total: workloads.len(),
        namespaces: Select::of_names(view.namespaces().map(|(name, _)| name), &selected),
        teams: team_select(&view, &filter.teams),
        text: HtmlText::line(&filter.text),
        per_page: Select::of_rows(filter.per_page),
        sort: (filter.sort != Sort::default()).then(|| filter.sort.to_query()),
        tabs: tabs(&filter, &view),
        status: filter.status.map(Status::as_str),
        pages,
    };
    html(StatusCode::OK, &page)
}

fn title(filter: &WorkloadFilter, pages: &Pagination) -> HtmlText {
    let status = filter.status.map(Status::as_str);
    let names = filter.namespace.iter().chain(&filter.teams).map(UntrustedText::raw);
    let text = (!filter.text.is_empty()).then_some(filter.text.as_str());
    pages.title("Workloads", status.into_iter().chain(names).chain(text))
}

fn headings(filter: &WorkloadFilter) -> Vec<Heading> {
    let columns = [
        (WorkloadColumn::Name, "Workload", ""),
        (WorkloadColumn::Status, "Status", ""),
        (WorkloadColumn::Findings, "Findings", ""),
        (WorkloadColumn::Containers, "Containers", "number"),
        (WorkloadColumn::Age, "For", "number"),
    ];
    columns.map(|column| Heading::new(filter.sort, column, |sort| filter.sorted(sort).address())).into()
}

/// One tab for all workloads and one for each status, with the counts of the rest of the filter.
fn tabs(filter: &WorkloadFilter, view: &View) -> Vec<Tab> {
    let statuses: Vec<Status> =
        filter.select_unordered(view.workloads()).map(|workload| workload.status).collect();
    let tab = |status: Option<Status>| Tab {
        label: status.map_or("all", Status::as_str),
        href: filter.with_status(status).address(),
        count: statuses.iter().filter(|one| status.is_none_or(|status| **one == status)).count(),
        is_here: filter.status == status,
    };
    [None].into_iter().chain(Status::ALL.map(Some)).map(tab).collect()
}
