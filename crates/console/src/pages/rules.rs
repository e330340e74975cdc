//! The table of rules, and the page of one.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::issue::Issue;
use tagwatch_core::policy::Profile;
use tagwatch_core::rules;
use tagwatch_core::text::UntrustedText;

use super::evidence::Evidence;
use super::rows::{RuleRow, Tab, WorkloadRow};
use crate::auth::AuthenticatedRequest;
use crate::filter::Filter;
use crate::frame::Frame;
use crate::http::{Problem, html};
use crate::snapshot::Workload;
use crate::text::{Block, blocks};
use crate::url::field;
use crate::view::View;

/// Workloads on the page of a rule.
const WORKLOADS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    All,
    Violated,
    Clean,
    Off,
}

impl State {
    const ALL: [(Self, &str, &str); 4] = [
        (Self::All, "All", "all"),
        (Self::Violated, "With findings", "violated"),
        (Self::Clean, "Without a finding", "clean"),
        (Self::Off, "Off", "off"),
    ];

    fn admits(self, row: &RuleRow) -> bool {
        match self {
            Self::All => true,
            Self::Violated => row.findings > 0,
            Self::Clean => row.is_on && row.findings == 0,
            Self::Off => !row.is_on,
        }
    }
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage<'a> {
    frame: &'a Frame,
    /// The tab, where it is not that of all rules.
    narrowed: Option<&'static str>,
    rows: Vec<RuleRow>,
    tabs: Vec<Tab>,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage<'a> {
    frame: &'a Frame,
    row: RuleRow,
    group: &'static str,
    why: Vec<Block>,
    fix: Vec<Block>,
    bad: Evidence,
    good: Evidence,
    profiles: Vec<&'static str>,
    rows: Vec<WorkloadRow>,
    more: usize,
    exempt_href: String,
}

pub(super) async fn rules(
    AuthenticatedRequest { view, frame }: AuthenticatedRequest,
    RawQuery(query): RawQuery,
) -> Response {
    let name = field(query.as_deref(), "state");
    let name = name.as_deref().unwrap_or("all");
    let Some(&(state, label, _)) = State::ALL.iter().find(|(_, _, known)| *known == name) else {
        let line = "state: expected all, violated, clean or off".to_owned();
        return frame.refuse(&Problem::bad_request(vec![line]));
    };
    let tally = view.tally();
    let rows: Vec<_> = view.facts().rules.iter().map(|&state| RuleRow::new(state, &tally)).collect();
    let tabs = State::ALL.map(|(tab, label, name)| Tab {
        label,
        href: format!("/rules?state={name}"),
        count: rows.iter().filter(|row| tab.admits(row)).count(),
        is_here: tab == state,
    });
    let narrowed = (state != State::All).then_some(label);
    let rows = rows.into_iter().filter(|row| state.admits(row)).collect();
    html(StatusCode::OK, &RulesPage { frame: &frame, narrowed, rows, tabs: tabs.into() })
}

pub(super) async fn rule(request: AuthenticatedRequest, id: Result<Path<String>, PathRejection>) -> Response {
    let AuthenticatedRequest { view, frame } = &request;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let Some(&state) = view.facts().rules.iter().find(|state| state.rule.id == id) else {
        let message =
            rules::closest(&id).map_or_else(String::new, |close| format!(" Did you mean {}?", close.id));
        return request.not_found(&format!("There is no such rule.{message}"));
    };
    let meta = state.rule;
    let violating = violating_workloads(view, meta.id);
    let rows = violating.iter().take(WORKLOADS);
    let snippet = |text: &str| Evidence::new(&UntrustedText::from(text), None);
    let page = RulePage {
        frame,
        row: RuleRow::new(state, &view.tally()),
        group: meta.group.as_str(),
        why: blocks(meta.why),
        fix: blocks(meta.fix),
        bad: snippet(meta.bad),
        good: snippet(meta.good),
        profiles: Profile::ALL
            .into_iter()
            .filter(|profile| profile.rules().is_enabled(meta.id))
            .map(Profile::as_str)
            .collect(),
        more: violating.len().saturating_sub(WORKLOADS),
        rows: rows
            .map(|workload| WorkloadRow::with_issues(workload, of_rule(workload, meta.id), view.now))
            .collect(),
        exempt_href: format!("{}&exempt=yes", Filter::of_rules(vec![meta.id]).address()),
    };
    html(StatusCode::OK, &page)
}

/// The workloads that violate a rule, oldest issue first.
fn violating_workloads<'a>(view: &'a View, rule: &'static str) -> Vec<&'a Workload> {
    let since = |workload| of_rule(workload, rule).map(|issue| issue.first_seen).min();
    let mut violating: Vec<_> =
        view.workloads().filter_map(|workload| Some((since(workload)?, workload))).collect();
    violating.sort_by_key(|(since, _)| *since);
    violating.into_iter().map(|(_, workload)| workload).collect()
}

fn of_rule<'a>(workload: &'a Workload, rule: &'static str) -> impl Iterator<Item = &'a Issue> {
    workload.open().filter(move |issue| issue.rule.id == rule)
}
