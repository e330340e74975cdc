//! All rules, and one.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::issue::Issue;
use tagwatch_core::policy::Profile;
use tagwatch_core::rules;
use tagwatch_core::text::UntrustedText;

use super::Frame;
use super::issue::Evidence;
use super::rows::{RuleRow, WorkloadRow};
use crate::filter::{Filter, pairs};
use crate::http::{Guest, Problem, html};
use crate::snapshot::Workload;
use crate::text::{Block, blocks};
use crate::view::View;

/// Entities that the page of a rule lists.
const ENTITIES: usize = 50;

/// Which rules are listed.
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
        (Self::Violated, "In violation", "violated"),
        (Self::Clean, "Without a violation", "clean"),
        (Self::Off, "Off", "off"),
    ];

    fn admits(self, row: &RuleRow) -> bool {
        match self {
            Self::All => true,
            Self::Violated => row.violations > 0,
            Self::Clean => row.is_on && row.violations == 0,
            Self::Off => !row.is_on,
        }
    }
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage<'a> {
    frame: &'a Frame,
    rows: Vec<RuleRow>,
    tabs: Vec<Tab>,
}

/// A choice of rules.
struct Tab {
    label: &'static str,
    href: String,
    count: usize,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage<'a> {
    frame: &'a Frame,
    row: RuleRow,
    why: Vec<Block>,
    fix: Vec<Block>,
    bad: Evidence,
    good: Evidence,
    profiles: Vec<&'static str>,
    entities: Vec<WorkloadRow>,
    more: usize,
    exempt_href: String,
}

pub(super) async fn rules(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let written = pairs(query.as_deref()).find(|(name, _)| name == "state").map(|(_, value)| value);
    let written = written.as_deref().unwrap_or("all");
    let Some(&(state, ..)) = State::ALL.iter().find(|(_, _, name)| *name == written) else {
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
    let rows = rows.into_iter().filter(|row| state.admits(row)).collect();
    html(StatusCode::OK, &RulesPage { frame: &frame, rows, tabs: tabs.into() })
}

pub(super) async fn rule(guest: Guest, id: Result<Path<String>, PathRejection>) -> Response {
    let Guest { view, frame } = &guest;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let Some(&state) = view.facts().rules.iter().find(|state| state.rule.id == id) else {
        let message =
            rules::closest(&id).map_or_else(String::new, |close| format!(" Did you mean {}?", close.id));
        return guest.not_found(&format!("There is no such rule.{message}"));
    };
    let meta = state.rule;
    let violating = longest_first(view, meta.id);
    let entities = violating.iter().take(ENTITIES);
    let snippet = |text: &str| Evidence::new(&UntrustedText::from(text), None);
    let page = RulePage {
        frame,
        row: RuleRow::new(state, &view.tally()),
        why: blocks(meta.why),
        fix: blocks(meta.fix),
        bad: snippet(meta.bad),
        good: snippet(meta.good),
        profiles: Profile::ALL
            .into_iter()
            .filter(|profile| profile.rules().is_enabled(meta.id))
            .map(Profile::as_str)
            .collect(),
        more: violating.len().saturating_sub(ENTITIES),
        entities: entities
            .map(|workload| WorkloadRow::about(workload, of_rule(workload, meta.id), view.now))
            .collect(),
        exempt_href: format!("{}&exempt=yes", Filter::of_rule(meta.id).address()),
    };
    html(StatusCode::OK, &page)
}

/// The workloads that violate a rule.
fn longest_first<'a>(view: &'a View, rule: &'static str) -> Vec<&'a Workload> {
    let since = |workload| of_rule(workload, rule).map(|issue| issue.first_seen).min();
    let mut violating: Vec<_> =
        view.workloads().filter_map(|workload| Some((since(workload)?, workload))).collect();
    violating.sort_by_key(|(since, _)| *since);
    violating.into_iter().map(|(_, workload)| workload).collect()
}

fn of_rule<'a>(workload: &'a Workload, rule: &'static str) -> impl Iterator<Item = &'a Issue> {
    workload.open().filter(move |issue| issue.rule.id == rule)
}
