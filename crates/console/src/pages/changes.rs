//! The page of what changed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::changed::{ChangeRow, TrendCard, WINDOWS, What, label, notes};
use super::rows::Tab;
use super::select::{Select, team_select};
use crate::changes::{Knowledge, SelectedChanges, trend};
use crate::filter::{ChangeFilter, Pagination, Since};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::snapshot::ChangeKind;
use crate::text::{DisplayTime, HtmlText};

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    /// The time in words.
    window: String,
    from: DisplayTime,
    windows: Vec<WindowTab>,
    tabs: Vec<Tab>,
    namespaces: Select,
    teams: Option<Select>,
    severities: Select,
    rules: Select,
    text: HtmlText,
    per_page: Select,
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
    is_narrow: bool,
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
    let SelectedChanges { listed, total, counts } = SelectedChanges::new(&view, &filter);
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, listed.len(), address);
    let rules: Vec<&'static str> = view.facts().rules.iter().map(|state| state.rule.id).collect();
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
        title: title(&filter, &pages),
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
        teams: team_select(&view, &filter.teams),
        severities: Select::of_words(&Severity::ALL, &filter.severities, |severity| severity.as_str()),
        rules: Select::of_words(&rules, &filter.rules, |rule| rule),
        text: HtmlText::line(&filter.text),
        per_page: Select::of_rows(filter.per_page),
        since: HtmlText::line(&filter.since().to_query()),
        kinds: filter.kinds.iter().map(|kind| kind.as_str()).collect(),
        rows: pages.rows(&listed).iter().map(|change| ChangeRow::new(change, view.now)).collect(),
        total,
        unlisted: total - listed.len(),
        pages,
        trend: TrendCard::new(&trend(&view, &filter)),
        notes: notes(&Knowledge::new(&view, &filter), from, counts),
        is_blind: view.is_blind(),
        is_narrow: filter.is_narrow(),
    };
    html(StatusCode::OK, &page)
}

fn title(filter: &ChangeFilter, pages: &Pagination) -> HtmlText {
    let ChangeFilter { kinds, namespaces, teams, severities, rules, text, since: _, page: _, per_page: _ } =
        filter;
    let kinds = kinds.iter().map(|kind| kind.as_str());
    let names = namespaces.iter().chain(teams).map(UntrustedText::raw);
    let words = severities.iter().map(|severity| severity.as_str()).chain(rules.iter().copied());
    let text = (!text.is_empty()).then_some(text.as_str());
    pages.title(
        &format!("What changed in {}", filter.since().words()),
        kinds.chain(names).chain(words).chain(text),
    )
}
