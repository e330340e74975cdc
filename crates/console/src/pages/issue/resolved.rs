//! The page of an issue that is over.

use std::cmp::Reverse;
use std::fmt::Write;

use askama::Template;
use jiff::Timestamp;
use tagwatch_core::issue::{Ending, Interval};
use tagwatch_core::outcome::Severity;
use tagwatch_core::rules::{self, RuleGroup};
use tagwatch_core::workload::ContainerType;

use super::title;
use crate::draw::Timeline;
use crate::frame::Frame;
use crate::pages::evidence::Evidence;
use crate::pages::owner::Owner;
use crate::pages::rows::{WorkloadLink, container_type, rule_address};
use crate::snapshot::Workload;
use crate::text::{
    Block, DisplayInterval, DisplayTime, HtmlText, ImageText, Piece, blocks, message, pieces, seconds, span,
};
use crate::url::address;
use crate::view::View;

const NO_PULL_POLICY: &str = "An older version of tagwatch wrote this history: it kept the image of a resolved issue, not its \
                              severity, its pull policy and what was wrong.";
const UNSET: &str = "No pull policy was written.";

#[derive(Template)]
#[template(path = "resolved.html")]
pub(super) struct ResolvedPage<'a> {
    frame: &'a Frame,
    title: HtmlText,
    heading: HtmlText,
    rule: HtmlText,
    /// `None` for a rule that this version does not know; nothing is said of it then.
    rule_href: Option<String>,
    /// Name of the rule's policy and its category.
    group: Option<(&'static str, &'static str)>,
    /// `None` where the report does not say.
    severity: Option<Severity>,
    /// What was wrong; empty where the report does not say.
    message: Vec<Piece>,
    summary: Vec<Piece>,
    why: Vec<Block>,
    fix: Vec<Block>,
    workload: WorkloadLink,
    namespace_href: String,
    owner: Owner,
    container: HtmlText,
    container_type: Option<&'static str>,
    evidence: Evidence,
    /// What the evidence does not show.
    evidence_note: Option<&'static str>,
    until: DisplayTime,
    /// All the times of the finding, latest first.
    intervals: Vec<DisplayInterval>,
    total: String,
    is_full: bool,
    line: Timeline,
    /// The image that the container had next, if that ended the issue.
    changed_to: Option<ImageText>,
    ending: Ending,
}

impl<'a> ResolvedPage<'a> {
    pub(super) fn new(frame: &'a Frame, view: &View, workload: &Workload, closed: &Interval) -> Self {
        let meta = rules::find(closed.rule.raw());
        let times = workload.times_like(closed);
        let mut changes = workload.image_changes.iter().filter(|change| {
            change.container == closed.container && change.from == closed.image && change.at == closed.until
        });
        let changed_to = changes.next().map(|change| ImageText::new(&change.to));
        let until = times.first().and_then(|(_, until)| *until).unwrap_or(closed.until);
        let last = workload.closed.iter().rfind(|other| other.is_like(closed) && other.until == until);
        let total = times.iter().map(|&(from, until)| seconds(from, until.unwrap_or(view.now))).sum();
        Self {
            frame,
            title: title::resolved(workload, closed),
            heading: title::resolved_heading(workload, closed),
            rule: HtmlText::short(&closed.rule),
            rule_href: meta.map(rule_address),
            group: meta.map(|meta| (meta.group.as_str(), meta.category)),
            severity: closed.severity,
            message: message(&closed.message),
            summary: meta.map(|meta| pieces(meta.summary)).unwrap_or_default(),
            why: meta.map(|meta| blocks(meta.why)).unwrap_or_default(),
            fix: meta.map(|meta| blocks(meta.fix)).unwrap_or_default(),
            workload: WorkloadLink::new(workload),
            namespace_href: address("/namespaces", &[&workload.namespace]),
            owner: Owner::new(view, workload),
            container: HtmlText::short(&closed.container),
            container_type: closed.container_type.and_then(container_type),
            evidence: evidence(closed),
            evidence_note: match &closed.pull_policy {
                None => Some(NO_PULL_POLICY),
                Some(_) if closed.written_pull_policy().is_none() => Some(UNSET),
                Some(_) => None,
            },
            until: DisplayTime::new(until, view.now),
            intervals: times
                .iter()
                .map(|&(from, until)| DisplayInterval::new(from, until, view.now))
                .collect(),
            total: span(total),
            is_full: workload.is_history_full,
            line: Timeline::new(&times, None, &marks(workload, closed, &times), view.now),
            changed_to,
            ending: last.unwrap_or(closed).ending,
        }
    }
}

/// What the report keeps of the place, as the manifest had it at last, with the value that the rule is about marked.
fn evidence(closed: &Interval) -> Evidence {
    let kind = closed.container_type.unwrap_or(ContainerType::Container);
    let (around, indent, of_image) = match kind {
        ContainerType::ImageVolume => ("  image:\n", "    ", 2),
        _ => ("", "  ", 1),
    };
    let (name, image) = (closed.container.yaml(), closed.image.yaml());
    let mut lines = format!("- name: {name}\n{around}{indent}{}: {image}\n", kind.image_field());
    let mut marked = of_image;
    if let Some(policy) = closed.written_pull_policy() {
        let _ = writeln!(lines, "{indent}{}: {}", kind.pull_policy_field(), policy.yaml());
        let meta = rules::find(closed.rule.raw());
        if meta.is_some_and(|meta| meta.group == RuleGroup::ImagePullPolicy) {
            marked = of_image + 1;
        }
    }
    Evidence::new(&lines.into(), Some(marked))
}

/// Changes of the container's image in these times.
fn marks(
    workload: &Workload,
    closed: &Interval,
    times: &[(Timestamp, Option<Timestamp>)],
) -> Vec<(Timestamp, &'static str)> {
    let mut marks: Vec<_> = workload
        .image_changes
        .iter()
        .filter(|change| change.container == closed.container)
        .filter(|change| {
            times
                .iter()
                .any(|(from, until)| *from <= change.at && until.is_none_or(|until| change.at <= until))
        })
        .map(|change| (change.at, "image"))
        .collect();
    marks.sort_by_key(|(at, _)| Reverse(*at));
    marks
}
