//! The table of workloads.

use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use form_urlencoded::Serializer;
use tagwatch_core::issue::{Status, Tally};
use tagwatch_core::text::UntrustedText;

use super::Frame;
use super::issues::{Field, Pages};
use super::rows::WorkloadRow;
use crate::filter::{Unknown, key, pairs};
use crate::http::{Guest, Problem, html};
use crate::snapshot::Workload;
use crate::view::View;

/// Which workloads are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WorkloadFilter {
    namespace: Option<UntrustedText>,
    status: Option<Status>,
    pub(crate) page: usize,
}

#[derive(Template)]
#[template(path = "workloads.html")]
struct WorkloadsPage<'a> {
    frame: &'a Frame,
    rows: Vec<WorkloadRow>,
    total: usize,
    namespaces: Field,
    tabs: Vec<Tab>,
    status: Option<&'static str>,
    pages: Pages,
}

/// A choice of workloads by their status.
struct Tab {
    label: &'static str,
    href: String,
    count: usize,
    is_here: bool,
}

pub(super) async fn workloads(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let filter = match WorkloadFilter::parse(query.as_deref(), Unknown::Ignored) {
        Ok(filter) => filter,
        Err(problems) => return frame.refuse(&Problem::bad_request(problems)),
    };
    let chosen = filter.chosen(&view);
    let pages = Pages::new(filter.page, chosen.len(), |page| filter.at_page(page).address());
    let named: Vec<UntrustedText> = filter.namespace.iter().cloned().collect();
    let page = WorkloadsPage {
        frame: &frame,
        rows: pages.of(&chosen).iter().map(|workload| WorkloadRow::new(workload, view.now)).collect(),
        total: chosen.len(),
        namespaces: Field::of_names(view.namespaces().map(|(name, _)| name), &named),
        tabs: filter.tabs(&view),
        status: filter.status.map(Status::as_str),
        pages,
    };
    html(StatusCode::OK, &page)
}

impl WorkloadFilter {
    pub(super) fn of_namespace(namespace: &UntrustedText) -> Self {
        Self { namespace: Some(key(namespace)), ..Self::default() }
    }

    /// Reads a query.
    ///
    /// # Errors
    /// Every field that is wrong, with what was expected.
    pub(crate) fn parse(query: Option<&str>, unknown: Unknown) -> Result<Self, Vec<String>> {
        let mut filter = Self::default();
        let mut problems = Vec::new();
        for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
            match &*name {
                "namespace" => filter.namespace = Some(UntrustedText::from(&*value)),
                "status" => match Status::ALL.into_iter().find(|status| status.as_str() == value) {
                    Some(status) => filter.status = Some(status),
                    None => {
                        problems.push("status: expected violating, error, exempt or compliant".to_owned());
                    }
                },
                "page" => match value.parse() {
                    Ok(page) => filter.page = page,
                    Err(_) => problems.push("page: expected a number".to_owned()),
                },
                _ if unknown == Unknown::Ignored => {}
                _ => problems.push("expected the fields namespace, status and page, and no other".to_owned()),
            }
        }
        if problems.is_empty() { Ok(filter) } else { Err(problems) }
    }

    /// The workloads that it admits, worst first.
    pub(crate) fn chosen<'a>(&self, view: &'a View) -> Vec<&'a Workload> {
        let admits = |workload: &&Workload| {
            self.namespace.as_ref().is_none_or(|namespace| key(&workload.namespace) == *namespace)
                && self.status.is_none_or(|status| workload.status == status)
        };
        let mut chosen: Vec<_> = view.workloads().filter(admits).collect();
        chosen.sort_by_key(|workload| workload.status);
        chosen
    }

    pub(crate) fn address(&self) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(namespace) = &self.namespace {
            query.append_pair("namespace", namespace.raw());
        }
        if let Some(status) = self.status {
            query.append_pair("status", status.as_str());
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/workloads".to_owned() } else { format!("/workloads?{query}") }
    }

    fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    fn tabs(&self, view: &View) -> Vec<Tab> {
        let mut tallies = view
            .namespaces()
            .filter(|(name, _)| self.namespace.as_ref().is_none_or(|namespace| key(name) == *namespace));
        let mut total = Tally::default();
        tallies.by_ref().for_each(|(_, tally)| total.merge(tally));
        let tab = |status: Option<Status>| Tab {
            label: status.map_or("all", Status::as_str),
            href: Self { status, page: 0, ..self.clone() }.address(),
            count: status.map_or(total.workloads(), |status| total.of_status(status)),
            is_here: self.status == status,
        };
        [None].into_iter().chain(Status::ALL.map(Some)).map(tab).collect()
    }
}
