//! The page of one issue.

mod evidence;
mod history;

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::finding::{Outcome, Severity};
use tagwatch_core::issue::{Interval, Issue};

use super::Frame;
use super::rows::{issue_address, place, rule_address, workload_address};
use crate::filter::address;
use crate::http::{Guest, html};
use crate::record::ExemptionRecord;
use crate::remedy::{remedies, why_none};
use crate::snapshot::{ContainerFacts, Found, Workload, evidence_line};
use crate::text::{Block, Moment, Piece, Shown, blocks, own_words, pieces};
use crate::view::View;
pub(super) use evidence::Evidence;
use history::{History, What};

#[derive(Template)]
#[template(path = "issue.html")]
struct IssuePage<'a> {
    frame: &'a Frame,
    head: Head,
    issue: &'a Issue,
    message: Vec<Piece>,
    why: Vec<Block>,
    evidence: Evidence,
    resolution: Vec<Piece>,
    remedies: Vec<Way>,
    /// Why there are none.
    why_no_remedy: Option<&'static str>,
    history: History,
    container: Option<Facts>,
    exemption: Option<Exemption>,
    /// What `tagwatch.dev/ignore` would say.
    annotation: Shown,
}

/// What the page is headed by.
struct Head {
    severity: Severity,
    outcome: Outcome,
    rule: &'static str,
    rule_href: String,
    summary: Vec<Piece>,
    policy: &'static str,
    category: &'static str,
    kind: Shown,
    namespace: Shown,
    name: Shown,
    namespace_href: String,
    workload_href: String,
    container: Shown,
    place: Option<&'static str>,
    since: Moment,
    json_href: String,
}

/// The container's facts.
struct Facts {
    image: Shown,
    class: &'static str,
    matched: Option<Vec<Piece>>,
    written: Option<Shown>,
    effective: &'static str,
}

/// A remedy as it is shown.
struct Way {
    title: &'static str,
    note: Option<String>,
    patch: Shown,
    command: Option<Shown>,
}

/// What exempts the issue.
struct Exemption {
    reason: Shown,
    source: String,
    expires: Option<String>,
}

/// Where a link leads whose issue is over.
#[derive(Template)]
#[template(path = "resolved.html")]
struct ResolvedPage<'a> {
    frame: &'a Frame,
    rule: Shown,
    kind: Shown,
    namespace: Shown,
    name: Shown,
    container: Shown,
    workload_href: String,
    from: Moment,
    until: Moment,
    lasted: String,
}

pub(super) async fn issue(Guest { view, frame }: Guest, id: Result<Path<String>, PathRejection>) -> Response {
    let guest = Guest { view, frame };
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if let Some(found) = guest.view.issue(&id) {
        return html(StatusCode::OK, &IssuePage::new(&guest.frame, &guest.view, found));
    }
    // Before what is remembered: what goes on under another result is not over. For now only, as it can change back.
    if let Some(found) = guest.view.successor(&id) {
        return Redirect::temporary(&issue_address(found.issue)).into_response();
    }
    if let Some((workload, interval)) = guest.view.resolved(&id) {
        return html(StatusCode::OK, &ResolvedPage::new(&guest.frame, &guest.view, workload, interval));
    }
    guest.not_found(
        "There is no such issue: it was resolved too long ago, its workload is gone, or you may not see its namespace.",
    )
}

impl<'a> IssuePage<'a> {
    fn new(frame: &'a Frame, view: &View, found: Found<'a>) -> Self {
        let Found { workload, issue } = found;
        Self {
            frame,
            head: Head::new(found, view),
            issue,
            message: own_words(&issue.message),
            why: blocks(issue.rule.why),
            evidence: Evidence::new(&issue.evidence, Some(evidence_line(issue))),
            resolution: own_words(&issue.resolution),
            remedies: remedies(workload, issue)
                .into_iter()
                .map(|remedy| Way {
                    title: remedy.title,
                    note: remedy.note,
                    patch: Shown::code(&remedy.patch),
                    command: remedy.command.as_deref().map(Shown::code),
                })
                .collect(),
            why_no_remedy: why_none(workload, issue),
            history: History::new(found, view.now),
            container: workload.container(issue).map(Facts::new),
            exemption: issue.exemption.as_ref().map(|exemption| {
                let ExemptionRecord { reason, source, expires } = ExemptionRecord::new(exemption);
                Exemption { reason: Shown::long(&reason.into()), source, expires }
            }),
            annotation: Shown::line(&format!("{}/{}", issue.container.raw(), issue.rule.id)),
        }
    }
}

impl Head {
    fn new(Found { workload, issue }: Found<'_>, view: &View) -> Self {
        Self {
            severity: issue.severity,
            outcome: issue.outcome,
            rule: issue.rule.id,
            rule_href: rule_address(issue.rule),
            summary: pieces(issue.rule.summary),
            policy: issue.rule.policy.as_str(),
            category: issue.rule.category,
            kind: Shown::short(&workload.kind),
            namespace: Shown::short(&workload.namespace),
            name: Shown::short(&workload.name),
            namespace_href: address("/namespaces", &[&workload.namespace]),
            workload_href: workload_address(workload),
            container: Shown::short(&issue.container),
            place: place(issue.container_type),
            since: Moment::new(issue.first_seen, view.now),
            json_href: format!("/api/v1{}", issue_address(issue)),
        }
    }
}

impl Facts {
    fn new(container: &ContainerFacts) -> Self {
        Self {
            image: Shown::long(&container.image),
            class: container.tag_class.as_str(),
            matched: container.matched.as_ref().map(own_words),
            written: container.pull_policy.as_ref().map(Shown::short),
            effective: container.effective_pull_policy.as_str(),
        }
    }
}

impl<'a> ResolvedPage<'a> {
    fn new(frame: &'a Frame, view: &View, workload: &Workload, interval: &Interval) -> Self {
        Self {
            frame,
            rule: Shown::short(&interval.rule),
            kind: Shown::short(&workload.kind),
            namespace: Shown::short(&workload.namespace),
            name: Shown::short(&workload.name),
            container: Shown::short(&interval.container),
            workload_href: workload_address(workload),
            from: Moment::new(interval.from, view.now),
            until: Moment::new(interval.until, view.now),
            lasted: crate::text::span(crate::text::seconds(interval.from, interval.until)),
        }
    }
}
