//! What can be missing among changes.

use jiff::Timestamp;
use tagwatch_k8s::report::MAX_HISTORY;

use crate::filter::ChangeFilter;
use crate::snapshot::{ChangedWorkload, Workload};
use crate::view::View;

/// What is known of the past, and what is not. Every count of changes is exact within this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Knowledge {
    /// When tagwatch first looked at the cluster; `None` before that.
    pub(crate) since: Option<Timestamp>,
    /// When this process started: workloads that were deleted earlier are not known.
    pub(crate) started: Option<Timestamp>,
    /// Workloads whose reports may have dropped changes of this time.
    pub(crate) cut: usize,
    /// Workloads that were deleted until then may be forgotten.
    pub(crate) forgotten: Option<Timestamp>,
}

impl Knowledge {
    /// Of the time of a filter, for the workloads that it admits.
    pub(crate) fn new(view: &View, filter: &ChangeFilter) -> Self {
        let from = filter.start(view.now);
        let admits = |workload| filter.admits_workload(ChangedWorkload::Checked(workload));
        let cut = view.workloads().filter(|workload| admits(workload) && is_cut(workload, from));
        Self {
            since: view.known_since(),
            started: view.facts().departures.since,
            cut: cut.count(),
            forgotten: view.forgotten().filter(|forgotten| *forgotten >= from),
        }
    }

    /// Whether the time begins before the first knowledge.
    pub(crate) fn begins_after(&self, from: Timestamp) -> bool {
        self.since.is_none_or(|since| since > from)
    }
}

/// Whether the report of a workload is full of changes after `from`, so that others of that time may have had no room.
fn is_cut(workload: &Workload, from: Timestamp) -> bool {
    let Workload { closed, image_changes, .. } = workload;
    is_full(closed.iter().map(|interval| interval.until), from)
        || is_full(image_changes.iter().map(|change| change.at), from)
}

fn is_full(mut times: impl ExactSizeIterator<Item = Timestamp>, from: Timestamp) -> bool {
    times.len() >= MAX_HISTORY && times.all(|at| at >= from)
}
