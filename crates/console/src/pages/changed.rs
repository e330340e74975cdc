//! Changes as rows, and as the card of the overview.

use jiff::Timestamp;
use tagwatch_core::issue::Ending;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::rows::{interval_address, issue_address};
use crate::changes::{Counts, Day, DayCounts, Knowledge, changes_since, trend};
use crate::draw::Trend;
use crate::filter::{ChangeFilter, Since};
use crate::snapshot::{Change, ChangeKind, ChangedWorkload, Event, Finding};
use crate::text::{DisplayTime, HtmlText, ImageText};
use crate::url::address;
use crate::view::View;

/// Changes on the overview.
const LATEST: usize = 5;
/// The times of the overview, shortest first.
pub(super) const WINDOWS: [(Since, &str); 2] = [(Since::Hours(24), "24 hours"), (Since::Days(7), "7 days")];

/// One change, with links to what it happened to.
pub(super) struct ChangeRow {
    pub(super) at: DisplayTime,
    pub(super) kind: ChangeKind,
    pub(super) what: What,
    /// `None` once the workload is no longer checked: it has no page.
    pub(super) workload_href: Option<String>,
    pub(super) namespace: HtmlText,
    pub(super) workload_kind: HtmlText,
    pub(super) name: HtmlText,
    pub(super) container: HtmlText,
}

pub(super) enum What {
    Finding {
        rule: HtmlText,
        /// The page of the issue, where it has one.
        href: Option<String>,
        /// `None` where the report does not say.
        severity: Option<&'static str>,
        ending: Option<Ending>,
        image: ImageText,
    },
    Image {
        from: ImageText,
        to: ImageText,
    },
}

impl ChangeRow {
    pub(super) fn new(change: &Change<'_>, now: Timestamp) -> Self {
        let names = change.workload.names();
        let workload_href = match change.workload {
            ChangedWorkload::Checked(_) => Some(address("/workloads", &names)),
            ChangedWorkload::Departed(_) => None,
        };
        let [namespace, workload_kind, name] = names.map(HtmlText::short);
        let (container, what) = what(change);
        Self {
            at: DisplayTime::new(change.at, now),
            kind: ChangeKind::of(change),
            what,
            workload_href,
            namespace,
            workload_kind,
            name,
            container: HtmlText::short(container),
        }
    }
}

fn what<'a>(change: &Change<'a>) -> (&'a UntrustedText, What) {
    let closed = |closed: &'a tagwatch_core::issue::Interval, ending| {
        let href = match change.workload {
            ChangedWorkload::Checked(workload) => Some(interval_address(workload, closed)),
            ChangedWorkload::Departed(_) => None,
        };
        let severity = closed.severity.map(Severity::as_str);
        let (rule, image) = (HtmlText::short(&closed.rule), ImageText::new(&closed.image));
        (&closed.container, What::Finding { rule, href, severity, ending, image })
    };
    match change.event {
        Event::Opened(Finding::Over(interval)) => closed(interval, None),
        Event::Resolved(interval, ending) => closed(interval, Some(ending)),
        Event::Opened(Finding::Open(issue)) => {
            let finding = What::Finding {
                rule: HtmlText::line(issue.rule.id),
                href: Some(issue_address(issue.id)),
                severity: Some(issue.severity.as_str()),
                ending: None,
                image: ImageText::new(&issue.image),
            };
            (&issue.container, finding)
        }
        Event::Image(change) => {
            let (from, to) = (ImageText::new(&change.from), ImageText::new(&change.to));
            (&change.container, What::Image { from, to })
        }
    }
}

/// What changed lately, in short.
pub(super) struct ChangesCard {
    /// For each kind, its counts in [`WINDOWS`] with links.
    pub(super) rows: Vec<(&'static str, Vec<(usize, String)>)>,
    pub(super) latest: Vec<ChangeRow>,
    /// The last window in words, and its page.
    pub(super) window: &'static str,
    pub(super) all_href: String,
    pub(super) more: usize,
    pub(super) trend: TrendCard,
    pub(super) notes: Vec<String>,
}

impl ChangesCard {
    pub(super) fn new(view: &View) -> Self {
        let of_windows = WINDOWS
            .map(|(since, words)| (since, words, changes_since(view, since.start(view.now), |_| true)));
        let row = |kind: ChangeKind| {
            let cells = of_windows.iter().map(|(since, _, (_, counts))| {
                (counts.of(kind), ChangeFilter::of(*since, &[kind]).address())
            });
            (label(kind), cells.collect())
        };
        let rows = ChangeKind::ALL.map(row).into();
        let [_, (since, window, (changes, counts))] = of_windows;
        let filter = ChangeFilter::of(since, &[]);
        let knowledge = Knowledge::new(view, &filter);
        Self {
            rows,
            latest: changes.iter().take(LATEST).map(|change| ChangeRow::new(change, view.now)).collect(),
            window,
            all_href: filter.address(),
            more: counts.total().saturating_sub(LATEST),
            trend: TrendCard::new(&trend(view, &filter)),
            notes: notes(&knowledge, since.start(view.now), counts),
        }
    }
}

pub(super) fn label(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Opened => "Opened",
        ChangeKind::Resolved => "Resolved",
        ChangeKind::Image => "Images changed",
    }
}

/// The trend as a drawing and as a table.
pub(super) struct TrendCard {
    pub(super) drawing: Trend,
    /// The latest day first.
    pub(super) days: Vec<(String, Option<DayCounts>)>,
    /// What the drawing shows, in words.
    pub(super) words: String,
}

impl TrendCard {
    pub(super) fn new(days: &[Day]) -> Self {
        let known: Vec<&DayCounts> = days.iter().filter_map(|day| day.counts.as_ref()).collect();
        let sum = |count: fn(&DayCounts) -> usize| known.iter().map(|day| count(day)).sum::<usize>();
        let words = match (known.first(), known.last()) {
            (Some(first), Some(last)) => format!(
                "In the last {} days, {} opened and {} resolved. Open at the end of the first: {}. Open now: {}.",
                known.len(),
                sum(|day| day.opened),
                sum(|day| day.resolved),
                first.open,
                last.open
            ),
            _ => "No day is known yet.".to_owned(),
        };
        Self {
            drawing: Trend::new(days),
            days: days.iter().rev().map(|day| (day.date.to_string(), day.counts)).collect(),
            words,
        }
    }
}

/// What the counts of a time do not hold.
pub(super) fn notes(knowledge: &Knowledge, from: Timestamp, counts: Counts) -> Vec<String> {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let Knowledge { since, started, cut, forgotten } = *knowledge;
    let mut notes = Vec::new();
    if let Some(since) = since.filter(|_| knowledge.begins_after(from)) {
        notes.push(format!(
            "tagwatch first looked at this cluster at {}. Nothing before is known.",
            time(since)
        ));
    }
    if counts.first_look > 0 {
        notes.push(format!(
            "{} found at the first look, not counted as opened: when they began is not known.",
            many(counts.first_look, "issue")
        ));
    }
    if let Some(started) = started.filter(|started| *started > from) {
        notes.push(format!(
            "tagwatch was started at {}. Earlier history is from reports: workloads that were deleted before are not in it.",
            time(started)
        ));
    }
    if cut > 0 {
        notes.push(format!(
            "{} changed so often that older changes may be missing: a report keeps the last {}.",
            many(cut, "workload"),
            tagwatch_k8s::report::MAX_HISTORY
        ));
    }
    if let Some(forgotten) = forgotten {
        notes.push(format!(
            "So many workloads were deleted that some are forgotten: those until {} may be missing.",
            time(forgotten)
        ));
    }
    notes
}

/// A number with its noun.
fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
