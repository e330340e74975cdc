//! The issues before and after one, within the filter of the table that led to it.

use crate::filter::Filter;
use crate::pages::rows::issue_address;
use crate::snapshot::WorkloadIssue;
use crate::url::with_query;
use crate::view::View;

/// Where an issue is in a table.
pub(super) struct Neighbours {
    /// From 1.
    pub(super) position: usize,
    pub(super) total: usize,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    /// The table.
    pub(super) table: String,
    /// Whether the table leaves anything out.
    pub(super) is_narrow: bool,
}

impl Neighbours {
    /// `None` where the filter does not admit the issue.
    pub(super) fn new(view: &View, filter: &Filter, issue: WorkloadIssue<'_>) -> Option<Self> {
        let filter = filter.at_page(0);
        let issues = filter.select(view.issues(), view.now);
        let at = issues.iter().position(|other| other.issue.id == issue.issue.id)?;
        let query = filter.query();
        let link = |at: usize| Some(with_query(&issue_address(issues.get(at)?.issue.id), &query));
        let page = at / filter.per_page.rows() + 1;
        Some(Self {
            position: at + 1,
            total: issues.len(),
            previous: at.checked_sub(1).and_then(link),
            next: link(at + 1),
            table: filter.at_page(page).address(),
            is_narrow: filter.is_narrow(),
        })
    }
}
