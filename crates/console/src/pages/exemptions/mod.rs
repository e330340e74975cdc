//! The table of exemptions: those of the policy and those of annotations.

mod listed;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tagwatch_core::text::UntrustedText;

use super::rows::Tab;
use crate::filter::{ExemptionFilter, ExemptionState, Pagination};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::text::{HtmlText, Piece, message};
use listed::{ListedExemption, all};

#[derive(Template)]
#[template(path = "exemptions.html")]
struct ExemptionsPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    rows: Vec<Row>,
    total: usize,
    tabs: Vec<Tab>,
    pages: Pagination,
    /// Whether unused and expired exemptions of the policy are left out, as the caller sees some namespaces only.
    is_partial: bool,
}

struct Row {
    state: ExemptionState,
    source: HtmlText,
    /// The object that carries the annotation, or the issues that the policy exempts.
    href: Option<String>,
    reason: Option<HtmlText>,
    /// Why it exempts nothing.
    problem: Option<Vec<Piece>>,
    rules: HtmlText,
    issues: usize,
    expires: Option<Expiry>,
}

struct Expiry {
    day: Date,
    /// Such as `12 days left`.
    left: String,
}

pub(super) async fn exemptions(
    FilteredRequest { view, frame, filter }: FilteredRequest<ExemptionFilter>,
) -> Response {
    let all = all(&view);
    let tabs = tabs(&filter, &all);
    let mut admitted: Vec<&ListedExemption> =
        all.iter().filter(|exemption| filter.admits(exemption.state)).collect();
    // Within a state, what ends first is first; last, what does not end.
    admitted.sort_by_key(|exemption| (exemption.state, exemption.expires.is_none(), exemption.expires));
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, admitted.len(), address);
    let page = ExemptionsPage {
        frame: &frame,
        title: pages.title("Exemptions", filter.state.map(ExemptionState::words).into_iter()),
        rows: pages.rows(&admitted).iter().map(|exemption| Row::new(exemption, view.now)).collect(),
        total: admitted.len(),
        tabs,
        is_partial: !view.sees_all(),
        pages,
    };
    html(StatusCode::OK, &page)
}

fn tabs(filter: &ExemptionFilter, all: &[ListedExemption]) -> Vec<Tab> {
    let tab = |state: Option<ExemptionState>| Tab {
        label: state.map_or("all", ExemptionState::words),
        href: filter.with_state(state).address(),
        count: all.iter().filter(|one| state.is_none_or(|state| one.state == state)).count(),
        is_here: filter.state == state,
    };
    [None].into_iter().chain(ExemptionState::ALL.map(Some)).map(tab).collect()
}

impl Row {
    fn new(exemption: &ListedExemption, now: Timestamp) -> Self {
        let ListedExemption { state, source, href, reason, problem, rules, issues, expires } = exemption;
        Self {
            state: *state,
            source: HtmlText::long(source),
            href: href.clone(),
            reason: reason.as_ref().map(HtmlText::long),
            problem: problem.as_deref().map(|problem| message(&UntrustedText::from(problem))),
            rules: HtmlText::line(&rules.iter().copied().collect::<Vec<_>>().join(", ")),
            issues: *issues,
            expires: expires.map(|day| Expiry::new(day, now)),
        }
    }
}

impl Expiry {
    /// Exemptions apply until the end of their last day in UTC.
    fn new(day: Date, now: Timestamp) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let days = today.duration_until(day).as_hours() / 24;
        let left = match days {
            ..0 => "over".to_owned(),
            0 => "last day".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        };
        Self { day, left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_to_the_last_one() {
        let now: Timestamp = "2026-11-27T23:59:59Z".parse().unwrap();
        let left = |day: &str| Expiry::new(day.parse().unwrap(), now).left;
        let days = ["2026-11-26", "2026-11-27", "2026-11-28", "2027-01-31"].map(left);
        assert_eq!(days, ["over", "last day", "1 day left", "65 days left"]);
    }
}
