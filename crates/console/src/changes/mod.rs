//! What changed in a time, for one caller, and how sure that is.

mod knowledge;
mod trend;

use jiff::{SignedDuration, Timestamp};

use crate::filter::ChangeFilter;
use crate::snapshot::{Change, ChangeKind, Event};
use crate::view::View;
pub(crate) use knowledge::Knowledge;
pub(crate) use trend::{DAYS, Day, DayCounts, trend};

/// How long the first look at a cluster takes at most, where another process took it: when that had checked everything is
/// in no report.
const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(15);

/// Most changes that are listed of one filter; all of them are counted.
pub(crate) const MAX_LISTED: usize = 1_000;

/// How many changes there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) opened: usize,
    pub(crate) resolved: usize,
    pub(crate) images: usize,
    /// Issues that were found when tagwatch first looked at the cluster: when they began is not known.
    pub(crate) first_look: usize,
}

impl Counts {
    pub(crate) fn of(self, kind: ChangeKind) -> usize {
        match kind {
            ChangeKind::Opened => self.opened,
            ChangeKind::Resolved => self.resolved,
            ChangeKind::Image => self.images,
        }
    }

    pub(crate) fn total(self) -> usize {
        self.opened + self.resolved + self.images
    }
}

/// The first look at a cluster: the check of everything that was there when tagwatch first started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstLook {
    /// When it began; `None` before that.
    since: Option<Timestamp>,
    /// When everything had been checked; `None` while that is under way.
    until: Option<Timestamp>,
}

impl FirstLook {
    pub(crate) fn of(view: &View) -> Self {
        let (since, facts) = (view.known_since(), view.facts());
        let is_of_this_process = since == facts.departures.since;
        let bound = since.and_then(|since| since.checked_add(FIRST_LOOK).ok());
        let until = match facts.first_evaluated {
            first if is_of_this_process => first,
            first => first.into_iter().chain(bound).min(),
        };
        Self { since, until }
    }

    /// Whether an issue was found then, and may be older. It is not where its workload was created later, or had been checked
    /// before without it.
    pub(crate) fn found(self, change: &Change<'_>) -> bool {
        let is_over = || self.until.is_some_and(|until| change.at > until);
        let is_newer = || change.workload.created().zip(self.since).is_some_and(|(at, since)| at > since);
        let is_opening = matches!(change.event, Event::Opened(_));
        is_opening && !is_over() && !is_newer() && !change.workload.was_checked_before(change.at)
    }
}

/// The changes from a time on, latest first, without what the first look found, and their counts.
pub(crate) fn changes_since(
    view: &View,
    from: Timestamp,
    admits: impl Fn(&Change<'_>) -> bool,
) -> (Vec<Change<'_>>, Counts) {
    let first_look = FirstLook::of(view);
    let mut counts = Counts::default();
    let mut changes = Vec::new();
    for change in view.changes().take_while(|change| change.at >= from).filter(|change| admits(change)) {
        if first_look.found(&change) {
            counts.first_look += 1;
            continue;
        }
        match ChangeKind::of(&change) {
            ChangeKind::Opened => counts.opened += 1,
            ChangeKind::Resolved => counts.resolved += 1,
            ChangeKind::Image => counts.images += 1,
        }
        changes.push(change);
    }
    (changes, counts)
}

/// What a filter admits of the changes.
pub(crate) struct SelectedChanges<'v> {
    /// Those that are listed, latest first.
    pub(crate) listed: Vec<Change<'v>>,
    pub(crate) total: usize,
    /// Of every kind, whichever the filter admits.
    pub(crate) counts: Counts,
}

impl<'v> SelectedChanges<'v> {
    pub(crate) fn new(view: &'v View, filter: &ChangeFilter) -> Self {
        let (mut listed, counts) =
            changes_since(view, filter.start(view.now), |change| filter.admits(change));
        listed.retain(|change| filter.admits_kind(change));
        let total = listed.len();
        listed.truncate(MAX_LISTED);
        Self { listed, total, counts }
    }
}
