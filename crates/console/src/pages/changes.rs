//! The page of what changed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::text::UntrustedText;

use super::changed::{ChangeRow, TrendCard, WINDOWS, What, label, notes};
use super::rows::Tab;
use super::select::Select;
use crate::changes::{Knowledge, SelectedChanges, trend};
use crate::filter::{ChangeFilter, Pagination, PerPage, Since};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::snapshot::ChangeKind;
use crate::text::{DisplayTime, HtmlText};

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'a> {
    frame: &'a Frame,
    /// The time in words.
    window: String,
    from: DisplayTime,
    windows: Vec<WindowTab>,
    tabs: Vec<Tab>,
    namespaces: Select,
    since: HtmlText,
    kinds: Vec<&'static str>,
    rows: Vec<ChangeRow>,
    /// Changes of the filter.
    total: usize,
    /// Those that the pages do not list.
    unlisted: usize,
    pages: Pagination,
    trend: TrendCard,
    notes: Vec<String>,
    is_blind: bool,
}

/// A time to choose.
struct WindowTab {
    label: &'static str,
    href: String,
    is_here: bool,
}

pub(super) async fn changes(
    FilteredRequest { view, frame, filter }: FilteredRequest<ChangeFilter>,
) -> Response {
    let from = filter.start(view.now);
    let admits = |namespace: &UntrustedText| filter.admits_namespace(namespace);
    let SelectedChanges { listed, total, counts } = SelectedChanges::new(&view, &filter);
    let pages =
        Pagination::new(filter.page, PerPage::default(), listed.len(), |page| filter.at_page(page).address());
    let tab = |(label, kinds): (&'static str, Vec<ChangeKind>)| Tab {
        label,
        href: filter.with_kinds(&kinds).address(),
        count: kinds.first().map_or(counts.total(), |kind| counts.of(*kind)),
        is_here: filter.kinds == kinds,
    };
    let kinds = ChangeKind::ALL.map(|kind| (label(kind), vec![kind]));
    let windows = WINDOWS.into_iter().chain([(Since::Days(14), "14 days")]);
    let page = ChangesPage {
        frame: &frame,
        window: filter.since().words(),
        from: DisplayTime::new(from, view.now),
        windows: windows
            .map(|(since, label)| WindowTab {
                label,
                href: filter.with_since(since).address(),
                is_here: filter.since() == since,
            })
            .collect(),
        tabs: [("All", Vec::new())].into_iter().chain(kinds).map(tab).collect(),
        namespaces: Select::of_names(view.namespaces().map(|(name, _)| name), &filter.namespaces),
        since: HtmlText::line(&filter.since().to_query()),
        kinds: filter.kinds.iter().map(|kind| kind.as_str()).collect(),
        rows: pages.rows(&listed).iter().map(|change| ChangeRow::new(change, view.now)).collect(),
        total,
        unlisted: total - listed.len(),
        pages,
        trend: TrendCard::new(&trend(&view, admits)),
        notes: notes(&Knowledge::new(&view, from, admits), from, counts),
        is_blind: view.is_blind(),
    };
    html(StatusCode::OK, &page)
}
