//! What changed in a time, for one caller, and how sure that is.

mod knowledge;
mod trend;

use jiff::{SignedDuration, Timestamp};

use crate::filter::ChangeFilter;
use crate::snapshot::{Change, ChangeKind, Event};
use crate::view::View;
pub(crate) use knowledge::Knowledge;
pub(crate) use trend::{DAYS, Day, DayCounts, trend};

/// How long the first look at a cluster takes at most. What is found until then was there before, as far as is known.
const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(15);

/// Most changes that are listed of one filter; all of them are counted.
pub(crate) const MAX_LISTED: usize = 1_000;

/// How many changes there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) opened: usize,
    pub(crate) resolved: usize,
    pub(crate) images: usize,
    /// Issues that were found when tagwatch first looked at the cluster: nobody knows when they began.
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

/// The first look at a cluster: when it began, and when it was over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstLook {
    until: Option<Timestamp>,
}

impl FirstLook {
    pub(crate) fn of(view: &View) -> Self {
        Self { until: view.known_since().and_then(|since| since.checked_add(FIRST_LOOK).ok()) }
    }

    /// Whether an issue was found then.
    pub(crate) fn found(self, change: &Change<'_>) -> bool {
        matches!(change.event, Event::Opened(_)) && self.until.is_some_and(|until| change.at <= until)
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
        let admits = |change: &Change<'_>| filter.admits_namespace(change.namespace());
        let (mut listed, counts) = changes_since(view, filter.start(view.now), admits);
        listed.retain(|change| filter.admits_kind(change));
        let total = listed.len();
        listed.truncate(MAX_LISTED);
        Self { listed, total, counts }
    }
}
