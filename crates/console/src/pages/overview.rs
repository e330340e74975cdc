//! The start page: score, totals, and the worst namespaces and rules.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::issue::{Status, Tally};
use tagwatch_core::outcome::{Outcome, Severity};

use super::changed::{ChangesCard, What};
use super::rows::{NamespaceRow, RuleRow, ranked_namespaces};
use crate::auth::AuthenticatedRequest;
use crate::draw::{Bar, Donut, Share};
use crate::filter::Filter;
use crate::frame::Frame;
use crate::http::html;
use crate::text::{DisplayTime, HtmlText};
use crate::view::View;

const NAMESPACES: usize = 8;
/// Rules with a slice of their own.
const SLICES: usize = 7;
const SLICE_CLASSES: [&str; SLICES] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"];

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame,
    changes: ChangesCard,
    summary: Summary,
    donuts: [(&'static str, &'static str, Donut); 3],
    namespaces: Vec<NamespaceRow>,
    more_namespaces: usize,
    rules: Vec<RuleRow>,
    rules_off: usize,
}

struct Summary {
    score: Option<usize>,
    sound: usize,
    workloads: usize,
    containers: usize,
    findings: usize,
    violations: usize,
    warnings: usize,
    exempt: usize,
    statuses: Vec<(Status, usize, String)>,
    bar: Bar,
    evaluated: Option<DisplayTime>,
    policy: Option<HtmlText>,
    profile: &'static str,
    is_blind: bool,
}

pub(super) async fn overview(AuthenticatedRequest { view, frame }: AuthenticatedRequest) -> Response {
    let tally = view.tally();
    let (namespaces, most) = ranked_namespaces(&view);
    let rules = view.facts().rules.iter().map(|&state| RuleRow::new(state, &tally));
    let (mut rules, off): (Vec<_>, Vec<_>) = rules.partition(|row| row.is_on);
    rules.sort_by_key(|row| Reverse(row.workloads));
    let violations = violations(&tally);
    let page = OverviewPage {
        frame: &frame,
        changes: ChangesCard::new(&view),
        summary: Summary::new(&view, &tally),
        donuts: [
            ("Violations by severity", "violation", by_severity(&tally)),
            ("Rules in violation", "rule", of_rules(&rules, &violations)),
            ("Violations by rule", "violation", by_rule(&violations)),
        ],
        more_namespaces: namespaces.len().saturating_sub(NAMESPACES),
        namespaces: namespaces
            .into_iter()
            .take(NAMESPACES)
            .map(|(name, tally)| NamespaceRow::new(name, tally, most))
            .collect(),
        rules,
        rules_off: off.len(),
    };
    html(StatusCode::OK, &page)
}

impl Summary {
    fn new(view: &View, tally: &Tally) -> Self {
        let facts = view.facts();
        let count = |status: Status| (status, tally.of_status(status));
        let address = |status: Status| format!("/workloads?status={}", status.as_str());
        let statuses = Status::ALL.map(count);
        Self {
            score: tally.score(),
            sound: tally.sound(),
            workloads: tally.workloads(),
            containers: tally.containers,
            findings: tally.findings(),
            violations: tally.violations(),
            warnings: tally.of_outcome(Outcome::Warn),
            exempt: tally.of_outcome(Outcome::Skip),
            bar: Bar::new(statuses.map(|(status, count)| (status.as_str(), count)), tally.workloads()),
            statuses: statuses.into_iter().map(|(status, count)| (status, count, address(status))).collect(),
            evaluated: facts.evaluated.map(|time| DisplayTime::new(time, view.now)),
            policy: facts.policy.as_ref().map(HtmlText::short),
            profile: facts.profile,
            is_blind: view.is_blind(),
        }
    }
}

fn by_severity(tally: &Tally) -> Donut {
    let count = |severity: Severity| {
        tally.violated().filter(|(class, _)| class.severity == severity).map(|(_, count)| count).sum()
    };
    let share = |severity: Severity| Share {
        label: severity.as_str().to_owned(),
        class: severity.as_str(),
        icon: severity.as_str(),
        count: count(severity),
        href: Filter { severities: vec![severity], ..Filter::of_violations() }.address(),
    };
    Donut::new(Severity::ALL.map(share).into())
}

/// The violations of each rule.
fn violations(tally: &Tally) -> BTreeMap<&'static str, usize> {
    let mut violations = BTreeMap::new();
    for (class, count) in tally.violated() {
        *violations.entry(class.rule.id).or_default() += count;
    }
    violations
}

fn of_rules(rules: &[RuleRow], violations: &BTreeMap<&'static str, usize>) -> Donut {
    let found = rules.iter().filter(|row| row.findings > 0).map(|row| row.state.rule.id);
    let (violated, warned): (Vec<_>, Vec<_>) = found.partition(|rule| violations.contains_key(rule));
    let clean = rules.len() - violated.len() - warned.len();
    let in_violation = Share {
        label: "in violation".to_owned(),
        class: "violating",
        icon: "violating",
        count: violated.len(),
        href: Filter { rules: violated, ..Filter::of_violations() }.address(),
    };
    let with_warnings = Share {
        label: "with warnings alone".to_owned(),
        class: "medium",
        icon: "medium",
        count: warned.len(),
        href: Filter::of_rules(warned).address(),
    };
    let without = Share {
        label: "without a finding".to_owned(),
        class: "compliant",
        icon: "compliant",
        count: clean,
        href: "/rules?state=clean".to_owned(),
    };
    Donut::new(vec![in_violation, with_warnings, without])
}

fn by_rule(violations: &BTreeMap<&'static str, usize>) -> Donut {
    let mut rules: Vec<(&'static str, usize)> =
        violations.iter().map(|(rule, count)| (*rule, *count)).collect();
    rules.sort_by_key(|(_, count)| Reverse(*count));
    let (shown, rest) = rules.split_at(rules.len().min(SLICES));
    let address = |rules: Vec<&'static str>| Filter { rules, ..Filter::of_violations() }.address();
    let mut shares: Vec<Share> = shown
        .iter()
        .zip(SLICE_CLASSES)
        .map(|((rule, count), class)| Share {
            label: (*rule).to_owned(),
            class,
            icon: "square",
            count: *count,
            href: address(vec![rule]),
        })
        .collect();
    shares.push(Share {
        label: "other rules".to_owned(),
        class: "other",
        icon: "square",
        count: rest.iter().map(|(_, count)| count).sum(),
        href: address(rest.iter().map(|(rule, _)| *rule).collect()),
    });
    Donut::new(shares)
}
