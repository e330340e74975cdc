//! The table of workloads.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::issue::Status;
use tagwatch_core::text::UntrustedText;

use super::rows::{Tab, WorkloadRow};
use super::select::Select;
use crate::filter::{Pagination, WorkloadFilter};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::view::{View, total};

#[derive(Template)]
#[template(path = "workloads.html")]
struct WorkloadsPage<'a> {
    frame: &'a Frame,
    rows: Vec<WorkloadRow>,
    total: usize,
    namespaces: Select,
    tabs: Vec<Tab>,
    status: Option<&'static str>,
    pages: Pagination,
}

pub(super) async fn workloads(
    FilteredRequest { view, frame, filter }: FilteredRequest<WorkloadFilter>,
) -> Response {
    let workloads = filter.select(view.workloads());
    let pages = Pagination::new(filter.page, workloads.len(), |page| filter.at_page(page).address());
    let selected: Vec<UntrustedText> = filter.namespace.iter().cloned().collect();
    let page = WorkloadsPage {
        frame: &frame,
        rows: pages.rows(&workloads).iter().map(|workload| WorkloadRow::new(workload, view.now)).collect(),
        total: workloads.len(),
        namespaces: Select::of_names(view.namespaces().map(|(name, _)| name), &selected),
        tabs: tabs(&filter, &view),
        status: filter.status.map(Status::as_str),
        pages,
    };
    html(StatusCode::OK, &page)
}

/// One tab for all workloads and one for each status, with the counts of the filter's namespace.
fn tabs(filter: &WorkloadFilter, view: &View) -> Vec<Tab> {
    let namespaces = view.namespaces().filter(|(name, _)| filter.admits_namespace(name));
    let total = total(namespaces.map(|(_, tally)| tally));
    let tab = |status: Option<Status>| Tab {
        label: status.map_or("all", Status::as_str),
        href: filter.with_status(status).address(),
        count: status.map_or(total.workloads(), |status| total.of_status(status)),
        is_here: filter.status == status,
    };
    [None].into_iter().chain(Status::ALL.map(Some)).map(tab).collect()
}
